/*  A process in which nothing happens sleeps: what the library does for connections that nobody
 *  waits on costs few wake-ups, and none where there are no such connections.
 */
#include "callers.h"

/*  Seconds of looking on.  */
#define LOOK_S 2

/*  Voluntary context switches of all threads but this one.  */
static long switches (void)
{
    DIR *tasks = opendir ("/proc/self/task");
    struct dirent *entry;
    long sum = 0, count;
    CHECK (tasks != NULL);
    while ((entry = readdir (tasks))) {
        char path[300], line[200];
        if (entry->d_name[0] == '.' || atoi (entry->d_name) == getpid ())
            continue;
        snprintf (path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen (path, "r");
        CHECK (status != NULL);
        while (fgets (line, sizeof line, status))
            if (sscanf (line, "voluntary_ctxt_switches: %ld", &count) == 1)
                sum += count;
        fclose (status);
    }
    closedir (tasks);
    return sum;
}

/*  In LOOK_S seconds, once what came before has settled: a new peer might send heartbeats.  */
static long idle_switches (void)
{
    sleep_ms (3500);
    long before = switches ();
    sleep_ms (LOOK_S * 1000);
    return switches () - before;
}

/*  A peer of another process: its threads do not count.  */
static pid_t start_peer (char *endpoint, size_t size, const char *transport)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    pid_t peer = fork ();
    CHECK (peer >= 0);
    if (peer == 0) {
        alarm (TEST_LIMIT_S);
        void *context = zmq_ctx_new (), *dealer = open_socket (context, ZMQ_DEALER);
        const char *own = bind_to (dealer, wildcard (transport));
        CHECK (write (ends[1], own, strlen (own) + 1) > 0);
        /*  Answers what connects, so that it is known to be connected.  */
        for (char byte;;)
            if (zmq_recv (dealer, &byte, 1, 0) == 1)
                send_text (dealer, "a", 0);
    }
    CHECK (read (ends[0], endpoint, size) > 0);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    return peer;
}

static void end_peer (pid_t peer)
{
    CHECK_OK (kill (peer, SIGKILL));
    CHECK_INT (waitpid (peer, NULL, 0), peer);
}

static void *connect_dealer (void *context, const char *endpoint)
{
    void *dealer = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_connect (dealer, endpoint));
    send_text (dealer, "q", 0);
    EXPECT_TEXT (dealer, "a");
    return dealer;
}

static void *wait_for_ever (void *socket)
{
    char byte;
    set_int (socket, ZMQ_RCVTIMEO, -1);
    CHECK_ERRNO (zmq_recv (socket, &byte, 1, 0), ETERM);
    return NULL;
}

WIRE_TEST (a_process_that_only_waits_is_not_woken)
{
    /*  One for each socket, as each of them would answer the other's request.  */
    char endpoint[120], other[120];
    pid_t peer = start_peer (endpoint, sizeof endpoint, transport);
    pid_t second = start_peer (other, sizeof other, transport);
    void *context = zmq_ctx_new (), *waiting = connect_dealer (context, endpoint);
    pthread_t thread = start_thread (wait_for_ever, waiting);
    CHECK (idle_switches () <= LOOK_S);
    void *unattended = connect_dealer (context, other);
    CHECK (idle_switches () <= 10 * LOOK_S);
    CHECK_OK (zmq_ctx_shutdown (context));
    end_thread (thread);
    end_peer (peer);
    end_peer (second);
    FINISH (context, waiting, unattended);
}
