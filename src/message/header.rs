//! The word of a message that describes it.

#![forbid(unsafe_code)]

/// Marks initialised messages, so that a closed or foreign `zmq_msg_t` is recognised.
const TAG: u8 = 0xA7;

pub(super) const MORE: u8 = 1;
pub(super) const COMMAND: u8 = 2;
pub(super) const SHARED: u8 = 4;
/// There are properties.
pub(super) const METADATA: u8 = 8;
/// There is a group, which stands in the message, or behind it.
pub(super) const GROUP: u8 = 16;
pub(super) const LONG_GROUP: u8 = 32;

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

    /// Whether there is a reference to give up: to a block, to properties or to a group.
    #[inline(always)]
    pub(super) fn holds_references(self) -> bool {
        self.0 & ((Kind::Block as u64) << KIND | ((METADATA | LONG_GROUP) as u64) << FLAGS) != 0
    }

    /// Whether the last word of the message means something.
    #[inline(always)]
    pub(super) fn has_group(self) -> bool {
        self.0 & ((GROUP | LONG_GROUP) as u64) << FLAGS != 0
    }

    /// The number of the peer; 0 for none.
    #[inline(always)]
    pub(super) fn routing_id(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    pub(super) fn with_routing_id(self, routing_id: u32) -> Self {
        Self(self.0 >> 32 << 32 | u64::from(routing_id))
    }
}
