//! The machinery under the connections: the I/O threads, their timers, wake-ups, and the few
//! system calls that the crates lack.

mod alarm;
pub mod descriptor;
mod driver;
mod event_descriptor;
mod events;
mod inbox;
pub mod interfaces;
mod ownership;
mod priority;
mod reactor;
mod scheduling;
mod signal;
mod sys;
mod waiter;
mod workers;

pub use driver::{ReactorGuard, ReactorHandle, Sends, ThreadSettings, Watch, start_thread};
pub use event_descriptor::EventDescriptor;
pub use events::Readiness;
pub use inbox::InboxEntry;
pub use reactor::{Reactor, EventHandler, TimerOutcome};
pub use scheduling::Scheduling;
pub use signal::Signal;
use sys::with_signals_blocked;
pub use sys::{PollDescriptor, SocketSource, nanoseconds, poll_descriptors};
pub use waiter::{PooledWaiter, Waiter, WaiterList, WaiterPool, sleep, poll_fds};
pub use workers::{BlockingPool, start_worker};
