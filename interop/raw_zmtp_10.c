/*  Peers of ZMTP 1.0, and what is taken for them.  */
#include "raw_peer.h"

/*  As a 1.0 peer without an identity. What we get is an identity frame, too:
 *  the signature is its head.  */
static void handshake_10 (int fd)
{
    RAW (fd, "\x01\0");
    EXPECT_RAW (fd, SIGNATURE);
}

BOTH_SIDES (v10_push_to_pull)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    handshake_10 (fd);
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
    handshake_10 (fd);
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
    handshake_10 (fd);
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
    handshake_10 (fd);
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
    handshake_10 (fd);
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
    handshake_10 (fd);
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
    handshake_10 (fd);
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
