/*  Synchronised subscriber: reports once it receives from the publisher, then counts
 *  the updates, which must come complete and in order.
 *      syncsub [publisher endpoint] [sync endpoint]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://localhost:5561");
    const char *sync = text_argument (argc, argv, 2, "tcp://localhost:5562");

    void *context = new_context ();
    void *subscriber = new_socket (context, ZMQ_SUB);
    connect_to (subscriber, endpoint);
    subscribe (subscriber, "");

    char *hello = receive_text (subscriber);
    need (hello && strcmp (hello, "hello") == 0, "hello");
    free (hello);

    void *reporter = new_socket (context, ZMQ_REQ);
    connect_to (reporter, sync);
    need (send_text (reporter, "ready"), "send");
    free (receive_text (reporter));

    long received = 0, misplaced = 0;
    for (;;) {
        char update[16];
        int size = zmq_recv (subscriber, update, sizeof update, 0);
        need (size >= 0, "receive");
        if (size == 3 && memcmp (update, "END", 3) == 0)
            break;
        if (size == 5 && memcmp (update, "hello", 5) == 0)
            continue; /*  Sent for subscribers that came after us.  */
        long number = -1;
        if (size == sizeof number)
            memcpy (&number, update, sizeof number);
        misplaced += number != received;
        received++;
    }
    printf ("received %ld updates, %ld out of order\n", received, misplaced);
    zmq_close (reporter);
    zmq_close (subscriber);
    zmq_ctx_term (context);
    return misplaced != 0;
}
