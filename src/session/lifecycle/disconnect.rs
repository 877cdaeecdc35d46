//! How a connection ends, and what becomes of the session then.

use super::{DisconnectReason, LifecycleGuard, STOP_HANDSHAKE_FAILED, State};
use crate::io::Reactor;
use crate::message::Message;
use crate::session::zap::ZapState;
use crate::session::{ConnectionEvent, INACTIVE, LINGER, Session, lingering_close};
use crate::zmtp::ZapReply;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroize;

impl Session {
    /// The connection is gone: the session ends with it, or tries again.
    pub(in crate::session) fn disconnected(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        reason: DisconnectReason,
    ) {
        if lifecycle.is_closed() {
            return;
        }
        if self.write.lock().has_ended() {
            return self.finish_in_order(lifecycle, reactor);
        }
        // Who is told that it ended must not write to it any more.
        self.activity.store(INACTIVE, Ordering::Release);
        let subscribes = self.options.socket_type.subscribes();
        if subscribes && lifecycle.state == State::Active {
            // Before anybody hears of it: what the socket sends from then on stays.
            let most = self.options.send_high_water_mark as usize;
            self.write.lock().drop_subscriptions(most, &self.reactor);
            if let Some(end) = &lifecycle.end {
                end.hiccuped();
            }
        }
        if !lifecycle.handshaken
            && !matches!(lifecycle.zap, ZapState::Unanswered { reported: true })
        {
            let event = match reason {
                DisconnectReason::System(number) => ConnectionEvent::HandshakeFailed(number),
                DisconnectReason::Protocol(error) => ConnectionEvent::HandshakeRefused(error),
            };
            self.report(lifecycle, event);
        }
        if let Some(stream) = &lifecycle.stream {
            self.report(lifecycle, ConnectionEvent::Disconnected(stream.as_raw_fd()));
        }
        // Who breaks the protocol is not tried again (observed).
        let broken = matches!(reason, DisconnectReason::Protocol(error) if error.is_final());
        if broken && lifecycle.is_connecting() && lifecycle.state == State::Handshaking {
            return self.give_up(lifecycle, reactor);
        }
        if broken || !lifecycle.is_connecting() {
            return self.finish(lifecycle, reactor);
        }
        let failed = !lifecycle.handshaken && !self.options.is_raw();
        if self.reconnect_interval().is_none()
            || (failed && self.stops_after(STOP_HANDSHAKE_FAILED))
        {
            return self.finish(lifecycle, reactor);
        }
        let was_active = lifecycle.state == State::Active;
        self.drop_stream(lifecycle, reactor);
        let drops = self.options.immediate && !subscribes || self.options.is_raw();
        if was_active && drops {
            self.give_up_pipe(lifecycle);
        }
        lifecycle.targets.clear();
        self.schedule_reconnect(lifecycle, reactor);
    }

    /// The peer refused us, or we it: no connection is tried any more. Programs send and do not ask
    /// whether they were let in (observed), so the pipe stays.
    fn give_up(self: &Arc<Self>, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        self.drop_stream(lifecycle, reactor);
        lifecycle.targets.clear();
        lifecycle.state = State::GivenUp;
        match &lifecycle.end {
            Some(end) if !lifecycle.closing => end.refused(),
            _ => self.finish(lifecycle, reactor),
        }
    }

    /// Whether the socket is notified of plain peers that come and go.
    pub(super) fn tells_of_peers(&self) -> bool {
        self.options.is_raw() && self.options.stream_notify
    }

    /// Ends the pipe; a new connection gets a new one.
    pub(super) fn give_up_pipe(&self, lifecycle: &mut LifecycleGuard<'_>) {
        if self.tells_of_peers() {
            self.read.lock().inject(Message::new());
        }
        self.read.lock().close();
        self.write.lock().close(&self.reactor);
        if let Some(end) = lifecycle.end.take() {
            end.write_closed();
        }
    }

    /// The session is over.
    pub(super) fn finish(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        if lifecycle.state == State::Closed {
            return;
        }
        lifecycle.state = State::Closed;
        self.waiting_for_peer.store(false, Ordering::Relaxed);
        self.drop_stream(lifecycle, reactor);
        self.give_up_pipe(lifecycle);
        if let Some(number) = lifecycle.linger_timer.take() {
            reactor.cancel_timer(number);
        }
        self.host.session_closed(self);
    }

    /// The session is over, and it is us who end the connection, if there is one: what was written
    /// reaches the peer.
    pub(super) fn finish_in_order(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        if lifecycle.state == State::Active
            && let (Some(stream), Some(token)) = (lifecycle.stream.take(), lifecycle.token.take())
        {
            let socket = self.host.number();
            lingering_close::begin(stream, token, socket, &self.reactor, reactor);
        }
        self.finish(lifecycle, reactor);
    }

    /// The socket wants the session to end: when everything is sent, or after the linger time.
    pub(super) fn begin_close(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        lifecycle.closing = true;
        let linger = *self.linger.lock();
        if lifecycle.state == State::Active {
            // What the kernel takes at once is sent whatever the linger time.
            self.drive_write(lifecycle, reactor);
        }
        let unsent = lifecycle.end.is_some() && !self.write.lock().is_drained();
        // Messages that no connection can take any more are not waited for.
        let hopeless = lifecycle.state == State::GivenUp;
        if linger == Some(Duration::ZERO) || !unsent || hopeless {
            return self.finish_in_order(lifecycle, reactor);
        }
        if let Some(time) = linger {
            if let Some(number) = lifecycle.linger_timer.take() {
                reactor.cancel_timer(number);
            }
            lifecycle.linger_timer = Some(reactor.set_timer(time, self.clone(), LINGER));
        }
    }

    /// Closes the stream, whatever it was doing.
    pub(super) fn drop_stream(&self, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        self.cancel_state_timer(lifecycle, reactor);
        self.end_heartbeats(lifecycle, reactor);
        lifecycle.handshaken = false;
        self.activity.store(INACTIVE, Ordering::Release);
        self.read.lock().disconnect();
        self.write.lock().disconnect(&self.reactor);
        if lifecycle.handshake.take().is_some()
            && let Some(stream) = &lifecycle.stream
        {
            // What came meanwhile, a peer that waits for its judge being unread: closing a
            // connection with unread bytes resets it, and what we said last may be lost.
            let _ = stream.read(&mut [0; 8192]);
        }
        (lifecycle.unread, lifecycle.half_closed, lifecycle.watches_room) = (false, false, false);
        lifecycle.unjudged |= lifecycle.zap.is_open();
        lifecycle.zap = ZapState::Idle;
        lifecycle.zap_reply = ZapReply::default();
        // They may hold a password.
        lifecycle.input.zeroize();
        lifecycle.output.zeroize();
        lifecycle.input = Vec::new();
        lifecycle.output = Vec::new();
        let (connecting, stream) = (lifecycle.connecting.take(), lifecycle.stream.take());
        // Both stay open until they are not registered any more.
        let descriptor = connecting.as_ref().map(|own| own.as_raw_fd());
        let descriptor = descriptor.or_else(|| stream.as_ref().map(|own| own.as_raw_fd()));
        if let (Some(descriptor), Some(token)) = (descriptor, lifecycle.token.take()) {
            reactor.deregister(descriptor, token);
        }
    }
}
