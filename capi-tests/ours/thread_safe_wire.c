/*  The socket types that threads share, over tcp and ipc, and what they look like on the wire (RFCs 41, 48,
 *  49, 51 and 52). libzmq's stable build aborts at such connections.  */
#include "../thread_safe.h"

/*  A message of two parts, and one of one part.  */
#define TWO_AND_ONE "\x01\x01" "a" "\0\x01" "b" "\0\x01" "c"

TEST (server_answers_with_bodies_of_all_sizes)
{
    static const size_t sizes[] = {0, 1, 40, 41, 255, 256, 8192, 8193, 100000, 3000000};
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    join (server, client, "tcp");
    char *body = malloc (3000000), *back = malloc (3000000);
    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        memset (body, 'a' + (int) at, sizes[at]);
        CHECK_INT (zmq_send (client, body, sizes[at], 0), sizes[at]);
        send_back (server);
        CHECK_INT (zmq_recv (client, back, 3000000, 0), sizes[at]);
        CHECK (memcmp (body, back, sizes[at]) == 0);
    }
    free (body);
    free (back);
    FINISH (context, server, client);
}

WIRE_TEST (second_peer_of_a_channel_is_not_served)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_CHANNEL), *first = open_socket (context, ZMQ_CHANNEL);
    void *second = open_socket (context, ZMQ_CHANNEL);
    const char *endpoint = join (one, first, transport);
    send_text (first, "first", 0);
    EXPECT_TEXT (one, "first");
    CHECK_OK (zmq_connect (second, endpoint));
    send_text (second, "second", 0);
    send_text (first, "first again", 0);
    EXPECT_TEXT (one, "first again");
    set_int (one, ZMQ_RCVTIMEO, SETTLE_MS);
    CHECK_ERRNO (zmq_send (one, "x", 1, ZMQ_SNDMORE), EINVAL);
    char byte;
    CHECK_ERRNO (zmq_recv (one, &byte, 1, 0), EAGAIN);
    FINISH (context, one, first, second);
}

TEST (messages_of_several_parts_from_the_wire_are_dropped)
{
    static const struct { int type; const char *peer; } TYPES[] = {
      {ZMQ_SERVER, "CLIENT"}, {ZMQ_CLIENT, "SERVER"}, {ZMQ_GATHER, "SCATTER"}, {ZMQ_PEER, "PEER"}};
    void *context = zmq_ctx_new ();
    for (size_t at = 0; at < sizeof TYPES / sizeof *TYPES; at++) {
        void *socket = open_socket (context, TYPES[at].type);
        int fd = plain_connect (port_of (bind_to (socket, "tcp://127.0.0.1:*")));
        plain_handshake (fd, TYPES[at].peer, 1);
        plain_write (fd, TWO_AND_ONE, sizeof TWO_AND_ONE - 1);
        EXPECT_TEXT (socket, "c");
        close (fd);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (channel_delivers_the_last_part_of_several)
{
    void *context = zmq_ctx_new ();
    void *channel = open_socket (context, ZMQ_CHANNEL);
    int fd = plain_connect (port_of (bind_to (channel, "tcp://127.0.0.1:*")));
    plain_handshake (fd, "CHANNEL", 1);
    plain_write (fd, TWO_AND_ONE, sizeof TWO_AND_ONE - 1);
    EXPECT_TEXT (channel, "b");
    EXPECT_TEXT (channel, "c");
    close (fd);
    FINISH (context, channel);
}

TEST (radio_sends_the_group_and_the_body_to_those_that_joined)
{
    for (int minor = 0; minor <= 1; minor++) {
        void *context = zmq_ctx_new ();
        void *radio = open_socket (context, ZMQ_RADIO);
        int fd = plain_connect (port_of (bind_to (radio, "tcp://127.0.0.1:*")));
        plain_handshake (fd, "DISH", minor);
        /*  The empty group, which messages have that no group was given.  */
        plain_write (fd, "\x04\x05\x04JOIN", 7);
        struct pollfd ready = {fd, POLLIN, 0};
        for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up;) {
            send_text (radio, "body", 0);
            if (poll (&ready, 1, 10) == 1)
                break;
        }
        plain_expect (fd, "\x01\0\0\x04" "body", 8);
        close (fd);
        FINISH (context, radio);
    }
}

TEST (other_types_are_refused)
{
    static const struct { int type; const char *peer; } TYPES[] = {
      {ZMQ_SERVER, "SERVER"}, {ZMQ_CLIENT, "DEALER"}, {ZMQ_GATHER, "PUSH"},   {ZMQ_PEER, "SERVER"},
      {ZMQ_RADIO, "SUB"},     {ZMQ_DISH, "PUB"},      {ZMQ_SCATTER, "PULL"}, {ZMQ_CHANNEL, "PAIR"}};
    void *context = zmq_ctx_new ();
    for (size_t at = 0; at < sizeof TYPES / sizeof *TYPES; at++) {
        void *socket = open_socket (context, TYPES[at].type);
        int fd = plain_connect (port_of (bind_to (socket, "tcp://127.0.0.1:*")));
        plain_handshake (fd, TYPES[at].peer, 1);
        plain_expect_end (fd);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

#define OVER_THE_WIRE(NAME)                                                   \
    TEST (NAME##_tcp) { over_##NAME ("tcp"); }                                \
    TEST (NAME##_ipc)                                                         \
    {                                                                         \
        over_##NAME ("ipc");                                                  \
        scratch_remove ();                                                    \
    }

OVER_THE_WIRE (server_answers_each_client)
OVER_THE_WIRE (server_that_connects_answers_a_client_that_binds)
OVER_THE_WIRE (client_sends_to_its_servers_in_turn)
OVER_THE_WIRE (scatter_reaches_each_gather_in_turn)
OVER_THE_WIRE (gather_receives_from_each_scatter)
OVER_THE_WIRE (channel_talks_in_both_directions)
