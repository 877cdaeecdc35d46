/*  After fork(2) the handle of a used context serves the child as a new one.
 *  In libzmq the sockets opened there have no I/O thread.
 */
#include "peers.h"

TEST (a_used_context_serves_the_child)
{
    void *context = zmq_ctx_new ();
    void *old = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (old, "tcp://127.0.0.1:*");
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 2));
    int status = -1;
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        alarm (20);
        void *push = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push, endpoint));
        set_int (push, ZMQ_LINGER, -1);
        send_text (push, "from the child", 0);
        CHECK_OK (zmq_close (push));
        /*  Its options are those of the parent's.  */
        CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), 2);
        CHECK_OK (zmq_ctx_term (context));
        CHECK_ERRNO (zmq_ctx_term (context), EFAULT);
        CHECK_OK (zmq_close (old));
        _exit (0);
    }
    EXPECT_TEXT (old, "from the child");
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    FINISH (context, old);
}

/*  libzmq lets some of these go, to nowhere or to the parent's peers.  */
TEST (nothing_is_sent_on_a_socket_of_the_parent)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    void *sub = open_socket (context, ZMQ_SUB);
    join (pull, push, "tcp");
    int status = -1;
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        for (int n = 0; n < 100; n++)
            CHECK_ERRNO (zmq_send (push, "child", 5, n % 2 ? ZMQ_DONTWAIT : 0), EINTR);
        CHECK_ERRNO (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0), EINTR);
        CHECK_ERRNO (zmq_socket_monitor (push, "inproc://monitor", ZMQ_EVENT_ALL), EINTR);
        _exit (0);
    }
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    send_text (push, "parent", 0);
    EXPECT_TEXT (pull, "parent");
    FINISH (context, pull, push, sub);
}

/*  How many children are forked while other threads are at it.  */
#define CHILDREN 200

typedef struct {
    void *context, *pull, *push, *timers;
} used;

static volatile bool forked;

static void timer_handler (int id, void *argument)
{
    (void) id, (void) argument;
}

static void *send_meanwhile (void *argument)
{
    used *u = argument;
    while (!forked)
        CHECK (zmq_send (u->push, "", 0, ZMQ_DONTWAIT) == 0 || errno == EAGAIN);
    return NULL;
}

static void *receive_meanwhile (void *argument)
{
    used *u = argument;
    while (!forked)
        CHECK (zmq_recv (u->pull, NULL, 0, ZMQ_DONTWAIT) == 0 || errno == EAGAIN);
    return NULL;
}

/*  The options are as they were all the time.  */
static void *configure_meanwhile (void *argument)
{
    used *u = argument;
    while (!forked) {
        CHECK_OK (zmq_ctx_set (u->context, ZMQ_MAX_SOCKETS, 1023));
        CHECK_INT (zmq_ctx_get (u->context, ZMQ_MAX_SOCKETS), 1023);
        CHECK_OK (zmq_close (zmq_socket (u->context, ZMQ_PAIR)));
        int id = zmq_timers_add (u->timers, 1000, timer_handler, NULL);
        CHECK_OK (zmq_timers_cancel (u->timers, id));
    }
    return NULL;
}

static void use_and_close (used *u)
{
    CHECK_ERRNO (zmq_recv (u->pull, NULL, 0, 0), EINTR);
    CHECK_ERRNO (zmq_send (u->push, "", 0, ZMQ_DONTWAIT), EINTR);
    CHECK_OK (zmq_close (u->push));
    CHECK_OK (zmq_close (u->pull));
    CHECK_ERRNO (zmq_close (u->pull), ENOTSOCK);
    CHECK_INT (zmq_ctx_get (u->context, ZMQ_MAX_SOCKETS), 1023);
    CHECK_OK (zmq_close (zmq_socket (u->context, ZMQ_PAIR)));
    CHECK_OK (zmq_ctx_term (u->context));
    CHECK (zmq_timers_add (u->timers, 1000, timer_handler, NULL) > 0);
    CHECK_OK (zmq_timers_destroy (&u->timers));
}

/*  (libzmq has a child wait for locks of its parent's threads.)  */
TEST (children_close_what_threads_of_the_parent_are_using)
{
    used u = {.context = zmq_ctx_new (), .timers = zmq_timers_new ()};
    u.pull = open_socket (u.context, ZMQ_PULL);
    u.push = open_socket (u.context, ZMQ_PUSH);
    join (u.pull, u.push, "inproc");
    pthread_t threads[] = {start_thread (send_meanwhile, &u), start_thread (receive_meanwhile, &u),
                           start_thread (configure_meanwhile, &u)};
    for (int n = 0; n < CHILDREN; n++) {
        int status = -1;
        pid_t child = fork ();
        CHECK (child >= 0);
        if (child == 0) {
            alarm (20);
            use_and_close (&u);
            _exit (0);
        }
        CHECK_INT (waitpid (child, &status, 0), child);
        CHECK_INT (status, 0);
    }
    forked = true;
    for (int n = 0; n < 3; n++)
        end_thread (threads[n]);
    CHECK_OK (zmq_timers_destroy (&u.timers));
    FINISH (u.context, u.pull, u.push);
}
