//! What a socket has to do at once for peers that come, though its application does not call.
//!
//! A socket that subscribes sends its subscriptions to each new connection. Were that left to the next
//! call, a publisher that was restarted, or one that connects, would not receive them while the
//! application computes.

use super::Socket;
use crate::io::{EventHandler, Reactor, ReactorHandle, Readiness, TimerId, TimerOutcome};
use crate::mailbox::Event;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// After this time it tries again where a call is under way, which may have checked for events before
/// they came; then after twice that, and so on.
const PAUSE: Duration = Duration::from_millis(1);
/// The most doublings of the pause: a second or so.
const DOUBLINGS: u32 = 10;

/// Processes the events of a socket on an I/O thread.
pub(super) struct BackgroundHandler {
    socket: &'static Socket,
    /// The number of the socket that the handle was for.
    number: u64,
    /// Attempts in a row that found a call under way. The thread that polls alone uses it.
    attempts: AtomicU32,
}

impl BackgroundHandler {
    pub(super) fn new(socket: &'static Socket, number: u64) -> Arc<Self> {
        Arc::new(Self { socket, number, attempts: AtomicU32::new(0) })
    }

    /// Has the events processed on this reactor that cannot wait for a call.
    pub(super) fn begin(self: &Arc<Self>, reactor: Arc<ReactorHandle>, mailbox: &super::Mailbox) {
        let own: Weak<Self> = Arc::downgrade(self);
        mailbox.set_handler(reactor, own, |event| {
            matches!(event, Event::Attach(_) | Event::Hiccuped(_))
        });
    }

    fn attend(self: Arc<Self>, reactor: &mut Reactor) {
        if !self.socket.attend(self.number) {
            // Relaxed: see the field.
            let attempts = self.attempts.load(Ordering::Relaxed).min(DOUBLINGS);
            self.attempts.store(attempts + 1, Ordering::Relaxed);
            reactor.set_timer(PAUSE * (1 << attempts), self);
        }
    }
}

impl EventHandler for BackgroundHandler {
    fn on_ready(self: Arc<Self>, _: &mut Reactor, _: Readiness) {}

    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, _: TimerId) -> TimerOutcome {
        self.attend(reactor);
        TimerOutcome::Served
    }

    fn on_run(self: Arc<Self>, reactor: &mut Reactor) {
        self.attempts.store(0, Ordering::Relaxed);
        self.attend(reactor);
    }

    fn socket(&self) -> u64 {
        self.number
    }
}

impl Socket {
    /// Processes the events, if it is still this socket and no call is under way; false if one is.
    fn attend(&self, number: u64) -> bool {
        let Some(mut guard) = self.slot.try_lock() else {
            return false;
        };
        self.ready_cache.invalidate();
        if let Ok(state) = guard.state()
            && state.mailbox.number == number
            && !state.mailbox.is_empty()
        {
            state.process_events();
            // A call may be about to wait for events that were processed here: it checks once more.
            state.mailbox.post(Event::Wake);
        }
        true
    }
}
