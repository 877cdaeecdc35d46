//! The machinery under the connections: the I/O threads, their timers, wake-ups, and the few
//! system calls that the crates lack.

pub mod descriptor;
pub mod interfaces;
mod reactor;
mod signal;
mod sys;
mod waiter;

pub use reactor::{Reactor, ReactorHandle, Readiness, Source, ThreadSettings, start_thread};
pub use signal::Signal;
pub use sys::with_signals_blocked;
pub use sys::{EventDescriptor, PollDescriptor, SocketSource, poll_descriptors};
pub use waiter::{PooledWaiter, Waiter, WaiterList, WaiterPool};
