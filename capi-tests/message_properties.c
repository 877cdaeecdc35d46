/*  Properties of messages: zmq_msg_get, _set, _gets, _more.  */
#include "message.h"
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

TEST (msg_get_of_an_unknown_property_is_einval)
{
    zmq_msg_t message;
    init_text (&message, "x");
    CHECK_ERRNO (zmq_msg_get (&message, 0), EINVAL);
    CHECK_ERRNO (zmq_msg_get (&message, 4), EINVAL);
    CHECK_ERRNO (zmq_msg_get (&message, -1), EINVAL);
    CHECK_ERRNO (zmq_msg_get (&message, INT_MAX), EINVAL);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (msg_set_knows_no_property_and_is_einval)
{
    zmq_msg_t message;
    init_text (&message, "x");
    for (int property = -1; property < 10; property++)
        CHECK_ERRNO (zmq_msg_set (&message, property, 1), EINVAL);
    CHECK_INT (zmq_msg_more (&message), 0);
    check_text (&message, "x");
    CHECK_OK (zmq_msg_close (&message));
}

TEST (srcfd_of_a_message_that_was_not_received_is_einval)
{
    zmq_msg_t message;
    init_text (&message, "x");
    CHECK_ERRNO (zmq_msg_get (&message, ZMQ_SRCFD), EINVAL);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (srcfd_of_a_message_over_tcp_is_the_connections_descriptor)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    send_text (two, "hello", 0);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, one, 0), 5);
    int descriptor = zmq_msg_get (&message, ZMQ_SRCFD);
    CHECK (descriptor >= 0);
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    CHECK_OK (getpeername (descriptor, (struct sockaddr *) &peer, &length));
    CHECK_INT (peer.sin_family, AF_INET);
    CHECK_INT (ntohl (peer.sin_addr.s_addr), INADDR_LOOPBACK);
    CHECK_OK (zmq_msg_close (&message));
    close_pair (context, one, two);
}

TEST (srcfd_of_a_message_over_inproc_is_einval)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    send_text (two, "hello", 0);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, one, 0), 5);
    CHECK_ERRNO (zmq_msg_get (&message, ZMQ_SRCFD), EINVAL);
    CHECK_OK (zmq_msg_close (&message));
    close_pair (context, one, two);
}

TEST (more_is_set_on_all_parts_but_the_last)
{
    static const char *const transports[] = {"inproc", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        void *context, *one, *two;
        open_pair (&context, &one, &two, transports[i]);
        send_text (two, "first", ZMQ_SNDMORE);
        send_text (two, "", ZMQ_SNDMORE);
        send_text (two, "last", 0);
        static const char *const parts[] = {"first", "", "last"};
        for (int part = 0; part < 3; part++) {
            zmq_msg_t message;
            CHECK_OK (zmq_msg_init (&message));
            CHECK_INT (zmq_msg_recv (&message, one, 0), strlen (parts[part]));
            check_text (&message, parts[part]);
            CHECK_INT (zmq_msg_more (&message), part < 2);
            CHECK_INT (zmq_msg_get (&message, ZMQ_MORE), part < 2);
            CHECK_INT (get_int (one, ZMQ_RCVMORE), part < 2);
            CHECK_OK (zmq_msg_close (&message));
        }
        close_pair (context, one, two);
    }
}

TEST (copies_and_moves_keep_the_more_flag)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    send_text (two, "first", ZMQ_SNDMORE);
    send_text (two, "last", 0);
    zmq_msg_t message, copy, moved;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_init (&moved));
    CHECK_INT (zmq_msg_recv (&message, one, 0), 5);
    CHECK_OK (zmq_msg_copy (&copy, &message));
    CHECK_INT (zmq_msg_more (&copy), 1);
    CHECK_OK (zmq_msg_move (&moved, &message));
    CHECK_INT (zmq_msg_more (&moved), 1);
    CHECK_INT (zmq_msg_more (&message), 0);
    //  Receiving into a message with the flag clears it.
    CHECK_INT (zmq_msg_recv (&copy, one, 0), 4);
    CHECK_INT (zmq_msg_more (&copy), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_msg_close (&copy));
    CHECK_OK (zmq_msg_close (&moved));
    close_pair (context, one, two);
}

TEST (a_received_more_flag_does_not_leak_into_what_is_sent_on)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    send_text (two, "first", ZMQ_SNDMORE);
    send_text (two, "last", 0);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, one, 0), 5);
    CHECK_INT (zmq_msg_more (&message), 1);
    CHECK_INT (zmq_msg_send (&message, one, 0), 5);
    EXPECT_PART (two, "first", 0);
    EXPECT_PART (one, "last", 0);
    close_pair (context, one, two);
}

/*  Receives one message from SOCKET and checks a text property of it.  */
static void check_property (void *socket, const char *name, const char *value)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK (zmq_msg_recv (&message, socket, 0) >= 0);
    if (value)
        CHECK_STRING (zmq_msg_gets (&message, name), value);
    else
        CHECK_NULL_ERRNO (zmq_msg_gets (&message, name), EINVAL);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (gets_of_a_message_that_was_not_received_is_einval)
{
    zmq_msg_t message;
    init_text (&message, "x");
    CHECK_NULL_ERRNO (zmq_msg_gets (&message, "Socket-Type"), EINVAL);
    CHECK_NULL_ERRNO (zmq_msg_gets (&message, "Routing-Id"), EINVAL);
    CHECK_NULL_ERRNO (zmq_msg_gets (&message, "Peer-Address"), EINVAL);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (gets_over_tcp_and_ipc_returns_the_peers_socket_type)
{
    static const char *const transports[] = {"tcp", "ipc"};
    for (int i = 0; i < 2; i++) {
        void *context = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push, bind_to (pull, wildcard (transports[i]))));
        send_text (push, "one", 0);
        send_text (push, "two", 0);
        check_property (pull, "Socket-Type", "PUSH");
        check_property (pull, "Socket-Type", "PUSH");
        close_pair (context, pull, push);
    }
}

TEST (gets_names_every_socket_type)
{
    static const struct {
        int sender, receiver;
        const char *name;
    } pairs[] = {{ZMQ_PAIR, ZMQ_PAIR, "PAIR"},
                 {ZMQ_DEALER, ZMQ_DEALER, "DEALER"},
                 {ZMQ_PUSH, ZMQ_PULL, "PUSH"},
                 {ZMQ_REQ, ZMQ_REP, "REQ"},
                 {ZMQ_DEALER, ZMQ_REP, "DEALER"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        void *context = zmq_ctx_new ();
        void *to = open_socket (context, pairs[i].receiver);
        void *from = open_socket (context, pairs[i].sender);
        CHECK_OK (zmq_connect (from, bind_to (to, "tcp://127.0.0.1:*")));
        if (pairs[i].sender == ZMQ_DEALER && pairs[i].receiver == ZMQ_REP)
            send_text (from, "", ZMQ_SNDMORE);
        send_text (from, "x", 0);
        check_property (to, "Socket-Type", pairs[i].name);
        close_pair (context, to, from);
    }
}

TEST (gets_names_publishers_and_routers)
{
    void *context = zmq_ctx_new ();
    void *xpub = open_socket (context, ZMQ_XPUB), *sub = open_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_connect (sub, bind_to (xpub, "tcp://127.0.0.1:*")));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0));
    //  A subscription is the library's own message: what it holds is not compared.
    char subscription[2];
    CHECK_INT (zmq_recv (xpub, subscription, sizeof subscription, 0), 1);
    send_text (xpub, "update", 0);
    check_property (sub, "Socket-Type", "XPUB");
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2));
    CHECK_OK (zmq_connect (dealer, bind_to (router, "tcp://127.0.0.1:*")));
    send_text (dealer, "hello", 0);
    EXPECT_PART (router, "me", 1);
    EXPECT_PART (router, "hello", 0);
    send_text (router, "me", ZMQ_SNDMORE);
    send_text (router, "answer", 0);
    check_property (dealer, "Socket-Type", "ROUTER");
    CHECK_OK (zmq_close (router));
    CHECK_OK (zmq_close (dealer));
    close_pair (context, xpub, sub);
}

TEST (gets_over_tcp_returns_the_peers_address)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    send_text (two, "there", 0);
    check_property (one, "Peer-Address", "127.0.0.1");
    send_text (one, "back", 0);
    check_property (two, "Peer-Address", "127.0.0.1");
    close_pair (context, one, two);
}

TEST (gets_over_tcp_with_ipv6_returns_the_peers_address)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IPV6, 1));
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    if (zmq_bind (one, "tcp://[::1]:*") == 0) { // a machine may have no IPv6
        char endpoint[100];
        size_t size = sizeof endpoint;
        CHECK_OK (zmq_getsockopt (one, ZMQ_LAST_ENDPOINT, endpoint, &size));
        CHECK_OK (zmq_connect (two, endpoint));
        send_text (two, "there", 0);
        check_property (one, "Peer-Address", "::1");
    }
    close_pair (context, one, two);
}

TEST (gets_over_ipc_returns_localhost_uid_gid_and_pid_as_peer_address)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "ipc");
    char expected[100];
    snprintf (expected, sizeof expected, "localhost:%d:%d:%d", (int) getuid (), (int) getgid (), (int) getpid ());
    send_text (two, "there", 0);
    check_property (one, "Peer-Address", expected);
    close_pair (context, one, two);
}

/*  A REP's first message of a REQ that set ROUTING_ID (or none, with NULL).  */
static void check_routing_id (const char *set, const char *property, const char *expected)
{
    void *context = zmq_ctx_new ();
    void *rep = open_socket (context, ZMQ_REP), *req = open_socket (context, ZMQ_REQ);
    if (set)
        CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, set, strlen (set)));
    CHECK_OK (zmq_connect (req, bind_to (rep, "tcp://127.0.0.1:*")));
    send_text (req, "x", 0);
    check_property (rep, property, expected);
    close_pair (context, rep, req);
}

TEST (gets_returns_the_routing_id_as_identity)
{
    check_routing_id ("worker-7", "Identity", "worker-7");
    check_routing_id (NULL, "Identity", "");
}

TEST (gets_returns_the_routing_id_by_the_name_of_the_manual)
{
    check_routing_id ("worker-7", "Routing-Id", "worker-7");
    check_routing_id (NULL, "Routing-Id", "");
}

TEST (gets_knows_no_routing_id_of_types_that_announce_none)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_setsockopt (push, ZMQ_ROUTING_ID, "me", 2));
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    send_text (push, "x", 0);
    check_property (pull, "Identity", NULL);
    send_text (push, "x", 0);
    check_property (pull, "Routing-Id", NULL);
    close_pair (context, pull, push);
}

TEST (the_routing_id_part_of_a_router_has_the_properties_too)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_connect (dealer, bind_to (router, "tcp://127.0.0.1:*")));
    send_text (dealer, "x", 0);
    check_property (router, "Peer-Address", "127.0.0.1");
    check_property (router, "Socket-Type", "DEALER");
    close_pair (context, router, dealer);
}

TEST (gets_of_an_unknown_property_is_einval)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    static const char *const names[] = {"No-Such-Property", "", "socket-type", "Socket-Typ",
                                        "Socket-Type ", "User-Id", "X-Something"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        send_text (two, "x", 0);
        check_property (one, names[i], NULL);
    }
    close_pair (context, one, two);
}

TEST (gets_over_inproc_knows_no_property)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    static const char *const names[] = {"Socket-Type", "Peer-Address", "Routing-Id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        send_text (two, "x", 0);
        check_property (one, names[i], NULL);
    }
    close_pair (context, one, two);
}

TEST (properties_survive_copy_move_and_the_end_of_the_connection)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    send_text (two, "x", 0);
    zmq_msg_t message, copy, moved;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_init (&moved));
    CHECK_INT (zmq_msg_recv (&message, one, 0), 1);
    CHECK_OK (zmq_msg_copy (&copy, &message));
    CHECK_OK (zmq_msg_move (&moved, &message));
    CHECK_NULL_ERRNO (zmq_msg_gets (&message, "Socket-Type"), EINVAL);
    close_pair (context, one, two);
    CHECK_STRING (zmq_msg_gets (&copy, "Socket-Type"), "PAIR");
    CHECK_STRING (zmq_msg_gets (&moved, "Socket-Type"), "PAIR");
    CHECK_OK (zmq_msg_close (&moved));
    CHECK_STRING (zmq_msg_gets (&copy, "Peer-Address"), "127.0.0.1");
    CHECK_OK (zmq_msg_close (&copy));
    CHECK_OK (zmq_msg_close (&message));
}

TEST (every_part_of_a_message_has_the_properties)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    send_text (two, "a", ZMQ_SNDMORE);
    send_text (two, "b", ZMQ_SNDMORE);
    send_text (two, "c", 0);
    for (int i = 0; i < 3; i++)
        check_property (one, "Peer-Address", "127.0.0.1");
    close_pair (context, one, two);
}
