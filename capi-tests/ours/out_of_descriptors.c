/*  When the process runs out of file descriptors, calls fail with EMFILE or do
 *  without; nothing aborts, nothing queued is lost, and all goes on as soon as
 *  descriptors are free again.  (libzmq does not survive all of this.)  */
#define TEST_LIMIT_S 30
#include "../harness.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define LIMIT 200
static int hoard[LIMIT + 1], hoarded;

/*  Takes every descriptor that is left, save some.  */
static void exhaust (int spare)
{
    struct rlimit limit = {LIMIT, LIMIT};
    CHECK_OK (setrlimit (RLIMIT_NOFILE, &limit));
    int descriptor;
    while (hoarded < LIMIT && (descriptor = open ("/dev/null", O_RDONLY)) >= 0)
        hoard[hoarded++] = descriptor;
    CHECK_INT (errno, EMFILE);
    while (spare-- > 0)
        CHECK_OK (close (hoard[--hoarded]));
}

static void relieve (void)
{
    while (hoarded > 0)
        CHECK_OK (close (hoard[--hoarded]));
}

/*  Succeeded, or failed with EMFILE.  */
static int succeeds_or_emfile (int rc)
{
    if (rc == 0)
        return 1;
    CHECK_INT (rc, -1);
    CHECK_INT (errno, EMFILE);
    return 0;
}

TEST (contexts_and_sockets_open_or_are_emfile)
{
    exhaust (0);
    void *context = zmq_ctx_new ();
    if (!context)
        CHECK_INT (errno, EMFILE);
    for (int type = ZMQ_PAIR; context && type <= ZMQ_STREAM; type++) {
        void *socket = zmq_socket (context, type);
        if (!socket) {
            CHECK_INT (errno, EMFILE);
            continue;
        }
        int value;
        size_t size = sizeof value;
        succeeds_or_emfile (zmq_getsockopt (socket, ZMQ_FD, &value, &size));
        size = sizeof value;
        CHECK_OK (zmq_getsockopt (socket, ZMQ_EVENTS, &value, &size));
        CHECK_OK (zmq_close (socket));
    }
    relieve ();
    if (context)
        CHECK_OK (zmq_ctx_term (context));
}

TEST (a_bind_without_a_descriptor_left_is_emfile_and_succeeds_later)
{
    void *context = zmq_ctx_new ();
    void *tcp = open_socket (context, ZMQ_PULL), *ipc = open_socket (context, ZMQ_PULL);
    //  A message through it: the I/O thread is running, and past what a thread opens at its start.
    void *other = open_socket (context, ZMQ_PULL), *sender = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (sender, bind_to (other, "tcp://127.0.0.1:*")));
    send_text (sender, "x", 0);
    EXPECT_TEXT (other, "x");
    exhaust (0);
    CHECK_ERRNO (zmq_bind (tcp, "tcp://127.0.0.1:*"), EMFILE);
    CHECK_ERRNO (zmq_bind (ipc, "ipc://*"), EMFILE);
    relieve ();
    bind_to (tcp, "tcp://127.0.0.1:*");
    bind_to (ipc, "ipc://*");
    CHECK_OK (zmq_close (tcp));
    CHECK_OK (zmq_close (ipc));
    CHECK_OK (zmq_close (sender));
    CHECK_OK (zmq_close (other));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (inproc_works_without_a_descriptor_left)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    exhaust (0);
    CHECK_OK (zmq_bind (one, "inproc://no-descriptors"));
    CHECK_OK (zmq_connect (two, "inproc://no-descriptors"));
    send_text (two, "hello", 0);
    EXPECT_TEXT (one, "hello");
    relieve ();
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

static void *close_later (void *socket)
{
    sleep_ms (100);
    CHECK_OK (zmq_close (socket));
    return NULL;
}

TEST (term_waits_without_a_descriptor_left)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    pthread_t thread;
    exhaust (0);
    int64_t start = now_ms ();
    CHECK_INT (pthread_create (&thread, NULL, close_later, socket), 0);
    CHECK_OK (zmq_ctx_term (context));
    CHECK (now_ms () - start >= 100);
    CHECK_INT (pthread_join (thread, NULL), 0);
    relieve ();
}

TEST (a_connect_without_a_descriptor_left_is_made_later_and_loses_nothing)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    set_int (push, ZMQ_RECONNECT_IVL, 20);
    exhaust (0);
    int connected = succeeds_or_emfile (zmq_connect (push, endpoint));
    if (connected) {
        send_text (push, "one", 0);
        send_text (push, "two", 0);
    }
    sleep_ms (SETTLE_MS);
    relieve ();
    if (!connected) {
        CHECK_OK (zmq_connect (push, endpoint));
        send_text (push, "one", 0);
        send_text (push, "two", 0);
    }
    EXPECT_TEXT (pull, "one");
    EXPECT_TEXT (pull, "two");
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_listener_without_a_descriptor_left_accepts_later)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    void *late = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "before", 0);
    EXPECT_TEXT (pull, "before");
    set_int (late, ZMQ_RECONNECT_IVL, 20);
    //  One for the connecting side, none for the accepting one.
    exhaust (1);
    if (succeeds_or_emfile (zmq_connect (late, endpoint)))
        send_text (late, "late", 0);
    //  Meanwhile the connection that exists works.
    for (int i = 0; i < 20; i++) {
        send_text (push, "meanwhile", 0);
        EXPECT_TEXT (pull, "meanwhile");
    }
    clock_t start = clock ();
    sleep_ms (200);
    //  A listener that cannot accept must not spin.
    CHECK ((clock () - start) * 1000 / CLOCKS_PER_SEC < 150);
    relieve ();
    EXPECT_TEXT (pull, "late");
    CHECK_OK (zmq_close (late));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (clients_that_take_every_descriptor_are_survived)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    address.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "before", 0);
    EXPECT_TEXT (pull, "before");
    exhaust (20);
    int crowd[64], count = 0;
    for (; count < 64; count++) {
        crowd[count] = socket (AF_INET, SOCK_STREAM, 0);
        if (crowd[count] < 0)
            break;
        connect (crowd[count], (struct sockaddr *) &address, sizeof address);
    }
    send_text (push, "during", 0);
    EXPECT_TEXT (pull, "during");
    while (count > 0)
        CHECK_OK (close (crowd[--count]));
    relieve ();
    void *late = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (late, endpoint));
    send_text (late, "after", 0);
    EXPECT_TEXT (pull, "after");
    CHECK_OK (zmq_close (late));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

static int count_descriptors (void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < LIMIT; descriptor++)
        count += fcntl (descriptor, F_GETFD) >= 0;
    return count;
}

TEST (io_threads_that_cannot_all_start_leave_nothing_behind)
{
    for (int spare = 0, opened = 0; !opened; spare++) {
        CHECK (spare < LIMIT);
        exhaust (spare);
        int before = count_descriptors ();
        void *context = zmq_ctx_new ();
        CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 4));
        void *socket = zmq_socket (context, ZMQ_PULL);
        opened = socket != NULL;
        if (!opened) {
            CHECK_INT (errno, EMFILE);
            CHECK_INT (count_descriptors (), before);
        }
        relieve ();
        if (!opened)
            socket = open_socket (context, ZMQ_PULL);
        bind_to (socket, "tcp://127.0.0.1:*");
        CHECK_OK (zmq_close (socket));
        CHECK_OK (zmq_ctx_term (context));
    }
}

/*  From none to more than two sockets and their connection need: what there is no descriptor for
 *  fails or waits, and all of it works once there are some.  */
TEST (every_number_of_descriptors_left_is_survived)
{
    for (int spare = 0; spare < 16; spare++) {
        void *context = zmq_ctx_new (), *push = NULL, *pull = NULL;
        exhaust (spare);
        pull = zmq_socket (context, ZMQ_PULL);
        push = zmq_socket (context, ZMQ_PUSH);
        int bound = pull && succeeds_or_emfile (zmq_bind (pull, "tcp://127.0.0.1:*"));
        char endpoint[64];
        size_t size = sizeof endpoint;
        if (bound)
            CHECK_OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &size));
        int connected = bound && push && succeeds_or_emfile (zmq_connect (push, endpoint));
        if (connected) {
            zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
            send_text (push, "one", 0);
            CHECK (zmq_poll (&item, 1, 20) >= 0);
        }
        relieve ();
        if (!pull)
            pull = open_socket (context, ZMQ_PULL);
        if (!push)
            push = open_socket (context, ZMQ_PUSH);
        if (!bound)
            strcpy (endpoint, bind_to (pull, "tcp://127.0.0.1:*"));
        if (!connected) {
            CHECK_OK (zmq_connect (push, endpoint));
            send_text (push, "one", 0);
        }
        set_int (pull, ZMQ_RCVTIMEO, PATIENCE_MS);
        EXPECT_TEXT (pull, "one");
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (context));
    }
}

/*  The next calls that watch a descriptor fail, as where the system has no room for more of them.  */
static int refusals;

int epoll_ctl (int poller, int operation, int descriptor, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && __atomic_fetch_sub (&refusals, 1, __ATOMIC_SEQ_CST) > 0) {
        errno = ENOSPC;
        return -1;
    }
    return syscall (SYS_epoll_ctl, poller, operation, descriptor, event);
}

TEST (a_listener_that_could_not_be_watched_at_first_takes_every_connection_later)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    refusals = 1;
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    while (__atomic_load_n (&refusals, __ATOMIC_SEQ_CST) > 0)
        sleep_ms (1);
    //  One may be taken when watching fails, one when the library tries again.
    for (int i = 0; i < 3; i++) {
        void *push = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push, endpoint));
        send_text (push, "hello", 0);
        EXPECT_TEXT (pull, "hello");
        CHECK_OK (zmq_close (push));
    }
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
}
