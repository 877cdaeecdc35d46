use super::*;
use crate::io::{ThreadSettings, start_thread};
use crate::pipe::{Notify, pipe};
use crate::transport::{Endpoint, Listener, TransportOptions};
use crate::zmtp::ProtocolError;
use std::io::Read;
use std::net::TcpStream;

struct Nobody;

impl Notify for Nobody {
    fn readable(&self) {}
    fn writable(&self) {}
}

/// Seals so many messages.
struct Tires(usize);

impl Sealer for Tires {
    fn seal(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        self.0 = self.0.checked_sub(1).ok_or(ProtocolError::InvalidSequence)?;
        out.extend_from_slice(message.data());
        Ok(())
    }
}

#[test]
fn a_failed_seal_ends_the_connection_and_nothing_is_written_any_more() {
    let (reactor, thread) = start_thread(ThreadSettings::default()).unwrap();
    let endpoint = Endpoint::for_bind("tcp://127.0.0.1:*", false).unwrap();
    let listener = Listener::bind(&endpoint, &TransportOptions::default()).unwrap();
    let address = listener.endpoint().trim_start_matches("tcp://");
    let mut peer = TcpStream::connect(address).unwrap();
    let stream = loop {
        if let Some(stream) = listener.accept().unwrap() {
            break stream;
        }
    };
    let (told, heard) = (Arc::new(Nobody), Arc::new(Nobody));
    let (mut writer, reader) = pipe([None, None], false, told, heard);
    let mut half = WriteHalf::default();
    half.set_pipe(reader);
    let sealer = Some(Box::new(Tires(3)) as Box<dyn Sealer>);
    half.open(Arc::new(stream), 0, Some(Version::V3_1), sealer, Vec::new(), None);
    let mut send = |half: &mut WriteHalf, texts: &[&[u8]]| {
        for text in texts {
            writer.write_unbounded(Message::from_slice(text).unwrap());
        }
        writer.flush();
        half.drive(&reactor)
    };
    assert_eq!(send(&mut half, &[b"one, ", b"two"]), WriteOutcome::Idle);
    assert_eq!(send(&mut half, &[b", three", b", four"]), WriteOutcome::Failed);
    assert_eq!(send(&mut half, &[b", five"]), WriteOutcome::Failed);
    half.disconnect(&reactor);
    let mut got = String::new();
    peer.read_to_string(&mut got).unwrap();
    assert_eq!(got, "one, two");
    reactor.stop();
    thread.join().unwrap();
}
