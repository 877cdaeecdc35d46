//! Whether a wait spins before it sleeps, and how long: functions of what was seen and of the time, which
//! is an argument. All times are nanoseconds of the monotonic clock.

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
/// A caller that comes back to wait so soon, in nanoseconds, takes the reactor over from its I/O thread.
const SOON: u64 = 1_000_000;

/// A spin may be interrupted for this long, in nanoseconds, where it finds no reactor to poll: messages over
/// inproc mostly come before.
const INTERRUPTIBLE: u64 = 10_000;
/// A thread that spins and sees no time pass but this, in nanoseconds, had its processor taken away.
const PREEMPTED: u64 = 200_000;
/// A spin may last so long, in nanoseconds, while pieces of a message come one after the other.
const MAX_SPIN: u64 = 1_000_000;

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
    /// The processors are busy until then; 0: they are not.
    busy_until: AtomicU64,
    /// When the last rest because of that ended, and how long it was.
    last_backoff: [AtomicU64; 2],
    /// When the last wait ended; 0: never.
    ended: AtomicU64,
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

    /// Begins a spin, if one is promising now.
    pub(crate) fn begin_spin(&self, now: u64) -> Option<Spin> {
        let budget = self.spin_budget(now);
        (budget > 0).then_some(Spin { began: now, budget, limit: 0, since: now, last: now })
    }

    /// A spin has ended.
    pub(crate) fn end_spin(&self, spin: Spin, outcome: SpinOutcome) {
        match outcome {
            SpinOutcome::Ready => self.record_spin(Some(spin.last - spin.since)),
            SpinOutcome::Exhausted => self.record_spin(None),
            SpinOutcome::Preempted => self.preempted(spin.last),
        }
    }

    /// How long a wait that begins now may spin.
    fn spin_budget(&self, now: u64) -> u64 {
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

    /// Whether a caller that waits now does so often: it should poll itself.
    pub(crate) fn is_back_soon(&self, now: u64) -> bool {
        let ended = self.ended.load(Ordering::Relaxed);
        ended != 0 && now.saturating_sub(ended) < SOON
    }

    /// A spin found at this time that its processor had been taken away.
    fn preempted(&self, now: u64) {
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

    /// A spin found something after this time, or did not.
    fn record_spin(&self, found: Option<u64>) {
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

/// One spin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spin {
    began: u64,
    /// How long it may go on without anything coming.
    budget: u64,
    /// How long it may go on while pieces of a message come.
    limit: u64,
    /// When something came last; at first, when it began.
    since: u64,
    /// When it looked last.
    last: u64,
}

/// What a spin does after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpinStep {
    /// Looks again at once: something came.
    LookAgain,
    /// Looks again: there is nothing to do. After a while it is not to be interrupted any more.
    Idle {
        interruptible: bool,
    },
    End(SpinOutcome),
}

/// How a spin ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpinOutcome {
    /// What was waited for is there.
    Ready,
    /// Its time is over.
    Exhausted,
    /// Its processor was taken away.
    Preempted,
}

impl Spin {
    /// It goes on while pieces of a message come, but not for longer than this.
    pub(crate) fn go_on_for(&mut self, limit: u64) {
        self.limit = limit.min(MAX_SPIN);
    }

    /// When it looked last.
    #[inline]
    pub(crate) fn last_look(&self) -> u64 {
        self.last
    }

    /// A look has ended: it served something, or not, and what is waited for is there, or not.
    #[inline]
    pub(crate) fn looked(&mut self, now: u64, served: bool, is_ready: bool) -> SpinStep {
        let now = now.max(self.last);
        let paused = now - std::mem::replace(&mut self.last, now);
        if paused > PREEMPTED && !served {
            return SpinStep::End(SpinOutcome::Preempted);
        }
        if is_ready {
            return SpinStep::End(SpinOutcome::Ready);
        }
        if served && now - self.began < self.limit {
            // A piece of a message, perhaps, that others follow.
            self.since = now;
            return SpinStep::LookAgain;
        }
        if now - self.since >= self.budget {
            return SpinStep::End(SpinOutcome::Exhausted);
        }
        SpinStep::Idle { interruptible: now - self.began <= INTERRUPTIBLE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000_000;
    const BOUND: u64 = DEFAULT_BUSY_WAIT as u64 * 1000;

    fn begin(policy: &SpinPolicy, now: u64) -> Option<Spin> {
        policy.begin_spin(now)
    }

    /// A spin at this time that ends so.
    fn spin(policy: &SpinPolicy, outcome: SpinOutcome) {
        policy.end_spin(begin(policy, NOW).unwrap(), outcome);
    }

    /// Waits until the next that spins.
    fn waits_without_spin(policy: &SpinPolicy) -> u32 {
        (0..).find(|_| begin(policy, NOW).is_some()).unwrap()
    }

    #[test]
    fn a_socket_spins_as_long_as_its_bound_and_not_at_all_without_one() {
        let policy = SpinPolicy::default();
        assert_eq!(begin(&policy, NOW).unwrap().budget, BOUND);
        policy.set_bound(7);
        assert_eq!(begin(&policy, NOW).unwrap().budget, 7000);
        policy.set_bound(0);
        assert!(begin(&policy, NOW).is_none());
    }

    #[test]
    fn who_spins_for_nothing_rests_for_ever_more_waits_until_spins_succeed_again() {
        let policy = SpinPolicy::default();
        let mut rests = Vec::new();
        for _ in 0..6 {
            spin(&policy, SpinOutcome::Exhausted);
            rests.push(waits_without_spin(&policy));
            // The wait that found this out has spun.
        }
        assert_eq!(rests, [64, 128, 256, 512, 1024, 1024]);
        for _ in 0..MAX_CREDIT {
            spin(&policy, SpinOutcome::Ready);
        }
        // Credit for five losses, of which the last begins a rest of the shortest length.
        (0..5).for_each(|_| spin(&policy, SpinOutcome::Exhausted));
        assert_eq!(waits_without_spin(&policy), MIN_REST);
    }

    #[test]
    fn short_sleeps_end_a_rest_sooner_and_long_ones_do_not() {
        let policy = SpinPolicy::default();
        spin(&policy, SpinOutcome::Exhausted);
        policy.record_park(BOUND);
        policy.record_park(BOUND * 3);
        assert_eq!(waits_without_spin(&policy), MIN_REST - SHORT_SLEEP);
    }

    #[test]
    fn the_first_spins_after_a_rest_or_a_loss_are_long() {
        let policy = SpinPolicy::default();
        spin(&policy, SpinOutcome::Exhausted);
        waits_without_spin(&policy);
        assert_eq!(begin(&policy, NOW).unwrap().budget, BOUND * u64::from(LONG));
        let policy = SpinPolicy::default();
        (0..LOSS).for_each(|_| spin(&policy, SpinOutcome::Ready));
        spin(&policy, SpinOutcome::Exhausted);
        let budgets = [(); 5].map(|()| begin(&policy, NOW).unwrap().budget / BOUND);
        assert_eq!(budgets, [3, 3, 3, 3, 1]);
    }

    #[test]
    fn nobody_spins_while_a_connection_is_made_or_the_processors_are_busy() {
        let policy = SpinPolicy::default();
        policy.connected(NOW);
        assert!(policy.is_back_soon(NOW + SOON - 1) && !policy.is_back_soon(NOW + SOON));
        assert!(begin(&policy, NOW + HANDSHAKE - 1).is_none());
        assert!(begin(&policy, NOW + HANDSHAKE).is_some());
        let mut preempted = begin(&policy, NOW + HANDSHAKE).unwrap();
        let late = NOW + HANDSHAKE + PREEMPTED + 1;
        let step = preempted.looked(late, false, true);
        assert_eq!(step, SpinStep::End(SpinOutcome::Preempted));
        policy.end_spin(preempted, SpinOutcome::Preempted);
        assert!(begin(&policy, late + SHORTEST_REST - 1).is_none());
        assert!(begin(&policy, late + SHORTEST_REST).is_some());
    }

    #[test]
    fn waits_that_end_without_news_leave_polling_to_the_io_thread() {
        let policy = SpinPolicy::default();
        assert!(!policy.is_back_soon(NOW));
        policy.wait_ended(NOW, false);
        assert!(policy.expects_news() && policy.is_back_soon(NOW));
        policy.wait_ended(NOW, false);
        assert!(!policy.expects_news());
        policy.wait_ended(NOW, true);
        assert!(policy.expects_news());
    }

    #[test]
    fn a_spin_ends_when_it_is_ready_or_its_time_is_over() {
        let mut spin = begin(&SpinPolicy::default(), NOW).unwrap();
        let idle = |interruptible| SpinStep::Idle { interruptible };
        assert_eq!(spin.looked(NOW + INTERRUPTIBLE, false, false), idle(true));
        assert_eq!(spin.looked(NOW + INTERRUPTIBLE + 1, false, false), idle(false));
        let mut other = spin;
        assert_eq!(other.looked(NOW + BOUND, false, true), SpinStep::End(SpinOutcome::Ready));
        assert_eq!(spin.looked(NOW + BOUND, false, false), SpinStep::End(SpinOutcome::Exhausted));
    }

    #[test]
    fn a_spin_goes_on_while_pieces_come_where_it_may() {
        let policy = SpinPolicy::default();
        let mut spin = begin(&policy, NOW).unwrap();
        spin.go_on_for(3 * BOUND);
        assert_eq!(spin.looked(NOW + BOUND, true, false), SpinStep::LookAgain);
        assert_eq!(spin.looked(NOW + 2 * BOUND - 1, true, false), SpinStep::LookAgain);
        // Its limit is over, and nothing else came.
        let step = spin.looked(NOW + 3 * BOUND - 1, false, false);
        assert_eq!(step, SpinStep::End(SpinOutcome::Exhausted));
        let mut alone = begin(&policy, NOW).unwrap();
        let step = alone.looked(NOW + BOUND, true, false);
        assert_eq!(step, SpinStep::End(SpinOutcome::Exhausted));
    }

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
