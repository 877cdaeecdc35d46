//! Who uses the writing half of a connection: the thread that polls the reactor, or a caller that
//! sends. Neither waits for the other: a caller may be suspended in the middle of its call.

use super::write_half::WriteHalf;
use crate::sync::{Mutex, MutexGuard};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering};

/// Who uses the half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum User {
    Nobody,
    /// A caller, which may be suspended.
    Caller,
    /// The thread that polls the reactor.
    Reactor,
}

/// The writing half, and who uses it.
pub(super) struct WriteAccess {
    user: AtomicU8,
    /// Never contended: the user alone locks it, or the thread that makes the session, before it begins.
    half: Mutex<WriteHalf>,
}

impl WriteAccess {
    pub(super) fn new() -> Self {
        Self { user: AtomicU8::new(User::Nobody as u8), half: Mutex::new(WriteHalf::default()) }
    }

    fn begin(&self, user: User) -> bool {
        // It pairs with the Release of the user before: the half is as that left it. The value of a
        // failure is not used.
        let (from, to) = (User::Nobody as u8, user as u8);
        self.user.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The half for a caller, unless another thread uses it.
    pub(super) fn try_enter(&self) -> Option<CallerGuard<'_>> {
        self.begin(User::Caller)
            .then(|| CallerGuard { half: self.half.lock(), _claim: WriteClaim(&self.user) })
    }

    /// Keeps callers away until the claim is dropped; `None` while one uses the half. For the thread
    /// that polls alone, which then locks it.
    pub(super) fn claim(&self) -> Option<WriteClaim<'_>> {
        self.begin(User::Reactor).then(|| WriteClaim(&self.user))
    }

    /// The half, for the thread that has the claim, or that made the session and has not begun it.
    pub(super) fn lock(&self) -> MutexGuard<'_, WriteHalf> {
        self.half.lock()
    }

    /// Whether a caller uses it now.
    pub(super) fn has_caller(&self) -> bool {
        // Relaxed: where it matters a fence comes before, see `Session::defer`.
        self.user.load(Ordering::Relaxed) == User::Caller as u8
    }
}

/// The right to use the half, until it is dropped.
pub(super) struct WriteClaim<'a>(&'a AtomicU8);

impl Drop for WriteClaim<'_> {
    fn drop(&mut self) {
        self.0.store(User::Nobody as u8, Ordering::Release);
    }
}

/// The half while a caller uses it.
pub(super) struct CallerGuard<'a> {
    // Released in this order.
    half: MutexGuard<'a, WriteHalf>,
    _claim: WriteClaim<'a>,
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
