use super::writer::LOOK_INTERVAL;
use super::*;
use crate::message::Message;
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
fn who_looks_at_intervals_does_not_follow_the_reader_past_the_mark() {
    let (mut writer, mut reader, _) = make(2, false);
    let mut written = 0;
    let second = 1_000_000_000;
    // The reader takes everything at once.
    let mut burst = |from: u64, to: u64| {
        let before = written;
        for now in from..to {
            let room = writer.room_at_intervals(|| now);
            if room == Room::Available {
                writer.write(text("m", false)).unwrap();
                writer.flush();
                written += 1;
                while reader.read().is_some() {}
            } else {
                assert_eq!(room, Room::Unknown);
            }
        }
        written - before
    };
    // Up to the mark, and once more after a look.
    assert_eq!(burst(second, second + 100), 4);
    assert_eq!(burst(second + 100, second + 200), 0);
    assert_eq!(burst(second + LOOK_INTERVAL, second + LOOK_INTERVAL + 100), 2);
}

#[test]
fn a_pipe_that_conflates_is_never_full_for_who_looks_at_intervals() {
    let (mut writer, _reader, _) = make(1, true);
    for _ in 0..3 {
        assert_eq!(writer.room_at_intervals(|| 1), Room::Available);
        writer.write(text("m", false)).unwrap();
        writer.flush();
    }
}

#[test]
fn a_low_mark_limits_what_is_held_beside_the_pipe() {
    let within = |mark, size| make(mark, false).0.batch_within(size);
    assert_eq!(within(0, 1 << 20), 1 << 20);
    assert_eq!(within(1000, 1 << 20), 1 << 20);
    assert_eq!(within(500, 1 << 20), 1 << 19);
    assert_eq!(within(1, 1 << 20), 8 * 1024);
    assert_eq!(within(1, 100), 100);
    assert_eq!(within(u32::MAX, usize::MAX), usize::MAX);
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
    assert_eq!(writer.queued_bytes(), 2 * HEAVY as u64);
    writer.write(heavy(true)).unwrap();
    writer.rollback();
    writer.flush();
    assert_eq!(writer.queued_bytes(), 2 * HEAVY as u64);
    while reader.read().is_some() {}
    assert_eq!(writer.queued_bytes(), 0);
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
            assert_eq!(reader.arm(), QueueState::Empty);
        }
        assert!(!writer.set_share(2));
        if !asleep_before {
            assert_eq!(writer.room(), Room::Full);
            assert_eq!(reader.arm(), QueueState::Empty);
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
    assert_eq!(reader.arm(), QueueState::Empty);
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
    assert_eq!(writer.queued_bytes(), 0);
    assert!(reader.read().is_some());
    assert_eq!(writer.queued_bytes(), 0);
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    let (mut writer, mut reader, count) = make(1, false);
    assert_eq!(reader.arm(), QueueState::Empty);
    writer.write(text("m", false)).unwrap();
    writer.flush();
    assert_eq!(writer.room(), Room::Full);
    drop(writer);
    assert!(reader.read().is_some());
    assert_eq!(reader.poll(), QueueState::Closed);
    let (mut writer, reader, _) = make(1, false);
    writer.write(text("m", false)).unwrap();
    assert_eq!(writer.room(), Room::Full);
    drop(reader);
    assert_eq!(writer.room(), Room::Closed);
    assert!(count.readable.load(Ordering::SeqCst) == 1);
}

#[test]
fn who_gathers_finds_all_that_came_and_sleeps_where_nothing_does() {
    let (mut writer, mut reader, count) = make(0, false);
    let gathers = |reader: &mut PipeReader| (0..300).any(|_| reader.spin_for_batch());
    assert!(!gathers(&mut reader));
    for _ in 0..3 {
        (0..20).for_each(|_| writer.write(text("m", false)).unwrap());
        // What is not whole and flushed has not come.
        assert!(!gathers(&mut reader));
        writer.flush();
        assert!(gathers(&mut reader));
        assert_eq!(std::iter::from_fn(|| reader.read()).count(), 20);
    }
    assert_eq!(count.readable.load(Ordering::SeqCst), 0);
    assert_eq!(reader.arm(), QueueState::Empty);
    drop(writer);
    assert_eq!(count.readable.load(Ordering::SeqCst), 1);
    assert!(!gathers(&mut reader));
    assert_eq!(reader.poll(), QueueState::Closed);
}
