/*  Message queue: the request-reply broker in one call of zmq_proxy.
 *      msgqueue [frontend] [backend]
 *  Ends by Ctrl-C, which zmq_proxy reports as EINTR.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *front = text_argument (argc, argv, 1, "tcp://*:5559");
    const char *back = text_argument (argc, argv, 2, "tcp://*:5560");

    void *context = new_context ();
    void *frontend = new_socket (context, ZMQ_ROUTER);
    void *backend = new_socket (context, ZMQ_DEALER);
    catch_signals ();
    bind_to (frontend, front);
    bind_to (backend, back);

    while (!interrupted && zmq_proxy (frontend, backend, NULL) == -1
           && zmq_errno () == EINTR)
        ;
    printf ("queue ends\n");
    zmq_close (backend);
    zmq_close (frontend);
    zmq_ctx_term (context);
    return 0;
}
