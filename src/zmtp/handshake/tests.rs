use super::*;

fn handshake(socket_type: SocketType, id: &[u8]) -> Handshake {
    Handshake::new(HandshakeConfig {
        socket_type,
        properties: Default::default(),
        routing_id: id.to_vec(),
        mechanism: Box::new(crate::zmtp::Null::default()),
        authenticates: false,
        refuses_old_peers: false,
    })
}

/// Passes bytes between two handshakes, `step` at a time, until nothing moves.
fn connect(left: &mut Handshake, right: &mut Handshake, step: usize) -> Result<(), ProtocolError> {
    let (mut to_right, mut to_left) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        for (from, to, wire) in [(0, 1, &mut to_right), (1, 0, &mut to_left)] {
            let ends = [&mut *left, &mut *right];
            ends[from].poll_output(wire);
            let mut offered = wire.len().min(step);
            while offered <= wire.len() && offered > 0 {
                let taken = ends[to].handle_input(&wire[..offered])?;
                if taken > 0 {
                    wire.drain(..taken);
                    break;
                }
                if offered == wire.len() {
                    break;
                }
                offered = (offered + step).min(wire.len());
            }
        }
    }
    Ok(())
}

#[test]
fn two_peers_establish_3_1_at_every_step_of_the_stream() {
    for step in 1..100 {
        let mut dealer = handshake(SocketType::Dealer, b"me");
        let mut router = handshake(SocketType::Router, b"");
        connect(&mut dealer, &mut router, step).unwrap();
        let peer = router.poll_established().unwrap();
        assert_eq!(peer.version, Version::V3_1);
        assert_eq!(peer.socket_type, Some(SocketType::Dealer));
        assert_eq!(peer.routing_id, b"me");
        assert!(dealer.poll_established().is_some());
    }
}

#[test]
fn incompatible_types_are_refused() {
    let mut push = handshake(SocketType::Push, b"");
    let mut publisher = handshake(SocketType::Pub, b"");
    let refused = connect(&mut push, &mut publisher, 100);
    assert_eq!(refused, Err(ProtocolError::IncompatibleSocketType));
}

fn feed(own: &mut Handshake, mut stream: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ProtocolError> {
    loop {
        let taken = own.handle_input(stream)?;
        stream = &stream[taken..];
        if taken == 0 || own.state == State::Established {
            break;
        }
    }
    let mut out = Vec::new();
    own.poll_output(&mut out);
    Ok((out, stream.to_vec()))
}

#[test]
fn a_1_0_peer_gets_our_id_as_its_first_frame() {
    let mut own = handshake(SocketType::Router, b"abc");
    let (out, rest) = feed(&mut own, b"\x04\x00xyz\x02\x00m").unwrap();
    assert_eq!(out, b"\xFF\0\0\0\0\0\0\0\x04\x7Fabc");
    assert_eq!(rest, b"\x02\x00m");
    let peer = own.poll_established().unwrap();
    assert_eq!((peer.version, peer.routing_id.as_slice()), (Version::V1, &b"xyz"[..]));
}

#[test]
fn a_2_0_peer_gets_type_and_id() {
    let mut own = handshake(SocketType::Pull, b"");
    let (out, rest) = feed(&mut own, b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x08\0\0\0\x01m").unwrap();
    assert_eq!(out, b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x07\0\0");
    assert_eq!(rest, b"\0\x01m");
    let peer = own.poll_established().unwrap();
    assert_eq!((peer.version, peer.socket_type), (Version::V2, Some(SocketType::Push)));
}

#[test]
fn another_mechanism_is_refused() {
    let mut own = handshake(SocketType::Pull, b"");
    let mut greeting = b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x00PLAIN".to_vec();
    greeting.resize(64, 0);
    assert_eq!(feed(&mut own, &greeting), Err(ProtocolError::MechanismMismatch));
}

#[test]
fn a_peer_of_1_0_with_a_signature_gets_routing_ids_of_any_length() {
    for length in [0, 1, 253, 254, 255] {
        let mut own = handshake(SocketType::Dealer, &vec![7; length]);
        let mut sent = Vec::new();
        own.poll_output(&mut sent);
        let (greeting, revision_and_type) = ([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F], [0, 6]);
        own.handle_input(&[&greeting[..], &revision_and_type].concat()).unwrap();
        sent.clear();
        own.poll_output(&mut sent);
        // Our revision and type, and a frame of 1.0.
        let frame = &sent[2..];
        let header = Header::parse(Version::V1, frame).unwrap().unwrap();
        assert_eq!(header.body, length as u64);
        assert_eq!(frame.len(), header.length + length);
    }
}
