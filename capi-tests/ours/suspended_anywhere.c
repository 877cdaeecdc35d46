/*  A thread that is suspended at a random moment of its traffic, in a signal handler that goes on
 *  only after another thread of the context has made some round trips: none of them may wait for
 *  it. (libzmq's hang in about 1 of 1,000, when the thread holds the lock of a mailbox.)
 *
 *  SUSPENSIONS=10000 in the environment makes more of them than 600.
 */
#include "callers.h"

/*  A suspended thread goes on after this number of round trips of another one, or after this
 *  time; what takes longer than LATE_US is counted.  */
#define TRIPS 20
#define GIVE_UP_US 1000000
#define LATE_US 20000

static atomic_long trips;
static atomic_bool over;
/*  Of the last suspension: microseconds, 0 until it has ended.  */
static atomic_long lasted;

/*  How long TRIPS round trips take from now.  */
static long time_of_trips (void)
{
    int64_t start = now_us ();
    struct timespec moment = {0, 100000};
    long last = atomic_load (&trips) + TRIPS;
    while (atomic_load (&trips) < last && now_us () - start < GIVE_UP_US)
        nanosleep (&moment, NULL);
    return (long) (now_us () - start);
}

static void suspend_for_trips (int number)
{
    (void) number;
    int before = errno;
    atomic_store (&lasted, time_of_trips ());
    errno = before;
}

static void *make_trips (void *argument)
{
    pair_t *pair = argument;
    set_int (pair->req, ZMQ_RCVTIMEO, PATIENCE_MS);
    while (!atomic_load (&over)) {
        GOES_ON (pair, 1);
        atomic_fetch_add (&trips, 1);
    }
    return NULL;
}

/*  Repeats what a signal interrupts.  */
static void *request_on_and_on (void *req)
{
    char byte = 'm';
    while (!atomic_load (&over)) {
        while (zmq_send (req, &byte, 1, 0) < 0)
            CHECK_INT (zmq_errno (), EINTR);
        while (zmq_recv (req, &byte, 1, 0) < 0)
            CHECK_INT (zmq_errno (), EINTR);
    }
    return NULL;
}

static void *send_on_and_on (void *socket)
{
    char body[100] = "m";
    while (!atomic_load (&over))
        while (zmq_send (socket, body, sizeof body, 0) < 0)
            CHECK_INT (zmq_errno (), EINTR);
    return NULL;
}

/*  Suspends the thread again and again; as often, the same is timed while it runs.  */
static void suspend_at_random (pthread_t thread)
{
    const char *wanted = getenv ("SUSPENSIONS");
    int count = (wanted ? atoi (wanted) : 600) / 2, done = 0, late = 0, usual = 0, never = 0;
    int64_t last = now_ms () + 4000;
    long longest = 0, longest_usual = 0;
    for (; done < count && never < 3 && (wanted || now_ms () < last); done++) {
        spin_us (random_below (400));
        atomic_store (&lasted, 0);
        CHECK_OK (pthread_kill (thread, SIGUSR1));
        long took;
        while ((took = atomic_load (&lasted)) == 0)
            usleep (100);
        long undisturbed = time_of_trips ();
        never += took >= GIVE_UP_US;
        late += took > LATE_US;
        usual += undisturbed > LATE_US;
        longest = took > longest ? took : longest;
        longest_usual = undisturbed > longest_usual ? undisturbed : longest_usual;
    }
    printf ("    %d suspensions: %d late, longest %ld us; without: %d, %ld us\n", done, late, longest,
            usual, longest_usual);
    CHECK_INT (never, 0);
    CHECK (late <= 2 * usual + done / 50);
}

/*  BODY runs with a socket of this type in the context of the pair, beside it.  */
static void suspend_beside_a_pair (contexts_t contexts, const char *endpoint, int type,
                                   void *(*body) (void *))
{
    struct sigaction action = {.sa_handler = suspend_for_trips};
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
    for (int alone = 0; alone < 2; alone++) {
        pair_t pair;
        void *servers = alone ? zmq_ctx_new () : contexts.own;
        open_pair_of (&pair, contexts.own, servers, "tcp");
        void *socket = open_socket (contexts.own, type);
        CHECK_OK (zmq_connect (socket, endpoint));
        atomic_store (&over, false);
        pthread_t tripper = start_thread (make_trips, &pair), thread = start_thread (body, socket);
        suspend_at_random (thread);
        atomic_store (&over, true);
        end_thread (thread);
        end_thread (tripper);
        CHECK_OK (zmq_close (socket));
        close_pair (&pair);
        if (alone)
            CHECK_OK (zmq_ctx_term (servers));
    }
}

TRANSPORT_TEST (a_thread_suspended_at_any_moment_of_requests_holds_up_nobody)
{
    contexts_t contexts = open_contexts (transport);
    server_t server;
    start_server (&server, contexts.peer, ZMQ_ROUTER, transport);
    suspend_beside_a_pair (contexts, server.endpoint, ZMQ_REQ, request_on_and_on);
    end_server (&server);
    end_contexts (contexts);
}

TRANSPORT_TEST (a_thread_suspended_at_any_moment_of_sending_holds_up_nobody)
{
    contexts_t contexts = open_contexts (transport);
    void *pull = open_socket (contexts.peer, ZMQ_PULL);
    set_int (pull, ZMQ_RCVTIMEO, -1);
    const char *endpoint = bind_to (pull, fresh (transport));
    pthread_t thread = start_thread (swallow, pull);
    suspend_beside_a_pair (contexts, endpoint, ZMQ_PUSH, send_on_and_on);
    CHECK_OK (zmq_ctx_shutdown (contexts.peer));
    end_thread (thread);
    end_contexts (contexts);
}
