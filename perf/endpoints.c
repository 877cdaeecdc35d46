/*  The time that zmq_bind, zmq_connect and what undoes them take, and from
 *  zmq_connect to the first reply, which a REP of another process sends (over
 *  inproc one of the same thread).  Every turn has new sockets; there is one that
 *  stays, so that the context's threads are there.
 */
#include "perf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum call { BIND, CONNECT, REPLY, DISCONNECT, UNBIND, CLOSE, CALLS };
static const char *const names[CALLS] = {"bind", "connect", "reply", "disconnect", "unbind", "close"};

#define MAX_TURNS 20000
/*  Between two turns: what the last one left to other threads is done by then.  */
#define REST_US 200

static bool is_inproc (void)
{
    return strcmp (settings.transport, "inproc") == 0;
}

/*  Answers the next request; false for the last one.  */
static bool answer (void *socket)
{
    char byte;
    OK (zmq_recv (socket, &byte, 1, 0));
    OK (zmq_send (socket, &byte, 1, 0));
    return byte != 0;
}

static void server (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_REP);
    bind_slot (socket, slot);
    while (answer (socket))
        ;
    await_ended (1);
    close_all (context, socket);
}

static uint64_t samples[CALLS][MAX_TURNS];
static int turns;

/*  Runs the call, and keeps its time.  */
#define TIMED(CALL, STATEMENT)                                                \
    do {                                                                      \
        uint64_t begin = now_ns ();                                           \
        OK (STATEMENT);                                                       \
        samples[CALL][turns] = now_ns () - begin;                             \
    } while (0)

static void bind_and_unbind (void *context)
{
    char endpoint[256];
    size_t room = sizeof endpoint;
    void *socket = open_socket (context, ZMQ_PULL);
    if (is_inproc ())
        snprintf (endpoint, sizeof endpoint, "inproc://turn-%d", turns);
    else if (strcmp (settings.transport, "ipc") == 0)
        snprintf (endpoint, sizeof endpoint, "ipc://%s/turn", getenv ("PERF_DIR"));
    else
        strcpy (endpoint, "tcp://127.0.0.1:*");
    TIMED (BIND, zmq_bind (socket, endpoint));
    OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &room));
    TIMED (UNBIND, zmq_unbind (socket, endpoint));
    OK (zmq_close (socket));
}

/*  A new socket that has had one reply, the last one of all if LAST.  */
static void *connect_and_talk (void *context, void *here, bool last)
{
    char byte = !last;
    void *socket = open_socket (context, ZMQ_REQ);
    uint64_t begin = now_ns ();
    TIMED (CONNECT, zmq_connect (socket, shared->endpoint[0]));
    OK (zmq_send (socket, &byte, 1, 0));
    if (here)
        answer (here);
    OK (zmq_recv (socket, &byte, 1, 0));
    samples[REPLY][turns] = now_ns () - begin;
    return socket;
}

static int by_size (const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *) a, other = *(const uint64_t *) b;
    return (one > other) - (one < other);
}

static void client (int slot)
{
    void *context = new_context ();
    void *here = open_socket (context, is_inproc () ? ZMQ_REP : ZMQ_DEALER);
    if (is_inproc ())
        bind_slot (here, slot);
    while (!atomic_load (&shared->endpoint_known[slot]))
        sleep_us (200);
    void *answering = is_inproc () ? here : NULL;
    uint64_t end = now_ns () + (uint64_t) (settings.seconds * 1e9);
    for (turns = 0; turns < MAX_TURNS - 1 && now_ns () < end; turns++) {
        void *socket = connect_and_talk (context, answering, false);
        sleep_us (REST_US);
        TIMED (DISCONNECT, zmq_disconnect (socket, shared->endpoint[slot]));
        OK (zmq_close (socket));
        sleep_us (REST_US);
        socket = connect_and_talk (context, answering, false);
        sleep_us (REST_US);
        TIMED (CLOSE, zmq_close (socket));
        sleep_us (REST_US);
        bind_and_unbind (context);
        sleep_us (REST_US);
    }
    int measured = turns;
    OK (zmq_close (connect_and_talk (context, answering, true)));
    for (int call = 0; call < CALLS; call++) {
        qsort (samples[call], (size_t) measured, sizeof samples[call][0], by_size);
        set_count (&shared->value[call], samples[call][measured / 2]);
    }
    say_ended ();
    close_all (context, here);
}

void endpoints (void)
{
    if (!is_inproc ())
        spawn (server, 0, true);
    spawn (client, 0, true);
    await_roles ();
    report_start ("endpoints %s", settings.transport);
    for (int call = 0; call < CALLS; call++)
        report (names[call], (double) shared->value[call] * 1e-3, "us");
    report_end ();
}
