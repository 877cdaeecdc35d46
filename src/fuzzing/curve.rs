//! CURVE against a peer that holds keys: what it seals is well-formed but for the changes that the
//! input makes, before and after sealing, so the fuzzer gets behind the cryptography.

use crate::fuzzing::frames::decode;
use crate::fuzzing::handshake::{Setup, command, greeting_of, properties, take};
use crate::fuzzing::input::Input;
use crate::zmtp::{
    CurveClient, CurveKey, CurveServer, Handshake, Mechanism, Peer, Protection, ProtocolError,
    Version,
};
use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_easy_afternm, crypto_box_open_easy_afternm,
    crypto_box_seed_keypair,
};
use std::sync::LazyLock;

/// Bytes that a box adds.
const MAC: usize = 16;

struct Keys {
    public: CurveKey,
    secret: CurveKey,
}

/// Long-term keys of ours and of the peer, and the peer's for this connection.
static OWN: LazyLock<Keys> = LazyLock::new(|| keys(1));
static PEER: LazyLock<Keys> = LazyLock::new(|| keys(2));
static TRANSIENT: LazyLock<Keys> = LazyLock::new(|| keys(3));

fn keys(seed: u8) -> Keys {
    let (public, secret) = crypto_box_seed_keypair(&[seed; 32]);
    Keys { public, secret }
}

/// What two holders of keys share; for keys that give no shared secret, anything.
fn shared(public: &[u8], secret: &CurveKey) -> CurveKey {
    let public = public.try_into().expect("a key");
    crypto_box_beforenm(&public, secret).unwrap_or([0; 32])
}

fn nonce(prefix: &[u8], rest: &[u8]) -> [u8; 24] {
    [prefix, rest].concat().try_into().expect("24 bytes")
}

fn seal(key: &CurveKey, nonce: &[u8; 24], plain: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; plain.len() + MAC];
    crypto_box_easy_afternm(&mut sealed, plain, nonce, key).expect("it fits");
    sealed
}

fn open(key: &CurveKey, nonce: &[u8; 24], sealed: &[u8]) -> Vec<u8> {
    let mut plain = vec![0; sealed.len() - MAC];
    crypto_box_open_easy_afternm(&mut plain, sealed, nonce, key).expect("what ours sealed");
    plain
}

/// A counter that a peer would use, or any.
fn counter(input: &mut Input<'_>, usual: u64) -> [u8; 8] {
    match input.byte() % 8 {
        5 => 0,
        6 => u64::MAX,
        7 => usual - 1,
        _ => usual,
    }
    .to_be_bytes()
}

/// One connection: ours, and what came for it.
struct Connection {
    own: Handshake,
    unread: Vec<u8>,
    setup: Setup,
}

impl Connection {
    fn new(input: &mut Input<'_>, mechanism: Box<dyn Mechanism>) -> Self {
        let setup = Setup::from(input);
        let own = setup.handshake(mechanism);
        Self { own, unread: greeting_of("CURVE", 1), setup }
    }

    /// Hands a command over; what ours answers, as the command's data.
    fn exchange(&mut self, frame: Vec<u8>, name: &str) -> Result<Option<Vec<u8>>, ProtocolError> {
        self.unread.extend(frame);
        self.own.poll_output(&mut Vec::new());
        let outcome = take(&mut self.own, &mut self.unread, self.setup.verdict);
        let mut said = Vec::new();
        self.own.poll_output(&mut said);
        outcome?;
        assert!(self.unread.len() < 66_000, "a handshake that takes in whatever comes");
        // Behind a greeting, if ours is the first.
        let start = said.windows(name.len()).position(|window| window == name.as_bytes());
        Ok(start.map(|start| said[start + name.len()..].to_vec()))
    }

    /// The next command: well-formed but for the changes, or something else first.
    fn command(input: &mut Input<'_>, name: &str, data: Vec<u8>) -> Vec<u8> {
        let mut frames = Vec::new();
        if input.byte() % 16 == 15 {
            let names = [&b"HELLO"[..], b"WELCOME", b"INITIATE", b"READY", b"ERROR", b"MESSAGE"];
            frames = command(input.choice(&names), input.field());
        }
        frames.extend(command(name.as_bytes(), &input.change(data)));
        frames
    }

    fn established(&mut self) -> Option<(Peer, Protection)> {
        let peer = self.own.poll_established()?;
        assert!(peer.version >= Version::V3_0);
        Some((peer, self.own.protection().expect("CURVE protects")))
    }
}

pub(super) fn server(data: &[u8]) {
    let _ = serve(&mut Input::new(data));
}

/// A hostile client.
fn serve(input: &mut Input<'_>) -> Result<(), ProtocolError> {
    let mechanism = CurveServer::new(OWN.public, &OWN.secret);
    let mut connection = Connection::new(input, Box::new(mechanism));
    let hello_key = shared(&OWN.public, &TRANSIENT.secret);
    let count = counter(input, 1);
    let zeros = input.change(vec![0; 64]);
    let sealed = seal(&hello_key, &nonce(b"CurveZMQHELLO---", &count), &zeros);
    let hello = [&[1, 0], &[0; 72][..], &TRANSIENT.public, &count, &sealed].concat();
    let hello = Connection::command(input, "HELLO", hello);
    let Some(welcome) = connection.exchange(hello, "\x07WELCOME")? else {
        return Ok(());
    };

    let (random, sealed) = welcome.split_at(16);
    let opened = open(&hello_key, &nonce(b"WELCOME-", random), sealed);
    let (server, cookie) = opened.split_at(32);
    let key = shared(server, &TRANSIENT.secret);
    let vouched = input.change([TRANSIENT.public, OWN.public].concat());
    let vouch_key = shared(server, &PEER.secret);
    let vouch = seal(&vouch_key, &nonce(b"VOUCH---", &[9; 16]), &vouched);
    let metadata = properties(input);
    let plain = input.change([&PEER.public, &[9; 16][..], &vouch, &metadata].concat());
    let count = counter(input, 2);
    let sealed = seal(&key, &nonce(b"CurveZMQINITIATE", &count), &plain);
    let initiate = [cookie, &count, &sealed].concat();
    let initiate = Connection::command(input, "INITIATE", initiate);
    connection.exchange(initiate, "\x05READY")?;

    let denied = connection.setup.authenticates && connection.setup.verdict.is_err();
    if let Some((_, protection)) = connection.established() {
        assert!(!denied, "who was denied is in");
        messages(input, &key, b"CurveZMQMESSAGEC", u64::from_be_bytes(count), protection);
    }
    Ok(())
}

pub(super) fn client(data: &[u8]) {
    let _ = join(&mut Input::new(data));
}

/// A hostile server.
fn join(input: &mut Input<'_>) -> Result<(), ProtocolError> {
    let mechanism = CurveClient::new(OWN.public, &OWN.secret, PEER.public);
    let mut connection = Connection::new(input, Box::new(mechanism));
    let Some(hello) = connection.exchange(Vec::new(), "\x05HELLO")? else {
        return Ok(());
    };
    let client: CurveKey = hello[74..106].try_into().expect("C'");
    let hello_key = shared(&client, &PEER.secret);
    let plain = input.change([&TRANSIENT.public[..], &[8; 96]].concat());
    let sealed = seal(&hello_key, &nonce(b"WELCOME-", &[7; 16]), &plain);
    let welcome = [&[7; 16][..], &sealed].concat();
    let welcome = Connection::command(input, "WELCOME", welcome);
    connection.exchange(welcome, "\x08INITIATE")?;

    let key = shared(&client, &TRANSIENT.secret);
    let count = counter(input, 1);
    let metadata = properties(input);
    let sealed = seal(&key, &nonce(b"CurveZMQREADY---", &count), &metadata);
    let ready = [&count[..], &sealed].concat();
    let ready = Connection::command(input, "READY", ready);
    connection.exchange(ready, "no answer")?;
    if let Some((_, protection)) = connection.established() {
        messages(input, &key, b"CurveZMQMESSAGES", u64::from_be_bytes(count), protection);
    }
    Ok(())
}

/// Messages: ours opens none twice, none that is older than another, and none that was changed.
fn messages(
    input: &mut Input<'_>,
    key: &CurveKey,
    prefix: &[u8; 16],
    mut last: u64,
    mut protection: Protection,
) {
    while last < u64::MAX && !input.is_empty() {
        let count = counter(input, last + 1);
        let plain = [&[input.byte()], input.field()].concat();
        let sealed = seal(key, &nonce(prefix, &count), &plain);
        let whole = [&b"\x07MESSAGE"[..], &count, &sealed].concat();
        let sent = input.change(whole.clone());
        let header = [&[2][..], &(sent.len() as u64).to_be_bytes()].concat();
        let stream = [header, sent.clone()].concat();
        let frame = decode(Version::V3_1, None, 64 * 1024, &[&stream]).0.pop().expect("a frame");
        let Ok(message) = protection.opener.open(frame) else {
            return;
        };
        assert_eq!(sent, whole, "a message that was changed");
        assert_eq!(message.data(), &plain[1..]);
        let count = u64::from_be_bytes(count);
        assert!(count > last, "a message that is not the next");
        last = count;
        protection.sealer.seal(&message, &mut Vec::new()).expect("it can be sealed");
    }
}
