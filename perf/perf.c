/*  Measures whichever libzmq the loader finds; prints one line a run:
 *
 *      WHAT <tab> metric value unit <tab> ... <tab> library PATH
 *
 *  LD_LIBRARY_PATH=target/dist perf throughput --transport tcp --size 100
 */
#define _GNU_SOURCE
#include "perf.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*  No run takes this long; one that does hangs.  */
#define RUN_LIMIT_S 60

static void library (void)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);
    printf ("%s %d.%d.%d\n", library_path (), major, minor, patch);
}

static const struct command {
    const char *name;
    void (*run) (void);
    const char *help;
} commands[] = {
  {"throughput", throughput, "PUSH to PULL: messages a second"},
  {"scaling", scaling, "the same with one and with --io-threads: the gain"},
  {"latency", latency, "REQ/REP (PAIR over inproc): one way, microseconds"},
  {"publish", publish, "PUB to --peers SUBs: deliveries a second"},
  {"connections", connections, "--peers DEALERs at a ROUTER: resident bytes"},
  {"fan-in", fan_in, "--peers DEALERs to a ROUTER (--pattern broker): answers"},
  {"paced", paced, "a message every --every-us: one way, microseconds"},
  {"poll", poll_many, "zmq_poll over --peers sockets, one ready"},
  {"establish", establish, "--peers connections: until all can talk"},
  {"subscriptions", subscriptions, "--peers of them: bytes, time to match"},
  {"endpoints", endpoints, "bind, connect, and what undoes them"},
  {"create", create, "contexts, sockets, messages: microseconds each"},
  {"alternate", alternate, "send, receive in one thread (for callgrind)"},
  {"bare-latency", bare_latency, "the same with blocking sockets alone"},
  {"bare-throughput", bare_throughput, "the same; buffers of --peers KiB"},
  {"library", library, "path and version of the libzmq that was loaded"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static _Noreturn void usage (void)
{
    fprintf (stderr,
             "usage: perf COMMAND [OPTION ...]\n"
             "  --transport tcp|ipc|inproc   --size BYTES\n"
             "  --api msg|buffer             zmq_msg_* or zmq_send/zmq_recv\n"
             "  --seconds S  --warm-up S     window and warm-up\n"
             "  --count N                    N messages instead of a window\n"
             "  --peers N  --pairs N  --idle N  --io-threads N\n"
             "  --pattern NAME  --poll  --pin  --every-us N  --curve\n"
             "  --option NUMBER=VALUE        integer option for every socket\n"
             "commands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (stderr, "  %-15s %s\n", commands[i].name, commands[i].help);
    exit (2);
}

static void parse (int argc, char **argv)
{
    static const struct option known[] = {
      {"transport", 1, 0, 't'},  {"size", 1, 0, 's'},
      {"api", 1, 0, 'a'},        {"seconds", 1, 0, 'w'},
      {"warm-up", 1, 0, 'u'},    {"count", 1, 0, 'n'},
      {"peers", 1, 0, 'p'},      {"pairs", 1, 0, 'k'},
      {"idle", 1, 0, 'i'},       {"io-threads", 1, 0, 'I'},
      {"pattern", 1, 0, 'P'},    {"poll", 0, 0, 'o'},
      {"every-us", 1, 0, 'e'},   {"option", 1, 0, 'O'},
      {"pin", 0, 0, 'x'},        {"curve", 0, 0, 'c'},
      {0, 0, 0, 0}};
    for (int c; (c = getopt_long (argc, argv, "", known, NULL)) != -1;)
        switch (c) {
            case 't': settings.transport = optarg; break;
            case 's': settings.size = strtoul (optarg, NULL, 10); break;
            case 'a': settings.buffers = strcmp (optarg, "buffer") == 0; break;
            case 'w': settings.seconds = atof (optarg); break;
            case 'u': settings.warm_up = atof (optarg); break;
            case 'n': settings.count = strtoul (optarg, NULL, 10); break;
            case 'p': settings.peers = atoi (optarg); break;
            case 'k': settings.pairs = atoi (optarg); break;
            case 'i': settings.idle = atoi (optarg); break;
            case 'I': settings.io_threads = atoi (optarg); break;
            case 'P': settings.pattern = optarg; break;
            case 'o': settings.poll = true; break;
            case 'x': settings.pin = true; break;
            case 'c': settings.curve = true; break;
            case 'e': settings.every_us = atol (optarg); break;
            case 'O':
                if (settings.options == MAX_OPTIONS
                    || sscanf (optarg, "%d=%d",
                               &settings.option[settings.options].name,
                               &settings.option[settings.options].value)
                         != 2)
                    usage ();
                settings.options++;
                break;
            default: usage ();
        }
    if (optind != argc || settings.pairs < 1 || settings.pairs > MAX_LANES)
        usage ();
}

static pid_t run_pid;

/*  The run dies, the directory is still removed.  */
static void on_interrupt (int signal_number)
{
    (void) signal_number;
    kill (run_pid, SIGKILL);
}

static void raise_descriptor_limit (void)
{
    struct rlimit limit;
    OK (getrlimit (RLIMIT_NOFILE, &limit));
    limit.rlim_cur = limit.rlim_max;
    OK (setrlimit (RLIMIT_NOFILE, &limit));
}

int main (int argc, char **argv)
{
    const struct command *command = NULL;
    for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
        if (strcmp (argv[1], commands[i].name) == 0)
            command = &commands[i];
    if (!command)
        usage ();
    parse (argc - 1, argv + 1);
    raise_descriptor_limit ();

    /*  The run itself is a child, so that the directory with the ipc files goes
     *  away however it ends.  */
    char dir[] = "/tmp/perf-XXXXXX";
    MUST (mkdtemp (dir));
    setenv ("PERF_DIR", dir, 1);
    run_pid = fork ();
    OK (run_pid);
    if (run_pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (!settings.count)
            alarm (RUN_LIMIT_S);
        make_shared ();
        command->run ();
        return 0;
    }
    signal (SIGINT, on_interrupt);
    signal (SIGTERM, on_interrupt);
    int status;
    OK (TEMP_FAILURE_RETRY (waitpid (run_pid, &status, 0)));
    for (int slot = 0; slot < MAX_ENDPOINTS; slot++) {
        char path[64];
        snprintf (path, sizeof path, "%s/%d", dir, slot);
        unlink (path);
    }
    rmdir (dir);
    if (WIFSIGNALED (status))
        fprintf (stderr, "the run ended by signal %d\n", WTERMSIG (status));
    return WIFEXITED (status) ? WEXITSTATUS (status) : 1;
}
