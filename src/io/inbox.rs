//! What is scheduled on a reactor, until the thread that polls takes it.
//!
//! A stack of entries that belong to their sources, of which the thread that polls takes all at once.
//! Adding one is a single compare-and-swap and takes no memory: a thread that is suspended anywhere
//! during it holds up nobody but the source that it schedules.

#![allow(unsafe_code)]

use super::reactor::EventHandler;
use crate::sync::UnsafeCell;
use std::mem;
use std::ptr;
use std::sync::Arc;

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// The place of a source in an inbox: it is there once, or not at all.
pub(crate) struct InboxEntry(Arc<Node>);

impl Default for InboxEntry {
    /// One that is in no inbox.
    fn default() -> Self {
        let is_queued = AtomicBool::new(false);
        let content = UnsafeCell::new(Content { source: None, next: ptr::null() });
        Self(Arc::new(Node { is_queued, content }))
    }
}

struct Node {
    /// Set by the thread that adds the entry, cleared by the one that took it.
    is_queued: AtomicBool,
    content: UnsafeCell<Content>,
}

struct Content {
    source: Option<Arc<dyn EventHandler>>,
    /// The entry that was added before this one: a reference from `Arc::into_raw`, or null.
    next: *const Node,
}

// SAFETY: the content is used by one thread at a time: by the one that set `is_queued`, until its
// compare-and-swap puts the node into an inbox, and then by the one that takes it out, until it
// clears `is_queued`. Both changes publish what was written before.
unsafe impl Sync for Node {}
// SAFETY: sources may be used and dropped by any thread; the pointer is a reference that is owned.
unsafe impl Send for Node {}

/// The entries that wait, the last one first.
pub(super) struct Inbox {
    /// A reference from `Arc::into_raw`, or null.
    head: AtomicPtr<Node>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Adds the source under its entry; false if that is in an inbox already. What the thread did
    /// before is seen by the run of the source that follows in either case.
    pub(super) fn push(&self, entry: &InboxEntry, source: Arc<dyn EventHandler>) -> bool {
        // Acquire: the content was given up. Release pairs with the swap in `next`: where the entry is
        // queued, the run that it waits for sees what this thread did.
        if entry.0.is_queued.swap(true, Ordering::AcqRel) {
            return false;
        }
        let content = &entry.0.content;
        let node = Arc::into_raw(entry.0.clone());
        // SAFETY: this thread set `is_queued`, see `Node`.
        content.with_mut(|content| unsafe { (*content).source = Some(source) });
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: as above: the node is in no inbox yet.
            content.with_mut(|content| unsafe { (*content).next = head });
            // Release publishes the content to the thread that takes it.
            match self.head.compare_exchange_weak(
                head,
                node.cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all that are there, in the order in which they were added.
    pub(super) fn take(&self) -> Taken {
        if self.is_empty() {
            return Taken { first: ptr::null() };
        }
        // Acquire pairs with the Release of each thread that added one: each of their changes went on
        // from the one before.
        let mut node: *const Node = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        let mut first = ptr::null();
        while !node.is_null() {
            // SAFETY: it came from `Arc::into_raw`, and was taken out by this thread alone.
            let content = unsafe { &(*node).content };
            // SAFETY: as above.
            let next =
                content.with_mut(|content| unsafe { mem::replace(&mut (*content).next, first) });
            first = node;
            node = next;
        }
        Taken { first }
    }

    pub(super) fn is_empty(&self) -> bool {
        // SeqCst: read behind the fence that pairs with the one of a thread that adds something.
        self.head.load(Ordering::SeqCst).is_null()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Entries that were taken out of an inbox.
pub(super) struct Taken {
    /// A reference from `Arc::into_raw`, or null.
    first: *const Node,
}

impl Iterator for Taken {
    type Item = Arc<dyn EventHandler>;

    /// The next source; from here on its entry can be added again.
    fn next(&mut self) -> Option<Arc<dyn EventHandler>> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: it came from `Arc::into_raw`, and is given up here only.
        let node = unsafe { Arc::from_raw(self.first) };
        let source = node.content.with_mut(|content| {
            // SAFETY: this thread took the node out, see `Node`.
            let content = unsafe { &mut *content };
            self.first = content.next;
            content.source.take()
        });
        // Release: the content is given up. Acquire pairs with the swap in `push`. A swap, so that
        // what a thread did that found the entry queued is seen from here on.
        node.is_queued.swap(false, Ordering::AcqRel);
        source
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.by_ref().for_each(drop);
    }
}

#[cfg(all(test, loom))]
mod loom_tests;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::io::reactor::Nothing;
    use std::thread;

    #[test]
    fn sources_come_out_once_and_in_the_order_in_which_they_were_added() {
        let inbox = Inbox::new();
        let entries: Vec<_> = (0..100).map(|_| InboxEntry::default()).collect();
        for round in 0..2 {
            let added = |round| -> Vec<_> {
                let sources = entries.iter().zip(0..);
                sources
                    .map(|(entry, number)| inbox.push(entry, Arc::new(Nothing(round + number))))
                    .collect()
            };
            assert!(added(round).into_iter().all(|added| added));
            assert!(!added(round + 1000).into_iter().any(|added| added));
            let numbers: Vec<_> = inbox.take().map(|source| source.socket()).collect();
            assert!(numbers.into_iter().eq(round..round + 100) && inbox.is_empty());
        }
    }

    #[test]
    fn an_entry_can_be_added_again_from_its_run_on() {
        let (inbox, entry) = (Inbox::new(), InboxEntry::default());
        inbox.push(&entry, Arc::new(Nothing(1)));
        let mut taken = inbox.take();
        assert!(!inbox.push(&entry, Arc::new(Nothing(2))));
        assert_eq!(taken.next().map(|source| source.socket()), Some(1));
        assert!(inbox.push(&entry, Arc::new(Nothing(3))));
        assert!(taken.next().is_none() && !inbox.is_empty());
    }

    #[test]
    fn what_is_left_in_an_inbox_is_dropped_with_it() {
        let (inbox, entry) = (Inbox::new(), InboxEntry::default());
        let source: Arc<dyn EventHandler> = Arc::new(Nothing(1));
        inbox.push(&entry, source.clone());
        drop(inbox);
        assert_eq!(Arc::strong_count(&source), 1);
        assert!(Inbox::new().push(&entry, source));
    }

    #[test]
    fn threads_that_add_at_once_lose_nothing() {
        let inbox = Inbox::new();
        let mut served = 0;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let entry = InboxEntry::default();
                        (0..10_000).filter(|_| inbox.push(&entry, Arc::new(Nothing(1)))).count()
                    })
                })
                .collect();
            while !threads.iter().all(|thread| thread.is_finished()) {
                served += inbox.take().count();
            }
            let added: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            assert_eq!(added, served + inbox.take().count());
        });
    }
}
