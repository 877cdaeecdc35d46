//! Security mechanisms: what happens between the greeting and the messages, and to the messages.
//!
//! A mechanism is one side (client or server) of one connection, a state machine without I/O. The
//! handshake calls it, in this order:
//!
//! 1. [`begin`](Mechanism::begin), once the greetings agree on the mechanism;
//! 2. [`handle_command`](Mechanism::handle_command) for each command that the peer sends;
//! 3. [`admitted`](Mechanism::admitted), after a step said [`Step::Authenticate`] and the ZAP
//!    handler let the peer in (or nobody has to be asked). Meanwhile no command is handed over.
//!    Likewise [`resume`](Mechanism::resume), after a step said [`Step::Computing`] and the task
//!    of [`poll_task`](Mechanism::poll_task) has run.
//! 4. [`protection`](Mechanism::protection), after a step said [`Step::Done`].
//!
//! What it has to say it sends through the [`Context`], also the metadata of READY or INITIATE;
//! what the peer's metadata says it hands to [`Context::handle_metadata`], which checks it.
//!
//! How it fails: every method may return a [`ProtocolError`], which ends the connection and is
//! reported with its code (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL). A ZAP handler's refusal never
//! reaches the mechanism: the handshake sends ERROR with the status code and fails with
//! [`ProtocolError::Denied`]. The other side hands a received ERROR to [`error_of`], which is
//! `Denied` too when the reason is a status code (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH).
//!
//! Mechanisms that protect messages (CURVE, GSSAPI) give a [`Protection`]: one half seals what is
//! sent, the other opens what came. The halves are used by different threads.

mod curve;
mod gssapi;
mod null;
mod plain;

pub(crate) use curve::{CurveClient, CurveKey, CurveServer, curve_keypair, curve_public};
pub(crate) use gssapi::{Gssapi, NoContext, SecurityContext};
pub(crate) use null::Null;
pub(crate) use plain::{PlainClient, PlainServer};

use super::frame::{self, MAX_HEADER, append_header};
use super::peer::PeerProperties;
use super::{ProtocolError, Version, metadata, reserve_wiping};
use crate::message::Message;
use zeroize::Zeroizing;

/// One side of a security mechanism on one connection; see the module for the order of calls.
pub(crate) trait Mechanism: Send {
    /// Its name in the greeting and towards ZAP handlers; at most 20 characters.
    fn name(&self) -> &'static str;

    /// Whether this is the server's side, which the greeting tells.
    fn is_server(&self) -> bool {
        false
    }

    /// The greetings agree; a side that speaks first sends its first command.
    ///
    /// # Errors
    /// What ends the connection; so for the others.
    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError>;

    /// A command came from the peer; `name` may be any. A command of no bytes has no name.
    fn handle_command(
        &mut self,
        name: &[u8],
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError>;

    /// The peer was let in.
    fn admitted(&mut self, _: &mut Context<'_>) -> Result<Step, ProtocolError> {
        Ok(Step::Waiting)
    }

    /// What is to run before the mechanism can go on, once for each time that it is computing. It
    /// may take long, so it belongs on another thread.
    fn poll_task(&mut self) -> Option<Task> {
        None
    }

    /// The task has run; if it has not, the mechanism goes on computing.
    fn resume(&mut self, _: &mut Context<'_>) -> Result<Step, ProtocolError> {
        Ok(Step::Computing)
    }

    /// What seals and opens messages from now on; `None` where they stay as they are.
    fn protection(&mut self) -> Option<Protection> {
        None
    }
}

/// Where a mechanism stands after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It waits for the peer's next command.
    Waiting,
    /// The peer is to be authenticated by these credentials (RFC 27: they follow the mechanism's
    /// name in the request). `admitted` is called if it is let in.
    Authenticate(Vec<Zeroizing<Vec<u8>>>),
    /// It waits for its task.
    Computing,
    /// Both sides said all they have to say; messages flow.
    Done,
}

/// What a mechanism has run elsewhere, because it may take long.
pub(crate) type Task = Box<dyn FnOnce() + Send>;

/// What a mechanism may do with the handshake that calls it.
pub(crate) struct Context<'a> {
    pub(super) output: &'a mut Vec<u8>,
    pub(super) local_metadata: &'a [u8],
    pub(super) peer: &'a mut PeerProperties,
}

impl<'a> Context<'a> {
    /// Sends a command with these data, put together.
    pub(crate) fn send(&mut self, name: &str, data: &[&[u8]]) {
        let length = 1 + name.len() + data.iter().map(|part| part.len()).sum::<usize>();
        // What PLAIN sends is a password.
        reserve_wiping(self.output, MAX_HEADER + length);
        append_header(Version::V3_1, frame::COMMAND, length, self.output);
        self.output.push(name.len() as u8);
        self.output.extend_from_slice(name.as_bytes());
        data.iter().for_each(|part| self.output.extend_from_slice(part));
    }

    /// Sends the command of no bytes.
    pub(crate) fn send_empty(&mut self) {
        append_header(Version::V3_1, frame::COMMAND, 0, self.output);
    }

    /// Tells who the peer proved to be (zmq_msg_gets(3), User-Id).
    pub(crate) fn set_user_id(&mut self, user_id: &[u8]) {
        self.peer.user_id = Some(user_id.to_vec());
    }

    /// Our metadata as it stands in a command: socket type, routing id.
    pub(crate) fn local_metadata(&self) -> &'a [u8] {
        self.local_metadata
    }

    /// Takes the peer's metadata.
    ///
    /// # Errors
    /// [`ProtocolError::InvalidMetadata`]; [`ProtocolError::IncompatibleSocketType`].
    pub(crate) fn handle_metadata(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        self.peer.take(metadata::parse(bytes)?)
    }

    /// As [`handle_metadata`](Self::handle_metadata) for a server's, of which nothing that is wrong
    /// has a name of its own (observed).
    ///
    /// # Errors
    /// [`ProtocolError::InvalidMetadata`].
    pub(crate) fn handle_metadata_of_server(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        self.handle_metadata(bytes).map_err(|_| ProtocolError::InvalidMetadata)
    }
}

/// What an ERROR command means for the side that receives it.
pub(crate) fn error_of(data: &[u8]) -> ProtocolError {
    let Some((&length, reason)) = data.split_first() else {
        return ProtocolError::MalformedError;
    };
    match reason {
        _ if length as usize != reason.len() => ProtocolError::MalformedError,
        b"300" => ProtocolError::Denied(300),
        b"400" => ProtocolError::Denied(400),
        b"500" => ProtocolError::Denied(500),
        _ => ProtocolError::Refused,
    }
}

/// The two directions of a mechanism that protects messages.
pub(crate) struct Protection {
    /// For what is sent.
    pub sealer: Box<dyn Sealer>,
    /// For what comes.
    pub opener: Box<dyn Opener>,
}

/// Protects what is sent.
pub(crate) trait Sealer: Send {
    /// Appends the whole frame, header included, that carries a part or command.
    ///
    /// # Errors
    /// When nothing can be sent safely any more; the connection is closed.
    fn seal(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), ProtocolError>;
}

/// Opens what came.
pub(crate) trait Opener: Send {
    /// Turns a frame of the peer into the part or command that it carries.
    ///
    /// # Errors
    /// When it is not what the peer sent, or not in order; the connection is closed.
    fn open(&mut self, frame: Message) -> Result<Message, ProtocolError>;

    /// Bytes that it cuts off the front of a frame's body, where it leaves the rest in place.
    fn lead(&self) -> usize {
        0
    }
}

/// Name of the command that carries what is protected, behind its length.
const MESSAGE: &[u8; 8] = b"\x07MESSAGE";
/// The byte before the body of a part or command that such a command carries: more parts follow,
/// it is a command.
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// That byte for a part or command.
fn flags_of(message: &Message) -> u8 {
    message.more() as u8 * MORE + message.is_command() as u8 * COMMAND
}

/// Makes a message what that byte says.
fn set_flags(message: &mut Message, flags: u8) {
    message.set_more(flags & MORE != 0);
    message.set_command(flags & COMMAND != 0);
}

#[cfg(test)]
mod tests;
