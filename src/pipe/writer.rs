//! The writing end of a pipe.

use super::flow::{CLOSED, COUNT_SHIFT, Flow, WAITING, WRITER, batch_within};
use super::newest::NewestWriter;
use super::queue::Producer;
use super::sync::{Arc, Ordering, fence};
use super::{HEAVY, Notify, Room};
use crate::message::Message;
use std::sync::Arc as StdArc;

/// How often a sender that does not wait learns what a session took, in nanoseconds: as often as
/// with libzmq (observed).
pub(super) const LOOK_INTERVAL: u64 = 1_000_000;

/// The writing end.
pub(crate) struct PipeWriter {
    queue: Producer<Message>,
    /// With ZMQ_CONFLATE: the newest message; the queue holds only a token for it.
    newest: Option<NewestWriter<Message>>,
    flow: Arc<Flow>,
    /// Whole messages written.
    written: u64,
    /// Messages that the reader is known to have read; `acknowledged <= written`.
    acknowledged: u64,
    /// Parts of an unfinished message were written.
    in_message: bool,
    /// Bytes of heavy parts written; `unfinished_bytes` of them belong to an unfinished message.
    heavy_bytes_written: u64,
    unfinished_bytes: u64,
    /// When `room_at_intervals` looked last.
    looked: u64,
    reader: StdArc<dyn Notify>,
}

impl PipeWriter {
    pub(super) fn new(
        queue: Producer<Message>,
        newest: Option<NewestWriter<Message>>,
        flow: Arc<Flow>,
        reader: StdArc<dyn Notify>,
    ) -> Self {
        Self {
            queue,
            newest,
            flow,
            written: 0,
            acknowledged: 0,
            in_message: false,
            heavy_bytes_written: 0,
            unfinished_bytes: 0,
            looked: 0,
            reader,
        }
    }

    /// Whether a message can be written now. `Full` arranges for a notification.
    #[inline]
    pub(crate) fn room(&mut self) -> Room {
        if self.has_room() { Room::Available } else { self.room_when_full() }
    }

    /// Whether there is room, by what is known of the reader.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.in_message || self.is_below_hwm()
    }

    /// As [`room`](Self::room), at most once in a millisecond by this clock, in nanoseconds; in
    /// between the pipe is as full as it was known to be.
    ///
    /// A session takes messages out of a pipe as fast as they come, whether the peer reads or not.
    /// A sender that tries again and again would follow it past the mark, as far as the kernel's
    /// buffers go.
    #[cold]
    pub(crate) fn room_at_intervals(&mut self, now: impl FnOnce() -> u64) -> Room {
        if !self.has_room() && self.newest.is_none() {
            let now = now();
            if now.saturating_sub(self.looked) < LOOK_INTERVAL {
                return Room::Unknown;
            }
            self.looked = now;
        }
        self.room()
    }

    #[cold]
    fn room_when_full(&mut self) -> Room {
        // Acquire pairs with the reader's Release in `report`.
        let mut consumed = self.flow.consumed.load(Ordering::Acquire);
        loop {
            if consumed & CLOSED != 0 {
                return Room::Closed;
            }
            self.acknowledged = self.acknowledged.max(consumed >> COUNT_SHIFT);
            if self.newest.is_some() || self.is_below_hwm() {
                return Room::Available;
            }
            match self.flow.consumed.compare_exchange(
                consumed,
                consumed | WAITING,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => break,
                Err(now) => consumed = now,
            }
        }
        // The mark may have been raised just before the flag was set, or lowered after a reader
        // fell asleep that had not yet reported all that it read. Pairs with the fence in `sleep`:
        // either the reader sees a mark that changed, or we see that it sleeps.
        fence(Ordering::SeqCst);
        if self.queue.is_drained() {
            self.acknowledged = self.written;
        }
        if self.is_below_hwm() { Room::Available } else { Room::Full }
    }

    #[inline]
    fn is_below_hwm(&self) -> bool {
        // Relaxed: a limit, not a signal.
        let mark = self.flow.hwm.load(Ordering::Relaxed);
        mark == 0 || self.written - self.acknowledged < mark
    }

    /// True if the reader is gone: what is written goes nowhere.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.flow.consumed.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Writes a part, if there is room; otherwise gives it back. Nobody sees it before
    /// [`flush`](Self::flush), and never a part of a message without the others.
    #[inline]
    pub(crate) fn write(&mut self, mut message: Message) -> Result<(), Message> {
        if self.write_from(&mut message) { Ok(()) } else { Err(message) }
    }

    /// As [`write`](Self::write), leaving an empty message; false if there is no room.
    #[inline]
    pub(crate) fn write_from(&mut self, message: &mut Message) -> bool {
        let room = self.room() == Room::Available;
        if room {
            self.write_unbounded_from(message);
        }
        room
    }

    /// Writes a part without regard to the high-water mark.
    #[inline]
    pub(crate) fn write_unbounded(&mut self, mut message: Message) {
        self.write_unbounded_from(&mut message);
    }

    /// As [`write_unbounded`](Self::write_unbounded), leaving an empty message.
    #[inline(always)]
    pub(crate) fn write_unbounded_from(&mut self, message: &mut Message) {
        self.in_message = message.more();
        if self.newest.is_none() {
            if !message.is_short() && message.len() >= HEAVY {
                self.heavy_bytes_written += message.len() as u64;
                self.unfinished_bytes += message.len() as u64;
            }
            self.queue.push_with(|place| message.move_to(place));
        } else {
            self.replace_newest(message.take());
        }
        if !self.in_message {
            self.written += 1;
            self.unfinished_bytes = 0;
            self.queue.commit();
        }
    }

    #[cold]
    #[inline(never)]
    fn replace_newest(&mut self, message: Message) {
        if let Some(newest) = &mut self.newest
            && newest.replace(message)
        {
            self.queue.push(Message::new());
        }
    }

    /// Has the processor fetch what the next message is written to, if that is soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        self.queue.prefetch();
    }

    /// How many messages wait in the pipe at most: the reader tells at intervals what it took.
    pub(crate) fn waiting(&self) -> u64 {
        if self.queue.is_drained() {
            return 0;
        }
        // Relaxed: a figure for people.
        let read = self.flow.consumed.load(Ordering::Relaxed) >> COUNT_SHIFT;
        self.written.saturating_sub(read)
    }

    /// Bytes of the heavy parts that wait in the pipe; none in one that conflates.
    #[inline]
    pub(crate) fn queued_bytes(&self) -> u64 {
        // Relaxed: a hint.
        self.heavy_bytes_written.saturating_sub(self.flow.heavy_bytes_read.load(Ordering::Relaxed))
    }

    /// How much of `size` bytes the writer's party may hold that is meant for this pipe.
    pub(crate) fn batch_within(&self, size: usize) -> usize {
        batch_within(size, self.flow.hwm.load(Ordering::Relaxed))
    }

    /// Makes whole messages visible to the reader and wakes it if it waits.
    #[inline]
    pub(crate) fn flush(&mut self) {
        if self.queue.publish() {
            self.reader.readable();
        }
    }

    /// Drops the parts of an unfinished message.
    pub(crate) fn rollback(&mut self) {
        self.queue.rollback();
        self.in_message = false;
        self.heavy_bytes_written -= std::mem::take(&mut self.unfinished_bytes);
    }

    /// Changes what the writer's party adds to the high-water mark. True if the pipe had been
    /// found full: the writer is to look again, and gets no other notification.
    #[must_use]
    pub(crate) fn set_share(&self, share: u32) -> bool {
        self.flow.set_share(WRITER, share)
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        if self.queue.end() {
            self.reader.readable();
        }
    }
}
