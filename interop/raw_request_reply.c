/*  REQ, REP, DEALER and ROUTER over ZMTP 3.x: envelopes and routing ids.  */
#include "raw_peer.h"

BOTH_SIDES (rep_repeats_the_envelope)
{
    void *context = zmq_ctx_new ();
    void *rep = open_subject (context, ZMQ_REP);
    int fd = meet (rep, where);
    handshake (fd, ZMQ_REP);
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
    handshake (fd, ZMQ_REQ);
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
    handshake (fd, ZMQ_REQ);
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
        handshake (fd, ZMQ_REQ);
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
    handshake (fd, ZMQ_DEALER);
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
    handshake_as (fd, kind_of (ZMQ_ROUTER), "DEALER", 1, identity, size);
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

/*  The peer that has an id keeps it; messages of a second with the same id are ignored.  */
TEST (router_ignores_a_second_peer_with_the_same_id)
{
    void *context = zmq_ctx_new ();
    void *router = open_subject (context, ZMQ_ROUTER);
    int first = meet (router, BOUND);
    handshake_as (first, kind_of (ZMQ_ROUTER), "DEALER", 1, "A", 1);
    RAW (first, "\0\x03one");
    EXPECT_PART (router, "A", 1);
    EXPECT_PART (router, "one", 0);
    int second = meet (router, BOUND);
    handshake_as (second, kind_of (ZMQ_ROUTER), "DEALER", 1, "A", 1);
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
