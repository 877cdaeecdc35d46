/*  zmq_poll over many sockets at once: every change of any of them ends it.  */
#include "peers.h"

#include <sys/wait.h>

enum { MANY = 40, ROUNDS = 300 };

typedef struct {
    void *context, *in[MANY], *out[MANY];
    zmq_pollitem_t items[MANY];
} many;

static void make_many (many *all, void *context, const char *transport)
{
    all->context = context;
    for (int i = 0; i < MANY; i++) {
        all->in[i] = open_socket (context, ZMQ_PULL);
        all->out[i] = open_socket (context, ZMQ_PUSH);
        join (all->in[i], all->out[i], transport);
        all->items[i] = (zmq_pollitem_t) {all->in[i], 0, ZMQ_POLLIN, 99};
    }
}

static void close_many (many *all)
{
    for (int i = 0; i < MANY; i++) {
        CHECK_OK (zmq_close (all->in[i]));
        CHECK_OK (zmq_close (all->out[i]));
    }
}

/*  One of them alone has a message; takes it.  */
static void expect_one (many *all, int which)
{
    CHECK_INT (zmq_poll (all->items, MANY, PATIENCE_MS), 1);
    for (int i = 0; i < MANY; i++)
        CHECK_INT (all->items[i].revents, i == which ? ZMQ_POLLIN : 0);
    EXPECT_BYTES (all->in[which], "x", 1, 0);
}

TRANSPORT_TEST (one_of_many_is_found)
{
    many all;
    void *context = zmq_ctx_new ();
    make_many (&all, context, transport);
    CHECK_INT (zmq_poll (all.items, MANY, 0), 0);
    CHECK_INT (zmq_poll (all.items, MANY, 10), 0);
    for (int n = 0; n < ROUNDS; n++) {
        send_text (all.out[n * 17 % MANY], "x", 0);
        expect_one (&all, n * 17 % MANY);
    }
    CHECK_INT (zmq_poll (all.items, MANY, 0), 0);
    close_many (&all);
    CHECK_OK (zmq_ctx_term (context));
}

/*  Sends on request, while the other thread falls asleep in zmq_poll or before.  */
static void *send_when_told (void *argument)
{
    many *all = argument;
    void *requests = open_socket (all->context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (requests, "inproc://requests"));
    for (int n = 0; n < ROUNDS; n++) {
        char which;
        CHECK_INT (zmq_recv (requests, &which, 1, 0), 1);
        if (n % 8 == 0)
            sleep_ms (1);
        send_text (all->out[(int) which], "x", 0);
    }
    CHECK_OK (zmq_close (requests));
    return NULL;
}

TRANSPORT_TEST (another_thread_wakes_it)
{
    many all;
    void *context = zmq_ctx_new ();
    make_many (&all, context, transport);
    void *requester = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (requester, "inproc://requests"));
    pthread_t sender = start_thread (send_when_told, &all);
    for (int n = 0; n < ROUNDS; n++) {
        char which = (char) (n * 23 % MANY);
        CHECK_INT (zmq_send (requester, &which, 1, 0), 1);
        expect_one (&all, which);
    }
    end_thread (sender);
    close_many (&all);
    FINISH (context, requester);
}

TEST (room_is_an_event_as_well)
{
    many all;
    void *context = zmq_ctx_new ();
    all.context = context;
    for (int i = 0; i < MANY; i++) {
        all.in[i] = open_socket (context, ZMQ_PULL);
        all.out[i] = open_socket (context, ZMQ_PUSH);
        set_int (all.in[i], ZMQ_RCVHWM, 1);
        set_int (all.out[i], ZMQ_SNDHWM, 1);
        join (all.in[i], all.out[i], "inproc");
        all.items[i] = (zmq_pollitem_t) {all.out[i], 0, ZMQ_POLLOUT, 0};
    }
    CHECK_INT (zmq_poll (all.items, MANY, PATIENCE_MS), MANY);
    for (int i = 0; i < MANY; i++)
        fill (all.out[i], 10);
    CHECK_INT (zmq_poll (all.items, MANY, 0), 0);
    CHECK (drain (all.in[33]) > 0);
    CHECK_INT (zmq_poll (all.items, MANY, PATIENCE_MS), 1);
    CHECK_INT (all.items[33].revents, ZMQ_POLLOUT);
    close_many (&all);
    CHECK_OK (zmq_ctx_term (context));
}

static void *poll_alone (void *argument)
{
    many *all = argument;
    for (int n = 0; n < ROUNDS; n++) {
        send_text (all->out[n % MANY], "x", 0);
        expect_one (all, n % MANY);
    }
    return NULL;
}

TEST (threads_poll_each_its_own)
{
    static many all[2];
    void *context = zmq_ctx_new ();
    void *other = zmq_ctx_new ();
    make_many (&all[0], context, "tcp");
    make_many (&all[1], other, "inproc");
    pthread_t threads[2];
    for (int n = 0; n < 2; n++)
        threads[n] = start_thread (poll_alone, &all[n]);
    for (int n = 0; n < 2; n++)
        end_thread (threads[n]);
    /*  And now another thread polls, after the one that it knew.  */
    for (int n = 0; n < 2; n++) {
        poll_alone (&all[n]);
        close_many (&all[n]);
    }
    CHECK_OK (zmq_ctx_term (context));
    CHECK_OK (zmq_ctx_term (other));
}

TEST (new_sockets_on_old_handles)
{
    void *context = zmq_ctx_new ();
    for (int n = 0; n < 6; n++) {
        many all;
        make_many (&all, context, "inproc");
        send_text (all.out[n], "x", 0);
        expect_one (&all, n);
        CHECK_INT (zmq_poll (all.items, MANY, 0), 0);
        close_many (&all);
        CHECK_ERRNO (zmq_poll (all.items, MANY, 0), ENOTSOCK);
    }
    CHECK_OK (zmq_ctx_term (context));
}

static void *shut_down_soon (void *context)
{
    sleep_ms (40);
    CHECK_OK (zmq_ctx_shutdown (context));
    return NULL;
}

TEST (the_end_of_the_context_ends_it)
{
    many all;
    void *context = zmq_ctx_new ();
    make_many (&all, context, "tcp");
    CHECK_INT (zmq_poll (all.items, MANY, 0), 0);
    pthread_t other = start_thread (shut_down_soon, context);
    CHECK_ERRNO (zmq_poll (all.items, MANY, PATIENCE_MS), ETERM);
    end_thread (other);
    close_many (&all);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_child_has_none_of_them)
{
    many all;
    void *context = zmq_ctx_new ();
    make_many (&all, context, "inproc");
    send_text (all.out[3], "x", 0);
    CHECK_INT (zmq_poll (all.items, MANY, PATIENCE_MS), 1);
    pid_t child = fork ();
    if (child == 0)
        _exit (zmq_poll (all.items, MANY, 0) == -1 && errno == EINTR ? 0 : 1);
    int status;
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    expect_one (&all, 3);
    close_many (&all);
    CHECK_OK (zmq_ctx_term (context));
}
