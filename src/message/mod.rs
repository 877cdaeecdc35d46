//! The message: 64 bytes that are C's `zmq_msg_t`, and what they may refer to.
//!
//! A short body stands in the message itself. A longer one stands in a reference-counted block,
//! which may hold one body, be a receive buffer that many messages share, or be the memory of the
//! application with its free function. Constant data is only pointed at.
//!
//! The struct holds no pointer to itself: bindings move it as plain bytes.

#![allow(unsafe_code)]

mod block;
mod builder;
mod cache;
mod large;
mod metadata;
mod receive_buffer;

pub use block::FreeFunction;
pub use builder::MessageBuilder;
pub use cache::{allocate_place, free_all as free_kept_memory, free_place, with_large_pages};
pub use metadata::Metadata;
pub use receive_buffer::{ByteSource, Filled, ReceiveBuffer};

use crate::error::{Error, Result};
use block::{Block, Slice};
use std::ffi::c_void;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Bytes that a message holds without a block.
pub const INLINE_CAPACITY: usize = 40;

/// Marks initialised messages, so that a closed or foreign `zmq_msg_t` is recognised.
const TAG: u8 = 0xA7;

const MORE: u8 = 1;
const COMMAND: u8 = 2;
const SHARED: u8 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Inline,
    Block,
    Constant,
}

union Body {
    inline: [u8; INLINE_CAPACITY],
    slice: ManuallyDrop<Slice>,
    constant: (*const u8, usize),
}

/// One part of a message.
///
/// Invariant: `body` is what `kind` says; `inline_length <= INLINE_CAPACITY`.
#[repr(C, align(8))]
pub struct Message {
    body: Body,
    metadata: Option<Arc<Metadata>>,
    /// The number that `zmq_msg_set_routing_id` sets (thread-safe socket types).
    routing_id: u32,
    kind: Kind,
    flags: u8,
    inline_length: u8,
    tag: u8,
    reserved: u64,
}

const _: () =
    assert!(size_of::<Message>() == 64 && align_of::<Message>() == align_of::<*const u8>());

// SAFETY: a block is shared through atomic counts and not written once it is shared; user-owned
// memory was handed over for use and release on any thread (zmq_msg_init_data(3)).
unsafe impl Send for Message {}
// SAFETY: through a shared reference nothing is written.
unsafe impl Sync for Message {}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Message")
            .field("len", &self.len())
            .field("more", &self.more())
            .field("command", &self.is_command())
            .finish()
    }
}

impl Message {
    /// An empty message.
    #[inline(always)]
    pub const fn new() -> Self {
        Self::with_body(Body { inline: [0; INLINE_CAPACITY] }, Kind::Inline, 0)
    }

    #[inline(always)]
    const fn with_body(body: Body, kind: Kind, inline_length: u8) -> Self {
        Self {
            body,
            metadata: None,
            routing_id: 0,
            kind,
            flags: 0,
            inline_length,
            tag: TAG,
            reserved: 0,
        }
    }

    fn from_slice_of_block(slice: Slice) -> Self {
        Self::with_body(Body { slice: ManuallyDrop::new(slice) }, Kind::Block, 0)
    }

    /// A message of `size` bytes for the caller to fill through [`data_ptr`](Self::data_ptr).
    /// Bytes of a block are not initialised: only C, which has no such notion, may see them.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    ///
    /// # Safety
    /// The bytes are written before [`data`](Self::data) is called.
    pub unsafe fn with_size_uninit(size: usize) -> Result<Self> {
        if size <= INLINE_CAPACITY {
            let inline = Body { inline: [0; INLINE_CAPACITY] };
            return Ok(Self::with_body(inline, Kind::Inline, size as u8));
        }
        Ok(Self::from_slice_of_block(Block::allocate(size)?.into_slice(size)))
    }

    /// A message with a copy of these bytes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline(always)]
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        if bytes.len() <= INLINE_CAPACITY {
            let mut message = Self::new();
            // SAFETY: an empty message holds its bytes itself, and has room for these.
            let inline = unsafe { &mut message.body.inline };
            inline[..bytes.len()].copy_from_slice(bytes);
            message.inline_length = bytes.len() as u8;
            return Ok(message);
        }
        Self::from_long_slice(bytes)
    }

    #[inline(never)]
    fn from_long_slice(bytes: &[u8]) -> Result<Self> {
        // SAFETY: the bytes are written at once.
        let mut message = unsafe { Self::with_size_uninit(bytes.len())? };
        // SAFETY: `data_ptr` gives `len` writable bytes, just allocated.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), message.data_ptr(), bytes.len()) };
        Ok(message)
    }

    /// A copy of a few bytes that fit into the message itself; longer ones are cut off.
    pub fn from_short(bytes: &[u8]) -> Self {
        let length = bytes.len().min(INLINE_CAPACITY);
        let mut inline = [0; INLINE_CAPACITY];
        inline[..length].copy_from_slice(&bytes[..length]);
        Self::with_body(Body { inline }, Kind::Inline, length as u8)
    }

    /// As [`from_short`](Self::from_short) of the first `length` bytes: a copy of known size is a
    /// few instructions. The others are not seen.
    #[inline(always)]
    pub(crate) fn from_front(bytes: &[u8; INLINE_CAPACITY], length: usize) -> Self {
        let length = length.min(INLINE_CAPACITY) as u8;
        Self::with_body(Body { inline: *bytes }, Kind::Inline, length)
    }

    /// The bytes of a message without a block, and behind its length some of no meaning.
    #[inline(always)]
    pub fn inline_bytes(&self) -> Option<&[u8; INLINE_CAPACITY]> {
        match self.kind {
            // SAFETY: the body is what the kind says, and all of it is initialised.
            Kind::Inline => Some(unsafe { &self.body.inline }),
            _ => None,
        }
    }

    /// A message that points at bytes which live forever.
    ///
    /// # Safety
    /// `size` bytes at `data` stay readable and unchanged as long as any copy lives.
    pub const unsafe fn from_constant(data: *const u8, size: usize) -> Self {
        Self::with_body(Body { constant: (data, size) }, Kind::Constant, 0)
    }

    /// A message over memory of the application (zmq_msg_init_data(3)). `free` runs exactly once,
    /// on the thread that drops the last copy; without one the memory is never freed.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; `free` is not called then.
    ///
    /// # Safety
    /// `size` bytes at `data` stay valid until `free(data, hint)` is called, which may happen on
    /// any thread.
    pub unsafe fn from_user(
        data: *mut c_void,
        size: usize,
        free: Option<FreeFunction>,
        hint: *mut c_void,
    ) -> Result<Self> {
        match free {
            Some(free) => {
                // SAFETY: the caller's promise.
                let slice = unsafe { Block::adopt(data, size, free, hint)? };
                Ok(Self::from_slice_of_block(slice))
            }
            // SAFETY: nobody frees the memory, so it stays as it is.
            None => Ok(unsafe { Self::from_constant(data.cast(), size) }),
        }
    }

    /// The number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match self.kind {
            Kind::Inline => self.inline_length as usize,
            // SAFETY: `kind` says which field is there.
            Kind::Block => unsafe { self.body.slice.length },
            // SAFETY: as above.
            Kind::Constant => unsafe { self.body.constant.1 },
        }
    }

    /// True if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    #[inline(always)]
    pub fn data(&self) -> &[u8] {
        // SAFETY: `kind` says which field is there; each describes `len` readable bytes that live
        // as long as the message, and are not written while it is borrowed.
        unsafe {
            match self.kind {
                Kind::Inline => std::slice::from_raw_parts(
                    self.body.inline.as_ptr(),
                    self.inline_length as usize,
                ),
                Kind::Block => self.body.slice.bytes(),
                Kind::Constant => {
                    let (data, size) = self.body.constant;
                    if size == 0 { &[] } else { std::slice::from_raw_parts(data, size) }
                }
            }
        }
    }

    /// The bytes, to be changed; `None` where other messages may share them or they are constant.
    pub fn data_mut(&mut self) -> Option<&mut [u8]> {
        if self.is_shared() {
            return None;
        }
        let (data, length) = (self.data_ptr(), self.len());
        if length == 0 {
            return Some(&mut []);
        }
        // SAFETY: `len` bytes stand at `data_ptr`. They are this message's alone: those of inline
        // messages are, and a slice of a block overlaps no other before `share` or `share_among`
        // mark it; user-owned memory was handed over.
        Some(unsafe { std::slice::from_raw_parts_mut(data, length) })
    }

    /// Cuts bytes off the front, at most as many as there are. What is short then stands in the
    /// message itself, and keeps no block.
    pub fn trim_front(&mut self, count: usize) {
        let rest = &self.data()[count.min(self.len())..];
        if rest.len() <= INLINE_CAPACITY {
            let mut short = Self::from_short(rest);
            short.metadata = self.metadata.take();
            short.routing_id = self.routing_id;
            short.flags = self.flags & !SHARED;
            *self = short;
            return;
        }
        let (data, length) = (rest.as_ptr(), rest.len());
        match self.kind {
            // More than fits cannot be inline.
            Kind::Inline => {}
            Kind::Block => {
                // SAFETY: `kind` says that the slice is there; the rest is a part of its bytes.
                let slice = unsafe { &mut *self.body.slice };
                slice.data = data.cast_mut();
                slice.length = length;
            }
            Kind::Constant => self.body.constant = (data, length),
        }
    }

    /// Where the bytes stand, for C. Valid until the message is moved, closed or sent.
    #[inline(always)]
    pub fn data_ptr(&mut self) -> *mut u8 {
        // SAFETY: `kind` says which field is there.
        unsafe {
            match self.kind {
                Kind::Inline => self.body.inline.as_mut_ptr(),
                Kind::Block => self.body.slice.data,
                Kind::Constant => self.body.constant.0.cast_mut(),
            }
        }
    }

    #[inline(always)]
    fn flag(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    #[inline(always)]
    fn set_flag(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// True if more parts of the same message follow.
    #[inline(always)]
    pub fn more(&self) -> bool {
        self.flag(MORE)
    }

    /// Says whether more parts follow.
    #[inline(always)]
    pub fn set_more(&mut self, more: bool) {
        self.set_flag(MORE, more);
    }

    /// True for a ZMTP command, false for a message part.
    #[inline(always)]
    pub fn is_command(&self) -> bool {
        self.flag(COMMAND)
    }

    /// Says whether this is a ZMTP command.
    pub fn set_command(&mut self, command: bool) {
        self.set_flag(COMMAND, command);
    }

    /// True if the bytes may be shared with a copy (ZMQ_SHARED of zmq_msg_get(3)).
    pub fn is_shared(&self) -> bool {
        self.kind == Kind::Constant || self.flag(SHARED)
    }

    /// The properties of the connection that the message came from.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_deref()
    }

    /// Attaches the properties of a connection, or removes them.
    pub fn set_metadata(&mut self, metadata: Option<Arc<Metadata>>) {
        self.metadata = metadata;
    }

    /// A second message with the same bytes, flags and properties (zmq_msg_copy(3)): it shares
    /// the block, if there is one.
    #[inline]
    pub fn share(&mut self) -> Self {
        if self.kind == Kind::Block {
            // SAFETY: `kind` says that the slice is there.
            unsafe { self.body.slice.add_references(1) };
            self.flags |= SHARED;
        }
        // SAFETY: the reference was counted just now, for this duplicate.
        unsafe { self.duplicate() }
    }

    /// Hands out copies for many receivers: the references are counted at once.
    pub fn share_among(&mut self, copies: usize) -> Copies<'_> {
        if self.kind == Kind::Block {
            // SAFETY: `kind` says that the slice is there.
            unsafe { self.body.slice.add_references(copies) };
            self.flags |= SHARED;
        }
        Copies { message: self, left: copies }
    }

    /// # Safety
    /// A reference to the block was counted for the duplicate.
    #[inline(always)]
    unsafe fn duplicate(&self) -> Self {
        Self {
            // SAFETY: the union is plain bytes; the caller counted the reference they stand for.
            body: unsafe { ptr::read(&self.body) },
            metadata: self.metadata.clone(),
            routing_id: self.routing_id,
            kind: self.kind,
            flags: self.flags,
            inline_length: self.inline_length,
            tag: TAG,
            reserved: 0,
        }
    }

    /// Has the processor fetch the memory behind a message that will be looked at soon.
    #[inline(always)]
    pub fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        if self.kind == Kind::Block {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: `kind` says that the slice is there; a prefetch never fails.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.body.slice.head().cast()) };
        }
    }

    /// Whether it stands in memory of the application, with a function to give it back.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        // SAFETY: the body is what the kind says.
        self.kind == Kind::Block && unsafe { self.body.slice.is_foreign() }
    }

    /// Takes the message out and leaves an empty one.
    #[inline(always)]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Moves the message to a place that holds none, and leaves an empty one. The bytes are copied
    /// once, which going through a value would not promise.
    #[inline(always)]
    pub fn move_to(&mut self, place: &mut MaybeUninit<Self>) {
        // SAFETY: two places, both of a message's size. The message is in one of them only, as
        // this one is overwritten at once without a drop.
        unsafe {
            ptr::copy_nonoverlapping(self, place.as_mut_ptr(), 1);
            Self::write_head(self, 0);
        }
    }

    /// Writes all but the body: of a message that holds `inline_length` bytes itself.
    ///
    /// # Safety
    /// `raw` is aligned and writable; the bytes are initialised, or only C reads them.
    #[inline(always)]
    unsafe fn write_head(raw: *mut Self, inline_length: u8) {
        // SAFETY: fields of a writable place (caller).
        unsafe {
            (&raw mut (*raw).metadata).write(None);
            (&raw mut (*raw).routing_id).write(0);
            (&raw mut (*raw).kind).write(Kind::Inline);
            (&raw mut (*raw).flags).write(0);
            (&raw mut (*raw).inline_length).write(inline_length);
            (&raw mut (*raw).tag).write(TAG);
            (&raw mut (*raw).reserved).write(0);
        }
    }

    /// Makes a message of `size` bytes where C wants one, as
    /// [`with_size_uninit`](Self::with_size_uninit) does; false for NULL.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    ///
    /// # Safety
    /// As [`init_raw`](Self::init_raw); the bytes are written before anything but C reads them.
    #[inline(always)]
    pub unsafe fn init_raw_with_size(raw: *mut Message, size: usize) -> Result<bool> {
        if raw.is_null() || !raw.is_aligned() {
            return Ok(false);
        }
        if size <= INLINE_CAPACITY {
            // SAFETY: aligned and writable (caller).
            unsafe { Self::write_head(raw, size as u8) };
            return Ok(true);
        }
        // SAFETY: as above.
        unsafe { Self::init_raw_with_block(raw, size) }
    }

    /// # Safety
    /// As [`init_raw_with_size`](Self::init_raw_with_size), for a pointer that can be written to.
    #[inline(never)]
    unsafe fn init_raw_with_block(raw: *mut Message, size: usize) -> Result<bool> {
        let slice = Block::allocate(size)?.into_slice(size);
        // SAFETY: writable (caller); the body comes before the kind that says what it is.
        unsafe {
            (&raw mut (*raw).body).cast::<Slice>().write(slice);
            Self::write_head(raw, 0);
            (&raw mut (*raw).kind).write(Kind::Block);
        }
        Ok(true)
    }

    /// The message behind a C pointer; `None` for NULL and for what is not an initialised message.
    ///
    /// # Safety
    /// `raw` is NULL or points at 64 readable and writable bytes that nobody else uses meanwhile.
    #[inline(always)]
    pub unsafe fn from_raw<'a>(raw: *mut Message) -> Option<&'a mut Message> {
        let pointer = NonNull::new(raw)?;
        if !raw.is_aligned() {
            return None;
        }
        // SAFETY: readable (caller); the tag is read as a plain byte before anything else.
        if unsafe { *(&raw const (*raw).tag).cast::<u8>() } != TAG {
            return None;
        }
        // SAFETY: the tag says that one of this module's functions made it.
        Some(unsafe { &mut *pointer.as_ptr() })
    }

    /// As [`from_raw`](Self::from_raw), to read only.
    ///
    /// # Safety
    /// `raw` is NULL or points at 64 readable bytes that nobody changes meanwhile.
    #[inline(always)]
    pub unsafe fn from_raw_const<'a>(raw: *const Message) -> Option<&'a Message> {
        // SAFETY: the caller's promise; nothing is written through the result.
        unsafe { Self::from_raw(raw.cast_mut()) }.map(|message| &*message)
    }

    /// Writes a message to where C wants one, over whatever stood there; false for NULL.
    ///
    /// # Safety
    /// `raw` is NULL or points at 64 writable bytes that hold no message.
    #[inline(always)]
    pub unsafe fn init_raw(raw: *mut Message, message: Message) -> bool {
        if raw.is_null() || !raw.is_aligned() {
            return false;
        }
        // SAFETY: writable (caller) and aligned.
        unsafe { raw.write(message) };
        true
    }

    /// Closes the message behind a C pointer: releases what it holds and leaves a value that no
    /// function takes for a message. False if it was none.
    ///
    /// # Safety
    /// As [`from_raw`](Self::from_raw).
    #[inline(always)]
    pub unsafe fn close_raw(raw: *mut Message) -> bool {
        // SAFETY: the caller's promise.
        let Some(message) = (unsafe { Self::from_raw(raw) }) else {
            return false;
        };
        // SAFETY: dropped once, and overwritten at once by a message that holds nothing.
        unsafe {
            ptr::drop_in_place(message);
            Self::write_head(message, 0);
        }
        message.tag = 0;
        true
    }
}

impl Drop for Message {
    #[inline(always)]
    fn drop(&mut self) {
        if self.kind == Kind::Block {
            // SAFETY: `kind` says that the slice is there; it is dropped once, here.
            unsafe { drop_slice(&mut self.body.slice) };
        }
    }
}

/// Out of line: most functions drop messages that have no block.
///
/// # Safety
/// As [`ManuallyDrop::drop`].
#[inline(never)]
unsafe fn drop_slice(slice: &mut ManuallyDrop<Slice>) {
    // SAFETY: the caller's promise.
    unsafe { ManuallyDrop::drop(slice) };
}

/// Copies of one message whose references are counted already.
pub struct Copies<'a> {
    message: &'a mut Message,
    left: usize,
}

impl Iterator for Copies<'_> {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `share_among` counted a reference for each of the copies.
        Some(unsafe { self.message.duplicate() })
    }
}

impl Drop for Copies<'_> {
    fn drop(&mut self) {
        self.by_ref().for_each(drop);
    }
}

/// Out of memory, as the engine's error.
fn out_of_memory() -> Error {
    Error::OutOfMemory
}

#[cfg(test)]
mod tests;
