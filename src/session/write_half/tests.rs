use super::*;
use crate::io::{ThreadSettings, start_thread};
use crate::pattern::DirectSend;
use crate::pipe::{Notify, PipeWriter, pipe};
use crate::transport::{Endpoint, Listener, TransportOptions};
use crate::zmtp::ProtocolError;
use std::io::Read;
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::Duration;

struct Nobody;

impl Notify for Nobody {
    fn readable(&self) {}
    fn writable(&self) {}
}

/// Seals this number of messages.
struct Tires(usize);

impl Sealer for Tires {
    fn seal(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        self.0 = self.0.checked_sub(1).ok_or(ProtocolError::InvalidSequence)?;
        out.extend_from_slice(message.data());
        Ok(())
    }
}

/// A connection, and its peer.
pub(in crate::session) fn connection() -> (Stream, TcpStream) {
    let endpoint = Endpoint::for_bind("tcp://127.0.0.1:*", false).unwrap();
    let listener = Listener::bind(&endpoint, &TransportOptions::default()).unwrap();
    let address = listener.endpoint().trim_start_matches("tcp://");
    let peer = TcpStream::connect(address).unwrap();
    loop {
        if let Some(stream) = listener.accept().unwrap() {
            return (stream, peer);
        }
    }
}

/// A writing half that is connected to a peer, and what fills its pipe.
struct Connected {
    half: WriteHalf,
    writer: PipeWriter,
    peer: TcpStream,
    reactor: Arc<ReactorHandle>,
    thread: JoinHandle<()>,
}

impl Connected {
    fn new(sealer: Option<Box<dyn Sealer>>) -> Self {
        let (reactor, thread) = start_thread(ThreadSettings::default()).unwrap();
        let (stream, peer) = connection();
        let (reader_end, writer_end) = (Arc::new(Nobody), Arc::new(Nobody));
        let (writer, reader) = pipe([None, None], false, reader_end, writer_end);
        let mut half = WriteHalf::default();
        half.set_pipe(reader);
        half.open(Arc::new(stream), 0, Some(Version::V3_1), sealer, Vec::new(), None);
        Self { half, writer, peer, reactor, thread }
    }

    fn send(&mut self, bodies: &[&[u8]]) -> WriteOutcome {
        for body in bodies {
            self.writer.write_unbounded(Message::from_slice(body).unwrap());
        }
        self.writer.flush();
        self.half.drive(&self.reactor)
    }

    /// Ends the connection; returns all that the peer was sent.
    fn end(mut self) -> Vec<u8> {
        self.half.disconnect(&self.reactor);
        let mut got = Vec::new();
        self.peer.read_to_end(&mut got).unwrap();
        self.reactor.stop();
        self.thread.join().unwrap();
        got
    }
}

#[test]
fn a_failed_seal_ends_the_connection_and_nothing_is_written_any_more() {
    let mut connected = Connected::new(Some(Box::new(Tires(3))));
    assert_eq!(connected.send(&[b"one, ", b"two"]), WriteOutcome::Idle);
    assert_eq!(connected.send(&[b", three", b", four"]), WriteOutcome::Failed);
    assert_eq!(connected.send(&[b", five"]), WriteOutcome::Failed);
    assert_eq!(connected.end(), b"one, two");
}

#[test]
fn other_connections_get_their_turn_after_a_bounded_number_of_bytes() {
    for size in [10, 1000, 10_000, 100_000] {
        let mut connected = Connected::new(None);
        let body = vec![0; size];
        let outcome = connected.send(&vec![&body[..]; 4 * WRITE_BUDGET / size]);
        // The kernel's buffer may be full before the turn is over.
        let bounded = matches!(outcome, WriteOutcome::Busy | WriteOutcome::Blocked);
        let sent = connected.end().len();
        // The last write begins within the turn.
        assert!(
            bounded && sent < WRITE_BUDGET + LARGE_BATCH + size,
            "{sent} bytes of {size} each, then {outcome:?}"
        );
    }
}

#[test]
fn what_a_broken_connection_did_not_take_waits_in_the_pipe_for_the_next() {
    let mut connected = Connected::new(None);
    assert_eq!(connected.send(&[b"not read"]), WriteOutcome::Idle);
    let (stream, peer) = connection();
    // With unread bytes: a reset.
    drop(std::mem::replace(&mut connected.peer, peer));
    let body = vec![7; 600_000];
    let Connected { half, reactor, .. } = &mut connected;
    let sent = half.write_directly(&body, Duration::ZERO, reactor).unwrap();
    assert_eq!(sent, DirectSend::Unsupported);
    assert!(half.has_failed());
    assert_eq!(connected.send(&[&body]), WriteOutcome::Failed);
    let Connected { half, reactor, peer, .. } = &mut connected;
    half.disconnect(reactor);
    half.open(Arc::new(stream), 0, Some(Version::V3_1), None, Vec::new(), None);
    let mut peer = peer.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut got = vec![0; 9 + 600_000];
        peer.read_exact(&mut got).unwrap();
        got
    });
    while half.drive(reactor) != WriteOutcome::Idle {
        half.unblock(reactor);
    }
    assert_eq!(reading.join().unwrap()[9..], body);
    assert_eq!(connected.end(), b"");
}
