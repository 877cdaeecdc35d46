//! The memory of a queue: chunks with a few slots each, linked in the order of their items.

#![allow(unsafe_code)]

use super::sync::{AtomicPtr, UnsafeCell};
use crate::memory::{allocate_place, free_place};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

/// Items in a chunk. With 31 messages it has 2,000 bytes, just below a class of memory.
#[cfg(not(loom))]
pub(super) const CHUNK: usize = 31;
/// Items in the first chunk.
#[cfg(not(loom))]
pub(super) const FIRST: usize = 3;
/// Small enough for the model checker to reach a third chunk.
#[cfg(loom)]
pub(super) const CHUNK: usize = 2;
#[cfg(loom)]
pub(super) const FIRST: usize = 1;

/// A chunk; the first one of a queue has fewer slots, and is reached as if it were like the others.
/// So no reference to a whole chunk is ever made, and its slots are found from the end of what it
/// holds: see [`slot`].
#[repr(C)]
pub(super) struct Chunk<T, const SLOTS: usize = CHUNK> {
    /// The chunk that follows; set by the producer before it publishes an item in it.
    pub(super) next: AtomicPtr<Chunk<T>>,
    /// The chunk before; the producer's, valid while nothing in this one is published.
    pub(super) previous: UnsafeCell<*mut Chunk<T>>,
    /// The last item of the chunk stands first.
    slots: [UnsafeCell<MaybeUninit<T>>; SLOTS],
}

impl<T, const SLOTS: usize> Chunk<T, SLOTS> {
    pub(super) fn allocate(previous: *mut Chunk<T>) -> *mut Chunk<T> {
        let place = allocate_place::<Self>().as_ptr();
        // SAFETY: a fresh place for a chunk.
        unsafe {
            place.write(Self {
                next: AtomicPtr::new(ptr::null_mut()),
                previous: UnsafeCell::new(previous),
                slots: std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
            });
        }
        place.cast()
    }

    /// # Safety
    /// It came from `allocate` of the same size; nobody uses it any more, and its items are gone.
    unsafe fn free(chunk: *mut Chunk<T>) {
        if let Some(place) = NonNull::new(chunk.cast::<Self>()) {
            // SAFETY: as the caller promises; dropped once, here.
            unsafe {
                ptr::drop_in_place(place.as_ptr());
                free_place(place);
            }
        }
    }
}

/// Frees the chunk that ends in front of this position.
///
/// # Safety
/// As [`Chunk::free`].
pub(super) unsafe fn free_chunk<T>(chunk: *mut Chunk<T>, end: u64) {
    // SAFETY: as the caller promises; only the first chunk ends there.
    unsafe {
        match end == FIRST as u64 {
            true => Chunk::<T, FIRST>::free(chunk),
            false => Chunk::<T, CHUNK>::free(chunk),
        }
    }
}

/// Where the item of this position stands, in the chunk that ends in front of `end`.
///
/// # Safety
/// The chunk is valid, and the position one of its own.
#[inline(always)]
pub(super) unsafe fn slot<T>(
    chunk: *mut Chunk<T>,
    end: u64,
    position: u64,
) -> *const UnsafeCell<MaybeUninit<T>> {
    let index = (end - 1 - position) as usize;
    // SAFETY: the index is below the number of its slots, as the caller promises; no reference is
    // made to others.
    unsafe { (&raw const (*chunk).slots).cast::<UnsafeCell<MaybeUninit<T>>>().add(index) }
}
