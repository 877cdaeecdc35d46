//! Commands between established peers (RFC 37): subscriptions, groups and heartbeats.

use super::ProtocolError;
use crate::message::Message;

/// A command that came, borrowed from its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// SUBSCRIBE or CANCEL.
    Subscription(Subscription<'a>),
    /// JOIN or LEAVE of a group (RFC 48).
    Membership(Subscription<'a>),
    /// PING with the sender's time to live (tenths of a second) and a context to send back.
    Ping(u16, &'a [u8]),
    /// PONG with the context of its PING.
    Pong(&'a [u8]),
    /// ERROR with its reason.
    Error(&'a [u8]),
    /// A command that this version does not know; such are ignored (RFC 37).
    Unknown(&'a [u8]),
}

/// A subscription or its cancellation, with its prefix. A command in 3.1; a message before that (RFC 23),
/// and between a socket and its sessions: 1 or 0, and the prefix. So are groups that are joined and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscription<'a> {
    Subscribe(&'a [u8]),
    Cancel(&'a [u8]),
}

impl<'a> Subscription<'a> {
    /// Reads the message; `None` for any other.
    #[inline(always)]
    pub(crate) fn parse(message: &'a [u8]) -> Option<Self> {
        match message {
            [1, prefix @ ..] => Some(Self::Subscribe(prefix)),
            [0, prefix @ ..] => Some(Self::Cancel(prefix)),
            _ => None,
        }
    }

    /// As a message.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfMemory`].
    pub(crate) fn to_message(self) -> Result<Message, ProtocolError> {
        let text = match self {
            Self::Subscribe(prefix) => [&[1], prefix].concat(),
            Self::Cancel(prefix) => [&[0], prefix].concat(),
        };
        Message::from_slice(&text).map_err(|_| ProtocolError::OutOfMemory)
    }

    /// As a command.
    pub(crate) fn to_command(self) -> Message {
        match self {
            Self::Subscribe(prefix) => command("SUBSCRIBE", &[prefix]),
            Self::Cancel(prefix) => command("CANCEL", &[prefix]),
        }
    }

    /// As a command about a group.
    pub(crate) fn to_membership(self) -> Message {
        match self {
            Self::Subscribe(group) => command("JOIN", &[group]),
            Self::Cancel(group) => command("LEAVE", &[group]),
        }
    }
}

/// Longest context of a PING (RFC 37).
const MAX_PING_CONTEXT: usize = 16;

impl<'a> Command<'a> {
    /// Parses the body of a command frame: a name with its length, and data.
    ///
    /// # Errors
    /// [`ProtocolError::MalformedCommand`].
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ProtocolError> {
        let malformed = ProtocolError::MalformedCommand;
        let (&length, rest) = body.split_first().ok_or(malformed)?;
        let (name, data) = rest.split_at_checked(length as usize).ok_or(malformed)?;
        Ok(match name {
            b"SUBSCRIBE" => Self::Subscription(Subscription::Subscribe(data)),
            b"CANCEL" => Self::Subscription(Subscription::Cancel(data)),
            b"JOIN" => Self::Membership(Subscription::Subscribe(data)),
            b"LEAVE" => Self::Membership(Subscription::Cancel(data)),
            b"PING" => {
                let (ttl, context) = data.split_first_chunk::<2>().ok_or(malformed)?;
                let context = &context[..context.len().min(MAX_PING_CONTEXT)];
                Self::Ping(u16::from_be_bytes(*ttl), context)
            }
            b"PONG" => Self::Pong(data),
            b"ERROR" => Self::Error(data),
            name => Self::Unknown(name),
        })
    }
}

fn command(name: &str, parts: &[&[u8]]) -> Message {
    let mut body = Vec::with_capacity(64);
    body.push(name.len() as u8);
    body.extend_from_slice(name.as_bytes());
    parts.iter().for_each(|part| body.extend_from_slice(part));
    // Without memory for a command the empty one remains, which peers ignore.
    let mut message = Message::from_slice(&body).unwrap_or_default();
    message.set_command(true);
    message
}

/// PING with a time to live in tenths of a second.
pub(crate) fn ping(time_to_live: u16, context: &[u8]) -> Message {
    command("PING", &[&time_to_live.to_be_bytes(), context])
}

/// PONG with the context of the PING that it answers.
pub(crate) fn pong(context: &[u8]) -> Message {
    command("PONG", &[context])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_read_as_they_are_written() {
        for subscription in [Subscription::Subscribe(b"a"), Subscription::Cancel(b"")] {
            let message = subscription.to_message().unwrap();
            assert_eq!(Subscription::parse(message.data()), Some(subscription));
            let command = subscription.to_command();
            assert!(command.is_command());
            assert_eq!(Command::parse(command.data()), Ok(Command::Subscription(subscription)));
            let command = subscription.to_membership();
            assert!(command.is_command());
            assert_eq!(Command::parse(command.data()), Ok(Command::Membership(subscription)));
        }
        assert_eq!(Subscription::parse(b""), None);
        assert_eq!(Subscription::parse(b"\x02a"), None);
    }
}
