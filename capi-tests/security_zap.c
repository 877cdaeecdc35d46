/*  ZAP (RFC 27) under each mechanism: what each answer of a handler does.  */
#include "mechanisms.h"
#include "security.h"

MECHANISM_TEST (a_final_refusal_reaches_both_sides)
{
    static const char *statuses[] = {"400", "500"};
    for (int i = 0; i < 2; i++) {
        guarded_pair guarded;
        open_guarded (&guarded, mechanism, (zap_answer){.status = statuses[i]});
        meet (&guarded.pair, "tcp");
        EXPECT_DENIED (guarded.pair.server_monitor, atoi (statuses[i]));
        EXPECT_DENIED (guarded.pair.client_monitor, atoi (statuses[i]));
        expect_silence (&guarded.pair);
        close_guarded (&guarded);
    }
}

MECHANISM_TEST (a_temporary_failure_reaches_the_server_alone)
{
    guarded_pair guarded;
    open_guarded (&guarded, mechanism, (zap_answer){.status = "300"});
    meet (&guarded.pair, "tcp");
    EXPECT_DENIED (guarded.pair.server_monitor, 300);
    expect_silence (&guarded.pair);
    close_guarded (&guarded);
}

MECHANISM_TEST (a_malformed_answer_lets_nobody_in)
{
    for (int i = 0; i < NONSENSE_COUNT; i++) {
        guarded_pair guarded;
        open_guarded (&guarded, mechanism, NONSENSE[i].answer);
        meet (&guarded.pair, "tcp");
        EXPECT_BREACH (guarded.pair.server_monitor, NONSENSE[i].code);
        (void) zmq_send (guarded.pair.client, "x", 1, ZMQ_DONTWAIT);
        zap_stop (&guarded.handler);
        char byte;
        CHECK_ERRNO (zmq_recv (guarded.pair.server, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
        close_pair (&guarded.pair);
    }
}

MECHANISM_TEST (a_handler_that_stops_in_the_middle_lets_nobody_in)
{
    guarded_pair guarded;
    open_guarded (&guarded, mechanism, (zap_answer){.parts = 1});
    meet (&guarded.pair, "tcp");
    while (__atomic_load_n (&guarded.handler.requests, __ATOMIC_SEQ_CST) == 0)
        sleep_ms (1);
    expect_silence (&guarded.pair);
    close_guarded (&guarded);
}

MECHANISM_TEST (the_time_of_a_handshake_ends_the_wait_for_a_handler)
{
    guarded_pair guarded;
    uint32_t value;
    open_guarded (&guarded, mechanism, (zap_answer){.status = NULL});
    set_int (guarded.pair.server, ZMQ_HANDSHAKE_IVL, 200);
    meet (&guarded.pair, "tcp");
    (void) next_event (guarded.pair.server_monitor, ZMQ_EVENT_DISCONNECTED, &value);
    close_guarded (&guarded);
}

/*  CVE-2020-15166 and its like: a handler that is slow, or a peer whose handshake
 *  waits, keeps nobody else waiting.  */
MECHANISM_TEST (a_handler_that_never_answers_stalls_no_other_socket)
{
    guarded_pair guarded;
    open_guarded (&guarded, mechanism, (zap_answer){.status = NULL});
    meet (&guarded.pair, "tcp");
    while (__atomic_load_n (&guarded.handler.requests, __ATOMIC_SEQ_CST) == 0)
        sleep_ms (1);
    void *server = open_socket (guarded.pair.context, ZMQ_REP);
    void *client = open_socket (guarded.pair.context, ZMQ_REQ);
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    for (int i = 0; i < 20; i++) {
        send_text (client, "ping", 0);
        EXPECT_PART (server, "ping", 0);
        send_text (server, "pong", 0);
        EXPECT_PART (client, "pong", 0);
    }
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (client));
    expect_silence (&guarded.pair);
    close_guarded (&guarded);
}

/*  CVE-2014-7202, CVE-2014-9721: an old greeting does not get past the handler.  */
MECHANISM_TEST (old_peers_do_not_get_past_the_handler)
{
    for (int i = 0; i < 3; i++) {
        guarded_pair guarded;
        open_guarded (&guarded, mechanism, ZAP_YES);
        set_int (guarded.pair.server, ZMQ_RCVTIMEO, SETTLE_MS);
        int peer = plain_connect (port_of (bind_to (guarded.pair.server, "tcp://127.0.0.1:*")));
        plain_write (peer, OLD_GREETINGS[i].bytes, OLD_GREETINGS[i].size);
        char byte;
        CHECK_ERRNO (zmq_recv (guarded.pair.server, &byte, 1, 0), EAGAIN);
        close (peer);
        close_guarded (&guarded);
    }
}
