//! The numbers of zmq.h for options, socket types, events and breaches of protocol: written once, here. The
//! header has them from this file, and the engine reads them by the same names.

#![forbid(unsafe_code)]

mod draft;

pub use draft::*;

use std::ffi::c_int;

/// Context option: how many threads do input and output.
pub const ZMQ_IO_THREADS: c_int = 1;
/// Context option: how many sockets may be open at a time.
pub const ZMQ_MAX_SOCKETS: c_int = 2;
/// Context option, to read only: the highest value of ZMQ_MAX_SOCKETS.
pub const ZMQ_SOCKET_LIMIT: c_int = 3;
/// Context option, to set only: scheduling priority of the I/O threads.
pub const ZMQ_THREAD_PRIORITY: c_int = 3;
/// Context option: scheduling policy of the I/O threads.
pub const ZMQ_THREAD_SCHED_POLICY: c_int = 4;
/// Context option: the largest message that may be sent, in bytes.
pub const ZMQ_MAX_MSGSZ: c_int = 5;
/// Context option, to read only: the size of `zmq_msg_t` in bytes.
pub const ZMQ_MSG_T_SIZE: c_int = 6;
/// Context option: a processor that the I/O threads may run on.
pub const ZMQ_THREAD_AFFINITY_CPU_ADD: c_int = 7;
/// Context option: a processor that the I/O threads may not run on any more.
pub const ZMQ_THREAD_AFFINITY_CPU_REMOVE: c_int = 8;
/// Context option: a number that the names of the I/O threads begin with.
pub const ZMQ_THREAD_NAME_PREFIX: c_int = 9;

/// ZMQ_IO_THREADS of a new context.
pub const ZMQ_IO_THREADS_DFLT: c_int = 1;
/// ZMQ_MAX_SOCKETS of a new context.
pub const ZMQ_MAX_SOCKETS_DFLT: c_int = 1023;
/// ZMQ_THREAD_PRIORITY of a new context: as the system has it.
pub const ZMQ_THREAD_PRIORITY_DFLT: c_int = -1;
/// ZMQ_THREAD_SCHED_POLICY of a new context: as the system has it.
pub const ZMQ_THREAD_SCHED_POLICY_DFLT: c_int = -1;

/// Socket type: one peer, both directions.
pub const ZMQ_PAIR: c_int = 0;
/// Socket type: sends to all peers that subscribed.
pub const ZMQ_PUB: c_int = 1;
/// Socket type: receives what it subscribed to.
pub const ZMQ_SUB: c_int = 2;
/// Socket type: sends a request, then receives its reply.
pub const ZMQ_REQ: c_int = 3;
/// Socket type: receives a request, then sends its reply.
pub const ZMQ_REP: c_int = 4;
/// Socket type: sends to its peers in turn, receives from all of them.
pub const ZMQ_DEALER: c_int = 5;
/// Socket type: sends to the peer that the first part names.
pub const ZMQ_ROUTER: c_int = 6;
/// Socket type: receives from its peers in turn.
pub const ZMQ_PULL: c_int = 7;
/// Socket type: sends to its peers in turn.
pub const ZMQ_PUSH: c_int = 8;
/// Socket type: a ZMQ_PUB that receives the subscriptions as messages.
pub const ZMQ_XPUB: c_int = 9;
/// Socket type: a ZMQ_SUB that sends its subscriptions as messages.
pub const ZMQ_XSUB: c_int = 10;
/// Socket type: bytes of plain TCP connections.
pub const ZMQ_STREAM: c_int = 11;

/// Old name of ZMQ_DEALER.
pub const ZMQ_XREQ: c_int = ZMQ_DEALER;
/// Old name of ZMQ_ROUTER.
pub const ZMQ_XREP: c_int = ZMQ_ROUTER;

/// Socket option: which I/O threads do the work, as bits.
pub const ZMQ_AFFINITY: c_int = 4;
/// Socket option: the name that ROUTER peers know the socket by.
pub const ZMQ_ROUTING_ID: c_int = 5;
/// Socket option: a prefix of messages to receive.
pub const ZMQ_SUBSCRIBE: c_int = 6;
/// Socket option: a prefix not to receive any more.
pub const ZMQ_UNSUBSCRIBE: c_int = 7;
/// Socket option: multicast rate, in kilobits a second.
pub const ZMQ_RATE: c_int = 8;
/// Socket option: multicast recovery, in milliseconds.
pub const ZMQ_RECOVERY_IVL: c_int = 9;
/// Socket option: the system's send buffer, in bytes.
pub const ZMQ_SNDBUF: c_int = 11;
/// Socket option: the system's receive buffer, in bytes.
pub const ZMQ_RCVBUF: c_int = 12;
/// Socket option: 1 if more parts follow the one received last.
pub const ZMQ_RCVMORE: c_int = 13;
/// Socket option: a descriptor that tells when ZMQ_EVENTS may have changed.
pub const ZMQ_FD: c_int = 14;
/// Socket option: whether the socket can receive (ZMQ_POLLIN) and send (ZMQ_POLLOUT).
pub const ZMQ_EVENTS: c_int = 15;
/// Socket option: the type of the socket.
pub const ZMQ_TYPE: c_int = 16;
/// Socket option: how long unsent messages outlive the socket, in milliseconds.
pub const ZMQ_LINGER: c_int = 17;
/// Socket option: time before a connection is tried again, in milliseconds.
pub const ZMQ_RECONNECT_IVL: c_int = 18;
/// Socket option: connections that wait to be accepted.
pub const ZMQ_BACKLOG: c_int = 19;
/// Socket option: limit of the growing time between tries, in milliseconds.
pub const ZMQ_RECONNECT_IVL_MAX: c_int = 21;
/// Socket option: the largest part that a peer may send, in bytes.
pub const ZMQ_MAXMSGSIZE: c_int = 22;
/// Socket option: messages that wait to be sent, for each peer.
pub const ZMQ_SNDHWM: c_int = 23;
/// Socket option: messages that wait to be received, for each peer.
pub const ZMQ_RCVHWM: c_int = 24;
/// Socket option: how far multicast goes.
pub const ZMQ_MULTICAST_HOPS: c_int = 25;
/// Socket option: how long a receive may wait, in milliseconds.
pub const ZMQ_RCVTIMEO: c_int = 27;
/// Socket option: how long a send may wait, in milliseconds.
pub const ZMQ_SNDTIMEO: c_int = 28;
/// Socket option: the endpoint of the last bind or connect.
pub const ZMQ_LAST_ENDPOINT: c_int = 32;
/// Socket option: a ROUTER fails where it would drop.
pub const ZMQ_ROUTER_MANDATORY: c_int = 33;
/// Socket option: keep-alive of TCP: on, off or as the system has it.
pub const ZMQ_TCP_KEEPALIVE: c_int = 34;
/// Socket option: keep-alive of TCP: lost probes before the end.
pub const ZMQ_TCP_KEEPALIVE_CNT: c_int = 35;
/// Socket option: keep-alive of TCP: seconds before the first probe.
pub const ZMQ_TCP_KEEPALIVE_IDLE: c_int = 36;
/// Socket option: keep-alive of TCP: seconds between probes.
pub const ZMQ_TCP_KEEPALIVE_INTVL: c_int = 37;
/// Socket option: only complete connections get messages.
pub const ZMQ_IMMEDIATE: c_int = 39;
/// Socket option: an XPUB receives repeated subscriptions as well.
pub const ZMQ_XPUB_VERBOSE: c_int = 40;
/// Socket option: a ROUTER speaks with plain TCP peers.
pub const ZMQ_ROUTER_RAW: c_int = 41;
/// Socket option: IPv6 beside IPv4.
pub const ZMQ_IPV6: c_int = 42;
/// Socket option: the security mechanism in use.
pub const ZMQ_MECHANISM: c_int = 43;
/// Socket option: this side checks names and passwords.
pub const ZMQ_PLAIN_SERVER: c_int = 44;
/// Socket option: name for PLAIN.
pub const ZMQ_PLAIN_USERNAME: c_int = 45;
/// Socket option: password for PLAIN.
pub const ZMQ_PLAIN_PASSWORD: c_int = 46;
/// Socket option: this side is the server of CURVE.
pub const ZMQ_CURVE_SERVER: c_int = 47;
/// Socket option: own public key for CURVE.
pub const ZMQ_CURVE_PUBLICKEY: c_int = 48;
/// Socket option: own secret key for CURVE.
pub const ZMQ_CURVE_SECRETKEY: c_int = 49;
/// Socket option: public key of the server for CURVE.
pub const ZMQ_CURVE_SERVERKEY: c_int = 50;
/// Socket option: an empty message greets each peer.
pub const ZMQ_PROBE_ROUTER: c_int = 51;
/// Socket option: a REQ marks its requests and checks the replies.
pub const ZMQ_REQ_CORRELATE: c_int = 52;
/// Socket option: a REQ may send again before the reply came.
pub const ZMQ_REQ_RELAXED: c_int = 53;
/// Socket option: only the last message is kept.
pub const ZMQ_CONFLATE: c_int = 54;
/// Socket option: domain for the authentication of peers.
pub const ZMQ_ZAP_DOMAIN: c_int = 55;
/// Socket option: a new peer takes over a routing id in use.
pub const ZMQ_ROUTER_HANDOVER: c_int = 56;
/// Socket option: type of service of IP packets.
pub const ZMQ_TOS: c_int = 57;
/// Socket option: routing id of the peer that is connected next.
pub const ZMQ_CONNECT_ROUTING_ID: c_int = 61;
/// Socket option: this side is the server of GSSAPI.
pub const ZMQ_GSSAPI_SERVER: c_int = 62;
/// Socket option: own principal for GSSAPI.
pub const ZMQ_GSSAPI_PRINCIPAL: c_int = 63;
/// Socket option: principal of the server for GSSAPI.
pub const ZMQ_GSSAPI_SERVICE_PRINCIPAL: c_int = 64;
/// Socket option: GSSAPI without encryption.
pub const ZMQ_GSSAPI_PLAINTEXT: c_int = 65;
/// Socket option: how long a handshake may take, in milliseconds.
pub const ZMQ_HANDSHAKE_IVL: c_int = 66;
/// Socket option: a SOCKS5 proxy to connect through.
pub const ZMQ_SOCKS_PROXY: c_int = 68;
/// Socket option: a PUB or XPUB waits where it would drop.
pub const ZMQ_XPUB_NODROP: c_int = 69;
/// Context option: whether ending waits for lingering messages.
pub const ZMQ_BLOCKY: c_int = 70;
/// Socket option: an XPUB subscribes its peers itself.
pub const ZMQ_XPUB_MANUAL: c_int = 71;
/// Socket option: a message for each new subscriber.
pub const ZMQ_XPUB_WELCOME_MSG: c_int = 72;
/// Socket option: a STREAM tells of connections that come and go.
pub const ZMQ_STREAM_NOTIFY: c_int = 73;
/// Socket option: messages that match no subscription are sent.
pub const ZMQ_INVERT_MATCHING: c_int = 74;
/// Socket option: time between heartbeats, in milliseconds.
pub const ZMQ_HEARTBEAT_IVL: c_int = 75;
/// Socket option: how long the peer may wait for ours, in milliseconds.
pub const ZMQ_HEARTBEAT_TTL: c_int = 76;
/// Socket option: how long the peer's may take, in milliseconds.
pub const ZMQ_HEARTBEAT_TIMEOUT: c_int = 77;
/// Socket option: an XPUB receives repeated unsubscriptions as well.
pub const ZMQ_XPUB_VERBOSER: c_int = 78;
/// Socket option: how long connecting may take, in milliseconds.
pub const ZMQ_CONNECT_TIMEOUT: c_int = 79;
/// Socket option: how long TCP sends again, in milliseconds.
pub const ZMQ_TCP_MAXRT: c_int = 80;
/// Socket option: 1 if threads may share the socket.
pub const ZMQ_THREAD_SAFE: c_int = 81;
/// Socket option: the largest multicast packet, in bytes.
pub const ZMQ_MULTICAST_MAXTPDU: c_int = 84;
/// Socket option: buffer of VMCI, in bytes.
pub const ZMQ_VMCI_BUFFER_SIZE: c_int = 85;
/// Socket option: smallest buffer of VMCI, in bytes.
pub const ZMQ_VMCI_BUFFER_MIN_SIZE: c_int = 86;
/// Socket option: largest buffer of VMCI, in bytes.
pub const ZMQ_VMCI_BUFFER_MAX_SIZE: c_int = 87;
/// Socket option: how long connecting by VMCI may take, in milliseconds.
pub const ZMQ_VMCI_CONNECT_TIMEOUT: c_int = 88;
/// Socket option: a descriptor made elsewhere, to be used by bind or connect.
pub const ZMQ_USE_FD: c_int = 89;
/// Socket option: kind of name of the own principal.
pub const ZMQ_GSSAPI_PRINCIPAL_NAMETYPE: c_int = 90;
/// Socket option: kind of name of the server's principal.
pub const ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: c_int = 91;
/// Socket option: the network interface to use.
pub const ZMQ_BINDTODEVICE: c_int = 92;
/// Socket option of this library, not of libzmq: how long a waiting call may look for messages
/// before it sleeps, in microseconds; 20 by default, 0 is not at all.
pub const ZMQ_BUSY_WAIT: c_int = 1010;
/// Socket option of this library, not of libzmq: 1 refuses peers that speak ZMTP 1.0 or 2.0, which
/// know no security; 0 by default. With a security mechanism, or where a ZAP handler is asked, they
/// are refused anyway.
pub const ZMQ_REFUSE_OLD_PEERS: c_int = 1020;
/// Socket option of this library, not of libzmq: how many connections to a bound endpoint may wait
/// for their peer's side of the handshake; when there are more, the oldest is closed. 65536 by
/// default, 0 is no limit.
pub const ZMQ_MAX_HANDSHAKES: c_int = 1021;
/// Socket option of this library, not of libzmq (PUB, XPUB): how many subscriptions a peer may
/// have; one that makes more loses its connection. 0, the default, is no limit.
pub const ZMQ_MAX_SUBSCRIPTIONS: c_int = 1022;
/// Socket option of this library, not of libzmq (PUB, XPUB): the longest topic, in bytes, that a
/// peer may subscribe to; one that tries a longer one loses its connection. 0, the default, is no
/// limit but that of ZMQ_MAXMSGSIZE.
pub const ZMQ_MAX_TOPIC_SIZE: c_int = 1023;

/// Old name of ZMQ_ROUTING_ID.
pub const ZMQ_IDENTITY: c_int = ZMQ_ROUTING_ID;
/// Old name of ZMQ_CONNECT_ROUTING_ID.
pub const ZMQ_CONNECT_RID: c_int = ZMQ_CONNECT_ROUTING_ID;
/// Deprecated socket option: the opposite of ZMQ_IPV6.
pub const ZMQ_IPV4ONLY: c_int = 31;
/// Deprecated socket option: addresses to accept connections from.
pub const ZMQ_TCP_ACCEPT_FILTER: c_int = 38;
/// Deprecated socket option: processes to accept connections from.
pub const ZMQ_IPC_FILTER_PID: c_int = 58;
/// Deprecated socket option: users to accept connections from.
pub const ZMQ_IPC_FILTER_UID: c_int = 59;
/// Deprecated socket option: groups to accept connections from.
pub const ZMQ_IPC_FILTER_GID: c_int = 60;
/// Old name of ZMQ_IMMEDIATE.
pub const ZMQ_DELAY_ATTACH_ON_CONNECT: c_int = ZMQ_IMMEDIATE;
/// Old name of ZMQ_ROUTER_MANDATORY.
pub const ZMQ_FAIL_UNROUTABLE: c_int = ZMQ_ROUTER_MANDATORY;
/// Old name of ZMQ_ROUTER_MANDATORY.
pub const ZMQ_ROUTER_BEHAVIOR: c_int = ZMQ_ROUTER_MANDATORY;

/// Security mechanism: none.
pub const ZMQ_NULL: c_int = 0;
/// Security mechanism: name and password, in clear.
pub const ZMQ_PLAIN: c_int = 1;
/// Security mechanism: keys of Curve25519.
pub const ZMQ_CURVE: c_int = 2;
/// Security mechanism: Kerberos.
pub const ZMQ_GSSAPI: c_int = 3;

/// Kind of GSSAPI name: service at a host.
pub const ZMQ_GSSAPI_NT_HOSTBASED: c_int = 0;
/// Kind of GSSAPI name: user.
pub const ZMQ_GSSAPI_NT_USER_NAME: c_int = 1;
/// Kind of GSSAPI name: Kerberos principal.
pub const ZMQ_GSSAPI_NT_KRB5_PRINCIPAL: c_int = 2;

/// Event: a connection is there. Value: its descriptor.
pub const ZMQ_EVENT_CONNECTED: c_int = 0x0001;
/// Event: a connection is being made.
pub const ZMQ_EVENT_CONNECT_DELAYED: c_int = 0x0002;
/// Event: a connection will be tried again. Value: milliseconds until then.
pub const ZMQ_EVENT_CONNECT_RETRIED: c_int = 0x0004;
/// Event: connections are accepted. Value: the listening descriptor.
pub const ZMQ_EVENT_LISTENING: c_int = 0x0008;
/// Event: an endpoint could not be bound. Value: errno.
pub const ZMQ_EVENT_BIND_FAILED: c_int = 0x0010;
/// Event: a connection was accepted. Value: its descriptor.
pub const ZMQ_EVENT_ACCEPTED: c_int = 0x0020;
/// Event: a connection could not be accepted. Value: errno.
pub const ZMQ_EVENT_ACCEPT_FAILED: c_int = 0x0040;
/// Event: a descriptor was closed. Value: the descriptor.
pub const ZMQ_EVENT_CLOSED: c_int = 0x0080;
/// Event: a descriptor could not be closed. Value: errno.
pub const ZMQ_EVENT_CLOSE_FAILED: c_int = 0x0100;
/// Event: a connection broke. Value: its descriptor.
pub const ZMQ_EVENT_DISCONNECTED: c_int = 0x0200;
/// Event: the last one of a monitor.
pub const ZMQ_EVENT_MONITOR_STOPPED: c_int = 0x0400;
/// All events.
pub const ZMQ_EVENT_ALL: c_int = 0xFFFF;
/// Event: a handshake failed for a system error. Value: errno.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: c_int = 0x0800;
/// Event: a handshake is complete; messages flow.
pub const ZMQ_EVENT_HANDSHAKE_SUCCEEDED: c_int = 0x1000;
/// Event: a handshake failed for a breach of protocol. Value: ZMQ_PROTOCOL_ERROR_*.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: c_int = 0x2000;
/// Event: the peer was not let in. Value: the status code of ZAP: 300, 400 or 500.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: c_int = 0x4000;

/// Breach of ZMTP without a name of its own.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED: c_int = 0x1000_0000;
/// Breach of ZMTP: a command that does not belong here.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND: c_int = 0x1000_0001;
/// Breach of ZMTP: a nonce that does not follow the one before.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE: c_int = 0x1000_0002;
/// Breach of ZMTP: the keys could not be agreed on.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE: c_int = 0x1000_0003;
/// Breach of ZMTP: a malformed command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED: c_int = 0x1000_0011;
/// Breach of ZMTP: a malformed MESSAGE command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE: c_int = 0x1000_0012;
/// Breach of ZMTP: a malformed HELLO command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO: c_int = 0x1000_0013;
/// Breach of ZMTP: a malformed INITIATE command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE: c_int = 0x1000_0014;
/// Breach of ZMTP: a malformed ERROR command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR: c_int = 0x1000_0015;
/// Breach of ZMTP: a malformed READY command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY: c_int = 0x1000_0016;
/// Breach of ZMTP: a malformed WELCOME command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME: c_int = 0x1000_0017;
/// Breach of ZMTP: malformed metadata.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA: c_int = 0x1000_0018;
/// Breach of ZMTP: what was sealed could not be opened; perhaps a wrong key.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: c_int = 0x1100_0001;
/// Breach of ZMTP: the peer has another security mechanism.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: c_int = 0x1100_0002;
/// Breach of ZAP without a name of its own.
pub const ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED: c_int = 0x2000_0000;
/// Breach of ZAP: a malformed reply.
pub const ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY: c_int = 0x2000_0001;
/// Breach of ZAP: the reply is to another request.
pub const ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID: c_int = 0x2000_0002;
/// Breach of ZAP: an unknown version.
pub const ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION: c_int = 0x2000_0003;
/// Breach of ZAP: a status code that does not exist.
pub const ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE: c_int = 0x2000_0004;
/// Breach of ZAP: malformed metadata.
pub const ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA: c_int = 0x2000_0005;
/// Breach of the WebSocket protocol.
pub const ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED: c_int = 0x3000_0000;

/// Poll event: a message, or a byte, can be received.
pub const ZMQ_POLLIN: c_int = 1;
/// Poll event: a message, or a byte, can be sent.
pub const ZMQ_POLLOUT: c_int = 2;
/// Poll event of descriptors: an error condition.
pub const ZMQ_POLLERR: c_int = 4;
/// Poll event of descriptors: urgent data.
pub const ZMQ_POLLPRI: c_int = 8;
