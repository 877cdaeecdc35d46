/*  PUSH and PULL: round robin out, fair queueing in, blocking at the mark,
 *  peers that come and go, queues that outlive a missing peer.  */
#include "peers.h"

TEST (directions_that_do_not_exist)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    char byte;
    CHECK_ERRNO (zmq_recv (push, &byte, 1, 0), ENOTSUP);
    CHECK_ERRNO (zmq_recv (push, &byte, 1, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERRNO (zmq_send (pull, "x", 1, 0), ENOTSUP);
    CHECK_ERRNO (zmq_send (pull, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    join (pull, push, "inproc");
    send_text (push, "x", 0);
    wait_events (pull, ZMQ_POLLIN);
    CHECK_INT (get_int (pull, ZMQ_EVENTS), ZMQ_POLLIN);
    CHECK_INT (get_int (push, ZMQ_EVENTS), ZMQ_POLLOUT);
    FINISH (context, push, pull);
}

TRANSPORT_TEST (push_deals_round_robin)
{
    enum { PULLS = 3, ROUNDS = 4 };
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pulls[PULLS];
    for (int n = 0; n < PULLS; n++) {
        pulls[n] = open_socket (context, ZMQ_PULL);
        join (pulls[n], push, transport);
    }
    for (int n = 0; n < PULLS * ROUNDS; n++)
        CHECK_INT (zmq_send (push, &(char){(char) ('a' + n)}, 1, 0), 1);
    bool seen[PULLS] = {false};
    for (int n = 0; n < PULLS; n++) {
        char letter, first = 0;
        for (int round = 0; round < ROUNDS; round++) {
            CHECK_INT (zmq_recv (pulls[n], &letter, 1, 0), 1);
            if (round == 0)
                first = letter;
            CHECK_INT (letter, first + round * PULLS);
        }
        CHECK (first < 'a' + PULLS && !seen[first - 'a']);
        seen[first - 'a'] = true;
    }
    FINISH (context, push, pulls[0], pulls[1], pulls[2]);
}

/*  A multipart message goes to one peer as a whole.  */
TRANSPORT_TEST (parts_stay_together)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *one = open_socket (context, ZMQ_PULL);
    void *two = open_socket (context, ZMQ_PULL);
    join (one, push, transport);
    join (two, push, transport);
    for (int n = 0; n < 4; n++)
        SEND_PARTS (push, "head", "middle", "tail");
    for (int n = 0; n < 2; n++) {
        EXPECT_PARTS (one, "head", "middle", "tail");
        EXPECT_PARTS (two, "head", "middle", "tail");
    }
    FINISH (context, push, one, two);
}

TRANSPORT_TEST (pull_takes_turns)
{
    enum { PUSHES = 3, EACH = 5 };
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, fresh (transport));
    void *pushes[PUSHES];
    char letter;
    for (int n = 0; n < PUSHES; n++) {
        pushes[n] = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (pushes[n], endpoint));
        /*  One message each first: then all three are known to be there.  */
        send_text (pushes[n], "!", 0);
        EXPECT_TEXT (pull, "!");
    }
    for (int n = 0; n < PUSHES; n++)
        for (int k = 0; k < EACH; k++)
            CHECK_INT (zmq_send (pushes[n], &(char){(char) ('a' + n)}, 1, 0), 1);
    sleep_ms (SETTLE_MS);
    /*  libzmq takes notice of new peers with messages when it is asked
     *  for events, or when it runs dry: asked here.  */
    CHECK (shows (pull, ZMQ_POLLIN));
    for (int round = 0; round < EACH; round++) {
        int seen = 0;
        for (int n = 0; n < PUSHES; n++) {
            CHECK_INT (zmq_recv (pull, &letter, 1, 0), 1);
            seen |= 1 << (letter - 'a');
        }
        CHECK_INT (seen, (1 << PUSHES) - 1);
    }
    FINISH (context, pull, pushes[0], pushes[1], pushes[2]);
}

TEST (no_peer_blocks)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (get_int (push, ZMQ_EVENTS), 0);
    bind_to (push, "tcp://127.0.0.1:*");
    set_int (push, ZMQ_SNDTIMEO, 30);
    CHECK_ERRNO (zmq_send (push, "x", 1, 0), EAGAIN);
    FINISH (context, push);
}

TEST (inproc_mark_and_refill)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, 4);
    set_int (pull, ZMQ_RCVHWM, 6);
    join (pull, push, "inproc");
    CHECK_INT (fill (push, 100), 10);
    CHECK (!shows (push, ZMQ_POLLOUT));
    /*  Room comes back in steps of half the mark.  */
    for (int n = 0; n < 4; n++)
        EXPECT_TEXT (pull, "m");
    CHECK (!shows (push, ZMQ_POLLOUT));
    EXPECT_TEXT (pull, "m");
    wait_events (push, ZMQ_POLLOUT);
    CHECK_INT (fill (push, 100), 5);
    CHECK_INT (drain (pull), 10);
    FINISH (context, push, pull);
}

/*  Every part counts, but a message of which a part was taken is taken to its end.  */
TEST (inproc_mark_counts_parts_and_never_splits)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 2);
    int whole = 0;
    while (whole < 50 && zmq_send (push, "1", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE) == 1) {
        CHECK_INT (zmq_send (push, "2", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), 1);
        CHECK_INT (zmq_send (push, "3", 1, ZMQ_DONTWAIT), 1);
        whole++;
    }
    CHECK_INT (zmq_errno (), EAGAIN);
    CHECK (whole >= 1 && whole <= 4);
    for (int n = 0; n < whole; n++)
        EXPECT_PARTS (pull, "1", "2", "3");
    EXPECT_NOTHING (pull);
    FINISH (context, push, pull);
}

TRANSPORT_TEST (full_peer_is_passed_over)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *away = open_socket (context, ZMQ_PULL);
    void *near = open_socket (context, ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, 2);
    /*  Nobody will ever take what is queued for this one.  */
    CHECK_OK (zmq_connect (push, absent (transport)));
    join (near, push, transport);
    for (int n = 0; n < 12; n++)
        send_text (push, "m", 0);
    CHECK_INT (drain (near), 10);
    FINISH (context, push, away, near);
}

TRANSPORT_TEST (queued_messages_survive_until_the_peer_comes)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = absent (transport);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    set_int (push, ZMQ_SNDHWM, 5);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (fill (push, 100), 5);
    CHECK_OK (zmq_bind (pull, endpoint));
    for (int n = 0; n < 5; n++)
        EXPECT_TEXT (pull, "m");
    FINISH (context, push, pull);
}

WIRE_TEST (immediate_queues_only_for_real_peers)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = absent (transport);
    set_int (push, ZMQ_IMMEDIATE, 1);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK (!shows (push, ZMQ_POLLOUT));
    CHECK_OK (zmq_bind (pull, endpoint));
    wait_events (push, ZMQ_POLLOUT);
    send_text (push, "now", 0);
    EXPECT_TEXT (pull, "now");
    /*  When the peer goes, the socket is mute again.  */
    CHECK_OK (zmq_close (pull));
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (push, ZMQ_POLLOUT) && now_ms () < give_up)
        sleep_ms (5);
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, push);
}

WIRE_TEST (reconnects_to_a_restarted_server)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = absent (transport);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (push, endpoint));
    for (int life = 0; life < 3; life++) {
        void *server_context = zmq_ctx_new ();
        void *pull = open_socket (server_context, ZMQ_PULL);
        CHECK_OK (zmq_bind (pull, endpoint));
        /*  Messages on their way when the server died may be lost: send until
         *  one of this life arrives.  */
        char want[16], got[16];
        int size = snprintf (want, sizeof want, "life %d", life);
        bool received = false;
        for (int64_t give_up = now_ms () + PATIENCE_MS; !received && now_ms () < give_up;) {
            (void) zmq_send (push, want, size, ZMQ_DONTWAIT);
            zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
            while (!received && zmq_poll (&item, 1, 10) == 1) {
                CHECK (zmq_recv (pull, got, sizeof got, 0) > 0);
                received = memcmp (got, want, size) == 0;
            }
        }
        CHECK (received);
        FINISH (server_context, pull);
    }
    FINISH (context, push);
}

/*  A bound PUSH forgets a peer that left, and what was queued for it.  */
WIRE_TEST (bound_push_serves_the_next_peer)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (push, fresh (transport));
    for (int n = 0; n < 3; n++) {
        void *pull = open_socket (context, ZMQ_PULL);
        CHECK_OK (zmq_connect (pull, endpoint));
        wait_events (push, ZMQ_POLLOUT);
        send_text (push, "for you", 0);
        EXPECT_TEXT (pull, "for you");
        CHECK_OK (zmq_close (pull));
        int64_t give_up = now_ms () + PATIENCE_MS;
        while (shows (push, ZMQ_POLLOUT) && now_ms () < give_up)
            sleep_ms (2);
        CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    }
    FINISH (context, push);
}

TEST (one_socket_over_every_transport_at_once)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    void *sources[3], *sinks[3];
    for (int n = 0; n < 3; n++) {
        sources[n] = open_socket (context, ZMQ_PUSH);
        join (pull, sources[n], transports[n]);
        sinks[n] = open_socket (context, ZMQ_PULL);
        join (sinks[n], push, transports[n]);
    }
    /*  Bound ones and connected ones together in the middle socket.  */
    CHECK_OK (zmq_connect (pull, bind_to (push, "tcp://127.0.0.1:*")));
    wait_events (push, ZMQ_POLLOUT);
    for (int n = 0; n < 3; n++) {
        send_text (sources[n], "in", 0);
        EXPECT_TEXT (pull, "in");
    }
    int64_t give_up = now_ms () + PATIENCE_MS;
    int seen = 0;
    while (seen != 15 && now_ms () < give_up) {
        send_text (push, "out", 0);
        sleep_ms (1);
        void *all[4] = {sinks[0], sinks[1], sinks[2], pull};
        char text[8];
        for (int n = 0; n < 4; n++)
            if (zmq_recv (all[n], text, sizeof text, ZMQ_DONTWAIT) == 3)
                seen |= 1 << n;
    }
    CHECK_INT (seen, 15);
    FINISH (context, pull, push, sources[0], sources[1], sources[2], sinks[0], sinks[1],
            sinks[2]);
}

/*  A sender that closes in the middle of a message: the receiver never sees
 *  the half, and receives from its other peers.  */
TRANSPORT_TEST (half_a_message_of_a_leaving_peer_is_never_seen)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *leaver = open_socket (context, ZMQ_PUSH);
    void *stayer = open_socket (context, ZMQ_PUSH);
    const char *endpoint = join (pull, leaver, transport);
    CHECK_OK (zmq_connect (stayer, endpoint));
    set_int (leaver, ZMQ_LINGER, -1);
    send_text (leaver, "whole", 0);
    send_text (leaver, "half", ZMQ_SNDMORE);
    EXPECT_TEXT (pull, "whole");
    CHECK_OK (zmq_close (leaver));
    send_text (stayer, "later", 0);
    EXPECT_TEXT (pull, "later");
    EXPECT_NOTHING (pull);
    FINISH (context, pull, stayer);
}

/*  The receiver goes away while a message is being sent: the rest of the parts
 *  is accepted and dropped, the next message goes to another peer.  */
WIRE_TEST (peer_leaves_in_the_middle_of_a_message)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (push, fresh (transport));
    void *leaver = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_connect (leaver, endpoint));
    wait_events (push, ZMQ_POLLOUT);
    send_text (push, "one", ZMQ_SNDMORE);
    CHECK_OK (zmq_close (leaver));
    sleep_ms (SETTLE_MS);
    void *stayer = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_connect (stayer, endpoint));
    sleep_ms (SETTLE_MS);
    send_text (push, "two", ZMQ_SNDMORE);
    send_text (push, "three", 0);
    wait_events (push, ZMQ_POLLOUT);
    send_text (push, "next", 0);
    EXPECT_TEXT (stayer, "next");
    EXPECT_NOTHING (stayer);
    FINISH (context, push, stayer);
}

TRANSPORT_TEST (conflate_keeps_the_last)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    set_int (pull, ZMQ_CONFLATE, 1);
    set_int (push, ZMQ_CONFLATE, 1);
    join (pull, push, transport);
    wait_events (push, ZMQ_POLLOUT);
    for (int n = 0; n < 200; n++)
        CHECK_INT (zmq_send (push, &n, sizeof n, 0), sizeof n);
    sleep_ms (SETTLE_MS);
    int last = -1;
    CHECK_INT (zmq_recv (pull, &last, sizeof last, 0), sizeof last);
    CHECK_INT (last, 199);
    EXPECT_NOTHING (pull);
    FINISH (context, push, pull);
}

/*  RECONNECT_IVL -1: never again.  */
WIRE_TEST (no_reconnection_when_switched_off)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = absent (transport);
    set_int (push, ZMQ_RECONNECT_IVL, -1);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "first", 0);
    EXPECT_TEXT (pull, "first");
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_OK (zmq_close (pull));
    sleep_ms (SETTLE_MS);
    pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    (void) zmq_send (push, "second", 6, ZMQ_DONTWAIT);
    EXPECT_NOTHING (pull);
    FINISH (context, push, pull);
}

WIRE_TEST (incompatible_peers_never_talk)
{
    static const int pairs[][2] = {{ZMQ_PULL, ZMQ_PAIR}, {ZMQ_PULL, ZMQ_DEALER},
                                   {ZMQ_SUB, ZMQ_PUSH},  {ZMQ_PULL, ZMQ_PUB},
                                   {ZMQ_REP, ZMQ_PUSH},  {ZMQ_ROUTER, ZMQ_PUSH}};
    enum { COUNT = sizeof pairs / sizeof *pairs };
    void *context = zmq_ctx_new ();
    void *servers[COUNT], *clients[COUNT];
    for (int n = 0; n < COUNT; n++) {
        servers[n] = open_socket (context, pairs[n][0]);
        clients[n] = open_socket (context, pairs[n][1]);
        if (pairs[n][0] == ZMQ_SUB)
            subscribe (servers[n], "");
        join (servers[n], clients[n], transport);
        (void) zmq_send (clients[n], "x", 1, ZMQ_DONTWAIT);
    }
    sleep_ms (SETTLE_MS);
    for (int n = 0; n < COUNT; n++) {
        CHECK_ERRNO (zmq_recv (servers[n], NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        CHECK_OK (zmq_close (servers[n]));
        CHECK_OK (zmq_close (clients[n]));
    }
    CHECK_OK (zmq_ctx_term (context));
}

static void *pull_thousand (void *socket)
{
    for (int n = 0; n < 20000; n++) {
        int got = -1;
        CHECK_INT (zmq_recv (socket, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    return NULL;
}

TRANSPORT_TEST (blocking_stream_keeps_order_through_small_marks)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 3);
    pthread_t receiver = start_thread (pull_thousand, pull);
    for (int n = 0; n < 20000; n++)
        CHECK_INT (zmq_send (push, &n, sizeof n, 0), sizeof n);
    end_thread (receiver);
    FINISH (context, push, pull);
}
