//! The message: 64 bytes that are C's `zmq_msg_t`, and what they may refer to.
//!
//! A short body is in the message itself. A longer one is in a reference-counted block,
//! which may hold one body, be a receive buffer that many messages share, or be the memory of the
//! application with its free function. Constant data is only pointed at.
//!
//! The struct holds no pointer to itself: bindings move it as plain bytes.

#![allow(unsafe_code)]

mod block;
mod builder;
mod chunk;
mod create;
mod group;
mod header;
mod inline_copy;
mod metadata;
mod raw;
mod receive_buffer;
mod share;

pub(crate) use block::FreeFunction;
pub(crate) use builder::MessageBuilder;
pub(crate) use group::MAX_GROUP;
pub(crate) use metadata::Metadata;
pub(crate) use receive_buffer::{
    ALIGNED_ABOVE, ByteSource, Filled, Forecast, MAX_PIECES, READ_AHEAD, ReceiveBuffer,
    read_in_turn,
};

use crate::error::Error;
use crate::memory::prefetch;
use block::Slice;
use group::Group;
use header::{
    COMMAND, FLAGS, GROUP, Header, KIND, Kind, LENGTH, LONG_GROUP, METADATA, MORE, SHARED,
};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;
use std::sync::Arc;

/// Bytes that a message holds without a block.
pub(crate) const INLINE_CAPACITY: usize = 40;

union Body {
    inline: [u8; INLINE_CAPACITY],
    slice: ManuallyDrop<Slice>,
    constant: (*const u8, usize),
}

/// One part of a message.
///
/// Invariant: `body` is what the head's kind says; its inline length is at most
/// `INLINE_CAPACITY`; `metadata` is there if the head has `METADATA`, `group` if it has `GROUP` or
/// `LONG_GROUP`.
#[repr(C, align(8))]
pub struct Message {
    body: Body,
    metadata: MaybeUninit<Arc<Metadata>>,
    head: Header,
    group: MaybeUninit<Group>,
}

/// The words of a message that mean something always, and the one that does where there is a group.
const WORDS: usize = 7;
const GROUP_WORD: usize = 7;

const _: () =
    assert!(size_of::<Message>() == 64 && align_of::<Message>() == align_of::<*const u8>());

// SAFETY: a block is shared through atomic counts and not written once it is shared; user-owned
// memory was handed over for use and release on any thread (zmq_msg_init_data(3)).
unsafe impl Send for Message {}
// SAFETY: through a shared reference nothing is written.
unsafe impl Sync for Message {}

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
    /// Copies the front of the bytes, as much as there is room for.
    #[inline(always)]
    pub fn copy_to(&self, out: &mut [MaybeUninit<u8>]) {
        let length = out.len().min(self.len());
        let out = &mut out[..length];
        match self.inline_bytes() {
            Some(body) => inline_copy::spread(body, out),
            None => _ = out.write_copy_of_slice(&self.data()[..length]),
        }
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

    #[inline(always)]
    fn kind(&self) -> Kind {
        self.head.kind()
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

    /// True if the bytes are in the message itself: there are at most [`INLINE_CAPACITY`].
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
        // SAFETY: `len` bytes are at `data_ptr`. They are this message's alone: those of inline
        // messages are, and a slice of a block overlaps no other before `share` or `share_among`
        // mark it; user-owned memory was handed over.
        Some(unsafe { std::slice::from_raw_parts_mut(data, length) })
    }

    /// Cuts bytes off the front, at most as many as there are. What is short then is in the
    /// message itself, and keeps no block.
    pub fn trim_front(&mut self, count: usize) {
        let rest = &self.data()[count.min(self.len())..];
        if rest.len() <= INLINE_CAPACITY {
            let mut short = Self::from_short(rest);
            let kept = self.head.0 & !((0xFF << KIND) | (0xFF << LENGTH));
            short.head = Header(short.head.0 | kept);
            short.set_flag(SHARED | GROUP | LONG_GROUP, false);
            self.move_group_to(&mut short);
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

    /// Where the bytes are, for C. Valid until the message is moved, closed or sent.
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
        // A read of the whole word next waits longer for a store to a part of it.
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
        // SAFETY: as above, and the caller's message is readable.
        unsafe {
            if (*from.cast::<Self>()).head.has_group() {
                to.add(GROUP_WORD).write(from.add(GROUP_WORD).read());
            }
        }
    }

    /// Has the processor fetch the memory behind a message that will be read soon.
    #[inline(always)]
    pub fn prefetch(&self) {
        if self.kind() == Kind::Block {
            // SAFETY: `kind` says that the slice is there.
            prefetch(unsafe { self.body.slice.head() });
        }
    }

    /// Whether it is in memory of the application, with a function to give it back.
    #[inline]
    pub fn is_user_owned(&self) -> bool {
        // SAFETY: the body is what the kind says.
        self.kind() == Kind::Block && unsafe { self.body.slice.is_user_owned() }
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
            (&raw mut self.head).write(Header::new(Kind::Inline, 0));
        }
    }

    /// Becomes what the other message is, and leaves that empty (zmq_msg_move(3)). What it held is
    /// dropped.
    #[inline(always)]
    pub fn take_from(&mut self, other: &mut Self) {
        // SAFETY: dropped once, and written again at once.
        let place = unsafe {
            ptr::drop_in_place(self);
            &mut *ptr::from_mut(self).cast::<MaybeUninit<Self>>()
        };
        other.move_to(place);
    }
}

impl Drop for Message {
    #[inline(always)]
    fn drop(&mut self) {
        if self.head.holds_references() {
            self.drop_slow();
        }
    }
}

impl Message {
    /// Out of line: most functions drop messages that hold nothing.
    #[inline(never)]
    fn drop_slow(&mut self) {
        drop(self.take_metadata());
        self.drop_group();
        if self.kind() == Kind::Block {
            // SAFETY: `kind` says that the slice is there; it is dropped once, as the message
            // is nothing but overwritten afterwards.
            unsafe { ManuallyDrop::drop(&mut self.body.slice) };
        }
    }
}

/// Out of memory, as the engine's error.
fn out_of_memory() -> Error {
    Error::OutOfMemory
}

#[cfg(test)]
pub(crate) mod tests;
