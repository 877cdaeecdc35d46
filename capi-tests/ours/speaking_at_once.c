/*  Peers that send everything at once, before they receive anything from us.  libzmq
 *  loses what comes with a greeting.  */
#include "../peers.h"

enum { GREETING = 64, MOST = 8192 };

static size_t property (unsigned char *to, const char *name, const void *value, size_t size)
{
    size_t length = strlen (name);
    *to = (unsigned char) length;
    memcpy (to + 1, name, length);
    to += 1 + length;
    for (int n = 0; n < 4; n++)
        to[n] = (unsigned char) (size >> (24 - 8 * n));
    memcpy (to + 4, value, size);
    return 1 + length + 4 + size;
}

/*  All that a PUSH sends whose only message is "hello": greeting, READY with a
 *  property of this size, the message.  Returns the number of bytes.  */
static size_t speech (unsigned char *to, size_t size)
{
    static const char zeros[MOST];
    unsigned char ready[MOST] = "\5READY";
    size_t length = 6;
    length += property (ready + length, "Socket-Type", "PUSH", 4);
    length += property (ready + length, "X-Long", zeros, size);
    memset (to, 0, GREETING);
    memcpy (to, "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL", 16);
    to += GREETING;
    *to++ = 6;
    for (int n = 0; n < 8; n++)
        *to++ = (unsigned char) (length >> (56 - 8 * n));
    memcpy (to, ready, length);
    memcpy (to + length, "\0\5hello", 7);
    return GREETING + 9 + length + 7;
}

/*  Sizes of the property that let the speech end around those of buffers.  */
static const size_t sizes[] = {0, 906, 907, 908, 914, 1931, 3000, 7000};

TEST (a_client_may_send_all_at_once_and_nothing_more)
{
    unsigned char bytes[2 * MOST];
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    int port = port_of (bind_to (pull, "tcp://127.0.0.1:*"));
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        int peer = plain_connect (port);
        plain_write (peer, bytes, speech (bytes, sizes[n]));
        CHECK_OK (shutdown (peer, SHUT_WR));
        EXPECT_TEXT (pull, "hello");
        plain_expect_end (peer);
        CHECK_OK (close (peer));
    }
    FINISH (context, pull);
}

TEST (a_server_may_send_all_at_once)
{
    unsigned char bytes[2 * MOST];
    char signature[10];
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        void *context = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL);
        int port, listener = plain_listen (&port);
        const char *endpoint = tcp_endpoint ("127.0.0.1", port);
        set_int (pull, ZMQ_RECONNECT_IVL, -1);
        CHECK_OK (zmq_connect (pull, endpoint));
        int peer = plain_accept (listener);
        plain_write (peer, bytes, speech (bytes, sizes[n]));
        EXPECT_TEXT (pull, "hello");
        plain_read (peer, signature, sizeof signature);
        CHECK_OK (close (peer));
        CHECK_OK (close (listener));
        FINISH (context, pull);
    }
}

/*  In pieces that end at no boundary of the protocol.  */
TEST (a_client_may_send_slowly)
{
    unsigned char bytes[2 * MOST];
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    int peer = plain_connect (port_of (bind_to (pull, "tcp://127.0.0.1:*")));
    size_t length = speech (bytes, 100);
    for (size_t at = 0; at < length; at += 7) {
        plain_write (peer, bytes + at, length - at < 7 ? length - at : 7);
        if (at % 3 == 0)
            sleep_ms (1);
    }
    EXPECT_TEXT (pull, "hello");
    CHECK_OK (close (peer));
    FINISH (context, pull);
}
