//! The machinery under the connections: the I/O threads, their timers, wake-ups, and the few
//! system calls that the crates lack.

mod blocking_pool;
pub mod descriptor;
mod event_descriptor;
mod events;
mod inbox;
pub mod interfaces;
mod ownership;
mod priority;
mod reactor;
mod reactor_handle;
mod scheduling;
mod signal;
mod sys;
mod waiter;
mod wake_timer;

pub use blocking_pool::{BlockingPool, start_worker};
pub use event_descriptor::EventDescriptor;
pub use events::Readiness;
pub use inbox::InboxEntry;
pub use reactor::{EventHandler, Reactor, TimerOutcome};
pub use reactor_handle::{ReactorGuard, ReactorHandle, Sends, ThreadSettings, Watch, start_thread};
pub use scheduling::Scheduling;
pub use signal::Signal;
use sys::with_signals_blocked;
pub use sys::{PollDescriptor, SocketSource, nanoseconds, poll_descriptors};
pub use waiter::{PooledWaiter, Waiter, WaiterList, WaiterPool, poll_fds, sleep};
