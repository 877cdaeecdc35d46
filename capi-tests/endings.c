/*  What two peers still tell each other when one of them ends: what it sent
 *  before arrives, and what is sent to it afterwards waits for the next.
 */
#include "peers.h"

/*  A ROUTER that takes in no more than MARK messages at a time, and has got
 *  nothing yet of the COUNT that a DEALER sent who is gone by now.  */
#define MARK 10
#define COUNT 100

static void *router_whose_peer_has_left (void *context, const char *transport)
{
    void *others = zmq_ctx_new (), *dealer = open_socket (others, ZMQ_DEALER);
    void *router = open_socket (context, ZMQ_ROUTER);
    set_int (router, ZMQ_RCVHWM, MARK);
    set_int (router, ZMQ_SNDHWM, MARK);
    set_int (dealer, ZMQ_LINGER, -1);
    join (router, dealer, transport);
    for (int n = 0; n < COUNT; n++)
        send_text (dealer, "request", 0);
    FINISH (others, dealer);
    return router;
}

WIRE_TEST (what_came_before_the_end_is_received_while_answers_fail)
{
    void *context = zmq_ctx_new ();
    void *router = router_whose_peer_has_left (context, transport);
    char id[256];
    for (int n = 0; n < COUNT; n++) {
        int size = zmq_recv (router, id, sizeof id, 0);
        CHECK (size > 0);
        EXPECT_TEXT (router, "request");
        /*  Nobody gets it, which its sender need not know.  */
        CHECK_INT (zmq_send (router, id, size, ZMQ_SNDMORE), size);
        send_text (router, "answer", 0);
        if (n % MARK == 0)
            sleep_ms (2);
    }
    FINISH (context, router);
}
