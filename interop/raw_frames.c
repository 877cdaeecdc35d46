/*  Frames and commands of ZMTP 3.x, after the handshake.  */
#include "raw_peer.h"

static void try_frames (side where, char minor)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    handshake_as (fd, kind_of (ZMQ_PULL), "PUSH", minor, NULL, 0);
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
    handshake (fd, ZMQ_PUSH);
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
        handshake (fd, ZMQ_PULL);
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
        handshake (fd, ZMQ_PULL);
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
    handshake (fd, ZMQ_PULL);
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

static void try_commands (side where, char minor)
{
    void *context = zmq_ctx_new ();
    void *pull = open_subject (context, ZMQ_PULL);
    int fd = meet (pull, where);
    handshake_as (fd, kind_of (ZMQ_PULL), "PUSH", minor, NULL, 0);
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
      CASE ("\x05\x05\x04PING"), CASE ("\x04\x1a\x05READY" PUSH_TYPE),
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
        handshake (fd, ZMQ_PUSH);
        raw_send (fd, cases[n].bytes, cases[n].size);
        int other = meet (push, BOUND);
        handshake (other, ZMQ_PUSH);
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
