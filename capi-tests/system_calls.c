/*  Programs that allow themselves only some system calls (seccomp): those that
 *  libzmq gets by with are enough, whatever the others answer, and whether the
 *  filter comes before the context or when everything is running.
 */
#include "peers.h"
#include "seccomp.h"

/*  What is to be filtered, and how.  */
typedef struct {
    const int *calls;
    size_t count;
    bool are_allowed, at_the_start;
    int number;
} rules;

static void apply (const rules *r, bool at_the_start)
{
    if (r->at_the_start == at_the_start)
        filter (r->calls, r->count, r->are_allowed, r->number);
}

static void round_trips (void *req, void *rep, int count, size_t size)
{
    char *body = calloc (1, size);
    for (int n = 0; n < count; n++) {
        CHECK_INT (zmq_send (req, body, size, 0), size);
        CHECK_INT (zmq_recv (rep, body, size, 0), size);
        CHECK_INT (zmq_send (rep, body, size, 0), size);
        CHECK_INT (zmq_recv (req, body, size, 0), size);
    }
    free (body);
}

/*  Times that end without a message, soon enough.  */
static void times (void *socket)
{
    int64_t begin = now_ms ();
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    set_int (socket, ZMQ_RCVTIMEO, 20);
    CHECK_ERRNO (zmq_recv (socket, NULL, 0, 0), EAGAIN);
    set_int (socket, ZMQ_RCVTIMEO, PATIENCE_MS);
    CHECK_INT (zmq_poll (&item, 1, 20), 0);
    CHECK_INT (zmq_poll (NULL, 0, 5), 0);
    CHECK (now_ms () - begin >= 44);
    CHECK (now_ms () - begin < PATIENCE_MS);
}

/*  A descriptor wakes a zmq_poll, and a message a poll of ZMQ_FD.  */
static void descriptors (void *req, void *rep)
{
    int ends[2], fd;
    size_t size = sizeof fd;
    CHECK_OK (pipe (ends));
    zmq_pollitem_t items[] = {{rep, 0, ZMQ_POLLIN, 0}, {NULL, ends[0], ZMQ_POLLIN, 0}};
    CHECK_INT (write (ends[1], "", 1), 1);
    CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 1);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    CHECK_OK (zmq_getsockopt (rep, ZMQ_FD, &fd, &size));
    send_text (req, "request", 0);
    int64_t end = now_ms () + PATIENCE_MS;
    while (!(get_int (rep, ZMQ_EVENTS) & ZMQ_POLLIN)) {
        struct pollfd own = {fd, POLLIN, 0};
        CHECK_INT (poll (&own, 1, PATIENCE_MS), 1);
        CHECK (now_ms () < end);
    }
    EXPECT_TEXT (rep, "request");
    send_text (rep, "reply", 0);
    EXPECT_TEXT (req, "reply");
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
}

/*  Ends a wait that sleeps.  */
static void wakes (void *req, void *rep)
{
    pthread_t sender = start_thread (send_later, req);
    EXPECT_TEXT (rep, "later");
    end_thread (sender);
    sender = start_thread (send_later, rep);
    EXPECT_TEXT (req, "later");
    end_thread (sender);
}

/*  Peers of which nobody calls one: it connects again and again until there is
 *  somebody, and then sends what it has.  */
static void unattended (const char *transport)
{
    void *context = zmq_ctx_new (), *other = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (other, ZMQ_PUSH);
    char endpoint[100];
    if (strcmp (transport, "ipc") == 0)
        snprintf (endpoint, sizeof endpoint, "ipc://%s/%d", scratch_directory (), (int) getpid ());
    else
        strcpy (endpoint, bind_to (pull, fresh (transport)));
    if (zmq_unbind (pull, endpoint) != 0)
        CHECK_INT (errno, ENOENT);
    set_int (push, ZMQ_RECONNECT_IVL, 5);
    set_int (push, ZMQ_HEARTBEAT_IVL, 20);
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "one", 0);
    send_text (push, "two", 0);
    zmq_poll (NULL, 0, 20);
    //  libzmq frees an address somewhat later.
    int64_t end = now_ms () + PATIENCE_MS;
    while (zmq_bind (pull, endpoint) != 0)
        CHECK (errno == EADDRINUSE && now_ms () < end);
    EXPECT_TEXT (pull, "one");
    EXPECT_TEXT (pull, "two");
    FINISH (context, pull);
    FINISH (other, push);
}

/*  A peer that is closed is seen to go, behind what it sent.  */
static void ends (const char *transport)
{
    char id[16], part[16];
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_STREAM), *two = open_socket (context, ZMQ_STREAM);
    join (one, two, transport);
    //  Both receive the event of the connection.
    CHECK (zmq_recv (one, id, sizeof id, 0) > 0);
    CHECK_INT (zmq_recv (one, part, sizeof part, 0), 0);
    int size = zmq_recv (two, id, sizeof id, 0);
    CHECK (size > 0);
    CHECK_INT (zmq_recv (two, part, sizeof part, 0), 0);
    set_int (two, ZMQ_LINGER, PATIENCE_MS);
    CHECK_INT (zmq_send (two, id, size, ZMQ_SNDMORE), size);
    CHECK_INT (zmq_send (two, "last", 4, 0), 4);
    CHECK_OK (zmq_close (two));
    CHECK (zmq_recv (one, id, sizeof id, 0) > 0);
    CHECK_INT (zmq_recv (one, part, sizeof part, 0), 4);
    CHECK (zmq_recv (one, id, sizeof id, 0) > 0);
    CHECK_INT (zmq_recv (one, part, sizeof part, 0), 0);
    FINISH (context, one);
}

static void timer_handler (int id, void *argument)
{
    (void) id;
    ++*(int *) argument;
}

static void timers (void)
{
    int count = 0;
    void *timers = zmq_timers_new ();
    CHECK (zmq_timers_add (timers, 10, timer_handler, &count) > 0);
    int64_t end = now_ms () + PATIENCE_MS;
    while (count < 2) {
        CHECK_INT (zmq_poll (NULL, 0, zmq_timers_timeout (timers)), 0);
        CHECK_OK (zmq_timers_execute (timers));
        CHECK (now_ms () < end);
    }
    CHECK_OK (zmq_timers_destroy (&timers));
}

static void use (const char *transport, const rules *r)
{
    apply (r, true);
    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *req = open_socket (context, ZMQ_REQ), *rep = open_socket (context, ZMQ_REP);
    join (rep, req, transport);
    round_trips (req, rep, 3, 1);
    apply (r, false);
    round_trips (req, rep, 100, 1);
    round_trips (req, rep, 10, 10000);
    round_trips (req, rep, 2, 1000000);
    times (rep);
    descriptors (req, rep);
    wakes (req, rep);
    timers ();
    FINISH (context, req, rep);
    if (!is_inproc (transport))
        unattended (transport);
    if (strcmp (transport, "tcp") == 0)
        ends (transport);
}

/*  Every transport, each way to refuse, from the start or later, all at a time.  */
static void use_all (const int *calls, size_t count, bool are_allowed)
{
    static const char *transports[] = {"inproc", "tcp", "ipc"};
    static const int numbers[] = {EPERM, ENOSYS};
    pid_t children[12];
    bool failed = false;
    //  ipc files go to a directory that the filter may not allow to make.
    scratch_directory ();
    fflush (stdout);
    for (int n = 0; n < 12; n++) {
        rules r = {calls, count, are_allowed, n & 1, numbers[n / 2 % 2]};
        children[n] = fork ();
        CHECK (children[n] >= 0);
        if (children[n] == 0) {
            alarm (TEST_LIMIT_S);
            use (transports[n / 4], &r);
            fflush (stdout);
            _exit (0);
        }
    }
    for (int n = 0; n < 12; n++) {
        int status = -1;
        CHECK_INT (waitpid (children[n], &status, 0), children[n]);
        if (status != 0)
            printf ("    %s, %s, filter %s: status %d\n", transports[n / 4],
                    strerror (numbers[n / 2 % 2]), n & 1 ? "first" : "later", status);
        failed |= status != 0;
    }
    scratch_remove ();
    CHECK (!failed);
}

#define DENIED_TEST(NAME, ...)                                                \
    TEST (NAME)                                                               \
    {                                                                         \
        const int calls[] = {__VA_ARGS__};                                    \
        use_all (calls, sizeof calls / sizeof *calls, false);                 \
    }

DENIED_TEST (without_timerfd, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime)
DENIED_TEST (without_setting_a_timerfd, SYS_timerfd_settime)
DENIED_TEST (without_ppoll, SYS_ppoll)
DENIED_TEST (without_statx, SYS_statx)
DENIED_TEST (without_sendmsg, SYS_sendmsg)
DENIED_TEST (without_recvmsg, SYS_recvmsg)
DENIED_TEST (without_sched_yield, SYS_sched_yield)
DENIED_TEST (without_shutdown, SYS_shutdown)
DENIED_TEST (without_any_of_these, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
             SYS_ppoll, SYS_statx, SYS_sendmsg, SYS_sched_yield, SYS_writev, SYS_readv, SYS_gettid,
             SYS_epoll_pwait, SYS_sched_setaffinity, SYS_memfd_create, SYS_pselect6,
             SYS_shutdown)

#ifdef __x86_64__
/*  What libzmq 4.3.4 was seen to use in these tests, and what they use
 *  themselves.  */
TEST (with_the_calls_of_libzmq_alone)
{
    static const int calls[] = {
      SYS_accept4, SYS_access, SYS_bind, SYS_brk, SYS_clock_gettime, SYS_clock_nanosleep, SYS_clone,
      SYS_clone3, SYS_close, SYS_connect, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait,
      SYS_eventfd2, SYS_exit, SYS_exit_group, SYS_fcntl, SYS_futex, SYS_getpeername, SYS_getpid,
      SYS_getrandom, SYS_getsockname, SYS_getsockopt, SYS_listen, SYS_lseek, SYS_madvise, SYS_mkdir,
      SYS_mmap, SYS_mprotect, SYS_munmap, SYS_newfstatat, SYS_openat, SYS_pipe, SYS_pipe2, SYS_poll,
      SYS_prctl, SYS_prlimit64, SYS_pread64, SYS_read, SYS_recvfrom, SYS_recvmsg, SYS_restart_syscall, SYS_rmdir, SYS_rseq,
      SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sched_getaffinity,
      SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_setscheduler, SYS_seccomp, SYS_sendto,
      SYS_set_robust_list, SYS_setsockopt, SYS_socket, SYS_tgkill, SYS_unlink, SYS_write};
    use_all (calls, sizeof calls / sizeof *calls, true);
}
#endif
