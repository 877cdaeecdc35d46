//! The memory that a connection is read into, and that messages are cut out of.

use super::block::Block;
use super::{INLINE_CAPACITY, Message};
use crate::error::Result;
use std::io;
use std::mem::MaybeUninit;

/// Where bytes come from: a socket that is read without blocking.
///
/// # Safety
/// `read` returns how many bytes at the beginning of `buffer` it has initialised.
pub unsafe trait ByteSource {
    /// Reads into the buffer; 0 is the end of the stream.
    fn read(&mut self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize>;
}

/// What a read gave.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Bytes read; 0 is the end of the stream.
    pub count: usize,
    /// There was no room for more: more may be there.
    pub to_the_brim: bool,
}

impl Filled {
    pub(super) fn from(
        source: &mut impl ByteSource,
        room: &mut [MaybeUninit<u8>],
    ) -> io::Result<Self> {
        let count = source.read(room)?.min(room.len());
        Ok(Self { count, to_the_brim: count == room.len() })
    }
}

/// References taken at a time: messages cut from the block take theirs without an atomic operation.
const REFERENCE_BATCH: usize = 1 << 16;

/// A block that is filled at the end and consumed at the front.
///
/// Invariant: `consumed <= filled <= block.capacity()`; the first `filled` bytes are initialised;
/// `references >= 1` of the block's references are this buffer's.
pub struct ReceiveBuffer {
    block: Block,
    consumed: usize,
    filled: usize,
    references: usize,
}

impl ReceiveBuffer {
    /// An empty buffer.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub fn with_capacity(capacity: usize) -> Result<Self> {
        let block = Block::allocate(capacity)?;
        Ok(Self { block, consumed: 0, filled: 0, references: 1 })
    }

    /// The bytes that came and were not consumed.
    #[inline(always)]
    pub fn unread(&self) -> &[u8] {
        // SAFETY: the first `filled` bytes are initialised and written by nobody.
        unsafe {
            std::slice::from_raw_parts(
                self.block.bytes().add(self.consumed),
                self.filled - self.consumed,
            )
        }
    }

    /// True if nothing is left to consume.
    pub fn is_empty(&self) -> bool {
        self.consumed == self.filled
    }

    /// The most bytes that `unread` can ever hold.
    pub fn capacity(&self) -> usize {
        self.block.capacity()
    }

    /// Skips bytes at the front.
    #[inline(always)]
    pub fn consume(&mut self, count: usize) {
        self.consumed = (self.consumed + count).min(self.filled);
    }

    /// Cuts a message off the front, of at most as many bytes as are there.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    #[inline]
    pub fn cut(&mut self, length: usize) -> Result<Message> {
        let bytes = self.unread();
        let length = length.min(bytes.len());
        let message = if length <= INLINE_CAPACITY {
            match bytes.first_chunk() {
                Some(front) => Message::from_front(front, length),
                None => Message::from_short(&bytes[..length]),
            }
        } else {
            // Memory of its own, freed by another thread, would cost more than the reference.
            self.share(length)
        };
        self.consumed += length;
        Ok(message)
    }

    fn share(&mut self, length: usize) -> Message {
        if self.references == 1 {
            self.block.add_references(REFERENCE_BATCH);
            self.references += REFERENCE_BATCH;
        }
        self.references -= 1;
        // SAFETY: one of our references goes to the slice; its bytes are initialised, and `fill`
        // writes only behind `filled` as long as slices exist.
        Message::from_slice_of_block(unsafe { self.block.slice(self.consumed, length) })
    }

    /// Reads once from the source, at most so many bytes. The buffer is never full here: unread
    /// bytes move to the front, or to a new block while messages still share this one.
    pub fn fill(&mut self, source: &mut impl ByteSource, most: usize) -> io::Result<Filled> {
        self.make_room().map_err(|_| io::ErrorKind::OutOfMemory)?;
        let room = (self.block.capacity() - self.filled).min(most);
        // SAFETY: behind `filled` no message has a part; uninitialised memory is allowed here.
        let spare = unsafe {
            std::slice::from_raw_parts_mut(self.block.bytes().add(self.filled).cast(), room)
        };
        let filled = Filled::from(source, spare)?;
        self.filled += filled.count;
        Ok(filled)
    }

    /// Makes at least half of the capacity writable, or as much as unread bytes leave.
    fn make_room(&mut self) -> Result<()> {
        let capacity = self.block.capacity();
        if self.is_empty() && self.block.is_unique(self.references) {
            self.consumed = 0;
            self.filled = 0;
        }
        if capacity - self.filled >= capacity / 2 {
            return Ok(());
        }
        if self.block.is_unique(self.references) {
            let unread = self.filled - self.consumed;
            // SAFETY: both ranges lie in the block, of which we are the only user.
            unsafe {
                let bytes = self.block.bytes();
                std::ptr::copy(bytes.add(self.consumed), bytes, unread);
            }
            self.consumed = 0;
            self.filled = unread;
            return Ok(());
        }
        let mut fresh = Self::with_capacity(capacity)?;
        fresh.append(self.unread());
        std::mem::swap(self, &mut fresh);
        Ok(())
    }

    /// Appends bytes as if they had been read, as far as there is room; returns how many.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.block.capacity() - self.filled);
        // SAFETY: the room behind `filled` is writable and no message has a part in it.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.block.bytes().add(self.filled),
                count,
            );
        }
        self.filled += count;
        count
    }
}

impl Drop for ReceiveBuffer {
    fn drop(&mut self) {
        if self.references > 1 {
            // The owner's own reference goes with the block.
            self.block.give_back(self.references - 1);
        }
    }
}
