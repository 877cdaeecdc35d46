/*  Multithreaded Hello World server: clients reach a ROUTER over tcp, worker
 *  threads sit behind a DEALER over inproc, a proxy joins the two.
 *      mtserver [endpoint] [threads]
 *  Ends by Ctrl-C.
 */
#include "helpers.h"
#include <pthread.h>

static void *serve (void *context)
{
    /*  The main thread ends the context: then zmq_socket and receive_text
     *  give NULL, the former in a thread that came to life too late.  */
    void *responder = zmq_socket (context, ZMQ_REP);
    if (!responder)
        return NULL;
    zmq_connect (responder, "inproc://workers");

    char *request;
    long served = 0;
    while ((request = receive_text (responder))) {
        char reply[64];
        snprintf (reply, sizeof reply, "World%s",
                  strncmp (request, "Hello", 5) == 0 ? request + 5 : "?");
        free (request);
        pause_ms (1); /*  "Work".  */
        send_text (responder, reply);
        served++;
    }
    printf ("a worker served %ld requests\n", served);
    zmq_close (responder);
    return NULL;
}

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://*:5555");
    long threads = number_argument (argc, argv, 2, 5);
    if (threads < 1 || threads > 64)
        threads = 5;

    void *context = new_context ();
    void *clients = new_socket (context, ZMQ_ROUTER);
    void *workers = new_socket (context, ZMQ_DEALER);

    /*  Threads inherit the blocked signals, so a signal comes to us alone.  */
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    bind_to (workers, "inproc://workers");
    pthread_t thread[64];
    for (long n = 0; n < threads; n++)
        need (pthread_create (&thread[n], NULL, serve, context) == 0, "thread");
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    catch_signals ();
    bind_to (clients, endpoint);

    while (!interrupted && zmq_proxy (clients, workers, NULL) == -1
           && zmq_errno () == EINTR)
        ;

    zmq_ctx_shutdown (context); /*  The workers' receives return ETERM.  */
    for (long n = 0; n < threads; n++)
        pthread_join (thread[n], NULL);
    printf ("server ends\n");
    zmq_close (workers);
    zmq_close (clients);
    zmq_ctx_term (context);
    return 0;
}
