/*  What waiting costs, and what it costs others: measured on the libzmq that the loader picks.
 *
 *      stalls SECONDS      longest round trip of a normal thread beside a thread of class
 *                          SCHED_IDLE that waits in zmq_recv, and four busy processes
 *      endings TRANSPORT   zmq_close and zmq_ctx_term after a dialogue, medians of 200
 *      timeouts            CPU of a call that times out after a millisecond
 *      idle SECONDS        wake-ups a second of a process that waits
 *
 *  Prints lines of name, value and unit.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define BUSY_PROCESSES 4
#define DIALOGUES 200
#define TURNS 1000

#define MUST(CONDITION)                                                       \
    do {                                                                      \
        if (!(CONDITION)) {                                                   \
            fprintf (stderr, "measure-stalls.c:%d: %s: %s\n", __LINE__,       \
                     #CONDITION, zmq_strerror (zmq_errno ()));                \
            exit (1);                                                         \
        }                                                                     \
    } while (0)

static double seconds_of (clockid_t clock)
{
    struct timespec now;
    MUST (clock_gettime (clock, &now) == 0);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static double now (void)
{
    return seconds_of (CLOCK_MONOTONIC);
}

static void set_int (void *socket, int option, int value)
{
    MUST (zmq_setsockopt (socket, option, &value, sizeof value) == 0);
}

/*  Nothing waits longer than a minute.  */
static void *open_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    MUST (socket);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, 60000);
    set_int (socket, ZMQ_SNDTIMEO, 60000);
    return socket;
}

/*  A process that runs BODY, and ends with this one at the latest.  */
static pid_t start_process (void (*body) (int out, const char *transport), int out,
                            const char *transport)
{
    pid_t parent = getpid (), child = fork ();
    MUST (child >= 0);
    if (child == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () == parent)
            body (out, transport);
        _exit (0);
    }
    return child;
}

static void end_process (pid_t child)
{
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
}

/* --- the other process: answers requests, and sends something now and then ------------- */

typedef struct {
    char answers[120], pushes[120];
} endpoints_t;

static void bind_to (void *socket, const char *transport, char *endpoint)
{
    size_t size = 120;
    MUST (zmq_bind (socket, strcmp (transport, "ipc") == 0 ? "ipc://*" : "tcp://127.0.0.1:*") == 0);
    MUST (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
}

static void serve (int out, const char *transport)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP), *push = open_socket (context, ZMQ_PUSH);
    endpoints_t endpoints = {"", ""};
    char body[64];
    set_int (rep, ZMQ_RCVTIMEO, -1);
    bind_to (rep, transport, endpoints.answers);
    bind_to (push, transport, endpoints.pushes);
    MUST (write (out, &endpoints, sizeof endpoints) == sizeof endpoints);
    for (;;) {
        int size = zmq_recv (rep, body, sizeof body, 0);
        MUST (size >= 0 && zmq_send (rep, body, (size_t) size, 0) == size);
        /*  A request of 2 bytes asks for a message to the other socket.  */
        if (size == 2)
            (void) !zmq_send (push, "m", 1, ZMQ_DONTWAIT);
    }
}

static pid_t start_server (const char *transport, endpoints_t *endpoints)
{
    int ends[2];
    MUST (pipe (ends) == 0);
    pid_t server = start_process (serve, ends[1], transport);
    MUST (read (ends[0], endpoints, sizeof *endpoints) == sizeof *endpoints);
    close (ends[0]);
    close (ends[1]);
    return server;
}

static void *connect_to (void *context, int type, const char *endpoint)
{
    void *socket = open_socket (context, type);
    MUST (zmq_connect (socket, endpoint) == 0);
    return socket;
}

static void request (void *req, int size)
{
    char body[2] = "m";
    MUST (zmq_send (req, body, (size_t) size, 0) == size);
    MUST (zmq_recv (req, body, sizeof body, 0) == size);
}

/* --- stalls ------------------------------------------------------------------------------ */

static void keep_busy (int out, const char *transport)
{
    (void) out, (void) transport;
    for (volatile unsigned n = 0;; n++)
        ;
}

static atomic_bool over;

static void *wait_in_background (void *pull)
{
    struct sched_param none = {0};
    char byte;
    MUST (pthread_setschedparam (pthread_self (), SCHED_IDLE, &none) == 0);
    while (!atomic_load (&over))
        zmq_recv (pull, &byte, 1, 0);
    return NULL;
}

static void stalls (double time)
{
    endpoints_t endpoints;
    pid_t server = start_server ("tcp", &endpoints), busy[BUSY_PROCESSES];
    void *context = zmq_ctx_new ();
    void *pull = connect_to (context, ZMQ_PULL, endpoints.pushes);
    void *req = connect_to (context, ZMQ_REQ, endpoints.answers);
    pthread_t thread;
    set_int (pull, ZMQ_RCVTIMEO, 1000);
    for (int n = 0; n < 100; n++)
        request (req, 2);
    MUST (pthread_create (&thread, NULL, wait_in_background, pull) == 0);
    for (int n = 0; n < BUSY_PROCESSES; n++)
        busy[n] = start_process (keep_busy, -1, NULL);
    double longest = 0, end = now () + time;
    long trips = 0;
    for (double start = now (); start < end; trips++) {
        request (req, trips % 50 == 0 ? 2 : 1);
        double after = now ();
        longest = after - start > longest ? after - start : longest;
        start = after;
        /*  It sleeps in between, as programs do: who polls may change then.  */
        if (trips % 20 == 0) {
            usleep (500);
            start = now ();
        }
    }
    for (int n = 0; n < BUSY_PROCESSES; n++)
        end_process (busy[n]);
    atomic_store (&over, true);
    pthread_join (thread, NULL);
    printf ("longest-stall %.1f ms\n", longest * 1e3);
    printf ("round-trips %.0f /s\n", (double) trips / time);
    zmq_close (pull);
    zmq_close (req);
    zmq_ctx_term (context);
    end_process (server);
}

/* --- endings ------------------------------------------------------------------------------ */

static int compare (const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static double median (double *all, int count)
{
    qsort (all, (size_t) count, sizeof *all, compare);
    return all[count / 2];
}

static void endings (const char *transport)
{
    static double closing[DIALOGUES], terminating[DIALOGUES], both[DIALOGUES];
    endpoints_t endpoints;
    pid_t server = start_server (transport, &endpoints);
    for (int n = 0; n < DIALOGUES; n++) {
        void *context = zmq_ctx_new ();
        void *req = connect_to (context, ZMQ_REQ, endpoints.answers);
        for (int m = 0; m < 10; m++)
            request (req, 1);
        double start = now ();
        MUST (zmq_close (req) == 0);
        double closed = now ();
        MUST (zmq_ctx_term (context) == 0);
        double ended = now ();
        closing[n] = (closed - start) * 1e6;
        terminating[n] = (ended - closed) * 1e6;
        both[n] = (ended - start) * 1e6;
    }
    printf ("close-%s %.1f us\n", transport, median (closing, DIALOGUES));
    printf ("term-%s %.1f us\n", transport, median (terminating, DIALOGUES));
    printf ("close+term-%s %.1f us\n", transport, median (both, DIALOGUES));
    end_process (server);
}

/* --- time-outs ---------------------------------------------------------------------------- */

static void *connected_pull (void *context, const endpoints_t *endpoints)
{
    char byte;
    void *req = connect_to (context, ZMQ_REQ, endpoints->answers);
    void *pull = connect_to (context, ZMQ_PULL, endpoints->pushes);
    /*  A message proves the connection.  */
    do
        request (req, 2);
    while (zmq_recv (pull, &byte, 1, ZMQ_DONTWAIT) != 1);
    MUST (zmq_close (req) == 0);
    usleep (20000);
    while (zmq_recv (pull, &byte, 1, ZMQ_DONTWAIT) == 1)
        ;
    return pull;
}

/*  CPU of the whole process, microseconds a turn.  */
#define TIMED(NAME, CALL, EXPECTED)                                           \
    do {                                                                      \
        double before = seconds_of (CLOCK_PROCESS_CPUTIME_ID);                \
        for (int turn = 0; turn < TURNS; turn++)                              \
            MUST ((CALL) == (EXPECTED));                                      \
        double used = seconds_of (CLOCK_PROCESS_CPUTIME_ID) - before;         \
        printf ("%s %.2f us\n", NAME, used * 1e6 / TURNS);                    \
    } while (0)

static void timeouts (void)
{
    endpoints_t endpoints;
    pid_t server = start_server ("tcp", &endpoints);
    void *context = zmq_ctx_new (), *pull = connected_pull (context, &endpoints);
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
    char byte;
    set_int (pull, ZMQ_RCVTIMEO, 1);
    TIMED ("recv-1ms", zmq_recv (pull, &byte, 1, 0), -1);
    TIMED ("poll-1ms", zmq_poll (&item, 1, 1), 0);
    TIMED ("poll-nothing-1ms", zmq_poll (NULL, 0, 1), 0);
    zmq_close (pull);
    zmq_ctx_term (context);
    end_process (server);
}

/* --- wake-ups ------------------------------------------------------------------------------ */

static void *wait_for_ever (void *pull)
{
    char byte;
    while (zmq_recv (pull, &byte, 1, 0) >= 0)
        ;
    return NULL;
}

/*  Voluntary context switches of all threads but this one.  */
static long switches (void)
{
    DIR *tasks = opendir ("/proc/self/task");
    long sum = 0;
    MUST (tasks);
    for (struct dirent *entry; (entry = readdir (tasks));) {
        char path[300], line[200];
        long count;
        if (entry->d_name[0] == '.' || atoi (entry->d_name) == getpid ())
            continue;
        snprintf (path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen (path, "r");
        while (status && fgets (line, sizeof line, status))
            if (sscanf (line, "voluntary_ctxt_switches: %ld", &count) == 1)
                sum += count;
        if (status)
            fclose (status);
    }
    closedir (tasks);
    return sum;
}

static void idle (double time)
{
    endpoints_t endpoints;
    pid_t server = start_server ("tcp", &endpoints);
    void *context = zmq_ctx_new (), *pull = connected_pull (context, &endpoints);
    void *unattended = NULL;
    pthread_t thread;
    set_int (pull, ZMQ_RCVTIMEO, -1);
    MUST (pthread_create (&thread, NULL, wait_for_ever, pull) == 0);
    for (int sockets = 1; sockets <= 2; sockets++) {
        if (sockets == 2)
            unattended = connected_pull (context, &endpoints);
        usleep (500000);
        long before = switches ();
        usleep ((useconds_t) (time * 1e6));
        printf ("wake-ups-%d-sockets %.2f /s\n", sockets, (double) (switches () - before) / time);
    }
    MUST (zmq_close (unattended) == 0);
    MUST (zmq_ctx_shutdown (context) == 0);
    pthread_join (thread, NULL);
    zmq_close (pull);
    zmq_ctx_term (context);
    end_process (server);
}

int main (int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp (what, "stalls") == 0)
        stalls (argc > 2 ? atof (argv[2]) : 10);
    else if (strcmp (what, "endings") == 0)
        endings (argc > 2 ? argv[2] : "tcp");
    else if (strcmp (what, "timeouts") == 0)
        timeouts ();
    else if (strcmp (what, "idle") == 0)
        idle (argc > 2 ? atof (argv[2]) : 5);
    else
        return 2;
    return 0;
}
