//! A message engine that speaks ZMTP, with the C ABI of libzmq 4.3.
//!
//! C is the only user: what it sees is [`capi`], one function of `zmq.h` after the other, and all else is
//! private to the crate. Documentation of the private parts: `cargo doc --document-private-items`.
//!
//! From the outside in:
//!
//! - [`capi`] checks arguments and maps errors to errno numbers.
//! - [`context`] owns the I/O threads and the names of inproc; [`socket`] is what all socket types share,
//!   and [`mailbox`] how other threads reach a socket.
//! - [`pattern`] is what one socket type does with messages: whom it sends to, what it receives next.
//! - [`pipe`] carries messages between a socket and a [`session`], which joins the pipe to one connection.
//! - [`zmtp`] is the protocol without I/O, [`transport`] has endpoints and system sockets, [`io`] the reactor
//!   that calls sessions when descriptors are ready or timers are due.
//! - [`message`] is the 64-byte `zmq_msg_t` and what it refers to, [`memory`] where that comes from.
//!
//! ARCHITECTURE.md has the map of the rooms and what each may use, the threads, and the way of a
//! message through them; docs/glossary.md the words.

// The documentation is read with its private items: nobody uses the crate from Rust.
#![allow(rustdoc::private_intra_doc_links)]

pub(crate) mod backoff;
pub mod capi;
pub(crate) mod context;
pub(crate) mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
pub(crate) mod gssapi;
pub(crate) mod io;
pub(crate) mod mailbox;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod numbers;
pub(crate) mod options;
pub(crate) mod pattern;
pub(crate) mod pipe;
pub(crate) mod session;
pub(crate) mod socket;
pub(crate) mod sync;
pub(crate) mod transport;
pub(crate) mod utility;
pub(crate) mod zmtp;
