/*  The C interface of this library, which is that of libzmq 4.3.
 *
 *  GENERATED from src/capi by cbindgen: change it there and in cbindgen.toml, then run
 *  `make headers`.
 *
 *  The manual pages say what each function does: zmq(7) is the first, docs/man has their source.
 */
#ifndef __ZMQ_H_INCLUDED__
#define __ZMQ_H_INCLUDED__

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Version of the interface, to compare at compile time:
 *  #if ZMQ_VERSION >= ZMQ_MAKE_VERSION(4, 3, 0)
 */
#define ZMQ_MAKE_VERSION(major, minor, patch) ((major) * 10000 + (minor) * 100 + (patch))
#define ZMQ_VERSION ZMQ_MAKE_VERSION(ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/*  Symbols of a shared library that is built with hidden ones  */
#if defined(__GNUC__) || defined(__INTEL_COMPILER)
#define ZMQ_EXPORT __attribute__((visibility("default")))
#else
#define ZMQ_EXPORT
#endif

/*  The integer types of <stdint.h> are there  */
#define ZMQ_DEFINED_STDINT 1

/*  Timers are there  */
#define ZMQ_HAVE_TIMERS

/*  Error numbers that a system may lack  */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

struct iovec;

/*  A message part. Copy it with zmq_msg_copy and zmq_msg_move only.  */
typedef struct zmq_msg_t {
#if defined(__GNUC__) || defined(__INTEL_COMPILER)
    unsigned char _[64] __attribute__((aligned(sizeof(void *))));
#else
    unsigned char _[64];
#endif
} zmq_msg_t;

/*  Gives back the memory of zmq_msg_init_data; may run on any thread.  */
typedef void(zmq_free_fn)(void *data, void *hint);

/*  What a timer calls.  */
typedef void(zmq_timer_fn)(int timer_id, void *arg);

/*  What a thread of zmq_threadstart calls.  */
typedef void(zmq_thread_fn)(void *);

/*  Base of the error numbers that the operating system does not have.  */
#define ZMQ_HAUSNUMERO 156384712

/*  The operation does not fit the state that the socket is in.  */
#define EFSM (ZMQ_HAUSNUMERO + 51)

/*  The transport does not go with the socket type.  */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52)

/*  The context was shut down or terminated.  */
#define ETERM (ZMQ_HAUSNUMERO + 53)

/*  The context has no I/O thread to do the work.  */
#define EMTHREAD (ZMQ_HAUSNUMERO + 54)

/*  Version of the interface: major number.  */
#define ZMQ_VERSION_MAJOR 4

/*  Version of the interface: minor number.  */
#define ZMQ_VERSION_MINOR 3

/*  Version of the interface: patch number.  */
#define ZMQ_VERSION_PATCH 5

/*  Says that zmq_has is there.  */
#define ZMQ_HAS_CAPABILITIES 1

/*  Context option: how many threads do input and output.  */
#define ZMQ_IO_THREADS 1

/*  Context option: how many sockets may be open at a time.  */
#define ZMQ_MAX_SOCKETS 2

/*  Context option, to read only: the highest value of ZMQ_MAX_SOCKETS.  */
#define ZMQ_SOCKET_LIMIT 3

/*  Context option, to set only: scheduling priority of the I/O threads.  */
#define ZMQ_THREAD_PRIORITY 3

/*  Context option: scheduling policy of the I/O threads.  */
#define ZMQ_THREAD_SCHED_POLICY 4

/*  Context option: the largest message that may be sent, in bytes.  */
#define ZMQ_MAX_MSGSZ 5

/*  Context option, to read only: the size of zmq_msg_t in bytes.  */
#define ZMQ_MSG_T_SIZE 6

/*  Context option: a processor that the I/O threads may run on.  */
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7

/*  Context option: a processor that the I/O threads may not run on any more.  */
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8

/*  Context option: a number that the names of the I/O threads begin with.  */
#define ZMQ_THREAD_NAME_PREFIX 9

/*  ZMQ_IO_THREADS of a new context.  */
#define ZMQ_IO_THREADS_DFLT 1

/*  ZMQ_MAX_SOCKETS of a new context.  */
#define ZMQ_MAX_SOCKETS_DFLT 1023

/*  ZMQ_THREAD_PRIORITY of a new context: as the system has it.  */
#define ZMQ_THREAD_PRIORITY_DFLT -1

/*  ZMQ_THREAD_SCHED_POLICY of a new context: as the system has it.  */
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1

/*  Socket type: one peer, both directions.  */
#define ZMQ_PAIR 0

/*  Socket type: sends to all peers that subscribed.  */
#define ZMQ_PUB 1

/*  Socket type: receives what it subscribed to.  */
#define ZMQ_SUB 2

/*  Socket type: sends a request, then receives its reply.  */
#define ZMQ_REQ 3

/*  Socket type: receives a request, then sends its reply.  */
#define ZMQ_REP 4

/*  Socket type: sends to its peers in turn, receives from all of them.  */
#define ZMQ_DEALER 5

/*  Socket type: sends to the peer that the first part names.  */
#define ZMQ_ROUTER 6

/*  Socket type: receives from its peers in turn.  */
#define ZMQ_PULL 7

/*  Socket type: sends to its peers in turn.  */
#define ZMQ_PUSH 8

/*  Socket type: a ZMQ_PUB that receives the subscriptions as messages.  */
#define ZMQ_XPUB 9

/*  Socket type: a ZMQ_SUB that sends its subscriptions as messages.  */
#define ZMQ_XSUB 10

/*  Socket type: bytes of plain TCP connections.  */
#define ZMQ_STREAM 11

/*  Old name of ZMQ_DEALER.  */
#define ZMQ_XREQ ZMQ_DEALER

/*  Old name of ZMQ_ROUTER.  */
#define ZMQ_XREP ZMQ_ROUTER

/*  Socket option: which I/O threads do the work, as bits.  */
#define ZMQ_AFFINITY 4

/*  Socket option: the name that ROUTER peers know the socket by.  */
#define ZMQ_ROUTING_ID 5

/*  Socket option: a prefix of messages to receive.  */
#define ZMQ_SUBSCRIBE 6

/*  Socket option: a prefix not to receive any more.  */
#define ZMQ_UNSUBSCRIBE 7

/*  Socket option: multicast rate, in kilobits a second.  */
#define ZMQ_RATE 8

/*  Socket option: multicast recovery, in milliseconds.  */
#define ZMQ_RECOVERY_IVL 9

/*  Socket option: the system's send buffer, in bytes.  */
#define ZMQ_SNDBUF 11

/*  Socket option: the system's receive buffer, in bytes.  */
#define ZMQ_RCVBUF 12

/*  Socket option: 1 if more parts follow the one received last.  */
#define ZMQ_RCVMORE 13

/*  Socket option: a descriptor that tells when ZMQ_EVENTS may have changed.  */
#define ZMQ_FD 14

/*  Socket option: whether the socket can receive (ZMQ_POLLIN) and send (ZMQ_POLLOUT).  */
#define ZMQ_EVENTS 15

/*  Socket option: the type of the socket.  */
#define ZMQ_TYPE 16

/*  Socket option: how long unsent messages outlive the socket, in milliseconds.  */
#define ZMQ_LINGER 17

/*  Socket option: time before a connection is tried again, in milliseconds.  */
#define ZMQ_RECONNECT_IVL 18

/*  Socket option: connections that wait to be accepted.  */
#define ZMQ_BACKLOG 19

/*  Socket option: limit of the growing time between tries, in milliseconds.  */
#define ZMQ_RECONNECT_IVL_MAX 21

/*  Socket option: the largest part that a peer may send, in bytes.  */
#define ZMQ_MAXMSGSIZE 22

/*  Socket option: messages that wait to be sent, for each peer.  */
#define ZMQ_SNDHWM 23

/*  Socket option: messages that wait to be received, for each peer.  */
#define ZMQ_RCVHWM 24

/*  Socket option: how far multicast goes.  */
#define ZMQ_MULTICAST_HOPS 25

/*  Socket option: how long a receive may wait, in milliseconds.  */
#define ZMQ_RCVTIMEO 27

/*  Socket option: how long a send may wait, in milliseconds.  */
#define ZMQ_SNDTIMEO 28

/*  Socket option: the endpoint of the last bind or connect.  */
#define ZMQ_LAST_ENDPOINT 32

/*  Socket option: a ROUTER fails where it would drop.  */
#define ZMQ_ROUTER_MANDATORY 33

/*  Socket option: keep-alive of TCP: on, off or as the system has it.  */
#define ZMQ_TCP_KEEPALIVE 34

/*  Socket option: keep-alive of TCP: lost probes before the end.  */
#define ZMQ_TCP_KEEPALIVE_CNT 35

/*  Socket option: keep-alive of TCP: seconds before the first probe.  */
#define ZMQ_TCP_KEEPALIVE_IDLE 36

/*  Socket option: keep-alive of TCP: seconds between probes.  */
#define ZMQ_TCP_KEEPALIVE_INTVL 37

/*  Socket option: only complete connections get messages.  */
#define ZMQ_IMMEDIATE 39

/*  Socket option: an XPUB receives repeated subscriptions as well.  */
#define ZMQ_XPUB_VERBOSE 40

/*  Socket option: a ROUTER speaks with plain TCP peers.  */
#define ZMQ_ROUTER_RAW 41

/*  Socket option: IPv6 beside IPv4.  */
#define ZMQ_IPV6 42

/*  Socket option: the security mechanism in use.  */
#define ZMQ_MECHANISM 43

/*  Socket option: this side checks names and passwords.  */
#define ZMQ_PLAIN_SERVER 44

/*  Socket option: name for PLAIN.  */
#define ZMQ_PLAIN_USERNAME 45

/*  Socket option: password for PLAIN.  */
#define ZMQ_PLAIN_PASSWORD 46

/*  Socket option: this side is the server of CURVE.  */
#define ZMQ_CURVE_SERVER 47

/*  Socket option: own public key for CURVE.  */
#define ZMQ_CURVE_PUBLICKEY 48

/*  Socket option: own secret key for CURVE.  */
#define ZMQ_CURVE_SECRETKEY 49

/*  Socket option: public key of the server for CURVE.  */
#define ZMQ_CURVE_SERVERKEY 50

/*  Socket option: an empty message greets each peer.  */
#define ZMQ_PROBE_ROUTER 51

/*  Socket option: a REQ marks its requests and checks the replies.  */
#define ZMQ_REQ_CORRELATE 52

/*  Socket option: a REQ may send again before the reply came.  */
#define ZMQ_REQ_RELAXED 53

/*  Socket option: only the last message is kept.  */
#define ZMQ_CONFLATE 54

/*  Socket option: domain for the authentication of peers.  */
#define ZMQ_ZAP_DOMAIN 55

/*  Socket option: a new peer takes over a routing id in use.  */
#define ZMQ_ROUTER_HANDOVER 56

/*  Socket option: type of service of IP packets.  */
#define ZMQ_TOS 57

/*  Socket option: routing id of the peer that is connected next.  */
#define ZMQ_CONNECT_ROUTING_ID 61

/*  Socket option: this side is the server of GSSAPI.  */
#define ZMQ_GSSAPI_SERVER 62

/*  Socket option: own principal for GSSAPI.  */
#define ZMQ_GSSAPI_PRINCIPAL 63

/*  Socket option: principal of the server for GSSAPI.  */
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64

/*  Socket option: GSSAPI without encryption.  */
#define ZMQ_GSSAPI_PLAINTEXT 65

/*  Socket option: how long a handshake may take, in milliseconds.  */
#define ZMQ_HANDSHAKE_IVL 66

/*  Socket option: a SOCKS5 proxy to connect through.  */
#define ZMQ_SOCKS_PROXY 68

/*  Socket option: a PUB or XPUB waits where it would drop.  */
#define ZMQ_XPUB_NODROP 69

/*  Context option: whether ending waits for lingering messages.  */
#define ZMQ_BLOCKY 70

/*  Socket option: an XPUB subscribes its peers itself.  */
#define ZMQ_XPUB_MANUAL 71

/*  Socket option: a message for each new subscriber.  */
#define ZMQ_XPUB_WELCOME_MSG 72

/*  Socket option: a STREAM tells of connections that come and go.  */
#define ZMQ_STREAM_NOTIFY 73

/*  Socket option: messages that match no subscription are sent.  */
#define ZMQ_INVERT_MATCHING 74

/*  Socket option: time between heartbeats, in milliseconds.  */
#define ZMQ_HEARTBEAT_IVL 75

/*  Socket option: how long the peer may wait for ours, in milliseconds.  */
#define ZMQ_HEARTBEAT_TTL 76

/*  Socket option: how long the peer's may take, in milliseconds.  */
#define ZMQ_HEARTBEAT_TIMEOUT 77

/*  Socket option: an XPUB receives repeated unsubscriptions as well.  */
#define ZMQ_XPUB_VERBOSER 78

/*  Socket option: how long connecting may take, in milliseconds.  */
#define ZMQ_CONNECT_TIMEOUT 79

/*  Socket option: how long TCP sends again, in milliseconds.  */
#define ZMQ_TCP_MAXRT 80

/*  Socket option: 1 if threads may share the socket.  */
#define ZMQ_THREAD_SAFE 81

/*  Socket option: the largest multicast packet, in bytes.  */
#define ZMQ_MULTICAST_MAXTPDU 84

/*  Socket option: buffer of VMCI, in bytes.  */
#define ZMQ_VMCI_BUFFER_SIZE 85

/*  Socket option: smallest buffer of VMCI, in bytes.  */
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86

/*  Socket option: largest buffer of VMCI, in bytes.  */
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87

/*  Socket option: how long connecting by VMCI may take, in milliseconds.  */
#define ZMQ_VMCI_CONNECT_TIMEOUT 88

/*  Socket option: a descriptor made elsewhere, to be used by bind or connect.  */
#define ZMQ_USE_FD 89

/*  Socket option: kind of name of the own principal.  */
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90

/*  Socket option: kind of name of the server's principal.  */
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91

/*  Socket option: the network interface to use.  */
#define ZMQ_BINDTODEVICE 92

/*  Socket option of this library, not of libzmq: how long a waiting call may look for messages
 *  before it sleeps, in microseconds; 20 by default, 0 is not at all.
 */
#define ZMQ_BUSY_WAIT 1010

/*  Socket option of this library, not of libzmq: 1 refuses peers that speak ZMTP 1.0 or 2.0, which
 *  know no security; 0 by default. With a security mechanism, or where a ZAP handler is asked, they
 *  are refused anyway.
 */
#define ZMQ_REFUSE_OLD_PEERS 1020

/*  Socket option of this library, not of libzmq: how many connections to a bound endpoint may wait
 *  for their peer's side of the handshake; when there are more, the oldest is closed. 65536 by
 *  default, 0 is no limit.
 */
#define ZMQ_MAX_HANDSHAKES 1021

/*  Socket option of this library, not of libzmq (PUB, XPUB): how many subscriptions a peer may
 *  have; one that makes more loses its connection. 0, the default, is no limit.
 */
#define ZMQ_MAX_SUBSCRIPTIONS 1022

/*  Socket option of this library, not of libzmq (PUB, XPUB): the longest topic, in bytes, that a
 *  peer may subscribe to; one that tries a longer one loses its connection. 0, the default, is no
 *  limit but that of ZMQ_MAXMSGSIZE.
 */
#define ZMQ_MAX_TOPIC_SIZE 1023

/*  Old name of ZMQ_ROUTING_ID.  */
#define ZMQ_IDENTITY ZMQ_ROUTING_ID

/*  Old name of ZMQ_CONNECT_ROUTING_ID.  */
#define ZMQ_CONNECT_RID ZMQ_CONNECT_ROUTING_ID

/*  Deprecated socket option: the opposite of ZMQ_IPV6.  */
#define ZMQ_IPV4ONLY 31

/*  Deprecated socket option: addresses to accept connections from.  */
#define ZMQ_TCP_ACCEPT_FILTER 38

/*  Deprecated socket option: processes to accept connections from.  */
#define ZMQ_IPC_FILTER_PID 58

/*  Deprecated socket option: users to accept connections from.  */
#define ZMQ_IPC_FILTER_UID 59

/*  Deprecated socket option: groups to accept connections from.  */
#define ZMQ_IPC_FILTER_GID 60

/*  Old name of ZMQ_IMMEDIATE.  */
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE

/*  Old name of ZMQ_ROUTER_MANDATORY.  */
#define ZMQ_FAIL_UNROUTABLE ZMQ_ROUTER_MANDATORY

/*  Old name of ZMQ_ROUTER_MANDATORY.  */
#define ZMQ_ROUTER_BEHAVIOR ZMQ_ROUTER_MANDATORY

/*  Security mechanism: none.  */
#define ZMQ_NULL 0

/*  Security mechanism: name and password, in clear.  */
#define ZMQ_PLAIN 1

/*  Security mechanism: keys of Curve25519.  */
#define ZMQ_CURVE 2

/*  Security mechanism: Kerberos.  */
#define ZMQ_GSSAPI 3

/*  Kind of GSSAPI name: service at a host.  */
#define ZMQ_GSSAPI_NT_HOSTBASED 0

/*  Kind of GSSAPI name: user.  */
#define ZMQ_GSSAPI_NT_USER_NAME 1

/*  Kind of GSSAPI name: Kerberos principal.  */
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

/*  Event: a connection is there. Value: its descriptor.  */
#define ZMQ_EVENT_CONNECTED 1

/*  Event: a connection is being made.  */
#define ZMQ_EVENT_CONNECT_DELAYED 2

/*  Event: a connection will be tried again. Value: milliseconds until then.  */
#define ZMQ_EVENT_CONNECT_RETRIED 4

/*  Event: connections are accepted. Value: the listening descriptor.  */
#define ZMQ_EVENT_LISTENING 8

/*  Event: an endpoint could not be bound. Value: errno.  */
#define ZMQ_EVENT_BIND_FAILED 16

/*  Event: a connection was accepted. Value: its descriptor.  */
#define ZMQ_EVENT_ACCEPTED 32

/*  Event: a connection could not be accepted. Value: errno.  */
#define ZMQ_EVENT_ACCEPT_FAILED 64

/*  Event: a descriptor was closed. Value: the descriptor.  */
#define ZMQ_EVENT_CLOSED 128

/*  Event: a descriptor could not be closed. Value: errno.  */
#define ZMQ_EVENT_CLOSE_FAILED 256

/*  Event: a connection broke. Value: its descriptor.  */
#define ZMQ_EVENT_DISCONNECTED 512

/*  Event: the last one of a monitor.  */
#define ZMQ_EVENT_MONITOR_STOPPED 1024

/*  All events.  */
#define ZMQ_EVENT_ALL 65535

/*  Event: a handshake failed for a system error. Value: errno.  */
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 2048

/*  Event: a handshake is complete; messages flow.  */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 4096

/*  Event: a handshake failed for a breach of protocol. Value: ZMQ_PROTOCOL_ERROR_*.  */
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 8192

/*  Event: the peer was not let in. Value: the status code of ZAP: 300, 400 or 500.  */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 16384

/*  Breach of ZMTP without a name of its own.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 268435456

/*  Breach of ZMTP: a command that does not belong here.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 268435457

/*  Breach of ZMTP: a nonce that does not follow the one before.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 268435458

/*  Breach of ZMTP: the keys could not be agreed on.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 268435459

/*  Breach of ZMTP: a malformed command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 268435473

/*  Breach of ZMTP: a malformed MESSAGE command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 268435474

/*  Breach of ZMTP: a malformed HELLO command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 268435475

/*  Breach of ZMTP: a malformed INITIATE command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 268435476

/*  Breach of ZMTP: a malformed ERROR command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 268435477

/*  Breach of ZMTP: a malformed READY command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 268435478

/*  Breach of ZMTP: a malformed WELCOME command.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 268435479

/*  Breach of ZMTP: malformed metadata.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 268435480

/*  Breach of ZMTP: what was sealed could not be opened; perhaps a wrong key.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 285212673

/*  Breach of ZMTP: the peer has another security mechanism.  */
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 285212674

/*  Breach of ZAP without a name of its own.  */
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 536870912

/*  Breach of ZAP: a malformed reply.  */
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 536870913

/*  Breach of ZAP: the reply is to another request.  */
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 536870914

/*  Breach of ZAP: an unknown version.  */
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 536870915

/*  Breach of ZAP: a status code that does not exist.  */
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 536870916

/*  Breach of ZAP: malformed metadata.  */
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 536870917

/*  Breach of the WebSocket protocol.  */
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 805306368

/*  Poll event: a message, or a byte, can be received.  */
#define ZMQ_POLLIN 1

/*  Poll event: a message, or a byte, can be sent.  */
#define ZMQ_POLLOUT 2

/*  Poll event of descriptors: an error condition.  */
#define ZMQ_POLLERR 4

/*  Poll event of descriptors: urgent data.  */
#define ZMQ_POLLPRI 8

/*  Message property: 1 if more parts of the same message follow.  */
#define ZMQ_MORE 1

/*  Message property, deprecated: descriptor of the connection that the message came by.  */
#define ZMQ_SRCFD 2

/*  Message property: 1 if the bytes may be shared with another message.  */
#define ZMQ_SHARED 3

/*  Flag of sends and receives: fail with EAGAIN where the call would wait.  */
#define ZMQ_DONTWAIT 1

/*  Flag of sends: more parts of the same message follow.  */
#define ZMQ_SNDMORE 2

/*  Old name of ZMQ_DONTWAIT.  */
#define ZMQ_NOBLOCK ZMQ_DONTWAIT

/*  Longest name of a group, in bytes (draft socket types).  */
#define ZMQ_GROUP_MAX_LENGTH 255

/*  How many items are waited for without an allocation.  */
#define ZMQ_POLLITEMS_DFLT 16

/*  Kind of device, deprecated: PULL to PUSH.  */
#define ZMQ_STREAMER 1

/*  Kind of device, deprecated: SUB to PUB.  */
#define ZMQ_FORWARDER 2

/*  Kind of device, deprecated: ROUTER to DEALER.  */
#define ZMQ_QUEUE 3

/*  A descriptor of the operating system.  */
typedef int zmq_fd_t;

/*  What zmq_poll waits for: a socket, or a descriptor where socket is NULL.  */
typedef struct zmq_pollitem_t {
    /*  A socket handle, or NULL.  */
    void *socket;
    /*  A descriptor, looked at if socket is NULL.  */
    zmq_fd_t fd;
    /*  Which of ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR and ZMQ_POLLPRI are waited for.  */
    short events;
    /*  Which of them happened.  */
    short revents;
} zmq_pollitem_t;

/*  The calling thread's errno (zmq_errno(3)).  */
ZMQ_EXPORT int zmq_errno(void);

/*  A text for an error number, of this library or of the operating system (zmq_strerror(3)).
 *
 *  Never NULL. The text of a number without a name of its own lasts until the thread's next call.
 */
ZMQ_EXPORT const char *zmq_strerror(int errnum);

/*  Stores the version of the library that runs (zmq_version(3)).
 *
 *  Requires:
 *  Each of major, minor and patch is NULL or points at an int to be written.
 */
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);

/*  1 if the library has a capability, else 0; also 0 for unknown names and NULL (zmq_has(3)).
 *
 *  The names are "ipc", "pgm", "norm", "tipc", "vmci", "curve", "gssapi" and "draft". Where a
 *  system library is needed, as for "gssapi", it is loaded to find out.
 *
 *  Requires:
 *  capability is NULL or a string with a NUL at its end.
 */
ZMQ_EXPORT int zmq_has(const char *capability);

/*  Makes a context (zmq_ctx_new(3)).
 *
 *  Returns its handle, or NULL with errno ENOMEM or EMFILE.
 */
ZMQ_EXPORT void *zmq_ctx_new(void);

/*  Ends a context: waits until its sockets are closed and what lingers is out or timed out
 *  (zmq_ctx_term(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a context) or EINTR (call again).
 *
 *  Requires:
 *  context is NULL or a handle that zmq_ctx_new or zmq_init gave, also one that has ended.
 */
ZMQ_EXPORT int zmq_ctx_term(void *context);

/*  Makes the blocked and later calls on the context's sockets fail with ETERM; closing them is
 *  all that is left (zmq_ctx_shutdown(3)).
 *
 *  Returns 0, or -1 with errno EFAULT.
 *
 *  Requires:
 *  As zmq_ctx_term.
 */
ZMQ_EXPORT int zmq_ctx_shutdown(void *context);

/*  Sets a context option (zmq_ctx_set(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a context) or EINVAL (option or value).
 *
 *  Requires:
 *  As zmq_ctx_term.
 */
ZMQ_EXPORT int zmq_ctx_set(void *context, int option, int optval);

/*  Reads a context option (zmq_ctx_get(3)).
 *
 *  Returns the value, or -1 with errno EFAULT (not a context) or EINVAL (unknown option).
 *
 *  Requires:
 *  As zmq_ctx_term.
 */
ZMQ_EXPORT int zmq_ctx_get(void *context, int option);

/*  Makes a context with this many I/O threads (zmq_init(3); zmq_ctx_new(3) is its successor).
 *
 *  Returns its handle, or NULL with errno EINVAL (negative number), ENOMEM or EMFILE.
 */
ZMQ_EXPORT void *zmq_init(int io_threads);

/*  The old name of zmq_ctx_term (zmq_term(3)).
 *
 *  Requires:
 *  As zmq_ctx_term.
 */
ZMQ_EXPORT int zmq_term(void *context);

/*  Another old name of zmq_ctx_term (zmq_ctx_destroy(3)).
 *
 *  Requires:
 *  As zmq_ctx_term.
 */
ZMQ_EXPORT int zmq_ctx_destroy(void *context);

/*  Makes an empty message (zmq_msg_init(3)).
 *
 *  Returns 0, or -1 with errno EFAULT for NULL.
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t that holds no message (what it holds is not freed).
 */
ZMQ_EXPORT int zmq_msg_init(zmq_msg_t *msg);

/*  Makes a message of size bytes for the caller to fill (zmq_msg_init_size(3)).
 *
 *  Returns 0, or -1 with errno ENOMEM, or EFAULT for NULL.
 *
 *  Requires:
 *  As zmq_msg_init.
 */
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t *msg, size_t size);

/*  Makes a message of memory that the caller hands over; ffn(data, hint) gives it back, once,
 *  on whatever thread drops the last copy (zmq_msg_init_data(3)).
 *
 *  Without a function the memory is never given back. Returns 0, or -1 with errno ENOMEM, or
 *  EFAULT for NULL; the function is not called then.
 *
 *  Requires:
 *  As zmq_msg_init; size bytes at data stay readable and unchanged until ffn is called.
 */
ZMQ_EXPORT int zmq_msg_init_data(zmq_msg_t *msg,
                      void *data,
                      size_t size,
                      zmq_free_fn *ffn,
                      void *hint);

/*  Sends a message part (zmq_msg_send(3)). On success the message is left empty; it need not be
 *  closed then, and may be.
 *
 *  Returns the size of the part (at most INT_MAX), or -1 with errno EAGAIN, ENOTSUP, EINVAL,
 *  EFSM, ETERM, ENOTSOCK, EINTR, EFAULT (not a message) or EHOSTUNREACH.
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller; s is NULL or a socket handle, also a
 *  closed one.
 */
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t *msg,
                 void *s,
                 int flags);

/*  Receives a message part (zmq_msg_recv(3)). What the message held before is dropped, also when
 *  nothing is received (observed).
 *
 *  Returns the size of the part (at most INT_MAX), or -1 with errno EAGAIN, ENOTSUP, EFSM, ETERM,
 *  ENOTSOCK, EINTR or EFAULT (not a message).
 *
 *  Requires:
 *  As zmq_msg_send.
 */
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t *msg,
                 void *s,
                 int flags);

/*  Releases what a message holds (zmq_msg_close(3)). It must be initialised again before use.
 *
 *  Returns 0, or -1 with errno EFAULT (not a message, or closed already).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t *msg);

/*  Moves a message (zmq_msg_move(3)): dest drops what it held and takes what src holds; src
 *  is left empty. A message moved onto itself stays as it is.
 *
 *  Returns 0, or -1 with errno EFAULT (one of them is not a message).
 *
 *  Requires:
 *  Each is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t *dest,
                 zmq_msg_t *src);

/*  Copies a message (zmq_msg_copy(3)): dest drops what it held and shares the bytes of src. A
 *  message copied onto itself stays as it is.
 *
 *  Returns 0, or -1 with errno EFAULT (one of them is not a message).
 *
 *  Requires:
 *  Each is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t *dest,
                 zmq_msg_t *src);

/*  Where the bytes of a message stand (zmq_msg_data(3)); NULL if it is not a message.
 *
 *  The pointer is good until the message is closed, sent, moved or received into.
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT void *zmq_msg_data(zmq_msg_t *msg);

/*  How many bytes a message has (zmq_msg_size(3)); 0 if it is not a message.
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t *msg);

/*  1 if more parts of the same message follow, else 0 (zmq_msg_more(3)).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t *msg);

/*  Reads a property of a message: ZMQ_MORE, ZMQ_SHARED or ZMQ_SRCFD (zmq_msg_get(3)).
 *
 *  Returns the value, or -1 with errno EINVAL (unknown property, or no descriptor known) or
 *  EFAULT (NULL).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t *msg, int property);

/*  Sets a property of a message (zmq_msg_set(3)). There is none that can be set.
 *
 *  Returns -1 with errno EINVAL.
 *
 *  Requires:
 *  None: the message is not looked at.
 */
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t *_msg, int _property, int _optval);

/*  Reads a property of the peer that sent a message, by name: "Socket-Type", "Routing-Id",
 *  "Peer-Address", "User-Id" and what the application adds (zmq_msg_gets(3)).
 *
 *  Returns a text that belongs to the message, or NULL with errno EINVAL (unknown property) or
 *  EFAULT (not a message).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller; property is NULL or a string with a
 *  NUL at its end.
 */
ZMQ_EXPORT const char *zmq_msg_gets(const zmq_msg_t *msg,
                         const char *property);

/*  Opens a socket (zmq_socket(3)).
 *
 *  Returns its handle, or NULL with errno EINVAL (unknown type), EFAULT (not a context), EMFILE
 *  (too many sockets or descriptors), ETERM, or the first time what the system says to a thread:
 *  EPERM (a priority that is not permitted), EINVAL (an unknown one), ENOMEM or EAGAIN.
 *
 *  Requires:
 *  context is NULL or a context handle, also one that has ended.
 */
ZMQ_EXPORT void *zmq_socket(void *context,
                 int type);

/*  Closes a socket (zmq_close(3)). What lingers is sent in the background.
 *
 *  Returns 0, or -1 with errno ENOTSOCK.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_close(void *s);

/*  Sets a socket option (zmq_setsockopt(3)).
 *
 *  Returns 0, or -1 with errno EINVAL (option, size or value; also a NULL value with a size),
 *  ETERM, ENOTSOCK or EINTR.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; optval is NULL or optvallen bytes can
 *  be read there.
 */
ZMQ_EXPORT int zmq_setsockopt(void *s,
                   int option,
                   const void *optval,
                   size_t optvallen);

/*  Reads a socket option (zmq_getsockopt(3)); optvallen is the room on entry, and what was
 *  written on return.
 *
 *  Returns 0, or -1 with errno EINVAL (option, too little room, NULL), ETERM, ENOTSOCK or EINTR.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; optvallen is NULL or points at a size,
 *  and optval is NULL or as many bytes can be written there.
 */
ZMQ_EXPORT int zmq_getsockopt(void *s,
                   int option,
                   void *optval,
                   size_t *optvallen);

/*  Accepts connections at an endpoint (zmq_bind(3)).
 *
 *  Returns 0, or -1 with errno EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, EADDRINUSE,
 *  EADDRNOTAVAIL, ENODEV, ENOENT, ENAMETOOLONG, EACCES, EMFILE, ETERM, ENOTSOCK or EMTHREAD.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; addr is NULL (EINVAL) or a string with a
 *  NUL at its end.
 */
ZMQ_EXPORT int zmq_bind(void *s,
             const char *addr);

/*  Connects to an endpoint, in the background (zmq_connect(3)).
 *
 *  Returns 0, or -1 with errno EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, ENAMETOOLONG, ETERM,
 *  ENOTSOCK or EMTHREAD.
 *
 *  Requires:
 *  As zmq_bind.
 */
ZMQ_EXPORT int zmq_connect(void *s, const char *addr);

/*  Stops accepting at an endpoint, as zmq_bind or ZMQ_LAST_ENDPOINT named it (zmq_unbind(3)).
 *
 *  Returns 0, or -1 with errno EINVAL, ETERM, ENOTSOCK or ENOENT (not bound there).
 *
 *  Requires:
 *  As zmq_bind.
 */
ZMQ_EXPORT int zmq_unbind(void *s,
               const char *addr);

/*  Ends a connection, as zmq_connect or ZMQ_LAST_ENDPOINT named it (zmq_disconnect(3)).
 *
 *  Returns 0, or -1 with errno EINVAL, ETERM, ENOTSOCK or ENOENT (not connected there).
 *
 *  Requires:
 *  As zmq_bind.
 */
ZMQ_EXPORT int zmq_disconnect(void *s, const char *addr);

/*  Sends a copy of len bytes as a message part (zmq_send(3)).
 *
 *  Returns the size of the part (at most INT_MAX), or -1 with errno EAGAIN, ENOTSUP, EINVAL,
 *  EFSM, ETERM, ENOTSOCK, EINTR, EHOSTUNREACH, ENOMEM, or EFAULT (NULL with a size).
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; buf is NULL or len bytes can be read
 *  there.
 */
ZMQ_EXPORT int zmq_send(void *s,
             const void *buf,
             size_t len,
             int flags);

/*  Sends len bytes that never change and are never freed, without a copy (zmq_send_const(3)).
 *
 *  Returns as zmq_send.
 *
 *  Requires:
 *  As zmq_send; the bytes stay as they are while the process runs.
 */
ZMQ_EXPORT int zmq_send_const(void *s,
                   const void *buf,
                   size_t len,
                   int flags);

/*  Receives a message part and stores its first len bytes, at most INT_MAX; the rest is cut off
 *  (zmq_recv(3)). A NULL buffer takes nothing.
 *
 *  Returns the size that the part had (at most INT_MAX; more than len if it was cut), or -1
 *  with errno EAGAIN, ENOTSUP, EFSM, ETERM, ENOTSOCK or EINTR.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; buf is NULL or len bytes can be written
 *  there.
 */
ZMQ_EXPORT int zmq_recv(void *s,
             void *buf,
             size_t len,
             int flags);

/*  Reports the socket's events as messages of a PAIR socket at an inproc endpoint
 *  (zmq_socket_monitor(3)). A NULL endpoint ends the reports.
 *
 *  Returns 0, or -1 with errno ETERM, EPROTONOSUPPORT (not inproc), EINVAL (endpoint) or
 *  ENOTSOCK.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; addr is NULL or a string with a NUL at
 *  its end.
 */
ZMQ_EXPORT int zmq_socket_monitor(void *s,
                       const char *addr,
                       int events);

/*  Waits until something happens to the items, at most timeout milliseconds; -1 is without
 *  limit, 0 is not to wait (zmq_poll(3)). revents of all items are set.
 *
 *  Returns how many items have events, or -1 with errno ETERM, EFAULT (NULL), EINVAL (negative
 *  count), ENOTSOCK, EINTR or ENOMEM.
 *
 *  Requires:
 *  items is NULL or points at nitems items; each socket is NULL or a socket handle, also a
 *  closed one.
 */
ZMQ_EXPORT int zmq_poll(struct zmq_pollitem_t *items,
             int nitems,
             long timeout);

/*  Forwards messages between two sockets, both ways as their types allow, and sends a copy to
 *  capture unless that is NULL (zmq_proxy(3)).
 *
 *  Returns only when it cannot go on: -1 with errno ETERM, EINTR, EFAULT (NULL) or ENOTSOCK.
 *
 *  Requires:
 *  Each is NULL or a socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_proxy(void *frontend,
              void *backend,
              void *capture);

/*  As zmq_proxy, and takes the commands PAUSE, RESUME, TERMINATE and STATISTICS from control
 *  unless that is NULL (zmq_proxy_steerable(3)).
 *
 *  Returns 0 after TERMINATE, or -1 with errno ETERM, EINTR, EFAULT (NULL), EINVAL (no command) or
 *  ENOTSOCK.
 *
 *  Requires:
 *  Each is NULL or a socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_proxy_steerable(void *frontend,
                        void *backend,
                        void *capture,
                        void *control);

/*  The old name of zmq_proxy; the kind says nothing (observed).
 *
 *  Returns as zmq_proxy.
 *
 *  Requires:
 *  Each socket is NULL or a socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_device(int _type, void *frontend, void *backend);

/*  The old name of zmq_msg_send, with its arguments turned round (zmq_sendmsg(3)).
 *
 *  Requires:
 *  As zmq_msg_send.
 */
ZMQ_EXPORT int zmq_sendmsg(void *s, zmq_msg_t *msg, int flags);

/*  The old name of zmq_msg_recv, with its arguments turned round (zmq_recvmsg(3)).
 *
 *  Requires:
 *  As zmq_msg_recv.
 */
ZMQ_EXPORT int zmq_recvmsg(void *s, zmq_msg_t *msg, int flags);

/*  Sends copies of count buffers: as the parts of one message with ZMQ_SNDMORE, which the last
 *  part does not get; as messages of their own without.
 *
 *  Returns the size of the last, or -1 with errno EINVAL (NULL, or no buffer), EFAULT (a NULL
 *  buffer with a size) or one of zmq_send.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; iov is NULL or points at count buffers
 *  that can be read.
 */
ZMQ_EXPORT int zmq_sendiov(void *s,
                struct iovec *iov,
                size_t count,
                int flags);

/*  Receives the parts of a message into buffers that the caller gives to free(), at most *count
 *  of them. *count becomes the number that were received; parts beyond it wait to be received.
 *
 *  Returns that number, or -1 with errno EINVAL (NULL, or no room), ENOMEM or one of zmq_recv;
 *  what was received until then is counted in *count all the same.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; count is NULL or points at a size, and
 *  iov is NULL or points at this number of buffers to be written.
 */
ZMQ_EXPORT int zmq_recviov(void *s,
                struct iovec *iov,
                size_t *count,
                int flags);

/*  Writes size bytes as Z85 text, five characters for four bytes and a NUL
 *  (zmq_z85_encode(3), RFC 32).
 *
 *  Returns dest, or NULL with errno EINVAL (the size is not a multiple of 4) or EFAULT (NULL).
 *
 *  Requires:
 *  data is NULL or size bytes can be read there; dest is NULL or size * 5 / 4 + 1 bytes
 *  can be written there.
 */
ZMQ_EXPORT char *zmq_z85_encode(char *dest,
                     const uint8_t *data,
                     size_t size);

/*  Reads Z85 text back to bytes, four for five characters (zmq_z85_decode(3), RFC 32).
 *
 *  Returns dest, or NULL with errno EINVAL (not Z85; also the empty text, as observed) or
 *  EFAULT (NULL).
 *
 *  Requires:
 *  string is NULL or a string with a NUL at its end; dest is NULL or four fifths of its
 *  length can be written there.
 */
ZMQ_EXPORT uint8_t *zmq_z85_decode(uint8_t *dest, const char *string);

/*  Makes a pair of keys for CURVE, as Z85 text of 40 characters and a NUL (zmq_curve_keypair(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (NULL).
 *
 *  Requires:
 *  Each is NULL or 41 bytes can be written there.
 */
ZMQ_EXPORT int zmq_curve_keypair(char *z85_public_key,
                      char *z85_secret_key);

/*  Writes the public key that belongs to a secret key (zmq_curve_public(3)).
 *
 *  Returns 0, or -1 with errno EINVAL (not a key in Z85) or EFAULT (NULL).
 *
 *  Requires:
 *  z85_public_key is NULL or 41 bytes can be written there; z85_secret_key is NULL or a
 *  string with a NUL at its end.
 */
ZMQ_EXPORT int zmq_curve_public(char *z85_public_key, const char *z85_secret_key);

/*  Makes a counter that is 0 (zmq_atomic_counter_new(3)).
 *
 *  Returns its handle, or NULL with errno ENOMEM.
 */
ZMQ_EXPORT void *zmq_atomic_counter_new(void);

/*  Sets a counter (zmq_atomic_counter_set(3)).
 *
 *  Requires:
 *  counter is NULL or a counter that was not destroyed.
 */
ZMQ_EXPORT void zmq_atomic_counter_set(void *counter, int value);

/*  Adds 1 to a counter and returns what it was before (zmq_atomic_counter_inc(3)).
 *
 *  Requires:
 *  As zmq_atomic_counter_set.
 */
ZMQ_EXPORT int zmq_atomic_counter_inc(void *counter);

/*  Takes 1 from a counter and returns 0 if it is 0 now, else 1 (zmq_atomic_counter_dec(3)).
 *
 *  Requires:
 *  As zmq_atomic_counter_set.
 */
ZMQ_EXPORT int zmq_atomic_counter_dec(void *counter);

/*  The value of a counter (zmq_atomic_counter_value(3)).
 *
 *  Requires:
 *  As zmq_atomic_counter_set.
 */
ZMQ_EXPORT int zmq_atomic_counter_value(void *counter);

/*  Destroys the counter at *counter_p and sets that to NULL (zmq_atomic_counter_destroy(3)).
 *
 *  Requires:
 *  counter_p is NULL or points at NULL or at a counter that was not destroyed and that nobody
 *  uses any more.
 */
ZMQ_EXPORT void zmq_atomic_counter_destroy(void **counter_p);

/*  Makes an empty set of timers (zmq_timers(3)).
 *
 *  Returns its handle, or NULL with errno ENOMEM.
 */
ZMQ_EXPORT void *zmq_timers_new(void);

/*  Destroys the set of timers at *timers_p and sets that to NULL (zmq_timers(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a set of timers).
 *
 *  Requires:
 *  timers_p is NULL or points at a handle that zmq_timers_new gave, also a destroyed one.
 */
ZMQ_EXPORT int zmq_timers_destroy(void **timers_p);

/*  Adds a timer that calls handler(timer_id, arg) every interval milliseconds (zmq_timers(3)).
 *
 *  Returns the number of the timer, or -1 with errno EFAULT (not a set of timers, or NULL).
 *
 *  Requires:
 *  timers is NULL or a handle that zmq_timers_new gave, also a destroyed one; handler may be
 *  called with arg by zmq_timers_execute.
 */
ZMQ_EXPORT int zmq_timers_add(void *timers,
                   size_t interval,
                   zmq_timer_fn *handler,
                   void *arg);

/*  Removes a timer (zmq_timers(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a set of timers) or EINVAL (no such timer).
 *
 *  Requires:
 *  timers is NULL or a handle that zmq_timers_new gave, also a destroyed one.
 */
ZMQ_EXPORT int zmq_timers_cancel(void *timers, int timer_id);

/*  Changes the interval of a timer, in milliseconds, counting from now (zmq_timers(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a set of timers) or EINVAL (no such timer).
 *
 *  Requires:
 *  As zmq_timers_cancel.
 */
ZMQ_EXPORT int zmq_timers_set_interval(void *timers, int timer_id, size_t interval);

/*  Makes a timer count from now (zmq_timers(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a set of timers) or EINVAL (no such timer).
 *
 *  Requires:
 *  As zmq_timers_cancel.
 */
ZMQ_EXPORT int zmq_timers_reset(void *timers, int timer_id);

/*  Milliseconds until the next timer is due, 0 if one is (zmq_timers(3)).
 *
 *  Returns -1 if there is no timer, and -1 with errno EFAULT if it is not a set of timers.
 *
 *  Requires:
 *  As zmq_timers_cancel.
 */
ZMQ_EXPORT long zmq_timers_timeout(void *timers);

/*  Calls the handlers of the timers that are due, each once (zmq_timers(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a set of timers).
 *
 *  Requires:
 *  As zmq_timers_cancel; the handlers keep their promises.
 */
ZMQ_EXPORT int zmq_timers_execute(void *timers);

/*  Starts a stopwatch. Returns its handle, or NULL with errno ENOMEM.  */
ZMQ_EXPORT void *zmq_stopwatch_start(void);

/*  Microseconds since the stopwatch was started; it goes on. 0 for NULL.
 *
 *  Requires:
 *  watch is NULL or a stopwatch that was not stopped.
 */
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void *watch);

/*  Microseconds since the stopwatch was started; it is gone afterwards. 0 for NULL.
 *
 *  Requires:
 *  watch is NULL or a stopwatch that was not stopped.
 */
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void *watch);

/*  Sleeps for some seconds, or until a signal handler ran. A negative number is 0.  */
ZMQ_EXPORT void zmq_sleep(int seconds);

/*  Starts a thread that calls func(arg); signals are blocked in it.
 *
 *  Returns its handle, or NULL with errno EFAULT (NULL), ENOMEM or EAGAIN (no more threads).
 *
 *  Requires:
 *  func may be called with arg on another thread.
 */
ZMQ_EXPORT void *zmq_threadstart(zmq_thread_fn *func, void *arg);

/*  Waits until a thread ends and frees its handle. NULL is ignored.
 *
 *  Requires:
 *  thread is NULL or came from zmq_threadstart and was not closed.
 */
ZMQ_EXPORT void zmq_threadclose(void *thread);

#ifdef ZMQ_BUILD_DRAFT_API

/*  Pollers are there  */
#define ZMQ_HAVE_POLLER

/*  Names of properties of messages  */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"

/*  Socket type: answers each of its ZMQ_CLIENT peers, by their numbers.  */
#define ZMQ_SERVER 12

/*  Socket type: talks to ZMQ_SERVER peers, in turn.  */
#define ZMQ_CLIENT 13

/*  Socket type: sends to all peers that joined the group of the message.  */
#define ZMQ_RADIO 14

/*  Socket type: receives the messages of groups that it joined.  */
#define ZMQ_DISH 15

/*  Socket type: receives from its ZMQ_SCATTER peers in turn.  */
#define ZMQ_GATHER 16

/*  Socket type: sends to its ZMQ_GATHER peers in turn.  */
#define ZMQ_SCATTER 17

/*  Socket type: datagrams of udp.  */
#define ZMQ_DGRAM 18

/*  Socket type: talks to each of its peers, by their numbers.  */
#define ZMQ_PEER 19

/*  Socket type: one peer, both directions.  */
#define ZMQ_CHANNEL 20

/*  Context option: whether messages may share the memory that they were received in.  */
#define ZMQ_ZERO_COPY_RECV 10

/*  Context option of this library, not of libzmq, to read by zmq_ctx_get_ext only: its name and
 *  version, a text with a NUL at its end.
 */
#define ZMQ_LIBRARY 1001

/*  Socket option: 1 asks the ZAP handler only where there is a domain.  */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93

/*  Socket option without effect here: a fast path for connections to the same machine.  */
#define ZMQ_LOOPBACK_FASTPATH 94

/*  Socket option, to set only: a property for the peers, "X-name:value".  */
#define ZMQ_METADATA 95

/*  Socket option: whether a multicast sender hears itself.  */
#define ZMQ_MULTICAST_LOOP 96

/*  Socket option: empty messages of peers that come (ZMQ_NOTIFY_CONNECT) and leave
 *  (ZMQ_NOTIFY_DISCONNECT), as bits.
 */
#define ZMQ_ROUTER_NOTIFY 97

/*  Socket option: an XPUB subscribes its peers itself, and sends to the last one alone.  */
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98

/*  Socket option: name for the SOCKS5 proxy.  */
#define ZMQ_SOCKS_USERNAME 99

/*  Socket option: password for the SOCKS5 proxy.  */
#define ZMQ_SOCKS_PASSWORD 100

/*  Socket option without effect here: the most that is received at a time.  */
#define ZMQ_IN_BATCH_SIZE 101

/*  Socket option without effect here: the most that is sent at a time.  */
#define ZMQ_OUT_BATCH_SIZE 102

/*  Socket option for wss: own private key.  */
#define ZMQ_WSS_KEY_PEM 103

/*  Socket option for wss: own certificate.  */
#define ZMQ_WSS_CERT_PEM 104

/*  Socket option for wss: certificates that are trusted.  */
#define ZMQ_WSS_TRUST_PEM 105

/*  Socket option for wss: the name that the peer's certificate must have.  */
#define ZMQ_WSS_HOSTNAME 106

/*  Socket option for wss: 1 trusts what the system trusts.  */
#define ZMQ_WSS_TRUST_SYSTEM 107

/*  Socket option: only the first part of a message can be a subscription.  */
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108

/*  Socket option: after which events no reconnect is tried, as bits.  */
#define ZMQ_RECONNECT_STOP 109

/*  Socket option, to set only: a message to each peer, once it is connected.  */
#define ZMQ_HELLO_MSG 110

/*  Socket option, to set only: a message from a peer that was accepted, when it has left.  */
#define ZMQ_DISCONNECT_MSG 111

/*  Socket option: the system's priority of what is sent.  */
#define ZMQ_PRIORITY 112

/*  Socket option, to set only: how long the system polls the device for what comes, in microseconds.  */
#define ZMQ_BUSY_POLL 113

/*  Socket option, to set only: a message from a peer that was connected to, when the connection broke.  */
#define ZMQ_HICCUP_MSG 114

/*  Socket option, to set only: 1 passes cancellations on that are not the last of their topic.  */
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115

/*  Socket option, to read only: how many topics there are.  */
#define ZMQ_TOPICS_COUNT 116

/*  Socket option for norm: how the rate is controlled.  */
#define ZMQ_NORM_MODE 117

/*  Socket option for norm: 1 sends what is missing to the sender alone.  */
#define ZMQ_NORM_UNICAST_NACK 118

/*  Socket option for norm: buffer, in kilobytes.  */
#define ZMQ_NORM_BUFFER_SIZE 119

/*  Socket option for norm: bytes of a segment.  */
#define ZMQ_NORM_SEGMENT_SIZE 120

/*  Socket option for norm: segments of a block.  */
#define ZMQ_NORM_BLOCK_SIZE 121

/*  Socket option for norm: parity segments of a block.  */
#define ZMQ_NORM_NUM_PARITY 122

/*  Socket option for norm: parity segments that are sent unasked.  */
#define ZMQ_NORM_NUM_AUTOPARITY 123

/*  Socket option for norm: 1 keeps what comes rather than what came.  */
#define ZMQ_NORM_PUSH 124

/*  ZMQ_ROUTER_NOTIFY: of peers that come.  */
#define ZMQ_NOTIFY_CONNECT 1

/*  ZMQ_ROUTER_NOTIFY: of peers that leave.  */
#define ZMQ_NOTIFY_DISCONNECT 2

/*  ZMQ_RECONNECT_STOP: the connection was refused.  */
#define ZMQ_RECONNECT_STOP_CONN_REFUSED 1

/*  ZMQ_RECONNECT_STOP: the handshake failed.  */
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 2

/*  ZMQ_RECONNECT_STOP: the endpoint was disconnected.  */
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 4

/*  ZMQ_NORM_MODE: a fixed rate.  */
#define ZMQ_NORM_FIXED 0

/*  ZMQ_NORM_MODE: congestion control.  */
#define ZMQ_NORM_CC 1

/*  ZMQ_NORM_MODE: congestion control that takes loss as noise.  */
#define ZMQ_NORM_CCL 2

/*  ZMQ_NORM_MODE: congestion control by explicit notification.  */
#define ZMQ_NORM_CCE 3

/*  ZMQ_NORM_MODE: congestion control by explicit notification alone.  */
#define ZMQ_NORM_CCE_ECNONLY 4

/*  Event of monitors of version 2: answer to zmq_socket_monitor_pipes_stats. Values: how many
 *  messages wait to be sent, and to be received.
 */
#define ZMQ_EVENT_PIPES_STATS 65536

/*  The stable version of monitors.  */
#define ZMQ_CURRENT_EVENT_VERSION 1

/*  The newest version of monitors.  */
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2

/*  All events of monitors of version 1.  */
#define ZMQ_EVENT_ALL_V1 ZMQ_EVENT_ALL

/*  All events of monitors of version 2.  */
#define ZMQ_EVENT_ALL_V2 (ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS)

/*  What happened to a socket or a descriptor of a poller.  */
typedef struct zmq_poller_event_t {
    /*  The socket; NULL for a descriptor.  */
    void *socket;
    /*  The descriptor; -1 for a socket.  */
    zmq_fd_t fd;
    /*  What it was added with.  */
    void *user_data;
    /*  Which of ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR and ZMQ_POLLPRI happened.  */
    short events;
} zmq_poller_event_t;

/*  Sets a context option (zmq_ctx_set_ext(3)): to an int, or ZMQ_THREAD_NAME_PREFIX to a text of 1 to
 *  16 bytes; four bytes are an int.
 *
 *  Returns 0, or -1 with errno EFAULT (not a context) or EINVAL (option, size or value).
 *
 *  Requires:
 *  As zmq_ctx_term; optval is NULL or points at optvallen readable bytes.
 */
ZMQ_EXPORT int zmq_ctx_set_ext(void *context,
                    int option,
                    const void *optval,
                    size_t optvallen);

/*  Reads a context option (zmq_ctx_get_ext(3)): an int into a buffer of exactly its size,
 *  ZMQ_THREAD_NAME_PREFIX into one that is large enough, without a NUL at its end. *optvallen stays as
 *  it is (observed), but for ZMQ_LIBRARY.
 *
 *  Returns 0, or -1 with errno EFAULT (not a context) or EINVAL (option, NULL, or size of the buffer).
 *
 *  Requires:
 *  As zmq_ctx_term; optvallen is NULL or a size, optval is NULL or *optvallen bytes are writable
 *  there.
 */
ZMQ_EXPORT int zmq_ctx_get_ext(void *context,
                    int option,
                    void *optval,
                    size_t *optvallen);

/*  Makes a message with a copy of size bytes (zmq_msg_init_buffer(3)).
 *
 *  Returns 0, or -1 with errno ENOMEM, or EFAULT for NULL.
 *
 *  Requires:
 *  As zmq_msg_init; buf points at size readable bytes.
 */
ZMQ_EXPORT int zmq_msg_init_buffer(zmq_msg_t *msg, const void *buf, size_t size);

/*  Says which peer of a SERVER or PEER a message is for (zmq_msg_set_routing_id(3)).
 *
 *  Returns 0, or -1 with errno EINVAL for 0, which is no number of a peer, or EFAULT (not a message).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT int zmq_msg_set_routing_id(zmq_msg_t *msg,
                           uint32_t routing_id);

/*  The peer of a SERVER or PEER that a message came from (zmq_msg_routing_id(3)).
 *
 *  Returns 0 where there is none, and for what is not a message.
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT uint32_t zmq_msg_routing_id(zmq_msg_t *msg);

/*  Says to which group a RADIO sends a message (zmq_msg_set_group(3)).
 *
 *  The first ZMQ_GROUP_MAX_LENGTH bytes count (observed). Returns 0, or -1 with errno EFAULT (NULL, or not
 *  a message).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller; group is NULL or a string with a NUL at its
 *  end, or of ZMQ_GROUP_MAX_LENGTH bytes.
 */
ZMQ_EXPORT int zmq_msg_set_group(zmq_msg_t *msg,
                      const char *group);

/*  The group that a DISH received a message for (zmq_msg_group(3)).
 *
 *  Returns a text that belongs to the message, empty without a group, or NULL with errno EFAULT (not a
 *  message).
 *
 *  Requires:
 *  msg is NULL or points at a zmq_msg_t of the caller.
 */
ZMQ_EXPORT const char *zmq_msg_group(zmq_msg_t *msg);

/*  Has a ZMQ_DISH receive the messages of a group (zmq_join(3)).
 *
 *  Returns 0, or -1 with errno EINVAL (joined already, more than ZMQ_GROUP_MAX_LENGTH bytes, or NULL),
 *  ENOTSUP (not a ZMQ_DISH), ETERM, ENOTSOCK or EINTR.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; group is NULL or a string with a NUL at its end.
 */
ZMQ_EXPORT int zmq_join(void *s,
             const char *group);

/*  Has a ZMQ_DISH receive the messages of a group no more (zmq_leave(3)).
 *
 *  Returns 0, or -1 with errno EINVAL (not joined, more than ZMQ_GROUP_MAX_LENGTH bytes, or NULL), ENOTSUP
 *  (not a ZMQ_DISH), ETERM, ENOTSOCK or EINTR.
 *
 *  Requires:
 *  As zmq_join.
 */
ZMQ_EXPORT int zmq_leave(void *s,
              const char *group);

/*  Connects a ZMQ_PEER, and says by which number it knows the new peer (zmq_connect_peer(3)).
 *
 *  Returns the number, or 0 with errno ENOTSUP (not a ZMQ_PEER), EFAULT (ZMQ_IMMEDIATE is set), or as
 *  zmq_connect.
 *
 *  Requires:
 *  As zmq_bind.
 */
ZMQ_EXPORT uint32_t zmq_connect_peer(void *s,
                          const char *addr);

/*  Ends the connection to a peer of a ZMQ_PEER or ZMQ_SERVER (zmq_disconnect_peer(3)).
 *
 *  Returns 0, or -1 with errno EHOSTUNREACH (no peer has this number), ENOTSUP (another type), ETERM,
 *  ENOTSOCK or EINTR.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_disconnect_peer(void *s,
                        uint32_t routing_id);

/*  Says whether a ZMQ_ROUTER would take a message for a peer (zmq_socket_get_peer_state(3)).
 *
 *  Returns ZMQ_POLLOUT, 0 where the peer's queue is full, or -1 with errno EHOSTUNREACH (no peer has this
 *  routing id), ENOTSUP (not a ZMQ_ROUTER), EFAULT (NULL with a size), ETERM, ENOTSOCK or EINTR.
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one; routing_id is NULL or routing_id_size bytes can
 *  be read there.
 */
ZMQ_EXPORT int zmq_socket_get_peer_state(void *s,
                              const void *routing_id,
                              size_t routing_id_size);

/*  As zmq_socket_monitor, with events of this version, sent by a ZMQ_PAIR, ZMQ_PUB or ZMQ_PUSH
 *  (zmq_socket_monitor_versioned(3)).
 *
 *  Returns 0, or -1 with errno as zmq_socket_monitor, or EINVAL (version, type, or events that the
 *  version does not have).
 *
 *  Requires:
 *  As zmq_socket_monitor.
 */
ZMQ_EXPORT int zmq_socket_monitor_versioned(void *s,
                                 const char *addr,
                                 uint64_t events,
                                 int event_version,
                                 int type);

/*  Has a monitor of version 2 told how many messages wait for each peer, and from it, with the event
 *  ZMQ_EVENT_PIPES_STATS (zmq_socket_monitor_pipes_stats(3)).
 *
 *  Returns 0, or -1 with errno ENOTSOCK, ETERM, EINVAL (no such monitor) or EAGAIN (no peer).
 *
 *  Requires:
 *  s is NULL or a socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_socket_monitor_pipes_stats(void *s);

/*  As zmq_poll, with the signal mask at sigmask while it waits, set and restored as by ppoll(2)
 *  (zmq_ppoll(3)). NULL leaves the mask as it is.
 *
 *  Returns how many items have events, or -1 with errno as zmq_poll; EINTR also where a signal that
 *  waited for the mask was handled, and EFAULT for a mask that is not aligned.
 *
 *  Requires:
 *  As zmq_poll; sigmask is NULL or points at a sigset_t.
 */
ZMQ_EXPORT int zmq_ppoll(zmq_pollitem_t *items,
              int nitems,
              long timeout,
              const void *sigmask);

/*  Makes an empty poller (zmq_poller(3)).
 *
 *  Returns its handle, or NULL with errno ENOMEM.
 */
ZMQ_EXPORT void *zmq_poller_new(void);

/*  Destroys the poller at *poller_p and sets that to NULL (zmq_poller(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller).
 *
 *  Requires:
 *  poller_p is NULL or points at a handle that zmq_poller_new gave, also a destroyed one, or at NULL.
 */
ZMQ_EXPORT int zmq_poller_destroy(void **poller_p);

/*  How many sockets and descriptors a poller has (zmq_poller(3)).
 *
 *  Returns the number, or -1 with errno EFAULT (not a poller).
 *
 *  Requires:
 *  poller is NULL or a handle that zmq_poller_new gave, also a destroyed one.
 */
ZMQ_EXPORT int zmq_poller_size(void *poller);

/*  Adds a socket to a poller (zmq_poller(3)); events may be 0. A wait that finds it ready tells
 *  user_data.
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller), ENOTSOCK, or EINVAL (events, or it is there
 *  already).
 *
 *  Requires:
 *  poller is NULL or a handle that zmq_poller_new gave, also a destroyed one; socket is NULL or a
 *  socket handle, also a closed one.
 */
ZMQ_EXPORT int zmq_poller_add(void *poller,
                   void *socket,
                   void *user_data,
                   short events);

/*  Changes which events of a socket a poller waits for (zmq_poller(3)); 0 is none.
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller), ENOTSOCK, or EINVAL (events, or it is not
 *  there).
 *
 *  Requires:
 *  As zmq_poller_add.
 */
ZMQ_EXPORT int zmq_poller_modify(void *poller,
                      void *socket,
                      short events);

/*  Removes a socket from a poller (zmq_poller(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller), ENOTSOCK, or EINVAL (it is not there).
 *
 *  Requires:
 *  As zmq_poller_add.
 */
ZMQ_EXPORT int zmq_poller_remove(void *poller, void *socket);

/*  Waits for one event, at most timeout milliseconds; -1 is without limit (zmq_poller(3)).
 *
 *  Returns 0 and the event, or -1 with errno EAGAIN (nothing happened), EFAULT (not a poller, NULL,
 *  or nothing is waited for without limit), ETERM, ENOTSOCK (a socket was closed) or EINTR; the event
 *  is then that of descriptor -1.
 *
 *  Requires:
 *  poller is NULL or a handle that zmq_poller_new gave, also a destroyed one; event is NULL or
 *  writable.
 */
ZMQ_EXPORT int zmq_poller_wait(void *poller,
                    struct zmq_poller_event_t *event,
                    long timeout);

/*  Waits for up to n_events events, at most timeout milliseconds; -1 is without limit
 *  (zmq_poller(3)). Where more happened, the others come first in the next wait.
 *
 *  Returns how many events there are, or -1 with errno as zmq_poller_wait, or EINVAL (negative
 *  number).
 *
 *  Requires:
 *  poller is NULL or a handle that zmq_poller_new gave, also a destroyed one; events is NULL or
 *  n_events are writable there.
 */
ZMQ_EXPORT int zmq_poller_wait_all(void *poller,
                        struct zmq_poller_event_t *events,
                        int n_events,
                        long timeout);

/*  The descriptor that is readable while a wait may find something (zmq_poller(3)), for a poller that
 *  has, or had, a thread-safe socket.
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller, or NULL), EINVAL (it never had one) or EMFILE.
 *
 *  Requires:
 *  poller is NULL or a handle that zmq_poller_new gave, also a destroyed one; fd is NULL or
 *  writable.
 */
ZMQ_EXPORT int zmq_poller_fd(void *poller,
                  zmq_fd_t *fd);

/*  Adds a descriptor to a poller, as zmq_poller_add does a socket (zmq_poller(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller), EBADF (-1), or EINVAL (events, or it is there
 *  already).
 *
 *  Requires:
 *  poller is NULL or a handle that zmq_poller_new gave, also a destroyed one.
 */
ZMQ_EXPORT int zmq_poller_add_fd(void *poller,
                      zmq_fd_t fd,
                      void *user_data,
                      short events);

/*  Changes which events of a descriptor a poller waits for (zmq_poller(3)); 0 is none.
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller), EBADF (-1), or EINVAL (events, or it is not
 *  there).
 *
 *  Requires:
 *  As zmq_poller_add_fd.
 */
ZMQ_EXPORT int zmq_poller_modify_fd(void *poller,
                         zmq_fd_t fd,
                         short events);

/*  Removes a descriptor from a poller (zmq_poller(3)).
 *
 *  Returns 0, or -1 with errno EFAULT (not a poller), EBADF (-1), or EINVAL (it is not there).
 *
 *  Requires:
 *  As zmq_poller_add_fd.
 */
ZMQ_EXPORT int zmq_poller_remove_fd(void *poller,
                         zmq_fd_t fd);

#endif /* ZMQ_BUILD_DRAFT_API */

#undef ZMQ_EXPORT

#ifdef __cplusplus
}
#endif

#endif
