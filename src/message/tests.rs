use super::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

static FREED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count_free(_: *mut c_void, hint: *mut c_void) {
    // SAFETY: the tests pass a counter that outlives the message.
    unsafe { &*hint.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
}

/// A stream in memory.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

// SAFETY: initialises as many bytes as it says.
unsafe impl ByteSource for Bytes<'_> {
    fn read(&mut self, buffer: &mut [std::mem::MaybeUninit<u8>]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.0.len());
        buffer[..count].write_copy_of_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| n as u8).collect()
}

#[test]
fn bytes_are_kept_at_every_size() {
    for length in (0..200).chain([511, 512, 513, 65_536]) {
        let bytes = pattern(length);
        let mut message = Message::from_slice(&bytes).unwrap();
        assert_eq!(message.data(), bytes);
        let copy = message.share();
        drop(message);
        assert_eq!(copy.data(), bytes);
    }
}

#[test]
fn free_function_runs_once_for_the_last_copy() {
    let mut memory = pattern(10);
    let hint = (&raw const FREED).cast_mut().cast();
    let mut place = MaybeUninit::uninit();
    let bytes = (memory.as_mut_ptr().cast(), 10);
    // SAFETY: `memory` outlives the messages; the hint is a static.
    let mut message = unsafe {
        assert!(Message::init_raw_over(place.as_mut_ptr(), bytes, Some(count_free), hint).unwrap());
        place.assume_init()
    };
    let copies: Vec<_> = message.share_among(5).take(3).collect();
    drop(message);
    let threads: Vec<_> =
        copies.into_iter().map(|copy| std::thread::spawn(move || drop(copy))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(FREED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_buffer_is_cut_into_messages_that_outlive_it() {
    let stream = pattern(100_000);
    let mut source = Bytes(&stream);
    let mut buffer = ReceiveBuffer::with_capacity(4096).unwrap();
    let (mut position, mut messages) = (0, Vec::new());
    for length in [1usize, 40, 41, 511, 512, 1000, 2000].iter().cycle() {
        while buffer.len() < *length {
            if buffer.fill(&mut source, Forecast::Unknown, 0, usize::MAX).unwrap().count == 0 {
                break;
            }
        }
        if buffer.len() < *length {
            break;
        }
        let mut message = Message::new();
        buffer.cut(*length, 0, &mut message).unwrap();
        messages.push((position, message));
        position += length;
    }
    drop(buffer);
    assert!(position > 95_000);
    for (position, message) in messages {
        assert_eq!(message.data(), &stream[position..position + message.len()]);
    }
}

#[test]
fn a_builder_grows_with_what_arrives() {
    let bytes = pattern(1_000_000);
    let mut builder = MessageBuilder::new(bytes.len(), 0).unwrap();
    assert_eq!(builder.append(&bytes[..10]).unwrap(), 10);
    let mut source = Bytes(&bytes[10..]);
    while builder.remaining() > 0 {
        assert!(builder.fill(&mut source).unwrap().count > 0);
    }
    assert_eq!(builder.finish().data(), bytes);
}

#[test]
fn a_closed_message_is_recognised() {
    let mut message = Message::from_slice(&pattern(100)).unwrap();
    let raw = &raw mut message;
    // SAFETY: points at a live message.
    unsafe {
        assert!(Message::from_raw(raw).is_some());
        assert!(Message::close_raw(raw));
        assert!(!Message::close_raw(raw));
        assert!(Message::from_raw(raw).is_none());
        assert!(Message::from_raw(std::ptr::null_mut()).is_none());
    }
}
