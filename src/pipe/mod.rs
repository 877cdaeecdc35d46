//! Pipes: one direction of messages between two parties, with a high-water mark.
//!
//! A party is a socket or the session of a connection. Each end belongs to one thread at a time
//! (it lies behind its party's lock); the two ends never wait for each other. Instead each end
//! reports the one change that the other may be waiting for, through [`Notify`]: from empty to
//! not empty, from full to not full any more, and that it is gone.
//!
//! The mark counts whole messages. As in the original, a writer that reached it goes on when the
//! reader has read to a multiple of half the mark (observed).

mod chunk;
mod queue;
mod sync;

use crate::message::Message;
use parking_lot::Mutex;
use queue::{Consumer, Producer, queue};
use std::sync::Arc as StdArc;
use sync::{Arc, AtomicU64, Ordering, fence};

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

/// Whose share is which.
const WRITER: usize = 0;
const READER: usize = 1;

/// How long a reader lets a stream gather: so many times the processor's own pause, which makes
/// one to three microseconds.
const PAUSE: u32 = 64;
/// So many times at most, as long as so many messages come meanwhile: each look takes from the
/// writer what it is about to write to.
const PAUSES: u32 = 4;
const STREAM: u64 = 8;

/// Flow control, from the reader to the writer.
struct Flow {
    /// Messages that the reader reported as read, `WAITING` and `GONE`. Changed by
    /// read-modify-write operations only, so neither side loses the other's flag.
    consumed: AtomicU64,
    /// Bytes of heavy parts that were read; the reader's to change.
    unloaded: AtomicU64,
    /// The most messages that may stand in the pipe; 0 is no limit. Found from `shares`.
    high_water_mark: AtomicU64,
    /// What each party adds to the mark: the writer's, the reader's.
    shares: Mutex<[Share; 2]>,
    /// With ZMQ_CONFLATE: the newest message; the queue holds only a token for it.
    newest: Option<Mutex<Option<Message>>>,
}

/// What a party adds to the high-water mark of a pipe: messages, of which 0 is no limit; `None`
/// for a session, which has no say, and for a party that is not known yet.
pub type Share = Option<u32>;

/// No limit on one side is none at all (zmq_inproc(7)).
fn sum(shares: [Share; 2]) -> u64 {
    if shares.contains(&Some(0)) {
        return 0;
    }
    shares.iter().flatten().map(|&share| u64::from(share)).sum()
}

impl Flow {
    /// Changes what a party adds. True if the writer had found the pipe full: it must look again.
    fn set_share(&self, party: usize, share: u32) -> bool {
        let mut shares = self.shares.lock();
        shares[party] = Some(share);
        self.high_water_mark.store(sum(*shares), Ordering::Relaxed);
        // Release: a writer that sets its flag later looks at the mark once more.
        self.consumed.fetch_and(!WAITING, Ordering::AcqRel) & WAITING != 0
    }
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

/// Makes a pipe. `shares` are those of the writer's party and of the reader's; `writer` is told
/// what concerns the writing end, `reader` the reading end.
pub fn pipe(
    shares: [Share; 2],
    conflate: bool,
    writer: StdArc<dyn Notify>,
    reader: StdArc<dyn Notify>,
) -> (PipeWriter, PipeReader) {
    let (producer, consumer) = queue();
    let flow = Arc::new(Flow {
        consumed: AtomicU64::new(0),
        unloaded: AtomicU64::new(0),
        high_water_mark: AtomicU64::new(sum(shares)),
        shares: Mutex::new(shares),
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
        mark: sum(shares),
        report_at: next_report(0, sum(shares)),
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
        self.room_when_full()
    }

    #[cold]
    fn room_when_full(&mut self) -> Room {
        // Acquire pairs with the reader's Release in `report`.
        let mut consumed = self.flow.consumed.load(Ordering::Acquire);
        loop {
            if consumed & GONE != 0 {
                return Room::Gone;
            }
            self.acknowledged = self.acknowledged.max(consumed >> COUNT_SHIFT);
            if self.flow.newest.is_some() || self.is_below_mark() {
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
        if self.is_below_mark() { Room::Available } else { Room::Full }
    }

    fn is_below_mark(&self) -> bool {
        let mark = self.flow.high_water_mark.load(Ordering::Relaxed);
        mark == 0 || self.written - self.acknowledged < mark
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
    #[inline(always)]
    pub fn write_unbounded_from(&mut self, message: &mut Message) {
        self.in_message = message.more();
        if self.flow.newest.is_none() {
            if !message.is_short() && message.len() >= HEAVY {
                self.loaded += message.len() as u64;
                self.unfinished += message.len() as u64;
            }
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

    /// Has the processor fetch what the next message is written to, if that is soon.
    #[inline(always)]
    pub fn prefetch(&self) {
        self.queue.prefetch();
    }

    /// Bytes of the heavy parts that wait in the pipe; none in one that conflates.
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

    /// Changes what the writer's party adds to the high-water mark. True if the pipe had been
    /// found full: the writer is to look again, and gets no other notification.
    #[must_use]
    pub fn set_share(&self, share: u32) -> bool {
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
        } else if !message.is_short() && message.len() >= HEAVY {
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

    /// Reports where the count is a multiple of half the mark, or the mark changed: what is not
    /// reported is never more than half of the present mark.
    #[cold]
    fn report_if_due(&mut self, mark: u64) {
        let is_due = mark != self.mark || self.read == self.report_at;
        self.mark = mark;
        self.report_at = next_report(self.read, mark);
        if is_due {
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
        self.gathering.waited(came > 0);
        came > 0
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

    /// Changes what the reader's party adds to the high-water mark.
    pub fn set_share(&self, share: u32) {
        if self.flow.set_share(READER, share) {
            self.writer.writable();
        }
    }

    /// Whether a part is there.
    #[inline]
    pub fn look(&mut self) -> Found {
        self.queue.look()
    }

    /// Arranges for a notification when a message comes or the writer goes; returns `Nothing`
    /// then. Anything else is there already.
    pub fn sleep(&mut self) -> Found {
        let found = self.queue.sleep();
        if found == Found::Nothing {
            // Pairs with the fence in `room_when_full`. Below a lowered mark, the rest that is not
            // reported may be all that it takes.
            fence(Ordering::SeqCst);
            let mark = self.flow.high_water_mark.load(Ordering::Relaxed);
            if mark != self.mark {
                self.report_if_due(mark);
            }
        }
        found
    }
}

/// The count of messages read that the writer of a pipe with this mark is told next.
fn next_report(read: u64, mark: u64) -> u64 {
    match mark.div_ceil(2) {
        0 => u64::MAX,
        half => (read / half + 1) * half,
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

    fn make(mark: u32, conflate: bool) -> (PipeWriter, PipeReader, StdArc<Count>) {
        let count = StdArc::new(Count::default());
        let (writer, reader) = pipe([Some(mark), None], conflate, count.clone(), count.clone());
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
        assert!(writer.set_share(4));
        assert_eq!(writer.room(), Room::Full);
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
    fn a_mark_that_is_raised_makes_room_at_once() {
        let (mut writer, mut reader, count) = make(1, false);
        writer.write(text("m", false)).unwrap();
        writer.flush();
        assert_eq!(writer.room(), Room::Full);
        reader.set_share(1);
        assert_eq!(count.writable.load(Ordering::SeqCst), 1);
        writer.write(text("m", false)).unwrap();
        assert_eq!(writer.room(), Room::Full);
        assert!(writer.set_share(0));
        assert_eq!(writer.room(), Room::Available);
        assert!(reader.read().is_some());
    }

    #[test]
    fn a_mark_below_what_a_sleeping_reader_did_not_report_leaves_room() {
        for asleep_before in [true, false] {
            let (mut writer, mut reader, count) = make(8, false);
            for _ in 0..3 {
                writer.write(text("m", false)).unwrap();
            }
            writer.flush();
            while reader.read().is_some() {}
            if asleep_before {
                assert_eq!(reader.sleep(), Found::Nothing);
            }
            assert!(!writer.set_share(2));
            if !asleep_before {
                assert_eq!(writer.room(), Room::Full);
                assert_eq!(reader.sleep(), Found::Nothing);
                assert_eq!(count.writable.load(Ordering::SeqCst), 1);
            }
            assert_eq!(writer.room(), Room::Available);
        }
    }

    #[test]
    fn a_reader_that_met_a_lowered_mark_leaves_nothing_unreported() {
        let (mut writer, mut reader, count) = make(20, false);
        for _ in 0..9 {
            writer.write(text("m", false)).unwrap();
        }
        writer.flush();
        (0..8).for_each(|_| _ = reader.read().unwrap());
        assert!(!writer.set_share(3));
        assert_eq!(writer.room(), Room::Full);
        reader.read().unwrap();
        assert_eq!(reader.sleep(), Found::Nothing);
        assert_eq!(count.writable.load(Ordering::SeqCst), 1);
        assert_eq!(writer.room(), Room::Available);
    }

    #[test]
    fn a_conflating_pipe_has_no_load() {
        let (mut writer, mut reader, _) = make(0, true);
        for _ in 0..3 {
            writer.write(Message::from_slice(&[0; HEAVY]).unwrap()).unwrap();
            writer.flush();
        }
        assert_eq!(writer.load(), 0);
        assert!(reader.read().is_some());
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
