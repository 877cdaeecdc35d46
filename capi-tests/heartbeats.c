/*  ZMQ_HEARTBEAT_IVL, _TIMEOUT and _TTL: against a plain peer, whose bytes
 *  the test writes, and against a process that stops.
 */
#include "monitors.h"

/*  The first byte of a frame, its length and its body.  */
typedef struct {
    unsigned char flags, length, body[255];
} frame_t;

static frame_t plain_frame (int fd)
{
    frame_t frame;
    plain_read (fd, &frame, 2);
    plain_read (fd, frame.body, frame.length);
    return frame;
}

/*  The next frame is a PING with this time to live.  */
#define EXPECT_PING(FD, TENTHS)                                               \
    do {                                                                      \
        frame_t ping = plain_frame (FD);                                      \
        CHECK_INT (ping.flags, 4);                                            \
        CHECK_INT (ping.length, 7);                                           \
        CHECK (memcmp (ping.body, "\4PING", 5) == 0);                         \
        CHECK_INT (ping.body[5] * 256 + ping.body[6], TENTHS);                \
    } while (0)

#define PONG "\4\5\4PONG"

/*  Greets as a DEALER of this minor version of ZMTP 3, and skips what the peer answers.  */
static void plain_shake (int fd, int minor)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, minor, 'N', 'U', 'L', 'L'};
    plain_write (fd, greeting, sizeof greeting);
    PLAIN_SAY (fd, READY_DEALER);
    plain_read (fd, greeting, sizeof greeting);
    frame_t ready = plain_frame (fd);
    CHECK (memcmp (ready.body, "\5READY", 6) == 0);
}

/*  A client whose peer is a plain socket; a timeout of -1 is left as it is.  */
typedef struct {
    void *context, *client, *reader;
    int listener, fd;
    char endpoint[60];
} played_t;

/*  Bytes that the systems hold of what is sent and was not received, on our side
 *  and on the peer's; 0 for what they like.  */
static int our_room, peer_room;

static played_t play (int interval, int timeout, int ttl, int minor)
{
    played_t played = {zmq_ctx_new (), 0, 0, 0, 0, ""};
    int port;
    played.client = open_socket (played.context, ZMQ_DEALER);
    played.listener = plain_listen (&port);
    snprintf (played.endpoint, sizeof played.endpoint, "tcp://127.0.0.1:%d", port);
    if (our_room)
        set_int (played.client, ZMQ_SNDBUF, our_room);
    if (peer_room)
        CHECK_OK (setsockopt (played.listener, SOL_SOCKET, SO_RCVBUF, &peer_room,
                              sizeof peer_room));
    set_int (played.client, ZMQ_HEARTBEAT_IVL, interval);
    if (timeout >= 0)
        set_int (played.client, ZMQ_HEARTBEAT_TIMEOUT, timeout);
    set_int (played.client, ZMQ_HEARTBEAT_TTL, ttl);
    set_int (played.client, ZMQ_RECONNECT_IVL, 20);
    played.reader = watch (played.context, played.client,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                             | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (played.client, played.endpoint));
    played.fd = plain_accept (played.listener);
    plain_shake (played.fd, minor);
    EXPECT_EVENT (played.reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, played.endpoint);
    return played;
}

static void stop_playing (played_t *played)
{
    CHECK_OK (zmq_close (played->client));
    await_stop (played->reader);
    CHECK_OK (close (played->fd));
    CHECK_OK (close (played->listener));
    CHECK_OK (zmq_ctx_term (played->context));
}

TEST (pings_carry_the_time_to_live_and_pongs_keep_the_connection)
{
    played_t played = play (40, -1, 1299, 1);
    int64_t start = now_ms ();
    for (int n = 0; n < 6; n++) {
        EXPECT_PING (played.fd, 12);
        PLAIN_SAY (played.fd, PONG);
    }
    CHECK (now_ms () - start >= 5 * 40);
    event_t event = {0};
    CHECK (!next_event_within (played.reader, &event, 0));
    stop_playing (&played);
}

TEST (without_an_interval_there_are_no_pings)
{
    played_t played = play (0, 10, 10, 1);
    struct pollfd quiet = {played.fd, POLLIN, 0};
    CHECK_INT (poll (&quiet, 1, SETTLE_MS), 0);
    EXPECT_NO_EVENT (played.reader);
    stop_playing (&played);
}

/*  ZMTP 3.0 has no PING, and there are peers that end the connection at one.  */
TEST (a_peer_of_zmtp_3_0_is_not_pinged)
{
    played_t played = play (20, -1, 0, 0);
    struct pollfd quiet = {played.fd, POLLIN, 0};
    CHECK_INT (poll (&quiet, 1, SETTLE_MS), 0);
    EXPECT_NO_EVENT (played.reader);
    send_text (played.client, "out", 0);
    frame_t frame = plain_frame (played.fd);
    CHECK_INT (frame.flags, 0);
    PLAIN_SAY (played.fd, "\0\2in");
    EXPECT_TEXT (played.client, "in");
    stop_playing (&played);
}

#define LARGE 1800000

/*  Reads frames as over a link of 600 kB a second, and answers each PING, until a
 *  short message has come.  */
static void read_slowly (int fd)
{
    static unsigned char bytes[6000];
    for (;;) {
        plain_read (fd, bytes, 2);
        if (bytes[0] == 2) {
            plain_read (fd, bytes, 7);
            for (int left = LARGE; left > 0; left -= sizeof bytes) {
                plain_read (fd, bytes, sizeof bytes);
                sleep_ms (10);
            }
            continue;
        }
        int command = bytes[0] == 4;
        plain_read (fd, bytes, bytes[1]);
        if (!command)
            return;
        PLAIN_SAY (fd, PONG);
    }
}

/*  A large message and a short one reach a slow peer.  */
static void expect_patience (void)
{
    peer_room = 32768;
    played_t played = play (300, 1000, 0, 1);
    char *large = calloc (1, LARGE);
    CHECK_INT (zmq_send (played.client, large, LARGE, 0), LARGE);
    send_text (played.client, "small", 0);
    read_slowly (played.fd);
    event_t event = {0};
    CHECK (!next_event_within (played.reader, &event, 0));
    free (large);
    stop_playing (&played);
}

TEST (a_ping_behind_a_large_message_does_not_count_before_it_is_written)
{
    our_room = 32768;
    expect_patience ();
}

/*  Our system has all of it, and passes it on.  */
TEST (a_ping_that_is_on_its_way_behind_a_large_message_is_waited_for)
{
    expect_patience ();
}

TEST (a_peer_that_reads_nothing_more_is_disconnected)
{
    our_room = peer_room = 32768;
    played_t played = play (50, 200, 0, 1);
    char *large = calloc (1, LARGE);
    int64_t start = now_ms ();
    CHECK_INT (zmq_send (played.client, large, LARGE, 0), LARGE);
    EXPECT_EVENT (played.reader, ZMQ_EVENT_DISCONNECTED, played.endpoint);
    CHECK (now_ms () - start < 2000);
    free (large);
    stop_playing (&played);
}

/*  What is sent behind a PING is no sign of life, though the peer's system takes it.  */
TEST (a_stopped_peer_is_disconnected_while_messages_are_sent_to_it)
{
    played_t played = play (50, 200, 0, 1);
    int64_t start = now_ms ();
    event_t event = {0};
    while (!next_event_within (played.reader, &event, 10))
        send_text (played.client, "m", ZMQ_DONTWAIT);
    CHECK_INT (event.number, ZMQ_EVENT_DISCONNECTED);
    CHECK (now_ms () - start < 1000);
    stop_playing (&played);
}

TEST (a_peer_of_zmtp_2_0_is_not)
{
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_PULL);
    set_int (server, ZMQ_HEARTBEAT_IVL, 20);
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    int fd = plain_connect (port_of (endpoint));
    char answer[14];
    PLAIN_SAY (fd, "\xff\0\0\0\0\0\0\0\1\x7f\1\x08\0\0");
    plain_read (fd, answer, sizeof answer);
    struct pollfd quiet = {fd, POLLIN, 0};
    CHECK_INT (poll (&quiet, 1, SETTLE_MS), 0);
    PLAIN_SAY (fd, "\0\1m");
    EXPECT_TEXT (server, "m");
    CHECK_OK (close (fd));
    FINISH (context, server);
}

TEST (a_silent_peer_is_disconnected_and_connected_to_again)
{
    played_t played = play (40, -1, 0, 1);
    int64_t start = now_ms ();
    EXPECT_EVENT (played.reader, ZMQ_EVENT_DISCONNECTED, played.endpoint);
    /*  After an interval and, as long again, an answer that does not come.  */
    CHECK (now_ms () - start >= 60);
    CHECK_OK (close (played.fd));
    played.fd = plain_accept (played.listener);
    plain_shake (played.fd, 1);
    EXPECT_EVENT (played.reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, played.endpoint);
    send_text (played.client, "again", 0);
    frame_t frame = plain_frame (played.fd);
    while (frame.flags == 4)
        frame = plain_frame (played.fd);
    CHECK (frame.length == 5 && memcmp (frame.body, "again", 5) == 0);
    stop_playing (&played);
}

TEST (the_timeout_is_an_option_of_its_own)
{
    played_t played = play (30, 200, 0, 1);
    int64_t start = now_ms ();
    for (int n = 0; n < 4; n++)
        EXPECT_PING (played.fd, 0);
    EXPECT_EVENT (played.reader, ZMQ_EVENT_DISCONNECTED, played.endpoint);
    CHECK (now_ms () - start >= 200);
    stop_playing (&played);
}

TEST (a_timeout_of_zero_is_none)
{
    played_t played = play (20, 0, 0, 1);
    for (int n = 0; n < 5; n++)
        EXPECT_PING (played.fd, 0);
    EXPECT_NO_EVENT (played.reader);
    stop_playing (&played);
}

TEST (any_message_is_a_sign_of_life)
{
    played_t played = play (30, 150, 0, 1);
    for (int n = 0; n < 30; n++) {
        PLAIN_SAY (played.fd, "\0\1m");
        EXPECT_TEXT (played.client, "m");
        struct pollfd pings = {played.fd, POLLIN, 0};
        (void) poll (&pings, 0, 15);
    }
    event_t event = {0};
    CHECK (!next_event_within (played.reader, &event, 0));
    stop_playing (&played);
}

TEST (the_time_to_live_of_the_peer_is_kept)
{
    played_t played = play (0, -1, 0, 1);
    PLAIN_SAY (played.fd, "\4\7\4PING\0\1");
    int64_t start = now_ms ();
    frame_t pong = plain_frame (played.fd);
    CHECK_INT (pong.length, 5);
    CHECK (memcmp (pong.body, "\4PONG", 5) == 0);
    EXPECT_EVENT (played.reader, ZMQ_EVENT_DISCONNECTED, played.endpoint);
    CHECK (now_ms () - start >= 90);
    stop_playing (&played);
}

TEST (each_ping_renews_the_time_to_live)
{
    played_t played = play (0, -1, 0, 1);
    for (int n = 0; n < 8; n++) {
        PLAIN_SAY (played.fd, "\4\x0a\4PING\0\3abc");
        frame_t pong = plain_frame (played.fd);
        CHECK_INT (pong.length, 8);
        CHECK (memcmp (pong.body, "\4PONG" "abc", 8) == 0);
        struct pollfd quiet = {played.fd, POLLIN, 0};
        CHECK_INT (poll (&quiet, 1, 60), 0);
    }
    /*  One without a time to live lifts it.  */
    PLAIN_SAY (played.fd, "\4\7\4PING\0\0");
    plain_frame (played.fd);
    struct pollfd quiet = {played.fd, POLLIN, 0};
    CHECK_INT (poll (&quiet, 1, 400), 0);
    stop_playing (&played);
}

/*  A process that echoes, and reports its endpoint.  */
static pid_t echo_process (const char *transport, char *endpoint, size_t size)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        char message[16];
        void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_DEALER);
        set_int (server, ZMQ_RCVTIMEO, 2 * PATIENCE_MS);
        const char *own = bind_to (server, fresh (transport));
        CHECK (write (ends[1], own, strlen (own) + 1) > 0);
        for (;;) {
            int count = zmq_recv (server, message, sizeof message, 0);
            if (count < 0)
                _exit (0);
            zmq_send (server, message, count, 0);
        }
    }
    CHECK (read (ends[0], endpoint, size) > 0);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    return child;
}

WIRE_TEST (a_process_that_stops_and_goes_on)
{
    char endpoint[200];
    pid_t child = echo_process (transport, endpoint, sizeof endpoint);
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    set_int (client, ZMQ_HEARTBEAT_IVL, 50);
    set_int (client, ZMQ_HEARTBEAT_TIMEOUT, 200);
    set_int (client, ZMQ_RECONNECT_IVL, 20);
    set_int (client, ZMQ_HANDSHAKE_IVL, 300);
    void *reader = watch (context, client,
                          ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                            | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "before", 0);
    EXPECT_TEXT (client, "before");
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    EXPECT_NO_EVENT (reader);
    CHECK_OK (kill (child, SIGSTOP));
    EXPECT_EVENT (reader, ZMQ_EVENT_DISCONNECTED, endpoint);
    CHECK_OK (kill (child, SIGCONT));
    await_event (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_text (client, "after", 0);
    EXPECT_TEXT (client, "after");
    CHECK_OK (kill (child, SIGKILL));
    CHECK_INT (waitpid (child, NULL, 0), child);
    CHECK_OK (zmq_close (client));
    await_stop (reader);
    CHECK_OK (zmq_ctx_term (context));
}

/*  A peer that reads nothing would not see an answer.  A PONG shows that the peer
 *  is alive, and needs no answer.  */
TEST (a_peer_is_not_pinged_while_its_messages_are_not_received)
{
    enum { MESSAGES = 1500, PONGS = 10 };
    static char messages[3 * MESSAGES];
    played_t played = play (20, 0, 0, 1);
    for (int n = 0; n < MESSAGES; n++)
        memcpy (messages + 3 * n, "\0\1m", 3);
    plain_write (played.fd, messages, sizeof messages);
    /*  PINGs may come before.  */
    for (int pongs = 0; pongs < PONGS;)
        pongs = memcmp (plain_frame (played.fd).body, "\4PONG", 5) == 0 ? pongs + 1 : 0;
    for (int n = 0; n < MESSAGES; n++)
        EXPECT_TEXT (played.client, "m");
    while (memcmp (plain_frame (played.fd).body, "\4PING", 5) != 0)
        ;
    stop_playing (&played);
}

/*  With heartbeats on either side a peer that does not receive is not considered dead.  */
TEST (a_receiver_that_is_busy_is_waited_for)
{
    enum { MESSAGES = 3000 };
    static char message[1000];
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    void *both[] = {pull, push};
    set_int (pull, ZMQ_RCVHWM, 10);
    set_int (push, ZMQ_SNDHWM, 0);
    for (int n = 0; n < 2; n++) {
        set_int (both[n], ZMQ_HEARTBEAT_IVL, 50);
        set_int (both[n], ZMQ_HEARTBEAT_TIMEOUT, 300);
    }
    void *reader = watch (context, push, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    for (int n = 0; n < MESSAGES; n++)
        CHECK_INT (zmq_send (push, message, sizeof message, 0), sizeof message);
    event_t event = {0};
    CHECK (!next_event_within (reader, &event, 1000));
    for (int n = 0; n < MESSAGES; n++)
        CHECK_INT (zmq_recv (pull, message, sizeof message, 0), sizeof message);
    CHECK (!next_event_within (reader, &event, 0));
    CHECK_OK (zmq_close (push));
    await_stop (reader);
    FINISH (context, pull);
}
