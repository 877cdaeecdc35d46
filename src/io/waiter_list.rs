//! Threads that sleep until there is news, and how they are woken without waiting for a lock.

use std::sync::Arc;

#[cfg(not(loom))]
use crate::sync::Mutex;
#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
#[cfg(loom)]
use loom_tests::Mutex;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// Ends a sleep.
pub(crate) trait Wake {
    /// Ends the sleep of the thread that it is for, or its next one. Called without a lock.
    fn wake(&self);
}

/// Who waits for something: for a mailbox, or for the end of a context.
#[derive(Debug)]
pub(crate) struct WaiterList<W> {
    count: AtomicUsize,
    waiters: Mutex<Vec<Arc<W>>>,
    /// A notification found the list locked: the thread that holds the lock makes up for it. That one
    /// may be of low priority, and notifications come from threads that others depend on.
    missed: AtomicBool,
}

impl<W> Default for WaiterList<W> {
    fn default() -> Self {
        let (count, missed) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { count, waiters: Mutex::new(Vec::new()), missed }
    }
}

impl<W: Wake> WaiterList<W> {
    /// Adds a waiter. What the caller checks after this call and finds not there yet will be
    /// followed by a notification.
    pub(crate) fn add(&self, waiter: &Arc<W>) {
        self.waiters.lock().push(waiter.clone());
        self.count.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `notify`: either the notifier sees the count, or the waiter
        // sees what the notifier did before.
        fence(Ordering::SeqCst);
        self.make_up();
    }

    /// Removes a waiter.
    pub(crate) fn remove(&self, waiter: &Arc<W>) {
        let mut waiters = self.waiters.lock();
        if let Some(index) = waiters.iter().position(|own| Arc::ptr_eq(own, waiter)) {
            waiters.swap_remove(index);
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
        drop(waiters);
        fence(Ordering::SeqCst);
        self.make_up();
    }

    /// Wakes all waiters; costs a fence when there are none.
    #[inline]
    pub(crate) fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::Relaxed) > 0 {
            self.notify_all();
        }
    }

    fn notify_all(&self) {
        if !self.try_notify_all() {
            self.missed.store(true, Ordering::SeqCst);
            // Pairs with the fences behind each release of the lock: either the thread that had it
            // sees the flag, or we find it free.
            fence(Ordering::SeqCst);
            if self.try_notify_all() {
                self.make_up();
            }
        }
    }

    /// Wakes those that a notification wanted to wake while the list was locked. After a fence behind
    /// the release of the lock.
    fn make_up(&self) {
        if self.missed.load(Ordering::Relaxed) && self.missed.swap(false, Ordering::SeqCst) {
            self.notify_all();
        }
    }

    /// False if the list is locked. It is not while it wakes: a thread that wakes up removes itself at
    /// once.
    fn try_notify_all(&self) -> bool {
        let Some(waiters) = self.waiters.try_lock() else {
            return false;
        };
        let only = if let [only] = &waiters[..] { Some(only.clone()) } else { None };
        let all = if only.is_none() { waiters.clone() } else { Vec::new() };
        drop(waiters);
        only.iter().chain(&all).for_each(|waiter| waiter.wake());
        // The wake-ups made a system call, which is a fence as well.
        fence(Ordering::SeqCst);
        self.make_up();
        true
    }
}

#[cfg(loom)]
mod loom_tests;
