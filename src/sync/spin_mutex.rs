//! A lock for what one thread uses at a time, and others by mistake or in turn.

#![allow(unsafe_code)]

use parking_lot::lock_api;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A mutex that is taken by one atomic operation and released by a plain store: a thread that waits
/// checks again and again, ever more rarely, and is not woken. For locks that are held for
/// moments and hardly ever found taken; half the cost of one that may have to wake a sleeper.
pub(crate) type SpinMutex<T> = lock_api::Mutex<RawCallLock, T>;

/// What holds a [`SpinMutex`].
pub(crate) type SpinGuard<'a, T> = lock_api::MutexGuard<'a, RawCallLock, T>;

/// The lock of a [`SpinMutex`].
#[derive(Debug)]
pub(crate) struct RawCallLock(AtomicBool);

/// Checks before the first sleep.
const LOOKS: u32 = 100;
/// The sleeps between checks: the first, and the longest.
const SHORTEST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_millis(1);

// SAFETY: between a `lock` (or a `try_lock` that returns true) and the `unlock` that follows it the
// flag is set, and only the thread that changes it from clear to set holds the lock. Acquire there
// pairs with the Release of `unlock`.
unsafe impl lock_api::RawMutex for RawCallLock {
    const INIT: Self = Self(AtomicBool::new(false));

    type GuardMarker = lock_api::GuardSend;

    #[inline(always)]
    fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    #[inline(always)]
    fn try_lock(&self) -> bool {
        self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline(always)]
    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }

    #[inline(always)]
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl RawCallLock {
    #[cold]
    #[inline(never)]
    fn wait(&self) {
        use lock_api::RawMutex;
        for _ in 0..LOOKS {
            std::hint::spin_loop();
            if !self.is_locked() && self.try_lock() {
                return;
            }
        }
        let mut sleep = SHORTEST;
        while self.is_locked() || !self.try_lock() {
            pause(sleep);
            sleep = (2 * sleep).min(LONGEST);
        }
    }
}

/// Sleeps for about this time. Where the system refuses (an allow-list of system calls), which the
/// standard library takes for impossible, another thread has its turn.
pub(crate) fn pause(time: Duration) {
    let time = libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos().into(),
    };
    // SAFETY: a readable time; what is left of it is not asked for.
    if unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) } != 0 {
        std::thread::yield_now();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time_holds_it() {
        let count = SpinMutex::new((0_u64, 0_u64));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let mut both = count.lock();
                        both.0 += 1;
                        std::hint::black_box(&mut both);
                        both.1 += 1;
                        assert_eq!(both.0, both.1);
                    }
                });
            }
        });
        assert_eq!(*count.lock(), (80_000, 80_000));
    }

    #[test]
    fn who_waits_long_gets_it_when_it_is_free() {
        let held = SpinMutex::new(false);
        let mut guard = held.lock();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| *held.lock());
            assert!(held.try_lock().is_none());
            std::thread::sleep(4 * LONGEST);
            *guard = true;
            drop(guard);
            assert!(waits.join().unwrap());
        });
    }
}
