/*  Hello World server: answers "Hello N" with "World N".
 *      hwserver [endpoint] [requests]
 *  Ends after that many requests (0: never) or by Ctrl-C.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5555");
    long requests = number_argument (argc, argv, 2, 0);

    void *context = new_context ();
    void *responder = new_socket (context, ZMQ_REP);
    catch_signals ();
    bind_to (responder, endpoint);

    long served = 0;
    while (!interrupted && (requests == 0 || served < requests)) {
        char *request = receive_text (responder);
        if (!request)
            break;
        char reply[64];
        snprintf (reply, sizeof reply, "World%s",
                  strncmp (request, "Hello", 5) == 0 ? request + 5 : "?");
        printf ("received %s\n", request);
        free (request);
        send_text (responder, reply);
        served++;
    }
    printf ("served %ld requests\n", served);
    zmq_close (responder);
    zmq_ctx_term (context);
    return 0;
}
