//! The C ABI: the functions of `zmq.h`, and nothing else that C sees.
//!
//! Each function checks its arguments, converts them, calls the engine and maps the error; there
//! is no logic here. One file per section of the header, which cbindgen generates from them: see
//! `SECTIONS` in `build.rs`, and `cbindgen.toml`.
//!
//! | file | section |
//! |---|---|
//! | `errno.rs` | error numbers, and the one place where an `Error` of the engine becomes one |
//! | `../numbers.rs` | the numbers of options, types, events and breaches of protocol, which the engine uses too |
//! | `handle.rs` | not a section: pointers of C become references here, results become answers |
//! | `identity.rs` | not a section: whose library this is |
//!
//! Behaviour stands in the manual page of each function, named in its documentation; where a page
//! is silent the function says that it was observed on libzmq (libzmq 4.3.4).

#![allow(unsafe_code, non_camel_case_types)]

mod handle;
mod identity;

pub use crate::numbers::*;

pub mod context;
pub mod counter;
pub mod draft;
pub mod encryption;
pub mod errno;
pub mod legacy;
pub mod message;
pub mod monitor;
pub mod poll;
pub mod proxy;
pub mod socket;
pub mod thread;
pub mod timers;
pub mod version;
