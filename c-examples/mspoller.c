/*  Reads two sockets with zmq_poll, which sleeps until one has something.
 *      mspoller [ventilator] [weather server] [tasks] [updates]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *tasks = text_argument (argc, argv, 1, "tcp://localhost:5557");
    const char *weather = text_argument (argc, argv, 2, "tcp://localhost:5556");
    long tasks_wanted = number_argument (argc, argv, 3, 100);
    long updates_wanted = number_argument (argc, argv, 4, 10);

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    connect_to (receiver, tasks);
    void *subscriber = new_socket (context, ZMQ_SUB);
    connect_to (subscriber, weather);
    subscribe (subscriber, "10001 ");

    long got_tasks = 0, got_updates = 0, total = 0;
    while (got_tasks < tasks_wanted || got_updates < updates_wanted) {
        zmq_pollitem_t items[] = {
          {receiver, 0, ZMQ_POLLIN, 0},
          {subscriber, 0, ZMQ_POLLIN, 0},
        };
        need (zmq_poll (items, 2, -1) >= 0, "zmq_poll");
        if (items[0].revents & ZMQ_POLLIN) {
            char *task = receive_text (receiver);
            need (task != NULL, "receive");
            total += atol (task);
            got_tasks++;
            free (task);
        }
        if (items[1].revents & ZMQ_POLLIN) {
            char *update = receive_text (subscriber);
            need (update != NULL, "receive");
            got_updates++;
            free (update);
        }
    }
    printf ("read %ld tasks, total %ld, and at least %ld updates\n", got_tasks,
            total, updates_wanted);
    zmq_close (subscriber);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return 0;
}
