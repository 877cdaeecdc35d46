//! Commands between established peers (RFC 37): subscriptions and heartbeats.

use super::ProtocolError;
use crate::message::Message;

/// A command that came, borrowed from its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// SUBSCRIBE with its prefix.
    Subscribe(&'a [u8]),
    /// CANCEL of a subscription.
    Cancel(&'a [u8]),
    /// PING with the sender's time to live (tenths of a second) and a context to send back.
    Ping(u16, &'a [u8]),
    /// PONG with the context of its PING.
    Pong(&'a [u8]),
    /// ERROR with its reason.
    Error(&'a [u8]),
    /// A command that this version does not know; such are ignored (RFC 37).
    Unknown(&'a [u8]),
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
            b"SUBSCRIBE" => Self::Subscribe(data),
            b"CANCEL" => Self::Cancel(data),
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

/// SUBSCRIBE to a prefix.
pub(crate) fn subscribe(prefix: &[u8]) -> Message {
    command("SUBSCRIBE", &[prefix])
}

/// CANCEL of a subscription.
pub(crate) fn cancel(prefix: &[u8]) -> Message {
    command("CANCEL", &[prefix])
}

/// PING with a time to live in tenths of a second.
pub(crate) fn ping(time_to_live: u16, context: &[u8]) -> Message {
    command("PING", &[&time_to_live.to_be_bytes(), context])
}

/// PONG with the context of the PING that it answers.
pub(crate) fn pong(context: &[u8]) -> Message {
    command("PONG", &[context])
}
