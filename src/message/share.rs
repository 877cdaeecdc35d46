//! Copies of a message that share its block.

use super::Message;
use super::header::{Kind, METADATA, SHARED};
use std::mem::MaybeUninit;
use std::ptr;

impl Message {
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
        self.share_group();
        // SAFETY: two places (the caller's is writable); the references in it were counted.
        unsafe { Self::copy_words(self, place) };
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
