/*  Prints what zmq_setsockopt, zmq_getsockopt, zmq_ctx_set and zmq_ctx_get
 *  answer for every option id, socket type, size and a set of values, one line
 *  a case.  This is no test by itself: the runner runs it under both libraries
 *  and compares the two outputs.
 *      ./option_grid >ref ; LD_LIBRARY_PATH=target/dist ./option_grid >ours
 *      diff ref ours
 *  Arguments narrow it: ./option_grid [FIRST_ID [LAST_ID]].
 *  Each (type, option) runs in a child, so that a crash is one line.  Options
 *  of which every case gives the same errno take one line ("all").
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define SOCKET_TYPES 12
#define BUFFER 600

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

static void *context;
/*  Cases of this option so far, held back while all of them are alike.  */
static long held;
static char held_outcome[64];
static char *held_lines;
static size_t held_size;
static FILE *held_stream;

static void *fresh (int type)
{
    void *socket = zmq_socket (context, type);
    if (!socket) {
        printf ("zmq_socket(%d): errno %d\n", type, zmq_errno ());
        exit (1);
    }
    int zero = 0;
    zmq_setsockopt (socket, ZMQ_LINGER, &zero, sizeof zero);
    return socket;
}

static void print_bytes (FILE *out, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t run = 1;
        while (i + run < size && bytes[i + run] == bytes[i])
            run++;
        if (run > 3)
            fprintf (out, "%02x*%zu ", bytes[i], run);
        else
            for (size_t j = 0; j < run; j++)
                fprintf (out, "%02x ", bytes[i]);
        i += run;
    }
}

/*  What getsockopt gives for an option, into LINE.  */
static void print_get (FILE *out, void *socket, int option, size_t size)
{
    unsigned char buffer[BUFFER];
    memset (buffer, 0xEE, sizeof buffer);
    size_t after = size;
    errno = 0;
    int rc = zmq_getsockopt (socket, option, buffer, &after);
    fprintf (out, "%d errno %d size %zu", rc, rc ? zmq_errno () : 0, after);
    if (option == ZMQ_FD && rc == 0)
        return;
    /*  Up to the last byte that was touched.  */
    size_t touched = sizeof buffer;
    while (touched > 0 && buffer[touched - 1] == 0xEE)
        touched--;
    fprintf (out, " bytes ");
    print_bytes (out, buffer, touched);
}

static void begin_option (void)
{
    held = 0;
    held_outcome[0] = 0;
    held_stream = open_memstream (&held_lines, &held_size);
}

static int held_alike = 1;

static void outcome (int rc, int error)
{
    char text[64];
    snprintf (text, sizeof text, "%d errno %d", rc, rc ? error : 0);
    if (held == 0)
        snprintf (held_outcome, sizeof held_outcome, "%s", text);
    else if (strcmp (held_outcome, text) != 0)
        held_alike = 0;
    if (rc == 0)
        held_alike = 0;
    held++;
}

static void end_option (const char *verb, int type, int option)
{
    fclose (held_stream);
    if (held_alike)
        printf ("%s type %d option %d all %ld: %s\n", verb, type, option, held, held_outcome);
    else
        fwrite (held_lines, 1, held_size, stdout);
    free (held_lines);
    held_alike = 1;
    fflush (stdout);
}

static void set_case (int type, int option, const char *kind, const void *value, size_t size)
{
    void *socket = fresh (type);
    errno = 0;
    int rc = zmq_setsockopt (socket, option, value, size);
    int error = zmq_errno ();
    fprintf (held_stream, "set type %d option %d %s size %zu: %d errno %d", type, option, kind,
             size, rc, rc ? error : 0);
    /*  A refused value may have changed the option all the same.  */
    fprintf (held_stream, " -> get ");
    /*  Some options want the exact size, some take any that is large enough.  */
    unsigned char probe[BUFFER];
    size_t exact = 512;
    for (int step = 0; step < 2 && zmq_getsockopt (socket, option, probe, &(size_t){exact}) != 0; step++)
        exact = exact == 512 ? 8 : 4;
    print_get (held_stream, socket, option, exact);
    fprintf (held_stream, "\n");
    outcome (rc, error);
    zmq_close (socket);
}

static void probe_set (int type, int option)
{
    unsigned char buffer[BUFFER];
    char kind[64];
    begin_option ();
    for (size_t v = 0; v < VALUES; v++) {
        memset (buffer, 0, sizeof buffer);
        memcpy (buffer, &values[v], 8);
        snprintf (kind, sizeof kind, "value %lld", (long long) values[v]);
        set_case (type, option, kind, buffer, 4);
        set_case (type, option, kind, buffer, 8);
    }
    for (size_t s = 0; s < SIZES; s++) {
        memset (buffer, 0, sizeof buffer);
        set_case (type, option, "zeros", buffer, sizes[s]);
        buffer[0] = 1;
        set_case (type, option, "one", buffer, sizes[s]);
        memset (buffer, 'a', sizeof buffer);
        set_case (type, option, "text", buffer, sizes[s]);
        if (sizes[s] > 0) {
            buffer[sizes[s] - 1] = 0;
            set_case (type, option, "text0", buffer, sizes[s]);
        }
        if (sizes[s] > 2) {
            memset (buffer, 'a', sizeof buffer);
            buffer[1] = 0;
            set_case (type, option, "a0aa", buffer, sizes[s]);
        }
    }
    memset (buffer, 0, sizeof buffer);
    memcpy (buffer, z85_key, 40);
    for (size_t size = 38; size < 44; size++)
        set_case (type, option, "z85", buffer, size);
    buffer[3] = ' ';
    set_case (type, option, "bad z85", buffer, 41);
    memcpy (buffer, "#####", 5);
    set_case (type, option, "big z85", buffer, 41);
    memcpy (buffer, z85_key, 40);
    buffer[40] = 'x';
    set_case (type, option, "z85x", buffer, 41);
    static const char *texts[] = {"127.0.0.1",  "127.0.0.1/8", "127.0.0.1/33", "127.0.0.1/",
                                  "127.0.0.1/0", "::1",        "::1/128",      "::1/129",
                                  "localhost",  "lo",          "lo/8",         "127.0.0.1:80",
                                  "*",          "1",           "10.0.0.0/-1",  "10.0.0.0/8x",
                                  "[::1]/64",   "fe80::1%lo",  "127.1",        ""};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        snprintf (kind, sizeof kind, "text \"%s\"", texts[t]);
        set_case (type, option, kind, texts[t], strlen (texts[t]));
    }
    /*  NULL with a size above 0 crashes the reference for most options.  */
    set_case (type, option, "NULL", NULL, 0);
    end_option ("set", type, option);
}

static void probe_get (int type, int option)
{
    begin_option ();
    for (size_t s = 0; s < SIZES; s++) {
        void *socket = fresh (type);
        fprintf (held_stream, "get type %d option %d size %zu: ", type, option, sizes[s]);
        size_t before = sizes[s];
        unsigned char buffer[BUFFER];
        int rc = zmq_getsockopt (socket, option, buffer, &before);
        outcome (rc, zmq_errno ());
        print_get (held_stream, socket, option, sizes[s]);
        fprintf (held_stream, "\n");
        zmq_close (socket);
    }
    end_option ("get", type, option);
}

static void in_child (void (*probe) (int, int), const char *what, int type, int option)
{
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        alarm (60);
        context = zmq_ctx_new ();
        zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 2000);
        probe (type, option);
        fflush (stdout);
        _exit (0);
    }
    int status;
    waitpid (child, &status, 0);
    if (WIFSIGNALED (status))
        printf ("%s type %d option %d: crash, signal %d\n", what, type, option, WTERMSIG (status));
}

/*  Context options: each set is followed by a get.  */
static void probe_context (int type, int option)
{
    (void) type;
    for (size_t v = 0; v < VALUES - 3; v++) {
        void *ctx = zmq_ctx_new ();
        errno = 0;
        int before = zmq_ctx_get (ctx, option);
        int get_error = before < 0 ? zmq_errno () : 0;
        int rc = zmq_ctx_set (ctx, option, (int) values[v]);
        int error = rc ? zmq_errno () : 0;
        errno = 0;
        int after = zmq_ctx_get (ctx, option);
        int after_error = after < 0 ? zmq_errno () : 0;
        printf ("ctx option %d value %d: get %d errno %d, set %d errno %d, get %d errno %d\n",
                option, (int) values[v], before, get_error, rc, error, after, after_error);
        zmq_ctx_term (ctx);
    }
}

int main (int argc, char **argv)
{
    int first = argc > 1 ? atoi (argv[1]) : -2;
    int last = argc > 2 ? atoi (argv[2]) : argc > 1 ? first : 200;
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    if (!freopen ("/dev/null", "w", stderr))
        return 1;
    for (int option = first; option <= last; option++) {
        in_child (probe_context, "ctx", 0, option);
        for (int type = 0; type < SOCKET_TYPES; type++) {
            in_child (probe_set, "set", type, option);
            in_child (probe_get, "get", type, option);
        }
    }
    return 0;
}
