/*  PUB, SUB, XPUB and XSUB over ZMTP 3.x.  */
#include "raw_peer.h"

BOTH_SIDES (subscriptions_sent_to_31_are_commands)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "abc");
    int fd = meet (sub, where);
    handshake (fd, ZMQ_SUB);
    EXPECT_RAW (fd, "\x04\x0d\x09SUBSCRIBE" "abc");
    subscribe (sub, "");
    EXPECT_RAW (fd, "\x04\x0a\x09SUBSCRIBE");
    unsubscribe (sub, "abc");
    EXPECT_RAW (fd, "\x04\x0a\x06" "CANCEL" "abc");
    /*  A repeated subscription may be sent or not, but must be cancelled twice.  */
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
    handshake_as (fd, kind_of (ZMQ_SUB), "PUB", 0, NULL, 0);
    EXPECT_RAW (fd, "\0\x04\x01" "abc");
    unsubscribe (sub, "abc");
    EXPECT_RAW (fd, "\0\x04\0" "abc");
    close (fd);
    finish (context, sub);
}

/*  A publisher that comes later gets all present subscriptions, and the SUB filters too. */
TEST (subscriptions_reach_every_publisher_and_filter_again_on_receipt)
{
    void *context = zmq_ctx_new ();
    void *sub = open_subject (context, ZMQ_SUB);
    subscribe (sub, "k");
    for (int n = 0; n < 3; n++) {
        int fd = meet (sub, n == 1 ? CONNECTING : BOUND);
        handshake (fd, ZMQ_SUB);
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
    handshake (fd, ZMQ_XSUB);
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
    handshake_as (fd, kind_of (type), "SUB", minor, NULL, 0);
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
    handshake (fd, ZMQ_XPUB);
    RAW (fd, "\0\x02\x01" "d\0\x02\x01" "d"); /*  Twice: shown once.  */
    RAW (fd, "\0\x04user");
    EXPECT_TEXT (xpub, "\x01" "d");
    EXPECT_TEXT (xpub, "user");
    /*  The subscriptions of a peer that leaves are removed.  */
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
        handshake (fd, type);
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
