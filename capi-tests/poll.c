/*  zmq_poll: time limits, sockets and descriptors together; ZMQ_FD in loops of
 *  the program's own.  */
#include "peers.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/select.h>

/*  Scheduling on a busy machine may add this much, in milliseconds.  */
#define LATE_MS 400

TEST (time_limits)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    bind_to (pull, "tcp://127.0.0.1:*");
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 99};
    int64_t start = now_ms ();
    CHECK_INT (zmq_poll (&item, 1, 0), 0);
    CHECK (now_ms () - start < LATE_MS);
    CHECK_INT (item.revents, 0);
    static const long limits[] = {1, 20, 150};
    for (int n = 0; n < 3; n++) {
        start = now_ms ();
        CHECK_INT (zmq_poll (&item, 1, limits[n]), 0);
        int64_t took = now_ms () - start;
        CHECK (took >= limits[n] - 1);
        CHECK (took < limits[n] + LATE_MS);
    }
    FINISH (context, pull);
}

TEST (no_items_is_a_sleep)
{
    int64_t start = now_ms ();
    CHECK_INT (zmq_poll (NULL, 0, 0), 0);
    CHECK_INT (zmq_poll (NULL, 0, 50), 0);
    CHECK (now_ms () - start >= 49);
    zmq_pollitem_t unused = {NULL, 0, 0, 0};
    CHECK_INT (zmq_poll (&unused, 0, 10), 0);
}

TEST (bad_arguments)
{
    zmq_pollitem_t item = {NULL, 0, ZMQ_POLLIN, 0};
    CHECK_ERRNO (zmq_poll (NULL, 1, 0), EFAULT);
    CHECK_ERRNO (zmq_poll (NULL, 1, -1), EFAULT);
    CHECK_ERRNO (zmq_poll (&item, -1, 0), EINVAL);
}

TEST (closed_socket_is_no_socket)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *other = open_socket (context, ZMQ_PULL);
    int not_a_socket[64] = {0};
    zmq_pollitem_t items[2] = {{other, 0, ZMQ_POLLIN, 0}, {not_a_socket, 0, ZMQ_POLLIN, 0}};
    CHECK_ERRNO (zmq_poll (items, 2, 0), ENOTSOCK);
    (void) pull;
    FINISH (context, other, pull);
}

TRANSPORT_TEST (wakes_for_a_message)
{
    static const long limits[] = {-1, PATIENCE_MS};
    for (int n = 0; n < 2; n++) {
        void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
        zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
        int64_t start = now_ms ();
        pthread_t sender = start_thread (send_later, push);
        CHECK_INT (zmq_poll (&item, 1, limits[n]), 1);
        CHECK_INT (item.revents, ZMQ_POLLIN);
        CHECK (now_ms () - start >= LATER_MS - 1);
        CHECK (now_ms () - start < LATER_MS + LATE_MS);
        end_thread (sender);
        /*  Level-triggered: it is readable until the message is read.  */
        CHECK_INT (zmq_poll (&item, 1, 0), 1);
        EXPECT_TEXT (pull, "later");
        CHECK_INT (zmq_poll (&item, 1, 0), 0);
        CHECK_INT (item.revents, 0);
        FINISH (context, pull, push);
    }
}

TRANSPORT_TEST (poll_reports_which_of_many)
{
    enum { COUNT = 10 };
    void *context = zmq_ctx_new ();
    void *pulls[COUNT], *pushes[COUNT];
    zmq_pollitem_t items[COUNT];
    for (int n = 0; n < COUNT; n++) {
        pulls[n] = open_socket (context, ZMQ_PULL);
        pushes[n] = open_socket (context, ZMQ_PUSH);
        join (pulls[n], pushes[n], transport);
        items[n] = (zmq_pollitem_t){pulls[n], -1, ZMQ_POLLIN, 0};
    }
    for (int n = 0; n < COUNT; n++) {
        send_text (pushes[n], "x", 0);
        CHECK_INT (zmq_poll (items, COUNT, PATIENCE_MS), 1);
        for (int k = 0; k < COUNT; k++)
            CHECK_INT (items[k].revents, k == n ? ZMQ_POLLIN : 0);
        EXPECT_TEXT (pulls[n], "x");
    }
    send_text (pushes[2], "x", 0);
    send_text (pushes[7], "x", 0);
    wait_events (pulls[2], ZMQ_POLLIN);
    wait_events (pulls[7], ZMQ_POLLIN);
    CHECK_INT (zmq_poll (items, COUNT, -1), 2);
    for (int n = 0; n < COUNT; n++) {
        CHECK_OK (zmq_close (pulls[n]));
        CHECK_OK (zmq_close (pushes[n]));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (writable)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, 1);
    set_int (pull, ZMQ_RCVHWM, 1);
    zmq_pollitem_t item = {push, 0, ZMQ_POLLOUT, 0};
    CHECK_INT (zmq_poll (&item, 1, 20), 0);
    join (pull, push, "inproc");
    CHECK_INT (zmq_poll (&item, 1, PATIENCE_MS), 1);
    CHECK_INT (item.revents, ZMQ_POLLOUT);
    CHECK_INT (fill (push, 10), 2);
    CHECK_INT (zmq_poll (&item, 1, 20), 0);
    EXPECT_TEXT (pull, "m");
    CHECK_INT (zmq_poll (&item, 1, PATIENCE_MS), 1);
    /*  A direction that a type has not is never ready, nor is it asked for.  */
    zmq_pollitem_t both = {push, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    CHECK_INT (zmq_poll (&both, 1, 0), 1);
    CHECK_INT (both.revents, ZMQ_POLLOUT);
    zmq_pollitem_t in = {push, 0, ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&in, 1, 0), 0);
    zmq_pollitem_t none = {push, 0, 0, 7};
    CHECK_INT (zmq_poll (&none, 1, 0), 0);
    CHECK_INT (none.revents, 0);
    /*  Errors are no matter of sockets.  */
    zmq_pollitem_t error = {push, 0, ZMQ_POLLERR | ZMQ_POLLPRI, 0};
    CHECK_INT (zmq_poll (&error, 1, 0), 0);
    FINISH (context, push, pull);
}

static void *receive_soon (void *socket)
{
    sleep_ms (40);
    EXPECT_TEXT (socket, "m");
    return NULL;
}

TEST (wakes_for_room)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 1);
    CHECK_INT (fill (push, 10), 2);
    pthread_t receiver = start_thread (receive_soon, pull);
    wait_events (push, ZMQ_POLLOUT);
    end_thread (receiver);
    FINISH (context, push, pull);
}

TEST (descriptors)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    zmq_pollitem_t items[2] = {{NULL, ends[0], ZMQ_POLLIN, 0}, {NULL, ends[1], ZMQ_POLLOUT, 0}};
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, ZMQ_POLLOUT);
    CHECK_INT (zmq_poll (items, 1, 20), 0);
    CHECK_INT (write (ends[1], "x", 1), 1);
    CHECK_INT (zmq_poll (items, 2, -1), 2);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    /*  Level-triggered.  */
    CHECK_INT (zmq_poll (items, 1, 0), 1);
    char byte;
    CHECK_INT (read (ends[0], &byte, 1), 1);
    CHECK_INT (zmq_poll (items, 1, 0), 0);
    /*  The other end is closed: an error is reported, asked for or not.  */
    CHECK_OK (close (ends[0]));
    zmq_pollitem_t broken = {NULL, ends[1], ZMQ_POLLERR, 0};
    CHECK_INT (zmq_poll (&broken, 1, 100), 1);
    CHECK (broken.revents & ZMQ_POLLERR);
    CHECK_OK (close (ends[1]));
}

/*  Every time limit below zero means none.  */
TEST (negative_times_wait_for_ever)
{
    static const long limits[] = {-2, -1000, LONG_MIN};
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    join (pull, push, "inproc");
    for (int n = 0; n < 3; n++) {
        zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
        pthread_t sender = start_thread (send_later, push);
        CHECK_INT (zmq_poll (&item, 1, limits[n]), 1);
        end_thread (sender);
        EXPECT_TEXT (pull, "later");
    }
    FINISH (context, pull, push);
}

TEST (descriptors_twice_unused_and_of_files)
{
    int ends[2], file = open ("/dev/null", O_RDWR);
    CHECK (file >= 0);
    CHECK_OK (socketpair (AF_UNIX, SOCK_STREAM, 0, ends));
    zmq_pollitem_t twice[2] = {{NULL, ends[0], ZMQ_POLLIN, 0}, {NULL, ends[0], ZMQ_POLLOUT, 0}};
    CHECK_INT (zmq_poll (twice, 2, 20), 1);
    CHECK_INT (twice[0].revents, 0);
    CHECK_INT (twice[1].revents, ZMQ_POLLOUT);
    zmq_pollitem_t unused = {NULL, -1, ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&unused, 1, 20), 0);
    zmq_pollitem_t ready = {NULL, file, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    CHECK_INT (zmq_poll (&ready, 1, 20), 1);
    CHECK_INT (ready.revents, ZMQ_POLLIN | ZMQ_POLLOUT);
    /*  The end of the other side is reported also where no event is asked for.  */
    CHECK_OK (close (ends[1]));
    zmq_pollitem_t nothing = {NULL, ends[0], 0, 0};
    CHECK_INT (zmq_poll (&nothing, 1, 20), 1);
    CHECK (nothing.revents & ZMQ_POLLERR);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (file));
}

TEST (listening_descriptor)
{
    int port;
    int listener = plain_listen (&port);
    zmq_pollitem_t item = {NULL, listener, ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&item, 1, 20), 0);
    int client = plain_connect (port);
    CHECK_INT (zmq_poll (&item, 1, PATIENCE_MS), 1);
    CHECK_INT (item.revents, ZMQ_POLLIN);
    int server = plain_accept (listener);
    CHECK_INT (send (client, "!", 1, MSG_OOB), 1);
    zmq_pollitem_t urgent = {NULL, server, ZMQ_POLLPRI, 0};
    CHECK_INT (zmq_poll (&urgent, 1, PATIENCE_MS), 1);
    CHECK_INT (urgent.revents, ZMQ_POLLPRI);
    CHECK_OK (close (client));
    CHECK_OK (close (server));
    CHECK_OK (close (listener));
}

static void *write_soon (void *fd)
{
    sleep_ms (40);
    CHECK_INT (write (*(int *) fd, "x", 1), 1);
    return NULL;
}

TRANSPORT_TEST (sockets_and_descriptors_together)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
    int ends[2];
    CHECK_OK (pipe (ends));
    zmq_pollitem_t items[3] = {{pull, 0, ZMQ_POLLIN, 0},
                               {NULL, ends[0], ZMQ_POLLIN, 0},
                               /*  A socket goes before a descriptor.  */
                               {pull, ends[1], ZMQ_POLLOUT, 0}};
    CHECK_INT (zmq_poll (items, 3, 20), 0);
    pthread_t writer = start_thread (write_soon, &ends[1]);
    CHECK_INT (zmq_poll (items, 3, PATIENCE_MS), 1);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    CHECK_INT (items[2].revents, 0);
    end_thread (writer);
    char byte;
    CHECK_INT (read (ends[0], &byte, 1), 1);
    pthread_t sender = start_thread (send_later, push);
    CHECK_INT (zmq_poll (items, 3, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (items[1].revents, 0);
    end_thread (sender);
    CHECK_INT (write (ends[1], "x", 1), 1);
    CHECK_INT (zmq_poll (items, 3, -1), 2);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    FINISH (context, pull, push);
}

/*  The same socket twice in one list.  */
TEST (one_socket_in_two_items)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR);
    void *two = open_socket (context, ZMQ_PAIR);
    join (one, two, "inproc");
    send_text (two, "x", 0);
    zmq_pollitem_t items[2] = {{one, 0, ZMQ_POLLIN, 0}, {one, 0, ZMQ_POLLOUT, 0}};
    CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 2);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (items[1].revents, ZMQ_POLLOUT);
    FINISH (context, one, two);
}

TEST (two_hundred_sockets)
{
    enum { COUNT = 200 };
    void *context = zmq_ctx_new ();
    static void *pulls[COUNT];
    static zmq_pollitem_t items[COUNT];
    void *push = open_socket (context, ZMQ_PUSH);
    for (int n = 0; n < COUNT; n++) {
        pulls[n] = open_socket (context, ZMQ_PULL);
        items[n] = (zmq_pollitem_t){pulls[n], 0, ZMQ_POLLIN, 0};
    }
    CHECK_OK (zmq_bind (pulls[177], "inproc://name"));
    CHECK_OK (zmq_connect (push, "inproc://name"));
    send_text (push, "x", 0);
    CHECK_INT (zmq_poll (items, COUNT, PATIENCE_MS), 1);
    CHECK_INT (items[177].revents, ZMQ_POLLIN);
    for (int n = 0; n < COUNT; n++)
        CHECK_OK (zmq_close (pulls[n]));
    FINISH (context, push);
}

static void *shut_down_soon (void *context)
{
    sleep_ms (40);
    CHECK_OK (zmq_ctx_shutdown (context));
    return NULL;
}

TEST (terminated_context)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    pthread_t ender = start_thread (shut_down_soon, context);
    zmq_pollitem_t items[2] = {{pull, 0, ZMQ_POLLIN, 0}, {push, 0, ZMQ_POLLOUT, 0}};
    CHECK_ERRNO (zmq_poll (items, 2, PATIENCE_MS), ETERM);
    CHECK_ERRNO (zmq_poll (items, 1, 0), ETERM);
    end_thread (ender);
    FINISH (context, pull, push);
}

/*  ZMQ_FD: a descriptor that becomes readable when EVENTS may have changed.
 *  It must be read edge-wise: after each wake-up everything is taken.  */
enum { LOOP_MESSAGES = 2000 };

static void *send_many (void *socket)
{
    for (int n = 0; n < LOOP_MESSAGES; n++) {
        CHECK_INT (zmq_send (socket, &n, sizeof n, 0), sizeof n);
        if (n % 100 == 0)
            sleep_ms (1);
    }
    return NULL;
}

/*  Receives what is there; returns how many.  */
static int take_all (void *socket, int expected)
{
    int taken = 0, got;
    while (shows (socket, ZMQ_POLLIN)) {
        CHECK_INT (zmq_recv (socket, &got, sizeof got, ZMQ_DONTWAIT), sizeof got);
        CHECK_INT (got, expected + taken);
        taken++;
    }
    return taken;
}

static int descriptor_of (void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_FD, &fd, &size));
    CHECK (fd >= 0);
    return fd;
}

typedef enum { BY_POLL, BY_SELECT, BY_EPOLL, BY_EPOLL_EDGE } waiting;

static bool wait_readable (int fd, waiting how, int epoll)
{
    if (how == BY_POLL) {
        struct pollfd item = {fd, POLLIN, 0};
        return poll (&item, 1, PATIENCE_MS) == 1;
    }
    if (how == BY_SELECT) {
        struct timeval limit = {PATIENCE_MS / 1000, 0};
        fd_set readable;
        FD_ZERO (&readable);
        FD_SET (fd, &readable);
        return select (fd + 1, &readable, NULL, NULL, &limit) == 1;
    }
    struct epoll_event event;
    return epoll_wait (epoll, &event, 1, PATIENCE_MS) == 1;
}

static void descriptor_loop (const char *transport, waiting how)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
    int fd = descriptor_of (pull);
    CHECK_INT (descriptor_of (pull), fd);
    int epoll = epoll_create1 (EPOLL_CLOEXEC);
    struct epoll_event interest = {EPOLLIN | (how == BY_EPOLL_EDGE ? EPOLLET : 0u), {.fd = fd}};
    CHECK_OK (epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &interest));
    pthread_t sender = start_thread (send_many, push);
    int count = take_all (pull, 0);
    while (count < LOOP_MESSAGES) {
        CHECK (wait_readable (fd, how, epoll));
        count += take_all (pull, count);
    }
    end_thread (sender);
    CHECK_INT (take_all (pull, count), 0);
    CHECK_OK (close (epoll));
    FINISH (context, pull, push);
}

TRANSPORT_TEST (descriptor_with_poll) { descriptor_loop (transport, BY_POLL); }
TRANSPORT_TEST (descriptor_with_select) { descriptor_loop (transport, BY_SELECT); }
TRANSPORT_TEST (descriptor_with_epoll) { descriptor_loop (transport, BY_EPOLL); }
TRANSPORT_TEST (descriptor_with_edge_triggered_epoll) { descriptor_loop (transport, BY_EPOLL_EDGE); }

/*  A loop that took the descriptor before it binds and connects learns by it
 *  that EVENTS may have changed: POLLOUT, with nobody at the other end yet.  */
static void descriptor_tells_of_endpoints (const char *bound, const char *connected)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    set_int (dealer, ZMQ_LINGER, 0);
    int fd = descriptor_of (dealer);
    struct pollfd item = {fd, POLLIN, 0};
    CHECK_INT (poll (&item, 1, 0), 0);
    CHECK_OK (zmq_bind (dealer, bound));
    CHECK (wait_readable (fd, BY_POLL, -1));
    CHECK (!shows (dealer, ZMQ_POLLOUT));
    CHECK_INT (poll (&item, 1, 0), 0);
    CHECK_OK (zmq_connect (dealer, connected));
    CHECK (wait_readable (fd, BY_POLL, -1));
    CHECK (shows (dealer, ZMQ_POLLOUT));
    CHECK_OK (zmq_disconnect (dealer, connected));
    CHECK (wait_readable (fd, BY_POLL, -1));
    CHECK (!shows (dealer, ZMQ_POLLOUT));
    //  So does one that was asked for only afterwards.
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, connected));
    CHECK (wait_readable (descriptor_of (push), BY_POLL, -1));
    set_int (push, ZMQ_LINGER, 0);
    FINISH (context, dealer, push);
}

TEST (descriptor_reports_tcp_endpoints)
{
    //  Nobody listens on port 1.
    descriptor_tells_of_endpoints ("tcp://127.0.0.1:*", "tcp://127.0.0.1:1");
}

TEST (descriptor_reports_ipc_endpoints)
{
    descriptor_tells_of_endpoints ("ipc://*", "ipc://nobody-listens-here");
}

/*  It wakes for room as well: never forever, if EVENTS is checked.  */
TEST (descriptor_wakes_for_room)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 1);
    int fd = descriptor_of (push);
    CHECK_INT (fill (push, 10), 2);
    CHECK (!shows (push, ZMQ_POLLOUT));
    pthread_t receiver = start_thread (receive_soon, pull);
    while (!shows (push, ZMQ_POLLOUT))
        CHECK (wait_readable (fd, BY_POLL, -1));
    end_thread (receiver);
    FINISH (context, push, pull);
}

/*  A REP server in a loop of its own, sending from within the loop: the
 *  well-known trap of edges swallowed by zmq_send.  */
static void *ask_many (void *socket)
{
    for (int n = 0; n < 300; n++) {
        int got = -1;
        CHECK_INT (zmq_send (socket, &n, sizeof n, 0), sizeof n);
        CHECK_INT (zmq_recv (socket, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    return NULL;
}

TRANSPORT_TEST (descriptor_loop_that_answers)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, transport);
    int fd = descriptor_of (rep), served = 0;
    pthread_t client = start_thread (ask_many, req);
    while (served < 300) {
        while (served < 300 && shows (rep, ZMQ_POLLIN)) {
            int got;
            CHECK_INT (zmq_recv (rep, &got, sizeof got, ZMQ_DONTWAIT), sizeof got);
            CHECK_INT (zmq_send (rep, &got, sizeof got, 0), sizeof got);
            served++;
        }
        if (served < 300)
            CHECK (wait_readable (fd, BY_POLL, -1));
    }
    end_thread (client);
    FINISH (context, rep, req);
}

TEST (events_of_a_socket)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR);
    void *two = open_socket (context, ZMQ_PAIR);
    CHECK_INT (get_int (one, ZMQ_EVENTS), 0);
    join (one, two, "inproc");
    CHECK_INT (get_int (one, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_text (two, "x", 0);
    CHECK_INT (get_int (one, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    EXPECT_TEXT (one, "x");
    CHECK_INT (get_int (one, ZMQ_EVENTS), ZMQ_POLLOUT);
    FINISH (context, one, two);
}

TEST (a_descriptor_that_was_closed_is_an_error)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PULL);
    int ends[2];
    CHECK_OK (pipe (ends));
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    zmq_pollitem_t items[] = {{NULL, ends[0], ZMQ_POLLIN, 0}, {socket, 0, ZMQ_POLLIN, 0}};
    CHECK_INT (zmq_poll (items, 1, 0), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLERR);
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLERR);
    CHECK_INT (items[1].revents, 0);
    FINISH (context, socket);
}

TEST (a_peer_that_goes_ends_a_wait_for_a_descriptor)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    CHECK_OK (close (ends[1]));
    zmq_pollitem_t item = {NULL, ends[0], ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK (item.revents & (ZMQ_POLLIN | ZMQ_POLLERR));
    CHECK_OK (close (ends[0]));
}
