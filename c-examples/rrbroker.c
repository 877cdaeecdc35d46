/*  Request-reply broker, by hand: a ROUTER for clients, a DEALER for workers,
 *  and zmq_poll to shuttle whole messages, part by part, between the two.
 *      rrbroker [frontend] [backend]
 *  Ends by Ctrl-C. msgqueue is the same with zmq_proxy.
 */
#include "helpers.h"

/*  Passes one message on with all its parts; nothing is copied.  */
static void pass_on (void *from, void *to)
{
    int more;
    do {
        zmq_msg_t part;
        zmq_msg_init (&part);
        if (zmq_msg_recv (&part, from, 0) == -1)
            return;
        more = zmq_msg_more (&part);
        if (zmq_msg_send (&part, to, more ? ZMQ_SNDMORE : 0) == -1)
            zmq_msg_close (&part);
    } while (more);
}

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

    long requests = 0, replies = 0;
    while (!interrupted) {
        zmq_pollitem_t items[] = {
          {frontend, 0, ZMQ_POLLIN, 0},
          {backend, 0, ZMQ_POLLIN, 0},
        };
        if (zmq_poll (items, 2, -1) == -1)
            break;
        if (items[0].revents & ZMQ_POLLIN) {
            pass_on (frontend, backend);
            requests++;
        }
        if (items[1].revents & ZMQ_POLLIN) {
            pass_on (backend, frontend);
            replies++;
        }
    }
    printf ("passed on %ld requests and %ld replies\n", requests, replies);
    zmq_close (backend);
    zmq_close (frontend);
    zmq_ctx_term (context);
    return 0;
}
