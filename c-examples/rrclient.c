/*  Client of a request-reply broker; the same as hwclient but for the port:
 *  a client cannot tell a broker from a server.
 *      rrclient [broker endpoint] [requests] [first number]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://localhost:5559");
    long requests = number_argument (argc, argv, 2, 10);
    long first = number_argument (argc, argv, 3, 0);

    void *context = new_context ();
    void *requester = new_socket (context, ZMQ_REQ);
    connect_to (requester, endpoint);

    long right = 0;
    for (long n = first; n < first + requests; n++) {
        char text[32];
        snprintf (text, sizeof text, "%ld", n);
        need (send_part (requester, "square"), "send");
        need (send_text (requester, text), "send");
        char *reply = receive_text (requester);
        need (reply != NULL, "receive");
        right += atol (reply) == n * n && !more_parts (requester);
        printf ("square of %ld is %s\n", n, reply);
        free (reply);
    }
    printf ("%ld of %ld answers right\n", right, requests);
    zmq_close (requester);
    zmq_ctx_term (context);
    return right != requests;
}
