/*  Ends of connections at which libzmq loses messages, and ours loses none.
 */
#include "../monitors.h"

/*  Ends take no longer than this, beyond what they have to wait.  */
#define LATE_MS 1000
#define MANY 20000

/*  The system's buffers are full of answers that nobody reads when the DEALER
 *  has sent its last request: a reset would take the last requests away.  */
WIRE_TEST (the_last_of_a_stream_arrives_though_nobody_reads_the_answers)
{
    void *context = zmq_ctx_new (), *others = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (others, ZMQ_DEALER);
    char id[256], body[100] = "";
    set_int (dealer, ZMQ_SNDHWM, 0);
    set_int (dealer, ZMQ_LINGER, -1);
    join (router, dealer, transport);
    for (int n = 0; n < MANY; n++)
        CHECK_INT (zmq_send (dealer, body, sizeof body, 0), sizeof body);
    CHECK_OK (zmq_close (dealer));
    for (int n = 0; n < MANY; n++) {
        int size = zmq_recv (router, id, sizeof id, 0);
        CHECK (size > 0);
        CHECK_INT (zmq_recv (router, body, sizeof body, 0), sizeof body);
        /*  Where the mark is reached, answers are dropped.  */
        CHECK_INT (zmq_send (router, id, size, ZMQ_SNDMORE), size);
        CHECK_INT (zmq_send (router, body, sizeof body, 0), sizeof body);
    }
    FINISH (context, router);
    CHECK_OK (zmq_ctx_term (others));
}

/*  Nobody answers its PINGs.  */
TEST (a_slow_receiver_with_heartbeats_gets_what_came_before_the_end)
{
    void *context = zmq_ctx_new (), *others = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (others, ZMQ_PUSH);
    set_int (pull, ZMQ_HEARTBEAT_IVL, 10);
    set_int (pull, ZMQ_RCVHWM, 10);
    set_int (push, ZMQ_LINGER, -1);
    join (pull, push, "tcp");
    for (int n = 0; n < 200; n++)
        send_text (push, "m", 0);
    FINISH (others, push);
    for (int n = 0; n < 200; n++) {
        EXPECT_TEXT (pull, "m");
        if (n % 10 == 0)
            sleep_ms (15);
    }
    FINISH (context, pull);
}

/*  A DEALER, and a plain socket as its peer.  */
static void *dealer_with_plain_peer (void *context, int *fd)
{
    int port, listener = plain_listen (&port);
    char endpoint[64], said[64];
    void *dealer = open_socket (context, ZMQ_DEALER);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    CHECK_OK (zmq_connect (dealer, endpoint));
    *fd = plain_accept (listener);
    plain_greet (*fd, "NULL");
    PLAIN_SAY (*fd, READY_DEALER);
    plain_read (*fd, said, 64);
    plain_read (*fd, said, 2);
    plain_read (*fd, said, said[1]);
    CHECK_OK (close (listener));
    PLAIN_SAY (*fd, "\0\5hello");
    EXPECT_TEXT (dealer, "hello");
    return dealer;
}

TEST (a_closed_socket_takes_what_comes_until_its_peer_ends)
{
    int fd;
    void *context = zmq_ctx_new (), *dealer = dealer_with_plain_peer (context, &fd);
    send_text (dealer, "last", 0);
    PLAIN_SAY (fd, "\0\6unread");
    CHECK_OK (zmq_close (dealer));
    char got[6], byte;
    plain_read (fd, got, sizeof got);
    CHECK (memcmp (got, "\0\4last", sizeof got) == 0);
    CHECK_INT (read (fd, &byte, 1), 0);
    /*  A reset would be an error of the second write at the latest.  */
    for (int n = 0; n < 10; n++) {
        PLAIN_SAY (fd, "\0\4late");
        sleep_ms (1);
    }
    /*  The context does not wait for the peer.  */
    int64_t start = now_ms ();
    CHECK_OK (zmq_ctx_term (context));
    CHECK (now_ms () - start < LATE_MS);
    CHECK_OK (close (fd));
}

static int open_descriptors (void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl (fd, F_GETFD) != -1;
    return count;
}

TEST (a_connection_that_both_sides_ended_is_gone)
{
    int fd, before = open_descriptors ();
    void *context = zmq_ctx_new (), *dealer = dealer_with_plain_peer (context, &fd);
    CHECK_OK (zmq_close (dealer));
    char byte;
    CHECK_INT (read (fd, &byte, 1), 0);
    int with_connection = open_descriptors ();
    CHECK (with_connection > before);
    CHECK_OK (close (fd));
    /*  This end's, and the library's.  */
    for (int64_t start = now_ms (); open_descriptors () > with_connection - 2; sleep_ms (1))
        CHECK (now_ms () - start < PATIENCE_MS);
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (open_descriptors (), before);
}
