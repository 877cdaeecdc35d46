/*  Worker: takes tasks, works, and passes each result to the sink.
 *      worker [ventilator endpoint] [sink endpoint]
 *  Ends by Ctrl-C; worker2 can be told to stop.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *tasks = text_argument (argc, argv, 1, "tcp://localhost:5557");
    const char *results = text_argument (argc, argv, 2, "tcp://localhost:5558");

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    connect_to (receiver, tasks);
    void *sender = new_socket (context, ZMQ_PUSH);
    connect_to (sender, results);
    catch_signals ();
    printf ("ready\n");

    long done = 0;
    while (!interrupted) {
        char *task = receive_text (receiver);
        if (!task)
            break;
        pause_ms (atol (task) / 10);
        send_text (sender, task);
        free (task);
        done++;
    }
    printf ("did %ld tasks\n", done);
    zmq_close (sender);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return 0;
}
