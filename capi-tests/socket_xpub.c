/*  XPUB and XSUB: subscription messages up and down, chains of proxies.  */
#include "monitors.h"
#include "publication.h"

/*  XPUB receives a topic's first subscription and its last unsubscription.  */
TRANSPORT_TEST (xpub_receives_first_and_last)
{
    publication own = publish (transport, 0, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.two, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "2");
    unsubscribe (own.one, "A");
    SUBSCRIBE_AT (own.xpub, own.one, "1");
    UNSUBSCRIBE_AT (own.xpub, own.two, "A");
    FINISH (own.context, own.xpub, own.one, own.two);
}

TRANSPORT_TEST (verbose_xpub_receives_every_subscription)
{
    publication own = publish (transport, ZMQ_XPUB_VERBOSE, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "A");
    /*  So are repeated subscriptions of one subscriber.  */
    SUBSCRIBE_AT (own.xpub, own.two, "A");
    unsubscribe (own.one, "A");
    EXPECT_NOTHING (own.xpub);
    unsubscribe (own.two, "A");
    EXPECT_NOTHING (own.xpub);
    UNSUBSCRIBE_AT (own.xpub, own.two, "A");
    FINISH (own.context, own.xpub, own.one, own.two);
}

TRANSPORT_TEST (verboser_xpub_receives_unsubscriptions_too)
{
    publication own = publish (transport, ZMQ_XPUB_VERBOSER, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "A");
    UNSUBSCRIBE_AT (own.xpub, own.one, "A");
    UNSUBSCRIBE_AT (own.xpub, own.two, "A");
    FINISH (own.context, own.xpub, own.one, own.two);
}

TRANSPORT_TEST (xpub_receives_that_a_subscriber_left)
{
    publication own = publish (transport, 0, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "B");
    subscribe (own.one, "B");
    CHECK_OK (zmq_close (own.one));
    EXPECT_SUBSCRIPTION (own.xpub, 0, "A");
    EXPECT_NOTHING (own.xpub);
    FINISH (own.context, own.xpub, own.two);
}

TRANSPORT_TEST (xsub_subscribes_by_sending)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_XSUB);
    join (pub, sub, transport);
    wait_events (sub, ZMQ_POLLOUT);
    CHECK_INT (zmq_send (sub, "\1A", 2, 0), 2);
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    /*  Repeated subscriptions are merged, and counted.  */
    CHECK_INT (zmq_send (sub, "\1A", 2, 0), 2);
    SEND_PARTS (pub, "A", "1");
    send_text (pub, "B", 0);
    EXPECT_PARTS (sub, "A", "1");
    CHECK_INT (zmq_send (sub, "\0A", 2, 0), 2);
    EXPECT_NOTHING (pub);
    send_text (pub, "A2", 0);
    EXPECT_TEXT (sub, "A2");
    CHECK_INT (zmq_send (sub, "\0A", 2, 0), 2);
    EXPECT_SUBSCRIPTION (pub, 0, "A");
    send_text (pub, "A3", 0);
    EXPECT_NOTHING (sub);
    FINISH (context, pub, sub);
}

/*  What does not begin with 0 or 1 goes upstream as it is.  */
TRANSPORT_TEST (user_messages_go_upstream)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_XSUB);
    join (pub, sub, transport);
    CHECK_INT (zmq_send (sub, "\1A", 2, 0), 2);
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    send_text (sub, "user data", 0);
    EXPECT_TEXT (pub, "user data");
    send_text (sub, "", 0);
    EXPECT_TEXT (pub, "");
    SEND_PARTS (sub, "part 1", "part 2");
    EXPECT_PARTS (pub, "part 1", "part 2");
    send_text (pub, "A", 0);
    EXPECT_TEXT (sub, "A");
    FINISH (context, pub, sub);
}

/*  A proxy of XSUB and XPUB, made by hand: subscriptions travel up,
 *  messages down.  */
TRANSPORT_TEST (chain_through_a_proxy)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB);
    void *middle_in = open_socket (context, ZMQ_XSUB);
    void *middle_out = open_socket (context, ZMQ_XPUB);
    void *one = open_socket (context, ZMQ_SUB);
    void *two = open_socket (context, ZMQ_SUB);
    char part[16];
    join (pub, middle_in, transport);
    const char *endpoint = join (middle_out, one, transport);
    CHECK_OK (zmq_connect (two, endpoint));
    wait_events (middle_in, ZMQ_POLLOUT);
    subscribe (one, "A");
    CHECK_INT (zmq_recv (middle_out, part, sizeof part, 0), 2);
    CHECK_INT (zmq_send (middle_in, part, 2, 0), 2);
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    subscribe (two, "AB");
    CHECK_INT (zmq_recv (middle_out, part, sizeof part, 0), 3);
    CHECK_INT (zmq_send (middle_in, part, 3, 0), 3);
    EXPECT_SUBSCRIPTION (pub, 1, "AB");
    SEND_PARTS (pub, "ABC", "body");
    EXPECT_PARTS (middle_in, "ABC", "body");
    SEND_PARTS (middle_out, "ABC", "body");
    EXPECT_PARTS (one, "ABC", "body");
    EXPECT_PARTS (two, "ABC", "body");
    /*  The subscriber leaves: that travels up as well.  */
    CHECK_OK (zmq_close (two));
    CHECK_INT (zmq_recv (middle_out, part, sizeof part, 0), 3);
    CHECK_INT (part[0], 0);
    CHECK_INT (zmq_send (middle_in, part, 3, 0), 3);
    EXPECT_SUBSCRIPTION (pub, 0, "AB");
    FINISH (context, pub, middle_in, middle_out, one);
}

/*  An XSUB whose publisher is replaced: the next one receives all
 *  subscriptions, once each, and gets what the application sent meanwhile.  */
WIRE_TEST (xsub_keeps_what_it_sends_while_its_peer_is_away)
{
    void *context = zmq_ctx_new ();
    void *sub = open_socket (context, ZMQ_XSUB), *pub = open_socket (context, ZMQ_XPUB);
    const char *endpoint = absent (transport);
    set_int (sub, ZMQ_RECONNECT_IVL, 20);
    CHECK_OK (zmq_connect (sub, endpoint));
    SEND_PARTS (sub, "before", "the first");
    send_text (sub, "\1A", 0);
    CHECK_OK (zmq_bind (pub, endpoint));
    EXPECT_PARTS (pub, "before", "the first");
    EXPECT_SUBSCRIPTION (pub, 1, "A");
    void *reader = watch (context, sub, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_close (pub));
    EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    send_text (sub, "away", 0);
    send_text (sub, "\1B", 0);
    SEND_PARTS (sub, "before", "the second");
    pub = open_socket (context, ZMQ_XPUB);
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (zmq_bind (pub, endpoint) != 0)
        CHECK (now_ms () < give_up);
    set_int (pub, ZMQ_XPUB_VERBOSE, 1);
    set_int (pub, ZMQ_RCVTIMEO, 10);
    int received[2] = {0, 0}, sent = 0;
    while (received[0] + received[1] < 2 || sent < 3) {
        static const char *const wanted[] = {"away", "before", "the second"};
        char part[20] = "";
        (void) get_int (sub, ZMQ_EVENTS);
        CHECK (now_ms () < give_up);
        if (zmq_recv (pub, part, sizeof part - 1, 0) < 0)
            continue;
        if (part[0] == 1)
            received[part[1] - 'A']++;
        else
            CHECK_STRING (part, wanted[sent++]);
    }
    CHECK_INT (received[0], 1);
    CHECK_INT (received[1], 1);
    EXPECT_NOTHING (pub);
    CHECK_OK (zmq_close (sub));
    await_stop (reader);
    FINISH (context, pub);
}
