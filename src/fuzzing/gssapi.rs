//! GSSAPI's commands, beside a security context that is none: the Kerberos library has its own
//! tests, and only what is around its tokens is ours.

use crate::fuzzing::frames::decode;
use crate::fuzzing::handshake::{Setup, command, greeting_of, properties, take};
use crate::fuzzing::input::Input;
use crate::zmtp::{Gssapi, NoContext, SecurityContext, Version};

/// What a wrapped message begins with, and what each byte of it is mixed with.
const MARK: u8 = 0x60;
const MASK: u8 = 0x55;

/// Answers each step as the input has it.
struct Scripted {
    /// For each step: token of how many bytes, complete, failed.
    steps: Vec<u8>,
}

impl SecurityContext for Scripted {
    fn step(&mut self, _: &[u8]) -> Result<(Vec<u8>, bool), NoContext> {
        match self.steps.pop().unwrap_or(1) {
            255 => Err(NoContext),
            step => Ok((vec![7; usize::from(step >> 1)], step & 1 != 0)),
        }
    }

    fn peer(&self) -> &[u8] {
        b"client@REALM"
    }

    fn wrap(&mut self, message: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext> {
        take(&wrapped(message));
        Ok(())
    }

    fn unwrap(&mut self, wrapped: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext> {
        let [MARK, body @ ..] = wrapped else {
            return Err(NoContext);
        };
        let plain: Vec<_> = body.iter().map(|byte| byte ^ MASK).collect();
        take(&plain);
        Ok(())
    }
}

fn wrapped(plain: &[u8]) -> Vec<u8> {
    std::iter::once(MARK).chain(plain.iter().map(|byte| byte ^ MASK)).collect()
}

/// Bytes behind their length of four.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

pub(super) fn client(data: &[u8]) {
    run(data, false);
}

pub(super) fn server(data: &[u8]) {
    run(data, true);
}

fn run(data: &[u8], server: bool) {
    let input = &mut Input::new(data);
    let (setup, encrypts) = (Setup::from(input), input.flag());
    let context = Scripted { steps: input.field().to_vec() };
    let mut own = setup.handshake(Box::new(Gssapi::new(server, encrypts, Box::new(context))));
    let mut unread = greeting_of("GSSAPI", 1);
    let mut peer = None;
    while peer.is_none() {
        if take(&mut own, &mut unread, setup.verdict).is_err() {
            return;
        }
        own.poll_output(&mut Vec::new());
        peer = own.poll_established();
        if input.is_empty() || unread.len() > 1 << 17 {
            break;
        }
        if peer.is_none() {
            unread.extend(next(input));
        }
    }
    let Some(peer) = peer else {
        return;
    };
    assert!(peer.version >= Version::V3_0);
    assert_eq!(peer.user_id.is_some(), server);
    assert!(!server || !setup.authenticates || setup.verdict.is_ok(), "who was denied is in");
    let Some(mut protection) = own.protection() else {
        return assert!(!encrypts);
    };
    let mut stream = Vec::new();
    while !input.is_empty() {
        // The flags of a message, and its body.
        let plain = [&[input.byte() & 3], input.field()].concat();
        let sealed = sized(&input.change(wrapped(&plain)));
        let whole = input.change([&b"\x07MESSAGE"[..], &sealed].concat());
        stream.extend_from_slice(&[2]);
        stream.extend_from_slice(&(whole.len() as u64).to_be_bytes());
        stream.extend_from_slice(&whole);
    }
    for frame in decode(Version::V3_1, None, 64 * 1024, &[&stream]).0 {
        let Ok(message) = protection.opener.open(frame) else {
            return;
        };
        let mut sealed = Vec::new();
        protection.sealer.seal(&message, &mut sealed).expect("it can be sealed");
        let again = decode(Version::V3_1, None, 64 * 1024, &[&sealed]).0.pop().expect("a frame");
        let again = protection.opener.open(again).expect("our own");
        assert_eq!(again.data(), message.data());
    }
}

/// The peer's next command.
fn next(input: &mut Input<'_>) -> Vec<u8> {
    match input.byte() % 8 {
        0 => input.field().to_vec(),
        // The command of no bytes.
        1 => vec![4, 0],
        2 | 3 => command(b"INITIATE", &changed_token(input)),
        4 => command(b"READY", &properties(input)),
        5 | 6 => {
            let ready = [&b"\0\x05READY"[..], &properties(input)].concat();
            let plain = input.change(ready);
            let sealed = input.change(wrapped(&plain));
            command(b"MESSAGE", &input.change(sized(&sealed)))
        }
        _ => {
            let names = [&b"INITIATE"[..], b"READY", b"MESSAGE", b"ERROR", b"X"];
            command(input.choice(&names), input.field())
        }
    }
}

fn changed_token(input: &mut Input<'_>) -> Vec<u8> {
    let token = sized(input.field());
    input.change(token)
}
