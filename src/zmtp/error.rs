//! How a peer can break the protocol.

use crate::numbers::*;
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
    pub(crate) const fn code(self) -> Option<i32> {
        Some(match self {
            Self::Unspecified | Self::Refused | Self::MessageTooLarge => {
                ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED
            }
            Self::UnexpectedCommand => ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND,
            Self::InvalidSequence => ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE,
            Self::KeyExchange => ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE,
            Self::MalformedCommand => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED,
            Self::MalformedMessage => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE,
            Self::MalformedHello => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO,
            Self::MalformedInitiate => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE,
            Self::MalformedError => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR,
            Self::MalformedReady => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY,
            Self::MalformedWelcome => ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME,
            Self::InvalidMetadata => ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA,
            Self::Cryptographic => ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC,
            Self::MechanismMismatch => ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
            Self::ZapUnspecified => ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED,
            Self::ZapMalformedReply => ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY,
            Self::ZapBadRequestId => ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID,
            Self::ZapBadVersion => ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION,
            Self::ZapInvalidStatusCode => ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE,
            Self::ZapInvalidMetadata => ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA,
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
