//! Greetings of each version, and the mechanisms that need no keys.

use crate::fuzzing::input::{Input, pieces};
use crate::zmtp::{
    Handshake, HandshakeConfig, Mechanism, Null, Peer, PlainClient, PlainServer, ProtocolError,
    SocketType, Version,
};

/// What came of a handshake.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub peer: Result<Option<Peer>, ProtocolError>,
    /// What we said.
    pub output: Vec<u8>,
    /// Bytes that do not belong to the handshake.
    pub rest: Vec<u8>,
}

/// How ours is set up.
pub(super) struct Setup {
    pub socket_type: SocketType,
    pub authenticates: bool,
    pub refuses_old_peers: bool,
    pub verdict: Result<(), ProtocolError>,
}

impl Setup {
    pub(super) fn from(input: &mut Input<'_>) -> Self {
        let flags = input.byte();
        let verdicts = [
            Ok(()),
            Err(ProtocolError::Denied(300)),
            Err(ProtocolError::Denied(400)),
            Err(ProtocolError::NoAuthenticator),
        ];
        Self {
            socket_type: SocketType::from_value(i32::from(flags & 15) % 11).expect("a type"),
            authenticates: flags & 16 != 0,
            refuses_old_peers: flags & 32 != 0,
            verdict: verdicts[usize::from(flags >> 6)],
        }
    }

    pub(super) fn handshake(&self, mechanism: Box<dyn Mechanism>) -> Handshake {
        Handshake::new(HandshakeConfig {
            socket_type: self.socket_type,
            properties: Default::default(),
            routing_id: b"fuzz".to_vec(),
            mechanism,
            authenticates: self.authenticates,
            refuses_old_peers: self.refuses_old_peers,
        })
    }
}

/// Takes what came as a session does; whatever is not consumed stays in `unread`.
pub(super) fn take(
    own: &mut Handshake,
    unread: &mut Vec<u8>,
    verdict: Result<(), ProtocolError>,
) -> Result<(), ProtocolError> {
    loop {
        let taken = own.handle_input(unread)?;
        assert!(taken <= unread.len());
        unread.drain(..taken);
        let mut moved = taken > 0;
        if own.poll_authentication().is_some() {
            own.authorize(verdict)?;
            moved = true;
        }
        if let Some(task) = own.poll_task() {
            task();
            own.resume()?;
            moved = true;
        }
        if !moved {
            return Ok(());
        }
    }
}

/// A whole handshake with a peer that sends all at once, in pieces.
fn converse(setup: &Setup, mechanism: Box<dyn Mechanism>, wire: &[u8], seed: u8) -> Outcome {
    let named = mechanism.name() != "NULL";
    let client = named && !mechanism.is_server();
    let mut own = setup.handshake(mechanism);
    let mut outcome = Outcome { peer: Ok(None), output: Vec::new(), rest: Vec::new() };
    for piece in pieces(wire, seed) {
        outcome.rest.extend_from_slice(piece);
        if outcome.peer.is_ok()
            && let Err(error) = take(&mut own, &mut outcome.rest, setup.verdict)
        {
            outcome.peer = Err(error);
        }
        own.poll_output(&mut outcome.output);
    }
    if outcome.peer.is_ok() {
        outcome.peer = Ok(own.poll_established());
    }
    if let Ok(Some(peer)) = &outcome.peer {
        let secure = named || setup.authenticates || setup.refuses_old_peers;
        assert!(!secure || peer.version >= Version::V3_0, "a downgrade to {:?}", peer.version);
        // Clients ask no handler.
        let denied = setup.authenticates && setup.verdict.is_err() && !client;
        assert!(!denied, "who was denied is in");
        assert!(peer.routing_id.len() <= 255);
    }
    outcome
}

/// The outcome does not depend on how the bytes arrive.
fn compare(setup: &Setup, mechanism: &dyn Fn() -> Box<dyn Mechanism>, wire: &[u8], seed: u8) {
    let whole = converse(setup, mechanism(), wire, 0);
    let cut = converse(setup, mechanism(), wire, seed);
    assert_eq!(whole.peer, cut.peer);
    assert_eq!(whole.output, cut.output);
    assert!(whole.peer.is_err() || whole.rest == cut.rest);
}

/// The greeting of ZMTP 3 with this mechanism.
pub(super) fn greeting_of(mechanism: &str, minor: u8) -> Vec<u8> {
    let mut greeting = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, minor];
    greeting.extend_from_slice(mechanism.as_bytes());
    greeting.resize(64, 0);
    greeting
}

/// A command with its frame.
pub(super) fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    let length = 1 + name.len() + data.len();
    let mut frame = match u8::try_from(length) {
        Ok(length) => vec![4, length],
        Err(_) => [&[6][..], &(length as u64).to_be_bytes()].concat(),
    };
    frame.push(name.len() as u8);
    frame.extend_from_slice(name);
    frame.extend_from_slice(data);
    frame
}

/// A list of properties, well-formed until it is changed.
pub(super) fn properties(input: &mut Input<'_>) -> Vec<u8> {
    let mut list = Vec::new();
    for _ in 0..input.byte() % 16 {
        let name = match input.byte() % 4 {
            0 => &b"Socket-Type"[..],
            1 => b"Identity",
            2 => b"X-any",
            _ => input.field(),
        };
        let value = match input.byte() % 4 {
            0 => &b"DEALER"[..],
            1 => b"ROUTER",
            2 => b"PUB",
            _ => input.field(),
        };
        list.push(name.len() as u8);
        list.extend_from_slice(name);
        list.extend_from_slice(&(value.len() as u32).to_be_bytes());
        list.extend_from_slice(value);
    }
    input.change(list)
}

/// Any bytes from the first on, whatever the mechanism.
pub(super) fn greeting(data: &[u8]) {
    let input = &mut Input::new(data);
    let (setup, kind, seed) = (Setup::from(input), input.byte(), input.byte());
    let mechanism = || -> Box<dyn Mechanism> {
        match kind % 3 {
            0 => Box::<Null>::default(),
            1 => Box::<PlainServer>::default(),
            _ => Box::new(PlainClient::new(b"name".to_vec(), b"password".to_vec().into())),
        }
    };
    compare(&setup, &mechanism, input.rest(), seed);
}

/// Commands behind a good greeting: raw bytes, or frames that hold something.
fn mechanism(data: &[u8], names: &[&[u8]], mechanism: &dyn Fn() -> Box<dyn Mechanism>) {
    let input = &mut Input::new(data);
    let (setup, seed, minor) = (Setup::from(input), input.byte(), input.byte());
    let mut wire = greeting_of(mechanism().name(), minor);
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => wire.extend_from_slice(input.field()),
            1 | 2 => wire.extend(command(input.choice(names), &properties(input))),
            3 => wire.extend(command(input.field(), input.field())),
            4 => {
                let (name, password) = (input.field(), input.field());
                let (first, second) = ([name.len() as u8], [password.len() as u8]);
                let data = [&first, name, &second, password].concat();
                wire.extend(command(input.choice(names), &input.change(data)));
            }
            _ => wire.extend(command(input.choice(names), input.field())),
        }
    }
    compare(&setup, mechanism, &wire, seed);
}

pub(super) fn null(data: &[u8]) {
    mechanism(data, &[b"READY", b"ERROR"], &|| Box::<Null>::default());
}

pub(super) fn plain_client(data: &[u8]) {
    let client = || -> Box<dyn Mechanism> {
        Box::new(PlainClient::new(b"name".to_vec(), b"password".to_vec().into()))
    };
    mechanism(data, &[b"WELCOME", b"READY", b"ERROR"], &client);
}

pub(super) fn plain_server(data: &[u8]) {
    mechanism(data, &[b"HELLO", b"INITIATE", b"ERROR"], &|| Box::<PlainServer>::default());
}

/// What READY contains of a peer, nothing else.
pub(super) fn metadata(data: &[u8]) {
    let input = &mut Input::new(data);
    let setup = Setup { authenticates: false, ..Setup::from(input) };
    let list = if input.flag() { properties(input) } else { input.rest().to_vec() };
    let wire = [greeting_of("NULL", 1), command(b"READY", &list)].concat();
    let outcome = converse(&setup, Box::<Null>::default(), &wire, 0);
    if let Ok(peer) = outcome.peer {
        let peer = peer.expect("READY ends the handshake");
        assert!(peer.properties.len() <= 128);
        let bytes: usize = peer.properties.iter().map(|(_, value)| value.len()).sum();
        assert!(bytes <= list.len());
    }
}
