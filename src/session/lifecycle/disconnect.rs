//! How a connection ends, and what becomes of the session then.

use super::{DisconnectReason, Kind, Lifecycle, LockedSession, State};
use crate::message::Message;
use crate::session::zap_dialogue::ZapState;
use crate::session::{ConnectionEvent, lingering_close};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Lifecycle {
    /// Whether a success of the connection's handshake was reported.
    fn is_handshaken(&self) -> bool {
        matches!(self.machine.state(), State::Active { connection, .. } if connection.handshaken)
    }

    /// Whether the monitor was told why the ZAP handler gave no judgement.
    fn has_reported_zap(&mut self) -> bool {
        let zap = self.handshake_mut().map(|own| &own.zap);
        matches!(zap, Some(ZapState::Unanswered { reported: true }))
    }
}

impl LockedSession<'_> {
    /// The connection is gone: the session ends with it, or tries again.
    pub(super) fn disconnected(&mut self, reason: DisconnectReason) {
        if self.lifecycle.is_closed() {
            return;
        }
        let session = self.session;
        if session.write.lock().has_ended() {
            return self.finish_in_order();
        }
        // Who is told that it ended must not write to it any more.
        session.is_active.store(false, Ordering::Release);
        let subscribes = session.options.socket_type.subscribes();
        let was_active = self.lifecycle.is_active();
        if subscribes && was_active {
            // Before anybody hears of it: what the socket sends from then on stays.
            let most = session.options.send_high_water_mark as usize;
            session.write.lock().drop_subscriptions(most, &session.reactor);
            if let Some(end) = &self.lifecycle.end {
                end.hiccuped();
            }
        }
        let was_handshaken = self.lifecycle.is_handshaken();
        if !was_handshaken && !self.lifecycle.has_reported_zap() {
            self.report(match reason {
                DisconnectReason::Failed(failure) => ConnectionEvent::HandshakeFailed(failure),
                DisconnectReason::Protocol(error) => ConnectionEvent::HandshakeRefused(error),
            });
        }
        if let Some(descriptor) = self.lifecycle.stream().map(|stream| stream.as_raw_fd()) {
            self.report(ConnectionEvent::Disconnected(descriptor));
        }
        if was_active {
            self.tell_of_disconnect();
        }
        self.retry_or_end(reason, was_handshaken);
    }

    /// Gives the socket the messages that its options have for the end of a connection.
    fn tell_of_disconnect(&self) {
        let options = &self.session.options;
        let message = options.connection_messages().map(|messages| {
            match (self.lifecycle.is_connecting(), self.lifecycle.machine.reconnects()) {
                (false, _) => &messages.disconnect[..],
                (true, true) => &messages.hiccup[..],
                (true, false) => &[],
            }
        });
        let mut read = self.session.read.lock();
        // Not within a message of which parts came.
        read.disconnect();
        if options.router.notify_disconnect {
            read.inject(Message::new());
        }
        if let Some(message) = message.filter(|own| !own.is_empty())
            && let Ok(message) = Message::from_slice(message)
        {
            read.inject(message);
        }
    }

    /// Whether the socket is notified of plain peers that come and go.
    pub(super) fn tells_of_peers(&self) -> bool {
        self.session.options.is_raw() && self.session.options.stream_notify
    }

    /// Ends the pipe; a new connection gets a new one.
    pub(super) fn give_up_pipe(&mut self) {
        if self.tells_of_peers() {
            self.session.read.lock().inject(Message::new());
        }
        self.session.read.lock().close();
        self.session.write.lock().close(&self.session.reactor);
        if let Some(end) = self.lifecycle.end.take() {
            end.write_closed();
        }
    }

    /// The session is over.
    pub(super) fn finish(&mut self) {
        if self.lifecycle.is_closed() {
            return;
        }
        self.session.waiting_for_peer.store(false, Ordering::Relaxed);
        self.leave();
        self.lifecycle.machine.enter(State::Closed);
        self.give_up_pipe();
        self.session.host.session_closed(self.session);
    }

    /// The session is over, and it is us who end the connection, if there is one: what was written
    /// reaches the peer.
    pub(super) fn finish_in_order(&mut self) {
        if self.lifecycle.is_active()
            && let State::Active { connection, .. } = self.lifecycle.machine.leave()
        {
            let socket = self.session.host.number();
            let (stream, token) = (connection.stream, connection.token);
            lingering_close::begin(stream, token, socket, &self.session.reactor, self.reactor);
        }
        self.finish();
    }

    /// The socket wants the session to end: when everything is sent, or after the linger time.
    pub(super) fn begin_close(&mut self) {
        let linger = *self.session.linger.lock();
        self.lifecycle.machine.close_when_sent(linger, Instant::now());
        if self.lifecycle.is_active() {
            // What the kernel takes at once is sent whatever the linger time.
            self.drive_write();
        }
        let unsent = self.lifecycle.end.is_some() && !self.session.write.lock().is_drained();
        // Messages that no connection can take any more are not waited for.
        let hopeless = self.lifecycle.kind() == Kind::GivenUp;
        if linger == Some(Duration::ZERO) || !unsent || hopeless {
            self.finish_in_order();
        }
    }

    /// Leaves the state, whatever it is, and closes its connection.
    pub(super) fn leave(&mut self) {
        let session = self.session;
        session.is_active.store(false, Ordering::Release);
        session.read.lock().disconnect();
        session.write.lock().disconnect(&session.reactor);
        // What is closed stays open until it is not registered any more.
        match self.lifecycle.machine.leave() {
            State::Connecting { attempt, .. } => {
                self.reactor.deregister(attempt.connecting.as_raw_fd(), attempt.token);
            }
            State::Handshaking { handshake, .. } => {
                // What came meanwhile, a peer that waits for its judge being unread: closing a
                // connection with unread bytes resets it, and what we said last may be lost.
                let _ = handshake.stream.read(&mut [0; 8192]);
                self.lifecycle.unjudged |= handshake.zap.is_open();
                self.reactor.deregister(handshake.stream.as_raw_fd(), handshake.token);
            }
            State::Active { connection, .. } => {
                self.reactor.deregister(connection.stream.as_raw_fd(), connection.token);
            }
            _ => {}
        }
    }
}
