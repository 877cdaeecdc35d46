//! How a connection ends, and what becomes of the session then.

use super::{LifeGuard, Loss, STOP_HANDSHAKE_FAILED, Stage};
use crate::io::Reactor;
use crate::message::Message;
use crate::session::zap::ZapState;
use crate::session::{ConnectionEvent, INACTIVE, LINGER, Session, lingering_close};
use crate::zmtp::Admission;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroize;

impl Session {
    /// The connection is gone: the session ends with it, or tries again.
    pub(in crate::session) fn disconnected(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
        loss: Loss,
    ) {
        if life.is_closed() {
            return;
        }
        if self.write.lock().has_ended() {
            return self.finish_in_order(life, reactor);
        }
        // Who is told that it ended must not write to it any more.
        self.activity.store(INACTIVE, Ordering::Release);
        let subscribes = self.options.socket_type.subscribes();
        if subscribes && life.stage == Stage::Active {
            // Before anybody hears of it: what the socket sends from then on stays.
            let most = self.options.send_high_water_mark as usize;
            self.write.lock().drop_subscriptions(most, &self.reactor);
            if let Some(end) = &life.end {
                end.interrupted();
            }
        }
        if !life.handshaken && !matches!(life.zap, ZapState::Unanswered { reported: true }) {
            let event = match loss {
                Loss::System(number) => ConnectionEvent::HandshakeFailed(number),
                Loss::Protocol(error) => ConnectionEvent::HandshakeRefused(error),
            };
            self.report(life, event);
        }
        if let Some(stream) = &life.stream {
            self.report(life, ConnectionEvent::Disconnected(stream.as_raw_fd()));
        }
        // Who breaks the protocol is not tried again (observed).
        let broken = matches!(loss, Loss::Protocol(error) if error.is_final());
        if broken && life.is_connecting() && life.stage == Stage::Handshaking {
            return self.give_up(life, reactor);
        }
        if broken || !life.is_connecting() {
            return self.finish(life, reactor);
        }
        let failed = !life.handshaken && !self.options.is_raw();
        if self.reconnect_interval().is_none()
            || (failed && self.stops_after(STOP_HANDSHAKE_FAILED))
        {
            return self.finish(life, reactor);
        }
        let was_active = life.stage == Stage::Active;
        self.drop_stream(life, reactor);
        let drops = self.options.immediate && !subscribes || self.options.is_raw();
        if was_active && drops {
            self.give_up_pipe(life);
        }
        life.targets.clear();
        self.retry(life, reactor);
    }

    /// The peer refused us, or we it: no connection is tried any more. Programs send and do not ask
    /// whether they were let in (observed), so the pipe stays.
    fn give_up(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        self.drop_stream(life, reactor);
        life.targets.clear();
        life.stage = Stage::GivenUp;
        match &life.end {
            Some(end) if !life.closing => end.refused(),
            _ => self.finish(life, reactor),
        }
    }

    /// Whether the socket is told of plain peers that come and go.
    pub(super) fn tells_of_peers(&self) -> bool {
        self.options.is_raw() && self.options.stream_notify
    }

    /// Ends the pipe; a new connection gets a new one.
    pub(super) fn give_up_pipe(&self, life: &mut LifeGuard<'_>) {
        if self.tells_of_peers() {
            self.read.lock().inject(Message::new());
        }
        self.read.lock().close();
        self.write.lock().close(&self.reactor);
        if let Some(end) = life.end.take() {
            end.lost();
        }
    }

    /// The session is over.
    pub(super) fn finish(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        if life.stage == Stage::Closed {
            return;
        }
        life.stage = Stage::Closed;
        self.waiting_for_peer.store(false, Ordering::Relaxed);
        self.drop_stream(life, reactor);
        self.give_up_pipe(life);
        if let Some(number) = life.linger_timer.take() {
            reactor.cancel_timer(number);
        }
        self.owner.session_closed(self);
    }

    /// The session is over, and it is us who end the connection, if there is one: what was written
    /// reaches the peer.
    pub(super) fn finish_in_order(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
    ) {
        if life.stage == Stage::Active
            && let (Some(stream), Some(token)) = (life.stream.take(), life.token.take())
        {
            let socket = self.owner.number();
            lingering_close::begin(stream, token, socket, &self.reactor, reactor);
        }
        self.finish(life, reactor);
    }

    /// The socket wants the session to end: when everything is sent, or after the linger time.
    pub(super) fn begin_close(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        life.closing = true;
        let linger = *self.linger.lock();
        if life.stage == Stage::Active {
            // What the kernel takes at once is sent whatever the linger time.
            self.drive_write(life, reactor);
        }
        let unsent = life.end.is_some() && !self.write.lock().is_drained();
        // Messages that no connection can take any more are not waited for.
        let hopeless = life.stage == Stage::GivenUp;
        if linger == Some(Duration::ZERO) || !unsent || hopeless {
            return self.finish_in_order(life, reactor);
        }
        if let Some(time) = linger {
            if let Some(number) = life.linger_timer.take() {
                reactor.cancel_timer(number);
            }
            life.linger_timer = Some(reactor.set_timer(time, self.clone(), LINGER));
        }
    }

    /// Closes the stream, whatever it was doing.
    pub(super) fn drop_stream(&self, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        self.cancel_stage_timer(life, reactor);
        self.end_heartbeats(life, reactor);
        life.handshaken = false;
        self.activity.store(INACTIVE, Ordering::Release);
        self.read.lock().disconnect();
        self.write.lock().disconnect(&self.reactor);
        if life.handshake.take().is_some()
            && let Some(stream) = &life.stream
        {
            // What came meanwhile, a peer that waits for its judge being unread: closing a
            // connection with unread bytes resets it, and what we said last may be lost.
            let _ = stream.read(&mut [0; 8192]);
        }
        (life.unread, life.half_closed, life.watches_room) = (false, false, false);
        life.unjudged |= life.zap.is_open();
        life.zap = ZapState::Idle;
        life.admission = Admission::default();
        // They may hold a password.
        life.input.zeroize();
        life.output.zeroize();
        life.input = Vec::new();
        life.output = Vec::new();
        let (connecting, stream) = (life.connecting.take(), life.stream.take());
        let descriptor = connecting.map(|own| own.as_raw_fd());
        let descriptor = descriptor.or_else(|| stream.as_ref().map(|own| own.as_raw_fd()));
        if let (Some(descriptor), Some(token)) = (descriptor, life.token.take()) {
            reactor.deregister(descriptor, token);
        }
    }
}
