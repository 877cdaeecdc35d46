//! Memory of large blocks, kept for the next ones.
//!
//! The system gives large memory page by page as it is touched, and takes it back when it is
//! freed: more work than the copying of what a message holds. A few pieces are kept for all
//! threads. One lock, which is only tried, for each message; where it is busy malloc serves.

use super::ALIGNMENT;
use crate::sync::{CriticalSection, ForkMutex};
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// The largest piece that is kept.
const LARGEST: usize = 4 * 1024 * 1024;
/// The most bytes that are kept.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// The most pieces that are kept.
const KEPT_PIECES: usize = 32;

/// Free pieces with their sizes, the one that was freed last at the end.
#[derive(Default)]
struct Kept {
    pieces: Vec<(NonNull<u8>, usize)>,
    bytes: usize,
}

// SAFETY: free memory that belongs to the list.
unsafe impl Send for Kept {}

static KEPT: ForkMutex<Kept> = ForkMutex::for_static(Kept { pieces: Vec::new(), bytes: 0 });

/// The size to allocate for this number of bytes: four sizes to each doubling, so that messages of
/// similar sizes share pieces. What is not touched costs no memory.
pub(super) fn size_of(size: usize) -> usize {
    if size > LARGEST {
        return size;
    }
    let unit = size.next_power_of_two() / 8;
    size.next_multiple_of(unit.max(ALIGNMENT))
}

/// Memory of this size, which `size_of` gave; not initialised.
pub(super) fn allocate(size: usize) -> Option<NonNull<u8>> {
    let kept = KEPT.try_lock().and_then(|mut kept| kept.take(size));
    kept.or_else(|| {
        let layout = Layout::from_size_align(size, ALIGNMENT).ok()?;
        // A thread that is suspended in malloc has a lock that others wait for.
        let _critical = CriticalSection::enter();
        // SAFETY: no block is empty: it has a head.
        NonNull::new(unsafe { alloc(layout) })
    })
}

/// Takes memory back.
///
/// # Safety
/// It came from [`allocate`] with this size, or from a growth to it, and nobody uses it any more.
pub(super) unsafe fn free(memory: NonNull<u8>, size: usize) {
    let kept = size <= LARGEST && size == size_of(size);
    let kept = kept && KEPT.try_lock().is_some_and(|mut kept| kept.put(memory, size));
    if !kept {
        // SAFETY: as the caller promises.
        unsafe { to_system(memory, size) };
    }
}

/// Frees all that is kept.
pub(super) fn free_all() {
    let Some(mut kept) = KEPT.try_lock() else {
        return;
    };
    kept.bytes = 0;
    for (piece, size) in std::mem::take(&mut kept.pieces) {
        // SAFETY: the list's, with the size that it was allocated with.
        unsafe { to_system(piece, size) };
    }
}

impl Kept {
    fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let place = self.pieces.iter().rposition(|(_, own)| *own == size)?;
        self.bytes -= size;
        Some(self.pieces.remove(place).0)
    }

    /// Keeps a piece, if there is room for it.
    fn put(&mut self, memory: NonNull<u8>, size: usize) -> bool {
        let fits = self.bytes + size <= KEPT_BYTES && self.pieces.len() < KEPT_PIECES;
        // What frees memory must not need any.
        let fits = fits && self.pieces.try_reserve(1).is_ok();
        if fits {
            self.bytes += size;
            self.pieces.push((memory, size));
        }
        fits
    }
}

/// # Safety
/// As [`free`].
unsafe fn to_system(memory: NonNull<u8>, size: usize) {
    if let Ok(layout) = Layout::from_size_align(size, ALIGNMENT) {
        let _critical = CriticalSection::enter();
        // SAFETY: allocated with this layout (caller).
        unsafe { dealloc(memory.as_ptr(), layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_used_again_and_what_is_kept_is_bounded() {
        let size = size_of(1_500_000);
        assert!((1_500_000..1_500_000 * 5 / 4).contains(&size) && size == size_of(size));
        let pieces: Vec<_> = (0..20).map(|_| allocate(size).unwrap()).collect();
        for piece in &pieces {
            // SAFETY: allocated above with this size.
            unsafe { free(*piece, size) };
        }
        let kept = KEPT.lock();
        assert!(kept.bytes <= KEPT_BYTES && kept.bytes >= size);
        assert!(kept.pieces.iter().any(|(piece, _)| pieces.contains(piece)));
    }
}
