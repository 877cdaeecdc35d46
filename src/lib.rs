//! A message engine that speaks ZMTP, with the C ABI of libzmq 4.3.
//!
//! ARCHITECTURE.md has the map of the rooms and what each may use, the threads, and the way of a
//! message through them.

pub mod backoff;
pub mod capi;
pub mod context;
pub mod error;
pub mod gssapi;
pub mod io;
pub mod mailbox;
pub mod memory;
pub mod message;
pub mod options;
pub mod pattern;
pub mod pipe;
pub mod session;
pub mod socket;
pub mod sync;
pub mod transport;
pub mod utility;
pub mod zmtp;
