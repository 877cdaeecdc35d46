//! How a peer can break the protocol.

use std::fmt;

/// Why a connection had to be given up. Each corresponds to a ZMQ_PROTOCOL_ERROR value of zmq.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    /// Something without a name of its own: a frame larger than allowed, an impossible length.
    Unspecified,
    /// A command that may not come now.
    UnexpectedCommand,
    /// A command whose body is not a name and data.
    MalformedCommand,
    /// A nonce that does not follow the one before: a command was lost, repeated or made up.
    InvalidSequence,
    /// Keys that cannot be agreed on, or not those that were announced.
    KeyExchange,
    /// A HELLO that cannot be parsed.
    MalformedHello,
    /// A WELCOME that cannot be parsed.
    MalformedWelcome,
    /// An INITIATE that cannot be parsed.
    MalformedInitiate,
    /// A READY that cannot be parsed.
    MalformedReady,
    /// A MESSAGE that cannot be parsed.
    MalformedMessage,
    /// An ERROR that cannot be parsed.
    MalformedError,
    /// What was sealed cannot be opened: a wrong key, or it was tampered with.
    Cryptographic,
    /// Properties that cannot be parsed.
    InvalidMetadata,
    /// A socket type that does not go with ours; no breach of protocol (observed).
    IncompatibleSocketType,
    /// The peer asks for another security mechanism.
    MechanismMismatch,
    /// The peer refused us with an ERROR command whose reason is no status code.
    Refused,
    /// The ZAP handler refused, with this status: 300, 400 or 500. On the other side: the peer's
    /// did (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH).
    Denied(u16),
    /// A ZAP handler must be asked, and there is none (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL).
    NoAuthenticator,
    /// The security library gives no context, or it is no longer good: no tickets, a wrong key,
    /// Kerberos servers out of reach (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL).
    NoContext,
    /// A reply of the ZAP handler without the delimiter of a request's reply.
    ZapUnspecified,
    /// A reply of the ZAP handler that cannot be parsed.
    ZapMalformedReply,
    /// The ZAP handler's reply is to another request.
    ZapBadRequestId,
    /// The ZAP handler's reply is of an unknown version.
    ZapBadVersion,
    /// The ZAP handler's reply has a status that does not exist.
    ZapInvalidStatusCode,
    /// The ZAP handler's reply has metadata that cannot be parsed.
    ZapInvalidMetadata,
    /// A frame is longer than ZMQ_MAXMSGSIZE allows.
    MessageTooLarge,
    /// Memory for a frame could not be had.
    OutOfMemory,
}

impl ProtocolError {
    /// Its number in zmq.h (ZMQ_PROTOCOL_ERROR_*), or `None` for what is no breach of protocol:
    /// `Denied`, `NoAuthenticator`, `NoContext`, `IncompatibleSocketType`,
    /// `OutOfMemory`.
    pub(crate) const fn code(self) -> Option<u32> {
        Some(match self {
            Self::Unspecified | Self::Refused | Self::MessageTooLarge => 0x1000_0000,
            Self::UnexpectedCommand => 0x1000_0001,
            Self::InvalidSequence => 0x1000_0002,
            Self::KeyExchange => 0x1000_0003,
            Self::MalformedCommand => 0x1000_0011,
            Self::MalformedMessage => 0x1000_0012,
            Self::MalformedHello => 0x1000_0013,
            Self::MalformedInitiate => 0x1000_0014,
            Self::MalformedError => 0x1000_0015,
            Self::MalformedReady => 0x1000_0016,
            Self::MalformedWelcome => 0x1000_0017,
            Self::InvalidMetadata => 0x1000_0018,
            Self::Cryptographic => 0x1100_0001,
            Self::MechanismMismatch => 0x1100_0002,
            Self::ZapUnspecified => 0x2000_0000,
            Self::ZapMalformedReply => 0x2000_0001,
            Self::ZapBadRequestId => 0x2000_0002,
            Self::ZapBadVersion => 0x2000_0003,
            Self::ZapInvalidStatusCode => 0x2000_0004,
            Self::ZapInvalidMetadata => 0x2000_0005,
            Self::Denied(_)
            | Self::NoAuthenticator
            | Self::NoContext
            | Self::IncompatibleSocketType
            | Self::OutOfMemory => return None,
        })
    }

    /// Whether it is a ZAP handler's word that keeps the peer out: not a temporary failure (300),
    /// and not a reply that is none.
    pub(crate) const fn is_judgement(self) -> bool {
        matches!(self, Self::Denied(400 | 500))
    }

    /// Whether the same would happen again with the next connection to the same peer.
    pub(crate) const fn is_final(self) -> bool {
        !matches!(self, Self::NoAuthenticator | Self::NoContext | Self::OutOfMemory)
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for ProtocolError {}
