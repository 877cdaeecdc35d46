/*  STREAM: plain TCP peers, as server and as client.  */
#include "peers.h"

typedef struct {
    char bytes[8];
} peer_id;

/*  The next message is an empty one of some peer: it came, or it left.  */
static peer_id expect_notification (void *stream)
{
    peer_id id;
    CHECK_INT (zmq_recv (stream, id.bytes, sizeof id.bytes, 0), 5);
    CHECK_INT (id.bytes[0], 0);
    CHECK (get_int (stream, ZMQ_RCVMORE));
    CHECK_INT (zmq_recv (stream, NULL, 0, 0), 0);
    CHECK (!get_int (stream, ZMQ_RCVMORE));
    return id;
}

/*  Exactly these bytes come from this peer, in however many messages.  */
static void expect_data (void *stream, const peer_id *peer, const char *text)
{
    size_t have = 0, want = strlen (text);
    while (have < want) {
        char id[8], data[256];
        CHECK_INT (zmq_recv (stream, id, sizeof id, 0), 5);
        CHECK (memcmp (id, peer->bytes, 5) == 0);
        int size = zmq_recv (stream, data, sizeof data, 0);
        CHECK (size > 0 && have + (size_t) size <= want);
        CHECK (memcmp (data, text + have, (size_t) size) == 0);
        CHECK (!get_int (stream, ZMQ_RCVMORE));
        have += (size_t) size;
    }
}

static void send_data (void *stream, const peer_id *peer, const char *text)
{
    CHECK_INT (zmq_send (stream, peer->bytes, 5, ZMQ_SNDMORE), 5);
    send_text (stream, text, 0);
}

/*  The id of a peer that left stops being routable: EHOSTUNREACH, or
 *  EAGAIN while the connection is being closed.  */
static void await_unreachable (void *stream, const peer_id *peer)
{
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up;) {
        if (zmq_send (stream, peer->bytes, 5, ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1) {
            CHECK (zmq_errno () == EHOSTUNREACH || zmq_errno () == EAGAIN);
            return;
        }
        send_text (stream, "nobody reads this", 0);
        sleep_ms (2);
    }
    CHECK (!"the peer stayed reachable");
}

static void plain_expect (int fd, const char *text)
{
    char got[256];
    plain_read (fd, got, strlen (text));
    CHECK (memcmp (got, text, strlen (text)) == 0);
}

TEST (serves_plain_clients)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int port = port_of (bind_to (stream, "tcp://127.0.0.1:*"));
    int one = plain_connect (port);
    peer_id first = expect_notification (stream);
    int two = plain_connect (port);
    peer_id second = expect_notification (stream);
    CHECK (memcmp (first.bytes, second.bytes, 5) != 0);
    plain_write (two, "from two", 8);
    expect_data (stream, &second, "from two");
    plain_write (one, "from one", 8);
    expect_data (stream, &first, "from one");
    send_data (stream, &first, "to one");
    send_data (stream, &second, "to two");
    send_data (stream, &second, ", more");
    plain_expect (one, "to one");
    plain_expect (two, "to two, more");
    /*  A peer leaves.  */
    CHECK_OK (close (one));
    peer_id left = expect_notification (stream);
    CHECK (memcmp (left.bytes, first.bytes, 5) == 0);
    await_unreachable (stream, &first);
    CHECK_OK (close (two));
    FINISH (context, stream);
}

TEST (an_empty_message_closes)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    peer_id peer = expect_notification (stream);
    CHECK_INT (zmq_send (stream, peer.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (stream, "", 0, 0), 0);
    await_end (stream, fd);
    plain_expect_end (fd);
    await_unreachable (stream, &peer);
    CHECK_OK (close (fd));
    /*  The side that closes gets no notification of the end.  */
    EXPECT_NOTHING (stream);
    FINISH (context, stream);
}

/*  What was written before the closing message still goes out.  */
TEST (data_before_the_close_arrives)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    set_int (stream, ZMQ_LINGER, -1);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    peer_id peer = expect_notification (stream);
    plain_write (fd, "GET", 3);
    expect_data (stream, &peer, "GET");
    send_data (stream, &peer, "HTTP/1.0 200 OK");
    plain_expect (fd, "HTTP/1.0 200 OK");
    CHECK_INT (zmq_send (stream, peer.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (stream, NULL, 0, 0), 0);
    await_end (stream, fd);
    plain_expect_end (fd);
    CHECK_OK (close (fd));
    FINISH (context, stream);
}

static void *read_to_the_end (void *argument)
{
    char bytes[65536];
    int fd = *(int *) argument;
    long size = 0;
    sleep_ms (50);
    for (ssize_t got; (got = read (fd, bytes, sizeof bytes)) > 0;)
        size += got;
    return (void *) size;
}

/*  An answer that the connection cannot take at once is no less complete: that
 *  is how HTTP servers end a page.  */
TEST (a_large_answer_goes_out_before_the_close)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    enum { SIZE = 12000000 };
    char *page = calloc (1, SIZE);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    peer_id peer = expect_notification (stream);
    pthread_t client = start_thread (read_to_the_end, &fd);
    CHECK_INT (zmq_send (stream, peer.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (stream, page, SIZE, ZMQ_SNDMORE), SIZE);
    CHECK_INT (zmq_send (stream, peer.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (stream, "", 0, ZMQ_SNDMORE), 0);
    EXPECT_NOTHING (stream);
    void *got = NULL;
    CHECK_OK (pthread_join (client, &got));
    CHECK_INT ((long) got, SIZE);
    CHECK_OK (close (fd));
    free (page);
    FINISH (context, stream);
}

/*  Its parts are sent in pairs, whatever the flag of the first.  */
TEST (an_id_without_more_takes_the_next_part_with_it)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    peer_id peer = expect_notification (stream);
    CHECK_INT (zmq_send (stream, peer.bytes, 5, 0), 5);
    send_text (stream, "dropped", ZMQ_SNDMORE);
    send_data (stream, &peer, "sent");
    plain_expect (fd, "sent");
    CHECK_OK (close (fd));
    FINISH (context, stream);
}

TEST (connects_to_a_plain_server)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    CHECK_OK (zmq_connect (stream, endpoint));
    peer_id peer;
    size_t size = sizeof peer.bytes;
    CHECK_OK (zmq_getsockopt (stream, ZMQ_ROUTING_ID, peer.bytes, &size));
    CHECK_INT (size, 5);
    int fd = plain_accept (listener);
    peer_id came = expect_notification (stream);
    CHECK (memcmp (came.bytes, peer.bytes, 5) == 0);
    send_data (stream, &peer, "hello");
    plain_expect (fd, "hello");
    plain_write (fd, "world", 5);
    expect_data (stream, &peer, "world");
    /*  The server closes.  */
    CHECK_OK (close (fd));
    peer_id left = expect_notification (stream);
    CHECK (memcmp (left.bytes, peer.bytes, 5) == 0);
    CHECK_OK (close (listener));
    FINISH (context, stream);
}

TEST (connect_routing_id_names_the_connection)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    CHECK_OK (zmq_setsockopt (stream, ZMQ_CONNECT_ROUTING_ID, "server", 6));
    CHECK_OK (zmq_connect (stream, endpoint));
    int fd = plain_accept (listener);
    EXPECT_PARTS (stream, "server", "");
    SEND_PARTS (stream, "server", "hello");
    plain_expect (fd, "hello");
    plain_write (fd, "w", 1);
    EXPECT_PARTS (stream, "server", "w");
    CHECK_OK (close (fd));
    CHECK_OK (close (listener));
    FINISH (context, stream);
}

TEST (stream_talks_to_stream)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_STREAM);
    void *client = open_socket (context, ZMQ_STREAM);
    join (server, client, "tcp");
    peer_id at_server = expect_notification (server);
    peer_id at_client = expect_notification (client);
    send_data (client, &at_client, "hello");
    expect_data (server, &at_server, "hello");
    send_data (server, &at_server, "world");
    expect_data (client, &at_client, "world");
    CHECK_OK (zmq_close (client));
    peer_id left = expect_notification (server);
    CHECK (memcmp (left.bytes, at_server.bytes, 5) == 0);
    FINISH (context, server);
}

TEST (notifications_can_be_switched_off)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    set_int (stream, ZMQ_STREAM_NOTIFY, 0);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    EXPECT_NOTHING (stream);
    plain_write (fd, "x", 1);
    peer_id peer;
    CHECK_INT (zmq_recv (stream, peer.bytes, sizeof peer.bytes, 0), 5);
    EXPECT_TEXT (stream, "x");
    CHECK_OK (close (fd));
    EXPECT_NOTHING (stream);
    FINISH (context, stream);
}

TEST (unknown_peer_is_unreachable)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    CHECK_ERRNO (zmq_send (stream, "\0abcd", 5, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_ERRNO (zmq_recv (stream, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, stream);
}

TEST (only_tcp)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    CHECK_ERRNO (zmq_bind (stream, "bogus://x"), EPROTONOSUPPORT);
    FINISH (context, stream);
}

/*  A stream of bytes has no message boundaries, but keeps order and loses
 *  nothing, in both directions.  */
static void *write_megabytes (void *fd)
{
    static char block[65536];
    for (int n = 0; n < 64; n++) {
        memset (block, n, sizeof block);
        for (size_t at = 0; at < sizeof block;) {
            ssize_t put = send (*(int *) fd, block + at, sizeof block - at, MSG_NOSIGNAL);
            CHECK (put > 0);
            at += (size_t) put;
        }
    }
    return NULL;
}

TEST (four_megabytes_each_way)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    peer_id peer = expect_notification (stream);
    pthread_t writer = start_thread (write_megabytes, &fd);
    size_t have = 0;
    while (have < 64 * 65536) {
        zmq_msg_t data;
        char id[8];
        CHECK_INT (zmq_recv (stream, id, sizeof id, 0), 5);
        CHECK_OK (zmq_msg_init (&data));
        CHECK (zmq_msg_recv (&data, stream, 0) > 0);
        const char *bytes = zmq_msg_data (&data);
        for (size_t n = 0; n < zmq_msg_size (&data); n++, have++)
            if (bytes[n] != (char) (have / 65536))
                CHECK_INT (bytes[n], have / 65536);
        CHECK_OK (zmq_msg_close (&data));
    }
    end_thread (writer);
    static char block[1 << 20], back[1 << 20];
    for (int n = 0; n < 4; n++) {
        memset (block, n + 1, sizeof block);
        CHECK_INT (zmq_send (stream, peer.bytes, 5, ZMQ_SNDMORE), 5);
        CHECK_INT (zmq_send (stream, block, sizeof block, 0), sizeof block);
    }
    for (int n = 0; n < 4; n++) {
        memset (block, n + 1, sizeof block);
        plain_read (fd, back, sizeof back);
        CHECK (memcmp (block, back, sizeof back) == 0);
    }
    CHECK_OK (close (fd));
    FINISH (context, stream);
}

TEST (reset_by_the_peer_is_a_departure)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    int fd = plain_connect (port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    peer_id peer = expect_notification (stream);
    struct linger abrupt = {1, 0};
    CHECK_OK (setsockopt (fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt));
    CHECK_OK (close (fd));
    peer_id left = expect_notification (stream);
    CHECK (memcmp (left.bytes, peer.bytes, 5) == 0);
    FINISH (context, stream);
}

/*  An HTTP server of a dozen lines, asked by curl.  */
TEST (answers_an_http_request_of_curl)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    set_int (stream, ZMQ_LINGER, -1);
    char command[200], page[200] = "";
    snprintf (command, sizeof command, "curl -s --noproxy '*' --max-time 10 http://127.0.0.1:%d/page",
              port_of (bind_to (stream, "tcp://127.0.0.1:*")));
    FILE *curl = popen (command, "r");
    CHECK (curl != NULL);
    peer_id peer = expect_notification (stream);
    /*  The request may come in pieces: its end is an empty line.  */
    char request[2000] = "", id[8];
    for (size_t have = 0; !strstr (request, "\r\n\r\n");) {
        CHECK_INT (zmq_recv (stream, id, sizeof id, 0), 5);
        CHECK (memcmp (id, peer.bytes, 5) == 0);
        int size = zmq_recv (stream, request + have, sizeof request - have - 1, 0);
        CHECK (size > 0 && have + (size_t) size < sizeof request);
        have += (size_t) size;
    }
    CHECK (strncmp (request, "GET /page HTTP/1.1\r\n", 20) == 0);
    send_data (stream, &peer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
    send_data (stream, &peer, "Hello, World!");
    CHECK_INT (zmq_send (stream, peer.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (stream, "", 0, 0), 0);
    /*  libzmq closes while the application calls.  */
    int64_t give_up = now_ms () + PATIENCE_MS;
    struct pollfd ready = {fileno (curl), POLLIN, 0};
    while (poll (&ready, 1, 2) == 0 && now_ms () < give_up)
        (void) get_int (stream, ZMQ_EVENTS);
    CHECK (fgets (page, sizeof page, curl) != NULL);
    CHECK_STRING (page, "Hello, World!");
    CHECK_INT (pclose (curl), 0);
    FINISH (context, stream);
}

/*  A client of a plain program that sends first, and closes.  */
TEST (a_client_sees_a_server_restart)
{
    void *context = zmq_ctx_new ();
    void *stream = open_socket (context, ZMQ_STREAM);
    set_int (stream, ZMQ_RECONNECT_IVL, 10);
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    CHECK_OK (zmq_connect (stream, endpoint));
    for (int round = 0; round < 3; round++) {
        int fd = plain_accept (listener);
        peer_id peer = expect_notification (stream);
        plain_write (fd, "220 ready", 9);
        expect_data (stream, &peer, "220 ready");
        send_data (stream, &peer, "QUIT");
        plain_expect (fd, "QUIT");
        CHECK_OK (close (fd));
        peer_id left = expect_notification (stream);
        CHECK (memcmp (left.bytes, peer.bytes, 5) == 0);
    }
    CHECK_OK (close (listener));
    FINISH (context, stream);
}
