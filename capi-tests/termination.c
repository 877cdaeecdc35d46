/*  The end: linger, zmq_close, zmq_ctx_shutdown and zmq_ctx_term.  */
#include "peers.h"

/*  Scheduling on a busy machine may add this much, in milliseconds.  */
#define LATE_MS 400

TEST (empty_context)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_term (context));
    context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PULL), ETERM);
    CHECK_OK (zmq_ctx_term (context));
}

/*  A thread blocked in one of the calls, which must end with ETERM.  */
typedef enum { IN_RECV, IN_MSG_RECV, IN_SEND, IN_POLL, IN_PROXY, CALLS } call;

typedef struct {
    void *pull, *push;
    call kind;
    bool closes;
} blocked;

static void *block (void *argument)
{
    blocked *b = argument;
    zmq_pollitem_t item = {b->pull, 0, ZMQ_POLLIN, 0};
    zmq_msg_t message;
    char byte;
    CHECK_OK (zmq_msg_init (&message));
    switch (b->kind) {
        case IN_RECV:
            CHECK_ERRNO (zmq_recv (b->pull, &byte, 1, 0), ETERM);
            break;
        case IN_MSG_RECV:
            CHECK_ERRNO (zmq_msg_recv (&message, b->pull, 0), ETERM);
            break;
        case IN_SEND:
            CHECK_ERRNO (zmq_send (b->push, "x", 1, 0), ETERM);
            break;
        case IN_POLL:
            CHECK_ERRNO (zmq_poll (&item, 1, -1), ETERM);
            break;
        default:
            CHECK_ERRNO (zmq_proxy (b->pull, b->push, NULL), ETERM);
    }
    CHECK_OK (zmq_msg_close (&message));
    if (b->closes) {
        CHECK_OK (zmq_close (b->pull));
        CHECK_OK (zmq_close (b->push));
    }
    return NULL;
}

static void open_blocked (void *context, blocked *b, int kind)
{
    b->pull = open_socket (context, ZMQ_PULL);
    b->push = open_socket (context, ZMQ_PUSH);
    b->kind = kind;
    set_int (b->pull, ZMQ_RCVTIMEO, -1);
    set_int (b->push, ZMQ_SNDTIMEO, -1);
    bind_to (b->pull, "tcp://127.0.0.1:*");
}

TEST (shutdown_ends_blocked_calls)
{
    void *context = zmq_ctx_new ();
    blocked b[CALLS];
    pthread_t threads[CALLS];
    for (int n = 0; n < CALLS; n++) {
        open_blocked (context, &b[n], n);
        b[n].closes = false;
        threads[n] = start_thread (block, &b[n]);
    }
    sleep_ms (50);
    CHECK_OK (zmq_ctx_shutdown (context));
    for (int n = 0; n < CALLS; n++) {
        end_thread (threads[n]);
        CHECK_OK (zmq_close (b[n].pull));
        CHECK_OK (zmq_close (b[n].push));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (term_ends_blocked_calls)
{
    void *context = zmq_ctx_new ();
    blocked b[CALLS];
    pthread_t threads[CALLS];
    for (int n = 0; n < CALLS; n++) {
        open_blocked (context, &b[n], n);
        b[n].closes = true;
        threads[n] = start_thread (block, &b[n]);
    }
    sleep_ms (50);
    CHECK_OK (zmq_ctx_term (context));
    for (int n = 0; n < CALLS; n++)
        end_thread (threads[n]);
}

/*  A socket fails with ETERM from the first call that processes its events; until then its options
 *  can be set, as programs do that shut down first and choose the linger time of each socket then.  */
TEST (options_can_be_set_until_a_call_reports_the_end)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_ctx_shutdown (context));
    set_int (sub, ZMQ_LINGER, 7);
    CHECK_INT (get_int (sub, ZMQ_LINGER), 7);
    CHECK_INT (get_int (sub, ZMQ_TYPE), ZMQ_SUB);
    CHECK_INT (get_int (sub, ZMQ_RCVMORE), 0);
    subscribe (sub, "topic");
    int value = 1;
    size_t size = sizeof value;
    CHECK_ERRNO (zmq_setsockopt (sub, 9999, &value, sizeof value), EINVAL);
    struct pollfd readable = {get_int (sub, ZMQ_FD), POLLIN, 0};
    CHECK_INT (poll (&readable, 1, PATIENCE_MS), 1);
    CHECK_ERRNO (zmq_getsockopt (sub, ZMQ_EVENTS, &value, &size), ETERM);
    CHECK_ERRNO (zmq_setsockopt (sub, ZMQ_LINGER, &value, sizeof value), ETERM);
    CHECK_ERRNO (zmq_getsockopt (sub, ZMQ_LINGER, &value, &size), ETERM);
    FINISH (context, sub);
}

TEST (a_linger_time_that_was_set_after_shutdown_holds)
{
    void *context = zmq_ctx_new ();
    void *push = zmq_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, absent ("tcp")));
    send_text (push, "for nobody", 0);
    CHECK_OK (zmq_ctx_shutdown (context));
    set_int (push, ZMQ_LINGER, 0);
    int64_t start = now_ms ();
    FINISH (context, push);
    CHECK (now_ms () - start < PATIENCE_MS);
}

TEST (every_call_afterwards_is_eterm)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR);
    void *two = open_socket (context, ZMQ_PAIR);
    join (one, two, "inproc");
    send_text (two, "unread", 0);
    CHECK_OK (zmq_ctx_shutdown (context));
    char byte[8];
    int value = 0;
    size_t size = sizeof value;
    zmq_msg_t message;
    zmq_pollitem_t item = {one, 0, ZMQ_POLLIN, 0};
    CHECK_OK (zmq_msg_init (&message));
    CHECK_ERRNO (zmq_recv (one, byte, 8, 0), ETERM);
    CHECK_ERRNO (zmq_recv (one, byte, 8, ZMQ_DONTWAIT), ETERM);
    CHECK_ERRNO (zmq_msg_recv (&message, one, 0), ETERM);
    CHECK_ERRNO (zmq_send (one, "x", 1, 0), ETERM);
    CHECK_ERRNO (zmq_send (one, "x", 1, ZMQ_DONTWAIT), ETERM);
    CHECK_ERRNO (zmq_msg_send (&message, one, 0), ETERM);
    CHECK_ERRNO (zmq_setsockopt (one, ZMQ_LINGER, &value, sizeof value), ETERM);
    CHECK_ERRNO (zmq_getsockopt (one, ZMQ_LINGER, &value, &size), ETERM);
    CHECK_ERRNO (zmq_bind (one, "inproc://new"), ETERM);
    CHECK_ERRNO (zmq_connect (one, "tcp://127.0.0.1:5555"), ETERM);
    CHECK_ERRNO (zmq_unbind (one, "inproc://new"), ETERM);
    CHECK_ERRNO (zmq_disconnect (one, "tcp://127.0.0.1:5555"), ETERM);
    CHECK_ERRNO (zmq_poll (&item, 1, 0), ETERM);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), ETERM);
    CHECK_OK (zmq_msg_close (&message));
    FINISH (context, one, two);
}

/*  A thread that terminates, and reports when it is done.  */
typedef struct {
    void *context;
    volatile bool done;
    int result;
} ending;

static void *terminate (void *argument)
{
    ending *e = argument;
    e->result = zmq_ctx_term (e->context);
    e->done = true;
    return NULL;
}

TEST (term_waits_for_every_socket)
{
    ending e = {.context = zmq_ctx_new ()};
    void *one = open_socket (e.context, ZMQ_PULL);
    void *two = open_socket (e.context, ZMQ_PUSH);
    pthread_t thread = start_thread (terminate, &e);
    sleep_ms (60);
    CHECK (!e.done);
    CHECK_ERRNO (zmq_recv (one, NULL, 0, 0), ETERM);
    CHECK_OK (zmq_close (one));
    sleep_ms (60);
    CHECK (!e.done);
    CHECK_OK (zmq_close (two));
    end_thread (thread);
    CHECK_OK (e.result);
}

/*  zmq_close hands the socket over to the library and returns.  */
TRANSPORT_TEST (close_returns_at_once)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, 300);
    CHECK_OK (zmq_connect (push, absent (transport)));
    for (int n = 0; n < 100; n++)
        send_text (push, "x", 0);
    int64_t start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK (now_ms () - start < 200);
    CHECK_OK (zmq_ctx_term (context));
}

WIRE_TEST (linger_for_ever_waits_for_a_late_peer)
{
    ending e = {.context = zmq_ctx_new ()};
    void *push = open_socket (e.context, ZMQ_PUSH);
    const char *endpoint = absent (transport);
    set_int (push, ZMQ_LINGER, -1);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (push, endpoint));
    for (int n = 0; n < 100; n++)
        SEND_PARTS (push, "m", "n");
    CHECK_OK (zmq_close (push));
    pthread_t thread = start_thread (terminate, &e);
    sleep_ms (100);
    CHECK (!e.done);
    void *other = zmq_ctx_new ();
    void *pull = open_socket (other, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    for (int n = 0; n < 100; n++)
        EXPECT_PARTS (pull, "m", "n");
    end_thread (thread);
    CHECK_OK (e.result);
    FINISH (other, pull);
}

TRANSPORT_TEST (no_linger_discards)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, absent (transport)));
    for (int n = 0; n < 100; n++)
        send_text (push, "x", 0);
    int64_t start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
    CHECK (now_ms () - start < LATE_MS);
}

WIRE_TEST (linger_time_is_kept)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, 300);
    CHECK_OK (zmq_connect (push, absent (transport)));
    send_text (push, "x", 0);
    int64_t start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
    CHECK (now_ms () - start >= 290);
    CHECK (now_ms () - start < 300 + LATE_MS);
}

/*  Without anything to send there is nothing to wait for.  */
TRANSPORT_TEST (nothing_unsent_nothing_to_linger_for)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    set_int (push, ZMQ_LINGER, -1);
    set_int (pull, ZMQ_LINGER, -1);
    CHECK_OK (zmq_connect (push, absent (transport)));
    CHECK_OK (zmq_connect (pull, absent (transport)));
    int64_t start = now_ms ();
    FINISH (context, push, pull);
    CHECK (now_ms () - start < LATE_MS);
}

/*  The default lingers for ever (BLOCKY contexts), or not at all.  */
TEST (blocky_decides_the_default)
{
    void *context = zmq_ctx_new ();
    void *push = zmq_socket (context, ZMQ_PUSH);
    CHECK_INT (get_int (push, ZMQ_LINGER), -1);
    CHECK_OK (zmq_ctx_set (context, ZMQ_BLOCKY, 0));
    void *other = zmq_socket (context, ZMQ_PUSH);
    CHECK_INT (get_int (other, ZMQ_LINGER), 0);
    FINISH (context, push, other);
}

/*  A big message on its way out is finished before the context ends.  */
WIRE_TEST (big_message_gets_out)
{
    ending e = {.context = zmq_ctx_new ()};
    void *other = zmq_ctx_new ();
    void *pull = open_socket (other, ZMQ_PULL);
    void *push = open_socket (e.context, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, -1);
    const char *endpoint = bind_to (pull, fresh (transport));
    CHECK_OK (zmq_connect (push, endpoint));
    const size_t size = 20 * 1000 * 1000;
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_size (&message, size));
    memset (zmq_msg_data (&message), 'b', size);
    CHECK_INT (zmq_msg_send (&message, push, 0), size);
    send_text (push, "last", 0);
    CHECK_OK (zmq_close (push));
    pthread_t thread = start_thread (terminate, &e);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, pull, 0), size);
    CHECK_INT (((char *) zmq_msg_data (&message))[size - 1], 'b');
    CHECK_OK (zmq_msg_close (&message));
    EXPECT_TEXT (pull, "last");
    end_thread (thread);
    CHECK_OK (e.result);
    FINISH (other, pull);
}

/*  Sent, closed and terminated at once: it arrives all the same.  */
WIRE_TEST (messages_sent_just_before_the_end_arrive)
{
    void *other = zmq_ctx_new ();
    void *pull = open_socket (other, ZMQ_PULL);
    set_int (pull, ZMQ_RCVHWM, 0);
    const char *endpoint = bind_to (pull, fresh (transport));
    for (int life = 0; life < 5; life++) {
        void *context = zmq_ctx_new ();
        void *push = open_socket (context, ZMQ_PUSH);
        set_int (push, ZMQ_LINGER, -1);
        CHECK_OK (zmq_connect (push, endpoint));
        for (int n = 0; n < 200; n++)
            send_text (push, "m", 0);
        FINISH (context, push);
    }
    for (int n = 0; n < 1000; n++)
        EXPECT_TEXT (pull, "m");
    EXPECT_NOTHING (pull);
    FINISH (other, pull);
}

/*  An unfinished message holds nothing up and is not delivered.  */
TRANSPORT_TEST (unfinished_message_is_dropped)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, -1);
    join (pull, push, transport);
    send_text (push, "whole", 0);
    send_text (push, "half", ZMQ_SNDMORE);
    CHECK_OK (zmq_close (push));
    EXPECT_TEXT (pull, "whole");
    EXPECT_NOTHING (pull);
    int64_t start = now_ms ();
    FINISH (context, pull);
    CHECK (now_ms () - start < LATE_MS);
}

/*  Linger counts from zmq_close, and each socket has its own.  */
TEST (each_socket_lingers_for_itself)
{
    void *context = zmq_ctx_new ();
    static const int lingers[] = {0, 200, 50};
    void *pushes[3];
    for (int n = 0; n < 3; n++) {
        pushes[n] = open_socket (context, ZMQ_PUSH);
        set_int (pushes[n], ZMQ_LINGER, lingers[n]);
        CHECK_OK (zmq_connect (pushes[n], absent ("tcp")));
        send_text (pushes[n], "x", 0);
    }
    int64_t start = now_ms ();
    FINISH (context, pushes[0], pushes[1], pushes[2]);
    CHECK (now_ms () - start >= 190);
    CHECK (now_ms () - start < 200 + LATE_MS);
}

/*  What was received but not read does not hold up the end.  */
TRANSPORT_TEST (unread_messages_are_dropped)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (pull, ZMQ_LINGER, -1);
    join (pull, push, transport);
    for (int n = 0; n < 50; n++)
        send_text (push, "x", 0);
    wait_events (pull, ZMQ_POLLIN);
    int64_t start = now_ms ();
    FINISH (context, pull, push);
    CHECK (now_ms () - start < LATE_MS);
}

TEST (shutdown_then_close_then_term)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR);
    void *two = open_socket (context, ZMQ_PAIR);
    join (one, two, "tcp");
    send_text (one, "x", 0);
    EXPECT_TEXT (two, "x");
    CHECK_OK (zmq_ctx_shutdown (context));
    FINISH (context, one, two);
}

/*  Bad handles.  */
TEST (bad_contexts)
{
    CHECK_ERRNO (zmq_ctx_term (NULL), EFAULT);
    CHECK_ERRNO (zmq_ctx_shutdown (NULL), EFAULT);
    CHECK_ERRNO (zmq_close (NULL), ENOTSOCK);
}

static void *term_cycle (void *argument)
{
    (void) argument;
    for (int n = 0; n < 20; n++) {
        void *context = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL);
        void *push = open_socket (context, ZMQ_PUSH);
        join (pull, push, n % 2 ? "tcp" : "inproc");
        send_text (push, "x", 0);
        EXPECT_TEXT (pull, "x");
        FINISH (context, pull, push);
    }
    return NULL;
}

TEST (contexts_end_in_many_threads)
{
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        threads[n] = start_thread (term_cycle, NULL);
    for (int n = 0; n < 4; n++)
        end_thread (threads[n]);
}

/*  Shut down from several threads at once, while others use the sockets.  */
static void *use_until_the_end (void *context)
{
    void *pull = zmq_socket (context, ZMQ_PULL);
    if (!pull) {
        CHECK_INT (zmq_errno (), ETERM);
        return NULL;
    }
    char byte;
    CHECK_ERRNO (zmq_recv (pull, &byte, 1, 0), ETERM);
    CHECK_OK (zmq_close (pull));
    return NULL;
}

static void *shut_down (void *context)
{
    sleep_ms (20);
    CHECK_OK (zmq_ctx_shutdown (context));
    return NULL;
}

TEST (shutdown_from_several_threads)
{
    void *context = zmq_ctx_new ();
    pthread_t users[4], enders[3];
    for (int n = 0; n < 4; n++)
        users[n] = start_thread (use_until_the_end, context);
    for (int n = 0; n < 3; n++)
        enders[n] = start_thread (shut_down, context);
    for (int n = 0; n < 4; n++)
        end_thread (users[n]);
    for (int n = 0; n < 3; n++)
        end_thread (enders[n]);
    CHECK_OK (zmq_ctx_term (context));
}

/*  Nothing of the library is left: no threads, no descriptors.  */
static int open_descriptors (void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl (fd, F_GETFD) != -1;
    return count;
}

static int threads_of_this_process (void)
{
    int count = 0;
    DIR *tasks = opendir ("/proc/self/task");
    CHECK (tasks != NULL);
    while (readdir (tasks))
        count++;
    closedir (tasks);
    return count;
}

static void live_and_die (void)
{
    static int lives;
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, lives++ % 2 ? "ipc" : "tcp");
    send_text (req, "q", 0);
    EXPECT_TEXT (rep, "q");
    CHECK_OK (zmq_connect (req, "tcp://127.0.0.1:1"));
    FINISH (context, rep, req);
}

/*  A library may keep a descriptor for the calling thread, but no more than
 *  that: ten contexts leave no more than one did.  */
TEST (nothing_is_left_behind)
{
    int threads = threads_of_this_process ();
    live_and_die ();
    int descriptors = open_descriptors ();
    for (int n = 0; n < 10; n++)
        live_and_die ();
    int64_t give_up = now_ms () + 1000;
    while (threads_of_this_process () != threads && now_ms () < give_up)
        sleep_ms (5);
    CHECK_INT (threads_of_this_process (), threads);
    CHECK_INT (open_descriptors (), descriptors);
}

static void *live_and_die_in_thread (void *unused)
{
    live_and_die ();
    return unused;
}

/*  Threads that used the library and ended leave nothing at all.  */
TEST (ended_threads_leave_nothing)
{
    int descriptors = open_descriptors ();
    for (int n = 0; n < 10; n++)
        end_thread (start_thread (live_and_die_in_thread, NULL));
    CHECK_INT (open_descriptors (), descriptors);
}

/*  A name that nobody has bound is no place to linger for.  */
TEST (inproc_without_a_peer_never_lingers)
{
    static const int lingers[] = {-1, 2000};
    for (int n = 0; n < 2; n++) {
        void *context = zmq_ctx_new ();
        void *push = open_socket (context, ZMQ_PUSH);
        set_int (push, ZMQ_LINGER, lingers[n]);
        CHECK_OK (zmq_connect (push, "inproc://never"));
        send_text (push, "x", 0);
        int64_t start = now_ms ();
        FINISH (context, push);
        CHECK (now_ms () - start < LATE_MS);
    }
}
