/*  The options of XPUB and PUB, through messages.  */
#include "publication.h"

#ifndef ZMQ_XPUB_MANUAL_LAST_VALUE
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#endif

/*  The application decides what a subscriber gets: here "b" for "a".  */
TRANSPORT_TEST (manual_subscriptions_may_be_rewritten)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL, 1);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.xpub, "XA");
    /*  A SUB filters again: it sees what matches its own subscription.  */
    send_text (own.xpub, "A", 0);
    send_text (own.xpub, "XA", 0);
    EXPECT_NOTHING (own.one);
    SUBSCRIBE_AT (own.xpub, own.one, "XA");
    send_text (own.xpub, "A2", 0);
    send_text (own.xpub, "XA2", 0);
    EXPECT_TEXT (own.one, "XA2");
    /*  Cancelled by the subscriber, and by the application.  */
    UNSUBSCRIBE_AT (own.xpub, own.one, "A");
    send_text (own.xpub, "XA3", 0);
    EXPECT_TEXT (own.one, "XA3");
    unsubscribe (own.xpub, "XA");
    send_text (own.xpub, "XA4", 0);
    EXPECT_NOTHING (own.one);
    FINISH (own.context, own.xpub, own.one);
}

TRANSPORT_TEST (manual_without_an_answer_subscribes_nobody)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL, 1);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    send_text (own.xpub, "A", 0);
    EXPECT_NOTHING (own.one);
    FINISH (own.context, own.xpub, own.one);
}

/*  Each is subscribed by itself, in the order that the application reads.  */
TRANSPORT_TEST (manual_answers_go_to_the_subscriber_read_last)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.xpub, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "B");
    subscribe (own.xpub, "B");
    send_text (own.xpub, "A1", 0);
    send_text (own.xpub, "B1", 0);
    EXPECT_TEXT (own.one, "A1");
    EXPECT_TEXT (own.two, "B1");
    EXPECT_NOTHING (own.one);
    EXPECT_NOTHING (own.two);
    FINISH (own.context, own.xpub, own.one, own.two);
}

/*  The same subscription of two, and of one twice, is received each time.  */
TRANSPORT_TEST (manual_receives_every_subscription)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "A");
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    EXPECT_NOTHING (own.xpub);
    FINISH (own.context, own.xpub, own.one, own.two);
}

/*  When a subscriber leaves, its own subscriptions are reported; what it was
 *  subscribed to goes with it.  */
TRANSPORT_TEST (manual_subscribers_leave)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.xpub, "XA");
    SUBSCRIBE_AT (own.xpub, own.two, "B");
    subscribe (own.xpub, "B");
    CHECK_OK (zmq_close (own.one));
    EXPECT_SUBSCRIPTION (own.xpub, 0, "A");
    EXPECT_NOTHING (own.xpub);
    send_text (own.xpub, "B", 0);
    EXPECT_TEXT (own.two, "B");
    FINISH (own.context, own.xpub, own.two);
}

/*  Each peer that leaves is reported, also where another stays subscribed.  */
TRANSPORT_TEST (manual_leave_of_a_shared_subscription)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL, 2);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.xpub, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "A");
    SUBSCRIBE_AT (own.xpub, own.two, "C");
    SUBSCRIBE_AT (own.xpub, own.two, "C");
    SUBSCRIBE_AT (own.xpub, own.one, "D");
    UNSUBSCRIBE_AT (own.xpub, own.one, "D");
    CHECK_OK (zmq_close (own.one));
    EXPECT_SUBSCRIPTION (own.xpub, 0, "A");
    unsubscribe (own.two, "C");
    EXPECT_NOTHING (own.xpub);
    CHECK_OK (zmq_close (own.two));
    EXPECT_SUBSCRIPTION (own.xpub, 0, "A");
    EXPECT_SUBSCRIPTION (own.xpub, 0, "C");
    EXPECT_NOTHING (own.xpub);
    FINISH (own.context, own.xpub);
}

/*  The first message after an answer goes to the last subscriber alone: the
 *  last value of its topic, which the others have.  */
TRANSPORT_TEST (manual_last_value_goes_to_the_last_subscriber)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL_LAST_VALUE, 1);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.xpub, "A");
    send_text (own.xpub, "A1", 0);
    EXPECT_TEXT (own.one, "A1");
    own.two = add_subscriber (&own);
    SUBSCRIBE_AT (own.xpub, own.two, "A");
    subscribe (own.xpub, "A");
    send_text (own.xpub, "A1", 0);
    EXPECT_TEXT (own.two, "A1");
    EXPECT_NOTHING (own.one);
    send_text (own.xpub, "A2", 0);
    EXPECT_TEXT (own.one, "A2");
    EXPECT_TEXT (own.two, "A2");
    FINISH (own.context, own.xpub, own.one, own.two);
}

/*  What the last subscriber did not subscribe to is sent to no other either.  */
TRANSPORT_TEST (manual_last_value_of_another_topic)
{
    publication own = publish (transport, ZMQ_XPUB_MANUAL_LAST_VALUE, 1);
    SUBSCRIBE_AT (own.xpub, own.one, "A");
    subscribe (own.xpub, "A");
    own.two = add_subscriber (&own);
    SUBSCRIBE_AT (own.xpub, own.two, "B");
    subscribe (own.xpub, "B");
    send_text (own.xpub, "A1", ZMQ_SNDMORE);
    send_text (own.xpub, "part", 0);
    EXPECT_NOTHING (own.one);
    EXPECT_NOTHING (own.two);
    send_text (own.xpub, "A2", ZMQ_SNDMORE);
    send_text (own.xpub, "part", 0);
    EXPECT_PARTS (own.one, "A2", "part");
    send_text (own.xpub, "B2", 0);
    EXPECT_TEXT (own.two, "B2");
    FINISH (own.context, own.xpub, own.one, own.two);
}

static void read_all (void *socket)
{
    while (zmq_recv (socket, NULL, 0, ZMQ_DONTWAIT) >= 0)
        ;
}

WIRE_TEST (welcome_message_greets_each_connection)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB);
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, "Welcome\0!", 9));
    const char *endpoint = bind_to (xpub, fresh (transport));
    void *one = open_socket (context, ZMQ_SUB), *two = open_socket (context, ZMQ_SUB);
    subscribe (one, "W");
    subscribe (two, "Other");
    CHECK_OK (zmq_connect (one, endpoint));
    EXPECT_SUBSCRIPTION (xpub, 1, "W");
    EXPECT_BYTES (one, "Welcome\0!", 9, 0);
    CHECK_OK (zmq_connect (two, endpoint));
    EXPECT_SUBSCRIPTION (xpub, 1, "Other");
    EXPECT_NOTHING (two);
    EXPECT_NOTHING (one);
    /*  Taken back for those that come.  */
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, NULL, 0));
    void *three = open_socket (context, ZMQ_SUB);
    subscribe (three, "");
    CHECK_OK (zmq_connect (three, endpoint));
    EXPECT_SUBSCRIPTION (xpub, 1, "");
    EXPECT_NOTHING (three);
    FINISH (context, xpub, one, two, three);
}

TEST (welcome_message_over_inproc)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *sub = open_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, "W", 1));
    CHECK_OK (zmq_bind (xpub, "inproc://welcome"));
    subscribe (sub, "W");
    CHECK_OK (zmq_connect (sub, "inproc://welcome"));
    EXPECT_SUBSCRIPTION (xpub, 1, "W");
    EXPECT_TEXT (sub, "W");
    FINISH (context, xpub, sub);
}

static void inverted (const char *transport, int type)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, type), *sub = open_socket (context, ZMQ_SUB);
    void *all = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_INVERT_MATCHING, 1);
    set_int (sub, ZMQ_INVERT_MATCHING, 1);
    set_int (all, ZMQ_INVERT_MATCHING, 1);
    const char *endpoint = bind_to (pub, fresh (transport));
    subscribe (sub, "no");
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_OK (zmq_connect (all, endpoint));
    /*  Both are there once each has a message.  */
    await_subscription (pub, all, "probe");
    await_subscription (pub, sub, "probe");
    drain (all);
    drain (sub);
    send_text (pub, "no", 0);
    send_text (pub, "nothing", 0);
    send_text (pub, "yes", ZMQ_SNDMORE);
    send_text (pub, "no", 0);
    EXPECT_PARTS (sub, "yes", "no");
    EXPECT_NOTHING (sub);
    EXPECT_TEXT (all, "no");
    EXPECT_TEXT (all, "nothing");
    EXPECT_PARTS (all, "yes", "no");
    unsubscribe (sub, "no");
    if (type == ZMQ_XPUB)
        read_all (pub);
    await_subscription (pub, sub, "no");
    FINISH (context, pub, sub, all);
}

TRANSPORT_TEST (inverted_pub) { inverted (transport, ZMQ_PUB); }
TRANSPORT_TEST (inverted_xpub) { inverted (transport, ZMQ_XPUB); }

/*  XSUB does not filter, inverted or not.  */
TRANSPORT_TEST (xsub_receives_what_an_inverted_publisher_sends)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB), *xsub = open_socket (context, ZMQ_XSUB);
    set_int (pub, ZMQ_INVERT_MATCHING, 1);
    join (pub, xsub, transport);
    send_text (xsub, "\1no", 0);
    EXPECT_SUBSCRIPTION (pub, 1, "no");
    send_text (pub, "no", 0);
    send_text (pub, "yes", 0);
    EXPECT_TEXT (xsub, "yes");
    EXPECT_NOTHING (xsub);
    FINISH (context, pub, xsub);
}

/*  A full subscriber makes a publisher wait, for all of them.  */
static void nodrop (int type)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, type);
    void *full = open_socket (context, ZMQ_SUB), *other = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_XPUB_NODROP, 1);
    set_int (pub, ZMQ_SNDHWM, 3);
    set_int (full, ZMQ_RCVHWM, 2);
    CHECK_OK (zmq_bind (pub, "inproc://nodrop"));
    subscribe (full, "a");
    CHECK_OK (zmq_connect (full, "inproc://nodrop"));
    subscribe (other, "b");
    CHECK_OK (zmq_connect (other, "inproc://nodrop"));
    int sent = 0;
    while (sent < 100 && zmq_send (pub, "a", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    CHECK_INT (zmq_errno (), EAGAIN);
    CHECK_INT (sent, 5);
    /*  Messages that the full one did not subscribe to are still sent.  */
    CHECK_INT (zmq_send (pub, "b", 1, ZMQ_DONTWAIT), 1);
    EXPECT_TEXT (other, "b");
    CHECK_ERRNO (zmq_send (pub, "a", 1, ZMQ_DONTWAIT), EAGAIN);
    set_int (pub, ZMQ_SNDTIMEO, 50);
    CHECK_ERRNO (zmq_send (pub, "a", 1, 0), EAGAIN);
    CHECK_INT (drain (full), 5);
    CHECK_INT (zmq_send (pub, "a", 1, ZMQ_DONTWAIT), 1);
    FINISH (context, pub, full, other);
}

TEST (nodrop_xpub) { nodrop (ZMQ_XPUB); }
TEST (nodrop_pub) { nodrop (ZMQ_PUB); }

/*  Without NODROP the newest are dropped.  */
TEST (drop_is_the_default)
{
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB), *sub = open_socket (context, ZMQ_SUB);
    set_int (pub, ZMQ_SNDHWM, 3);
    set_int (sub, ZMQ_RCVHWM, 2);
    CHECK_OK (zmq_bind (pub, "inproc://drop"));
    subscribe (sub, "");
    CHECK_OK (zmq_connect (sub, "inproc://drop"));
    for (int n = 0; n < 100; n++)
        CHECK_INT (zmq_send (pub, "a", 1, ZMQ_DONTWAIT), 1);
    CHECK_INT (drain (sub), 5);
    FINISH (context, pub, sub);
}
