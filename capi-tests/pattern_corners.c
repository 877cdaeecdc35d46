/*  Corners of the patterns that the manual pages do not spell out, and that
 *  programs rely on all the same.  */
#include "monitors.h"

/*  Answered by the stable library, though zmq.h has it in its draft part.  */
#ifndef ZMQ_ONLY_FIRST_SUBSCRIBE
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#endif

/*  ROUTER_HANDOVER: the new peer takes the id, and the old one is cut off.  */
TRANSPORT_TEST (handover_gives_the_id_to_the_new_peer)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *first = open_socket (context, ZMQ_DEALER), *second = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_HANDOVER, 1);
    set_routing_id (first, "X");
    set_routing_id (second, "X");
    const char *endpoint = join (router, first, transport);
    send_text (first, "from first", 0);
    EXPECT_PARTS (router, "X", "from first");
    SEND_PARTS (router, "X", "to first");
    EXPECT_TEXT (first, "to first");
    set_int (first, ZMQ_RECONNECT_IVL, -1);
    CHECK_OK (zmq_connect (second, endpoint));
    send_text (second, "from second", 0);
    EXPECT_PARTS (router, "X", "from second");
    SEND_PARTS (router, "X", "to second");
    EXPECT_TEXT (second, "to second");
    EXPECT_NOTHING (first);
    FINISH (context, router, first, second);
}

/*  The old peer stays connected: it would take the id back.  */
WIRE_TEST (two_peers_of_one_id_do_not_compete_for_it)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *first = open_socket (context, ZMQ_DEALER), *second = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_HANDOVER, 1);
    set_int (first, ZMQ_RECONNECT_IVL, 1);
    set_routing_id (first, "X");
    set_routing_id (second, "X");
    const char *endpoint = join (router, first, transport);
    send_text (first, "from first", 0);
    EXPECT_PARTS (router, "X", "from first");
    void *reader = watch (context, first, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (second, endpoint));
    send_text (second, "from second", 0);
    EXPECT_PARTS (router, "X", "from second");
    send_text (first, "unheard", 0);
    EXPECT_NOTHING (router);
    EXPECT_NO_EVENT (reader);
    /*  Nor does its end take anything away.  */
    close_watched (first, reader);
    EXPECT_NOTHING (router);
    SEND_PARTS (router, "X", "to second");
    EXPECT_TEXT (second, "to second");
    FINISH (context, router, second);
}

/*  A message that the application began to read is read to its end, and whole.  */
WIRE_TEST (handover_in_the_middle_of_a_message)
{
    for (int read = 1; read < 3; read++) {
        void *context = zmq_ctx_new ();
        void *router = open_socket (context, ZMQ_ROUTER);
        void *first = open_socket (context, ZMQ_DEALER), *second = open_socket (context, ZMQ_DEALER);
        set_int (router, ZMQ_ROUTER_HANDOVER, 1);
        set_routing_id (first, "X");
        set_routing_id (second, "X");
        const char *endpoint = join (router, first, transport);
        SEND_PARTS (first, "a", "b", "c");
        EXPECT_PART (router, "X", 1);
        if (read == 2)
            EXPECT_PART (router, "a", 1);
        CHECK_OK (zmq_connect (second, endpoint));
        SEND_PARTS (second, "1", "2");
        /*  The router learns of the new peer between the parts.  */
        for (int n = 0; n < 5; n++) {
            sleep_ms (5);
            (void) get_int (router, ZMQ_EVENTS);
        }
        if (read == 1)
            EXPECT_PART (router, "a", 1);
        EXPECT_PARTS (router, "b", "c");
        EXPECT_PARTS (router, "X", "1", "2");
        FINISH (context, router, first, second);
    }
}

/*  Without it the new peer is ignored, in both directions.  */
TRANSPORT_TEST (without_handover_the_newcomer_is_ignored)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER);
    void *first = open_socket (context, ZMQ_DEALER), *second = open_socket (context, ZMQ_DEALER);
    set_routing_id (first, "X");
    set_routing_id (second, "X");
    const char *endpoint = join (router, first, transport);
    send_text (first, "1", 0);
    EXPECT_PARTS (router, "X", "1");
    CHECK_OK (zmq_connect (second, endpoint));
    send_text (second, "2", 0);
    EXPECT_NOTHING (router);
    SEND_PARTS (router, "X", "to first");
    EXPECT_TEXT (first, "to first");
    EXPECT_NOTHING (second);
    FINISH (context, router, first, second);
}

/*  An empty id in the first part is nobody's.  */
TEST (router_of_an_unknown_and_an_empty_id)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    join (router, dealer, "inproc");
    SEND_PARTS (router, "nobody", "a", "b");
    SEND_PARTS (router, "", "a");
    /*  An id and nothing else is dropped too.  */
    send_text (router, "nobody", 0);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    CHECK_ERRNO (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_ERRNO (zmq_send (router, "", 0, ZMQ_SNDMORE), EHOSTUNREACH);
    EXPECT_NOTHING (dealer);
    FINISH (context, router, dealer);
}

/*  Mandatory, a full peer: EAGAIN, and no part of the message is sent.  */
WIRE_TEST (mandatory_router_at_the_mark)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    set_int (router, ZMQ_SNDHWM, 2);
    set_int (router, ZMQ_SNDBUF, 4096);
    set_int (dealer, ZMQ_RCVBUF, 4096);
    set_int (dealer, ZMQ_RCVHWM, 1);
    set_routing_id (dealer, "X");
    join (router, dealer, transport);
    send_text (dealer, "hello", 0);
    EXPECT_PARTS (router, "X", "hello");
    static char large[100000];
    int sent = 0;
    set_int (router, ZMQ_SNDTIMEO, 30);
    /*  At the mark for good: what an I/O thread still passes on makes room.  */
    do
        while (zmq_send (router, "X", 1, ZMQ_SNDMORE) == 1) {
            CHECK_INT (zmq_send (router, large, sizeof large, 0), sizeof large);
            CHECK (++sent < 1000);
        }
    while (zmq_errno () == EAGAIN && shows (router, ZMQ_POLLOUT));
    CHECK (sent > 2);
    CHECK_ERRNO (zmq_send (router, "X", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    CHECK (!shows (router, ZMQ_POLLOUT));
    for (int n = 0; n < sent; n++)
        CHECK_INT (zmq_recv (dealer, large, sizeof large, 0), sizeof large);
    wait_events (router, ZMQ_POLLOUT);
    SEND_PARTS (router, "X", "after");
    EXPECT_TEXT (dealer, "after");
    FINISH (context, router, dealer);
}

/*  A stale reply is not the answer to the next request.  */
TRANSPORT_TEST (correlated_and_relaxed_req_drops_a_stale_reply)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ), *router = open_socket (context, ZMQ_ROUTER);
    set_int (req, ZMQ_REQ_CORRELATE, 1);
    set_int (req, ZMQ_REQ_RELAXED, 1);
    join (router, req, transport);
    char id[2][16], number[2][8];
    int size[2];
    for (int n = 0; n < 2; n++) {
        send_text (req, n ? "second" : "first", 0);
        size[n] = zmq_recv (router, id[n], sizeof id[n], 0);
        CHECK_INT (zmq_recv (router, number[n], sizeof number[n], 0), 4);
        EXPECT_PARTS (router, "", n ? "second" : "first");
    }
    CHECK (memcmp (number[0], number[1], 4) != 0);
    for (int n = 0; n < 2; n++) {
        CHECK_INT (zmq_send (router, id[n], (size_t) size[n], ZMQ_SNDMORE), size[n]);
        CHECK_INT (zmq_send (router, number[n], 4, ZMQ_SNDMORE), 4);
        SEND_PARTS (router, "", n ? "to second" : "to first");
    }
    EXPECT_TEXT (req, "to second");
    FINISH (context, req, router);
}

/*  REQ takes the answer of the peer that it asked, no other.  */
TRANSPORT_TEST (req_with_several_peers_listens_to_the_one_it_asked)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    void *one = open_socket (context, ZMQ_ROUTER), *two = open_socket (context, ZMQ_ROUTER);
    set_routing_id (req, "R");
    set_int (two, ZMQ_ROUTER_MANDATORY, 1);
    const char *endpoint = bind_to (req, fresh (transport));
    CHECK_OK (zmq_connect (one, endpoint));
    wait_events (req, ZMQ_POLLOUT);
    send_text (req, "ask", 0);
    EXPECT_PARTS (one, "R", "", "ask");
    CHECK_OK (zmq_connect (two, endpoint));
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (zmq_send (two, "R", 1, ZMQ_SNDMORE) == -1) {
        CHECK (now_ms () < give_up);
        sleep_ms (1);
    }
    SEND_PARTS (two, "", "not asked");
    set_int (req, ZMQ_RCVTIMEO, SETTLE_MS);
    CHECK_ERRNO (zmq_recv (req, NULL, 0, 0), EAGAIN);
    set_int (req, ZMQ_RCVTIMEO, PATIENCE_MS);
    SEND_PARTS (one, "R", "", "answer");
    EXPECT_TEXT (req, "answer");
    /*  Uninvited messages that wait are not the next answer either.  */
    SEND_PARTS (two, "R", "", "not asked");
    SEND_PARTS (one, "R", "", "late");
    sleep_ms (50);
    send_text (req, "next", 0);
    EXPECT_PARTS (one, "R", "", "next");
    SEND_PARTS (one, "R", "", "answer to next");
    EXPECT_TEXT (req, "answer to next");
    send_text (req, "third", 0);
    EXPECT_PARTS (two, "R", "", "third");
    SEND_PARTS (two, "R", "", "answer to third");
    EXPECT_TEXT (req, "answer to third");
    FINISH (context, req, one, two);
}

/*  A peer dies in the middle of a long message: what follows comes whole.  */
static void half_message (const char *transport, int sender, int receiver)
{
    void *context = zmq_ctx_new ();
    void *from = open_socket (context, sender), *other = open_socket (context, sender);
    void *to = open_socket (context, receiver);
    const char *endpoint = bind_to (to, fresh (transport));
    CHECK_OK (zmq_connect (from, endpoint));
    send_text (from, "whole", 0);
    if (receiver == ZMQ_ROUTER)
        CHECK_INT (zmq_recv (to, NULL, 0, 0), 5);
    EXPECT_TEXT (to, "whole");
    send_text (from, "half", ZMQ_SNDMORE);
    send_text (from, "of it", ZMQ_SNDMORE);
    CHECK_OK (zmq_close (from));
    CHECK_OK (zmq_connect (other, endpoint));
    send_text (other, "next", ZMQ_SNDMORE);
    send_text (other, "part", 0);
    if (receiver == ZMQ_ROUTER)
        CHECK_INT (zmq_recv (to, NULL, 0, 0), 5);
    EXPECT_PARTS (to, "next", "part");
    EXPECT_NOTHING (to);
    FINISH (context, to, other);
}

TRANSPORT_TEST (half_a_message_of_a_dealer) { half_message (transport, ZMQ_DEALER, ZMQ_DEALER); }
TRANSPORT_TEST (half_a_message_to_a_router) { half_message (transport, ZMQ_DEALER, ZMQ_ROUTER); }

/*  PUSH deals to those that come late as well, from then on.  */
TRANSPORT_TEST (push_deals_to_peers_that_come_late)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *early = open_socket (context, ZMQ_PULL), *late = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (push, fresh (transport));
    CHECK_OK (zmq_connect (early, endpoint));
    for (int n = 0; n < 10; n++)
        send_text (push, "m", 0);
    for (int n = 0; n < 10; n++)
        EXPECT_TEXT (early, "m");
    CHECK_OK (zmq_connect (late, endpoint));
    /*  Until one arrives there.  */
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (zmq_recv (late, NULL, 0, ZMQ_DONTWAIT) < 0) {
        CHECK (now_ms () < give_up);
        send_text (push, "probe", 0);
        sleep_ms (2);
    }
    drain (early);
    drain (late);
    for (int n = 0; n < 10; n++)
        send_text (push, "n", 0);
    for (int n = 0; n < 5; n++) {
        EXPECT_TEXT (early, "n");
        EXPECT_TEXT (late, "n");
    }
    FINISH (context, push, early, late);
}

/*  Overlapping subscriptions are independent of each other.  */
TRANSPORT_TEST (overlapping_prefixes_come_and_go)
{
    static const char *const prefixes[] = {"", "a", "ab", "abc", "abcd", "b", "abd", "aa"};
    static const char *const topics[] = {"abcde", "abx", "a", "bb", "c", "abd", "aab"};
    enum { PREFIXES = sizeof prefixes / sizeof *prefixes, TOPICS = sizeof topics / sizeof *topics };
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB), *sub = open_socket (context, ZMQ_SUB);
    join (pub, sub, transport);
    /*  Each state of a walk through the subsets is checked with every topic.  */
    unsigned have = 0;
    for (int step = 1; step < 48; step++) {
        int at = (step * 5 + step / 8) % PREFIXES;
        if (have & 1u << at)
            unsubscribe (sub, prefixes[at]);
        else
            subscribe (sub, prefixes[at]);
        EXPECT_SUBSCRIPTION (pub, have & 1u << at ? 0 : 1, prefixes[at]);
        have ^= 1u << at;
        for (int topic = 0; topic < TOPICS; topic++)
            send_text (pub, topics[topic], 0);
        for (int topic = 0; topic < TOPICS; topic++) {
            bool wanted = false;
            for (int n = 0; n < PREFIXES; n++)
                wanted |= have >> n & 1 && strncmp (topics[topic], prefixes[n], strlen (prefixes[n])) == 0;
            if (wanted)
                EXPECT_TEXT (sub, topics[topic]);
        }
    }
    EXPECT_NOTHING (sub);
    FINISH (context, pub, sub);
}

/*  XSUB sends what is no subscription upstream, whole, also in parts.  */
TRANSPORT_TEST (xsub_sends_parts_upstream)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *xsub = open_socket (context, ZMQ_XSUB);
    join (xpub, xsub, transport);
    wait_events (xsub, ZMQ_POLLOUT);
    send_text (xsub, "\1S", 0);
    EXPECT_SUBSCRIPTION (xpub, 1, "S");
    SEND_PARTS (xsub, "\2two", "parts");
    EXPECT_PARTS (xpub, "\2two", "parts");
    send_text (xsub, "", 0);
    EXPECT_TEXT (xpub, "");
    /*  Later parts that look like subscriptions are some.  */
    SEND_PARTS (xsub, "user", "\1X");
    EXPECT_PARTS (xpub, "user", "\1X");
    send_text (xpub, "X", 0);
    EXPECT_TEXT (xsub, "X");
    SEND_PARTS (xsub, "\1Y", "\1Z");
    EXPECT_SUBSCRIPTION (xpub, 1, "Y");
    EXPECT_SUBSCRIPTION (xpub, 1, "Z");
    /*  In the middle as well, and the next message stands for itself.  */
    SEND_PARTS (xsub, "user", "\1M", "end");
    EXPECT_PART (xpub, "user", 1);
    EXPECT_SUBSCRIPTION (xpub, 1, "M");
    EXPECT_PART (xpub, "end", 0);
    SEND_PARTS (xsub, "user", "again");
    EXPECT_PARTS (xpub, "user", "again");
    send_text (xpub, "M", 0);
    EXPECT_TEXT (xsub, "M");
    FINISH (context, xpub, xsub);
}

TRANSPORT_TEST (only_first_subscribe)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *xsub = open_socket (context, ZMQ_XSUB);
    set_int (xpub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
    set_int (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
    join (xpub, xsub, transport);
    wait_events (xsub, ZMQ_POLLOUT);
    /*  A message that begins with a subscription may be several.  */
    SEND_PARTS (xsub, "\1S", "\1T");
    EXPECT_SUBSCRIPTION (xpub, 1, "S");
    SEND_PARTS (xsub, "user", "\1X", "\1Y");
    EXPECT_SUBSCRIPTION (xpub, 1, "T");
    EXPECT_PARTS (xpub, "user", "\1X", "\1Y");
    send_text (xpub, "X", 0);
    send_text (xpub, "T", 0);
    send_text (xpub, "S", 0);
    EXPECT_TEXT (xsub, "T");
    EXPECT_TEXT (xsub, "S");
    FINISH (context, xpub, xsub);
}

/*  What was never subscribed to is not reported.  */
TRANSPORT_TEST (unsubscription_by_xsub_of_what_it_has_not)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *xsub = open_socket (context, ZMQ_XSUB);
    join (xpub, xsub, transport);
    CHECK_INT (zmq_send (xsub, "\0nothing", 8, 0), 8);
    EXPECT_NOTHING (xpub);
    send_text (xsub, "\1A", 0);
    EXPECT_SUBSCRIPTION (xpub, 1, "A");
    FINISH (context, xpub, xsub);
}

/*  Multipart at the mark: it goes whole or not at all.  */
TEST (a_multipart_message_at_the_mark)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "inproc", 2);
    int messages = 0;
    for (; messages < 100 && zmq_send (push, "a", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 1; messages++)
        for (int n = 0; n < 4; n++)
            CHECK_INT (zmq_send (push, "b", 1, (n < 3 ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT), 1);
    CHECK_INT (zmq_errno (), EAGAIN);
    CHECK_INT (messages, 4);
    for (int n = 0; n < messages; n++)
        EXPECT_PARTS (pull, "a", "b", "b", "b", "b");
    EXPECT_NOTHING (pull);
    FINISH (context, push, pull);
}

/*  A peer without messages gives its turn to the one that connected last.  */
static void turns (int receiver, int sender)
{
    void *context = zmq_ctx_new ();
    void *to = open_socket (context, receiver), *from[4];
    CHECK_OK (zmq_bind (to, "inproc://turns"));
    for (int n = 0; n < 4; n++) {
        from[n] = open_socket (context, sender);
        CHECK_OK (zmq_connect (from[n], "inproc://turns"));
    }
    send_text (from[1], "1", 0);
    send_text (from[2], "2", 0);
    send_text (from[3], "3", 0);
    send_text (from[1], "1 again", 0);
    EXPECT_TEXT (to, "3");
    EXPECT_TEXT (to, "1");
    EXPECT_TEXT (to, "2");
    EXPECT_TEXT (to, "1 again");
    FINISH (context, to, from[0], from[1], from[2], from[3]);
}

TEST (turns_of_pull) { turns (ZMQ_PULL, ZMQ_PUSH); }
TEST (turns_of_dealer) { turns (ZMQ_DEALER, ZMQ_DEALER); }

/*  The same for a full one: after it the last has its turn.  */
TEST (turns_past_a_full_peer)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull[4];
    set_int (push, ZMQ_SNDHWM, 1);
    for (int n = 0; n < 4; n++) {
        char endpoint[32];
        snprintf (endpoint, sizeof endpoint, "inproc://full-%d", n);
        pull[n] = open_socket (context, ZMQ_PULL);
        set_int (pull[n], ZMQ_RCVHWM, n ? 5 : 1);
        CHECK_OK (zmq_bind (pull[n], endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
    }
    char text[4];
    for (int n = 0; n < 16; n++) {
        snprintf (text, sizeof text, "%d", n);
        send_text (push, text, 0);
    }
    /*  The first is full after 0 and 4.  */
    static const char *const order[4][6] = {{"0", "4"}, {"1", "5"}, {"2", "6"}, {"3", "7", "8"}};
    for (int n = 0; n < 4; n++)
        for (int m = 0; order[n][m]; m++)
            EXPECT_TEXT (pull[n], order[n][m]);
    FINISH (context, push, pull[0], pull[1], pull[2], pull[3]);
}

/*  A relaxed request that finds no room has given the one before it up.  */
TEST (a_relaxed_request_without_room_resets)
{
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ), *rep = open_socket (context, ZMQ_REP);
    set_int (req, ZMQ_REQ_RELAXED, 1);
    set_int (req, ZMQ_SNDHWM, 1);
    set_int (rep, ZMQ_RCVHWM, 1);
    join (rep, req, "inproc");
    int sent = 0;
    while (sent < 10 && zmq_send (req, "ask", 3, ZMQ_DONTWAIT) == 3)
        sent++;
    CHECK_INT (zmq_errno (), EAGAIN);
    CHECK (sent > 0 && sent < 10);
    CHECK_ERRNO (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    FINISH (context, req, rep);
}
