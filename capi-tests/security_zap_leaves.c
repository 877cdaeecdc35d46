/*  A ZAP handler that leaves the dialogue: however it does so, the peer that it was
 *  asked about does not get in because of that.  The peer waits until it gives up,
 *  or until ZMQ_HANDSHAKE_IVL is over.
 */
#include "monitors.h"
#include "mechanisms.h"

/*  A server in one context with a handler that the test plays, and a
 *  client in another that reconnects soon.  */
typedef struct {
    void *context, *handler, *server, *server_monitor;
    void *client_context, *client, *client_monitor;
    int parts;
    char part[16][256];
    int size[16];
} dialogue;

/*  The handler is asked; its request is not read yet.  INTERVAL: the server's
 *  ZMQ_HANDSHAKE_IVL, or 0 for what it is.  */
static dialogue begin (mechanism mechanism, int handler_type, int interval)
{
    dialogue dialogue = {.context = zmq_ctx_new (), .client_context = zmq_ctx_new ()};
    dialogue.handler = open_socket (dialogue.context, handler_type);
    CHECK_OK (zmq_bind (dialogue.handler, ZAP_ENDPOINT));
    dialogue.server = open_socket (dialogue.context, ZMQ_DEALER);
    dialogue.client = open_socket (dialogue.client_context, ZMQ_DEALER);
    set_int (dialogue.client, ZMQ_RECONNECT_IVL, 10);
    if (interval)
        set_int (dialogue.server, ZMQ_HANDSHAKE_IVL, interval);
    secure (dialogue.server, dialogue.client, mechanism);
    if (mechanism == null)
        set_text (dialogue.server, ZMQ_ZAP_DOMAIN, "global");
    dialogue.server_monitor = monitor_of (dialogue.context, dialogue.server);
    dialogue.client_monitor = monitor_of (dialogue.client_context, dialogue.client);
    CHECK_OK (zmq_connect (dialogue.client, bind_to (dialogue.server, "tcp://127.0.0.1:*")));
    wait_events (dialogue.handler, ZMQ_POLLIN);
    return dialogue;
}

static void read_request (dialogue *dialogue)
{
    do {
        CHECK (dialogue->parts < 16);
        int size = zmq_recv (dialogue->handler, dialogue->part[dialogue->parts], 255, 0);
        CHECK (size >= 0);
        dialogue->part[dialogue->parts][size] = 0;
        dialogue->size[dialogue->parts++] = size;
    } while (get_int (dialogue->handler, ZMQ_RCVMORE));
}

/*  The first COUNT parts of an answer; with fewer than six more are to come.  */
static void reply (dialogue *dialogue, const char *version, const char *status, int count)
{
    const char *texts[] = {version, "1", status, "text", "", ""};
    for (int i = 0; i < count; i++)
        send_text (dialogue->handler, texts[i], i < 5 ? ZMQ_SNDMORE : 0);
}

static void close_handler (dialogue *dialogue)
{
    CHECK_OK (zmq_close (dialogue->handler));
    dialogue->handler = NULL;
}

/*  The monitor reports nothing more of the handshake within the settling time.  */
static void expect_wait (dialogue *dialogue)
{
    event_t event = {0};
    for (int64_t give_up = now_ms () + SETTLE_MS; now_ms () < give_up;)
        if (next_event_within (dialogue->server_monitor, &event, 10)
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

static void close_client (dialogue *dialogue)
{
    CHECK_OK (zmq_close (dialogue->client));
    CHECK_OK (zmq_close (dialogue->client_monitor));
    CHECK_OK (zmq_ctx_term (dialogue->client_context));
}

static void close_server (dialogue *dialogue)
{
    if (dialogue->handler)
        CHECK_OK (zmq_close (dialogue->handler));
    CHECK_OK (zmq_close (dialogue->server));
    CHECK_OK (zmq_close (dialogue->server_monitor));
    CHECK_OK (zmq_ctx_term (dialogue->context));
}

static void close_both (dialogue *dialogue)
{
    close_client (dialogue);
    close_server (dialogue);
}

/*  The client waits, is not let in, and closes.  */
static void expect_wait_and_disconnect (dialogue *dialogue)
{
    expect_wait (dialogue);
    close_client (dialogue);
    expect_end (dialogue->server_monitor, EPIPE);
    close_server (dialogue);
}

MECHANISM_TEST (a_handler_that_closes_before_it_reads)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    close_handler (&dialogue);
    expect_wait_and_disconnect (&dialogue);
}

MECHANISM_TEST (a_handler_that_closes_within_the_request)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    EXPECT_PART (dialogue.handler, "1.0", 1);
    close_handler (&dialogue);
    expect_wait_and_disconnect (&dialogue);
}

MECHANISM_TEST (a_handler_that_closes_and_does_not_answer)
{
    static const int types[] = {ZMQ_REP, ZMQ_ROUTER};
    for (int i = 0; i < 2; i++) {
        dialogue dialogue = begin (mechanism, types[i], 0);
        read_request (&dialogue);
        close_handler (&dialogue);
        expect_wait_and_disconnect (&dialogue);
    }
}

MECHANISM_TEST (a_handler_that_closes_within_its_answer)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    read_request (&dialogue);
    reply (&dialogue, "1.0", "200", 5);
    close_handler (&dialogue);
    expect_wait_and_disconnect (&dialogue);
}

MECHANISM_TEST (a_handler_that_is_unbound_and_does_not_answer)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    read_request (&dialogue);
    CHECK_OK (zmq_unbind (dialogue.handler, ZAP_ENDPOINT));
    expect_wait_and_disconnect (&dialogue);
}

/*  A handler that was asked may still answer.  */
MECHANISM_TEST (a_handler_that_is_unbound_and_answers_later)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    read_request (&dialogue);
    CHECK_OK (zmq_unbind (dialogue.handler, ZAP_ENDPOINT));
    expect_wait (&dialogue);
    reply (&dialogue, "1.0", "200", 6);
    EXPECT_SUCCESS (dialogue.server_monitor);
    EXPECT_SUCCESS (dialogue.client_monitor);
    close_both (&dialogue);
}

MECHANISM_TEST (a_router_that_answers_somebody_else)
{
    dialogue dialogue = begin (mechanism, ZMQ_ROUTER, 0);
    read_request (&dialogue);
    dialogue.part[0][1] ^= 1;
    CHECK_INT (zmq_send (dialogue.handler, dialogue.part[0], dialogue.size[0], ZMQ_SNDMORE),
               dialogue.size[0]);
    send_text (dialogue.handler, "", ZMQ_SNDMORE);
    reply (&dialogue, "1.0", "200", 6);
    close_handler (&dialogue);
    expect_wait_and_disconnect (&dialogue);
}

/*  300 (RFC 27) does not judge the peer.  */
MECHANISM_TEST (a_handler_that_answers_300_and_closes)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    read_request (&dialogue);
    reply (&dialogue, "1.0", "300", 6);
    close_handler (&dialogue);
    EXPECT_DENIED (dialogue.server_monitor, 300);
    expect_wait (&dialogue);
    close_client (&dialogue);
    /*  The failure was reported before.  */
    uint32_t value;
    CHECK_INT (next_event (dialogue.server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED,
                           &value),
               ZMQ_EVENT_DISCONNECTED);
    close_server (&dialogue);
}

MECHANISM_TEST (a_handler_that_answers_malformed_and_closes)
{
    for (int i = 0; i < 2; i++) {
        dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
        read_request (&dialogue);
        reply (&dialogue, i ? "3.0" : "1.0", i ? "200" : "20", 6);
        close_handler (&dialogue);
        EXPECT_BREACH (dialogue.server_monitor, i ? ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION
                                                   : ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE);
        expect_wait (&dialogue);
        close_both (&dialogue);
    }
}

MECHANISM_TEST (a_denial_stays_one_when_the_handler_closes)
{
    for (int i = 0; i < 2; i++) {
        dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
        read_request (&dialogue);
        reply (&dialogue, "1.0", i ? "400" : "500", 6);
        close_handler (&dialogue);
        EXPECT_DENIED (dialogue.server_monitor, i ? 400 : 500);
        EXPECT_DENIED (dialogue.client_monitor, i ? 400 : 500);
        uint32_t value;
        CHECK_INT (next_event (dialogue.server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED,
                               &value),
                   ZMQ_EVENT_DISCONNECTED);
        expect_wait (&dialogue);
        close_both (&dialogue);
    }
}

MECHANISM_TEST (an_admission_stays_one_when_the_handler_closes)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
    read_request (&dialogue);
    reply (&dialogue, "1.0", "200", 6);
    close_handler (&dialogue);
    EXPECT_SUCCESS (dialogue.server_monitor);
    EXPECT_SUCCESS (dialogue.client_monitor);
    close_both (&dialogue);
}

MECHANISM_TEST (the_time_of_a_handshake_ends_the_wait_for_a_handler_that_closed)
{
    int64_t start = now_ms ();
    dialogue dialogue = begin (mechanism, ZMQ_REP, 200);
    close_handler (&dialogue);
    expect_end (dialogue.server_monitor, EAGAIN);
    CHECK (now_ms () - start >= 200);
    expect_end (dialogue.client_monitor, EPIPE);
    close_both (&dialogue);
}

/*  An answer to the previous request does not answer this one.  */
MECHANISM_TEST (an_answer_that_comes_after_the_time_lets_nobody_in)
{
    dialogue dialogue = begin (mechanism, ZMQ_REP, 100);
    read_request (&dialogue);
    expect_end (dialogue.server_monitor, EAGAIN);
    (void) await_event (dialogue.server_monitor, ZMQ_EVENT_ACCEPTED);
    reply (&dialogue, "1.0", "200", 6);
    expect_end (dialogue.server_monitor, EAGAIN);
    close_both (&dialogue);
}

MECHANISM_TEST (a_context_that_is_shut_down_lets_nobody_in)
{
    for (int i = 0; i < 2; i++) {
        dialogue dialogue = begin (mechanism, ZMQ_REP, 0);
        CHECK_OK (zmq_ctx_shutdown (dialogue.context));
        CHECK_ERRNO (zmq_send (dialogue.handler, "", 0, 0), ETERM);
        /*  The server's socket is still there, with or without its handler.  */
        if (i)
            close_handler (&dialogue);
        event_t event = {0};
        for (int64_t give_up = now_ms () + SETTLE_MS; now_ms () < give_up;)
            if (next_event_within (dialogue.client_monitor, &event, 10))
                CHECK (!(event.number & (HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED)));
        close_server (&dialogue);
        expect_end (dialogue.client_monitor, EPIPE);
        close_client (&dialogue);
    }
}

/*  With NULL the connecting side may ask as well.  It remembers which peer it asked
 *  about, also after ZMQ_HANDSHAKE_IVL.  */
TEST (a_client_whose_handler_left_waits_for_another)
{
    dialogue dialogue = {.context = zmq_ctx_new (), .client_context = zmq_ctx_new ()};
    dialogue.handler = open_socket (dialogue.client_context, ZMQ_REP);
    CHECK_OK (zmq_bind (dialogue.handler, ZAP_ENDPOINT));
    dialogue.server = open_socket (dialogue.context, ZMQ_DEALER);
    dialogue.client = open_socket (dialogue.client_context, ZMQ_DEALER);
    set_int (dialogue.client, ZMQ_RECONNECT_IVL, 10);
    set_int (dialogue.client, ZMQ_HANDSHAKE_IVL, 50);
    set_text (dialogue.client, ZMQ_ZAP_DOMAIN, "global");
    dialogue.server_monitor = monitor_of (dialogue.context, dialogue.server);
    dialogue.client_monitor = monitor_of (dialogue.client_context, dialogue.client);
    CHECK_OK (zmq_connect (dialogue.client, bind_to (dialogue.server, "tcp://127.0.0.1:*")));
    wait_events (dialogue.handler, ZMQ_POLLIN);
    close_handler (&dialogue);
    for (int i = 0; i < 3; i++) {
        expect_end (dialogue.client_monitor, EAGAIN);
        expect_end (dialogue.server_monitor, EPIPE);
    }
    zap_handler another;
    zap_start (&another, dialogue.client_context, ZAP_YES);
    uint32_t value;
    while (next_event (dialogue.client_monitor, HANDSHAKE_EVENTS, &value)
           != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        ;
    zap_stop (&another);
    close_both (&dialogue);
}
