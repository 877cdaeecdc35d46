//! The pipes of a socket.

use crate::error::Result;
use crate::message::{Message, Metadata};
use crate::options::Options;
use crate::pipe::{PipeReader, PipeWriter, QueueState, Room};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// Names a pipe of a socket; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PipeId(NonZeroU64);

impl PipeId {
    /// In its upper half the number of the pipe, from one on; in the lower one its place.
    pub(crate) fn new(number: u64) -> Self {
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX))
    }

    /// What [`new`](Self::new) makes it of again; never 0.
    pub(crate) fn number(self) -> u64 {
        self.0.get()
    }

    /// The place in the table of pipes: small numbers, each of one pipe at a time.
    #[inline]
    pub(super) fn slot(self) -> usize {
        self.0.get() as u32 as usize
    }
}

/// What a socket asks of the other end of a pipe, where that is a session.
pub(crate) trait SessionLink: Send + Sync {
    /// Ends the connection, and for a connecting session the endpoint: after what is queued was
    /// sent, or this time is over (`None`: for ever). Nothing more is received once this returned.
    fn close(&self, linger: Option<Duration>);
    /// Sends a message of one part, of which nothing is needed afterwards, without the pipe: if
    /// nothing waits there. May take so long.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`].
    fn send_directly(&self, body: &[u8], wait: Duration) -> Result<DirectSend>;
}

/// What became of a message that was to be sent without the pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DirectSend {
    /// It was not sent: the pipe is its way.
    Unsupported,
    /// It was not sent yet: others have to go out first, or there was no room in time.
    Busy,
    /// It was, or what did not go out in time waits to, as a copy.
    Sent {
        /// All went out.
        whole: bool,
    },
}

/// What is known of the peer at the other end.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerInfo {
    /// The routing id that the peer sent, or empty.
    pub routing_id: Vec<u8>,
    /// Properties for its messages.
    pub metadata: Option<Arc<Metadata>>,
}

/// A pair of pipes to one peer.
pub(crate) struct Pipe {
    /// What comes.
    pub reader: PipeReader,
    /// What goes; `None` when the peer is gone.
    pub writer: Option<PipeWriter>,
    /// The peer, once it is known.
    pub peer: Option<PeerInfo>,
    /// The session, where there is one.
    pub link: Option<Arc<dyn SessionLink>>,
    /// The endpoint that it belongs to, for disconnect and unbind.
    pub endpoint: u64,
    /// The routing id that CONNECT_ROUTING_ID gave the peer.
    pub assigned_id: Vec<u8>,
}

/// The pipes and options that a pattern works with.
pub(crate) struct SocketCore {
    /// The pipes.
    pub pipes: Pipes,
    /// The options.
    pub options: Options,
    /// The pipe that the last received part came from.
    pub last_read: Option<PipeId>,
    /// Pipes that were read to their end, for the socket to remove.
    pub ended: Vec<PipeId>,
}

impl SocketCore {
    /// Lets an empty pipe notify when something comes. False if something is there now; a pipe
    /// at its end is reported to the socket.
    pub(crate) fn arm_or_terminate(&mut self, id: PipeId) -> bool {
        match self.pipes.arm(id) {
            QueueState::Ready => false,
            QueueState::Empty => true,
            QueueState::Closed => {
                self.ended.push(id);
                true
            }
        }
    }
}

/// A monotonic clock, in nanoseconds.
pub(super) type Clock = fn() -> u64;

/// A table of pipes.
#[derive(Default)]
pub(crate) struct Pipes {
    /// A slot's pipe, under the upper half of its id; the lower half is the slot's number.
    slots: Vec<Option<(PipeId, Pipe)>>,
    free: Vec<u32>,
    generation: u64,
    /// The clock of a call that sends and does not wait: it learns at intervals what sessions took.
    haste: Option<Clock>,
    /// That call was refused by a pipe that may have room.
    put_off: bool,
}

/// A pipe is overloaded while more bytes than this wait in it: what is written soon after it was
/// made is still in the processor's cache, and memory that is freed soon is used again.
pub(crate) const MAX_QUEUED_BYTES: u64 = 1024 * 1024;

/// What waits in a pipe after a part was written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    Usual,
    /// More than [`MAX_QUEUED_BYTES`], and the pipe leads to a connection.
    Overloaded,
}

/// What became of a part that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The pipe that took it; `None` if it was dropped, and where it may have gone to several.
    pub pipe: Option<PipeId>,
    /// How that pipe is loaded.
    pub load: Load,
}

impl Default for Sent {
    fn default() -> Self {
        Self { pipe: None, load: Load::Usual }
    }
}

impl Sent {
    /// The pipe that is overloaded now.
    #[inline]
    pub(crate) fn overloaded_pipe(self) -> Option<PipeId> {
        if self.load == Load::Overloaded { self.pipe } else { None }
    }
}

impl Pipes {
    /// Bytes of the heavy parts that wait in a pipe.
    pub(crate) fn queued_bytes(&mut self, id: PipeId) -> u64 {
        let writer = self.get(id).and_then(|pipe| pipe.writer.as_ref());
        writer.map_or(0, PipeWriter::queued_bytes)
    }

    /// Adds a pipe.
    pub(crate) fn insert(&mut self, pipe: Pipe) -> PipeId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.generation = self.generation % u64::from(u32::MAX) + 1;
        let id = PipeId::new((self.generation << 32) | u64::from(slot));
        self.slots[slot as usize] = Some((id, pipe));
        id
    }

    /// The pipe with this id.
    #[inline]
    pub(crate) fn get(&mut self, id: PipeId) -> Option<&mut Pipe> {
        match self.slots.get_mut(id.slot()) {
            Some(Some((own, pipe))) if *own == id => Some(pipe),
            _ => None,
        }
    }

    /// Removes a pipe.
    pub(crate) fn remove(&mut self, id: PipeId) -> Option<Pipe> {
        self.get(id)?;
        self.free.push(id.slot() as u32);
        self.slots[id.slot()].take().map(|(_, pipe)| pipe)
    }

    /// All ids.
    pub(crate) fn ids(&self) -> Vec<PipeId> {
        self.slots.iter().flatten().map(|(id, _)| *id).collect()
    }

    /// All pipes.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (PipeId, &mut Pipe)> {
        self.slots.iter_mut().flatten().map(|(id, pipe)| (*id, pipe))
    }

    /// Changes what this socket adds to the marks of its pipes; returns those that had been found
    /// full in sending, and may have room now.
    pub(crate) fn set_shares(&mut self, send: u32, receive: u32) -> Vec<PipeId> {
        let mut found_full = Vec::new();
        for (id, pipe) in self.iter_mut() {
            pipe.reader.set_share(receive);
            if pipe.writer.as_ref().is_some_and(|writer| writer.set_share(send)) {
                found_full.push(id);
            }
        }
        found_full
    }

    /// Whether a message can be written.
    #[inline]
    pub(crate) fn room(&mut self, id: PipeId) -> Room {
        let writer = self.get(id).and_then(|pipe| pipe.writer.as_mut());
        writer.map_or(Room::Closed, PipeWriter::room)
    }

    /// Begins a call that sends and does not wait; it has a clock. Calls that may wait need not begin.
    #[inline]
    pub(crate) fn begin_send(&mut self, clock: Clock) {
        self.haste = Some(clock);
        self.put_off = false;
    }

    /// Ends it; true if a pipe refused the message that may have room by now: a call that waits for
    /// room must check for it rather than be notified.
    #[inline]
    pub(crate) fn end_send(&mut self) -> bool {
        self.haste = None;
        self.put_off
    }

    /// The call that sends is refused, but may succeed when it comes back.
    pub(super) fn put_off(&mut self) {
        self.put_off = true;
    }

    /// Whether the call that sends may wait.
    pub(crate) fn send_may_wait(&self) -> bool {
        self.haste.is_none()
    }

    /// As [`room`](Self::room), for the call that sends.
    #[inline]
    pub(crate) fn room_to_send(&mut self, id: PipeId) -> Room {
        let Some(Pipe { writer: Some(writer), .. }) = self.get(id) else {
            return Room::Closed;
        };
        if writer.has_room() { Room::Available } else { self.refresh_room(id) }
    }

    #[cold]
    fn refresh_room(&mut self, id: PipeId) -> Room {
        let haste = self.haste;
        let room = match (self.get(id), haste) {
            // What a socket of this process took out of it was received.
            (Some(Pipe { writer: Some(writer), link: Some(_), .. }), Some(clock)) => {
                writer.room_at_intervals(clock)
            }
            _ => self.room(id),
        };
        self.put_off |= room == Room::Unknown;
        room
    }

    /// Writes a part if there is room for it, and sends the message off with its last part; leaves
    /// an empty message then.
    ///
    /// # Errors
    /// Why there is no room.
    #[inline]
    pub(crate) fn write_from(&mut self, id: PipeId, message: &mut Message) -> Result<Load, Room> {
        match self.get(id) {
            Some(Pipe { writer: Some(writer), .. }) if writer.has_room() => {
                Ok(self.write_in_room(id, message))
            }
            Some(_) => self.write_if_room(id, message),
            None => Err(Room::Closed),
        }
    }

    /// Writes a part for which there is room.
    #[inline(always)]
    fn write_in_room(&mut self, id: PipeId, message: &mut Message) -> Load {
        let Some(Pipe { writer: Some(writer), link, .. }) = self.get(id) else {
            return Load::Usual;
        };
        let last = !message.more();
        writer.write_unbounded_from(message);
        if last {
            writer.flush();
            if writer.queued_bytes() > MAX_QUEUED_BYTES && link.is_some() {
                return Load::Overloaded;
            }
        }
        Load::Usual
    }

    #[cold]
    #[inline(never)]
    fn write_if_room(&mut self, id: PipeId, message: &mut Message) -> Result<Load, Room> {
        match self.refresh_room(id) {
            // The pipe need not say so again: one that conflates has room beyond its mark.
            Room::Available => Ok(self.write_in_room(id, message)),
            room => Err(room),
        }
    }

    /// Has the processor fetch what a message is written to that follows soon.
    #[inline]
    pub(crate) fn prefetch(&mut self, id: PipeId) {
        if let Some(writer) = self.get(id).and_then(|pipe| pipe.writer.as_ref()) {
            writer.prefetch();
        }
    }

    /// Writes without regard to the high-water mark.
    pub(crate) fn write_unbounded(&mut self, id: PipeId, mut message: Message) {
        self.write_unbounded_from(id, &mut message);
    }

    /// As [`write_unbounded`](Self::write_unbounded), leaving an empty message where there is
    /// somebody to take it.
    #[inline]
    pub(crate) fn write_unbounded_from(&mut self, id: PipeId, message: &mut Message) {
        if let Some(writer) = self.get(id).and_then(|pipe| pipe.writer.as_mut()) {
            let last = !message.more();
            writer.write_unbounded_from(message);
            if last {
                writer.flush();
            }
        }
    }

    /// The next part of a pipe.
    #[inline]
    pub(crate) fn read(&mut self, id: PipeId) -> Option<Message> {
        self.get(id)?.reader.read()
    }

    /// Takes the next part of a pipe, if there is one, in the place of this message.
    #[inline]
    pub(crate) fn read_into(&mut self, id: PipeId, message: &mut Message) -> bool {
        self.get(id).is_some_and(|pipe| pipe.reader.read_into(message))
    }

    /// Before a pipe goes to sleep that is the only one: see [`PipeReader::spin_for_batch`].
    #[inline]
    pub(crate) fn spin_for_batch(&mut self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| pipe.reader.spin_for_batch())
    }

    /// Whether a part is there.
    #[inline]
    pub(crate) fn poll(&mut self, id: PipeId) -> QueueState {
        self.get(id).map_or(QueueState::Closed, |pipe| pipe.reader.poll())
    }

    /// The next part of a pipe, which stays there.
    pub(crate) fn peek(&mut self, id: PipeId) -> Option<&Message> {
        self.get(id)?.reader.peek()
    }

    /// Lets the pipe notify when something comes; see [`PipeReader::arm`].
    pub(crate) fn arm(&mut self, id: PipeId) -> QueueState {
        self.get(id).map_or(QueueState::Closed, |pipe| pipe.reader.arm())
    }

    /// Ends the connection of a pipe, once what waits in it is sent or the linger time is over.
    pub(crate) fn close(&mut self, id: PipeId, linger: Option<Duration>) {
        if let Some(pipe) = self.get(id) {
            pipe.writer = None;
            if let Some(link) = &pipe.link {
                link.close(linger);
            }
        }
    }
}
