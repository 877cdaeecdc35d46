/*  Sink: collects the results of one batch.
 *      sink [endpoint]
 *  The ventilator announces how many results there are.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5558");

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    bind_to (receiver, endpoint);

    void *watch = zmq_stopwatch_start ();
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
    printf ("took %lu ms\n", zmq_stopwatch_stop (watch) / 1000);
    printf ("collected %ld results, total %ld\n", results, total);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return 0;
}
