/*  Synchronised publisher: starts when every expected subscriber is there, so
 *  that nobody misses the beginning.
 *      syncpub [endpoint] [sync endpoint] [subscribers] [updates]
 *
 *  It sends "hello" until each subscriber has received it and reported over
 *  REQ-REP. No sleeping, no guessing how long a connection takes.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5561");
    const char *sync = text_argument (argc, argv, 2, "tcp://*:5562");
    long subscribers = number_argument (argc, argv, 3, 10);
    long updates = number_argument (argc, argv, 4, 1000000);

    void *context = new_context ();
    void *publisher = new_socket (context, ZMQ_PUB);
    /*  A full queue drops updates; this one holds the whole batch.  */
    set_number (publisher, ZMQ_SNDHWM, 0);
    bind_to (publisher, endpoint);
    void *service = new_socket (context, ZMQ_REP);
    bind_to (service, sync);

    for (long ready = 0; ready < subscribers;) {
        need (send_text (publisher, "hello"), "send");
        zmq_pollitem_t item = {service, 0, ZMQ_POLLIN, 0};
        need (zmq_poll (&item, 1, 10) >= 0, "zmq_poll");
        while (ready < subscribers) {
            char *report = receive_text_or_not (service, ZMQ_DONTWAIT);
            if (!report)
                break;
            free (report);
            need (send_text (service, "noted"), "send");
            ready++;
        }
    }
    printf ("%ld subscribers are ready\n", subscribers);

    for (long n = 0; n < updates; n++)
        need (zmq_send (publisher, &n, sizeof n, 0) == sizeof n, "send");
    need (send_text (publisher, "END"), "send");
    printf ("published %ld updates\n", updates);
    zmq_close (service);
    zmq_close (publisher);
    zmq_ctx_term (context); /*  Waits until all have been delivered.  */
    return 0;
}
