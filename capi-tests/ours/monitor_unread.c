/*  Monitors that nobody reads, or not in time. libzmq blocks there: the
 *  caller of zmq_bind and the like, or the I/O thread and with it all
 *  connections. It also frees the name of a monitor only some time after it ended.
 */
#include "../monitors.h"

TEST (the_same_name_can_be_used_again_at_once)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    for (int n = 0; n < 20; n++) {
        void *reader = open_socket (context, ZMQ_PAIR);
        CHECK_OK (zmq_socket_monitor (socket, "inproc://again", ZMQ_EVENT_ALL));
        CHECK_OK (zmq_connect (reader, "inproc://again"));
        const char *endpoint = bind_to (socket, "tcp://127.0.0.1:*");
        EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
        CHECK_OK (zmq_socket_monitor (socket, NULL, 0));
        expect_stop (reader);
    }
    FINISH (context, socket);
}

/*  Binds and unbinds so often: two events each.  */
static void make_events (void *socket, int times)
{
    for (int n = 0; n < times; n++)
        CHECK_OK (zmq_unbind (socket, bind_to (socket, "tcp://127.0.0.1:*")));
}

TEST (early_events_wait_for_their_reader)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (socket, "inproc://late", ZMQ_EVENT_ALL));
    make_events (socket, 3);
    void *reader = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (reader, "inproc://late"));
    for (int n = 0; n < 3; n++) {
        await_event (reader, ZMQ_EVENT_LISTENING);
        await_event (reader, ZMQ_EVENT_CLOSED);
    }
    close_watched (socket, reader);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (without_a_reader_nothing_blocks)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (socket, "inproc://unread", ZMQ_EVENT_ALL));
    CHECK_OK (zmq_socket_monitor (client, "inproc://unread-client", ZMQ_EVENT_ALL));
    make_events (socket, 2000);
    join (socket, client, "tcp");
    send_text (client, "m", 0);
    EXPECT_TEXT (socket, "m");
    FINISH (context, socket, client);
}

TEST (a_reader_that_does_not_read_blocks_nothing_and_gets_the_last_event)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, socket, ZMQ_EVENT_ALL);
    make_events (socket, 2500);
    join (socket, client, "tcp");
    send_text (client, "m", 0);
    EXPECT_TEXT (socket, "m");
    CHECK_OK (zmq_close (socket));
    event_t event = {0};
    int events = 0;
    while (event.number != ZMQ_EVENT_MONITOR_STOPPED) {
        CHECK (next_event_within (reader, &event, PATIENCE_MS));
        events++;
    }
    /*  What its pipe and the monitor hold, and the last.  */
    CHECK (events >= 1000 && events <= 5001);
    FINISH (context, reader, client);
}

TEST (another_reader_may_follow_the_first)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (socket, "inproc://readers", ZMQ_EVENT_ALL));
    for (int n = 0; n < 3; n++) {
        void *reader = open_socket (context, ZMQ_PAIR);
        CHECK_OK (zmq_connect (reader, "inproc://readers"));
        make_events (socket, 1);
        await_event (reader, ZMQ_EVENT_CLOSED);
        CHECK_OK (zmq_close (reader));
    }
    FINISH (context, socket);
}

TEST (sockets_readers_and_contexts_end_in_any_order)
{
    for (int order = 0; order < 6; order++) {
        void *context = zmq_ctx_new ();
        void *socket = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
        void *reader = watch (context, socket, ZMQ_EVENT_ALL);
        void *all[] = {socket, client, reader};
        join (socket, client, "tcp");
        await_event (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        if (order >= 3)
            CHECK_OK (zmq_ctx_shutdown (context));
        for (int n = 0; n < 3; n++)
            CHECK_OK (zmq_close (all[(n + order) % 3]));
        CHECK_OK (zmq_ctx_term (context));
    }
}

static void *restart_monitor (void *socket)
{
    for (int n = 0; n < 300; n++)
        CHECK_OK (zmq_socket_monitor (socket, n % 2 ? NULL : "inproc://restarted", ZMQ_EVENT_ALL));
    return NULL;
}

TEST (starting_and_stopping_while_connections_come_and_go)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    const char *endpoint = bind_to (socket, "tcp://127.0.0.1:*");
    pthread_t thread = start_thread (restart_monitor, socket);
    for (int n = 0; n < 100; n++)
        CHECK_OK (close (plain_connect (port_of (endpoint))));
    end_thread (thread);
    FINISH (context, socket);
}
