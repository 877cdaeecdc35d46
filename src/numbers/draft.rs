//! Numbers that zmq.h has under `ZMQ_BUILD_DRAFT_API` alone.

#![allow(dead_code)] // Some are for C alone.

use super::ZMQ_EVENT_ALL;
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

/// Context option: whether messages may share the memory that they were received in.
pub const ZMQ_ZERO_COPY_RECV: c_int = 10;
/// Context option of this library, not of libzmq, to read by `zmq_ctx_get_ext` only: its name and
/// version, a text with a NUL at its end.
pub const ZMQ_LIBRARY: c_int = 1001;

/// Socket option: 1 asks the ZAP handler only where there is a domain.
pub const ZMQ_ZAP_ENFORCE_DOMAIN: c_int = 93;
/// Socket option without effect here: a fast path for connections to the same machine.
pub const ZMQ_LOOPBACK_FASTPATH: c_int = 94;
/// Socket option, to set only: a property for the peers, "X-name:value".
pub const ZMQ_METADATA: c_int = 95;
/// Socket option: whether a multicast sender hears itself.
pub const ZMQ_MULTICAST_LOOP: c_int = 96;
/// Socket option: empty messages of peers that come (ZMQ_NOTIFY_CONNECT) and leave
/// (ZMQ_NOTIFY_DISCONNECT), as bits.
pub const ZMQ_ROUTER_NOTIFY: c_int = 97;
/// Socket option: an XPUB subscribes its peers itself, and sends to the last one alone.
pub const ZMQ_XPUB_MANUAL_LAST_VALUE: c_int = 98;
/// Socket option: name for the SOCKS5 proxy.
pub const ZMQ_SOCKS_USERNAME: c_int = 99;
/// Socket option: password for the SOCKS5 proxy.
pub const ZMQ_SOCKS_PASSWORD: c_int = 100;
/// Socket option without effect here: the most that is received at a time.
pub const ZMQ_IN_BATCH_SIZE: c_int = 101;
/// Socket option without effect here: the most that is sent at a time.
pub const ZMQ_OUT_BATCH_SIZE: c_int = 102;
/// Socket option for wss: own private key.
pub const ZMQ_WSS_KEY_PEM: c_int = 103;
/// Socket option for wss: own certificate.
pub const ZMQ_WSS_CERT_PEM: c_int = 104;
/// Socket option for wss: certificates that are trusted.
pub const ZMQ_WSS_TRUST_PEM: c_int = 105;
/// Socket option for wss: the name that the peer's certificate must have.
pub const ZMQ_WSS_HOSTNAME: c_int = 106;
/// Socket option for wss: 1 trusts what the system trusts.
pub const ZMQ_WSS_TRUST_SYSTEM: c_int = 107;
/// Socket option: only the first part of a message can be a subscription.
pub const ZMQ_ONLY_FIRST_SUBSCRIBE: c_int = 108;
/// Socket option: after which events no reconnect is tried, as bits.
pub const ZMQ_RECONNECT_STOP: c_int = 109;
/// Socket option, to set only: a message to each peer, once it is connected.
pub const ZMQ_HELLO_MSG: c_int = 110;
/// Socket option, to set only: a message from a peer that was accepted, when it has left.
pub const ZMQ_DISCONNECT_MSG: c_int = 111;
/// Socket option: the system's priority of what is sent.
pub const ZMQ_PRIORITY: c_int = 112;
/// Socket option, to set only: how long the system polls the device for what comes, in microseconds.
pub const ZMQ_BUSY_POLL: c_int = 113;
/// Socket option, to set only: a message from a peer that was connected to, when the connection broke.
pub const ZMQ_HICCUP_MSG: c_int = 114;
/// Socket option, to set only: 1 passes cancellations on that are not the last of their topic.
pub const ZMQ_XSUB_VERBOSE_UNSUBSCRIBE: c_int = 115;
/// Socket option, to read only: how many topics there are.
pub const ZMQ_TOPICS_COUNT: c_int = 116;
/// Socket option for norm: how the rate is controlled.
pub const ZMQ_NORM_MODE: c_int = 117;
/// Socket option for norm: 1 sends what is missing to the sender alone.
pub const ZMQ_NORM_UNICAST_NACK: c_int = 118;
/// Socket option for norm: buffer, in kilobytes.
pub const ZMQ_NORM_BUFFER_SIZE: c_int = 119;
/// Socket option for norm: bytes of a segment.
pub const ZMQ_NORM_SEGMENT_SIZE: c_int = 120;
/// Socket option for norm: segments of a block.
pub const ZMQ_NORM_BLOCK_SIZE: c_int = 121;
/// Socket option for norm: parity segments of a block.
pub const ZMQ_NORM_NUM_PARITY: c_int = 122;
/// Socket option for norm: parity segments that are sent unasked.
pub const ZMQ_NORM_NUM_AUTOPARITY: c_int = 123;
/// Socket option for norm: 1 keeps what comes rather than what came.
pub const ZMQ_NORM_PUSH: c_int = 124;

/// ZMQ_ROUTER_NOTIFY: of peers that come.
pub const ZMQ_NOTIFY_CONNECT: c_int = 1;
/// ZMQ_ROUTER_NOTIFY: of peers that leave.
pub const ZMQ_NOTIFY_DISCONNECT: c_int = 2;

/// ZMQ_RECONNECT_STOP: the connection was refused.
pub const ZMQ_RECONNECT_STOP_CONN_REFUSED: c_int = 0x1;
/// ZMQ_RECONNECT_STOP: the handshake failed.
pub const ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED: c_int = 0x2;
/// ZMQ_RECONNECT_STOP: the endpoint was disconnected.
pub const ZMQ_RECONNECT_STOP_AFTER_DISCONNECT: c_int = 0x4;

/// ZMQ_NORM_MODE: a fixed rate.
pub const ZMQ_NORM_FIXED: c_int = 0;
/// ZMQ_NORM_MODE: congestion control.
pub const ZMQ_NORM_CC: c_int = 1;
/// ZMQ_NORM_MODE: congestion control that takes loss as noise.
pub const ZMQ_NORM_CCL: c_int = 2;
/// ZMQ_NORM_MODE: congestion control by explicit notification.
pub const ZMQ_NORM_CCE: c_int = 3;
/// ZMQ_NORM_MODE: congestion control by explicit notification alone.
pub const ZMQ_NORM_CCE_ECNONLY: c_int = 4;

/// Event of monitors of version 2: answer to `zmq_socket_monitor_pipes_stats`. Values: how many
/// messages wait to be sent, and to be received.
pub const ZMQ_EVENT_PIPES_STATS: c_int = 0x10000;
/// The stable version of monitors.
pub const ZMQ_CURRENT_EVENT_VERSION: c_int = 1;
/// The newest version of monitors.
pub const ZMQ_CURRENT_EVENT_VERSION_DRAFT: c_int = 2;
/// All events of monitors of version 1.
pub const ZMQ_EVENT_ALL_V1: c_int = ZMQ_EVENT_ALL;
/// All events of monitors of version 2.
pub const ZMQ_EVENT_ALL_V2: c_int = ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS;
