/*  A plain POSIX socket plays the peer, with every byte written by hand: what
 *  the library must send to ZMTP 1.0, 2.0, 3.0 and 3.1, and what it must endure.
 *  The tests are in raw_*.c; they run on either library (interop/run).
 */
#ifndef RAW_PEER_H
#define RAW_PEER_H

#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/*  ---- the plain peer ------------------------------------------------------  */

/*  The socket under test. It is asked for its events while we wait for bytes:
 *  a bound SUB of libzmq sends its subscriptions only then.  */
static void *subject;

static inline int raw_connect (const char *endpoint)
{
    int fd;
    if (strncmp (endpoint, "ipc://", 6) == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        CHECK (strlen (endpoint + 6) < sizeof address.sun_path);
        strcpy (address.sun_path, endpoint + 6);
        fd = socket (AF_UNIX, SOCK_STREAM, 0);
        CHECK_OK (connect (fd, (struct sockaddr *) &address, sizeof address));
        return fd;
    }
    const char *port = strrchr (endpoint, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    CHECK (port != NULL);
    address.sin_port = htons ((uint16_t) atoi (port + 1));
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    fd = socket (AF_INET, SOCK_STREAM, 0);
    CHECK_OK (connect (fd, (struct sockaddr *) &address, sizeof address));
    int on = 1;
    CHECK_OK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    return fd;
}

/*  Listens on a free port and writes its endpoint.  */
static inline int raw_listen (char *endpoint, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    CHECK_OK (bind (listener, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (listener, 5));
    CHECK_OK (getsockname (listener, (struct sockaddr *) &address, &length));
    snprintf (endpoint, size, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    return listener;
}

static inline int raw_accept (int listener)
{
    struct pollfd item = {listener, POLLIN, 0};
    CHECK_INT (poll (&item, 1, PATIENCE_MS), 1);
    int fd = accept (listener, NULL, NULL);
    CHECK (fd >= 0);
    int on = 1;
    CHECK_OK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    return fd;
}

static inline void raw_send (int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        ssize_t sent = send (fd, at, size, MSG_NOSIGNAL);
        CHECK (sent > 0);
        at += sent;
        size -= (size_t) sent;
    }
}

/*  A literal's bytes, without its closing 0.  */
#define RAW(FD, LITERAL) raw_send (FD, LITERAL, sizeof (LITERAL) - 1)

/*  Waits for bytes, an end or the deadline; bytes read, 0 end, -1 deadline.  */
static inline ssize_t raw_read (int fd, void *data, size_t size, int64_t deadline)
{
    for (;;) {
        struct pollfd item = {fd, POLLIN, 0};
        if (poll (&item, 1, 5) == 1) {
            ssize_t got = recv (fd, data, size, 0);
            return got < 0 ? 0 : got; /*  A reset is an end, too.  */
        }
        if (now_ms () >= deadline)
            return -1;
        if (subject)
            (void) get_int (subject, ZMQ_EVENTS);
    }
}

static const char *hex (const uint8_t *data, size_t size)
{
    static char text[2][1000];
    static int next;
    char *at = text[next ^= 1];
    *at = 0;
    for (size_t n = 0; n < size && n < 300; n++)
        at += sprintf (at, "%02x ", data[n]);
    return text[next];
}

static inline void
expect_raw (const char *file, int line, int fd, const void *expected, size_t size)
{
    uint8_t got[4096];
    size_t have = 0;
    CHECK (size <= sizeof got);
    int64_t deadline = now_ms () + PATIENCE_MS;
    while (have < size) {
        ssize_t more = raw_read (fd, got + have, size - have, deadline);
        if (more <= 0) {
            harness_fail (file, line, "%s after %zu bytes: %s; expected: %s",
                          more ? "nothing more" : "closed", have,
                          hex (got, have), hex (expected, size));
        }
        have += (size_t) more;
    }
    if (memcmp (got, expected, size) != 0)
        harness_fail (file, line, "got: %s; expected: %s", hex (got, size),
                      hex (expected, size));
}

/*  The next bytes are these.  */
#define EXPECT_RAW(FD, LITERAL)                                               \
    expect_raw (__FILE__, __LINE__, FD, LITERAL, sizeof (LITERAL) - 1)
#define EXPECT_RAW_BYTES(FD, DATA, SIZE)                                      \
    expect_raw (__FILE__, __LINE__, FD, DATA, SIZE)

/*  Lets the settling time pass while the socket does what it has to do.  */
static inline void settle (void)
{
    for (int64_t end = now_ms () + SETTLE_MS; now_ms () < end; sleep_ms (5))
        (void) get_int (subject, ZMQ_EVENTS);
}

/*  Open, and silent for the settling time.  */
#define EXPECT_QUIET(FD)                                                      \
    do {                                                                      \
        uint8_t quiet_data[64];                                               \
        ssize_t quiet_got = raw_read (FD, quiet_data, sizeof quiet_data,      \
                                      now_ms () + SETTLE_MS);                 \
        if (quiet_got != -1)                                                  \
            harness_fail (__FILE__, __LINE__, "%s instead of silence: %s",    \
                          quiet_got ? "bytes" : "closed",                     \
                          hex (quiet_data, quiet_got > 0 ? (size_t) quiet_got : 0)); \
    } while (0)

/*  The library closes, whatever it still sends.  */
#define EXPECT_CLOSED(FD, WHAT)                                               \
    do {                                                                      \
        uint8_t closed_data[1024];                                            \
        ssize_t closed_got;                                                   \
        int64_t closed_deadline = now_ms () + PATIENCE_MS / 2;                \
        while ((closed_got = raw_read (FD, closed_data, sizeof closed_data,   \
                                       closed_deadline)) > 0)                 \
            ;                                                                 \
        if (closed_got == -1)                                                 \
            harness_fail (__FILE__, __LINE__, "not closed after %s", WHAT);   \
    } while (0)

/*  ---- the bytes of the protocol ------------------------------------------  */

#define ZERO4 "\0\0\0\0"
#define ZERO16 ZERO4 ZERO4 ZERO4 ZERO4
#define SIGNATURE "\xff" ZERO4 "\0\0\0\x01\x7f"
#define NULL_MECHANISM "NULL" ZERO16
#define REST NULL_MECHANISM "\0" ZERO16 ZERO4 ZERO4 ZERO4 "\0\0\0"
#define GREETING_30 SIGNATURE "\x03\x00" REST
#define GREETING_31 SIGNATURE "\x03\x01" REST

/*  A command frame with what follows the name; raw_handshake.c checks the sizes.  */
#define TYPE_PROPERTY(LENGTH, TYPE) "\x0bSocket-Type\0\0\0" LENGTH TYPE
#define READY_3(TYPE) "\x04\x19\x05READY" TYPE_PROPERTY ("\x03", TYPE)
#define READY_4(TYPE) "\x04\x1a\x05READY" TYPE_PROPERTY ("\x04", TYPE)
#define READY_6(TYPE) "\x04\x1c\x05READY" TYPE_PROPERTY ("\x06", TYPE)
#define NO_IDENTITY "\x08Identity\0\0\0\0"
#define PUSH_TYPE TYPE_PROPERTY ("\x04", "PUSH")

typedef struct {
    int type;
    const char *name;
    const char *peer; /*  A type that it takes as its peer.  */
    int has_identity; /*  Sends the Identity property.  */
} kind;

static const kind kinds[] = {
  {ZMQ_PAIR, "PAIR", "PAIR", 0},       {ZMQ_PUB, "PUB", "SUB", 0},
  {ZMQ_SUB, "SUB", "PUB", 0},          {ZMQ_REQ, "REQ", "REP", 1},
  {ZMQ_REP, "REP", "REQ", 0},          {ZMQ_DEALER, "DEALER", "ROUTER", 1},
  {ZMQ_ROUTER, "ROUTER", "DEALER", 1}, {ZMQ_PULL, "PULL", "PUSH", 0},
  {ZMQ_PUSH, "PUSH", "PULL", 0},       {ZMQ_XPUB, "XPUB", "SUB", 0},
  {ZMQ_XSUB, "XSUB", "PUB", 0},
};
enum { kind_count = sizeof kinds / sizeof kinds[0] };

/*  Writes a READY command; IDENTITY may be NULL. Returns its size.  */
static inline size_t
make_ready (uint8_t *data, const char *type, const char *identity, size_t identity_size)
{
    uint8_t *at = data + 2;
    size_t size = strlen (type);
    memcpy (at, "\x05READY\x0bSocket-Type\0\0\0", 21);
    at += 21;
    *at++ = (uint8_t) size;
    memcpy (at, type, size);
    at += size;
    if (identity) {
        memcpy (at, "\x08Identity\0\0\0", 12);
        at += 12;
        *at++ = (uint8_t) identity_size;
        memcpy (at, identity, identity_size);
        at += identity_size;
    }
    data[0] = 4;
    data[1] = (uint8_t) (at - data - 2);
    return (size_t) (at - data);
}

/*  ---- meeting the library -------------------------------------------------  */

typedef enum { BOUND, CONNECTING } side;

/*  One body, two tests: the library binds, and the library connects.  */
#define BOTH_SIDES(NAME)                                                      \
    static void either_##NAME (side where);                                   \
    TEST (NAME##_bound) { either_##NAME (BOUND); }                            \
    TEST (NAME##_connecting) { either_##NAME (CONNECTING); }                  \
    static void either_##NAME (side where)

/*  A fresh connection between the socket and a plain peer.  */
static inline int meet (void *socket, side where)
{
    if (where == BOUND)
        return raw_connect (bind_to (socket, "tcp://127.0.0.1:*"));
    char endpoint[64];
    int listener = raw_listen (endpoint, sizeof endpoint);
    CHECK_OK (zmq_connect (socket, endpoint));
    int fd = raw_accept (listener);
    /*  One connection is enough; a second would be the library's retry.  */
    close (listener);
    return fd;
}

static inline void *open_subject (void *context, int type)
{
    subject = open_socket (context, type);
    return subject;
}

/*  Goes through the 3.x handshake as a peer of this type; the library's own
 *  greeting and READY have been checked when it returns.  */
static inline void
handshake_as (int fd, const kind *us, const char *peer_type, char minor,
          const char *identity, size_t identity_size)
{
    uint8_t data[600];
    char greeting[] = GREETING_31;
    greeting[11] = minor;
    raw_send (fd, greeting, sizeof greeting - 1);
    EXPECT_RAW (fd, GREETING_31);
    size_t size = make_ready (data, us->name, us->has_identity ? "" : NULL, 0);
    EXPECT_RAW_BYTES (fd, data, size);
    size = make_ready (data, peer_type, identity, identity_size);
    raw_send (fd, data, size);
}

static inline const kind *kind_of (int type)
{
    for (int n = 0; n < kind_count; n++)
        if (kinds[n].type == type)
            return &kinds[n];
    return NULL;
}

static inline void handshake (int fd, int type)
{
    handshake_as (fd, kind_of (type), kind_of (type)->peer, 1, NULL, 0);
}

/*  A good PUSH peer gets a message through: the socket serves others still.  */
static inline void still_serves (void *pull, side where)
{
    int fd = meet (pull, where);
    handshake (fd, ZMQ_PULL);
    RAW (fd, "\0\x05other");
    EXPECT_TEXT (pull, "other");
    close (fd);
}

static inline void subscribe (void *socket, const char *topic)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic)));
}

static inline void unsubscribe (void *socket, const char *topic)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, topic, strlen (topic)));
}

static inline void finish (void *context, void *socket)
{
    subject = NULL;
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

#endif
