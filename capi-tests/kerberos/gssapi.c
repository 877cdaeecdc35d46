/*  GSSAPI (zmq_gssapi(7), RFC 38) beside a Kerberos KDC: which types
 *  exchange messages, what is on the wire, which principal a peer has.
 */
#define _GNU_SOURCE
#define TEST_LIMIT_S 30
#include "kerberos.h"

TEST (has_gssapi)
{
    CHECK_INT (zmq_has ("gssapi"), 1);
}

#define PARTS 8

/*  A message as it came.  */
typedef struct parcel {
    int count, size[PARTS];
    char part[PARTS][64];
} parcel;

static parcel receive (void *socket)
{
    parcel parcel = {0};
    do {
        CHECK (parcel.count < PARTS);
        int size = zmq_recv (socket, parcel.part[parcel.count], 64, 0);
        CHECK (size >= 0 && size <= 64);
        parcel.size[parcel.count++] = size;
    } while (get_int (socket, ZMQ_RCVMORE));
    return parcel;
}

/*  Three parts behind those of ENVELOPE.  */
static void speak (void *socket, const parcel *envelope)
{
    for (int i = 0; i < envelope->count; i++)
        CHECK_INT (zmq_send (socket, envelope->part[i], envelope->size[i], ZMQ_SNDMORE),
                   envelope->size[i]);
    send_text (socket, "alpha", ZMQ_SNDMORE);
    send_text (socket, "", ZMQ_SNDMORE);
    send_text (socket, "omega", 0);
}

/*  What `speak` sent; only the envelope is left of it.  */
static parcel listen_to (void *socket)
{
    parcel parcel = receive (socket);
    CHECK (parcel.count >= 3);
    parcel.count -= 3;
    CHECK_STRING (parcel.part[parcel.count], "alpha");
    CHECK_INT (parcel.size[parcel.count + 1], 0);
    CHECK_STRING (parcel.part[parcel.count + 2], "omega");
    return parcel;
}

static void talk (pair *pair, int server_type, int client_type)
{
    static const parcel none;
    /*  A REP takes what has an empty part in front.  */
    static const parcel delimiter = {.count = 1};
    const parcel *first = client_type == ZMQ_DEALER && server_type == ZMQ_REP ? &delimiter : &none;
    if (client_type == ZMQ_PULL) {
        speak (pair->server, &none);
        listen_to (pair->client);
        return;
    }
    speak (pair->client, first);
    parcel envelope = listen_to (pair->server);
    if (server_type == ZMQ_PULL)
        return;
    speak (pair->server, &envelope);
    CHECK_INT (listen_to (pair->client).count, first->count);
}

/*  The publisher repeats it until it is received.  */
static void publish (void *publisher, void *subscriber)
{
    static const parcel none;
    zmq_pollitem_t item = {subscriber, 0, ZMQ_POLLIN, 0};
    for (int64_t give_up = now_ms () + PATIENCE_MS;;) {
        speak (publisher, &none);
        if (zmq_poll (&item, 1, 5) == 1)
            break;
        CHECK (now_ms () < give_up);
    }
    listen_to (subscriber);
}

static const int DIALOGUES[][2] = {
  {ZMQ_REP, ZMQ_REQ},       {ZMQ_ROUTER, ZMQ_REQ},  {ZMQ_REP, ZMQ_DEALER},
  {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_DEALER, ZMQ_REQ},
  {ZMQ_PULL, ZMQ_PUSH},     {ZMQ_PUSH, ZMQ_PULL},   {ZMQ_PAIR, ZMQ_PAIR}};

/*  The server binds, or the client does.  */
static void every_dialogue (int plaintext, const char *transport, int client_binds)
{
    for (size_t i = 0; i < sizeof DIALOGUES / sizeof *DIALOGUES; i++) {
        int server = DIALOGUES[i][0], client = DIALOGUES[i][1];
        if (server == ZMQ_DEALER && client == ZMQ_REQ)
            continue; /*  They do not go together.  */
        pair pair = kerberos_pair_of (server, client, plaintext);
        if (client_binds)
            CHECK_OK (zmq_connect (pair.server, bind_to (pair.client, wildcard (transport))));
        else
            meet (&pair, transport);
        EXPECT_SUCCESS (pair.server_monitor);
        EXPECT_SUCCESS (pair.client_monitor);
        talk (&pair, server, client);
        close_pair (&pair);
    }
}

WIRE_TEST (every_dialogue_encrypted)
{
    every_dialogue (0, transport, 0);
}

WIRE_TEST (every_dialogue_in_plaintext)
{
    every_dialogue (1, transport, 0);
}

TEST (a_server_may_connect_and_its_client_bind)
{
    every_dialogue (0, "tcp", 1);
}

static void every_publisher (int plaintext)
{
    static const int publishers[] = {ZMQ_PUB, ZMQ_XPUB}, subscribers[] = {ZMQ_SUB, ZMQ_XSUB};
    for (int i = 0; i < 8; i++) {
        int publisher = publishers[i & 1], subscriber = subscribers[i >> 1 & 1];
        int serves = i >> 2;
        pair pair = serves ? kerberos_pair_of (publisher, subscriber, plaintext)
                           : kerberos_pair_of (subscriber, publisher, plaintext);
        void *from = serves ? pair.server : pair.client, *to = serves ? pair.client : pair.server;
        meet (&pair, "tcp");
        if (subscriber == ZMQ_SUB)
            subscribe (to, "al");
        else
            send_text (to, "\1al", 0);
        publish (from, to);
        close_pair (&pair);
    }
}

TEST (publishers_and_subscribers_in_plaintext)
{
    every_publisher (1);
}

TEST (publishers_and_subscribers_encrypted)
{
    every_publisher (0);
}

static void large_messages (int plaintext)
{
    static const size_t sizes[] = {0, 1, 255, 256, 4095, 65536, 70001, 5000000};
    static char sent[5000000], got[5000000];
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char) (i * 7 + i / 255);
    pair pair = kerberos_pair (plaintext);
    meet (&pair, "tcp");
    void *ends[] = {pair.client, pair.server};
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            CHECK_INT (zmq_send (ends[turn], sent, sizes[i], i % 2 ? ZMQ_SNDMORE : 0), sizes[i]);
        send_text (ends[turn], "end", 0);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            CHECK_INT (zmq_recv (ends[!turn], got, sizeof got, 0), sizes[i]);
            CHECK_OK (memcmp (sent, got, sizes[i]));
            CHECK_INT (get_int (ends[!turn], ZMQ_RCVMORE), i % 2);
        }
        EXPECT_TEXT (ends[!turn], "end");
    }
    close_pair (&pair);
}

TEST (large_messages_encrypted)
{
    large_messages (0);
}

TEST (large_messages_in_plaintext)
{
    large_messages (1);
}

/*  What a wiretap does to the next bytes that the client sends.  */
enum {PASS, REPEAT, ALTER};

/*  Passes everything on between a client and a server, and keeps it.  */
typedef struct wiretap {
    int listener, port, server_port, meddle;
    size_t size;
    char bytes[20000];
} wiretap;

static void *tap (void *argument)
{
    wiretap *own = argument;
    struct pollfd ends[] = {{plain_accept (own->listener), POLLIN, 0},
                            {plain_connect (own->server_port), POLLIN, 0}};
    for (;;) {
        CHECK (poll (ends, 2, PATIENCE_MS) > 0);
        for (int i = 0; i < 2; i++) {
            if (!ends[i].revents)
                continue;
            char *place = own->bytes + own->size;
            ssize_t got = read (ends[i].fd, place, sizeof own->bytes - own->size);
            if (got <= 0) {
                CHECK_OK (close (ends[0].fd));
                CHECK_OK (close (ends[1].fd));
                return NULL;
            }
            own->size += got;
            int meddle = i == 0 ? __atomic_exchange_n (&own->meddle, PASS, __ATOMIC_SEQ_CST) : PASS;
            if (meddle == ALTER)
                place[got - 1] ^= 1;
            for (int times = meddle == REPEAT ? 2 : 1; times > 0; times--)
                plain_write (ends[!i].fd, place, got);
        }
    }
}

/*  The pair is connected through a wiretap.  */
static pthread_t meet_through (wiretap *own, pair *pair)
{
    char endpoint[40];
    own->listener = plain_listen (&own->port);
    own->server_port = port_of (bind_to (pair->server, "tcp://127.0.0.1:*"));
    pthread_t thread = start_thread (tap, own);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", own->port);
    CHECK_OK (zmq_connect (pair->client, endpoint));
    return thread;
}

static int overheard (const wiretap *own, const char *text)
{
    return memmem (own->bytes, own->size, text, strlen (text)) != NULL;
}

static void eavesdrop (int plaintext)
{
    static wiretap own;
    pair pair = kerberos_pair (plaintext);
    set_text (pair.client, ZMQ_ROUTING_ID, "who-we-are");
    pthread_t thread = meet_through (&own, &pair);
    send_text (pair.client, "a-secret", 0);
    EXPECT_TEXT (pair.server, "a-secret");
    send_text (pair.server, "an-answer", 0);
    EXPECT_TEXT (pair.client, "an-answer");
    close_pair (&pair);
    end_thread (thread);
    CHECK (overheard (&own, "GSSAPI") && overheard (&own, "\10INITIATE"));
    CHECK_INT (overheard (&own, "a-secret"), plaintext);
    CHECK_INT (overheard (&own, "an-answer"), plaintext);
    CHECK_INT (overheard (&own, "who-we-are"), plaintext);
    CHECK_INT (overheard (&own, "READY"), plaintext);
    CHECK_INT (overheard (&own, "\7MESSAGE"), !plaintext);
}

TEST (encrypted_nothing_can_be_overheard)
{
    eavesdrop (0);
}

TEST (in_plaintext_everything_can)
{
    eavesdrop (1);
}

/*  What was meddled with is not taken for a message, nor is anything after it.  */
static void meddle (int how, int messages)
{
    static wiretap own;
    pair pair = kerberos_pair (0);
    pthread_t thread = meet_through (&own, &pair);
    expect_exchange (&pair);
    __atomic_store_n (&own.meddle, how, __ATOMIC_SEQ_CST);
    send_text (pair.client, "once", 0);
    uint32_t value;
    next_event (pair.server_monitor, ZMQ_EVENT_DISCONNECTED, &value);
    while (messages-- > 0)
        EXPECT_TEXT (pair.server, "once");
    expect_silence (&pair);
    close_pair (&pair);
    end_thread (thread);
}

TEST (a_repeated_message_ends_the_connection)
{
    meddle (REPEAT, 1);
}

TEST (an_altered_message_ends_the_connection)
{
    meddle (ALTER, 0);
}

WIRE_TEST (the_zap_handler_is_asked_for_the_principal)
{
    for (int plaintext = 0; plaintext < 2; plaintext++) {
        pair pair = kerberos_pair (plaintext);
        zap_handler handler;
        zap_start (&handler, pair.context, ZAP_YES);
        expect_joe_let_in (&pair, &handler, transport, "GSSAPI");
        CHECK_INT (handler.parts, 7);
        EXPECT_ASKED (&handler, 6, ALICE);
        zap_stop (&handler);
        CHECK_INT (handler.requests, 1);
        close_pair (&pair);
    }
}

TEST (a_denial_of_the_zap_handler_keeps_the_peer_out)
{
    static const char *const statuses[] = {"400", "500"};
    for (int i = 0; i < 4; i++) {
        pair pair = kerberos_pair (i & 1);
        zap_handler handler;
        zap_start (&handler, pair.context, (zap_answer){.status = statuses[i >> 1]});
        set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
        meet (&pair, "tcp");
        EXPECT_DENIED (pair.server_monitor, i >> 1 ? 500 : 400);
        EXPECT_DENIED (pair.client_monitor, i >> 1 ? 500 : 400);
        expect_silence (&pair);
        zap_stop (&handler);
        close_pair (&pair);
    }
}

TEST (a_zap_handler_that_leaves_lets_nobody_in)
{
    for (int plaintext = 0; plaintext < 2; plaintext++) {
        pair pair = kerberos_pair (plaintext);
        zap_handler handler;
        set_int (pair.client, ZMQ_RECONNECT_IVL, 10);
        zap_start (&handler, pair.context, (zap_answer){.parts = 1});
        meet (&pair, "tcp");
        CHECK_OK (pthread_join (handler.thread, NULL));
        for (int64_t give_up = now_ms () + 2 * SETTLE_MS; now_ms () < give_up;)
            if (shows (pair.server_monitor, ZMQ_POLLIN)) {
                uint32_t value;
                int events = HANDSHAKE_EVENTS | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_LISTENING;
                CHECK (!(next_event (pair.server_monitor, events, &value) & HANDSHAKE_EVENTS));
            }
        CHECK_OK (zmq_close (handler.control));
        close_pair (&pair);
    }
}

TEST (without_a_zap_handler_the_user_id_is_the_principal)
{
    pair pair = kerberos_pair (0);
    meet (&pair, "tcp");
    send_text (pair.client, "x", 0);
    expect_property (pair.server, "User-Id", ALICE);
    close_pair (&pair);
}

/*  The name of the client that the server's ZAP handler receives.  */
static void expect_principal (const char *own, int name_type, const char *service,
                              int service_name_type, const char *expected)
{
    pair pair = kerberos_pair (0);
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    if (own) {
        set_text (pair.client, ZMQ_GSSAPI_PRINCIPAL, own);
        set_int (pair.client, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, name_type);
    }
    set_text (pair.client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, service);
    set_int (pair.client, ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, service_name_type);
    meet (&pair, "tcp");
    expect_exchange (&pair);
    EXPECT_ASKED (&handler, 6, expected);
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (names_of_every_type_are_understood)
{
    use_tickets ("KDC_TICKETS_ALL");
    expect_principal (NULL, 0, SERVICE, ZMQ_GSSAPI_NT_HOSTBASED, ALICE);
    expect_principal ("bob", ZMQ_GSSAPI_NT_USER_NAME, SERVICE, ZMQ_GSSAPI_NT_HOSTBASED,
                      "bob@ZMQ.TEST");
    expect_principal ("bob@ZMQ.TEST", ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, "zmq/localhost@ZMQ.TEST",
                      ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, "bob@ZMQ.TEST");
    expect_principal ("alice", ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, "zmq/localhost",
                      ZMQ_GSSAPI_NT_USER_NAME, ALICE);
    expect_principal (SERVICE, ZMQ_GSSAPI_NT_HOSTBASED, "spare@localhost",
                      ZMQ_GSSAPI_NT_HOSTBASED, "zmq/localhost@ZMQ.TEST");
}

TEST (a_client_needs_tickets_alone_and_a_server_its_key_alone)
{
    use_tickets ("KDC_TICKETS_ALL");
    CHECK_OK (setenv ("KRB5_KTNAME", from_kdc ("KDC_KEYS"), 1));
    pair pair = kerberos_pair (0);
    set_text (pair.server, ZMQ_GSSAPI_PRINCIPAL, SERVICE);
    set_text (pair.client, ZMQ_GSSAPI_PRINCIPAL, "bob");
    set_int (pair.client, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, ZMQ_GSSAPI_NT_USER_NAME);
    meet (&pair, "tcp");
    expect_exchange (&pair);
    close_pair (&pair);
}

TEST (a_server_with_a_principal_serves_that_one)
{
    use_tickets ("KDC_TICKETS_ALL");
    pair pair = kerberos_pair (0);
    set_text (pair.server, ZMQ_GSSAPI_PRINCIPAL, SERVICE);
    meet (&pair, "tcp");
    expect_exchange (&pair);
    close_pair (&pair);

    pair = kerberos_pair (0);
    set_text (pair.server, ZMQ_GSSAPI_PRINCIPAL, SERVICE);
    set_text (pair.client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "spare@localhost");
    set_int (pair.client, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    meet (&pair, "tcp");
    EXPECT_FAILURE (pair.client_monitor);
    EXPECT_FAILURE (pair.server_monitor);
    close_pair (&pair);
}

TEST (heartbeats_keep_an_encrypted_connection)
{
    pair pair = kerberos_pair (0);
    set_int (pair.client, ZMQ_HEARTBEAT_IVL, 40);
    set_int (pair.client, ZMQ_HEARTBEAT_TIMEOUT, 400);
    set_int (pair.client, ZMQ_HEARTBEAT_TTL, 400);
    meet (&pair, "tcp");
    EXPECT_SUCCESS (pair.client_monitor);
    zmq_pollitem_t item = {pair.client_monitor, 0, ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&item, 1, 700), 0);
    expect_exchange (&pair);
    close_pair (&pair);
}

TEST (a_client_reconnects_to_a_restarted_server)
{
    pair pair = kerberos_pair (0);
    char endpoint[100];
    strcpy (endpoint, bind_to (pair.server, "tcp://127.0.0.1:*"));
    set_int (pair.client, ZMQ_RECONNECT_IVL, 20);
    CHECK_OK (zmq_connect (pair.client, endpoint));
    EXPECT_SUCCESS (pair.client_monitor);
    expect_exchange (&pair);
    for (int i = 0; i < 3; i++) {
        CHECK_OK (zmq_close (pair.server));
        pair.server = open_socket (pair.context, ZMQ_DEALER);
        be_server (pair.server, 0);
        int64_t give_up = now_ms () + PATIENCE_MS;
        while (zmq_bind (pair.server, endpoint) != 0 && now_ms () < give_up)
            sleep_ms (5);
        EXPECT_SUCCESS (pair.client_monitor);
        expect_exchange (&pair);
    }
    close_pair (&pair);
}

TEST (many_clients_at_once)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL), *clients[60];
    be_server (server, 0);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    for (int i = 0; i < 60; i++) {
        clients[i] = open_socket (context, ZMQ_PUSH);
        be_client (clients[i], 0);
        CHECK_OK (zmq_connect (clients[i], endpoint));
        send_text (clients[i], "x", 0);
    }
    for (int i = 0; i < 60; i++)
        EXPECT_TEXT (server, "x");
    for (int i = 0; i < 60; i++)
        CHECK_OK (zmq_close (clients[i]));
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_ctx_term (context));
}
