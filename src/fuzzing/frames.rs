//! Frames of each version, and the commands in them.

use crate::fuzzing::input::{Input, pieces};
use crate::message::{ByteSource, Message, ReceiveBuffer};
use crate::zmtp::{
    Command, FrameDecoder, MAX_HEADER, ProtocolError, Version, encode_header, ping, pong,
};
use std::io;
use std::mem::MaybeUninit;

/// A piece of the stream, read once.
struct Piece<'a>(&'a [u8]);

// SAFETY: `read` initialises as many bytes as it says.
#[allow(unsafe_code)]
unsafe impl ByteSource for Piece<'_> {
    fn read(&mut self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let count = buffer.len().min(self.0.len());
        let (taken, rest) = self.0.split_at(count);
        buffer[..count].write_copy_of_slice(taken);
        self.0 = rest;
        Ok(count)
    }
}

/// What a stream holds, and how it ends.
pub(super) type Frames = (Vec<Message>, Result<(), ProtocolError>);

/// Decodes a stream as a connection does: it reads into the buffer, or into a long body.
pub(super) fn decode(version: Version, max: Option<u64>, room: usize, pieces: &[&[u8]]) -> Frames {
    let mut buffer = ReceiveBuffer::with_capacity(room).expect("memory");
    let mut decoder = FrameDecoder::new(version, max);
    let mut frames = Vec::new();
    for piece in pieces {
        let mut source = Piece(piece);
        while !source.0.is_empty() {
            match decoder.body_in_progress() {
                Some(body) => body.fill(&mut source),
                None => buffer.fill(&mut source, decoder.forecast(&buffer), 0, usize::MAX),
            }
            .expect("room");
            loop {
                let mut frame = Message::new();
                match decoder.poll_frame(&mut buffer, &mut frame) {
                    Ok(true) => frames.push(frame),
                    Ok(false) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
        }
    }
    (frames, Ok(()))
}

fn frames(version: Version, data: &[u8]) {
    let input = &mut Input::new(data);
    let (seed, room) = (input.byte(), 32 + usize::from(input.byte()));
    let max = input.choice(&[None, Some(0), Some(100), Some(u64::MAX)]);
    let stream = input.rest();
    let (whole, end) = decode(version, max, 64 * 1024, &[stream]);
    let (cut, cut_end) = decode(version, max, room, &pieces(stream, seed));
    assert_eq!(end, cut_end);
    assert_eq!(whole.len(), cut.len());
    let mut written = Vec::new();
    for (message, other) in whole.iter().zip(&cut) {
        assert_eq!(message.data(), other.data());
        assert_eq!((message.more(), message.is_command()), (other.more(), other.is_command()));
        assert!(max.is_none_or(|max| message.len() as u64 <= max));
        assert!(version >= Version::V3_0 || !message.is_command());
        let mut header = [0; MAX_HEADER];
        let length = encode_header(version, message, &mut header);
        written.extend_from_slice(&header[..length]);
        written.extend_from_slice(message.data());
    }
    // What we write of them reads the same.
    let (again, end) = decode(version, None, 64 * 1024, &[&written]);
    assert_eq!(end, Ok(()));
    assert!(again.iter().map(Message::data).eq(whole.iter().map(Message::data)));
}

pub(super) fn version_1(data: &[u8]) {
    frames(Version::V1, data);
}

pub(super) fn version_2(data: &[u8]) {
    frames(Version::V2, data);
}

pub(super) fn version_3(data: &[u8]) {
    frames(Version::V3_1, data);
}

pub(super) fn commands(data: &[u8]) {
    let Ok(command) = Command::parse(data) else {
        return;
    };
    let written = match command {
        Command::Subscription(subscription) => subscription.to_command(),
        Command::Membership(membership) => membership.to_membership(),
        Command::Ping(time_to_live, context) => {
            assert!(context.len() <= 16);
            ping(time_to_live, context)
        }
        Command::Pong(context) => pong(context),
        Command::Error(reason) => {
            let _ = crate::zmtp::mechanism::error_of(reason);
            return;
        }
        Command::Unknown(_) => return,
    };
    assert!(written.is_command());
    assert_eq!(Command::parse(written.data()), Ok(command));
}
