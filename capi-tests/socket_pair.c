/*  PAIR: one peer, both directions, blocks when it cannot send.  */
#include "monitors.h"

TRANSPORT_TEST (messages_go_both_ways)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *client = open_socket (context, ZMQ_PAIR);
    join (server, client, transport);
    send_text (client, "up 1", 0);
    send_text (client, "up 2", 0);
    EXPECT_TEXT (server, "up 1");
    EXPECT_TEXT (server, "up 2");
    send_text (server, "down", 0);
    EXPECT_TEXT (client, "down");
    FINISH (context, server, client);
}

TRANSPORT_TEST (multipart_keeps_its_boundaries)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *client = open_socket (context, ZMQ_PAIR);
    join (server, client, transport);
    SEND_PARTS (client, "a", "", "c");
    SEND_PARTS (client, "");
    SEND_PARTS (client, "d", "e");
    EXPECT_PARTS (server, "a", "", "c");
    EXPECT_PARTS (server, "");
    EXPECT_PARTS (server, "d", "e");
    FINISH (context, server, client);
}

TRANSPORT_TEST (first_part_waits_for_the_last)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *client = open_socket (context, ZMQ_PAIR);
    join (server, client, transport);
    send_text (client, "first", ZMQ_SNDMORE);
    EXPECT_NOTHING (server);
    send_text (client, "last", 0);
    EXPECT_PARTS (server, "first", "last");
    FINISH (context, server, client);
}

TEST (no_peer_blocks_the_sender)
{
    void *context = zmq_ctx_new ();
    void *lonely = open_socket (context, ZMQ_PAIR);
    CHECK_ERRNO (zmq_send (lonely, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_recv (lonely, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK (!shows (lonely, ZMQ_POLLOUT));
    bind_to (lonely, "tcp://127.0.0.1:*");
    CHECK_ERRNO (zmq_send (lonely, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, lonely);
}

TRANSPORT_TEST (blocked_send_goes_on_when_the_peer_comes)
{
    expect_send_to_wait_for_a_peer (transport, ZMQ_PAIR, ZMQ_PAIR);
}

TRANSPORT_TEST (second_peer_is_refused)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *first = open_socket (context, ZMQ_PAIR);
    void *second = open_socket (context, ZMQ_PAIR);
    const char *endpoint = join (server, first, transport);
    send_text (first, "first", 0);
    EXPECT_TEXT (server, "first");
    CHECK_OK (zmq_connect (second, endpoint));
    (void) zmq_send (second, "second", 6, ZMQ_DONTWAIT);
    EXPECT_NOTHING (server);
    send_text (server, "still yours", 0);
    EXPECT_TEXT (first, "still yours");
    EXPECT_NOTHING (second);
    FINISH (context, server, first, second);
}

/*  A second peer is let in like any other, and then not served.  */
WIRE_TEST (second_peer_stays_connected)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *first = open_socket (context, ZMQ_PAIR);
    void *second = open_socket (context, ZMQ_PAIR);
    set_int (second, ZMQ_RECONNECT_IVL, 10);
    void *reader = watch (context, second, ZMQ_EVENT_ALL & ~ZMQ_EVENT_CONNECT_DELAYED);
    const char *endpoint = join (server, first, transport);
    send_text (first, "first", 0);
    EXPECT_TEXT (server, "first");
    CHECK_OK (zmq_connect (second, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CONNECTED, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    send_text (second, "second", 0);
    EXPECT_NO_EVENT (reader);
    CHECK (shows (second, ZMQ_POLLOUT));
    EXPECT_NOTHING (server);
    close_watched (second, reader);
    FINISH (context, server, first);
}

/*  A client at ENDPOINT that sent its name, which was received if it is served.  */
static void *client_at (void *context, const char *endpoint, const char *name)
{
    void *client = open_socket (context, ZMQ_PAIR);
    void *reader = watch (context, client, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    send_text (client, name, 0);
    CHECK_OK (zmq_socket_monitor (client, NULL, 0));
    expect_stop (reader);
    return client;
}

WIRE_TEST (second_peer_is_served_when_the_first_leaves)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_PAIR);
    const char *endpoint = bind_to (server, fresh (transport));
    void *clients[4];
    static const char *const names[] = {"first", "second", "third", "fourth"};
    for (int n = 0; n < 4; n++) {
        clients[n] = client_at (context, endpoint, names[n]);
        if (n == 0)
            EXPECT_TEXT (server, "first");
    }
    /*  A peer that leaves while it waits leaves no trace.  */
    CHECK_OK (zmq_close (clients[2]));
    for (int served = 0; served < 3;) {
        int next = served == 0 ? 1 : 3;
        EXPECT_NOTHING (server);
        CHECK_OK (zmq_close (clients[served]));
        EXPECT_TEXT (server, names[next]);
        send_text (server, "welcome", 0);
        EXPECT_TEXT (clients[next], "welcome");
        served = next;
    }
    FINISH (context, server, clients[3]);
}

WIRE_TEST (peers_that_left_are_read_in_their_order)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_PAIR);
    void *reader = watch (context, server, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    const char *endpoint = bind_to (server, fresh (transport));
    static const char *const names[] = {"first", "second", "third"};
    for (int n = 0; n < 3; n++) {
        void *client = client_at (context, endpoint, names[n]);
        wait_events (server, ZMQ_POLLOUT);
        set_int (client, ZMQ_LINGER, PATIENCE_MS);
        CHECK_OK (zmq_close (client));
        EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    }
    for (int n = 0; n < 3; n++)
        EXPECT_TEXT (server, names[n]);
    close_watched (server, reader);
    CHECK_OK (zmq_ctx_term (context));
}

TRANSPORT_TEST (another_peer_may_come_after_the_first_left)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *first = open_socket (context, ZMQ_PAIR);
    const char *endpoint = join (server, first, transport);
    send_text (first, "first", 0);
    EXPECT_TEXT (server, "first");
    CHECK_OK (zmq_close (first));
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (server, ZMQ_POLLOUT) && now_ms () < give_up)
        sleep_ms (5);
    CHECK (!shows (server, ZMQ_POLLOUT));
    /*  libzmq refuses new peers until the old pipe is wholly gone, and
     *  over inproc that takes calls of the server.  */
    for (int n = 0; n < 10; n++) {
        sleep_ms (5);
        CHECK (!shows (server, ZMQ_POLLOUT));
    }
    void *second = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (second, endpoint));
    send_text (second, "second", 0);
    EXPECT_TEXT (server, "second");
    send_text (server, "welcome", 0);
    EXPECT_TEXT (second, "welcome");
    FINISH (context, server, second);
}

TEST (inproc_mark_is_the_sum_of_both_sides)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *client = open_socket (context, ZMQ_PAIR);
    set_int (server, ZMQ_RCVHWM, 3);
    set_int (server, ZMQ_SNDHWM, 7);
    set_int (client, ZMQ_SNDHWM, 5);
    set_int (client, ZMQ_RCVHWM, 11);
    join (server, client, "inproc");
    CHECK_INT (fill (client, 100), 8);
    CHECK_INT (fill (server, 100), 18);
    CHECK (!shows (client, ZMQ_POLLOUT));
    CHECK_INT (drain (server), 8);
    CHECK_INT (drain (client), 18);
    wait_events (client, ZMQ_POLLOUT);
    FINISH (context, server, client);
}

TEST (inproc_mark_of_zero_on_either_side_is_no_mark)
{
    for (int side = 0; side < 2; side++) {
        void *context = zmq_ctx_new ();
        void *server = open_socket (context, ZMQ_PAIR);
        void *client = open_socket (context, ZMQ_PAIR);
        set_int (server, ZMQ_RCVHWM, side ? 0 : 2);
        set_int (client, ZMQ_SNDHWM, side ? 2 : 0);
        join (server, client, "inproc");
        CHECK_INT (fill (client, 10000), 10000);
        CHECK_INT (drain (server), 10000);
        FINISH (context, server, client);
    }
}

TEST (inproc_connect_first_counts_the_same_mark)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *client = open_socket (context, ZMQ_PAIR);
    set_int (server, ZMQ_RCVHWM, 3);
    set_int (client, ZMQ_SNDHWM, 5);
    CHECK_OK (zmq_connect (client, "inproc://later"));
    CHECK_INT (fill (client, 100), 5);
    CHECK_OK (zmq_bind (server, "inproc://later"));
    wait_events (client, ZMQ_POLLOUT);
    CHECK_INT (fill (client, 100), 3);
    CHECK_INT (drain (server), 8);
    FINISH (context, server, client);
}

TEST (incompatible_peer_gets_nothing)
{
    static const int others[] = {ZMQ_PUSH, ZMQ_DEALER, ZMQ_PUB, ZMQ_REQ};
    for (size_t n = 0; n < sizeof others / sizeof *others; n++) {
        void *context = zmq_ctx_new ();
        void *server = open_socket (context, ZMQ_PAIR);
        void *client = open_socket (context, others[n]);
        join (server, client, "tcp");
        (void) zmq_send (client, "x", 1, ZMQ_DONTWAIT);
        EXPECT_NOTHING (server);
        FINISH (context, server, client);
    }
}

TRANSPORT_TEST (connect_first_queues_until_the_mark)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR);
    void *client = open_socket (context, ZMQ_PAIR);
    const char *endpoint = absent (transport);
    set_int (client, ZMQ_SNDHWM, 4);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_INT (fill (client, 100), 4);
    CHECK_OK (zmq_bind (server, endpoint));
    wait_events (server, ZMQ_POLLIN);
    CHECK_INT (drain (server), 4);
    FINISH (context, server, client);
}
