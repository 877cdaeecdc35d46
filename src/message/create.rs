//! How messages are made, of bytes that are copied, referred to or handed over.

use super::block::{Block, Slice};
use super::header::{Header, Kind};
use super::{Body, INLINE_CAPACITY, Message, inline_copy};
use crate::error::Result;
use std::ffi::c_void;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;
use zeroize::Zeroizing;

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl Message {
    /// An empty message.
    #[inline(always)]
    pub const fn new() -> Self {
        Self::with_body(Body { inline: [0; INLINE_CAPACITY] }, Kind::Inline, 0)
    }

    /// A message with a copy of these bytes.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    #[inline(always)]
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        let mut message = Self::new();
        message.set_bytes(bytes)?;
        Ok(message)
    }

    /// Makes a message one of these bytes; what it held is dropped.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    #[inline(always)]
    pub fn set_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > INLINE_CAPACITY {
            return self.set_long_bytes(bytes);
        }
        *self = Self::new();
        // SAFETY: an empty message holds its bytes itself.
        inline_copy::fill(unsafe { &mut self.body.inline }, bytes);
        self.head = Header::new(Kind::Inline, bytes.len() as u8);
        Ok(())
    }

    #[inline(never)]
    fn set_long_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let block = Block::allocate(bytes.len())?;
        // SAFETY: as many writable bytes, just allocated.
        let slice = unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), block.bytes(), bytes.len());
            block.into_slice(0, bytes.len())
        };
        *self = Self::from_slice_of_block(slice);
        Ok(())
    }

    /// A copy of a few bytes that fit into the message itself; longer ones are cut off.
    pub fn from_short(bytes: &[u8]) -> Self {
        let length = bytes.len().min(INLINE_CAPACITY);
        let mut inline = [0; INLINE_CAPACITY];
        inline[..length].copy_from_slice(&bytes[..length]);
        Self::with_body(Body { inline }, Kind::Inline, length as u8)
    }

    /// Makes a message one of the first `length` bytes, in place; what it held is dropped. A copy of
    /// known size is a few instructions. The other bytes are not seen.
    #[inline(always)]
    pub(super) fn set_front(&mut self, bytes: &[u8; INLINE_CAPACITY], length: usize) {
        self.clear();
        self.body.inline = *bytes;
        self.head = Header::new(Kind::Inline, length.min(INLINE_CAPACITY) as u8);
    }

    /// Makes a message one of these bytes of a block, in place; what it held is dropped.
    #[inline(always)]
    pub(super) fn set_slice(&mut self, slice: Slice) {
        self.clear();
        self.body.slice = ManuallyDrop::new(slice);
        self.head = Header::new(Kind::Block, 0);
    }

    /// Drops what it holds; it is written again then.
    #[inline(always)]
    fn clear(&mut self) {
        if self.head.holds_references() {
            *self = Self::new();
        }
    }

    /// A message that points at bytes which live forever.
    ///
    /// # Safety
    /// `size` bytes at `data` stay readable and unchanged as long as any copy lives.
    pub const unsafe fn from_constant(data: *const u8, size: usize) -> Self {
        Self::with_body(Body { constant: (data, size) }, Kind::Constant, 0)
    }

    /// A message with these bytes, which are wiped when its last copy goes.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub fn from_secret(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        unsafe extern "C" fn wipe(_: *mut c_void, secret: *mut c_void) {
            // SAFETY: made below, and called once.
            drop(unsafe { Box::from_raw(secret.cast::<Zeroizing<Vec<u8>>>()) });
        }
        let mut secret = Box::new(bytes);
        let (data, size) = (secret.as_mut_ptr(), secret.len());
        let hint = Box::into_raw(secret).cast();
        // SAFETY: the vector is there, and is not touched, until `wipe` is called.
        let slice = unsafe { Block::adopt(data.cast(), size, wipe, hint) };
        if slice.is_err() {
            // SAFETY: it was not called.
            unsafe { wipe(data.cast(), hint) };
        }
        slice.map(Self::from_slice_of_block)
    }

    #[inline(always)]
    const fn with_body(body: Body, kind: Kind, inline_length: u8) -> Self {
        Self {
            body,
            metadata: MaybeUninit::uninit(),
            head: Header::new(kind, inline_length),
            group: Self::no_group(),
        }
    }

    pub(super) fn from_slice_of_block(slice: Slice) -> Self {
        Self::with_body(Body { slice: ManuallyDrop::new(slice) }, Kind::Block, 0)
    }
}
