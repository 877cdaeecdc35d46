/*  What the measuring programs share.
 *
 *  One process, the coordinator, never makes a context: it forks the processes
 *  that carry the traffic, lets them warm up, opens the window, closes it, and
 *  reads counters and CPU clocks at both ends.  The threads that carry traffic count in
 *  shared memory and never read a clock, unless a latency is asked for.
 */
#ifndef PERF_H
#define PERF_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zmq.h>

#define MAX_LANES 64
#define MAX_ENDPOINTS 16
#define MAX_OPTIONS 8
/*  Where a broker binds (bind_slot).  */
#define FRONT_SLOT 0
#define BACK_SLOT 1

/*  What the command line asks for; every subcommand reads what it needs.  */
struct settings {
    const char *transport; /* tcp, ipc or inproc */
    const char *pattern;   /* meaning depends on the subcommand */
    size_t size;           /* bytes of a message */
    bool buffers;          /* zmq_send and zmq_recv instead of zmq_msg_* */
    bool pin;              /* every process on a core of its own, in turn */
    bool poll;             /* wait in zmq_poll over two sockets, then receive */
    double warm_up;        /* seconds */
    double seconds;        /* length of the window */
    unsigned long count;   /* a fixed number of messages instead of a window */
    int peers;             /* subscribers, dealers, connections ... */
    int idle;              /* idle connections beside the busy one */
    int pairs;             /* independent pairs at once */
    long every_us;         /* pace */
    int io_threads;        /* 0: the library's default */
    bool curve;            /* encrypted: the side that binds is the server */
    struct {
        int name;
        int value;
    } option[MAX_OPTIONS]; /* set on every socket; ignored where unknown */
    int options;
};
extern struct settings settings;

/*  The order of the phases; a sender that sees STOP sends its last message.  */
enum phase { WARM_UP, MEASURE, STOP };

/*  One line of traffic; written by one thread, read by the coordinator.  */
struct lane {
    _Alignas (128) atomic_ulong done; /* messages received, answers, deliveries */
    _Alignas (128) atomic_ulong sent; /* messages sent, where that is compared */
    _Alignas (128) atomic_ulong sampled;
    uint32_t *samples; /* nanoseconds, of the window only */
};

struct shared {
    _Alignas (128) atomic_int phase;
    struct lane lane[MAX_LANES];
    atomic_int endpoint_known[MAX_ENDPOINTS];
    char endpoint[MAX_ENDPOINTS][256];
    atomic_int ready; /* subscribers in place, peers connected ... */
    atomic_int ended; /* receivers that have seen the last message */
    atomic_int go;    /* set by the coordinator where a role waits for it */
    atomic_ulong value[16];
};
extern struct shared *shared;
/*  Before the first role, and again for a further window of the same run.  */
void make_shared (void);

/*  ---- Failure: prints what went wrong and ends the whole measurement.  */

#define OK(CALL)                                                              \
    do {                                                                      \
        if ((CALL) == -1)                                                     \
            die (__FILE__, __LINE__, #CALL, zmq_strerror (errno));                                  \
    } while (0)
#define MUST(CONDITION)                                                       \
    do {                                                                      \
        if (!(CONDITION))                                                     \
            die (__FILE__, __LINE__, #CONDITION, "does not hold");                             \
    } while (0)
_Noreturn void die (const char *file, int line, const char *what,
                    const char *why);

/*  ---- Clocks.  */

uint64_t now_ns (void);
void sleep_us (long us);
/*  User and system seconds that the process has used so far.  */
double cpu_seconds (pid_t pid);
/*  Exact resident bytes of the calling process.  */
uint64_t resident_bytes (void);

/*  ---- Roles: functions that run in processes or threads of their own.  */

/*  Forks; the child runs role (argument) and exits.  Its CPU time counts in the
 *  result when counted is set.  */
void spawn (void (*role) (int), int argument, bool counted);
/*  Runs role (argument) in a thread of the calling process and returns a handle
 *  for join.  */
void *start (void (*role) (int), int argument);
void join (void *handle);
/*  Waits for all spawned processes, each of which must succeed.  */
void await_roles (void);

/*  ---- The coordinator's side of a run.  */

struct outcome {
    double seconds;
    double cpu;     /* seconds, of the counted processes */
    uint64_t done;  /* sum over the lanes */
};
/*  Waits for traffic on the lanes [0, lanes), warms up, takes the window, stops
 *  and awaits the roles.  With settings.count it only waits for the end.  */
struct outcome take_window (int lanes);
/*  Waits until *counter reaches at_least, while the roles live.  */
void await_count (atomic_int *counter, int at_least);

/*  ---- The roles' side.  */

static inline enum phase phase (void)
{
    return (enum phase) atomic_load_explicit (&shared->phase,
                                              memory_order_relaxed);
}

/*  Whether the sender that has sent n messages so far goes on.  */
static inline bool goes_on (unsigned long n)
{
    return settings.count ? n < settings.count : phase () != STOP;
}

static inline void set_count (atomic_ulong *counter, unsigned long value)
{
    atomic_store_explicit (counter, value, memory_order_relaxed);
}

void add_sample (struct lane *lane, uint64_t ns);

/*  A context and sockets as the command line wants them.  */
void *new_context (void);
void *open_socket (void *context, int type);
/*  Binds to a fresh endpoint of settings.transport and publishes it in slot.  */
void bind_slot (void *socket, int slot);
void connect_slot (void *socket, int slot);
/*  A sender closes after its receivers have everything: over ipc libzmq
 *  loses the end of the stream when the sender goes and the receiver is behind.  */
void say_ended (void);
void await_ended (int receivers);
void close_all (void *context, void *socket);

/*  Message traffic in the style that settings.buffers asks for.  The first
 *  bytes of a message carry stamp where it has room for them.  */
void send_stamped (void *socket, size_t size, uint64_t stamp);
/*  Returns the size of what came, and its stamp (0 where it has none).  */
size_t recv_stamped (void *socket, uint64_t *stamp);
/*  As recv_stamped; -1 when nothing is there.  */
ssize_t try_recv_stamped (void *socket, uint64_t *stamp);

/*  Lets a publisher learn what its subscribers have taken.  Without it, rounds of
 *  400 messages, each received before the next, lose some from the third on over
 *  libzmq, unless milliseconds lie between them.  */
void look_around (void *socket);

/*  The part that leads the way back through a ROUTER, kept in the style that
 *  settings.buffers asks for.  */
struct routing_id {
    zmq_msg_t msg;
    char bytes[256];
    size_t size;
};
void init_id (struct routing_id *id);
void recv_id (void *socket, struct routing_id *id);
/*  Sends it as the first part; id can be received into again.  */
void send_id (void *socket, struct routing_id *id);

/*  ---- Output: one line of tab-separated fields, 'metric value unit'.  */

void report_start (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));
void report (const char *metric, double value, const char *unit);
/*  Median and 99th percentile, halved for a one-way figure when halve is set. */
void report_latency (int lanes, bool halve);
void report_end (void);
/*  The libzmq that is mapped into this process.  */
const char *library_path (void);

/*  ---- Subcommands.  */

/*  Roles: a ROUTER/DEALER or PULL/PUSH proxy; ends with the first say_ended.  */
void request_broker (int unused);
void stream_broker (int unused);

void throughput (void);
void scaling (void);
void latency (void);
void publish (void);
void connections (void);
void fan_in (void);
void paced (void);
void poll_many (void);
void establish (void);
void subscriptions (void);
void create (void);
void endpoints (void);
void alternate (void);
void bare_latency (void);
void bare_throughput (void);

#endif
