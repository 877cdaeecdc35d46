/*  The habits of C programs of all ages that were written for libzmq 2 to 4:
 *  old names, old types, old argument orders, helper functions as found in
 *  many a project. They must compile without a warning and do the same on
 *  either library.
 */
#include "harness.h"

#include <assert.h>
#include <pthread.h>
#include <sys/time.h>
#include <zmq_utils.h>

/*  ---- helpers in the usual three styles ----------------------------------  */

/*  Style 1: message objects.  */
static char *take_string (void *socket)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    int size = zmq_msg_recv (&message, socket, 0);
    if (size == -1)
        return NULL;
    char *string = malloc (size + 1);
    memcpy (string, zmq_msg_data (&message), size);
    zmq_msg_close (&message);
    string[size] = 0;
    return string;
}

static int give_string (void *socket, const char *string, int flags)
{
    zmq_msg_t message;
    zmq_msg_init_size (&message, strlen (string));
    memcpy (zmq_msg_data (&message), string, strlen (string));
    int size = zmq_msg_send (&message, socket, flags);
    zmq_msg_close (&message);
    return size;
}

/*  Style 2: a buffer of fixed size; longer messages are cut.  */
static int take_buffer (void *socket, char *buffer, int size)
{
    int received = zmq_recv (socket, buffer, size - 1, 0);
    if (received == -1)
        return -1;
    if (received > size - 1)
        received = size - 1;
    buffer[received] = 0;
    return received;
}

/*  Style 3: the names of libzmq 3.  */
static char *take_string_3 (void *socket)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    if (zmq_recvmsg (socket, &message, 0) == -1)
        return NULL;
    size_t size = zmq_msg_size (&message);
    char *string = malloc (size + 1);
    memcpy (string, zmq_msg_data (&message), size);
    zmq_msg_close (&message);
    string[size] = 0;
    return string;
}

static int give_string_3 (void *socket, const char *string, int flags)
{
    zmq_msg_t message;
    zmq_msg_init_size (&message, strlen (string));
    memcpy (zmq_msg_data (&message), string, strlen (string));
    int rc = zmq_sendmsg (socket, &message, flags);
    zmq_msg_close (&message);
    return rc;
}

static void take_and_check (void *socket, const char *expected)
{
    char *string = take_string (socket);
    CHECK_STRING (string, expected);
    free (string);
}

/*  ---- contexts -------------------------------------------------------------  */

TEST (context_of_libzmq_2)
{
    void *context = zmq_init (1);
    assert (context);
    void *socket = zmq_socket (context, ZMQ_REP);
    assert (socket);
    int rc = zmq_bind (socket, "inproc://old");
    assert (rc == 0);
    rc = zmq_close (socket);
    assert (rc == 0);
    CHECK_INT (zmq_term (context), 0);
}

TEST (context_of_libzmq_3)
{
    int io_threads = 4;
    void *context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_IO_THREADS, io_threads);
    assert (zmq_ctx_get (context, ZMQ_IO_THREADS) == io_threads);
    int max_sockets = 1024;
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, max_sockets);
    assert (zmq_ctx_get (context, ZMQ_MAX_SOCKETS) == max_sockets);
    CHECK_INT (zmq_ctx_destroy (context), 0);
}

TEST (context_that_nobody_used)
{
    CHECK_OK (zmq_ctx_destroy (zmq_ctx_new ()));
    CHECK_OK (zmq_term (zmq_init (0)));
}

TEST (version_is_a_number_to_compare)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);
    CHECK (ZMQ_MAKE_VERSION (major, minor, patch) >= ZMQ_MAKE_VERSION (4, 3, 0));
    CHECK (ZMQ_VERSION >= ZMQ_MAKE_VERSION (4, 3, 0));
#if ZMQ_VERSION_MAJOR == 2
#error "a header of libzmq 4 was expected"
#endif
}

/*  ---- request and reply, with all three styles of helpers -------------------  */

TEST (hello_world_in_every_style)
{
    void *context = zmq_ctx_new ();
    void *responder = open_socket (context, ZMQ_REP);
    void *requester = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (requester, bind_to (responder, "tcp://127.0.0.1:*")));

    CHECK_INT (give_string (requester, "Hello", 0), 5);
    take_and_check (responder, "Hello");
    CHECK_INT (give_string_3 (responder, "World", 0), 5);
    char *string = take_string_3 (requester);
    CHECK_STRING (string, "World");
    free (string);

    CHECK_INT (zmq_send (requester, "Hello", 5, 0), 5);
    char buffer[4];
    CHECK_INT (take_buffer (responder, buffer, sizeof buffer), 3);
    CHECK_STRING (buffer, "Hel");
    CHECK_INT (zmq_send (responder, "World", 5, 0), 5);
    char large[10];
    CHECK_INT (zmq_recv (requester, large, 10, 0), 5);

    zmq_close (requester);
    zmq_close (responder);
    CHECK_OK (zmq_ctx_destroy (context));
}

TEST (a_sent_message_is_empty_and_may_be_closed)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, "inproc://empty"));
    CHECK_OK (zmq_connect (push, "inproc://empty"));
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_size (&message, 6));
    memcpy (zmq_msg_data (&message), "Hello", 6);
    CHECK_INT (zmq_msg_send (&message, push, 0), 6);
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
    char buffer[6];
    CHECK_INT (zmq_recv (pull, buffer, 6, 0), 6);
    CHECK_STRING (buffer, "Hello");
    zmq_close (push);
    zmq_close (pull);
    CHECK_OK (zmq_term (context));
}

TEST (a_copy_sends_the_same_message_twice)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    for (size_t size = 10; size <= 10000; size *= 1000) {
        zmq_msg_t one, two;
        CHECK_OK (zmq_msg_init_size (&one, size));
        memset (zmq_msg_data (&one), 'x', size);
        CHECK_OK (zmq_msg_init (&two));
        CHECK_OK (zmq_msg_copy (&two, &one));
        CHECK_INT (zmq_msg_send (&one, push, 0), size);
        CHECK_INT (zmq_msg_send (&two, push, 0), size);
        for (int n = 0; n < 2; n++) {
            zmq_msg_t message;
            zmq_msg_init (&message);
            CHECK_INT (zmq_msg_recv (&message, pull, 0), size);
            CHECK_INT (((char *) zmq_msg_data (&message))[size - 1], 'x');
            zmq_msg_close (&message);
        }
    }
    zmq_close (push);
    zmq_close (pull);
    CHECK_OK (zmq_ctx_term (context));
}

/*  Constant data with no free function, as in a kill signal.  */
TEST (init_data_without_a_free_function)
{
    void *context = zmq_ctx_new ();
    void *publisher = open_socket (context, ZMQ_XPUB);
    void *subscriber = open_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_connect (subscriber, bind_to (publisher, "tcp://127.0.0.1:*")));
    CHECK_OK (zmq_setsockopt (subscriber, ZMQ_SUBSCRIBE, NULL, 0));
    char subscription[2];
    CHECK_INT (zmq_recv (publisher, subscription, 2, 0), 1);
    zmq_msg_t message;
    zmq_msg_init_data (&message, "KILL", 5, NULL, NULL);
    CHECK_INT (zmq_msg_send (&message, publisher, 0), 5);
    zmq_msg_close (&message);
    take_and_check (subscriber, "KILL");
    zmq_close (subscriber);
    zmq_close (publisher);
    CHECK_OK (zmq_ctx_destroy (context));
}

static int buffers_freed;
static void free_buffer (void *data, void *hint)
{
    (void) hint;
    free (data);
    __atomic_add_fetch (&buffers_freed, 1, __ATOMIC_SEQ_CST);
}

TEST (init_data_frees_the_buffer_after_sending)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    char *buffer = malloc (1000);
    memset (buffer, 'z', 1000);
    zmq_msg_t message;
    zmq_msg_init_data (&message, buffer, 1000, free_buffer, NULL);
    CHECK_INT (zmq_msg_send (&message, push, 0), 1000);
    char received[1000];
    CHECK_INT (zmq_recv (pull, received, sizeof received, 0), 1000);
    CHECK_INT (received[999], 'z');
    zmq_close (push);
    zmq_close (pull);
    CHECK_OK (zmq_ctx_destroy (context));
    CHECK_INT (buffers_freed, 1);
}

/*  ---- multipart ----------------------------------------------------------------  */

/*  RCVMORE as an int, as the 64 bits of libzmq 2, and from the message.  */
TEST (rcvmore_in_every_width)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, "inproc://more"));
    CHECK_OK (zmq_connect (push, "inproc://more"));
    give_string (push, "one", ZMQ_SNDMORE);
    give_string (push, "two", ZMQ_SNDMORE);
    give_string (push, "three", 0);
    int parts = 0;
    while (1) {
        zmq_msg_t message;
        zmq_msg_init (&message);
        CHECK (zmq_msg_recv (&message, pull, 0) != -1);
        int message_more = zmq_msg_more (&message);
        CHECK_INT (zmq_msg_get (&message, ZMQ_MORE), message_more);
        zmq_msg_close (&message);
        parts++;

        int narrow;
        size_t narrow_size = sizeof narrow;
        CHECK_OK (zmq_getsockopt (pull, ZMQ_RCVMORE, &narrow, &narrow_size));
        CHECK_INT (narrow, message_more);
        int64_t wide = 0;
        size_t wide_size = sizeof wide;
        CHECK_OK (zmq_getsockopt (pull, ZMQ_RCVMORE, &wide, &wide_size));
        CHECK_INT (wide, message_more);
        uint32_t unsigned_more = 77;
        size_t unsigned_size = sizeof unsigned_more;
        CHECK_OK (zmq_getsockopt (pull, ZMQ_RCVMORE, &unsigned_more, &unsigned_size));
        CHECK_INT (unsigned_more, message_more);
        if (!wide)
            break;
    }
    CHECK_INT (parts, 3);
    zmq_close (push);
    zmq_close (pull);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  The blind forwarding loop of a proxy, with ZMQ_RCVMORE as a flag.  */
TEST (blind_forwarding_of_all_parts)
{
    void *context = zmq_ctx_new ();
    void *frontend = open_socket (context, ZMQ_PULL);
    void *backend = open_socket (context, ZMQ_PUSH);
    void *source = open_socket (context, ZMQ_PUSH);
    void *target = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_connect (source, bind_to (frontend, "tcp://127.0.0.1:*")));
    CHECK_OK (zmq_connect (target, bind_to (backend, "ipc://*")));
    give_string (source, "key", ZMQ_SNDMORE);
    give_string (source, "", ZMQ_SNDMORE);
    give_string (source, "body", 0);
    while (1) {
        zmq_msg_t message;
        int more;
        size_t more_size = sizeof more;
        zmq_msg_init (&message);
        CHECK (zmq_recvmsg (frontend, &message, 0) != -1);
        zmq_getsockopt (frontend, ZMQ_RCVMORE, &more, &more_size);
        CHECK (zmq_sendmsg (backend, &message, more ? ZMQ_SNDMORE : 0) != -1);
        zmq_msg_close (&message);
        if (!more)
            break;
    }
    EXPECT_PART (target, "key", 1);
    EXPECT_PART (target, "", 1);
    EXPECT_PART (target, "body", 0);
    zmq_close (target);
    zmq_close (source);
    zmq_close (backend);
    zmq_close (frontend);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  ---- old names ----------------------------------------------------------------  */

TEST (identity_xreq_and_xrep)
{
    void *context = zmq_init (1);
    void *sink = zmq_socket (context, ZMQ_XREP);
    CHECK_OK (zmq_bind (sink, "inproc://example"));
    /*  The first peer gets an id made for it.  */
    void *anonymous = zmq_socket (context, ZMQ_XREQ);
    CHECK_OK (zmq_connect (anonymous, "inproc://example"));
    give_string (anonymous, "no name", 0);
    zmq_msg_t id;
    zmq_msg_init (&id);
    CHECK_INT (zmq_msg_recv (&id, sink, 0), 5);
    CHECK_INT (((unsigned char *) zmq_msg_data (&id))[0], 0);
    take_and_check (sink, "no name");
    /*  The id goes back as it came.  */
    CHECK_INT (zmq_msg_send (&id, sink, ZMQ_SNDMORE), 5);
    give_string (sink, "you", 0);
    take_and_check (anonymous, "you");

    /*  The second chooses its own, and is a REQ: there is an empty part.  */
    void *named = zmq_socket (context, ZMQ_REQ);
    srandom ((unsigned) time (NULL));
    char identity[10];
    sprintf (identity, "%04X-%04X", (unsigned) (random () % 0x10000),
             (unsigned) (random () % 0x10000));
    CHECK_OK (zmq_setsockopt (named, ZMQ_IDENTITY, identity, strlen (identity)));
    char back[256];
    size_t size = sizeof back;
    CHECK_OK (zmq_getsockopt (named, ZMQ_IDENTITY, back, &size));
    CHECK_INT (size, 9);
    CHECK_OK (memcmp (back, identity, 9));
    CHECK_OK (zmq_connect (named, "inproc://example"));
    give_string (named, "with a name", 0);
    take_and_check (sink, identity);
    take_and_check (sink, "");
    take_and_check (sink, "with a name");
    zmq_close (named);
    zmq_close (anonymous);
    zmq_close (sink);
    CHECK_OK (zmq_term (context));
}

TEST (noblock_is_dontwait)
{
    void *context = zmq_init (1);
    void *pull = zmq_socket (context, ZMQ_PULL);
    char byte;
    CHECK_ERRNO (zmq_recv (pull, &byte, 1, ZMQ_NOBLOCK), EAGAIN);
    CHECK_INT (errno, EAGAIN); /*  Programs read errno, too.  */
    zmq_msg_t message;
    zmq_msg_init (&message);
    CHECK_ERRNO (zmq_recvmsg (pull, &message, ZMQ_NOBLOCK), EAGAIN);
    zmq_msg_close (&message);
    void *push = zmq_socket (context, ZMQ_PUSH);
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_NOBLOCK | ZMQ_SNDMORE), EAGAIN);
    zmq_close (push);
    zmq_close (pull);
    CHECK_OK (zmq_term (context));
}

TEST (options_by_their_old_names)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    set_int (router, ZMQ_FAIL_UNROUTABLE, 1);
    CHECK_ERRNO (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    set_int (router, ZMQ_ROUTER_BEHAVIOR, 0);
    CHECK_INT (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), 6);
    CHECK_INT (zmq_send (router, "lost", 4, 0), 4);
    set_int (router, ZMQ_DELAY_ATTACH_ON_CONNECT, 1);
    CHECK_INT (get_int (router, ZMQ_IMMEDIATE), 1);
    set_int (router, ZMQ_IPV4ONLY, 0);
    CHECK_INT (get_int (router, ZMQ_IPV6), 1);
    CHECK_INT (get_int (router, ZMQ_IPV4ONLY), 0);
    uint64_t affinity = 1;
    CHECK_OK (zmq_setsockopt (router, ZMQ_AFFINITY, &affinity, sizeof affinity));
    int type;
    size_t size = sizeof type;
    CHECK_OK (zmq_getsockopt (router, ZMQ_TYPE, &type, &size));
    CHECK_INT (type, ZMQ_XREP);
    /*  A high-water mark in 64 bits, as libzmq 2 had it, is refused.  */
    int64_t wide = 1;
    CHECK_ERRNO (zmq_setsockopt (router, ZMQ_SNDHWM, &wide, sizeof wide), EINVAL);
    zmq_close (router);
    CHECK_OK (zmq_ctx_destroy (context));
}

TEST (errors_have_texts)
{
    CHECK_STRING (zmq_strerror (EAGAIN), strerror (EAGAIN));
    CHECK (strlen (zmq_strerror (EFSM)) > 0);
    CHECK (strcmp (zmq_strerror (ETERM), zmq_strerror (EFSM)) != 0);
    void *context = zmq_ctx_new ();
    void *req = zmq_socket (context, ZMQ_REQ);
    CHECK_INT (zmq_recv (req, NULL, 0, 0), -1);
    CHECK_INT (errno, EFSM);
    CHECK_INT (zmq_errno (), EFSM);
    CHECK_INT (zmq_bind (req, "tcp://no such interface:1"), -1);
    CHECK (errno == ENODEV || errno == EINVAL);
    zmq_close (req);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  ---- polling --------------------------------------------------------------------  */

TEST (poll_of_two_sockets_and_standard_input)
{
    int fds[2];
    CHECK_OK (pipe (fds));
    CHECK_INT (dup2 (fds[0], STDIN_FILENO), STDIN_FILENO);
    void *context = zmq_ctx_new ();
    void *receiver = open_socket (context, ZMQ_PULL);
    void *subscriber = open_socket (context, ZMQ_SUB);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, bind_to (receiver, "tcp://127.0.0.1:*")));
    zmq_setsockopt (subscriber, ZMQ_SUBSCRIBE, "10001 ", 6);

    zmq_pollitem_t items[] = {
      {receiver, 0, ZMQ_POLLIN, 0},
      {subscriber, 0, ZMQ_POLLIN, 0},
      {NULL, STDIN_FILENO, ZMQ_POLLIN, 0},
    };
    /*  Nothing: the time limit is in milliseconds.  */
    int64_t start = now_ms ();
    CHECK_INT (zmq_poll (items, 3, 100), 0);
    int64_t waited = now_ms () - start;
    CHECK (waited >= 95 && waited < 5000);
    CHECK_INT (zmq_poll (items, 3, 0), 0);

    give_string (push, "task", 0);
    CHECK_INT (zmq_poll (items, 3, -1), 1);
    CHECK (items[0].revents & ZMQ_POLLIN);
    CHECK_INT (items[1].revents | items[2].revents, 0);
    take_and_check (receiver, "task");

    CHECK_INT (write (fds[1], "\n", 1), 1);
    CHECK_INT (zmq_poll (items, 3, -1), 1);
    CHECK_INT (items[0].revents | items[1].revents, 0);
    CHECK (items[2].revents & ZMQ_POLLIN);
    zmq_close (push);
    zmq_close (subscriber);
    zmq_close (receiver);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  zmq_poll as a sleep.  */
TEST (poll_of_nothing_sleeps)
{
    int64_t start = now_ms ();
    CHECK_INT (zmq_poll (NULL, 0, 50), 0);
    CHECK (now_ms () - start >= 45);
}

TEST (events_by_getsockopt)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, "inproc://events"));
    CHECK_OK (zmq_connect (push, "inproc://events"));
    uint32_t events;
    size_t size = sizeof events;
    CHECK_OK (zmq_getsockopt (pull, ZMQ_EVENTS, &events, &size));
    CHECK_INT (events & ZMQ_POLLIN, 0);
    CHECK_OK (zmq_getsockopt (push, ZMQ_EVENTS, &events, &size));
    CHECK (events & ZMQ_POLLOUT);
    give_string (push, "x", 0);
    CHECK_OK (zmq_getsockopt (pull, ZMQ_EVENTS, &events, &size));
    CHECK (events & ZMQ_POLLIN);
    int fd;
    size = sizeof fd;
    CHECK_OK (zmq_getsockopt (pull, ZMQ_FD, &fd, &size));
    CHECK (fd > 0);
    zmq_close (push);
    zmq_close (pull);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  ---- threads ----------------------------------------------------------------------  */

static int workers_ready;

static void *serve_until_the_end (void *context)
{
    void *receiver = zmq_socket (context, ZMQ_REP);
    zmq_connect (receiver, "inproc://workers");
    __atomic_add_fetch (&workers_ready, 1, __ATOMIC_SEQ_CST);
    while (1) {
        char *string = take_string (receiver);
        if (!string)
            break;
        free (string);
        give_string (receiver, "World", 0);
    }
    int last = zmq_errno ();
    zmq_close (receiver);
    return (void *) (intptr_t) last;
}

static void *run_device (void *sockets)
{
    void **pair = sockets;
    zmq_device (ZMQ_QUEUE, pair[0], pair[1]);
    int last = zmq_errno ();
    zmq_close (pair[0]);
    zmq_close (pair[1]);
    return (void *) (intptr_t) last;
}

/*  A queue device in front of worker threads; zmq_term ends them all.  */
TEST (threads_and_a_queue_device_end_with_eterm)
{
    void *context = zmq_init (1);
    void *clients = zmq_socket (context, ZMQ_XREP);
    const char *endpoint = bind_to (clients, "tcp://127.0.0.1:*");
    void *workers = zmq_socket (context, ZMQ_XREQ);
    CHECK_OK (zmq_bind (workers, "inproc://workers"));
    void *pair[2] = {clients, workers};
    pthread_t threads[3], device;
    for (int n = 0; n < 3; n++)
        CHECK_OK (pthread_create (&threads[n], NULL, serve_until_the_end, context));
    CHECK_OK (pthread_create (&device, NULL, run_device, pair));

    /*  A thread that came later would find no context any more.  */
    while (__atomic_load_n (&workers_ready, __ATOMIC_SEQ_CST) < 3)
        sleep_ms (1);

    void *client = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (client, endpoint));
    for (int n = 0; n < 10; n++) {
        CHECK_INT (give_string (client, "Hello", 0), 5);
        take_and_check (client, "World");
    }
    zmq_close (client);
    CHECK_OK (zmq_term (context));
    for (int n = 0; n < 3; n++) {
        void *last;
        CHECK_OK (pthread_join (threads[n], &last));
        CHECK_INT ((intptr_t) last, ETERM);
    }
    void *last;
    CHECK_OK (pthread_join (device, &last));
    CHECK_INT ((intptr_t) last, ETERM);
}

static void start_pair (void *context)
{
    void *sender = zmq_socket (context, ZMQ_PAIR);
    zmq_connect (sender, "inproc://ready");
    zmq_send (sender, "READY", 5, 0);
    zmq_close (sender);
}

TEST (threads_by_zmq_threadstart)
{
    void *context = zmq_ctx_new ();
    void *receiver = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (receiver, "inproc://ready"));
    void *thread = zmq_threadstart (start_pair, context);
    take_and_check (receiver, "READY");
    zmq_threadclose (thread);
    zmq_close (receiver);
    CHECK_OK (zmq_ctx_destroy (context));
}

TEST (stopwatch_and_sleep_from_zmq_utils)
{
    void *watch = zmq_stopwatch_start ();
    zmq_sleep (1);
    unsigned long elapsed = zmq_stopwatch_stop (watch);
    CHECK (elapsed >= 990000 && elapsed < 30000000);
}

/*  ---- signals -----------------------------------------------------------------------  */

static volatile sig_atomic_t signal_seen;
static void see_signal (int number)
{
    (void) number;
    signal_seen = 1;
}

static void catch_alarms (void)
{
    struct sigaction action;
    action.sa_handler = see_signal;
    action.sa_flags = 0;
    sigemptyset (&action.sa_mask);
    sigaction (SIGALRM, &action, NULL);
}

/*  A timer that fires until the program has noticed: one signal might come
 *  before the call blocks.  */
static void alarms (int ms)
{
    struct itimerval timer = {{0, ms * 1000}, {0, ms * 1000}};
    setitimer (ITIMER_REAL, &timer, NULL);
}

TEST (interrupted_receive_and_poll)
{
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_REP);
    CHECK_OK (zmq_bind (socket, "tcp://127.0.0.1:*"));
    catch_alarms ();
    alarms (50);
    char *string = take_string (socket);
    CHECK (string == NULL);
    CHECK_INT (zmq_errno (), EINTR);
    CHECK (signal_seen);
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}};
    CHECK_ERRNO (zmq_poll (items, 1, -1), EINTR);
    alarms (0);
    zmq_close (socket);
    CHECK_OK (zmq_ctx_destroy (context));
}

TEST (interrupted_proxy)
{
    void *context = zmq_ctx_new ();
    void *frontend = zmq_socket (context, ZMQ_ROUTER);
    void *backend = zmq_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_bind (frontend, "tcp://127.0.0.1:*"));
    CHECK_OK (zmq_bind (backend, "inproc://backend"));
    catch_alarms ();
    alarms (50);
    CHECK_ERRNO (zmq_proxy (frontend, backend, NULL), EINTR);
    alarms (0);
    zmq_close (frontend);
    zmq_close (backend);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  ---- publish-subscribe as it is usually written -----------------------------------  */

TEST (weather_updates_by_prefix)
{
    void *context = zmq_ctx_new ();
    void *publisher = open_socket (context, ZMQ_XPUB);
    void *subscriber = zmq_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_connect (subscriber, bind_to (publisher, "ipc://*")));
    char *filter = "10001 ";
    CHECK_OK (zmq_setsockopt (subscriber, ZMQ_SUBSCRIBE, filter, strlen (filter)));
    char subscription[8];
    CHECK_INT (zmq_recv (publisher, subscription, 8, 0), 7);
    for (int place = 9999; place < 10004; place++) {
        char update[20];
        sprintf (update, "%05d %d %d", place, place % 100, 50);
        give_string (publisher, update, 0);
    }
    char *string = take_string (subscriber);
    int zipcode, temperature, humidity;
    CHECK_INT (sscanf (string, "%d %d %d", &zipcode, &temperature, &humidity), 3);
    CHECK_INT (zipcode, 10001);
    CHECK_INT (temperature, 1);
    free (string);
    EXPECT_NOTHING (subscriber);
    zmq_close (subscriber);
    zmq_close (publisher);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  A program that never closes in order, but sets the linger to zero.  */
TEST (linger_zero_lets_term_return)
{
    void *context = zmq_ctx_new ();
    void *push = zmq_socket (context, ZMQ_PUSH);
    int linger = 0;
    CHECK_OK (zmq_setsockopt (push, ZMQ_LINGER, &linger, sizeof linger));
    CHECK_OK (zmq_connect (push, "tcp://127.0.0.1:1"));
    CHECK_INT (give_string (push, "never", 0), 5);
    zmq_close (push);
    CHECK_OK (zmq_ctx_destroy (context));
}

/*  Functions whose features come later must exist for the linker and refuse a
 *  NULL socket.  */
TEST (monitor_of_nothing)
{
    CHECK_ERRNO (zmq_socket_monitor (NULL, "inproc://monitor", ZMQ_EVENT_ALL), ENOTSOCK);
}
