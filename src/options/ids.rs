//! The numbers of the socket options in zmq.h. Those at the end are not in the stable header;
//! libzmq's stable build answers them all the same, and so do we.

#![allow(missing_docs)]

pub(crate) const AFFINITY: i32 = 4;
pub(crate) const ROUTING_ID: i32 = 5;
pub(crate) const SUBSCRIBE: i32 = 6;
pub(crate) const UNSUBSCRIBE: i32 = 7;
pub(crate) const RATE: i32 = 8;
pub(crate) const RECOVERY_IVL: i32 = 9;
pub(crate) const SNDBUF: i32 = 11;
pub(crate) const RCVBUF: i32 = 12;
pub(crate) const RCVMORE: i32 = 13;
pub(crate) const FD: i32 = 14;
pub(crate) const EVENTS: i32 = 15;
pub(crate) const TYPE: i32 = 16;
pub(crate) const LINGER: i32 = 17;
pub(crate) const RECONNECT_IVL: i32 = 18;
pub(crate) const BACKLOG: i32 = 19;
pub(crate) const RECONNECT_IVL_MAX: i32 = 21;
pub(crate) const MAXMSGSIZE: i32 = 22;
pub(crate) const SNDHWM: i32 = 23;
pub(crate) const RCVHWM: i32 = 24;
pub(crate) const MULTICAST_HOPS: i32 = 25;
pub(crate) const RCVTIMEO: i32 = 27;
pub(crate) const SNDTIMEO: i32 = 28;
pub(crate) const IPV4ONLY: i32 = 31;
pub(crate) const LAST_ENDPOINT: i32 = 32;
pub(crate) const ROUTER_MANDATORY: i32 = 33;
pub(crate) const TCP_KEEPALIVE: i32 = 34;
pub(crate) const TCP_KEEPALIVE_CNT: i32 = 35;
pub(crate) const TCP_KEEPALIVE_IDLE: i32 = 36;
pub(crate) const TCP_KEEPALIVE_INTVL: i32 = 37;
pub(crate) const TCP_ACCEPT_FILTER: i32 = 38;
pub(crate) const IMMEDIATE: i32 = 39;
pub(crate) const XPUB_VERBOSE: i32 = 40;
pub(crate) const ROUTER_RAW: i32 = 41;
pub(crate) const IPV6: i32 = 42;
pub(crate) const MECHANISM: i32 = 43;
pub(crate) const PLAIN_SERVER: i32 = 44;
pub(crate) const PLAIN_USERNAME: i32 = 45;
pub(crate) const PLAIN_PASSWORD: i32 = 46;
pub(crate) const CURVE_SERVER: i32 = 47;
pub(crate) const CURVE_PUBLICKEY: i32 = 48;
pub(crate) const CURVE_SECRETKEY: i32 = 49;
pub(crate) const CURVE_SERVERKEY: i32 = 50;
pub(crate) const PROBE_ROUTER: i32 = 51;
pub(crate) const REQ_CORRELATE: i32 = 52;
pub(crate) const REQ_RELAXED: i32 = 53;
pub(crate) const CONFLATE: i32 = 54;
pub(crate) const ZAP_DOMAIN: i32 = 55;
pub(crate) const ROUTER_HANDOVER: i32 = 56;
pub(crate) const TOS: i32 = 57;
pub(crate) const IPC_FILTER_PID: i32 = 58;
pub(crate) const IPC_FILTER_UID: i32 = 59;
pub(crate) const IPC_FILTER_GID: i32 = 60;
pub(crate) const CONNECT_ROUTING_ID: i32 = 61;
pub(crate) const GSSAPI_SERVER: i32 = 62;
pub(crate) const GSSAPI_PRINCIPAL: i32 = 63;
pub(crate) const GSSAPI_SERVICE_PRINCIPAL: i32 = 64;
pub(crate) const GSSAPI_PLAINTEXT: i32 = 65;
pub(crate) const HANDSHAKE_IVL: i32 = 66;
pub(crate) const SOCKS_PROXY: i32 = 68;
pub(crate) const XPUB_NODROP: i32 = 69;
pub(crate) const XPUB_MANUAL: i32 = 71;
pub(crate) const XPUB_WELCOME_MSG: i32 = 72;
pub(crate) const STREAM_NOTIFY: i32 = 73;
pub(crate) const INVERT_MATCHING: i32 = 74;
pub(crate) const HEARTBEAT_IVL: i32 = 75;
pub(crate) const HEARTBEAT_TTL: i32 = 76;
pub(crate) const HEARTBEAT_TIMEOUT: i32 = 77;
pub(crate) const XPUB_VERBOSER: i32 = 78;
pub(crate) const CONNECT_TIMEOUT: i32 = 79;
pub(crate) const TCP_MAXRT: i32 = 80;
pub(crate) const THREAD_SAFE: i32 = 81;
pub(crate) const MULTICAST_MAXTPDU: i32 = 84;
pub(crate) const USE_FD: i32 = 89;
pub(crate) const GSSAPI_PRINCIPAL_NAMETYPE: i32 = 90;
pub(crate) const GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: i32 = 91;
pub(crate) const BINDTODEVICE: i32 = 92;

pub(crate) const ZAP_ENFORCE_DOMAIN: i32 = 93;
pub(crate) const LOOPBACK_FASTPATH: i32 = 94;
pub(crate) const MULTICAST_LOOP: i32 = 96;
pub(crate) const XPUB_MANUAL_LAST_VALUE: i32 = 98;
pub(crate) const SOCKS_USERNAME: i32 = 99;
pub(crate) const SOCKS_PASSWORD: i32 = 100;
pub(crate) const ONLY_FIRST_SUBSCRIBE: i32 = 108;
pub(crate) const RECONNECT_STOP: i32 = 109;

/// Ours: how long a waiting call may spin before it sleeps.
pub(crate) const BUSY_WAIT: i32 = 1010;
/// Ours: refuse peers that know no security.
pub(crate) const REFUSE_OLD_PEERS: i32 = 1020;
/// Ours: the most connections that wait for their peer's side of the handshake.
pub(crate) const MAX_HANDSHAKES: i32 = 1021;
/// Ours: the most subscriptions of a peer.
pub(crate) const MAX_SUBSCRIPTIONS: i32 = 1022;
/// Ours: the longest topic of a subscription.
pub(crate) const MAX_TOPIC_SIZE: i32 = 1023;

/// Whether the size that comes with a NULL value does not count (observed).
pub(crate) fn null_has_no_size(option: i32) -> bool {
    matches!(option, SOCKS_USERNAME | SOCKS_PASSWORD)
}
