//! What a handshake finds out about the peer.

use super::{ProtocolError, SocketType};

/// A version of the protocol, as agreed upon with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// ZMTP 1.0, RFC 13.
    V1,
    /// ZMTP 2.0, RFC 15.
    V2,
    /// ZMTP 3.0, RFC 23.
    V3_0,
    /// ZMTP 3.1, RFC 37.
    V3_1,
}

/// What we know of the peer when the connection is established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The version to speak.
    pub version: Version,
    /// Its socket type; 1.0 peers do not tell.
    pub socket_type: Option<SocketType>,
    /// Its routing id, empty if it has none.
    pub routing_id: Vec<u8>,
    /// The properties of its metadata, in order, Socket-Type and Identity among them.
    pub properties: Vec<(String, Vec<u8>)>,
    /// Who it proved to be, where the mechanism knows.
    pub user_id: Option<Vec<u8>>,
}

/// Longest routing id (zmq_setsockopt(3), ZMQ_ROUTING_ID).
pub(super) const MAX_ROUTING_ID: usize = 255;

/// What a peer's metadata told.
pub(super) struct PeerProperties {
    own_type: SocketType,
    pub(super) socket_type: Option<SocketType>,
    routing_id: Vec<u8>,
    properties: Vec<(String, Vec<u8>)>,
    pub(super) user_id: Option<Vec<u8>>,
}

impl PeerProperties {
    pub(super) fn new(own_type: SocketType) -> Self {
        Self {
            own_type,
            socket_type: None,
            routing_id: Vec::new(),
            properties: Vec::new(),
            user_id: None,
        }
    }

    /// Takes parsed metadata. A peer that does not tell its type is taken as it is (observed).
    pub(super) fn take(&mut self, properties: Vec<(String, Vec<u8>)>) -> Result<(), ProtocolError> {
        for (name, told) in &properties {
            if name.eq_ignore_ascii_case("Socket-Type") {
                self.socket_type = SocketType::from_name(told);
                if !self.socket_type.is_some_and(|peer| self.own_type.is_compatible(peer)) {
                    return Err(ProtocolError::IncompatibleSocketType);
                }
            }
        }
        let id = properties.iter().find(|(name, _)| name.eq_ignore_ascii_case("Identity"));
        self.routing_id = id.map(|(_, value)| value.clone()).unwrap_or_default();
        if self.routing_id.len() > MAX_ROUTING_ID {
            return Err(ProtocolError::InvalidMetadata);
        }
        self.properties = properties;
        Ok(())
    }

    /// Gives what it told away, for the connection that is established.
    pub(super) fn establish(&mut self, version: Version) -> Peer {
        Peer {
            version,
            socket_type: self.socket_type,
            routing_id: std::mem::take(&mut self.routing_id),
            properties: std::mem::take(&mut self.properties),
            user_id: self.user_id.take(),
        }
    }
}
