/*  The functions that go with the draft socket types: groups, and peers by their numbers.  */
#include "../thread_safe.h"

/*  Receives a message of this text; returns the number of its peer.  */
static uint32_t peer_of_text (void *socket, const char *text)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, socket, 0), strlen (text));
    CHECK (memcmp (zmq_msg_data (&message), text, strlen (text)) == 0);
    uint32_t peer = zmq_msg_routing_id (&message);
    CHECK_OK (zmq_msg_close (&message));
    return peer;
}

/*  Sends a text to the peer with this number; 0, or errno.  */
static int send_to (void *socket, uint32_t peer, const char *text, int flags)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_buffer (&message, text, strlen (text)));
    if (peer)
        CHECK_OK (zmq_msg_set_routing_id (&message, peer));
    if (zmq_msg_send (&message, socket, flags) >= 0)
        return 0;
    int error = zmq_errno ();
    CHECK (zmq_msg_routing_id (&message) == peer);
    CHECK_OK (zmq_msg_close (&message));
    return error;
}

/*  Sends a text to a group.  */
static void send_group (void *radio, const char *group, const char *text)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_buffer (&message, text, strlen (text)));
    CHECK_OK (zmq_msg_set_group (&message, group));
    CHECK_INT (zmq_msg_send (&message, radio, 0), strlen (text));
}

#define EXPECT_GROUP(DISH, GROUP, TEXT)                                       \
    do {                                                                      \
        zmq_msg_t group_message;                                              \
        CHECK_OK (zmq_msg_init (&group_message));                             \
        CHECK_INT (zmq_msg_recv (&group_message, DISH, 0), strlen (TEXT));    \
        CHECK (memcmp (zmq_msg_data (&group_message), TEXT, strlen (TEXT)) == 0); \
        CHECK_STRING (zmq_msg_group (&group_message), GROUP);                 \
        CHECK_OK (zmq_msg_close (&group_message));                            \
    } while (0)

/*  Sends to a group until the dish has the last of it: that it joined is known then.  */
static void await_join (void *radio, void *dish, const char *group)
{
    char probe[40], got[40];
    for (int64_t give_up = now_ms () + PATIENCE_MS, n = 0; now_ms () < give_up; n++) {
        snprintf (probe, sizeof probe, "probe %d", (int) n);
        send_group (radio, group, probe);
        zmq_pollitem_t item = {dish, 0, ZMQ_POLLIN, 0};
        while (zmq_poll (&item, 1, 20) == 1) {
            int size = zmq_recv (dish, got, sizeof got - 1, 0);
            CHECK (size >= 0);
            got[size] = 0;
            if (strcmp (got, probe) == 0)
                return;
        }
    }
    CHECK (!"the group never reached the radio");
}

TRANSPORT_TEST (numbers_of_peers_count_up_and_are_not_zero)
{
    enum { CLIENTS = 4 };
    void *context = zmq_ctx_new (), *clients[CLIENTS];
    void *server = open_socket (context, ZMQ_SERVER);
    const char *endpoint = bind_to (server, fresh (transport));
    uint32_t before = 0;
    for (int n = 0; n < CLIENTS; n++) {
        clients[n] = open_socket (context, ZMQ_CLIENT);
        CHECK_OK (zmq_connect (clients[n], endpoint));
        send_text (clients[n], "hello", 0);
        uint32_t peer = peer_of_text (server, "hello");
        CHECK (peer != 0);
        CHECK (before == 0 || peer == before + 1 + (before == UINT32_MAX));
        before = peer;
        CHECK_INT (send_to (server, peer, "and to you", 0), 0);
        /*  What means something to the server alone does not reach the client.  */
        CHECK (peer_of_text (clients[n], "and to you") == 0);
    }
    for (int n = 0; n < CLIENTS; n++)
        CHECK_OK (zmq_close (clients[n]));
    FINISH (context, server);
}

WIRE_TEST (a_peer_that_is_gone_or_unknown_is_not_reached)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    void *other = open_socket (context, ZMQ_CLIENT);
    /*  No queue is full: a refusal says that the peer is gone.  */
    set_int (server, ZMQ_SNDHWM, 0);
    const char *endpoint = join (server, client, transport);
    send_text (client, "hello", 0);
    uint32_t peer = peer_of_text (server, "hello");
    CHECK_INT (send_to (server, peer + 1, "x", ZMQ_DONTWAIT), EHOSTUNREACH);
    CHECK_INT (send_to (server, 0, "x", ZMQ_DONTWAIT), EHOSTUNREACH);
    send_text (client, "last words", 0);
    set_int (client, ZMQ_LINGER, -1);
    CHECK_OK (zmq_close (client));
    /*  Gone, with a message that is not read.  */
    int error = 0;
    for (int64_t give_up = now_ms () + PATIENCE_MS; !error && now_ms () < give_up;)
        error = send_to (server, peer, "x", ZMQ_DONTWAIT);
    CHECK_INT (error, EAGAIN);
    CHECK_INT (send_to (server, peer, "x", 0), EHOSTUNREACH);
    CHECK (peer_of_text (server, "last words") == peer);
    CHECK_OK (zmq_connect (other, endpoint));
    send_text (other, "hello", 0);
    CHECK (peer_of_text (server, "hello") == peer + 1 + (peer == UINT32_MAX));
    CHECK_INT (send_to (server, peer, "x", ZMQ_DONTWAIT), EHOSTUNREACH);
    FINISH (context, server, other);
}

TEST (a_full_peer_is_eagain_and_waited_for)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    set_int (server, ZMQ_SNDHWM, 1);
    set_int (client, ZMQ_RCVHWM, 1);
    join (server, client, "inproc");
    send_text (client, "hello", 0);
    uint32_t peer = peer_of_text (server, "hello");
    int sent = 0, error;
    while ((error = send_to (server, peer, "m", ZMQ_DONTWAIT)) == 0)
        CHECK (++sent < 100);
    CHECK_INT (error, EAGAIN);
    set_int (server, ZMQ_SNDTIMEO, SETTLE_MS);
    CHECK_INT (send_to (server, peer, "m", 0), EAGAIN);
    for (int n = 0; n < sent; n++)
        EXPECT_TEXT (client, "m");
    CHECK_INT (send_to (server, peer, "m", 0), 0);
    EXPECT_TEXT (client, "m");
    FINISH (context, server, client);
}

TRANSPORT_TEST (connect_peer_tells_the_number_at_once)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PEER), *two = open_socket (context, ZMQ_PEER);
    const char *endpoint = bind_to (one, fresh (transport));
    uint32_t number = zmq_connect_peer (two, endpoint);
    CHECK (number != 0);
    CHECK_INT (send_to (two, number, "hello", 0), 0);
    uint32_t back = peer_of_text (one, "hello");
    CHECK (back != 0);
    CHECK_INT (send_to (one, back, "and back", 0), 0);
    CHECK (peer_of_text (two, "and back") == number);
    FINISH (context, one, two);
}

TEST (connect_peer_is_for_peers_alone)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_CHANNEL; type++) {
        void *socket = open_socket (context, type);
        if (type != ZMQ_PEER) {
            errno = 0;
            CHECK_INT (zmq_connect_peer (socket, "inproc://nobody"), 0);
            CHECK_INT (zmq_errno (), ENOTSUP);
        }
        CHECK_OK (zmq_close (socket));
    }
    void *peer = open_socket (context, ZMQ_PEER);
    CHECK_INT (zmq_connect_peer (peer, "tcp://nonsense"), 0);
    CHECK_INT (zmq_errno (), EINVAL);
    CHECK_INT (zmq_connect_peer (peer, NULL), 0);
    CHECK_INT (zmq_errno (), EINVAL);
    set_int (peer, ZMQ_IMMEDIATE, 1);
    CHECK_INT (zmq_connect_peer (peer, "tcp://127.0.0.1:1"), 0);
    CHECK_INT (zmq_errno (), EFAULT);
    CHECK_OK (zmq_close (peer));
    CHECK_INT (zmq_connect_peer (peer, "tcp://127.0.0.1:1"), 0);
    CHECK_INT (zmq_errno (), ENOTSOCK);
    CHECK_OK (zmq_ctx_term (context));
}

TRANSPORT_TEST (disconnect_peer_ends_one_connection)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PEER), *two = open_socket (context, ZMQ_PEER);
    void *three = open_socket (context, ZMQ_PEER);
    uint32_t second = zmq_connect_peer (one, bind_to (two, fresh (transport)));
    uint32_t third = zmq_connect_peer (one, bind_to (three, fresh (transport)));
    CHECK (second && third && second != third);
    CHECK_INT (send_to (one, second, "second", 0), 0);
    uint32_t back = peer_of_text (two, "second");
    CHECK_OK (zmq_disconnect_peer (one, second));
    CHECK_INT (send_to (one, second, "x", 0), EHOSTUNREACH);
    CHECK_ERRNO (zmq_disconnect_peer (one, second), EHOSTUNREACH);
    CHECK_INT (send_to (one, third, "third", 0), 0);
    peer_of_text (three, "third");
    int error = 0;
    for (int64_t give_up = now_ms () + PATIENCE_MS; error != EHOSTUNREACH && now_ms () < give_up;)
        error = send_to (two, back, "x", ZMQ_DONTWAIT);
    CHECK_INT (error, EHOSTUNREACH);
    FINISH (context, one, two, three);
}

TEST (disconnect_peer_is_for_types_with_numbers)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_CHANNEL; type++) {
        void *socket = open_socket (context, type);
        int numbers = type == ZMQ_PEER || type == ZMQ_SERVER;
        CHECK_ERRNO (zmq_disconnect_peer (socket, 1), numbers ? EHOSTUNREACH : ENOTSUP);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_ERRNO (zmq_disconnect_peer (NULL, 1), ENOTSOCK);
    CHECK_OK (zmq_ctx_term (context));
}

TRANSPORT_TEST (a_dish_receives_the_groups_that_it_joined)
{
    void *context = zmq_ctx_new ();
    void *radio = open_socket (context, ZMQ_RADIO), *dish = open_socket (context, ZMQ_DISH);
    const char *longer = "a group of a name that does not fit into a message";
    CHECK_OK (zmq_join (dish, "movies"));
    join (radio, dish, transport);
    await_join (radio, dish, "movies");
    CHECK_OK (zmq_join (dish, longer));
    CHECK_OK (zmq_join (dish, ""));
    await_join (radio, dish, "");
    send_group (radio, "tv", "not this");
    send_group (radio, "movie", "nor this");
    send_group (radio, longer, "but this");
    send_group (radio, "movies", "and that");
    send_text (radio, "and a third", 0);
    EXPECT_GROUP (dish, longer, "but this");
    EXPECT_GROUP (dish, "movies", "and that");
    EXPECT_GROUP (dish, "", "and a third");
    FINISH (context, radio, dish);
}

TRANSPORT_TEST (a_dish_receives_no_more_of_a_group_that_it_left)
{
    void *context = zmq_ctx_new ();
    void *radio = open_socket (context, ZMQ_RADIO), *dish = open_socket (context, ZMQ_DISH);
    join (dish, radio, transport);
    CHECK_OK (zmq_join (dish, "left"));
    CHECK_OK (zmq_join (dish, "kept"));
    await_join (radio, dish, "kept");
    await_join (radio, dish, "left");
    /*  On its way while the group is left: the dish does not hand it out.  */
    send_group (radio, "left", "late");
    CHECK_OK (zmq_leave (dish, "left"));
    send_group (radio, "kept", "still");
    EXPECT_GROUP (dish, "kept", "still");
    CHECK_OK (zmq_join (dish, "left"));
    await_join (radio, dish, "left");
    FINISH (context, radio, dish);
}

TEST (groups_are_joined_once_and_left_once)
{
    void *context = zmq_ctx_new ();
    void *dish = open_socket (context, ZMQ_DISH);
    char name[257];
    memset (name, 'g', sizeof name);
    name[256] = 0;
    CHECK_ERRNO (zmq_join (dish, name), EINVAL);
    CHECK_ERRNO (zmq_leave (dish, name), EINVAL);
    name[255] = 0;
    CHECK_ERRNO (zmq_leave (dish, name), EINVAL);
    CHECK_OK (zmq_join (dish, name));
    CHECK_ERRNO (zmq_join (dish, name), EINVAL);
    CHECK_OK (zmq_leave (dish, name));
    CHECK_ERRNO (zmq_leave (dish, name), EINVAL);
    CHECK_OK (zmq_join (dish, ""));
    CHECK_OK (zmq_leave (dish, ""));
    CHECK_ERRNO (zmq_join (dish, NULL), EINVAL);
    CHECK_ERRNO (zmq_leave (dish, NULL), EINVAL);
    FINISH (context, dish);
    CHECK_ERRNO (zmq_join (dish, "g"), ENOTSOCK);
    CHECK_ERRNO (zmq_leave (dish, "g"), ENOTSOCK);
}

TEST (other_types_have_no_groups)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_CHANNEL; type++)
        if (type != ZMQ_DISH) {
            void *socket = open_socket (context, type);
            CHECK_ERRNO (zmq_join (socket, "g"), ENOTSUP);
            CHECK_ERRNO (zmq_leave (socket, "g"), ENOTSUP);
            CHECK_OK (zmq_close (socket));
        }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (groups_are_told_again_after_a_reconnect)
{
    void *context = zmq_ctx_new ();
    void *radio = open_socket (context, ZMQ_RADIO), *dish = open_socket (context, ZMQ_DISH);
    const char *endpoint = bind_to (radio, "tcp://127.0.0.1:*");
    set_int (dish, ZMQ_RECONNECT_IVL, 5);
    CHECK_OK (zmq_connect (dish, endpoint));
    CHECK_OK (zmq_join (dish, "g"));
    await_join (radio, dish, "g");
    CHECK_OK (zmq_close (radio));
    radio = open_socket (context, ZMQ_RADIO);
    for (int64_t give_up = now_ms () + PATIENCE_MS; zmq_bind (radio, endpoint) != 0;)
        CHECK (now_ms () < give_up);
    await_join (radio, dish, "g");
    FINISH (context, radio, dish);
}

TEST (join_and_leave_are_commands_whatever_the_minor_version)
{
    for (int minor = 0; minor <= 1; minor++) {
        void *context = zmq_ctx_new ();
        void *dish = open_socket (context, ZMQ_DISH);
        int fd = plain_connect (port_of (bind_to (dish, "tcp://127.0.0.1:*")));
        CHECK_OK (zmq_join (dish, "one"));
        plain_handshake (fd, "RADIO", minor);
        plain_expect (fd, "\x04\x08\x04JOINone", 10);
        CHECK_OK (zmq_leave (dish, "one"));
        plain_expect (fd, "\x04\x09\x05LEAVEone", 11);
        CHECK_OK (zmq_join (dish, "two"));
        plain_write (fd, "\x01\x03two\0\x04" "body", 11);
        EXPECT_GROUP (dish, "two", "body");
        close (fd);
        FINISH (context, dish);
    }
}

TEST (a_radio_that_sends_other_frames_is_not_listened_to)
{
    static const struct { const char *bytes; size_t size; } WRONG[] = {
      {"\0\x04" "body", 6}, {"\x01\x01" "g\x01\x01" "b\0\x01" "c", 9}};
    void *context = zmq_ctx_new ();
    void *dish = open_socket (context, ZMQ_DISH);
    int port = port_of (bind_to (dish, "tcp://127.0.0.1:*"));
    CHECK_OK (zmq_join (dish, "g"));
    for (size_t at = 0; at < sizeof WRONG / sizeof *WRONG; at++) {
        int fd = plain_connect (port);
        plain_handshake (fd, "RADIO", 1);
        plain_write (fd, WRONG[at].bytes, WRONG[at].size);
        plain_expect_end (fd);
    }
    EXPECT_NOTHING (dish);
    FINISH (context, dish);
}

TEST (a_router_says_whether_a_peer_has_room)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    set_int (router, ZMQ_SNDHWM, 1);
    set_int (dealer, ZMQ_RCVHWM, 1);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    set_routing_id (dealer, "D");
    CHECK_ERRNO (zmq_socket_get_peer_state (router, "D", 1), EHOSTUNREACH);
    join (router, dealer, "inproc");
    send_text (dealer, "hello", 0);
    EXPECT_PARTS (router, "D", "hello");
    CHECK_INT (zmq_socket_get_peer_state (router, "D", 1), ZMQ_POLLOUT);
    int sent = 0;
    while (zmq_send (router, "D", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 1) {
        send_text (router, "m", 0);
        CHECK (++sent < 100);
    }
    CHECK_INT (zmq_socket_get_peer_state (router, "D", 1), 0);
    for (int n = 0; n < sent; n++)
        EXPECT_TEXT (dealer, "m");
    CHECK_INT (zmq_socket_get_peer_state (router, "D", 1), ZMQ_POLLOUT);
    CHECK_ERRNO (zmq_socket_get_peer_state (router, "E", 1), EHOSTUNREACH);
    CHECK_ERRNO (zmq_socket_get_peer_state (router, NULL, 1), EFAULT);
    CHECK_ERRNO (zmq_socket_get_peer_state (dealer, "D", 1), ENOTSUP);
    CHECK_ERRNO (zmq_socket_get_peer_state (NULL, "D", 1), ENOTSOCK);
    FINISH (context, router, dealer);
}
