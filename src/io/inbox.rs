//! What is scheduled on a reactor, until the thread that polls takes it.

use super::reactor::Source;
use crate::sync::CriticalSection;
use crossbeam_queue::{ArrayQueue, SegQueue};
use std::sync::Arc;

/// Sources that find a place without memory being taken.
const ROOM: usize = 1024;

/// A queue that any thread adds to. It takes no memory unless it is very full: a thread that is
/// suspended in the allocator holds a lock that the thread which frees that memory waits for.
pub(super) struct Inbox {
    ring: ArrayQueue<Arc<dyn Source>>,
    /// Those that found the ring full. Nothing depends on the order of sources.
    overflow: SegQueue<Arc<dyn Source>>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { ring: ArrayQueue::new(ROOM), overflow: SegQueue::new() }
    }

    pub(super) fn push(&self, source: Arc<dyn Source>) {
        if let Err(source) = self.ring.push(source) {
            let _critical = CriticalSection::enter();
            self.overflow.push(source);
        }
    }

    pub(super) fn pop(&self) -> Option<Arc<dyn Source>> {
        self.ring.pop().or_else(|| self.overflow.pop())
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len() + self.overflow.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.overflow.is_empty()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::io::reactor::tests::Nothing;

    #[test]
    fn what_finds_the_ring_full_is_kept_too() {
        let inbox = Inbox::new();
        let count = 3 * ROOM as u64;
        (0..count).for_each(|number| inbox.push(Arc::new(Nothing(number))));
        assert_eq!(inbox.len() as u64, count);
        let mut numbers: Vec<_> =
            std::iter::from_fn(|| inbox.pop()).map(|source| source.socket()).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..count) && inbox.is_empty());
    }
}
