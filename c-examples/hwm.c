/*  High-water marks: what each pattern does when nobody reads.
 *      hwm [mark]
 *  PUSH refuses further messages (or blocks), PUB drops them. Over inproc
 *  sender and receiver share one queue, whose mark is the sum of both.
 */
#include "helpers.h"

/*  Sends until the socket refuses, at most LIMIT messages.  */
static int fill (void *socket, int limit)
{
    int sent = 0;
    while (sent < limit && zmq_send (socket, "x", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    return sent;
}

static int drain (void *socket)
{
    char byte;
    int received = 0;
    while (zmq_recv (socket, &byte, 1, ZMQ_DONTWAIT) == 1)
        received++;
    return received;
}

int main (int argc, char **argv)
{
    int mark = (int) number_argument (argc, argv, 1, 10);
    int limit = 10 * mark;
    void *context = new_context ();

    void *pull = new_socket (context, ZMQ_PULL);
    set_number (pull, ZMQ_RCVHWM, mark);
    bind_to (pull, "inproc://pipeline");
    void *push = new_socket (context, ZMQ_PUSH);
    set_number (push, ZMQ_SNDHWM, mark);
    connect_to (push, "inproc://pipeline");
    int accepted = fill (push, limit);
    printf ("PUSH took %d messages, then refused: %s\n", accepted,
            accepted < limit ? zmq_strerror (zmq_errno ()) : "never");
    int delivered = drain (pull);
    printf ("PULL got %d of them\n", delivered);
    int wrong = accepted != 2 * mark || delivered != accepted;

    void *pub = new_socket (context, ZMQ_PUB);
    set_number (pub, ZMQ_SNDHWM, mark);
    bind_to (pub, "inproc://updates");
    void *sub = new_socket (context, ZMQ_SUB);
    set_number (sub, ZMQ_RCVHWM, mark);
    connect_to (sub, "inproc://updates");
    subscribe (sub, "");
    accepted = fill (pub, limit);
    delivered = drain (sub);
    printf ("PUB took %d messages, SUB got the first %d\n", accepted, delivered);
    wrong += accepted != limit || delivered != 2 * mark;

    zmq_close (sub);
    zmq_close (pub);
    zmq_close (push);
    zmq_close (pull);
    zmq_ctx_term (context);
    printf (wrong ? "not as expected\n" : "as expected\n");
    return wrong != 0;
}
