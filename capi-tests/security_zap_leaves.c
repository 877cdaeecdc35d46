/*  What becomes of a peer whose judge goes away: however a ZAP handler leaves the
 *  dialogue, nobody who was asked about gets in because of that.  He waits until
 *  he gives up, or the time of the handshake is over.
 */
#include "monitors.h"
#include "security.h"

typedef enum mechanism { null, plain, curve } mechanism;
#define MECHANISMS 3

/*  A server in one context with a handler that the test plays by hand, and a
 *  client in another that comes back soon.  */
typedef struct {
    void *context, *handler, *server, *server_monitor;
    void *client_context, *client, *client_monitor;
    int parts;
    char part[16][256];
    int size[16];
} court;

static void secure (court *court, mechanism mechanism)
{
    char server[2][41], client[2][41];
    switch (mechanism) {
        case null:
            set_text (court->server, ZMQ_ZAP_DOMAIN, "global");
            break;
        case plain:
            set_int (court->server, ZMQ_PLAIN_SERVER, 1);
            set_text (court->client, ZMQ_PLAIN_USERNAME, "admin");
            set_text (court->client, ZMQ_PLAIN_PASSWORD, "secret");
            break;
        case curve:
            CHECK_OK (zmq_curve_keypair (server[0], server[1]));
            CHECK_OK (zmq_curve_keypair (client[0], client[1]));
            set_int (court->server, ZMQ_CURVE_SERVER, 1);
            set_text (court->server, ZMQ_CURVE_SECRETKEY, server[1]);
            set_text (court->client, ZMQ_CURVE_SERVERKEY, server[0]);
            set_text (court->client, ZMQ_CURVE_PUBLICKEY, client[0]);
            set_text (court->client, ZMQ_CURVE_SECRETKEY, client[1]);
    }
}

/*  The handler is asked; its request is not read yet.  INTERVAL: the server's
 *  ZMQ_HANDSHAKE_IVL, or 0 for what it is.  */
static court sit (mechanism mechanism, int handler_type, int interval)
{
    court court = {.context = zmq_ctx_new (), .client_context = zmq_ctx_new ()};
    court.handler = open_socket (court.context, handler_type);
    CHECK_OK (zmq_bind (court.handler, ZAP_ENDPOINT));
    court.server = open_socket (court.context, ZMQ_DEALER);
    court.client = open_socket (court.client_context, ZMQ_DEALER);
    set_int (court.client, ZMQ_RECONNECT_IVL, 10);
    if (interval)
        set_int (court.server, ZMQ_HANDSHAKE_IVL, interval);
    secure (&court, mechanism);
    court.server_monitor = monitor_of (court.context, court.server);
    court.client_monitor = monitor_of (court.client_context, court.client);
    CHECK_OK (zmq_connect (court.client, bind_to (court.server, "tcp://127.0.0.1:*")));
    wait_events (court.handler, ZMQ_POLLIN);
    return court;
}

static void hear (court *court)
{
    do {
        CHECK (court->parts < 16);
        int size = zmq_recv (court->handler, court->part[court->parts], 255, 0);
        CHECK (size >= 0);
        court->part[court->parts][size] = 0;
        court->size[court->parts++] = size;
    } while (get_int (court->handler, ZMQ_RCVMORE));
}

/*  The first COUNT parts of an answer; with fewer than six more are to come.  */
static void say (court *court, const char *version, const char *status, int count)
{
    const char *texts[] = {version, "1", status, "text", "", ""};
    for (int i = 0; i < count; i++)
        send_text (court->handler, texts[i], i < 5 ? ZMQ_SNDMORE : 0);
}

static void leave (court *court)
{
    CHECK_OK (zmq_close (court->handler));
    court->handler = NULL;
}

/*  Nothing is told of the handshake within the settling time but what was
 *  taken from the monitor before.  */
static void expect_to_wait (court *court)
{
    event_t event = {0};
    for (int64_t give_up = now_ms () + SETTLE_MS; now_ms () < give_up;)
        if (next_event_within (court->server_monitor, &event, 10)
            && event.number & (HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED))
            CHECK_INT (event.number, 0);
}

static void expect_end (void *monitor, int error)
{
    uint32_t value;
    EXPECT_NO_DETAIL (monitor, error);
    CHECK_INT (next_event (monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED, &value),
               ZMQ_EVENT_DISCONNECTED);
}

static void close_client (court *court)
{
    CHECK_OK (zmq_close (court->client));
    CHECK_OK (zmq_close (court->client_monitor));
    CHECK_OK (zmq_ctx_term (court->client_context));
}

static void close_server (court *court)
{
    if (court->handler)
        CHECK_OK (zmq_close (court->handler));
    CHECK_OK (zmq_close (court->server));
    CHECK_OK (zmq_close (court->server_monitor));
    CHECK_OK (zmq_ctx_term (court->context));
}

/*  The client waits, is not let in, and goes.  */
static void expect_to_wait_and_go (court *court)
{
    expect_to_wait (court);
    close_client (court);
    expect_end (court->server_monitor, EPIPE);
    close_server (court);
}

TEST (a_handler_that_closes_before_it_reads)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        leave (&court);
        expect_to_wait_and_go (&court);
    }
}

TEST (a_handler_that_closes_within_the_request)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        EXPECT_PART (court.handler, "1.0", 1);
        leave (&court);
        expect_to_wait_and_go (&court);
    }
}

TEST (a_handler_that_closes_and_does_not_answer)
{
    static const int types[] = {ZMQ_REP, ZMQ_ROUTER};
    for (int i = 0; i < 2 * MECHANISMS; i++) {
        court court = sit (i / 2, types[i % 2], 0);
        hear (&court);
        leave (&court);
        expect_to_wait_and_go (&court);
    }
}

TEST (a_handler_that_closes_within_its_answer)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        hear (&court);
        say (&court, "1.0", "200", 5);
        leave (&court);
        expect_to_wait_and_go (&court);
    }
}

TEST (a_handler_that_is_unbound_and_does_not_answer)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        hear (&court);
        CHECK_OK (zmq_unbind (court.handler, ZAP_ENDPOINT));
        expect_to_wait_and_go (&court);
    }
}

/*  Who was asked may still answer.  */
TEST (a_handler_that_is_unbound_and_answers_later)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        hear (&court);
        CHECK_OK (zmq_unbind (court.handler, ZAP_ENDPOINT));
        expect_to_wait (&court);
        say (&court, "1.0", "200", 6);
        EXPECT_SUCCESS (court.server_monitor);
        EXPECT_SUCCESS (court.client_monitor);
        close_client (&court);
        close_server (&court);
    }
}

TEST (a_router_that_answers_somebody_else)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_ROUTER, 0);
        hear (&court);
        court.part[0][1] ^= 1;
        CHECK_INT (zmq_send (court.handler, court.part[0], court.size[0], ZMQ_SNDMORE),
                   court.size[0]);
        send_text (court.handler, "", ZMQ_SNDMORE);
        say (&court, "1.0", "200", 6);
        leave (&court);
        expect_to_wait_and_go (&court);
    }
}

/*  300 (RFC 27) says nothing about the peer.  */
TEST (a_handler_that_says_later_and_closes)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        hear (&court);
        say (&court, "1.0", "300", 6);
        leave (&court);
        EXPECT_DENIED (court.server_monitor, 300);
        expect_to_wait (&court);
        close_client (&court);
        /*  The failure was told before.  */
        uint32_t value;
        CHECK_INT (next_event (court.server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED,
                               &value),
                   ZMQ_EVENT_DISCONNECTED);
        close_server (&court);
    }
}

TEST (a_handler_that_talks_nonsense_and_closes)
{
    for (int i = 0; i < 2 * MECHANISMS; i++) {
        court court = sit (i / 2, ZMQ_REP, 0);
        hear (&court);
        say (&court, i % 2 ? "3.0" : "1.0", i % 2 ? "200" : "20", 6);
        leave (&court);
        EXPECT_BREACH (court.server_monitor, i % 2 ? ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION
                                                   : ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE);
        expect_to_wait (&court);
        close_client (&court);
        close_server (&court);
    }
}

TEST (a_denial_stays_one_when_the_handler_closes)
{
    for (int i = 0; i < 2 * MECHANISMS; i++) {
        court court = sit (i / 2, ZMQ_REP, 0);
        hear (&court);
        say (&court, "1.0", i % 2 ? "400" : "500", 6);
        leave (&court);
        EXPECT_DENIED (court.server_monitor, i % 2 ? 400 : 500);
        EXPECT_DENIED (court.client_monitor, i % 2 ? 400 : 500);
        uint32_t value;
        CHECK_INT (next_event (court.server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED,
                               &value),
                   ZMQ_EVENT_DISCONNECTED);
        expect_to_wait (&court);
        close_client (&court);
        close_server (&court);
    }
}

TEST (an_admission_stays_one_when_the_handler_closes)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 0);
        hear (&court);
        say (&court, "1.0", "200", 6);
        leave (&court);
        EXPECT_SUCCESS (court.server_monitor);
        EXPECT_SUCCESS (court.client_monitor);
        close_client (&court);
        close_server (&court);
    }
}

TEST (the_time_of_a_handshake_ends_the_wait_for_who_left)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        int64_t start = now_ms ();
        court court = sit (mechanism, ZMQ_REP, 200);
        leave (&court);
        expect_end (court.server_monitor, EAGAIN);
        CHECK (now_ms () - start >= 200);
        expect_end (court.client_monitor, EPIPE);
        close_client (&court);
        close_server (&court);
    }
}

/*  An answer to the question before is none to this one.  */
TEST (an_answer_that_comes_after_the_time_lets_nobody_in)
{
    for (mechanism mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        court court = sit (mechanism, ZMQ_REP, 100);
        hear (&court);
        expect_end (court.server_monitor, EAGAIN);
        (void) await_event (court.server_monitor, ZMQ_EVENT_ACCEPTED);
        say (&court, "1.0", "200", 6);
        expect_end (court.server_monitor, EAGAIN);
        close_client (&court);
        close_server (&court);
    }
}

TEST (a_context_that_is_shut_down_lets_nobody_in)
{
    for (int i = 0; i < 2 * MECHANISMS; i++) {
        court court = sit (i / 2, ZMQ_REP, 0);
        CHECK_OK (zmq_ctx_shutdown (court.context));
        CHECK_ERRNO (zmq_send (court.handler, "", 0, 0), ETERM);
        /*  The server's socket is still there, with or without its judge.  */
        if (i % 2)
            leave (&court);
        event_t event = {0};
        for (int64_t give_up = now_ms () + SETTLE_MS; now_ms () < give_up;)
            if (next_event_within (court.client_monitor, &event, 10))
                CHECK (!(event.number & (HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED)));
        close_server (&court);
        expect_end (court.client_monitor, EPIPE);
        close_client (&court);
    }
}

/*  With NULL who connects may ask as well.  He knows whom he asked about, also
 *  after the time of the handshake.  */
TEST (a_client_whose_handler_left_waits_for_another)
{
    court court = {.context = zmq_ctx_new (), .client_context = zmq_ctx_new ()};
    court.handler = open_socket (court.client_context, ZMQ_REP);
    CHECK_OK (zmq_bind (court.handler, ZAP_ENDPOINT));
    court.server = open_socket (court.context, ZMQ_DEALER);
    court.client = open_socket (court.client_context, ZMQ_DEALER);
    set_int (court.client, ZMQ_RECONNECT_IVL, 10);
    set_int (court.client, ZMQ_HANDSHAKE_IVL, 50);
    set_text (court.client, ZMQ_ZAP_DOMAIN, "global");
    court.server_monitor = monitor_of (court.context, court.server);
    court.client_monitor = monitor_of (court.client_context, court.client);
    CHECK_OK (zmq_connect (court.client, bind_to (court.server, "tcp://127.0.0.1:*")));
    wait_events (court.handler, ZMQ_POLLIN);
    leave (&court);
    for (int i = 0; i < 3; i++) {
        expect_end (court.client_monitor, EAGAIN);
        expect_end (court.server_monitor, EPIPE);
    }
    zap_handler another;
    zap_start (&another, court.client_context, ZAP_YES);
    uint32_t value;
    while (next_event (court.client_monitor, HANDSHAKE_EVENTS, &value)
           != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        ;
    zap_stop (&another);
    close_client (&court);
    close_server (&court);
}
