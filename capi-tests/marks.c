/*  High-water marks that change while sockets are connected, and ZMQ_CONFLATE
 *  on the types that know it and on those that do not.  */
#include "peers.h"

/*  A socket with this mark in each direction.  */
static void *marked (void *context, int type, int mark)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_SNDHWM, mark);
    set_int (socket, ZMQ_RCVHWM, mark);
    return socket;
}

/*  Both sockets process the events of the other.  */
static void settle_both (void *one, void *other)
{
    for (int round = 0; round < 3; round++) {
        (void) get_int (one, ZMQ_EVENTS);
        (void) get_int (other, ZMQ_EVENTS);
    }
}

static int take (void *socket)
{
    char byte;
    int count = 0;
    while (zmq_recv (socket, &byte, 1, ZMQ_DONTWAIT) >= 0)
        count++;
    CHECK_INT (zmq_errno (), EAGAIN);
    return count;
}

static void change_after_connect (int first_type, int second_type, int connect_first)
{
    void *context = zmq_ctx_new ();
    void *push = marked (context, first_type, 1), *pull = marked (context, second_type, 1);
    if (connect_first)
        CHECK_OK (zmq_connect (pull, "inproc://marks"));
    CHECK_OK (zmq_bind (push, "inproc://marks"));
    if (!connect_first)
        CHECK_OK (zmq_connect (pull, "inproc://marks"));
    /*  Both know their pipe.  */
    settle_both (push, pull);
    set_int (push, ZMQ_SNDHWM, 5);
    settle_both (push, pull);
    CHECK_INT (fill (push, 50), 6);
    CHECK_INT (take (pull), 6);
    FINISH (context, push, pull);
}

TEST (the_sender_may_change_the_mark_of_an_inproc_pipe)
{
    change_after_connect (ZMQ_PUSH, ZMQ_PULL, 0);
    change_after_connect (ZMQ_PUSH, ZMQ_PULL, 1);
    change_after_connect (ZMQ_PAIR, ZMQ_PAIR, 0);
    change_after_connect (ZMQ_DEALER, ZMQ_DEALER, 1);
}

TEST (the_receiver_may_change_the_mark_of_an_inproc_pipe)
{
    void *context = zmq_ctx_new ();
    void *push = marked (context, ZMQ_PUSH, 3), *pull = marked (context, ZMQ_PULL, 3);
    join (push, pull, "inproc");
    set_int (pull, ZMQ_RCVHWM, 7);
    settle_both (push, pull);
    CHECK_INT (fill (push, 50), 10);
    CHECK_INT (take (pull), 10);
    FINISH (context, push, pull);
}

/*  What is in the pipe stays; the new mark applies once it was read, less what the
 *  reader did not report yet.  */
TEST (a_mark_lowered_while_the_pipe_is_full)
{
    void *context = zmq_ctx_new ();
    void *push = marked (context, ZMQ_PUSH, 100), *pull = marked (context, ZMQ_PULL, 1);
    join (push, pull, "inproc");
    CHECK_INT (fill (push, 500), 101);
    set_int (push, ZMQ_SNDHWM, 70);
    settle_both (push, pull);
    CHECK_INT (fill (push, 500), 0);
    CHECK_INT (take (pull), 101);
    settle_both (push, pull);
    int again = fill (push, 500);
    CHECK (again > 35 && again <= 71);
    FINISH (context, push, pull);
}

/*  A socket that connected first and filled its pipe can send again when a bind adds to the mark.  */
static void bind_adds_room (int sender, int receiver, int receive_mark, int more)
{
    void *context = zmq_ctx_new ();
    void *push = zmq_socket (context, sender), *pull = zmq_socket (context, receiver);
    set_int (push, ZMQ_SNDHWM, 2);
    set_int (push, ZMQ_LINGER, 0);
    CHECK_OK (zmq_connect (push, "inproc://room"));
    CHECK_INT (fill (push, 50), 2);
    CHECK (!shows (push, ZMQ_POLLOUT));
    set_int (pull, ZMQ_RCVHWM, receive_mark);
    CHECK_OK (zmq_bind (pull, "inproc://room"));
    CHECK (shows (push, ZMQ_POLLOUT));
    CHECK_INT (fill (push, 50), more);
    FINISH (context, push, pull);
}

TEST (a_bind_makes_room_in_a_pipe_that_was_full)
{
    bind_adds_room (ZMQ_PUSH, ZMQ_PULL, 3, 3);
    bind_adds_room (ZMQ_PUSH, ZMQ_PULL, 0, 50);
    bind_adds_room (ZMQ_DEALER, ZMQ_DEALER, 4, 4);
    bind_adds_room (ZMQ_PAIR, ZMQ_PAIR, 0, 50);
}

static void *send_three (void *socket)
{
    for (int n = 0; n < 3; n++)
        send_text (socket, "m", 0);
    return NULL;
}

TEST (a_bind_lets_a_blocked_sender_go_on)
{
    for (int receive_mark = 0; receive_mark < 4; receive_mark += 3) {
        void *context = zmq_ctx_new ();
        void *push = zmq_socket (context, ZMQ_PUSH), *pull = zmq_socket (context, ZMQ_PULL);
        set_int (push, ZMQ_SNDHWM, 1);
        set_int (pull, ZMQ_RCVHWM, receive_mark);
        CHECK_OK (zmq_connect (push, "inproc://blocked"));
        pthread_t thread = start_thread (send_three, push);
        sleep_ms (20);
        CHECK_OK (zmq_bind (pull, "inproc://blocked"));
        end_thread (thread);
        for (int n = 0; n < 3; n++)
            EXPECT_TEXT (pull, "m");
        FINISH (context, push, pull);
    }
}

/*  ZMQ_CONFLATE is of PULL, PUSH, SUB, PUB and DEALER; others know it and go on
 *  as ever.  */
static void no_conflation (const char *transport, int sender, int receiver)
{
    void *context = zmq_ctx_new ();
    void *from = zmq_socket (context, sender), *to = zmq_socket (context, receiver);
    set_int (from, ZMQ_CONFLATE, 1);
    set_int (to, ZMQ_CONFLATE, 1);
    join (from, to, transport);
    if (receiver == ZMQ_XSUB) {
        send_text (to, "\1", 0);
        EXPECT_SUBSCRIPTION (from, 1, "");
    }
    SEND_PARTS (from, "a", "b");
    if (sender != ZMQ_REQ)
        SEND_PARTS (from, "c", "d");
    EXPECT_PARTS (to, "a", "b");
    if (sender != ZMQ_REQ)
        EXPECT_PARTS (to, "c", "d");
    FINISH (context, from, to);
}

TRANSPORT_TEST (other_types_do_not_conflate)
{
    no_conflation (transport, ZMQ_PAIR, ZMQ_PAIR);
    no_conflation (transport, ZMQ_XPUB, ZMQ_XSUB);
    no_conflation (transport, ZMQ_REQ, ZMQ_REP);
}

/*  Messages conflate, subscriptions do not.  */
WIRE_TEST (a_conflating_publisher_receives_every_subscription)
{
    void *context = zmq_ctx_new ();
    void *pub = zmq_socket (context, ZMQ_PUB), *sub = zmq_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_CONFLATE, 1);
    const char *endpoint = bind_to (pub, wildcard (transport));
    char topic[8];
    for (int n = 0; n < 200; n++) {
        snprintf (topic, sizeof topic, "t%03d", n);
        subscribe (sub, topic);
    }
    CHECK_OK (zmq_connect (sub, endpoint));
    await_subscription (pub, sub, "t199");
    /*  One at a time: only one is in the queue.  */
    for (int n = 0; n < 200; n++) {
        snprintf (topic, sizeof topic, "t%03d", n);
        send_text (pub, topic, 0);
        EXPECT_TEXT (sub, topic);
    }
    FINISH (context, pub, sub);
}
