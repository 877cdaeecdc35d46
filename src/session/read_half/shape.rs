//! What the parts that come have to look like, where that depends on the socket type.

use crate::message::{MAX_GROUP, Message};
use crate::zmtp::{ProtocolError, SocketType};

/// The shape of what comes, and where in it the next part belongs.
#[derive(Debug)]
pub(super) enum Shape {
    /// Messages of any number of parts.
    Any,
    /// Replies to a REQ.
    Replies(Envelope),
    /// The name of a group, and a message of one part (RADIO, DISH); the name that came.
    Groups(Option<Message>),
}

/// What a reply to a REQ looks like: an optional number of four bytes, an empty delimiter, a body.
/// A peer that sends something else is not a REP; its connection is closed (observed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    Number,
    Delimiter,
    Body,
}

impl Envelope {
    /// Where the next part belongs, or an error if this one is out of place.
    fn next(self, part: &Message) -> Result<Self, ProtocolError> {
        match (self, part.more(), part.len()) {
            (Self::Number, true, 4) => Ok(Self::Delimiter),
            (Self::Number | Self::Delimiter, true, 0) => Ok(Self::Body),
            (Self::Body, true, _) => Ok(Self::Body),
            (Self::Body, false, _) => Ok(Self::Number),
            _ => Err(ProtocolError::Unspecified),
        }
    }
}

impl Shape {
    /// What comes to a socket of this type.
    pub(super) fn of(socket_type: SocketType) -> Self {
        match socket_type {
            SocketType::Req => Self::Replies(Envelope::Number),
            _ if socket_type.has_groups() => Self::Groups(None),
            _ => Self::Any,
        }
    }

    pub(super) fn has_groups(&self) -> bool {
        matches!(self, Self::Groups(_))
    }

    /// Takes a part; false where it is none that the socket gets.
    ///
    /// # Errors
    /// Where it is out of place: the connection is closed.
    #[inline]
    pub(super) fn take(&mut self, part: &mut Message) -> Result<bool, ProtocolError> {
        match self {
            Self::Any => Ok(true),
            Self::Replies(envelope) => {
                *envelope = envelope.next(part)?;
                Ok(true)
            }
            Self::Groups(name) => match (name.take(), part.more()) {
                (None, true) if part.len() <= MAX_GROUP => {
                    *name = Some(part.take());
                    Ok(false)
                }
                (Some(group), false) => {
                    part.set_group(group.data());
                    Ok(true)
                }
                _ => Err(ProtocolError::Unspecified),
            },
        }
    }
}
