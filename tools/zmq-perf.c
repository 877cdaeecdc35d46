/*  Measures latency and throughput between two processes, or between two threads over inproc.

    One program with the six names that libzmq's have: local_lat, remote_lat, local_thr, remote_thr,
    inproc_lat, inproc_thr. A local one binds and a remote one connects; each works with libzmq's.  */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define INPROC "inproc://zmq-perf"

/*  What is measured: the arguments, and the context of a pair of threads.  */
struct run {
    const char *endpoint;
    size_t size;
    unsigned long count;
    void *context;
};

static const char *program = "zmq-perf";

static _Noreturn void fail (const char *what)
{
    fprintf (stderr, "%s: %s: %s\n", program, what, zmq_strerror (errno));
    exit (1);
}

static void check (int result, const char *what)
{
    if (result == -1)
        fail (what);
}

static void *open_socket (struct run *run, int type, int (*attach) (void *, const char *))
{
    void *socket = zmq_socket (run->context, type);
    if (!socket)
        fail ("zmq_socket");
    check (attach (socket, run->endpoint), run->endpoint);
    return socket;
}

static void expect_size (zmq_msg_t *message, struct run *run)
{
    if (zmq_msg_size (message) == run->size)
        return;
    fprintf (stderr, "%s: a message of %zu bytes came, and not of %zu: both sides need the same arguments\n", program,
             zmq_msg_size (message), run->size);
    exit (1);
}

static void receive (void *socket, zmq_msg_t *message, struct run *run)
{
    check (zmq_msg_recv (message, socket, 0), "zmq_msg_recv");
    expect_size (message, run);
}

/*  Sends back what comes.  */
static void answer (void *socket, struct run *run)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    for (unsigned long i = 0; i < run->count; i++) {
        receive (socket, &message, run);
        check (zmq_msg_send (&message, socket, 0), "zmq_msg_send");
    }
    zmq_msg_close (&message);
}

/*  The way there and back counts as two.  */
static void ask (void *socket, struct run *run)
{
    zmq_msg_t message;
    check (zmq_msg_init_size (&message, run->size), "zmq_msg_init_size");
    memset (zmq_msg_data (&message), 0, run->size);
    void *watch = zmq_stopwatch_start ();
    for (unsigned long i = 0; i < run->count; i++) {
        check (zmq_msg_send (&message, socket, 0), "zmq_msg_send");
        receive (socket, &message, run);
    }
    double us = (double) zmq_stopwatch_stop (watch);
    zmq_msg_close (&message);
    printf ("message size: %zu [B]\nroundtrip count: %lu\naverage latency: %.3f [us]\n", run->size, run->count,
            us / (double) run->count / 2);
}

static void push (void *socket, struct run *run)
{
    for (unsigned long i = 0; i < run->count; i++) {
        zmq_msg_t message;
        check (zmq_msg_init_size (&message, run->size), "zmq_msg_init_size");
        memset (zmq_msg_data (&message), 0, run->size);
        check (zmq_msg_send (&message, socket, 0), "zmq_msg_send");
    }
}

/*  Measures from the first message on: until then nobody may be connected.  */
static void pull (void *socket, struct run *run)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    receive (socket, &message, run);
    void *watch = zmq_stopwatch_start ();
    for (unsigned long i = 1; i < run->count; i++)
        receive (socket, &message, run);
    unsigned long us = zmq_stopwatch_stop (watch);
    zmq_msg_close (&message);
    double rate = (double) run->count / (double) (us ? us : 1) * 1e6;
    printf ("message size: %zu [B]\nmessage count: %lu\nmean throughput: %.0f [msg/s]\nmean throughput: %.3f [Mb/s]\n",
            run->size, run->count, rate, rate * (double) run->size * 8 / 1e6);
}

typedef void role (void *socket, struct run *run);

/*  One side of the two processes.  */
static void side (struct run *run, int type, int (*attach) (void *, const char *), role *act)
{
    void *socket = open_socket (run, type, attach);
    act (socket, run);
    /*  What was sent leaves before the context ends.  */
    check (zmq_close (socket), "zmq_close");
}

static void local_lat (struct run *run) { side (run, ZMQ_REP, zmq_bind, answer); }
static void remote_lat (struct run *run) { side (run, ZMQ_REQ, zmq_connect, ask); }
static void local_thr (struct run *run) { side (run, ZMQ_PULL, zmq_bind, pull); }
static void remote_thr (struct run *run) { side (run, ZMQ_PUSH, zmq_connect, push); }

static void *answering_thread (void *run)
{
    side (run, ZMQ_REP, zmq_connect, answer);
    return NULL;
}

static void *pushing_thread (void *run)
{
    side (run, ZMQ_PUSH, zmq_connect, push);
    return NULL;
}

/*  This thread binds and measures, a second one does the rest.  */
static void two_threads (struct run *run, int type, role *act, void *(*other) (void *))
{
    pthread_t thread;
    void *socket = open_socket (run, type, zmq_bind);
    if ((errno = pthread_create (&thread, NULL, other, run)) != 0)
        fail ("pthread_create");
    act (socket, run);
    pthread_join (thread, NULL);
    check (zmq_close (socket), "zmq_close");
}

static void inproc_lat (struct run *run) { two_threads (run, ZMQ_REQ, ask, answering_thread); }
static void inproc_thr (struct run *run) { two_threads (run, ZMQ_PULL, pull, pushing_thread); }

/*  Its own name, and the same as words of zmq-perf.  */
static const struct command {
    const char *name, *words[2];
    void (*run) (struct run *);
    const char *endpoint, *count;
} commands[] = {
  {"local_lat", {"lat", "local"}, local_lat, "bind-to", "roundtrip-count"},
  {"remote_lat", {"lat", "remote"}, remote_lat, "connect-to", "roundtrip-count"},
  {"local_thr", {"thr", "local"}, local_thr, "bind-to", "message-count"},
  {"remote_thr", {"thr", "remote"}, remote_thr, "connect-to", "message-count"},
  {"inproc_lat", {"inproc", "lat"}, inproc_lat, NULL, "roundtrip-count"},
  {"inproc_thr", {"inproc", "thr"}, inproc_thr, NULL, "message-count"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void print_usage (FILE *out, const struct command *command)
{
    const char *before = "usage: ";
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *each = &commands[i];
        if (command && command != each)
            continue;
        fputs (before, out);
        before = "       ";
        if (command)
            fprintf (out, "%s", each->name);
        else
            fprintf (out, "zmq-perf %s %s", each->words[0], each->words[1]);
        if (each->endpoint)
            fprintf (out, " <%s>", each->endpoint);
        fprintf (out, " <message-size> <%s>\n", each->count);
    }
}

/*  A number of decimal digits, at least `least`.  */
static unsigned long number (const char *text, unsigned long least, const char *what)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul (text, &end, 10);
    if (errno || !*text || *end || strspn (text, "0123456789") != strlen (text) || value < least) {
        fprintf (stderr, "%s: %s is no %s\n", program, text, what);
        exit (2);
    }
    return value;
}

static const struct command *command_of (int *argc, char ***argv)
{
    const char *slash = strrchr ((*argv)[0], '/');
    program = slash ? slash + 1 : (*argv)[0];
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp (program, commands[i].name))
            return &commands[i];
    for (size_t i = 0; i < COMMANDS && *argc > 2; i++)
        if (!strcmp ((*argv)[1], commands[i].words[0]) && !strcmp ((*argv)[2], commands[i].words[1])) {
            *argc -= 2;
            *argv += 2;
            return &commands[i];
        }
    return NULL;
}

/*  Which library is measured; apart from the result, which scripts read.  */
static void print_library (void)
{
    char path[PATH_MAX];
    Dl_info info;
    void *function = dlsym (RTLD_DEFAULT, "zmq_version");
    if (function && dladdr (function, &info) && realpath (info.dli_fname, path))
        fprintf (stderr, "library %s\n", path);
}

int main (int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    int help = !strcmp (first, "-h") || !strcmp (first, "--help");
    const struct command *command = command_of (&argc, &argv);
    if (help || !command || argc != (command->endpoint ? 4 : 3)) {
        print_usage (help ? stdout : stderr, command);
        return help ? 0 : 2;
    }
    struct run run = {.endpoint = command->endpoint ? *++argv : INPROC};
    run.size = number (argv[1], 0, "size of a message in bytes");
    run.count = number (argv[2], 1, "count");
    run.context = zmq_ctx_new ();
    if (!run.context)
        fail ("zmq_ctx_new");
    print_library ();
    command->run (&run);
    check (zmq_ctx_term (run.context), "zmq_ctx_term");
    return fflush (stdout) != 0;
}
