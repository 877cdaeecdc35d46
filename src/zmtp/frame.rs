//! Frames: how the parts of messages stand in the stream.
//!
//! ZMTP 2.0 and 3.x: flags, length in 1 byte or (flag LARGE) 8, body. ZMTP 1.0: length of flags
//! and body together in 1 byte or, behind 0xFF, 8; flags, body.

use super::{ProtocolError, Version};
use crate::message::{ALIGNED_ABOVE, Forecast, Message, MessageBuilder, READ_AHEAD, ReceiveBuffer};

const MORE: u8 = 1;
pub(super) const LARGE: u8 = 2;
pub(super) const COMMAND: u8 = 4;

/// The longest frame header of any version.
pub(crate) const MAX_HEADER: usize = 10;

/// Shorter bodies have no part in what is forecast.
const LONG: usize = 512;

/// Writes the header of a part's frame; returns its length.
#[inline(always)]
pub(crate) fn encode_header(
    version: Version,
    message: &Message,
    out: &mut [u8; MAX_HEADER],
) -> usize {
    let flags = (message.more() as u8 * MORE) | (message.is_command() as u8 * COMMAND);
    encode_header_of(version, message.len(), flags, out)
}

/// Writes the header of the frame of a message with one part, of this length.
pub(crate) fn encode_sole_header(
    version: Version,
    length: usize,
    out: &mut [u8; MAX_HEADER],
) -> usize {
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

/// Appends the header of a frame with these flags, but for LARGE, which is added.
#[inline]
pub(super) fn append_header(version: Version, flags: u8, length: usize, out: &mut Vec<u8>) {
    let mut header = [0; MAX_HEADER];
    let end = encode_header_of(version, length, flags, &mut header);
    out.extend_from_slice(&header[..end]);
}

/// A header that was read.
pub(super) struct Header {
    /// Its length.
    pub(super) length: usize,
    /// The length of the body.
    pub(super) body: u64,
    pub(super) flags: u8,
}

impl Header {
    /// The header that these bytes begin with; `None` if more are needed.
    ///
    /// # Errors
    /// [`ProtocolError::Unspecified`] for a length of 1.0 that does not count the flags.
    #[inline(always)]
    pub(super) fn parse(version: Version, bytes: &[u8]) -> Result<Option<Self>, ProtocolError> {
        if bytes.len() < 2 {
            // A length of 1.0 counts the flags, so it is never 0.
            let impossible = version == Version::V1 && bytes.first() == Some(&0);
            return if impossible { Err(ProtocolError::Unspecified) } else { Ok(None) };
        }
        let header = match (version, bytes[0]) {
            (Version::V1, 0xFF) => {
                if bytes.len() < 10 {
                    return Ok(None);
                }
                Self { length: 10, body: long_length(bytes), flags: bytes[9] & MORE }
            }
            (Version::V1, short) => Self { length: 2, body: short as u64, flags: bytes[1] & MORE },
            (_, flags) if flags & LARGE != 0 => {
                if bytes.len() < 9 {
                    return Ok(None);
                }
                Self { length: 9, body: long_length(bytes), flags }
            }
            (_, flags) => Self { length: 2, body: bytes[1] as u64, flags },
        };
        let body = match version {
            Version::V1 => header.body.checked_sub(1).ok_or(ProtocolError::Unspecified)?,
            _ => header.body,
        };
        Ok(Some(Self { body, ..header }))
    }
}

/// Cuts frames out of what arrives.
pub(crate) struct FrameDecoder {
    version: Version,
    /// Longest body taken; `None` for any.
    max_size: Option<u64>,
    /// Bytes in front of each body that are cut off later: what is behind them is aligned.
    lead: usize,
    /// A body on its way that is too long for the buffer, and its flags.
    building: Option<(MessageBuilder, u8)>,
    rhythm: Rhythm,
}

/// What the frames that came say of those to come.
#[derive(Default)]
struct Rhythm {
    /// Bytes that came behind the last long body.
    since: usize,
    /// Bytes in front of the last long body, and its own.
    gap: usize,
    body: usize,
    /// The one before had the same.
    regular: bool,
}

impl Rhythm {
    #[inline(always)]
    fn note(&mut self, header: usize, body: usize) {
        if body < LONG {
            self.since = self.since.wrapping_add(header + body);
            return;
        }
        self.since = self.since.wrapping_add(header);
        self.regular = (self.gap, self.body) == (self.since, body);
        (self.gap, self.body, self.since) = (self.since, body, 0);
    }
}

impl FrameDecoder {
    /// A decoder for the frames of an established connection.
    pub(crate) fn new(version: Version, max_size: Option<u64>) -> Self {
        Self { version, max_size, lead: 0, building: None, rhythm: Rhythm::default() }
    }

    /// The same for frames in whose bodies this number of bytes stands in front of what the application
    /// gets.
    pub(crate) fn with_lead(self, lead: usize) -> Self {
        Self { lead, ..self }
    }

    /// Makes `frame` the next whole one; false if more bytes are needed.
    ///
    /// # Errors
    /// When the stream is no ZMTP, or a frame longer than allowed is announced.
    #[inline]
    pub(crate) fn poll_frame(
        &mut self,
        input: &mut ReceiveBuffer,
        frame: &mut Message,
    ) -> Result<bool, ProtocolError> {
        if self.building.is_some() {
            return self.continue_building(input, frame);
        }
        if input.unread().len() < MAX_HEADER {
            input.settle();
        }
        let unread = input.unread();
        let Some(header) = self.header(unread)? else {
            return Ok(false);
        };
        let (arrived, wanted) = (unread.len() - header.length, header.body);
        if arrived as u64 >= wanted || (input.len() - header.length) as u64 >= wanted {
            self.rhythm.note(header.length, wanted as usize);
            input.consume(header.length);
            let cut = input.cut(wanted as usize, self.lead, frame);
            cut.map_err(|_| ProtocolError::OutOfMemory)?;
            set_flags(frame, header.flags);
            return Ok(true);
        }
        self.begin_building(input, header, frame)
    }

    /// A frame of which more is to come.
    #[inline(never)]
    fn begin_building(
        &mut self,
        input: &mut ReceiveBuffer,
        header: Header,
        frame: &mut Message,
    ) -> Result<bool, ProtocolError> {
        let wanted = header.body;
        let body = usize::try_from(wanted).map_err(|_| ProtocolError::Unspecified)?;
        let fits = input.expect(header.length, body, self.lead);
        if fits.map_err(|_| ProtocolError::OutOfMemory)? {
            return Ok(false);
        }
        let builder = MessageBuilder::new(body, self.lead);
        let builder = builder.map_err(|_| ProtocolError::OutOfMemory)?;
        self.rhythm.note(header.length, body);
        input.consume(header.length);
        self.building = Some((builder, header.flags));
        self.continue_building(input, frame)
    }

    /// What the next read into the buffer may expect.
    pub(crate) fn forecast(&self, input: &ReceiveBuffer) -> Forecast {
        let Rhythm { since: consumed, gap, body, regular } = self.rhythm;
        if regular && gap <= READ_AHEAD && consumed <= gap && gap + body <= input.longest() {
            return Forecast::Regular { gap, body, consumed, lead: self.lead };
        }
        if body <= ALIGNED_ABOVE || consumed >= READ_AHEAD {
            return Forecast::Unknown;
        }
        let begun = match self.header(input.unread()) {
            Ok(Some(header)) => header.length.saturating_add(header.body as usize),
            _ => 0,
        };
        Forecast::LongBody { missing: begun.saturating_sub(input.len()) }
    }

    /// The long body that is on its way, for its reader to read into without a copy; then
    /// [`poll_frame`](Self::poll_frame) takes it.
    #[inline]
    pub(crate) fn body_in_progress(&mut self) -> Option<&mut MessageBuilder> {
        self.building.as_mut().map(|(builder, _)| builder)
    }

    fn continue_building(
        &mut self,
        input: &mut ReceiveBuffer,
        frame: &mut Message,
    ) -> Result<bool, ProtocolError> {
        let Some((builder, _)) = &mut self.building else {
            return Ok(false);
        };
        while builder.remaining() > 0 {
            let taken = builder.append(input.unread()).map_err(|_| ProtocolError::OutOfMemory)?;
            input.consume(taken);
            if input.is_empty() {
                break;
            }
            input.settle();
        }
        if builder.remaining() > 0 {
            return Ok(false);
        }
        if let Some((builder, flags)) = self.building.take() {
            *frame = builder.finish();
            set_flags(frame, flags);
        }
        Ok(true)
    }

    #[inline(always)]
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, ProtocolError> {
        let Some(header) = Header::parse(self.version, bytes)? else {
            return Ok(None);
        };
        if header.body > isize::MAX as u64 - MAX_HEADER as u64 {
            return Err(ProtocolError::Unspecified);
        }
        if self.max_size.is_some_and(|max| header.body > max) {
            return Err(ProtocolError::MessageTooLarge);
        }
        let flags = if self.version >= Version::V3_0 { header.flags } else { header.flags & MORE };
        Ok(Some(Header { flags, ..header }))
    }
}

fn long_length(bytes: &[u8]) -> u64 {
    bytes[1..9].iter().fold(0, |sum, byte| (sum << 8) | *byte as u64)
}

#[inline(always)]
fn set_flags(message: &mut Message, flags: u8) {
    if flags & (MORE | COMMAND) != 0 {
        message.set_more(flags & MORE != 0);
        message.set_command(flags & COMMAND != 0);
    }
}

#[cfg(test)]
pub(super) mod tests;
