//! When to try again what failed.

#![forbid(unsafe_code)]

/// When to try what may fail: each time as long as it succeeds, and otherwise more and more
/// rarely, with at most `MOST` times between two tries.
#[derive(Debug, Default)]
pub(crate) struct Backoff<const MOST: u32> {
    /// Times not to try before the next try.
    rests: u32,
    /// How many these were after the last one.
    after_last: u32,
}

impl<const MOST: u32> Backoff<MOST> {
    /// Whether to try this time.
    pub(crate) fn is_due(&mut self) -> bool {
        let rested = self.rests == 0;
        self.rests = self.rests.saturating_sub(1);
        rested
    }

    /// It was tried, with or without success.
    pub(crate) fn tried(&mut self, success: bool) {
        self.after_last = if success { 0 } else { (2 * self.after_last + 1).min(MOST) };
        self.rests = self.after_last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_vain_is_tried_rarely_and_what_is_not_each_time() {
        const MOST: u32 = 128;
        let mut backoff = Backoff::<MOST>::default();
        let mut find = |success: bool| {
            let due = backoff.is_due();
            if due {
                backoff.tried(success);
            }
            due
        };
        assert!(find(false));
        let tries = (0..10_000).filter(|_| find(false)).count();
        assert!((10_000 / (MOST as usize + 1)..10_000 / MOST as usize + 16).contains(&tries));
        assert!((0..=MOST).any(|_| find(true)));
        assert!((0..100).all(|_| find(true)));
    }
}
