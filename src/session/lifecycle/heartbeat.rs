//! Heartbeats of a connection (RFC 37): PINGs of ours, and how long either side may be silent.
//!
//! Whatever comes from the peer is a sign of life. Silence counts from a PING of ours
//! (ZMQ_HEARTBEAT_TIMEOUT), and from a PING of the peer that tells a time to live. While a PING
//! waits behind something large, it is a sign of life as well that the peer takes that in.

use super::{DisconnectReason, LifecycleGuard};
use crate::io::Reactor;
use crate::session::{HEARTBEAT_TIMEOUT, PEER_TTL, PING, Session};
use crate::zmtp::{Version, ping, pong};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The timers of a connection's heartbeats.
#[derive(Default)]
pub(super) struct Heartbeat {
    /// Until our next PING.
    ping: Option<u64>,
    /// Until a PING of ours counts as unanswered, unless something comes.
    answer: Option<u64>,
    /// When the peer last showed a sign of life after that PING, or the PING itself.
    alive: Option<Instant>,
    /// Until the peer counts as gone, as its own PING says, unless something comes.
    time_to_live: Option<u64>,
}

/// When to look again after a peer that has been silent for a while, or `None` if it counts as gone.
/// `waits`: something goes before our PING, and it is worth a look whether that moves.
fn next_check(silent: Duration, timeout: Duration, waits: bool) -> Option<Duration> {
    let left = timeout.saturating_sub(silent);
    let step = if waits { timeout / 4 } else { timeout };
    (!left.is_zero()).then(|| left.min(step))
}

impl Session {
    /// The connection is established.
    pub(super) fn begin_heartbeats(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        version: Version,
    ) {
        // Older peers know no PING, and some end the connection at what they do not know.
        if let Some(interval) = self.options.heartbeat_interval
            && version >= Version::V3_1
        {
            lifecycle.heartbeat.ping = Some(reactor.set_timer(interval, self.clone(), PING));
        }
    }

    /// It is time for a PING.
    pub(super) fn send_ping(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        lifecycle.heartbeat.ping = None;
        let Some(interval) = self.options.heartbeat_interval else {
            return;
        };
        lifecycle.heartbeat.ping = Some(reactor.set_timer(interval, self.clone(), PING));
        if self.read.lock().is_stalled() {
            // An answer would not be read. A PONG asks for none, and is a sign of life to a peer whose
            // own PING waits behind what is not read either.
            self.write.lock().send_command(pong(&[]));
            return self.drive_write(lifecycle, reactor);
        }
        let tenths = self.options.heartbeat_ttl.as_millis() / 100;
        let time_to_live = u16::try_from(tenths).unwrap_or(u16::MAX);
        let is_first = lifecycle.heartbeat.answer.is_none();
        self.write.lock().send_ping(ping(time_to_live, &[]), is_first);
        self.drive_write(lifecycle, reactor);
        // Unless the write failed, and heartbeats have ended with that.
        if is_first && lifecycle.heartbeat.ping.is_some() {
            lifecycle.heartbeat.alive = Some(Instant::now());
            self.await_answer(lifecycle, reactor);
        }
    }

    /// Waits for the answer to a PING, or ends the connection of a peer that gave no sign of life
    /// for too long.
    fn await_answer(self: &Arc<Self>, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        let timeout = self.options.heartbeat_timeout().filter(|timeout| !timeout.is_zero());
        let (Some(timeout), Some(alive)) = (timeout, lifecycle.heartbeat.alive) else {
            return;
        };
        // Not locked any more where the connection ends.
        let waits = self.write.lock().ping_waits();
        match next_check(alive.elapsed(), timeout, waits) {
            Some(after) => {
                let timer = reactor.set_timer(after, self.clone(), HEARTBEAT_TIMEOUT);
                lifecycle.heartbeat.answer = Some(timer);
            }
            None => {
                self.disconnected(lifecycle, reactor, DisconnectReason::System(libc::ETIMEDOUT))
            }
        }
    }

    /// A PING has no answer yet. Where it is us who do not read, because the application does not,
    /// that is no sign of anything.
    pub(super) fn on_heartbeat_timeout(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        lifecycle.heartbeat.answer = None;
        if self.read.lock().is_stalled() {
            return;
        }
        if self.write.lock().ping_advances() {
            lifecycle.heartbeat.alive = Some(Instant::now());
        }
        self.await_answer(lifecycle, reactor);
    }

    /// Something came from the peer.
    pub(super) fn reset_timeouts(&self, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        let heartbeat = &mut lifecycle.heartbeat;
        for timer in [&mut heartbeat.answer, &mut heartbeat.time_to_live] {
            if let Some(number) = timer.take() {
                reactor.cancel_timer(number);
            }
        }
    }

    /// The peer sent a PING with this time to live.
    pub(super) fn arm_peer_ttl(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        time_to_live: Duration,
    ) {
        let number = reactor.set_timer(time_to_live, self.clone(), PEER_TTL);
        if let Some(before) = lifecycle.heartbeat.time_to_live.replace(number) {
            reactor.cancel_timer(before);
        }
    }

    /// Nothing came for the time that the peer told. Where it is us who do not read, because the
    /// application does not, that is no sign of anything.
    pub(super) fn on_peer_ttl(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        lifecycle.heartbeat.time_to_live = None;
        if !self.read.lock().is_stalled() {
            self.disconnected(lifecycle, reactor, DisconnectReason::System(libc::ETIMEDOUT));
        }
    }

    /// The connection is gone.
    pub(super) fn end_heartbeats(&self, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        self.reset_timeouts(lifecycle, reactor);
        if let Some(number) = lifecycle.heartbeat.ping.take() {
            reactor.cancel_timer(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_looked_at_when_its_time_is_over_and_one_that_is_busy_in_quarters() {
        let ms = Duration::from_millis;
        assert_eq!(next_check(ms(0), ms(200), false), Some(ms(200)));
        assert_eq!(next_check(ms(150), ms(200), false), Some(ms(50)));
        assert_eq!(next_check(ms(0), ms(200), true), Some(ms(50)));
        assert_eq!(next_check(ms(180), ms(200), true), Some(ms(20)));
        assert_eq!(next_check(ms(200), ms(200), true), None);
        assert_eq!(next_check(ms(900), ms(200), false), None);
    }
}
