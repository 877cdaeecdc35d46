/*  A thread that is cancelled inside a call, exits from a signal handler that ran there, or
 *  jumps out of it: its socket may be lost, but the rest of the context goes on, and all of it
 *  can be closed and terminated.
 */
#include "callers.h"

/*  The thread sleeps in each of the calls, the last that did anything in its context, and END
 *  ends it there. A pair that was there before goes on, and so does a new one.  */
static void lose_in_each_call (const char *transport, void (*end) (pthread_t thread))
{
    for (call_t call = IN_RECV; call <= IN_SEND; call++) {
        for (int alone = 0; alone < 2; alone++) {
            scene_t scene;
            start_scene (&scene, call, alone, transport);
            end (scene.caller.thread);
            end_thread (scene.caller.thread);
            CHECK (!atomic_load (&scene.caller.returned));
            others_go_on (&scene, 50);
            CHECK_OK (zmq_close (scene.caller.socket));
            GOES_ON (&scene.old, 20);
            close_pairs (&scene);
            CHECK_OK (zmq_close (scene.caller.peer));
            end_scene (&scene);
        }
    }
}

static void cancel (pthread_t thread)
{
    CHECK_OK (pthread_cancel (thread));
}

TRANSPORT_TEST (a_thread_cancelled_asleep_in_a_call_loses_only_its_socket)
{
    lose_in_each_call (transport, cancel);
}

static void exit_thread (int number)
{
    (void) number;
    pthread_exit (NULL);
}

static void make_exit (pthread_t thread)
{
    struct sigaction action = {.sa_handler = exit_thread};
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
    CHECK_OK (pthread_kill (thread, SIGUSR1));
}

TRANSPORT_TEST (a_thread_that_exits_from_a_signal_handler_loses_only_its_socket)
{
    lose_in_each_call (transport, make_exit);
}

/*  The context can be terminated while the lost socket is still open: it is the application's
 *  to close it meanwhile.  */
static void *terminate (void *context)
{
    CHECK_OK (zmq_ctx_term (context));
    return NULL;
}

TRANSPORT_TEST (the_socket_of_a_cancelled_thread_can_be_closed_while_its_context_ends)
{
    contexts_t contexts = open_contexts (transport);
    caller_t caller = {0};
    start_caller (&caller, IN_RECV, contexts.own, contexts.peer, transport);
    cancel (caller.thread);
    end_thread (caller.thread);
    if (contexts.peer == contexts.own)
        CHECK_OK (zmq_close (caller.peer));
    pthread_t thread = start_thread (terminate, contexts.own);
    sleep_ms (20);
    CHECK_OK (zmq_close (caller.socket));
    end_thread (thread);
    if (contexts.peer != contexts.own) {
        CHECK_OK (zmq_close (caller.peer));
        CHECK_OK (zmq_ctx_term (contexts.peer));
    }
}

/* --- jumping out -------------------------------------------------------------- */

static sigjmp_buf before_call;

static void jump (int number)
{
    (void) number;
    siglongjmp (before_call, 1);
}

typedef struct {
    call_t call;
    void *context, *socket;
    const char *transport;
    atomic_int id;
} jumper_t;

/*  Jumps out of a call, and goes on with a pair of its own.  */
static void *jump_and_go_on (void *argument)
{
    jumper_t *jumper = argument;
    receive_traffic (jumper->socket);
    if (sigsetjmp (before_call, 1) == 0) {
        zmq_pollitem_t item = {jumper->socket, 0, ZMQ_POLLIN, 0};
        char byte;
        atomic_store (&jumper->id, thread_id ());
        if (jumper->call == IN_RECV)
            zmq_recv (jumper->socket, &byte, 1, 0);
        else
            zmq_poll (&item, 1, -1);
        CHECK (!"the call returned");
    }
    pair_t pair;
    open_pair (&pair, jumper->context, jumper->transport);
    GOES_ON (&pair, 50);
    CHECK_OK (zmq_close (jumper->socket));
    GOES_ON (&pair, 50);
    close_pair (&pair);
    return NULL;
}

TRANSPORT_TEST (a_thread_that_jumps_out_of_a_call_loses_only_that_socket)
{
    struct sigaction action = {.sa_handler = jump};
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
    for (call_t call = IN_RECV; call <= IN_POLL; call++) {
        contexts_t contexts = open_contexts (transport);
        void *servers = zmq_ctx_new ();
        pair_t pair;
        open_pair_of (&pair, contexts.own, servers, "tcp");
        void *peer = open_socket (contexts.peer, ZMQ_DEALER);
        jumper_t jumper = {call, contexts.own, open_socket (contexts.own, ZMQ_DEALER), transport, 0};
        set_int (jumper.socket, ZMQ_RCVTIMEO, -1);
        join (peer, jumper.socket, transport);
        pthread_t thread = start_thread (jump_and_go_on, &jumper);
        send_traffic (peer);
        await_call (&jumper.id, call);
        CHECK_OK (pthread_kill (thread, SIGUSR1));
        GOES_ON (&pair, 100);
        end_thread (thread);
        GOES_ON (&pair, 20);
        close_pair (&pair);
        CHECK_OK (zmq_close (peer));
        end_contexts (contexts);
        CHECK_OK (zmq_ctx_term (servers));
    }
}

/*  What the lost thread was to do for its socket, others do: also for calls that do not wait.  */
WIRE_TEST (a_socket_whose_thread_was_cancelled_receives_without_waiting)
{
    for (call_t call = IN_RECV; call <= IN_POLL; call++) {
        contexts_t contexts = open_contexts (transport);
        caller_t caller = {0};
        start_caller (&caller, call, contexts.own, contexts.peer, transport);
        /*  A new connection is served in any case.  */
        sleep_ms (3500);
        CHECK_OK (pthread_cancel (caller.thread));
        end_thread (caller.thread);
        send_text (caller.peer, "m", 0);
        int64_t give_up = now_ms () + REQUEST_MS;
        for (char byte; zmq_recv (caller.socket, &byte, 1, ZMQ_DONTWAIT) < 0; sleep_ms (1)) {
            CHECK_INT (zmq_errno (), EAGAIN);
            CHECK (now_ms () < give_up);
        }
        CHECK_OK (zmq_close (caller.socket));
        CHECK_OK (zmq_close (caller.peer));
        end_contexts (contexts);
    }
}
