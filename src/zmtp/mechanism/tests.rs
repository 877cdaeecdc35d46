//! Two handshakes that talk to each other, and hostile ones.

use super::*;
use crate::message::ReceiveBuffer;
use crate::zmtp::frame::tests::next_frame;
use crate::zmtp::{
    FrameDecoder, Handshake, HandshakeConfig, Peer, SocketType, Version, encode_header,
};
use proptest::prelude::*;

fn handshake(socket_type: SocketType, mechanism: Box<dyn Mechanism>, asks: bool) -> Handshake {
    Handshake::new(HandshakeConfig {
        socket_type,
        properties: Default::default(),
        routing_id: b"id".to_vec(),
        mechanism,
        authenticates: asks,
        refuses_old_peers: false,
    })
}

struct Keys {
    public: CurveKey,
    secret: CurveKey,
}

fn keys() -> Keys {
    let (public, secret) = curve_keypair();
    Keys { public, secret: *secret }
}

fn curve_client(own: &Keys, server: &CurveKey) -> Box<dyn Mechanism> {
    Box::new(CurveClient::new(own.public, &own.secret, *server))
}

fn curve_server(own: &Keys) -> Box<dyn Mechanism> {
    Box::new(CurveServer::new(curve_public(&own.secret), &own.secret))
}

fn plain_client() -> Box<dyn Mechanism> {
    Box::new(PlainClient::new(b"name".to_vec(), Zeroizing::new(b"password".to_vec())))
}

/// What came of a handshake.
struct Outcome {
    client: Result<Option<Peer>, ProtocolError>,
    server: Result<Option<Peer>, ProtocolError>,
    /// What the server's ZAP handler was asked.
    asked: Vec<Vec<Vec<u8>>>,
}

/// Feeds what `wire` holds, at most `step` bytes more at a time; takes what was consumed off it.
fn feed(own: &mut Handshake, wire: &mut Vec<u8>, step: usize) -> Result<(), ProtocolError> {
    let mut offered = 0;
    while offered < wire.len() {
        offered = (offered + step).min(wire.len());
        loop {
            let taken = own.handle_input(&wire[..offered])?;
            wire.drain(..taken);
            offered -= taken;
            if taken == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Lets the two talk until nothing moves; the server's questions get this verdict.
fn talk(
    client: &mut Handshake,
    server: &mut Handshake,
    step: usize,
    verdict: Result<(), ProtocolError>,
) -> Outcome {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let mut asked = Vec::new();
    let (mut client_failed, mut server_failed) = (None, None);
    for _ in 0..20 {
        client.poll_output(&mut to_server);
        server.poll_output(&mut to_client);
        if server_failed.is_none() {
            server_failed = feed(server, &mut to_server, step).err();
        }
        if let Some(question) = server.poll_authentication() {
            asked.push(question.credentials.iter().map(|part| part.to_vec()).collect());
            server_failed = server.authorize(verdict).err();
        }
        if client_failed.is_none() {
            client_failed = feed(client, &mut to_client, step).err();
        }
    }
    Outcome {
        client: client_failed.map_or_else(|| Ok(client.poll_established()), Err),
        server: server_failed.map_or_else(|| Ok(server.poll_established()), Err),
        asked,
    }
}

fn established(outcome: &Outcome) {
    for (side, other) in [(&outcome.client, "ROUTER"), (&outcome.server, "DEALER")] {
        let peer = side.as_ref().unwrap().as_ref().expect("not established");
        assert_eq!(peer.version, Version::V3_1);
        assert_eq!(peer.socket_type.unwrap().name(), other);
        assert_eq!(peer.routing_id, b"id");
    }
}

#[test]
fn each_mechanism_establishes_at_every_step_of_the_stream() {
    let (own, other) = (keys(), keys());
    type Pair = (Box<dyn Mechanism>, Box<dyn Mechanism>, Vec<Vec<u8>>);
    let pairs: [&dyn Fn() -> Pair; 3] = [
        &|| (Box::<Null>::default(), Box::<Null>::default(), vec![]),
        &|| {
            let credentials = vec![b"name".to_vec(), b"password".to_vec()];
            (plain_client(), Box::<PlainServer>::default(), credentials)
        },
        &|| (curve_client(&own, &other.public), curve_server(&other), vec![own.public.to_vec()]),
    ];
    for pair in pairs {
        for step in [1, 2, 3, 7, 10, 63, 64, 65, 1000] {
            for asks in [false, true] {
                let (client, server, credentials) = pair();
                let mut client = handshake(SocketType::Dealer, client, false);
                let mut server = handshake(SocketType::Router, server, asks);
                let outcome = talk(&mut client, &mut server, step, Ok(()));
                established(&outcome);
                assert_eq!(outcome.asked, if asks { vec![credentials] } else { vec![] });
            }
        }
    }
}

#[test]
fn a_refusal_is_told_with_its_status() {
    for status in [400, 500] {
        let denied = ProtocolError::Denied(status);
        let own = keys();
        let pairs: [(Box<dyn Mechanism>, Box<dyn Mechanism>); 3] = [
            (Box::<Null>::default(), Box::<Null>::default()),
            (plain_client(), Box::<PlainServer>::default()),
            (curve_client(&keys(), &own.public), curve_server(&own)),
        ];
        for (client, server) in pairs {
            let mut client = handshake(SocketType::Dealer, client, false);
            let mut server = handshake(SocketType::Router, server, true);
            let outcome = talk(&mut client, &mut server, 1000, Err(denied));
            assert_eq!(outcome.server, Err(denied));
            assert_eq!(outcome.client, Err(denied));
        }
    }
}

#[test]
fn a_temporary_failure_is_not_told() {
    let mut client = handshake(SocketType::Dealer, plain_client(), false);
    let mut server = handshake(SocketType::Router, Box::<PlainServer>::default(), true);
    let outcome = talk(&mut client, &mut server, 1000, Err(ProtocolError::Denied(300)));
    assert_eq!(outcome.server, Err(ProtocolError::Denied(300)));
    assert_eq!(outcome.client, Ok(None));
}

fn curve_outcome(client: Box<dyn Mechanism>, server: Box<dyn Mechanism>) -> Outcome {
    let mut client = handshake(SocketType::Dealer, client, false);
    let mut server = handshake(SocketType::Router, server, false);
    talk(&mut client, &mut server, 1000, Ok(()))
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let (own, other, third) = (keys(), keys(), keys());
    let wrong_server = curve_outcome(curve_client(&own, &third.public), curve_server(&other));
    assert_eq!(wrong_server.server, Err(ProtocolError::Cryptographic));
    // The client knows somebody's public key, but not the secret one.
    let thief = Keys { public: third.public, secret: own.secret };
    let stolen = curve_outcome(curve_client(&thief, &other.public), curve_server(&other));
    assert_eq!(stolen.server, Err(ProtocolError::Cryptographic));
}

#[test]
fn keys_of_small_order_are_refused() {
    let (own, other) = (keys(), keys());
    let zero = CurveKey::default();
    let one = {
        let mut one = zero;
        one[0] = 1;
        one
    };
    for weak in [zero, one] {
        let server = curve_outcome(curve_client(&own, &weak), curve_server(&other));
        assert_eq!(server.client, Err(ProtocolError::Cryptographic));
        let client = Keys { public: weak, secret: own.secret };
        let client = curve_outcome(curve_client(&client, &other.public), curve_server(&other));
        assert_eq!(client.server, Err(ProtocolError::Cryptographic));
    }
}

#[test]
fn a_curve_server_can_be_the_one_that_connects() {
    // The roles of the mechanism do not depend on who connects: both greet at once.
    let (own, other) = (keys(), keys());
    let mut client = handshake(SocketType::Router, curve_client(&own, &other.public), false);
    let mut server = handshake(SocketType::Dealer, curve_server(&other), true);
    let outcome = talk(&mut server, &mut client, 5, Ok(()));
    assert!(outcome.client.is_ok() && outcome.server.is_ok());
}

#[test]
fn mechanisms_do_not_mix() {
    let own = keys();
    let all = || -> [Box<dyn Mechanism>; 3] {
        [Box::<Null>::default(), plain_client(), curve_client(&own, &own.public)]
    };
    for (number, server) in all().into_iter().enumerate() {
        let Some(client) = all().into_iter().nth((number + 1) % 3) else { continue };
        let outcome = curve_outcome(client, server);
        assert_eq!(outcome.client, Err(ProtocolError::MechanismMismatch));
        assert_eq!(outcome.server, Err(ProtocolError::MechanismMismatch));
    }
}

/// CVE-2014-7202, CVE-2014-9721.
#[test]
fn old_peers_do_not_get_past_a_mechanism_or_a_handler() {
    let old: [&[u8]; 3] =
        [b"\x01\x00", b"\xFF\0\0\0\0\0\0\0\x01\x7F\x00", b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05"];
    let own = keys();
    for greeting in old {
        let secure: [(Box<dyn Mechanism>, bool); 5] = [
            (plain_client(), false),
            (Box::<PlainServer>::default(), false),
            (curve_client(&own, &own.public), false),
            (curve_server(&own), false),
            (Box::<Null>::default(), true),
        ];
        for (mechanism, asks) in secure {
            let mut own = handshake(SocketType::Dealer, mechanism, asks);
            assert_eq!(own.handle_input(greeting), Err(ProtocolError::MechanismMismatch));
        }
        let mut null = handshake(SocketType::Dealer, Box::<Null>::default(), false);
        assert!(null.handle_input(greeting).is_ok());
        let mut strict = Handshake::new(HandshakeConfig {
            socket_type: SocketType::Dealer,
            properties: Default::default(),
            routing_id: Vec::new(),
            mechanism: Box::<Null>::default(),
            authenticates: false,
            refuses_old_peers: true,
        });
        assert_eq!(strict.handle_input(greeting), Err(ProtocolError::MechanismMismatch));
    }
}

/// An established CURVE connection: client's and server's protection.
fn protections() -> (Protection, Protection) {
    let (own, other) = (keys(), keys());
    let mut client = handshake(SocketType::Dealer, curve_client(&own, &other.public), false);
    let mut server = handshake(SocketType::Router, curve_server(&other), false);
    established(&talk(&mut client, &mut server, 1000, Ok(())));
    (client.protection().unwrap(), server.protection().unwrap())
}

fn message(bytes: &[u8], more: bool, command: bool) -> Message {
    let mut message = Message::from_slice(bytes).unwrap();
    message.set_more(more);
    message.set_command(command);
    message
}

/// The frames in a stream.
fn frames(stream: &[u8]) -> Vec<Message> {
    let mut buffer = ReceiveBuffer::with_capacity(stream.len() + 16).unwrap();
    buffer.append(stream).unwrap();
    let mut decoder = FrameDecoder::new(Version::V3_1, None);
    let mut frames = Vec::new();
    while let Some(frame) = next_frame(&mut decoder, &mut buffer).unwrap() {
        frames.push(frame);
    }
    frames
}

#[test]
fn sealed_messages_arrive_as_they_were() {
    let (client, server) = protections();
    for (mut sealer, mut opener) in [(client.sealer, server.opener), (server.sealer, client.opener)]
    {
        for length in [0, 1, 6, 7, 39, 40, 41, 222, 223, 5000, 70_000] {
            for (more, command) in [(false, false), (true, false), (false, true)] {
                let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
                let mut stream = Vec::new();
                sealer.seal(&message(&bytes, more, command), &mut stream).unwrap();
                for frame in frames(&stream) {
                    assert!(!frame.more() && !frame.is_command());
                    let got = opener.open(frame).unwrap();
                    assert_eq!(got.data(), bytes);
                    assert_eq!((got.more(), got.is_command()), (more, command));
                }
            }
        }
    }
}

/// CVE-2014-7203.
#[test]
fn a_replayed_or_reordered_message_is_refused() {
    let (mut client, mut server) = protections();
    let mut stream = Vec::new();
    for text in ["one", "two", "three"] {
        client.sealer.seal(&message(text.as_bytes(), false, false), &mut stream).unwrap();
    }
    let open = |server: &mut Protection, number: usize| {
        server.opener.open(frames(&stream).into_iter().nth(number).unwrap())
    };
    assert!(open(&mut server, 1).is_ok());
    assert_eq!(open(&mut server, 1).unwrap_err(), ProtocolError::InvalidSequence);
    assert_eq!(open(&mut server, 0).unwrap_err(), ProtocolError::InvalidSequence);
    assert!(open(&mut server, 2).is_ok());
    // Nor does the sender take its own message for the other's.
    let reflected = frames(&stream).into_iter().nth(2).unwrap();
    assert_eq!(client.opener.open(reflected).unwrap_err(), ProtocolError::Cryptographic);
}

#[test]
fn every_changed_bit_of_a_message_is_found() {
    let mut stream = Vec::new();
    let (mut client, mut server) = protections();
    client.sealer.seal(&message(b"pay 1", false, false), &mut stream).unwrap();
    for place in 2..stream.len() {
        for bit in 0..8 {
            let mut changed = stream.clone();
            changed[place] ^= 1 << bit;
            let frame = frames(&changed).pop().unwrap();
            assert!(server.opener.open(frame).is_err(), "byte {place}, bit {bit}");
        }
    }
    assert!(server.opener.open(frames(&stream).pop().unwrap()).is_ok());
}

#[test]
fn what_is_no_sealed_message_is_refused() {
    let (_, mut server) = protections();
    let wrong: [(&[u8], ProtocolError); 5] = [
        (b"", ProtocolError::MalformedCommand),
        (b"hello", ProtocolError::MalformedCommand),
        (b"hello world", ProtocolError::UnexpectedCommand),
        (b"\x07MESSAGE\0\0\0", ProtocolError::MalformedMessage),
        (b"\x07MESSAGE\0\0\0\0\0\0\0\x090123456789abcdef", ProtocolError::MalformedMessage),
    ];
    for (bytes, error) in wrong {
        let got = server.opener.open(message(bytes, false, false));
        assert_eq!(got.unwrap_err(), error, "{bytes:?}");
    }
}

/// A command of a handshake as a frame.
fn frame(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend_from_slice(name);
    body.extend_from_slice(data);
    let mut message = Message::from_slice(&body).unwrap();
    message.set_command(true);
    let mut header = [0; crate::zmtp::MAX_HEADER];
    let length = encode_header(Version::V3_1, &message, &mut header);
    [&header[..length], &body].concat()
}

fn greeting(mechanism: &[u8]) -> Vec<u8> {
    let mut greeting = b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01".to_vec();
    greeting.extend_from_slice(mechanism);
    greeting.resize(64, 0);
    greeting
}

/// CVE-2019-13132: a HELLO or INITIATE of any size.
#[test]
fn handshake_commands_of_any_size_are_refused() {
    let own = keys();
    for length in [0, 1, 198, 199, 200, 201, 1000, 60_000] {
        for name in [&b"HELLO"[..], b"INITIATE", b"READY", b"ERROR", b""] {
            let mut server = handshake(SocketType::Router, curve_server(&own), false);
            let mut wire = greeting(b"CURVE");
            wire.extend_from_slice(&frame(name, &vec![1; length]));
            assert!(feed(&mut server, &mut wire, 1 << 20).is_err(), "{name:?} {length}");
        }
    }
    // Announced but not sent: refused before it is waited for.
    let mut server = handshake(SocketType::Router, curve_server(&own), false);
    let mut wire = greeting(b"CURVE");
    wire.extend_from_slice(b"\x06\0\0\0\0\0\x10\0\0");
    assert_eq!(feed(&mut server, &mut wire, 1000), Err(ProtocolError::MalformedCommand));
}

#[test]
fn the_oldest_messages_of_a_connection_do_not_open_the_next_one() {
    let (own, other) = (keys(), keys());
    let mut recorded = Vec::new();
    let mut client = handshake(SocketType::Dealer, curve_client(&own, &other.public), false);
    let mut server = handshake(SocketType::Router, curve_server(&other), false);
    let (mut forth, mut back) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let mut out = Vec::new();
        client.poll_output(&mut out);
        recorded.extend_from_slice(&out);
        forth.append(&mut out);
        feed(&mut server, &mut forth, 1000).unwrap();
        server.poll_output(&mut back);
        feed(&mut client, &mut back, 1000).unwrap();
    }
    assert!(server.poll_established().is_some());
    let mut again = handshake(SocketType::Router, curve_server(&other), false);
    assert_eq!(feed(&mut again, &mut recorded, 1000), Err(ProtocolError::Cryptographic));
}

proptest! {
    /// Whatever comes behind a good greeting: no panic, and nobody gets in.
    #[test]
    fn random_commands_let_nobody_in(
        name in prop::sample::select(vec![
            &b"HELLO"[..], b"WELCOME", b"INITIATE", b"READY", b"ERROR", b"MESSAGE", b"X",
        ]),
        data in prop::collection::vec(any::<u8>(), 0..400),
        length in prop::sample::select(vec![None, Some(0), Some(160), Some(194), Some(257)]),
        kind in 0..5,
    ) {
        let own = keys();
        let mut data = data;
        if let Some(length) = length {
            data.resize(length, 7);
        }
        let mechanism: Box<dyn Mechanism> = match kind {
            0 => Box::<Null>::default(),
            1 => plain_client(),
            2 => Box::<PlainServer>::default(),
            3 => curve_client(&own, &own.public),
            _ => curve_server(&own),
        };
        let padded = mechanism.name().as_bytes().to_vec();
        let mut side = handshake(SocketType::Dealer, mechanism, true);
        let mut wire = greeting(&padded);
        wire.extend_from_slice(&frame(name, &data));
        let _ = feed(&mut side, &mut wire, 1000);
        prop_assert!(side.poll_established().is_none());
    }

    #[test]
    fn random_bytes_do_not_panic_a_handshake(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        good_greeting in any::<bool>(),
    ) {
        let own = keys();
        let mut wire = if good_greeting { greeting(b"CURVE") } else { Vec::new() };
        wire.extend_from_slice(&bytes);
        let mut server = handshake(SocketType::Router, curve_server(&own), false);
        let _ = feed(&mut server, &mut wire, 17);
        prop_assert!(server.poll_established().is_none());
    }
}
