/*  ROUTER and DEALER: routing ids, what cannot be routed, turns, marks.  */
#include "peers.h"

/*  Waits until the router (MANDATORY) does, or does not, know this id: every
 *  try that is accepted sends it a message "?".  */
static void await_route (void *router, const char *id, bool known)
{
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (now_ms () < give_up) {
        int rc = zmq_send (router, id, strlen (id), ZMQ_SNDMORE | ZMQ_DONTWAIT);
        if (rc >= 0)
            send_text (router, "?", 0);
        else
            CHECK_INT (zmq_errno (), EHOSTUNREACH);
        if ((rc >= 0) == known)
            return;
        sleep_ms (2);
    }
    CHECK (!"the route did not change");
}

TRANSPORT_TEST (router_prepends_the_id_and_routes_by_it)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *one = open_socket (context, ZMQ_DEALER);
    void *two = open_socket (context, ZMQ_DEALER);
    set_routing_id (one, "one");
    set_routing_id (two, "two");
    const char *endpoint = join (router, one, transport);
    CHECK_OK (zmq_connect (two, endpoint));
    SEND_PARTS (one, "hello", "", "there");
    EXPECT_PARTS (router, "one", "hello", "", "there");
    SEND_PARTS (two, "");
    EXPECT_PARTS (router, "two", "");
    SEND_PARTS (router, "two", "for", "two");
    SEND_PARTS (router, "one", "for one");
    EXPECT_PARTS (one, "for one");
    EXPECT_PARTS (two, "for", "two");
    FINISH (context, router, one, two);
}

TRANSPORT_TEST (generated_ids_are_five_bytes_after_a_zero)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    const char *endpoint = bind_to (router, fresh (transport));
    void *dealers[3];
    char ids[3][16];
    for (int n = 0; n < 3; n++) {
        dealers[n] = open_socket (context, ZMQ_DEALER);
        CHECK_OK (zmq_connect (dealers[n], endpoint));
        send_text (dealers[n], "hello", 0);
        CHECK_INT (zmq_recv (router, ids[n], sizeof ids[n], 0), 5);
        CHECK_INT (ids[n][0], 0);
        EXPECT_TEXT (router, "hello");
        for (int k = 0; k < n; k++)
            CHECK (memcmp (ids[n], ids[k], 5) != 0);
    }
    for (int n = 0; n < 3; n++) {
        CHECK_INT (zmq_send (router, ids[n], 5, ZMQ_SNDMORE), 5);
        CHECK_INT (zmq_send (router, &(char){(char) ('0' + n)}, 1, 0), 1);
    }
    EXPECT_TEXT (dealers[0], "0");
    EXPECT_TEXT (dealers[1], "1");
    EXPECT_TEXT (dealers[2], "2");
    FINISH (context, router, dealers[0], dealers[1], dealers[2]);
}

TRANSPORT_TEST (longest_and_binary_ids)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *dealer = open_socket (context, ZMQ_DEALER);
    char id[255];
    for (int n = 0; n < 255; n++)
        id[n] = (char) (n + 1);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, id, sizeof id));
    join (router, dealer, transport);
    send_text (dealer, "x", 0);
    EXPECT_BYTES (router, id, 255, 1);
    EXPECT_TEXT (router, "x");
    CHECK_INT (zmq_send (router, id, 255, ZMQ_SNDMORE), 255);
    send_text (router, "y", 0);
    EXPECT_TEXT (dealer, "y");
    FINISH (context, router, dealer);
}

TRANSPORT_TEST (duplicate_id_is_refused)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *first = open_socket (context, ZMQ_DEALER);
    void *second = open_socket (context, ZMQ_DEALER);
    set_routing_id (first, "same");
    set_routing_id (second, "same");
    const char *endpoint = join (router, first, transport);
    send_text (first, "first", 0);
    EXPECT_PARTS (router, "same", "first");
    CHECK_OK (zmq_connect (second, endpoint));
    (void) zmq_send (second, "second", 6, ZMQ_DONTWAIT);
    EXPECT_NOTHING (router);
    SEND_PARTS (router, "same", "answer");
    EXPECT_TEXT (first, "answer");
    EXPECT_NOTHING (second);
    FINISH (context, router, first, second);
}

/*  The id is free when its owner is gone. libzmq says EHOSTUNREACH a
 *  moment before it really forgets the owner, so new peers try repeatedly.  */
TRANSPORT_TEST (id_is_free_after_its_owner_left)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *first = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    set_routing_id (first, "same");
    const char *endpoint = join (router, first, transport);
    send_text (first, "first", 0);
    EXPECT_PARTS (router, "same", "first");
    CHECK_OK (zmq_close (first));
    await_route (router, "same", false);
    void *second = NULL;
    zmq_pollitem_t item = {router, 0, ZMQ_POLLIN, 0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up;) {
        second = open_socket (context, ZMQ_DEALER);
        set_routing_id (second, "same");
        CHECK_OK (zmq_connect (second, endpoint));
        send_text (second, "second", 0);
        if (zmq_poll (&item, 1, 100) == 1)
            break;
        CHECK_OK (zmq_close (second));
    }
    EXPECT_PARTS (router, "same", "second");
    SEND_PARTS (router, "same", "answer");
    EXPECT_TEXT (second, "answer");
    FINISH (context, router, second);
}

TRANSPORT_TEST (unroutable_is_dropped_silently)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *dealer = open_socket (context, ZMQ_DEALER);
    SEND_PARTS (router, "nobody", "a", "b");
    CHECK (shows (router, ZMQ_POLLOUT));
    set_routing_id (dealer, "somebody");
    join (router, dealer, transport);
    send_text (dealer, "hello", 0);
    EXPECT_PARTS (router, "somebody", "hello");
    SEND_PARTS (router, "nobody", "a", "b");
    SEND_PARTS (router, "");
    SEND_PARTS (router, "somebody");
    SEND_PARTS (router, "", "c");
    SEND_PARTS (router, "somebody", "good");
    EXPECT_TEXT (dealer, "good");
    EXPECT_NOTHING (dealer);
    FINISH (context, router, dealer);
}

TRANSPORT_TEST (mandatory_reports_the_unroutable)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *dealer = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    CHECK_ERRNO (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_ERRNO (zmq_send (router, "nobody", 6, ZMQ_SNDMORE | ZMQ_DONTWAIT), EHOSTUNREACH);
    set_routing_id (dealer, "somebody");
    join (router, dealer, transport);
    await_route (router, "somebody", true);
    EXPECT_TEXT (dealer, "?");
    CHECK_ERRNO (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    SEND_PARTS (router, "somebody", "good");
    EXPECT_TEXT (dealer, "good");
    /*  A peer that left is nobody again.  */
    CHECK_OK (zmq_close (dealer));
    await_route (router, "somebody", false);
    FINISH (context, router);
}

TEST (mandatory_mute_peer_blocks)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *dealer = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    set_int (router, ZMQ_SNDHWM, 3);
    set_int (dealer, ZMQ_RCVHWM, 2);
    set_routing_id (dealer, "slow");
    join (router, dealer, "inproc");
    send_text (dealer, "hello", 0);
    EXPECT_PARTS (router, "slow", "hello");
    int count = 0;
    while (count < 100
           && zmq_send (router, "slow", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 4) {
        send_text (router, "m", 0);
        count++;
    }
    CHECK_INT (zmq_errno (), EAGAIN);
    CHECK_INT (count, 5);
    CHECK (!shows (router, ZMQ_POLLOUT));
    set_int (router, ZMQ_SNDTIMEO, 40);
    int64_t start = now_ms ();
    CHECK_ERRNO (zmq_send (router, "slow", 4, ZMQ_SNDMORE), EAGAIN);
    CHECK (now_ms () - start >= 39);
    CHECK_INT (drain (dealer), 5);
    wait_events (router, ZMQ_POLLOUT);
    SEND_PARTS (router, "slow", "again");
    EXPECT_TEXT (dealer, "again");
    FINISH (context, router, dealer);
}

TEST (without_mandatory_a_full_peer_loses_messages)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *dealer = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_SNDHWM, 3);
    set_int (dealer, ZMQ_RCVHWM, 2);
    set_routing_id (dealer, "slow");
    join (router, dealer, "inproc");
    send_text (dealer, "hello", 0);
    EXPECT_PARTS (router, "slow", "hello");
    for (int n = 0; n < 20; n++)
        SEND_PARTS (router, "slow", "m");
    CHECK (shows (router, ZMQ_POLLOUT));
    CHECK_INT (drain (dealer), 5);
    FINISH (context, router, dealer);
}

TRANSPORT_TEST (router_takes_turns_between_peers)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    const char *endpoint = bind_to (router, fresh (transport));
    void *dealers[3];
    char id[2] = "a";
    for (int n = 0; n < 3; n++, id[0]++) {
        dealers[n] = open_socket (context, ZMQ_DEALER);
        set_routing_id (dealers[n], id);
        CHECK_OK (zmq_connect (dealers[n], endpoint));
        send_text (dealers[n], "!", 0);
        EXPECT_PARTS (router, id, "!");
    }
    for (int n = 0; n < 12; n++)
        SEND_PARTS (dealers[n / 4], "m", "n");
    sleep_ms (SETTLE_MS);
    CHECK (shows (router, ZMQ_POLLIN));
    for (int round = 0; round < 4; round++) {
        int seen = 0;
        for (int n = 0; n < 3; n++) {
            CHECK_INT (zmq_recv (router, id, 1, 0), 1);
            seen |= 1 << (id[0] - 'a');
            EXPECT_PARTS (router, "m", "n");
        }
        CHECK_INT (seen, 7);
    }
    FINISH (context, router, dealers[0], dealers[1], dealers[2]);
}

TRANSPORT_TEST (dealer_deals_and_collects_in_turn)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    void *peers[3];
    for (int n = 0; n < 3; n++) {
        peers[n] = open_socket (context, ZMQ_DEALER);
        join (peers[n], dealer, transport);
    }
    for (int n = 0; n < 6; n++)
        SEND_PARTS (dealer, "head", "tail");
    for (int n = 0; n < 3; n++) {
        EXPECT_PARTS (peers[n], "head", "tail");
        EXPECT_PARTS (peers[n], "head", "tail");
        CHECK (!shows (peers[n], ZMQ_POLLIN));
        SEND_PARTS (peers[n], "back", "1");
        SEND_PARTS (peers[n], "back", "2");
    }
    sleep_ms (SETTLE_MS);
    CHECK (shows (dealer, ZMQ_POLLIN));
    for (int n = 0; n < 3; n++)
        EXPECT_PARTS (dealer, "back", "1");
    for (int n = 0; n < 3; n++)
        EXPECT_PARTS (dealer, "back", "2");
    FINISH (context, dealer, peers[0], peers[1], peers[2]);
}

TEST (dealer_without_peer_blocks)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    CHECK_ERRNO (zmq_send (dealer, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (get_int (dealer, ZMQ_EVENTS), 0);
    bind_to (dealer, "tcp://127.0.0.1:*");
    set_int (dealer, ZMQ_SNDTIMEO, 30);
    int64_t start = now_ms ();
    CHECK_ERRNO (zmq_send (dealer, "x", 1, 0), EAGAIN);
    CHECK (now_ms () - start >= 29);
    FINISH (context, dealer);
}

TEST (inproc_dealer_mark)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    void *router = open_socket (context, ZMQ_ROUTER);
    set_int (dealer, ZMQ_SNDHWM, 2);
    set_int (router, ZMQ_RCVHWM, 2);
    join (router, dealer, "inproc");
    CHECK_INT (fill (dealer, 100), 4);
    CHECK_INT (drain (router), 8);
    wait_events (dealer, ZMQ_POLLOUT);
    FINISH (context, dealer, router);
}

TRANSPORT_TEST (dealer_talks_to_rep_through_a_delimiter)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    void *reps[2];
    for (int n = 0; n < 2; n++) {
        reps[n] = open_socket (context, ZMQ_REP);
        join (reps[n], dealer, transport);
    }
    for (int n = 0; n < 2; n++)
        SEND_PARTS (dealer, "", "q");
    for (int n = 0; n < 2; n++) {
        EXPECT_TEXT (reps[n], "q");
        send_text (reps[n], "a", 0);
    }
    EXPECT_PARTS (dealer, "", "a");
    EXPECT_PARTS (dealer, "", "a");
    FINISH (context, dealer, reps[0], reps[1]);
}

/*  Client, broker of ROUTER and ROUTER, worker: envelopes grow by a hop.  */
TRANSPORT_TEST (req_through_two_routers_to_rep)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    void *front = open_socket (context, ZMQ_ROUTER);
    void *back = open_socket (context, ZMQ_DEALER);
    void *rep = open_socket (context, ZMQ_REP);
    set_routing_id (req, "client");
    join (front, req, transport);
    join (back, rep, transport);
    send_text (req, "q", 0);
    EXPECT_PARTS (front, "client", "", "q");
    SEND_PARTS (back, "extra hop", "client", "", "q");
    EXPECT_TEXT (rep, "q");
    send_text (rep, "a", 0);
    EXPECT_PARTS (back, "extra hop", "client", "", "a");
    SEND_PARTS (front, "client", "", "a");
    EXPECT_TEXT (req, "a");
    FINISH (context, req, front, back, rep);
}

TRANSPORT_TEST (probe_announces_a_peer)
{
    static const int types[] = {ZMQ_DEALER, ZMQ_REQ, ZMQ_ROUTER};
    static const char *const names[] = {"dealer", "req", "router"};
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    const char *endpoint = bind_to (router, fresh (transport));
    for (int n = 0; n < 3; n++) {
        void *peer = open_socket (context, types[n]);
        set_routing_id (peer, names[n]);
        set_int (peer, ZMQ_PROBE_ROUTER, 1);
        CHECK_OK (zmq_connect (peer, endpoint));
        EXPECT_PARTS (router, names[n], "");
        if (types[n] == ZMQ_DEALER) {
            SEND_PARTS (router, names[n], "seen");
            EXPECT_TEXT (peer, "seen");
        }
        CHECK_OK (zmq_close (peer));
    }
    FINISH (context, router);
}

TRANSPORT_TEST (routers_talk_by_connect_routing_id)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_ROUTER);
    void *client = open_socket (context, ZMQ_ROUTER);
    set_routing_id (client, "client");
    set_int (client, ZMQ_ROUTER_MANDATORY, 1);
    const char *endpoint = bind_to (server, fresh (transport));
    CHECK_OK (zmq_setsockopt (client, ZMQ_CONNECT_ROUTING_ID, "server", 6));
    CHECK_OK (zmq_connect (client, endpoint));
    /*  The name holds at once, before any handshake.  */
    SEND_PARTS (client, "server", "hello");
    EXPECT_PARTS (server, "client", "hello");
    SEND_PARTS (server, "client", "welcome");
    EXPECT_PARTS (client, "server", "welcome");
    FINISH (context, server, client);
}

TRANSPORT_TEST (routers_talk_by_their_own_ids)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_ROUTER);
    void *client = open_socket (context, ZMQ_ROUTER);
    set_routing_id (server, "server");
    set_routing_id (client, "client");
    set_int (client, ZMQ_ROUTER_MANDATORY, 1);
    join (server, client, transport);
    await_route (client, "server", true);
    EXPECT_PARTS (server, "client", "?");
    SEND_PARTS (server, "client", "welcome");
    EXPECT_PARTS (client, "server", "welcome");
    FINISH (context, server, client);
}

/*  A message whose peer leaves half-way: the rest is swallowed.  */
WIRE_TEST (peer_leaves_in_the_middle_of_a_reply)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *leaver = open_socket (context, ZMQ_DEALER);
    void *stayer = open_socket (context, ZMQ_DEALER);
    set_routing_id (leaver, "leaver");
    set_routing_id (stayer, "stayer");
    const char *endpoint = join (router, leaver, transport);
    CHECK_OK (zmq_connect (stayer, endpoint));
    for (int n = 0; n < 2; n++) {
        send_text (n ? leaver : stayer, "here", 0);
        EXPECT_PARTS (router, n ? "leaver" : "stayer", "here");
    }
    send_text (router, "leaver", ZMQ_SNDMORE);
    send_text (router, "one", ZMQ_SNDMORE);
    CHECK_OK (zmq_close (leaver));
    sleep_ms (SETTLE_MS);
    CHECK (shows (router, ZMQ_POLLOUT));
    send_text (router, "two", ZMQ_SNDMORE);
    send_text (router, "three", 0);
    SEND_PARTS (router, "stayer", "next");
    EXPECT_TEXT (stayer, "next");
    EXPECT_NOTHING (stayer);
    FINISH (context, router, stayer);
}

/*  What a peer sent before it left can still be read.  */
TRANSPORT_TEST (last_words_of_a_leaving_peer)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *leaver = open_socket (context, ZMQ_DEALER);
    set_routing_id (leaver, "leaver");
    set_int (leaver, ZMQ_LINGER, -1);
    join (router, leaver, transport);
    SEND_PARTS (leaver, "1", "2");
    SEND_PARTS (leaver, "3");
    CHECK_OK (zmq_close (leaver));
    sleep_ms (30);
    EXPECT_PARTS (router, "leaver", "1", "2");
    EXPECT_PARTS (router, "leaver", "3");
    FINISH (context, router);
}

TRANSPORT_TEST (conflating_dealer_keeps_the_last)
{
    void *context = zmq_ctx_new ();
    void *in = open_socket (context, ZMQ_DEALER);
    void *out = open_socket (context, ZMQ_DEALER);
    set_int (in, ZMQ_CONFLATE, 1);
    set_int (out, ZMQ_CONFLATE, 1);
    join (in, out, transport);
    wait_events (out, ZMQ_POLLOUT);
    for (int n = 0; n < 100; n++)
        CHECK_INT (zmq_send (out, &n, sizeof n, 0), sizeof n);
    sleep_ms (SETTLE_MS);
    int last = -1;
    CHECK_INT (zmq_recv (in, &last, sizeof last, 0), sizeof last);
    CHECK_INT (last, 99);
    FINISH (context, in, out);
}

TEST (raw_router_exchanges_plain_tcp)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    set_int (router, ZMQ_ROUTER_RAW, 1);
    int fd = plain_connect (port_of (bind_to (router, "tcp://127.0.0.1:*")));
    plain_write (fd, "GET /", 5);
    char id[8], text[16];
    /*  libzmq announces the connection with an empty message.  */
    CHECK_INT (zmq_recv (router, id, sizeof id, 0), 5);
    EXPECT_TEXT (router, "");
    CHECK_INT (zmq_recv (router, id, sizeof id, 0), 5);
    CHECK_INT (id[0], 0);
    CHECK (get_int (router, ZMQ_RCVMORE));
    EXPECT_TEXT (router, "GET /");
    CHECK_INT (zmq_send (router, id, 5, ZMQ_SNDMORE), 5);
    send_text (router, "answer", 0);
    plain_read (fd, text, 6);
    CHECK (memcmp (text, "answer", 6) == 0);
    CHECK_INT (zmq_send (router, id, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (router, "", 0, 0), 0);
    await_end (router, fd);
    plain_expect_end (fd);
    CHECK_OK (close (fd));
    FINISH (context, router);
}

WIRE_TEST (dealer_and_router_reconnect)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent (transport);
    set_routing_id (dealer, "dealer");
    set_int (dealer, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (dealer, endpoint));
    for (int life = 0; life < 3; life++) {
        void *server_context = zmq_ctx_new ();
        void *router = open_socket (server_context, ZMQ_ROUTER);
        set_int (router, ZMQ_ROUTER_MANDATORY, 1);
        CHECK_OK (zmq_bind (router, endpoint));
        await_route (router, "dealer", true);
        EXPECT_TEXT (dealer, "?");
        send_text (dealer, "hello", 0);
        EXPECT_PARTS (router, "dealer", "hello");
        FINISH (server_context, router);
    }
    FINISH (context, dealer);
}

WIRE_TEST (incompatible_peers_never_talk)
{
    static const int pairs[][2] = {{ZMQ_ROUTER, ZMQ_PAIR},  {ZMQ_ROUTER, ZMQ_PUB},
                                   {ZMQ_ROUTER, ZMQ_REP},   {ZMQ_DEALER, ZMQ_REQ},
                                   {ZMQ_DEALER, ZMQ_PUSH}};
    void *context = zmq_ctx_new ();
    for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++) {
        void *server = open_socket (context, pairs[n][0]);
        void *client = open_socket (context, pairs[n][1]);
        join (server, client, transport);
        if (pairs[n][1] != ZMQ_REP)
            (void) zmq_send (client, "x", 1, ZMQ_DONTWAIT);
        sleep_ms (60);
        CHECK (!shows (server, ZMQ_POLLIN));
        CHECK_OK (zmq_close (server));
        CHECK_OK (zmq_close (client));
    }
    CHECK_OK (zmq_ctx_term (context));
}
