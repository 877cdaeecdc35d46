//! How a peer can break the protocol.

use std::fmt;

/// Why a connection had to be given up. Each corresponds to a ZMQ_PROTOCOL_ERROR value of zmq.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// Something without a name of its own: a frame larger than allowed, an impossible length.
    Unspecified,
    /// A command that may not come now.
    UnexpectedCommand,
    /// A command whose body is not a name and data.
    MalformedCommand,
    /// A READY that cannot be parsed.
    MalformedReady,
    /// An ERROR that cannot be parsed.
    MalformedError,
    /// Properties that cannot be parsed, or a socket type that does not go with ours.
    InvalidMetadata,
    /// The peer asks for another security mechanism.
    MechanismMismatch,
    /// The peer refused us with an ERROR command.
    Refused,
    /// A frame is longer than ZMQ_MAXMSGSIZE allows.
    MessageTooLarge,
    /// Memory for a frame could not be had.
    OutOfMemory,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for ProtocolError {}
