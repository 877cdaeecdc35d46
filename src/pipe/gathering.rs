//! When a reader waits for a stream to gather.

/// When a reader that found its pipe empty waits for a stream to gather.
///
/// A reader as fast as the writer would find each message alone, and make each a sleep and a
/// wake-up for both. One that waits finds as many as were written meanwhile; but where messages
/// come one by one, as in a dialogue, or in batches with nothing between them, the wait is lost. So
/// it is tried, rarely while in vain.
#[derive(Default)]
pub(super) struct Gathering {
    /// Times to find the pipe empty before the next try.
    rests: u32,
    /// How many these are after a vain one.
    backoff: u32,
}

/// The most times a reader finds its pipe empty between two tries to gather.
const REST: u32 = 128;

impl Gathering {
    /// Whether to wait now.
    pub(super) fn is_worthwhile(&mut self) -> bool {
        let rested = self.rests == 0;
        self.rests = self.rests.saturating_sub(1);
        rested
    }

    /// It waited, and something came or not.
    pub(super) fn waited(&mut self, came: bool) {
        self.backoff = if came { 0 } else { (2 * self.backoff + 1).min(REST) };
        self.rests = self.backoff;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_for_a_stream_to_gather_and_hardly_in_a_dialogue() {
        let mut gathering = Gathering::default();
        let mut find_empty = |comes: bool| {
            let waits = gathering.is_worthwhile();
            if waits {
                gathering.waited(comes);
            }
            waits
        };
        let waits = (0..10_000).filter(|_| find_empty(false)).count();
        assert!(waits < 10_000 / REST as usize + 16, "{waits} waits in vain");
        // Among messages that come one by one it looks for a stream, and then waits each time.
        assert!((0..2 * REST).any(|_| find_empty(true)));
        assert!((0..100).all(|_| find_empty(true)));
    }
}
