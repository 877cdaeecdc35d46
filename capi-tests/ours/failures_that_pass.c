/*  A system call that fails once, for a reason that passes, leaves everything
 *  working: an exchange goes on and the context ends.  (libzmq does not survive all of this.)
 *
 *  The calls of the library come to the functions below, as those of a program
 *  come before those of the C library.
 */
#define TEST_LIMIT_S 120
#include "../peers.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

enum { EVENTFD_WRITE = 1, TIMERFD_SETTIME, PPOLL, POLL, EPOLL_WAIT, EPOLL_CTL };

/*  Which call fails, with what, and at which time; how often it was made.  */
static int failing, failure;
static long failing_at;
static atomic_long made;

static bool fails (int call)
{
    if (call != failing || atomic_fetch_add (&made, 1) + 1 != failing_at)
        return false;
    errno = failure;
    return true;
}

static bool is_eventfd (int descriptor)
{
    char path[40], target[40] = "";
    snprintf (path, sizeof path, "/proc/self/fd/%d", descriptor);
    return readlink (path, target, sizeof target - 1) > 0
           && strcmp (target, "anon_inode:[eventfd]") == 0;
}

ssize_t write (int descriptor, const void *bytes, size_t size)
{
    if (failing == EVENTFD_WRITE && size == 8 && is_eventfd (descriptor) && fails (EVENTFD_WRITE))
        return -1;
    return syscall (SYS_write, descriptor, bytes, size);
}

int timerfd_settime (int descriptor, int flags, const struct itimerspec *new,
                     struct itimerspec *old)
{
    return fails (TIMERFD_SETTIME)
             ? -1
             : (int) syscall (SYS_timerfd_settime, descriptor, flags, new, old);
}

int ppoll (struct pollfd *all, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    //  The system changes the time.
    struct timespec left = timeout ? *timeout : (struct timespec) {0, 0};
    return fails (PPOLL)
             ? -1
             : (int) syscall (SYS_ppoll, all, count, timeout ? &left : NULL, mask, _NSIG / 8);
}

int poll (struct pollfd *all, nfds_t count, int timeout)
{
    struct timespec left = {timeout / 1000, timeout % 1000 * 1000000L};
    return fails (POLL)
             ? -1
             : (int) syscall (SYS_ppoll, all, count, timeout < 0 ? NULL : &left, NULL, 0);
}

int epoll_wait (int descriptor, struct epoll_event *events, int count, int timeout)
{
    return fails (EPOLL_WAIT)
             ? -1
             : (int) syscall (SYS_epoll_pwait, descriptor, events, count, timeout, NULL, 0);
}

int epoll_ctl (int descriptor, int operation, int other, struct epoll_event *event)
{
    return fails (EPOLL_CTL) ? -1
                             : (int) syscall (SYS_epoll_ctl, descriptor, operation, other, event);
}

/*  Repeats a call that was interrupted, or, where `reports`,
 *  which it may, why it failed.  */
#define AGAIN(CALL, FAILED, REPORTS)                                          \
    do {                                                                      \
        int again_tries = 0;                                                  \
        while ((CALL) == (FAILED)) {                                          \
            CHECK (errno == EINTR || ((REPORTS) && errno == failure));        \
            CHECK (again_tries++ < 3);                                        \
        }                                                                     \
    } while (0)

static void *serve (void *rep)
{
    char body[8];
    for (int n = 0; n < 3; n++) {
        AGAIN (zmq_recv (rep, body, sizeof body, 0), -1, false);
        //  The thread that asked sleeps.
        usleep (2500);
        AGAIN (zmq_send (rep, body, 1, 0), -1, false);
    }
    return NULL;
}

static void exchange (const char *transport)
{
    char body[8];
    void *context = zmq_ctx_new (), *req, *rep;
    AGAIN (req = zmq_socket (context, ZMQ_REQ), NULL, true);
    AGAIN (rep = zmq_socket (context, ZMQ_REP), NULL, true);
    set_int (req, ZMQ_RECONNECT_IVL, 5);
    const char *name = fresh (transport);
    char endpoint[300];
    size_t size = sizeof endpoint;
    AGAIN (zmq_bind (rep, name), -1, true);
    CHECK_OK (zmq_getsockopt (rep, ZMQ_LAST_ENDPOINT, endpoint, &size));
    AGAIN (zmq_connect (req, endpoint), -1, true);
    pthread_t server = start_thread (serve, rep);
    for (int n = 0; n < 3; n++) {
        AGAIN (zmq_send (req, "x", 1, 0), -1, false);
        AGAIN (zmq_recv (req, body, sizeof body, 0), -1, false);
    }
    end_thread (server);
    //  The last one goes out, or is dropped, after the socket is closed.
    set_int (req, ZMQ_LINGER, 5);
    AGAIN (zmq_send (req, "x", 1, 0), -1, false);
    CHECK_OK (zmq_close (req));
    CHECK_OK (zmq_close (rep));
    AGAIN (zmq_ctx_term (context), -1, false);
}

/*  How often the call is made in an exchange, about; or whether an exchange
 *  ends when it fails one time.  */
static long in_child (const char *transport, int call, int number, long at)
{
    int status = -1, ends[2];
    long count = 0;
    CHECK_OK (pipe (ends));
    fflush (stdout);
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        alarm (20);
        failing = call;
        failure = number;
        failing_at = at;
        exchange (transport);
        failing = 0;
        count = atomic_load (&made);
        CHECK_INT (write (ends[1], &count, sizeof count), sizeof count);
        _exit (0);
    }
    CHECK_INT (waitpid (child, &status, 0), child);
    if (status != 0)
        harness_fail (__FILE__, __LINE__, "%s, call %ld, %s: status %d", transport, at,
                      strerror (number), status);
    CHECK_INT (read (ends[0], &count, sizeof count), sizeof count);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    return count;
}

static void fail_each (int call, const char *transport)
{
    static const int numbers[] = {EIO, EPERM, EINTR, ENOBUFS, ENOMEM};
    long count = in_child (transport, call, 0, 0);
    //  The first ones in all ways, and of the others, which are like these, each in one.
    for (long at = 1; at <= count && at <= 60; at++)
        for (int n = 0; n < 5; n++)
            if (at <= 8 || n == at % 5)
                in_child (transport, call, numbers[n], at);
}

TRANSPORT_TEST (a_write_to_an_eventfd_that_fails_once) { fail_each (EVENTFD_WRITE, transport); }
TRANSPORT_TEST (a_timerfd_settime_that_fails_once) { fail_each (TIMERFD_SETTIME, transport); }
TRANSPORT_TEST (a_ppoll_that_fails_once) { fail_each (PPOLL, transport); }
TRANSPORT_TEST (a_poll_that_fails_once) { fail_each (POLL, transport); }
TRANSPORT_TEST (an_epoll_wait_that_fails_once) { fail_each (EPOLL_WAIT, transport); }
TRANSPORT_TEST (an_epoll_ctl_that_fails_once) { fail_each (EPOLL_CTL, transport); }
