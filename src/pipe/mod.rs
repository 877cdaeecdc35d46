//! Pipes: one direction of messages between two parties, with a high-water mark.
//!
//! A party is a socket or the session of a connection. Each end belongs to one thread at a time
//! (it lies behind its party's lock); the two ends never wait for each other. Instead each end
//! reports the one change that the other may be waiting for, through [`Notify`]: from empty to
//! not empty, from full to not full any more, and that it is gone.
//!
//! The mark counts whole messages. As in the original, a writer that reached it goes on when the
//! reader has read to a multiple of half the mark (observed).

mod queue;
mod sync;

use crate::message::Message;
use parking_lot::Mutex;
use queue::{Consumer, Producer, queue};
use std::sync::Arc as StdArc;
use sync::{Arc, AtomicU64, Ordering};

pub use queue::Found;

/// What an end of a pipe calls when the party at the other end may be waiting.
/// Implementations only take note: they neither block nor call back into the pipe.
pub trait Notify: Send + Sync {
    /// The reader of a pipe can go on: there are messages, or the writer is gone.
    fn readable(&self);
    /// The writer of a pipe can go on: there is room, or the reader is gone.
    fn writable(&self);
}

/// `consumed`: the writer found the pipe full and waits to be told.
const WAITING: u64 = 1;
/// `consumed`: the reader is gone.
const GONE: u64 = 2;
const COUNT_SHIFT: u32 = 2;

/// Parts from this size on are counted by their bytes, too.
const HEAVY: usize = 4 * 1024;

/// How long a reader lets a stream gather: so many times the processor's own pause, which makes
/// one to three microseconds.
const PAUSE: u32 = 64;

/// Flow control, from the reader to the writer.
struct Flow {
    /// Messages that the reader reported as read, `WAITING` and `GONE`. Changed by
    /// read-modify-write operations only, so neither side loses the other's flag.
    consumed: AtomicU64,
    /// Bytes of heavy parts that were read; the reader's to change.
    unloaded: AtomicU64,
    /// The most messages that may stand in the pipe; 0 is no limit.
    high_water_mark: AtomicU64,
    /// With ZMQ_CONFLATE: the newest message; the queue holds only a token for it.
    newest: Option<Mutex<Option<Message>>>,
}

/// The writing end.
pub struct PipeWriter {
    queue: Producer<Message>,
    flow: Arc<Flow>,
    /// Whole messages written.
    written: u64,
    /// Messages that the reader is known to have read; `acknowledged <= written`.
    acknowledged: u64,
    /// Parts of an unfinished message were written.
    in_message: bool,
    /// Bytes of heavy parts written; `unfinished` of them belong to an unfinished message.
    loaded: u64,
    unfinished: u64,
    reader: StdArc<dyn Notify>,
}

/// The reading end.
pub struct PipeReader {
    queue: Consumer<Message>,
    flow: Arc<Flow>,
    /// Whole messages read.
    read: u64,
    /// The mark that `report_at` was found for.
    mark: u64,
    /// The next count of messages read that the writer is told.
    report_at: u64,
    /// Bytes of heavy parts read.
    unloaded: u64,
    gathering: Gathering,
    writer: StdArc<dyn Notify>,
}

/// Whether a pipe takes another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It does.
    Available,
    /// The high-water mark is reached; the writer will be notified.
    Full,
    /// The reader is gone.
    Gone,
}

/// When a reader that found its pipe empty waits for a stream to gather.
///
/// A reader as fast as the writer would find each message alone, and make each a sleep and a
/// wake-up for both. One that waits finds as many as were written meanwhile; but where messages
/// come one by one, as in a dialogue, or in batches with nothing between them, the wait is lost. So
/// it is tried, rarely while in vain.
#[derive(Default)]
struct Gathering {
    /// Times to find the pipe empty before the next try.
    rests: u32,
    /// How many these are after a vain one.
    backoff: u32,
}

/// The most times a reader finds its pipe empty between two tries to gather.
const REST: u32 = 128;

impl Gathering {
    /// Whether to wait now.
    fn is_worthwhile(&mut self) -> bool {
        let rested = self.rests == 0;
        self.rests = self.rests.saturating_sub(1);
        rested
    }

    /// It waited, and something came or not.
    fn waited(&mut self, came: bool) {
        self.backoff = if came { 0 } else { (2 * self.backoff + 1).min(REST) };
        self.rests = self.backoff;
    }
}

/// Makes a pipe. `writer` is told what concerns the writing end, `reader` the reading end.
pub fn pipe(
    high_water_mark: usize,
    conflate: bool,
    writer: StdArc<dyn Notify>,
    reader: StdArc<dyn Notify>,
) -> (PipeWriter, PipeReader) {
    let (producer, consumer) = queue();
    let flow = Arc::new(Flow {
        consumed: AtomicU64::new(0),
        unloaded: AtomicU64::new(0),
        high_water_mark: AtomicU64::new(high_water_mark as u64),
        newest: conflate.then(|| Mutex::new(None)),
    });
    let writing = PipeWriter {
        queue: producer,
        flow: flow.clone(),
        written: 0,
        acknowledged: 0,
        in_message: false,
        loaded: 0,
        unfinished: 0,
        reader,
    };
    let reading = PipeReader {
        queue: consumer,
        flow,
        read: 0,
        // Nothing was found for the mark yet.
        mark: 0,
        report_at: u64::MAX,
        unloaded: 0,
        gathering: Gathering::default(),
        writer,
    };
    (writing, reading)
}

impl PipeWriter {
    /// Whether a message can be written now. `Full` arranges for a notification.
    #[inline]
    pub fn room(&mut self) -> Room {
        // Relaxed: a limit, not a signal.
        let mark = self.flow.high_water_mark.load(Ordering::Relaxed);
        if self.in_message || mark == 0 || self.written - self.acknowledged < mark {
            return Room::Available;
        }
        self.room_when_full(mark)
    }

    #[cold]
    fn room_when_full(&mut self, mark: u64) -> Room {
        // Acquire pairs with the reader's Release in `report`.
        let mut consumed = self.flow.consumed.load(Ordering::Acquire);
        loop {
            if consumed & GONE != 0 {
                return Room::Gone;
            }
            self.acknowledged = consumed >> COUNT_SHIFT;
            if self.flow.newest.is_some() || self.written - self.acknowledged < mark {
                return Room::Available;
            }
            match self.flow.consumed.compare_exchange(
                consumed,
                consumed | WAITING,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Room::Full,
                Err(now) => consumed = now,
            }
        }
    }

    /// True if the reader is gone: what is written goes nowhere.
    pub fn is_abandoned(&self) -> bool {
        self.flow.consumed.load(Ordering::Acquire) & GONE != 0
    }

    /// Writes a part, if there is room; otherwise gives it back. Nobody sees it before
    /// [`flush`](Self::flush), and never a part of a message without the others.
    #[inline]
    pub fn write(&mut self, mut message: Message) -> Result<(), Message> {
        if self.write_from(&mut message) { Ok(()) } else { Err(message) }
    }

    /// As [`write`](Self::write), leaving an empty message; false if there is no room.
    #[inline]
    pub fn write_from(&mut self, message: &mut Message) -> bool {
        let room = self.room() == Room::Available;
        if room {
            self.write_unbounded_from(message);
        }
        room
    }

    /// Writes a part without regard to the high-water mark.
    #[inline]
    pub fn write_unbounded(&mut self, mut message: Message) {
        self.write_unbounded_from(&mut message);
    }

    /// As [`write_unbounded`](Self::write_unbounded), leaving an empty message.
    #[inline]
    pub fn write_unbounded_from(&mut self, message: &mut Message) {
        self.in_message = message.more();
        let size = message.len();
        if size >= HEAVY {
            self.loaded += size as u64;
            self.unfinished += size as u64;
        }
        if self.flow.newest.is_none() {
            self.queue.push_with(|place| message.move_to(place));
        } else {
            self.replace_newest(message.take());
        }
        if !self.in_message {
            self.written += 1;
            self.unfinished = 0;
            self.queue.commit();
        }
    }

    #[cold]
    #[inline(never)]
    fn replace_newest(&mut self, message: Message) {
        if let Some(newest) = &self.flow.newest
            && newest.lock().replace(message).is_none()
        {
            self.queue.push(Message::new());
        }
    }

    /// Bytes of the heavy parts that wait in the pipe. Not for pipes that conflate.
    #[inline]
    pub fn load(&self) -> u64 {
        // Relaxed: a hint.
        self.loaded.saturating_sub(self.flow.unloaded.load(Ordering::Relaxed))
    }

    /// Makes whole messages visible to the reader and wakes it if it waits.
    #[inline]
    pub fn flush(&mut self) {
        if self.queue.publish() {
            self.reader.readable();
        }
    }

    /// Drops the parts of an unfinished message.
    pub fn rollback(&mut self) {
        self.queue.retract();
        self.in_message = false;
        self.loaded -= std::mem::take(&mut self.unfinished);
    }

    /// Changes the high-water mark; 0 is no limit.
    pub fn set_high_water_mark(&self, mark: usize) {
        self.flow.high_water_mark.store(mark as u64, Ordering::Relaxed);
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        if self.queue.end() {
            self.reader.readable();
        }
    }
}

impl PipeReader {
    /// The next part, if there is one.
    #[inline]
    pub fn read(&mut self) -> Option<Message> {
        let mut message = Message::new();
        self.read_into(&mut message).then_some(message)
    }

    /// Takes the next part, if there is one, in the place of this message.
    #[inline]
    pub fn read_into(&mut self, message: &mut Message) -> bool {
        if !self.queue.pop_into(message) {
            return false;
        }
        if self.flow.newest.is_some() {
            self.take_newest(message);
        }
        if message.len() >= HEAVY {
            self.unloaded += message.len() as u64;
            self.flow.unloaded.store(self.unloaded, Ordering::Relaxed);
        }
        if let Some(next) = self.queue.peek_near() {
            next.prefetch();
        }
        if !message.more() {
            self.read += 1;
            // Relaxed: a limit, not a signal.
            let mark = self.flow.high_water_mark.load(Ordering::Relaxed);
            if self.read == self.report_at || mark != self.mark {
                self.report_if_due(mark);
            }
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn take_newest(&self, message: &mut Message) {
        if let Some(newest) = &self.flow.newest {
            *message = newest.lock().take().unwrap_or_default();
        }
    }

    /// Reports where the count is a multiple of half the mark, and finds the next such count.
    #[cold]
    fn report_if_due(&mut self, mark: u64) {
        self.mark = mark;
        if mark == 0 {
            self.report_at = u64::MAX;
            return;
        }
        let half = mark.div_ceil(2);
        self.report_at = (self.read / half + 1) * half;
        if self.read.is_multiple_of(half) {
            self.report();
        }
    }

    /// To be called before the reader goes to sleep: where messages come in a stream it waits a
    /// moment instead, without disturbing the writer, so that several are there at once. True if
    /// something came.
    #[inline]
    pub fn gather(&mut self) -> bool {
        if !self.gathering.is_worthwhile() {
            return false;
        }
        for _ in 0..PAUSE {
            std::hint::spin_loop();
        }
        let came = self.queue.look() == Found::Item;
        self.gathering.waited(came);
        came
    }

    /// The next part, left in the pipe. Not for pipes that conflate.
    pub fn peek(&mut self) -> Option<&Message> {
        self.queue.peek()
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

    /// Changes the high-water mark; 0 is no limit.
    pub fn set_high_water_mark(&self, mark: usize) {
        self.flow.high_water_mark.store(mark as u64, Ordering::Relaxed);
    }

    /// Whether a part is there.
    #[inline]
    pub fn look(&mut self) -> Found {
        self.queue.look()
    }

    /// Arranges for a notification when a message comes or the writer goes; returns `Nothing`
    /// then. Anything else is there already.
    pub fn sleep(&mut self) -> Found {
        self.queue.sleep()
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.flow.consumed.fetch_or(GONE, Ordering::AcqRel);
        self.writer.writable();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count {
        readable: AtomicUsize,
        writable: AtomicUsize,
    }

    impl Notify for Count {
        fn readable(&self) {
            self.readable.fetch_add(1, Ordering::SeqCst);
        }
        fn writable(&self) {
            self.writable.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn text(text: &str, more: bool) -> Message {
        let mut message = Message::from_short(text.as_bytes());
        message.set_more(more);
        message
    }

    fn make(mark: usize, conflate: bool) -> (PipeWriter, PipeReader, StdArc<Count>) {
        let count = StdArc::new(Count::default());
        let (writer, reader) = pipe(mark, conflate, count.clone(), count.clone());
        (writer, reader, count)
    }

    #[test]
    fn a_full_pipe_takes_messages_again_at_half_the_mark() {
        let (mut writer, mut reader, count) = make(4, false);
        for _ in 0..4 {
            writer.write(text("m", false)).unwrap();
        }
        writer.flush();
        assert_eq!(writer.room(), Room::Full);
        reader.read().unwrap();
        assert_eq!(writer.room(), Room::Full);
        reader.read().unwrap();
        assert_eq!(count.writable.load(Ordering::SeqCst), 1);
        assert_eq!(writer.room(), Room::Available);
    }

    #[test]
    fn parts_count_as_one_message_and_appear_together() {
        let (mut writer, mut reader, _) = make(1, false);
        writer.write(text("a", true)).unwrap();
        writer.flush();
        assert!(reader.read().is_none());
        writer.write(text("b", false)).unwrap();
        writer.flush();
        assert!(writer.write(text("c", false)).is_err());
        assert!(reader.read().unwrap().more());
        assert!(!reader.read().unwrap().more());
    }

    #[test]
    fn an_unfinished_message_can_be_rolled_back() {
        let (mut writer, mut reader, _) = make(0, false);
        writer.write(text("a", false)).unwrap();
        writer.flush();
        writer.write(text("b", true)).unwrap();
        writer.rollback();
        writer.write(text("c", false)).unwrap();
        writer.flush();
        assert_eq!(reader.read().unwrap().data(), b"a");
        assert_eq!(reader.read().unwrap().data(), b"c");
        assert!(reader.read().is_none());
    }

    #[test]
    fn a_conflating_pipe_holds_the_newest_message() {
        let (mut writer, mut reader, _) = make(0, true);
        for text in [text("1", false), text("2", false), text("3", false)] {
            writer.write(text).unwrap();
            writer.flush();
        }
        assert_eq!(reader.read().unwrap().data(), b"3");
        assert!(reader.read().is_none());
    }

    #[test]
    fn a_reader_waits_for_a_stream_to_gather_and_hardly_in_a_dialogue() {
        let mut gathering = Gathering::default();
        let mut find_empty = |comes: bool| {
            let waits = gathering.is_worthwhile();
            if waits {
                gathering.waited(comes);
            }
            waits
        };
        let waits = (0..10_000).filter(|_| find_empty(false)).count();
        assert!(waits < 10_000 / REST as usize + 16, "{waits} waits in vain");
        // Among messages that come one by one it looks for a stream, and then waits each time.
        assert!((0..2 * REST).any(|_| find_empty(true)));
        assert!((0..100).all(|_| find_empty(true)));
    }

    #[test]
    fn half_the_mark_is_reported_also_after_the_mark_changed() {
        let (mut writer, mut reader, count) = make(8, false);
        for _ in 0..8 {
            writer.write(text("m", false)).unwrap();
        }
        writer.flush();
        assert_eq!(writer.room(), Room::Full);
        reader.read().unwrap();
        reader.set_high_water_mark(4);
        reader.read().unwrap();
        assert_eq!(count.writable.load(Ordering::SeqCst), 1);
        // Six are left, more than the new mark.
        assert_eq!(writer.room(), Room::Full);
        for _ in 0..4 {
            reader.read().unwrap();
        }
        assert_eq!(writer.room(), Room::Available);
    }

    #[test]
    fn the_load_is_what_waits_in_heavy_parts() {
        let (mut writer, mut reader, _) = make(0, false);
        let heavy = |more| {
            let mut message = Message::from_slice(&[0; HEAVY]).unwrap();
            message.set_more(more);
            message
        };
        writer.write(text("light", false)).unwrap();
        writer.write(heavy(true)).unwrap();
        writer.write_from(&mut heavy(false));
        assert_eq!(writer.load(), 2 * HEAVY as u64);
        writer.write(heavy(true)).unwrap();
        writer.rollback();
        writer.flush();
        assert_eq!(writer.load(), 2 * HEAVY as u64);
        while reader.read().is_some() {}
        assert_eq!(writer.load(), 0);
    }

    #[test]
    fn each_end_learns_that_the_other_is_gone() {
        let (mut writer, mut reader, count) = make(1, false);
        assert_eq!(reader.sleep(), Found::Nothing);
        writer.write(text("m", false)).unwrap();
        writer.flush();
        assert_eq!(writer.room(), Room::Full);
        drop(writer);
        assert!(reader.read().is_some());
        assert_eq!(reader.look(), Found::End);
        let (mut writer, reader, _) = make(1, false);
        writer.write(text("m", false)).unwrap();
        assert_eq!(writer.room(), Room::Full);
        drop(reader);
        assert_eq!(writer.room(), Room::Gone);
        assert!(count.readable.load(Ordering::SeqCst) == 1);
    }
}
