/*  A socket that noticed the end of a connection and sends loses nothing: the message waits
 *  for the next connection. With libzmq it is now and then written to the
 *  connection that ended, and lost.
 */
#include "../security.h"

TEST (what_is_sent_after_the_event_of_a_disconnect_reaches_the_next_connection)
{
    pair pair = open_pair ();
    char endpoint[100];
    strcpy (endpoint, bind_to (pair.server, "tcp://127.0.0.1:*"));
    set_int (pair.client, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (pair.client, endpoint));
    expect_exchange (&pair);
    for (int i = 0; i < 30; i++) {
        CHECK_OK (zmq_close (pair.server));
        uint32_t value;
        next_event (pair.client_monitor, ZMQ_EVENT_DISCONNECTED, &value);
        send_text (pair.client, "x", 0);
        pair.server = open_socket (pair.context, ZMQ_DEALER);
        CHECK_OK (zmq_bind (pair.server, endpoint));
        EXPECT_TEXT (pair.server, "x");
    }
    close_pair (&pair);
}
