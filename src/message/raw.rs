//! Messages where C has them: behind pointers that are checked here, and nowhere else.

use super::block::{Block, FreeFunction, Slice};
use super::header::{Header, Kind};
use super::{INLINE_CAPACITY, Message};
use crate::error::Result;
use std::ffi::c_void;
use std::ptr::NonNull;

impl Message {
    /// Makes a message of `size` bytes where C wants one; false for NULL. Bytes of a block are not
    /// initialised: only C, which has no such notion, may see them.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
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
            unsafe { (&raw mut (*raw).head).write(Header::new(Kind::Inline, size as u8)) };
            return Ok(true);
        }
        // SAFETY: as above.
        unsafe { Self::init_raw_with_block(raw, size) }
    }

    /// # Safety
    /// As [`init_raw_with_size`](Self::init_raw_with_size), for a pointer that can be written to.
    #[inline(never)]
    unsafe fn init_raw_with_block(raw: *mut Message, size: usize) -> Result<bool> {
        // SAFETY: as many bytes as were asked for; writable (caller).
        unsafe { Self::write_slice(raw, Block::allocate(size)?.into_slice(0, size)) };
        Ok(true)
    }

    /// Makes a message over memory of the application where C wants one (zmq_msg_init_data(3));
    /// false for NULL. `free` runs exactly once, on the thread that drops the last copy; without
    /// one the memory is never freed.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`]; `free` is not called then.
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
            (&raw mut (*raw).head).write(Header::new(Kind::Block, 0));
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
        // SAFETY: the tag says that one of this room's functions made it.
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
            Some(message) => message.head = Header::CLOSED,
            None => return false,
        }
        true
    }

    /// Drops what it holds, and marks it as what no function takes for a message.
    #[inline(never)]
    fn close(&mut self) {
        self.drop_slow();
        self.head = Header::CLOSED;
    }
}
