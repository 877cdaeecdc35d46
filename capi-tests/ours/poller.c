/*  Pollers: zmq_poller_*.  Written along libzmq 4.3.5 built with drafts, which passes all but those
 *  whose comments say so.  */
#define ZMQ_BUILD_DRAFT_API
#include "../harness.h"

#include <pthread.h>
#include <stdbool.h>

#define MANY 1000

/*  A PULL of this poller and its PUSH.  */
static void open_pair (void *context, const char *endpoint, void **in, void **out)
{
    *in = open_socket (context, ZMQ_PULL);
    *out = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (*out, bind_to (*in, endpoint)));
}

static void close_all (void *context, void *poller, void *one, void *two)
{
    CHECK_OK (zmq_poller_destroy (&poller));
    CHECK (poller == NULL);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

#define CHECK_EVENT(EVENT, SOCKET, FD, DATA, EVENTS)                          \
    do {                                                                      \
        CHECK ((EVENT).socket == (SOCKET));                                   \
        CHECK_INT ((EVENT).fd, FD);                                           \
        CHECK ((EVENT).user_data == (DATA));                                  \
        CHECK_INT ((EVENT).events, EVENTS);                                   \
    } while (0)

TEST (a_pollers_handle_is_checked)
{
    void *none = NULL, *context = zmq_ctx_new (), *no_poller = context, *poller = zmq_poller_new ();
    zmq_poller_event_t event;
    int fd;
    CHECK_ERRNO (zmq_poller_destroy (NULL), EFAULT);
    CHECK_ERRNO (zmq_poller_destroy (&none), EFAULT);
    CHECK_ERRNO (zmq_poller_destroy (&no_poller), EFAULT);
    CHECK (no_poller == context);
    void *stale = poller;
    CHECK_OK (zmq_poller_destroy (&poller));
    void *wrong[] = {NULL, context, stale};
    for (int i = 0; i < 3; i++) {
        CHECK_ERRNO (zmq_poller_size (wrong[i]), EFAULT);
        CHECK_ERRNO (zmq_poller_add (wrong[i], NULL, NULL, 99), EFAULT);
        CHECK_ERRNO (zmq_poller_modify (wrong[i], NULL, 99), EFAULT);
        CHECK_ERRNO (zmq_poller_remove (wrong[i], NULL), EFAULT);
        CHECK_ERRNO (zmq_poller_add_fd (wrong[i], -1, NULL, 99), EFAULT);
        CHECK_ERRNO (zmq_poller_modify_fd (wrong[i], -1, 99), EFAULT);
        CHECK_ERRNO (zmq_poller_remove_fd (wrong[i], -1), EFAULT);
        CHECK_ERRNO (zmq_poller_wait (wrong[i], &event, 0), EFAULT);
        CHECK_ERRNO (zmq_poller_wait_all (wrong[i], &event, 1, 0), EFAULT);
        CHECK_ERRNO (zmq_poller_fd (wrong[i], &fd), EFAULT);
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (an_empty_poller_is_eagain_in_time_and_efault_for_ever)
{
    void *poller = zmq_poller_new ();
    zmq_poller_event_t event, all[2];
    memset (&event, 1, sizeof event);
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_EVENT (event, NULL, -1, NULL, 0);
    int64_t start = now_ms ();
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 30), EAGAIN);
    CHECK (now_ms () - start >= 29);
    memset (&event, 1, sizeof event);
    CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), EFAULT);
    CHECK_EVENT (event, NULL, -1, NULL, 0);
    CHECK_ERRNO (zmq_poller_wait (poller, NULL, 0), EFAULT);
    CHECK_ERRNO (zmq_poller_wait_all (poller, all, 2, -1), EFAULT);
    CHECK_ERRNO (zmq_poller_wait_all (poller, all, 2, 0), EAGAIN);
    CHECK_ERRNO (zmq_poller_wait_all (poller, all, 0, 0), EAGAIN);
    CHECK_ERRNO (zmq_poller_wait_all (poller, all, -1, 0), EINVAL);
    CHECK_ERRNO (zmq_poller_wait_all (poller, NULL, 1, 0), EFAULT);
    CHECK_ERRNO (zmq_poller_wait_all (poller, NULL, 0, 0), EFAULT);
    CHECK_OK (zmq_poller_destroy (&poller));
}

TEST (arguments_of_registrations_are_checked)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    open_pair (context, "inproc://a", &in, &out);
    CHECK_ERRNO (zmq_poller_add (poller, NULL, NULL, ZMQ_POLLIN), ENOTSOCK);
    CHECK_ERRNO (zmq_poller_add (poller, context, NULL, ZMQ_POLLIN), ENOTSOCK);
    CHECK_ERRNO (zmq_poller_add (poller, in, NULL, 16), EINVAL);
    CHECK_ERRNO (zmq_poller_add (poller, in, NULL, -1), EINVAL);
    CHECK_INT (zmq_poller_size (poller), 0);
    CHECK_OK (zmq_poller_add (poller, in, NULL, 15));
    CHECK_ERRNO (zmq_poller_add (poller, in, NULL, 15), EINVAL);
    CHECK_ERRNO (zmq_poller_modify (poller, NULL, 1), ENOTSOCK);
    CHECK_ERRNO (zmq_poller_modify (poller, out, 1), EINVAL);
    CHECK_ERRNO (zmq_poller_modify (poller, in, 16), EINVAL);
    CHECK_ERRNO (zmq_poller_remove (poller, NULL), ENOTSOCK);
    CHECK_ERRNO (zmq_poller_remove (poller, out), EINVAL);
    CHECK_ERRNO (zmq_poller_add_fd (poller, -1, NULL, 1), EBADF);
    CHECK_ERRNO (zmq_poller_add_fd (poller, 0, NULL, 16), EINVAL);
    CHECK_OK (zmq_poller_add_fd (poller, 0, NULL, 0));
    CHECK_ERRNO (zmq_poller_add_fd (poller, 0, NULL, 1), EINVAL);
    CHECK_ERRNO (zmq_poller_modify_fd (poller, -1, 1), EBADF);
    CHECK_ERRNO (zmq_poller_modify_fd (poller, 1, 1), EINVAL);
    CHECK_ERRNO (zmq_poller_modify_fd (poller, 0, 16), EINVAL);
    CHECK_ERRNO (zmq_poller_remove_fd (poller, -1), EBADF);
    CHECK_ERRNO (zmq_poller_remove_fd (poller, 1), EINVAL);
    CHECK_INT (zmq_poller_size (poller), 2);
    CHECK_OK (zmq_poller_remove (poller, in));
    CHECK_OK (zmq_poller_remove_fd (poller, 0));
    CHECK_INT (zmq_poller_size (poller), 0);
    CHECK_ERRNO (zmq_poller_remove (poller, in), EINVAL);
    close_all (context, poller, in, out);
}

TEST (sockets_and_descriptors_are_told_with_their_user_data)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event, all[4];
    int ends[2], marks[3];
    open_pair (context, "tcp://127.0.0.1:*", &in, &out);
    CHECK_OK (pipe (ends));
    CHECK_OK (zmq_poller_add (poller, in, &marks[0], ZMQ_POLLIN));
    CHECK_OK (zmq_poller_add_fd (poller, ends[0], &marks[1], ZMQ_POLLIN));
    CHECK_ERRNO (zmq_poller_wait_all (poller, all, 4, 0), EAGAIN);
    send_text (out, "one", 0);
    CHECK_OK (zmq_poller_wait (poller, &event, PATIENCE_MS));
    CHECK_EVENT (event, in, -1, &marks[0], ZMQ_POLLIN);
    CHECK_INT (write (ends[1], "x", 1), 1);
    CHECK_OK (zmq_poller_add_fd (poller, ends[1], &marks[2], ZMQ_POLLOUT));
    CHECK_INT (zmq_poller_wait_all (poller, all, 4, 0), 3);
    int seen = 0;
    for (int i = 0; i < 3; i++) {
        if (all[i].socket)
            CHECK_EVENT (all[i], in, -1, &marks[0], ZMQ_POLLIN);
        else if (all[i].fd == ends[0])
            CHECK_EVENT (all[i], NULL, ends[0], &marks[1], ZMQ_POLLIN);
        else
            CHECK_EVENT (all[i], NULL, ends[1], &marks[2], ZMQ_POLLOUT);
        seen |= 1 << ((int *) all[i].user_data - marks);
    }
    CHECK_INT (seen, 7);
    EXPECT_TEXT (in, "one");
    CHECK_OK (zmq_poller_remove_fd (poller, ends[1]));
    CHECK_OK (zmq_poller_wait (poller, &event, 0));
    CHECK_EVENT (event, NULL, ends[0], &marks[1], ZMQ_POLLIN);
    CHECK_OK (close (ends[1]));
    CHECK_OK (zmq_poller_wait (poller, &event, 0));
    CHECK_EVENT (event, NULL, ends[0], &marks[1], ZMQ_POLLIN | ZMQ_POLLERR);
    CHECK_OK (zmq_poller_modify_fd (poller, ends[0], 0));
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_OK (zmq_poller_modify_fd (poller, ends[0], ZMQ_POLLPRI));
    CHECK_OK (zmq_poller_wait (poller, &event, 0));
    CHECK_EVENT (event, NULL, ends[0], &marks[1], ZMQ_POLLERR);
    CHECK_OK (close (ends[0]));
    CHECK_OK (zmq_poller_wait (poller, &event, 0));
    CHECK_EVENT (event, NULL, ends[0], &marks[1], ZMQ_POLLERR);
    close_all (context, poller, in, out);
}

TEST (a_wait_ends_when_a_message_or_a_byte_comes)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    int ends[2];
    CHECK_OK (pipe (ends));
    open_pair (context, "tcp://127.0.0.1:*", &in, &out);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    CHECK_OK (zmq_poller_add_fd (poller, ends[0], NULL, ZMQ_POLLIN));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork ();
        if (child == 0) {
            sleep_ms (5);
            _exit (write (ends[1], "x", 1) != 1);
        }
        CHECK_OK (zmq_poller_wait (poller, &event, -1));
        CHECK_EVENT (event, NULL, ends[0], NULL, ZMQ_POLLIN);
        char byte;
        CHECK_INT (read (ends[0], &byte, 1), 1);
        CHECK_INT (waitpid (child, NULL, 0), child);
        send_text (out, "m", 0);
        CHECK_OK (zmq_poller_wait (poller, &event, -1));
        CHECK_EVENT (event, in, -1, NULL, ZMQ_POLLIN);
        EXPECT_TEXT (in, "m");
    }
    close_all (context, poller, in, out);
}

TEST (a_socket_is_told_as_long_as_it_is_ready)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    open_pair (context, "inproc://a", &in, &out);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    for (int i = 0; i < 10; i++)
        send_text (out, "m", 0);
    for (int i = 0; i < 10; i++) {
        CHECK_OK (zmq_poller_wait (poller, &event, 0));
        CHECK_OK (zmq_poller_wait (poller, &event, 0));
        EXPECT_TEXT (in, "m");
    }
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    close_all (context, poller, in, out);
}

/*  What a call on the socket makes possible brings no news from elsewhere.  */
TEST (what_calls_on_a_socket_change_is_seen)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new ();
    void *rep = open_socket (context, ZMQ_REP), *req = open_socket (context, ZMQ_REQ);
    zmq_poller_event_t event;
    CHECK_OK (zmq_connect (req, bind_to (rep, "inproc://a")));
    CHECK_OK (zmq_poller_add (poller, rep, NULL, ZMQ_POLLIN | ZMQ_POLLOUT));
    CHECK_OK (zmq_poller_add (poller, req, NULL, ZMQ_POLLOUT));
    for (int i = 0; i < 20; i++) {
        CHECK_OK (zmq_poller_wait (poller, &event, 0));
        CHECK_EVENT (event, req, -1, NULL, ZMQ_POLLOUT);
        send_text (req, "q", 0);
        CHECK_OK (zmq_poller_wait (poller, &event, PATIENCE_MS));
        CHECK_EVENT (event, rep, -1, NULL, ZMQ_POLLIN);
        EXPECT_TEXT (rep, "q");
        CHECK_OK (zmq_poller_wait (poller, &event, 0));
        CHECK_EVENT (event, rep, -1, NULL, ZMQ_POLLOUT);
        send_text (rep, "a", 0);
        CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
        EXPECT_TEXT (req, "a");
    }
    close_all (context, poller, rep, req);
}

TEST (events_can_be_disabled_and_changed)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    open_pair (context, "inproc://a", &in, &out);
    CHECK_OK (zmq_poller_add (poller, in, NULL, 0));
    send_text (out, "m", 0);
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), EFAULT);
    CHECK_OK (zmq_poller_modify (poller, in, ZMQ_POLLIN));
    CHECK_OK (zmq_poller_wait (poller, &event, -1));
    CHECK_EVENT (event, in, -1, NULL, ZMQ_POLLIN);
    CHECK_OK (zmq_poller_modify (poller, in, ZMQ_POLLOUT));
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_OK (zmq_poller_modify (poller, in, 0));
    CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), EFAULT);
    CHECK_OK (zmq_poller_remove (poller, in));
    CHECK_OK (zmq_poller_add (poller, in, poller, ZMQ_POLLIN));
    CHECK_OK (zmq_poller_wait (poller, &event, -1));
    CHECK_EVENT (event, in, -1, poller, ZMQ_POLLIN);
    close_all (context, poller, in, out);
}

/*  libzmq tells those that were added first, for ever.  */
TEST (what_has_no_room_comes_in_the_next_wait)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new ();
    void *in[10], *out[10];
    int ends[40][2];
    bool seen[50] = {false};
    for (int i = 0; i < 10; i++) {
        char endpoint[40];
        snprintf (endpoint, sizeof endpoint, "inproc://%d", i);
        open_pair (context, endpoint, &in[i], &out[i]);
        send_text (out[i], "m", 0);
        CHECK_OK (zmq_poller_add (poller, in[i], &seen[i], ZMQ_POLLIN));
    }
    for (int i = 0; i < 40; i++) {
        CHECK_OK (pipe (ends[i]));
        CHECK_INT (write (ends[i][1], "x", 1), 1);
        CHECK_OK (zmq_poller_add_fd (poller, ends[i][0], &seen[10 + i], ZMQ_POLLIN));
    }
    zmq_poller_event_t all[60];
    CHECK_INT (zmq_poller_wait_all (poller, all, 60, 0), 50);
    for (int wait = 0; wait < 200; wait++) {
        int found = zmq_poller_wait_all (poller, all, 3, 0);
        CHECK (found > 0 && found <= 3);
        for (int i = 0; i < found; i++)
            *(bool *) all[i].user_data = true;
    }
    for (int i = 0; i < 50; i++)
        CHECK (seen[i]);
    CHECK_OK (zmq_poller_destroy (&poller));
    for (int i = 0; i < 10; i++) {
        CHECK_OK (zmq_close (in[i]));
        CHECK_OK (zmq_close (out[i]));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (each_of_many_sockets_is_found)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new ();
    static void *in[MANY], *out[MANY];
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 3 * MANY));
    for (int i = 0; i < MANY; i++) {
        char endpoint[40];
        snprintf (endpoint, sizeof endpoint, "inproc://%d", i);
        open_pair (context, endpoint, &in[i], &out[i]);
        CHECK_OK (zmq_poller_add (poller, in[i], &in[i], ZMQ_POLLIN));
    }
    CHECK_INT (zmq_poller_size (poller), MANY);
    zmq_poller_event_t event;
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    for (int n = 0; n < 3 * MANY; n++) {
        int i = n * 617 % MANY;
        send_text (out[i], "m", 0);
        CHECK_OK (zmq_poller_wait (poller, &event, -1));
        CHECK_EVENT (event, in[i], -1, &in[i], ZMQ_POLLIN);
        EXPECT_TEXT (in[i], "m");
    }
    CHECK_OK (zmq_poller_destroy (&poller));
    for (int i = 0; i < MANY; i++) {
        CHECK_OK (zmq_close (in[i]));
        CHECK_OK (zmq_close (out[i]));
    }
    CHECK_OK (zmq_ctx_term (context));
}

static void *send_later (void *socket)
{
    for (int i = 0; i < 2000; i++) {
        send_text (socket, "m", 0);
        if (i % 100 == 0)
            sleep_ms (1);
    }
    return NULL;
}

TEST (no_message_from_another_thread_is_missed)
{
    static const char *transports[] = {"inproc://a", "tcp://127.0.0.1:*"};
    for (int round = 0; round < 2; round++) {
        void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
        zmq_poller_event_t event;
        pthread_t sender;
        open_pair (context, transports[round], &in, &out);
        CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
        CHECK_OK (pthread_create (&sender, NULL, send_later, out));
        for (int i = 0; i < 2000; i++) {
            CHECK_OK (zmq_poller_wait (poller, &event, PATIENCE_MS));
            EXPECT_TEXT (in, "m");
        }
        CHECK_OK (pthread_join (sender, NULL));
        close_all (context, poller, in, out);
    }
}

/*  Undefined with libzmq, which tells one of them perhaps.  */
TEST (two_pollers_can_have_one_socket)
{
    void *context = zmq_ctx_new (), *one = zmq_poller_new (), *two = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    open_pair (context, "inproc://a", &in, &out);
    CHECK_OK (zmq_poller_add (one, in, NULL, ZMQ_POLLIN));
    CHECK_OK (zmq_poller_add (two, in, NULL, ZMQ_POLLIN));
    for (int i = 0; i < 10; i++) {
        CHECK_ERRNO (zmq_poller_wait (one, &event, 0), EAGAIN);
        CHECK_ERRNO (zmq_poller_wait (two, &event, 0), EAGAIN);
        send_text (out, "m", 0);
        CHECK_OK (zmq_poller_wait (one, &event, -1));
        CHECK_OK (zmq_poller_wait (two, &event, -1));
        EXPECT_TEXT (in, "m");
    }
    CHECK_OK (zmq_poller_destroy (&one));
    close_all (context, two, in, out);
}

static void *shut_down (void *context)
{
    sleep_ms (20);
    CHECK_OK (zmq_ctx_shutdown (context));
    return NULL;
}

TEST (a_wait_fails_when_the_context_is_shut_down)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    pthread_t thread;
    open_pair (context, "tcp://127.0.0.1:*", &in, &out);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    CHECK_OK (pthread_create (&thread, NULL, shut_down, context));
    memset (&event, 1, sizeof event);
    CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), ETERM);
    CHECK_EVENT (event, NULL, -1, NULL, 0);
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), ETERM);
    CHECK_OK (pthread_join (thread, NULL));
    CHECK_OK (zmq_poller_remove (poller, in));
    close_all (context, poller, in, out);
}

static void handler (int number)
{
    (void) number;
}

TEST (a_signal_handler_ends_a_wait)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    struct sigaction action = {.sa_handler = handler};
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
    open_pair (context, "tcp://127.0.0.1:*", &in, &out);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    pid_t child = fork ();
    if (child == 0)
        for (;;) {
            sleep_ms (10);
            kill (getppid (), SIGUSR1);
        }
    CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), EINTR);
    CHECK_EVENT (event, NULL, -1, NULL, 0);
    CHECK_OK (kill (child, SIGKILL));
    while (waitpid (child, NULL, 0) != child)
        ;
    close_all (context, poller, in, out);
}

TEST (classic_sockets_give_a_poller_no_descriptor)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    int fd = 77;
    open_pair (context, "inproc://a", &in, &out);
    CHECK_ERRNO (zmq_poller_fd (poller, &fd), EINVAL);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    CHECK_ERRNO (zmq_poller_fd (poller, &fd), EINVAL);
    CHECK_ERRNO (zmq_poller_fd (poller, NULL), EINVAL);
    CHECK_INT (fd, 77);
    close_all (context, poller, in, out);
}

/*  Undefined with libzmq.  */
TEST (a_socket_that_was_closed_is_enotsock_until_the_poller_goes)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new (), *in, *out;
    zmq_poller_event_t event;
    open_pair (context, "inproc://a", &in, &out);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_OK (zmq_close (in));
    CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), ENOTSOCK);
    CHECK_ERRNO (zmq_poller_remove (poller, in), ENOTSOCK);
    CHECK_INT (zmq_poller_size (poller), 1);
    CHECK_OK (zmq_poller_destroy (&poller));
    CHECK_OK (zmq_close (out));
    CHECK_OK (zmq_ctx_term (context));
}

/*  Its epoll instance would be the parent's. Not libzmq's: the child shares it there.  */
TEST (a_child_of_fork_has_the_descriptors_and_not_the_sockets)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new ();
    int ends[40][2];
    zmq_poller_event_t event;
    for (int i = 0; i < 40; i++) {
        CHECK_OK (pipe (ends[i]));
        CHECK_OK (zmq_poller_add_fd (poller, ends[i][0], NULL, ZMQ_POLLIN));
    }
    pid_t child = fork ();
    if (child == 0) {
        for (int i = 0; i < 39; i++)
            CHECK_OK (zmq_poller_remove_fd (poller, ends[i][0]));
        CHECK_INT (write (ends[39][1], "x", 1), 1);
        CHECK_OK (zmq_poller_wait (poller, &event, PATIENCE_MS));
        CHECK_INT (event.fd, ends[39][0]);
        _exit (0);
    }
    int status;
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    CHECK_OK (zmq_poller_wait (poller, &event, PATIENCE_MS));
    CHECK_INT (event.fd, ends[39][0]);
    CHECK_INT (write (ends[30][1], "x", 1), 1);
    zmq_poller_event_t all[40];
    CHECK_INT (zmq_poller_wait_all (poller, all, 40, 0), 2);

    void *in = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
    child = fork ();
    if (child == 0) {
        for (int i = 0; i < 40; i++)
            CHECK_OK (zmq_poller_remove_fd (poller, ends[i][0]));
        CHECK_ERRNO (zmq_poller_wait (poller, &event, -1), EINTR);
        CHECK_OK (zmq_poller_destroy (&poller));
        _exit (0);
    }
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    CHECK_OK (zmq_poller_destroy (&poller));
    CHECK_OK (zmq_close (in));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_socket_that_is_added_again_is_told_once)
{
    void *context = zmq_ctx_new (), *one = zmq_poller_new (), *two = zmq_poller_new (), *in, *out;
    zmq_poller_event_t all[4];
    open_pair (context, "inproc://a", &in, &out);
    send_text (out, "m", 0);
    for (int i = 0; i < 20; i++) {
        void *poller = i % 3 == 2 ? two : one;
        CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
        if (i % 2)
            CHECK_INT (zmq_poller_wait_all (poller, all, 4, 0), 1);
        CHECK_OK (zmq_poller_remove (poller, in));
        CHECK_OK (zmq_poller_add (poller, in, NULL, ZMQ_POLLIN));
        CHECK_INT (zmq_poller_wait_all (poller, all, 4, 0), 1);
        EXPECT_TEXT (in, "m");
        CHECK_ERRNO (zmq_poller_wait_all (poller, all, 4, 0), EAGAIN);
        send_text (out, "m", 0);
        CHECK_INT (zmq_poller_wait_all (poller, all, 4, 0), 1);
        CHECK_OK (zmq_poller_remove (poller, in));
        CHECK_ERRNO (zmq_poller_wait_all (poller, all, 4, 0), EAGAIN);
    }
    CHECK_OK (zmq_poller_destroy (&one));
    close_all (context, two, in, out);
}

static int is_readable (int fd, int timeout)
{
    zmq_pollitem_t item = {NULL, fd, ZMQ_POLLIN, 0};
    return zmq_poll (&item, 1, timeout);
}

TEST (thread_safe_sockets_give_a_poller_a_descriptor)
{
    void *context = zmq_ctx_new (), *poller = zmq_poller_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    zmq_poller_event_t event;
    int fd = -1, same = -1;
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    CHECK_OK (zmq_poller_add (poller, server, NULL, ZMQ_POLLIN));
    CHECK_OK (zmq_poller_fd (poller, &fd));
    CHECK_OK (zmq_poller_fd (poller, &same));
    CHECK (fd >= 0 && fd == same);
    for (int i = 0; i < 10; i++) {
        while (zmq_poller_wait (poller, &event, 0) == 0)
            EXPECT_TEXT (server, "m");
        send_text (client, "m", 0);
        CHECK_INT (is_readable (fd, PATIENCE_MS), 1);
        CHECK_OK (zmq_poller_wait (poller, &event, PATIENCE_MS));
        CHECK_EVENT (event, server, -1, NULL, ZMQ_POLLIN);
        EXPECT_TEXT (server, "m");
        CHECK_ERRNO (zmq_poller_wait (poller, &event, 0), EAGAIN);
        CHECK_INT (is_readable (fd, 0), 0);
    }
    CHECK_OK (zmq_poller_remove (poller, server));
    CHECK_OK (zmq_poller_fd (poller, &same));
    CHECK_INT (same, fd);
    close_all (context, poller, server, client);
}

struct worker {
    void *poller, *server;
    int received;
};

static void *serve (void *argument)
{
    struct worker *own = argument;
    zmq_poller_event_t event;
    while (zmq_poller_wait (own->poller, &event, PATIENCE_MS) == 0) {
        char text[2];
        int size = zmq_recv (own->server, text, sizeof text, ZMQ_DONTWAIT);
        if (size == 1 && text[0] == 'e')
            break;
        own->received += size == 1;
    }
    return NULL;
}

TEST (pollers_of_two_threads_share_a_thread_safe_socket)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    struct worker workers[2] = {{0}};
    pthread_t threads[2];
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){zmq_poller_new (), server, 0};
        CHECK_OK (zmq_poller_add (workers[i].poller, server, NULL, ZMQ_POLLIN));
        CHECK_OK (pthread_create (&threads[i], NULL, serve, &workers[i]));
    }
    for (int i = 0; i < 2000; i++)
        send_text (client, "m", 0);
    send_text (client, "e", 0);
    send_text (client, "e", 0);
    int received = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_OK (pthread_join (threads[i], NULL));
        CHECK_OK (zmq_poller_destroy (&workers[i].poller));
        received += workers[i].received;
    }
    CHECK_INT (received, 2000);
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_ctx_term (context));
}
