/*  ZMQ_BUSY_WAIT, an option of ours: how many microseconds a waiting call looks
 *  for events before it sleeps.  */
#include "peers.h"

TEST (busy_wait_is_20_microseconds_unless_set)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_PAIR);
    CHECK_INT (get_int (socket, ZMQ_BUSY_WAIT), 20);
    set_int (socket, ZMQ_BUSY_WAIT, 0);
    CHECK_INT (get_int (socket, ZMQ_BUSY_WAIT), 0);
    int value = -1;
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_BUSY_WAIT, &value, sizeof value), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_BUSY_WAIT, &value, 2), EINVAL);
    CHECK_INT (get_int (socket, ZMQ_BUSY_WAIT), 0);
    FINISH (context, socket);
}

static void *answer (void *socket)
{
    for (int n = 0; n < 200; n++) {
        EXPECT_TEXT (socket, "ping");
        send_text (socket, "pong", 0);
    }
    return NULL;
}

/*  Whatever it is: messages come, and a wait ends at its time.  */
TRANSPORT_TEST (waits_end_with_and_without_looking)
{
    static const int times[] = {0, 20, 5000};
    for (int n = 0; n < 3; n++) {
        void *context = zmq_ctx_new ();
        void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
        set_int (one, ZMQ_BUSY_WAIT, times[n]);
        set_int (two, ZMQ_BUSY_WAIT, times[n]);
        join (one, two, transport);
        pthread_t thread = start_thread (answer, two);
        for (int round = 0; round < 200; round++) {
            send_text (one, "ping", 0);
            EXPECT_TEXT (one, "pong");
        }
        end_thread (thread);
        set_int (one, ZMQ_RCVTIMEO, 20);
        int64_t start = now_ms ();
        CHECK_ERRNO (zmq_recv (one, NULL, 0, 0), EAGAIN);
        CHECK (now_ms () - start >= 19);
        FINISH (context, one, two);
    }
}
