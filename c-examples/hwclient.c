/*  Hello World client: asks "Hello N" and expects "World N".
 *      hwclient [endpoint] [requests] [first number]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://localhost:5555");
    long requests = number_argument (argc, argv, 2, 10);
    long first = number_argument (argc, argv, 3, 0);

    void *context = new_context ();
    void *requester = new_socket (context, ZMQ_REQ);
    connect_to (requester, endpoint);

    long right = 0;
    for (long n = first; n < first + requests; n++) {
        char request[32], expected[32];
        snprintf (request, sizeof request, "Hello %ld", n);
        snprintf (expected, sizeof expected, "World %ld", n);
        need (send_text (requester, request), "send");
        char *reply = receive_text (requester);
        need (reply != NULL, "receive");
        right += strcmp (reply, expected) == 0;
        printf ("%s -> %s\n", request, reply);
        free (reply);
    }
    printf ("%ld of %ld answers right\n", right, requests);
    zmq_close (requester);
    zmq_ctx_term (context);
    return right != requests;
}
