/*  Free functions of messages that a call of the application drops: they run as that call does.
 *  (libzmq blocks the signals there.)  */
#include "../harness.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int calls, blocked_signals;

static void look_at_signals (void *data, void *hint)
{
    (void) hint;
    free (data);
    sigset_t mask;
    pthread_sigmask (SIG_BLOCK, NULL, &mask);
    atomic_fetch_add (&blocked_signals, sigismember (&mask, SIGUSR1) == 1);
    atomic_fetch_add (&calls, 1);
}

TEST (a_free_function_runs_with_the_signals_of_the_call_that_closes_the_socket)
{
    void *context = zmq_ctx_new ();
    void *receiver = open_socket (context, ZMQ_PAIR), *sender = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (receiver, "inproc://a"));
    CHECK_OK (zmq_connect (sender, "inproc://a"));
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, malloc (100), 100, look_at_signals, NULL));
    CHECK_INT (zmq_msg_send (&message, sender, 0), 100);
    CHECK_OK (zmq_close (receiver));
    CHECK_OK (zmq_close (sender));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (atomic_load (&calls), 1);
    CHECK_INT (atomic_load (&blocked_signals), 0);
}
