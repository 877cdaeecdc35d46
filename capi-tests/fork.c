/*  Children of fork(2).  A child has no I/O threads, and shares descriptors
 *  with its parent: the parent's sockets are of no use in it, but it can close
 *  them, end their context, and open others.
 */
#include "peers.h"

#include <sys/resource.h>

typedef struct {
    void *context, *pull, *push;
} parent;

static parent open_parent (const char *transport)
{
    parent p = {.context = zmq_ctx_new ()};
    p.pull = open_socket (p.context, ZMQ_PULL);
    p.push = open_socket (p.context, ZMQ_PUSH);
    join (p.pull, p.push, transport);
    send_text (p.push, "before", 0);
    EXPECT_TEXT (p.pull, "before");
    return p;
}

static void close_parent (parent *p)
{
    for (int n = 0; n < 100; n++) {
        send_text (p->push, "after", 0);
        EXPECT_TEXT (p->pull, "after");
    }
    FINISH (p->context, p->pull, p->push);
}

/*  Runs this in a child, which has to end well.  */
static void in_child (void (*body) (parent *), parent *p)
{
    int status = -1;
    fflush (stdout);
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        alarm (20);
        body (p);
        _exit (0);
    }
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
}

static void call (parent *p)
{
    zmq_pollitem_t item = {p->pull, 0, ZMQ_POLLIN, 0};
    int events;
    size_t size = sizeof events;
    CHECK_ERRNO (zmq_recv (p->pull, NULL, 0, 0), EINTR);
    CHECK_ERRNO (zmq_poll (&item, 1, 0), EINTR);
    CHECK_ERRNO (zmq_poll (&item, 1, -1), EINTR);
    CHECK_ERRNO (zmq_getsockopt (p->pull, ZMQ_EVENTS, &events, &size), EINTR);
    CHECK_ERRNO (zmq_bind (p->pull, "tcp://127.0.0.1:*"), EINTR);
    CHECK_ERRNO (zmq_connect (p->push, "tcp://127.0.0.1:1"), EINTR);
    CHECK_ERRNO (zmq_proxy (p->pull, p->push, NULL), EINTR);
}

TRANSPORT_TEST (calls_on_sockets_of_the_parent_are_interrupted)
{
    parent p = open_parent (transport);
    in_child (call, &p);
    close_parent (&p);
}

/*  What a destructor does: none of it fails, hangs, or reaches the parent.  */
static void clean_up (parent *p)
{
    int linger = 0;
    CHECK_OK (zmq_setsockopt (p->push, ZMQ_LINGER, &linger, sizeof linger));
    CHECK_INT (get_int (p->push, ZMQ_TYPE), ZMQ_PUSH);
    CHECK_OK (zmq_close (p->push));
    CHECK_OK (zmq_close (p->pull));
    CHECK_OK (zmq_ctx_shutdown (p->context));
    /*  libzmq is interrupted, and is so again.  */
    CHECK (zmq_ctx_term (p->context) == 0 || zmq_errno () == EINTR);
}

TRANSPORT_TEST (a_child_cleans_up_and_the_parent_goes_on)
{
    parent p = open_parent (transport);
    in_child (clean_up, &p);
    close_parent (&p);
}

static void end_context (parent *p)
{
    CHECK (zmq_ctx_term (p->context) == 0 || zmq_errno () == EINTR);
}

TRANSPORT_TEST (a_child_ends_the_context_without_closing)
{
    parent p = open_parent (transport);
    in_child (end_context, &p);
    close_parent (&p);
}

static void leave (parent *p)
{
    (void) p;
    exit (0);
}

TRANSPORT_TEST (a_child_just_exits)
{
    parent p = open_parent (transport);
    in_child (leave, &p);
    close_parent (&p);
}

static void talk (void *context)
{
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    join (pull, push, "tcp");
    SEND_PARTS (push, "in", "the child");
    EXPECT_PARTS (pull, "in", "the child");
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (push));
}

static void talk_in_a_context_of_its_own (parent *p)
{
    void *context = zmq_ctx_new ();
    talk (context);
    CHECK_OK (zmq_ctx_term (context));
    CHECK_OK (zmq_close (p->push));
}

TEST (a_child_opens_a_context_of_its_own)
{
    parent p = open_parent ("tcp");
    in_child (talk_in_a_context_of_its_own, &p);
    close_parent (&p);
}

static void talk_in_the_parents_context (parent *p)
{
    talk (p->context);
}

/*  The threads of a context start with its first socket.  */
TEST (a_context_that_had_no_socket_yet_serves_the_child)
{
    parent p = {.context = zmq_ctx_new ()};
    in_child (talk_in_the_parents_context, &p);
    talk (p.context);
    CHECK_OK (zmq_ctx_term (p.context));
}

static void *fork_now (void *argument)
{
    in_child (clean_up, argument);
    return NULL;
}

/*  Another thread forks while one sleeps in a call; it sleeps on, and is
 *  woken by what it waits for.  */
TRANSPORT_TEST (a_thread_that_waits_is_not_disturbed)
{
    parent p = open_parent (transport);
    struct rusage begin, end;
    pthread_t forking = start_thread (fork_now, &p);
    zmq_pollitem_t item = {p.pull, 0, ZMQ_POLLIN, 0};
    CHECK_OK (getrusage (RUSAGE_SELF, &begin));
    CHECK_INT (zmq_poll (&item, 1, 300), 0);
    CHECK_OK (getrusage (RUSAGE_SELF, &end));
    end_thread (forking);
    /*  It slept, rather than finding its descriptors ready all the time.  */
    long used = (end.ru_utime.tv_sec - begin.ru_utime.tv_sec) * 1000000L
                + end.ru_utime.tv_usec - begin.ru_utime.tv_usec
                + (end.ru_stime.tv_sec - begin.ru_stime.tv_sec) * 1000000L
                + end.ru_stime.tv_usec - begin.ru_stime.tv_usec;
    CHECK (used < 100000);
    close_parent (&p);
}

/*  How many children are forked while other threads are at it: without care
 *  for the locks of those one in four hangs.  */
#define CHILDREN 200

static volatile bool forked;

static void timer_handler (int id, void *argument)
{
    (void) id, (void) argument;
}

/*  Opens and closes what it can, with a message.  */
static void open_and_close (void)
{
    char body[1000] = "";
    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 0));
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://fork"));
    CHECK_OK (zmq_connect (two, "inproc://fork"));
    CHECK_INT (zmq_send (two, body, sizeof body, 0), sizeof body);
    CHECK_INT (zmq_recv (one, body, sizeof body, 0), sizeof body);
    FINISH (context, one, two);
    void *timers = zmq_timers_new ();
    CHECK (timers != NULL);
    CHECK (zmq_timers_add (timers, 1000, timer_handler, NULL) > 0);
    CHECK_OK (zmq_timers_destroy (&timers));
}

static void *open_and_close_meanwhile (void *argument)
{
    while (!forked)
        open_and_close ();
    return argument;
}

static void open_and_close_in_the_child (parent *p)
{
    (void) p;
    for (int n = 0; n < 3; n++)
        open_and_close ();
}

TEST (children_open_whatever_threads_of_the_parent_open_meanwhile)
{
    pthread_t threads[3];
    for (int n = 0; n < 3; n++)
        threads[n] = start_thread (open_and_close_meanwhile, NULL);
    for (int n = 0; n < CHILDREN; n++)
        in_child (open_and_close_in_the_child, NULL);
    forked = true;
    for (int n = 0; n < 3; n++)
        end_thread (threads[n]);
}
