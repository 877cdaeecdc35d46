/*  A routing id that passes from a peer that left to another one.  */
#include "peers.h"

/*  Asks a mandatory ROUTER until X has an owner, or none.  */
static void await_owner (void *router, int exists)
{
    int64_t give_up = now_ms () + PATIENCE_MS;
    for (int found = !exists; found != exists; sleep_ms (1)) {
        CHECK (now_ms () < give_up);
        found = zmq_send (router, "X", 1, ZMQ_SNDMORE) == 1;
        if (found)
            send_text (router, "are you there", 0);
        else
            CHECK_INT (zmq_errno (), EHOSTUNREACH);
    }
}

/*  A peer that takes over a routing id is read after what its former owner left unread.  */
TRANSPORT_TEST (what_a_peer_left_is_read_before_its_successor)
{
    for (int handover = 0; handover < 2; handover++) {
        void *context = zmq_ctx_new (), *router = open_socket (context, ZMQ_ROUTER);
        set_int (router, ZMQ_ROUTER_HANDOVER, handover);
        set_int (router, ZMQ_ROUTER_MANDATORY, 1);
        const char *endpoint = bind_to (router, fresh (transport));
        void *other = open_socket (context, ZMQ_DEALER), *peers[3];
        set_routing_id (other, "Y");
        CHECK_OK (zmq_connect (other, endpoint));
        send_text (other, "1", 0);
        char text[3] = "";
        for (int n = 0; n < 3; n++) {
            peers[n] = open_socket (context, ZMQ_DEALER);
            set_int (peers[n], ZMQ_LINGER, -1);
            set_routing_id (peers[n], "X");
            CHECK_OK (zmq_connect (peers[n], endpoint));
            for (text[0] = '1' + n, text[1] = 'a'; text[1] < 'd'; text[1]++)
                send_text (peers[n], text, 0);
            await_owner (router, 1);
            if (n < 2) {
                CHECK_OK (zmq_close (peers[n]));
                await_owner (router, 0);
            }
        }
        int others = 0;
        for (int n = 0; n < 3; n++)
            for (text[0] = '1' + n, text[1] = 'a'; text[1] < 'd'; text[1]++) {
                char id[2] = "";
                CHECK_INT (zmq_recv (router, id, 1, 0), 1);
                /*  Others have their turns as ever.  */
                if (*id == 'Y') {
                    EXPECT_TEXT (router, "1");
                    others++;
                    CHECK_INT (zmq_recv (router, id, 1, 0), 1);
                }
                CHECK_STRING (id, "X");
                EXPECT_TEXT (router, text);
            }
        if (!others)
            EXPECT_PARTS (router, "Y", "1");
        send_text (peers[2], "3d", 0);
        EXPECT_PARTS (router, "X", "3d");
        FINISH (context, router, other, peers[2]);
    }
}
