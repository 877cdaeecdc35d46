/*  Weather client: collects updates of one place and prints the average.
 *      wuclient [endpoint] [zipcode] [updates]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://localhost:5556");
    const char *place = text_argument (argc, argv, 2, "10001");
    long updates = number_argument (argc, argv, 3, 100);

    void *context = new_context ();
    void *subscriber = new_socket (context, ZMQ_SUB);
    connect_to (subscriber, endpoint);
    subscribe (subscriber, place);

    long total = 0, foreign = 0;
    for (long n = 0; n < updates; n++) {
        char *update = receive_text (subscriber);
        need (update != NULL, "receive");
        int zipcode = 0, temperature = 0, humidity = 0;
        if (sscanf (update, "%d %d %d", &zipcode, &temperature, &humidity) != 3
            || zipcode != atoi (place))
            foreign++;
        total += temperature;
        free (update);
    }
    printf ("place %s: %ld updates, average %.1f, foreign %ld\n", place,
            updates, (double) total / (double) updates, foreign);
    zmq_close (subscriber);
    zmq_ctx_term (context);
    return foreign != 0;
}
