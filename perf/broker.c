/*  A process of its own between clients and workers: zmq_proxy.  */
#include "perf.h"

#include <errno.h>

static void *front, *back;

static void run_proxy (int unused)
{
    (void) unused;
    MUST (zmq_proxy (front, back, NULL) == -1 && errno == ETERM);
}

static void run (int front_type, int back_type)
{
    void *context = new_context ();
    front = open_socket (context, front_type);
    back = open_socket (context, back_type);
    bind_slot (front, FRONT_SLOT);
    bind_slot (back, BACK_SLOT);
    void *proxy = start (run_proxy, 0);
    await_ended (1);
    OK (zmq_ctx_shutdown (context));
    join (proxy);
    OK (zmq_close (front));
    close_all (context, back);
}

void request_broker (int unused)
{
    (void) unused;
    run (ZMQ_ROUTER, ZMQ_DEALER);
}

void stream_broker (int unused)
{
    (void) unused;
    run (ZMQ_PULL, ZMQ_PUSH);
}
