/*  The memory of received messages: what a kept one costs, and where bodies
 *  stand.
 */
#include "peers.h"

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
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    join (pull, push, transport);
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
static void check_row (const char *transport, sizes *size, bool parts, bool curve, int alignment)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    if (curve) {
        char public[41], secret[41];
        CHECK_OK (zmq_curve_keypair (public, secret));
        set_int (pull, ZMQ_CURVE_SERVER, 1);
        CHECK_OK (zmq_setsockopt (pull, ZMQ_CURVE_SECRETKEY, secret, 41));
        CHECK_OK (zmq_setsockopt (push, ZMQ_CURVE_SERVERKEY, public, 41));
        CHECK_OK (zmq_setsockopt (push, ZMQ_CURVE_PUBLICKEY, public, 41));
        CHECK_OK (zmq_setsockopt (push, ZMQ_CURVE_SECRETKEY, secret, 41));
    }
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

static void check_rows (const char *transport, bool curve, int alignment)
{
    check_row (transport, equal_sizes, false, curve, alignment);
    check_row (transport, equal_sizes, true, curve, alignment);
    check_row (transport, large_sizes, false, curve, alignment);
    check_row (transport, all_sizes, true, curve, alignment);
    check_row (transport, mixed_sizes, false, curve, alignment);
}

WIRE_TEST (bodies_above_8_kib_are_aligned_for_doubles)
{
    check_rows (transport, false, 8);
    check_rows (transport, true, 8);
}

WIRE_TEST (bodies_above_8_kib_are_aligned_for_vectors)
{
    check_rows (transport, false, 16);
    check_rows (transport, true, 16);
}

