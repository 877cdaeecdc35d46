//! When the I/O thread and the callers hand a reactor to each other: pure functions of what was
//! seen and of the time. All times are nanoseconds of the monotonic clock.

use crate::io::ownership::Owner;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;

/// Callers that stay away for this long lose the reactor to the I/O thread.
pub(super) const LEASE: u64 = 1_250 * MICROSECOND;
/// The timer is put off only when it would fire sooner than this: a system call.
const LEASE_LEFT: u64 = 250 * MICROSECOND;
/// A caller that spins puts it off sooner, while it has nothing else to do.
const LEASE_LEFT_SPINNING: u64 = 500 * MICROSECOND;
/// Where something is scheduled, the I/O thread takes over when callers stay away for this much
/// longer than twice their usual gap.
const GRACE: u64 = 20 * MICROSECOND;
/// It may be this much later, for one setting of the timer to serve several gaps.
const SLACK: u64 = 150 * MICROSECOND;
/// After the I/O thread was woken for others, callers leave the reactor to it for this long.
pub(super) const CONTESTED: u64 = 20 * MILLISECOND;
/// While callers sleep on the descriptor, the I/O thread looks this often whether one does not
/// wake up, where something depends on it.
pub(super) const WATCHDOG: u64 = 100 * MILLISECOND;

/// A caller that spins asks for the events of all descriptors this often.
const FULL_POLL: u64 = 50 * MICROSECOND;

/// Whether a caller that spins asks for all events, and not only where it expects some.
pub(super) fn is_full_poll_due(now: u64, polled_at: u64) -> bool {
    now.saturating_sub(polled_at) >= FULL_POLL
}

/// An exponentially weighted moving average; no value counts for more than a lease.
pub(super) fn update_ewma(average: u64, value: u64) -> u64 {
    (average * 3 + value.min(LEASE)) / 4
}

/// How long, from now, the I/O thread should wait where something is scheduled: not less than the
/// first, which is longer than callers usually stay away, and not more than the second.
pub(super) fn prompt_times(avg_gap: u64) -> (u64, u64) {
    let earliest = avg_gap * 2 + GRACE;
    (earliest.min(LEASE_LEFT), (earliest + SLACK).min(LEASE))
}

/// When a caller releases the reactor: the time after which the I/O thread is to take over, if the
/// timer is not set or would fire before the first time.
pub(super) fn release_times(avg_gap: u64, schedules: bool) -> (u64, u64) {
    if schedules { prompt_times(avg_gap) } else { (LEASE_LEFT, LEASE) }
}

/// Whether a caller that spins puts the timer off now, so that the release need not.
pub(super) fn puts_off_while_spinning(now: u64, fires_at: u64) -> bool {
    fires_at != 0 && fires_at < now + LEASE_LEFT_SPINNING
}

/// Whether a caller that is about to sleep stops the timer: it would fire during the sleep, by what
/// is usual. Setting it again costs less than waking the I/O thread for nothing.
pub(super) fn stops_before_sleep(now: u64, fires_at: u64, sleeps: Sleeps) -> bool {
    sleeps.last_was_long || fires_at < now + 2 * sleeps.average
}

/// How callers that polled used to sleep.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sleeps {
    /// The average, at most a lease.
    pub(super) average: u64,
    /// The last one was longer than a lease.
    pub(super) last_was_long: bool,
}

/// What the I/O thread finds when it wakes up without the reactor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub(super) owner: Owner,
    /// Something is scheduled, others wait, or the thread is to end.
    pub(super) is_needed: bool,
    /// When a caller last released the reactor.
    pub(super) released_at: u64,
    /// It slept as long as the watchdog's interval.
    pub(super) watchdog: bool,
}

/// What it does then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Takes the reactor.
    TakeOver,
    /// Looks whether there is something to do that the caller who sleeps has not done.
    Inspect,
    /// Sleeps until it is woken.
    Park,
    /// Sleeps until it is woken, or for this long.
    ParkFor(u64),
}

/// What the I/O thread does.
pub(super) fn next_step(now: u64, situation: Situation) -> Step {
    match situation.owner {
        // The caller that owns it sets the timer when it lets go.
        Owner::Caller => Step::Park,
        _ if situation.is_needed => Step::TakeOver,
        Owner::CallerSleeps if situation.watchdog => Step::Inspect,
        Owner::CallerSleeps => Step::Park,
        _ => match LEASE.saturating_sub(now.saturating_sub(situation.released_at)) {
            0 => Step::TakeOver,
            rest => Step::ParkFor(rest),
        },
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000 * MILLISECOND;

    fn found(owner: Owner) -> Situation {
        Situation { owner, is_needed: false, released_at: NOW, watchdog: false }
    }

    #[test]
    fn the_io_thread_takes_an_unowned_reactor_when_the_lease_is_over_or_it_is_needed() {
        let unowned = found(Owner::Unowned);
        assert_eq!(next_step(NOW, unowned), Step::ParkFor(LEASE));
        assert_eq!(next_step(NOW + LEASE - 1, unowned), Step::ParkFor(1));
        assert_eq!(next_step(NOW + LEASE, unowned), Step::TakeOver);
        assert_eq!(next_step(NOW, Situation { is_needed: true, ..unowned }), Step::TakeOver);
    }

    #[test]
    fn a_sleeping_caller_keeps_its_watch_unless_the_reactor_is_needed() {
        let watched = found(Owner::CallerSleeps);
        assert_eq!(next_step(NOW + 1000 * LEASE, watched), Step::Park);
        assert_eq!(next_step(NOW, Situation { is_needed: true, ..watched }), Step::TakeOver);
        assert_eq!(next_step(NOW, Situation { watchdog: true, ..watched }), Step::Inspect);
    }

    #[test]
    fn nothing_is_taken_from_a_caller_that_polls() {
        let caller = Situation { is_needed: true, watchdog: true, ..found(Owner::Caller) };
        assert_eq!(next_step(NOW + LEASE, caller), Step::Park);
    }

    #[test]
    fn what_is_scheduled_waits_for_a_caller_that_comes_back_soon_and_never_longer_than_a_lease() {
        let (earliest, latest) = prompt_times(0);
        assert_eq!((earliest, latest), (GRACE, GRACE + SLACK));
        for gap in [10 * MICROSECOND, 100 * MICROSECOND, LEASE] {
            let (earliest, latest) = prompt_times(gap);
            assert!(earliest <= latest && latest <= LEASE);
            assert!(latest == LEASE || latest > 2 * gap);
        }
    }

    #[test]
    fn averages_follow_what_is_seen_up_to_a_lease() {
        let mut average = 0;
        for _ in 0..40 {
            average = update_ewma(average, 400 * MICROSECOND);
        }
        assert!(average.abs_diff(400 * MICROSECOND) < MICROSECOND);
        for _ in 0..40 {
            average = update_ewma(average, u64::MAX / 8);
        }
        assert!(average <= LEASE);
    }

    #[test]
    fn the_timer_is_stopped_before_a_sleep_in_which_it_would_fire() {
        let sleeps = Sleeps { average: 100 * MICROSECOND, last_was_long: false };
        assert!(stops_before_sleep(NOW, NOW + 150 * MICROSECOND, sleeps));
        assert!(!stops_before_sleep(NOW, NOW + LEASE, sleeps));
        assert!(stops_before_sleep(NOW, NOW + LEASE, Sleeps { last_was_long: true, ..sleeps }));
    }
}
