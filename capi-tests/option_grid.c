/*  Prints what zmq_setsockopt, zmq_getsockopt, zmq_ctx_set and zmq_ctx_get
 *  answer for every option id, socket type, size and a set of values, one line
 *  a case.  This is no test by itself: the runner runs it under both libraries
 *  and compares the two outputs.
 *      ./option_grid >ref ; LD_LIBRARY_PATH=target/dist ./option_grid >ours
 *      diff ref ours
 *  Arguments narrow it: ./option_grid [FIRST_ID [LAST_ID]].
 *
 *  All cases of one option and type run on one socket, so that a value that is
 *  refused is seen to keep the one before it.  One worker process runs them all,
 *  and writes into memory that it shares with its parent: after a crash the
 *  parent starts a worker that goes on behind the case.  Options of which every
 *  case gives the same take one line.  NULL with a size is for our library alone
 *  (ours/handles_hostile.c).
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define SOCKET_TYPES 12
#define BUFFER 600
/*  Room for the output; only what is written takes memory.  */
#define ROOM ((size_t) 1 << 30)

static const int64_t values[] = {
  INT_MIN, -2,  -1,  0,   1,     2,     3,       4,       5,       9,
  10,      50,  100, 255, 256,   1000,  65535,   65536,   6553599, 6553600,
  INT_MAX, (int64_t) INT_MAX + 1, INT64_MAX, INT64_MIN};
#define VALUES (sizeof values / sizeof values[0])

static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  6,  7,   8,   9,   10,  11,  12,  13, 14,
                               15, 16, 31, 32, 33, 39, 40, 41, 42, 64, 107, 254, 255, 256, 257, 512};
#define SIZES (sizeof sizes / sizeof sizes[0])

/*  A 32-byte key in Z85, from the manual page of zmq_z85_decode.  */
static const char z85_key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

/*  What survives a crash.  */
static struct shared {
    /*  Cases that were started.  */
    long begun;
    size_t used;
    /*  The cases of this option and type so far.  */
    size_t option_start;
    long option_cases;
    int option_alike;
    char option_outcome[64];
    char text[];
} *shared;

/*  Cases started by this worker, or skipped as done by those before it.  */
static long reached;
static long already_done;
static void *context;

__attribute__ ((format (printf, 1, 2))) static void print (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    shared->used += (size_t) vsnprintf (shared->text + shared->used, 512, format, arguments);
    va_end (arguments);
}

/*  Whether the case that follows is still to be run.  */
static int begin_case (void)
{
    if (reached++ < already_done)
        return 0;
    shared->begun = reached;
    return 1;
}

static void *fresh (int type)
{
    void *socket = zmq_socket (context, type);
    /*  libzmq closes in a thread of its own, which a busy machine may
     *  let fall behind until no descriptor is left.  */
    for (int n = 0; !socket && zmq_errno () == EMFILE && n < 10000; n++) {
        usleep (1000);
        socket = zmq_socket (context, type);
    }
    if (!socket) {
        print ("zmq_socket(%d): errno %d\n", type, zmq_errno ());
        _exit (0);
    }
    int zero = 0;
    zmq_setsockopt (socket, ZMQ_LINGER, &zero, sizeof zero);
    return socket;
}

static void print_bytes (const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t run = 1;
        while (i + run < size && bytes[i + run] == bytes[i])
            run++;
        if (run > 3)
            print ("%02x*%zu ", bytes[i], run);
        else
            for (size_t j = 0; j < run; j++)
                print ("%02x ", bytes[i]);
        i += run;
    }
}

/*  What getsockopt gives for an option.  */
static int print_get (void *socket, int option, size_t size)
{
    unsigned char buffer[BUFFER];
    memset (buffer, 0xEE, sizeof buffer);
    size_t after = size;
    errno = 0;
    int rc = zmq_getsockopt (socket, option, buffer, &after);
    int error = rc ? zmq_errno () : 0;
    print ("%d errno %d size %zu", rc, error, after);
    if (option == ZMQ_FD && rc == 0)
        return error;
    /*  Up to the last byte that was touched.  */
    size_t touched = sizeof buffer;
    while (touched > 0 && buffer[touched - 1] == 0xEE)
        touched--;
    print (" bytes ");
    print_bytes (buffer, touched);
    return error;
}

static void begin_option (void)
{
    /*  A worker that follows a crash goes on with the option's cases.  */
    if (reached < already_done)
        return;
    shared->option_start = shared->used;
    shared->option_cases = 0;
    shared->option_alike = 1;
    shared->option_outcome[0] = 0;
}

static void outcome (const char *text)
{
    if (shared->option_cases++ == 0)
        snprintf (shared->option_outcome, sizeof shared->option_outcome, "%s", text);
    else if (strcmp (shared->option_outcome, text) != 0)
        shared->option_alike = 0;
}

static void case_outcome (int rc, int error)
{
    char text[64];
    snprintf (text, sizeof text, "%d errno %d", rc, rc ? error : 0);
    outcome (text);
    if (rc == 0)
        shared->option_alike = 0;
}

static void end_option (const char *verb, int type, int option)
{
    if (reached <= already_done || !shared->option_alike)
        return;
    shared->used = shared->option_start;
    print ("%s type %d option %d all %ld: %s\n", verb, type, option, shared->option_cases,
           shared->option_outcome);
}

static void set_case (void *socket, int type, int option, const char *kind, const void *value,
                      size_t size)
{
    if (!begin_case ())
        return;
    print ("set type %d option %d %s size %zu: ", type, option, kind, size);
    errno = 0;
    int rc = zmq_setsockopt (socket, option, value, size);
    int error = rc ? zmq_errno () : 0;
    print ("%d errno %d -> get ", rc, error);
    /*  Some options want the exact size, some take any that is large enough.  */
    unsigned char probe[BUFFER];
    size_t exact = 512;
    for (int step = 0; step < 2 && zmq_getsockopt (socket, option, probe, &(size_t){exact}) != 0; step++)
        exact = exact == 512 ? 8 : 4;
    print_get (socket, option, exact);
    print ("\n");
    case_outcome (rc, error);
}

static void probe_set (int type, int option)
{
    unsigned char buffer[BUFFER];
    char kind[64];
    void *socket = fresh (type);
    begin_option ();
    for (size_t v = 0; v < VALUES; v++) {
        memset (buffer, 0, sizeof buffer);
        memcpy (buffer, &values[v], 8);
        snprintf (kind, sizeof kind, "value %lld", (long long) values[v]);
        set_case (socket, type, option, kind, buffer, 4);
        set_case (socket, type, option, kind, buffer, 8);
    }
    for (size_t s = 0; s < SIZES; s++) {
        memset (buffer, 0, sizeof buffer);
        set_case (socket, type, option, "zeros", buffer, sizes[s]);
        buffer[0] = 1;
        set_case (socket, type, option, "one", buffer, sizes[s]);
        memset (buffer, 'a', sizeof buffer);
        set_case (socket, type, option, "text", buffer, sizes[s]);
        if (sizes[s] > 0) {
            buffer[sizes[s] - 1] = 0;
            set_case (socket, type, option, "text0", buffer, sizes[s]);
        }
        if (sizes[s] > 2) {
            memset (buffer, 'a', sizeof buffer);
            buffer[1] = 0;
            set_case (socket, type, option, "a0aa", buffer, sizes[s]);
        }
    }
    memset (buffer, 0, sizeof buffer);
    memcpy (buffer, z85_key, 40);
    for (size_t size = 38; size < 44; size++)
        set_case (socket, type, option, "z85", buffer, size);
    buffer[3] = ' ';
    set_case (socket, type, option, "bad z85", buffer, 41);
    memcpy (buffer, "#####", 5);
    set_case (socket, type, option, "big z85", buffer, 41);
    memcpy (buffer, z85_key, 40);
    buffer[40] = 'x';
    set_case (socket, type, option, "z85x", buffer, 41);
    static const char *texts[] = {"127.0.0.1",  "127.0.0.1/8", "127.0.0.1/33", "127.0.0.1/",
                                  "127.0.0.1/0", "::1",        "::1/128",      "::1/129",
                                  "localhost",  "lo",          "lo/8",         "127.0.0.1:80",
                                  "*",          "1",           "10.0.0.0/-1",  "10.0.0.0/8x",
                                  "[::1]/64",   "fe80::1%lo",  "127.1",        ""};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        snprintf (kind, sizeof kind, "text \"%s\"", texts[t]);
        set_case (socket, type, option, kind, texts[t], strlen (texts[t]));
    }
    set_case (socket, type, option, "NULL", NULL, 0);
    end_option ("set", type, option);
    zmq_close (socket);
}

static void get_case (void *socket, int type, int option, size_t size)
{
    if (!begin_case ())
        return;
    print ("get type %d option %d size %zu: ", type, option, size);
    int error = print_get (socket, option, size);
    print ("\n");
    case_outcome (error ? -1 : 0, error);
}

static void probe_get (int type, int option)
{
    void *socket = fresh (type);
    begin_option ();
    for (size_t s = 0; s < SIZES; s++)
        get_case (socket, type, option, sizes[s]);
    end_option ("get", type, option);
    zmq_close (socket);
}

/*  Context options: each set is followed by a get.  */
static void probe_context (int option)
{
    for (size_t v = 0; v < VALUES - 3; v++) {
        if (!begin_case ())
            continue;
        void *ctx = zmq_ctx_new ();
        errno = 0;
        int before = zmq_ctx_get (ctx, option);
        int get_error = before < 0 ? zmq_errno () : 0;
        int rc = zmq_ctx_set (ctx, option, (int) values[v]);
        int error = rc ? zmq_errno () : 0;
        errno = 0;
        int after = zmq_ctx_get (ctx, option);
        int after_error = after < 0 ? zmq_errno () : 0;
        print ("ctx option %d value %d: get %d errno %d, set %d errno %d, get %d errno %d\n",
               option, (int) values[v], before, get_error, rc, error, after, after_error);
        zmq_ctx_term (ctx);
    }
}

static void work (int first, int last)
{
    alarm (100);
    context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 20000);
    for (int option = first; option <= last; option++) {
        probe_context (option);
        for (int type = 0; type < SOCKET_TYPES; type++) {
            probe_set (type, option);
            probe_get (type, option);
        }
    }
}

int main (int argc, char **argv)
{
    int first = argc > 1 ? atoi (argv[1]) : -2;
    int last = argc > 2 ? atoi (argv[2]) : argc > 1 ? first : 200;
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    shared = mmap (NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED || !freopen ("/dev/null", "w", stderr))
        return 1;
    for (int status = -1; status != 0;) {
        pid_t child = fork ();
        if (child == 0) {
            already_done = shared->begun;
            work (first, last);
            _exit (0);
        }
        waitpid (child, &status, 0);
        if (WIFSIGNALED (status)) {
            char text[64];
            snprintf (text, sizeof text, "crash, signal %d", WTERMSIG (status));
            print ("%s\n", text);
            outcome (text);
            if (WTERMSIG (status) == SIGALRM)
                break;
        }
    }
    fwrite (shared->text, 1, shared->used, stdout);
    return 0;
}
