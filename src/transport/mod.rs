//! Transports: endpoint strings, listeners and connectors, over TCP and local sockets.
//!
//! The contract that session code sees knows no transport:
//!
//! - [`Endpoint::for_bind`] and [`Endpoint::for_connect`] read a string.
//! - [`Listener::bind`] listens, [`Listener::accept`] takes one connection, [`Listener::endpoint`]
//!   is what ZMQ_LAST_ENDPOINT returns. Dropping the listener closes it and cleans up after it.
//! - [`Endpoint::unresolved_name`] is for [`Lookups`], [`Endpoint::targets`] are the addresses,
//!   [`Connecting::start`] begins one attempt, [`Connecting::poll_peer`] ends it once the descriptor
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
pub(crate) mod host_port;
mod ipc;
mod listener;
mod lookup;
mod options;
mod resolve;
pub(crate) mod socks;
mod stream;
mod tcp;

#[cfg(test)]
mod tests;

pub(crate) use bind_error::BindError;
pub(crate) use connect::{Connecting, Target};
pub(crate) use endpoint::{Endpoint, TcpEndpoint};
pub(crate) use filter::AddressFilter;
pub(crate) use listener::{AcceptError, Listener};
pub(crate) use lookup::{Answer, Lookups};
pub(crate) use options::TransportOptions;
pub(crate) use socks::Proxy;
pub(crate) use stream::Stream;
