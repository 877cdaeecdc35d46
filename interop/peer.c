/*  One end of a conversation between two libraries.
 *
 *      peer bind|connect TYPE PEERTYPE ENDPOINT DIRECTORY [LARGEST]
 *      peer refused bind|connect TYPE ENDPOINT
 *
 *  Two of these processes, each under a library of its own (LD_LIBRARY_PATH),
 *  hold the same conversation: a fixed script of messages whose sizes, parts
 *  and bytes both sides compute, in each direction that the pair of socket
 *  types allows. Prints what was wrong and ends with status 1, or is silent.
 *  The binder prints the endpoint first. DIRECTORY holds the flags by which a
 *  subscriber tells a publisher that it receives it.
 */
#include <pthread.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define PATIENCE_MS 30000

static const char *const type_names[] = {"PAIR",   "PUB",  "SUB",  "REQ",
                                         "REP",    "DEALER", "ROUTER", "PULL",
                                         "PUSH",   "XPUB", "XSUB",   "STREAM"};
static const char *self = "?";
static const char *other = "?";
static const char *directory = ".";
static size_t largest = 1000000;
static void *context;
static void *sock;
static int binder;

static void fail (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    printf ("%s (%s): ", self, binder ? "binds" : "connects");
    vprintf (format, arguments);
    printf ("\n");
    va_end (arguments);
    fflush (stdout);
    _exit (1);
}

static void need (int worked, const char *step)
{
    if (!worked)
        fail ("%s: %s", step, zmq_strerror (zmq_errno ()));
}

static int type_number (const char *name)
{
    for (int n = 0; n < 12; n++)
        if (strcmp (name, type_names[n]) == 0)
            return n;
    fail ("unknown socket type %s", name);
    return -1;
}

static void set_number (int option, int value)
{
    need (zmq_setsockopt (sock, option, &value, sizeof value) == 0, "option");
}

/*  ---- the script -------------------------------------------------------  */

/*  Sizes around every border of the protocol's encodings and of buffers.  */
static const size_t sizes[] = {0,    1,     2,     29,    30,     33,    34,
                               64,   253,   254,   255,   256,    257,   1000,
                               4095, 4096,  8183,  8191,  8192,   8193,  16384,
                               65527, 65535, 65536, 65537, 262144, 1000000};
enum { size_count = sizeof sizes / sizeof sizes[0] };

/*  Parts of the multipart messages; each list ends with -1.  */
static const long shapes[][8] = {
  {0, 0, -1},       {0, 1, 0, -1},         {255, 256, 0, 254, -1},
  {8192, 0, 8193, 1, 65536, -1}, {1, 1, 1, 1, 1, 1, -1}, {0, 0, 0, 0, 0, 0, -1},
};
enum {
    shape_count = sizeof shapes / sizeof shapes[0],
    /*  The last two: 200 small parts, and one part of the largest size.  */
    message_count = size_count + shape_count + 2
};

static int part_count (int message)
{
    if (message < size_count || message == message_count - 1)
        return 1;
    if (message == message_count - 2)
        return 200;
    int parts = 0;
    while (shapes[message - size_count][parts] >= 0)
        parts++;
    return parts;
}

static size_t part_size (int message, int part)
{
    size_t size;
    if (message < size_count)
        size = sizes[message];
    else if (message == message_count - 1)
        size = largest;
    else if (message == message_count - 2)
        size = (size_t) part;
    else
        size = (size_t) shapes[message - size_count][part];
    return size > largest ? largest : size;
}

/*  The bytes of a part: a xorshift stream seeded by direction and position.  */
static void part_bytes (uint8_t *data, size_t size, int direction, int message, int part)
{
    uint64_t state = 0x9e3779b97f4a7c15u
                     ^ ((uint64_t) direction << 40 | (uint64_t) message << 20
                        | (uint64_t) part << 1 | 1);
    for (size_t at = 0; at < size; at += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy (data + at, &state, size - at < 8 ? size - at : 8);
    }
}

/*  FNV-1a over 8 bytes at a time: what the checks compare.  */
static uint64_t checksum (const uint8_t *data, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy (&word, data + at, size - at < 8 ? size - at : 8);
        sum = (sum ^ word) * 0x100000001b3u;
    }
    return sum;
}

static uint64_t expected_sum (size_t size, int direction, int message, int part)
{
    uint8_t *data = malloc (size + 1);
    need (data != NULL, "malloc");
    part_bytes (data, size, direction, message, part);
    uint64_t sum = checksum (data, size);
    free (data);
    return sum;
}

/*  ---- sending and receiving ---------------------------------------------  */

static void send_bytes (const void *data, size_t size, int flags)
{
    if (zmq_send (sock, data, size, flags) != (int) size)
        fail ("send of %zu bytes: %s", size, zmq_strerror (zmq_errno ()));
}

static void receive_bytes (const void *data, size_t size, int more, const char *what)
{
    zmq_msg_t part;
    zmq_msg_init (&part);
    if (zmq_msg_recv (&part, sock, 0) == -1)
        fail ("receive of %s: %s", what, zmq_strerror (zmq_errno ()));
    if (zmq_msg_size (&part) != size
        || (size && memcmp (zmq_msg_data (&part), data, size) != 0))
        fail ("%s: %zu other bytes, expected %zu", what, zmq_msg_size (&part),
              size);
    if (zmq_msg_more (&part) != more)
        fail ("%s: more is %d", what, !more);
    zmq_msg_close (&part);
}

/*  Sends one message of the script; parts of 1 MB and up without a copy.  */
static void free_data (void *data, void *hint)
{
    (void) hint;
    free (data);
}

static void send_message (int direction, int message)
{
    int parts = part_count (message);
    for (int part = 0; part < parts; part++) {
        size_t size = part_size (message, part);
        uint8_t *data = malloc (size + 1);
        need (data != NULL, "malloc");
        part_bytes (data, size, direction, message, part);
        int flags = part < parts - 1 ? ZMQ_SNDMORE : 0;
        if (size >= 1000000) {
            zmq_msg_t whole;
            need (zmq_msg_init_data (&whole, data, size, free_data, NULL) == 0,
                  "init_data");
            if (zmq_msg_send (&whole, sock, flags) == -1)
                fail ("send of message %d: %s", message,
                      zmq_strerror (zmq_errno ()));
        } else {
            send_bytes (data, size, flags);
            free (data);
        }
    }
}

static void receive_message (int direction, int message)
{
    int parts = part_count (message);
    for (int n = 0; n < parts; n++) {
        zmq_msg_t part;
        zmq_msg_init (&part);
        if (zmq_msg_recv (&part, sock, 0) == -1)
            fail ("message %d part %d did not come: %s", message, n,
                  zmq_strerror (zmq_errno ()));
        size_t size = part_size (message, n);
        if (zmq_msg_size (&part) != size)
            fail ("message %d part %d has %zu bytes, expected %zu", message, n,
                  zmq_msg_size (&part), size);
        if (zmq_msg_more (&part) != (n < parts - 1))
            fail ("message %d part %d: more is %d", message, n,
                  zmq_msg_more (&part));
        if (checksum (zmq_msg_data (&part), size)
            != expected_sum (size, direction, message, n))
            fail ("message %d part %d (%zu bytes): wrong bytes", message, n,
                  size);
        zmq_msg_close (&part);
    }
}

/*  ---- flags: a file that one side makes and the other waits for ---------  */

static void raise_flag (const char *name)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", directory, name);
    int file = open (path, O_CREAT | O_WRONLY, 0600);
    need (file >= 0, path);
    close (file);
}

static int flag_raised (const char *name)
{
    char path[512];
    struct stat ignored;
    snprintf (path, sizeof path, "%s/%s", directory, name);
    return stat (path, &ignored) == 0;
}

/*  ---- the roles ----------------------------------------------------------  */

/*  0: from binder to connecter, 1: the other way.  */
static int my_direction (void) { return binder ? 0 : 1; }
static int other_direction (void) { return binder ? 1 : 0; }

static void send_all (void)
{
    for (int message = 0; message < message_count; message++)
        send_message (my_direction (), message);
}

static void receive_all (void)
{
    for (int message = 0; message < message_count; message++)
        receive_message (other_direction (), message);
}

/*  Nothing further comes after the script.  */
static void nothing_more (void)
{
    zmq_pollitem_t item = {sock, 0, ZMQ_POLLIN, 0};
    if (zmq_poll (&item, 1, 50) != 0)
        fail ("there is more to receive than was sent");
}

/*  Both send everything, then both read: the streams cross.  */
static void talk_both_ways (void)
{
    send_all ();
    receive_all ();
}

static void talk_request (void)
{
    for (int message = 0; message < message_count; message++) {
        send_message (my_direction (), message);
        receive_message (other_direction (), message);
    }
}

static void talk_reply (void)
{
    for (int message = 0; message < message_count; message++) {
        receive_message (other_direction (), message);
        send_message (my_direction (), message);
    }
}

/*  DEALER that is connected to REP: an empty delimiter before each request.  */
static void talk_dealer_to_rep (void)
{
    for (int message = 0; message < message_count; message++) {
        send_bytes ("", 0, ZMQ_SNDMORE);
        send_message (my_direction (), message);
    }
    for (int message = 0; message < message_count; message++) {
        receive_bytes ("", 0, 1, "delimiter");
        receive_message (other_direction (), message);
    }
}

/*  The routing id that comes before each message at a ROUTER. The peer sets
 *  "peer-id" when it connects; a binder leaves it, so we see a generated one. */
static uint8_t id[256];
static size_t id_size;

static void receive_id (void)
{
    zmq_msg_t part;
    zmq_msg_init (&part);
    need (zmq_msg_recv (&part, sock, 0) != -1, "routing id");
    id_size = zmq_msg_size (&part);
    if (id_size > sizeof id)
        fail ("routing id of %zu bytes", id_size);
    memcpy (id, zmq_msg_data (&part), id_size);
    if (!zmq_msg_more (&part))
        fail ("routing id alone");
    zmq_msg_close (&part);
    if (binder ? id_size != 7 || memcmp (id, "peer-id", 7) != 0
               : id_size != 5 || id[0] != 0)
        fail ("unexpected routing id of %zu bytes, first is %d", id_size, id[0]);
}

static void talk_router_to_req (void)
{
    for (int message = 0; message < message_count; message++) {
        receive_id ();
        receive_bytes ("", 0, 1, "delimiter");
        receive_message (other_direction (), message);
        send_bytes (id, id_size, ZMQ_SNDMORE);
        send_bytes ("", 0, ZMQ_SNDMORE);
        send_message (my_direction (), message);
    }
}

static void talk_router_to_dealer (void)
{
    for (int message = 0; message < message_count; message++) {
        receive_id ();
        receive_message (other_direction (), message);
    }
    for (int message = 0; message < message_count; message++) {
        send_bytes (id, id_size, ZMQ_SNDMORE);
        send_message (my_direction (), message);
    }
}

/*  Both have ids; each tries until the other is known (EHOSTUNREACH before). */
static void talk_router_to_router (void)
{
    const char *name = binder ? "connecter" : "binder";
    size_t size = strlen (name);
    for (int tries = 0;; tries++) {
        if (zmq_send (sock, name, size, ZMQ_SNDMORE) == (int) size)
            break;
        if (zmq_errno () != EHOSTUNREACH || tries > PATIENCE_MS / 10)
            fail ("send to %s: %s", name, zmq_strerror (zmq_errno ()));
        struct timespec span = {0, 10000000};
        nanosleep (&span, NULL);
    }
    send_message (my_direction (), 0);
    for (int message = 1; message < message_count; message++) {
        send_bytes (name, size, ZMQ_SNDMORE);
        send_message (my_direction (), message);
    }
    for (int message = 0; message < message_count; message++) {
        receive_bytes (name, size, 1, "routing id");
        receive_message (other_direction (), message);
    }
}

/*  Says HELLO with this topic until the subscriber raises the flag.  */
static void send_until_received (const char *topic, const char *flag)
{
    for (int tries = 0; !flag_raised (flag); tries++) {
        if (tries > PATIENCE_MS / 10)
            fail ("nobody receives topic %s", topic);
        send_bytes (topic, strlen (topic), ZMQ_SNDMORE);
        send_bytes ("HELLO", 5, 0);
        struct timespec span = {0, 10000000};
        nanosleep (&span, NULL);
    }
}

static void expect_subscription (int is_xpub, const char *text, size_t size)
{
    if (is_xpub)
        receive_bytes (text, size, 0, "subscription");
}

/*  The script under topic "wanted", each message after one of another topic;
 *  then the subscriber unsubscribes and gets the other topic alone.  */
static void talk_publish (int is_xpub)
{
    expect_subscription (is_xpub, "\1wanted", 7);
    send_until_received ("wanted", "receives-wanted");
    for (int message = 0; message < message_count; message++) {
        send_bytes ("unwanted", 8, ZMQ_SNDMORE);
        send_bytes ("body", 4, 0);
        send_bytes ("wanted", 6, ZMQ_SNDMORE);
        send_message (my_direction (), message);
    }
    expect_subscription (is_xpub, "\0wanted", 7);
    expect_subscription (is_xpub, "\1other", 6);
    send_until_received ("other", "receives-other");
    send_bytes ("wanted", 6, 0);
    send_bytes ("other and more", 14, 0);
    send_bytes ("", 0, 0);
    send_bytes ("other end", 9, 0);
}

static void change_subscription (int is_xsub, int add, const char *topic)
{
    if (!is_xsub)
        need (zmq_setsockopt (sock, add ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic,
                              strlen (topic)) == 0, "subscribe");
    else {
        char text[64];
        text[0] = (char) add;
        memcpy (text + 1, topic, strlen (topic));
        send_bytes (text, strlen (topic) + 1, 0);
    }
}

/*  Reads the next part into TEXT (at most 63 bytes); true if more follow.  */
static int receive_short (char *text)
{
    zmq_msg_t part;
    zmq_msg_init (&part);
    need (zmq_msg_recv (&part, sock, 0) != -1, "receive");
    size_t size = zmq_msg_size (&part);
    if (size > 63)
        fail ("a part of %zu bytes where a topic or HELLO belongs", size);
    memcpy (text, zmq_msg_data (&part), size);
    text[size] = 0;
    int more = zmq_msg_more (&part);
    zmq_msg_close (&part);
    return more;
}

static void expect_topic (const char *topic)
{
    char text[64];
    int more = receive_short (text);
    if (!more || strcmp (text, topic) != 0)
        fail ("topic \"%s\", expected \"%s\"", text, topic);
}

static void expect_hello (const char *topic)
{
    expect_topic (topic);
    receive_bytes ("HELLO", 5, 0, "HELLO");
}

static void talk_subscribe (int is_xsub)
{
    char text[64];
    change_subscription (is_xsub, 1, "wanted");
    expect_hello ("wanted");
    raise_flag ("receives-wanted");
    /*  More HELLOs may have been on their way; the script's first message is
     *  an empty one.  */
    for (;;) {
        expect_topic ("wanted");
        if (receive_short (text))
            fail ("HELLO or the first message has more parts");
        if (text[0] == 0)
            break;
        if (strcmp (text, "HELLO") != 0)
            fail ("\"%s\" instead of HELLO", text);
    }
    for (int message = 1; message < message_count; message++) {
        expect_topic ("wanted");
        receive_message (other_direction (), message);
    }
    change_subscription (is_xsub, 0, "wanted");
    change_subscription (is_xsub, 1, "other");
    expect_hello ("other");
    raise_flag ("receives-other");
    while (receive_short (text)) {
        if (strcmp (text, "other") != 0)
            fail ("topic \"%s\", expected other", text);
        receive_bytes ("HELLO", 5, 0, "HELLO");
    }
    if (strcmp (text, "other and more") != 0)
        fail ("\"%s\", expected \"other and more\"", text);
    receive_bytes ("other end", 9, 0, "the end");
}

static void talk (int type, int peer)
{
    switch (type) {
        case ZMQ_PUSH:
            send_all ();
            break;
        case ZMQ_PULL:
            receive_all ();
            break;
        case ZMQ_REQ:
            talk_request ();
            break;
        case ZMQ_REP:
            talk_reply ();
            break;
        case ZMQ_PAIR:
            talk_both_ways ();
            break;
        case ZMQ_DEALER:
            if (peer == ZMQ_REP)
                talk_dealer_to_rep ();
            else
                talk_both_ways ();
            break;
        case ZMQ_ROUTER:
            if (peer == ZMQ_REQ)
                talk_router_to_req ();
            else if (peer == ZMQ_DEALER)
                talk_router_to_dealer ();
            else
                talk_router_to_router ();
            break;
        case ZMQ_PUB:
        case ZMQ_XPUB:
            talk_publish (type == ZMQ_XPUB);
            break;
        case ZMQ_SUB:
        case ZMQ_XSUB:
            talk_subscribe (type == ZMQ_XSUB);
            break;
    }
    /*  An XPUB may see the subscriber leave: that is a message too.  */
    if (type != ZMQ_PUSH && type != ZMQ_PUB && type != ZMQ_XPUB)
        nothing_more ();
}

static void open_socket (int type)
{
    context = zmq_ctx_new ();
    sock = zmq_socket (context, type);
    need (sock != NULL, "socket");
    set_number (ZMQ_RCVTIMEO, PATIENCE_MS);
    set_number (ZMQ_SNDTIMEO, PATIENCE_MS);
}

/*  Lets everybody in, until the context ends.  */
static void *admit (void *handler)
{
    for (;;) {
        char request_id[256];
        int more = 1, part = 0;
        size_t size = sizeof more;
        while (more) {
            char bytes[256];
            int length = zmq_recv (handler, bytes, sizeof bytes, 0);
            if (length == -1) {
                zmq_close (handler);
                return NULL;
            }
            if (part++ == 1)
                memcpy (request_id, bytes, (size_t) length), request_id[length] = 0;
            zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &size);
        }
        const char *reply[] = {"1.0", request_id, "200", "OK", "friend", ""};
        for (int i = 0; i < 6; i++)
            zmq_send (handler, reply[i], strlen (reply[i]), i < 5 ? ZMQ_SNDMORE : 0);
    }
}

static void set_text (int option, const char *text)
{
    need (zmq_setsockopt (sock, option, text, strlen (text)) == 0, "option");
}

/*  The security mechanism that PEER_MECHANISM names: the side that binds is its server.
 *  The keys are those of zmq_curve(7).  */
static void secure (void)
{
    static const char *const keys[2][2] = {
      {"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"},
      {"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"}};
    const char *mechanism = getenv ("PEER_MECHANISM");
    if (!mechanism || !*mechanism)
        return;
    if (strcmp (mechanism, "plain") == 0) {
        if (binder)
            set_number (ZMQ_PLAIN_SERVER, 1);
        else {
            set_text (ZMQ_PLAIN_USERNAME, "name");
            set_text (ZMQ_PLAIN_PASSWORD, "password");
        }
    } else if (strcmp (mechanism, "curve") == 0) {
        set_text (ZMQ_CURVE_PUBLICKEY, keys[!binder][0]);
        set_text (ZMQ_CURVE_SECRETKEY, keys[!binder][1]);
        if (binder)
            set_number (ZMQ_CURVE_SERVER, 1);
        else
            set_text (ZMQ_CURVE_SERVERKEY, keys[0][0]);
    } else if (strncmp (mechanism, "gssapi", 6) == 0) {
        if (binder)
            set_number (ZMQ_GSSAPI_SERVER, 1);
        else
            set_text (ZMQ_GSSAPI_SERVICE_PRINCIPAL, "zmq@localhost");
        set_number (ZMQ_GSSAPI_PLAINTEXT, strcmp (mechanism, "gssapi-plaintext") == 0);
    } else if (strcmp (mechanism, "null") != 0)
        fail ("PEER_MECHANISM is null, plain, curve, gssapi or gssapi-plaintext");
    if (binder) {
        void *handler = zmq_socket (context, ZMQ_REP);
        need (zmq_bind (handler, "inproc://zeromq.zap.01") == 0, "ZAP");
        pthread_t thread;
        need (pthread_create (&thread, NULL, admit, handler) == 0, "thread");
        pthread_detach (thread);
        set_text (ZMQ_ZAP_DOMAIN, "global");
    }
}

static void plug (const char *endpoint)
{
    secure ();
    if (binder) {
        char actual[256];
        size_t size = sizeof actual;
        need (zmq_bind (sock, endpoint) == 0, endpoint);
        need (zmq_getsockopt (sock, ZMQ_LAST_ENDPOINT, actual, &size) == 0,
              "LAST_ENDPOINT");
        printf ("%s\n", actual);
        fflush (stdout);
    } else
        need (zmq_connect (sock, endpoint) == 0, endpoint);
}

/*  A peer of the wrong type must stay without any: no message goes either
 *  way, and a socket that waits for peers refuses to send. */
static void try_in_vain (int type)
{
    zmq_pollitem_t item = {sock, 0, ZMQ_POLLIN, 0};
    int counts = type == ZMQ_PUSH || type == ZMQ_PAIR || type == ZMQ_REQ
                 || type == ZMQ_DEALER;
    for (int n = 0; n < 15; n++) {
        if (type != ZMQ_SUB && type != ZMQ_XSUB && type != ZMQ_PULL && type != ZMQ_REP
            && type != ZMQ_ROUTER) {
            int sent = zmq_send (sock, "x", 1, ZMQ_DONTWAIT);
            if (counts && sent != -1)
                fail ("a message was accepted for a peer of the wrong type");
        }
        if (zmq_poll (&item, 1, 20) != 0)
            fail ("something came from a peer of the wrong type");
    }
}

int main (int argc, char **argv)
{
    alarm (60);
    if (argc == 5 && strcmp (argv[1], "refused") == 0) {
        binder = strcmp (argv[2], "bind") == 0;
        self = argv[3];
        int type = type_number (self);
        open_socket (type);
        set_number (ZMQ_LINGER, 0);
        /*  Counts only peers whose handshake has succeeded.  */
        set_number (ZMQ_IMMEDIATE, 1);
        if (type == ZMQ_SUB)
            need (zmq_setsockopt (sock, ZMQ_SUBSCRIBE, "", 0) == 0, "subscribe");
        plug (argv[4]);
        try_in_vain (type);
    } else if (argc >= 6) {
        binder = strcmp (argv[1], "bind") == 0;
        self = argv[2];
        other = argv[3];
        directory = argv[5];
        if (argc > 6)
            largest = (size_t) strtoull (argv[6], NULL, 10);
        int type = type_number (self), peer = type_number (other);
        open_socket (type);
        if (type == ZMQ_ROUTER && peer == ZMQ_ROUTER) {
            const char *name = binder ? "binder" : "connecter";
            need (zmq_setsockopt (sock, ZMQ_ROUTING_ID, name, strlen (name)) == 0,
                  "routing id");
            set_number (ZMQ_ROUTER_MANDATORY, 1);
        } else if (peer == ZMQ_ROUTER && !binder)
            need (zmq_setsockopt (sock, ZMQ_ROUTING_ID, "peer-id", 7) == 0,
                  "routing id");
        plug (argv[4]);
        talk (type, peer);
    } else {
        fprintf (stderr, "peer bind|connect TYPE PEERTYPE ENDPOINT DIRECTORY [LARGEST]\n"
                         "peer refused bind|connect TYPE ENDPOINT\n");
        return 2;
    }
    zmq_close (sock);
    zmq_ctx_term (context); /*  Waits until the last message has gone out.  */
    return 0;
}
