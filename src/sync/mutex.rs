//! The mutex for what threads may wait for.

#![allow(unsafe_code)]

use parking_lot::lock_api;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A mutex whose state is one word: threads wait in the kernel (futex(2)).
///
/// That of parking_lot has its waiting threads in a table of the process, under locks of its own; a
/// child of fork(2) inherits these as they are, held perhaps by a thread that it has not.
pub(crate) type Mutex<T> = lock_api::Mutex<RawFutexLock, T>;

/// What holds a [`Mutex`].
pub(crate) type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFutexLock, T>;

/// The lock of a [`Mutex`]: [`FREE`], [`HELD`] or [`AWAITED`].
#[derive(Debug)]
pub(crate) struct RawFutexLock(AtomicU32);

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and threads may sleep until it is free: one has to be woken.
const AWAITED: u32 = 2;

/// Checks before a sleep.
const LOOKS: u32 = 100;

// SAFETY: the thread that changes the word from `FREE` to another value holds the lock, until it
// stores `FREE` again. Acquire there pairs with the Release of `unlock`.
unsafe impl lock_api::RawMutex for RawFutexLock {
    const INIT: Self = Self(AtomicU32::new(FREE));

    type GuardMarker = lock_api::GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            self.wake();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }
}

impl RawFutexLock {
    #[cold]
    #[inline(never)]
    fn wait(&self) {
        use lock_api::RawMutex;
        self.look();
        if self.try_lock() {
            return;
        }
        // A thread that has slept does not know whether others sleep, and marks that they may.
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            self.sleep();
            self.look();
        }
    }

    /// Spins for a moment until it is free. Where others sleep that is no use.
    fn look(&self) {
        for _ in 0..LOOKS {
            if self.0.load(Ordering::Relaxed) != HELD {
                return;
            }
            std::hint::spin_loop();
        }
    }

    /// Sleeps until it is woken, if the word is [`AWAITED`]; or for no reason.
    fn sleep(&self) {
        let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        let no_limit = ptr::null::<libc::timespec>();
        // SAFETY: the word is readable, and there is no time.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), wait, AWAITED, no_limit) };
    }

    #[cold]
    #[inline(never)]
    fn wake(&self) {
        let wake = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: only the address is used, which another thread may have freed by now.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), wake, 1) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn one_thread_at_a_time_holds_it_and_all_come_to_their_turn() {
        let count = Mutex::new((0_u64, 0_u64));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..20_000 {
                        let mut both = count.lock();
                        both.0 += 1;
                        if turn % 100 == 0 {
                            // Others sleep meanwhile.
                            thread::yield_now();
                        }
                        both.1 += 1;
                        assert_eq!(both.0, both.1);
                    }
                });
            }
        });
        assert_eq!(*count.lock(), (80_000, 80_000));
        assert!(!count.is_locked());
    }

    #[test]
    fn all_who_sleep_are_woken_one_after_the_other() {
        let held = Mutex::new(0);
        let guard = held.lock();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| *held.lock() += 1);
            }
            assert!(held.try_lock().is_none());
            thread::sleep(Duration::from_millis(20));
            drop(guard);
        });
        assert_eq!(*held.lock(), 4);
    }
}
