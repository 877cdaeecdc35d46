/*  Nothing is received from what was undone: once zmq_unbind or zmq_disconnect has
 *  returned, nothing is received that the peer sent afterwards.
 */
#include "peers.h"
#include <stdatomic.h>

enum { ROUNDS = 50 };

/*  A PUSH that numbers its messages, and sends without a pause.  */
typedef struct {
    void *socket;
    /*  The number of the next message; counted up before it is sent.  */
    atomic_int next;
    atomic_int ends;
} sender;

static void *send_on (void *argument)
{
    sender *own = argument;
    while (!own->ends) {
        int number = atomic_fetch_add (&own->next, 1);
        (void) zmq_send (own->socket, &number, sizeof number, ZMQ_DONTWAIT);
    }
    return NULL;
}

/*  Ends the sender, and receives to the end what SINK has got: nothing that was
 *  sent after LIMIT.  Returns how many messages that were.  */
static int expect_none_behind (sender *own, pthread_t thread, void *sink, int limit)
{
    int count = 0, number;
    set_int (sink, ZMQ_RCVTIMEO, 5);
    for (; zmq_recv (sink, &number, sizeof number, 0) == sizeof number; count++)
        if (number >= limit)
            harness_fail (__FILE__, __LINE__, "received %d, which was sent after %d", number, limit);
    CHECK_INT (zmq_errno (), EAGAIN);
    own->ends = 1;
    end_thread (thread);
    return count;
}

WIRE_TEST (nothing_is_received_that_was_sent_after_an_unbind)
{
    for (int round = 0; round < ROUNDS; round++) {
        void *context = zmq_ctx_new (), *others = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL);
        sender own = {open_socket (others, ZMQ_PUSH), 0, 0};
        const char *endpoint = join (pull, own.socket, transport);
        pthread_t thread = start_thread (send_on, &own);
        int number;
        for (int n = 0; n <= round; n++)
            CHECK_INT (zmq_recv (pull, &number, sizeof number, 0), sizeof number);
        CHECK_OK (zmq_unbind (pull, endpoint));
        int limit = own.next;
        expect_none_behind (&own, thread, pull, limit);
        FINISH (context, pull);
        FINISH (others, own.socket);
    }
    scratch_remove ();
}

/*  Connections without a complete handshake by then never become peers.  */
WIRE_TEST (nobody_gets_in_after_an_unbind)
{
    for (int round = 0; round < ROUNDS; round++) {
        void *context = zmq_ctx_new (), *others = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL);
        sender own = {open_socket (others, ZMQ_PUSH), 0, 0};
        const char *endpoint = join (pull, own.socket, transport);
        pthread_t thread = start_thread (send_on, &own);
        /*  Somewhere during the handshake.  */
        for (volatile int n = 0; n < round * 2000; n++)
            ;
        CHECK_OK (zmq_unbind (pull, endpoint));
        int limit = own.next;
        expect_none_behind (&own, thread, pull, limit);
        FINISH (context, pull);
        FINISH (others, own.socket);
    }
    scratch_remove ();
}

static void nothing_after_a_disconnect (const char *transport, int immediate)
{
    for (int round = 0; round < ROUNDS; round++) {
        void *context = zmq_ctx_new (), *others = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL);
        sender own = {open_socket (others, ZMQ_PUSH), 0, 0};
        set_int (pull, ZMQ_IMMEDIATE, immediate);
        const char *endpoint = join (own.socket, pull, transport);
        pthread_t thread = start_thread (send_on, &own);
        /*  Somewhere during the handshake, or behind it.  */
        for (volatile int n = 0; n < round * 2000; n++)
            ;
        CHECK_OK (zmq_disconnect (pull, endpoint));
        /*  What came is given up as well.  */
        CHECK_INT (expect_none_behind (&own, thread, pull, own.next), 0);
        FINISH (context, pull);
        FINISH (others, own.socket);
    }
    scratch_remove ();
}

WIRE_TEST (nothing_is_received_after_a_disconnect) { nothing_after_a_disconnect (transport, 0); }

WIRE_TEST (nothing_is_received_after_a_disconnect_with_immediate)
{
    nothing_after_a_disconnect (transport, 1);
}
