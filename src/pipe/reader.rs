//! The reading end of a pipe.

use super::flow::{CLOSED, COUNT_SHIFT, Flow, READER, WAITING, batch_within, next_report};
use super::newest::NewestReader;
use super::queue::Consumer;
use super::sync::{Arc, Ordering, fence};
use super::{HEAVY, Notify, QueueState};
use crate::backoff::Backoff;
use crate::message::Message;
use std::sync::Arc as StdArc;

/// How long a reader waits for a batch, in pauses of the processor, which makes
/// one to three microseconds.
const PAUSE: u32 = 64;
/// At most this number of pauses: each look takes from the writer what it is about to write to.
const PAUSES: u32 = 4;
/// Messages that come in one pause of a stream that is worth another.
const STREAM: u64 = 8;

/// The reading end.
pub(crate) struct PipeReader {
    queue: Consumer<Message>,
    /// With ZMQ_CONFLATE: the newest message; the queue holds only a token for it.
    newest: Option<NewestReader<Message>>,
    flow: Arc<Flow>,
    /// Whole messages read.
    read: u64,
    /// The mark that `report_at` was found for.
    hwm: u64,
    /// The next count of messages read that the writer is told.
    report_at: u64,
    /// Bytes of heavy parts read.
    heavy_bytes_read: u64,
    /// When to wait for a batch: at least once in this number of times.
    gathering: Backoff<128>,
    writer: StdArc<dyn Notify>,
}

impl PipeReader {
    /// `mark` is the high-water mark of the flow.
    pub(super) fn new(
        queue: Consumer<Message>,
        newest: Option<NewestReader<Message>>,
        flow: Arc<Flow>,
        mark: u64,
        writer: StdArc<dyn Notify>,
    ) -> Self {
        Self {
            queue,
            newest,
            flow,
            read: 0,
            hwm: mark,
            report_at: next_report(0, mark),
            heavy_bytes_read: 0,
            gathering: Backoff::default(),
            writer,
        }
    }

    /// The next part, if there is one.
    #[inline]
    pub(crate) fn read(&mut self) -> Option<Message> {
        let mut message = Message::new();
        self.read_into(&mut message).then_some(message)
    }

    /// Takes the next part, if there is one, in the place of this message.
    #[inline]
    pub(crate) fn read_into(&mut self, message: &mut Message) -> bool {
        if !self.queue.pop_into(message) {
            return false;
        }
        if self.newest.is_some() {
            self.take_newest(message);
        } else if !message.is_short() && message.len() >= HEAVY {
            self.heavy_bytes_read += message.len() as u64;
            self.flow.heavy_bytes_read.store(self.heavy_bytes_read, Ordering::Relaxed);
        }
        if let Some(next) = self.queue.peek_near() {
            next.prefetch();
        }
        if !message.more() {
            self.read += 1;
            // Relaxed: a limit, not a signal.
            let mark = self.flow.hwm.load(Ordering::Relaxed);
            if self.read == self.report_at || mark != self.hwm {
                self.report_if_due(mark);
            }
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn take_newest(&mut self, message: &mut Message) {
        if let Some(newest) = &mut self.newest {
            *message = newest.take().unwrap_or_default();
        }
    }

    /// Reports where the count is a multiple of half the mark, or the mark changed: what is not
    /// reported is never more than half of the present mark.
    #[cold]
    fn report_if_due(&mut self, mark: u64) {
        let is_due = mark != self.hwm || self.read == self.report_at;
        self.hwm = mark;
        self.report_at = next_report(self.read, mark);
        if is_due {
            self.report();
        }
    }

    /// To be called before the reader goes to sleep: where messages come in a stream it waits a
    /// moment instead, without disturbing the writer, so that several are there at once. True if
    /// something came.
    ///
    /// A reader as fast as the writer would find each message alone, and make each a sleep and a
    /// wake-up for both. One that waits finds as many as were written meanwhile; but where messages
    /// come one by one, as in a dialogue, or in batches with nothing between them, the wait is
    /// lost. So it is tried, and rarely while it fails.
    #[inline]
    pub(crate) fn spin_for_batch(&mut self) -> bool {
        if !self.gathering.is_due() {
            return false;
        }
        let mut came = 0;
        for _ in 0..PAUSES {
            for _ in 0..PAUSE {
                std::hint::spin_loop();
            }
            let before = came;
            came = self.queue.waiting();
            if came < before + STREAM {
                break;
            }
        }
        self.gathering.tried(came > 0);
        came > 0
    }

    /// The next part, left in the pipe. Not for pipes that conflate.
    pub(crate) fn peek(&mut self) -> Option<&Message> {
        self.queue.peek()
    }

    /// How many parts wait in the pipe.
    pub(crate) fn waiting(&mut self) -> u64 {
        self.queue.waiting()
    }

    /// Tells the writer how much was read, and wakes it if it waits for that.
    #[cold]
    fn report(&mut self) {
        // Release: the reader is done with what it counts; Acquire: for the flag.
        let before = self.flow.consumed.swap(self.read << COUNT_SHIFT, Ordering::AcqRel);
        if before & WAITING != 0 {
            self.writer.writable();
        }
    }

    /// Changes what the reader's party adds to the high-water mark.
    pub(crate) fn set_share(&self, share: u32) {
        if self.flow.set_share(READER, share) {
            self.writer.writable();
        }
    }

    /// How much of `size` bytes the reader's party may hold that it took out of this pipe.
    #[inline]
    pub(crate) fn batch_within(&self, size: usize) -> usize {
        batch_within(size, self.flow.hwm.load(Ordering::Relaxed))
    }

    /// Whether a part is there.
    #[inline]
    pub(crate) fn poll(&mut self) -> QueueState {
        self.queue.poll()
    }

    /// Arranges for a notification when a message comes or the writer goes; returns `Nothing`
    /// then. Anything else is there already.
    pub(crate) fn arm(&mut self) -> QueueState {
        let found = self.queue.arm();
        if found == QueueState::Empty {
            // Pairs with the fence in `room_when_full`. Below a lowered mark, the rest that is not
            // reported may be all that it takes.
            fence(Ordering::SeqCst);
            let mark = self.flow.hwm.load(Ordering::Relaxed);
            if mark != self.hwm {
                self.report_if_due(mark);
            }
        }
        found
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.flow.consumed.fetch_or(CLOSED, Ordering::AcqRel);
        self.writer.writable();
    }
}
