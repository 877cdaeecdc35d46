//! The machinery under the connections: the I/O threads, their timers, wake-ups, and the few
//! system calls that the crates lack.

mod blocking_pool;
pub(crate) mod descriptor;
mod descriptor_set;
mod event_descriptor;
mod events;
mod inbox;
pub(crate) mod interfaces;
mod ownership;
mod priority;
mod reactor;
mod reactor_handle;
mod scheduling;
mod signal;
mod sys;
mod waiter;
mod waiter_list;
mod wake_timer;

pub(crate) use blocking_pool::{BlockingPool, start_worker};
pub(crate) use descriptor_set::DescriptorSet;
pub(crate) use events::Readiness;
pub(crate) use inbox::InboxEntry;
pub(crate) use reactor::{EventHandler, Reactor, TimerId, TimerOutcome};
pub(crate) use reactor_handle::{
    ReactorGuard, ReactorHandle, Sends, ThreadSettings, Watch, start_thread,
};
pub(crate) use scheduling::Scheduling;
pub(crate) use signal::Signal;
use sys::with_signals_blocked;
pub(crate) use sys::{PollDescriptor, SocketSource, nanoseconds, poll_descriptors, uninterrupted};
pub(crate) use waiter::{
    PooledWaiter, WITHOUT_DESCRIPTOR, Waiter, WaiterList, WaiterPool, poll_fds, poll_fds_with_mask,
    sleep,
};
