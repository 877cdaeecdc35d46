//! How the system schedules a thread: whether it may do what other threads depend on.

#![allow(unsafe_code)]

use std::cell::Cell;

/// The class of a thread, and its place in it; greater runs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Priority {
    class: Class,
    /// Of a real-time class the priority, else the negative nice value.
    level: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Idle,
    Batch,
    Other,
    RealTime,
    Deadline,
}

/// What was read is believed for this long, in nanoseconds.
const BELIEVED: u64 = 100_000_000;

thread_local! {
    static KNOWN: Cell<Option<(Priority, u64)>> = const { Cell::new(None) };
}

impl Priority {
    /// That of the calling thread, as it is.
    pub(super) fn current() -> Self {
        const SCHED_DEADLINE: libc::c_int = 6;
        // SAFETY: system calls without pointers, about the calling thread.
        let policy = unsafe { libc::sched_getscheduler(0) } & !libc::SCHED_RESET_ON_FORK;
        let class = match policy {
            libc::SCHED_IDLE => Class::Idle,
            libc::SCHED_BATCH => Class::Batch,
            libc::SCHED_FIFO | libc::SCHED_RR => Class::RealTime,
            SCHED_DEADLINE => Class::Deadline,
            _ => Class::Other,
        };
        let level = if class >= Class::RealTime {
            let mut parameters = libc::sched_param { sched_priority: 0 };
            // SAFETY: the structure is writable.
            unsafe { libc::sched_getparam(0, &raw mut parameters) };
            parameters.sched_priority
        } else {
            // SAFETY: no pointers. It fails for no thread that runs; -1 is a nice value as well.
            -unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
        };
        Self { class, level }
    }

    /// That of the calling thread, as it was at most a tenth of a second before now: two system calls
    /// less.
    pub(super) fn lately(now: u64) -> Self {
        let known = KNOWN.get().filter(|(_, read)| now.saturating_sub(*read) < BELIEVED);
        known.map_or_else(
            || {
                let own = Self::current();
                KNOWN.set(Some((own, now)));
                own
            },
            |(own, _)| own,
        )
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::io::nanoseconds;

    #[test]
    fn a_nice_thread_and_one_of_an_idle_class_come_after_an_ordinary_one() {
        let ordinary = Priority::current();
        assert_eq!(ordinary, Priority::lately(nanoseconds()));
        std::thread::spawn(move || {
            // SAFETY: no pointers; makes this thread nicer, which anybody may.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
            assert!(Priority::current() < ordinary);
            let parameters = libc::sched_param { sched_priority: 0 };
            // SAFETY: the structure lives through the call.
            unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
            assert!(Priority::current() < ordinary);
        })
        .join()
        .unwrap();
    }
}
