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
use crate::sync::Mutex;
use crate::zmtp::frame::append_header;
use crate::zmtp::{ProtocolError, Version};
use std::sync::Arc;
use zeroize::Zeroizing;

const NAME: &str = "GSSAPI";

/// Memory for messages to wrap that an idle connection keeps.
const KEPT: usize = 1024;

/// A GSS security context, wherever it comes from.
pub(crate) trait SecurityContext: Send {
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
pub(crate) struct NoContext;

/// A context, and what came of the step that a task made.
struct Shared {
    context: Box<dyn SecurityContext>,
    outcome: Option<Result<(Vec<u8>, bool), NoContext>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
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
pub(crate) struct Gssapi {
    shared: Arc<Mutex<Shared>>,
    server: bool,
    encrypts: bool,
    state: State,
    task: Option<Task>,
}

impl Gssapi {
    /// One side with its fresh context. Without encryption only READY and what follows it is in
    /// the clear; the peers prove who they are all the same.
    pub(crate) fn new(server: bool, encrypts: bool, context: Box<dyn SecurityContext>) -> Self {
        let shared = Arc::new(Mutex::new(Shared { context, outcome: None }));
        Self { shared, server, encrypts, state: State::Token, task: None }
    }

    /// Has a task make the next step.
    fn step(&mut self, token: Vec<u8>) -> Step {
        let shared = self.shared.clone();
        self.task = Some(Box::new(move || {
            let mut shared = shared.lock();
            let outcome = shared.context.step(&token);
            shared.outcome = Some(outcome);
        }));
        self.state = State::Stepping;
        Step::Computing
    }

    /// The server's context is complete, and the client's.
    fn authenticate(&mut self) -> Step {
        self.state = State::Authenticating;
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
        match (self.state, name) {
            (_, b"ERROR") if !self.server => Err(error_of(data)),
            (State::Token, b"INITIATE") => {
                let token = sized(data).ok_or(ProtocolError::MalformedInitiate)?.to_vec();
                Ok(self.step(token))
            }
            (State::Token, b"") => Err(ProtocolError::MalformedCommand),
            (State::Confirmation, b"") => Ok(self.authenticate()),
            (State::Ready, b"READY") if !self.encrypts => self.handle_ready(data, context),
            (State::Ready, b"MESSAGE") if self.encrypts => {
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
        self.state = match (complete, self.server) {
            (false, _) => State::Token,
            (true, false) => State::Ready,
            (true, true) if token.is_empty() => return Ok(self.authenticate()),
            (true, true) => State::Confirmation,
        };
        Ok(Step::Waiting)
    }

    fn admitted(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        self.send_ready(context)?;
        self.state = State::Ready;
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
                append_header(Version::V3_1, 0, whole, out);
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
mod tests;
