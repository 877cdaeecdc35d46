//! From a stream that is connected to peers that know each other: the handshake, with the ZAP
//! handler's word on the peer.

use super::establish::OpenedConnection;
use super::{
    DisconnectReason, HandshakingConnection, Input, Kind, Lifecycle, LockedSession, State,
};
use crate::io::Reactor;
use crate::session::ConnectionEvent;
use crate::session::Failure;
use crate::session::security::{ZapPolicy, mechanism_of, zap_policy};
use crate::session::zap_dialogue::{ZapState, ZapStatus};
use crate::transport::Stream;
use crate::zmtp::{Handshake, HandshakeConfig, Peer, ProtocolError, ZapReply, reserve_wiping};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use zeroize::{Zeroize, Zeroizing};

/// Bytes read at a time.
const CHUNK: usize = 1024;

impl Lifecycle {
    /// Leaves the handshake.
    fn take_handshake(&mut self) -> Option<HandshakingConnection> {
        match self.kind() {
            Kind::Handshaking => match self.machine.leave() {
                State::Handshaking { handshake, .. } => Some(*handshake),
                _ => None,
            },
            _ => None,
        }
    }
}

impl HandshakingConnection {
    /// Has the handshake take what was received.
    fn take_received(&mut self) -> Result<(), ProtocolError> {
        loop {
            self.handshake.resume()?;
            match self.handshake.handle_input(&self.received)? {
                0 => return Ok(()),
                taken => drop(self.received.drain(..taken)),
            }
        }
    }

    /// Sends what the handshake has to say, as far as there is room.
    fn send_output(&mut self) -> io::Result<()> {
        self.handshake.poll_output(&mut self.output);
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once.
    fn receive(&mut self, chunk: &mut [u8; CHUNK]) -> Result<(), DisconnectReason> {
        match self.stream.read(chunk) {
            Ok(0) => return Err(DisconnectReason::Failed(Failure::Ended)),
            Ok(count) => {
                reserve_wiping(&mut self.received, count);
                self.received.extend_from_slice(&chunk[..count]);
                // PLAIN passwords come through it.
                chunk[..count].zeroize();
                // A short read emptied the socket (epoll(7)).
                self.input.unread = count == chunk.len() || self.input.half_closed;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.input.unread = false,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether it is the peer's turn, or that of the ZAP handler or of a task: nothing is read
    /// meanwhile, so that what the peer sends stays with the kernel.
    fn awaits_others(&self) -> bool {
        !self.input.unread || self.zap.is_open() || self.handshake.is_computing()
    }

    /// Has the reactor watch for room, for what could not be sent.
    fn watch_room(&mut self, reactor: &Reactor) {
        if !self.output.is_empty() && !self.watches_room {
            // A failure means that the connection is gone, which the next write tells.
            let _ = reactor.watch(self.stream.as_raw_fd(), self.token, true);
            self.watches_room = true;
        }
    }
}

impl LockedSession<'_> {
    /// The stream is connected: the handshake begins, or plain bytes flow.
    pub(super) fn connected(
        &mut self,
        stream: Arc<Stream>,
        token: usize,
        input: Input,
        watches_room: bool,
    ) {
        let options = &self.session.options;
        if options.is_raw() {
            let opened = OpenedConnection::plain(stream, token, input, watches_room);
            return self.establish(opened, None);
        }
        let handshake = Handshake::new(HandshakeConfig {
            socket_type: options.socket_type,
            properties: options.draft.metadata.clone(),
            routing_id: options.routing_id.clone(),
            mechanism: mechanism_of(&options.security),
            authenticates: zap_policy(&options.security) != ZapPolicy::Open,
            refuses_old_peers: options.limits.refuse_old_peers,
        });
        let connection = Box::new(HandshakingConnection {
            stream,
            token,
            handshake,
            input,
            watches_room,
            zap: ZapState::default(),
            zap_reply: ZapReply::default(),
            received: Zeroizing::default(),
            output: Zeroizing::default(),
        });
        self.lifecycle.machine.handshake(connection, Instant::now());
        self.drive_handshake();
    }

    /// Goes on with the handshake, as far as bytes allow.
    pub(super) fn drive_handshake(&mut self) {
        let is_connecting = self.lifecycle.is_connecting();
        let mut chunk = [0; CHUNK];
        loop {
            let unjudged = self.lifecycle.unjudged;
            let Some(own) = self.lifecycle.handshake_mut() else {
                return;
            };
            if let Err(error) = own.take_received() {
                // The peer may be told why.
                let _ = own.send_output();
                return self.disconnected(DisconnectReason::Protocol(error));
            }
            if let Some(question) = own.handshake.poll_authentication() {
                let address = own.stream.peer_address();
                let status = self.session.ask_zap(&question, &address, unjudged);
                if !self.apply_zap_reply(status) {
                    return;
                }
                continue;
            }
            if let Some(task) = own.handshake.poll_task()
                && let Err(error) = self.session.spawn_blocking(task, is_connecting)
            {
                return self.disconnected(error.into());
            }
            let sent = own.send_output();
            let peer = own.handshake.poll_established();
            if let Err(error) = sent {
                return self.disconnected(error.into());
            }
            if let Some(peer) = peer {
                return self.finish_handshake(peer);
            }
            if own.awaits_others() {
                return self.await_others();
            }
            if let Err(reason) = own.receive(&mut chunk) {
                return self.disconnected(reason);
            }
        }
    }

    /// Nothing more can be done now.
    fn await_others(&mut self) {
        let Some(own) = self.lifecycle.handshake_mut() else {
            return;
        };
        // Where no judgement will come, it is the peer's turn: to give up.
        let is_busy = matches!(own.zap, ZapState::Asked(_)) || own.handshake.is_computing();
        self.session.waiting_for_peer.store(!is_busy, Ordering::Relaxed);
        // A peer that closes while the ZAP handler is asked needs no answer.
        if own.input.half_closed && own.zap.is_open() {
            return self.disconnected(DisconnectReason::Failed(Failure::Ended));
        }
        own.watch_room(self.reactor);
    }

    /// The peers know each other.
    fn finish_handshake(&mut self, peer: Peer) {
        if let Some(own) = self.lifecycle.take_handshake() {
            self.establish(OpenedConnection::after_handshake(own), Some(peer));
        }
    }

    /// Takes what is known of the ZAP handler's answer; false if the connection ended.
    fn apply_zap_reply(&mut self, status: ZapStatus) -> bool {
        let Some(own) = self.lifecycle.handshake_mut() else {
            return false;
        };
        let answer = match status {
            ZapStatus::Pending(dialogue) => {
                own.zap = ZapState::Asked(dialogue);
                return true;
            }
            ZapStatus::Unanswered(reason) => {
                own.zap = ZapState::Unanswered { reported: reason.is_some() };
                if let Some(error) = reason {
                    self.report(ConnectionEvent::HandshakeRefused(error));
                }
                return true;
            }
            ZapStatus::Known(answer) => answer,
        };
        let (verdict, reply) = match answer {
            Ok(reply) => (Ok(()), reply),
            Err(error) => (Err(error), ZapReply::default()),
        };
        if let Err(error) = own.handshake.authorize(verdict) {
            // The peer may be told why.
            let _ = own.send_output();
            self.disconnected(DisconnectReason::Protocol(error));
            return false;
        }
        own.zap_reply = reply;
        self.lifecycle.unjudged = false;
        true
    }

    /// The ZAP handler answered, or went away.
    pub(super) fn on_zap_reply(&mut self) {
        let Some(own) = self.lifecycle.handshake_mut() else {
            return;
        };
        match std::mem::take(&mut own.zap) {
            ZapState::Asked(dialogue) => {
                if self.apply_zap_reply(dialogue.poll()) {
                    // Also what came meanwhile and was left unread.
                    self.drive_handshake();
                }
            }
            other => own.zap = other,
        }
    }
}
