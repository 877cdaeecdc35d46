/*  Threads that are cancelled in the middle of traffic: only their sockets may be lost. (libzmq's
 *  other threads may then wait for a wake-up that the cancelled thread did not finish.)
 */
#include "callers.h"

typedef struct {
    void *socket;
    bool poll;
    atomic_int turns;
} busy_t;

static void *request_for_ever (void *argument)
{
    busy_t *busy = argument;
    char byte = 'm';
    for (;;) {
        CHECK_INT (zmq_send (busy->socket, &byte, 1, 0), 1);
        zmq_pollitem_t item = {busy->socket, 0, ZMQ_POLLIN, 0};
        if (busy->poll)
            CHECK_INT (zmq_poll (&item, 1, PATIENCE_MS), 1);
        CHECK_INT (zmq_recv (busy->socket, &byte, 1, 0), 1);
        atomic_fetch_add (&busy->turns, 1);
    }
    return NULL;
}

static void *send_for_ever (void *argument)
{
    busy_t *busy = argument;
    char body[100] = "m";
    for (;;) {
        CHECK_INT (zmq_send (busy->socket, body, sizeof body, 0), sizeof body);
        atomic_fetch_add (&busy->turns, 1);
        /*  A loop that never waits is never cancelled otherwise.  */
        pthread_testcancel ();
    }
    return NULL;
}

/*  Cancels COUNT threads, each at a random moment after its traffic began to flow.  */
static void cancel_busy (contexts_t contexts, pair_t *pair, const char *endpoint, int type,
                         void *(*body) (void *), int count)
{
    for (int n = 0; n < count; n++) {
        busy_t busy = {open_socket (contexts.own, type), n % 2, 0};
        CHECK_OK (zmq_connect (busy.socket, endpoint));
        pthread_t thread = start_thread (body, &busy);
        for (int64_t give_up = now_ms () + PATIENCE_MS; atomic_load (&busy.turns) < 20;) {
            CHECK (now_ms () < give_up);
            sched_yield ();
        }
        spin_us (random_below (300));
        CHECK_OK (pthread_cancel (thread));
        end_thread (thread);
        GOES_ON (pair, 5);
        CHECK_OK (zmq_close (busy.socket));
    }
    GOES_ON (pair, 50);
}

TRANSPORT_TEST (threads_cancelled_during_requests_lose_only_their_sockets)
{
    contexts_t contexts = open_contexts (transport);
    pair_t pair;
    server_t server;
    open_pair (&pair, contexts.own, "tcp");
    start_server (&server, contexts.peer, ZMQ_ROUTER, transport);
    cancel_busy (contexts, &pair, server.endpoint, ZMQ_REQ, request_for_ever, 100);
    close_pair (&pair);
    end_server (&server);
    end_contexts (contexts);
}

TRANSPORT_TEST (threads_cancelled_while_sending_lose_only_their_sockets)
{
    contexts_t contexts = open_contexts (transport);
    pair_t pair;
    void *pull = open_socket (contexts.peer, ZMQ_PULL);
    open_pair (&pair, contexts.own, "tcp");
    set_int (pull, ZMQ_RCVTIMEO, -1);
    const char *endpoint = bind_to (pull, fresh (transport));
    pthread_t thread = start_thread (swallow, pull);
    cancel_busy (contexts, &pair, endpoint, ZMQ_PUSH, send_for_ever, 100);
    close_pair (&pair);
    CHECK_OK (zmq_ctx_shutdown (contexts.peer));
    end_thread (thread);
    end_contexts (contexts);
}
