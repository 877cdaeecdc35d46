/*  A thread whose signal handler blocks while it is inside a call (this is how garbage
 *  collectors and profilers stop threads) holds up nothing but its own socket.
 */
#include "callers.h"
#include "monitors.h"

/*  Written to and read in the handler of a suspended thread.  */
static int suspended[2], resumed[2];

static void suspend (int number)
{
    (void) number;
    int before = errno;
    char byte = 0;
    if (write (suspended[1], &byte, 1) != 1 || read (resumed[0], &byte, 1) != 1)
        _exit (3);
    errno = before;
}

static void prepare_suspension (void)
{
    struct sigaction action = {.sa_handler = suspend};
    CHECK_OK (pipe (suspended));
    CHECK_OK (pipe (resumed));
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
}

/*  Returns when the thread is in its handler.  */
static void suspend_thread (pthread_t thread)
{
    char byte;
    CHECK_OK (pthread_kill (thread, SIGUSR1));
    CHECK_INT (read (suspended[0], &byte, 1), 1);
}

static void resume_thread (void)
{
    CHECK_INT (write (resumed[1], "", 1), 1);
}

static bool has_returned_within (caller_t *caller, int64_t time)
{
    int64_t give_up = now_ms () + time;
    while (!atomic_load (&caller->returned) && now_ms () < give_up)
        sleep_ms (1);
    return atomic_load (&caller->returned);
}

/*  The call that was interrupted returns once its thread goes on. One that sends may have found room
 *  just when the signal came: the thread waits in the next call then.  */
static void end_caller (caller_t *caller)
{
    resume_thread ();
    for (int n = 0; caller->call == IN_SEND && n < 5 && !has_returned_within (caller, 1000); n++) {
        suspend_thread (caller->thread);
        resume_thread ();
    }
    end_thread (caller->thread);
    CHECK (atomic_load (&caller->returned));
    CHECK_OK (zmq_close (caller->socket));
    CHECK_OK (zmq_close (caller->peer));
}

TRANSPORT_TEST (requests_succeed_while_another_thread_is_suspended_in_a_call)
{
    prepare_suspension ();
    for (call_t call = IN_RECV; call <= IN_SEND; call++) {
        for (int alone = 0; alone < 2; alone++) {
            scene_t scene;
            start_scene (&scene, call, alone, transport);
            suspend_thread (scene.caller.thread);
            others_go_on (&scene, 200);
            close_pairs (&scene);
            end_caller (&scene.caller);
            end_scene (&scene);
        }
    }
}

/* --- connections that nobody waits on ---------------------------------------- */

/*  A peer in another context whose PINGs need answers within this time.  */
#define HEARTBEAT_MS 400

/*  Whether the peer's PINGs were answered all the time.  */
static bool kept_alive (const char *transport, call_t call)
{
    contexts_t contexts = open_contexts (transport);
    caller_t caller = {.heartbeat_ms = HEARTBEAT_MS};
    start_caller (&caller, call, contexts.own, contexts.peer, transport);
    void *reader = watch (contexts.peer, caller.peer, ZMQ_EVENT_DISCONNECTED);
    suspend_thread (caller.thread);
    event_t event;
    bool kept = !next_event_within (reader, &event, 3 * HEARTBEAT_MS);
    end_caller (&caller);
    CHECK_OK (zmq_close (reader));
    end_contexts (contexts);
    return kept;
}

WIRE_TEST (heartbeats_are_answered_while_the_only_waiting_thread_is_suspended)
{
    prepare_suspension ();
    /*  A machine that is too busy for such times is so now and then only.  */
    for (call_t call = IN_RECV; call <= IN_POLL; call++)
        CHECK (kept_alive (transport, call) || kept_alive (transport, call)
               || kept_alive (transport, call));
}

/*  Longest time until a connection is served that nobody waits on, and how many of
 *  CONNECTIONS keep to it on a busy machine.  */
#define SERVED_MS 150
#define CONNECTIONS 7
#define ON_TIME 4

/*  Time until the descriptor is readable, PATIENCE_MS at most.  */
static int time_until_readable (int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};
    int64_t start = now_ms ();
    CHECK_INT (poll (&ready, 1, PATIENCE_MS), 1);
    return (int) (now_ms () - start);
}

/*  A client of another context connects to the socket, and a message arrives in its pipe, while
 *  nobody calls the library in its context. Whether either was in time.  */
typedef struct {
    bool handshake, message;
} served_t;

static served_t connect_and_send (void *bound, const char *endpoint, void *context, int type)
{
    served_t served;
    char byte;
    int fd;
    size_t size = sizeof fd;
    void *client = open_socket (context, type);
    void *reader = watch (context, client, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    int64_t start = now_ms ();
    CHECK_OK (zmq_connect (client, endpoint));
    await_event (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    served.handshake = now_ms () - start <= SERVED_MS;
    /*  The descriptor reports an event once: the readability that the connection caused is cleared first.  */
    CHECK_OK (zmq_getsockopt (bound, ZMQ_FD, &fd, &size));
    struct pollfd ready = {fd, POLLIN, 0};
    do
        (void) get_int (bound, ZMQ_EVENTS);
    while (poll (&ready, 1, 20) == 1);
    send_text (client, "m", 0);
    served.message = time_until_readable (fd) <= SERVED_MS;
    for (int64_t give_up = now_ms () + PATIENCE_MS; zmq_recv (bound, &byte, 1, ZMQ_DONTWAIT) < 0;)
        CHECK (now_ms () < give_up);
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (reader));
    return served;
}

static void serve_unattended (const char *transport, int bound_type, int client_type)
{
    prepare_suspension ();
    for (call_t call = IN_RECV; call <= IN_POLL; call++) {
        contexts_t contexts = open_contexts (transport);
        caller_t caller = {0};
        void *bound = open_socket (contexts.own, bound_type);
        const char *endpoint = bind_to (bound, fresh (transport));
        start_caller (&caller, call, contexts.own, contexts.peer, transport);
        suspend_thread (caller.thread);
        int handshakes = 0, messages = 0;
        for (int n = 0; n < CONNECTIONS; n++) {
            served_t served = connect_and_send (bound, endpoint, contexts.peer, client_type);
            handshakes += served.handshake;
            messages += served.message;
        }
        CHECK (handshakes >= ON_TIME);
        CHECK (messages >= ON_TIME);
        end_caller (&caller);
        CHECK_OK (zmq_close (bound));
        end_contexts (contexts);
    }
}

WIRE_TEST (a_pull_that_nobody_waits_on_is_served_while_another_thread_is_suspended)
{
    serve_unattended (transport, ZMQ_PULL, ZMQ_PUSH);
}

WIRE_TEST (a_dealer_that_nobody_waits_on_is_served_while_another_thread_is_suspended)
{
    serve_unattended (transport, ZMQ_DEALER, ZMQ_DEALER);
}
