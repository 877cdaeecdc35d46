/*  Greetings and handshakes of ZMTP 3.x, and what is refused of them.  */
#include "raw_peer.h"

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

/*  Later versions are answered with ours: the peer falls back to it.  */
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

TEST (greeting_signature_filler_and_as_server_are_not_checked)
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
        handshake_as (fd, &kinds[n], kinds[n].peer, 1, NULL, 0);
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
            handshake_as (fd, &kinds[n], name, 1, NULL, 0);
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
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
    } cases[] = {
#define CASE(LITERAL, WHAT) {LITERAL, sizeof (LITERAL) - 1, WHAT}
      CASE ("\x04\x1a\x05READY\x0bsocket-type\0\0\0\x04PUSH", "name in lower case"),
      CASE ("\x04\x1a\x05READY\x0bSOCKET-TYPE\0\0\0\x04PUSH", "name in upper case"),
      CASE ("\x06\0\0\0\0\0\0\0\x1a\x05READY" PUSH_TYPE, "long form"),
      CASE ("\x04\x27\x05READY" PUSH_TYPE "\x05X-foo\0\0\0\x03" "bar", "a property of its own"),
      CASE ("\x04\x27\x05READY\x05X-foo\0\0\0\x03" "bar" PUSH_TYPE, "a property before the type"),
      CASE ("\x04\x24\x05READY" PUSH_TYPE "\x05X-foo\0\0\0\0", "an empty property"),
      CASE ("\x04\x27\x05READY" PUSH_TYPE NO_IDENTITY, "an identity to a socket that needs none"),
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
    memcpy (body + 9, "\x05READY" PUSH_TYPE "\x05X-big\0\0\xea\x60", 36);
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
      AFTER ("\x04\x1a\x05ready" PUSH_TYPE, "READY in lower case"),
      AFTER ("\x04\x06\x05HELLO", "HELLO"),
      AFTER ("\x04\x07\x04PING\0\0", "PING before READY"),
      AFTER ("\0\x02hi", "a message before READY"),
      AFTER ("\x04\0", "an empty command"),
      AFTER ("\x04\x22\x05READY" PUSH_TYPE "\1a\0\0\0\5" "ab", "a value that is cut off"),
      AFTER ("\x04\x1e\x05READY" PUSH_TYPE "\1a\0\0", "a length that is cut off"),
      AFTER ("\x04\x1b\x05READY" PUSH_TYPE "\1", "a name that is cut off"),
      AFTER ("\x04\x2d\x05READY" PUSH_TYPE TYPE_PROPERTY ("\x03", "PUB"), "two types"),
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
    handshake (other, ZMQ_PUSH);
    send_text (push, "y", 0);
    EXPECT_RAW (other, "\0\x01y");
    close (other);
    close (fd);
    finish (context, push);
}

/*  A peer that connects and sends nothing disturbs no other, nor does one that
 *  closes during its greeting.  */
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

/*  A connecting socket tries again when the peer closes in the handshake,
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
    handshake (fd, ZMQ_PUSH);
    EXPECT_RAW (fd, "\0\x04kept");
    close (fd);
    close (listener);
    finish (context, push);
}
