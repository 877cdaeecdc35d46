/*  A disconnect in the middle of a message that is received: for our library
 *  alone, as libzmq does not survive it everywhere.
 */
#include "../peers.h"

/*  What is received after a disconnect does not continue the message before it.  */
TRANSPORT_TEST (disconnect_in_the_middle_of_a_message)
{
    static const int types[][2] = {
      {ZMQ_PULL, ZMQ_PUSH}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_SUB, ZMQ_PUB}};
    for (int n = 0; n < 3; n++) {
        void *context = zmq_ctx_new (), *socket = open_socket (context, types[n][0]);
        void *first = open_socket (context, types[n][1]);
        void *second = open_socket (context, types[n][1]);
        if (types[n][0] == ZMQ_SUB)
            subscribe (socket, "");
        const char *endpoint = join (first, socket, transport);
        if (types[n][0] == ZMQ_SUB)
            await_subscription (first, socket, "probe");
        SEND_PARTS (first, "a", "b", "c");
        EXPECT_PART (socket, "a", 1);
        CHECK_OK (zmq_disconnect (socket, endpoint));
        EXPECT_PARTS (socket, "b", "c");
        join (second, socket, transport);
        if (types[n][0] == ZMQ_SUB)
            await_subscription (second, socket, "probe");
        SEND_PARTS (second, "1", "2");
        EXPECT_PARTS (socket, "1", "2");
        FINISH (context, socket, first, second);
    }
}
