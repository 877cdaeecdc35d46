//! What zmq.h declares under `ZMQ_BUILD_DRAFT_API` alone; the library has it always.
//!
//! Behaviour is that of libzmq 4.3.5 built with drafts: its manual pages, and what was observed there.

pub mod context;
pub mod message;
pub mod monitor;
pub mod poll;
pub mod poller;
pub mod socket;
