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
mod prefetch;
mod receive_buffer;
mod short;

pub use block::FreeFunction;
pub use builder::MessageBuilder;
pub use cache::{allocate_place, free_all as free_kept_memory, free_place, with_large_pages};
pub use metadata::Metadata;
pub use prefetch::{prefetch, prefetch_to_write};
pub use receive_buffer::{ByteSource, Filled, ReceiveBuffer};

use crate::error::{Error, Result};
use block::{Block, Slice};
use std::ffi::c_void;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes that a message holds without a block.
pub const INLINE_CAPACITY: usize = 40;

/// Marks initialised messages, so that a closed or foreign `zmq_msg_t` is recognised.
const TAG: u8 = 0xA7;

const MORE: u8 = 1;
const COMMAND: u8 = 2;
const SHARED: u8 = 4;
/// There are properties.
const METADATA: u8 = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Inline,
    Constant,
    Block,
}

/// What a message is, in one word: a message is made, recognised and found to hold nothing by
/// one store or load. Bytes from the lowest: four of the number that `zmq_msg_set_routing_id`
/// sets (thread-safe socket types), the kind, the flags, the inline length, the tag.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
struct Head(u64);

const KIND: u32 = 32;
const FLAGS: u32 = 40;
const LENGTH: u32 = 48;
const TAG_SHIFT: u32 = 56;

impl Head {
    /// What no function takes for a message.
    const CLOSED: Self = Self(0);

    #[inline(always)]
    const fn new(kind: Kind, inline_length: u8) -> Self {
        Self((kind as u64) << KIND | (inline_length as u64) << LENGTH | (TAG as u64) << TAG_SHIFT)
    }

    #[inline(always)]
    fn kind(self) -> Kind {
        match (self.0 >> KIND) as u8 {
            0 => Kind::Inline,
            1 => Kind::Constant,
            _ => Kind::Block,
        }
    }

    #[inline(always)]
    fn flags(self) -> u8 {
        (self.0 >> FLAGS) as u8
    }

    #[inline(always)]
    fn inline_length(self) -> u8 {
        (self.0 >> LENGTH) as u8
    }

    #[inline(always)]
    fn is_message(self) -> bool {
        (self.0 >> TAG_SHIFT) as u8 == TAG
    }

    /// Whether there is a reference to give up: to a block or to properties.
    #[inline(always)]
    fn holds_references(self) -> bool {
        self.0 & ((Kind::Block as u64) << KIND | (METADATA as u64) << FLAGS) != 0
    }
}

union Body {
    inline: [u8; INLINE_CAPACITY],
    slice: ManuallyDrop<Slice>,
    constant: (*const u8, usize),
}

/// One part of a message.
///
/// Invariant: `body` is what the head's kind says; its inline length is at most
/// `INLINE_CAPACITY`; `metadata` is there if the head has `METADATA`.
#[repr(C, align(8))]
pub struct Message {
    body: Body,
    metadata: MaybeUninit<Arc<Metadata>>,
    head: Head,
    reserved: MaybeUninit<u64>,
}

/// The words of a message that mean something.
const WORDS: usize = 7;

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
            metadata: MaybeUninit::uninit(),
            head: Head::new(kind, inline_length),
            reserved: MaybeUninit::uninit(),
        }
    }

    fn from_slice_of_block(slice: Slice) -> Self {
        Self::with_body(Body { slice: ManuallyDrop::new(slice) }, Kind::Block, 0)
    }

    /// A message with a copy of these bytes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline(always)]
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        let mut message = Self::new();
        message.set_bytes(bytes)?;
        Ok(message)
    }

    /// Makes a message one of these bytes; what it held is dropped.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline(always)]
    pub fn set_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > INLINE_CAPACITY {
            return self.set_long_bytes(bytes);
        }
        *self = Self::new();
        // SAFETY: an empty message holds its bytes itself.
        short::fill(unsafe { &mut self.body.inline }, bytes);
        self.head = Head::new(Kind::Inline, bytes.len() as u8);
        Ok(())
    }

    #[inline(never)]
    fn set_long_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let slice = Block::allocate(bytes.len())?.into_slice(bytes.len());
        // SAFETY: as many writable bytes, just allocated.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), slice.data, bytes.len()) };
        *self = Self::from_slice_of_block(slice);
        Ok(())
    }

    /// Copies the front of the bytes, as much as there is room for.
    #[inline(always)]
    pub fn copy_to(&self, out: &mut [MaybeUninit<u8>]) {
        let length = out.len().min(self.len());
        let out = &mut out[..length];
        match self.inline_bytes() {
            Some(body) => short::spread(body, out),
            None => _ = out.write_copy_of_slice(&self.data()[..length]),
        }
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
        match self.kind() {
            // SAFETY: the body is what the kind says, and all of it is initialised: by us, or in
            // memory that C made a message of, whose bytes are what C left there.
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

    #[inline(always)]
    fn kind(&self) -> Kind {
        self.head.kind()
    }

    /// A message with these bytes, which are wiped when its last copy goes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
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

    /// The number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match self.kind() {
            Kind::Inline => self.head.inline_length() as usize,
            // SAFETY: `kind` says which field is there.
            Kind::Block => unsafe { self.body.slice.length },
            // SAFETY: as above.
            Kind::Constant => unsafe { self.body.constant.1 },
        }
    }

    /// True if the bytes stand in the message itself: there are at most [`INLINE_CAPACITY`].
    #[inline(always)]
    pub fn is_short(&self) -> bool {
        self.kind() == Kind::Inline
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
            match self.kind() {
                Kind::Inline => std::slice::from_raw_parts(
                    self.body.inline.as_ptr(),
                    self.head.inline_length() as usize,
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
            let kept = self.head.0 & !((0xFF << KIND) | (0xFF << LENGTH));
            short.head = Head(short.head.0 | kept);
            short.set_flag(SHARED, false);
            // SAFETY: moved, if it is there: this message has none from here on.
            short.metadata = unsafe { ptr::read(&self.metadata) };
            self.set_flag(METADATA, false);
            *self = short;
            return;
        }
        let (data, length) = (rest.as_ptr(), rest.len());
        match self.kind() {
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
            match self.kind() {
                Kind::Inline => self.body.inline.as_mut_ptr(),
                Kind::Block => self.body.slice.data,
                Kind::Constant => self.body.constant.0.cast_mut(),
            }
        }
    }

    #[inline(always)]
    fn flag(&self, flag: u8) -> bool {
        self.head.flags() & flag != 0
    }

    #[inline(always)]
    fn set_flag(&mut self, flag: u8, on: bool) {
        let bit = (flag as u64) << FLAGS;
        self.head.0 = if on { self.head.0 | bit } else { self.head.0 & !bit };
    }

    /// True if more parts of the same message follow.
    #[inline(always)]
    pub fn more(&self) -> bool {
        self.flag(MORE)
    }

    /// Says whether more parts follow.
    #[inline(always)]
    pub fn set_more(&mut self, more: bool) {
        // Who reads the whole word next waits longer for a store to a part of it.
        if self.more() != more {
            self.set_flag(MORE, more);
        }
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
        self.kind() == Kind::Constant || self.flag(SHARED)
    }

    /// The properties of the connection that the message came from.
    pub fn metadata(&self) -> Option<&Metadata> {
        // SAFETY: the flag says that they are there.
        self.flag(METADATA).then(|| unsafe { self.metadata.assume_init_ref() }.as_ref())
    }

    /// Attaches the properties of a connection, or removes them.
    #[inline(always)]
    pub fn set_metadata(&mut self, metadata: Option<Arc<Metadata>>) {
        drop(self.take_metadata());
        if let Some(metadata) = metadata {
            self.metadata.write(metadata);
            self.set_flag(METADATA, true);
        }
    }

    /// Removes the properties, and hands them out.
    #[inline(always)]
    pub fn take_metadata(&mut self) -> Option<Arc<Metadata>> {
        if !self.flag(METADATA) {
            return None;
        }
        self.set_flag(METADATA, false);
        // SAFETY: the flag said that they are there, and says so no more: they are read once.
        Some(unsafe { self.metadata.assume_init_read() })
    }

    /// A second message with the same bytes, flags and properties (zmq_msg_copy(3)): it shares
    /// the block, if there is one.
    pub fn share(&mut self) -> Self {
        let mut copy = Self::new();
        copy.share_from(self);
        copy
    }

    /// Becomes what [`share`](Self::share) of the other message would be. What it held is dropped.
    #[inline(always)]
    pub fn share_from(&mut self, other: &mut Self) {
        other.share_references(1);
        // SAFETY: the reference was counted just now, for this duplicate; what was here is dropped.
        unsafe {
            ptr::drop_in_place(self);
            other.duplicate_to(self);
        }
    }

    /// Hands out copies for many receivers: the references are counted at once.
    pub fn share_among(&mut self, copies: usize) -> Copies<'_> {
        self.share_references(copies);
        Copies { message: self, left: copies }
    }

    /// Counts references to the block, if there is one, for as many copies.
    #[inline(always)]
    fn share_references(&mut self, copies: usize) {
        if self.kind() == Kind::Block && copies > 0 {
            // SAFETY: `kind` says that the slice is there.
            unsafe { (*self.body.slice).add_references(copies) };
            self.set_flag(SHARED, true);
        }
    }

    /// # Safety
    /// A reference to the block was counted for the duplicate; `place` can be written to and holds
    /// no message.
    #[inline(always)]
    unsafe fn duplicate_to(&self, place: *mut Self) {
        if self.flag(METADATA) {
            // SAFETY: the flag says that they are there. The word that is copied below is the new
            // reference.
            std::mem::forget(unsafe { self.metadata.assume_init_ref() }.clone());
        }
        // SAFETY: two places (the caller's is writable); the references in it were counted.
        unsafe { Self::copy_words(self, place) };
    }

    /// Copies a message word by word: a wider load of words that were written one by one just
    /// before, as they are in a new message, would wait until the stores have left the processor.
    ///
    /// # Safety
    /// `from` is readable, `to` writable, and they do not overlap. One of them is not used as a
    /// message any more, or what it refers to was counted for both.
    #[inline(always)]
    unsafe fn copy_words(from: *const Self, to: *mut Self) {
        let (from, to) = (from.cast::<MaybeUninit<u64>>(), to.cast::<MaybeUninit<u64>>());
        for word in 0..WORDS {
            // SAFETY: within the messages. Volatile, so that the loads stay as they are; some of
            // the words may not be initialised.
            unsafe { to.add(word).write(from.add(word).read_volatile()) };
        }
    }

    /// Has the processor fetch the memory behind a message that will be looked at soon.
    #[inline(always)]
    pub fn prefetch(&self) {
        if self.kind() == Kind::Block {
            // SAFETY: `kind` says that the slice is there.
            prefetch(unsafe { self.body.slice.head() });
        }
    }

    /// Whether it stands in memory of the application, with a function to give it back.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        // SAFETY: the body is what the kind says.
        self.kind() == Kind::Block && unsafe { self.body.slice.is_foreign() }
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
            Self::copy_words(self, place.as_mut_ptr());
            (&raw mut self.head).write(Head::new(Kind::Inline, 0));
        }
    }

    /// Becomes what the other message is, and leaves that empty (zmq_msg_move(3)). What it held is
    /// dropped.
    #[inline(always)]
    pub fn take_from(&mut self, other: &mut Self) {
        // SAFETY: dropped once, and written anew at once.
        let place = unsafe {
            ptr::drop_in_place(self);
            &mut *ptr::from_mut(self).cast::<MaybeUninit<Self>>()
        };
        other.move_to(place);
    }

    /// Makes a message of `size` bytes where C wants one; false for NULL. Bytes of a block are not
    /// initialised: only C, which has no such notion, may see them.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    ///
    /// # Safety
    /// `raw` is NULL or points at 64 writable bytes that hold no message; the message's bytes are
    /// written before anything but C reads them.
    #[inline(always)]
    pub unsafe fn init_raw_with_size(raw: *mut Message, size: usize) -> Result<bool> {
        if raw.is_null() || !raw.is_aligned() {
            return Ok(false);
        }
        if size <= INLINE_CAPACITY {
            // SAFETY: aligned and writable (caller).
            unsafe { (&raw mut (*raw).head).write(Head::new(Kind::Inline, size as u8)) };
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
        // SAFETY: writable (caller).
        unsafe { Self::write_slice(raw, slice) };
        Ok(true)
    }

    /// Makes a message over memory of the application where C wants one (zmq_msg_init_data(3));
    /// false for NULL. `free` runs exactly once, on the thread that drops the last copy; without
    /// one the memory is never freed.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; `free` is not called then.
    ///
    /// # Safety
    /// As [`init_raw_with_size`](Self::init_raw_with_size); `size` bytes at `data` stay valid until
    /// `free(data, hint)` is called, which may happen on any thread.
    #[inline(always)]
    pub unsafe fn init_raw_over(
        raw: *mut Message,
        (data, size): (*mut c_void, usize),
        free: Option<FreeFunction>,
        hint: *mut c_void,
    ) -> Result<bool> {
        if raw.is_null() || !raw.is_aligned() {
            return Ok(false);
        }
        // SAFETY: the caller's promises. Nobody frees memory without a function, so it stays as
        // it is.
        unsafe {
            match free {
                Some(free) => Self::write_slice(raw, Block::adopt(data, size, free, hint)?),
                None => raw.write(Self::from_constant(data.cast(), size)),
            }
        }
        Ok(true)
    }

    /// # Safety
    /// `raw` can be written to and holds no message.
    #[inline(always)]
    unsafe fn write_slice(raw: *mut Message, slice: Slice) {
        // SAFETY: writable (caller).
        unsafe {
            (&raw mut (*raw).body).cast::<Slice>().write(slice);
            (&raw mut (*raw).head).write(Head::new(Kind::Block, 0));
        }
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
        // SAFETY: readable (caller); the head is read as a plain word before anything else.
        if !unsafe { (*raw).head }.is_message() {
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

    /// Closes the message behind a C pointer: releases what it holds and leaves a value that no
    /// function takes for a message. False if it was none.
    ///
    /// # Safety
    /// As [`from_raw`](Self::from_raw).
    #[inline(always)]
    pub unsafe fn close_raw(raw: *mut Message) -> bool {
        // SAFETY: the caller's promise.
        match unsafe { Self::from_raw(raw) } {
            Some(message) if message.head.holds_references() => message.close(),
            Some(message) => message.head = Head::CLOSED,
            None => return false,
        }
        true
    }
}

impl Drop for Message {
    #[inline(always)]
    fn drop(&mut self) {
        if self.head.holds_references() {
            self.give_up_references();
        }
    }
}

impl Message {
    /// Drops what it holds, and marks it as what nobody takes for a message.
    #[inline(never)]
    fn close(&mut self) {
        self.give_up_references();
        self.head = Head::CLOSED;
    }

    /// Out of line: most functions drop messages that hold nothing.
    #[inline(never)]
    fn give_up_references(&mut self) {
        drop(self.take_metadata());
        if self.kind() == Kind::Block {
            // SAFETY: `kind` says that the slice is there; it is dropped once, as the message
            // is nothing but overwritten afterwards.
            unsafe { ManuallyDrop::drop(&mut self.body.slice) };
        }
    }
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
        let mut copy = MaybeUninit::uninit();
        // SAFETY: `share_among` counted a reference for each of the copies; they are written whole.
        Some(unsafe {
            self.message.duplicate_to(copy.as_mut_ptr());
            copy.assume_init()
        })
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
