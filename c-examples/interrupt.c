/*  Interrupt handling: blocks in receive until Ctrl-C or SIGTERM, sees EINTR,
 *  and closes down in order.
 *      interrupt [endpoint]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5555");

    void *context = new_context ();
    void *socket = new_socket (context, ZMQ_REP);
    catch_signals ();
    bind_to (socket, endpoint);

    int seen = 0;
    while (!interrupted) {
        char buffer[64];
        if (zmq_recv (socket, buffer, sizeof buffer, 0) == -1
            && zmq_errno () == EINTR) {
            printf ("receive was interrupted: %s\n", zmq_strerror (EINTR));
            seen = 1;
        } else
            send_text (socket, "still here");
    }
    printf ("interrupt seen, closing down\n");
    zmq_close (socket);
    zmq_ctx_term (context);
    return !seen;
}
