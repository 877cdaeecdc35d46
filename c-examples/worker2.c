/*  Worker that can be told to stop: it also listens on a control socket.
 *      worker2 [ventilator endpoint] [sink endpoint] [control endpoint]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *tasks = text_argument (argc, argv, 1, "tcp://localhost:5557");
    const char *results = text_argument (argc, argv, 2, "tcp://localhost:5558");
    const char *orders = text_argument (argc, argv, 3, "tcp://localhost:5559");

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    connect_to (receiver, tasks);
    void *sender = new_socket (context, ZMQ_PUSH);
    connect_to (sender, results);
    void *control = new_socket (context, ZMQ_SUB);
    connect_to (control, orders);
    subscribe (control, "");

    printf ("ready\n");

    long done = 0;
    int killed = 0;
    while (!killed) {
        zmq_pollitem_t items[] = {
          {receiver, 0, ZMQ_POLLIN, 0},
          {control, 0, ZMQ_POLLIN, 0},
        };
        need (zmq_poll (items, 2, -1) >= 0, "zmq_poll");
        if (items[0].revents & ZMQ_POLLIN) {
            char *task = receive_text (receiver);
            need (task != NULL, "receive");
            pause_ms (atol (task) / 10);
            send_text (sender, task);
            free (task);
            done++;
        }
        if (items[1].revents & ZMQ_POLLIN) {
            char *order = receive_text (control);
            killed = order && strcmp (order, "KILL") == 0;
            free (order);
        }
    }
    printf ("did %ld tasks, killed\n", done);
    zmq_close (control);
    zmq_close (sender);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return 0;
}
