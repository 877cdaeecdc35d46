/*  What the tests of security mechanisms share: a ZAP handler in a thread, a
 *  pair of sockets with the options under test, and the events of their monitors.
 */
#ifndef SECURITY_H
#define SECURITY_H

#include "peers.h"

/*  Of libzmq's draft options, which it knows all the same.  */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

/*  What a handler does with a request.  */
typedef struct zap_answer {
    const char *version, *request_id; /*  NULL: "1.0" and the request's  */
    const char *status;               /*  NULL: none at all  */
    const char *user_id;
    const char *metadata;
    size_t metadata_size;
    int parts; /*  0: the six of a reply  */
} zap_answer;

typedef struct zap_handler {
    void *context, *socket, *control;
    pthread_t thread;
    zap_answer answer;
    int requests;
    /*  The last request, its parts as they came.  */
    int parts;
    char part[16][256];
    int size[16];
} zap_handler;

static inline void zap_reply (zap_handler *handler)
{
    const zap_answer *answer = &handler->answer;
    const char *texts[] = {answer->version ? answer->version : "1.0",
                           answer->request_id ? answer->request_id : handler->part[1],
                           answer->status, "text",
                           answer->user_id ? answer->user_id : ""};
    int count = answer->parts ? answer->parts : 6;
    for (int i = 0; i < count; i++) {
        int more = i + 1 < count ? ZMQ_SNDMORE : 0;
        if (i == 5)
            CHECK_INT (zmq_send (handler->socket, answer->metadata,
                                 answer->metadata_size, more),
                       answer->metadata_size);
        else
            send_text (handler->socket, i < 5 ? texts[i] : "more", more);
    }
}

static inline void *zap_loop (void *argument)
{
    zap_handler *handler = argument;
    zmq_pollitem_t items[] = {{handler->socket, 0, ZMQ_POLLIN, 0},
                              {handler->control, 0, ZMQ_POLLIN, 0}};
    for (;;) {
        CHECK (zmq_poll (items, 2, -1) > 0);
        if (items[1].revents)
            return NULL;
        int parts = 0, more = 1;
        while (more) {
            CHECK (parts < 16);
            int size = zmq_recv (handler->socket, handler->part[parts], 255, 0);
            CHECK (size >= 0 && size < 256);
            handler->part[parts][size] = 0;
            handler->size[parts++] = size;
            more = get_int (handler->socket, ZMQ_RCVMORE);
        }
        handler->parts = parts;
        /*  Before the answer: a test that sees the outcome may read it.  */
        __atomic_add_fetch (&handler->requests, 1, __ATOMIC_SEQ_CST);
        if (handler->answer.status)
            zap_reply (handler);
        else if (handler->answer.parts) {
            /*  Stops in the middle of the dialogue.  */
            CHECK_OK (zmq_close (handler->socket));
            handler->socket = NULL;
            return NULL;
        }
    }
}

static inline void zap_start (zap_handler *handler, void *context, zap_answer answer)
{
    memset (handler, 0, sizeof *handler);
    handler->context = context;
    handler->answer = answer;
    handler->socket = open_socket (context, ZMQ_REP);
    handler->control = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (handler->socket, ZAP_ENDPOINT));
    CHECK_OK (zmq_bind (handler->control, "inproc://zap-control"));
    CHECK_OK (pthread_create (&handler->thread, NULL, zap_loop, handler));
}

static inline void zap_stop (zap_handler *handler)
{
    void *control = open_socket (handler->context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (control, "inproc://zap-control"));
    (void) zmq_send (control, "", 0, ZMQ_DONTWAIT);
    CHECK_OK (pthread_join (handler->thread, NULL));
    CHECK_OK (zmq_close (control));
    CHECK_OK (zmq_close (handler->control));
    if (handler->socket)
        CHECK_OK (zmq_close (handler->socket));
}

/*  Part NUMBER of the last request (version first).  */
#define EXPECT_ASKED(HANDLER, NUMBER, TEXT)                                   \
    do {                                                                      \
        CHECK_STRING ((HANDLER)->part[NUMBER], TEXT);                         \
        CHECK_INT ((HANDLER)->size[NUMBER], strlen (TEXT));                   \
    } while (0)

/*  A monitor of SOCKET.  */
static inline void *monitor_of (void *context, void *socket)
{
    static int number;
    char endpoint[40];
    snprintf (endpoint, sizeof endpoint, "inproc://monitor-%d", number++);
    CHECK_OK (zmq_socket_monitor (socket, endpoint, ZMQ_EVENT_ALL));
    void *monitor = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (monitor, endpoint));
    return monitor;
}

/*  The next event that is one of the set; its value.  */
static inline int next_event (void *monitor, int set, uint32_t *value)
{
    for (;;) {
        unsigned char head[6];
        char endpoint[300];
        CHECK_INT (zmq_recv (monitor, head, sizeof head, 0), 6);
        CHECK (zmq_recv (monitor, endpoint, sizeof endpoint, 0) >= 0);
        uint16_t event;
        memcpy (&event, head, 2);
        memcpy (value, head + 2, 4);
        if (event & set)
            return event;
    }
}

#define HANDSHAKE_EVENTS                                                      \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH          \
     | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL                                    \
     | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

/*  How the next handshake ends.  */
#define EXPECT_HANDSHAKE(MONITOR, EVENT, VALUE)                               \
    do {                                                                      \
        uint32_t harness_value;                                               \
        CHECK_INT (next_event (MONITOR, HANDSHAKE_EVENTS, &harness_value),    \
                   EVENT);                                                    \
        CHECK_INT (harness_value, VALUE);                                     \
    } while (0)

#define EXPECT_SUCCESS(MONITOR)                                               \
    EXPECT_HANDSHAKE (MONITOR, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0)
#define EXPECT_DENIED(MONITOR, STATUS)                                        \
    EXPECT_HANDSHAKE (MONITOR, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, STATUS)
#define EXPECT_BREACH(MONITOR, CODE)                                          \
    EXPECT_HANDSHAKE (MONITOR, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, CODE)
#define EXPECT_NO_DETAIL(MONITOR, NUMBER)                                     \
    EXPECT_HANDSHAKE (MONITOR, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, NUMBER)

/*  A server and a client, not bound and connected yet, with monitors.  */
typedef struct pair {
    void *context, *server, *client, *server_monitor, *client_monitor;
} pair;

static inline pair open_pair_of (int server_type, int client_type)
{
    pair pair;
    pair.context = zmq_ctx_new ();
    CHECK (pair.context != NULL);
    pair.server = open_socket (pair.context, server_type);
    pair.client = open_socket (pair.context, client_type);
    /*  Nobody tries twice while the events of the first time are read.  */
    set_int (pair.client, ZMQ_RECONNECT_IVL, 60000);
    pair.server_monitor = monitor_of (pair.context, pair.server);
    pair.client_monitor = monitor_of (pair.context, pair.client);
    return pair;
}

static inline pair open_pair (void)
{
    return open_pair_of (ZMQ_DEALER, ZMQ_DEALER);
}

static inline void meet (pair *pair, const char *transport)
{
    CHECK_OK (zmq_connect (pair->client, bind_to (pair->server, wildcard (transport))));
}

static inline void close_pair (pair *pair)
{
    CHECK_OK (zmq_close (pair->server));
    CHECK_OK (zmq_close (pair->client));
    CHECK_OK (zmq_close (pair->server_monitor));
    CHECK_OK (zmq_close (pair->client_monitor));
    CHECK_OK (zmq_ctx_term (pair->context));
}

/*  Messages pass both ways.  */
static inline void expect_exchange (pair *pair)
{
    send_text (pair->client, "hello", ZMQ_SNDMORE);
    send_text (pair->client, "", 0);
    EXPECT_PART (pair->server, "hello", 1);
    EXPECT_PART (pair->server, "", 0);
    send_text (pair->server, "world", 0);
    EXPECT_PART (pair->client, "world", 0);
}

/*  Nothing passes.  */
static inline void expect_silence (pair *pair)
{
    char byte;
    (void) zmq_send (pair->client, "x", 1, ZMQ_DONTWAIT);
    set_int (pair->server, ZMQ_RCVTIMEO, SETTLE_MS);
    CHECK_ERRNO (zmq_recv (pair->server, &byte, 1, 0), EAGAIN);
}

static inline void set_text (void *socket, int option, const char *text)
{
    CHECK_OK (zmq_setsockopt (socket, option, text, strlen (text)));
}

/*  A property of the next message at SOCKET, or of none.  */
static inline void expect_property (void *socket, const char *name, const char *value)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK (zmq_msg_recv (&message, socket, 0) >= 0);
    const char *got = zmq_msg_gets (&message, name);
    if (value)
        CHECK_STRING (got, value);
    else
        CHECK (got == NULL);
    CHECK_OK (zmq_msg_close (&message));
}

/*  The peer is let in as the handler's joe; the request began with these parts, and
 *  the mechanism's own parts followed.  */
static inline void expect_joe_let_in (pair *pair, zap_handler *handler, const char *transport,
                                      const char *mechanism)
{
    set_text (pair->server, ZMQ_ZAP_DOMAIN, "global");
    set_text (pair->server, ZMQ_ROUTING_ID, "server");
    meet (pair, transport);
    EXPECT_SUCCESS (pair->server_monitor);
    EXPECT_SUCCESS (pair->client_monitor);
    send_text (pair->client, "x", 0);
    expect_property (pair->server, "User-Id", "joe");
    send_text (pair->server, "x", 0);
    expect_property (pair->client, "User-Id", NULL);
    expect_exchange (pair);
    EXPECT_ASKED (handler, 0, "1.0");
    EXPECT_ASKED (handler, 2, "global");
    if (strcmp (transport, "tcp") == 0)
        EXPECT_ASKED (handler, 3, "127.0.0.1");
    EXPECT_ASKED (handler, 4, "server");
    EXPECT_ASKED (handler, 5, mechanism);
}

static const zap_answer ZAP_YES = {.status = "200", .user_id = "joe"};

/*  Malformed answers, and the protocol error of each.  */
static const struct nonsense {
    zap_answer answer;
    uint32_t code;
} NONSENSE[] = {
  {{.status = "600"}, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
  {{.status = "201"}, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
  {{.status = "20"}, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
  {{.status = ""}, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
  {{.status = "200", .version = "2.0"}, ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION},
  {{.status = "200", .request_id = "77"}, ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID},
  {{.status = "200", .metadata = "\xFFx", .metadata_size = 2},
   ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA},
  {{.status = "200", .parts = 4}, ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY},
  {{.status = "200", .parts = 7}, ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY},
};
#define NONSENSE_COUNT (int) (sizeof NONSENSE / sizeof *NONSENSE)

/*  What peers of ZMTP 1.0, of 1.0 with a signature and of 2.0 begin with, and a
 *  message behind it.  */
static const struct {
    const char *bytes;
    size_t size;
} OLD_GREETINGS[] = {
  {"\x01\x00\x06\x00hello", 9},
  {"\xFF\0\0\0\0\0\0\0\x01\x7F\x00\x05\x01\x00\x06\x00hello", 21},
  {"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05\x00\x00\x00\x05hello", 21},
};

#endif
