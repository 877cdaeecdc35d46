#define TEST_LIMIT_S 25
/*  Any number of threads in one socket of a thread-safe type: nothing is lost, doubled or left waiting.  */
#include "../thread_safe.h"
#include <stdatomic.h>

enum { THREADS = 8, EACH = 2000 };

static void *shared_server, *shared_client;
static atomic_uchar seen[THREADS][EACH];
static atomic_int answers;

/*  Answers what comes until the socket is closed.  */
static void *answer (void *unused)
{
    zmq_msg_t message;
    for (;;) {
        CHECK_OK (zmq_msg_init (&message));
        if (zmq_msg_recv (&message, shared_server, 0) < 0) {
            CHECK_INT (zmq_errno (), ENOTSOCK);
            return unused;
        }
        if (zmq_msg_send (&message, shared_server, 0) < 0) {
            CHECK_INT (zmq_errno (), ENOTSOCK);
            CHECK_OK (zmq_msg_close (&message));
            return unused;
        }
    }
}

/*  Sends its numbers, and takes as many answers, whose they may be.  */
static void *ask (void *own)
{
    for (int n = 0; n < EACH; n++) {
        int question[2] = {(int) (intptr_t) own, n}, got[2];
        CHECK_INT (zmq_send (shared_client, question, sizeof question, 0), sizeof question);
        CHECK_INT (zmq_recv (shared_client, got, sizeof got, 0), sizeof got);
        CHECK_INT (atomic_fetch_add (&seen[got[0]][got[1]], 1), 0);
        atomic_fetch_add (&answers, 1);
    }
    return NULL;
}

TRANSPORT_TEST (eight_threads_share_a_server_and_a_client)
{
    void *context = zmq_ctx_new ();
    pthread_t asking[THREADS / 2], answering[THREADS / 2];
    shared_server = open_socket (context, ZMQ_SERVER);
    shared_client = open_socket (context, ZMQ_CLIENT);
    set_int (shared_server, ZMQ_RCVTIMEO, -1);
    join (shared_server, shared_client, transport);
    for (int n = 0; n < THREADS / 2; n++) {
        answering[n] = start_thread (answer, NULL);
        asking[n] = start_thread (ask, (void *) (intptr_t) n);
    }
    for (int n = 0; n < THREADS / 2; n++)
        end_thread (asking[n]);
    CHECK_INT (answers, THREADS / 2 * EACH);
    CHECK_OK (zmq_close (shared_server));
    for (int n = 0; n < THREADS / 2; n++)
        end_thread (answering[n]);
    CHECK_OK (zmq_close (shared_client));
    CHECK_OK (zmq_ctx_term (context));
}

/*  --- each message wakes a thread that waits -------------------------------------------------------  */

static void *shared;
static atomic_int received;

static void *receive_one (void *unused)
{
    char byte;
    CHECK_INT (zmq_recv (shared, &byte, 1, 0), 1);
    atomic_fetch_add (&received, 1);
    return unused;
}

static void *poll_and_receive_one (void *unused)
{
    char byte;
    int64_t give_up = now_ms () + PATIENCE_MS;
    for (;;) {
        zmq_pollitem_t item = {shared, 0, ZMQ_POLLIN, 0};
        CHECK_INT (zmq_poll (&item, 1, PATIENCE_MS), 1);
        if (zmq_recv (shared, &byte, 1, ZMQ_DONTWAIT) == 1)
            break;
        CHECK_INT (zmq_errno (), EAGAIN);
        CHECK (now_ms () < give_up);
    }
    atomic_fetch_add (&received, 1);
    return unused;
}

/*  As many messages as threads come at once, again and again: one event tells of all.  */
static void expect_all_to_receive (const char *transport, void *(*one) (void *))
{
    void *context = zmq_ctx_new ();
    shared = open_socket (context, ZMQ_GATHER);
    void *scatter = open_socket (context, ZMQ_SCATTER);
    join (shared, scatter, transport);
    for (int round = 0; round < 300; round++) {
        pthread_t threads[4];
        for (int n = 0; n < 4; n++)
            threads[n] = start_thread (one, NULL);
        for (int n = 0; n < 4; n++)
            send_text (scatter, "m", 0);
        for (int n = 0; n < 4; n++)
            end_thread (threads[n]);
    }
    CHECK_INT (received, 4 * 300);
    FINISH (context, shared, scatter);
}

TRANSPORT_TEST (threads_that_receive_from_one_socket_get_a_message_each)
{
    expect_all_to_receive (transport, receive_one);
}

TRANSPORT_TEST (threads_that_poll_one_socket_get_a_message_each)
{
    expect_all_to_receive (transport, poll_and_receive_one);
}

/*  More sockets than zmq_poll keeps apart.  */
enum { MANY = 20 };
static void *many[MANY];

static void *poll_many_and_receive_one (void *unused)
{
    zmq_pollitem_t items[MANY];
    char byte;
    for (int n = 0; n < MANY; n++)
        items[n] = (zmq_pollitem_t){many[n], 0, ZMQ_POLLIN, 0};
    for (;;) {
        CHECK (zmq_poll (items, MANY, PATIENCE_MS) > 0);
        for (int n = 0; n < MANY; n++)
            if (items[n].revents && zmq_recv (many[n], &byte, 1, ZMQ_DONTWAIT) == 1) {
                atomic_fetch_add (&received, 1);
                return unused;
            }
    }
}

TEST (threads_that_poll_many_sockets_get_a_message_each)
{
    void *context = zmq_ctx_new ();
    void *scatter = open_socket (context, ZMQ_SCATTER);
    for (int n = 0; n < MANY; n++) {
        many[n] = open_socket (context, ZMQ_GATHER);
        join (many[n], scatter, "inproc");
    }
    for (int round = 0; round < 200; round++) {
        pthread_t threads[4];
        char byte;
        for (int n = 0; n < 4; n++)
            threads[n] = start_thread (poll_many_and_receive_one, NULL);
        /*  A call of another thread in between.  */
        for (int n = 0; n < MANY; n++)
            CHECK_ERRNO (zmq_send (many[n], &byte, 1, ZMQ_DONTWAIT), ENOTSUP);
        for (int n = 0; n < 4; n++)
            send_text (scatter, "m", 0);
        for (int n = 0; n < 4; n++)
            end_thread (threads[n]);
    }
    CHECK_INT (received, 4 * 200);
    for (int n = 0; n < MANY; n++)
        CHECK_OK (zmq_close (many[n]));
    FINISH (context, scatter);
}

/*  --- calls of others that let a call go on ---------------------------------------------------------  */

static void *send_one (void *unused)
{
    CHECK_INT (zmq_send (shared, "m", 1, 0), 1);
    return unused;
}

TEST (a_send_that_waits_for_a_peer_goes_on_when_another_thread_connects)
{
    for (int round = 0; round < 100; round++) {
        void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_SERVER);
        shared = open_socket (context, ZMQ_CLIENT);
        CHECK_OK (zmq_bind (server, "inproc://a"));
        pthread_t sender = start_thread (send_one, NULL);
        sleep_ms (round % 3);
        CHECK_OK (zmq_connect (shared, "inproc://a"));
        end_thread (sender);
        EXPECT_TEXT (server, "m");
        FINISH (context, server, shared);
    }
}

TEST (a_send_that_waits_for_room_goes_on_when_another_thread_makes_some)
{
    for (int round = 0; round < 100; round++) {
        void *context = zmq_ctx_new (), *gather = open_socket (context, ZMQ_GATHER);
        shared = open_socket (context, ZMQ_SCATTER);
        set_int (shared, ZMQ_SNDHWM, 1);
        set_int (gather, ZMQ_RCVHWM, 1);
        join (gather, shared, "inproc");
        fill (shared, 100);
        pthread_t sender = start_thread (send_one, NULL);
        sleep_ms (round % 3);
        set_int (shared, ZMQ_SNDHWM, 100);
        end_thread (sender);
        FINISH (context, gather, shared);
    }
}

/*  --- the end ---------------------------------------------------------------------------------------  */

static atomic_int waiting, expected;

static void *receive_until_the_end (void *unused)
{
    char byte;
    atomic_fetch_add (&waiting, 1);
    CHECK_ERRNO (zmq_recv (shared, &byte, 1, 0), expected);
    return unused;
}

static void *send_until_the_end (void *unused)
{
    atomic_fetch_add (&waiting, 1);
    CHECK_ERRNO (zmq_send (shared, "m", 1, 0), expected);
    return unused;
}

static void *poll_until_the_end (void *unused)
{
    zmq_pollitem_t item = {shared, 0, ZMQ_POLLIN, 0};
    atomic_fetch_add (&waiting, 1);
    CHECK_ERRNO (zmq_poll (&item, 1, -1), expected);
    return unused;
}

static void expect_end (int error)
{
    static void *(*const calls[]) (void *) = {receive_until_the_end, send_until_the_end,
                                              poll_until_the_end};
    for (int round = 0; round < 60; round++) {
        void *context = zmq_ctx_new (), *others[70];
        pthread_t threads[6];
        waiting = 0;
        expected = error;
        shared = open_socket (context, ZMQ_CLIENT);
        set_int (shared, ZMQ_RCVTIMEO, -1);
        set_int (shared, ZMQ_SNDTIMEO, -1);
        CHECK_OK (zmq_bind (shared, "tcp://127.0.0.1:*"));
        for (int n = 0; n < 6; n++)
            threads[n] = start_thread (calls[n % 3], NULL);
        while (waiting < 6)
            sched_yield ();
        sleep_ms (round % 3);
        if (error == ENOTSOCK) {
            CHECK_OK (zmq_close (shared));
            /*  Its memory is used for others, which the threads must not take for it.  */
            for (int n = 0; n < 70; n++)
                CHECK ((others[n] = zmq_socket (context, ZMQ_SERVER)) != NULL);
            for (int n = 0; n < 70; n++)
                CHECK_OK (zmq_close (others[n]));
        } else
            CHECK_OK (zmq_ctx_shutdown (context));
        for (int n = 0; n < 6; n++)
            end_thread (threads[n]);
        if (error == ETERM)
            CHECK_OK (zmq_close (shared));
        CHECK_OK (zmq_ctx_term (context));
    }
}

TEST (threads_that_wait_in_a_socket_find_it_closed) { expect_end (ENOTSOCK); }

TEST (threads_that_wait_in_a_socket_find_the_context_ending) { expect_end (ETERM); }

static void *close_it (void *closed)
{
    if (zmq_close (shared) == 0)
        atomic_fetch_add ((atomic_int *) closed, 1);
    else
        CHECK_INT (zmq_errno (), ENOTSOCK);
    return NULL;
}

TEST (of_threads_that_close_a_socket_one_does)
{
    void *context = zmq_ctx_new ();
    for (int round = 0; round < 100; round++) {
        pthread_t threads[4];
        atomic_int closed = 0;
        shared = open_socket (context, ZMQ_SERVER);
        for (int n = 0; n < 4; n++)
            threads[n] = start_thread (close_it, &closed);
        for (int n = 0; n < 4; n++)
            end_thread (threads[n]);
        CHECK_INT (closed, 1);
    }
    CHECK_OK (zmq_ctx_term (context));
}
