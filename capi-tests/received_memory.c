/*  The memory of messages: what a received one that is kept costs, how bodies
 *  are aligned, and what waits on both sides of a slow reader.
 */
#include "mechanisms.h"

/*  Resident bytes of this process.  */
static long resident (void)
{
    long pages = 0, all = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    CHECK (file != NULL);
    CHECK_INT (fscanf (file, "%ld %ld", &all, &pages), 2);
    fclose (file);
    return pages * sysconf (_SC_PAGESIZE);
}

/*  A process that sends messages, once it has an endpoint.  */
typedef struct sender {
    pid_t process;
    int endpoint;
} sender;

static sender start_sender (int count, size_t size)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    /*  Before this process has any thread.  */
    pid_t process = fork ();
    CHECK (process >= 0);
    if (process == 0) {
        char endpoint[256] = "";
        close (ends[1]);
        CHECK (read (ends[0], endpoint, sizeof endpoint - 1) > 0);
        void *context = zmq_ctx_new ();
        void *push = open_socket (context, ZMQ_PUSH);
        set_int (push, ZMQ_LINGER, -1);
        CHECK_OK (zmq_connect (push, endpoint));
        char *body = calloc (1, size);
        for (int n = 0; n < count; n++) {
            memcpy (body, &n, sizeof n);
            CHECK_INT (zmq_send (push, body, size, 0), size);
        }
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_ctx_term (context));
        _exit (0);
    }
    close (ends[0]);
    return (sender){process, ends[1]};
}

static void tell_endpoint (sender *sender, const char *endpoint)
{
    CHECK (write (sender->endpoint, endpoint, strlen (endpoint)) > 0);
    close (sender->endpoint);
}

static void await_sender (sender *sender)
{
    int status;
    CHECK_INT (waitpid (sender->process, &status, 0), sender->process);
    CHECK_INT (status, 0);
}

/*  Receives them all and keeps one of EVERY; returns the bytes that a kept one takes.  */
static long bytes_a_kept_message (const char *transport, int count, size_t size, int every)
{
    sender sender = start_sender (count, size);
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    int kept = count / every;
    zmq_msg_t *messages = calloc (kept, sizeof *messages);
    tell_endpoint (&sender, bind_to (pull, fresh (transport)));
    long before = 0;
    for (int n = 0; n < count; n++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        CHECK_INT (zmq_msg_recv (&message, pull, 0), size);
        /*  What every connection has is there by then.  */
        if (n == count / 10)
            before = resident ();
        if (n % every == every / 2) {
            CHECK_OK (zmq_msg_init (&messages[n / every]));
            CHECK_OK (zmq_msg_move (&messages[n / every], &message));
        }
        CHECK_OK (zmq_msg_close (&message));
    }
    long grown = resident () - before;
    for (int n = 0; n < kept; n++) {
        int number;
        memcpy (&number, zmq_msg_data (&messages[n]), sizeof number);
        CHECK_INT (number, n * every + every / 2);
        CHECK_OK (zmq_msg_close (&messages[n]));
    }
    free (messages);
    await_sender (&sender);
    FINISH (context, pull);
    return grown / (kept - kept / 10);
}

#define CHECK_AT_MOST(EXPRESSION, MOST)                                       \
    do {                                                                      \
        long at_most_got = (EXPRESSION);                                      \
        if (at_most_got > (MOST))                                             \
            harness_fail (__FILE__, __LINE__, "%s is %ld, expected at most %ld", \
                          #EXPRESSION, at_most_got, (long) (MOST));           \
    } while (0)

WIRE_TEST (a_short_message_that_is_kept_pins_no_more_than_24_kb)
{
    CHECK_AT_MOST (bytes_a_kept_message (transport, 1200000, 100, 600), 24000);
}

WIRE_TEST (a_message_of_7000_bytes_that_is_kept_pins_no_more_than_12_kb)
{
    CHECK_AT_MOST (bytes_a_kept_message (transport, 20000, 7000, 10), 12000);
}

/*  Each is received before the next one is sent.  */
WIRE_TEST (messages_that_come_singly_and_are_all_kept_take_no_more_than_24_kb_each)
{
    enum { COUNT = 2000 };
    static zmq_msg_t messages[COUNT];
    static char body[100];
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
    long before = 0;
    for (int n = 0; n < COUNT; n++) {
        CHECK_INT (zmq_send (push, body, sizeof body, 0), sizeof body);
        CHECK_OK (zmq_msg_init (&messages[n]));
        CHECK_INT (zmq_msg_recv (&messages[n], pull, 0), sizeof body);
        if (n == COUNT / 10)
            before = resident ();
    }
    CHECK_AT_MOST ((resident () - before) / (COUNT - COUNT / 10), 24000);
    for (int n = 0; n < COUNT; n++)
        CHECK_OK (zmq_msg_close (&messages[n]));
    FINISH (context, push, pull);
}

enum { CONNECTIONS = 20, MARK = 100, WAITING = 10000 };

static void *open_with_mark (void *context, int type)
{
    void *socket = open_socket (context, type);
    set_int (socket, ZMQ_SNDHWM, MARK);
    set_int (socket, ZMQ_RCVHWM, MARK);
    return socket;
}

/*  Sends from all sockets until FROM reports that nothing more is read, and none of them has found room
 *  for half a second.  */
static void fill_all (void **pushes, const char *body, int from)
{
    struct pollfd over = {from, POLLIN, 0};
    for (int64_t last = now_ms (); now_ms () - last < 500;) {
        bool sent = poll (&over, 1, 0) == 0;
        for (int n = 0; n < CONNECTIONS; n++)
            sent |= zmq_send (pushes[n], body, WAITING, ZMQ_DONTWAIT) == WAITING;
        if (sent)
            last = now_ms ();
        else
            usleep (1000);
    }
}

/*  Many connections to one endpoint, which comes and whose other side reports when it has measured;
 *  returns how many bytes each took here.  */
static _Noreturn void send_to_slow_reader (int from, int to)
{
    char endpoint[120], over;
    CHECK_INT (read (from, endpoint, sizeof endpoint), sizeof endpoint);
    void *context = zmq_ctx_new (), *pushes[CONNECTIONS];
    for (int n = 0; n < CONNECTIONS; n++) {
        pushes[n] = open_with_mark (context, ZMQ_PUSH);
        set_int (pushes[n], ZMQ_LINGER, 0);
        CHECK_OK (zmq_connect (pushes[n], endpoint));
    }
    for (int n = 0; n < CONNECTIONS; n++)
        wait_events (pushes[n], ZMQ_POLLOUT);
    char *body = calloc (1, WAITING);
    long before = resident ();
    fill_all (pushes, body, from);
    long grown = (resident () - before) / CONNECTIONS;
    CHECK_INT (write (to, &grown, sizeof grown), sizeof grown);
    CHECK_INT (read (from, &over, 1), 1);
    CHECK_INT (read (from, &over, 1), 0);
    for (int n = 0; n < CONNECTIONS; n++)
        CHECK_OK (zmq_close (pushes[n]));
    CHECK_OK (zmq_ctx_term (context));
    _exit (0);
}

/*  After this many messages that were read slowly, nothing is read. Bytes that a connection takes
 *  then, on the side of the sender and on that of the reader.  */
static void connect_slow_reader (const char *transport, int reads, long taken[2])
{
    int down[2], up[2];
    CHECK_OK (pipe (down));
    CHECK_OK (pipe (up));
    pid_t process = fork ();
    CHECK (process >= 0);
    if (process == 0) {
        close (down[1]);
        send_to_slow_reader (down[0], up[1]);
    }
    close (up[1]);
    void *context = zmq_ctx_new (), *pull = open_with_mark (context, ZMQ_PULL);
    sender sender = {process, down[1]};
    char endpoint[120] = "";
    strcpy (endpoint, bind_to (pull, fresh (transport)));
    CHECK_INT (write (down[1], endpoint, sizeof endpoint), sizeof endpoint);
    long before = resident ();
    char body[WAITING];
    for (int n = 0; n < reads; n++) {
        CHECK_INT (zmq_recv (pull, body, WAITING, 0), WAITING);
        if (n % CONNECTIONS == 0)
            usleep (1000);
    }
    CHECK_INT (write (down[1], "", 1), 1);
    CHECK_INT (read (up[0], &taken[0], sizeof taken[0]), sizeof taken[0]);
    taken[1] = (resident () - before) / CONNECTIONS;
    close (down[1]);
    await_sender (&sender);
    close (up[0]);
    FINISH (context, pull);
}

/*  A side holds its mark, 1.0 MB (libzmq's takes 1.04), and not another one beside it: in two runs
 *  of three, as how memory comes back depends on which thread runs when.  */
static void check_slow_reader (const char *transport, int reads)
{
    int low = 0;
    for (int n = 0; n < 3 && low < 2; n++) {
        pid_t run = fork ();
        CHECK (run >= 0);
        if (run == 0) {
            long taken[2];
            connect_slow_reader (transport, reads, taken);
            printf ("    %ld and %ld bytes a connection\n", taken[0], taken[1]);
            fflush (stdout);
            _exit (taken[0] <= 1250000 && taken[1] <= 1250000 ? 0 : 1);
        }
        int status;
        CHECK_INT (waitpid (run, &status, 0), run);
        low += status == 0;
    }
    CHECK_INT (low, 2);
}

WIRE_TEST (what_waits_for_a_reader_that_reads_nothing_is_the_mark_on_each_side)
{
    check_slow_reader (transport, 0);
}

WIRE_TEST (what_waits_for_a_slow_reader_is_the_mark_on_each_side)
{
    check_slow_reader (transport, 5000);
}

/*  What the n-th message of a row of sizes has; 0 is the end of the row.  */
typedef size_t sizes (int n);

static size_t equal_sizes (int n) { return n < 200 ? 10000 : 0; }
static size_t large_sizes (int n) { return n < 60 ? 40001 : 0; }
static size_t all_sizes (int n) { return n < 300 ? 8193 + (size_t) n * 7919 % 120000 : 0; }
static size_t mixed_sizes (int n)
{
    return n < 400 ? (n % 3 ? 8193 + (size_t) n * 7919 % 52000 : 1 + (size_t) n * 31 % 300) : 0;
}

typedef struct row {
    void *socket;
    sizes *size;
    bool parts;
} row;

static void *send_row (void *argument)
{
    row *row = argument;
    static char body[200000];
    for (int n = 0; row->size (n); n++) {
        size_t size = row->size (n);
        memset (body, n, size);
        if (row->parts)
            send_text (row->socket, "topic", ZMQ_SNDMORE);
        CHECK_INT (zmq_send (row->socket, body, size, 0), size);
    }
    return NULL;
}

/*  All bodies above 8 KiB come whole, at multiples of ALIGNMENT.  */
static void check_row (const char *transport, sizes *size, bool parts, mechanism mechanism,
                       int alignment)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    secure (pull, push, mechanism);
    join (pull, push, transport);
    row row = {push, size, parts};
    pthread_t thread = start_thread (send_row, &row);
    for (int n = 0; size (n); n++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        if (parts)
            CHECK_INT (zmq_msg_recv (&message, pull, 0), 5);
        CHECK_INT (zmq_msg_recv (&message, pull, 0), size (n));
        const char *data = zmq_msg_data (&message);
        CHECK (data[0] == (char) n && memcmp (data, data + 1, size (n) - 1) == 0);
        if (size (n) > 8192)
            CHECK_INT ((uintptr_t) data % alignment, 0);
        CHECK_OK (zmq_msg_close (&message));
    }
    end_thread (thread);
    FINISH (context, push, pull);
}

static void check_rows (const char *transport, mechanism mechanism, int alignment)
{
    check_row (transport, equal_sizes, false, mechanism, alignment);
    check_row (transport, equal_sizes, true, mechanism, alignment);
    check_row (transport, large_sizes, false, mechanism, alignment);
    check_row (transport, all_sizes, true, mechanism, alignment);
    check_row (transport, mixed_sizes, false, mechanism, alignment);
}

WIRE_TEST (bodies_above_8_kib_are_aligned_for_doubles)
{
    check_rows (transport, null, 8);
    check_rows (transport, curve, 8);
}

WIRE_TEST (bodies_above_8_kib_are_aligned_for_vectors)
{
    check_rows (transport, null, 16);
    check_rows (transport, curve, 16);
}

