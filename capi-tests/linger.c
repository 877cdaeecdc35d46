/*  What becomes of messages when connections, endpoints, sockets and contexts
 *  end: the linger times with peers that read, that do not, and that are away;
 *  unbind while peers are connected; disconnect with messages in flight.
 */
#include "peers.h"

/*  Ends take no longer than this, beyond what they have to wait.  */
#define LATE_MS 2000

/*  Messages that neither the peer's queue nor the system's buffers hold.  */
#define MANY 4000
#define SIZE 4096

static void send_many (void *socket, int count)
{
    static char body[SIZE];
    for (int n = 0; n < count; n++)
        CHECK_INT (zmq_send (socket, body, sizeof body, 0), SIZE);
}

static void receive_many (void *socket, int count)
{
    static char body[SIZE];
    for (int n = 0; n < count; n++)
        CHECK_INT (zmq_recv (socket, body, sizeof body, 0), SIZE);
}

/*  A PUSH with more to send than a PULL that does not read takes. Each has a
 *  context of its own.  */
typedef struct {
    void *source_context, *source, *sink_context, *sink;
} stream_t;

static stream_t jam (const char *transport, int linger)
{
    stream_t stream = {zmq_ctx_new (), NULL, zmq_ctx_new (), NULL};
    stream.source = open_socket (stream.source_context, ZMQ_PUSH);
    stream.sink = open_socket (stream.sink_context, ZMQ_PULL);
    set_int (stream.source, ZMQ_SNDHWM, 0);
    set_int (stream.sink, ZMQ_RCVHWM, 1);
    set_int (stream.source, ZMQ_LINGER, linger);
    join (stream.sink, stream.source, transport);
    send_many (stream.source, MANY);
    return stream;
}

WIRE_TEST (without_linger_a_peer_that_does_not_read_keeps_nobody)
{
    stream_t stream = jam (transport, 0);
    int64_t start = now_ms ();
    FINISH (stream.source_context, stream.source);
    CHECK (now_ms () - start < LATE_MS);
    FINISH (stream.sink_context, stream.sink);
}

WIRE_TEST (a_peer_that_does_not_read_is_waited_for_as_long_as_linger_says)
{
    stream_t stream = jam (transport, 150);
    int64_t start = now_ms ();
    FINISH (stream.source_context, stream.source);
    CHECK (now_ms () - start >= 140);
    CHECK (now_ms () - start < 150 + LATE_MS);
    FINISH (stream.sink_context, stream.sink);
}

static void *finish_source (void *stream)
{
    stream_t *own = stream;
    FINISH (own->source_context, own->source);
    return NULL;
}

WIRE_TEST (with_linger_for_ever_a_peer_gets_all_when_it_reads_at_last)
{
    stream_t stream = jam (transport, -1);
    pthread_t thread = start_thread (finish_source, &stream);
    CHECK_INT (zmq_poll (NULL, 0, SETTLE_MS), 0);
    receive_many (stream.sink, MANY);
    end_thread (thread);
    FINISH (stream.sink_context, stream.sink);
}

WIRE_TEST (a_long_linger_ends_with_the_last_message)
{
    stream_t stream = jam (transport, 60 * 1000);
    pthread_t thread = start_thread (finish_source, &stream);
    receive_many (stream.sink, MANY);
    int64_t start = now_ms ();
    end_thread (thread);
    CHECK (now_ms () - start < LATE_MS);
    FINISH (stream.sink_context, stream.sink);
}

TEST (inproc_messages_stay_with_a_peer_that_does_not_read)
{
    for (int linger = -1; linger <= 0; linger++) {
        void *context = zmq_ctx_new ();
        void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
        set_int (push, ZMQ_LINGER, linger);
        join (pull, push, "inproc");
        send_many (push, 500);
        CHECK_OK (zmq_close (push));
        receive_many (pull, 500);
        FINISH (context, pull);
    }
}

/*  A pair that has exchanged a message.  */
static const char *meet (void *context, void **server, void **client, const char *transport)
{
    *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    set_int (*server, ZMQ_LINGER, -1);
    set_int (*client, ZMQ_LINGER, -1);
    const char *endpoint = join (*server, *client, transport);
    send_text (*client, "hello", 0);
    EXPECT_TEXT (*server, "hello");
    return endpoint;
}

TRANSPORT_TEST (disconnect_sends_what_was_queued_and_drops_what_came)
{
    void *context = zmq_ctx_new (), *server, *client;
    const char *endpoint = meet (context, &server, &client, transport);
    send_many (server, 5);
    wait_events (client, ZMQ_POLLIN);
    send_many (client, 500);
    CHECK_OK (zmq_disconnect (client, endpoint));
    receive_many (server, 500);
    EXPECT_NOTHING (server);
    EXPECT_NOTHING (client);
    CHECK_ERRNO (zmq_send (client, "m", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_disconnect (client, endpoint), ENOENT);
    /*  A new connection starts afresh.  */
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "again", 0);
    EXPECT_TEXT (server, "again");
    FINISH (context, server, client);
}

WIRE_TEST (disconnect_before_there_is_a_connection_sends_it_all_the_same)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
    const char *endpoint = absent (transport);
    set_int (client, ZMQ_LINGER, -1);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (client, endpoint));
    send_many (client, 5);
    CHECK_OK (zmq_disconnect (client, endpoint));
    CHECK_OK (zmq_bind (server, endpoint));
    receive_many (server, 5);
    FINISH (context, server, client);
}

WIRE_TEST (unbind_keeps_what_came)
{
    void *context = zmq_ctx_new (), *server, *client;
    const char *endpoint = meet (context, &server, &client, transport);
    send_many (client, 5);
    wait_events (server, ZMQ_POLLIN);
    /*  All five, not only the first.  */
    CHECK_INT (zmq_poll (NULL, 0, 50), 0);
    CHECK_OK (zmq_unbind (server, endpoint));
    receive_many (server, 5);
    EXPECT_NOTHING (server);
    CHECK_ERRNO (zmq_send (server, "m", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_unbind (server, endpoint), ENOENT);
    set_int (client, ZMQ_LINGER, 0);
    FINISH (context, client, server);
}

WIRE_TEST (unbind_sends_what_was_queued)
{
    void *context = zmq_ctx_new (), *server, *client;
    const char *endpoint = meet (context, &server, &client, transport);
    send_many (server, 500);
    CHECK_OK (zmq_unbind (server, endpoint));
    receive_many (client, 500);
    EXPECT_NOTHING (client);
    FINISH (context, client, server);
}

TEST (unbind_of_an_inproc_name_leaves_its_connections)
{
    void *context = zmq_ctx_new (), *server, *client;
    const char *endpoint = meet (context, &server, &client, "inproc");
    CHECK_OK (zmq_unbind (server, endpoint));
    send_text (client, "still", 0);
    EXPECT_TEXT (server, "still");
    send_text (server, "here", 0);
    EXPECT_TEXT (client, "here");
    FINISH (context, client, server);
}

WIRE_TEST (unbind_of_one_endpoint_leaves_the_others)
{
    void *context = zmq_ctx_new (), *server, *client;
    const char *first = meet (context, &server, &client, transport);
    void *other = open_socket (context, ZMQ_DEALER);
    join (server, other, transport);
    send_text (other, "hello", 0);
    EXPECT_TEXT (server, "hello");
    CHECK_OK (zmq_unbind (server, first));
    for (int n = 0; n < 5; n++) {
        send_text (other, "ping", 0);
        EXPECT_TEXT (server, "ping");
        send_text (server, "pong", 0);
        EXPECT_TEXT (other, "pong");
    }
    set_int (client, ZMQ_LINGER, 0);
    FINISH (context, client, other, server);
}
