//! Heartbeats of a connection (RFC 37): PINGs of ours, and how long either side may be silent.
//!
//! Whatever comes from the peer is a sign of life. Silence counts from a PING of ours
//! (ZMQ_HEARTBEAT_TIMEOUT), and from a PING of the peer that tells a time to live. While a PING
//! waits behind something large, it is a sign of life as well that the peer takes that in.

use super::{after, is_over};
use std::time::{Duration, Instant};

/// The times of heartbeats.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::session) struct HeartbeatTimes {
    /// ZMQ_HEARTBEAT_IVL: from one PING of ours to the next; without one there are none.
    pub interval: Option<Duration>,
    /// ZMQ_HEARTBEAT_TIMEOUT, longer than zero: how long a peer may be silent after a PING.
    pub timeout: Option<Duration>,
}

/// How our PING stands whose answer has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum PingProgress {
    /// It is us who do not read, because the application does not: that is no sign of anything.
    NotReading,
    /// The peer's system has taken it. `advanced`: since the last look.
    Delivered { advanced: bool },
    /// Something goes before it, and it is worth a look whether that moves.
    Waiting { advanced: bool },
}

/// What the time is over for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Ping,
    PeerTtl,
    Answer,
}

/// The heartbeats of one connection.
#[derive(Debug)]
pub(in crate::session) struct Heartbeat {
    times: HeartbeatTimes,
    /// When our next PING is due; `None` where we send none.
    ping_at: Option<Instant>,
    /// When to look whether our PING was answered; `None` where none awaits an answer.
    answer_by: Option<Instant>,
    /// When the peer last showed a sign of life after that PING, or when that was sent.
    alive_at: Option<Instant>,
    /// When the peer counts as gone, as its own PING said.
    silent_at: Option<Instant>,
}

impl Heartbeat {
    /// Of a connection that is established now; `sends`: its peer knows PINGs.
    pub(super) fn new(times: HeartbeatTimes, sends: bool, now: Instant) -> Self {
        let ping_at = after(now, times.interval.filter(|_| sends));
        Self { times, ping_at, answer_by: None, alive_at: None, silent_at: None }
    }

    /// Something came: whether that changes a time.
    pub(super) fn handle_input(&mut self) -> bool {
        let changes = self.answer_by.is_some() || self.silent_at.is_some();
        if changes {
            (self.answer_by, self.silent_at) = (None, None);
        }
        changes
    }

    pub(super) fn handle_ping(&mut self, time_to_live: Duration, now: Instant) {
        self.silent_at = after(now, Some(time_to_live));
    }

    /// Whether the next PING is one whose answer is waited for.
    pub(super) fn watches_next_ping(&self) -> bool {
        self.answer_by.is_none()
    }

    /// A PING was written, and where `is_waiting` something goes before it.
    pub(super) fn ping_sent(&mut self, is_waiting: bool, now: Instant) {
        // Unless one is watched already, or heartbeats have ended meanwhile.
        if self.answer_by.is_none() && self.ping_at.is_some() {
            self.alive_at = Some(now);
            self.await_answer(is_waiting, now);
        }
    }

    /// No answer came in time: false if the peer is gone.
    pub(super) fn check_answer(&mut self, progress: PingProgress, now: Instant) -> bool {
        let (is_waiting, advanced) = match progress {
            PingProgress::NotReading => return true,
            PingProgress::Delivered { advanced } => (false, advanced),
            PingProgress::Waiting { advanced } => (true, advanced),
        };
        if advanced {
            self.alive_at = Some(now);
        }
        self.await_answer(is_waiting, now)
    }

    fn await_answer(&mut self, is_waiting: bool, now: Instant) -> bool {
        let (Some(timeout), Some(alive)) = (self.times.timeout, self.alive_at) else {
            return true;
        };
        let next = next_check(now.saturating_duration_since(alive), timeout, is_waiting);
        self.answer_by = after(now, next);
        next.is_some()
    }

    /// There are no more PINGs of ours, and none is waited for.
    pub(super) fn stop(&mut self) {
        (self.ping_at, self.answer_by, self.silent_at) = (None, None, None);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [self.ping_at, self.answer_by, self.silent_at].into_iter().flatten().min()
    }

    /// What the time is over for; each is returned once. The next PING follows after the interval.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Expired> {
        if is_over(&mut self.ping_at, now) {
            self.ping_at = after(now, self.times.interval);
            return Some(Expired::Ping);
        }
        if is_over(&mut self.silent_at, now) {
            return Some(Expired::PeerTtl);
        }
        is_over(&mut self.answer_by, now).then_some(Expired::Answer)
    }
}

/// When to look again after a peer that has been silent for a while, or `None` if it counts as gone.
fn next_check(silent: Duration, timeout: Duration, is_waiting: bool) -> Option<Duration> {
    let left = timeout.saturating_sub(silent);
    let step = if is_waiting { timeout / 4 } else { timeout };
    (!left.is_zero()).then(|| left.min(step))
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
