/*  Waiting: DONTWAIT, SNDTIMEO, RCVTIMEO, and sockets that change threads.  */
#include "peers.h"

/*  Scheduling on a busy machine may add this much, in milliseconds.  */
#define LATE_MS 400

#define TAKES(MS, CALL, ERRNO)                                                \
    do {                                                                      \
        int64_t started = now_ms ();                                          \
        CHECK_ERRNO (CALL, ERRNO);                                            \
        int64_t took = now_ms () - started;                                   \
        CHECK (took >= (MS) -1);                                              \
        CHECK (took < (MS) + LATE_MS);                                        \
    } while (0)

TEST (dontwait)
{
    void *context = zmq_ctx_new ();
    void *pair = open_socket (context, ZMQ_PAIR);
    char byte;
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    TAKES (0, zmq_recv (pair, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    TAKES (0, zmq_msg_recv (&message, pair, ZMQ_DONTWAIT), EAGAIN);
    TAKES (0, zmq_send (pair, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    TAKES (0, zmq_send (pair, "x", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), EAGAIN);
    TAKES (0, zmq_msg_send (&message, pair, ZMQ_DONTWAIT), EAGAIN);
    /*  The old name.  */
    TAKES (0, zmq_recv (pair, &byte, 1, ZMQ_NOBLOCK), EAGAIN);
    CHECK_OK (zmq_msg_close (&message));
    FINISH (context, pair);
}

TEST (time_limits)
{
    static const int limits[] = {0, 1, 30, 150};
    void *context = zmq_ctx_new ();
    void *pair = open_socket (context, ZMQ_PAIR);
    void *bound = open_socket (context, ZMQ_PAIR);
    bind_to (bound, "tcp://127.0.0.1:*");
    char byte;
    for (int n = 0; n < 4; n++) {
        set_int (pair, ZMQ_RCVTIMEO, limits[n]);
        set_int (pair, ZMQ_SNDTIMEO, limits[n]);
        set_int (bound, ZMQ_RCVTIMEO, limits[n]);
        TAKES (limits[n], zmq_recv (pair, &byte, 1, 0), EAGAIN);
        TAKES (limits[n], zmq_send (pair, "x", 1, 0), EAGAIN);
        TAKES (limits[n], zmq_recv (bound, &byte, 1, 0), EAGAIN);
        /*  DONTWAIT goes before the limit.  */
        TAKES (0, zmq_recv (pair, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
        TAKES (0, zmq_send (pair, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    }
    FINISH (context, pair, bound);
}

TEST (limit_of_a_full_pipe)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 1);
    CHECK_INT (fill (push, 10), 2);
    set_int (push, ZMQ_SNDTIMEO, 40);
    TAKES (40, zmq_send (push, "x", 1, 0), EAGAIN);
    CHECK_INT (drain (pull), 2);
    FINISH (context, push, pull);
}

/*  Other sockets' and peers' traffic does not prolong a wait.  */
TEST (limit_is_not_prolonged_by_what_does_not_match)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_PUB);
    void *sub = open_socket (context, ZMQ_SUB);
    join (pub, sub, "tcp");
    subscribe (sub, "wanted");
    await_subscription (pub, sub, "wanted");
    set_int (sub, ZMQ_RCVTIMEO, 60);
    for (int n = 0; n < 100; n++)
        send_text (pub, "other", 0);
    TAKES (60, zmq_recv (sub, NULL, 0, 0), EAGAIN);
    FINISH (context, pub, sub);
}

static void *receive_later (void *socket)
{
    sleep_ms (LATER_MS);
    EXPECT_TEXT (socket, "m");
    return NULL;
}

TRANSPORT_TEST (receive_waits_for_a_message)
{
    static const int limits[] = {-1, PATIENCE_MS};
    for (int n = 0; n < 2; n++) {
        void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
        set_int (pull, ZMQ_RCVTIMEO, limits[n]);
        int64_t start = now_ms ();
        pthread_t sender = start_thread (send_later, push);
        EXPECT_TEXT (pull, "later");
        CHECK (now_ms () - start >= LATER_MS - 1);
        CHECK (now_ms () - start < LATER_MS + LATE_MS);
        end_thread (sender);
        FINISH (context, push, pull);
    }
}

TEST (send_waits_for_room)
{
    static const int limits[] = {-1, PATIENCE_MS};
    for (int n = 0; n < 2; n++) {
        void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 1);
        CHECK_INT (fill (push, 10), 2);
        set_int (push, ZMQ_SNDTIMEO, limits[n]);
        pthread_t receiver = start_thread (receive_later, pull);
        send_text (push, "last", 0);
        end_thread (receiver);
        EXPECT_TEXT (pull, "m");
        EXPECT_TEXT (pull, "last");
        FINISH (context, push, pull);
    }
}

WIRE_TEST (send_waits_for_a_peer)
{
    expect_send_to_wait_for_a_peer (transport, ZMQ_PUSH, ZMQ_PULL);
}

/*  A reader that is slow over a connection: the sender blocks, sooner or
 *  later, and goes on.  */
WIRE_TEST (slow_reader_blocks_the_sender)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 5);
    static char block[100000];
    int sent = 0;
    set_int (push, ZMQ_SNDTIMEO, 100);
    while (sent < 2000 && zmq_send (push, block, sizeof block, 0) == sizeof block)
        sent++;
    CHECK_INT (zmq_errno (), EAGAIN);
    CHECK (sent >= 10 && sent < 2000);
    for (int n = 0; n < sent; n++)
        CHECK_INT (zmq_recv (pull, block, sizeof block, 0), sizeof block);
    EXPECT_NOTHING (pull);
    send_text (push, "again", 0);
    EXPECT_TEXT (pull, "again");
    FINISH (context, push, pull);
}

/*  Large messages to a peer that takes none: each is queued, none waits for the peer.  Sockets of
 *  two contexts, so that the sender's threads have nothing else to do.  */
WIRE_TEST (reader_that_stops_holds_up_no_send)
{
    void *context = zmq_ctx_new (), *elsewhere = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (elsewhere, ZMQ_PULL);
    set_int (pull, ZMQ_RCVHWM, 1);
    join (pull, push, transport);
    static char block[1000000];
    int64_t start = now_ms ();
    for (int n = 0; n < 60; n++) {
        memcpy (block, &n, sizeof n);
        CHECK_INT (zmq_send (push, block, sizeof block, 0), sizeof block);
    }
    CHECK (now_ms () - start < PATIENCE_MS / 2);
    for (int n = 0; n < 60; n++) {
        CHECK_INT (zmq_recv (pull, block, sizeof block, 0), sizeof block);
        CHECK (memcmp (block, &n, sizeof n) == 0);
    }
    /*  And when it reads again they go out as before, with or without a caller that waits.  */
    for (int n = 0; n < 60; n++)
        CHECK_INT (zmq_send (push, block, sizeof block, 0), sizeof block);
    for (int n = 0; n < 60; n++)
        CHECK_INT (zmq_recv (pull, block, sizeof block, 0), sizeof block);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (elsewhere));
    FINISH (context, push);
}

typedef struct {
    void *rep, *req;
    int turn;
} relay;

static void *use_once (void *argument)
{
    relay *r = argument;
    int got, turn = r->turn++;
    CHECK_INT (zmq_send (r->req, &turn, sizeof turn, 0), sizeof turn);
    CHECK_INT (zmq_recv (r->rep, &got, sizeof got, 0), sizeof got);
    CHECK_INT (got, turn);
    CHECK_INT (zmq_send (r->rep, &got, sizeof got, 0), sizeof got);
    CHECK_INT (zmq_recv (r->req, &got, sizeof got, 0), sizeof got);
    CHECK_INT (got, turn);
    return NULL;
}

/*  Sockets go from thread to thread; starting and joining is the fence.  */
TRANSPORT_TEST (sockets_change_threads)
{
    void *context = zmq_ctx_new ();
    relay r = {open_socket (context, ZMQ_REP), open_socket (context, ZMQ_REQ), 0};
    join (r.rep, r.req, transport);
    for (int n = 0; n < 50; n++)
        end_thread (start_thread (use_once, &r));
    CHECK_INT (r.turn, 50);
    FINISH (context, r.rep, r.req);
}

static void *open_in_thread (void *context)
{
    void *pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, "inproc://migrant"));
    return pull;
}

static void *close_in_thread (void *socket)
{
    CHECK_OK (zmq_close (socket));
    return NULL;
}

TEST (opened_here_used_there_closed_elsewhere)
{
    void *context = zmq_ctx_new (), *pull;
    CHECK_OK (pthread_join (start_thread (open_in_thread, context), &pull));
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "inproc://migrant"));
    send_text (push, "x", 0);
    EXPECT_TEXT (pull, "x");
    end_thread (start_thread (close_in_thread, pull));
    FINISH (context, push);
}

/*  Many sockets made and closed in several threads at once.  */
static void *churn (void *context)
{
    for (int n = 0; n < 100; n++) {
        void *one = open_socket (context, ZMQ_PAIR);
        void *two = open_socket (context, ZMQ_PAIR);
        char name[64];
        snprintf (name, sizeof name, "inproc://churn-%lx-%d", (long) pthread_self (), n);
        CHECK_OK (zmq_bind (one, name));
        CHECK_OK (zmq_connect (two, name));
        send_text (two, "x", 0);
        EXPECT_TEXT (one, "x");
        CHECK_OK (zmq_close (one));
        CHECK_OK (zmq_close (two));
    }
    return NULL;
}

TEST (sockets_come_and_go_in_many_threads)
{
    void *context = zmq_ctx_new ();
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        threads[n] = start_thread (churn, context);
    for (int n = 0; n < 4; n++)
        end_thread (threads[n]);
    CHECK_OK (zmq_ctx_term (context));
}

static void *count_up (void *counter)
{
    for (int n = 0; n < 20000; n++)
        zmq_atomic_counter_inc (counter);
    return NULL;
}

static void *count_down (void *counter)
{
    int zeros = 0;
    for (int n = 0; n < 20000; n++)
        zeros += !zmq_atomic_counter_dec (counter);
    return (void *) (intptr_t) zeros;
}

TEST (atomic_counters_under_threads)
{
    void *counter = zmq_atomic_counter_new ();
    CHECK (counter != NULL);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        threads[n] = start_thread (count_up, counter);
    for (int n = 0; n < 4; n++)
        end_thread (threads[n]);
    CHECK_INT (zmq_atomic_counter_value (counter), 80000);
    intptr_t zeros = 0;
    for (int n = 0; n < 4; n++)
        threads[n] = start_thread (count_down, counter);
    for (int n = 0; n < 4; n++) {
        void *seen;
        CHECK_OK (pthread_join (threads[n], &seen));
        zeros += (intptr_t) seen;
    }
    /*  Exactly one of them took the last.  */
    CHECK_INT (zeros, 1);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    zmq_atomic_counter_destroy (&counter);
    CHECK (counter == NULL);
}
