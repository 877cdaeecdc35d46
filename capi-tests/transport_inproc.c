/*  inproc: names, order of bind and connect, marks, threads.  */
#include "peers.h"

TEST (names)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_ERRNO (zmq_bind (pull, "inproc://"), EINVAL);
    CHECK_ERRNO (zmq_connect (pull, "inproc://"), EINVAL);
    char name[300] = "inproc://";
    memset (name + 9, 'n', 256);
    CHECK_OK (zmq_bind (pull, name));
    char last[300];
    size_t size = sizeof last;
    CHECK_OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, last, &size));
    CHECK_STRING (last, name);
    CHECK_OK (zmq_bind (pull, "inproc://#1 /:*\x7f"));
    CHECK_OK (zmq_connect (push, "inproc://#1 /:*\x7f"));
    send_text (push, "x", 0);
    EXPECT_TEXT (pull, "x");
    FINISH (context, pull, push);
}

TEST (bound_twice_is_in_use)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PULL);
    void *two = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (one, "inproc://name"));
    CHECK_ERRNO (zmq_bind (two, "inproc://name"), EADDRINUSE);
    CHECK_ERRNO (zmq_bind (one, "inproc://name"), EADDRINUSE);
    CHECK_OK (zmq_bind (one, "inproc://name 2"));
    FINISH (context, one, two);
}

TEST (free_again_after_unbind_and_close)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PULL);
    void *two = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (one, "inproc://name"));
    CHECK_OK (zmq_unbind (one, "inproc://name"));
    CHECK_ERRNO (zmq_unbind (one, "inproc://name"), ENOENT);
    CHECK_OK (zmq_bind (two, "inproc://name"));
    CHECK_ERRNO (zmq_unbind (one, "inproc://name"), ENOENT);
    CHECK_OK (zmq_close (two));
    int64_t give_up = now_ms () + PATIENCE_MS;
    int rc;
    while ((rc = zmq_bind (one, "inproc://name")) != 0 && now_ms () < give_up)
        sleep_ms (1);
    CHECK_OK (rc);
    FINISH (context, one);
}

TEST (contexts_have_names_of_their_own)
{
    void *one = zmq_ctx_new (), *two = zmq_ctx_new ();
    void *here = open_socket (one, ZMQ_PULL);
    void *there = open_socket (two, ZMQ_PULL);
    void *push = open_socket (two, ZMQ_PUSH);
    CHECK_OK (zmq_bind (here, "inproc://name"));
    CHECK_OK (zmq_bind (there, "inproc://name"));
    CHECK_OK (zmq_connect (push, "inproc://name"));
    send_text (push, "x", 0);
    EXPECT_TEXT (there, "x");
    CHECK (!shows (here, ZMQ_POLLIN));
    FINISH (two, there, push);
    FINISH (one, here);
}

TEST (connect_before_bind)
{
    void *context = zmq_ctx_new ();
    void *pushes[3];
    for (int n = 0; n < 3; n++) {
        pushes[n] = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (pushes[n], "inproc://later"));
        SEND_PARTS (pushes[n], "early", "bird");
    }
    void *pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, "inproc://later"));
    for (int n = 0; n < 3; n++)
        EXPECT_PARTS (pull, "early", "bird");
    for (int n = 0; n < 3; n++)
        SEND_PARTS (pushes[n], "late");
    for (int n = 0; n < 3; n++)
        EXPECT_PARTS (pull, "late");
    FINISH (context, pull, pushes[0], pushes[1], pushes[2]);
}

/*  Waiting for a bind that never comes holds nothing up.  */
TEST (connect_that_never_meets_a_bind)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *gone = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "inproc://never"));
    CHECK_OK (zmq_connect (gone, "inproc://never"));
    send_text (push, "x", 0);
    send_text (gone, "y", 0);
    CHECK_OK (zmq_close (gone));
    CHECK_OK (zmq_disconnect (push, "inproc://never"));
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, push);
}

TEST (bound_again_after_the_server_left)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 0);
    send_text (push, "x", 0);
    EXPECT_TEXT (pull, "x");
    CHECK_OK (zmq_close (pull));
    /*  There is no reconnecting here: the sender has no peer any more.  */
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (push, ZMQ_POLLOUT) && now_ms () < give_up)
        sleep_ms (1);
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, push);
}

TEST (disconnect)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER);
    void *client = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_bind (server, "inproc://name"));
    CHECK_OK (zmq_connect (client, "inproc://name"));
    send_text (client, "x", 0);
    EXPECT_TEXT (server, "x");
    CHECK_OK (zmq_disconnect (client, "inproc://name"));
    CHECK_ERRNO (zmq_disconnect (client, "inproc://name"), ENOENT);
    CHECK_ERRNO (zmq_send (client, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (server, ZMQ_POLLOUT) && now_ms () < give_up) {
        (void) shows (client, ZMQ_POLLIN);
        sleep_ms (1);
    }
    CHECK (!shows (server, ZMQ_POLLOUT));
    CHECK_OK (zmq_connect (client, "inproc://name"));
    send_text (client, "back", 0);
    EXPECT_TEXT (server, "back");
    FINISH (context, server, client);
}

TEST (a_socket_may_connect_to_itself)
{
    void *context = zmq_ctx_new ();
    void *self = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_bind (self, "inproc://self"));
    CHECK_OK (zmq_connect (self, "inproc://self"));
    SEND_PARTS (self, "to", "me");
    EXPECT_PARTS (self, "to", "me");
    FINISH (context, self);
}

/*  No I/O thread is needed.  */
TEST (without_io_threads)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 0));
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, "inproc");
    send_text (req, "q", 0);
    EXPECT_TEXT (rep, "q");
    send_text (rep, "a", 0);
    EXPECT_TEXT (req, "a");
    CHECK_ERRNO (zmq_bind (rep, "tcp://127.0.0.1:*"), EMTHREAD);
    CHECK_ERRNO (zmq_connect (req, "tcp://127.0.0.1:1"), EMTHREAD);
    FINISH (context, rep, req);
}

/*  The body of a message is handed over, not copied.  */
TEST (large_bodies_keep_their_address)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 0);
    zmq_msg_t out, in;
    CHECK_OK (zmq_msg_init_size (&out, 1 << 20));
    const void *data = zmq_msg_data (&out);
    CHECK_INT (zmq_msg_send (&out, push, 0), 1 << 20);
    CHECK_OK (zmq_msg_init (&in));
    CHECK_INT (zmq_msg_recv (&in, pull, 0), 1 << 20);
    CHECK (zmq_msg_data (&in) == data);
    CHECK_OK (zmq_msg_close (&in));
    FINISH (context, pull, push);
}

enum { THREADS = 4, EACH = 5000 };

static void *client_thread (void *context)
{
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "inproc://sink"));
    set_int (push, ZMQ_LINGER, -1);
    for (int n = 0; n < EACH; n++)
        CHECK_INT (zmq_send (push, &n, sizeof n, 0), sizeof n);
    CHECK_OK (zmq_close (push));
    return NULL;
}

TEST (many_threads_into_one)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, "inproc://sink"));
    pthread_t threads[THREADS];
    for (int n = 0; n < THREADS; n++)
        threads[n] = start_thread (client_thread, context);
    long sum = 0;
    for (int n = 0; n < THREADS * EACH; n++) {
        int got;
        CHECK_INT (zmq_recv (pull, &got, sizeof got, 0), sizeof got);
        sum += got;
    }
    CHECK_INT (sum, (long) THREADS * EACH * (EACH - 1) / 2);
    for (int n = 0; n < THREADS; n++)
        end_thread (threads[n]);
    EXPECT_NOTHING (pull);
    FINISH (context, pull);
}

static void *echo_thread (void *context)
{
    void *pair = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (pair, "inproc://echo"));
    for (int n = 0; n < 3000; n++) {
        int got;
        CHECK_INT (zmq_recv (pair, &got, sizeof got, 0), sizeof got);
        CHECK_INT (zmq_send (pair, &got, sizeof got, 0), sizeof got);
    }
    EXPECT_TEXT (pair, "done");
    CHECK_OK (zmq_close (pair));
    return NULL;
}

TEST (ping_pong_between_threads)
{
    void *context = zmq_ctx_new ();
    void *pair = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (pair, "inproc://echo"));
    pthread_t echo = start_thread (echo_thread, context);
    for (int n = 0; n < 3000; n++) {
        int got = -1;
        CHECK_INT (zmq_send (pair, &n, sizeof n, 0), sizeof n);
        CHECK_INT (zmq_recv (pair, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    send_text (pair, "done", 0);
    end_thread (echo);
    FINISH (context, pair);
}
