/*  Reads two sockets by asking each in turn, without blocking: tasks from a
 *  ventilator and updates from a weather server. mspoller does it better.
 *      msreader [ventilator] [weather server] [tasks] [updates]
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
        char *text;
        while ((text = receive_text_or_not (receiver, ZMQ_DONTWAIT))) {
            total += atol (text);
            got_tasks++;
            free (text);
        }
        while ((text = receive_text_or_not (subscriber, ZMQ_DONTWAIT))) {
            got_updates++;
            free (text);
        }
        pause_ms (1); /*  Nothing there: this pause is the method's price.  */
    }
    printf ("read %ld tasks, total %ld, and at least %ld updates\n", got_tasks,
            total, updates_wanted);
    zmq_close (subscriber);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return 0;
}
