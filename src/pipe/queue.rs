//! An unbounded single-producer single-consumer queue in which items become visible in batches.
//!
//! The producer pushes items, commits them when a message is whole, and publishes what is
//! committed: so a message of several parts appears whole or not at all. The consumer says when it
//! goes to sleep, and the publish that ends the sleep tells the producer so: one wake-up for each
//! change from empty to not empty, none for what lies between.
//!
//! The items stand in a chain of small chunks. An unused queue has none, and the first is for a few
//! items only: many connections carry no more.

#![allow(unsafe_code)]

use super::chunk::{CHUNK, Chunk, FIRST, free_chunk, slot};
use super::sync::{Arc, AtomicPtr, AtomicU64, Ordering, UnsafeCell};
use crate::memory::prefetch_to_write;
use std::mem::MaybeUninit;
use std::ptr;

/// `published`: the consumer found nothing and waits to be woken.
const ASLEEP: u64 = 1;
/// `published`: the producer is gone; nothing follows.
const ENDED: u64 = 2;
/// The count of items stands above the flags.
const COUNT_SHIFT: u32 = 2;

/// Keeps what two threads write on cache lines of their own.
#[repr(align(128))]
struct Padded<T>(T);

struct Shared<T> {
    /// Items published so far, `ASLEEP` and `ENDED`. The producer swaps in a new count, the
    /// consumer sets `ASLEEP`; both through read-modify-write operations, so neither loses the
    /// other's change.
    published: Padded<AtomicU64>,
    /// The first chunk; set by the producer before its first publish.
    first: AtomicPtr<Chunk<T>>,
    /// Where the consumer stood when it was dropped: its chunk, the end of that, and the items
    /// popped.
    left: UnsafeCell<(*mut Chunk<T>, u64, u64)>,
}

// SAFETY: the chunks are reached through raw pointers, but each slot belongs to the producer until
// it is published and to the consumer afterwards; items only need to be sendable for that.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; `left` is written
// and read by one thread each, ordered by the reference count; all other fields are atomics.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let end = self.published.0.load(Ordering::Relaxed) >> COUNT_SHIFT;
        // SAFETY: both ends are gone, so this is the only access.
        let (mut chunk, mut chunk_end, mut position) = self.left.with_mut(|left| unsafe { *left });
        if chunk.is_null() {
            (chunk, chunk_end) = (self.first.load(Ordering::Relaxed), FIRST as u64);
        }
        while !chunk.is_null() {
            while position < chunk_end.min(end) {
                // SAFETY: from the consumer's chunk on, all chunks are linked and the queue's own.
                // The item is published and not popped: written, and dropped once, here.
                unsafe {
                    let place = slot(chunk, chunk_end, position);
                    (*place).with_mut(|cell| (*cell).assume_init_drop());
                }
                position += 1;
            }
            // SAFETY: as above; what was in it is dropped.
            unsafe {
                let next = (*chunk).next.load(Ordering::Relaxed);
                free_chunk(chunk, chunk_end);
                chunk = next;
            }
            chunk_end += CHUNK as u64;
        }
    }
}

/// The writing end of a queue.
pub(super) struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// The chunk of the item pushed last; null before the first.
    tail: *mut Chunk<T>,
    /// The position behind its last slot; 0 without a chunk.
    end: u64,
    /// Items pushed so far.
    pushed: u64,
    /// Items that belong to whole messages; `committed <= pushed`.
    committed: u64,
    /// Items published so far; `published <= committed`.
    published: u64,
}

/// The reading end of a queue.
pub(super) struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// The chunk of the next item; null before the first.
    head: *mut Chunk<T>,
    /// The position behind its last slot; 0 without a chunk.
    end: u64,
    /// Items popped so far.
    popped: u64,
    /// Items known to be published; `popped <= available`.
    available: u64,
}

// SAFETY: each end owns its side of the queue alone; moving it moves that right with it.
unsafe impl<T: Send> Send for Producer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Consumer<T> {}

/// Makes an empty queue. The consumer counts as awake.
pub(super) fn queue<T>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared {
        published: Padded(AtomicU64::new(0)),
        first: AtomicPtr::new(ptr::null_mut()),
        left: UnsafeCell::new((ptr::null_mut(), 0, 0)),
    });
    let producer = Producer {
        shared: shared.clone(),
        tail: ptr::null_mut(),
        end: 0,
        pushed: 0,
        committed: 0,
        published: 0,
    };
    let consumer = Consumer { shared, head: ptr::null_mut(), end: 0, popped: 0, available: 0 };
    (producer, consumer)
}

impl<T> Producer<T> {
    /// Appends an item that stays invisible until it is committed and published.
    #[inline]
    pub(super) fn push(&mut self, item: T) {
        self.push_with(|place| {
            place.write(item);
        });
    }

    /// As [`push`](Self::push) for an item that `fill` writes into its place.
    #[inline(always)]
    pub(super) fn push_with(&mut self, fill: impl FnOnce(&mut MaybeUninit<T>)) {
        if self.pushed == self.end {
            self.extend();
        }
        // SAFETY: `extend` ran before the first slot of each chunk, so `tail` is valid; the slot
        // is not published yet, so the consumer does not touch it.
        unsafe {
            (*slot(self.tail, self.end, self.pushed)).with_mut(|cell| fill(&mut *cell));
        }
        self.pushed += 1;
    }

    /// Has the processor fetch what the next push and publish write to, which the consumer used.
    #[inline(always)]
    pub(super) fn prefetch(&self) {
        prefetch_to_write(&raw const self.shared.published);
        if self.pushed != self.end {
            // SAFETY: as in `push_with`.
            prefetch_to_write(unsafe { slot(self.tail, self.end, self.pushed) });
        }
    }

    /// Links a chunk for the next item.
    #[cold]
    fn extend(&mut self) {
        if self.tail.is_null() {
            self.tail = Chunk::<T, FIRST>::allocate(ptr::null_mut());
            self.end = FIRST as u64;
            // Relaxed: the publish that makes the first item visible releases this.
            self.shared.first.store(self.tail, Ordering::Relaxed);
        } else {
            let chunk = Chunk::<T, CHUNK>::allocate(self.tail);
            // SAFETY: `tail` is valid: the consumer leaves a chunk only through `next`, and the
            // item that makes it do so is not published yet. Relaxed as above.
            unsafe { (*self.tail).next.store(chunk, Ordering::Relaxed) };
            self.tail = chunk;
            self.end += CHUNK as u64;
        }
    }

    /// Says that the items pushed so far are whole.
    #[inline]
    pub(super) fn commit(&mut self) {
        self.committed = self.pushed;
    }

    /// Makes the committed items visible. True if the consumer sleeps and must be woken.
    #[inline]
    pub(super) fn publish(&mut self) -> bool {
        if self.published == self.committed {
            return false;
        }
        self.published = self.committed;
        // Release publishes the slots and the links of the chunks to the consumer's Acquire in
        // `refresh`; Acquire orders what follows a wake-up behind the consumer's going to sleep.
        let before = self.shared.published.0.swap(self.committed << COUNT_SHIFT, Ordering::AcqRel);
        before & ASLEEP != 0
    }

    /// Whether all that was pushed is published, and the consumer sleeps because it took it all.
    pub(super) fn is_drained(&self) -> bool {
        // Acquire: the consumer is done with what it took.
        let published = self.shared.published.0.load(Ordering::Acquire);
        published & ASLEEP != 0 && self.published == self.pushed
    }

    /// Drops the items that are not committed, newest first.
    pub(super) fn rollback(&mut self) {
        while self.committed < self.pushed {
            self.pushed -= 1;
            // SAFETY: `push` wrote the slot and it is not published, so it is still ours.
            unsafe {
                let place = slot(self.tail, self.end, self.pushed);
                (*place).with_mut(|cell| (*cell).assume_init_drop());
            }
            if self.pushed + CHUNK as u64 == self.end {
                self.shorten();
            }
        }
    }

    /// Unlinks the last chunk, which holds no item any more. It is not the first one.
    #[cold]
    fn shorten(&mut self) {
        let chunk = self.tail;
        // SAFETY: `chunk` is valid, and the consumer cannot reach it: it follows `next` only for
        // a published item behind it. For the same reason it still holds on to the one before.
        unsafe {
            self.tail = (*chunk).previous.with_mut(|previous| *previous);
            (*self.tail).next.store(ptr::null_mut(), Ordering::Relaxed);
            free_chunk(chunk, self.end);
        }
        self.end -= CHUNK as u64;
    }
}

impl<T> Producer<T> {
    /// Says that nothing follows. True if the consumer sleeps and must be woken.
    pub(super) fn end(&mut self) -> bool {
        self.rollback();
        let slept = self.publish();
        // Release as in `publish`, and for the end that frees the queue.
        let before = self.shared.published.0.fetch_or(ENDED, Ordering::AcqRel);
        slept || before & ASLEEP != 0
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a consumer finds when it looks for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueState {
    /// There is at least one item.
    Ready,
    /// Nothing now.
    Empty,
    /// Nothing now and never again: the producer is gone.
    Closed,
}

impl<T> Consumer<T> {
    /// Takes the next item, if one is published.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        let place = self.next_place()?;
        // SAFETY: the slot is written and ours; `popped` moves on, so it is read once.
        let item = unsafe { (*place).with_mut(|cell| (*cell).assume_init_read()) };
        self.popped += 1;
        Some(item)
    }

    /// Takes the next item, if one is published, into the place of another, which is dropped. It
    /// is copied once, which going through a value would not promise.
    #[inline(always)]
    pub(super) fn pop_into(&mut self, into: &mut T) -> bool {
        let Some(place) = self.next_place() else {
            return false;
        };
        // SAFETY: as in `pop`. Two places: `into` is not in the queue. Nothing happens between
        // the drop of what it held and the copy.
        unsafe {
            ptr::drop_in_place(into);
            (*place).with_mut(|cell| ptr::copy_nonoverlapping((*cell).as_ptr(), into, 1));
        }
        self.popped += 1;
        true
    }

    /// Where the next item stands, if one is published; to be taken at once.
    #[inline(always)]
    fn next_place(&mut self) -> Option<*const UnsafeCell<MaybeUninit<T>>> {
        if self.popped == self.available && self.refresh() != QueueState::Ready {
            return None;
        }
        if self.popped == self.end {
            self.advance_chunk();
        }
        // SAFETY: the item is published (`popped < available`), so its chunk is linked and valid.
        Some(unsafe { slot(self.head, self.end, self.popped) })
    }

    /// The next item, left where it is.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<&T> {
        if self.popped == self.available && self.refresh() != QueueState::Ready {
            return None;
        }
        let (chunk, end) =
            if self.popped == self.end { self.next_chunk() } else { (self.head, self.end) };
        // SAFETY: as in `pop`; the reference borrows `self`, so nobody pops meanwhile, and the
        // producer does not touch published slots.
        Some(unsafe { (*slot(chunk, end, self.popped)).with_mut(|cell| (*cell).assume_init_ref()) })
    }

    /// Looks whether an item is there.
    #[inline]
    pub(super) fn poll(&mut self) -> QueueState {
        if self.popped < self.available { QueueState::Ready } else { self.refresh() }
    }

    /// How many items are there.
    pub(super) fn waiting(&mut self) -> u64 {
        self.refresh();
        self.available - self.popped
    }

    fn refresh(&mut self) -> QueueState {
        // Acquire pairs with the Release of `publish`.
        let published = self.shared.published.0.load(Ordering::Acquire);
        self.available = published >> COUNT_SHIFT;
        if self.popped < self.available {
            QueueState::Ready
        } else if published & ENDED != 0 {
            QueueState::Closed
        } else {
            QueueState::Empty
        }
    }

    /// Goes to sleep if there is nothing: the next publish (or the producer's end) then reports
    /// that the consumer must be woken. Anything but `Nothing` means that it stays awake.
    pub(super) fn arm(&mut self) -> QueueState {
        // Release orders what the consumer did before behind its going to sleep, Acquire is for
        // the items that a failed exchange finds.
        let awake = self.popped << COUNT_SHIFT;
        match self.shared.published.0.compare_exchange(
            awake,
            awake | ASLEEP,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => QueueState::Empty,
            Err(now) if now == awake | ASLEEP => QueueState::Empty,
            Err(_) => self.refresh(),
        }
    }

    /// The chunk that holds the first slot not read yet, when that is the first of its chunk; and
    /// its end.
    fn next_chunk(&self) -> (*mut Chunk<T>, u64) {
        if self.head.is_null() {
            // Relaxed, here and below: published together with the item that is known to be there.
            (self.shared.first.load(Ordering::Relaxed), FIRST as u64)
        } else {
            // SAFETY: `head` is valid until this end leaves it.
            (unsafe { (*self.head).next.load(Ordering::Relaxed) }, self.end + CHUNK as u64)
        }
    }

    /// Moves to the next chunk and frees the one left behind.
    #[cold]
    fn advance_chunk(&mut self) {
        let left = (self.head, self.end);
        (self.head, self.end) = self.next_chunk();
        // SAFETY: every item in it was read, the producer has linked its successor, and it looks
        // at `previous` of the successor only while nothing in that is published.
        unsafe { free_chunk(left.0, left.1) };
    }

    /// The item behind the one that was popped last, if it is known to be there and stands near.
    #[inline(always)]
    pub(super) fn peek_near(&self) -> Option<&T> {
        if self.popped == self.available || self.popped == self.end {
            return None;
        }
        // SAFETY: as in `peek`; the chunk is that of the item before, which is not left yet.
        Some(unsafe {
            (*slot(self.head, self.end, self.popped)).with_mut(|cell| (*cell).assume_init_ref())
        })
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
        // The producer may go on. What it publishes from here on, and the chunks that hold it,
        // are freed with the shared part.
        self.shared.left.with_mut(|left| {
            // SAFETY: written once, here, and read only in `Shared::drop`, which the reference
            // count orders behind it.
            unsafe { *left = (self.head, self.end, self.popped) };
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod loom_tests;
