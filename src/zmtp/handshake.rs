//! The beginning of a connection: greeting, then the security mechanism or, with old peers, the
//! exchange of routing ids.
//!
//! ```text
//! Signature --3.x--> Greeting -> Mechanism -> Established
//!     |------2.0---> RoutingId ------------------^
//!     '------1.0---> RoutingId ------------------'
//! ```
//!
//! What we send is staged so that a peer of any version understands it: ten bytes that a 1.0 peer
//! takes for the header of the frame with our routing id, the rest when the peer has shown its
//! version.

use super::metadata;
use super::{ProtocolError, SocketType};

/// A version of the protocol, as agreed upon with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// ZMTP 1.0, RFC 13.
    V1,
    /// ZMTP 2.0, RFC 15.
    V2,
    /// ZMTP 3.0, RFC 23.
    V3_0,
    /// ZMTP 3.1, RFC 37.
    V3_1,
}

/// What we are, as the peer is told.
#[derive(Debug, Clone)]
pub struct HandshakeConfig {
    /// Type of our socket.
    pub socket_type: SocketType,
    /// ZMQ_ROUTING_ID of our socket; at most 255 bytes.
    pub routing_id: Vec<u8>,
}

/// What we know of the peer when the connection is established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The version to speak.
    pub version: Version,
    /// Its socket type; 1.0 peers do not tell.
    pub socket_type: Option<SocketType>,
    /// Its routing id, empty if it has none.
    pub routing_id: Vec<u8>,
    /// The properties of its READY, in order, Socket-Type and Identity among them.
    pub properties: Vec<(String, Vec<u8>)>,
}

const SIGNATURE: usize = 10;
const GREETING: usize = 64;
const MECHANISM: &[u8; 20] = b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Longest handshake command taken from a peer.
const MAX_COMMAND: usize = 128 * 1024;
/// Longest routing id (zmq_setsockopt(3), ZMQ_ROUTING_ID).
const MAX_ROUTING_ID: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waiting for the signature and the version.
    Signature,
    /// Waiting for the rest of a 3.x greeting.
    Greeting,
    /// Waiting for READY.
    Mechanism(Version),
    /// Waiting for the first frame of an old peer: its routing id.
    RoutingId(Version),
    Established,
}

/// The handshake of one connection. Call order: `poll_output` and send; then for input that came,
/// `handle_input` until it takes nothing, `poll_output`, `poll_established`.
pub struct Handshake {
    config: HandshakeConfig,
    stage: Stage,
    output: Vec<u8>,
    version_sent: bool,
    peer_type: Option<SocketType>,
    established: Option<Peer>,
}

impl Handshake {
    /// Starts the handshake of a new connection.
    pub fn new(config: HandshakeConfig) -> Self {
        let mut output = vec![0xFF];
        output.extend_from_slice(&(config.routing_id.len() as u64 + 1).to_be_bytes());
        output.push(0x7F);
        Self {
            config,
            stage: Stage::Signature,
            output,
            version_sent: false,
            peer_type: None,
            established: None,
        }
    }

    /// Appends what is to be sent now.
    pub fn poll_output(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.output);
    }

    /// The peer, once the handshake is done; the connection then speaks frames.
    pub fn poll_established(&mut self) -> Option<Peer> {
        self.established.take()
    }

    /// Takes bytes that came; returns how many it consumed, never one that belongs to the frames
    /// behind the handshake. Call again with the rest until it returns 0.
    ///
    /// # Errors
    /// When the peer breaks the protocol; the connection is to be closed.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        match self.stage {
            Stage::Signature => self.signature(input),
            Stage::Greeting => self.greeting(input),
            Stage::Mechanism(version) => self.mechanism(version, input),
            Stage::RoutingId(version) => self.routing_id(version, input),
            Stage::Established => Ok(0),
        }
    }

    /// Consumes nothing of a 1.0 peer: what came is its first frame.
    fn signature(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        match input {
            [] => return Ok(0),
            [0xFF, rest @ ..] if rest.len() < SIGNATURE - 1 => return Ok(0),
            [0xFF, rest @ ..] if rest[SIGNATURE - 2] & 1 != 0 => {}
            _ => {
                self.output.extend_from_slice(&self.config.routing_id);
                self.stage = Stage::RoutingId(Version::V1);
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
            self.output.push(1);
            self.output.extend_from_slice(MECHANISM);
            self.output.resize(self.output.len() + GREETING - SIGNATURE - 2 - MECHANISM.len(), 0);
            self.stage = Stage::Greeting;
            return self.handle_input(input);
        }
        let Some(&peer_type) = input.get(SIGNATURE + 1) else {
            return Ok(0);
        };
        self.peer_type = SocketType::from_value(peer_type.into());
        self.output.push(self.config.socket_type as u8);
        let id = &self.config.routing_id;
        // Revision 0 is 1.0 with a signature; its frames are those of 1.0.
        let version = if revision == 0 { Version::V1 } else { Version::V2 };
        let header = if revision == 0 { [id.len() as u8 + 1, 0] } else { [0, id.len() as u8] };
        self.output.extend_from_slice(&header);
        self.output.extend_from_slice(id);
        self.stage = Stage::RoutingId(version);
        Ok(SIGNATURE + 2)
    }

    fn greeting(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        let Some(greeting) = input.get(..GREETING) else {
            return Ok(0);
        };
        if greeting[12..32] != MECHANISM[..] {
            return Err(ProtocolError::MechanismMismatch);
        }
        let minor = greeting[SIGNATURE + 1];
        let later = greeting[SIGNATURE] > 3;
        let version = if minor == 0 && !later { Version::V3_0 } else { Version::V3_1 };
        self.stage = Stage::Mechanism(version);
        self.send_ready();
        Ok(GREETING)
    }

    fn send_ready(&mut self) {
        let mut body = b"\x05READY".to_vec();
        let own = self.config.socket_type;
        metadata::append(&mut body, "Socket-Type", own.name().as_bytes());
        if own.announces_routing_id() {
            metadata::append(&mut body, "Identity", &self.config.routing_id);
        }
        match u8::try_from(body.len()) {
            Ok(length) => self.output.extend_from_slice(&[4, length]),
            Err(_) => {
                self.output.push(6);
                self.output.extend_from_slice(&(body.len() as u64).to_be_bytes());
            }
        }
        self.output.extend_from_slice(&body);
    }

    fn mechanism(&mut self, version: Version, input: &[u8]) -> Result<usize, ProtocolError> {
        let (header, length) = match input {
            [flags, ..] if flags & !2 != 4 => return Err(ProtocolError::UnexpectedCommand),
            [4, length, ..] => (2, *length as u64),
            [6, rest @ ..] if rest.len() >= 8 => {
                (9, rest[..8].iter().fold(0, |sum, byte| (sum << 8) | *byte as u64))
            }
            _ => return Ok(0),
        };
        if length > MAX_COMMAND as u64 {
            return Err(ProtocolError::MalformedCommand);
        }
        let end = header + length as usize;
        let Some(body) = input.get(header..end) else {
            return Ok(0);
        };
        if let Some(properties) = body.strip_prefix(b"\x05READY") {
            self.ready(version, metadata::parse(properties)?)?;
        } else if let Some(reason) = body.strip_prefix(b"\x05ERROR") {
            let valid = reason.first().is_some_and(|length| *length as usize == reason.len() - 1);
            return Err(if valid { ProtocolError::Refused } else { ProtocolError::MalformedError });
        } else {
            return Err(ProtocolError::UnexpectedCommand);
        }
        Ok(end)
    }

    fn ready(
        &mut self,
        version: Version,
        properties: Vec<(String, Vec<u8>)>,
    ) -> Result<(), ProtocolError> {
        let value = |name: &str| {
            let found = properties.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_slice())
        };
        // A peer that does not tell its type is taken as it is (observed).
        let mut socket_type = None;
        for (name, told) in &properties {
            if name.eq_ignore_ascii_case("Socket-Type") {
                socket_type = SocketType::from_name(told);
                if !socket_type.is_some_and(|peer| self.config.socket_type.is_compatible(peer)) {
                    return Err(ProtocolError::InvalidMetadata);
                }
            }
        }
        let routing_id = value("Identity").unwrap_or_default().to_vec();
        if routing_id.len() > MAX_ROUTING_ID {
            return Err(ProtocolError::InvalidMetadata);
        }
        self.establish(Peer { version, socket_type, routing_id, properties });
        Ok(())
    }

    /// The first frame of an old peer.
    fn routing_id(&mut self, version: Version, input: &[u8]) -> Result<usize, ProtocolError> {
        if version == Version::V1 && input.first() == Some(&0) {
            // The length counts the flags, so it is never 0.
            return Err(ProtocolError::Unspecified);
        }
        if input.len() < 2 {
            return Ok(0);
        }
        let (header, length) = match version {
            // An implementation with a long identity length announces it behind 0xFF.
            Version::V1 if input[0] == 0xFF => {
                let Some(length) = input.get(1..9) else {
                    return Ok(0);
                };
                let length = length.iter().fold(0u64, |sum, byte| (sum << 8) | *byte as u64);
                (10, length.checked_sub(1).ok_or(ProtocolError::Unspecified)?)
            }
            Version::V1 => (2, (input[0] as u64).checked_sub(1).ok_or(ProtocolError::Unspecified)?),
            _ if input[0] & 2 != 0 => return Err(ProtocolError::Unspecified),
            _ => (2, input[1] as u64),
        };
        if length > MAX_ROUTING_ID as u64 {
            return Err(ProtocolError::Unspecified);
        }
        let end = header + length as usize;
        let Some(id) = input.get(header..end) else {
            return Ok(0);
        };
        self.establish(Peer {
            version,
            socket_type: self.peer_type,
            routing_id: id.to_vec(),
            properties: Vec::new(),
        });
        Ok(end)
    }

    fn establish(&mut self, peer: Peer) {
        self.stage = Stage::Established;
        self.established = Some(peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(socket_type: SocketType, id: &[u8]) -> Handshake {
        Handshake::new(HandshakeConfig { socket_type, routing_id: id.to_vec() })
    }

    /// Passes bytes between two handshakes, `step` at a time, until nothing moves.
    fn connect(
        left: &mut Handshake,
        right: &mut Handshake,
        step: usize,
    ) -> Result<(), ProtocolError> {
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
        assert_eq!(refused, Err(ProtocolError::InvalidMetadata));
    }

    fn feed(own: &mut Handshake, mut stream: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ProtocolError> {
        loop {
            let taken = own.handle_input(stream)?;
            stream = &stream[taken..];
            if taken == 0 || own.stage == Stage::Established {
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
}
