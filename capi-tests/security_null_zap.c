/*  NULL with ZAP (RFC 27, zmq_setsockopt(3) ZMQ_ZAP_DOMAIN): who is asked, what
 *  is asked, and what each answer does.
 */
#include "security.h"

WIRE_TEST (a_peer_that_is_let_in_has_the_user_id_of_the_handler)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    set_text (pair.server, ZMQ_ROUTING_ID, "server");
    meet (&pair, transport);
    EXPECT_SUCCESS (pair.server_monitor);
    EXPECT_SUCCESS (pair.client_monitor);
    send_text (pair.client, "x", 0);
    expect_property (pair.server, "User-Id", "joe");
    expect_exchange (&pair);
    CHECK_INT (handler.parts, 6);
    EXPECT_ASKED (&handler, 0, "1.0");
    EXPECT_ASKED (&handler, 2, "global");
    if (strcmp (transport, "tcp") == 0)
        EXPECT_ASKED (&handler, 3, "127.0.0.1");
    EXPECT_ASKED (&handler, 4, "server");
    EXPECT_ASKED (&handler, 5, "NULL");
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (metadata_of_the_handler_come_with_the_messages)
{
    static const char metadata[] = "\5Hello\0\0\0\5World\5empty\0\0\0\0";
    zap_answer answer = ZAP_YES;
    answer.metadata = metadata;
    answer.metadata_size = sizeof metadata - 1;
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, answer);
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    meet (&pair, "tcp");
    for (int i = 0; i < 3; i++)
        send_text (pair.client, "x", 0);
    expect_property (pair.server, "Hello", "World");
    expect_property (pair.server, "empty", "");
    expect_property (pair.server, "User-Id", "joe");
    /*  They are of the server's peer, not of the server.  */
    send_text (pair.server, "x", 0);
    expect_property (pair.client, "Hello", NULL);
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (without_a_domain_nobody_is_asked)
{
    for (int enforce = 0; enforce < 2; enforce++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, (zap_answer){.status = "400"});
        set_int (pair.server, ZMQ_ZAP_ENFORCE_DOMAIN, enforce);
        meet (&pair, "tcp");
        EXPECT_SUCCESS (pair.server_monitor);
        send_text (pair.client, "x", 0);
        expect_property (pair.server, "User-Id", NULL);
        CHECK_INT (handler.requests, 0);
        zap_stop (&handler);
        close_pair (&pair);
    }
}

TEST (without_a_handler_a_domain_lets_in_unless_it_is_enforced)
{
    pair pair = open_pair ();
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    meet (&pair, "tcp");
    EXPECT_SUCCESS (pair.server_monitor);
    expect_exchange (&pair);
    close_pair (&pair);

    pair = open_pair ();
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    set_int (pair.server, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
    meet (&pair, "tcp");
    EXPECT_NO_DETAIL (pair.server_monitor, EFAULT);
    expect_silence (&pair);
    close_pair (&pair);
}

TEST (final_refusals_are_told_to_both_sides)
{
    static const char *statuses[] = {"400", "500"};
    for (int i = 0; i < 2; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, (zap_answer){.status = statuses[i]});
        set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
        meet (&pair, "tcp");
        EXPECT_DENIED (pair.server_monitor, atoi (statuses[i]));
        EXPECT_DENIED (pair.client_monitor, atoi (statuses[i]));
        expect_silence (&pair);
        zap_stop (&handler);
        close_pair (&pair);
    }
}

TEST (a_temporary_failure_is_told_to_the_server_alone)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, (zap_answer){.status = "300"});
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    meet (&pair, "tcp");
    EXPECT_DENIED (pair.server_monitor, 300);
    expect_silence (&pair);
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (an_answer_that_is_none_lets_nobody_in)
{
    for (int i = 0; i < NONSENSE_COUNT; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, NONSENSE[i].answer);
        set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
        meet (&pair, "tcp");
        EXPECT_BREACH (pair.server_monitor, NONSENSE[i].code);
        (void) zmq_send (pair.client, "x", 1, ZMQ_DONTWAIT);
        zap_stop (&handler);
        char byte;
        CHECK_ERRNO (zmq_recv (pair.server, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
        close_pair (&pair);
    }
}

/*  CVE-2020-15166 and its like: a handler that is slow, or a peer whose handshake
 *  waits, keeps nobody else waiting.  */
TEST (a_handler_that_never_answers_stalls_no_other_socket)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, (zap_answer){.status = NULL});
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    meet (&pair, "tcp");
    while (__atomic_load_n (&handler.requests, __ATOMIC_SEQ_CST) == 0)
        sleep_ms (1);
    void *server = open_socket (pair.context, ZMQ_REP);
    void *client = open_socket (pair.context, ZMQ_REQ);
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    for (int i = 0; i < 20; i++) {
        send_text (client, "ping", 0);
        EXPECT_PART (server, "ping", 0);
        send_text (server, "pong", 0);
        EXPECT_PART (client, "pong", 0);
    }
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (client));
    expect_silence (&pair);
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (the_time_of_a_handshake_ends_the_wait_for_a_handler)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, (zap_answer){.status = NULL});
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    set_int (pair.server, ZMQ_HANDSHAKE_IVL, 200);
    meet (&pair, "tcp");
    uint32_t value;
    (void) next_event (pair.server_monitor, ZMQ_EVENT_DISCONNECTED, &value);
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (a_handler_that_stops_in_the_middle_lets_nobody_in)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, (zap_answer){.parts = 1});
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    meet (&pair, "tcp");
    while (__atomic_load_n (&handler.requests, __ATOMIC_SEQ_CST) == 0)
        sleep_ms (1);
    expect_silence (&pair);
    zap_stop (&handler);
    close_pair (&pair);
}

/*  CVE-2014-7202, CVE-2014-9721: an old greeting does not get past the handler.  */
TEST (old_peers_do_not_get_past_the_handler)
{
    for (int i = 0; i < 3; i++) {
        void *context = zmq_ctx_new ();
        zap_handler handler;
        zap_start (&handler, context, ZAP_YES);
        void *server = open_socket (context, ZMQ_DEALER);
        set_text (server, ZMQ_ZAP_DOMAIN, "global");
        set_int (server, ZMQ_RCVTIMEO, SETTLE_MS);
        int peer = plain_connect (port_of (bind_to (server, "tcp://127.0.0.1:*")));
        plain_write (peer, OLD_GREETINGS[i].bytes, OLD_GREETINGS[i].size);
        char byte;
        CHECK_ERRNO (zmq_recv (server, &byte, 1, 0), EAGAIN);
        close (peer);
        zap_stop (&handler);
        CHECK_OK (zmq_close (server));
        CHECK_OK (zmq_ctx_term (context));
    }
}
