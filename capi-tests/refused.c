/*  What a socket sends to a peer that refuses it.  Programs send and do not ask
 *  whether they were let in, so it is taken up to the mark, as before any
 *  connection, and is dropped at close; beside other peers it goes to them.
 */
#include "monitors.h"
#include "mechanisms.h"

#define MARK 5

/*  A server that refuses peers without keys.  */
static void *closed_server (void *context, int type, keypair *keys)
{
    void *server = open_socket (context, type);
    *keys = make_keys ();
    be_curve_server (server, keys);
    return server;
}

static void *sender (void *context, int type)
{
    void *socket = open_socket (context, type);
    set_int (socket, ZMQ_SNDHWM, MARK);
    set_int (socket, ZMQ_LINGER, -1);
    return socket;
}

/*  Connects SOCKET to ENDPOINT and returns when it was refused, for ever.  */
static void be_refused (void *context, void *socket, const char *endpoint)
{
    void *monitor = watch (context, socket, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (socket, endpoint));
    (void) await_event (monitor, ZMQ_EVENT_DISCONNECTED);
    /*  What follows the event in the I/O thread.  */
    sleep_ms (20);
    CHECK_OK (zmq_socket_monitor (socket, NULL, 0));
    await_stop (monitor);
}

/*  The socket takes messages up to its mark, singly, with time between them.  */
static void expect_mark (void *socket)
{
    int requests = get_int (socket, ZMQ_TYPE) == ZMQ_REQ;
    for (int i = 0; i < (requests ? 1 : MARK); i++) {
        CHECK (shows (socket, ZMQ_POLLOUT));
        /*  A call that may block does not.  */
        send_text (socket, "m", i % 2 ? ZMQ_DONTWAIT : 0);
        sleep_ms (5);
    }
    CHECK (!shows (socket, ZMQ_POLLOUT));
    CHECK_ERRNO (zmq_send (socket, "m", 1, ZMQ_DONTWAIT), requests ? EFSM : EAGAIN);
}

static void expect_mark_of (int server_type, int client_type)
{
    keypair keys;
    void *context = zmq_ctx_new ();
    void *server = closed_server (context, server_type, &keys);
    void *client = sender (context, client_type);
    be_refused (context, client, bind_to (server, "tcp://127.0.0.1:*"));
    expect_mark (client);
    /*  In spite of its linger time.  */
    FINISH (context, client, server);
}

TEST (a_dealer_without_keys_sends_up_to_its_mark)
{
    expect_mark_of (ZMQ_ROUTER, ZMQ_DEALER);
}

TEST (a_push_without_keys_sends_up_to_its_mark)
{
    expect_mark_of (ZMQ_PULL, ZMQ_PUSH);
}

TEST (a_pair_without_keys_sends_up_to_its_mark)
{
    expect_mark_of (ZMQ_PAIR, ZMQ_PAIR);
}

TEST (a_req_without_keys_sends_one_request)
{
    expect_mark_of (ZMQ_REP, ZMQ_REQ);
}

TEST (a_denied_peer_sends_up_to_its_mark)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_ROUTER), *client = sender (context, ZMQ_DEALER);
    zap_handler handler;
    zap_start (&handler, context, (zap_answer){.status = "400"});
    secure (server, client, plain);
    be_refused (context, client, bind_to (server, "tcp://127.0.0.1:*"));
    expect_mark (client);
    zap_stop (&handler);
    FINISH (context, client, server);
}

/*  Without a connection there is no pipe, then.  */
TEST (with_immediate_nothing_is_taken)
{
    keypair keys;
    void *context = zmq_ctx_new ();
    void *server = closed_server (context, ZMQ_ROUTER, &keys);
    void *client = sender (context, ZMQ_DEALER);
    set_int (client, ZMQ_IMMEDIATE, 1);
    be_refused (context, client, bind_to (server, "tcp://127.0.0.1:*"));
    CHECK_ERRNO (zmq_send (client, "m", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, client, server);
}

TEST (what_was_refused_can_be_disconnected)
{
    keypair keys;
    void *context = zmq_ctx_new ();
    void *server = closed_server (context, ZMQ_ROUTER, &keys);
    void *client = sender (context, ZMQ_DEALER);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    be_refused (context, client, endpoint);
    CHECK_OK (zmq_disconnect (client, endpoint));
    CHECK_ERRNO (zmq_send (client, "m", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, client, server);
}

/*  Everything reaches the peer that takes it, whichever was connected first.  */
static void expect_all_to_others (const char *transport, int refused_first)
{
    keypair keys;
    void *context = zmq_ctx_new ();
    void *server = closed_server (context, ZMQ_PULL, &keys);
    void *open = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
    const char *closed = bind_to (server, "tcp://127.0.0.1:*");
    if (refused_first)
        be_refused (context, client, closed);
    join (open, client, transport);
    if (!refused_first)
        be_refused (context, client, closed);
    for (int i = 0; i < 20; i++)
        send_text (client, "m", 0);
    for (int i = 0; i < 20; i++)
        EXPECT_TEXT (open, "m");
    EXPECT_NOTHING (open);
    FINISH (context, client, server, open);
}

TRANSPORT_TEST (beside_another_peer_everything_goes_there)
{
    expect_all_to_others (transport, 0);
}

TRANSPORT_TEST (a_peer_that_comes_later_gets_everything)
{
    expect_all_to_others (transport, 1);
}

TEST (with_the_right_keys_the_same_endpoint_can_be_connected_again)
{
    keypair keys, own = make_keys ();
    void *context = zmq_ctx_new ();
    void *server = closed_server (context, ZMQ_DEALER, &keys);
    void *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    be_refused (context, client, endpoint);
    be_curve_client (client, &own, keys.public);
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "hello", 0);
    EXPECT_TEXT (server, "hello");
    FINISH (context, client, server);
}
