//! The beginning of a connection: greeting, then the security mechanism or, with old peers, the
//! exchange of routing ids.
//!
//! ```text
//! Signature --3.x--> Greeting -> Mechanism <-> Authenticating, Computing
//!     |                              '--------------------------> Established
//!     '---2.0, 1.0-> RoutingId -----------------------------------^
//! ```
//!
//! What we send is staged so that a peer of any version understands it: ten bytes that a 1.0 peer
//! takes for the header of the frame with our routing id, the rest when the peer has shown its
//! version.

use super::frame::{COMMAND, Header, LARGE, append_header};
use super::mechanism::{Context, Mechanism, Protection, Step, Task};
use super::peer::{MAX_ROUTING_ID, PeerProperties};
use super::{Peer, ProtocolError, SocketType, Version, metadata, reserve_wiping};
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// What we are, and what is asked of the peer.
pub(crate) struct HandshakeConfig {
    /// Type of our socket.
    pub socket_type: SocketType,
    /// ZMQ_ROUTING_ID of our socket; at most 255 bytes.
    pub routing_id: Vec<u8>,
    /// Properties of the application, for the peer.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Our side of the security mechanism.
    pub mechanism: Box<dyn Mechanism>,
    /// Whether a ZAP handler is to be asked for the peer where the mechanism says so; without, it
    /// is let in.
    pub authenticates: bool,
    /// Refuse peers that speak ZMTP 1.0 or 2.0, which know no security. Such are refused anyway
    /// where the mechanism is not NULL or the peer must be authenticated.
    pub refuses_old_peers: bool,
}

/// What a ZAP handler is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authentication {
    /// Name of the mechanism.
    pub mechanism: &'static str,
    /// What the mechanism adds: name and password, key, principal.
    pub credentials: Vec<Zeroizing<Vec<u8>>>,
}

const SIGNATURE: usize = 10;
const GREETING: usize = 64;
/// The mechanism's name in the greeting, padded with zeros.
const MECHANISM: std::ops::Range<usize> = 12..32;

/// Longest handshake command taken from a peer: with this it can make us hold that much memory
/// before it has shown who it is.
pub(crate) const MAX_COMMAND: usize = 64 * 1024;
/// A command that libzmq's PLAIN servers call `^RROR`, with nothing before it (observed).
const ERROR: &[u8] = b"ERROR";
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting for the signature and the version.
    Signature,
    /// Waiting for the rest of a 3.x greeting.
    Greeting,
    /// Waiting for a command of the mechanism.
    Mechanism(Version),
    /// Waiting for the verdict of the ZAP handler.
    Authenticating(Version),
    /// Waiting for the mechanism's task.
    Computing(Version),
    /// Waiting for the first frame of an old peer: its routing id.
    RoutingId(Version),
    Established,
}

/// The handshake of one connection. Call order: `poll_output` and send; then for input that came,
/// `handle_input` until it takes nothing; where `poll_authentication` then asks for it, `authorize`,
/// before or after other input, and `handle_input` again; where `poll_task` gives something to run
/// on another thread, `resume` when it has run, and `handle_input` again; `poll_output`; `poll_established`, and
/// once that gave a peer, `protection`.
pub(crate) struct Handshake {
    config: HandshakeConfig,
    state: State,
    /// Wiped when it goes: what PLAIN sends is a password.
    output: Zeroizing<Vec<u8>>,
    /// Our metadata as it stands in READY.
    local_metadata: Vec<u8>,
    version_sent: bool,
    peer: PeerProperties,
    authentication: Option<Authentication>,
    established: Option<Peer>,
}

impl Handshake {
    /// Starts the handshake of a new connection.
    pub(crate) fn new(config: HandshakeConfig) -> Self {
        let mut output = Zeroizing::new(Vec::new());
        output.push(0xFF);
        output.extend_from_slice(&(config.routing_id.len() as u64 + 1).to_be_bytes());
        output.push(0x7F);
        let own = config.socket_type;
        let mut local_metadata = Vec::new();
        metadata::append(&mut local_metadata, "Socket-Type", own.name().as_bytes());
        if own.announces_routing_id() {
            metadata::append(&mut local_metadata, "Identity", &config.routing_id);
        }
        for (name, value) in &config.properties {
            metadata::append(&mut local_metadata, name, value);
        }
        let peer = PeerProperties::new(own);
        Self {
            config,
            state: State::Signature,
            output,
            local_metadata,
            version_sent: false,
            peer,
            authentication: None,
            established: None,
        }
    }

    /// Appends what is to be sent now; also after a failure, of which the peer may be told.
    pub(crate) fn poll_output(&mut self, out: &mut Vec<u8>) {
        reserve_wiping(out, self.output.len());
        out.extend_from_slice(&self.output);
        self.output.zeroize();
    }

    /// The question for the ZAP handler, when there is one; its answer is for
    /// [`authorize`](Self::authorize). No input is taken meanwhile.
    pub(crate) fn poll_authentication(&mut self) -> Option<Authentication> {
        self.authentication.take()
    }

    /// What the mechanism has to have run, on a thread that may wait; then
    /// [`resume`](Self::resume). No input is taken meanwhile.
    pub(crate) fn poll_task(&mut self) -> Option<Task> {
        self.config.mechanism.poll_task()
    }

    /// Whether the handshake waits for a task rather than for the peer.
    pub(crate) fn is_computing(&self) -> bool {
        matches!(self.state, State::Computing(_))
    }

    /// A task has run. One of an earlier handshake does no harm.
    ///
    /// # Errors
    /// What came of the task; the connection is to be closed.
    pub(crate) fn resume(&mut self) -> Result<(), ProtocolError> {
        let State::Computing(version) = self.state else {
            return Ok(());
        };
        let (mut context, mechanism) = self.context();
        let step = mechanism.resume(&mut context)?;
        self.advance(version, step)
    }

    /// The peer, once the handshake is done; the connection then speaks frames.
    pub(crate) fn poll_established(&mut self) -> Option<Peer> {
        self.established.take()
    }

    /// What seals and opens messages of the established connection.
    pub(crate) fn protection(&mut self) -> Option<Protection> {
        self.config.mechanism.protection()
    }

    /// Takes bytes that came; returns how many it consumed, never one that belongs to the frames
    /// behind the handshake. Call again with the rest until it returns 0.
    ///
    /// # Errors
    /// When the peer breaks the protocol; the connection is to be closed.
    pub(crate) fn handle_input(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        match self.state {
            State::Signature => self.signature(input),
            State::Greeting => self.greeting(input),
            State::Mechanism(version) => self.command(version, input),
            State::RoutingId(version) => self.routing_id(version, input),
            State::Authenticating(_) | State::Computing(_) | State::Established => Ok(0),
        }
    }

    /// Takes the ZAP handler's reply. The peer is notified of a final one.
    ///
    /// # Errors
    /// The verdict's own, or what follows from letting the peer in; the connection is to be closed
    /// once [`poll_output`](Self::poll_output) is sent.
    pub(crate) fn authorize(
        &mut self,
        verdict: Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let State::Authenticating(version) = self.state else {
            return Ok(());
        };
        // A temporary failure (300) is no answer: the peer finds the connection closed and tries
        // again (RFC 27).
        if let Err(ProtocolError::Denied(status @ (400 | 500))) = verdict {
            let reason = status.to_string();
            self.context().0.send("ERROR", &[&[reason.len() as u8], reason.as_bytes()]);
        }
        verdict?;
        self.state = State::Mechanism(version);
        let (mut context, mechanism) = self.context();
        let step = mechanism.admitted(&mut context)?;
        self.advance(version, step)
    }

    fn context(&mut self) -> (Context<'_>, &mut dyn Mechanism) {
        let context = Context {
            output: &mut self.output,
            local_metadata: &self.local_metadata,
            peer: &mut self.peer,
        };
        (context, &mut *self.config.mechanism)
    }

    /// Goes where the mechanism's step leads.
    fn advance(&mut self, version: Version, step: Step) -> Result<(), ProtocolError> {
        match step {
            Step::Waiting => self.state = State::Mechanism(version),
            Step::Computing => self.state = State::Computing(version),
            Step::Authenticate(credentials) => {
                self.state = State::Authenticating(version);
                if !self.config.authenticates {
                    return self.authorize(Ok(()));
                }
                let mechanism = self.config.mechanism.name();
                self.authentication = Some(Authentication { mechanism, credentials });
            }
            Step::Done => {
                let peer = self.peer.establish(version);
                self.establish(peer);
            }
        }
        Ok(())
    }

    /// Whether a peer without a security mechanism may stay.
    fn check_old_peer(&self) -> Result<(), ProtocolError> {
        let config = &self.config;
        if config.mechanism.name() != "NULL" || config.authenticates || config.refuses_old_peers {
            return Err(ProtocolError::MechanismMismatch);
        }
        Ok(())
    }

    /// Consumes nothing of a 1.0 peer: what came is its first frame.
    fn signature(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        match input {
            [] => return Ok(0),
            [0xFF, rest @ ..] if rest.len() < SIGNATURE - 1 => return Ok(0),
            [0xFF, rest @ ..] if rest[SIGNATURE - 2] & 1 != 0 => {}
            _ => {
                self.check_old_peer()?;
                self.output.extend_from_slice(&self.config.routing_id);
                self.state = State::RoutingId(Version::V1);
                return self.handle_input(input);
            }
        }
        if !self.version_sent {
            self.version_sent = true;
            self.output.push(3);
        }
        let Some(&revision) = input.get(SIGNATURE) else {
            return Ok(0);
        };
        // Revision 1 is ZMTP 2.0; what calls itself 2 is answered like 3 (observed).
        if revision >= 2 {
            let mut rest = [0; GREETING - SIGNATURE - 1];
            rest[0] = 1;
            rest[1..][..MECHANISM.len()].copy_from_slice(&self.mechanism_name());
            rest[1 + MECHANISM.len()] = self.config.mechanism.is_server().into();
            self.output.extend_from_slice(&rest);
            self.state = State::Greeting;
            return self.handle_input(input);
        }
        self.check_old_peer()?;
        let Some(&peer_type) = input.get(SIGNATURE + 1) else {
            return Ok(0);
        };
        self.peer.socket_type = SocketType::from_value(peer_type.into());
        self.output.push(self.config.socket_type as u8);
        // Revision 0 is 1.0 with a signature; its frames are those of 1.0.
        let version = if revision == 0 { Version::V1 } else { Version::V2 };
        let id = &self.config.routing_id;
        append_header(version, 0, id.len(), &mut self.output);
        self.output.extend_from_slice(id);
        self.state = State::RoutingId(version);
        Ok(SIGNATURE + 2)
    }

    fn mechanism_name(&self) -> [u8; MECHANISM.end - MECHANISM.start] {
        let mut padded = [0; _];
        let name = self.config.mechanism.name().as_bytes();
        padded[..name.len()].copy_from_slice(name);
        padded
    }

    fn greeting(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        let Some(greeting) = input.get(..GREETING) else {
            return Ok(0);
        };
        if greeting[MECHANISM] != self.mechanism_name() {
            return Err(ProtocolError::MechanismMismatch);
        }
        let minor = greeting[SIGNATURE + 1];
        let later = greeting[SIGNATURE] > 3;
        let version = if minor == 0 && !later { Version::V3_0 } else { Version::V3_1 };
        let (mut context, mechanism) = self.context();
        let step = mechanism.begin(&mut context)?;
        self.advance(version, step)?;
        Ok(GREETING)
    }

    fn command(&mut self, version: Version, input: &[u8]) -> Result<usize, ProtocolError> {
        if input.first().is_some_and(|flags| flags & !LARGE != COMMAND) {
            return Err(ProtocolError::UnexpectedCommand);
        }
        let Some(header) = Header::parse(version, input)? else {
            return Ok(0);
        };
        if header.body > MAX_COMMAND as u64 {
            return Err(ProtocolError::MalformedCommand);
        }
        let end = header.length + header.body as usize;
        let Some(body) = input.get(header.length..end) else {
            return Ok(0);
        };
        let plain = self.config.mechanism.name() == "PLAIN";
        let (name, data) = match body.split_first() {
            None => Some((body, body)),
            Some((b'^', data)) if plain && data.starts_with(b"RROR") => Some((ERROR, &data[4..])),
            Some((0, _)) => None,
            Some((&length, rest)) => rest.split_at_checked(length as usize),
        }
        .ok_or(ProtocolError::MalformedCommand)?;
        let (mut context, mechanism) = self.context();
        let step = mechanism.handle_command(name, data, &mut context)?;
        self.advance(version, step)?;
        Ok(end)
    }

    /// The first frame of an old peer.
    fn routing_id(&mut self, version: Version, input: &[u8]) -> Result<usize, ProtocolError> {
        if version != Version::V1 && input.first().is_some_and(|flags| flags & LARGE != 0) {
            return Err(ProtocolError::Unspecified);
        }
        let Some(header) = Header::parse(version, input)? else {
            return Ok(0);
        };
        if header.body > MAX_ROUTING_ID as u64 {
            return Err(ProtocolError::Unspecified);
        }
        let end = header.length + header.body as usize;
        let Some(id) = input.get(header.length..end) else {
            return Ok(0);
        };
        self.establish(Peer {
            version,
            socket_type: self.peer.socket_type,
            routing_id: id.to_vec(),
            properties: Vec::new(),
            user_id: None,
        });
        Ok(end)
    }

    fn establish(&mut self, peer: Peer) {
        self.state = State::Established;
        self.established = Some(peer);
    }
}

#[cfg(test)]
mod tests;
