/*  Weather server: publishes "zipcode temperature humidity" for ten places.
 *      wuserver [endpoint] [rounds]
 *  Ends after that many rounds (0: never) or by Ctrl-C.
 *
 *  The temperature of place 1000N swings around N degrees, up and down by
 *  turns, so a subscriber can check its average.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5556");
    long rounds = number_argument (argc, argv, 2, 0);

    void *context = new_context ();
    void *publisher = new_socket (context, ZMQ_PUB);
    catch_signals ();
    bind_to (publisher, endpoint);

    long round = 0;
    while (!interrupted && (rounds == 0 || round < rounds)) {
        int swing = round % 2 ? -5 : 5;
        for (int place = 0; place < 10; place++) {
            char update[64];
            snprintf (update, sizeof update, "%d %d %ld", 10000 + place,
                      place + swing, 10 + round % 50);
            if (!send_text (publisher, update))
                break;
        }
        round++;
        pause_ms (1);
    }
    printf ("published %ld rounds\n", round);

    /*  Updates that nobody received are worthless by now.  */
    set_number (publisher, ZMQ_LINGER, 0);
    zmq_close (publisher);
    zmq_ctx_term (context);
    return 0;
}
