/*  Subscriptions are never lost, however many and however fast.  libzmq
 *  drops those past its high-water mark: of 20,000 some 1,000 survive.  */
#include "peers.h"

enum { TOPICS = 20000 };

static void set_topics (void *sub, int option)
{
    char topic[16];
    for (int n = 0; n < TOPICS; n++)
        CHECK_OK (zmq_setsockopt (sub, option, topic, (size_t) snprintf (topic, sizeof topic, "topic-%d", n)));
}

/*  All of them arrive, each once.  A subscriber sends them to a new publisher while the
 *  application calls it, as it does by waiting for messages.  */
static void expect_topics (void *xpub, void *sub, int action)
{
    static bool seen[TOPICS];
    memset (seen, 0, sizeof seen);
    for (int n = 0; n < TOPICS; n++) {
        char received[32] = "";
        int topic = -1;
        zmq_pollitem_t items[] = {{xpub, 0, ZMQ_POLLIN, 0}, {sub, 0, ZMQ_POLLIN, 0}};
        CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 1);
        CHECK (zmq_recv (xpub, received, sizeof received - 1, 0) > 0);
        CHECK_INT (received[0], action);
        CHECK_INT (sscanf (received + 1, "topic-%d", &topic), 1);
        CHECK (topic >= 0 && topic < TOPICS && !seen[topic]);
        seen[topic] = true;
    }
    EXPECT_NOTHING (xpub);
}

static void expect_delivery (void *xpub, void *sub)
{
    for (int n = 0; n < TOPICS; n += 997) {
        char topic[16];
        snprintf (topic, sizeof topic, "topic-%d", n);
        send_text (xpub, topic, 0);
        EXPECT_TEXT (sub, topic);
    }
    send_text (xpub, "other", 0);
    EXPECT_NOTHING (sub);
}

WIRE_TEST (all_arrive_again_after_each_restart_of_the_publisher)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB);
    const char *endpoint = absent (transport);
    set_int (sub, ZMQ_RECONNECT_IVL, 5);
    CHECK_OK (zmq_connect (sub, endpoint));
    set_topics (sub, ZMQ_SUBSCRIBE);
    for (int restart = 0; restart < 4; restart++) {
        void *xpub = open_socket (context, ZMQ_XPUB);
        CHECK_OK (zmq_bind (xpub, endpoint));
        expect_topics (xpub, sub, 1);
        expect_delivery (xpub, sub);
        CHECK_OK (zmq_close (xpub));
    }
    FINISH (context, sub);
}

TRANSPORT_TEST (all_arrive_while_connected_and_are_taken_back)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB), *xpub = open_socket (context, ZMQ_XPUB);
    /*  However small the marks.  */
    set_int (sub, ZMQ_SNDHWM, 1);
    set_int (sub, ZMQ_RCVHWM, 1);
    set_int (xpub, ZMQ_SNDHWM, 1);
    set_int (xpub, ZMQ_RCVHWM, 1);
    join (xpub, sub, transport);
    set_topics (sub, ZMQ_SUBSCRIBE);
    expect_topics (xpub, sub, 1);
    set_topics (sub, ZMQ_UNSUBSCRIBE);
    expect_topics (xpub, sub, 0);
    FINISH (context, sub, xpub);
}

/*  A publisher that nobody reads of: it takes them in when it publishes.  */
WIRE_TEST (a_pub_receives_every_subscription)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB), *pub = open_socket (context, ZMQ_PUB);
    const char *endpoint = absent (transport);
    CHECK_OK (zmq_connect (sub, endpoint));
    set_topics (sub, ZMQ_SUBSCRIBE);
    CHECK_OK (zmq_bind (pub, endpoint));
    char last[16];
    snprintf (last, sizeof last, "topic-%d", TOPICS - 1);
    await_subscription (pub, sub, last);
    await_subscription (pub, sub, "topic-0");
    drain (sub);
    expect_delivery (pub, sub);
    FINISH (context, sub, pub);
}

/*  Through a chain of XPUB and XSUB, as in a proxy.  */
WIRE_TEST (xsub_passes_all_on_again)
{
    void *context = zmq_ctx_new ();
    void *xsub = open_socket (context, ZMQ_XSUB);
    const char *endpoint = absent (transport);
    set_int (xsub, ZMQ_RECONNECT_IVL, 5);
    CHECK_OK (zmq_connect (xsub, endpoint));
    char topic[16];
    for (int n = 0; n < TOPICS; n++) {
        int size = snprintf (topic, sizeof topic, "\1topic-%d", n);
        CHECK_INT (zmq_send (xsub, topic, (size_t) size, 0), size);
    }
    for (int restart = 0; restart < 2; restart++) {
        void *xpub = open_socket (context, ZMQ_XPUB);
        CHECK_OK (zmq_bind (xpub, endpoint));
        expect_topics (xpub, xsub, 1);
        expect_delivery (xpub, xsub);
        CHECK_OK (zmq_close (xpub));
    }
    FINISH (context, xsub);
}

/*  The connection breaks while they are on their way.  */
TEST (a_connection_that_breaks_in_the_middle)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB);
    set_int (sub, ZMQ_RECONNECT_IVL, 5);
    char endpoint[64];
    int port, listener = plain_listen (&port);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    CHECK_OK (zmq_connect (sub, endpoint));
    set_topics (sub, ZMQ_SUBSCRIBE);
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";
    static const char ready[] = "\4\x1a\5READY\013Socket-Type\0\0\0\4XPUB";
    for (int round = 0; round < 3; round++) {
        static char some[30000];
        int fd = plain_accept (listener);
        plain_write (fd, greeting, sizeof greeting);
        plain_write (fd, ready, sizeof ready - 1);
        size_t have = 0;
        for (int64_t give_up = now_ms () + PATIENCE_MS; have < sizeof some; ) {
            (void) get_int (sub, ZMQ_EVENTS);
            ssize_t got = recv (fd, some, sizeof some, MSG_DONTWAIT);
            have += got > 0 ? (size_t) got : 0;
            CHECK (now_ms () < give_up);
        }
        CHECK_OK (close (fd));
    }
    CHECK_OK (close (listener));
    void *xpub = open_socket (context, ZMQ_XPUB);
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (zmq_bind (xpub, endpoint) != 0)
        CHECK (now_ms () < give_up);
    expect_topics (xpub, sub, 1);
    FINISH (context, sub, xpub);
}
