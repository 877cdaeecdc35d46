/*  A plain POSIX socket plays the peer, with every byte written by hand: what
 *  the library must say to ZMTP 1.0, 2.0, 3.0 and 3.1, and what it must stand.
 *
 *  Built like the capi-tests, runs on either library:
 *      cc -std=gnu11 -I ../capi-tests raw_streams.c -o raw_streams -lzmq
 */
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

static int raw_connect (const char *endpoint)
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
static int raw_listen (char *endpoint, size_t size)
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

static int raw_accept (int listener)
{
    struct pollfd item = {listener, POLLIN, 0};
    CHECK_INT (poll (&item, 1, PATIENCE_MS), 1);
    int fd = accept (listener, NULL, NULL);
    CHECK (fd >= 0);
    int on = 1;
    CHECK_OK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    return fd;
}

static void raw_send (int fd, const void *data, size_t size)
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
static ssize_t raw_read (int fd, void *data, size_t size, int64_t deadline)
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

static void
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
static void settle (void)
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

/*  A command frame with what follows the name; the sizes are checked below.  */
#define TYPE_PROPERTY(LENGTH, TYPE) "\x0bSocket-Type\0\0\0" LENGTH TYPE
#define READY_3(TYPE) "\x04\x19\x05READY" TYPE_PROPERTY ("\x03", TYPE)
#define READY_4(TYPE) "\x04\x1a\x05READY" TYPE_PROPERTY ("\x04", TYPE)
#define READY_6(TYPE) "\x04\x1c\x05READY" TYPE_PROPERTY ("\x06", TYPE)
#define NO_IDENTITY "\x08Identity\0\0\0\0"

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
static size_t
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
static int meet (void *socket, side where)
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

static void *open_subject (void *context, int type)
{
    subject = open_socket (context, type);
    return subject;
}

/*  Goes through the 3.x handshake as a peer of this type; the library's own
 *  greeting and READY have been checked when it returns.  */
static void
shake_as (int fd, const kind *us, const char *peer_type, char minor,
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

static void shake (int fd, int type)
{
    for (int n = 0; n < kind_count; n++)
        if (kinds[n].type == type)
            shake_as (fd, &kinds[n], kinds[n].peer, 1, NULL, 0);
}

static const kind *kind_of (int type)
{
    for (int n = 0; n < kind_count; n++)
        if (kinds[n].type == type)
            return &kinds[n];
    return NULL;
}

/*  A good PUSH peer gets a message through: the socket serves others still.  */
static void still_serves (void *pull, side where)
{
    int fd = meet (pull, where);
    shake (fd, ZMQ_PULL);
    RAW (fd, "\0\x05other");
    EXPECT_TEXT (pull, "other");
    close (fd);
}

static void finish (void *context, void *socket)
{
    subject = NULL;
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

/*  ---- greeting and handshake ---------------------------------------------  */

BOTH_SIDES (greeting_30_byte_by_byte)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    /*  A peer may be ZMTP 1.0: no more than the signature until it is known. */
    EXPECT_RAW (fd, SIGNATURE);
    EXPECT_QUIET (fd);
    static const char bytes[] = GREETING_30 READY_4 ("PUSH") "\0\x02hi";
    CHECK_INT (sizeof bytes - 1, 64 + 28 + 4);
    for (size_t n = 0; n < 64; n++)
        raw_send (fd, bytes + n, 1);
    EXPECT_RAW (fd, "\x03\x01" REST READY_4 ("PULL"));
    for (size_t n = 64; n < sizeof bytes - 1; n++)
        raw_send (fd, bytes + n, 1);
    EXPECT_TEXT (pull, "hi");
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (greeting_is_complete_after_the_peers_signature_and_major_version)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    EXPECT_RAW (fd, SIGNATURE);
    RAW (fd, SIGNATURE "\x03");
    EXPECT_RAW (fd, "\x03\x01" REST);
    RAW (fd, "\x01" REST);
    EXPECT_RAW (fd, READY_4 ("PULL"));
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (greeting_and_ready_in_one_packet)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    RAW (fd, GREETING_31 READY_4 ("PUSH"));
    EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
    RAW (fd, "\0\x01x");
    EXPECT_TEXT (pull, "x");
    close (fd);
    finish (context, pull);
}

TEST (greeting_over_ipc)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = raw_connect (bind_to (pull, "ipc://*"));
    RAW (fd, GREETING_31 READY_4 ("PUSH"));
    EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
    RAW (fd, "\0\x01x");
    EXPECT_TEXT (pull, "x");
    close (fd);
    finish (context, pull);
}

/*  Later versions are answered with ours: the peer speaks down to us.  */
TEST (greeting_of_later_versions_is_answered_with_31)
{
    static const char versions[][2] = {{3, 2}, {3, 9}, {4, 0}, {127, 1}, {(char) 255, 0}};
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    for (size_t n = 0; n < sizeof versions / 2; n++) {
        int fd = raw_connect (endpoint);
        char greeting[] = GREETING_31 READY_4 ("PUSH");
        memcpy (greeting + 10, versions[n], 2);
        raw_send (fd, greeting, sizeof greeting - 1);
        EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
        RAW (fd, "\0\x01x");
        EXPECT_TEXT (pull, "x");
        close (fd);
    }
    finish (context, pull);
}

TEST (greeting_signature_filler_and_as_server_are_not_looked_at)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    for (int n = 0; n < 3; n++) {
        char greeting[] = GREETING_31 READY_4 ("PUSH");
        if (n == 0)
            memset (greeting + 1, 'x', 8);
        else if (n == 1)
            memset (greeting + 33, 0xff, 31);
        else
            greeting[32] = 1;
        int fd = raw_connect (endpoint);
        raw_send (fd, greeting, sizeof greeting - 1);
        EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
        RAW (fd, "\0\x01x");
        EXPECT_TEXT (pull, "x");
        close (fd);
    }
    finish (context, pull);
}

/*  The signature's length field is the routing id's, plus one: it is the head
 *  of a 1.0 identity frame.  */
BOTH_SIDES (greeting_signature_carries_the_routing_ids_length)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_subject (context, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "self", 4));
    int fd = meet (dealer, where);
    RAW (fd, GREETING_31);
    EXPECT_RAW (fd, "\xff" ZERO4 "\0\0\0\x05\x7f\x03\x01" REST);
    EXPECT_RAW (fd, "\x04\x2d\x05READY" TYPE_PROPERTY ("\x06", "DEALER")
                    "\x08Identity\0\0\0\x04self");
    close (fd);
    finish (context, dealer);
}

BOTH_SIDES (ready_of_every_socket_type)
{
    void *context = zmq_ctx_new ();
    for (int n = 0; n < kind_count; n++) {
        void *socket = open_subject (context, kinds[n].type);
        int fd = meet (socket, where);
        shake_as (fd, &kinds[n], kinds[n].peer, 1, NULL, 0);
        EXPECT_QUIET (fd);
        close (fd);
        CHECK_OK (zmq_close (socket));
    }
    subject = NULL;
    CHECK_OK (zmq_ctx_term (context));
}

/*  Row: what a socket of that type takes for its peer; all else is refused by
 *  closing the connection.  */
static int compatible (const char *us, const char *peer)
{
    static const char *const table[][2] = {
      {"PAIR", " PAIR "},       {"PUB", " SUB XSUB "},
      {"SUB", " PUB XPUB "},    {"REQ", " REP ROUTER "},
      {"REP", " REQ DEALER "},  {"DEALER", " REP DEALER ROUTER "},
      {"ROUTER", " REQ DEALER ROUTER "}, {"PULL", " PUSH "},
      {"PUSH", " PULL "},       {"XPUB", " SUB XSUB "},
      {"XSUB", " PUB XPUB "},
    };
    char word[32];
    snprintf (word, sizeof word, " %s ", peer);
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++)
        if (strcmp (table[n][0], us) == 0)
            return strstr (table[n][1], word) != NULL;
    return 0;
}

static void try_types (side where)
{
    static const char *const others[] = {"STREAM", "SERVER", "CLIENT", "BOGUS", "pull", "PUL", "PUSHY", ""};
    enum { other_count = sizeof others / sizeof others[0] };
    void *context = zmq_ctx_new ();
    for (int n = 0; n < kind_count; n++) {
        int taken[kind_count];
        /*  All at once, each with a socket of its own: the taken ones must
         *  stay open for the settling time, and that once for all.  */
        void *sockets[kind_count + other_count];
        for (int peer = 0; peer < kind_count + other_count; peer++) {
            const char *name = peer < kind_count ? kinds[peer].name : others[peer - kind_count];
            subject = NULL;
            sockets[peer] = open_socket (context, kinds[n].type);
            int fd = meet (sockets[peer], where);
            shake_as (fd, &kinds[n], name, 1, NULL, 0);
            if (compatible (kinds[n].name, name)) {
                CHECK (peer < kind_count);
                taken[peer] = fd;
            } else {
                char what[64];
                snprintf (what, sizeof what, "%s met %s", kinds[n].name, name);
                EXPECT_CLOSED (fd, what);
                close (fd);
                if (peer < kind_count)
                    taken[peer] = -1;
            }
        }
        sleep_ms (SETTLE_MS);
        for (int peer = 0; peer < kind_count; peer++) {
            uint8_t byte;
            if (taken[peer] == -1)
                continue;
            if (raw_read (taken[peer], &byte, 1, 0) == 0)
                harness_fail (__FILE__, __LINE__, "%s refused %s", kinds[n].name,
                              kinds[peer].name);
            close (taken[peer]);
        }
        for (int peer = 0; peer < kind_count + other_count; peer++)
            CHECK_OK (zmq_close (sockets[peer]));
    }
    CHECK_OK (zmq_ctx_term (context));
}

BOTH_SIDES (ready_of_an_incompatible_type_is_refused)
{
    try_types (where);
}

/*  What is unusual in a READY, and allowed.  */
TEST (ready_with_other_properties_is_taken)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
#define TYPE TYPE_PROPERTY ("\x04", "PUSH")
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
    } cases[] = {
#define CASE(LITERAL, WHAT) {LITERAL, sizeof (LITERAL) - 1, WHAT}
      CASE ("\x04\x1a\x05READY\x0bsocket-type\0\0\0\x04PUSH", "name in lower case"),
      CASE ("\x04\x1a\x05READY\x0bSOCKET-TYPE\0\0\0\x04PUSH", "name in upper case"),
      CASE ("\x06\0\0\0\0\0\0\0\x1a\x05READY" TYPE, "long form"),
      CASE ("\x04\x27\x05READY" TYPE "\x05X-foo\0\0\0\x03" "bar", "a property of its own"),
      CASE ("\x04\x27\x05READY\x05X-foo\0\0\0\x03" "bar" TYPE, "a property before the type"),
      CASE ("\x04\x24\x05READY" TYPE "\x05X-foo\0\0\0\0", "an empty property"),
      CASE ("\x04\x27\x05READY" TYPE NO_IDENTITY, "an identity to a socket that needs none"),
#undef CASE
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        int fd = raw_connect (endpoint);
        RAW (fd, GREETING_31);
        EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
        raw_send (fd, cases[n].bytes, cases[n].size);
        raw_send (fd, "\0\x02ok", 4);
        char text[16];
        if (zmq_recv (pull, text, sizeof text, 0) != 2)
            harness_fail (__FILE__, __LINE__, "not taken: %s", cases[n].what);
        close (fd);
    }
    finish (context, pull);
}

/*  60 KB of metadata is a READY still.  */
TEST (ready_of_60_kilobytes_is_taken)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, BOUND);
    RAW (fd, GREETING_31);
    EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
    enum { value_size = 60000 };
    static char body[9 + 26 + 6 + 4 + value_size];
    memcpy (body + 9, "\x05READY" TYPE "\x05X-big\0\0\xea\x60", 36);
    uint64_t size = 36 + value_size;
    body[0] = 6;
    for (int n = 0; n < 8; n++)
        body[1 + n] = (char) (size >> (56 - 8 * n));
    memset (body + 45, 'v', value_size);
    raw_send (fd, body, 9 + size);
    RAW (fd, "\0\x02ok");
    EXPECT_TEXT (pull, "ok");
    close (fd);
    finish (context, pull);
}

/*  Malformed handshakes cost the connection, and nothing else.  */
BOTH_SIDES (malformed_handshake_closes_the_connection)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
        int wait_for_greeting;
    } cases[] = {
#define CASE(LITERAL, WHAT) {LITERAL, sizeof (LITERAL) - 1, WHAT, 0}
#define AFTER(LITERAL, WHAT) {LITERAL, sizeof (LITERAL) - 1, WHAT, 1}
#define WITH_MECHANISM(NAME)                                                  \
    SIGNATURE "\x03\x01" NAME "\0" ZERO16 ZERO4 ZERO4 ZERO4 "\0\0\0"
      CASE ("\0", "a 1.0 frame of length 0"),
      CASE ("\0\0\0\0\0\0\0\0\0\0", "ten zero bytes"),
      CASE (WITH_MECHANISM ("PLAIN" ZERO4 ZERO4 ZERO4 "\0\0\0"), "mechanism PLAIN"),
      CASE (WITH_MECHANISM ("BOGUS" ZERO4 ZERO4 ZERO4 "\0\0\0"), "mechanism BOGUS"),
      CASE (WITH_MECHANISM (ZERO4 ZERO16), "no mechanism"),
      CASE (WITH_MECHANISM ("null" ZERO16), "mechanism null"),
      CASE (WITH_MECHANISM ("NULLX" ZERO4 ZERO4 ZERO4 "\0\0\0"), "mechanism NULLX"),
      CASE (WITH_MECHANISM ("NULL" ZERO4 ZERO4 ZERO4 "\0\0\0x"), "bytes after the mechanism's name"),
      AFTER ("\x04\x1a\x05ready" TYPE, "READY in lower case"),
      AFTER ("\x04\x06\x05HELLO", "HELLO"),
      AFTER ("\x04\x07\x04PING\0\0", "PING before READY"),
      AFTER ("\0\x02hi", "a message before READY"),
      AFTER ("\x04\0", "an empty command"),
      AFTER ("\x04\x22\x05READY" TYPE "\1a\0\0\0\5" "ab", "a value that is cut off"),
      AFTER ("\x04\x1e\x05READY" TYPE "\1a\0\0", "a length that is cut off"),
      AFTER ("\x04\x1b\x05READY" TYPE "\1", "a name that is cut off"),
      AFTER ("\x04\x2d\x05READY" TYPE TYPE_PROPERTY ("\x03", "PUB"), "two types"),
      AFTER ("\x04\x06\x05" "ERROR", "ERROR without a reason"),
      AFTER ("\x04\x0a\x05" "ERROR\x09" "bad", "ERROR with a reason cut off"),
      AFTER ("\x06\xff\xff\xff\xff\xff\xff\xff\xff", "a command of 2^64-1 bytes"),
#undef CASE
#undef AFTER
    };
    void *context = zmq_ctx_new ();
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        void *pull = open_subject (context, ZMQ_PULL);
        int fd = meet (pull, where);
        if (cases[n].wait_for_greeting) {
            RAW (fd, GREETING_31);
            EXPECT_RAW (fd, GREETING_31 READY_4 ("PULL"));
        }
        raw_send (fd, cases[n].bytes, cases[n].size);
        EXPECT_CLOSED (fd, cases[n].what);
        still_serves (pull, where);
        close (fd);
        CHECK_OK (zmq_close (pull));
    }
    subject = NULL;
    CHECK_OK (zmq_ctx_term (context));
}

/*  The peer refuses us: nothing goes over this connection, others work.  */
BOTH_SIDES (error_instead_of_ready_carries_no_messages)
{
    void *context = zmq_ctx_new ();
    void *push = open_subject (context, ZMQ_PUSH);
    set_int (push, ZMQ_IMMEDIATE, 1);
    int fd = meet (push, where);
    RAW (fd, GREETING_31);
    EXPECT_RAW (fd, GREETING_31 READY_4 ("PUSH"));
    RAW (fd, "\x04\x0a\x05" "ERROR\x03" "bad");
    sleep_ms (SETTLE_MS);
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    int other = meet (push, where);
    shake (other, ZMQ_PUSH);
    send_text (push, "y", 0);
    EXPECT_RAW (other, "\0\x01y");
    close (other);
    close (fd);
    finish (context, push);
}

/*  A peer that connects and says nothing is in nobody's way, and one that
 *  hangs up in its greeting neither.  */
TEST (silent_and_vanishing_peers_disturb_nobody)
{
    static const char greeting[] = GREETING_31 READY_4 ("PUSH");
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    int silent = raw_connect (endpoint);
    for (size_t size = 0; size < sizeof greeting - 1; size += 7) {
        int fd = raw_connect (endpoint);
        raw_send (fd, greeting, size);
        close (fd);
    }
    still_serves (pull, BOUND);
    RAW (silent, GREETING_31 READY_4 ("PUSH"));
    EXPECT_RAW (silent, GREETING_31 READY_4 ("PULL"));
    RAW (silent, "\0\x04late");
    EXPECT_TEXT (pull, "late");
    close (silent);
    finish (context, pull);
}

/*  A connecting socket tries again when the peer hangs up in the handshake,
 *  and starts with a new greeting.  */
TEST (connecting_socket_returns_after_a_hangup)
{
    void *context = zmq_ctx_new ();
    void *push = open_subject (context, ZMQ_PUSH);
    set_int (push, ZMQ_RECONNECT_IVL, 20);
    char endpoint[64];
    int listener = raw_listen (endpoint, sizeof endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "kept", 0);
    for (int n = 0; n < 3; n++) {
        int fd = raw_accept (listener);
        EXPECT_RAW (fd, SIGNATURE);
        if (n > 0)
            RAW (fd, SIGNATURE "\x03\x01NU");
        close (fd);
    }
    int fd = raw_accept (listener);
    shake (fd, ZMQ_PUSH);
    EXPECT_RAW (fd, "\0\x04kept");
    close (fd);
    close (listener);
    finish (context, push);
}

/*  ---- frames of 3.x --------------------------------------------------------  */

static void try_frames (side where, char minor)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    shake_as (fd, kind_of (ZMQ_PULL), "PUSH", minor, NULL, 0);
    RAW (fd, "\0\0");
    EXPECT_TEXT (pull, "");
    RAW (fd, "\x01\x01" "a\x01\0\0\x02" "bc");
    EXPECT_PART (pull, "a", 1);
    EXPECT_PART (pull, "", 1);
    EXPECT_PART (pull, "bc", 0);
    RAW (fd, "\x03\0\0\0\0\0\0\0\x04long\x02\0\0\0\0\0\0\0\x05small");
    EXPECT_PART (pull, "long", 1);
    EXPECT_PART (pull, "small", 0);

    /*  255 bytes in the short form, 256 in the long; in small pieces.  */
    char frame[9 + 256];
    char text[300];
    memset (frame, 'x', sizeof frame);
    memcpy (frame, "\0\xff", 2);
    for (int at = 0; at < 257; at += 16)
        raw_send (fd, frame + at, at + 16 <= 257 ? 16 : (size_t) (257 - at));
    CHECK_INT (zmq_recv (pull, text, sizeof text, 0), 255);
    memcpy (frame, "\x02\0\0\0\0\0\0\x01\0", 9);
    for (size_t at = 0; at < sizeof frame; at++)
        raw_send (fd, frame + at, 1);
    CHECK_INT (zmq_recv (pull, text, sizeof text, 0), 256);
    CHECK (text[0] == 'x' && text[255] == 'x');
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (frames_received_30) { try_frames (where, 0); }
BOTH_SIDES (frames_received_31) { try_frames (where, 1); }

BOTH_SIDES (frames_sent)
{
    void *context = zmq_ctx_new ();
    void *push = open_subject (context, ZMQ_PUSH);
    int fd = meet (push, where);
    shake (fd, ZMQ_PUSH);
    char data[300], expected[320];
    memset (data, 'x', sizeof data);
    CHECK_INT (zmq_send (push, data, 0, 0), 0);
    EXPECT_RAW (fd, "\0\0");
    CHECK_INT (zmq_send (push, data, 255, 0), 255);
    memcpy (expected, "\0\xff", 2);
    memcpy (expected + 2, data, 255);
    EXPECT_RAW_BYTES (fd, expected, 257);
    CHECK_INT (zmq_send (push, data, 256, 0), 256);
    memcpy (expected, "\x02\0\0\0\0\0\0\x01\0", 9);
    memcpy (expected + 9, data, 256);
    EXPECT_RAW_BYTES (fd, expected, 265);
    send_text (push, "a", ZMQ_SNDMORE);
    CHECK_INT (zmq_send (push, data, 256, ZMQ_SNDMORE), 256);
    EXPECT_QUIET (fd); /*  Nothing before the last part.  */
    send_text (push, "", 0);
    EXPECT_RAW (fd, "\x01\x01" "a");
    expected[0] = 3;
    EXPECT_RAW_BYTES (fd, expected, 265);
    EXPECT_RAW (fd, "\0\0");
    close (fd);
    finish (context, push);
}

/*  Messages that have not come whole are never seen.  */
TEST (unfinished_messages_are_dropped)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    for (int n = 0; n < 3; n++) {
        int fd = raw_connect (endpoint);
        shake (fd, ZMQ_PULL);
        if (n == 0)
            RAW (fd, "\0\x05unfi");
        else if (n == 1)
            RAW (fd, "\x01\x05parts\x01\x03two");
        else
            RAW (fd, "\x02\0\0\0\0\x40\0\0\0a gigabyte, but only the beginning");
        sleep_ms (20);
        close (fd);
    }
    EXPECT_NOTHING (pull);
    still_serves (pull, BOUND);
    finish (context, pull);
}

/*  Lengths that nobody can mean.  */
TEST (impossible_lengths_close_the_connection)
{
    static const char *const sizes[] = {"\xff\xff\xff\xff\xff\xff\xff\xff",
                                        "\x80\0\0\0\0\0\0\0",
                                        "\x7f\xff\xff\xff\xff\xff\xff\xff"};
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        int fd = meet (pull, BOUND);
        shake (fd, ZMQ_PULL);
        RAW (fd, "\x02");
        raw_send (fd, sizes[n], 8);
        EXPECT_CLOSED (fd, "an impossible length");
        close (fd);
        still_serves (pull, BOUND);
    }
    finish (context, pull);
}

BOTH_SIDES (maxmsgsize_closes_the_connection)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int64_t limit = 100;
    CHECK_OK (zmq_setsockopt (pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    int fd = meet (pull, where);
    shake (fd, ZMQ_PULL);
    char frame[103];
    memset (frame, 'x', sizeof frame);
    memcpy (frame, "\0\x64", 2);
    raw_send (fd, frame, 102);
    char text[200];
    CHECK_INT (zmq_recv (pull, text, sizeof text, 0), 100);
    frame[1] = 101;
    raw_send (fd, frame, 103);
    EXPECT_CLOSED (fd, "a message above MAXMSGSIZE");
    close (fd);
    EXPECT_NOTHING (pull);
    still_serves (pull, where);
    finish (context, pull);
}

/*  ---- commands in traffic ---------------------------------------------------  */

static void try_commands (side where, char minor)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    shake_as (fd, kind_of (ZMQ_PULL), "PUSH", minor, NULL, 0);
    RAW (fd, "\x04\x07\x04PING\0\0");
    EXPECT_RAW (fd, "\x04\x05\x04PONG");
    RAW (fd, "\x04\x0f\x04PING\0\x0a" "context!");
    EXPECT_RAW (fd, "\x04\x0d\x04PONGcontext!");
    RAW (fd, "\x06\0\0\0\0\0\0\0\x09\x04PING\0\0zz");
    EXPECT_RAW (fd, "\x04\x07\x04PONGzz");
    RAW (fd, "\x04\x17\x04PING\0\0" "0123456789abcdef"); /*  The longest context.  */
    EXPECT_RAW (fd, "\x04\x15\x04PONG" "0123456789abcdef");
    /*  Between the parts of a message a command is allowed as well.  */
    RAW (fd, "\x01\x01" "a\x04\x07\x04PING\0\0\0\x01" "b");
    EXPECT_RAW (fd, "\x04\x05\x04PONG");
    EXPECT_PART (pull, "a", 1);
    EXPECT_PART (pull, "b", 0);
    /*  What is not asked for, or unknown, is let pass.  */
    RAW (fd, "\x04\x06\x04PONGx");
    RAW (fd, "\x04\x08\x05" "BOGUSzz");
    RAW (fd, "\x04\x0a\x05" "ERROR\x03" "bad");
    RAW (fd, "\0\x04next");
    EXPECT_TEXT (pull, "next");
    EXPECT_QUIET (fd);
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (commands_30) { try_commands (where, 0); }
BOTH_SIDES (commands_31) { try_commands (where, 1); }

/*  What is wrong with these may cost the connection; it must not cost more. */
TEST (malformed_commands_disturb_nobody)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
#define CASE(LITERAL) {LITERAL, sizeof (LITERAL) - 1}
      CASE ("\x04\0"),           CASE ("\x04\x01\0"),
      CASE ("\x04\x02\x09" "A"), CASE ("\x04\x01\xff"),
      CASE ("\x04\x05\x04PING"), CASE ("\x04\x06\x04PING\0"),
      CASE ("\x05\x05\x04PING"), CASE ("\x04\x1a\x05READY" TYPE),
      CASE ("\x04\x02\x04PI"),   CASE ("\x04\x0a\x09SUBSCRIBE"),
      CASE ("\x04\x07\x06" "CANCEL"),
      CASE ("\x06\0\0\0\0\0\0\0\0"),
#undef CASE
    };
    void *context = zmq_ctx_new ();
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        /*  A PUSH never delivers anything, whatever came.  */
        void *push = open_subject (context, ZMQ_PUSH);
        int fd = meet (push, BOUND);
        shake (fd, ZMQ_PUSH);
        raw_send (fd, cases[n].bytes, cases[n].size);
        int other = meet (push, BOUND);
        shake (other, ZMQ_PUSH);
        /*  Some may go to the first peer, if it is there still.  */
        uint8_t got[3];
        ssize_t size = -1;
        for (int tries = 0; size == -1 && tries < 200; tries++) {
            send_text (push, "m", 0);
            size = raw_read (other, got, sizeof got, now_ms () + 20);
        }
        CHECK_INT (size, 3);
        CHECK (memcmp (got, "\0\x01m", 3) == 0);
        close (other);
        close (fd);
        CHECK_OK (zmq_close (push));
    }
    subject = NULL;
    CHECK_OK (zmq_ctx_term (context));
}

/*  ---- publish-subscribe ------------------------------------------------------  */

static void subscribe (void *socket, const char *topic)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic)));
}

static void unsubscribe (void *socket, const char *topic)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, topic, strlen (topic)));
}

BOTH_SIDES (subscriptions_sent_to_31_are_commands)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "abc");
    int fd = meet (sub, where);
    shake (fd, ZMQ_SUB);
    EXPECT_RAW (fd, "\x04\x0d\x09SUBSCRIBE" "abc");
    subscribe (sub, "");
    EXPECT_RAW (fd, "\x04\x0a\x09SUBSCRIBE");
    unsubscribe (sub, "abc");
    EXPECT_RAW (fd, "\x04\x0a\x06" "CANCEL" "abc");
    /*  The same again may be told or not, but must be taken back twice.  */
    subscribe (sub, "");
    uint8_t again[12];
    if (raw_read (fd, again, sizeof again, now_ms () + SETTLE_MS) != -1)
        CHECK (memcmp (again, "\x04\x0a\x09SUBSCRIBE", 12) == 0);
    unsubscribe (sub, "");
    EXPECT_QUIET (fd);
    unsubscribe (sub, "");
    EXPECT_RAW (fd, "\x04\x07\x06" "CANCEL");
    close (fd);
    finish (context, sub);
}

BOTH_SIDES (subscriptions_sent_to_30_are_messages)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "abc");
    int fd = meet (sub, where);
    shake_as (fd, kind_of (ZMQ_SUB), "PUB", 0, NULL, 0);
    EXPECT_RAW (fd, "\0\x04\x01" "abc");
    unsubscribe (sub, "abc");
    EXPECT_RAW (fd, "\0\x04\0" "abc");
    close (fd);
    finish (context, sub);
}

/*  Who comes later gets all subscriptions that hold, and filters stay here. */
TEST (subscriptions_reach_every_publisher_and_filter_again_on_receipt)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "k");
    for (int n = 0; n < 3; n++) {
        int fd = meet (sub, n == 1 ? CONNECTING : BOUND);
        shake (fd, ZMQ_SUB);
        EXPECT_RAW (fd, "\x04\x0b\x09SUBSCRIBEk");
        RAW (fd, "\0\x05other\x01\x01o\0\x01k\0\x02kk\x01\x01k\0\x01x");
        EXPECT_TEXT (sub, "kk");
        EXPECT_PART (sub, "k", 1);
        EXPECT_PART (sub, "x", 0);
        EXPECT_NOTHING (sub);
        close (fd);
    }
    finish (context, sub);
}

/*  What an application sends on an XSUB goes out as it is.  */
TEST (xsub_sends_its_messages_as_messages)
{
    void *context = zmq_ctx_new ();
    void *xsub = open_subject (context, ZMQ_XSUB);
    int fd = meet (xsub, CONNECTING);
    shake (fd, ZMQ_XSUB);
    send_text (xsub, "user", 0);
    EXPECT_RAW (fd, "\0\x04user");
    send_text (xsub, "\x02m", ZMQ_SNDMORE);
    send_text (xsub, "tail", 0);
    EXPECT_RAW (fd, "\x01\x02\x02m\0\x04tail");
    close (fd);
    finish (context, xsub);
}

static void try_publisher (int type, side where, char minor, int as_command)
{
    void *context = zmq_ctx_new ();
    void *pub = open_subject (context, type);
    int fd = meet (pub, where);
    shake_as (fd, kind_of (type), "SUB", minor, NULL, 0);
    if (as_command)
        RAW (fd, "\x04\x0b\x09SUBSCRIBEk");
    else
        RAW (fd, "\0\x02\x01k");
    if (type == ZMQ_XPUB)
        EXPECT_TEXT (pub, "\x01k");
    else
        settle (); /*  A PUB does not show its subscriptions.  */
    send_text (pub, "other", 0);
    send_text (pub, "other", ZMQ_SNDMORE);
    send_text (pub, "k", 0);
    send_text (pub, "k", ZMQ_SNDMORE);
    send_text (pub, "other", 0);
    EXPECT_RAW (fd, "\x01\x01k\0\x05other");
    if (as_command)
        RAW (fd, "\x04\x08\x06" "CANCELk");
    else
        RAW (fd, "\0\x02\0k");
    if (type == ZMQ_XPUB) {
        char text[8];
        CHECK_INT (zmq_recv (pub, text, sizeof text, 0), 2);
        CHECK (memcmp (text, "\0k", 2) == 0);
    } else
        settle ();
    send_text (pub, "k", 0);
    EXPECT_QUIET (fd);
    close (fd);
    finish (context, pub);
}

BOTH_SIDES (publisher_takes_commands_31) { try_publisher (ZMQ_PUB, where, 1, 1); }
BOTH_SIDES (publisher_takes_messages_31) { try_publisher (ZMQ_PUB, where, 1, 0); }
BOTH_SIDES (publisher_takes_messages_30) { try_publisher (ZMQ_PUB, where, 0, 0); }
BOTH_SIDES (xpub_takes_commands_31) { try_publisher (ZMQ_XPUB, where, 1, 1); }
BOTH_SIDES (xpub_takes_messages_31) { try_publisher (ZMQ_XPUB, where, 1, 0); }
BOTH_SIDES (xpub_takes_messages_30) { try_publisher (ZMQ_XPUB, where, 0, 0); }
TEST (xpub_takes_commands_30) { try_publisher (ZMQ_XPUB, BOUND, 0, 1); }

TEST (xpub_shows_what_subscribers_send)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_subject (context, ZMQ_XPUB);
    int fd = meet (xpub, BOUND);
    shake (fd, ZMQ_XPUB);
    RAW (fd, "\0\x02\x01" "d\0\x02\x01" "d"); /*  Twice: shown once.  */
    RAW (fd, "\0\x04user");
    EXPECT_TEXT (xpub, "\x01" "d");
    EXPECT_TEXT (xpub, "user");
    /*  Who leaves takes the subscriptions along.  */
    close (fd);
    char text[8];
    CHECK_INT (zmq_recv (xpub, text, sizeof text, 0), 2);
    CHECK (memcmp (text, "\0d", 2) == 0);
    finish (context, xpub);
}

/*  A publisher never delivers, and a PUSH neither, what their peers send.  */
TEST (data_to_pub_and_push_is_read_and_dropped)
{
    void *context = zmq_ctx_new ();
    for (int n = 0; n < 2; n++) {
        int type = n ? ZMQ_PUSH : ZMQ_PUB;
        void *socket = open_subject (context, type);
        int fd = meet (socket, BOUND);
        shake (fd, type);
        for (int m = 0; m < 1000; m++)
            RAW (fd, "\0\x04junk\0\0\x01\x01" "a\0\x01" "b");
        if (type == ZMQ_PUB) {
            RAW (fd, "\x04\x0a\x09SUBSCRIBE");
            settle ();
        }
        send_text (socket, "m", 0);
        EXPECT_RAW (fd, "\0\x01m");
        close (fd);
        CHECK_OK (zmq_close (socket));
    }
    subject = NULL;
    CHECK_OK (zmq_ctx_term (context));
}

/*  ---- request-reply -----------------------------------------------------------  */

BOTH_SIDES (rep_repeats_the_envelope)
{
    void *context = zmq_ctx_new ();
    void *rep = open_subject (context, ZMQ_REP);
    int fd = meet (rep, where);
    shake (fd, ZMQ_REP);
    RAW (fd, "\x01\0\0\x01q");
    EXPECT_TEXT (rep, "q");
    send_text (rep, "r", ZMQ_SNDMORE);
    send_text (rep, "s", 0);
    EXPECT_RAW (fd, "\x01\0\x01\x01r\0\x01s");
    RAW (fd, "\x01\x01" "a\x01\x01" "b\x01\0\x01\x01q\0\0");
    EXPECT_PART (rep, "q", 1);
    EXPECT_PART (rep, "", 0);
    send_text (rep, "", 0);
    EXPECT_RAW (fd, "\x01\x01" "a\x01\x01" "b\x01\0\0\0");
    /*  Without a delimiter, or with nothing after it, it is no request.  */
    RAW (fd, "\0\x02no");
    RAW (fd, "\x01\x01x\0\x01y");
    RAW (fd, "\0\0");
    RAW (fd, "\x01\0\0\x03yes");
    EXPECT_TEXT (rep, "yes");
    close (fd);
    finish (context, rep);
}

BOTH_SIDES (req_sends_a_delimiter_and_takes_it_off)
{
    void *context = zmq_ctx_new ();
    void *req = open_subject (context, ZMQ_REQ);
    int fd = meet (req, where);
    shake (fd, ZMQ_REQ);
    for (int n = 0; n < 3; n++) {
        send_text (req, "q", ZMQ_SNDMORE);
        send_text (req, "", 0);
        EXPECT_RAW (fd, "\x01\0\x01\x01q\0\0");
        RAW (fd, "\x01\0\x01\x01r\0\x01s");
        EXPECT_PART (req, "r", 1);
        EXPECT_PART (req, "s", 0);
    }
    close (fd);
    finish (context, req);
}

/*  Replies that nobody waits for never reach the application.  */
TEST (req_drops_what_it_did_not_ask_for)
{
    void *context = zmq_ctx_new ();
    void *req = open_subject (context, ZMQ_REQ);
    int fd = meet (req, BOUND);
    shake (fd, ZMQ_REQ);
    RAW (fd, "\x01\0\0\x05" "early");
    settle ();
    send_text (req, "q", 0);
    EXPECT_RAW (fd, "\x01\0\0\x01q");
    RAW (fd, "\x01\0\0\x04real");
    EXPECT_TEXT (req, "real");
    CHECK_ERRNO (zmq_recv (req, NULL, 0, 0), EFSM);
    close (fd);
    finish (context, req);
}

TEST (req_closes_on_a_reply_without_delimiter)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"\0\x01r", 3}, {"\x01\x01x\0\x01r", 6}, {"\0\0", 2}};
    void *context = zmq_ctx_new ();
    for (int n = 0; n < 3; n++) {
        void *req = open_subject (context, ZMQ_REQ);
        int fd = meet (req, BOUND);
        shake (fd, ZMQ_REQ);
        send_text (req, "q", 0);
        EXPECT_RAW (fd, "\x01\0\0\x01q");
        raw_send (fd, cases[n].bytes, cases[n].size);
        EXPECT_CLOSED (fd, "a reply without delimiter");
        EXPECT_NOTHING (req);
        close (fd);
        CHECK_OK (zmq_close (req));
    }
    subject = NULL;
    CHECK_OK (zmq_ctx_term (context));
}

BOTH_SIDES (dealer_sends_parts_as_they_are)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_subject (context, ZMQ_DEALER);
    int fd = meet (dealer, where);
    shake (fd, ZMQ_DEALER);
    send_text (dealer, "", ZMQ_SNDMORE);
    send_text (dealer, "q", 0);
    EXPECT_RAW (fd, "\x01\0\0\x01q");
    RAW (fd, "\0\x01r");
    EXPECT_TEXT (dealer, "r");
    close (fd);
    finish (context, dealer);
}

static void try_router_id (side where, const char *identity, size_t size)
{
    void *context = zmq_ctx_new ();
    void *router = open_subject (context, ZMQ_ROUTER);
    int fd = meet (router, where);
    shake_as (fd, kind_of (ZMQ_ROUTER), "DEALER", 1, identity, size);
    RAW (fd, "\x01\0\0\x02hi");
    uint8_t id[300];
    int got = zmq_recv (router, id, sizeof id, 0);
    if (identity && size) {
        CHECK_INT (got, size);
        CHECK (memcmp (id, identity, size) == 0);
    } else {
        CHECK_INT (got, 5);
        CHECK_INT (id[0], 0);
    }
    EXPECT_PART (router, "", 1);
    EXPECT_PART (router, "hi", 0);
    CHECK_INT (zmq_send (router, id, (size_t) got, ZMQ_SNDMORE), got);
    send_text (router, "", ZMQ_SNDMORE);
    send_text (router, "back", 0);
    EXPECT_RAW (fd, "\x01\0\0\x04" "back");
    close (fd);
    finish (context, router);
}

BOTH_SIDES (router_generates_an_id_for_a_peer_without) { try_router_id (where, NULL, 0); }
BOTH_SIDES (router_generates_an_id_for_an_empty_one) { try_router_id (where, "", 0); }
BOTH_SIDES (router_uses_the_peers_id) { try_router_id (where, "peer", 4); }
TEST (router_uses_an_id_of_255_bytes)
{
    char id[255];
    memset (id, 'i', sizeof id);
    /*  This READY needs the long form: made by hand.  */
    void *context = zmq_ctx_new ();
    void *router = open_subject (context, ZMQ_ROUTER);
    int fd = meet (router, BOUND);
    RAW (fd, GREETING_31);
    EXPECT_RAW (fd, GREETING_31 "\x04\x29\x05READY" TYPE_PROPERTY ("\x06", "ROUTER") NO_IDENTITY);
    RAW (fd, "\x06\0\0\0\0\0\0\x01\x28\x05READY" TYPE_PROPERTY ("\x06", "DEALER") "\x08Identity\0\0\0\xff");
    raw_send (fd, id, sizeof id);
    RAW (fd, "\0\x02hi");
    char got[300];
    CHECK_INT (zmq_recv (router, got, sizeof got, 0), 255);
    CHECK (memcmp (got, id, 255) == 0);
    EXPECT_PART (router, "hi", 0);
    close (fd);
    finish (context, router);
}

/*  Whoever has an id keeps it; a second with the same is not heard.  */
TEST (router_ignores_a_second_peer_with_the_same_id)
{
    void *context = zmq_ctx_new ();
    void *router = open_subject (context, ZMQ_ROUTER);
    int first = meet (router, BOUND);
    shake_as (first, kind_of (ZMQ_ROUTER), "DEALER", 1, "A", 1);
    RAW (first, "\0\x03one");
    EXPECT_PART (router, "A", 1);
    EXPECT_PART (router, "one", 0);
    int second = meet (router, BOUND);
    shake_as (second, kind_of (ZMQ_ROUTER), "DEALER", 1, "A", 1);
    (void) send (second, "\0\x03two", 5, MSG_NOSIGNAL);
    EXPECT_NOTHING (router);
    RAW (first, "\0\x05three");
    EXPECT_PART (router, "A", 1);
    EXPECT_PART (router, "three", 0);
    send_text (router, "A", ZMQ_SNDMORE);
    send_text (router, "back", 0);
    EXPECT_RAW (first, "\0\x04" "back");
    close (second);
    close (first);
    finish (context, router);
}

/*  ---- ZMTP 2.0 ------------------------------------------------------------------  */

/*  As a 2.0 peer of this type number; the library's greeting is checked.  */
static void shake_20 (int fd, char our_type, char peer_type, const char *identity)
{
    RAW (fd, SIGNATURE "\x01");
    raw_send (fd, &peer_type, 1);
    EXPECT_RAW (fd, SIGNATURE "\x03");
    EXPECT_RAW_BYTES (fd, &our_type, 1);
    char frame[64] = {0, (char) strlen (identity)};
    strcpy (frame + 2, identity);
    raw_send (fd, frame, 2 + strlen (identity));
    EXPECT_RAW (fd, "\0\0");
}

BOTH_SIDES (v20_push_to_pull)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    shake_20 (fd, ZMQ_PULL, ZMQ_PUSH, "");
    RAW (fd, "\0\0\x01\x01" "a\0\x02" "bc\x03\0\0\0\0\0\0\0\x01x\x02\0\0\0\0\0\0\0\0");
    EXPECT_TEXT (pull, "");
    EXPECT_PART (pull, "a", 1);
    EXPECT_PART (pull, "bc", 0);
    EXPECT_PART (pull, "x", 1);
    EXPECT_PART (pull, "", 0);
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (v20_greeting_byte_by_byte)
{
    static const char bytes[] = SIGNATURE "\x01\x08\0\x03me!\0\x02hi";
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    for (size_t n = 0; n < sizeof bytes - 1; n++)
        raw_send (fd, bytes + n, 1);
    EXPECT_RAW (fd, SIGNATURE "\x03\x07\0\0");
    EXPECT_TEXT (pull, "hi");
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (v20_push_sends)
{
    void *context = zmq_ctx_new ();
    void *push = open_subject (context, ZMQ_PUSH);
    int fd = meet (push, where);
    shake_20 (fd, ZMQ_PUSH, ZMQ_PULL, "");
    send_text (push, "a", ZMQ_SNDMORE);
    send_text (push, "", 0);
    EXPECT_RAW (fd, "\x01\x01" "a\0\0");
    char data[256];
    memset (data, 'x', sizeof data);
    CHECK_INT (zmq_send (push, data, sizeof data, 0), 256);
    EXPECT_RAW (fd, "\x02\0\0\0\0\0\0\x01\0");
    EXPECT_RAW_BYTES (fd, data, 256);
    close (fd);
    finish (context, push);
}

BOTH_SIDES (v20_subscriptions_are_messages)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "abc");
    int fd = meet (sub, where);
    shake_20 (fd, ZMQ_SUB, ZMQ_PUB, "");
    EXPECT_RAW (fd, "\0\x04\x01" "abc");
    RAW (fd, "\0\x05" "abcde");
    EXPECT_TEXT (sub, "abcde");
    unsubscribe (sub, "abc");
    EXPECT_RAW (fd, "\0\x04\0" "abc");
    close (fd);
    finish (context, sub);
}

BOTH_SIDES (v20_publisher)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_subject (context, ZMQ_XPUB);
    int fd = meet (xpub, where);
    shake_20 (fd, ZMQ_XPUB, ZMQ_SUB, "");
    RAW (fd, "\0\x02\x01k");
    EXPECT_TEXT (xpub, "\x01k");
    send_text (xpub, "other", 0);
    send_text (xpub, "kk", 0);
    EXPECT_RAW (fd, "\0\x02kk");
    close (fd);
    finish (context, xpub);
}

BOTH_SIDES (v20_rep_and_router)
{
    void *context = zmq_ctx_new ();
    void *rep = open_subject (context, ZMQ_REP);
    int fd = meet (rep, where);
    shake_20 (fd, ZMQ_REP, ZMQ_REQ, "id");
    RAW (fd, "\x01\0\0\x01q");
    EXPECT_TEXT (rep, "q");
    send_text (rep, "r", 0);
    EXPECT_RAW (fd, "\x01\0\0\x01r");
    close (fd);
    CHECK_OK (zmq_close (rep));

    void *router = open_subject (context, ZMQ_ROUTER);
    fd = meet (router, where);
    shake_20 (fd, ZMQ_ROUTER, ZMQ_DEALER, "id");
    RAW (fd, "\0\x01q");
    EXPECT_PART (router, "id", 1);
    EXPECT_PART (router, "q", 0);
    send_text (router, "id", ZMQ_SNDMORE);
    send_text (router, "r", 0);
    EXPECT_RAW (fd, "\0\x01r");
    close (fd);
    finish (context, router);
}

BOTH_SIDES (v20_dealer_sends_its_id)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_subject (context, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2));
    int fd = meet (dealer, where);
    RAW (fd, SIGNATURE "\x01\x06\0\0");
    EXPECT_RAW (fd, "\xff" ZERO4 "\0\0\0\x03\x7f\x03\x05\0\x02me");
    send_text (dealer, "q", 0);
    EXPECT_RAW (fd, "\0\x01q");
    RAW (fd, "\0\x01r");
    EXPECT_TEXT (dealer, "r");
    close (fd);
    finish (context, dealer);
}

/*  ---- ZMTP 1.0 ------------------------------------------------------------------  */

/*  As a 1.0 peer without an identity. What we get is an identity frame, too:
 *  the signature is its head.  */
static void shake_10 (int fd)
{
    RAW (fd, "\x01\0");
    EXPECT_RAW (fd, SIGNATURE);
}

BOTH_SIDES (v10_push_to_pull)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    shake_10 (fd);
    RAW (fd, "\x01\0\x02\x01" "a\x03\0" "bc\xff\0\0\0\0\0\0\0\x02\x01x\xff\0\0\0\0\0\0\0\x01\0");
    EXPECT_TEXT (pull, "");
    EXPECT_PART (pull, "a", 1);
    EXPECT_PART (pull, "bc", 0);
    EXPECT_PART (pull, "x", 1);
    EXPECT_PART (pull, "", 0);
    close (fd);
    finish (context, pull);
}

BOTH_SIDES (v10_greeting_byte_by_byte)
{
    static const char bytes[] = "\x04\0me!\x03\0hi";
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    for (size_t n = 0; n < sizeof bytes - 1; n++)
        raw_send (fd, bytes + n, 1);
    EXPECT_RAW (fd, SIGNATURE);
    EXPECT_TEXT (pull, "hi");
    close (fd);
    finish (context, pull);
}

/*  A long identity frame begins with ff like a signature; the tenth byte, the
 *  flags, tells them apart.  */
TEST (v10_identity_in_the_long_form)
{
    void *context = zmq_ctx_new ();
    void *router = open_subject (context, ZMQ_ROUTER);
    int fd = meet (router, BOUND);
    RAW (fd, "\xff\0\0\0\0\0\0\0\x03\0id\x03\0hi");
    EXPECT_PART (router, "id", 1);
    EXPECT_PART (router, "hi", 0);
    EXPECT_RAW (fd, SIGNATURE);
    close (fd);
    finish (context, router);
}

BOTH_SIDES (v10_push_sends)
{
    void *context = zmq_ctx_new ();
    void *push = open_subject (context, ZMQ_PUSH);
    int fd = meet (push, where);
    shake_10 (fd);
    send_text (push, "a", ZMQ_SNDMORE);
    send_text (push, "", 0);
    EXPECT_RAW (fd, "\x02\x01" "a\x01\0");
    char data[254];
    memset (data, 'x', sizeof data);
    CHECK_INT (zmq_send (push, data, 253, 0), 253);
    EXPECT_RAW (fd, "\xfe\0");
    EXPECT_RAW_BYTES (fd, data, 253);
    CHECK_INT (zmq_send (push, data, 254, 0), 254);
    EXPECT_RAW (fd, "\xff\0\0\0\0\0\0\0\xff\0");
    EXPECT_RAW_BYTES (fd, data, 254);
    close (fd);
    finish (context, push);
}

BOTH_SIDES (v10_subscriptions_are_messages)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "abc");
    int fd = meet (sub, where);
    shake_10 (fd);
    EXPECT_RAW (fd, "\x05\0\x01" "abc");
    RAW (fd, "\x06\0" "abcde");
    EXPECT_TEXT (sub, "abcde");
    unsubscribe (sub, "abc");
    EXPECT_RAW (fd, "\x05\0\0" "abc");
    close (fd);
    finish (context, sub);
}

/*  Subscribers of 1.0 filter for themselves: they are sent everything, as if
 *  they had subscribed to it.  */
BOTH_SIDES (v10_publisher_sends_everything)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_subject (context, ZMQ_XPUB);
    int fd = meet (xpub, where);
    shake_10 (fd);
    EXPECT_TEXT (xpub, "\x01");
    send_text (xpub, "all", ZMQ_SNDMORE);
    send_text (xpub, "k", 0);
    EXPECT_RAW (fd, "\x04\x01" "all\x02\0k");
    /*  It may subscribe nevertheless.  */
    RAW (fd, "\x03\0\x01k");
    EXPECT_TEXT (xpub, "\x01k");
    close (fd);
    CHECK_OK (zmq_close (xpub));

    void *pub = open_subject (context, ZMQ_PUB);
    fd = meet (pub, where);
    shake_10 (fd);
    settle ();
    send_text (pub, "all", 0);
    EXPECT_RAW (fd, "\x04\0" "all");
    close (fd);
    finish (context, pub);
}

BOTH_SIDES (v10_rep_and_dealer)
{
    void *context = zmq_ctx_new ();
    void *rep = open_subject (context, ZMQ_REP);
    int fd = meet (rep, where);
    shake_10 (fd);
    RAW (fd, "\x01\x01\x02\0q");
    EXPECT_TEXT (rep, "q");
    send_text (rep, "r", 0);
    EXPECT_RAW (fd, "\x01\x01\x02\0r");
    close (fd);
    CHECK_OK (zmq_close (rep));

    void *dealer = open_subject (context, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2));
    fd = meet (dealer, where);
    RAW (fd, "\x01\0");
    EXPECT_RAW (fd, "\xff" ZERO4 "\0\0\0\x03\x7fme");
    send_text (dealer, "q", 0);
    EXPECT_RAW (fd, "\x02\0q");
    close (fd);
    finish (context, dealer);
}

/*  A 1.0 frame has at least its flags byte.  */
BOTH_SIDES (v10_frame_of_length_0_closes_the_connection)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    shake_10 (fd);
    RAW (fd, "\x03\0hi\0");
    EXPECT_CLOSED (fd, "a frame of length 0");
    EXPECT_TEXT (pull, "hi");
    close (fd);
    still_serves (pull, where);
    finish (context, pull);
}

/*  What is no ZMTP at all, HTTP for instance, looks like 1.0 and an identity
 *  of 70 bytes: no harm done.  */
TEST (foreign_protocols_disturb_nobody)
{
    static const char *const texts[] = {
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\x02\0\x01",
      "SSH-2.0-OpenSSH_9.2\r\n", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        int fd = raw_connect (endpoint);
        raw_send (fd, texts[n], strlen (texts[n]));
        still_serves (pull, BOUND);
        close (fd);
    }
    EXPECT_NOTHING (pull);
    finish (context, pull);
}
