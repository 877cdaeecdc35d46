/*  zmq_socket_monitor: the events of connections and listeners, their order,
 *  values and endpoints; and the life of a monitor itself.
 */
#include "monitors.h"

#define ALL ZMQ_EVENT_ALL

static bool is_tcp (const char *transport)
{
    return strcmp (transport, "tcp") == 0;
}

/*  A connection starts: a local one is complete at once, others are awaited.  */
static void expect_begin (void *reader, const char *transport, const char *endpoint)
{
    if (is_tcp (transport))
        EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_CONNECT_DELAYED, endpoint, EINPROGRESS);
}

static int expect_connected (void *reader, const char *transport, const char *endpoint)
{
    expect_begin (reader, transport, endpoint);
    int fd = EXPECT_EVENT (reader, ZMQ_EVENT_CONNECTED, endpoint);
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint, 0);
    return fd;
}

/*  The next attempt is announced for between one and two intervals.  */
static void expect_retry (void *reader, const char *endpoint, int interval)
{
    int pause = EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    CHECK (pause >= interval && pause <= 2 * interval);
}

WIRE_TEST (life_of_a_connection_on_both_sides)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    void *on_server = watch (context, server, ALL), *on_client = watch (context, client, ALL);
    const char *endpoint = join (server, client, transport);
    int listening = EXPECT_EVENT (on_server, ZMQ_EVENT_LISTENING, endpoint);
    int accepted = EXPECT_EVENT (on_server, ZMQ_EVENT_ACCEPTED, endpoint);
    EXPECT_EVENT_VALUE (on_server, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint, 0);
    int connected = expect_connected (on_client, transport, endpoint);
    CHECK (listening > 0 && accepted > 0 && connected > 0 && connected != accepted);
    /*  The thread that closes a socket knows it: no event but the last.  */
    close_watched (client, on_client);
    EXPECT_EVENT_VALUE (on_server, ZMQ_EVENT_DISCONNECTED, endpoint, accepted);
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT_VALUE (on_server, ZMQ_EVENT_CLOSED, endpoint, listening);
    expect_stop (on_server);
    CHECK_OK (zmq_ctx_term (context));
}

WIRE_TEST (a_peer_that_goes_and_comes_back)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, 50);
    const char *endpoint = absent (transport);
    CHECK_OK (zmq_bind (server, endpoint));
    void *on_client = watch (context, client, ALL);
    CHECK_OK (zmq_connect (client, endpoint));
    int connected = expect_connected (on_client, transport, endpoint);
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT_VALUE (on_client, ZMQ_EVENT_DISCONNECTED, endpoint, connected);
    expect_retry (on_client, endpoint, 50);
    expect_begin (on_client, transport, endpoint);
    EXPECT_EVENT (on_client, ZMQ_EVENT_CLOSED, endpoint);
    expect_retry (on_client, endpoint, 50);
    server = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_bind (server, endpoint));
    await_event (on_client, ZMQ_EVENT_CONNECTED);
    EXPECT_EVENT_VALUE (on_client, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint, 0);
    close_watched (client, on_client);
    FINISH (context, server);
}

WIRE_TEST (nobody_listens)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent (transport);
    void *reader = watch (context, client, ALL);
    set_int (client, ZMQ_RECONNECT_IVL, 30);
    CHECK_OK (zmq_connect (client, endpoint));
    for (int attempt = 0; attempt < 4; attempt++) {
        expect_begin (reader, transport, endpoint);
        CHECK (EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint) > 0);
        expect_retry (reader, endpoint, 30);
    }
    CHECK_OK (zmq_close (client));
    await_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

WIRE_TEST (without_reconnection_nothing_is_retried)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = absent (transport);
    void *reader = watch (context, client, ALL);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    CHECK_OK (zmq_connect (client, endpoint));
    expect_begin (reader, transport, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    EXPECT_NO_EVENT (reader);
    close_watched (client, reader);
    CHECK_OK (zmq_ctx_term (context));
}

WIRE_TEST (unbind_closes_the_listener_and_disconnect_is_silent)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    void *on_server = watch (context, server, ALL), *on_client = watch (context, client, ALL);
    const char *endpoint = join (server, client, transport);
    int listening = EXPECT_EVENT (on_server, ZMQ_EVENT_LISTENING, endpoint);
    EXPECT_EVENT (on_server, ZMQ_EVENT_ACCEPTED, endpoint);
    EXPECT_EVENT (on_server, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    expect_connected (on_client, transport, endpoint);
    CHECK_OK (zmq_disconnect (client, endpoint));
    /*  libzmq goes on with it in later calls.  */
    zmq_pollitem_t item = {on_server, 0, ZMQ_POLLIN, 0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up && !zmq_poll (&item, 1, 5);)
        (void) get_int (client, ZMQ_EVENTS);
    EXPECT_EVENT (on_server, ZMQ_EVENT_DISCONNECTED, endpoint);
    EXPECT_NO_EVENT (on_client);
    CHECK_OK (zmq_unbind (server, endpoint));
    EXPECT_EVENT_VALUE (on_server, ZMQ_EVENT_CLOSED, endpoint, listening);
    close_watched (client, on_client);
    close_watched (server, on_server);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (binds_that_fail)
{
    void *context = zmq_ctx_new ();
    void *first = open_socket (context, ZMQ_DEALER), *socket = open_socket (context, ZMQ_DEALER);
    const char *taken = bind_to (first, "tcp://127.0.0.1:*");
    void *reader = watch (context, socket, ALL);
    /*  The socket that was opened for it is closed, under no name.  */
    CHECK_ERRNO (zmq_bind (socket, taken), EADDRINUSE);
    CHECK (EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, "") > 0);
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_BIND_FAILED, taken + strlen ("tcp://"), EADDRINUSE);
    CHECK_ERRNO (zmq_bind (socket, "tcp://192.0.2.1:7777"), EADDRNOTAVAIL);
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, "");
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_BIND_FAILED, "192.0.2.1:7777", EADDRNOTAVAIL);
    CHECK_ERRNO (zmq_bind (socket, "tcp://no-device:1"), ENODEV);
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_BIND_FAILED, "no-device:1", ENODEV);
    CHECK_ERRNO (zmq_bind (socket, "tcp://x"), EINVAL);
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_BIND_FAILED, "x", EINVAL);
    CHECK_ERRNO (zmq_bind (socket, "ipc:///no/such/path"), ENOENT);
    CHECK (EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, "ipc:///no/such/path") > 0);
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_BIND_FAILED, "/no/such/path", ENOENT);
    CHECK_ERRNO (zmq_bind (socket, "foo://x"), EPROTONOSUPPORT);
    EXPECT_NO_EVENT (reader);
    close_watched (socket, reader);
    FINISH (context, first);
}

TEST (files_that_cannot_be_removed)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, socket, ALL);
    const char *gone = bind_to (socket, "ipc://*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, gone);
    CHECK_OK (unlink (gone + strlen ("ipc://")));
    CHECK_OK (zmq_unbind (socket, gone));
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_CLOSE_FAILED, gone, ENOENT);
    /*  The directory of that one is not empty.  */
    const char *full = bind_to (socket, "ipc://*");
    char other[300];
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, full);
    snprintf (other, sizeof other, "%s-other", full + strlen ("ipc://"));
    CHECK_OK (close (open (other, O_CREAT | O_WRONLY, 0600)));
    CHECK_OK (zmq_unbind (socket, full));
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_CLOSE_FAILED, full, ENOTEMPTY);
    CHECK_OK (unlink (other));
    /*  With a path of the application's own it is no matter.  */
    const char *own = absent ("ipc");
    CHECK_OK (zmq_bind (socket, own));
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, own);
    CHECK_OK (unlink (own + strlen ("ipc://")));
    CHECK_OK (zmq_unbind (socket, own));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, own);
    close_watched (socket, reader);
    CHECK_OK (zmq_ctx_term (context));
    scratch_remove ();
}

TEST (events_name_the_address_that_was_met)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    void *on_server = watch (context, server, ALL), *on_client = watch (context, client, ALL);
    const char *wild = bind_to (server, "tcp://*:*");
    char near[60], given[60];
    snprintf (near, sizeof near, "tcp://127.0.0.1:%d", port_of (wild));
    snprintf (given, sizeof given, "tcp://127.0.0.1:0;localhost:%d", port_of (wild));
    CHECK_OK (zmq_connect (client, given));
    EXPECT_EVENT (on_server, ZMQ_EVENT_LISTENING, wild);
    int accepted = EXPECT_EVENT (on_server, ZMQ_EVENT_ACCEPTED, near);
    EXPECT_EVENT (on_server, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, near);
    /*  The connecting side reports the endpoint as it was written.  */
    expect_connected (on_client, "tcp", given);
    close_watched (client, on_client);
    EXPECT_EVENT_VALUE (on_server, ZMQ_EVENT_DISCONNECTED, near, accepted);
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (on_server, ZMQ_EVENT_CLOSED, wild);
    expect_stop (on_server);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_name_that_nobody_knows_is_looked_up_again)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, client, ALL);
    set_int (client, ZMQ_RECONNECT_IVL, 30);
    CHECK_OK (zmq_connect (client, "tcp://no-such-host.invalid:9"));
    expect_retry (reader, "tcp://no-such-host.invalid:9", 30);
    expect_retry (reader, "tcp://no-such-host.invalid:9", 30);
    CHECK_OK (zmq_close (client));
    await_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (inproc_has_no_events)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR), *client = open_socket (context, ZMQ_PAIR);
    void *on_server = watch (context, server, ALL), *on_client = watch (context, client, ALL);
    join (server, client, "inproc");
    send_text (client, "m", 0);
    EXPECT_TEXT (server, "m");
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (server));
    expect_stop (on_client);
    expect_stop (on_server);
    CHECK_OK (zmq_ctx_term (context));
}

/*  What peers send that break the protocol, and what is reported of it: an event
 *  with a value, or only the disconnect. A connecting socket never connects to such
 *  a peer again.  */
static const struct breach {
    const char *mechanism, *say;
    int size, event, value;
} breaches[] = {
  {"PLAIN", "", 0, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH},
  {"NULL", "\x04\x03\x02xy", 5, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
  {"NULL", "\x04\x00", 2, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
  {"NULL", "\x00\x03xyz", 5, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
  {"NULL", "\x04\x07\x04PING\0\0", 9, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
  {"NULL", "\x04\x06\x05" "ERROR", 8, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
  {"NULL", "\x04\x07\x05" "ERROR\x09", 9, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
   ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
  {"NULL", "\x04\x0a\x05" "ERROR\x03" "400", 12, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400},
  {"NULL", "\x04\x0a\x05" "ERROR\x03" "300", 12, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 300},
  {"NULL", "\x04\x0a\x05" "ERROR\x03" "500", 12, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 500},
  {"NULL", "\x04\x08\x05READY\x0bS", 10, 0, 0},
  {"NULL", "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB", 27, 0, 0},
};

#define BREACHES (sizeof breaches / sizeof *breaches)

/*  The peer sends it, and waits for the other side to act on it.  */
static void commit (const struct breach *breach, int fd, void *reader, const char *endpoint)
{
    unsigned char greeting[64], ready[64];
    plain_greet (fd, breach->mechanism);
    if (breach->size > 0) {
        plain_read (fd, greeting, sizeof greeting);
        /*  libzmq ends some of these only when they come by themselves.  */
        plain_read (fd, ready, 2);
        plain_read (fd, ready, ready[1]);
        plain_write (fd, breach->say, breach->size);
    }
    if (breach->event)
        CHECK_INT (expect_event (__FILE__, __LINE__, reader, breach->event, "the failure", endpoint),
                   breach->value);
    else {
        struct pollfd ready = {fd, POLLIN, 0};
        poll (&ready, 1, SETTLE_MS);
    }
}

TEST (breaches_of_peers_that_connect)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, server, ALL);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
    for (size_t n = 0; n < BREACHES; n++) {
        int fd = plain_connect (port_of (endpoint));
        int accepted = EXPECT_EVENT (reader, ZMQ_EVENT_ACCEPTED, endpoint);
        commit (&breaches[n], fd, reader, endpoint);
        CHECK_OK (close (fd));
        EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_DISCONNECTED, endpoint, accepted);
    }
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    expect_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (breaches_of_peers_that_are_connected_to_end_the_endpoint)
{
    void *context = zmq_ctx_new ();
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    for (size_t n = 0; n < BREACHES; n++) {
        void *client = open_socket (context, ZMQ_DEALER), *reader = watch (context, client, ALL);
        set_int (client, ZMQ_RECONNECT_IVL, 1);
        CHECK_OK (zmq_connect (client, endpoint));
        int fd = plain_accept (listener);
        expect_begin (reader, "tcp", endpoint);
        int connected = EXPECT_EVENT (reader, ZMQ_EVENT_CONNECTED, endpoint);
        commit (&breaches[n], fd, reader, endpoint);
        CHECK_OK (close (fd));
        EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_DISCONNECTED, endpoint, connected);
        struct pollfd again = {listener, POLLIN, 0};
        CHECK_INT (poll (&again, 1, 20), 0);
        CHECK_OK (zmq_disconnect (client, endpoint));
        close_watched (client, reader);
    }
    CHECK_OK (close (listener));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_peer_that_leaves_in_its_handshake)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, server, ALL);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
    for (int say = 0; say < 3; say++) {
        int fd = plain_connect (port_of (endpoint));
        char signature[10];
        EXPECT_EVENT (reader, ZMQ_EVENT_ACCEPTED, endpoint);
        plain_read (fd, signature, sizeof signature);
        if (say)
            plain_write (fd, "\xff\0\0\0\0\0\0\0\1\x7f", say == 1 ? 4 : 10);
        CHECK_OK (shutdown (fd, SHUT_WR));
        /*  The system's error; EPIPE for an orderly end.  */
        EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, endpoint, EPIPE);
        EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
        CHECK_OK (close (fd));
    }
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    expect_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_breach_after_the_handshake_ends_the_connection)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_DEALER);
    int64_t limit = 100;
    CHECK_OK (zmq_setsockopt (server, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    void *reader = watch (context, server, ALL);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
    int fd = plain_connect (port_of (endpoint));
    plain_greet (fd, "NULL");
    PLAIN_SAY (fd, READY_DEALER);
    EXPECT_EVENT (reader, ZMQ_EVENT_ACCEPTED, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    PLAIN_SAY (fd, "\x00\x65");
    EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    plain_expect_end (fd);
    CHECK_OK (close (fd));
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    expect_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

/*  Peers of ZMTP 1.0 and 2.0, and plain ones, are never reported to have succeeded.  */
static void expect_unknown_peer (int type, const char *say, int size, const char *got)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, type);
    void *reader = watch (context, server, ALL);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
    int fd = plain_connect (port_of (endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_ACCEPTED, endpoint);
    plain_write (fd, say, size);
    if (got)
        EXPECT_TEXT (server, got);
    EXPECT_NO_EVENT (reader);
    CHECK_OK (close (fd));
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    expect_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (peers_of_zmtp_1_0) { expect_unknown_peer (ZMQ_PULL, "\1\0\2\0m", 5, "m"); }

TEST (peers_of_zmtp_2_0)
{
    expect_unknown_peer (ZMQ_PULL, "\xff\0\0\0\0\0\0\0\1\x7f\1\x08\0\0\0\1m", 17, "m");
}

TEST (plain_peers) { expect_unknown_peer (ZMQ_STREAM, "x", 1, NULL); }

TEST (peers_that_an_accept_filter_refuses)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (server, ZMQ_TCP_ACCEPT_FILTER, "192.0.2.0/24", 12));
    void *reader = watch (context, server, ALL);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
    int fd = plain_connect (port_of (endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_ACCEPT_FAILED, endpoint);
    CHECK_OK (close (fd));
    CHECK_OK (zmq_close (server));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    expect_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_silent_peer_times_out)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    set_int (server, ZMQ_HANDSHAKE_IVL, 60);
    set_int (client, ZMQ_HANDSHAKE_IVL, 60);
    set_int (client, ZMQ_RECONNECT_IVL, 40);
    void *on_server = watch (context, server, ALL), *on_client = watch (context, client, ALL);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    EXPECT_EVENT (on_server, ZMQ_EVENT_LISTENING, endpoint);
    int fd = plain_connect (port_of (endpoint));
    int64_t start = now_ms ();
    EXPECT_EVENT (on_server, ZMQ_EVENT_ACCEPTED, endpoint);
    EXPECT_EVENT_VALUE (on_server, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, endpoint, EAGAIN);
    CHECK (now_ms () - start >= 50);
    EXPECT_EVENT (on_server, ZMQ_EVENT_DISCONNECTED, endpoint);
    plain_expect_end (fd);
    CHECK_OK (close (fd));

    int port, listener = plain_listen (&port);
    const char *silent = tcp_endpoint ("127.0.0.1", port);
    CHECK_OK (zmq_connect (client, silent));
    for (int attempt = 0; attempt < 2; attempt++) {
        expect_begin (on_client, "tcp", silent);
        int connected = EXPECT_EVENT (on_client, ZMQ_EVENT_CONNECTED, silent);
        EXPECT_EVENT_VALUE (on_client, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, silent, EAGAIN);
        EXPECT_EVENT_VALUE (on_client, ZMQ_EVENT_DISCONNECTED, silent, connected);
        expect_retry (on_client, silent, 40);
    }
    CHECK_OK (zmq_close (client));
    await_stop (on_client);
    CHECK_OK (zmq_close (server));
    await_stop (on_server);
    CHECK_OK (close (listener));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (only_the_events_asked_for_are_reported)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, server, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CLOSED);
    const char *endpoint = join (server, client, "tcp");
    EXPECT_EVENT (reader, ZMQ_EVENT_ACCEPTED, endpoint);
    CHECK_OK (zmq_unbind (server, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    CHECK_OK (zmq_socket_monitor (server, NULL, 0));
    EXPECT_NO_EVENT (reader);
    FINISH (context, reader, server, client);
}

TEST (arguments)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    static const struct { const char *endpoint; int error; } rows[] = {
      {"", EINVAL},          {"inproc", EINVAL},          {"inproc://", EINVAL},
      {"://x", EINVAL},      {"ipc://", EINVAL},          {"tcp://127.0.0.1:5", EPROTONOSUPPORT},
      {"ipc://x", EPROTONOSUPPORT}, {"foo://x", EPROTONOSUPPORT},
      {"INPROC://x", EPROTONOSUPPORT}, {"tcp://x", EPROTONOSUPPORT},
      {"udp://127.0.0.1:5", ENOCOMPATPROTO},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++)
        CHECK_ERRNO (zmq_socket_monitor (socket, rows[n].endpoint, ALL), rows[n].error);
    CHECK_ERRNO (zmq_socket_monitor (socket, "inproc://x", -1), EINVAL);
    CHECK_ERRNO (zmq_socket_monitor (socket, "inproc://x", 0x10000), EINVAL);
    CHECK_ERRNO (zmq_socket_monitor (NULL, "inproc://x", ALL), ENOTSOCK);
    CHECK_ERRNO (zmq_socket_monitor (NULL, NULL, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_socket_monitor (context, "inproc://x", ALL), ENOTSOCK);
    CHECK_OK (zmq_socket_monitor (socket, NULL, 0));
    CHECK_OK (zmq_socket_monitor (socket, "inproc://x", 0));
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_ERRNO (zmq_socket_monitor (socket, "inproc://y", ALL), ETERM);
    CHECK_OK (zmq_socket_monitor (socket, NULL, 0));
    FINISH (context, socket);
}

TEST (a_monitor_takes_the_name_and_the_place_of_a_socket)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 2));
    void *socket = open_socket (context, ZMQ_DEALER), *other = open_socket (context, ZMQ_DEALER);
    CHECK_ERRNO (zmq_socket_monitor (socket, "inproc://name", ALL), EMFILE);
    CHECK_OK (zmq_bind (other, "inproc://taken"));
    CHECK_OK (zmq_close (other));
    FINISH (context, socket);

    context = zmq_ctx_new ();
    socket = open_socket (context, ZMQ_DEALER), other = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_bind (other, "inproc://taken"));
    CHECK_ERRNO (zmq_socket_monitor (socket, "inproc://taken", ALL), EADDRINUSE);
    CHECK_OK (zmq_socket_monitor (socket, "inproc://name", ALL));
    CHECK_ERRNO (zmq_bind (other, "inproc://name"), EADDRINUSE);
    FINISH (context, socket, other);
}

TEST (starting_again_ends_the_one_before)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    void *other = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_bind (other, "inproc://taken"));
    void *first = watch (context, socket, ALL);
    const char *endpoint = bind_to (socket, "tcp://127.0.0.1:*");
    EXPECT_EVENT (first, ZMQ_EVENT_LISTENING, endpoint);
    void *second = watch (context, socket, ALL);
    expect_stop (first);
    endpoint = bind_to (socket, "tcp://127.0.0.1:*");
    EXPECT_EVENT (second, ZMQ_EVENT_LISTENING, endpoint);
    /*  What is refused for its arguments leaves the one that runs alone.  */
    CHECK_ERRNO (zmq_socket_monitor (socket, "tcp://127.0.0.1:1", ALL), EPROTONOSUPPORT);
    endpoint = bind_to (socket, "tcp://127.0.0.1:*");
    EXPECT_EVENT (second, ZMQ_EVENT_LISTENING, endpoint);
    CHECK_ERRNO (zmq_socket_monitor (socket, "inproc://taken", ALL), EADDRINUSE);
    expect_stop (second);
    bind_to (socket, "tcp://127.0.0.1:*");
    void *third = watch (context, socket, ALL);
    CHECK_OK (zmq_socket_monitor (socket, NULL, 0));
    expect_stop (third);
    CHECK_OK (zmq_socket_monitor (socket, NULL, 0));
    FINISH (context, socket, other);
}

static void *end_of_context (void *context)
{
    CHECK_OK (zmq_ctx_term (context));
    return NULL;
}

TEST (the_end_of_the_context_ends_readers)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    void *reader = watch (context, socket, ALL);
    const char *endpoint = bind_to (socket, "tcp://127.0.0.1:*");
    EXPECT_EVENT (reader, ZMQ_EVENT_LISTENING, endpoint);
    pthread_t thread = start_thread (end_of_context, context);
    char byte;
    CHECK_ERRNO (zmq_recv (reader, &byte, 1, 0), ETERM);
    CHECK_OK (zmq_close (reader));
    CHECK_OK (zmq_close (socket));
    end_thread (thread);
}

TEST (a_socket_that_lingers_is_watched_to_its_end)
{
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_PUSH);
    set_int (client, ZMQ_RECONNECT_IVL, 30);
    set_int (client, ZMQ_LINGER, 200);
    void *reader = watch (context, client, ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_MONITOR_STOPPED);
    const char *endpoint = absent ("tcp");
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "m", 0);
    CHECK_OK (zmq_close (client));
    /*  It goes on trying until its time is over.  */
    expect_retry (reader, endpoint, 30);
    expect_retry (reader, endpoint, 30);
    await_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}
