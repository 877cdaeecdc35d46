/*  Publish-subscribe envelopes: the key is a part of its own, before the data.
 *      psenvpub [endpoint] [rounds]
 *  Publishes keys A and B by turns; 0 rounds: until Ctrl-C.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5563");
    long rounds = number_argument (argc, argv, 2, 0);

    void *context = new_context ();
    void *publisher = new_socket (context, ZMQ_PUB);
    catch_signals ();
    bind_to (publisher, endpoint);

    for (long n = 0; !interrupted && (rounds == 0 || n < rounds); n++) {
        /*  B's text begins with an A: only the key part decides.  */
        send_part (publisher, "A");
        send_text (publisher, "Nobody here asked for this");
        send_part (publisher, "B");
        send_text (publisher, "A subscriber to B sees this");
        pause_ms (5);
    }
    printf ("publisher ends\n");
    set_number (publisher, ZMQ_LINGER, 0);
    zmq_close (publisher);
    zmq_ctx_term (context);
    return 0;
}
