//! How long a session waits before it connects again.

use std::time::Duration;

/// The least pause: one that is shorter would be no pause.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// The pauses between attempts that failed one after the other.
#[derive(Debug, Default)]
pub(super) struct ReconnectBackoff {
    /// The pause before the last attempt, without its spread; `None` after a success.
    last: Option<Duration>,
}

impl ReconnectBackoff {
    /// An attempt succeeded.
    pub(super) fn reset(&mut self) {
        self.last = None;
    }

    /// The next pause: `interval`, doubled each time up to `longest` where that is longer. It is
    /// spread by up to the interval, so that many clients do not come back at once.
    pub(super) fn next_pause(
        &mut self,
        interval: Duration,
        longest: Duration,
        random: u64,
    ) -> Duration {
        let pause = match self.last {
            Some(last) if longest > interval => (last * 2).min(longest),
            _ => interval,
        };
        self.last = Some(pause);
        let spread = random % (interval.as_micros() as u64 + 1);
        (pause + Duration::from_micros(spread)).max(MIN_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_are_short_again_after_a_success() {
        let ms = Duration::from_millis;
        let mut backoff = ReconnectBackoff::default();
        let mut pauses =
            |count| (0..count).map(|_| backoff.next_pause(ms(100), ms(500), 0)).collect::<Vec<_>>();
        assert_eq!(pauses(5), [ms(100), ms(200), ms(400), ms(500), ms(500)]);
        backoff.reset();
        assert_eq!(backoff.next_pause(ms(100), ms(500), 0), ms(100));
    }

    #[test]
    fn pauses_do_not_grow_without_a_longest_one_and_are_spread_by_up_to_the_interval() {
        let ms = Duration::from_millis;
        let mut backoff = ReconnectBackoff::default();
        for random in [0, 1, 99_999, 100_000, u64::MAX] {
            let pause = backoff.next_pause(ms(100), Duration::ZERO, random);
            assert!((ms(100)..=ms(200)).contains(&pause), "{pause:?}");
        }
        assert_eq!(backoff.next_pause(Duration::from_nanos(1), Duration::ZERO, 0), MIN_PAUSE);
    }
}
