//! The numbers of what zmq.h declares under `ZMQ_BUILD_DRAFT_API` alone.

use std::ffi::c_int;

/// Socket type: answers each of its ZMQ_CLIENT peers, by their numbers.
pub const ZMQ_SERVER: c_int = 12;
/// Socket type: talks to ZMQ_SERVER peers, in turn.
pub const ZMQ_CLIENT: c_int = 13;
/// Socket type: sends to all peers that joined the group of the message.
pub const ZMQ_RADIO: c_int = 14;
/// Socket type: receives the messages of groups that it joined.
pub const ZMQ_DISH: c_int = 15;
/// Socket type: receives from its ZMQ_SCATTER peers in turn.
pub const ZMQ_GATHER: c_int = 16;
/// Socket type: sends to its ZMQ_GATHER peers in turn.
pub const ZMQ_SCATTER: c_int = 17;
/// Socket type: datagrams of udp.
pub const ZMQ_DGRAM: c_int = 18;
/// Socket type: talks to each of its peers, by their numbers.
pub const ZMQ_PEER: c_int = 19;
/// Socket type: one peer, both directions.
pub const ZMQ_CHANNEL: c_int = 20;
