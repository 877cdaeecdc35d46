//! Reconnecting: when a connection that was lost, or could not be made, is tried again, and when no more.

use super::{LockedSession, State};
use crate::session::ConnectionEvent;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

impl LockedSession<'_> {
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
