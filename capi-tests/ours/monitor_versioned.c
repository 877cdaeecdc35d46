/*  zmq_socket_monitor_versioned and zmq_socket_monitor_pipes_stats.  libzmq 4.3.5 built with drafts passes
 *  all but the tests whose comments say so.  */
#define ZMQ_BUILD_DRAFT_API
#include "../harness.h"

#define EVERY UINT64_MAX

/*  A reader of the monitor of SOCKET, of TYPE, that monitors write to.  */
static void *watch (void *context, void *socket, uint64_t events, int version, int type)
{
    static int number;
    char endpoint[40];
    int reader = type == ZMQ_PAIR ? ZMQ_PAIR : type == ZMQ_PUB ? ZMQ_SUB : ZMQ_PULL;
    void *watching = open_socket (context, reader);
    snprintf (endpoint, sizeof endpoint, "inproc://monitor-%d", number++);
    CHECK_OK (zmq_socket_monitor_versioned (socket, endpoint, events, version, type));
    if (reader == ZMQ_SUB)
        CHECK_OK (zmq_setsockopt (watching, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_connect (watching, endpoint));
    return watching;
}

struct event {
    uint64_t number, count, values[4];
    char local[300], remote[300];
};

static uint64_t receive_number (void *watching)
{
    uint64_t number = 0;
    CHECK_INT (zmq_recv (watching, &number, sizeof number, 0), sizeof number);
    CHECK_INT (get_int (watching, ZMQ_RCVMORE), 1);
    return number;
}

/*  The next event of version 2.  */
static struct event next (void *watching)
{
    struct event event = {0};
    event.number = receive_number (watching);
    event.count = receive_number (watching);
    CHECK (event.count <= 4);
    for (uint64_t i = 0; i < event.count; i++)
        event.values[i] = receive_number (watching);
    CHECK (zmq_recv (watching, event.local, sizeof event.local - 1, 0) >= 0);
    CHECK_INT (get_int (watching, ZMQ_RCVMORE), 1);
    CHECK (zmq_recv (watching, event.remote, sizeof event.remote - 1, 0) >= 0);
    CHECK_INT (get_int (watching, ZMQ_RCVMORE), 0);
    return event;
}

#define EXPECT_EVENT(EVENT, NUMBER, LOCAL, REMOTE)                            \
    do {                                                                      \
        CHECK_INT ((EVENT).number, NUMBER);                                   \
        CHECK_INT ((EVENT).count, 1);                                         \
        CHECK_STRING ((EVENT).local, LOCAL);                                  \
        CHECK_STRING ((EVENT).remote, REMOTE);                                \
    } while (0)

TEST (events_of_version_2_have_the_endpoints_of_both_sides)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PULL), *two = open_socket (context, ZMQ_PUSH);
    void *at_one = watch (context, one, EVERY, 2, ZMQ_PAIR);
    void *at_two = watch (context, two, EVERY, ZMQ_CURRENT_EVENT_VERSION_DRAFT, ZMQ_PAIR);
    const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
    struct event event = next (at_one);
    EXPECT_EVENT (event, ZMQ_EVENT_LISTENING, endpoint, "");
    CHECK_OK (zmq_connect (two, endpoint));
    event = next (at_two);
    EXPECT_EVENT (event, ZMQ_EVENT_CONNECT_DELAYED, "", endpoint);
    CHECK_INT (event.values[0], EINPROGRESS);
    event = next (at_two);
    char own[300];
    strcpy (own, event.local);
    CHECK (strncmp (own, "tcp://127.0.0.1:", 16) == 0 && strcmp (own, endpoint) != 0);
    EXPECT_EVENT (event, ZMQ_EVENT_CONNECTED, own, endpoint);
    CHECK (event.values[0] > 2);
    event = next (at_two);
    EXPECT_EVENT (event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, own, endpoint);
    event = next (at_one);
    EXPECT_EVENT (event, ZMQ_EVENT_ACCEPTED, endpoint, own);
    event = next (at_one);
    EXPECT_EVENT (event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint, own);
    CHECK_OK (zmq_close (two));
    event = next (at_one);
    EXPECT_EVENT (event, ZMQ_EVENT_DISCONNECTED, endpoint, own);
    CHECK_OK (zmq_socket_monitor_versioned (one, NULL, 0, 2, ZMQ_PAIR));
    event = next (at_one);
    EXPECT_EVENT (event, ZMQ_EVENT_MONITOR_STOPPED, "", "");
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (at_one));
    CHECK_OK (zmq_close (at_two));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (events_of_version_1_are_those_of_the_stable_monitor)
{
    void *context = zmq_ctx_new (), *one = open_socket (context, ZMQ_PULL);
    void *watching = watch (context, one, ZMQ_EVENT_ALL_V1, ZMQ_CURRENT_EVENT_VERSION, ZMQ_PAIR);
    const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
    unsigned char head[7];
    uint16_t number;
    CHECK_INT (zmq_recv (watching, head, sizeof head, 0), 6);
    memcpy (&number, head, sizeof number);
    CHECK_INT (number, ZMQ_EVENT_LISTENING);
    EXPECT_TEXT (watching, endpoint);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (watching));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (monitors_can_be_pub_and_push)
{
    static const int types[] = {ZMQ_PUB, ZMQ_PUSH};
    for (int i = 0; i < 2; i++) {
        void *context = zmq_ctx_new (), *one = open_socket (context, ZMQ_PULL);
        void *watching = watch (context, one, ZMQ_EVENT_ALL_V2, 2, types[i]);
        const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
        struct event event = next (watching);
        EXPECT_EVENT (event, ZMQ_EVENT_LISTENING, endpoint, "");
        CHECK_OK (zmq_socket_monitor_versioned (one, NULL, 0, 2, types[i]));
        event = next (watching);
        EXPECT_EVENT (event, ZMQ_EVENT_MONITOR_STOPPED, "", "");
        CHECK_OK (zmq_close (one));
        CHECK_OK (zmq_close (watching));
        CHECK_OK (zmq_ctx_term (context));
    }
}

TEST (arguments_of_versioned_monitors_are_checked)
{
    void *context = zmq_ctx_new (), *one = open_socket (context, ZMQ_PULL);
    static const int types[] = {ZMQ_SUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL, ZMQ_XPUB,
                                ZMQ_XSUB, ZMQ_STREAM};
    CHECK_ERRNO (zmq_socket_monitor_versioned (NULL, "inproc://a", 1, 2, ZMQ_PAIR), ENOTSOCK);
    CHECK_ERRNO (zmq_socket_monitor_versioned (one, "tcp://127.0.0.1:*", 1, 2, ZMQ_PAIR), EPROTONOSUPPORT);
    CHECK_ERRNO (zmq_socket_monitor_versioned (one, "inproc://a", 0x10000, 1, ZMQ_PAIR), EINVAL);
    for (int i = 0; i < 9; i++)
        CHECK_ERRNO (zmq_socket_monitor_versioned (one, "inproc://a", 1, 2, types[i]), EINVAL);
    CHECK_OK (zmq_socket_monitor_versioned (one, "inproc://a", 0x10000, 2, ZMQ_PAIR));
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_ctx_term (context));
}

/*  libzmq takes them, and never sends anything.  */
TEST (other_versions_than_1_and_2_are_refused)
{
    void *context = zmq_ctx_new (), *one = open_socket (context, ZMQ_PULL);
    static const int versions[] = {-1, 0, 3, 99};
    for (int i = 0; i < 4; i++)
        CHECK_ERRNO (zmq_socket_monitor_versioned (one, "inproc://a", 1, versions[i], ZMQ_PAIR), EINVAL);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (pipes_stats_need_a_monitor_of_version_2)
{
    void *context = zmq_ctx_new (), *one = open_socket (context, ZMQ_PULL);
    CHECK_ERRNO (zmq_socket_monitor_pipes_stats (NULL), ENOTSOCK);
    CHECK_ERRNO (zmq_socket_monitor_pipes_stats (one), EINVAL);
    CHECK_OK (zmq_socket_monitor (one, "inproc://a", ZMQ_EVENT_ALL));
    CHECK_ERRNO (zmq_socket_monitor_pipes_stats (one), EINVAL);
    CHECK_OK (zmq_socket_monitor_versioned (one, "inproc://b", ZMQ_EVENT_ALL_V2, 2, ZMQ_PAIR));
    CHECK_ERRNO (zmq_socket_monitor_pipes_stats (one), EAGAIN);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_ctx_term (context));
}

/*  libzmq sends the event when the socket is used next.  */
TEST (pipes_stats_tell_what_waits_for_and_from_each_peer)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_DEALER), *two = open_socket (context, ZMQ_DEALER);
    void *watching = watch (context, one, ZMQ_EVENT_PIPES_STATS, 2, ZMQ_PAIR);
    CHECK_OK (zmq_connect (one, bind_to (two, "inproc://pipes")));
    for (int i = 0; i < 3; i++)
        send_text (one, "m", 0);
    for (int i = 0; i < 5; i++)
        send_text (two, "m", 0);
    CHECK_OK (zmq_socket_monitor_pipes_stats (one));
    get_int (one, ZMQ_EVENTS);
    struct event event = next (watching);
    CHECK_INT (event.number, ZMQ_EVENT_PIPES_STATS);
    CHECK_INT (event.count, 2);
    CHECK_INT (event.values[0], 3);
    CHECK_INT (event.values[1], 5);
    CHECK_STRING (event.local, "");
    CHECK_STRING (event.remote, "inproc://pipes");
    for (int i = 0; i < 4; i++)
        EXPECT_TEXT (one, "m");
    CHECK_OK (zmq_socket_monitor_pipes_stats (one));
    event = next (watching);
    CHECK_INT (event.values[1], 1);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_close (watching));
    CHECK_OK (zmq_ctx_term (context));
}
