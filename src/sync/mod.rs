//! Locks, what becomes of them in a child of fork(2), and what must not be interrupted. For all rooms.

mod cell;
mod critical;
mod fork;
mod mutex;
mod race_lazy;
mod spin_mutex;

pub(crate) use cell::UnsafeCell;
pub(crate) use critical::{CriticalMutex, CriticalSection, NoCancel};
pub(crate) use fork::{ForkMutex, Process};
pub(crate) use mutex::{Mutex, MutexGuard};
pub(crate) use race_lazy::RaceLazy;
pub(crate) use spin_mutex::{SpinGuard, SpinMutex, pause};
