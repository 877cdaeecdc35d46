/*  Messages of several parts whose peer goes away between two of them.  */
#include "peers.h"

typedef struct {
    void *context, *sender, *peer;
    const char *endpoint;
} begun;

/*  A sender that sent "1" with more parts to follow, and whose peer is gone: it was closed, or the
 *  endpoint was unbound.  */
static begun lose_peer (const char *transport, int type, int peer_type)
{
    begun own = {.context = zmq_ctx_new ()};
    own.sender = open_socket (own.context, type);
    own.peer = open_socket (own.context, peer_type);
    own.endpoint = join (own.sender, own.peer, transport);
    wait_events (own.sender, ZMQ_POLLOUT);
    send_text (own.sender, "1", ZMQ_SNDMORE);
    struct pollfd readable = {get_int (own.sender, ZMQ_FD), POLLIN, 0};
    (void) get_int (own.sender, ZMQ_EVENTS);
    CHECK_OK (zmq_close (own.peer));
    own.peer = NULL;
    CHECK_INT (poll (&readable, 1, PATIENCE_MS), 1);
    /*  They come in several pieces.  */
    sleep_ms (20);
    return own;
}

/*  Another part is refused, once the end of the peer is known: before, its pipe takes parts.  */
static void expect_refusal (void *sender)
{
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (zmq_send (sender, "2", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 1) {
        CHECK (now_ms () < give_up);
        sleep_ms (1);
    }
    CHECK_INT (zmq_errno (), EAGAIN);
}

static void *new_peer (begun *own, int type)
{
    void *peer = open_socket (own->context, type);
    /*  The old one is gone.  */
    for (int64_t give_up = now_ms () + PATIENCE_MS; get_int (own->sender, ZMQ_EVENTS) & ZMQ_POLLOUT;
         sleep_ms (1))
        CHECK (now_ms () < give_up);
    CHECK_OK (zmq_connect (peer, own->endpoint));
    wait_events (own->sender, ZMQ_POLLOUT);
    return peer;
}

static const int types[][2] = {
  {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PUSH, ZMQ_PULL}, {ZMQ_REQ, ZMQ_REP}};

/*  A call that does not wait fails once; the rest of the message is dropped then.  */
TRANSPORT_TEST (a_part_whose_peer_is_gone_is_refused_once)
{
    for (int n = 0; n < 3; n++) {
        begun own = lose_peer (transport, types[n][0], types[n][1]);
        expect_refusal (own.sender);
        CHECK_INT (zmq_send (own.sender, "2", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), 1);
        CHECK_INT (zmq_send (own.sender, "3", 1, ZMQ_DONTWAIT), 1);
        if (types[n][0] != ZMQ_REQ) {
            void *next = new_peer (&own, types[n][1]);
            send_text (own.sender, "next", 0);
            EXPECT_TEXT (next, "next");
            CHECK_OK (zmq_close (next));
        } else
            CHECK_ERRNO (zmq_send (own.sender, "next", 4, ZMQ_DONTWAIT), EFSM);
        FINISH (own.context, own.sender);
    }
}

/*  The last part ends the message also when it is refused: what follows is another one.  */
TRANSPORT_TEST (a_last_part_whose_peer_is_gone_ends_its_message)
{
    int64_t give_up = now_ms () + PATIENCE_MS;
    for (int n = 0; n < 2; n++) {
        begun own = lose_peer (transport, types[n][0], types[n][1]);
        while (zmq_send (own.sender, "2", 1, ZMQ_DONTWAIT) == 1) {
            /*  The end of the peer was not known yet: another one.  */
            CHECK (now_ms () < give_up);
            FINISH (own.context, own.sender);
            own = lose_peer (transport, types[n][0], types[n][1]);
        }
        CHECK_INT (zmq_errno (), EAGAIN);
        void *next = new_peer (&own, types[n][1]);
        SEND_PARTS (own.sender, "a", "b");
        EXPECT_PARTS (next, "a", "b");
        FINISH (own.context, own.sender, next);
    }
}

/*  A blocking call does not wait: there is no peer to wait for.  */
TRANSPORT_TEST (a_blocking_send_drops_the_rest_at_once)
{
    for (int n = 0; n < 2; n++) {
        begun own = lose_peer (transport, types[n][0], types[n][1]);
        SEND_PARTS (own.sender, "2", "3");
        void *next = new_peer (&own, types[n][1]);
        send_text (own.sender, "next", 0);
        EXPECT_TEXT (next, "next");
        FINISH (own.context, own.sender, next);
    }
}

/*  A PAIR waits for another peer, which gets no part of a message that it has not seen begin.  */
TRANSPORT_TEST (a_pair_has_no_peer_for_the_rest)
{
    begun own = lose_peer (transport, ZMQ_PAIR, ZMQ_PAIR);
    expect_refusal (own.sender);
    for (int n = 0; n < 3; n++)
        CHECK_ERRNO (zmq_send (own.sender, "2", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    set_int (own.sender, ZMQ_SNDTIMEO, 30);
    CHECK_ERRNO (zmq_send (own.sender, "2", 1, ZMQ_SNDMORE), EAGAIN);
    FINISH (own.context, own.sender);
}

WIRE_TEST (the_next_peer_of_a_pair_gets_whole_messages)
{
    for (int waits = 0; waits < 2; waits++) {
        begun own = {.context = zmq_ctx_new ()};
        own.sender = open_socket (own.context, ZMQ_PAIR);
        own.peer = open_socket (own.context, ZMQ_PAIR);
        own.endpoint = join (own.sender, own.peer, transport);
        void *next = NULL;
        send_text (own.sender, "0", 0);
        EXPECT_TEXT (own.peer, "0");
        send_text (own.sender, "1", ZMQ_SNDMORE);
        if (waits) {
            next = open_socket (own.context, ZMQ_PAIR);
            CHECK_OK (zmq_connect (next, own.endpoint));
        }
        CHECK_OK (zmq_close (own.peer));
        if (!waits)
            next = new_peer (&own, ZMQ_PAIR);
        /*  It asks for peers' messages only to learn that the first is gone.  */
        send_text (next, "here", 0);
        EXPECT_TEXT (own.sender, "here");
        SEND_PARTS (own.sender, "2", "3");
        SEND_PARTS (own.sender, "a", "b");
        EXPECT_PARTS (next, "a", "b");
        FINISH (own.context, own.sender, next);
    }
}

/*  A PAIR that disconnects between the parts that it receives gets no more of them.  */
TRANSPORT_TEST (a_pair_that_disconnects_in_the_middle_of_a_message_reads_no_more_of_it)
{
    void *context = zmq_ctx_new ();
    void *pair = open_socket (context, ZMQ_PAIR), *peer = open_socket (context, ZMQ_PAIR);
    const char *endpoint = join (peer, pair, transport);
    SEND_PARTS (peer, "a", "b", "c");
    SEND_PARTS (peer, "d", "e");
    EXPECT_PART (pair, "a", 1);
    CHECK_OK (zmq_disconnect (pair, endpoint));
    CHECK_ERRNO (zmq_recv (pair, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    EXPECT_NOTHING (pair);
    FINISH (context, pair, peer);
}
