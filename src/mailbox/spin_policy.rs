//! Whether a wait looks for news before it sleeps, and how long.

use crate::options::DEFAULT_BUSY_WAIT;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Credit for this number of spins in a row that find something.
const MAX_CREDIT: u32 = 40;
/// What a spin that finds nothing costs.
const LOSS: u32 = 8;
/// The waits of the rest that a sleep counts for which was so short that a spin might have found
/// something. Not more: where two share a processor sleeps are short and spins find nothing.
const SHORT_SLEEP: u32 = 16;
/// At least this number of waits passes without a spin when the credit is used up.
const MIN_REST: u32 = 64;
const MAX_REST: u32 = 1024;
/// The spin after a backoff lasts this many times the bound, and so do `LONG_LOOKS` after it: two peers
/// that both sleep take turns in waking each other, and neither sees how fast the other is awake.
const LONG: u32 = 3;
const LONG_LOOKS: u32 = 2 * MIN_REST;
/// So do this many after a spin that finds nothing among others that do: the peer, who waited too, may
/// sleep by now, and be woken by what we send next.
const LONG_AFTER_LOSS: u32 = 4;
/// Then nobody spins for this time, in nanoseconds: others need the processors, and who uses its
/// share up by looking has to wait for its turn when the message is there. Where it happens again
/// soon afterwards the processors are busy, and it is twice as long each time; where it was a
/// moment's work of the system, the dialogue goes on as fast as before.
const SHORTEST_REST: u64 = 1_000_000;
const LONGEST_REST: u64 = 16_000_000;
/// Nobody looks for this time after a connect, in nanoseconds: a handshake takes several times longer
/// than a look, and the peer may share our processor.
const HANDSHAKE: u64 = 200_000;
/// So soon, in nanoseconds.
const AGAIN: u64 = 20_000_000;

/// After as many waits without news the next ones leave polling to the I/O thread.
const FRUITLESS: u32 = 2;

/// Whether looking before sleeping pays off for a socket. Waking a sleeper costs about as much as
/// looking does, so looking pays while it succeeds more often than not; it does not where the
/// peer is slow or shares our processor.
///
/// All are hints for the one thread that uses the socket; nothing else depends on them.
#[derive(Debug)]
pub(crate) struct SpinPolicy {
    /// How long a wait may look, in microseconds (ZMQ_BUSY_WAIT).
    bound: AtomicU32,
    /// Looks are made while it is at least `LOSS`.
    credit: AtomicU32,
    /// Waits without a look that remain when there is no credit.
    resting: AtomicU32,
    /// Waits to rest the next time: more each time that resting did not help.
    backoff: AtomicU32,
    /// Long looks that remain.
    long: AtomicU32,
    /// The processors are busy until then, in `nanoseconds`; 0: they are not.
    busy_until: AtomicU64,
    /// When the last rest because of that ended, and how long it was.
    last_backoff: [AtomicU64; 2],
    /// When the last wait ended, in `nanoseconds`; 0: never.
    pub ended: AtomicU64,
    /// Waits in a row that ended without news.
    fruitless: AtomicU32,
}

impl Default for SpinPolicy {
    fn default() -> Self {
        Self {
            bound: AtomicU32::new(DEFAULT_BUSY_WAIT),
            credit: AtomicU32::new(LOSS),
            resting: AtomicU32::new(0),
            backoff: AtomicU32::new(MIN_REST),
            long: AtomicU32::new(0),
            busy_until: AtomicU64::new(0),
            last_backoff: Default::default(),
            ended: AtomicU64::new(0),
            fruitless: AtomicU32::new(0),
        }
    }
}

impl SpinPolicy {
    /// Changes how long a wait may look; zero is not at all.
    pub(crate) fn set_bound(&self, microseconds: u32) {
        self.bound.store(microseconds, Ordering::Relaxed);
    }

    /// In nanoseconds, as the times below.
    fn bound(&self) -> u64 {
        u64::from(self.bound.load(Ordering::Relaxed)) * 1000
    }

    /// How long a wait that begins now may look.
    pub(crate) fn spin_budget(&self, now: u64) -> u64 {
        let bound = self.bound();
        let busy_until = self.busy_until.load(Ordering::Relaxed);
        if busy_until != 0 {
            if now < busy_until {
                return 0;
            }
            self.busy_until.store(0, Ordering::Relaxed);
        }
        if self.credit.load(Ordering::Relaxed) < LOSS {
            let resting = self.resting.load(Ordering::Relaxed);
            if resting > 0 {
                self.resting.store(resting - 1, Ordering::Relaxed);
                return 0;
            }
            self.long.store(LONG_LOOKS, Ordering::Relaxed);
            self.credit.store(LOSS, Ordering::Relaxed);
        }
        let long = self.long.load(Ordering::Relaxed);
        self.long.store(long.saturating_sub(1), Ordering::Relaxed);
        if long > 0 { bound * u64::from(LONG) } else { bound }
    }

    /// A wait has ended at this time, with news or without.
    pub(crate) fn wait_ended(&self, now: u64, found_news: bool) {
        self.ended.store(now, Ordering::Relaxed);
        let fruitless = self.fruitless.load(Ordering::Relaxed);
        let fruitless = if found_news { 0 } else { fruitless.saturating_add(1) };
        self.fruitless.store(fruitless, Ordering::Relaxed);
    }

    /// The socket connects, from this time on: its caller is expected to wait soon, as after a wait.
    pub(crate) fn connected(&self, now: u64) {
        self.ended.store(now, Ordering::Relaxed);
        self.busy_until.fetch_max(now + HANDSHAKE, Ordering::Relaxed);
    }

    /// Whether a wait should poll: what it costs to take the reactor and to release it is for nothing
    /// where waits end by their time-outs.
    pub(crate) fn expects_news(&self) -> bool {
        self.fruitless.load(Ordering::Relaxed) < FRUITLESS
    }

    /// A look found at this time that its processor had been taken away.
    pub(crate) fn preempted(&self, now: u64) {
        let [ended, length] = &self.last_backoff;
        let again = now.saturating_sub(ended.load(Ordering::Relaxed)) < AGAIN;
        let length_now = match length.load(Ordering::Relaxed) {
            before if again => (2 * before).clamp(SHORTEST_REST, LONGEST_REST),
            _ => SHORTEST_REST,
        };
        length.store(length_now, Ordering::Relaxed);
        ended.store(now + length_now, Ordering::Relaxed);
        self.busy_until.store(now + length_now, Ordering::Relaxed);
    }

    /// A sleep, with being woken up, took so long.
    pub(crate) fn record_park(&self, time: u64) {
        if time <= self.bound() * 2 {
            let resting = self.resting.load(Ordering::Relaxed);
            self.resting.store(resting.saturating_sub(SHORT_SLEEP), Ordering::Relaxed);
        }
    }

    /// A look found something after this time, or did not.
    pub(crate) fn record_spin(&self, found: Option<u64>) {
        let credit = self.credit.load(Ordering::Relaxed);
        let credit = match found {
            Some(time) if time <= self.bound() => credit + 1,
            Some(_) => credit,
            None => credit.saturating_sub(LOSS),
        };
        self.credit.store(credit.min(MAX_CREDIT), Ordering::Relaxed);
        if found.is_none() {
            let long = self.long.load(Ordering::Relaxed);
            self.long.store(long.max(LONG_AFTER_LOSS), Ordering::Relaxed);
        }
        if credit >= MAX_CREDIT {
            self.backoff.store(MIN_REST, Ordering::Relaxed);
        } else if credit < LOSS {
            let rest = self.backoff.load(Ordering::Relaxed);
            self.resting.store(rest, Ordering::Relaxed);
            self.backoff.store((rest * 2).min(MAX_REST), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_while_processors_stay_busy() {
        let policy = SpinPolicy::default();
        let rest_at = |now| {
            policy.preempted(now);
            policy.busy_until.load(Ordering::Relaxed) - now
        };
        let mut now = 10 * AGAIN;
        assert_eq!(rest_at(now), SHORTEST_REST);
        let mut rests = Vec::new();
        for _ in 0..8 {
            now = policy.busy_until.load(Ordering::Relaxed) + AGAIN / 2;
            rests.push(rest_at(now));
        }
        assert!(rests.is_sorted() && rests[0] == 2 * SHORTEST_REST && rests[7] == LONGEST_REST);
        now = policy.busy_until.load(Ordering::Relaxed) + AGAIN;
        assert_eq!(rest_at(now), SHORTEST_REST);
    }
}
