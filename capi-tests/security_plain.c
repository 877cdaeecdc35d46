/*  PLAIN (RFC 24, zmq_plain(7)).  */
#include "security.h"

static void plain (pair *pair)
{
    set_int (pair->server, ZMQ_PLAIN_SERVER, 1);
    set_text (pair->client, ZMQ_PLAIN_USERNAME, "admin");
    set_text (pair->client, ZMQ_PLAIN_PASSWORD, "secret");
}

WIRE_TEST (name_and_password_are_asked_for)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    plain (&pair);
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    meet (&pair, transport);
    EXPECT_SUCCESS (pair.server_monitor);
    EXPECT_SUCCESS (pair.client_monitor);
    send_text (pair.client, "x", 0);
    expect_property (pair.server, "User-Id", "joe");
    expect_exchange (&pair);
    CHECK_INT (handler.parts, 8);
    EXPECT_ASKED (&handler, 2, "global");
    EXPECT_ASKED (&handler, 5, "PLAIN");
    EXPECT_ASKED (&handler, 6, "admin");
    EXPECT_ASKED (&handler, 7, "secret");
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (the_handler_is_asked_without_a_domain_too)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    plain (&pair);
    meet (&pair, "tcp");
    expect_exchange (&pair);
    EXPECT_ASKED (&handler, 2, "");
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (without_a_handler_nobody_is_let_in)
{
    for (int i = 0; i < 3; i++) {
        pair pair = open_pair ();
        plain (&pair);
        if (i > 0)
            set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
        if (i > 1)
            set_int (pair.server, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
        meet (&pair, "tcp");
        EXPECT_NO_DETAIL (pair.server_monitor, EFAULT);
        expect_silence (&pair);
        close_pair (&pair);
    }
}

TEST (statuses_reach_both_sides)
{
    static const char *statuses[] = {"300", "400", "500"};
    for (int i = 0; i < 3; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, (zap_answer){.status = statuses[i]});
        plain (&pair);
        meet (&pair, "tcp");
        EXPECT_DENIED (pair.server_monitor, atoi (statuses[i]));
        /*  A temporary failure is no answer (RFC 27).  */
        if (i > 0)
            EXPECT_DENIED (pair.client_monitor, atoi (statuses[i]));
        expect_silence (&pair);
        zap_stop (&handler);
        close_pair (&pair);
    }
}

TEST (an_answer_that_is_none_lets_nobody_in)
{
    for (int i = 0; i < NONSENSE_COUNT; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, NONSENSE[i].answer);
        plain (&pair);
        meet (&pair, "tcp");
        EXPECT_BREACH (pair.server_monitor, NONSENSE[i].code);
        zap_stop (&handler);
        char byte;
        CHECK_ERRNO (zmq_recv (pair.server, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
        close_pair (&pair);
    }
}

TEST (another_mechanism_on_either_side_is_a_mismatch)
{
    for (int i = 0; i < 2; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, ZAP_YES);
        if (i == 0)
            set_int (pair.server, ZMQ_PLAIN_SERVER, 1);
        else
            set_text (pair.client, ZMQ_PLAIN_USERNAME, "admin");
        meet (&pair, "tcp");
        EXPECT_BREACH (pair.server_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        EXPECT_BREACH (pair.client_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        expect_silence (&pair);
        CHECK_INT (handler.requests, 0);
        zap_stop (&handler);
        close_pair (&pair);
    }
}

TEST (socket_types_are_checked_too)
{
    pair pair = open_pair_of (ZMQ_REP, ZMQ_REP);
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    plain (&pair);
    meet (&pair, "tcp");
    uint32_t value;
    CHECK_INT (next_event (pair.server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED,
                           &value),
               ZMQ_EVENT_DISCONNECTED);
    zap_stop (&handler);
    close_pair (&pair);
}

/*  What a raw peer says behind the greeting, and what the server finds wrong.  */
static void expect_raw_breach (const char *commands, size_t size, uint32_t code)
{
    static const char greeting[64] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0PLAIN";
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    plain (&pair);
    int peer = plain_connect (port_of (bind_to (pair.server, "tcp://127.0.0.1:*")));
    plain_write (peer, greeting, sizeof greeting);
    plain_write (peer, commands, size);
    EXPECT_BREACH (pair.server_monitor, code);
    close (peer);
    zap_stop (&handler);
    close_pair (&pair);
}

#define RAW_BREACH(COMMANDS, CODE)                                            \
    expect_raw_breach (COMMANDS, sizeof (COMMANDS) - 1,                       \
                       ZMQ_PROTOCOL_ERROR_ZMTP_##CODE)

TEST (malformed_commands_have_their_names)
{
    RAW_BREACH ("\4\x06\5HELLO", MALFORMED_COMMAND_HELLO);
    RAW_BREACH ("\4\x08\5HELLO\1a", MALFORMED_COMMAND_HELLO);
    RAW_BREACH ("\4\x08\5HELLO\5a", MALFORMED_COMMAND_HELLO);
    RAW_BREACH ("\4\x0c\5HELLO\1a\1bxx", MALFORMED_COMMAND_HELLO);
    RAW_BREACH ("\4\x09\x08INITIATE", UNEXPECTED_COMMAND);
    RAW_BREACH ("\4\x06\5READY", UNEXPECTED_COMMAND);
    RAW_BREACH ("\4\x06\5ERROR", UNEXPECTED_COMMAND);
    RAW_BREACH ("\4\x01\0", MALFORMED_COMMAND_UNSPECIFIED);
}
