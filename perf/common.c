/*  Processes, clocks, sockets and output of the measuring programs.  */
#define _GNU_SOURCE
#include "perf.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*  Samples a lane can hold: 8 seconds of answers at 2 microseconds.  */
#define MAX_SAMPLES (4ul << 20)
/*  Patience with roles that should start or finish.  */
#define PATIENCE_S 30

struct settings settings = {
  .transport = "tcp",
  .pattern = "",
  .size = 64,
  .warm_up = 0.2,
  .seconds = 0.8,
  .peers = 50,
  .pairs = 1,
  .every_us = 1000,
};
struct shared *shared;

_Noreturn void die (const char *file, int line, const char *what,
                    const char *why)
{
    fprintf (stderr, "%s:%d: %s: %s\n", file, line, what, why);
    exit (1);
}

uint64_t now_ns (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

void sleep_us (long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep (&t, &t) == -1 && errno == EINTR)
        ;
}

double cpu_seconds (pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    MUST (clock_getcpuclockid (pid, &clock) == 0);
    OK (clock_gettime (clock, &t));
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/*  smaps_rollup walks the pages; the counters in statm lag behind.  */
uint64_t resident_bytes (void)
{
    FILE *f = fopen ("/proc/self/smaps_rollup", "r");
    char line[256];
    unsigned long kib = 0;
    MUST (f);
    while (fgets (line, sizeof line, f))
        if (sscanf (line, "Rss: %lu kB", &kib) == 1)
            break;
    fclose (f);
    MUST (kib);
    return (uint64_t) kib * 1024;
}

/*  ---- Roles  */

#define MAX_ROLES 64
static struct {
    pid_t pid;
    bool counted;
    bool gone;
} roles[MAX_ROLES];
static int role_count;

static void pin_to (int turn)
{
    cpu_set_t one;
    CPU_ZERO (&one);
    CPU_SET ((size_t) (turn % sysconf (_SC_NPROCESSORS_ONLN)), &one);
    OK (sched_setaffinity (0, sizeof one, &one));
}

void spawn (void (*role) (int), int argument, bool counted)
{
    MUST (role_count < MAX_ROLES);
    fflush (NULL);
    pid_t parent = getpid ();
    pid_t pid = fork ();
    OK (pid);
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () != parent)
            _exit (1);
        if (settings.pin)
            pin_to (role_count);
        role (argument);
        exit (0);
    }
    roles[role_count].pid = pid;
    roles[role_count].gone = false;
    roles[role_count++].counted = counted;
}

struct thread {
    pthread_t thread;
    void (*role) (int);
    int argument;
};

static void *run_thread (void *arg)
{
    struct thread *t = arg;
    t->role (t->argument);
    return NULL;
}

void *start (void (*role) (int), int argument)
{
    struct thread *t = malloc (sizeof *t);
    MUST (t);
    t->role = role;
    t->argument = argument;
    MUST (pthread_create (&t->thread, NULL, run_thread, t) == 0);
    return t;
}

void join (void *handle)
{
    struct thread *t = handle;
    MUST (pthread_join (t->thread, NULL) == 0);
    free (t);
}

/*  Collects what has ended; a role that failed ends the measurement.  Returns
 *  the number of those that still run.  */
static int reap (void)
{
    int running = 0;
    for (int i = 0; i < role_count; i++) {
        int status;
        if (roles[i].gone)
            continue;
        if (waitpid (roles[i].pid, &status, WNOHANG) == 0) {
            running++;
            continue;
        }
        roles[i].gone = true;
        if (!WIFEXITED (status) || WEXITSTATUS (status) != 0) {
            fprintf (stderr, "a role failed (%s %d)\n",
                     WIFSIGNALED (status) ? "signal" : "status",
                     WIFSIGNALED (status) ? WTERMSIG (status)
                                          : WEXITSTATUS (status));
            exit (1);
        }
    }
    return running;
}

void await_roles (void)
{
    uint64_t limit = now_ns () + PATIENCE_S * 1000000000ull;
    while (reap () > 0) {
        /*  A count of messages may take as long as it takes.  */
        MUST (settings.count || now_ns () < limit);
        sleep_us (1000);
    }
}

void await_count (atomic_int *counter, int at_least)
{
    uint64_t limit = now_ns () + PATIENCE_S * 1000000000ull;
    while (atomic_load (counter) < at_least) {
        reap ();
        MUST (now_ns () < limit);
        sleep_us (1000);
    }
}

/*  ---- The window  */

static double cpu_of_roles (void)
{
    double sum = 0;
    for (int i = 0; i < role_count; i++)
        if (roles[i].counted)
            sum += cpu_seconds (roles[i].pid);
    return sum;
}

static uint64_t done_in (int lanes)
{
    uint64_t sum = 0;
    for (int i = 0; i < lanes; i++)
        sum += atomic_load_explicit (&shared->lane[i].done,
                                     memory_order_relaxed);
    return sum;
}

struct outcome take_window (int lanes)
{
    struct outcome out = {0};
    uint64_t begin = now_ns ();
    uint64_t limit = begin + PATIENCE_S * 1000000000ull;
    if (settings.count) {
        atomic_store (&shared->phase, MEASURE);
        await_roles ();
        out.seconds = (double) (now_ns () - begin) * 1e-9;
        out.done = done_in (lanes);
        return out;
    }
    for (int i = 0; i < lanes; i++)
        while (atomic_load (&shared->lane[i].done) == 0) {
            reap ();
            MUST (now_ns () < limit);
            sleep_us (1000);
        }
    sleep_us ((long) (settings.warm_up * 1e6));
    double cpu = cpu_of_roles ();
    uint64_t done = done_in (lanes);
    begin = now_ns ();
    atomic_store (&shared->phase, MEASURE);
    sleep_us ((long) (settings.seconds * 1e6));
    out.done = done_in (lanes) - done;
    out.seconds = (double) (now_ns () - begin) * 1e-9;
    out.cpu = cpu_of_roles () - cpu;
    atomic_store (&shared->phase, STOP);
    await_roles ();
    MUST (out.done > 0);
    return out;
}

void add_sample (struct lane *lane, uint64_t ns)
{
    unsigned long n = atomic_load_explicit (&lane->sampled,
                                            memory_order_relaxed);
    if (n < MAX_SAMPLES) {
        lane->samples[n] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t) ns;
        set_count (&lane->sampled, n + 1);
    }
}

/*  ---- Sockets  */

void *new_context (void)
{
    void *context = zmq_ctx_new ();
    MUST (context);
    if (settings.io_threads)
        OK (zmq_ctx_set (context, ZMQ_IO_THREADS, settings.io_threads));
    return context;
}

void *open_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    MUST (socket);
    for (int i = 0; i < settings.options; i++)
        if (zmq_setsockopt (socket, settings.option[i].name,
                            &settings.option[i].value, sizeof (int))
              == -1
            && errno != EINVAL)
            die (__FILE__, __LINE__, "zmq_setsockopt", zmq_strerror (errno));
    return socket;
}

/*  The keys of zmq_curve(7), made for tests.  */
static void secure (void *socket, bool server)
{
    static const char *const own[2][2] = {
      {"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"},
      {"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"}};
    int on = 1;
    if (!settings.curve)
        return;
    OK (zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, own[!server][0], 40));
    OK (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, own[!server][1], 40));
    if (server)
        OK (zmq_setsockopt (socket, ZMQ_CURVE_SERVER, &on, sizeof on));
    else
        OK (zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, own[0][0], 40));
}

/*  The slots' ipc files live in one directory of this run; main removes it.  */
void bind_slot (void *socket, int slot)
{
    char *endpoint = shared->endpoint[slot];
    size_t room = sizeof shared->endpoint[slot];
    MUST (slot < MAX_ENDPOINTS);
    secure (socket, true);
    if (strcmp (settings.transport, "tcp") == 0) {
        OK (zmq_bind (socket, "tcp://127.0.0.1:*"));
        OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &room));
    } else {
        if (strcmp (settings.transport, "ipc") == 0)
            snprintf (endpoint, room, "ipc://%s/%d", getenv ("PERF_DIR"),
                      slot);
        else
            snprintf (endpoint, room, "inproc://perf-%d", slot);
        OK (zmq_bind (socket, endpoint));
    }
    atomic_store (&shared->endpoint_known[slot], 1);
}

void connect_slot (void *socket, int slot)
{
    MUST (slot < MAX_ENDPOINTS);
    while (!atomic_load (&shared->endpoint_known[slot]))
        sleep_us (200);
    secure (socket, false);
    OK (zmq_connect (socket, shared->endpoint[slot]));
}

void say_ended (void)
{
    atomic_fetch_add (&shared->ended, 1);
}

void await_ended (int receivers)
{
    while (atomic_load (&shared->ended) < receivers)
        sleep_us (1000);
}

void close_all (void *context, void *socket)
{
    OK (zmq_close (socket));
    if (context)
        OK (zmq_ctx_term (context));
}

void send_stamped (void *socket, size_t size, uint64_t stamp)
{
    if (settings.buffers) {
        static _Thread_local char *buffer;
        static _Thread_local size_t room;
        if (size > room) {
            MUST (buffer = realloc (buffer, size));
            room = size;
        }
        if (size >= sizeof stamp)
            memcpy (buffer, &stamp, sizeof stamp);
        OK (zmq_send (socket, buffer, size, 0));
    } else {
        zmq_msg_t msg;
        OK (zmq_msg_init_size (&msg, size));
        if (size >= sizeof stamp)
            memcpy (zmq_msg_data (&msg), &stamp, sizeof stamp);
        OK (zmq_msg_send (&msg, socket, 0));
    }
}

/*  Larger than any message that the zmq_recv variants meet.  */
#define RECEIVE_ROOM (2u << 20)

static ssize_t receive (void *socket, uint64_t *stamp, int flags)
{
    *stamp = 0;
    if (settings.buffers) {
        static _Thread_local char *buffer;
        if (!buffer)
            MUST (buffer = malloc (RECEIVE_ROOM));
        int rc = zmq_recv (socket, buffer, RECEIVE_ROOM, flags);
        if (rc == -1)
            return -1;
        if ((size_t) rc >= sizeof *stamp)
            memcpy (stamp, buffer, sizeof *stamp);
        return rc;
    }
    static _Thread_local zmq_msg_t msg;
    static _Thread_local bool made;
    if (!made) {
        OK (zmq_msg_init (&msg));
        made = true;
    }
    int rc = zmq_msg_recv (&msg, socket, flags);
    if (rc == -1)
        return -1;
    if ((size_t) rc >= sizeof *stamp)
        memcpy (stamp, zmq_msg_data (&msg), sizeof *stamp);
    return rc;
}

size_t recv_stamped (void *socket, uint64_t *stamp)
{
    ssize_t n = receive (socket, stamp, 0);
    OK (n);
    return (size_t) n;
}

ssize_t try_recv_stamped (void *socket, uint64_t *stamp)
{
    ssize_t n = receive (socket, stamp, ZMQ_DONTWAIT);
    if (n == -1)
        MUST (errno == EAGAIN);
    return n;
}

void init_id (struct routing_id *id)
{
    OK (zmq_msg_init (&id->msg));
}

void recv_id (void *socket, struct routing_id *id)
{
    if (settings.buffers) {
        int rc = zmq_recv (socket, id->bytes, sizeof id->bytes, 0);
        OK (rc);
        id->size = (size_t) rc;
    } else {
        OK (zmq_msg_recv (&id->msg, socket, 0));
        MUST (zmq_msg_more (&id->msg));
    }
}

void send_id (void *socket, struct routing_id *id)
{
    if (settings.buffers)
        OK (zmq_send (socket, id->bytes, id->size, ZMQ_SNDMORE));
    else
        OK (zmq_msg_send (&id->msg, socket, ZMQ_SNDMORE));
}

void look_around (void *socket)
{
    int events;
    size_t size = sizeof events;
    OK (zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size));
}

/*  ---- Output  */

void report_start (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vprintf (format, args);
    va_end (args);
}

void report (const char *metric, double value, const char *unit)
{
    printf (value >= 1000 ? "\t%s %.0f %s" : "\t%s %.6g %s", metric, value,
            unit);
}

static int by_value (const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return (x > y) - (x < y);
}

void report_latency (int lanes, bool halve)
{
    size_t n = 0;
    for (int i = 0; i < lanes; i++)
        n += shared->lane[i].sampled;
    MUST (n > 0);
    uint32_t *all = malloc (n * sizeof *all);
    MUST (all);
    n = 0;
    for (int i = 0; i < lanes; i++) {
        memcpy (all + n, shared->lane[i].samples,
                shared->lane[i].sampled * sizeof *all);
        n += shared->lane[i].sampled;
    }
    qsort (all, n, sizeof *all, by_value);
    double unit = halve ? 0.5e-3 : 1e-3;
    report ("median", all[n / 2] * unit, "us");
    report ("p99", all[n - 1 - n / 100] * unit, "us");
    free (all);
}

const char *library_path (void)
{
    static char path[PATH_MAX];
    static char line[PATH_MAX + 128];
    FILE *f = fopen ("/proc/self/maps", "r");
    MUST (f);
    while (fgets (line, sizeof line, f)) {
        char *slash = strchr (line, '/');
        if (slash && strstr (slash, "/libzmq")) {
            slash[strcspn (slash, "\n")] = 0;
            snprintf (path, sizeof path, "%s", slash);
            break;
        }
    }
    fclose (f);
    MUST (path[0]);
    return path;
}

void report_end (void)
{
    printf ("\tlibrary %s\n", library_path ());
}

void make_shared (void)
{
    shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST (shared != MAP_FAILED);
    role_count = 0;
    for (int i = 0; i < MAX_LANES; i++) {
        shared->lane[i].samples
          = mmap (NULL, MAX_SAMPLES * sizeof (uint32_t),
                  PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        MUST (shared->lane[i].samples != MAP_FAILED);
    }
}
