/*  Socket options that show something, and options taking effect.  */
#include "options.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

TEST (type_is_the_type_that_was_asked_for)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = fresh (type);
        CHECK_INT (get_int (socket, ZMQ_TYPE), type);
        done (socket);
    }
}

TEST (thread_safe_is_zero_for_every_stable_type)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = fresh (type);
        CHECK_INT (get_int (socket, ZMQ_THREAD_SAFE), 0);
        done (socket);
    }
}

TEST (mechanism_is_null_until_another_is_chosen)
{
    void *socket = fresh (ZMQ_DEALER);
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_NULL);
    done (socket);
}

/*  The option that was set last decides.  */
TEST (mechanism_follows_the_options_of_a_mechanism)
{
    void *socket = fresh (ZMQ_DEALER);
    set_int (socket, ZMQ_PLAIN_SERVER, 1);
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_PLAIN);
    set_int (socket, ZMQ_PLAIN_SERVER, 0);
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_NULL);
    CHECK_OK (zmq_setsockopt (socket, ZMQ_PLAIN_USERNAME, "me", 2));
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_PLAIN);
    set_int (socket, ZMQ_CURVE_SERVER, 1);
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_CURVE);
    done (socket);
}

/*  Where GSSAPI is not built in its options are unknown.  */
TEST (gssapi_options_are_stored_where_gssapi_is_there)
{
    void *socket = fresh (ZMQ_DEALER);
    static const int types[] = {ZMQ_GSSAPI_NT_USER_NAME, ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, ZMQ_GSSAPI_NT_HOSTBASED};
    static const int options[] = {ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE};
    if (!zmq_has ("gssapi")) {
        CHECK_ERRNO (zmq_setsockopt (socket, options[0], &types[0], sizeof types[0]), EINVAL);
        done (socket);
        return;
    }
    for (size_t option = 0; option < COUNT (options); option++)
        for (size_t n = 0; n < COUNT (types); n++) {
            set_int (socket, options[option], types[n]);
            CHECK_INT (get_int (socket, options[option]), types[n]);
        }
    static const int texts[] = {ZMQ_GSSAPI_PRINCIPAL, ZMQ_GSSAPI_SERVICE_PRINCIPAL};
    for (size_t n = 0; n < COUNT (texts); n++) {
        char name[32];
        size_t size = sizeof name;
        CHECK_OK (zmq_setsockopt (socket, texts[n], "zmq@here", 8));
        CHECK_OK (zmq_getsockopt (socket, texts[n], name, &size));
        CHECK_STRING (name, "zmq@here");
    }
    set_int (socket, ZMQ_GSSAPI_PLAINTEXT, 1);
    CHECK_INT (get_int (socket, ZMQ_GSSAPI_PLAINTEXT), 1);
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_GSSAPI);
    CHECK_INT (get_int (socket, ZMQ_GSSAPI_SERVER), 0);
    set_int (socket, ZMQ_GSSAPI_SERVER, 1);
    CHECK_INT (get_int (socket, ZMQ_GSSAPI_SERVER), 1);
    done (socket);
}

static const char *last_endpoint (void *socket)
{
    static char endpoint[300];
    size_t size = sizeof endpoint;
    memset (endpoint, '#', sizeof endpoint);
    CHECK_OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
    //  The size counts the terminating zero.
    CHECK_INT (size, strlen (endpoint) + 1);
    return endpoint;
}

TEST (last_endpoint_is_empty_before_the_first_bind)
{
    void *socket = fresh (ZMQ_DEALER);
    CHECK_STRING (last_endpoint (socket), "");
    done (socket);
}

TEST (last_endpoint_is_that_of_the_last_bind_or_connect)
{
    void *socket = fresh (ZMQ_DEALER);
    set_int (socket, ZMQ_LINGER, 0);
    CHECK_OK (zmq_bind (socket, "inproc://first"));
    CHECK_STRING (last_endpoint (socket), "inproc://first");
    CHECK_OK (zmq_bind (socket, "tcp://127.0.0.1:*"));
    char bound[300];
    strcpy (bound, last_endpoint (socket));
    CHECK (strncmp (bound, "tcp://127.0.0.1:", 16) == 0 && atoi (bound + 16) > 0);
    CHECK_OK (zmq_connect (socket, "tcp://127.0.0.1:5555"));
    CHECK_STRING (last_endpoint (socket), "tcp://127.0.0.1:5555");
    CHECK_OK (zmq_connect (socket, "inproc://nobody"));
    CHECK_STRING (last_endpoint (socket), "inproc://nobody");
    CHECK_OK (zmq_unbind (socket, bound));
    CHECK_STRING (last_endpoint (socket), "inproc://nobody");
    done (socket);
}

TEST (last_endpoint_into_too_small_a_buffer_is_einval)
{
    void *socket = fresh (ZMQ_DEALER);
    CHECK_OK (zmq_bind (socket, "inproc://0123456789"));
    char small[30];
    size_t size = strlen ("inproc://0123456789");
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, small, &size), EINVAL);
    size = strlen ("inproc://0123456789") + 1;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, small, &size));
    CHECK_STRING (small, "inproc://0123456789");
    done (socket);
}

TEST (rcvmore_is_zero_before_and_after_and_one_within_a_message)
{
    void *one = fresh (ZMQ_PAIR), *two = fresh (ZMQ_PAIR);
    set_int (one, ZMQ_RCVTIMEO, PATIENCE_MS);
    CHECK_OK (zmq_connect (two, bind_to (one, "inproc://rcvmore")));
    CHECK_INT (get_int (one, ZMQ_RCVMORE), 0);
    send_text (two, "a", ZMQ_SNDMORE);
    CHECK_INT (get_int (one, ZMQ_RCVMORE), 0);
    send_text (two, "b", 0);
    EXPECT_PART (one, "a", 1);
    //  Asking does not change it, nor does a failed receive of another kind.
    CHECK_INT (get_int (one, ZMQ_RCVMORE), 1);
    EXPECT_PART (one, "b", 0);
    char byte;
    CHECK_ERRNO (zmq_recv (one, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (get_int (one, ZMQ_RCVMORE), 0);
    done (one);
    done (two);
}

static int events_of (void *socket)
{
    return get_int (socket, ZMQ_EVENTS);
}

TEST (events_follow_messages_in_and_out)
{
    void *one = fresh (ZMQ_PAIR), *two = fresh (ZMQ_PAIR);
    CHECK_INT (events_of (one), 0);
    CHECK_OK (zmq_bind (one, "inproc://events"));
    CHECK_INT (events_of (one), 0);
    CHECK_OK (zmq_connect (two, "inproc://events"));
    CHECK_INT (events_of (two), ZMQ_POLLOUT);
    CHECK_INT (events_of (one), ZMQ_POLLOUT);
    send_text (two, "x", 0);
    CHECK_INT (events_of (one), ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_INT (events_of (one), ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_INT (zmq_recv (one, NULL, 0, 0), 1);
    CHECK_INT (events_of (one), ZMQ_POLLOUT);
    done (one);
    done (two);
}

TEST (events_of_one_way_types_show_their_way_alone)
{
    void *push = fresh (ZMQ_PUSH), *pull = fresh (ZMQ_PULL);
    CHECK_OK (zmq_connect (push, bind_to (pull, "inproc://one-way")));
    CHECK_INT (events_of (push), ZMQ_POLLOUT);
    CHECK_INT (events_of (pull), 0);
    send_text (push, "x", 0);
    CHECK_INT (events_of (pull), ZMQ_POLLIN);
    done (push);
    done (pull);
    void *pub = fresh (ZMQ_PUB), *sub = fresh (ZMQ_SUB);
    CHECK_INT (events_of (pub), ZMQ_POLLOUT);
    CHECK_INT (events_of (sub), 0);
    done (pub);
    done (sub);
}

TEST (events_of_req_and_rep_follow_their_turns)
{
    void *req = fresh (ZMQ_REQ), *rep = fresh (ZMQ_REP);
    CHECK_OK (zmq_connect (req, bind_to (rep, "inproc://turns")));
    CHECK_INT (events_of (req), ZMQ_POLLOUT);
    CHECK_INT (events_of (rep), 0);
    send_text (req, "question", 0);
    CHECK_INT (events_of (req), 0);
    CHECK_INT (events_of (rep), ZMQ_POLLIN);
    CHECK_INT (zmq_recv (rep, NULL, 0, 0), 8);
    CHECK_INT (events_of (rep), ZMQ_POLLOUT);
    send_text (rep, "answer", 0);
    CHECK_INT (events_of (rep), 0);
    CHECK_INT (events_of (req), ZMQ_POLLIN);
    CHECK_INT (zmq_recv (req, NULL, 0, 0), 6);
    CHECK_INT (events_of (req), ZMQ_POLLOUT);
    done (req);
    done (rep);
}

TEST (fd_stays_the_same_and_differs_between_sockets)
{
    void *one = fresh (ZMQ_PULL), *two = fresh (ZMQ_PULL);
    int descriptor = get_int (one, ZMQ_FD);
    CHECK (descriptor >= 0);
    CHECK_INT (get_int (one, ZMQ_FD), descriptor);
    CHECK (get_int (two, ZMQ_FD) != descriptor);
    bind_to (one, "tcp://127.0.0.1:*");
    CHECK_INT (get_int (one, ZMQ_FD), descriptor);
    done (one);
    done (two);
}

static void fd_signals_a_message (const char *transport)
{
    void *pull = fresh (ZMQ_PULL), *push = fresh (ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, 0);
    struct pollfd item = {get_int (pull, ZMQ_FD), POLLIN, 0};
    CHECK_OK (zmq_connect (push, bind_to (pull, wildcard (transport))));
    for (int round = 0; round < 3; round++) {
        send_text (push, "x", 0);
        //  An edge, then EVENTS, until the message shows.
        for (int64_t end = now_ms () + PATIENCE_MS; !(events_of (pull) & ZMQ_POLLIN) && now_ms () < end;)
            CHECK (poll (&item, 1, PATIENCE_MS) == 1);
        CHECK_INT (events_of (pull), ZMQ_POLLIN);
        CHECK_INT (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), 1);
        CHECK_INT (events_of (pull), 0);
    }
    //  And nothing when nothing comes.
    CHECK_INT (poll (&item, 1, SETTLE_MS), 0);
    done (pull);
    done (push);
}

TEST (fd_signals_a_message_over_inproc) { fd_signals_a_message ("inproc"); }
TEST (fd_signals_a_message_over_tcp) { fd_signals_a_message ("tcp"); }
TEST (fd_signals_a_message_over_ipc) { fd_signals_a_message ("ipc"); }

/* --- options taking effect ---------------------------------------------------------------- */

/*  The connection's descriptor at the receiver, through a message.  */
static int accepted_descriptor (void *pull, void *push)
{
    zmq_msg_t message;
    set_int (push, ZMQ_LINGER, 0);
    set_int (pull, ZMQ_RCVTIMEO, PATIENCE_MS);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    send_text (push, "x", 0);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, pull, 0), 1);
    int descriptor = zmq_msg_get (&message, ZMQ_SRCFD);
    CHECK (descriptor >= 0);
    CHECK_OK (zmq_msg_close (&message));
    return descriptor;
}

static int descriptor_option (int descriptor, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    CHECK_OK (getsockopt (descriptor, level, option, &value, &size));
    return value;
}

TEST (tcp_connections_have_nagles_delay_switched_off)
{
    void *pull = fresh (ZMQ_PULL), *push = fresh (ZMQ_PUSH);
    CHECK_INT (descriptor_option (accepted_descriptor (pull, push), IPPROTO_TCP, TCP_NODELAY), 1);
    done (pull);
    done (push);
}

TEST (keepalive_options_reach_the_connection)
{
    void *pull = fresh (ZMQ_PULL), *push = fresh (ZMQ_PUSH);
    set_int (pull, ZMQ_TCP_KEEPALIVE, 1);
    set_int (pull, ZMQ_TCP_KEEPALIVE_CNT, 7);
    set_int (pull, ZMQ_TCP_KEEPALIVE_IDLE, 77);
    set_int (pull, ZMQ_TCP_KEEPALIVE_INTVL, 17);
    int descriptor = accepted_descriptor (pull, push);
    CHECK_INT (descriptor_option (descriptor, SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK_INT (descriptor_option (descriptor, IPPROTO_TCP, TCP_KEEPCNT), 7);
    CHECK_INT (descriptor_option (descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    CHECK_INT (descriptor_option (descriptor, IPPROTO_TCP, TCP_KEEPINTVL), 17);
    done (pull);
    done (push);
}

TEST (sndbuf_and_rcvbuf_reach_the_connection)
{
    void *pull = fresh (ZMQ_PULL), *push = fresh (ZMQ_PUSH);
    set_int (pull, ZMQ_SNDBUF, 30000);
    set_int (pull, ZMQ_RCVBUF, 40000);
    int descriptor = accepted_descriptor (pull, push);
    //  Linux doubles what was asked for.
    CHECK_INT (descriptor_option (descriptor, SOL_SOCKET, SO_SNDBUF), 60000);
    CHECK_INT (descriptor_option (descriptor, SOL_SOCKET, SO_RCVBUF), 80000);
    done (pull);
    done (push);
}

TEST (maxmsgsize_disconnects_a_peer_that_sends_more)
{
    void *pull = fresh (ZMQ_PULL), *push = fresh (ZMQ_PUSH);
    int64_t limit = 100;
    char bytes[200] = "";
    CHECK_OK (zmq_setsockopt (pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    set_int (pull, ZMQ_RCVTIMEO, PATIENCE_MS);
    set_int (push, ZMQ_LINGER, 0);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    CHECK_INT (zmq_send (push, bytes, 100, 0), 100);
    CHECK_INT (zmq_recv (pull, NULL, 0, 0), 100);
    CHECK_INT (zmq_send (push, bytes, 101, 0), 101);
    //  The offender's connection is gone; the next one works again.
    char received[200];
    int size = -1;
    for (int64_t end = now_ms () + PATIENCE_MS; size < 0 && now_ms () < end;) {
        zmq_send (push, bytes, 50, ZMQ_DONTWAIT);
        set_int (pull, ZMQ_RCVTIMEO, 50);
        size = zmq_recv (pull, received, sizeof received, 0);
    }
    CHECK_INT (size, 50);
    done (pull);
    done (push);
}

TEST (rcvtimeo_and_sndtimeo_end_waiting_with_eagain)
{
    void *dealer = fresh (ZMQ_DEALER);
    char byte;
    set_int (dealer, ZMQ_RCVTIMEO, 60);
    set_int (dealer, ZMQ_SNDTIMEO, 60);
    int64_t start = now_ms ();
    CHECK_ERRNO (zmq_recv (dealer, &byte, 1, 0), EAGAIN);
    CHECK (now_ms () - start >= 59);
    start = now_ms ();
    CHECK_ERRNO (zmq_send (dealer, "", 0, 0), EAGAIN);
    CHECK (now_ms () - start >= 59);
    set_int (dealer, ZMQ_RCVTIMEO, 0);
    start = now_ms ();
    CHECK_ERRNO (zmq_recv (dealer, &byte, 1, 0), EAGAIN);
    CHECK (now_ms () - start < 1000);
    done (dealer);
}

TEST (a_high_water_mark_set_before_connect_limits_inproc_to_the_sum_of_both_sides)
{
    void *push = fresh (ZMQ_PUSH), *pull = fresh (ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, 3);
    set_int (pull, ZMQ_RCVHWM, 4);
    CHECK_OK (zmq_connect (push, bind_to (pull, "inproc://hwm")));
    int sent = 0;
    while (sent < 100 && zmq_send (push, "x", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    CHECK_INT (sent, 7);
    done (push);
    done (pull);
}

TEST (immediate_makes_a_socket_without_a_completed_connection_block)
{
    void *push = fresh (ZMQ_PUSH), *queueing = fresh (ZMQ_PUSH);
    set_int (push, ZMQ_IMMEDIATE, 1);
    set_int (push, ZMQ_LINGER, 0);
    set_int (queueing, ZMQ_LINGER, 0);
    CHECK_OK (zmq_connect (push, "ipc://@nobody-listens-immediate"));
    CHECK_OK (zmq_connect (queueing, "ipc://@nobody-listens-immediate"));
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_send (queueing, "x", 1, ZMQ_DONTWAIT), 1);
    done (push);
    done (queueing);
}

TEST (options_on_a_terminated_context_are_eterm)
{
    void *socket = fresh (ZMQ_DEALER);
    int value = 1;
    size_t size = sizeof value;
    CHECK_OK (zmq_ctx_shutdown (context));
    //  Only once the socket has noticed, on libzmq.
    CHECK_ERRNO (zmq_recv (socket, NULL, 0, 0), ETERM);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_SNDHWM, &value, sizeof value), ETERM);
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_SNDHWM, &value, &size), ETERM);
    CHECK_ERRNO (zmq_setsockopt (socket, 9999, &value, sizeof value), ETERM);
    done (socket);
}
