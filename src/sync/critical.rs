//! Parts of a call in which its thread can be neither interrupted nor cancelled.
//!
//! A thread that holds what other threads need must not be stopped by a signal handler that blocks,
//! leave by a longjmp or pthread_exit out of one, or be cancelled in a system call. So while a caller
//! polls a reactor its signals are blocked and its cancellation is disabled, but for its sleeps: then
//! it holds nothing. A signal that comes meanwhile ends the next sleep with EINTR.

#![allow(unsafe_code)]

use super::{Mutex, MutexGuard, RaceLazy};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr;

thread_local! {
    /// The calling thread is in a critical section, and not asleep.
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
}

// pthread_setcancelstate(3), which the crate libc does not have for Linux.
unsafe extern "C" {
    fn pthread_setcancelstate(state: libc::c_int, before: *mut libc::c_int) -> libc::c_int;
}
const PTHREAD_CANCEL_DISABLE: libc::c_int = 1;

/// Disables the cancellation of the calling thread until it is dropped: for what makes system calls
/// with a lock held, and is too short to block signals for.
pub(crate) struct NoCancel(libc::c_int);

impl NoCancel {
    /// Begins it.
    pub(crate) fn enter() -> Self {
        let mut before = 0;
        // SAFETY: the state before is written; it fails only for a wrong first argument.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        Self(before)
    }

    /// Allows it, as far as it was allowed before, during a call.
    fn suspended<R>(&self, call: impl FnOnce() -> R) -> R {
        // SAFETY: a state that this thread had; the old one is not asked for.
        unsafe { pthread_setcancelstate(self.0, ptr::null_mut()) };
        let result = call();
        // SAFETY: as above.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, ptr::null_mut()) };
        result
    }
}

impl Drop for NoCancel {
    fn drop(&mut self) {
        // SAFETY: a state that this thread had; the old one is not asked for.
        unsafe { pthread_setcancelstate(self.0, ptr::null_mut()) };
    }
}

/// Signals that the thread itself causes: blocking them ends the process, and hides a fault.
const SYNCHRONOUS: [libc::c_int; 7] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTRAP,
];

/// All other signals.
static BLOCKED: RaceLazy<libc::sigset_t> = RaceLazy::new(|| {
    let mut blocked = MaybeUninit::uninit();
    // SAFETY: the set is filled before it is used.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in SYNCHRONOUS {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        blocked.assume_init()
    }
});

/// Blocks the signals of the calling thread, and disables its cancellation, until it is dropped. Inside
/// of another one it does nothing.
pub(crate) struct CriticalSection(Option<Outside>);

/// What the thread had before.
struct Outside {
    mask: libc::sigset_t,
    /// The mask of its sleeps.
    asleep: libc::sigset_t,
    no_cancel: NoCancel,
}

impl CriticalSection {
    /// Begins one.
    pub(crate) fn enter() -> Self {
        if ACTIVE.get() {
            return Self(None);
        }
        let mut mask = MaybeUninit::uninit();
        // SAFETY: the system writes the mask that the thread had before, and fails only for a wrong first
        // argument.
        let mask = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const *BLOCKED, mask.as_mut_ptr());
            mask.assume_init()
        };
        // Not before: a handler may leave by a longjmp, and takes the thread's state along.
        ACTIVE.set(true);
        Self(Some(Outside { mask, asleep: mask, no_cancel: NoCancel::enter() }))
    }

    /// Begins one whose sleeps have this signal mask, instead of the one of the thread.
    pub(crate) fn enter_with_mask(mask: &libc::sigset_t) -> Self {
        let mut section = Self::enter();
        if let Some(outside) = &mut section.0 {
            outside.asleep = *mask;
        }
        section
    }

    /// Makes the calling thread one that lives in a critical section: its signals are blocked already.
    pub(crate) fn enter_for_ever() {
        ACTIVE.set(true);
    }

    /// Calls something that sleeps, with the cancellation of the application, and with its signal mask
    /// as an argument (`None`: the mask is set): the thread may not come back from there.
    pub(crate) fn suspended<R>(&self, sleep: impl FnOnce(Option<&libc::sigset_t>) -> R) -> R {
        let Some(outside) = &self.0 else {
            return sleep(None);
        };
        ACTIVE.set(false);
        let outcome = outside.no_cancel.suspended(|| sleep(Some(&outside.asleep)));
        ACTIVE.set(true);
        outcome
    }
}

impl Drop for CriticalSection {
    fn drop(&mut self) {
        if let Some(Outside { mask, no_cancel, .. }) = self.0.take() {
            // The signals last: their handlers may leave by a longjmp.
            drop(no_cancel);
            ACTIVE.set(false);
            // SAFETY: the mask that the thread had; the old one is not asked for.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, ptr::null_mut());
            }
        }
    }
}

/// A lock of rare calls that the thread which polls takes as well: it is held in a critical section, so
/// that no caller is suspended with it.
#[derive(Debug, Default)]
pub(crate) struct CriticalMutex<T>(Mutex<T>);

impl<T> CriticalMutex<T> {
    /// A lock that nobody holds.
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Takes it.
    pub(crate) fn lock(&self) -> CriticalGuard<'_, T> {
        let section = CriticalSection::enter();
        CriticalGuard { guard: self.0.lock(), _section: section }
    }
}

/// What holds a [`CriticalMutex`].
pub(crate) struct CriticalGuard<'a, T> {
    // Dropped in this order: the lock is free before a signal handler may run.
    guard: MutexGuard<'a, T>,
    _section: CriticalSection,
}

impl<T> Deref for CriticalGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for CriticalGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The signals that the calling thread blocks.
    fn blocks(signal: libc::c_int) -> bool {
        let mut mask = MaybeUninit::uninit();
        // SAFETY: only reads the mask, into a set that is tested afterwards.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
            libc::sigismember(mask.as_ptr(), signal) == 1
        }
    }

    #[test]
    fn signals_are_blocked_while_the_lock_is_held() {
        let lock = CriticalMutex::new(1);
        let mut guard = lock.lock();
        *guard += 1;
        assert!(blocks(libc::SIGUSR1));
        drop(guard);
        assert!(!blocks(libc::SIGUSR1) && *lock.lock() == 2);
    }

    #[test]
    fn signals_are_blocked_until_the_outermost_section_ends() {
        assert!(!blocks(libc::SIGUSR1));
        let outer = CriticalSection::enter();
        assert!(blocks(libc::SIGUSR1) && !blocks(libc::SIGSEGV));
        drop(CriticalSection::enter());
        assert!(blocks(libc::SIGUSR1));
        drop(outer);
        assert!(!blocks(libc::SIGUSR1));
    }
}
