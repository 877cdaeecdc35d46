//! The word of a message that says what it is.

#![forbid(unsafe_code)]

/// Marks initialised messages, so that a closed or foreign `zmq_msg_t` is recognised.
const TAG: u8 = 0xA7;

pub(super) const MORE: u8 = 1;
pub(super) const COMMAND: u8 = 2;
pub(super) const SHARED: u8 = 4;
/// There are properties.
pub(super) const METADATA: u8 = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Inline,
    Constant,
    Block,
}

/// What a message is, in one word: a message is made, recognised and found to hold nothing by
/// one store or load. Bytes from the lowest: four of the number that `zmq_msg_set_routing_id`
/// sets (thread-safe socket types), the kind, the flags, the inline length, the tag.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Header(pub(super) u64);

pub(super) const KIND: u32 = 32;
pub(super) const FLAGS: u32 = 40;
pub(super) const LENGTH: u32 = 48;
const TAG_SHIFT: u32 = 56;

impl Header {
    /// What no function takes for a message.
    pub(super) const CLOSED: Self = Self(0);

    #[inline(always)]
    pub(super) const fn new(kind: Kind, inline_length: u8) -> Self {
        Self((kind as u64) << KIND | (inline_length as u64) << LENGTH | (TAG as u64) << TAG_SHIFT)
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match (self.0 >> KIND) as u8 {
            0 => Kind::Inline,
            1 => Kind::Constant,
            _ => Kind::Block,
        }
    }

    #[inline(always)]
    pub(super) fn flags(self) -> u8 {
        (self.0 >> FLAGS) as u8
    }

    #[inline(always)]
    pub(super) fn inline_length(self) -> u8 {
        (self.0 >> LENGTH) as u8
    }

    #[inline(always)]
    pub(super) fn is_message(self) -> bool {
        (self.0 >> TAG_SHIFT) as u8 == TAG
    }

    /// Whether there is a reference to give up: to a block or to properties.
    #[inline(always)]
    pub(super) fn holds_references(self) -> bool {
        self.0 & ((Kind::Block as u64) << KIND | (METADATA as u64) << FLAGS) != 0
    }
}
