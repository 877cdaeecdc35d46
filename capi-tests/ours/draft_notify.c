/*  Options of libzmq 4.3.5's drafts: messages at the beginning and end of a connection, news of peers, and
 *  topics.  */
#include "../thread_safe.h"

static void set_text (void *socket, int option, const char *text)
{
    CHECK_OK (zmq_setsockopt (socket, option, text, strlen (text)));
}

/*  A bound socket that comes back at the same endpoint.  */
static void *bind_again (void *context, int type, const char *endpoint)
{
    void *socket = open_socket (context, type);
    for (int64_t give_up = now_ms () + PATIENCE_MS; zmq_bind (socket, endpoint) != 0;)
        CHECK (now_ms () < give_up);
    return socket;
}

TRANSPORT_TEST (a_hello_is_the_first_message_of_a_peer)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    set_text (server, ZMQ_HELLO_MSG, "from the server");
    set_text (client, ZMQ_HELLO_MSG, "from the client");
    join (server, client, transport);
    send_text (client, "then", 0);
    EXPECT_TEXT (server, "from the client");
    EXPECT_TEXT (server, "then");
    EXPECT_TEXT (client, "from the server");
    FINISH (context, server, client);
}

TEST (a_hello_is_sent_again_after_a_reconnect)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    set_text (dealer, ZMQ_HELLO_MSG, "hello");
    set_routing_id (dealer, "D");
    set_int (dealer, ZMQ_RECONNECT_IVL, 5);
    const char *endpoint = join (router, dealer, "tcp");
    EXPECT_PARTS (router, "D", "hello");
    CHECK_OK (zmq_close (router));
    router = bind_again (context, ZMQ_ROUTER, endpoint);
    EXPECT_PARTS (router, "D", "hello");
    FINISH (context, router, dealer);
}

TEST (a_disconnect_message_tells_who_accepted_that_a_peer_left)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    set_text (router, ZMQ_DISCONNECT_MSG, "gone");
    set_text (dealer, ZMQ_DISCONNECT_MSG, "not told");
    set_routing_id (dealer, "D");
    join (router, dealer, "tcp");
    send_text (dealer, "last words", 0);
    EXPECT_PARTS (router, "D", "last words");
    CHECK_OK (zmq_close (dealer));
    EXPECT_PARTS (router, "D", "gone");
    EXPECT_NOTHING (router);
    FINISH (context, router);
}

TEST (a_hiccup_message_tells_who_connected_that_the_connection_broke)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    set_text (client, ZMQ_HICCUP_MSG, "hiccup");
    set_int (client, ZMQ_RECONNECT_IVL, 5);
    const char *endpoint = join (server, client, "tcp");
    send_text (client, "there", 0);
    send_back (server);
    EXPECT_TEXT (client, "there");
    CHECK_OK (zmq_close (server));
    EXPECT_TEXT (client, "hiccup");
    server = bind_again (context, ZMQ_SERVER, endpoint);
    send_text (client, "again", 0);
    EXPECT_TEXT (server, "again");
    FINISH (context, server, client);
}

TEST (a_router_is_notified_of_peers_that_come_and_go)
{
    for (int events = 0; events <= 3; events++) {
        void *context = zmq_ctx_new ();
        void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
        set_int (router, ZMQ_ROUTER_NOTIFY, events);
        CHECK_INT (get_int (router, ZMQ_ROUTER_NOTIFY), events);
        set_routing_id (dealer, "D");
        join (router, dealer, "tcp");
        send_text (dealer, "hello", 0);
        if (events & ZMQ_NOTIFY_CONNECT)
            EXPECT_PARTS (router, "D", "");
        EXPECT_PARTS (router, "D", "hello");
        CHECK_OK (zmq_close (dealer));
        if (events & ZMQ_NOTIFY_DISCONNECT)
            EXPECT_PARTS (router, "D", "");
        EXPECT_NOTHING (router);
        FINISH (context, router);
    }
}

TEST (a_router_is_not_notified_over_inproc)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT);
    join (router, dealer, "inproc");
    CHECK_OK (zmq_close (dealer));
    EXPECT_NOTHING (router);
    FINISH (context, router);
}

TEST (router_notify_takes_the_two_flags_on_a_router)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    int value = 4;
    CHECK_ERRNO (zmq_setsockopt (router, ZMQ_ROUTER_NOTIFY, &value, sizeof value), EINVAL);
    value = -1;
    CHECK_ERRNO (zmq_setsockopt (router, ZMQ_ROUTER_NOTIFY, &value, sizeof value), EINVAL);
    value = 1;
    CHECK_ERRNO (zmq_setsockopt (dealer, ZMQ_ROUTER_NOTIFY, &value, sizeof value), EINVAL);
    FINISH (context, router, dealer);
}

TEST (topics_are_counted)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *sub = open_socket (context, ZMQ_SUB);
    void *push = open_socket (context, ZMQ_PUSH);
    int count;
    size_t size = sizeof count;
    CHECK_INT (get_int (sub, ZMQ_TOPICS_COUNT), 0);
    subscribe (sub, "a");
    subscribe (sub, "a");
    subscribe (sub, "a");
    CHECK_INT (get_int (sub, ZMQ_TOPICS_COUNT), 3);
    join (xpub, sub, "tcp");
    EXPECT_TEXT (xpub, "\1a");
    CHECK_INT (get_int (xpub, ZMQ_TOPICS_COUNT), 1);
    unsubscribe (sub, "a");
    CHECK_INT (get_int (sub, ZMQ_TOPICS_COUNT), 2);
    CHECK_ERRNO (zmq_getsockopt (push, ZMQ_TOPICS_COUNT, &count, &size), EINVAL);
    FINISH (context, xpub, sub, push);
}

TEST (a_verbose_xsub_passes_each_cancellation_on)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *xsub = open_socket (context, ZMQ_XSUB);
    set_int (xpub, ZMQ_XPUB_VERBOSER, 1);
    set_int (xsub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, 1);
    join (xpub, xsub, "tcp");
    CHECK_INT (zmq_send (xsub, "\1a", 2, 0), 2);
    CHECK_INT (zmq_send (xsub, "\1a", 2, 0), 2);
    CHECK_INT (zmq_send (xsub, "\0a", 2, 0), 2);
    CHECK_INT (zmq_send (xsub, "\0a", 2, 0), 2);
    EXPECT_BYTES (xpub, "\1a", 2, 0);
    EXPECT_BYTES (xpub, "\1a", 2, 0);
    EXPECT_BYTES (xpub, "\0a", 2, 0);
    EXPECT_BYTES (xpub, "\0a", 2, 0);
    FINISH (context, xpub, xsub);
}
