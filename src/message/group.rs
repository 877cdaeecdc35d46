//! What thread-safe socket types write on a message: the group that a RADIO sends to, and the number of
//! the peer that a SERVER or PEER answers.

use super::Message;
use super::header::{GROUP, LONG_GROUP};
use std::ffi::CStr;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::sync::Arc;

/// Longest group, in bytes.
pub(crate) const MAX_GROUP: usize = 255;
/// Bytes of a group that stand in the message itself, with a NUL behind them.
const SHORT: usize = 7;

/// The name of a group, which ends with a NUL.
pub(super) union Group {
    short: [u8; SHORT + 1],
    long: ManuallyDrop<Arc<[u8; MAX_GROUP + 1]>>,
}

const _: () = assert!(size_of::<Group>() == size_of::<u64>());

impl Message {
    /// The number of the peer that it came from, or is for; 0 for none.
    #[inline(always)]
    pub(crate) fn routing_id(&self) -> u32 {
        self.head.routing_id()
    }

    /// Says which peer it came from, or is for; 0 for none.
    #[inline(always)]
    pub(crate) fn set_routing_id(&mut self, routing_id: u32) {
        self.head = self.head.with_routing_id(routing_id);
    }

    /// The group that it is for; empty without one.
    pub(crate) fn group(&self) -> &CStr {
        let name = if self.flag(GROUP) {
            // SAFETY: the flag says that it is there.
            unsafe { &self.group.assume_init_ref().short[..] }
        } else if self.flag(LONG_GROUP) {
            // SAFETY: the flag says that it is there.
            unsafe { &self.group.assume_init_ref().long[..] }
        } else {
            return c"";
        };
        // It ends with a NUL, always.
        CStr::from_bytes_until_nul(name).unwrap_or(c"")
    }

    /// Says which group it is for: the bytes up to a NUL, of which the first [`MAX_GROUP`] count.
    pub(crate) fn set_group(&mut self, name: &[u8]) {
        let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = &name[..length.min(MAX_GROUP)];
        self.drop_group();
        if name.is_empty() {
            return;
        }
        if name.len() <= SHORT {
            let mut short = [0; SHORT + 1];
            short[..name.len()].copy_from_slice(name);
            self.group.write(Group { short });
            self.set_flag(GROUP, true);
        } else {
            let mut long = [0; MAX_GROUP + 1];
            long[..name.len()].copy_from_slice(name);
            self.group.write(Group { long: ManuallyDrop::new(Arc::new(long)) });
            self.set_flag(LONG_GROUP, true);
        }
    }

    /// Removes the group.
    pub(super) fn drop_group(&mut self) {
        if self.flag(LONG_GROUP) {
            // SAFETY: the flag says that it is there, and is cleared below: it is dropped once.
            unsafe { ManuallyDrop::drop(&mut self.group.assume_init_mut().long) };
        }
        self.set_flag(GROUP | LONG_GROUP, false);
    }

    /// Counts a reference to the group, for a duplicate of the message.
    pub(super) fn share_group(&self) {
        if self.flag(LONG_GROUP) {
            // SAFETY: the flag says that it is there. The word in the duplicate is the new reference, which is
            // not dropped here.
            let _duplicate = unsafe { self.group.assume_init_ref().long.clone() };
        }
    }

    /// Moves the group, if there is one, to a message that has none.
    pub(super) fn move_group_to(&mut self, other: &mut Self) {
        for flag in [GROUP, LONG_GROUP] {
            if self.flag(flag) {
                std::mem::swap(&mut self.group, &mut other.group);
                other.set_flag(flag, true);
                self.set_flag(flag, false);
            }
        }
    }

    pub(super) const fn no_group() -> MaybeUninit<Group> {
        MaybeUninit::uninit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_group(name: &[u8]) -> Message {
        let mut message = Message::from_slice(b"body").unwrap();
        message.set_routing_id(7);
        message.set_group(name);
        message
    }

    #[test]
    fn groups_of_every_length_are_kept_up_to_255_bytes() {
        for length in [0, 1, 7, 8, 254, 255, 256, 1000] {
            let message = with_group(&vec![b'g'; length]);
            assert_eq!(message.group().to_bytes(), vec![b'g'; length.min(MAX_GROUP)]);
            assert_eq!((message.data(), message.routing_id()), (&b"body"[..], 7));
        }
        assert_eq!(with_group(b"up to\0here").group(), c"up to");
    }

    #[test]
    fn copies_and_moves_take_group_and_routing_id_along() {
        for name in [&b"short"[..], &b"longer than fits"[..]] {
            let mut message = with_group(name);
            let copy = message.share();
            let mut copies: Vec<_> = message.share_among(2).collect();
            let moved = message.take();
            assert!(message.group().is_empty() && message.routing_id() == 0);
            let other = copies.remove(0);
            for own in [copy, other, moved] {
                assert_eq!((own.group().to_bytes(), own.routing_id()), (name, 7));
            }
        }
    }

    #[test]
    fn a_group_is_replaced_and_survives_a_cut() {
        let mut message = with_group(b"longer than fits");
        message.set_group(b"x");
        message.set_group(b"another long name");
        message.trim_front(1);
        assert_eq!((message.data(), message.group()), (&b"ody"[..], c"another long name"));
        message.set_group(b"");
        assert!(message.group().is_empty());
    }
}
