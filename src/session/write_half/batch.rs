//! From messages to bytes: what is copied, what is referred to, and how much goes out in one write.

use super::{Connection, Outgoing, Piece};
use crate::message::Message;
use crate::zmtp::{MAX_HEADER, ProtocolError, Subscription, Version, encode_header};
use std::io::{self, IoSlice};
use std::mem;

/// Bytes gathered for one write, unless the kernel's buffer was made smaller.
const BATCH: usize = 64 * 1024;
/// With bodies that are not copied. One that is half of that is written at once.
pub(super) const LARGE_BATCH: usize = 1024 * 1024;
/// The least, however small the kernel's buffer is.
pub(super) const MIN_BATCH: usize = 8 * 1024;
/// Pieces of one write.
const PIECES: usize = 256;
/// Shorter bodies are copied next to their headers, longer ones are referred to.
const COPY_BELOW: usize = 4 * 1024;

impl Connection {
    /// Encodes messages until a batch is full or the pipe is empty.
    pub(super) fn fill_batch(&mut self, outgoing: &mut Outgoing) -> Result<(), ProtocolError> {
        let Outgoing { pipe, has_groups, kept, released } = outgoing;
        if self.pending == 0 {
            self.begin_batch();
        }
        self.forget_written();
        let mut message = Message::new();
        let batch = if self.most > 0 { self.most } else { LARGE_BATCH };
        // What is taken from the pipe here stands beyond its mark.
        let (batch, copies) = pipe
            .as_ref()
            .map_or((batch, BATCH), |pipe| (pipe.batch_within(batch), pipe.batch_within(BATCH)));
        while self.pieces.len() < PIECES - 1 {
            let pieces = self.pieces.len();
            let end = self.listed + copies.min(batch.saturating_sub(self.pending));
            if self.copied.len() >= end {
                break;
            }
            // Until there is enough, or a body that is referred to changes what is enough.
            while self.copied.len() < end && self.pieces.len() == pieces {
                // Commands do not stand between the parts of a message.
                if !self.in_message && !self.commands.is_empty() {
                    message = self.commands.pop_front().unwrap_or_default();
                    self.note_command(&message);
                } else {
                    if let Some(next) = kept.pop_front() {
                        message = next;
                    } else if !pipe.as_mut().is_some_and(|pipe| pipe.read_into(&mut message)) {
                        self.list_copied();
                        return Ok(());
                    }
                    self.in_message = message.more();
                    if message.is_command() {
                        message = self.on_the_wire(message, *has_groups);
                    }
                }
                if *has_groups && !message.is_command() {
                    self.encode(&mut group_frame(&message), released)?;
                }
                self.encode(&mut message, released)?;
            }
        }
        self.list_copied();
        Ok(())
    }

    /// Forgets what was written, which is all.
    pub(super) fn begin_batch(&mut self) {
        if !self.pieces.is_empty() {
            self.pieces.clear();
        }
        self.copied.clear();
        (self.listed, self.written) = (0, 0);
    }

    /// Drops copied bytes that were written, where there are many: with a reader who never quite
    /// catches up, `pending` is never 0.
    fn forget_written(&mut self) {
        let first = self.pieces.iter().find_map(|piece| match piece {
            Piece::Copied(start, _) => Some(*start),
            Piece::Body(_) => None,
        });
        let gone = first.unwrap_or(self.listed);
        if gone < BATCH {
            return;
        }
        self.copied.drain(..gone);
        self.listed -= gone;
        for piece in &mut self.pieces {
            if let Piece::Copied(start, end) = piece {
                *start -= gone;
                *end -= gone;
            }
        }
    }

    /// Makes a piece of the bytes that were copied last.
    pub(super) fn list_copied(&mut self) {
        let (start, end) = (self.listed, self.copied.len());
        if end > start {
            self.pieces.push_back(Piece::Copied(start, end));
            self.pending += end - start;
            self.listed = end;
        }
    }

    /// Subscriptions travel as commands with 3.1, as messages with older peers; groups as commands
    /// always.
    fn on_the_wire(&self, mut message: Message, has_groups: bool) -> Message {
        if has_groups {
            let command = Subscription::parse(message.data()).map(Subscription::to_membership);
            return command.unwrap_or(message);
        }
        if self.version == Some(Version::V3_1) {
            let command = Subscription::parse(message.data()).map(Subscription::to_command);
            return command.unwrap_or(message);
        }
        message.set_command(false);
        message
    }

    /// Appends a part to what is to be written; takes its body only where that is long.
    #[inline(always)]
    fn encode(
        &mut self,
        message: &mut Message,
        released: &mut Vec<Message>,
    ) -> Result<(), ProtocolError> {
        if let Some(sealer) = &mut self.sealer {
            sealer.seal(message, &mut self.copied)?;
            if message.is_user_owned() {
                released.push(message.take());
            }
            return Ok(());
        }
        if let Some(version) = self.version {
            let mut header = [0; MAX_HEADER];
            let length = encode_header(version, message, &mut header);
            append_short(&mut self.copied, &header, length);
        }
        if let Some(bytes) = message.inline_bytes() {
            append_short(&mut self.copied, bytes, message.len());
        } else if message.len() < COPY_BELOW {
            self.copied.extend_from_slice(message.data());
            if message.is_user_owned() {
                released.push(message.take());
            }
        } else {
            self.list_copied();
            self.pending += message.len();
            self.pieces.push_back(Piece::Body(message.take()));
        }
        Ok(())
    }

    /// What `pieces` has for the next write, up to this number of bytes.
    fn unwritten(&self, most: usize) -> impl Iterator<Item = IoSlice<'_>> {
        let (mut skip, mut room) = (self.written, most);
        self.pieces.iter().map_while(move |piece| {
            let bytes = match piece {
                Piece::Copied(start, end) => &self.copied[*start..*end],
                Piece::Body(message) => message.data(),
            };
            let bytes = &bytes[mem::take(&mut skip).min(bytes.len())..];
            let bytes = &bytes[..bytes.len().min(room)];
            room -= bytes.len();
            (!bytes.is_empty()).then(|| IoSlice::new(bytes))
        })
    }

    /// Writes once, as much as the kernel takes; returns how many bytes that was.
    pub(super) fn write(&mut self, outgoing: &mut Outgoing) -> io::Result<usize> {
        let most = if self.most > 0 { self.most } else { usize::MAX };
        let written = match self.pieces.len() {
            1 => self.stream.write(self.unwritten(most).next().as_deref().unwrap_or_default())?,
            _ => {
                let mut slices = [IoSlice::new(&[]); PIECES];
                let filled = slices.iter_mut().zip(self.unwritten(most));
                let count = filled.map(|(slice, unwritten)| *slice = unwritten).count();
                self.stream.write_vectored(&slices[..count])?
            }
        };
        self.sent += written as u64;
        self.pending -= written.min(self.pending);
        let mut taken = written;
        while let Some(piece) = self.pieces.front() {
            let length = match piece {
                Piece::Copied(start, end) => end - start,
                Piece::Body(message) => message.len(),
            } - self.written;
            if taken < length {
                self.written += taken;
                break;
            }
            taken -= length;
            self.written = 0;
            if let Some(Piece::Body(message)) = self.pieces.pop_front()
                && message.is_user_owned()
            {
                outgoing.released.push(message);
            }
        }
        Ok(written)
    }
}

/// The frame of its group, which goes before a message (RFC 48).
fn group_frame(message: &Message) -> Message {
    // Without memory for a long name the message goes to nobody's group.
    let mut frame = Message::from_slice(message.group().to_bytes()).unwrap_or_default();
    frame.set_more(true);
    frame
}

/// Appends the first `length` of these bytes: a copy of known size is a few instructions.
#[inline(always)]
fn append_short<const N: usize>(to: &mut Vec<u8>, bytes: &[u8; N], length: usize) {
    let end = to.len() + length.min(N);
    to.extend_from_slice(bytes);
    to.truncate(end);
}
