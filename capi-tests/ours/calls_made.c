/*  Which system calls the library makes, and in which thread: they cost more than
 *  what they are made for.
 *
 *  The calls of the library come to the functions below, as those of a program
 *  come before those of the C library.
 */
#include "../callers.h"

#include <sched.h>

#define ATTEMPTS 50

/*  Calls of each kind, while they are counted.  */
static atomic_bool counts;
static atomic_int sleeps, masks;

int ppoll (struct pollfd *all, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    //  The system changes the time.
    struct timespec left = timeout ? *timeout : (struct timespec) {0, 0};
    atomic_fetch_add (&sleeps, atomic_load (&counts));
    return (int) syscall (SYS_ppoll, all, count, timeout ? &left : NULL, mask, _NSIG / 8);
}

int clock_nanosleep (clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    atomic_fetch_add (&sleeps, atomic_load (&counts));
    return syscall (SYS_clock_nanosleep, clock, flags, time, left) ? errno : 0;
}

int pthread_sigmask (int how, const sigset_t *new, sigset_t *old)
{
    atomic_fetch_add (&masks, atomic_load (&counts));
    return syscall (SYS_rt_sigprocmask, how, new, old, _NSIG / 8) ? errno : 0;
}

/*  The thread that got bytes last.  */
static atomic_int reader;

ssize_t recv (int descriptor, void *bytes, size_t size, int flags)
{
    ssize_t done = syscall (SYS_recvfrom, descriptor, bytes, size, flags, NULL, NULL);
    if (done > 0)
        atomic_store (&reader, thread_id ());
    return done;
}

/*  A thread is in zmq_connect, and no other one has let it go first; connections that were started
 *  in that time.  */
static atomic_bool connects;
static atomic_int begun_meanwhile;

int sched_yield (void)
{
    atomic_store (&connects, false);
    return (int) syscall (SYS_sched_yield);
}

int connect (int descriptor, const struct sockaddr *address, socklen_t size)
{
    atomic_fetch_add (&begun_meanwhile, atomic_load (&connects));
    return (int) syscall (SYS_connect, descriptor, address, size);
}

/*  A zmq_poll that ends by its time.  */
static void poll_in_vain (zmq_pollitem_t *items, int count)
{
    sleeps = masks = 0;
    atomic_store (&counts, true);
    int found = zmq_poll (items, count, 5);
    atomic_store (&counts, false);
    CHECK_INT (found, 0);
    CHECK_INT (sleeps, 1);
    CHECK_INT (masks, 0);
}

TEST (a_zmq_poll_without_sockets_is_one_system_call)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    zmq_pollitem_t item = {NULL, ends[0], ZMQ_POLLIN, 0};
    poll_in_vain (NULL, 0);
    poll_in_vain (&item, 1);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
}

/*  Answers a request when the thread that sent it sleeps.  */
static void *answer_asleep (void *socket)
{
    pid_t client;
    CHECK_INT (zmq_recv (socket, &client, sizeof client, 0), sizeof client);
    await_asleep (client, 2);
    CHECK_INT (zmq_send (socket, &client, sizeof client, 0), sizeof client);
    return NULL;
}

/*  It takes the reactor over from the I/O thread, unless the machine is so busy that it does not come
 *  to wait soon.  */
WIRE_TEST (a_thread_that_connects_and_waits_reads_the_reply_itself)
{
    void *server_context = zmq_ctx_new ();
    pid_t own = thread_id ();
    bool reads = false;
    for (int n = 0; n < ATTEMPTS && !reads; n++) {
        void *context = zmq_ctx_new ();
        void *server = open_socket (server_context, ZMQ_REP);
        void *client = open_socket (context, ZMQ_REQ);
        const char *endpoint = bind_to (server, fresh (transport));
        pthread_t answering = start_thread (answer_asleep, server);
        CHECK_OK (zmq_connect (client, endpoint));
        CHECK_INT (zmq_send (client, &own, sizeof own, 0), sizeof own);
        CHECK_INT (zmq_recv (client, &own, sizeof own, 0), sizeof own);
        reads = atomic_load (&reader) == own;
        end_thread (answering);
        CHECK_OK (zmq_close (server));
        FINISH (context, client);
    }
    CHECK (reads);
    CHECK_OK (zmq_ctx_term (server_context));
    scratch_remove ();
}

/*  With one processor the system runs the thread that a connect wakes in the place of the one that
 *  woke it, which has used more of its share.  */
TEST (a_zmq_connect_goes_before_the_connection_that_begins_on_its_processor)
{
    cpu_set_t all, one;
    CHECK_OK (sched_getaffinity (0, sizeof all, &all));
    CPU_ZERO (&one);
    for (int n = 0; CPU_COUNT (&one) == 0; n++)
        if (CPU_ISSET (n, &all))
            CPU_SET (n, &one);
    CHECK_OK (sched_setaffinity (0, sizeof one, &one));
    void *context = zmq_ctx_new ();
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    for (int n = 0; n < ATTEMPTS; n++) {
        void *client = open_socket (context, ZMQ_PUSH);
        spin_us (2000);
        atomic_store (&connects, true);
        CHECK_OK (zmq_connect (client, endpoint));
        atomic_store (&connects, false);
        CHECK_OK (close (plain_accept (listener)));
        set_int (client, ZMQ_LINGER, 0);
        CHECK_OK (zmq_close (client));
    }
    CHECK (begun_meanwhile < ATTEMPTS / 2);
    CHECK_OK (close (listener));
    CHECK_OK (zmq_ctx_term (context));
}
