//! Who uses the writing half of a connection: the thread that polls the reactor, or a caller that
//! sends. Neither waits for the other: a caller may be suspended in the middle of its call.

use super::write_half::WriteHalf;
use crate::sync::{Mutex, MutexGuard};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering};

/// Nobody uses it.
const FREE: u8 = 0;
/// A caller uses it, and may be suspended.
const CALLER: u8 = 1;
/// The thread that polls the reactor uses it.
const CLAIMED: u8 = 2;

/// The writing half, and who uses it.
pub(super) struct WriteAccess {
    user: AtomicU8,
    /// Never contended: the user alone locks it, and who makes the session before that begins.
    half: Mutex<WriteHalf>,
}

impl WriteAccess {
    pub(super) fn new() -> Self {
        Self { user: AtomicU8::new(FREE), half: Mutex::new(WriteHalf::default()) }
    }

    fn begin(&self, user: u8) -> bool {
        // It pairs with the Release of the user before: the half is as that left it. The value of a
        // failure is not used.
        self.user.compare_exchange(FREE, user, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The half for a caller, unless another thread uses it.
    pub(super) fn try_enter(&self) -> Option<CallerGuard<'_>> {
        self.begin(CALLER).then(|| CallerGuard { half: self.half.lock(), _use: Use(&self.user) })
    }

    /// Keeps callers away until the claim is dropped; `None` while one uses the half. For the thread
    /// that polls alone, which then locks it.
    pub(super) fn claim(&self) -> Option<Use<'_>> {
        self.begin(CLAIMED).then(|| Use(&self.user))
    }

    /// The half, for the thread that has the claim, or that made the session and has not begun it.
    pub(super) fn lock(&self) -> MutexGuard<'_, WriteHalf> {
        self.half.lock()
    }

    /// Whether a caller uses it now.
    pub(super) fn has_caller(&self) -> bool {
        // Relaxed: where it matters a fence comes before, see `Session::defer`.
        self.user.load(Ordering::Relaxed) == CALLER
    }
}

/// The right to use the half, until it is dropped.
pub(super) struct Use<'a>(&'a AtomicU8);

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.0.store(FREE, Ordering::Release);
    }
}

/// The half while a caller uses it.
pub(super) struct CallerGuard<'a> {
    // Released in this order.
    half: MutexGuard<'a, WriteHalf>,
    _use: Use<'a>,
}

impl Deref for CallerGuard<'_> {
    type Target = WriteHalf;

    fn deref(&self) -> &WriteHalf {
        &self.half
    }
}

impl DerefMut for CallerGuard<'_> {
    fn deref_mut(&mut self) -> &mut WriteHalf {
        &mut self.half
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_and_the_thread_that_polls_keep_each_other_out_without_a_wait() {
        let access = WriteAccess::new();
        let caller = access.try_enter();
        assert!(caller.is_some() && access.has_caller());
        assert!(access.claim().is_none() && access.try_enter().is_none());
        drop(caller);
        let claim = access.claim();
        assert!(claim.is_some() && access.try_enter().is_none() && !access.has_caller());
        drop(access.lock());
        drop(claim);
        assert!(access.try_enter().is_some());
    }
}
