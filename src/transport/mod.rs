//! Transports: endpoint strings, listeners and connectors, over TCP and local sockets.
//!
//! The contract that session code sees knows no transport:
//!
//! - [`Endpoint::for_bind`] and [`Endpoint::for_connect`] read a string.
//! - [`Listener::bind`] listens, [`Listener::accept`] takes one connection, [`Listener::endpoint`]
//!   is what ZMQ_LAST_ENDPOINT tells. Dropping the listener closes it and cleans up after it.
//! - [`Endpoint::unresolved_name`] is for [`Lookups`], [`Endpoint::targets`] are the addresses,
//!   [`Connecting::start`] begins one attempt, [`Connecting::finish`] ends it once the descriptor
//!   is writable.
//! - A [`Stream`] is a connection, ready to be read and written.
//!
//! Every descriptor is non-blocking and close-on-exec; the reactor registers it by `AsRawFd`.
//! inproc has no descriptors and is not here, but for its name.

#![forbid(unsafe_code)]

mod bind_error;
mod connect;
mod endpoint;
mod filter;
mod host_port;
mod ipc;
mod listener;
mod lookup;
mod options;
mod resolve;
mod socks;
mod stream;
mod tcp;

#[cfg(test)]
mod tests;

pub use bind_error::{BindError, system_number};
pub use connect::{Connecting, NotConnected, Target};
pub use endpoint::{Endpoint, IpcEndpoint, TcpEndpoint};
pub use filter::{AddressFilter, CredentialFilters};
pub use host_port::HostPort;
pub use listener::{AcceptError, Listener};
pub use lookup::{Answer, Lookups};
pub use options::{Keepalive, TransportOptions};
pub use socks::{Proxy, Socks5Error, Socks5Handshake};
pub use stream::Stream;
