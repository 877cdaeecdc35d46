//! Whom an event wakes: the threads that wait in a call of the socket, those in a zmq_poll over many, those
//! in a poller, who watches the descriptor of ZMQ_FD, and the I/O thread for a socket that no application calls.

use super::{Event, Handler, Mailbox};
use std::sync::atomic::{Ordering, fence};

impl Mailbox {
    /// Adds news.
    pub(crate) fn post(&self, event: Event) {
        let handling = self.handler.get().filter(|own| (own.concerns)(&event));
        self.events.push(event);
        self.waiters.notify();
        if self.ready_cache.is_outdated(self.number) {
            let group = self.poll_group.lock().clone();
            group.inspect(|group| group.notify());
        }
        // Behind the fence in `is_outdated`, as what follows.
        self.registrations.tell();
        // The fence pairs with the one in `close`.
        if self.closed.load(Ordering::Relaxed) {
            self.discard_events();
        }
        self.raise_descriptor();
        if let Some(Handler { reactor, entry, handler, .. }) = handling
            && let Some(handler) = handler.upgrade()
        {
            reactor.schedule(entry, handler);
        }
    }

    /// Forgets the news, and those that come later: a pipe that nobody takes over would hold on to
    /// its session, and the session to this mailbox.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // Either who posts sees that the socket is closed, or we see what it posted.
        fence(Ordering::SeqCst);
        self.discard_events();
    }

    fn discard_events(&self) {
        while self.events.pop().is_some() {}
        // A thread that still waits in the socket finds out that it is closed.
        self.events.push(Event::Wake);
        self.waiters.notify();
    }

    /// Makes the descriptor readable, if there is one: a thread that waits for it is to look again.
    pub(crate) fn raise_descriptor(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.raise();
        }
    }
}
