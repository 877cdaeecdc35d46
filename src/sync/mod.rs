//! Locks, what becomes of them in a child of fork(2), and what must not be interrupted. For all rooms.

mod cell;
mod critical;
mod fork;
mod mutex;
mod race_lazy;
mod spin_mutex;

pub use cell::UnsafeCell;
pub use critical::{CriticalMutex, CriticalSection, NoCancel};
pub use fork::{ForkMutex, Process};
pub use mutex::{Mutex, MutexGuard};
pub use race_lazy::RaceLazy;
pub use spin_mutex::{SpinGuard, SpinMutex, pause};
