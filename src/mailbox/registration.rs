//! Sockets at a poller: which of them may have changed since it looked.
//!
//! A registration is queued at its poller, which looks at it in its next wait, or idle: then its socket
//! was not ready, and what happens to that queues it again. So a wait costs by what is ready, not by
//! what is registered.

use super::PollGroup;
use crate::error::Result;
use crate::io::Signal;
use crate::sync::{CriticalMutex, Process};
use crossbeam_queue::SegQueue;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::sync::{Arc, OnceLock};

/// The registrations that a poller has to look at, and its threads that sleep until there are some.
pub(crate) struct ReadyQueue {
    /// Changes when a registration is queued.
    pub group: Arc<PollGroup>,
    queued: SegQueue<Arc<Registration>>,
    /// The descriptor of zmq_poller_fd, once somebody asked for it.
    descriptor: OnceLock<Signal>,
}

/// A socket at a poller.
pub(crate) struct Registration {
    queue: Arc<ReadyQueue>,
    /// The poller's name for the socket.
    pub key: usize,
    /// It is queued at the poller, or looked at in each wait. Idle otherwise.
    is_queued: AtomicBool,
}

/// The registrations of a socket. Most have one at a time, at one poller: it is told without a lock.
pub(crate) struct Registrations {
    /// The first, for ever. It is used again when its poller adds the socket again.
    first: OnceLock<Arc<Registration>>,
    others: CriticalMutex<Vec<Arc<Registration>>>,
    /// Whether there are, or were, others.
    has_others: AtomicBool,
    /// How many are idle; wraps for a moment.
    idle: AtomicU32,
    process: Process,
}

impl Default for Registrations {
    fn default() -> Self {
        let (first, others) = (OnceLock::new(), CriticalMutex::default());
        let (has_others, idle) = (AtomicBool::new(false), AtomicU32::new(0));
        Self { first, others, has_others, idle, process: Process::current() }
    }
}

impl ReadyQueue {
    /// An empty one.
    pub(crate) fn new() -> Arc<Self> {
        let (queued, descriptor) = (SegQueue::new(), OnceLock::new());
        Arc::new(Self { group: PollGroup::new(), queued, descriptor })
    }

    /// Takes the next registration, which stays queued until [`Registrations::begin_look`].
    pub(crate) fn take(&self) -> Option<Arc<Registration>> {
        if self.queued.is_empty() {
            return None;
        }
        self.queued.pop()
    }

    /// The descriptor that is readable while a wait may find something.
    ///
    /// # Errors
    /// [`crate::error::Error::TooManyOpen`].
    pub(crate) fn descriptor(&self) -> Result<RawFd> {
        if let Some(descriptor) = self.descriptor.get() {
            return Ok(descriptor.as_raw_fd());
        }
        let made = Signal::new()?;
        let descriptor = self.descriptor.get_or_init(|| made);
        // For what was queued before there was a descriptor: a wait finds out.
        descriptor.raise();
        Ok(descriptor.as_raw_fd())
    }

    /// Makes the descriptor unreadable, before a look.
    pub(crate) fn clear_descriptor(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.clear();
        }
    }

    /// Makes the descriptor readable.
    pub(crate) fn raise_descriptor(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.raise();
        }
    }

    /// Has the next wait look at a registration that is queued already.
    fn push(&self, registration: Arc<Registration>) {
        self.queued.push(registration);
        self.group.notify();
        self.raise_descriptor();
    }
}

impl Registration {
    /// One that counts as queued, for who puts it there.
    fn new(queue: &Arc<ReadyQueue>, key: usize) -> Arc<Self> {
        Arc::new(Self { queue: queue.clone(), key, is_queued: AtomicBool::new(true) })
    }

    /// One that is queued, of a socket that will not tell.
    pub(crate) fn detached(queue: &Arc<ReadyQueue>, key: usize) -> Arc<Self> {
        let own = Self::new(queue, key);
        queue.push(own.clone());
        own
    }
}

impl Registrations {
    /// Adds one, queued, at a poller that has none of the socket.
    pub(crate) fn add(&self, queue: &Arc<ReadyQueue>, key: usize) -> Arc<Registration> {
        let first = self.first.get_or_init(|| Registration::new(queue, key));
        if Arc::ptr_eq(&first.queue, queue) {
            queue.push(first.clone());
            return first.clone();
        }
        let other = Registration::new(queue, key);
        self.others.lock().push(other.clone());
        self.has_others.store(true, Ordering::SeqCst);
        queue.push(other.clone());
        other
    }

    /// Removes one: it counts as queued from here on, and is told no more.
    pub(crate) fn remove(&self, registration: &Arc<Registration>) {
        self.queue(registration);
        if self.has_others.load(Ordering::Relaxed) {
            self.others.lock().retain(|own| !Arc::ptr_eq(own, registration));
        }
    }

    /// The registration is looked at: what happens from here on queues it again, or is seen by the look.
    pub(crate) fn begin_look(&self, registration: &Registration) {
        registration.is_queued.store(false, Ordering::SeqCst);
        self.idle.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence before `tell`: either who has news sees the count, or they are seen by
        // the look.
        fence(Ordering::SeqCst);
    }

    /// Makes an idle registration one that is queued; false if it was. Who is told so puts it into a queue.
    pub(crate) fn queue(&self, registration: &Registration) -> bool {
        let was_idle = !registration.is_queued.swap(true, Ordering::SeqCst);
        if was_idle {
            self.idle.fetch_sub(1, Ordering::SeqCst);
        }
        was_idle
    }

    /// Something happened to the socket: pollers that found nothing are to look again. After a
    /// sequentially consistent fence, or under the lock of the socket.
    #[inline(always)]
    pub(crate) fn tell(&self) {
        if self.idle.load(Ordering::Relaxed) != 0 {
            self.queue_idle();
        }
    }

    #[cold]
    fn queue_idle(&self) {
        let queue = |own: &Arc<Registration>| {
            if self.queue(own) {
                own.queue.push(own.clone());
            }
        };
        self.first.get().map(queue);
        // In a child of fork(2) another thread of its parent may have the lock.
        if self.has_others.load(Ordering::SeqCst) && self.process.is_current() {
            self.others.lock().iter().for_each(queue);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_happens_queues_an_idle_registration_once() {
        let (queue, registrations) = (ReadyQueue::new(), Registrations::default());
        let own = registrations.add(&queue, 7);
        assert_eq!(queue.take().map(|own| own.key), Some(7));
        // Still queued for who tells.
        registrations.tell();
        assert!(queue.take().is_none());
        registrations.begin_look(&own);
        let before = queue.group.generation();
        registrations.tell();
        registrations.tell();
        assert_eq!(queue.group.generation(), before + 1);
        assert!(queue.take().is_some() && queue.take().is_none());
    }

    #[test]
    fn one_that_was_removed_is_not_told() {
        let (queue, registrations) = (ReadyQueue::new(), Registrations::default());
        let second = ReadyQueue::new();
        let (one, other) = (registrations.add(&queue, 1), registrations.add(&second, 2));
        for (own, queue) in [(&one, &queue), (&other, &second)] {
            assert!(queue.take().is_some());
            registrations.begin_look(own);
        }
        for (removed, left) in [(&one, &second), (&other, &queue)] {
            registrations.remove(removed);
            registrations.tell();
            assert_eq!(left.take().is_some(), Arc::ptr_eq(left, &second));
        }
        assert!(queue.take().is_none() && second.take().is_none());
        assert_eq!(registrations.idle.load(Ordering::Relaxed), 0);
        // Added again, the first is told again.
        let again = registrations.add(&queue, 1);
        assert!(Arc::ptr_eq(&one, &again) && queue.take().is_some());
        registrations.begin_look(&again);
        registrations.tell();
        assert!(queue.take().is_some());
    }
}
