/*  Prints what every function answers to every pair of its arguments being wrong
 *  at once, one line a call.  This is no test by itself: the runner runs it under
 *  both libraries and compares the two outputs.
 *      ./argument_grid [FUNCTION...]
 *
 *  Of each argument's values the first is the one that is right.  Every call has a
 *  process of its own, with sockets that no other call used.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

/*  --- arguments --------------------------------------------------------------  */

typedef struct argument {
    const char *label;
    union {
        void *p;
        const char *text;
        int i;
        size_t z;
        long l;
    };
} argument;

#define ARGUMENTS 5
#define VALUES 9

/*  Values of one kind; the list ends with one without a label.  */
typedef argument values[VALUES];

typedef enum kind {
    NONE,
    CONTEXT, SENDS, RECEIVES, SHUT, BUFFER, LENGTH, FLAGS, MESSAGE, UNMADE, OTHER,
    ENDPOINT, BINDABLE, KNOWN, TYPE, CONTEXT_OPTION, CONTEXT_VALUE, OPTION, OPTION_VALUE,
    OPTION_LENGTH, OPTION_ROOM, ITEMS, ITEM_COUNT, TIMEOUT, EVENTS, VECTOR, VECTOR_LENGTH,
    VECTOR_ROOM, TEXT, BINARY, TEXT_LENGTH, KEY_ROOM, KEY_TEXT, TIMERS, TIMER, INTERVAL,
    HANDLER, ANY_POINTER, PROPERTY, PROPERTY_NAME, FREE_FUNCTION,
    KINDS
} kind;

static values lists[KINDS];

static void add (kind kind, argument value)
{
    argument *list = lists[kind];
    while (list->label)
        list++;
    *list = value;
}

#define POINTER(LIST, LABEL, VALUE) add (LIST, (argument){LABEL, .p = (void *) (VALUE)})
#define INT(LIST, VALUE) add (LIST, (argument){#VALUE, .i = VALUE})
#define SIZE(LIST, VALUE) add (LIST, (argument){#VALUE, .z = VALUE})

static void *made (void *made_handle)
{
    if (!made_handle)
        exit (3);
    return made_handle;
}

static void *open_socket (void *in, int socket_type)
{
    void *socket = made (zmq_socket (in, socket_type));
    int none = 0;
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_SNDTIMEO, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

static void on_timer (int id, void *argument)
{
    (void) id, (void) argument;
}

static void on_free (void *data, void *hint)
{
    (void) data, (void) hint;
}

/*  What the handles are; without them only the labels are of use.  */
static struct handles {
    void *context, *pair, *ended, *old, *pull, *rep, *push, *req, *timers;
    int timer;
} made_handles;

static void make_handles (void)
{
    struct handles *of = &made_handles;
    of->context = made (zmq_ctx_new ());
    of->ended = made (zmq_ctx_new ());
    of->pair = open_socket (of->context, ZMQ_PAIR);
    of->old = open_socket (of->ended, ZMQ_PAIR);
    of->pull = open_socket (of->context, ZMQ_PULL);
    of->rep = open_socket (of->context, ZMQ_REP);
    of->push = open_socket (of->context, ZMQ_PUSH);
    of->req = open_socket (of->context, ZMQ_REQ);
    of->timers = made (zmq_timers_new ());
    of->timer = zmq_timers_add (of->timers, 1000, on_timer, NULL);
    void *peer = open_socket (of->context, ZMQ_PAIR);
    if (zmq_bind (peer, "inproc://there") || zmq_connect (of->pair, "inproc://there")
        || zmq_send (peer, "hello", 5, 0) != 5 || zmq_ctx_shutdown (of->ended))
        exit (3);
}

static void list_handles (void)
{
    const struct handles *of = &made_handles;
    void *ctx = of->context, *pair = of->pair, *old = of->old, *ended = of->ended;
    POINTER (CONTEXT, "context", ctx);
    POINTER (CONTEXT, "NULL", NULL);
    POINTER (CONTEXT, "socket", pair);
    POINTER (CONTEXT, "ended", ended);
    static const kind sockets[] = {SENDS, RECEIVES, SHUT};
    for (int n = 0; n < 3; n++) {
        POINTER (sockets[n], "pair", n == 2 ? old : pair);
        POINTER (sockets[n], "NULL", NULL);
        POINTER (sockets[n], "context", ctx);
        POINTER (sockets[n], "ended", old);
    }
    POINTER (SENDS, "pull", of->pull);
    POINTER (SENDS, "rep", of->rep);
    POINTER (RECEIVES, "push", of->push);
    POINTER (RECEIVES, "req", of->req);

    static zmq_pollitem_t good, bad;
    good = (zmq_pollitem_t){pair, 0, ZMQ_POLLIN, 0};
    bad = (zmq_pollitem_t){ctx, 0, ZMQ_POLLIN, 0};
    POINTER (ITEMS, "item", &good);
    POINTER (ITEMS, "NULL", NULL);
    POINTER (ITEMS, "context", &bad);

    POINTER (TIMERS, "timers", of->timers);
    POINTER (TIMERS, "NULL", NULL);
    POINTER (TIMERS, "context", ctx);
    add (TIMER, (argument){"id", .i = of->timer});
    add (TIMER, (argument){"id+1", .i = of->timer + 1});
    INT (TIMER, -1);
}

static void list_buffers (void)
{
    static char room[4096], body[4096];
    static zmq_msg_t full, second, closed, nothing, zeroes;
    static struct iovec parts[4];
    static size_t one, none, many, four = 4, large = 4096, three = 3;
    POINTER (BUFFER, "buffer", body);
    POINTER (BUFFER, "NULL", NULL);
    zmq_msg_init_size (&full, 5);
    zmq_msg_init_size (&second, 5);
    zmq_msg_init (&closed);
    zmq_msg_close (&closed);
    POINTER (MESSAGE, "message", &full);
    POINTER (MESSAGE, "closed", &closed);
    POINTER (MESSAGE, "zeroes", &zeroes);
    POINTER (MESSAGE, "NULL", NULL);
    POINTER (OTHER, "message", &second);
    POINTER (OTHER, "closed", &closed);
    POINTER (OTHER, "same", &full);
    POINTER (OTHER, "NULL", NULL);
    POINTER (UNMADE, "room", &nothing);
    POINTER (UNMADE, "NULL", NULL);
    for (int n = 0; n < 4; n++)
        parts[n] = (struct iovec){body + 10 * n, 10};
    one = 1, none = 0, many = (size_t) INT_MAX + 1;
    POINTER (VECTOR, "vector", parts);
    POINTER (VECTOR, "NULL", NULL);
    POINTER (VECTOR_ROOM, "1", &one);
    POINTER (VECTOR_ROOM, "0", &none);
    POINTER (VECTOR_ROOM, "many", &many);
    POINTER (VECTOR_ROOM, "NULL", NULL);
    POINTER (OPTION_VALUE, "value", &four);
    POINTER (OPTION_VALUE, "NULL", NULL);
    static size_t no_size = 0;
    POINTER (OPTION_ROOM, "4", &four);
    POINTER (OPTION_ROOM, "3", &three);
    POINTER (OPTION_ROOM, "0", &no_size);
    POINTER (OPTION_ROOM, "4096", &large);
    POINTER (OPTION_ROOM, "NULL", NULL);
    POINTER (TEXT, "room", room);
    POINTER (TEXT, "NULL", NULL);
    POINTER (BINARY, "data", body);
    POINTER (BINARY, "NULL", NULL);
    POINTER (KEY_ROOM, "room", room);
    POINTER (KEY_ROOM, "NULL", NULL);
    POINTER (ANY_POINTER, "pointer", body);
    POINTER (ANY_POINTER, "NULL", NULL);
    POINTER (HANDLER, "function", on_timer);
    POINTER (HANDLER, "NULL", NULL);
    POINTER (FREE_FUNCTION, "function", on_free);
    POINTER (FREE_FUNCTION, "NULL", NULL);
}

static void list_texts (void)
{
    POINTER (ENDPOINT, "inproc://there", "inproc://there");
    POINTER (BINDABLE, "inproc://new", "inproc://new");
    POINTER (KNOWN, "inproc://there", "inproc://there");
    static const kind endpoints[] = {ENDPOINT, BINDABLE, KNOWN};
    for (int n = 0; n < 3; n++) {
        static const char *const bad[] = {"", "nonsense", "what://is-it", "tcp://", "tcp://127.0.0.1:x", "inproc://"};
        POINTER (endpoints[n], "NULL", NULL);
        for (size_t at = 0; at < sizeof bad / sizeof *bad; at++)
            POINTER (endpoints[n], bad[at], bad[at]);
    }
    POINTER (KEY_TEXT, "key", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    POINTER (KEY_TEXT, "short", "rq:rM");
    POINTER (KEY_TEXT, "odd", "rq:r");
    POINTER (KEY_TEXT, "empty", "");
    POINTER (KEY_TEXT, "NULL", NULL);
    POINTER (PROPERTY_NAME, "Socket-Type", "Socket-Type");
    POINTER (PROPERTY_NAME, "unknown", "unknown");
    POINTER (PROPERTY_NAME, "empty", "");
    POINTER (PROPERTY_NAME, "NULL", NULL);
}

static void list_numbers (void)
{
    SIZE (LENGTH, 5);
    SIZE (LENGTH, 0);
    SIZE (LENGTH, (size_t) 1 << 62);
    INT (FLAGS, ZMQ_DONTWAIT);
    INT (FLAGS, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    INT (FLAGS, ZMQ_DONTWAIT | 0x4000);
    INT (FLAGS, -1);
    INT (TYPE, ZMQ_PAIR);
    INT (TYPE, -1);
    INT (TYPE, 99);
    INT (CONTEXT_OPTION, ZMQ_IO_THREADS);
    INT (CONTEXT_OPTION, ZMQ_MAX_SOCKETS);
    INT (CONTEXT_OPTION, ZMQ_SOCKET_LIMIT);
    INT (CONTEXT_OPTION, 0);
    INT (CONTEXT_OPTION, -1);
    INT (CONTEXT_OPTION, 9999);
    INT (CONTEXT_VALUE, 1);
    INT (CONTEXT_VALUE, -1);
    INT (CONTEXT_VALUE, 0);
    INT (OPTION, ZMQ_SNDHWM);
    INT (OPTION, ZMQ_TYPE);
    INT (OPTION, ZMQ_SUBSCRIBE);
    INT (OPTION, ZMQ_ROUTING_ID);
    INT (OPTION, -1);
    INT (OPTION, 9999);
    SIZE (OPTION_LENGTH, 4);
    SIZE (OPTION_LENGTH, 3);
    SIZE (OPTION_LENGTH, 0);
    SIZE (OPTION_LENGTH, 4096);
    INT (ITEM_COUNT, 1);
    INT (ITEM_COUNT, 0);
    INT (ITEM_COUNT, -1);
    add (TIMEOUT, (argument){"0", .l = 0});
    add (TIMEOUT, (argument){"1", .l = 1});
    INT (EVENTS, ZMQ_EVENT_ALL);
    INT (EVENTS, 0);
    INT (EVENTS, -1);
    SIZE (VECTOR_LENGTH, 1);
    SIZE (VECTOR_LENGTH, 0);
    SIZE (TEXT_LENGTH, 4);
    SIZE (TEXT_LENGTH, 1);
    SIZE (TEXT_LENGTH, 0);
    SIZE (INTERVAL, 1000);
    SIZE (INTERVAL, 0);
    SIZE (INTERVAL, SIZE_MAX);
    INT (PROPERTY, ZMQ_MORE);
    INT (PROPERTY, ZMQ_SHARED);
    INT (PROPERTY, -1);
    INT (PROPERTY, 9999);
}

static void make_lists (void)
{
    memset (lists, 0, sizeof lists);
    list_handles ();
    list_buffers ();
    list_texts ();
    list_numbers ();
}

/*  --- functions --------------------------------------------------------------  */

typedef struct answer {
    enum { NUMBER, POINTER_TO, COUNT } kind;
    long number;
    const void *pointer;
} answer;

static answer number (long value) { return (answer){NUMBER, value, NULL}; }
static answer counted (size_t value) { return (answer){COUNT, (long) value, NULL}; }
static answer pointer (const void *value) { return (answer){POINTER_TO, 0, value}; }

typedef struct function {
    const char *name;
    answer (*call) (const argument *a);
    kind kinds[ARGUMENTS];
} function;

#define CALL(NAME, ANSWER) static answer call_##NAME (const argument *a) { return ANSWER; }

CALL (zmq_ctx_set, number (zmq_ctx_set (a[0].p, a[1].i, a[2].i)))
CALL (zmq_ctx_get, number (zmq_ctx_get (a[0].p, a[1].i)))
CALL (zmq_socket, pointer (zmq_socket (a[0].p, a[1].i)))
CALL (zmq_setsockopt, number (zmq_setsockopt (a[0].p, a[1].i, a[2].p, a[3].z)))
CALL (zmq_getsockopt, number (zmq_getsockopt (a[0].p, a[1].i, a[2].p, a[3].p)))
CALL (zmq_bind, number (zmq_bind (a[0].p, a[1].text)))
CALL (zmq_connect, number (zmq_connect (a[0].p, a[1].text)))
CALL (zmq_unbind, number (zmq_unbind (a[0].p, a[1].text)))
CALL (zmq_disconnect, number (zmq_disconnect (a[0].p, a[1].text)))
CALL (zmq_send, number (zmq_send (a[0].p, a[1].p, a[2].z, a[3].i)))
CALL (zmq_send_const, number (zmq_send_const (a[0].p, a[1].p, a[2].z, a[3].i)))
CALL (zmq_recv, number (zmq_recv (a[0].p, a[1].p, a[2].z, a[3].i)))
CALL (zmq_socket_monitor, number (zmq_socket_monitor (a[0].p, a[1].text, a[2].i)))
CALL (zmq_msg_init_size, number (zmq_msg_init_size (a[0].p, a[1].z)))
CALL (zmq_msg_init_data, number (zmq_msg_init_data (a[0].p, a[1].p, a[2].z, (zmq_free_fn *) a[3].p, a[4].p)))
CALL (zmq_msg_send, number (zmq_msg_send (a[0].p, a[1].p, a[2].i)))
CALL (zmq_msg_recv, number (zmq_msg_recv (a[0].p, a[1].p, a[2].i)))
CALL (zmq_sendmsg, number (zmq_sendmsg (a[0].p, a[1].p, a[2].i)))
CALL (zmq_recvmsg, number (zmq_recvmsg (a[0].p, a[1].p, a[2].i)))
CALL (zmq_msg_move, number (zmq_msg_move (a[0].p, a[1].p)))
CALL (zmq_msg_copy, number (zmq_msg_copy (a[0].p, a[1].p)))
CALL (zmq_msg_get, number (zmq_msg_get (a[0].p, a[1].i)))
CALL (zmq_msg_set, number (zmq_msg_set (a[0].p, a[1].i, a[2].i)))
CALL (zmq_msg_gets, pointer (zmq_msg_gets (a[0].p, a[1].text)))
CALL (zmq_poll, number (zmq_poll (a[0].p, a[1].i, a[2].l)))
CALL (zmq_proxy, number (zmq_proxy (a[0].p, a[1].p, a[2].p)))
CALL (zmq_proxy_steerable, number (zmq_proxy_steerable (a[0].p, a[1].p, a[2].p, a[3].p)))
CALL (zmq_device, number (zmq_device (a[0].i, a[1].p, a[2].p)))
CALL (zmq_sendiov, number (zmq_sendiov (a[0].p, a[1].p, a[2].z, a[3].i)))
CALL (zmq_recviov, number (zmq_recviov (a[0].p, a[1].p, a[2].p, a[3].i)))
CALL (zmq_z85_encode, pointer (zmq_z85_encode (a[0].p, a[1].p, a[2].z)))
CALL (zmq_z85_decode, pointer (zmq_z85_decode (a[0].p, a[1].text)))
CALL (zmq_curve_keypair, number (zmq_curve_keypair (a[0].p, a[1].p)))
CALL (zmq_curve_public, number (zmq_curve_public (a[0].p, a[1].text)))
CALL (zmq_timers_add, number (zmq_timers_add (a[0].p, a[1].z, (zmq_timer_fn *) a[2].p, a[3].p)))
CALL (zmq_timers_cancel, number (zmq_timers_cancel (a[0].p, a[1].i)))
CALL (zmq_timers_set_interval, number (zmq_timers_set_interval (a[0].p, a[1].i, a[2].z)))
CALL (zmq_timers_reset, number (zmq_timers_reset (a[0].p, a[1].i)))
CALL (zmq_msg_size, counted (zmq_msg_size (a[0].p)))
CALL (zmq_msg_close, number (zmq_msg_close (a[0].p)))
CALL (zmq_timers_execute, number (zmq_timers_execute (a[0].p)))

#define OF(NAME, ...) {#NAME, call_##NAME, {__VA_ARGS__}}

static const function functions[] = {
    OF (zmq_ctx_set, CONTEXT, CONTEXT_OPTION, CONTEXT_VALUE),
    OF (zmq_ctx_get, CONTEXT, CONTEXT_OPTION),
    OF (zmq_socket, CONTEXT, TYPE),
    OF (zmq_setsockopt, SENDS, OPTION, OPTION_VALUE, OPTION_LENGTH),
    OF (zmq_getsockopt, SENDS, OPTION, BUFFER, OPTION_ROOM),
    OF (zmq_bind, SENDS, BINDABLE),
    OF (zmq_connect, SENDS, ENDPOINT),
    OF (zmq_unbind, SENDS, KNOWN),
    OF (zmq_disconnect, SENDS, KNOWN),
    OF (zmq_send, SENDS, BUFFER, LENGTH, FLAGS),
    OF (zmq_send_const, SENDS, BUFFER, LENGTH, FLAGS),
    OF (zmq_recv, RECEIVES, BUFFER, LENGTH, FLAGS),
    OF (zmq_socket_monitor, SENDS, BINDABLE, EVENTS),
    OF (zmq_msg_init_size, UNMADE, LENGTH),
    OF (zmq_msg_init_data, UNMADE, BUFFER, LENGTH, FREE_FUNCTION, ANY_POINTER),
    OF (zmq_msg_send, MESSAGE, SENDS, FLAGS),
    OF (zmq_msg_recv, MESSAGE, RECEIVES, FLAGS),
    OF (zmq_sendmsg, SENDS, MESSAGE, FLAGS),
    OF (zmq_recvmsg, RECEIVES, MESSAGE, FLAGS),
    OF (zmq_msg_move, MESSAGE, OTHER),
    OF (zmq_msg_copy, MESSAGE, OTHER),
    OF (zmq_msg_get, MESSAGE, PROPERTY),
    OF (zmq_msg_set, MESSAGE, PROPERTY, EVENTS),
    OF (zmq_msg_gets, MESSAGE, PROPERTY_NAME),
    OF (zmq_poll, ITEMS, ITEM_COUNT, TIMEOUT),
    OF (zmq_proxy, SHUT, SHUT, SHUT),
    OF (zmq_proxy_steerable, SHUT, SHUT, SHUT, SHUT),
    OF (zmq_device, TYPE, SHUT, SHUT),
    OF (zmq_sendiov, SENDS, VECTOR, VECTOR_LENGTH, FLAGS),
    OF (zmq_recviov, RECEIVES, VECTOR, VECTOR_ROOM, FLAGS),
    OF (zmq_z85_encode, TEXT, BINARY, TEXT_LENGTH),
    OF (zmq_z85_decode, TEXT, KEY_TEXT),
    OF (zmq_curve_keypair, KEY_ROOM, TEXT),
    OF (zmq_curve_public, KEY_ROOM, KEY_TEXT),
    OF (zmq_timers_add, TIMERS, INTERVAL, HANDLER, ANY_POINTER),
    OF (zmq_timers_cancel, TIMERS, TIMER),
    OF (zmq_timers_set_interval, TIMERS, TIMER, INTERVAL),
    OF (zmq_timers_reset, TIMERS, TIMER),
    OF (zmq_msg_size, MESSAGE),
    OF (zmq_msg_close, MESSAGE),
    OF (zmq_timers_execute, TIMERS),
};

/*  libzmq does not survive these.  */
static const char *const left_out[] = {
    "zmq_setsockopt (*, NULL, 4)",
    "zmq_getsockopt (*, NULL, 4)",
    "zmq_getsockopt (*, NULL)",
    "zmq_bind (p*, NULL)",
    "zmq_bind (rep, NULL)",
    "zmq_connect (p*, NULL)",
    "zmq_connect (rep, NULL)",
    "zmq_send (*, NULL, 5, *)",
    "zmq_send_const (*, NULL, 5, *)",
    "zmq_send_const (*, NULL, (size_t) 1 << 62, *)",
    "zmq_recv (*, NULL, 5, *)",
    "zmq_recv (*, NULL, (size_t) 1 << 62, *)",
    "zmq_msg_init_size (NULL, *)",
    "zmq_msg_init_data (NULL, *)",
    "zmq_msg_init_data (room, NULL, [!0]*)",
    "zmq_msg_send ([!m]*)",
    "zmq_sendmsg (*, [!m]*, *)",
    "zmq_msg_move (*NULL*)",
    "zmq_msg_copy (*NULL*)",
    "zmq_msg_get (NULL, ZMQ_*)",
    "zmq_msg_gets (NULL, *)",
    "zmq_msg_size ([!m]*)",
    "zmq_msg_close (NULL)",
    "zmq_device (*, NULL, NULL)",
    "zmq_z85_encode (*NULL, [!1]*)",
    "zmq_z85_encode (*NULL, data, [!1]*)",
    "zmq_z85_decode (NULL, [!oe]*)",
    "zmq_z85_decode (room, NULL)",
    "zmq_curve_keypair (*NULL*)",
    "zmq_curve_public (NULL, [!oe]*)",
    "zmq_curve_public (*, NULL)",
};

/*  --- calls ------------------------------------------------------------------  */

static void describe (const function *function, const int *chosen, char *line, size_t size)
{
    size_t used = (size_t) snprintf (line, size, "%s (", function->name);
    for (int n = 0; n < ARGUMENTS && function->kinds[n]; n++)
        used += (size_t) snprintf (line + used, size - used, "%s%s", n ? ", " : "",
                                   lists[function->kinds[n]][chosen[n]].label);
    snprintf (line + used, size - used, ")");
}

static void call (const function *function, const int *chosen)
{
    char line[500];
    argument arguments[ARGUMENTS] = {{0}};
    describe (function, chosen, line, sizeof line);
    for (size_t n = 0; n < sizeof left_out / sizeof *left_out; n++)
        if (fnmatch (left_out[n], line, 0) == 0)
            return;
    for (int n = 0; n < ARGUMENTS && function->kinds[n]; n++)
        arguments[n] = lists[function->kinds[n]][chosen[n]];
    errno = 0;
    answer answer = function->call (arguments);
    if (answer.kind == POINTER_TO)
        printf ("%s: %s errno %d\n", line, answer.pointer ? "pointer" : "NULL", answer.pointer ? 0 : errno);
    else if (answer.kind == NUMBER)
        printf ("%s: %ld errno %d\n", line, answer.number, answer.number == -1 ? errno : 0);
    else
        printf ("%s: %ld\n", line, answer.number);
}

/*  In a process of its own.  */
static void call_apart (const function *function, const int *chosen)
{
    pid_t child = fork ();
    if (child == 0) {
        alarm (20);
        make_handles ();
        make_lists ();
        call (function, chosen);
        fflush (stdout);
        _exit (0);
    }
    int status;
    if (child < 0 || waitpid (child, &status, 0) != child)
        exit (1);
    if (status != 0) {
        char line[500];
        describe (function, chosen, line, sizeof line);
        printf ("%s: ended with status %#x\n", line, (unsigned) status);
        fflush (stdout);
    }
}

static int count (kind kind)
{
    int n = 0;
    while (n < VALUES && lists[kind][n].label)
        n++;
    return n;
}

static void call_with_every_pair (const function *function)
{
    int chosen[ARGUMENTS] = {0}, arguments = 0;
    while (arguments < ARGUMENTS && function->kinds[arguments])
        arguments++;
    call_apart (function, chosen);
    for (int first = 0; first < arguments; first++)
        for (int value = 1; value < count (function->kinds[first]); value++) {
            memset (chosen, 0, sizeof chosen);
            chosen[first] = value;
            call_apart (function, chosen);
            for (int second = first + 1; second < arguments; second++)
                for (int also = 1; also < count (function->kinds[second]); also++) {
                    memset (chosen, 0, sizeof chosen);
                    chosen[first] = value;
                    chosen[second] = also;
                    call_apart (function, chosen);
                }
        }
}

int main (int argc, char **argv)
{
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    if (!freopen ("/dev/null", "w", stderr))
        return 1;
    make_lists ();
    for (size_t n = 0; n < sizeof functions / sizeof *functions; n++) {
        int wanted = argc < 2;
        for (int at = 1; at < argc; at++)
            wanted |= strcmp (argv[at], functions[n].name) == 0;
        if (wanted)
            call_with_every_pair (&functions[n]);
    }
    return 0;
}
