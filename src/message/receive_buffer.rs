//! The memory that a connection is read into, and that messages are cut out of.
//!
//! It is a row of chunks, filled and consumed in order. Messages share the chunk that they arrived
//! in, so a chunk is small: a message that the application keeps pins no more than that. Where a
//! frame of some length is expected ([`Forecast`]) a chunk is made for it: the body arrives where
//! it stays, aligned. What turns out otherwise is copied once.

use super::chunk::Chunk;
use super::{INLINE_CAPACITY, Message};
use crate::error::Result;
use std::collections::VecDeque;
use std::io;
use std::mem::{self, MaybeUninit};

/// Where bytes come from: a socket that is read without blocking.
///
/// # Safety
/// Both functions return how many bytes they have initialised: of `buffer` from its beginning, of
/// `pieces` one after the other.
pub(crate) unsafe trait ByteSource {
    /// Reads into the buffer; 0 is the end of the stream.
    fn read(&mut self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize>;

    /// Reads into several pieces of memory.
    fn read_vectored<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a mut [MaybeUninit<u8>]>,
    ) -> io::Result<usize> {
        read_in_turn(pieces, |piece| self.read(piece))
    }
}

/// Reads into one piece after the other, until one is not filled.
///
/// # Errors
/// Those of the first read.
pub(crate) fn read_in_turn<'a>(
    pieces: impl Iterator<Item = &'a mut [MaybeUninit<u8>]>,
    mut read: impl FnMut(&mut [MaybeUninit<u8>]) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut total = 0;
    for piece in pieces {
        let count = match read(piece) {
            Err(error) if total == 0 => return Err(error),
            outcome => outcome.unwrap_or(0),
        };
        total += count;
        if count < piece.len() {
            break;
        }
    }
    Ok(total)
}

/// What a read gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    /// Bytes read; 0 is the end of the stream.
    pub count: usize,
    /// There was no room for more: more may be there.
    pub filled_buffer: bool,
}

impl Filled {
    pub(super) fn from(
        source: &mut impl ByteSource,
        room: &mut [MaybeUninit<u8>],
    ) -> io::Result<Self> {
        let count = source.read(room)?.min(room.len());
        Ok(Self { count, filled_buffer: count == room.len() })
    }
}

/// What is known of the bytes that the next read gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forecast {
    /// Nothing.
    Unknown,
    /// Long bodies of unequal lengths: behind the one that is arriving only the next header should
    /// be read, so that its body is then read into place.
    LongBody {
        /// Bytes of the present frame that did not arrive yet.
        missing: usize,
    },
    /// Bodies of equal length at equal distances.
    Regular {
        /// Bytes in front of each body, headers and shorter frames.
        gap: usize,
        /// Bytes of each body.
        body: usize,
        /// Bytes of the next gap that were consumed.
        consumed: usize,
        /// The first bytes of a body, which are cut off later: what is behind them is aligned.
        lead: usize,
    },
}

/// Bytes of the memory of a chunk.
const CHUNK: usize = 12 * 1024;
/// Longer bodies are aligned to 16 bytes.
pub(crate) const ALIGNED_ABOVE: usize = 8 * 1024;
/// Behind a long body: what the next header is in.
pub(crate) const READ_AHEAD: usize = 256;
/// The longest part of a frame that moves to the next chunk, so that the frame stays in one piece.
const MOVED: usize = 1024;
/// Chunks that one read fills.
pub(crate) const MAX_PIECES: usize = 17;

/// Chunks that are filled at the end and consumed at the front.
///
/// Invariant: behind a chunk that has room left, none holds any bytes.
pub(crate) struct ReceiveBuffer {
    front: Chunk,
    behind: VecDeque<Chunk>,
    /// Bytes for which there is room in the chunks behind.
    room_behind: usize,
    /// Room of a chunk that nothing is known for.
    chunk: usize,
    /// The distance of the bodies that the chunks without bytes were made for, 0 for others.
    period: usize,
}

impl ReceiveBuffer {
    /// An empty buffer with chunks of the usual size.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub(crate) fn new() -> Result<Self> {
        Self::with_capacity(Chunk::room_in(CHUNK))
    }

    /// An empty buffer with chunks for `capacity` bytes.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub(crate) fn with_capacity(capacity: usize) -> Result<Self> {
        let front = Chunk::new(capacity, 0)?;
        Ok(Self { front, behind: VecDeque::new(), room_behind: 0, chunk: capacity, period: 0 })
    }

    /// The bytes that came and were not consumed, as far as they are in one piece: see
    /// [`settle`](Self::settle).
    #[inline(always)]
    pub(crate) fn unread(&self) -> &[u8] {
        self.front.unread()
    }

    /// The number of bytes that came and were not consumed.
    pub(crate) fn len(&self) -> usize {
        let behind = self.behind.iter().map(|chunk| chunk.unread().len());
        self.front.unread().len() + behind.take_while(|count| *count > 0).sum::<usize>()
    }

    /// True if nothing is left to consume.
    pub(crate) fn is_empty(&self) -> bool {
        self.front.unread().is_empty()
            && self.behind.front().is_none_or(|next| next.unread().is_empty())
    }

    /// The longest frame that is read into the buffer.
    pub(crate) fn longest(&self) -> usize {
        8 * self.chunk
    }

    /// Has `unread` show at least `Chunk::MARGIN` bytes, or all there are.
    #[inline(never)]
    pub(crate) fn settle(&mut self) {
        while self.front.unread().len() < Chunk::MARGIN {
            let Some(next) = self.behind.front_mut().filter(|next| !next.unread().is_empty())
            else {
                return;
            };
            if !next.prepend(self.front.unread()) {
                return;
            }
            self.advance();
        }
    }

    /// Gives up the front chunk, behind which there are others.
    fn advance(&mut self) {
        if let Some(next) = self.pop_behind() {
            self.front = next;
        }
    }

    fn pop_behind(&mut self) -> Option<Chunk> {
        let next = self.behind.pop_front()?;
        self.room_behind -= next.room();
        Some(next)
    }

    fn push_behind(&mut self, chunk: Chunk) {
        self.room_behind += chunk.room();
        self.behind.push_back(chunk);
    }

    /// Skips bytes at the front that `unread` shows.
    #[inline(always)]
    pub(crate) fn consume(&mut self, count: usize) {
        self.front.consume(count);
    }

    /// Cuts a message off the front, of at most as many bytes as are there, into the place of `message`.
    /// `lead` bytes of it are to be cut off later; a long body is aligned behind them.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    #[inline(always)]
    pub(crate) fn cut(&mut self, length: usize, lead: usize, message: &mut Message) -> Result<()> {
        let bytes = self.front.unread();
        if length <= INLINE_CAPACITY
            && let Some(front) = bytes.first_chunk()
        {
            message.set_front(front, length);
            self.front.consume(length);
            return Ok(());
        }
        if length > bytes.len() || length > ALIGNED_ABOVE || length <= INLINE_CAPACITY {
            return self.cut_slow(length, lead, message);
        }
        // Memory of its own, freed by another thread, would cost more than the reference.
        message.set_slice(self.front.share(length));
        Ok(())
    }

    #[inline(never)]
    fn cut_slow(&mut self, length: usize, lead: usize, message: &mut Message) -> Result<()> {
        *message = match self.front.unread().get(..length) {
            None => self.copy(length, lead)?,
            Some(short) if length <= INLINE_CAPACITY => {
                let message = Message::from_short(short);
                self.front.consume(length);
                message
            }
            Some(_) => self.cut_long(length, lead)?,
        };
        Ok(())
    }

    /// As [`cut`](Self::cut), for a body that has to be aligned.
    fn cut_long(&mut self, length: usize, lead: usize) -> Result<Message> {
        if !self.front.is_aligned(lead) {
            return self.copy(length, lead);
        }
        if self.front.is_all(length)
            && let Some(next) = self.pop_behind()
        {
            return Ok(mem::replace(&mut self.front, next).into_message());
        }
        Ok(Message::from_slice_of_block(self.front.share(length)))
    }

    /// Cuts a message off that has memory of its own.
    #[inline(never)]
    fn copy(&mut self, length: usize, lead: usize) -> Result<Message> {
        let length = length.min(self.len());
        let mut chunk = Chunk::new(length, lead)?;
        self.take_into(&mut chunk, length);
        let short = chunk.unread();
        Ok(if short.len() <= INLINE_CAPACITY {
            Message::from_short(short)
        } else {
            chunk.into_message()
        })
    }

    /// Moves this number of bytes, which are there, to a chunk that has room for them.
    fn take_into(&mut self, chunk: &mut Chunk, length: usize) {
        let mut left = length;
        loop {
            let bytes = self.front.unread();
            let taken = chunk.append(&bytes[..bytes.len().min(left)]);
            self.front.consume(taken);
            left -= taken;
            if left == 0 || self.behind.is_empty() {
                return;
            }
            self.advance();
        }
    }

    /// A frame is incomplete; all bytes that came belong to it. Its rest will
    /// be read to where the body stays. False: it is too long for that.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub(crate) fn expect(&mut self, header: usize, body: usize, lead: usize) -> Result<bool> {
        if body > self.longest() {
            return Ok(false);
        }
        let stays = body <= ALIGNED_ABOVE || self.front.is_aligned(header + lead);
        if body < self.chunk / 2 || (stays && self.front.can_hold(header + body)) {
            return Ok(true);
        }
        let mut place = Chunk::new(header + body, header + lead)?;
        let unread = self.len();
        self.take_into(&mut place, unread);
        let mut old = mem::replace(&mut self.front, place);
        old.reset_if_unused();
        if old.is_fresh() {
            self.room_behind += old.room();
            self.behind.push_front(old);
        }
        Ok(true)
    }

    /// Reads once from the source, where something is known about what comes. `wanted`: room for so
    /// many bytes should be there. Nothing is read beyond `most` bytes, but for the frame that is
    /// arriving. What is unread is a part of that.
    ///
    /// # Errors
    /// Those of the source; [`io::ErrorKind::OutOfMemory`].
    pub(crate) fn fill(
        &mut self,
        source: &mut impl ByteSource,
        forecast: Forecast,
        wanted: usize,
        most: usize,
    ) -> io::Result<Filled> {
        // A read of no more than was expected does not show whether that was all.
        let expected = match forecast {
            Forecast::Regular { gap, body, consumed, .. } => gap + body - consumed + READ_AHEAD,
            Forecast::LongBody { missing } => missing.saturating_add(READ_AHEAD),
            Forecast::Unknown => self.chunk / 2,
        };
        let (needed, most) = match forecast {
            Forecast::LongBody { .. } => (expected, expected),
            Forecast::Regular { .. } => (expected.max(wanted), expected.max(most)),
            Forecast::Unknown => (expected.max(wanted).min(most), most),
        };
        self.make_room(forecast, needed).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if self.front.room() >= needed || self.behind.is_empty() {
            return read_once(source, &mut self.front, most);
        }
        self.fill_pieces(source, most)
    }

    /// Reads once from the source into one piece of memory, with room for at least half of `size`
    /// or of a chunk. Nothing is unread.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub(crate) fn fill_one(
        &mut self,
        source: &mut impl ByteSource,
        size: usize,
    ) -> io::Result<Filled> {
        let size = size.max(self.chunk);
        self.behind.clear();
        self.room_behind = 0;
        self.front.reset_if_unused();
        if self.front.room() < size / 2 {
            self.front = Chunk::new(size, 0).map_err(|_| io::ErrorKind::OutOfMemory)?;
        }
        read_once(source, &mut self.front, usize::MAX)
    }

    fn fill_pieces(&mut self, source: &mut impl ByteSource, most: usize) -> io::Result<Filled> {
        let mut offered = 0;
        let chunks = std::iter::once(&mut self.front).chain(&mut self.behind);
        let pieces = chunks.take(MAX_PIECES).filter_map(|chunk| {
            let room = chunk.room().min(most - offered);
            offered += room;
            (room > 0).then(|| &mut chunk.spare()[..room])
        });
        let read = source.read_vectored(pieces)?.min(offered);
        // SAFETY: the source filled the pieces, which are those of these chunks, in order.
        let mut left = read - unsafe { self.front.filled(read) };
        self.room_behind -= left;
        for chunk in &mut self.behind {
            if left == 0 {
                break;
            }
            // SAFETY: as above.
            left -= unsafe { chunk.filled(left) };
        }
        Ok(Filled { count: read, filled_buffer: read == offered })
    }

    /// Makes chunks for what is to come, with room for this number of bytes.
    fn make_room(&mut self, forecast: Forecast, needed: usize) -> Result<()> {
        let (period, next) = match forecast {
            Forecast::Regular { gap, body, consumed, .. } => (gap + body, gap + body - consumed),
            _ => (0, 0),
        };
        if self.period != period {
            self.period = period;
            self.behind.retain(|chunk| !chunk.is_fresh());
            self.room_behind = self.behind.iter().map(Chunk::room).sum();
        }
        if self.is_empty() {
            self.front.reset_if_unused();
            if self.front.room() == 0 {
                self.advance();
            }
            // A frame that begins in what is left would not be in one piece.
            if self.front.room() < if period > 0 { next } else { self.chunk / 2 } {
                match self.pop_behind() {
                    Some(chunk) => self.front = chunk,
                    None => self.front = self.chunk_for(forecast, 0)?,
                }
            }
        } else if period == 0 && self.behind.is_empty() {
            self.move_front()?;
        }
        let mut room = self.front.room() + self.room_behind;
        let mut ahead = if room < needed { self.len() + room } else { 0 };
        while room < needed && self.behind.len() < MAX_PIECES - 1 {
            match self.chunk_for(forecast, ahead) {
                Ok(chunk) => {
                    room += chunk.room();
                    ahead += chunk.room();
                    self.push_behind(chunk);
                }
                Err(error) if room == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Moves a short part of a frame to a new chunk where little room is left behind it.
    fn move_front(&mut self) -> Result<()> {
        let unread = self.front.unread().len();
        if unread <= MOVED && self.front.room() < self.chunk / 2 && self.chunk > 2 * MOVED {
            self.front.reset_if_unused();
            if self.front.room() < self.chunk / 2 {
                let mut chunk = Chunk::new(self.chunk, 0)?;
                chunk.append(self.front.unread());
                self.front = chunk;
            }
        }
        Ok(())
    }

    /// A chunk for what comes this number of bytes behind the first one that is not consumed.
    fn chunk_for(&self, forecast: Forecast, ahead: usize) -> Result<Chunk> {
        let Forecast::Regular { gap, body, consumed, lead } = forecast else {
            return Chunk::new(self.chunk, 0);
        };
        let period = gap + body;
        let phase = (consumed + ahead) % period;
        let whole = (self.chunk / period).max(1) * period;
        Chunk::new(whole - phase, (gap + lead + period - phase) % period)
    }

    /// Appends bytes as if they had been read.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let mut left = bytes;
        left = &left[self.front.append(left)..];
        for chunk in &mut self.behind {
            let count = chunk.append(left);
            left = &left[count..];
            self.room_behind -= count;
        }
        while !left.is_empty() {
            let mut chunk = Chunk::new(self.chunk, 0)?;
            left = &left[chunk.append(left)..];
            self.push_behind(chunk);
        }
        Ok(())
    }
}

/// Reads once, to the end of a chunk or at most this number of bytes.
fn read_once(source: &mut impl ByteSource, chunk: &mut Chunk, most: usize) -> io::Result<Filled> {
    let room = chunk.room().min(most);
    let filled = Filled::from(source, &mut chunk.spare()[..room])?;
    // SAFETY: the source initialised as many.
    unsafe { chunk.filled(filled.count) };
    Ok(filled)
}
