/*  PUSH to PULL as fast as it goes, default high-water marks.  The sender ends
 *  with an empty message; everything sent must arrive, in order.
 *
 *  --pairs N            N senders to N receivers, each a process of its own
 *  --pattern threads    the N senders as threads of one context, and so the
 *                       receivers (for --io-threads)
 *  --pattern broker     through a PULL/PUSH proxy in a third process  */
#include "perf.h"

#include <string.h>

/*  Set where several sockets share a context, over inproc always.  */
static void *common_context;
static bool with_broker;

static void push (int pair)
{
    struct lane *lane = &shared->lane[pair];
    void *context = common_context ? NULL : new_context ();
    void *socket = open_socket (context ? context : common_context, ZMQ_PUSH);
    connect_slot (socket, with_broker ? FRONT_SLOT : pair);
    unsigned long n = 0;
    while (goes_on (n))
        send_stamped (socket, settings.size, n++);
    send_stamped (socket, 0, 0);
    set_count (&lane->sent, n);
    await_ended (settings.pairs);
    close_all (context, socket);
}

static void pull (int pair)
{
    struct lane *lane = &shared->lane[pair];
    void *context = common_context ? NULL : new_context ();
    void *socket = open_socket (context ? context : common_context, ZMQ_PULL);
    if (with_broker)
        connect_slot (socket, BACK_SLOT);
    else
        bind_slot (socket, pair);
    uint64_t stamp;
    unsigned long n = 0;
    for (size_t size; (size = recv_stamped (socket, &stamp)) > 0;) {
        MUST (size == settings.size);
        MUST (size < sizeof stamp || stamp == n);
        set_count (&lane->done, ++n);
    }
    say_ended ();
    close_all (context, socket);
}

/*  Both sides as threads of one process.  */
static void push_and_pull (int pair)
{
    common_context = new_context ();
    void *receiver = start (pull, pair);
    push (pair);
    join (receiver);
    OK (zmq_ctx_term (common_context));
}

static void in_threads (void (*role) (int))
{
    void *threads[MAX_LANES];
    common_context = new_context ();
    for (int i = 0; i < settings.pairs; i++)
        threads[i] = start (role, i);
    for (int i = 0; i < settings.pairs; i++)
        join (threads[i]);
    OK (zmq_ctx_term (common_context));
}

static void push_all (int unused)
{
    (void) unused;
    in_threads (push);
}

static void pull_all (int unused)
{
    (void) unused;
    in_threads (pull);
}

/*  One window; all that was sent must have arrived.  */
static struct outcome run (void)
{
    bool inproc = strcmp (settings.transport, "inproc") == 0;
    bool threads = strcmp (settings.pattern, "threads") == 0;
    with_broker = strcmp (settings.pattern, "broker") == 0;
    MUST (settings.size > 0 && settings.pairs <= MAX_ENDPOINTS);
    MUST (!with_broker || (settings.pairs == 1 && !inproc));
    if (with_broker)
        spawn (stream_broker, 0, true);
    if (threads && !inproc) {
        spawn (pull_all, 0, true);
        spawn (push_all, 0, true);
    }
    for (int i = 0; i < settings.pairs; i++)
        if (inproc) {
            spawn (push_and_pull, i, true);
        } else if (!threads) {
            spawn (pull, i, true);
            spawn (push, i, true);
        }
    struct outcome out = take_window (settings.pairs);
    for (int i = 0; i < settings.pairs; i++)
        MUST (shared->lane[i].sent == shared->lane[i].done);
    return out;
}

static double rate (const struct outcome *out)
{
    return (double) out->done / out->seconds;
}

static void report_traffic (const char *what, const struct outcome *out)
{
    report_start ("%s %s %s %zu %s", what, settings.transport,
                  settings.pattern, settings.size,
                  settings.buffers ? "buffer" : "msg");
    report ("rate", rate (out), "msg/s");
    report ("bandwidth", rate (out) * (double) settings.size * 1e-6, "MB/s");
    report ("cpu", out->cpu / (double) out->done * 1e6, "us/msg");
}

void throughput (void)
{
    struct outcome out = run ();
    report_traffic ("throughput", &out);
    report_end ();
}

/*  Turns of scaling: where threads end up differs from one to the next.  */
#define TURNS 3

/*  The traffic of --pattern threads with one I/O thread and with as many as asked
 *  for, in turn: what the further ones bring.  */
void scaling (void)
{
    int io_threads = settings.io_threads;
    struct outcome one = {0}, all = {0};
    settings.pattern = "threads";
    settings.seconds /= TURNS;
    for (int turn = 0; turn < 2 * TURNS; turn++) {
        bool alone = turn % 2 == 0;
        settings.io_threads = alone ? 1 : io_threads;
        make_shared ();
        struct outcome out = run ();
        struct outcome *sum = alone ? &one : &all;
        sum->seconds += out.seconds;
        sum->cpu += out.cpu;
        sum->done += out.done;
    }
    report_traffic ("scaling", &all);
    report ("gain", rate (&all) / rate (&one), "times");
    report_end ();
}
