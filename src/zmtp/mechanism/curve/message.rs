//! Messages under CURVE: each part or command is the box of a MESSAGE command.

use super::direction::Direction;
use super::keys::{MAC, SharedKey};
use crate::message::Message;
use crate::zmtp::frame::append_header;
use crate::zmtp::mechanism::{MESSAGE, Opener, Protection, Sealer, flags_of, set_flags};
use crate::zmtp::{ProtocolError, Version};

/// Name and counter.
const HEAD: usize = MESSAGE.len() + 8;
/// What stands before the body of a part: name, counter, authentication, flags.
const OVERHEAD: usize = HEAD + MAC + 1;

/// Both directions of a connection with this key: the prefix of its nonces, and the counter that
/// was used last.
pub(super) fn protection(
    key: &SharedKey,
    sent: (&'static [u8; 16], u64),
    come: (&'static [u8; 16], u64),
) -> Protection {
    Protection {
        sealer: Box::new(CurveSealer { direction: Direction::new(key, sent.0), counter: sent.1 }),
        opener: Box::new(CurveOpener { direction: Direction::new(key, come.0), counter: come.1 }),
    }
}

struct CurveSealer {
    direction: Direction,
    counter: u64,
}

impl Sealer for CurveSealer {
    fn seal(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        // A nonce must never be used twice.
        self.counter = self.counter.checked_add(1).ok_or(ProtocolError::InvalidSequence)?;
        let body = message.data();
        let length = OVERHEAD + body.len();
        out.try_reserve(length + 9).map_err(|_| ProtocolError::OutOfMemory)?;
        // The frame is none of a command, whatever it carries (observed).
        append_header(Version::V3_1, 0, length, out);
        let mut head = [0; OVERHEAD];
        head[..MESSAGE.len()].copy_from_slice(MESSAGE);
        head[MESSAGE.len()..HEAD].copy_from_slice(&self.counter.to_be_bytes());
        head[OVERHEAD - 1] = flags_of(message);
        out.extend_from_slice(&head);
        let start = out.len() - (OVERHEAD - HEAD);
        out.extend_from_slice(body);
        self.direction.seal_in_place(self.counter, &mut out[start..])
    }
}

struct CurveOpener {
    direction: Direction,
    counter: u64,
}

impl Opener for CurveOpener {
    fn open(&mut self, mut frame: Message) -> Result<Message, ProtocolError> {
        let bytes = frame.data_mut().ok_or(ProtocolError::Unspecified)?;
        let (name, rest) =
            bytes.split_at_mut_checked(MESSAGE.len()).ok_or(ProtocolError::MalformedCommand)?;
        if name != MESSAGE {
            return Err(ProtocolError::UnexpectedCommand);
        }
        let (&mut counter, sealed) =
            rest.split_first_chunk_mut::<8>().ok_or(ProtocolError::MalformedMessage)?;
        if sealed.len() <= MAC {
            return Err(ProtocolError::MalformedMessage);
        }
        // Strictly increasing: a command that was recorded cannot be sent again.
        let number = u64::from_be_bytes(counter);
        if number <= self.counter {
            return Err(ProtocolError::InvalidSequence);
        }
        let opened = self.direction.open_in_place(number, sealed)?;
        let flags = opened.first().copied().unwrap_or_default();
        self.counter = number;
        frame.trim_front(OVERHEAD);
        set_flags(&mut frame, flags);
        Ok(frame)
    }

    fn lead(&self) -> usize {
        OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_is_used_up_seals_nothing_more() {
        let direction = Direction::new(&SharedKey::random(), b"CurveZMQMESSAGEC");
        let mut sealer = CurveSealer { direction, counter: u64::MAX - 1 };
        let (message, mut out) = (Message::from_slice(b"x").unwrap(), Vec::new());
        assert_eq!(sealer.seal(&message, &mut out), Ok(()));
        let length = out.len();
        for _ in 0..2 {
            assert_eq!(sealer.seal(&message, &mut out), Err(ProtocolError::InvalidSequence));
            assert_eq!(out.len(), length);
        }
    }
}
