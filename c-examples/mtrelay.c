/*  Relay race: each thread waits for the baton from the one before it, over
 *  a PAIR of inproc sockets, and hands it on.
 *      mtrelay [runners]
 */
#include "helpers.h"
#include <pthread.h>

typedef struct {
    void *context;
    long number; /*  Runner 1 is the first, and has nobody to wait for.  */
} runner;

static void *run (void *argument)
{
    runner *self = argument;
    char endpoint[64];
    long baton = 0;

    if (self->number > 1) {
        /*  Bind first, then start the runner that connects here.  */
        void *receiver = new_socket (self->context, ZMQ_PAIR);
        snprintf (endpoint, sizeof endpoint, "inproc://runner-%ld",
                  self->number);
        bind_to (receiver, endpoint);

        runner before = {self->context, self->number - 1};
        pthread_t thread;
        need (pthread_create (&thread, NULL, run, &before) == 0, "thread");
        need (zmq_recv (receiver, &baton, sizeof baton, 0) == sizeof baton,
              "receive");
        pthread_join (thread, NULL);
        zmq_close (receiver);
    }
    baton++;
    printf ("runner %ld has the baton\n", self->number);

    void *sender = new_socket (self->context, ZMQ_PAIR);
    snprintf (endpoint, sizeof endpoint, "inproc://runner-%ld",
              self->number + 1);
    connect_to (sender, endpoint);
    need (zmq_send (sender, &baton, sizeof baton, 0) == sizeof baton, "send");
    zmq_close (sender);
    return NULL;
}

int main (int argc, char **argv)
{
    long runners = number_argument (argc, argv, 1, 3);
    void *context = new_context ();

    void *finish = new_socket (context, ZMQ_PAIR);
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "inproc://runner-%ld", runners + 1);
    bind_to (finish, endpoint);

    runner last = {context, runners};
    pthread_t thread;
    need (pthread_create (&thread, NULL, run, &last) == 0, "thread");
    long baton = 0;
    need (zmq_recv (finish, &baton, sizeof baton, 0) == sizeof baton,
          "receive");
    pthread_join (thread, NULL);
    printf ("the baton went through %ld hands\n", baton);
    zmq_close (finish);
    zmq_ctx_term (context);
    return baton != runners;
}
