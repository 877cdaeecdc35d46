//! Frames: how the parts of messages stand in the stream.
//!
//! ZMTP 2.0 and 3.x: flags, length in 1 byte or (flag LARGE) 8, body. ZMTP 1.0: length of flags
//! and body together in 1 byte or, behind 0xFF, 8; flags, body.

use super::{ProtocolError, Version};
use crate::message::{Message, MessageBuilder, ReceiveBuffer};

const MORE: u8 = 1;
pub(super) const LARGE: u8 = 2;
pub(super) const COMMAND: u8 = 4;

/// The longest frame header of any version.
pub const MAX_HEADER: usize = 10;

/// Longer bodies that are not complete yet leave the buffer and grow in memory of their own.
const BUILD_FROM: usize = 16 * 1024;

/// Writes the header of a part's frame; returns its length.
#[inline(always)]
pub fn encode_header(version: Version, message: &Message, out: &mut [u8; MAX_HEADER]) -> usize {
    let flags = (message.more() as u8 * MORE) | (message.is_command() as u8 * COMMAND);
    encode_header_of(version, message.len(), flags, out)
}

/// Writes the header of the frame of a message with one part, of this length.
pub fn encode_sole_header(version: Version, length: usize, out: &mut [u8; MAX_HEADER]) -> usize {
    encode_header_of(version, length, 0, out)
}

#[inline(always)]
fn encode_header_of(
    version: Version,
    length: usize,
    flags: u8,
    out: &mut [u8; MAX_HEADER],
) -> usize {
    if version == Version::V1 {
        let more = flags & MORE;
        return if length < 254 {
            out[0] = length as u8 + 1;
            out[1] = more;
            2
        } else {
            out[0] = 0xFF;
            out[1..9].copy_from_slice(&(length as u64 + 1).to_be_bytes());
            out[9] = more;
            10
        };
    }
    if length < 256 {
        out[0] = flags;
        out[1] = length as u8;
        2
    } else {
        out[0] = flags | LARGE;
        out[1..9].copy_from_slice(&(length as u64).to_be_bytes());
        9
    }
}

/// Appends the header of a frame of 3.x with these flags, but for LARGE, which is added.
pub(super) fn append_header(flags: u8, length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(length) => out.extend_from_slice(&[flags, length]),
        Err(_) => {
            out.push(flags | LARGE);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// A header that was read: length of header and body, and flags.
struct Header {
    length: usize,
    body: u64,
    flags: u8,
}

/// Cuts frames out of what arrives.
pub struct FrameDecoder {
    version: Version,
    /// Longest body taken; `None` for any.
    max_size: Option<u64>,
    /// A long body on its way, and its flags.
    building: Option<(MessageBuilder, u8)>,
}

impl FrameDecoder {
    /// A decoder for the frames of an established connection.
    pub fn new(version: Version, max_size: Option<u64>) -> Self {
        Self { version, max_size, building: None }
    }

    /// The next whole frame, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// When the stream is no ZMTP, or a frame longer than allowed is announced.
    #[inline]
    pub fn poll_frame(
        &mut self,
        input: &mut ReceiveBuffer,
    ) -> Result<Option<Message>, ProtocolError> {
        if self.building.is_some() {
            return self.continue_building(input);
        }
        let unread = input.unread();
        let Some(header) = self.header(unread)? else {
            return Ok(None);
        };
        if (unread.len() - header.length) as u64 >= header.body {
            input.consume(header.length);
            let message =
                input.cut(header.body as usize).map_err(|_| ProtocolError::OutOfMemory)?;
            return Ok(Some(flagged(message, header.flags)));
        }
        if header.body >= BUILD_FROM.min(input.capacity() - MAX_HEADER) as u64 {
            let length = usize::try_from(header.body).map_err(|_| ProtocolError::Unspecified)?;
            let builder = MessageBuilder::new(length).map_err(|_| ProtocolError::OutOfMemory)?;
            input.consume(header.length);
            self.building = Some((builder, header.flags));
            return self.continue_building(input);
        }
        Ok(None)
    }

    /// The long body that is on its way, for the driver to read into without a copy; then
    /// [`poll_frame`](Self::poll_frame) takes it.
    #[inline]
    pub fn body_in_progress(&mut self) -> Option<&mut MessageBuilder> {
        self.building.as_mut().map(|(builder, _)| builder)
    }

    fn continue_building(
        &mut self,
        input: &mut ReceiveBuffer,
    ) -> Result<Option<Message>, ProtocolError> {
        let Some((builder, _)) = &mut self.building else {
            return Ok(None);
        };
        let taken = builder.append(input.unread()).map_err(|_| ProtocolError::OutOfMemory)?;
        input.consume(taken);
        if builder.remaining() > 0 {
            return Ok(None);
        }
        let done = self.building.take();
        Ok(done.map(|(builder, flags)| flagged(builder.finish(), flags)))
    }

    #[inline(always)]
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, ProtocolError> {
        if bytes.len() < 2 {
            // A length of 1.0 counts the flags, so it is never 0.
            let impossible = self.version == Version::V1 && bytes.first() == Some(&0);
            return if impossible { Err(ProtocolError::Unspecified) } else { Ok(None) };
        }
        let header = match (self.version, bytes[0]) {
            (Version::V1, 0xFF) => {
                if bytes.len() < 10 {
                    return Ok(None);
                }
                Header { length: 10, body: long_length(bytes), flags: bytes[9] & MORE }
            }
            (Version::V1, short) => {
                Header { length: 2, body: short as u64, flags: bytes[1] & MORE }
            }
            (_, flags) if flags & LARGE != 0 => {
                if bytes.len() < 9 {
                    return Ok(None);
                }
                Header { length: 9, body: long_length(bytes), flags }
            }
            (_, flags) => Header { length: 2, body: bytes[1] as u64, flags },
        };
        let body = match self.version {
            // The length of 1.0 counts the flags.
            Version::V1 => header.body.checked_sub(1).ok_or(ProtocolError::Unspecified)?,
            _ => header.body,
        };
        if body > isize::MAX as u64 - MAX_HEADER as u64 {
            return Err(ProtocolError::Unspecified);
        }
        if self.max_size.is_some_and(|max| body > max) {
            return Err(ProtocolError::MessageTooLarge);
        }
        let flags = if self.version >= Version::V3_0 { header.flags } else { header.flags & MORE };
        Ok(Some(Header { body, flags, ..header }))
    }
}

fn long_length(bytes: &[u8]) -> u64 {
    bytes[1..9].iter().fold(0, |sum, byte| (sum << 8) | *byte as u64)
}

#[inline(always)]
fn flagged(mut message: Message, flags: u8) -> Message {
    if flags & (MORE | COMMAND) != 0 {
        message.set_more(flags & MORE != 0);
        message.set_command(flags & COMMAND != 0);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(version: Version, messages: &[Message]) -> Vec<u8> {
        let mut stream = Vec::new();
        for message in messages {
            let mut header = [0; MAX_HEADER];
            let length = encode_header(version, message, &mut header);
            stream.extend_from_slice(&header[..length]);
            stream.extend_from_slice(message.data());
        }
        stream
    }

    /// Decodes a stream that arrives in pieces which end at these positions.
    fn decode(version: Version, stream: &[u8], cuts: &[usize]) -> Vec<Message> {
        let mut decoder = FrameDecoder::new(version, None);
        let mut buffer = ReceiveBuffer::with_capacity(64 * 1024).unwrap();
        let (mut position, mut messages) = (0, Vec::new());
        for end in cuts.iter().copied().chain([stream.len()]) {
            while position < end {
                position += buffer.append(&stream[position..end]);
                while let Some(message) = decoder.poll_frame(&mut buffer).unwrap() {
                    messages.push(message);
                }
            }
        }
        messages
    }

    fn message(length: usize, more: bool) -> Message {
        let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let mut message = Message::from_slice(&bytes).unwrap();
        message.set_more(more);
        message
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_frames() {
        for version in [Version::V1, Version::V2, Version::V3_0, Version::V3_1] {
            let sent = [
                message(0, true),
                message(1, false),
                message(253, true),
                message(254, false),
                message(256, false),
            ];
            let stream = encode(version, &sent);
            for cut in 0..=stream.len() {
                let got = decode(version, &stream, &[cut]);
                assert_eq!(got.len(), sent.len());
                for (got, sent) in got.iter().zip(&sent) {
                    assert_eq!((got.data(), got.more()), (sent.data(), sent.more()));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_messages_survive_any_splits(
            lengths in prop::collection::vec((0usize..40_000, any::<bool>()), 1..6),
            mut cuts in prop::collection::vec(0usize..60_000, 0..6),
            version in prop::sample::select(vec![Version::V1, Version::V2, Version::V3_1]),
        ) {
            let sent: Vec<_> = lengths.iter().map(|(length, more)| message(*length, *more)).collect();
            let stream = encode(version, &sent);
            // A test buffer does not move its contents: keep the stream within it.
            prop_assume!(stream.len() < 60_000);
            cuts.retain(|cut| *cut < stream.len());
            cuts.sort_unstable();
            let got = decode(version, &stream, &cuts);
            prop_assert_eq!(got.len(), sent.len());
            for (got, sent) in got.iter().zip(&sent) {
                prop_assert_eq!(got.data(), sent.data());
                prop_assert_eq!(got.more(), sent.more());
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), v1 in any::<bool>()) {
            let version = if v1 { Version::V1 } else { Version::V3_1 };
            let mut decoder = FrameDecoder::new(version, Some(1000));
            let mut buffer = ReceiveBuffer::with_capacity(1024).unwrap();
            buffer.append(&bytes);
            while let Ok(Some(message)) = decoder.poll_frame(&mut buffer) {
                if message.is_command() {
                    let _ = super::super::Command::parse(message.data());
                }
            }
        }
    }

    /// CVE-2019-6250, and CVE-2021-20235 for 1.0: lengths that overflow when a header is added to
    /// them, or what comes of that to the buffer's position.
    #[test]
    fn impossible_lengths_are_refused_before_memory_is_had() {
        for length in [u64::MAX, u64::MAX - 1, u64::MAX - 9, 1 << 63, (1 << 63) - 1] {
            for version in [Version::V1, Version::V2, Version::V3_0, Version::V3_1] {
                let mut buffer = ReceiveBuffer::with_capacity(1024).unwrap();
                buffer.append(&[if version == Version::V1 { 0xFF } else { LARGE }]);
                buffer.append(&length.to_be_bytes());
                buffer.append(&[0; 64]);
                let refused = FrameDecoder::new(version, None).poll_frame(&mut buffer);
                assert!(refused.is_err(), "{version:?}, {length}");
            }
        }
        let mut buffer = ReceiveBuffer::with_capacity(1024).unwrap();
        buffer.append(&[0, 101]);
        let refused = FrameDecoder::new(Version::V3_1, Some(100)).poll_frame(&mut buffer);
        assert_eq!(refused.unwrap_err(), ProtocolError::MessageTooLarge);
    }
}
