/*  REQ and REP: the state machines, envelopes, which peer gets which reply.  */
#include "peers.h"

TRANSPORT_TEST (question_and_answer)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, transport);
    for (int n = 0; n < 3; n++) {
        SEND_PARTS (req, "question", "", "more");
        EXPECT_PARTS (rep, "question", "", "more");
        SEND_PARTS (rep, "answer", "part 2");
        EXPECT_PARTS (req, "answer", "part 2");
    }
    FINISH (context, rep, req);
}

TEST (req_alternates)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, "inproc");
    CHECK_ERRNO (zmq_recv (req, NULL, 0, 0), EFSM);
    CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    CHECK (!shows (req, ZMQ_POLLIN));
    send_text (req, "1", ZMQ_SNDMORE);
    /*  Half a request is no request.  */
    CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    send_text (req, "2", 0);
    CHECK_ERRNO (zmq_send (req, "3", 1, 0), EFSM);
    CHECK (!shows (req, ZMQ_POLLOUT));
    CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    EXPECT_PARTS (rep, "1", "2");
    SEND_PARTS (rep, "a", "b");
    EXPECT_PART (req, "a", 1);
    /*  Nor is a half-read reply a read one.  */
    CHECK_ERRNO (zmq_send (req, "4", 1, 0), EFSM);
    EXPECT_PART (req, "b", 0);
    send_text (req, "5", 0);
    EXPECT_TEXT (rep, "5");
    FINISH (context, rep, req);
}

TEST (rep_alternates)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    join (rep, req, "inproc");
    CHECK_ERRNO (zmq_send (rep, "x", 1, 0), EFSM);
    CHECK_ERRNO (zmq_send (rep, "x", 1, ZMQ_DONTWAIT), EFSM);
    CHECK (!shows (rep, ZMQ_POLLOUT));
    CHECK_ERRNO (zmq_recv (rep, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    SEND_PARTS (req, "1", "2");
    EXPECT_PART (rep, "1", 1);
    CHECK_ERRNO (zmq_send (rep, "x", 1, 0), EFSM);
    EXPECT_PART (rep, "2", 0);
    CHECK_ERRNO (zmq_recv (rep, NULL, 0, ZMQ_DONTWAIT), EFSM);
    CHECK (shows (rep, ZMQ_POLLOUT));
    CHECK (!shows (rep, ZMQ_POLLIN));
    send_text (rep, "a", ZMQ_SNDMORE);
    CHECK_ERRNO (zmq_recv (rep, NULL, 0, ZMQ_DONTWAIT), EFSM);
    send_text (rep, "b", 0);
    CHECK_ERRNO (zmq_send (rep, "x", 1, 0), EFSM);
    EXPECT_PARTS (req, "a", "b");
    FINISH (context, rep, req);
}

TEST (req_without_peer_blocks)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    CHECK_ERRNO (zmq_send (req, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK (!shows (req, ZMQ_POLLOUT));
    /*  The failed send did not change the state.  */
    CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    void *rep = open_socket (context, ZMQ_REP);
    join (rep, req, "tcp");
    send_text (req, "x", 0);
    EXPECT_TEXT (rep, "x");
    FINISH (context, req, rep);
}

TRANSPORT_TEST (requests_go_round_robin)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    void *reps[3];
    for (int n = 0; n < 3; n++) {
        reps[n] = open_socket (context, ZMQ_REP);
        join (reps[n], req, transport);
    }
    for (int n = 0; n < 6; n++) {
        send_text (req, "q", 0);
        EXPECT_TEXT (reps[n % 3], "q");
        send_text (reps[n % 3], "a", 0);
        EXPECT_TEXT (req, "a");
    }
    FINISH (context, req, reps[0], reps[1], reps[2]);
}

TRANSPORT_TEST (replies_find_their_asker)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    const char *endpoint = bind_to (rep, fresh (transport));
    void *reqs[4];
    char text[2] = "0";
    for (int n = 0; n < 4; n++) {
        reqs[n] = open_socket (context, ZMQ_REQ);
        CHECK_OK (zmq_connect (reqs[n], endpoint));
        text[0] = (char) ('0' + n);
        send_text (reqs[n], text, 0);
    }
    for (int n = 0; n < 4; n++) {
        CHECK_INT (zmq_recv (rep, text, 1, 0), 1);
        send_text (rep, text, 0);
    }
    for (int n = 3; n >= 0; n--) {
        text[0] = (char) ('0' + n);
        EXPECT_TEXT (reqs[n], text);
    }
    FINISH (context, rep, reqs[0], reqs[1], reqs[2], reqs[3]);
}

/*  Everything up to the empty part is envelope: kept, and put before the
 *  reply.  */
TRANSPORT_TEST (rep_returns_the_envelope)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *dealer = open_socket (context, ZMQ_DEALER);
    join (rep, dealer, transport);
    SEND_PARTS (dealer, "hop 1", "hop 2", "hop 3", "", "body", "", "end");
    EXPECT_PARTS (rep, "body", "", "end");
    SEND_PARTS (rep, "reply", "more");
    EXPECT_PARTS (dealer, "hop 1", "hop 2", "hop 3", "", "reply", "more");
    SEND_PARTS (dealer, "", "no hops");
    EXPECT_PARTS (rep, "no hops");
    SEND_PARTS (rep, "");
    EXPECT_PARTS (dealer, "", "");
    FINISH (context, rep, dealer);
}

TRANSPORT_TEST (rep_skips_what_has_no_envelope)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *dealer = open_socket (context, ZMQ_DEALER);
    join (rep, dealer, transport);
    SEND_PARTS (dealer, "bare");
    SEND_PARTS (dealer, "two", "parts");
    SEND_PARTS (dealer, "", "good");
    EXPECT_PARTS (rep, "good");
    send_text (rep, "ok", 0);
    EXPECT_PARTS (dealer, "", "ok");
    EXPECT_NOTHING (rep);
    FINISH (context, rep, dealer);
}

/*  Several requests of one dealer wait in line.  */
TRANSPORT_TEST (rep_answers_a_dealer_in_order)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *dealer = open_socket (context, ZMQ_DEALER);
    join (rep, dealer, transport);
    SEND_PARTS (dealer, "id 1", "", "q1");
    SEND_PARTS (dealer, "id 2", "", "q2");
    EXPECT_TEXT (rep, "q1");
    send_text (rep, "a1", 0);
    EXPECT_TEXT (rep, "q2");
    send_text (rep, "a2", 0);
    EXPECT_PARTS (dealer, "id 1", "", "a1");
    EXPECT_PARTS (dealer, "id 2", "", "a2");
    FINISH (context, rep, dealer);
}

TEST (inproc_req_drops_replies_with_a_wrong_envelope)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *req = open_socket (context, ZMQ_REQ);
    set_routing_id (req, "asker");
    join (router, req, "inproc");
    send_text (req, "question", 0);
    EXPECT_PARTS (router, "asker", "", "question");
    SEND_PARTS (router, "asker", "no delimiter");
    SEND_PARTS (router, "asker", "no", "delimiter");
    SEND_PARTS (router, "asker", "");
    SEND_PARTS (router, "asker", "", "good");
    EXPECT_TEXT (req, "good");
    EXPECT_NOTHING (req);
    FINISH (context, router, req);
}

/*  Over a connection a malformed reply costs libzmq the connection, for
 *  good. In any case it is never seen, and the router serves on.  */
WIRE_TEST (wrong_envelopes_are_never_seen)
{
    static const char *const bad[][2] = {{"bare", NULL}, {"two", "parts"}, {"", NULL}};
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    const char *endpoint = bind_to (router, fresh (transport));
    char name[] = "asker 0";
    for (int n = 0; n < 3; n++, name[6]++) {
        void *req = open_socket (context, ZMQ_REQ);
        set_routing_id (req, name);
        CHECK_OK (zmq_connect (req, endpoint));
        send_text (req, "question", 0);
        EXPECT_PARTS (router, name, "", "question");
        send_text (router, name, ZMQ_SNDMORE);
        send_text (router, bad[n][0], bad[n][1] ? ZMQ_SNDMORE : 0);
        if (bad[n][1])
            send_text (router, bad[n][1], 0);
        EXPECT_NOTHING (req);
        CHECK_OK (zmq_close (req));
    }
    void *req = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (req, endpoint));
    char id[5];
    send_text (req, "last", 0);
    CHECK_INT (zmq_recv (router, id, sizeof id, 0), sizeof id);
    EXPECT_PARTS (router, "", "last");
    CHECK_INT (zmq_send (router, id, sizeof id, ZMQ_SNDMORE), sizeof id);
    SEND_PARTS (router, "", "good");
    EXPECT_TEXT (req, "good");
    FINISH (context, router, req);
}

/*  A reply that comes when none is awaited is not the next one's reply.  */
TRANSPORT_TEST (second_reply_is_dropped_or_late)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *req = open_socket (context, ZMQ_REQ);
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    set_routing_id (req, "asker");
    join (router, req, transport);
    char id[4];
    send_text (req, "question", 0);
    EXPECT_PART (router, "asker", 1);
    CHECK_INT (zmq_recv (router, id, sizeof id, 0), sizeof id);
    EXPECT_PART (router, "", 1);
    EXPECT_TEXT (router, "question");
    for (int n = 0; n < 2; n++) {
        send_text (router, "asker", ZMQ_SNDMORE);
        CHECK_INT (zmq_send (router, id, sizeof id, ZMQ_SNDMORE), sizeof id);
        SEND_PARTS (router, "", "answer");
    }
    EXPECT_TEXT (req, "answer");
    CHECK (!shows (req, ZMQ_POLLIN));
    char next[4];
    send_text (req, "question 2", 0);
    EXPECT_PART (router, "asker", 1);
    CHECK_INT (zmq_recv (router, next, sizeof next, 0), sizeof next);
    CHECK (memcmp (id, next, sizeof id) != 0);
    EXPECT_PART (router, "", 1);
    EXPECT_TEXT (router, "question 2");
    /*  Only receiving filters: the stale reply may show up as POLLIN.  */
    CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    send_text (router, "asker", ZMQ_SNDMORE);
    CHECK_INT (zmq_send (router, next, sizeof next, ZMQ_SNDMORE), sizeof next);
    SEND_PARTS (router, "", "answer 2");
    EXPECT_TEXT (req, "answer 2");
    FINISH (context, router, req);
}

TEST (inproc_correlated_req_drops_bad_ids)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *req = open_socket (context, ZMQ_REQ);
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    set_routing_id (req, "asker");
    join (router, req, "inproc");
    char id[4];
    send_text (req, "question", 0);
    EXPECT_PART (router, "asker", 1);
    CHECK_INT (zmq_recv (router, id, sizeof id, 0), sizeof id);
    EXPECT_PARTS (router, "", "question");
    SEND_PARTS (router, "asker", "", "plain reply");
    SEND_PARTS (router, "asker", "xyz", "", "short id");
    SEND_PARTS (router, "asker", "wxyz", "", "foreign id");
    send_text (router, "asker", ZMQ_SNDMORE);
    CHECK_INT (zmq_send (router, id, sizeof id, ZMQ_SNDMORE), sizeof id);
    SEND_PARTS (router, "no delimiter");
    send_text (router, "asker", ZMQ_SNDMORE);
    CHECK_INT (zmq_send (router, id, sizeof id, ZMQ_SNDMORE), sizeof id);
    SEND_PARTS (router, "", "good");
    EXPECT_TEXT (req, "good");
    FINISH (context, router, req);
}

TRANSPORT_TEST (relaxed_req_may_ask_again)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *req = open_socket (context, ZMQ_REQ);
    set_int (req, ZMQ_REQ_RELAXED, 1);
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    set_routing_id (req, "asker");
    join (router, req, transport);
    char ids[2][4];
    for (int n = 0; n < 2; n++) {
        CHECK (shows (req, ZMQ_POLLOUT));
        send_text (req, n ? "second" : "first", 0);
        EXPECT_PART (router, "asker", 1);
        CHECK_INT (zmq_recv (router, ids[n], 4, 0), 4);
        EXPECT_PARTS (router, "", n ? "second" : "first");
        if (n == 0) {
            /*  Relaxing does not let it receive what it did not ask.  */
            CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        }
    }
    for (int n = 0; n < 2; n++) {
        send_text (router, "asker", ZMQ_SNDMORE);
        CHECK_INT (zmq_send (router, ids[n], 4, ZMQ_SNDMORE), 4);
        SEND_PARTS (router, "", n ? "answer 2" : "answer 1");
    }
    EXPECT_TEXT (req, "answer 2");
    EXPECT_NOTHING (req);
    FINISH (context, router, req);
}

/*  A relaxed request goes to the next peer, and the peer that was asked first
 *  is not received any more.  */
TRANSPORT_TEST (relaxed_req_asks_the_next_peer)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_REP);
    void *two = open_socket (context, ZMQ_REP);
    void *req = open_socket (context, ZMQ_REQ);
    set_int (req, ZMQ_REQ_RELAXED, 1);
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    join (one, req, transport);
    join (two, req, transport);
    send_text (req, "1", 0);
    EXPECT_TEXT (one, "1");
    send_text (req, "2", 0);
    EXPECT_TEXT (two, "2");
    send_text (one, "late", 0);
    sleep_ms (20);
    send_text (two, "right", 0);
    EXPECT_TEXT (req, "right");
    FINISH (context, one, two, req);
}

/*  The requester is gone: its reply is dropped, and REP goes on.  */
TRANSPORT_TEST (reply_to_a_requester_that_left_is_dropped)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *gone = open_socket (context, ZMQ_REQ);
    const char *endpoint = join (rep, gone, transport);
    send_text (gone, "bye", 0);
    EXPECT_TEXT (rep, "bye");
    CHECK_OK (zmq_close (gone));
    sleep_ms (SETTLE_MS);
    send_text (rep, "to nobody", ZMQ_SNDMORE);
    send_text (rep, "still nobody", 0);
    void *req = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (req, endpoint));
    send_text (req, "hello", 0);
    EXPECT_TEXT (rep, "hello");
    send_text (rep, "world", 0);
    EXPECT_TEXT (req, "world");
    FINISH (context, rep, req);
}

/*  Without RELAXED a REQ whose server died waits; the option set later helps. */
WIRE_TEST (server_dies_before_it_answers)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    const char *endpoint = absent (transport);
    set_int (req, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (req, endpoint));
    void *server_context = zmq_ctx_new ();
    void *rep = open_socket (server_context, ZMQ_REP);
    CHECK_OK (zmq_bind (rep, endpoint));
    send_text (req, "first", 0);
    EXPECT_TEXT (rep, "first");
    FINISH (server_context, rep);
    rep = open_socket (context, ZMQ_REP);
    CHECK_OK (zmq_bind (rep, endpoint));
    CHECK_ERRNO (zmq_send (req, "again", 5, 0), EFSM);
    EXPECT_NOTHING (rep);
    set_int (req, ZMQ_REQ_RELAXED, 1);
    send_text (req, "again", 0);
    EXPECT_TEXT (rep, "again");
    send_text (rep, "at last", 0);
    EXPECT_TEXT (req, "at last");
    FINISH (context, req, rep);
}

/*  A bound REQ works as well as a connected one.  */
TRANSPORT_TEST (bound_req_connected_rep)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    void *rep = open_socket (context, ZMQ_REP);
    join (req, rep, transport);
    send_text (req, "q", 0);
    EXPECT_TEXT (rep, "q");
    send_text (rep, "a", 0);
    EXPECT_TEXT (req, "a");
    FINISH (context, req, rep);
}

/*  REP takes its askers in turn, though one has many requests waiting.  */
TRANSPORT_TEST (rep_is_fair)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP);
    void *busy = open_socket (context, ZMQ_DEALER);
    void *req = open_socket (context, ZMQ_REQ);
    const char *endpoint = join (rep, busy, transport);
    CHECK_OK (zmq_connect (req, endpoint));
    for (int n = 0; n < 50; n++)
        SEND_PARTS (busy, "", "busy");
    send_text (req, "single", 0);
    sleep_ms (SETTLE_MS);
    CHECK (shows (rep, ZMQ_POLLIN));
    bool served = false;
    for (int n = 0; n < 2; n++) {
        char text[8];
        int size = zmq_recv (rep, text, sizeof text, 0);
        served |= size == 6;
        send_text (rep, "ok", 0);
    }
    CHECK (served);
    EXPECT_TEXT (req, "ok");
    FINISH (context, rep, busy, req);
}

WIRE_TEST (incompatible_peers_never_talk)
{
    static const int pairs[][2] = {{ZMQ_REP, ZMQ_PAIR}, {ZMQ_REP, ZMQ_PUSH},
                                   {ZMQ_REQ, ZMQ_DEALER}, {ZMQ_REP, ZMQ_PUB},
                                   {ZMQ_REQ, ZMQ_REQ}};
    void *context = zmq_ctx_new ();
    for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++) {
        void *server = open_socket (context, pairs[n][0]);
        void *client = open_socket (context, pairs[n][1]);
        join (server, client, transport);
        if (zmq_send (client, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 0)
            (void) zmq_send (client, "x", 1, ZMQ_DONTWAIT);
        sleep_ms (60);
        CHECK (!shows (server, ZMQ_POLLIN));
        CHECK (!shows (server, ZMQ_POLLOUT));
        CHECK_OK (zmq_close (server));
        CHECK_OK (zmq_close (client));
    }
    CHECK_OK (zmq_ctx_term (context));
}
