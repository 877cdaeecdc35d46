//! A long message that arrives in pieces.

use super::block::Block;
use super::{ByteSource, Filled, Message};
use crate::error::Result;
use crate::memory::ALIGNMENT;
use std::io;
use std::mem::MaybeUninit;

/// Memory that is had for an announced length before any byte of it came.
const FIRST: usize = 1024 * 1024;

/// Collects a message of known length. Its memory grows with the bytes that arrive, so that a
/// peer which announces much and sends little costs little.
pub(crate) struct MessageBuilder {
    block: Block,
    /// Where the message begins in the block.
    first: usize,
    filled: usize,
    length: usize,
}

impl MessageBuilder {
    /// Starts a message of `length` bytes; what comes behind the first `lead` of them is aligned.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`], here and where memory grows.
    pub(crate) fn new(length: usize, lead: usize) -> Result<Self> {
        let first = lead.wrapping_neg() % ALIGNMENT;
        let block = Block::allocate(first + length.min(FIRST))?;
        Ok(Self { block, first, filled: 0, length })
    }

    /// Starts a message of at most `length` bytes, with memory for all of them.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub(crate) fn reserved(length: usize) -> Result<Self> {
        Ok(Self { block: Block::allocate(length)?, first: 0, filled: 0, length })
    }

    /// Bytes still to come.
    pub(crate) fn remaining(&self) -> usize {
        self.length - self.filled
    }

    /// Appends bytes, at most `remaining()` of them; returns how many it took.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = bytes.len().min(self.remaining());
        let spare = self.spare(count)?;
        let count = count.min(spare.len());
        spare[..count].write_copy_of_slice(&bytes[..count]);
        self.filled += count;
        Ok(count)
    }

    /// Reads once from the source.
    pub(crate) fn fill(&mut self, source: &mut impl ByteSource) -> io::Result<Filled> {
        let spare = self.spare(1).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let filled = Filled::from(source, spare)?;
        self.filled += filled.count;
        Ok(filled)
    }

    /// Writable memory behind the bytes that came, of at least `wanted` bytes where as many remain.
    fn spare(&mut self, wanted: usize) -> Result<&mut [MaybeUninit<u8>]> {
        let end = self.first.saturating_add(self.length);
        let begin = self.first + self.filled;
        let needed = begin.saturating_add(wanted).min(end);
        if needed > self.block.capacity() {
            let grown = self.block.capacity().saturating_mul(2).max(needed);
            self.block.resize(grown.min(end))?;
        }
        let room = self.block.capacity().min(end) - begin;
        // SAFETY: within the block, which is ours alone; uninitialised is allowed.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.block.bytes().add(begin).cast(), room) })
    }

    /// The message; bytes that did not come are cut off.
    pub(crate) fn finish(self) -> Message {
        // SAFETY: this number of bytes was filled.
        Message::from_slice_of_block(unsafe { self.block.into_slice(self.first, self.filled) })
    }
}
