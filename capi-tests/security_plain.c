/*  PLAIN (RFC 24, zmq_plain(7)).  */
#include "mechanisms.h"

WIRE_TEST (name_and_password_are_asked_for)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    set_int (pair.server, ZMQ_PLAIN_SERVER, 1);
    set_text (pair.client, ZMQ_PLAIN_USERNAME, "admin");
    set_text (pair.client, ZMQ_PLAIN_PASSWORD, "secret");
    expect_joe_let_in (&pair, &handler, transport, "PLAIN");
    CHECK_INT (handler.parts, 8);
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
    secure (pair.server, pair.client, plain);
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
        secure (pair.server, pair.client, plain);
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
    secure (pair.server, pair.client, plain);
    meet (&pair, "tcp");
    uint32_t value;
    CHECK_INT (next_event (pair.server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED,
                           &value),
               ZMQ_EVENT_DISCONNECTED);
    zap_stop (&handler);
    close_pair (&pair);
}

TEST (malformed_commands_have_their_names)
{
    RAW_BREACH (plain, "\4\x06\5HELLO", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    RAW_BREACH (plain, "\4\x08\5HELLO\1a", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    RAW_BREACH (plain, "\4\x08\5HELLO\5a", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    RAW_BREACH (plain, "\4\x0c\5HELLO\1a\1bxx", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    RAW_BREACH (plain, "\4\x09\x08INITIATE", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    RAW_BREACH (plain, "\4\x06\5READY", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    RAW_BREACH (plain, "\4\x06\5ERROR", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    RAW_BREACH (plain, "\4\x01\0", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
}
