/*  A signal handler that runs during a blocking call makes it return EINTR,
 *  with SA_RESTART or without; the same call can be made again.  */
#include "peers.h"

static volatile sig_atomic_t handled;

static void count_signal (int number)
{
    (void) number;
    handled++;
}

static void install (int flags)
{
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
}

static pthread_t target;
static volatile bool stop_signals;

/*  Signals every 30 ms until stopped: one that comes before the call
 *  started is not the last.  */
static void *send_signals (void *argument)
{
    (void) argument;
    while (!stop_signals) {
        sleep_ms (30);
        if (!stop_signals)
            CHECK_OK (pthread_kill (target, SIGUSR1));
    }
    return NULL;
}

static pthread_t start_signals (void)
{
    target = pthread_self ();
    stop_signals = false;
    return start_thread (send_signals, NULL);
}

static void end_signals (pthread_t thread)
{
    stop_signals = true;
    end_thread (thread);
}

/*  The call is interrupted, and took no longer than patience allows.  */
#define INTERRUPTED(CALL)                                                     \
    do {                                                                      \
        int before = handled;                                                 \
        pthread_t signals = start_signals ();                                 \
        CHECK_ERRNO (CALL, EINTR);                                            \
        CHECK (handled > before);                                             \
        end_signals (signals);                                                \
    } while (0)

/*  NAME runs with SA_RESTART and without.  */
#define SIGNAL_TEST(NAME)                                                     \
    static void with_##NAME (void);                                           \
    TEST (NAME)                                                               \
    {                                                                         \
        install (0);                                                          \
        with_##NAME ();                                                       \
    }                                                                         \
    TEST (NAME##_sa_restart)                                                  \
    {                                                                         \
        install (SA_RESTART);                                                 \
        with_##NAME ();                                                       \
    }                                                                         \
    static void with_##NAME (void)

SIGNAL_TEST (receive)
{
    static const char *const transports[] = {"tcp", "inproc"};
    for (int n = 0; n < 2; n++) {
        void *context = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL);
        void *push = open_socket (context, ZMQ_PUSH);
        char byte;
        join (pull, push, transports[n]);
        set_int (pull, ZMQ_RCVTIMEO, -1);
        INTERRUPTED (zmq_recv (pull, &byte, 1, 0));
        set_int (pull, ZMQ_RCVTIMEO, PATIENCE_MS);
        INTERRUPTED (zmq_recv (pull, &byte, 1, 0));
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        INTERRUPTED (zmq_msg_recv (&message, pull, 0));
        CHECK_OK (zmq_msg_close (&message));
        send_text (push, "after", 0);
        EXPECT_TEXT (pull, "after");
        FINISH (context, pull, push);
    }
}

SIGNAL_TEST (send)
{
    static const int limits[] = {-1, PATIENCE_MS};
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    for (int n = 0; n < 2; n++) {
        set_int (push, ZMQ_SNDTIMEO, limits[n]);
        INTERRUPTED (zmq_send (push, "lost", 4, 0));
    }
    /*  The message stays the caller's.  */
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_size (&message, 5));
    memcpy (zmq_msg_data (&message), "again", 5);
    INTERRUPTED (zmq_msg_send (&message, push, 0));
    CHECK_INT (zmq_msg_size (&message), 5);
    void *pull = open_socket (context, ZMQ_PULL);
    join (pull, push, "tcp");
    CHECK_INT (zmq_msg_send (&message, push, 0), 5);
    EXPECT_TEXT (pull, "again");
    FINISH (context, push, pull);
}

/*  Neither peer nor position in the state machine is lost.  */
SIGNAL_TEST (request_and_reply)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, "tcp");
    INTERRUPTED (zmq_recv (rep, NULL, 0, 0));
    send_text (req, "q", 0);
    INTERRUPTED (zmq_recv (req, NULL, 0, 0));
    EXPECT_TEXT (rep, "q");
    send_text (rep, "a", 0);
    EXPECT_TEXT (req, "a");
    FINISH (context, rep, req);
}

SIGNAL_TEST (poll)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "tcp", 0);
    int ends[2];
    CHECK_OK (pipe (ends));
    zmq_pollitem_t items[2] = {{pull, 0, ZMQ_POLLIN, 0}, {NULL, ends[0], ZMQ_POLLIN, 0}};
    INTERRUPTED (zmq_poll (items, 1, -1));
    INTERRUPTED (zmq_poll (items, 2, PATIENCE_MS));
    INTERRUPTED (zmq_poll (items + 1, 1, -1));
    INTERRUPTED (zmq_poll (NULL, 0, PATIENCE_MS));
    send_text (push, "x", 0);
    CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 1);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    FINISH (context, pull, push);
}

SIGNAL_TEST (proxy)
{
    void *context = zmq_ctx_new ();
    void *front = open_socket (context, ZMQ_PULL);
    void *back = open_socket (context, ZMQ_PUSH);
    void *control = open_socket (context, ZMQ_PAIR);
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    join (front, push, "inproc");
    join (back, pull, "inproc");
    INTERRUPTED (zmq_proxy (front, back, NULL));
    INTERRUPTED (zmq_proxy_steerable (front, back, NULL, control));
    /*  Messages flow when it runs again.  */
    send_text (push, "through", 0);
    INTERRUPTED (zmq_proxy (front, back, NULL));
    EXPECT_TEXT (pull, "through");
    FINISH (context, front, back, control, push, pull);
}

SIGNAL_TEST (terminate)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    INTERRUPTED (zmq_ctx_term (context));
    /*  Termination has started nevertheless.  */
    CHECK_ERRNO (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), ETERM);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PULL), ETERM);
    INTERRUPTED (zmq_ctx_term (context));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
}

/*  Lingering messages too: interrupted, then called again.  */
SIGNAL_TEST (terminate_while_messages_linger)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = absent ("tcp");
    set_int (push, ZMQ_LINGER, -1);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "precious", 0);
    CHECK_OK (zmq_close (push));
    INTERRUPTED (zmq_ctx_term (context));
    void *other = zmq_ctx_new ();
    void *pull = open_socket (other, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (zmq_ctx_term (context));
    EXPECT_TEXT (pull, "precious");
    FINISH (other, pull);
}

/*  What does not block is not disturbed.  */
static void *exchange (void *context)
{
    void *req = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (req, "inproc://server"));
    for (int n = 0; n < 2000; n++) {
        int got;
        CHECK_INT (zmq_send (req, &n, sizeof n, 0), sizeof n);
        CHECK_INT (zmq_recv (req, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    CHECK_OK (zmq_close (req));
    return NULL;
}

static volatile bool storm_over;

static void *storm (void *argument)
{
    (void) argument;
    while (!storm_over) {
        CHECK_OK (pthread_kill (target, SIGUSR1));
        struct timespec pause = {0, 300000};
        nanosleep (&pause, NULL);
    }
    return NULL;
}

/*  A server under a storm of signals that simply repeats on EINTR.  */
SIGNAL_TEST (storm_loses_nothing)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    CHECK_OK (zmq_bind (rep, "inproc://server"));
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGUSR1);
    CHECK_OK (pthread_sigmask (SIG_BLOCK, &set, NULL));
    pthread_t client = start_thread (exchange, context);
    target = pthread_self ();
    storm_over = false;
    pthread_t thread = start_thread (storm, NULL);
    CHECK_OK (pthread_sigmask (SIG_UNBLOCK, &set, NULL));
    for (int n = 0; n < 2000; n++) {
        int got, rc;
        do
            rc = zmq_recv (rep, &got, sizeof got, 0);
        while (rc == -1 && zmq_errno () == EINTR);
        CHECK_INT (rc, sizeof got);
        CHECK_INT (got, n);
        do
            rc = zmq_send (rep, &got, sizeof got, 0);
        while (rc == -1 && zmq_errno () == EINTR);
        CHECK_INT (rc, sizeof got);
    }
    storm_over = true;
    end_thread (thread);
    end_thread (client);
    FINISH (context, rep);
}

/*  The library's own threads take no signals: a signal sent to the process
 *  reaches a thread of the program.  */
static pthread_t handled_by;

static void note_thread (int number)
{
    (void) number;
    handled_by = pthread_self ();
    handled++;
}

TEST (library_threads_take_no_signals)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 3));
    void *pull = open_socket (context, ZMQ_PULL);
    bind_to (pull, "tcp://127.0.0.1:*");
    /*  libzmq blocks signals when such a thread begins to run.  */
    sleep_ms (50);
    struct sigaction action = {.sa_handler = note_thread};
    CHECK_OK (sigaction (SIGUSR2, &action, NULL));
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGUSR2);
    CHECK_OK (pthread_sigmask (SIG_BLOCK, &set, NULL));
    for (int n = 0; n < 20; n++)
        CHECK_OK (kill (getpid (), SIGUSR2));
    sleep_ms (50);
    CHECK_INT (handled, 0);
    CHECK_OK (pthread_sigmask (SIG_UNBLOCK, &set, NULL));
    CHECK (handled > 0);
    CHECK (pthread_equal (handled_by, pthread_self ()));
    FINISH (context, pull);
}

/*  A process that was stopped, by a debugger or a shell, goes on waiting: only
 *  signal handlers interrupt calls.  */
static void stop_and_continue (int (*wait) (void *socket))
{
    int ends[2];
    char endpoint[64];
    CHECK_OK (pipe (ends));
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        void *context = zmq_ctx_new (), *pull = open_socket (context, ZMQ_PULL);
        const char *own = bind_to (pull, "tcp://127.0.0.1:*");
        CHECK (write (ends[1], own, strlen (own) + 1) > 0);
        CHECK_INT (wait (pull), 1);
        _exit (0);
    }
    CHECK (read (ends[0], endpoint, sizeof endpoint) > 0);
    for (int n = 0, status; n < 5; n++) {
        /*  Time to get into the call, and back into it.  */
        CHECK_INT (zmq_poll (NULL, 0, 20), 0);
        CHECK_OK (kill (child, SIGSTOP));
        CHECK_INT (waitpid (child, &status, WUNTRACED), child);
        CHECK (WIFSTOPPED (status));
        CHECK_OK (kill (child, SIGCONT));
    }
    CHECK_INT (zmq_poll (NULL, 0, 20), 0);
    void *context = zmq_ctx_new (), *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "m", 0);
    int status;
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 0);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

static int wait_in_recv (void *socket)
{
    char byte;
    return zmq_recv (socket, &byte, 1, 0);
}

static int wait_in_poll (void *socket)
{
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    return zmq_poll (&item, 1, -1);
}

TEST (a_process_that_was_stopped_goes_on_receiving) { stop_and_continue (wait_in_recv); }

TEST (a_process_that_was_stopped_goes_on_polling) { stop_and_continue (wait_in_poll); }
