//! Reconnecting: when a connection that was lost, or could not be made, is tried again, and when no more.

use super::{DisconnectReason, Kind, LockedSession, STOP_HANDSHAKE_FAILED, State};
use crate::session::ConnectionEvent;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

impl LockedSession<'_> {
    /// After the end of a connection, in its handshake or later: waits to try again, or ends the session.
    pub(super) fn retry_or_end(&mut self, reason: DisconnectReason, was_handshaken: bool) {
        let options = &self.session.options;
        // Who breaks the protocol is not tried again (observed).
        let is_final = matches!(reason, DisconnectReason::Protocol(error) if error.is_final());
        let is_connecting = self.lifecycle.is_connecting();
        if is_final && is_connecting && self.lifecycle.kind() == Kind::Handshaking {
            return self.give_up();
        }
        let has_failed = !was_handshaken && !options.is_raw();
        if is_final
            || !is_connecting
            || !self.lifecycle.machine.reconnects()
            || (has_failed && self.stops_after(STOP_HANDSHAKE_FAILED))
        {
            return self.finish();
        }
        let was_active = self.lifecycle.is_active();
        self.leave();
        let drops = options.immediate && !options.socket_type.subscribes() || options.is_raw();
        if was_active && drops {
            self.give_up_pipe();
        }
        if self.lifecycle.machine.is_closing() && self.session.write.lock().is_drained() {
            return self.finish();
        }
        self.wait();
    }

    /// Waits before the next attempt, where there is one.
    pub(super) fn wait(&mut self) {
        let random = RandomState::new().hash_one(self.session.number);
        match self.lifecycle.machine.wait(random, Instant::now()) {
            Some(pause) => self.report(ConnectionEvent::ConnectRetried(pause)),
            // Messages that no connection can take any more are not waited for.
            None if self.lifecycle.machine.is_closing() => self.finish(),
            None => {}
        }
    }

    /// Whether ZMQ_RECONNECT_STOP has this bit.
    pub(super) fn stops_after(&self, event: i32) -> bool {
        self.session.options.reconnect_stop & event != 0
    }

    /// The peer refused us, or we it: no connection is tried any more. Programs send and do not ask
    /// whether they were let in (observed), so the pipe stays.
    pub(super) fn give_up(&mut self) {
        self.leave();
        self.lifecycle.machine.enter(State::GivenUp);
        match &self.lifecycle.end {
            Some(end) if !self.lifecycle.machine.is_closing() => end.refused(),
            _ => self.finish(),
        }
    }
}
