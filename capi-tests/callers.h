/*  Threads that are suspended or lost inside a call, beside a pair of sockets of the same
 *  context that must not notice: on top of peers.h.
 */
#ifndef CALLERS_H
#define CALLERS_H

#define _GNU_SOURCE

/*  What hangs in these tests hangs for ever.  */
#define TEST_LIMIT_S 15
#include "peers.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <sys/syscall.h>

/*  Time of one request of a thread that nothing hinders, on a very busy machine.  */
#define REQUEST_MS 3000

static inline int64_t now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline pid_t thread_id (void)
{
    return (pid_t) syscall (SYS_gettid);
}

/*  The thread sleeps: seen that many times in a row, so that no lock that it waits for a moment
 *  is taken for it.  */
static inline void await_asleep (pid_t thread, int times)
{
    char path[64], state;
    int64_t give_up = now_ms () + PATIENCE_MS;
    snprintf (path, sizeof path, "/proc/self/task/%d/stat", (int) thread);
    for (int seen = 0; seen < times;) {
        FILE *file = fopen (path, "r");
        CHECK (file != NULL);
        CHECK_INT (fscanf (file, "%*d (%*[^)]) %c", &state), 1);
        fclose (file);
        seen = state == 'S' ? seen + 1 : 0;
        CHECK (now_ms () < give_up);
        sleep_ms (2);
    }
}

/*  An even random number below LIMIT.  */
static inline unsigned random_below (unsigned limit)
{
    static _Thread_local unsigned seed;
    if (seed == 0)
        seed = (unsigned) now_us () ^ (unsigned) thread_id ();
    return (unsigned) rand_r (&seed) % limit;
}

/*  Without a sleep: what the scheduler adds to one is longer than most of these times.  */
static inline void spin_us (int64_t time)
{
    for (int64_t until = now_us () + time; now_us () < until;)
        ;
}

/* --- a server that answers everything -------------------------------------- */

typedef struct {
    void *context, *socket;
    char endpoint[120];
    pthread_t thread;
} server_t;

/*  Returns every part to where it came from, until its context ends or it is sent "stop".  */
static void *answer_all (void *argument)
{
    server_t *server = argument;
    zmq_msg_t part;
    bool stop = false;
    CHECK_OK (zmq_msg_init (&part));
    while (!stop && zmq_msg_recv (&part, server->socket, 0) >= 0) {
        int more = zmq_msg_more (&part);
        stop = zmq_msg_size (&part) == 4 && memcmp (zmq_msg_data (&part), "stop", 4) == 0;
        if (zmq_msg_send (&part, server->socket, more ? ZMQ_SNDMORE : 0) < 0)
            break;
    }
    CHECK_OK (zmq_msg_close (&part));
    CHECK_OK (zmq_close (server->socket));
    return NULL;
}

/*  A thread with a socket of this type, bound.  */
static inline void start_server (server_t *server, void *context, int type, const char *transport)
{
    server->context = context;
    server->socket = open_socket (context, type);
    set_int (server->socket, ZMQ_RCVTIMEO, -1);
    strcpy (server->endpoint, bind_to (server->socket, fresh (transport)));
    server->thread = start_thread (answer_all, server);
}

static inline void end_server (server_t *server)
{
    void *last = open_socket (server->context, ZMQ_REQ);
    CHECK_OK (zmq_connect (last, server->endpoint));
    send_text (last, "stop", 0);
    EXPECT_TEXT (last, "stop");
    end_thread (server->thread);
    CHECK_OK (zmq_close (last));
}

/* --- the pair that must not notice ----------------------------------------- */

typedef struct {
    server_t server;
    void *req;
} pair_t;

/*  Its requests are made in CONTEXT, and answered in that or in another.  */
static inline void open_pair_of (pair_t *pair, void *context, void *server_context,
                                 const char *transport)
{
    start_server (&pair->server, server_context, ZMQ_REP, transport);
    pair->req = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (pair->req, pair->server.endpoint));
    send_text (pair->req, "first", 0);
    EXPECT_TEXT (pair->req, "first");
    set_int (pair->req, ZMQ_RCVTIMEO, REQUEST_MS);
}

static inline void open_pair (pair_t *pair, void *context, const char *transport)
{
    open_pair_of (pair, context, context, transport);
}

/*  COUNT requests are answered, each in its time.  */
#define GOES_ON(PAIR, COUNT)                                                  \
    do {                                                                      \
        for (int request = 0; request < (COUNT); request++) {                 \
            int answer = -1;                                                  \
            CHECK_INT (zmq_send ((PAIR)->req, &request, sizeof request, 0),   \
                       sizeof request);                                       \
            CHECK_INT (zmq_recv ((PAIR)->req, &answer, sizeof answer, 0),     \
                       sizeof answer);                                        \
            CHECK_INT (answer, request);                                      \
        }                                                                     \
    } while (0)

static inline void close_pair (pair_t *pair)
{
    send_text (pair->req, "stop", 0);
    EXPECT_TEXT (pair->req, "stop");
    end_thread (pair->server.thread);
    CHECK_OK (zmq_close (pair->req));
}

/* --- contexts -------------------------------------------------------------- */

/*  Contexts of the caller and of its peer: the same one where the transport needs it.  */
typedef struct {
    void *own, *peer;
} contexts_t;

static inline contexts_t open_contexts (const char *transport)
{
    contexts_t contexts = {zmq_ctx_new (), NULL};
    contexts.peer = is_inproc (transport) ? contexts.own : zmq_ctx_new ();
    return contexts;
}

static inline void end_contexts (contexts_t contexts)
{
    CHECK_OK (zmq_ctx_term (contexts.own));
    if (contexts.peer != contexts.own)
        CHECK_OK (zmq_ctx_term (contexts.peer));
}

/* --- a thread that waits in a call ------------------------------------------ */

typedef enum { IN_RECV, IN_POLL, IN_SEND } call_t;

typedef struct {
    call_t call;
    /*  The peer sends a PING twice in this time, and expects an answer within it; 0: none.  */
    int heartbeat_ms;
    void *socket, *peer;
    pthread_t thread;
    atomic_int id;
    /*  The thread's last call has returned.  */
    atomic_bool returned;
} caller_t;

/*  What a caller does while it waits may depend on what came before.  */
static inline void receive_traffic (void *socket)
{
    char byte;
    for (int n = 0; n < 200; n++)
        CHECK_INT (zmq_recv (socket, &byte, 1, 0), 1);
}

static inline void send_traffic (void *socket)
{
    for (int n = 0; n < 200; n++) {
        send_text (socket, "m", 0);
        spin_us (10);
    }
}

/*  Returns when the thread that is about to make its call sleeps there; one that sends until it is
 *  blocked also does when its peer is not fast enough.  */
static inline void await_call (atomic_int *id, call_t call)
{
    for (int64_t give_up = now_ms () + PATIENCE_MS; atomic_load (id) == 0; sleep_ms (1))
        CHECK (now_ms () < give_up);
    await_asleep (atomic_load (id), call == IN_SEND ? 30 : 3);
}

static inline void *wait_in_call (void *argument)
{
    caller_t *caller = argument;
    static char large[1 << 16];
    char byte = 0;
    if (caller->call != IN_SEND)
        receive_traffic (caller->socket);
    atomic_store (&caller->id, thread_id ());
    zmq_pollitem_t item = {caller->socket, 0, ZMQ_POLLIN, 0};
    int rc;
    switch (caller->call) {
    case IN_RECV:
        rc = zmq_recv (caller->socket, &byte, 1, 0);
        break;
    case IN_POLL:
        rc = zmq_poll (&item, 1, -1);
        break;
    default:
        do
            rc = zmq_send (caller->socket, large, sizeof large, 0);
        while (rc == (int) sizeof large);
    }
    (void) rc;
    atomic_store (&caller->returned, true);
    return NULL;
}

/*  Starts a thread that waits in this call, on a socket that is connected to one of
 *  PEER_CONTEXT; returns when it sleeps there.  */
static inline void start_caller (caller_t *caller, call_t call, void *context, void *peer_context,
                                 const char *transport)
{
    caller->call = call;
    atomic_store (&caller->id, 0);
    atomic_store (&caller->returned, false);
    caller->peer = open_socket (peer_context, ZMQ_DEALER);
    caller->socket = open_socket (context, ZMQ_DEALER);
    set_int (caller->socket, ZMQ_RCVTIMEO, -1);
    set_int (caller->socket, ZMQ_SNDTIMEO, -1);
    set_int (caller->socket, ZMQ_SNDHWM, 10);
    set_int (caller->peer, ZMQ_RCVHWM, call == IN_SEND ? 10 : 1000);
    set_int (caller->peer, ZMQ_HEARTBEAT_IVL, caller->heartbeat_ms / 2);
    set_int (caller->peer, ZMQ_HEARTBEAT_TIMEOUT, caller->heartbeat_ms);
    set_int (caller->peer, ZMQ_HEARTBEAT_TTL, caller->heartbeat_ms);
    join (caller->peer, caller->socket, transport);
    caller->thread = start_thread (wait_in_call, caller);
    if (call != IN_SEND)
        send_traffic (caller->peer);
    await_call (&caller->id, call);
    CHECK (!atomic_load (&caller->returned));
}

/*  Receives until the context is shut down.  */
static inline void *swallow (void *socket)
{
    char byte;
    while (zmq_recv (socket, &byte, 1, 0) >= 0)
        ;
    CHECK_INT (zmq_errno (), ETERM);
    CHECK_OK (zmq_close (socket));
    return NULL;
}

/*  A thread that waits in a call, and pairs that have nothing to do with it: OLD was there
 *  before, NEW comes after.  */
typedef struct {
    contexts_t contexts;
    void *servers;
    caller_t caller;
    pair_t old, new;
} scene_t;

/*  The waiting thread is alone in its context, or beside a server that waits too.  */
static inline void start_scene (scene_t *scene, call_t call, int alone, const char *transport)
{
    *scene = (scene_t){.contexts = open_contexts (transport)};
    scene->servers = alone ? zmq_ctx_new () : scene->contexts.own;
    open_pair_of (&scene->old, scene->contexts.own, scene->servers, "tcp");
    start_caller (&scene->caller, call, scene->contexts.own, scene->contexts.peer, transport);
}

/*  Both pairs go on, the old one for REQUESTS requests.  */
static inline void others_go_on (scene_t *scene, int requests)
{
    GOES_ON (&scene->old, requests);
    open_pair_of (&scene->new, scene->contexts.own, scene->servers, "tcp");
    GOES_ON (&scene->new, 50);
}

static inline void close_pairs (scene_t *scene)
{
    close_pair (&scene->old);
    close_pair (&scene->new);
}

static inline void end_scene (scene_t *scene)
{
    end_contexts (scene->contexts);
    if (scene->servers != scene->contexts.own)
        CHECK_OK (zmq_ctx_term (scene->servers));
}

#endif
