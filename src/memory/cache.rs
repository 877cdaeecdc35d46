//! Memory of blocks, on its way from the thread that freed it to one that allocates.
//!
//! The sender allocates and the receiver frees: with malloc both meet at the lock of one arena,
//! and the memory that comes back is cold. Here each thread has a small stack of free memory for
//! each class of sizes, used without any atomic operation. A stack that is full gives half of its
//! pieces to the class's depot, one that is empty takes as many from there: one lock, which is
//! only tried, for many messages. Where the depot is busy or empty malloc serves.
//!
//! What rests is bounded: a thread keeps [`THREAD_BYTES`] twice in a class, a depot as much as was
//! in use lately and is not now, or [`DEPOT_BYTES`]; all depots together [`KEPT_BYTES`]. A thread
//! that ends frees what it had; the last context that ends has the depots freed.

use super::{ALIGNMENT, large};
use crate::sync::{CriticalSection, ForkMutex};
use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

/// The smallest class.
const SMALLEST: usize = 64;
/// The largest class; see `large` for more.
const LARGEST: usize = 128 * 1024;
/// Four classes to each doubling: at most a fifth of a piece is not used.
const CLASSES: usize = 4 * (LARGEST.ilog2() - SMALLEST.ilog2()) as usize + 1;

/// The most pieces that go to a depot, or come from there, at a time.
const BATCH: usize = 32;
/// And the bytes that they may have.
const THREAD_BYTES: usize = 64 * 1024;
/// What a depot may always keep.
const DEPOT_BYTES: usize = 128 * 1024;
/// What all depots may keep.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Pieces that come back until what was in use before counts only a third.
const PEAK_DECAY: isize = 8192;

/// A class of sizes: the owner of such memory keeps this to free it with.
#[derive(Clone, Copy)]
pub(crate) struct SizeClass {
    /// `CLASSES` for what `large` sees to.
    number: usize,
    size: usize,
}

impl SizeClass {
    /// The smallest class that holds `size` bytes.
    #[inline(always)]
    pub(crate) fn of(size: usize) -> Self {
        if size > LARGEST {
            return Self { number: CLASSES, size: large::size_of(size) };
        }
        let last = size.max(SMALLEST) - 1;
        let shift = last.ilog2() - 2;
        // The two bits below the highest one are the quarter of the doubling.
        let quarter = last >> shift;
        let number = 4 * (shift as usize + 2) + quarter - (4 * SMALLEST.ilog2() as usize + 3);
        Self { number, size: (quarter + 1) << shift }
    }

    /// The bytes that memory of this class has.
    #[inline(always)]
    pub(crate) fn size(self) -> usize {
        self.size
    }

    /// Pieces that move between a thread and the depot.
    #[inline]
    fn batch(self) -> usize {
        (THREAD_BYTES / self.size).clamp(2, BATCH)
    }
}

/// Pieces of at most this size come from the system several at a time: a batch.
const SMALL: usize = 16 * 1024;

/// The pieces of a stack.
type Pieces = Box<[*mut u8; 2 * BATCH]>;

/// Free pieces of a class that a thread has; `count` of them are there, `room` is for more.
struct Magazine {
    count: usize,
    room: usize,
    pieces: Option<Pieces>,
}

struct ThreadCache([Magazine; CLASSES]);

thread_local! {
    static THREAD_CACHE: UnsafeCell<ThreadCache> =
        const { UnsafeCell::new(ThreadCache([const { Magazine { count: 0, room: 0, pieces: None } }; CLASSES])) };
}

/// Free pieces of a class that belong to no thread.
#[repr(align(128))]
struct Depot {
    pieces: ForkMutex<Vec<Piece>>,
    /// The most that were outside lately, changed under the lock.
    peak: AtomicIsize,
    /// Pieces of the class that are not in the depot, about: in use, and in the threads' stacks.
    outside: AtomicIsize,
}

struct Piece(*mut u8);

// SAFETY: free memory that belongs to the holder of the piece.
unsafe impl Send for Piece {}

static DEPOTS: [Depot; CLASSES] = [const {
    Depot {
        pieces: ForkMutex::for_static(Vec::new()),
        peak: AtomicIsize::new(0),
        outside: AtomicIsize::new(0),
    }
}; CLASSES];

/// Bytes in all depots. Relaxed, as all counts here: measures, not signals.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Memory of this class, not initialised.
#[inline]
pub(crate) fn allocate(class: SizeClass) -> Option<NonNull<u8>> {
    if class.number == CLASSES {
        return large::allocate(class.size);
    }
    let kept = THREAD_CACHE.try_with(|local| {
        // SAFETY: this thread's own, and nothing called below comes back here.
        let stack = unsafe { &mut (&mut *local.get()).0[class.number] };
        stack.pop().or_else(|| stack.refill(class))
    });
    // Without a stack while the thread ends.
    kept.unwrap_or_else(|_| DEPOTS[class.number].allocate(class, &mut []).map(|(piece, _)| piece))
}

/// Takes memory back.
///
/// # Safety
/// It came from [`allocate`] for this class, or from [`grow_large`], and nobody uses it any more.
#[inline]
pub(crate) unsafe fn free(memory: NonNull<u8>, class: SizeClass) {
    if class.number == CLASSES {
        // SAFETY: as the caller promises.
        return unsafe { large::free(memory, class.size) };
    }
    let kept = THREAD_CACHE.try_with(|local| {
        // SAFETY: as in `allocate`.
        unsafe { (&mut *local.get()).0[class.number].push(memory, class) };
    });
    if kept.is_err() {
        // SAFETY: as the caller promises.
        unsafe { DEPOTS[class.number].free(memory.as_ptr(), class) };
    }
}

/// A place for a value, not initialised; to be freed with [`free_place`].
pub(crate) fn allocate_place<T>() -> NonNull<T> {
    const { assert!(std::mem::size_of::<T>() > 0 && align_of::<T>() <= ALIGNMENT) };
    let memory = allocate(SizeClass::of(std::mem::size_of::<T>()));
    memory.unwrap_or_else(|| std::alloc::handle_alloc_error(Layout::new::<T>())).cast()
}

/// Frees the place of a value that is there no more.
///
/// # Safety
/// It came from [`allocate_place`] for the same type, and is not used again.
pub(crate) unsafe fn free_place<T>(place: NonNull<T>) {
    // SAFETY: as the caller promises.
    unsafe { free(place.cast(), SizeClass::of(std::mem::size_of::<T>())) };
}

/// Makes memory that is too large to be kept larger still, mostly without a copy; `None` for other
/// memory, and when there is none.
///
/// # Safety
/// As [`free`]; what was there before is gone where there is an answer.
pub(crate) unsafe fn grow_large(
    memory: NonNull<u8>,
    class: SizeClass,
    new: SizeClass,
) -> Option<NonNull<u8>> {
    if class.size <= LARGEST || new.size <= class.size {
        return None;
    }
    Layout::from_size_align(new.size, ALIGNMENT).ok()?;
    let old = Layout::from_size_align(class.size, ALIGNMENT).ok()?;
    let _critical = CriticalSection::enter();
    // SAFETY: allocated with this layout (caller), and the new size is one.
    NonNull::new(unsafe { realloc(memory.as_ptr(), old, new.size) })
}

/// Frees the memory that is kept for blocks to come, but for what other threads have themselves.
pub(crate) fn free_all() {
    large::free_all();
    let _ = THREAD_CACHE.try_with(|local| {
        // SAFETY: as in `allocate`.
        unsafe { (*local.get()).clear() };
    });
    for (number, depot) in DEPOTS.iter().enumerate() {
        let size = class_size(number);
        let Some(mut pieces) = depot.pieces.try_lock() else {
            continue;
        };
        KEPT.fetch_sub(pieces.len() * size, Ordering::Relaxed);
        for Piece(piece) in std::mem::take(&mut *pieces) {
            // SAFETY: the depot's, allocated with the size of its class.
            unsafe { to_system(piece, size) };
        }
    }
}

impl Magazine {
    #[inline(always)]
    fn pop(&mut self) -> Option<NonNull<u8>> {
        self.count = self.count.checked_sub(1)?;
        NonNull::new(self.pieces.as_ref()?[self.count])
    }

    /// Takes pieces from the depot, or one from the system.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, class: SizeClass) -> Option<NonNull<u8>> {
        self.count = 0;
        let depot = &DEPOTS[class.number];
        if let Some(mut pieces) = depot.pieces.try_lock()
            && let Some(stack) = room_in(&mut self.pieces)
        {
            let rest = pieces.len().saturating_sub(class.batch());
            // The ones that came last are on top.
            for (slot, Piece(piece)) in stack.iter_mut().zip(pieces.drain(rest..)) {
                *slot = piece;
                self.count += 1;
            }
            KEPT.fetch_sub(self.count * class.size, Ordering::Relaxed);
            depot.outside.fetch_add(self.count as isize, Ordering::Relaxed);
        }
        self.pop().or_else(|| {
            self.count = 0;
            let pieces = self.pieces.as_mut().map_or(&mut [][..], |pieces| &mut pieces[..]);
            let (first, more) = depot.allocate(class, pieces)?;
            self.count = more;
            Some(first)
        })
    }

    /// # Safety
    /// The memory is a piece of this class that nobody uses.
    #[inline(always)]
    unsafe fn push(&mut self, memory: NonNull<u8>, class: SizeClass) {
        match &mut self.pieces {
            Some(pieces) if self.count < self.room => {
                pieces[self.count] = memory.as_ptr();
                self.count += 1;
            }
            // SAFETY: as the caller promises.
            _ => unsafe { self.push_more(memory, class) },
        }
    }

    /// As [`push`](Self::push) for a stack that is full, or was never used.
    #[cold]
    #[inline(never)]
    unsafe fn push_more(&mut self, memory: NonNull<u8>, class: SizeClass) {
        let batch = class.batch();
        let Some(stack) = room_in(&mut self.pieces) else {
            // SAFETY: as the caller promises.
            return unsafe { DEPOTS[class.number].free(memory.as_ptr(), class) };
        };
        self.room = 2 * batch;
        if self.count == 2 * batch {
            DEPOTS[class.number].take_in(&stack[..batch], class);
            stack.copy_within(batch..2 * batch, 0);
            self.count = batch;
        }
        stack[self.count] = memory.as_ptr();
        self.count += 1;
    }
}

/// A stack's room for pieces, made if it has none yet; `None` where there is no memory. What frees
/// memory must not need any.
fn room_in(pieces: &mut Option<Pieces>) -> Option<&mut Pieces> {
    if pieces.is_none() {
        let mut room = Vec::new();
        room.try_reserve_exact(2 * BATCH).ok()?;
        room.resize(2 * BATCH, ptr::null_mut());
        *pieces = room.into_boxed_slice().try_into().ok();
    }
    pieces.as_mut()
}

impl Depot {
    /// Keeps pieces, or frees them; with them what it has too much of, after a burst.
    fn take_in(&self, new: &[*mut u8], class: SizeClass) {
        let outside = self.outside.fetch_sub(new.len() as isize, Ordering::Relaxed);
        let mut excess = [ptr::null_mut(); BATCH];
        let mut count = 0;
        let mut refused = new;
        if let Some(mut pieces) = self.pieces.try_lock() {
            let most = self.limit(outside, new.len(), pieces.len() * class.size, class);
            if pieces.len() + new.len() <= most && pieces.try_reserve(new.len()).is_ok() {
                pieces.extend(new.iter().map(|piece| Piece(*piece)));
                KEPT.fetch_add(new.len() * class.size, Ordering::Relaxed);
                refused = &[];
            } else {
                let rest = most.max(pieces.len().saturating_sub(BATCH)).min(pieces.len());
                for (slot, Piece(piece)) in excess.iter_mut().zip(pieces.drain(rest..)) {
                    *slot = piece;
                    count += 1;
                }
                KEPT.fetch_sub(count * class.size, Ordering::Relaxed);
            }
        }
        // As in `allocate`.
        let _critical = (refused.len() + count > 0).then(CriticalSection::enter);
        for piece in refused.iter().chain(&excess[..count]) {
            // SAFETY: it was the depot's or new, of this class, and nobody uses it.
            unsafe { to_system(*piece, class.size) };
        }
    }

    /// How many pieces may be kept, where `outside` were in use before `new` came back, and this many
    /// bytes are kept.
    fn limit(&self, outside: isize, new: usize, bytes: usize, class: SizeClass) -> usize {
        let before = self.peak.load(Ordering::Relaxed);
        let faded = before - (before - outside) * new as isize / PEAK_DECAY;
        let peak = outside.max(faded);
        self.peak.store(peak, Ordering::Relaxed);
        let idle = (peak - outside).max(0) as usize;
        let kept_elsewhere = KEPT.load(Ordering::Relaxed).saturating_sub(bytes);
        let most = idle.min(KEPT_BYTES.saturating_sub(kept_elsewhere) / class.size);
        most.max(DEPOT_BYTES / class.size)
    }

    /// A new piece, and some more of a small class, put into `room`; how many these are.
    fn allocate(&self, class: SizeClass, room: &mut [*mut u8]) -> Option<(NonNull<u8>, usize)> {
        // A thread that is suspended in the allocator may hold a lock that others free memory with.
        let _critical = CriticalSection::enter();
        let first = from_system(class.size)?;
        let some = if class.size <= SMALL { room.len().min(class.batch() - 1) } else { 0 };
        let more = room[..some].iter_mut().map_while(|slot| {
            *slot = from_system(class.size)?.as_ptr();
            Some(())
        });
        let more = more.count();
        self.outside.fetch_add(1 + more as isize, Ordering::Relaxed);
        Some((first, more))
    }

    /// Frees a piece that was outside.
    ///
    /// # Safety
    /// As [`free`].
    unsafe fn free(&self, piece: *mut u8, class: SizeClass) {
        self.outside.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { to_system(piece, class.size) };
    }
}

impl ThreadCache {
    fn clear(&mut self) {
        for (number, stack) in self.0.iter_mut().enumerate() {
            let Some(pieces) = stack.pieces.take() else {
                continue;
            };
            DEPOTS[number].outside.fetch_sub(stack.count as isize, Ordering::Relaxed);
            for piece in &pieces[..std::mem::take(&mut stack.count)] {
                // SAFETY: the stack's, allocated with the size of its class.
                unsafe { to_system(*piece, class_size(number)) };
            }
        }
    }
}

impl Drop for ThreadCache {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The size of the pieces of a class.
fn class_size(number: usize) -> usize {
    let place = number + 3;
    ((place % 4) + 5) << (place / 4 + SMALLEST.ilog2() as usize - 3)
}

fn from_system(size: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(size, ALIGNMENT).ok()?;
    // SAFETY: no block is empty: it has a head.
    NonNull::new(unsafe { alloc(layout) })
}

/// # Safety
/// As [`free`].
unsafe fn to_system(memory: *mut u8, size: usize) {
    if let Ok(layout) = Layout::from_size_align(size, ALIGNMENT) {
        // SAFETY: it came from `from_system` with this size (caller).
        unsafe { dealloc(memory, layout) };
    }
}

#[cfg(test)]
mod tests;
