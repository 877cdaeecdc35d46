//! What zmq_poll knows of a socket that nothing has happened to since it looked.
//!
//! What a socket is ready for changes by calls on it, and by news in its mailbox. So the answer
//! of a look under its lock stands, in one word, until one of them: a poll of many sockets reads
//! the words, and asks the few that something happened to. It waits for news of any of them in one
//! place, the poll group of its thread, instead of in the lists of all mailboxes.

use super::Events;
use crate::error::Result;
use crate::io::WaiterList;
use crate::sync::Process;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// The word: 0 for nothing known; else the number of the poll group that looked from bit 32, of the
/// socket from bit 8, as far as there is room; `LOOKING` or `KNOWN`, and the events.
///
/// The word outlives the socket, whose handle is used again; its number tells news of the one
/// before from those of the next.
#[derive(Debug, Default)]
pub(crate) struct ReadyCache(AtomicU64);

const LOOKING: u64 = 1 << 7;
const KNOWN: u64 = 1 << 6;
const EVENTS: u64 = KNOWN - 1;
const SOCKET: u64 = 0xFF_FFFF;

impl ReadyCache {
    /// One that knows nothing.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// What the socket is ready for, where this poll group knows that.
    #[inline(always)]
    pub(crate) fn get(&self, group: u32) -> Option<Events> {
        let word = self.0.load(Ordering::Acquire);
        let known = word & KNOWN != 0 && (word >> 32) as u32 == group;
        known.then_some(Events((word & EVENTS) as i16))
    }

    /// A call may change everything.
    #[inline(always)]
    pub(crate) fn invalidate(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    /// Finds out for a poll group what the socket is ready for, under its lock.
    pub(crate) fn refresh(
        &self,
        group: u32,
        socket: u64,
        look: impl FnOnce() -> Result<Events>,
    ) -> Result<Events> {
        let numbers = u64::from(group) << 32 | (socket & SOCKET) << 8;
        self.0.store(numbers | LOOKING, Ordering::SeqCst);
        // Pairs with the fence in `is_outdated`: either who has news sees the word, or they are
        // seen by the look.
        fence(Ordering::SeqCst);
        let events = look()?;
        let found = numbers | KNOWN | (events.0 as u64 & EVENTS);
        let looking = numbers | LOOKING;
        // Where there were news meanwhile, nothing is known, and the poll group was told.
        let _ = self.0.compare_exchange(looking, found, Ordering::AcqRel, Ordering::Relaxed);
        Ok(events)
    }

    /// There are news, in the mailbox already, of the socket with this number. True if a poll may
    /// have relied on there being none, or be about to: it has to look again.
    #[inline]
    pub(crate) fn is_outdated(&self, socket: u64) -> bool {
        fence(Ordering::SeqCst);
        let mut word = self.0.load(Ordering::Relaxed);
        while word != 0 && (word >> 8) & SOCKET == socket & SOCKET {
            match self.0.compare_exchange(word, 0, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }
}

/// The sockets that a thread polls, where they are many, or those of a poller.
#[derive(Debug)]
pub(crate) struct PollGroup {
    process: Process,
    /// Not used again for long.
    pub number: u32,
    /// How often a ready cache that was known changed.
    generation: AtomicU64,
    /// Threads that sleep until one of the sockets has an event.
    pub waiters: WaiterList,
}

thread_local! {
    static POLL_GROUP: RefCell<Option<Arc<PollGroup>>> = const { RefCell::new(None) };
}

impl PollGroup {
    /// One that nobody waits for.
    pub(crate) fn new() -> Arc<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (changes, waiters) = (AtomicU64::new(0), WaiterList::default());
        Arc::new(Self { process: Process::current(), number, generation: changes, waiters })
    }

    /// The poll group of this thread. What a parent's thread knows is not true in a child of fork(2).
    pub(crate) fn of_this_thread() -> Arc<Self> {
        let kept = POLL_GROUP.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let own = kept.take().filter(|own| own.process.is_current());
            kept.insert(own.unwrap_or_else(Self::new)).clone()
        });
        // One for this call where the thread ends.
        kept.unwrap_or_else(|_| Self::new())
    }
}

impl PollGroup {
    /// To be asked before the ready caches are looked at: what changes afterwards changes this.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// A ready cache that was known is not any more.
    #[cold]
    pub(crate) fn notify(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.waiters.notify();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_stands_until_a_call_or_news() {
        let cache = ReadyCache::new();
        let find = |cache: &ReadyCache| cache.refresh(7, 9, || Ok(Events::IN)).unwrap();
        assert_eq!(cache.get(7), None);
        assert!(!cache.is_outdated(9));
        find(&cache);
        assert_eq!(cache.get(7), Some(Events::IN));
        assert_eq!(cache.get(8), None);
        cache.invalidate();
        assert_eq!(cache.get(7), None);
        find(&cache);
        // Late news of a socket that had the handle before.
        assert!(!cache.is_outdated(8));
        assert!(cache.get(7).is_some());
        assert!(cache.is_outdated(9));
        assert_eq!(cache.get(7), None);
    }

    #[test]
    fn news_during_a_look_leave_nothing_known_and_are_told() {
        let cache = ReadyCache::new();
        let events = cache.refresh(7, 9, || {
            // After the look, perhaps: who looks is told, and looks again.
            assert!(cache.is_outdated(9));
            Ok(Events::default())
        });
        assert_eq!(events, Ok(Events::default()));
        assert_eq!(cache.get(7), None);
    }
}
