//! GSSAPI (RFC 38): the peers prove who they are by Kerberos, and encrypt their messages unless
//! both want them in the clear.
//!
//! ```text
//! client: INITIATE(token) ->                    empty ->          READY ->
//! server:                   INITIATE(token) ->           READY ->
//! ```
//!
//! There are as many INITIATEs as the contexts need. The side whose context is complete and that
//! has no token left says so with a command of no bytes at all, and the server speaks on when it
//! has heard it. READY has the metadata; with encryption it stands in a MESSAGE, as everything
//! after it does: flags and body, wrapped (all this observed).
//!
//! A step of a context may ask other servers and take long, so it is a [`Task`] that the session
//! runs on another thread.

use super::{
    Context, MESSAGE, Mechanism, Opener, Protection, Sealer, Step, Task, error_of, flags_of,
    set_flags,
};
use crate::message::Message;
use crate::zmtp::ProtocolError;
use crate::zmtp::frame::append_header;
use parking_lot::Mutex;
use std::sync::Arc;
use zeroize::Zeroizing;

const NAME: &str = "GSSAPI";

/// Memory for messages to wrap that an idle connection keeps.
const KEPT: usize = 1024;

/// A GSS security context, wherever it comes from.
pub trait SecurityContext: Send {
    /// Goes a step on, with the token that came from the peer: none for a client's first. Gives
    /// the token for the peer, empty for none, and whether the context is complete. May block.
    ///
    /// # Errors
    /// [`NoContext`], for whatever reason, here and in the others.
    fn step(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), NoContext>;

    /// The principal whose client this is, for a server whose context is complete.
    fn peer(&self) -> &[u8];

    /// Encrypts a message and passes it on.
    ///
    /// # Errors
    /// See `step`.
    fn wrap(&mut self, message: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext>;

    /// Decrypts what the peer wrapped and passes it on, if it was not repeated or reordered.
    ///
    /// # Errors
    /// See `step`.
    fn unwrap(&mut self, wrapped: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext>;
}

/// A security context failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoContext;

/// A context, and what came of the step that a task made.
struct Shared {
    context: Box<dyn SecurityContext>,
    outcome: Option<Result<(Vec<u8>, bool), NoContext>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A task makes a step.
    Stepping,
    /// The peer's next token is due.
    Token,
    /// Our context is complete; the client is to say the same of its own.
    Confirmation,
    /// The ZAP handler is asked.
    Authenticating,
    /// The peer's READY is due.
    Ready,
}

/// Either side.
pub struct Gssapi {
    shared: Arc<Mutex<Shared>>,
    server: bool,
    encrypts: bool,
    stage: Stage,
    task: Option<Task>,
}

impl Gssapi {
    /// One side with its fresh context. Without encryption only READY and what follows it is in
    /// the clear; the peers prove who they are all the same.
    pub fn new(server: bool, encrypts: bool, context: Box<dyn SecurityContext>) -> Self {
        let shared = Arc::new(Mutex::new(Shared { context, outcome: None }));
        Self { shared, server, encrypts, stage: Stage::Token, task: None }
    }

    /// Has a task make the next step.
    fn step(&mut self, token: Vec<u8>) -> Step {
        let shared = self.shared.clone();
        self.task = Some(Box::new(move || {
            let mut shared = shared.lock();
            let outcome = shared.context.step(&token);
            shared.outcome = Some(outcome);
        }));
        self.stage = Stage::Stepping;
        Step::Computing
    }

    /// The server's context is complete, and the client's.
    fn authenticate(&mut self) -> Step {
        self.stage = Stage::Authenticating;
        Step::Authenticate(vec![Zeroizing::new(self.shared.lock().context.peer().to_vec())])
    }

    fn send_ready(&mut self, context: &mut Context<'_>) -> Result<(), ProtocolError> {
        let metadata = context.local_metadata();
        if !self.encrypts {
            context.send("READY", &[metadata]);
            return Ok(());
        }
        let ready = [b"\x00\x05READY", metadata].concat();
        let wrapped = &mut |bytes: &[u8]| {
            context.send("MESSAGE", &[&(bytes.len() as u32).to_be_bytes(), bytes]);
        };
        self.shared.lock().context.wrap(&ready, wrapped).map_err(|_| ProtocolError::NoContext)
    }

    fn handle_ready(
        &mut self,
        metadata: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError> {
        context.handle_metadata(metadata)?;
        if self.server {
            context.set_user_id(self.shared.lock().context.peer());
        } else {
            self.send_ready(context)?;
        }
        Ok(Step::Done)
    }
}

impl Mechanism for Gssapi {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_server(&self) -> bool {
        self.server
    }

    fn begin(&mut self, _: &mut Context<'_>) -> Result<Step, ProtocolError> {
        Ok(if self.server { Step::Waiting } else { self.step(Vec::new()) })
    }

    fn handle_command(
        &mut self,
        name: &[u8],
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError> {
        match (self.stage, name) {
            (_, b"ERROR") if !self.server => Err(error_of(data)),
            (Stage::Token, b"INITIATE") => {
                let token = sized(data).ok_or(ProtocolError::MalformedInitiate)?.to_vec();
                Ok(self.step(token))
            }
            (Stage::Token, b"") => Err(ProtocolError::MalformedCommand),
            (Stage::Confirmation, b"") => Ok(self.authenticate()),
            (Stage::Ready, b"READY") if !self.encrypts => self.handle_ready(data, context),
            (Stage::Ready, b"MESSAGE") if self.encrypts => {
                let sealed = sized(data).ok_or(ProtocolError::MalformedMessage)?;
                let mut opened = Vec::new();
                let take = &mut |bytes: &[u8]| opened.extend_from_slice(bytes);
                let outcome = self.shared.lock().context.unwrap(sealed, take);
                outcome.map_err(|_| ProtocolError::Cryptographic)?;
                match opened.get(1..).and_then(|body| body.strip_prefix(b"\x05READY")) {
                    Some(metadata) => self.handle_ready(metadata, context),
                    None => Err(ProtocolError::UnexpectedCommand),
                }
            }
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }

    fn poll_task(&mut self) -> Option<Task> {
        self.task.take()
    }

    fn resume(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        // While the task runs it holds the lock.
        let outcome = self.shared.try_lock().and_then(|mut shared| shared.outcome.take());
        let Some(outcome) = outcome else {
            return Ok(Step::Computing);
        };
        let (token, complete) = outcome.map_err(|_| ProtocolError::NoContext)?;
        if !token.is_empty() {
            context.send("INITIATE", &[&(token.len() as u32).to_be_bytes(), &token]);
        } else if !complete {
            return Err(ProtocolError::NoContext);
        } else if !self.server {
            context.send_empty();
        }
        self.stage = match (complete, self.server) {
            (false, _) => Stage::Token,
            (true, false) => Stage::Ready,
            (true, true) if token.is_empty() => return Ok(self.authenticate()),
            (true, true) => Stage::Confirmation,
        };
        Ok(Step::Waiting)
    }

    fn admitted(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        self.send_ready(context)?;
        self.stage = Stage::Ready;
        Ok(Step::Waiting)
    }

    fn protection(&mut self) -> Option<Protection> {
        self.encrypts.then(|| Protection {
            sealer: Box::new(Seal { shared: self.shared.clone(), plain: Vec::new() }),
            opener: Box::new(Open { shared: self.shared.clone() }),
        })
    }
}

/// What stands behind its length of four bytes, and fills the rest.
fn sized(data: &[u8]) -> Option<&[u8]> {
    let (length, body) = data.split_first_chunk::<4>()?;
    (u32::from_be_bytes(*length) as usize == body.len()).then_some(body)
}

/// A context serves one thread at a time, so the two directions of a connection share its lock,
/// for the time that encrypting one message takes.
struct Seal {
    shared: Arc<Mutex<Shared>>,
    /// Flags and body of the message that is being wrapped.
    plain: Vec<u8>,
}

impl Sealer for Seal {
    fn seal(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        self.plain.clear();
        self.plain.push(flags_of(message));
        self.plain.extend_from_slice(message.data());
        let mut fits = true;
        let frame = &mut |wrapped: &[u8]| match u32::try_from(wrapped.len()) {
            Ok(length) => {
                let whole = MESSAGE.len() + size_of::<u32>() + wrapped.len();
                append_header(0, whole, out);
                out.extend_from_slice(MESSAGE);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(wrapped);
            }
            Err(_) => fits = false,
        };
        let outcome = self.shared.lock().context.wrap(&self.plain, frame);
        if self.plain.capacity() > KEPT {
            self.plain = Vec::new();
        }
        match outcome {
            Ok(()) if fits => Ok(()),
            Ok(()) => Err(ProtocolError::MessageTooLarge),
            Err(_) => Err(ProtocolError::NoContext),
        }
    }
}

struct Open {
    shared: Arc<Mutex<Shared>>,
}

impl Opener for Open {
    fn open(&mut self, frame: Message) -> Result<Message, ProtocolError> {
        let data = frame.data().strip_prefix(MESSAGE).ok_or(ProtocolError::UnexpectedCommand)?;
        let sealed = sized(data).ok_or(ProtocolError::MalformedMessage)?;
        let mut opened = Err(ProtocolError::MalformedMessage);
        let take = &mut |plain: &[u8]| {
            if let Some((flags, body)) = plain.split_first() {
                opened = Message::from_slice(body).map_err(|_| ProtocolError::OutOfMemory);
                if let Ok(message) = &mut opened {
                    set_flags(message, *flags);
                }
            }
        };
        let outcome = self.shared.lock().context.unwrap(sealed, take);
        outcome.map_err(|_| ProtocolError::Cryptographic)?;
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ReceiveBuffer;
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
        assert_eq!(buffer.append(stream), stream.len());
        std::iter::from_fn(|| decoder.poll_frame(&mut buffer).unwrap()).collect()
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
}
