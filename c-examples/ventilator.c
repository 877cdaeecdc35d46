/*  Ventilator: hands tasks to whatever workers are there, after telling the
 *  sink how many will come. A task is a number of tenths of a millisecond.
 *      ventilator [endpoint] [sink endpoint] [tasks]      (sink "-": none)
 *
 *  It waits for Enter (or the end of its input), so that all workers can be
 *  started first: the first to connect would get everything otherwise.
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5557");
    const char *sink = text_argument (argc, argv, 2, "tcp://localhost:5558");
    long tasks = number_argument (argc, argv, 3, 100);

    void *context = new_context ();
    void *sender = new_socket (context, ZMQ_PUSH);
    bind_to (sender, endpoint);
    int have_sink = strcmp (sink, "-") != 0;
    void *start = new_socket (context, ZMQ_PUSH);
    if (have_sink)
        connect_to (start, sink);

    printf ("press Enter when the workers are ready\n");
    getchar ();
    char text[32];
    snprintf (text, sizeof text, "batch of %ld", tasks);
    if (have_sink)
        need (send_text (start, text), "send");

    long total = 0;
    for (long n = 0; n < tasks; n++) {
        long workload = 1 + n * 7 % 20;
        total += workload;
        snprintf (text, sizeof text, "%ld", workload);
        need (send_text (sender, text), "send");
    }
    printf ("sent %ld tasks, total %ld\n", tasks, total);
    zmq_close (start);
    zmq_close (sender);
    zmq_ctx_term (context); /*  Waits until every task has been taken.  */
    return 0;
}
