//! Heartbeats of a connection (RFC 37): PINGs of ours, and how long either side may be silent.
//!
//! Whatever comes from the peer is a sign of life. Silence counts from a PING of ours
//! (ZMQ_HEARTBEAT_TIMEOUT), and from a PING of the peer that tells a time to live.

use super::life::LifeGuard;
use super::{Loss, PING, SILENCE, Session};
use crate::io::Reactor;
use crate::zmtp::{Version, ping};
use std::sync::Arc;
use std::time::Duration;

/// The timers of a connection's heartbeats.
#[derive(Default)]
pub(super) struct Heartbeat {
    /// Until our next PING.
    ping: Option<u64>,
    /// Until the peer counts as gone, unless something comes: after our PING, and as the peer's
    /// time to live says.
    silence: [Option<u64>; 2],
}

/// Which of the two.
const ANSWER: usize = 0;
const TIME_TO_LIVE: usize = 1;

impl Session {
    /// The connection is established.
    pub(super) fn begin_heartbeats(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
        version: Version,
    ) {
        // Older peers know no PING.
        if let Some(interval) = self.options.heartbeat_interval
            && version >= Version::V3_0
        {
            life.heartbeat.ping = Some(reactor.set_timer(interval, self.clone(), PING));
        }
    }

    /// It is time for a PING.
    pub(super) fn send_ping(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        life.heartbeat.ping = None;
        let Some(interval) = self.options.heartbeat_interval else {
            return;
        };
        life.heartbeat.ping = Some(reactor.set_timer(interval, self.clone(), PING));
        // An answer would not be read.
        if self.read.lock().is_stalled() {
            return;
        }
        let tenths = self.options.heartbeat_ttl.as_millis() / 100;
        let time_to_live = u16::try_from(tenths).unwrap_or(u16::MAX);
        self.write.lock().send_ping(ping(time_to_live, &[]));
        let timeout = self.options.heartbeat_timeout().filter(|timeout| !timeout.is_zero());
        if let Some(timeout) = timeout
            && life.heartbeat.silence[ANSWER].is_none()
        {
            life.heartbeat.silence[ANSWER] =
                Some(reactor.set_timer(timeout, self.clone(), SILENCE));
        }
        self.drive_write(life, reactor);
    }

    /// Something came from the peer.
    pub(super) fn heard(&self, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        for silence in &mut life.heartbeat.silence {
            if let Some(number) = silence.take() {
                reactor.cancel_timer(number);
            }
        }
    }

    /// The peer sent a PING with this time to live.
    pub(super) fn limit_silence(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
        time_to_live: Duration,
    ) {
        let number = reactor.set_timer(time_to_live, self.clone(), SILENCE);
        if let Some(before) = life.heartbeat.silence[TIME_TO_LIVE].replace(number) {
            reactor.cancel_timer(before);
        }
    }

    /// Nothing came for too long. Where it is us who do not read, because the application does
    /// not, that is no sign of anything.
    pub(super) fn silent(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        self.heard(life, reactor);
        if !self.read.lock().is_stalled() {
            self.disconnected(life, reactor, Loss::System(libc::ETIMEDOUT));
        }
    }

    /// The connection is gone.
    pub(super) fn end_heartbeats(&self, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        self.heard(life, reactor);
        if let Some(number) = life.heartbeat.ping.take() {
            reactor.cancel_timer(number);
        }
    }
}
