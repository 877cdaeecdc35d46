/*  Sink that stops the workers when the batch is complete.
 *      sink2 [endpoint] [control endpoint] [workers]
 *
 *  A kill signal that is published before a worker has subscribed is lost.
 *  So the control socket is an XPUB: it shows each subscription as a message,
 *  and we publish when as many have come as there are workers.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5558");
    const char *orders = text_argument (argc, argv, 2, "tcp://*:5559");
    long workers = number_argument (argc, argv, 3, 1);

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    bind_to (receiver, endpoint);
    void *control = new_socket (context, ZMQ_XPUB);
    set_number (control, ZMQ_XPUB_VERBOSE, 1); /*  Equal subscriptions too.  */
    bind_to (control, orders);

    /*  The ventilator's word how many there are may come after the first
     *  results: each sender has a connection of its own.  */
    long expected = -1, results = 0, total = 0;
    while (results != expected) {
        char *text = receive_text (receiver);
        need (text != NULL, "receive");
        if (sscanf (text, "batch of %ld", &expected) != 1) {
            total += atol (text);
            results++;
        }
        free (text);
    }
    printf ("collected %ld results, total %ld\n", results, total);

    for (long n = 0; n < workers; n++) {
        char subscription[16];
        need (zmq_recv (control, subscription, sizeof subscription, 0) >= 0,
              "receive");
    }
    need (send_text (control, "KILL"), "send");
    printf ("sent KILL to %ld workers\n", workers);
    zmq_close (control);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return 0;
}
