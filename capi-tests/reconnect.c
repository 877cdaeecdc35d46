/*  When connecting sockets try again: ZMQ_RECONNECT_IVL, _IVL_MAX and _STOP,
 *  ZMQ_CONNECT_TIMEOUT; and what becomes of those that do not.
 */
#include "monitors.h"

/*  Draft, so not in every zmq.h; libzmq's library has it all the same.  */
#ifndef ZMQ_RECONNECT_STOP
#define ZMQ_RECONNECT_STOP 109
#define ZMQ_RECONNECT_STOP_CONN_REFUSED 1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 2
#endif

#define WATCHED (ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED                \
                 | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL               \
                 | ZMQ_EVENT_MONITOR_STOPPED)

static void finish_watched (void *context, void *socket, void *reader)
{
    CHECK_OK (zmq_close (socket));
    await_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

/*  The announced pauses begin with these, each longer by up to the interval.  */
static void expect_pauses (int interval, int longest, const int *pauses, int count)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent ("tcp");
    set_int (client, ZMQ_RECONNECT_IVL, interval);
    set_int (client, ZMQ_RECONNECT_IVL_MAX, longest);
    void *reader = watch (context, client, ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_MONITOR_STOPPED);
    int64_t start = now_ms ();
    CHECK_OK (zmq_connect (client, endpoint));
    for (int n = 0, waited = 0; n < count; n++) {
        int pause = EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        CHECK (now_ms () - start >= waited - 2);
        CHECK (pause >= pauses[n] && pause <= pauses[n] + interval);
        waited += pause;
    }
    finish_watched (context, client, reader);
}

TEST (pauses_are_the_interval_and_up_to_as_much_again)
{
    expect_pauses (20, 0, (int[]){20, 20, 20, 20}, 4);
}

TEST (pauses_double_up_to_the_longest)
{
    expect_pauses (20, 100, (int[]){20, 40, 80, 100, 100}, 5);
}

TEST (a_longest_pause_below_the_interval_is_ignored)
{
    expect_pauses (20, 10, (int[]){20, 20, 20}, 3);
}

WIRE_TEST (pauses_start_again_after_a_success)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent (transport);
    set_int (client, ZMQ_RECONNECT_IVL, 20);
    set_int (client, ZMQ_RECONNECT_IVL_MAX, 400);
    void *reader = watch (context, client, ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                                             | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (client, endpoint));
    for (int pause = 0; pause < 80;)
        pause = EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    CHECK_OK (zmq_bind (server, endpoint));
    await_event (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK_OK (zmq_close (server));
    int pause = EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    CHECK (pause >= 20 && pause <= 40);
    finish_watched (context, client, reader);
}

/*  Without another attempt to come nothing can be sent any more.  */
static void expect_end (void *client, void *reader)
{
    zmq_pollitem_t item = {client, 0, ZMQ_POLLOUT, 0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up && zmq_poll (&item, 1, 0);)
        (void) zmq_poll (NULL, 0, 5);
    CHECK_ERRNO (zmq_send (client, "m", 1, ZMQ_DONTWAIT), EAGAIN);
    EXPECT_NO_EVENT (reader);
}

static void goes_for_good (int interval, const char *transport)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, interval);
    void *reader = watch (context, client, WATCHED);
    const char *endpoint = absent (transport);
    CHECK_OK (zmq_bind (server, endpoint));
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    expect_end (client, reader);
    /*  A new connect to the same endpoint is a new beginning.  */
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    finish_watched (context, client, reader);
}

WIRE_TEST (a_peer_that_left_is_not_connected_to_again_with_minus_one) { goes_for_good (-1, transport); }

WIRE_TEST (a_peer_that_left_is_not_connected_to_again_with_zero) { goes_for_good (0, transport); }

TEST (a_peer_that_never_came_is_waited_for_with_minus_one)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent ("tcp");
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    void *reader = watch (context, client, WATCHED);
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    send_text (client, "m", ZMQ_DONTWAIT);
    EXPECT_NO_EVENT (reader);
    finish_watched (context, client, reader);
}

TEST (a_refusal_can_be_the_end)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent ("tcp");
    set_int (client, ZMQ_RECONNECT_STOP, ZMQ_RECONNECT_STOP_CONN_REFUSED);
    void *reader = watch (context, client, WATCHED);
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    expect_end (client, reader);
    /*  A new connect to the same endpoint is a new beginning.  */
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    finish_watched (context, client, reader);
}

TEST (a_handshake_that_fails_can_be_the_end)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    set_int (client, ZMQ_RECONNECT_STOP, ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED);
    set_int (client, ZMQ_HANDSHAKE_IVL, 50);
    void *reader = watch (context, client, WATCHED);
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    expect_end (client, reader);
    CHECK_OK (close (listener));
    finish_watched (context, client, reader);
}

TEST (a_connect_that_takes_too_long_is_given_up_and_tried_again)
{
    /*  Connections that nobody accepts fill the backlog; the next is not answered.  */
    int port, listener = plain_listen (&port), held[4];
    CHECK_OK (listen (listener, 0));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (port),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    for (int n = 0; n < 4; n++) {
        held[n] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void) connect (held[n], (struct sockaddr *) &address, sizeof address);
    }
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    char endpoint[60];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    set_int (client, ZMQ_CONNECT_TIMEOUT, 80);
    set_int (client, ZMQ_RECONNECT_IVL, 20);
    void *reader = watch (context, client, WATCHED);
    int64_t start = now_ms ();
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    CHECK (now_ms () - start >= 75);
    EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    finish_watched (context, client, reader);
    for (int n = 0; n < 4; n++)
        CHECK_OK (close (held[n]));
    CHECK_OK (close (listener));
}
