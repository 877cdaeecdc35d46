/*  The socket types that threads share: SERVER and CLIENT, SCATTER and GATHER, CHANNEL, PEER, RADIO and
 *  DISH. libzmq's stable
 *  build has them by number, without the functions that go with them, and aborts when two of them connect
 *  over tcp or ipc.  */
#include "thread_safe.h"

static const int THREAD_SAFE_TYPES[] = {ZMQ_SERVER, ZMQ_CLIENT, ZMQ_RADIO, ZMQ_DISH,
                                        ZMQ_GATHER, ZMQ_SCATTER, ZMQ_PEER, ZMQ_CHANNEL};
#define EACH_TYPE(TYPE)                                                       \
    for (size_t type_at = 0, TYPE; type_at < sizeof THREAD_SAFE_TYPES / sizeof (int) \
                                   && (TYPE = (size_t) THREAD_SAFE_TYPES[type_at], 1); type_at++)

TEST (types_tell_their_number_and_that_threads_may_share_them)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_CHANNEL; type++) {
        void *socket = open_socket (context, type);
        CHECK_INT (get_int (socket, ZMQ_TYPE), type);
        CHECK_INT (get_int (socket, ZMQ_THREAD_SAFE), type > ZMQ_STREAM && type != ZMQ_DGRAM);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_CHANNEL + 1), EINVAL);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (what_threads_share_has_no_descriptor)
{
    void *context = zmq_ctx_new ();
    EACH_TYPE (type) {
        void *socket = open_socket (context, (int) type);
        int fd;
        size_t size = sizeof fd;
        CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_FD, &fd, &size), EINVAL);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (messages_have_one_part)
{
    void *context = zmq_ctx_new ();
    EACH_TYPE (type) {
        void *socket = open_socket (context, (int) type);
        int receives_only = type == ZMQ_DISH || type == ZMQ_GATHER;
        CHECK_ERRNO (zmq_send (socket, "x", 1, ZMQ_SNDMORE), receives_only ? ENOTSUP : EINVAL);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (without_a_peer_calls_end_as_the_type_has_it)
{
    static const struct { int type, send, receive, events; } TYPES[] = {
      {ZMQ_SERVER, EHOSTUNREACH, EAGAIN, ZMQ_POLLOUT}, {ZMQ_CLIENT, EAGAIN, EAGAIN, 0},
      {ZMQ_RADIO, 0, ENOTSUP, ZMQ_POLLOUT},            {ZMQ_DISH, ENOTSUP, EAGAIN, ZMQ_POLLOUT},
      {ZMQ_GATHER, ENOTSUP, EAGAIN, 0},                {ZMQ_SCATTER, EAGAIN, ENOTSUP, 0},
      {ZMQ_PEER, EHOSTUNREACH, EAGAIN, ZMQ_POLLOUT},   {ZMQ_CHANNEL, EAGAIN, EAGAIN, 0}};
    void *context = zmq_ctx_new ();
    for (size_t at = 0; at < sizeof TYPES / sizeof *TYPES; at++) {
        void *socket = open_socket (context, TYPES[at].type);
        char byte;
        CHECK_INT (get_int (socket, ZMQ_EVENTS), TYPES[at].events);
        if (TYPES[at].send)
            CHECK_ERRNO (zmq_send (socket, "x", 1, ZMQ_DONTWAIT), TYPES[at].send);
        else
            CHECK_INT (zmq_send (socket, "x", 1, ZMQ_DONTWAIT), 1);
        CHECK_ERRNO (zmq_recv (socket, &byte, 1, ZMQ_DONTWAIT), TYPES[at].receive);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (only_a_radio_takes_the_option_not_to_drop)
{
    void *context = zmq_ctx_new ();
    int one = 1;
    EACH_TYPE (type) {
        void *socket = open_socket (context, (int) type);
        if (type == ZMQ_RADIO)
            CHECK_OK (zmq_setsockopt (socket, ZMQ_XPUB_NODROP, &one, sizeof one));
        else
            CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_XPUB_NODROP, &one, sizeof one), EINVAL);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (only_dish_does_not_linger)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_SERVER; type <= ZMQ_CHANNEL; type++) {
        void *socket = zmq_socket (context, type);
        CHECK_INT (get_int (socket, ZMQ_LINGER), type == ZMQ_DISH ? 0 : -1);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (server_answers_each_client_inproc) { over_server_answers_each_client ("inproc"); }
TEST (server_that_connects_answers_a_client_that_binds_inproc) { over_server_that_connects_answers_a_client_that_binds ("inproc"); }
TEST (client_sends_to_its_servers_in_turn_inproc) { over_client_sends_to_its_servers_in_turn ("inproc"); }
TEST (scatter_reaches_each_gather_in_turn_inproc) { over_scatter_reaches_each_gather_in_turn ("inproc"); }
TEST (gather_receives_from_each_scatter_inproc) { over_gather_receives_from_each_scatter ("inproc"); }
TEST (channel_talks_in_both_directions_inproc) { over_channel_talks_in_both_directions ("inproc"); }
