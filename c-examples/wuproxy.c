/*  Weather proxy between two networks: subscribes on one side, publishes on
 *  the other. XSUB and XPUB let the subscriptions travel through, so only
 *  wanted updates cross the inner network.
 *      wuproxy [weather server endpoint] [outer endpoint]
 *  Ends by Ctrl-C.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *inner = text_argument (argc, argv, 1, "tcp://localhost:5556");
    const char *outer = text_argument (argc, argv, 2, "tcp://*:8100");

    void *context = new_context ();
    void *frontend = new_socket (context, ZMQ_XSUB);
    connect_to (frontend, inner);
    void *backend = new_socket (context, ZMQ_XPUB);
    catch_signals ();
    bind_to (backend, outer);

    while (!interrupted && zmq_proxy (frontend, backend, NULL) == -1
           && zmq_errno () == EINTR)
        ;
    printf ("proxy ends\n");
    set_number (backend, ZMQ_LINGER, 0);
    set_number (frontend, ZMQ_LINGER, 0);
    zmq_close (backend);
    zmq_close (frontend);
    zmq_ctx_term (context);
    return 0;
}
