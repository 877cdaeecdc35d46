//! How a thread of the application sleeps until somebody has news for it.

use super::{EventDescriptor, PollDescriptor, poll_descriptors};
use crate::error::{Error, Result};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::time::Duration;

/// One sleeper. Each thread has one, made at its first wait and reused.
///
/// The sleep is poll(2) on a descriptor, not a futex: signal handlers must end it, and it can
/// include descriptors of the application.
#[derive(Debug)]
pub struct Waiter {
    event: EventDescriptor,
    /// The event is signalled, or about to be.
    notified: AtomicBool,
    /// The process that made it: a child of fork(2) must not share the descriptor.
    process: u32,
}

thread_local! {
    static OWN: RefCell<Option<Arc<Waiter>>> = const { RefCell::new(None) };
}

impl Waiter {
    /// The calling thread's waiter, without any notification from before.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`] when no descriptor can be had.
    pub fn of_this_thread() -> Result<Arc<Self>> {
        let process = std::process::id();
        OWN.try_with(|own| {
            let mut own = own.borrow_mut();
            if let Some(waiter) = own.as_ref().filter(|waiter| waiter.process == process) {
                waiter.clear();
                return Ok(waiter.clone());
            }
            let waiter = Arc::new(Self::new(process)?);
            *own = Some(waiter.clone());
            Ok(waiter)
        })
        // The thread is ending: a waiter for this one call.
        .unwrap_or_else(|_| Ok(Arc::new(Self::new(process)?)))
    }

    fn new(process: u32) -> Result<Self> {
        let event = EventDescriptor::new().map_err(|_| Error::TooManyOpen)?;
        Ok(Self { event, notified: AtomicBool::new(false), process })
    }

    fn clear(&self) {
        // Before the event is read: a notification in between signals it again.
        if self.notified.swap(false, Ordering::AcqRel) {
            self.event.clear();
        }
    }

    /// Ends the sleep, or the next one.
    pub fn notify(&self) {
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.event.signal();
        }
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
        descriptors.push(PollDescriptor::new(self.event.as_raw_fd(), libc::POLLIN));
        let outcome = poll_descriptors(descriptors, timeout);
        descriptors.pop();
        self.clear();
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
            self.waiters.lock().iter().for_each(|waiter| waiter.notify());
        }
    }
}
