/*  NULL with ZAP (RFC 27, zmq_setsockopt(3) ZMQ_ZAP_DOMAIN): when the handler is
 *  asked, and with what. What each answer does: security_zap.c.
 */
#include "security.h"

WIRE_TEST (a_peer_that_is_let_in_has_the_user_id_of_the_handler)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    expect_joe_let_in (&pair, &handler, transport, "NULL");
    CHECK_INT (handler.parts, 6);
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
