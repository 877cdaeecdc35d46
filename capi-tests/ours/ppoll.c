/*  zmq_ppoll: zmq_poll with a signal mask.  libzmq 4.3.5 built with drafts passes all but the tests
 *  whose comments say so.  */
#define ZMQ_BUILD_DRAFT_API
#include "../harness.h"

static volatile sig_atomic_t handled;

static void handler (int number)
{
    (void) number;
    handled++;
}

/*  SIGUSR1 is blocked, and waits to be handled.  */
static void raise_blocked (void)
{
    struct sigaction action = {.sa_handler = handler};
    sigset_t blocked;
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
    sigemptyset (&blocked);
    sigaddset (&blocked, SIGUSR1);
    CHECK_OK (sigprocmask (SIG_BLOCK, &blocked, NULL));
    CHECK_OK (raise (SIGUSR1));
    CHECK_INT (handled, 0);
}

/*  The caller's mask is as it was.  */
static void check_mask (void)
{
    sigset_t now;
    CHECK_OK (sigprocmask (SIG_SETMASK, NULL, &now));
    CHECK_INT (sigismember (&now, SIGUSR1), 1);
    CHECK_INT (sigismember (&now, SIGUSR2), 0);
}

static void open_items (void *context, zmq_pollitem_t items[2], void **out, int ends[2])
{
    void *in = open_socket (context, ZMQ_PULL);
    *out = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (*out, bind_to (in, "tcp://127.0.0.1:*")));
    CHECK_OK (pipe (ends));
    items[0] = (zmq_pollitem_t){in, 0, ZMQ_POLLIN, 0};
    items[1] = (zmq_pollitem_t){NULL, ends[0], ZMQ_POLLIN, 0};
}

TEST (a_signal_that_waits_for_the_mask_is_eintr_where_nothing_is_ready)
{
    /*  A socket, a descriptor, and both.  */
    for (int first = 0; first < 2; first++)
        for (int count = 1; first + count <= 2; count++) {
            void *context = zmq_ctx_new (), *out;
            zmq_pollitem_t items[2];
            int ends[2];
            sigset_t none;
            sigemptyset (&none);
            open_items (context, items, &out, ends);
            handled = 0;
            raise_blocked ();
            CHECK_ERRNO (zmq_ppoll (items + first, count, -1, &none), EINTR);
            CHECK_INT (handled, 1);
            check_mask ();
            raise (SIGUSR1);
            CHECK_ERRNO (zmq_ppoll (items + first, count, PATIENCE_MS, &none), EINTR);
            CHECK_INT (handled, 2);
            check_mask ();
        }
}

/*  libzmq handles the signal where it has looked at the socket since the message came.  */
TEST (what_is_ready_is_told_before_a_signal_is_handled)
{
    void *context = zmq_ctx_new (), *out;
    zmq_pollitem_t items[2];
    int ends[2];
    sigset_t none;
    sigemptyset (&none);
    open_items (context, items, &out, ends);
    send_text (out, "m", 0);
    wait_events (items[0].socket, ZMQ_POLLIN);
    raise_blocked ();
    CHECK_INT (zmq_ppoll (items, 1, -1, &none), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (zmq_ppoll (items, 2, -1, &none), 1);
    CHECK_INT (write (ends[1], "x", 1), 1);
    CHECK_INT (zmq_ppoll (items, 2, -1, &none), 2);
    CHECK_INT (handled, 0);
    check_mask ();
}

TEST (a_signal_that_the_mask_keeps_out_does_not_end_the_wait)
{
    void *context = zmq_ctx_new (), *out;
    zmq_pollitem_t items[2];
    int ends[2];
    sigset_t own;
    open_items (context, items, &out, ends);
    raise_blocked ();
    CHECK_INT (zmq_ppoll (items, 2, 30, NULL), 0);
    sigemptyset (&own);
    sigaddset (&own, SIGUSR1);
    CHECK_INT (zmq_ppoll (items, 2, 30, &own), 0);
    CHECK_INT (zmq_ppoll (items + 1, 1, 30, &own), 0);
    CHECK_INT (handled, 0);
    check_mask ();
}

/*  A mask that blocks more than the thread's keeps signals out until the end.  */
TEST (a_signal_that_the_mask_blocks_is_handled_after_the_wait)
{
    void *context = zmq_ctx_new (), *out;
    zmq_pollitem_t items[2];
    int ends[2];
    sigset_t all;
    struct sigaction action = {.sa_handler = handler};
    CHECK_OK (sigaction (SIGUSR2, &action, NULL));
    open_items (context, items, &out, ends);
    sigfillset (&all);
    pid_t child = fork ();
    if (child == 0) {
        kill (getppid (), SIGUSR2);
        sleep_ms (20);
        _exit (write (ends[1], "x", 1) != 1);
    }
    CHECK_INT (zmq_ppoll (items, 2, PATIENCE_MS, &all), 1);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    int status;
    while (waitpid (child, &status, 0) != child)
        ;
    CHECK_INT (status, 0);
    CHECK_INT (handled, 1);
}

/*  libzmq does not use the mask then.  */
TEST (the_mask_is_used_without_items)
{
    sigset_t none;
    sigemptyset (&none);
    raise_blocked ();
    CHECK_ERRNO (zmq_ppoll (NULL, 0, PATIENCE_MS, &none), EINTR);
    CHECK_INT (handled, 1);
    check_mask ();
    CHECK_INT (zmq_ppoll (NULL, 0, 10, &none), 0);
}

TEST (arguments_of_ppoll_are_those_of_poll)
{
    sigset_t none;
    sigemptyset (&none);
    zmq_pollitem_t item = {NULL, 0, 0, 0};
    CHECK_ERRNO (zmq_ppoll (NULL, 1, 0, &none), EFAULT);
    CHECK_ERRNO (zmq_ppoll (&item, -1, 0, &none), EINVAL);
    item.socket = &item;
    CHECK_ERRNO (zmq_ppoll (&item, 1, 0, NULL), ENOTSOCK);
}
