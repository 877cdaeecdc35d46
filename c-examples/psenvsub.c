/*  Subscriber to one key of psenvpub: gets key and data, or neither.
 *      psenvsub [endpoint] [key] [messages]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://localhost:5563");
    const char *key = text_argument (argc, argv, 2, "B");
    long messages = number_argument (argc, argv, 3, 4);

    void *context = new_context ();
    void *subscriber = new_socket (context, ZMQ_SUB);
    connect_to (subscriber, endpoint);
    subscribe (subscriber, key);

    long wrong = 0;
    for (long n = 0; n < messages; n++) {
        char *address = receive_text (subscriber);
        need (address != NULL, "receive");
        char *text = more_parts (subscriber) ? receive_text (subscriber) : NULL;
        wrong += !text || strcmp (address, key) != 0 || more_parts (subscriber);
        printf ("[%s] %s\n", address, text ? text : "(data missing)");
        free (address);
        free (text);
    }
    zmq_close (subscriber);
    zmq_ctx_term (context);
    return wrong != 0;
}
