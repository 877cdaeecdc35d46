//! ZMTP, the protocol between two sockets, as a state machine without I/O: bytes in, events out.
//!
//! Nothing here touches a socket, reads a clock or starts a thread. [`Handshake`] takes the bytes
//! of the greeting and of the security [`Mechanism`]; when it is established, [`FrameDecoder`] takes
//! over with the frames, and [`encode_header`] writes them. Spoken are ZMTP 3.1 and 3.0 (RFC 37,
//! RFC 23), 2.0 (RFC 15) and 1.0 (RFC 13), whichever the peer knows.

#![forbid(unsafe_code)]

mod command;
mod error;
mod frame;
mod handshake;
pub(crate) mod mechanism;
mod metadata;
mod peer;
mod secret;
mod socket_type;
mod zap;

pub(crate) use command::{Command, Subscription, ping, pong};
pub(crate) use error::ProtocolError;
pub(crate) use frame::{FrameDecoder, MAX_HEADER, encode_header, encode_sole_header};
pub(crate) use handshake::{Authentication, Handshake, HandshakeConfig};
pub(crate) use mechanism::{
    CurveClient, CurveKey, CurveServer, Gssapi, Mechanism, NoContext, Null, Opener, PlainClient,
    PlainServer, Protection, Sealer, SecurityContext, Task, curve_keypair, curve_public,
};
pub(crate) use peer::{Peer, Version};
pub(crate) use secret::reserve_wiping;
pub(crate) use socket_type::SocketType;
pub(crate) use zap::{ZapReply, ZapRequest, parse_zap_reply, zap_request};
