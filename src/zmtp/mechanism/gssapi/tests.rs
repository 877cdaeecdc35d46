use super::*;
use crate::message::ReceiveBuffer;
use crate::zmtp::frame::tests::next_frame;
use crate::zmtp::{FrameDecoder, Handshake, HandshakeConfig, Peer, SocketType, Version};

/// A context that needs this many tokens from each side, and numbers what it wraps.
struct Fake {
    server: bool,
    steps: usize,
    rounds: usize,
    wrapped: u8,
    unwrapped: u8,
}

impl SecurityContext for Fake {
    fn step(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), NoContext> {
        let first = self.steps == 0 && !self.server;
        if token.is_empty() != first || (!first && token != b"token") {
            return Err(NoContext);
        }
        self.steps += 1;
        let needed = self.rounds + !self.server as usize;
        let last = !self.server && self.steps == needed;
        Ok((if last { Vec::new() } else { b"token".to_vec() }, self.steps == needed))
    }

    fn peer(&self) -> &[u8] {
        b"alice@REALM"
    }

    fn wrap(&mut self, message: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext> {
        let mut wrapped = vec![self.wrapped];
        wrapped.extend(message.iter().map(|byte| byte ^ 0x55));
        self.wrapped += 1;
        take(&wrapped);
        Ok(())
    }

    fn unwrap(&mut self, wrapped: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext> {
        let (&number, sealed) = wrapped.split_first().ok_or(NoContext)?;
        if number != self.unwrapped {
            return Err(NoContext);
        }
        self.unwrapped += 1;
        let plain: Vec<u8> = sealed.iter().map(|byte| byte ^ 0x55).collect();
        take(&plain);
        Ok(())
    }
}

fn side(server: bool, encrypts: bool, rounds: usize) -> Handshake {
    with_context(Fake { server, steps: 0, rounds, wrapped: 0, unwrapped: 0 }, encrypts)
}

fn with_context(context: Fake, encrypts: bool) -> Handshake {
    let server = context.server;
    Handshake::new(HandshakeConfig {
        socket_type: if server { SocketType::Router } else { SocketType::Dealer },
        properties: Default::default(),
        routing_id: Vec::new(),
        mechanism: Box::new(Gssapi::new(server, encrypts, Box::new(context))),
        authenticates: false,
        refuses_old_peers: false,
    })
}

/// One side takes what it can of what came; tasks run at once. Returns what it sends.
fn feed(side: &mut Handshake, input: &mut Vec<u8>) -> Result<Vec<u8>, ProtocolError> {
    loop {
        let taken = side.handle_input(input)?;
        input.drain(..taken);
        match side.poll_task() {
            Some(task) => {
                assert_eq!(side.handle_input(input), Ok(0), "no input while computing");
                side.resume()?;
                assert!(side.poll_task().is_none(), "resumed before the task has run");
                task();
                side.resume()?;
            }
            None if taken == 0 => break,
            None => {}
        }
    }
    let mut output = Vec::new();
    side.poll_output(&mut output);
    Ok(output)
}

/// Both sides talk until they have nothing to say; returns all that went over the wire.
fn connect(client: &mut Handshake, server: &mut Handshake) -> Result<Vec<u8>, ProtocolError> {
    let (mut to_server, mut to_client, mut wire) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let sent = [feed(client, &mut to_client)?, feed(server, &mut to_server)?];
        if sent.iter().all(Vec::is_empty) {
            assert!(to_server.is_empty() && to_client.is_empty());
            return Ok(wire);
        }
        to_server.extend_from_slice(&sent[0]);
        to_client.extend_from_slice(&sent[1]);
        wire.extend(sent.concat());
    }
}

fn established(encrypts: bool) -> (Handshake, Handshake, Peer) {
    let (mut client, mut server) = (side(false, encrypts, 1), side(true, encrypts, 1));
    connect(&mut client, &mut server).unwrap();
    assert!(client.poll_established().is_some());
    let peer = server.poll_established().unwrap();
    (client, server, peer)
}

#[test]
fn both_sides_establish_whatever_number_of_tokens_it_takes() {
    for (encrypts, rounds) in [(true, 1), (false, 1), (true, 3), (false, 3)] {
        let (mut client, mut server) =
            (side(false, encrypts, rounds), side(true, encrypts, rounds));
        let wire = connect(&mut client, &mut server).unwrap();
        assert!(client.poll_established().unwrap().user_id.is_none());
        let peer = server.poll_established().unwrap();
        assert_eq!(peer.user_id.as_deref(), Some(&b"alice@REALM"[..]));
        assert_eq!(peer.socket_type, Some(SocketType::Dealer));
        assert_eq!(client.protection().is_some(), encrypts);
        let in_the_clear = wire.windows(5).any(|window| window == b"READY");
        assert_eq!(in_the_clear, !encrypts);
    }
}

#[test]
fn sides_that_disagree_on_encryption_do_not_establish() {
    for encrypts in [true, false] {
        let (mut client, mut server) = (side(false, encrypts, 1), side(true, !encrypts, 1));
        let outcome = connect(&mut client, &mut server);
        assert_eq!(outcome, Err(ProtocolError::UnexpectedCommand));
        assert!(client.poll_established().is_none() && server.poll_established().is_none());
    }
}

#[test]
fn a_context_that_fails_ends_the_connection() {
    // A client that made its first step already takes no empty token.
    let context = Fake { server: false, steps: 1, rounds: 1, wrapped: 0, unwrapped: 0 };
    let (mut client, mut server) = (with_context(context, true), side(true, true, 1));
    assert_eq!(connect(&mut client, &mut server), Err(ProtocolError::NoContext));
}

#[test]
fn what_is_out_of_place_is_refused() {
    let greeting = |tail: &[u8]| {
        let mut bytes = b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01GSSAPI".to_vec();
        bytes.resize(64, 0);
        bytes.extend_from_slice(tail);
        bytes
    };
    for (tail, error) in [
        (&b"\x04\x00"[..], ProtocolError::MalformedCommand),
        (b"\x04\x09\x08INITIATE", ProtocolError::MalformedInitiate),
        (b"\x04\x0F\x08INITIATE\0\0\0\x05ab", ProtocolError::MalformedInitiate),
        (b"\x04\x0F\x08INITIATE\0\0\0\x02ab", ProtocolError::NoContext),
        (b"\x04\x06\x05READY", ProtocolError::UnexpectedCommand),
        (b"\x04\x0A\x05ERROR\x03400", ProtocolError::UnexpectedCommand),
        (b"\x04\x0C\x07MESSAGE\0\0\0\0", ProtocolError::UnexpectedCommand),
    ] {
        let mut server = side(true, true, 1);
        assert_eq!(feed(&mut server, &mut greeting(tail)), Err(error));
    }
    let mut client = side(false, true, 1);
    let refused = feed(&mut client, &mut greeting(b"\x04\x0A\x05ERROR\x03400"));
    assert_eq!(refused, Err(ProtocolError::Denied(400)));
}

fn frames(stream: &[u8]) -> Vec<Message> {
    let mut decoder = FrameDecoder::new(Version::V3_1, None);
    let mut buffer = ReceiveBuffer::with_capacity(64 * 1024).unwrap();
    buffer.append(stream).unwrap();
    std::iter::from_fn(|| next_frame(&mut decoder, &mut buffer).unwrap()).collect()
}

#[test]
fn messages_are_sealed_and_opened_with_their_flags() {
    let (mut client, mut server, _) = established(true);
    let mut sealer = client.protection().unwrap().sealer;
    let mut opener = server.protection().unwrap().opener;
    for (body, more, command) in
        [(&b""[..], true, false), (b"text", false, false), (&[7; 5000], false, true)]
    {
        let mut message = Message::from_slice(body).unwrap();
        message.set_more(more);
        message.set_command(command);
        let mut wire = Vec::new();
        sealer.seal(&message, &mut wire).unwrap();
        let [frame] = &mut frames(&wire)[..] else { panic!("not one frame") };
        let opened = opener.open(frame.take()).unwrap();
        assert_eq!(opened.data(), body);
        assert_eq!((opened.more(), opened.is_command()), (more, command));
    }
}

#[test]
fn what_was_repeated_or_not_sealed_is_refused() {
    let (mut client, mut server, _) = established(true);
    let mut sealer = client.protection().unwrap().sealer;
    let mut opener = server.protection().unwrap().opener;
    let mut wire = Vec::new();
    sealer.seal(&Message::from_short(b"text"), &mut wire).unwrap();
    let [frame] = &mut frames(&wire)[..] else { panic!("not one frame") };
    assert!(opener.open(frame.share()).is_ok());
    assert_eq!(opener.open(frame.take()).err(), Some(ProtocolError::Cryptographic));
    for (body, error) in [
        (&b"text"[..], ProtocolError::UnexpectedCommand),
        (b"", ProtocolError::UnexpectedCommand),
        (b"\x07MESSAGE\0\0\0", ProtocolError::MalformedMessage),
        (b"\x07MESSAGE\0\0\0\x02x", ProtocolError::MalformedMessage),
        (b"\x07MESSAGE\0\0\0\0", ProtocolError::Cryptographic),
        // Sealed properly, but without flags.
        (b"\x07MESSAGE\0\0\0\x01\x02", ProtocolError::MalformedMessage),
    ] {
        assert_eq!(opener.open(Message::from_slice(body).unwrap()).err(), Some(error));
    }
}
