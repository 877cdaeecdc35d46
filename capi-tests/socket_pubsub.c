/*  PUB and SUB (with XPUB, which shows when a subscription is known): prefixes,
 *  counts, fan-out, dropping.  */
#include "peers.h"

/*  A SUB of libzmq sends its subscriptions to a new publisher only while
 *  the application calls it: this calls, until the publisher has something.  */
static void await_readable (void *pub, void *sub)
{
    zmq_pollitem_t item = {pub, 0, ZMQ_POLLIN, 0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up;) {
        (void) get_int (sub, ZMQ_EVENTS);
        if (zmq_poll (&item, 1, 5) == 1)
            return;
    }
    CHECK (!"no subscription came");
}

TEST (directions_that_do_not_exist)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_PUB);
    void *sub = open_socket (context, ZMQ_SUB);
    CHECK_ERRNO (zmq_recv (pub, NULL, 0, 0), ENOTSUP);
    CHECK_ERRNO (zmq_recv (pub, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERRNO (zmq_send (sub, "x", 1, 0), ENOTSUP);
    CHECK_ERRNO (zmq_send (sub, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERRNO (zmq_setsockopt (pub, ZMQ_SUBSCRIBE, "x", 1), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (pub, ZMQ_UNSUBSCRIBE, "x", 1), EINVAL);
    FINISH (context, pub, sub);
}

TEST (pub_without_peers_drops_and_never_blocks)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_PUB);
    void *xpub = open_socket (context, ZMQ_XPUB);
    bind_to (pub, "tcp://127.0.0.1:*");
    for (int n = 0; n < 5000; n++) {
        SEND_PARTS (pub, "a", "b");
        SEND_PARTS (xpub, "a", "b");
    }
    CHECK (shows (pub, ZMQ_POLLOUT));
    FINISH (context, pub, xpub);
}

TRANSPORT_TEST (prefixes_filter)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    join (pub, sub, transport);
    subscribe (sub, "app");
    subscribe (sub, "b");
    EXPECT_SUBSCRIPTION (pub, 1, "app");
    EXPECT_SUBSCRIPTION (pub, 1, "b");
    static const char *const sent[] = {"ap",  "app", "apple", "x", "",
                                       "APP", "b",   "banana", "c", "apq"};
    for (size_t n = 0; n < sizeof sent / sizeof *sent; n++)
        send_text (pub, sent[n], 0);
    EXPECT_TEXT (sub, "app");
    EXPECT_TEXT (sub, "apple");
    EXPECT_TEXT (sub, "b");
    EXPECT_TEXT (sub, "banana");
    EXPECT_NOTHING (sub);
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (no_subscription_no_message)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_PUB);
    void *silent = open_socket (context, ZMQ_SUB);
    void *sub = open_socket (context, ZMQ_SUB);
    const char *endpoint = join (pub, silent, transport);
    subscribe (sub, "");
    CHECK_OK (zmq_connect (sub, endpoint));
    await_subscription (pub, sub, "any");
    EXPECT_NOTHING (silent);
    FINISH (context, pub, silent, sub);
}

TRANSPORT_TEST (only_the_first_part_counts)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    join (pub, sub, transport);
    subscribe (sub, "A");
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    SEND_PARTS (pub, "B", "A");
    SEND_PARTS (pub, "A", "B", "");
    SEND_PARTS (pub, "", "A");
    SEND_PARTS (pub, "A", "A");
    EXPECT_PARTS (sub, "A", "B", "");
    EXPECT_PARTS (sub, "A", "A");
    EXPECT_NOTHING (sub);
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (fans_out_to_all)
{
    enum { SUBS = 5 };
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_PUB);
    const char *endpoint = bind_to (pub, fresh (transport));
    void *subs[SUBS];
    for (int n = 0; n < SUBS; n++) {
        subs[n] = open_socket (context, ZMQ_SUB);
        subscribe (subs[n], "");
        CHECK_OK (zmq_connect (subs[n], endpoint));
        await_subscription (pub, subs[n], "ready");
    }
    char big[5000];
    memset (big, 'z', sizeof big);
    send_text (pub, "all", ZMQ_SNDMORE);
    CHECK_INT (zmq_send (pub, big, sizeof big, 0), sizeof big);
    for (int n = 0; n < SUBS; n++) {
        char part[5000];
        int size;
        do
            CHECK ((size = zmq_recv (subs[n], part, sizeof part, 0)) >= 0);
        while (size != 3);
        CHECK_INT (zmq_recv (subs[n], part, sizeof part, 0), sizeof part);
        CHECK (memcmp (part, big, sizeof big) == 0);
        CHECK_OK (zmq_close (subs[n]));
    }
    FINISH (context, pub);
}

TRANSPORT_TEST (subscriptions_are_counted)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    join (pub, sub, transport);
    subscribe (sub, "A");
    subscribe (sub, "A");
    subscribe (sub, "A");
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    unsubscribe (sub, "A");
    unsubscribe (sub, "A");
    /*  One of three is left; repeated subscriptions are not reported.  */
    subscribe (sub, "mark");
    EXPECT_SUBSCRIPTION (pub, 1, "mark");
    send_text (pub, "A1", 0);
    EXPECT_TEXT (sub, "A1");
    unsubscribe (sub, "A");
    EXPECT_SUBSCRIPTION (pub, 0, "A");
    send_text (pub, "A2", 0);
    send_text (pub, "mark", 0);
    EXPECT_TEXT (sub, "mark");
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (unsubscribing_what_was_not_subscribed)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    join (pub, sub, transport);
    unsubscribe (sub, "never");
    subscribe (sub, "A");
    unsubscribe (sub, "AB");
    unsubscribe (sub, "");
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    EXPECT_NOTHING (pub);
    send_text (pub, "ABC", 0);
    EXPECT_TEXT (sub, "ABC");
    FINISH (context, pub, sub);
}

/*  Messages that match two filters come once.  */
TRANSPORT_TEST (overlapping_filters_deliver_once)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    subscribe (sub, "");
    subscribe (sub, "A");
    subscribe (sub, "AB");
    join (pub, sub, transport);
    int received = 0;
    while (received < 3) {
        char what[8];
        int size = zmq_recv (pub, what, sizeof what, 0);
        CHECK (size >= 1 && size <= 3 && what[0] == 1);
        received++;
    }
    send_text (pub, "ABC", 0);
    send_text (pub, "end", 0);
    EXPECT_TEXT (sub, "ABC");
    EXPECT_TEXT (sub, "end");
    unsubscribe (sub, "");
    EXPECT_SUBSCRIPTION (pub, 0, "");
    send_text (pub, "x", 0);
    send_text (pub, "ABC", 0);
    EXPECT_TEXT (sub, "ABC");
    FINISH (context, pub, sub);
}

/*  Subscribed before connecting, and connected before binding.  */
TRANSPORT_TEST (early_subscriptions_travel_when_the_publisher_comes)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    const char *endpoint = absent (transport);
    set_int (sub, ZMQ_RECONNECT_IVL, 10);
    subscribe (sub, "before");
    CHECK_OK (zmq_connect (sub, endpoint));
    subscribe (sub, "between");
    CHECK_OK (zmq_bind (pub, endpoint));
    int seen = 0;
    for (int n = 0; n < 2; n++) {
        char what[16] = "";
        CHECK (zmq_recv (pub, what, sizeof what, 0) > 0);
        CHECK_INT (what[0], 1);
        seen |= memcmp (what + 1, "before", 6) == 0 ? 1 : 2;
    }
    CHECK_INT (seen, 3);
    send_text (pub, "before!", 0);
    send_text (pub, "between!", 0);
    EXPECT_TEXT (sub, "before!");
    EXPECT_TEXT (sub, "between!");
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (connecting_publisher_bound_subscriber)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    subscribe (sub, "T");
    join (sub, pub, transport);
    await_readable (pub, sub);
    EXPECT_SUBSCRIPTION (pub, 1, "T");
    SEND_PARTS (pub, "T", "1");
    EXPECT_PARTS (sub, "T", "1");
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (subscriber_takes_turns_between_publishers)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB);
    subscribe (sub, "");
    const char *endpoint = bind_to (sub, fresh (transport));
    void *pubs[2];
    for (int n = 0; n < 2; n++) {
        pubs[n] = open_socket (context, ZMQ_XPUB);
        CHECK_OK (zmq_connect (pubs[n], endpoint));
        await_readable (pubs[n], sub);
        EXPECT_SUBSCRIPTION (pubs[n], 1, "");
    }
    for (int n = 0; n < 10; n++)
        SEND_PARTS (pubs[n / 5], n / 5 ? "b" : "a", "tail");
    sleep_ms (SETTLE_MS);
    CHECK (shows (sub, ZMQ_POLLIN));
    for (int round = 0; round < 5; round++) {
        char one, two;
        CHECK_INT (zmq_recv (sub, &one, 1, 0), 1);
        EXPECT_TEXT (sub, "tail");
        CHECK_INT (zmq_recv (sub, &two, 1, 0), 1);
        EXPECT_TEXT (sub, "tail");
        CHECK (one != two);
    }
    FINISH (context, sub, pubs[0], pubs[1]);
}

TEST (inproc_slow_subscriber_loses_the_newest)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *slow = open_socket (context, ZMQ_SUB);
    void *other = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_SNDHWM, 3);
    set_int (slow, ZMQ_RCVHWM, 4);
    set_int (other, ZMQ_RCVHWM, 1000);
    const char *endpoint = join (pub, slow, "inproc");
    CHECK_OK (zmq_connect (other, endpoint));
    subscribe (slow, "");
    EXPECT_SUBSCRIPTION (pub, 1, "");
    subscribe (other, "");
    subscribe (other, "mark");
    EXPECT_SUBSCRIPTION (pub, 1, "mark");
    for (int n = 0; n < 50; n++)
        CHECK_INT (zmq_send (pub, &n, sizeof n, 0), sizeof n);
    int got;
    for (int n = 0; n < 7; n++) {
        CHECK_INT (zmq_recv (slow, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    EXPECT_NOTHING (slow);
    for (int n = 0; n < 50; n++) {
        CHECK_INT (zmq_recv (other, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    /*  After catching up it gets new ones.  */
    CHECK (shows (pub, ZMQ_POLLOUT));
    send_text (pub, "new", 0);
    EXPECT_TEXT (slow, "new");
    FINISH (context, pub, slow, other);
}

/*  Whole messages are lost, never parts of them.  */
TRANSPORT_TEST (dropping_never_splits_a_message)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_SNDHWM, 5);
    set_int (sub, ZMQ_RCVHWM, 5);
    set_int (pub, ZMQ_SNDBUF, 4096);
    set_int (sub, ZMQ_RCVBUF, 4096);
    join (pub, sub, transport);
    subscribe (sub, "");
    EXPECT_SUBSCRIPTION (pub, 1, "");
    static char body[10000];
    for (int n = 0; n < 300; n++) {
        CHECK_INT (zmq_send (pub, &n, sizeof n, ZMQ_SNDMORE), sizeof n);
        CHECK_INT (zmq_send (pub, body, sizeof body, ZMQ_SNDMORE), sizeof body);
        CHECK_INT (zmq_send (pub, &n, sizeof n, 0), sizeof n);
    }
    int count = 0, last = -1;
    zmq_pollitem_t item = {sub, 0, ZMQ_POLLIN, 0};
    while (zmq_poll (&item, 1, SETTLE_MS) == 1) {
        int head, tail;
        CHECK_INT (zmq_recv (sub, &head, sizeof head, 0), sizeof head);
        CHECK_INT (get_int (sub, ZMQ_RCVMORE), 1);
        CHECK_INT (zmq_recv (sub, body, sizeof body, 0), sizeof body);
        CHECK_INT (get_int (sub, ZMQ_RCVMORE), 1);
        CHECK_INT (zmq_recv (sub, &tail, sizeof tail, 0), sizeof tail);
        CHECK_INT (get_int (sub, ZMQ_RCVMORE), 0);
        CHECK_INT (head, tail);
        CHECK (head > last);
        last = head;
        count++;
    }
    CHECK (count > 0);
    CHECK (count < 300);
    FINISH (context, pub, sub);
}

TEST (inproc_nodrop_reports_a_full_subscriber)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_XPUB_NODROP, 1);
    set_int (pub, ZMQ_SNDHWM, 2);
    set_int (sub, ZMQ_RCVHWM, 2);
    join (pub, sub, "inproc");
    subscribe (sub, "");
    EXPECT_SUBSCRIPTION (pub, 1, "");
    CHECK_INT (fill (pub, 100), 4);
    CHECK_INT (drain (sub), 4);
    CHECK (shows (pub, ZMQ_POLLOUT));
    send_text (pub, "x", 0);
    EXPECT_TEXT (sub, "x");
    FINISH (context, pub, sub);
}

/*  After a publisher comes back the subscriber subscribes by itself.  */
WIRE_TEST (subscriptions_outlive_the_publisher)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_SUB);
    const char *endpoint = absent (transport);
    set_int (sub, ZMQ_RECONNECT_IVL, 10);
    subscribe (sub, "A");
    subscribe (sub, "gone");
    unsubscribe (sub, "gone");
    CHECK_OK (zmq_connect (sub, endpoint));
    for (int life = 0; life < 3; life++) {
        void *server_context = zmq_ctx_new ();
        void *pub = open_socket (server_context, ZMQ_XPUB);
        CHECK_OK (zmq_bind (pub, endpoint));
        await_readable (pub, sub);
        EXPECT_SUBSCRIPTION (pub, 1, "A");
        send_text (pub, "gone", 0);
        send_text (pub, "A", 0);
        EXPECT_TEXT (sub, "A");
        FINISH (server_context, pub);
    }
    FINISH (context, sub);
}

TRANSPORT_TEST (conflating_subscriber_keeps_the_last)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    set_int (sub, ZMQ_CONFLATE, 1);
    set_int (pub, ZMQ_CONFLATE, 1);
    subscribe (sub, "");
    join (pub, sub, transport);
    EXPECT_SUBSCRIPTION (pub, 1, "");
    for (int n = 0; n < 100; n++)
        CHECK_INT (zmq_send (pub, &n, sizeof n, 0), sizeof n);
    sleep_ms (SETTLE_MS);
    int last = -1;
    CHECK_INT (zmq_recv (sub, &last, sizeof last, 0), sizeof last);
    CHECK_INT (last, 99);
    CHECK_ERRNO (zmq_recv (sub, &last, sizeof last, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (many_topics_come_and_go)
{
    enum { TOPICS = 2000 };
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_RCVHWM, 0);
    set_int (sub, ZMQ_SNDHWM, 0);
    join (pub, sub, transport);
    char topic[16];
    for (int n = 0; n < TOPICS; n++) {
        snprintf (topic, sizeof topic, "%d|", n);
        subscribe (sub, topic);
    }
    for (int n = 0; n < TOPICS; n++) {
        snprintf (topic, sizeof topic, "%d|", n);
        EXPECT_SUBSCRIPTION (pub, 1, topic);
    }
    send_text (pub, "77", 0);
    send_text (pub, "77|", 0);
    send_text (pub, "1999|x", 0);
    send_text (pub, "2000|x", 0);
    EXPECT_TEXT (sub, "77|");
    EXPECT_TEXT (sub, "1999|x");
    for (int n = 1; n < TOPICS; n++) {
        snprintf (topic, sizeof topic, "%d|", n);
        unsubscribe (sub, topic);
    }
    for (int n = 1; n < TOPICS; n++) {
        snprintf (topic, sizeof topic, "%d|", n);
        EXPECT_SUBSCRIPTION (pub, 0, topic);
    }
    send_text (pub, "77|", 0);
    send_text (pub, "0|", 0);
    EXPECT_TEXT (sub, "0|");
    FINISH (context, pub, sub);
}

TRANSPORT_TEST (topics_may_be_binary_and_long)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    static char topic[1000], received[1001];
    for (size_t n = 0; n < sizeof topic; n++)
        topic[n] = (char) (n * 7);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, sizeof topic));
    join (pub, sub, transport);
    CHECK_INT (zmq_recv (pub, received, sizeof received, 0), sizeof received);
    CHECK_INT (received[0], 1);
    CHECK (memcmp (received + 1, topic, sizeof topic) == 0);
    CHECK_INT (zmq_send (pub, topic, sizeof topic - 1, 0), sizeof topic - 1);
    CHECK_INT (zmq_send (pub, topic, sizeof topic, 0), sizeof topic);
    CHECK_INT (zmq_recv (sub, received, sizeof received, 0), sizeof topic);
    EXPECT_NOTHING (sub);
    FINISH (context, pub, sub);
}

/*  A publisher that closes in the middle of a message.  */
TRANSPORT_TEST (half_a_message_of_a_leaving_publisher_is_never_seen)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_LINGER, -1);
    subscribe (sub, "");
    join (pub, sub, transport);
    EXPECT_SUBSCRIPTION (pub, 1, "");
    SEND_PARTS (pub, "whole", "message");
    send_text (pub, "half", ZMQ_SNDMORE);
    CHECK_OK (zmq_close (pub));
    EXPECT_PARTS (sub, "whole", "message");
    EXPECT_NOTHING (sub);
    FINISH (context, sub);
}

/*  Subscribing in the middle of a message: it comes whole or not at all.  */
TRANSPORT_TEST (subscription_in_the_middle_of_a_message)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *early = open_socket (context, ZMQ_SUB);
    void *late = open_socket (context, ZMQ_SUB);
    const char *endpoint = join (pub, early, transport);
    CHECK_OK (zmq_connect (late, endpoint));
    subscribe (early, "A");
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    send_text (pub, "A", ZMQ_SNDMORE);
    subscribe (late, "A");
    subscribe (late, "mark");
    EXPECT_SUBSCRIPTION (pub, 1, "mark");
    send_text (pub, "A tail", 0);
    SEND_PARTS (pub, "A next", "tail");
    EXPECT_PARTS (early, "A", "A tail");
    EXPECT_PARTS (early, "A next", "tail");
    EXPECT_PARTS (late, "A next", "tail");
    FINISH (context, pub, early, late);
}

WIRE_TEST (incompatible_peers_never_talk)
{
    static const int pairs[][2] = {{ZMQ_SUB, ZMQ_PAIR}, {ZMQ_XSUB, ZMQ_DEALER},
                                   {ZMQ_XPUB, ZMQ_PUSH}, {ZMQ_XPUB, ZMQ_PUB}};
    void *context = zmq_ctx_new ();
    for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++) {
        void *server = open_socket (context, pairs[n][0]);
        void *client = open_socket (context, pairs[n][1]);
        if (pairs[n][0] == ZMQ_SUB)
            subscribe (server, "");
        join (server, client, transport);
        (void) zmq_send (client, "\1x", 2, ZMQ_DONTWAIT);
        sleep_ms (60);
        CHECK (!shows (server, ZMQ_POLLIN));
        CHECK_OK (zmq_close (server));
        CHECK_OK (zmq_close (client));
    }
    CHECK_OK (zmq_ctx_term (context));
}
