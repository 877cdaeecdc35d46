use super::*;
use crate::message::tests::Bytes;
use proptest::prelude::*;

fn encode(version: Version, messages: &[Message]) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        let mut header = [0; MAX_HEADER];
        let length = encode_header(version, message, &mut header);
        stream.extend_from_slice(&header[..length]);
        stream.extend_from_slice(message.data());
    }
    stream
}

/// The next whole frame, if it is there.
pub(in crate::zmtp) fn next_frame(
    decoder: &mut FrameDecoder,
    input: &mut ReceiveBuffer,
) -> Result<Option<Message>, ProtocolError> {
    let mut frame = Message::new();
    Ok(decoder.poll_frame(input, &mut frame)?.then_some(frame))
}

/// Decodes a stream that arrives in pieces which end at these positions.
fn decode(version: Version, stream: &[u8], cuts: &[usize]) -> Vec<Message> {
    let mut decoder = FrameDecoder::new(version, None);
    let mut buffer = ReceiveBuffer::with_capacity(64 * 1024).unwrap();
    let (mut position, mut messages) = (0, Vec::new());
    for end in cuts.iter().copied().chain([stream.len()]) {
        while position < end {
            buffer.append(&stream[position..end]).unwrap();
            position = end;
            while let Some(message) = next_frame(&mut decoder, &mut buffer).unwrap() {
                messages.push(message);
            }
        }
    }
    messages
}

fn message(length: usize, more: bool) -> Message {
    let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
    let mut message = Message::from_slice(&bytes).unwrap();
    message.set_more(more);
    message
}

#[test]
fn every_split_of_a_stream_gives_the_same_frames() {
    for version in [Version::V1, Version::V2, Version::V3_0, Version::V3_1] {
        let sent = [
            message(0, true),
            message(1, false),
            message(253, true),
            message(254, false),
            message(256, false),
        ];
        let stream = encode(version, &sent);
        for cut in 0..=stream.len() {
            let got = decode(version, &stream, &[cut]);
            assert_eq!(got.len(), sent.len());
            for (got, sent) in got.iter().zip(&sent) {
                assert_eq!((got.data(), got.more()), (sent.data(), sent.more()));
            }
        }
    }
}

proptest! {
    #[test]
    fn any_messages_survive_any_splits(
        lengths in prop::collection::vec((0usize..40_000, any::<bool>()), 1..6),
        mut cuts in prop::collection::vec(0usize..60_000, 0..6),
        version in prop::sample::select(vec![Version::V1, Version::V2, Version::V3_1]),
    ) {
        let sent: Vec<_> = lengths.iter().map(|(length, more)| message(*length, *more)).collect();
        let stream = encode(version, &sent);
        // A test buffer does not move its contents: keep the stream within it.
        prop_assume!(stream.len() < 60_000);
        cuts.retain(|cut| *cut < stream.len());
        cuts.sort_unstable();
        let got = decode(version, &stream, &cuts);
        prop_assert_eq!(got.len(), sent.len());
        for (got, sent) in got.iter().zip(&sent) {
            prop_assert_eq!(got.data(), sent.data());
            prop_assert_eq!(got.more(), sent.more());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), v1 in any::<bool>()) {
        let version = if v1 { Version::V1 } else { Version::V3_1 };
        let mut decoder = FrameDecoder::new(version, Some(1000));
        let mut buffer = ReceiveBuffer::with_capacity(1024).unwrap();
        buffer.append(&bytes).unwrap();
        while let Ok(Some(message)) = next_frame(&mut decoder, &mut buffer) {
            if message.is_command() {
                let _ = super::super::Command::parse(message.data());
            }
        }
    }
}

/// CVE-2019-6250, and CVE-2021-20235 for 1.0: lengths that overflow when a header is added to
/// them, or what comes of that to the buffer's position.
#[test]
fn impossible_lengths_are_refused_before_memory_is_had() {
    for length in [u64::MAX, u64::MAX - 1, u64::MAX - 9, 1 << 63, (1 << 63) - 1] {
        for version in [Version::V1, Version::V2, Version::V3_0, Version::V3_1] {
            let mut buffer = ReceiveBuffer::with_capacity(1024).unwrap();
            buffer.append(&[if version == Version::V1 { 0xFF } else { LARGE }]).unwrap();
            buffer.append(&length.to_be_bytes()).unwrap();
            buffer.append(&[0; 64]).unwrap();
            let refused = next_frame(&mut FrameDecoder::new(version, None), &mut buffer);
            assert!(refused.is_err(), "{version:?}, {length}");
        }
    }
    let mut buffer = ReceiveBuffer::with_capacity(1024).unwrap();
    buffer.append(&[0, 101]).unwrap();
    let refused = next_frame(&mut FrameDecoder::new(Version::V3_1, Some(100)), &mut buffer);
    assert_eq!(refused.unwrap_err(), ProtocolError::MessageTooLarge);
}

/// Decodes a stream as a connection does: it reads into the buffer, or into a long body, and gets
/// no more at a time than these sizes say, in turn.
fn read(stream: &[u8], sizes: &[usize], chunk: usize, lead: usize) -> Vec<Message> {
    let mut decoder = FrameDecoder::new(Version::V3_1, None).with_lead(lead);
    let mut buffer = ReceiveBuffer::with_capacity(chunk).unwrap();
    let (mut messages, mut rest) = (Vec::new(), stream);
    for size in sizes.iter().cycle() {
        let mut source = Bytes(&rest[..rest.len().min(*size)]);
        let filled = match decoder.body_in_progress() {
            Some(body) => body.fill(&mut source),
            None => buffer.fill(&mut source, decoder.forecast(&buffer), *size, usize::MAX),
        };
        rest = &rest[filled.unwrap().count..];
        while let Some(message) = next_frame(&mut decoder, &mut buffer).unwrap() {
            messages.push(message);
        }
        if rest.is_empty() {
            break;
        }
    }
    assert!(buffer.is_empty());
    messages
}

fn address(message: &Message) -> usize {
    message.data().as_ptr().addr()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn long_bodies_are_aligned_however_they_arrive(
        lengths in prop::collection::vec(
            prop_oneof![0usize..60, 400usize..9_000, 8_000usize..90_000],
            1..12,
        ),
        repeat in 1..6usize,
        sizes in prop::collection::vec(1usize..90_000, 1..6),
        chunk in prop_oneof![Just(8128usize), 40usize..5_000],
        lead in prop_oneof![Just(0usize), Just(33)],
    ) {
        let lengths = lengths.repeat(repeat);
        let sent: Vec<_> = lengths.iter().map(|length| message(*length, false)).collect();
        let got = read(&encode(Version::V3_1, &sent), &sizes, chunk, lead);
        prop_assert_eq!(got.len(), sent.len());
        for (got, sent) in got.iter().zip(&sent) {
            prop_assert!(got.data() == sent.data());
            prop_assert!(got.len() <= ALIGNED_ABOVE || (address(got) + lead).is_multiple_of(16));
        }
    }
}

#[test]
fn frames_of_equal_length_stay_where_they_were_read_to() {
    for length in [1_000, 7_000, 10_000, 60_000] {
        let sent: Vec<_> = (0..60).map(|_| message(length, false)).collect();
        let stream = encode(Version::V3_1, &sent);
        let mut decoder = FrameDecoder::new(Version::V3_1, None);
        let mut buffer = ReceiveBuffer::new().unwrap();
        let (mut source, mut messages, mut apart) = (Bytes(&stream), Vec::new(), 0);
        while !source.0.is_empty() {
            buffer.fill(&mut source, decoder.forecast(&buffer), 64 * 1024, usize::MAX).unwrap();
            // What is no part of what is unread was copied.
            loop {
                buffer.settle();
                let unread = buffer.unread().as_ptr_range();
                let Some(message) = next_frame(&mut decoder, &mut buffer).unwrap() else {
                    break;
                };
                apart += !unread.contains(&message.data().as_ptr()) as usize;
                messages.push(message);
            }
        }
        assert_eq!(messages.len(), sent.len());
        // Nothing is known of the first two, and what the first read has behind them is in pieces.
        assert!(apart <= 10, "{length}: {apart} were copied");
        let aligned = messages.iter().filter(|message| address(message).is_multiple_of(16)).count();
        assert!(length == 1_000 || aligned >= 50, "{length}: {aligned} are aligned");
    }
}
