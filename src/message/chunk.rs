//! A piece of a receive buffer: a block that is filled at the end and consumed at the front.

use super::Message;
use super::block::{Block, Slice};
use crate::error::Result;
use crate::memory::ALIGNMENT;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::slice;

/// References taken at a time: messages cut from the block take theirs without an atomic operation.
const REFERENCE_BATCH: usize = 1 << 16;

/// Invariant: `MARGIN <= first`, `consumed <= filled <= end <= block.capacity()`; the bytes from
/// `consumed` to `filled` are initialised; `references >= 1` of the block's references are this
/// chunk's. Messages have parts of what is before `consumed` only, and none before `first`.
pub(super) struct Chunk {
    /// Dropped with the references.
    block: ManuallyDrop<Block>,
    /// Where the first byte is read to.
    first: usize,
    consumed: usize,
    filled: usize,
    /// Where the last byte is read to.
    end: usize,
    references: usize,
}

impl Chunk {
    /// Bytes in front of those that are read: room for the beginning of a header that the chunk
    /// before ends with.
    pub(super) const MARGIN: usize = 16;

    /// A chunk with room for `length` bytes; the one at `aligned_at` is at a multiple of 16.
    pub(super) fn new(length: usize, aligned_at: usize) -> Result<Self> {
        let first = Self::MARGIN + aligned_at.wrapping_neg() % ALIGNMENT;
        let end = first.checked_add(length).ok_or_else(super::out_of_memory)?;
        let references = REFERENCE_BATCH;
        let block = Block::allocate_with_references(end, references)?;
        let block = ManuallyDrop::new(block);
        Ok(Self { block, first, consumed: first, filled: first, end, references })
    }

    /// The bytes that fit a chunk with so much memory.
    pub(super) const fn room_in(memory: usize) -> usize {
        Block::capacity_of(memory) - Self::MARGIN
    }

    /// The bytes that came and were not consumed.
    #[inline(always)]
    pub(super) fn unread(&self) -> &[u8] {
        // SAFETY: initialised, and written by nobody while the chunk is borrowed (invariant).
        unsafe {
            slice::from_raw_parts(
                self.block.bytes().add(self.consumed),
                self.filled - self.consumed,
            )
        }
    }

    /// Skips bytes at the front.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: usize) {
        self.consumed = (self.consumed + count).min(self.filled);
    }

    /// Bytes that still fit.
    #[inline(always)]
    pub(super) fn room(&self) -> usize {
        self.end - self.filled
    }

    /// True if no byte was read to it yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.filled == self.first
    }

    /// Whether a frame that begins with the first unread byte fits.
    pub(super) fn can_hold(&self, frame: usize) -> bool {
        self.end - self.consumed >= frame
    }

    /// Whether the byte at `offset` of the unread ones is at a multiple of 16.
    #[inline(always)]
    pub(super) fn is_aligned(&self, offset: usize) -> bool {
        (self.consumed + offset).is_multiple_of(ALIGNMENT)
    }

    /// Whether these unread bytes are the last that the chunk can hold, and nobody has another part.
    pub(super) fn is_all(&self, length: usize) -> bool {
        self.consumed + length == self.end && self.block.is_unique(self.references)
    }

    /// The unread bytes, with the chunk's memory.
    pub(super) fn into_message(self) -> Message {
        let mut chunk = ManuallyDrop::new(self);
        chunk.block.give_back(chunk.references - 1);
        let length = chunk.filled - chunk.consumed;
        // SAFETY: neither the chunk nor its block is used again.
        let block = unsafe { ManuallyDrop::take(&mut chunk.block) };
        // SAFETY: the bytes are initialised (invariant), and nobody else has a part of them.
        Message::from_slice_of_block(unsafe { block.into_slice(chunk.consumed, length) })
    }

    /// This number of unread bytes, at most those that there are, which share the memory.
    #[inline(always)]
    pub(super) fn share(&mut self, length: usize) -> Slice {
        if self.references == 1 {
            self.block.add_references(REFERENCE_BATCH);
            self.references += REFERENCE_BATCH;
        }
        self.references -= 1;
        let length = length.min(self.filled - self.consumed);
        // SAFETY: one of our references goes to the slice; its bytes are initialised, and not
        // written as long as slices exist: they are consumed below.
        let slice = unsafe { self.block.slice(self.consumed, length) };
        self.consumed += length;
        slice
    }

    /// The room behind the bytes that came.
    pub(super) fn spare(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: within the block (invariant); behind `filled` no message has a part.
        unsafe {
            slice::from_raw_parts_mut(self.block.bytes().add(self.filled).cast(), self.room())
        }
    }

    /// Records that bytes were read to `spare`, at most as many as it has; returns the count.
    ///
    /// # Safety
    /// As many bytes at the beginning of `spare`, or all of it, are initialised.
    pub(super) unsafe fn filled(&mut self, count: usize) -> usize {
        let count = count.min(self.room());
        self.filled += count;
        count
    }

    /// Appends bytes, as far as there is room; returns how many.
    pub(super) fn append(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        self.spare()[..count].write_copy_of_slice(&bytes[..count]);
        self.filled += count;
        count
    }

    /// Puts bytes in front of the first ones; false where there is no room for them.
    pub(super) fn prepend(&mut self, bytes: &[u8]) -> bool {
        let Some(front) =
            self.consumed.checked_sub(bytes.len()).filter(|_| self.consumed <= self.first)
        else {
            return false;
        };
        // SAFETY: within the block; nothing was consumed yet, so no message has a part of it.
        unsafe {
            let place = self.block.bytes().add(front);
            place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        self.consumed = front;
        true
    }

    /// Starts again from the front, if there is nothing unread and no message has a part of the memory.
    pub(super) fn reset_if_unused(&mut self) {
        if self.consumed == self.filled && self.block.is_unique(self.references) {
            (self.consumed, self.filled) = (self.first, self.first);
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: taken once, as the chunk is not used any more.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        block.release(self.references);
    }
}
