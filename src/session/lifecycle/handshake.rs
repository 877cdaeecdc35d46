//! From a stream that is connected to messages that flow: the handshake, with the ZAP handler's
//! word on the peer.

use super::super::security::{ZapPolicy, mechanism_of, zap_policy};
use super::super::zap::{ZapState, ZapStatus};
use super::super::{ACTIVE, ConnectionEvent, Session, metadata_of};
use super::{DisconnectReason, Lifecycle, LifecycleGuard, State};
use crate::io::Reactor;
use crate::message::Message;
use crate::pattern::PeerInfo;
use crate::sync::MutexGuard;
use crate::transport::Stream;
use crate::zmtp::{
    FrameDecoder, Handshake, HandshakeConfig, Peer, Protection, SocketType, Version, ZapReply,
    reserve_wiping,
};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

impl Session {
    /// The stream is connected: the handshake begins, or plain bytes flow.
    pub(super) fn connected(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        if self.options.is_raw() {
            return self.establish(lifecycle, reactor, None);
        }
        lifecycle.state = State::Handshaking;
        lifecycle.handshake = Some(Handshake::new(HandshakeConfig {
            socket_type: self.options.socket_type,
            routing_id: self.options.routing_id.clone(),
            mechanism: mechanism_of(&self.options.security),
            authenticates: zap_policy(&self.options.security) != ZapPolicy::Open,
            refuses_old_peers: self.options.limits.refuse_old_peers,
        }));
        self.set_state_timer(lifecycle, reactor, self.options.handshake_interval);
        self.drive_handshake(lifecycle, reactor);
    }

    /// Goes on with the handshake, as far as bytes allow.
    pub(super) fn drive_handshake(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        let Some(stream) = lifecycle.stream.clone() else {
            return;
        };
        let connecting = lifecycle.is_connecting();
        let mut chunk = [0; 1024];
        loop {
            let Lifecycle { handshake: Some(handshake), input, output, zap, unread, .. } =
                &mut **lifecycle
            else {
                return;
            };
            loop {
                match handshake.resume().and_then(|()| handshake.handle_input(input)) {
                    Ok(0) => break,
                    Ok(taken) => drop(input.drain(..taken)),
                    Err(error) => {
                        // The peer may be told why.
                        handshake.poll_output(output);
                        let _ = self.send_output(&stream, output);
                        return self.disconnected(
                            lifecycle,
                            reactor,
                            DisconnectReason::Protocol(error),
                        );
                    }
                }
            }
            if let Some(question) = handshake.poll_authentication() {
                let verdict = self.ask_zap(&question, &stream.peer_address(), lifecycle.unjudged);
                if !self.apply_zap_reply(lifecycle, reactor, verdict) {
                    return;
                }
                continue;
            }
            if let Some(task) = handshake.poll_task()
                && let Err(error) = self.spawn_blocking(task, connecting)
            {
                return self.disconnected(lifecycle, reactor, error.into());
            }
            handshake.poll_output(output);
            let peer = handshake.poll_established();
            if let Err(error) = self.send_output(&stream, output) {
                return self.disconnected(lifecycle, reactor, error.into());
            }
            if let Some(peer) = peer {
                return self.establish(lifecycle, reactor, Some(peer));
            }
            // Nothing is read while the ZAP handler is asked or a task runs: what the peer sends
            // meanwhile stays with the kernel.
            if !*unread || zap.is_open() || handshake.is_computing() {
                // Where no judgement will come, it is the peer's turn: to give up.
                let busy = matches!(zap, ZapState::Asked(_)) || handshake.is_computing();
                self.waiting_for_peer.store(!busy, Ordering::Relaxed);
                // A peer that closes while the ZAP handler is asked needs no answer.
                if lifecycle.half_closed && lifecycle.zap.is_open() {
                    return self.disconnected(
                        lifecycle,
                        reactor,
                        DisconnectReason::System(libc::EPIPE),
                    );
                }
                // What could not be sent waits for room.
                if !lifecycle.output.is_empty() && !lifecycle.watches_room {
                    self.watch_room(lifecycle, reactor, true);
                }
                return;
            }
            match stream.read(&mut chunk[..]) {
                Ok(0) => {
                    return self.disconnected(
                        lifecycle,
                        reactor,
                        DisconnectReason::System(libc::EPIPE),
                    );
                }
                Ok(count) => {
                    reserve_wiping(input, count);
                    input.extend_from_slice(&chunk[..count]);
                    // PLAIN passwords come through it.
                    chunk[..count].zeroize();
                    // A short read emptied the socket (epoll(7)).
                    lifecycle.unread = count == chunk.len() || lifecycle.half_closed;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => lifecycle.unread = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.disconnected(lifecycle, reactor, error.into()),
            }
        }
    }

    /// Takes what is known of the ZAP handler's answer; false if the connection ended.
    pub(super) fn apply_zap_reply(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        verdict: ZapStatus,
    ) -> bool {
        let Lifecycle { handshake: Some(handshake), stream: Some(stream), output, .. } =
            &mut **lifecycle
        else {
            return false;
        };
        let answer = match verdict {
            ZapStatus::Pending(dialogue) => {
                lifecycle.zap = ZapState::Asked(dialogue);
                return true;
            }
            ZapStatus::Unanswered(reason) => {
                lifecycle.zap = ZapState::Unanswered { reported: reason.is_some() };
                if let Some(error) = reason {
                    self.report(lifecycle, ConnectionEvent::HandshakeRefused(error));
                }
                return true;
            }
            ZapStatus::Known(answer) => answer,
        };
        let (verdict, admission) = match answer {
            Ok(admission) => (Ok(()), admission),
            Err(error) => (Err(error), ZapReply::default()),
        };
        if let Err(error) = handshake.authorize(verdict) {
            // The peer may be told why.
            handshake.poll_output(output);
            let _ = self.send_output(stream, output);
            self.disconnected(lifecycle, reactor, DisconnectReason::Protocol(error));
            return false;
        }
        lifecycle.zap_reply = admission;
        lifecycle.unjudged = false;
        true
    }

    /// The ZAP handler answered, or went away.
    pub(super) fn on_zap_reply(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        match std::mem::take(&mut lifecycle.zap) {
            ZapState::Asked(dialogue) => {
                if self.apply_zap_reply(lifecycle, reactor, dialogue.poll()) {
                    // Also what came meanwhile and was left unread.
                    self.drive_handshake(lifecycle, reactor);
                }
            }
            other => lifecycle.zap = other,
        }
    }

    /// Changes whether the reactor watches for room in the kernel's buffer.
    fn watch_room(&self, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor, watches: bool) {
        if let (Some(stream), Some(token)) = (&lifecycle.stream, lifecycle.token) {
            // A failure means that the connection is gone, which the next write tells.
            let _ = reactor.watch(stream.as_raw_fd(), token, watches);
            lifecycle.watches_room = watches;
        }
    }

    /// Sends what the handshake has to say.
    pub(super) fn send_output(&self, stream: &Stream, output: &mut Vec<u8>) -> io::Result<()> {
        while !output.is_empty() {
            match stream.write(output) {
                Ok(count) => drop(output.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Messages can flow. Without a peer, plain bytes do.
    pub(super) fn establish(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        peer: Option<Peer>,
    ) {
        self.cancel_state_timer(lifecycle, reactor);
        let (Some(stream), Some(token)) = (lifecycle.stream.clone(), lifecycle.token) else {
            return;
        };
        if peer.as_ref().is_some_and(|peer| peer.version >= Version::V3_0) {
            lifecycle.handshaken = true;
            self.report(lifecycle, ConnectionEvent::HandshakeSucceeded);
        }
        lifecycle.state = State::Active;
        self.waiting_for_peer.store(false, Ordering::Relaxed);
        lifecycle.pause = Duration::ZERO;
        let protection =
            lifecycle.handshake.take().and_then(|mut handshake| handshake.protection());
        let (sealer, opener) = match protection {
            Some(Protection { sealer, opener }) => (Some(sealer), Some(opener)),
            None => (None, None),
        };
        let address = stream.peer_address();
        let (properties, routing_id) = match &peer {
            Some(peer) => (&peer.properties[..], &peer.routing_id[..]),
            None => (&[][..], &[][..]),
        };
        let proven = peer.as_ref().and_then(|peer| peer.user_id.as_deref());
        let metadata = metadata_of(
            &lifecycle.zap_reply,
            proven,
            properties,
            routing_id,
            &address,
            stream.as_raw_fd(),
        );
        let info = PeerInfo { routing_id: routing_id.to_vec(), metadata: Some(Arc::new(metadata)) };
        let version = peer.as_ref().map(|peer| peer.version);
        let lead = opener.as_ref().map_or(0, |opener| opener.lead());
        let limit = self.options.message_limit();
        let decoder = version.map(|version| FrameDecoder::new(version, limit).with_lead(lead));
        let rest = Zeroizing::new(std::mem::take(&mut lifecycle.input));
        if lifecycle.output.is_empty() {
            lifecycle.output.zeroize();
        }
        let unsent = std::mem::take(&mut lifecycle.output);
        let send_buffer = self.options.transport.send_buffer;
        self.write.lock().open(stream.clone(), token, version, sealer, unsent, send_buffer);
        let replies = self.options.socket_type == SocketType::Req;
        if self.read.lock().open(stream.clone(), decoder, opener, &rest, replies).is_err() {
            return self.disconnected(lifecycle, reactor, DisconnectReason::System(libc::ENOMEM));
        }
        let unread = lifecycle.unread || !rest.is_empty();
        if lifecycle.watches_room {
            self.watch_room(lifecycle, reactor, false);
        }
        match lifecycle.end.clone() {
            Some(end) => end.identified(info),
            None => {
                // The pipe's own ends lie in the halves, which `make_pipe` locks.
                MutexGuard::unlocked(lifecycle, || {
                    let (pipe, end) = self.make_pipe(Some(info));
                    // Under the half's lock: once the socket undid the connection, no pipe comes.
                    let half = self.read.lock();
                    if !half.is_stopped() {
                        self.host.attach(pipe, end);
                    }
                });
            }
        }
        if self.tells_of_peers() {
            self.read.lock().inject(Message::new());
        }
        if version == Some(Version::V1)
            && matches!(self.options.socket_type, SocketType::Pub | SocketType::Xpub)
        {
            // Such peers filter by themselves and send no subscriptions (RFC 13).
            self.read.lock().inject(Message::from_short(&[1]));
        }
        self.activity.store(ACTIVE, Ordering::Release);
        if let Some(version) = version {
            self.begin_heartbeats(lifecycle, reactor, version);
        }
        self.drive_write(lifecycle, reactor);
        if lifecycle.state == State::Active && unread {
            let to_the_end = lifecycle.half_closed;
            self.drive_read(lifecycle, reactor, to_the_end);
        }
    }
}
