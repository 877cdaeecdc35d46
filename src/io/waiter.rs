//! How a thread of the application sleeps until somebody has news for it.

use super::{PollDescriptor, Signal, poll_descriptors};
use crate::error::{Error, Result};
use parking_lot::Mutex;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::time::Duration;

/// One sleeper.
///
/// The sleep is poll(2) on a descriptor, not a futex: signal handlers must end it, and it can
/// include descriptors of the application.
#[derive(Debug)]
pub struct Waiter(Signal);

/// Waiters that rest until a thread sleeps. A context has one pool, so that nothing is left when
/// it is gone, and a child of fork(2) shares no descriptor with its parent.
#[derive(Debug, Default)]
pub struct WaiterPool(Mutex<Vec<Arc<Waiter>>>);

/// A waiter for one thread's sleep; goes back to its pool.
#[derive(Debug)]
pub struct PooledWaiter<'a> {
    pool: &'a WaiterPool,
    waiter: Arc<Waiter>,
}

impl WaiterPool {
    /// A waiter without any notification from before.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`] when no descriptor can be had.
    pub fn take(&self) -> Result<PooledWaiter<'_>> {
        let resting = self.0.lock().pop();
        let waiter = match resting {
            Some(waiter) => waiter,
            None => Arc::new(Waiter::new()?),
        };
        waiter.0.clear();
        Ok(PooledWaiter { pool: self, waiter })
    }
}

impl std::ops::Deref for PooledWaiter<'_> {
    type Target = Arc<Waiter>;

    fn deref(&self) -> &Arc<Waiter> {
        &self.waiter
    }
}

impl Drop for PooledWaiter<'_> {
    fn drop(&mut self) {
        self.pool.0.lock().push(self.waiter.clone());
    }
}

impl Waiter {
    fn new() -> Result<Self> {
        Signal::new().map(Self).map_err(|_| Error::TooManyOpen)
    }

    /// Ends the sleep, or the next one.
    pub fn notify(&self) {
        self.0.raise();
    }

    /// Sleeps until notified, until one of the descriptors is ready, or until the time is over.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when a signal handler ran.
    pub fn wait(
        &self,
        descriptors: &mut Vec<PollDescriptor>,
        timeout: Option<Duration>,
    ) -> Result<()> {
        descriptors.push(PollDescriptor::new(self.0.as_raw_fd(), libc::POLLIN));
        let outcome = poll_descriptors(descriptors, timeout);
        descriptors.pop();
        self.0.clear();
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::Interrupted),
            Err(error) => Err(Error::System(error.raw_os_error().unwrap_or(libc::EINVAL))),
        }
    }
}

/// Who waits for something: for a mailbox, or for the end of a context.
#[derive(Debug, Default)]
pub struct WaiterList {
    count: AtomicUsize,
    waiters: Mutex<Vec<Arc<Waiter>>>,
}

impl WaiterList {
    /// Adds a waiter. What the caller checks after this call and finds not there yet will be
    /// followed by a notification.
    pub fn add(&self, waiter: &Arc<Waiter>) {
        self.waiters.lock().push(waiter.clone());
        self.count.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `notify`: either the notifier sees the count, or the waiter
        // sees what the notifier did before.
        fence(Ordering::SeqCst);
    }

    /// Removes a waiter.
    pub fn remove(&self, waiter: &Arc<Waiter>) {
        let mut waiters = self.waiters.lock();
        if let Some(index) = waiters.iter().position(|own| Arc::ptr_eq(own, waiter)) {
            waiters.swap_remove(index);
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Wakes all waiters; costs a fence when there are none.
    #[inline]
    pub fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::Relaxed) > 0 {
            self.notify_all();
        }
    }

    /// The list is not locked while it wakes: who wakes up removes itself from it at once.
    fn notify_all(&self) {
        let waiters = self.waiters.lock();
        if let [only] = &waiters[..] {
            let only = only.clone();
            drop(waiters);
            return only.notify();
        }
        let all = waiters.clone();
        drop(waiters);
        all.iter().for_each(|waiter| waiter.notify());
    }
}
