/*  Peers of ZMTP 2.0.  */
#include "raw_peer.h"

/*  As a 2.0 peer of this type number; the library's greeting is checked.  */
static void handshake_20 (int fd, char our_type, char peer_type, const char *identity)
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
    handshake_20 (fd, ZMQ_PULL, ZMQ_PUSH, "");
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
    handshake_20 (fd, ZMQ_PUSH, ZMQ_PULL, "");
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
    handshake_20 (fd, ZMQ_SUB, ZMQ_PUB, "");
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
    handshake_20 (fd, ZMQ_XPUB, ZMQ_SUB, "");
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
    handshake_20 (fd, ZMQ_REP, ZMQ_REQ, "id");
    RAW (fd, "\x01\0\0\x01q");
    EXPECT_TEXT (rep, "q");
    send_text (rep, "r", 0);
    EXPECT_RAW (fd, "\x01\0\0\x01r");
    close (fd);
    CHECK_OK (zmq_close (rep));

    void *router = open_subject (context, ZMQ_ROUTER);
    fd = meet (router, where);
    handshake_20 (fd, ZMQ_ROUTER, ZMQ_DEALER, "id");
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
