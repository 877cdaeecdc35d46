/*  Subscriptions reach a publisher that comes, or comes back, while the application of the
 *  subscriber does not call.  */
#include "peers.h"

static void *subscriber (void *context, int type)
{
    void *sub = open_socket (context, type);
    set_int (sub, ZMQ_RECONNECT_IVL, 10);
    return sub;
}

static void say (void *sub, int type, int subscribes, const char *topic)
{
    char text[20] = {subscribes};
    size_t size = strlen (topic);
    if (type == ZMQ_XSUB) {
        memcpy (text + 1, topic, size);
        CHECK_INT (zmq_send (sub, text, size + 1, 0), size + 1);
    } else
        CHECK_OK (zmq_setsockopt (sub, subscribes ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic, size));
}

static const int types[] = {ZMQ_SUB, ZMQ_XSUB};

/*  The publisher receives the present subscriptions, once, and nothing else.  */
static void expect_topics (void *xpub)
{
    EXPECT_BYTES (xpub, "\1a", 2, 0);
    EXPECT_BYTES (xpub, "\1bc", 3, 0);
    EXPECT_NOTHING (xpub);
}

static void choose_topics (void *sub, int type)
{
    say (sub, type, 1, "a");
    say (sub, type, 1, "gone");
    say (sub, type, 1, "bc");
    say (sub, type, 0, "gone");
}

WIRE_TEST (a_publisher_that_connects_receives_the_subscriptions_at_once)
{
    for (int n = 0; n < 2; n++) {
        void *context = zmq_ctx_new (), *sub = subscriber (context, types[n]);
        choose_topics (sub, types[n]);
        const char *endpoint = bind_to (sub, wildcard (transport));
        void *xpub = open_socket (context, ZMQ_XPUB), *late = open_socket (context, ZMQ_XPUB);
        set_int (xpub, ZMQ_XPUB_VERBOSE, 1);
        CHECK_OK (zmq_connect (xpub, endpoint));
        expect_topics (xpub);
        CHECK_OK (zmq_connect (late, endpoint));
        expect_topics (late);
        /*  Nothing that is sent from here on is lost.  */
        send_text (xpub, "a1", 0);
        EXPECT_TEXT (sub, "a1");
        send_text (late, "bcd", 0);
        EXPECT_TEXT (sub, "bcd");
        FINISH (context, sub, xpub, late);
    }
}

WIRE_TEST (a_restarted_publisher_receives_the_subscriptions_at_once)
{
    for (int n = 0; n < 2; n++) {
        void *context = zmq_ctx_new (), *sub = subscriber (context, types[n]);
        void *xpub = open_socket (context, ZMQ_XPUB);
        char path[100];
        snprintf (path, sizeof path, "ipc://%s/again", scratch_directory ());
        bool tcp = strcmp (transport, "tcp") == 0;
        const char *endpoint = bind_to (xpub, tcp ? wildcard (transport) : path);
        CHECK_OK (zmq_connect (sub, endpoint));
        choose_topics (sub, types[n]);
        EXPECT_BYTES (xpub, "\1a", 2, 0);
        for (int round = 0; round < 3; round++) {
            CHECK_OK (zmq_close (xpub));
            xpub = open_socket (context, ZMQ_XPUB);
            set_int (xpub, ZMQ_XPUB_VERBOSE, 1);
            int64_t give_up = now_ms () + PATIENCE_MS;
            while (zmq_bind (xpub, endpoint) != 0) {
                CHECK (zmq_errno () == EADDRINUSE && now_ms () < give_up);
                sleep_ms (1);
            }
            expect_topics (xpub);
        }
        send_text (xpub, "a1", 0);
        EXPECT_TEXT (sub, "a1");
        FINISH (context, sub, xpub);
        scratch_remove ();
    }
}

static volatile int stop;

static void *change_topics (void *sub)
{
    for (int n = 0; n < 20000 && !stop; n++) {
        say (sub, ZMQ_SUB, 1, "x");
        say (sub, ZMQ_SUB, 0, "x");
    }
    say (sub, ZMQ_SUB, 1, "last");
    return NULL;
}

/*  However an application changes its mind meanwhile, what it has at last is what counts.  */
WIRE_TEST (subscriptions_that_change_while_publishers_come_end_as_they_should)
{
    void *context = zmq_ctx_new (), *sub = subscriber (context, ZMQ_SUB);
    set_int (sub, ZMQ_SNDHWM, 0);
    const char *endpoint = bind_to (sub, wildcard (transport));
    void *publishers[20];
    pthread_t thread = start_thread (change_topics, sub);
    for (int n = 0; n < 20; n++) {
        publishers[n] = open_socket (context, ZMQ_XPUB);
        CHECK_OK (zmq_connect (publishers[n], endpoint));
        sleep_ms (1);
    }
    stop = 1;
    end_thread (thread);
    for (int n = 0; n < 20; n++) {
        int subscribed = 0;
        char text[10];
        for (int size = 0; size != 5;) {
            size = zmq_recv (publishers[n], text, sizeof text, 0);
            CHECK (size > 0);
            if (text[1] == 'x')
                subscribed = text[0];
        }
        CHECK_INT (subscribed, 0);
        send_text (publishers[n], "last", 0);
        EXPECT_TEXT (sub, "last");
    }
    CHECK_OK (zmq_close (sub));
    for (int n = 0; n < 20; n++)
        CHECK_OK (zmq_close (publishers[n]));
    CHECK_OK (zmq_ctx_term (context));
}
