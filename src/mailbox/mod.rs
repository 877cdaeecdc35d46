//! What other threads tell a socket: its events, what zmq_poll knows of it, and how its calls spin.

#![forbid(unsafe_code)]

mod events;
mod generation;
mod pipe_event_sink;
mod ready_cache;
mod registration;
mod spin_policy;
mod wake_up;

pub(crate) use events::Events;
pub(crate) use pipe_event_sink::PipeEventSink;
pub(crate) use ready_cache::{PollGroup, ReadyCache};
pub(crate) use registration::{ReadyQueue, Registration, Registrations};
pub(crate) use spin_policy::{SpinPolicy, SpinStep};

use crate::error::Result;
use crate::io::{EventHandler, InboxEntry, ReactorHandle, Signal, WaiterList};
use crate::pattern::{PeerInfo, Pipe, PipeId};
use crate::sync::CriticalMutex;
use crossbeam_queue::SegQueue;
use generation::Generation;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock, Weak};

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// News for a socket.
pub(crate) enum Event {
    /// A new pipe.
    Attach(Box<(Pipe, Arc<PipeEventSink>)>),
    /// The peer of a pipe is known.
    Identified(PipeId, Box<PeerInfo>),
    /// A pipe waits for its next connection.
    Hiccuped(PipeId),
    /// A pipe has something to read.
    Readable(PipeId),
    /// A pipe takes messages again.
    Writable(PipeId),
    /// The peer of a pipe refused it: nobody will take what is sent.
    Refused(PipeId),
    /// The connection of a pipe is gone.
    WriteClosed(PipeId),
    /// Look again whether the context ends.
    Wake,
}

/// The queue of news, and who is to be woken by them.
pub(crate) struct Mailbox {
    /// The number of the socket, never used again.
    pub number: u64,
    /// A thread sleeps on the reactor for the socket. A call that finds this comes from another
    /// thread, or that one did not come back.
    pub has_sleeper: AtomicBool,
    events: SegQueue<Event>,
    /// How often events were taken, or a call changed what others wait for. Changed under the lock of
    /// the socket alone.
    generation: Generation,
    /// The socket is closed: nobody takes news any more.
    closed: AtomicBool,
    /// Threads that sleep until there are news.
    pub waiters: WaiterList,
    /// The descriptor of ZMQ_FD, once somebody asked for it.
    descriptor: OnceLock<Signal>,
    /// How calls on the socket wait.
    pub spin_policy: SpinPolicy,
    /// What polls rely on until there are news, and whom to tell then.
    ready_cache: &'static ReadyCache,
    poll_group: CriticalMutex<Option<Arc<PollGroup>>>,
    /// The number of this poll group; 0 without one.
    poll_group_number: AtomicU32,
    /// The pollers that have the socket.
    pub registrations: Registrations,
    /// What looks after the news of a socket that no application calls.
    handler: OnceLock<Handler>,
}

/// Who looks after the news of a socket that no application calls, and where.
struct Handler {
    reactor: Arc<ReactorHandle>,
    entry: InboxEntry,
    handler: Weak<dyn EventHandler>,
    /// Which news it is run for.
    concerns: fn(&Event) -> bool,
}

impl Mailbox {
    /// The mailbox of a socket with this ready cache.
    pub(crate) fn new(cache: &'static ReadyCache) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            has_sleeper: AtomicBool::new(false),
            events: SegQueue::new(),
            generation: Generation::default(),
            closed: AtomicBool::new(false),
            waiters: WaiterList::default(),
            descriptor: OnceLock::new(),
            spin_policy: SpinPolicy::default(),
            registrations: Registrations::default(),
            handler: OnceLock::new(),
            ready_cache: cache,
            poll_group: CriticalMutex::default(),
            poll_group_number: AtomicU32::new(0),
        }
    }

    /// Says who relies on the ready cache, before it does.
    pub(crate) fn set_poll_group(&self, group: &Arc<PollGroup>) {
        // Relaxed: changed under the lock of the socket alone.
        if self.poll_group_number.load(Ordering::Relaxed) != group.number {
            *self.poll_group.lock() = Some(group.clone());
            self.poll_group_number.store(group.number, Ordering::Relaxed);
        }
    }

    /// Has `handler` run on an I/O thread when there are such news, from the first ones on.
    pub(crate) fn set_handler(
        &self,
        reactor: Arc<ReactorHandle>,
        handler: Weak<dyn EventHandler>,
        concerns: fn(&Event) -> bool,
    ) {
        let _ =
            self.handler.set(Handler { reactor, entry: InboxEntry::default(), handler, concerns });
    }

    /// Changes when news were taken: a thread that waits beside the one that took them may find what it
    /// waits for without any.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// News are about to be taken, or a call changed what others wait for; under the lock of the socket.
    #[inline]
    pub(crate) fn begin_generation(&self) {
        self.generation.begin();
    }

    /// A call has changed what other threads wait for in the socket, without news: they look again.
    pub(crate) fn wake_waiters(&self) {
        self.begin_generation();
        self.waiters.notify();
    }

    /// Whether the socket was closed.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: with the events of its end.
        self.closed.load(Ordering::Acquire)
    }

    /// Takes the next news.
    #[inline]
    pub(crate) fn take(&self) -> Option<Event> {
        if self.events.is_empty() {
            return None;
        }
        self.events.pop()
    }

    /// Whether there are no news.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether there is something to take in: news, or a descriptor raised for some that were
    /// taken already.
    #[inline]
    pub(crate) fn has_pending(&self) -> bool {
        !self.is_empty() || self.descriptor.get().is_some_and(Signal::is_raised)
    }

    /// Makes the descriptor unreadable, before the news are taken.
    #[inline]
    pub(crate) fn clear_descriptor(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.clear();
        }
    }

    /// The descriptor that is readable while there are news.
    ///
    /// # Errors
    /// [`crate::error::Error::TooManyOpen`].
    pub(crate) fn descriptor(&self) -> Result<RawFd> {
        if let Some(descriptor) = self.descriptor.get() {
            return Ok(descriptor.as_raw_fd());
        }
        let made = Signal::new()?;
        let descriptor = self.descriptor.get_or_init(|| made);
        // News that came before there was a descriptor to signal.
        fence(Ordering::SeqCst);
        if !self.is_empty() {
            descriptor.raise();
        }
        Ok(descriptor.as_raw_fd())
    }
}

#[cfg(all(test, loom))]
mod loom_tests;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_closed_socket_keeps_no_news_but_that_it_is_closed() {
        let mailbox = Mailbox::new(Box::leak(Box::default()));
        mailbox.post(Event::WriteClosed(PipeId::new(1)));
        mailbox.close();
        mailbox.post(Event::Readable(PipeId::new(1)));
        // Who waits in the socket looks, and finds it closed.
        assert!(!mailbox.is_empty());
        assert!(matches!(mailbox.take(), Some(Event::Wake)));
        assert!(mailbox.take().is_none());
    }
}
