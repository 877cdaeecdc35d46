/*  Worker behind a request-reply broker: a REP socket that connects instead
 *  of binding. A request has two parts, "square" and a number.
 *      rrworker [broker endpoint]
 *  Ends by Ctrl-C.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://localhost:5560");

    void *context = new_context ();
    void *responder = new_socket (context, ZMQ_REP);
    connect_to (responder, endpoint);
    catch_signals ();
    printf ("ready\n");

    long served = 0;
    while (!interrupted) {
        char *operation = receive_text (responder);
        if (!operation)
            break;
        char *operand = more_parts (responder) ? receive_text (responder) : NULL;
        long n = operand ? atol (operand) : 0;
        char reply[32];
        snprintf (reply, sizeof reply, "%ld",
                  strcmp (operation, "square") == 0 ? n * n : -1);
        free (operation);
        free (operand);
        send_text (responder, reply);
        served++;
    }
    printf ("served %ld requests\n", served);
    zmq_close (responder);
    zmq_ctx_term (context);
    return 0;
}
