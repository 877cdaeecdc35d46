//! What one thread uses at a time, and who that is: one atomic state, changed by
//! compare-and-swap. Nobody waits for it.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem;
use std::ops::{Deref, DerefMut};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering, fence};

/// Who uses the value, or sleeps until there is a reason to use it.
///
/// ```text
///              a caller waits              it sleeps
///     Unowned ----------------> Caller <---------------> CallerSleeps
///      |   ^                    |    ^                      |
///      |   '--------------------'    | takes over           | it does not come, or
///      |     it has its message      |                      | others need the value
///      |                             |                      |
///      '-------> IoThread <---> IoThreadSleeps              |
///       |          ^  ^  ^           | is woken             |
///     Ended        |  |  '---- IoThreadWoken                |
///                  |  '-------------------------------------'
///                  |                                        |
///                  '--------- IoThreadInspects <------------'
///                  there is work       '--> CallerSleeps: there is none
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Owner {
    /// Nobody uses it, and nobody sleeps on its descriptor.
    Unowned,
    /// Nobody uses it; a caller sleeps on its descriptor, or did when it died.
    CallerSleeps,
    /// Nobody uses it; the I/O thread sleeps on its descriptor, or is about to, and must be woken for
    /// what is scheduled.
    IoThreadSleeps,
    /// Nobody uses it; the I/O thread was woken, and is about to use it.
    IoThreadWoken,
    /// A caller uses it.
    Caller,
    /// The I/O thread uses it.
    IoThread,
    /// The I/O thread uses it in the place of a caller that sleeps, who gets it back where there is
    /// nothing to do.
    IoThreadInspects,
    /// The I/O thread has ended: nobody uses it any more.
    Ended,
}

impl Owner {
    const ALL: [Self; 8] = [
        Self::Unowned,
        Self::CallerSleeps,
        Self::IoThreadSleeps,
        Self::IoThreadWoken,
        Self::Caller,
        Self::IoThread,
        Self::IoThreadInspects,
        Self::Ended,
    ];

    /// Whether a thread uses the value now. It looks for what is scheduled before it lets go.
    pub(super) fn is_active(self) -> bool {
        matches!(self, Self::Caller | Self::IoThread | Self::IoThreadInspects | Self::Ended)
    }
}

/// A value with its owner.
pub(super) struct Owned<T> {
    owner: AtomicU8,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through an `OwnerGuard` alone, of which there is one at a time (see
// `acquire`), so threads hand it to each other and never share it.
unsafe impl<T: Send> Sync for Owned<T> {}

impl<T> Owned<T> {
    pub(super) fn new(value: T) -> Self {
        Self { owner: AtomicU8::new(Owner::Unowned as u8), value: UnsafeCell::new(value) }
    }

    /// Who owns it, as of now.
    pub(super) fn owner(&self) -> Owner {
        // SeqCst: read behind the fence of the thread that scheduled something, see `OwnerGuard::release`.
        Owner::ALL[usize::from(self.owner.load(Ordering::SeqCst)) % Owner::ALL.len()]
    }

    /// Makes the calling thread the owner, named `by`, if nobody is active and the state is `from`.
    pub(super) fn acquire(&self, from: Owner, by: Owner) -> Option<OwnerGuard<'_, T>> {
        debug_assert!(by.is_active() && !from.is_active());
        // It pairs with the Release in `release`: what the owner before did is seen. SeqCst, as a thread
        // that schedules something and finds `from` relies on the new owner to see it.
        let (from, by) = (from as u8, by as u8);
        self.owner.compare_exchange(from, by, Ordering::SeqCst, Ordering::Relaxed).ok()?;
        Some(OwnerGuard { owned: self })
    }

    /// Makes the calling thread, which slept on the descriptor, the owner again, if nobody took the value.
    pub(super) fn acquire_back(&self) -> Option<OwnerGuard<'_, T>> {
        // In this order: it may be woken between the two, but not fall asleep.
        self.acquire(Owner::IoThreadSleeps, Owner::IoThread)
            .or_else(|| self.acquire(Owner::IoThreadWoken, Owner::IoThread))
    }

    /// Says that the I/O thread, which sleeps, is woken: true for the one thread that has to do it.
    pub(super) fn begin_wake(&self) -> bool {
        let (from, to) = (Owner::IoThreadSleeps as u8, Owner::IoThreadWoken as u8);
        self.owner.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }
}

/// The right to use the value, until it is released.
pub(super) struct OwnerGuard<'a, T> {
    owned: &'a Owned<T>,
}

impl<T> OwnerGuard<'_, T> {
    /// Lets go. What this thread looks for after this call and does not find, the thread that
    /// puts it there finds nobody active for: it sees `to`.
    pub(super) fn release(self, to: Owner) {
        debug_assert!(!to.is_active());
        self.owned.owner.store(to as u8, Ordering::Release);
        mem::forget(self);
        // Pairs with the fence between scheduling something and asking for the owner.
        fence(Ordering::SeqCst);
    }
}

impl<T> OwnerGuard<'_, T> {
    /// Goes on under another name.
    pub(super) fn rename(&mut self, to: Owner) {
        debug_assert!(to.is_active());
        self.owned.owner.store(to as u8, Ordering::Release);
    }

    /// The value is not used any more. What this thread looks for after this call and does not find, the
    /// thread that puts it there finds `Ended` for.
    pub(super) fn end(self) {
        self.owned.owner.store(Owner::Ended as u8, Ordering::Release);
        mem::forget(self);
        // Pairs with the fence between scheduling something and asking for the owner.
        fence(Ordering::SeqCst);
    }
}

impl<T> Deref for OwnerGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: only the change from an inactive state to an active one makes a guard, and the
        // state stays active until that guard is gone: no other guard exists.
        unsafe { &*self.owned.value.get() }
    }
}

impl<T> DerefMut for OwnerGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; the guard is borrowed mutably.
        unsafe { &mut *self.owned.value.get() }
    }
}

impl<T> Drop for OwnerGuard<'_, T> {
    fn drop(&mut self) {
        self.owned.owner.store(Owner::Unowned as u8, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
