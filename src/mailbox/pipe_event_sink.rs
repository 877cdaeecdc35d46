//! How pipes tell a socket what happens to them.

use super::{Event, Mailbox};
use crate::pattern::{PeerInfo, PipeId};
use crate::pipe::Notify;
use crate::session::PipeEvents;
use std::sync::{Arc, OnceLock};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// The socket's end of a pair of pipes.
#[derive(Default)]
pub(crate) struct PipeEventSink {
    /// Where its news go; unset while an inproc connection waits for its bind.
    mailbox: OnceLock<Arc<Mailbox>>,
    /// The socket's number for the pipe; 0 until it took it over.
    id: AtomicU64,
}

impl PipeEventSink {
    /// An end whose news go to this mailbox.
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Arc<Self> {
        let end = Self::default();
        // Fresh, so nothing was set.
        let _ = end.mailbox.set(mailbox);
        Arc::new(end)
    }

    /// Says where the news go.
    pub(crate) fn set_mailbox(&self, mailbox: Arc<Mailbox>) {
        let _ = self.mailbox.set(mailbox);
    }

    /// The socket took the pipe over. It looks at the state of the pipe after this call, so what
    /// happened before needs no news.
    pub(crate) fn set_id(&self, id: PipeId) {
        self.id.store(id.number(), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    fn post(&self, event: impl FnOnce(PipeId) -> Event) {
        fence(Ordering::SeqCst);
        let id = self.id.load(Ordering::SeqCst);
        if let Some(mailbox) = self.mailbox.get().filter(|_| id != 0) {
            mailbox.post(event(PipeId::new(id)));
        }
    }
}

impl Notify for PipeEventSink {
    fn readable(&self) {
        self.post(Event::Readable);
    }

    fn writable(&self) {
        self.post(Event::Writable);
    }
}

impl PipeEvents for PipeEventSink {
    fn identified(&self, peer: PeerInfo) {
        self.post(|id| Event::Identified(id, Box::new(peer)));
    }

    fn hiccuped(&self) {
        self.post(Event::Hiccuped);
    }

    fn refused(&self) {
        self.post(Event::Refused);
    }

    fn write_closed(&self) {
        self.post(Event::WriteClosed);
    }
}
