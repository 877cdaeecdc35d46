//! What is done for the heartbeats of a connection, when `state/heartbeat.rs` says so.

use super::{DisconnectReason, LockedSession};
use crate::session::Failure;
use crate::session::state_machine::PingProgress;
use crate::zmtp::{ping, pong};
use std::time::Instant;

impl LockedSession<'_> {
    /// It is time for a PING.
    pub(super) fn send_ping(&mut self) {
        let session = self.session;
        if session.read.lock().is_stalled() {
            // An answer would not be read. A PONG asks for none, and is a sign of life to a peer whose
            // own PING waits behind what is not read either.
            session.write.lock().send_command(pong(&[]));
            return self.drive_write();
        }
        let tenths = session.options.heartbeat_ttl.as_millis() / 100;
        let time_to_live = u16::try_from(tenths).unwrap_or(u16::MAX);
        let watch = self.lifecycle.machine.watches_next_ping();
        session.write.lock().send_ping(ping(time_to_live, &[]), watch);
        self.drive_write();
        // Where the write failed, heartbeats have ended with that.
        if self.lifecycle.is_active() {
            let is_waiting = session.write.lock().ping_waits();
            self.lifecycle.machine.ping_sent(is_waiting, Instant::now());
        }
    }

    /// A PING has no answer yet.
    pub(super) fn on_heartbeat_timeout(&mut self) {
        let session = self.session;
        let progress = if session.read.lock().is_stalled() {
            PingProgress::NotReading
        } else {
            let mut half = session.write.lock();
            let advanced = half.ping_advances();
            if half.ping_waits() {
                PingProgress::Waiting { advanced }
            } else {
                PingProgress::Delivered { advanced }
            }
        };
        if !self.lifecycle.machine.check_answer(progress, Instant::now()) {
            self.disconnected(DisconnectReason::Failed(Failure::Silent));
        }
    }

    /// Nothing came for the time that the peer told. Where it is us who do not read, because the
    /// application does not, that is no sign of anything.
    pub(super) fn on_peer_ttl(&mut self) {
        if !self.session.read.lock().is_stalled() {
            self.disconnected(DisconnectReason::Failed(Failure::Silent));
        }
    }
}
