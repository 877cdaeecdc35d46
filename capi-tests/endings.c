/*  What two peers still send each other when one of them ends: what it sent
 *  before arrives, and what is sent to it afterwards waits for the next.
 */
#include "monitors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/*  A ROUTER that buffers no more than MARK messages, and has received none yet of the
 *  COUNT that a DEALER sent, which has closed.  */
#define MARK 10
#define COUNT 100

static void *router_whose_peer_has_left (void *context, const char *transport)
{
    void *others = zmq_ctx_new (), *dealer = open_socket (others, ZMQ_DEALER);
    void *router = open_socket (context, ZMQ_ROUTER);
    set_int (router, ZMQ_RCVHWM, MARK);
    set_int (router, ZMQ_SNDHWM, MARK);
    set_int (dealer, ZMQ_LINGER, -1);
    join (router, dealer, transport);
    for (int n = 0; n < COUNT; n++)
        send_text (dealer, "request", 0);
    FINISH (others, dealer);
    return router;
}

WIRE_TEST (what_came_before_the_end_is_received_while_answers_fail)
{
    void *context = zmq_ctx_new ();
    void *router = router_whose_peer_has_left (context, transport);
    char id[256];
    for (int n = 0; n < COUNT; n++) {
        int size = zmq_recv (router, id, sizeof id, 0);
        CHECK (size > 0);
        EXPECT_TEXT (router, "request");
        /*  Nobody gets it, which its sender need not know.  */
        CHECK_INT (zmq_send (router, id, size, ZMQ_SNDMORE), size);
        send_text (router, "answer", 0);
        if (n % MARK == 0)
            sleep_ms (2);
    }
    FINISH (context, router);
}

/*  A listener for a plain peer; returns its endpoint.  */
static const char *listen_by_hand (const char *transport, int *listener)
{
    static char endpoint[100];
    int port;
    if (strcmp (transport, "tcp") == 0) {
        *listener = plain_listen (&port);
        snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
        return endpoint;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf (address.sun_path, sizeof address.sun_path, "%s/by-hand", scratch_directory ());
    snprintf (endpoint, sizeof endpoint, "ipc://%s/by-hand", scratch_directory ());
    CHECK ((*listener = socket (AF_UNIX, SOCK_STREAM, 0)) >= 0);
    CHECK_OK (bind (*listener, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (*listener, 16));
    return endpoint;
}

/*  Accepts a connection and greets as a REP.  */
static int accept_by_hand (int listener)
{
    int fd = plain_accept (listener);
    unsigned char received[300];
    plain_greet (fd, "NULL");
    PLAIN_SAY (fd, "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REP");
    plain_read (fd, received, 64);
    plain_read (fd, received, 2);
    plain_read (fd, received, received[1]);
    return fd;
}

/*  Reads a request of SIZE bytes on the wire; false if none comes.  */
static bool receive_by_hand (int fd, size_t size)
{
    char request[16];
    struct pollfd ready = {fd, POLLIN, 0};
    if (poll (&ready, 1, SETTLE_MS) != 1)
        return false;
    plain_read (fd, request, size);
    CHECK (memcmp (request + size - 3, "ask", 3) == 0);
    return true;
}

typedef struct {
    int listener, type;
    pthread_barrier_t received;
} peer_t;

/*  As a frame of a request has its envelope or not.  */
static size_t size_of_request (int type)
{
    return type == ZMQ_REQ ? 7 : 5;
}

/*  Answers some requests, and dies when the last answer was received.  */
static void *answer_and_die (void *argument)
{
    peer_t *peer = argument;
    int fd = accept_by_hand (peer->listener);
    for (int n = 0; n < 20; n++) {
        CHECK (receive_by_hand (fd, size_of_request (peer->type)));
        if (peer->type == ZMQ_REQ)
            PLAIN_SAY (fd, "\1\0\0\6answer");
        else
            PLAIN_SAY (fd, "\0\6answer");
    }
    pthread_barrier_wait (&peer->received);
    CHECK_OK (close (fd));
    return NULL;
}

/*  A dialogue, after which the peer dies and requests are sent to it: they are
 *  for its successor.  (A few may be lost: libzmq's thread may come too late.)  */
static void over_death (const char *transport, int type, int requests)
{
    enum { ROUNDS = 20 };
    void *context = zmq_ctx_new ();
    peer_t peer = {.type = type};
    const char *endpoint = listen_by_hand (transport, &peer.listener);
    int kept = 0;
    CHECK_OK (pthread_barrier_init (&peer.received, NULL, 2));
    for (int round = 0; round < ROUNDS; round++) {
        void *socket = open_socket (context, type);
        pthread_t thread = start_thread (answer_and_die, &peer);
        set_int (socket, ZMQ_RECONNECT_IVL, 10);
        CHECK_OK (zmq_connect (socket, endpoint));
        for (int n = 0; n < 20; n++) {
            send_text (socket, "ask", 0);
            EXPECT_TEXT (socket, "answer");
        }
        pthread_barrier_wait (&peer.received);
        end_thread (thread);
        for (int n = 0; n < requests; n++)
            send_text (socket, "ask", 0);
        int fd = accept_by_hand (peer.listener);
        for (int n = 0; n < requests && receive_by_hand (fd, size_of_request (type)); n++)
            kept++;
        /*  First the socket, and to its end: it would connect again.  */
        CHECK_OK (zmq_close (socket));
        plain_expect_end (fd);
        CHECK_OK (close (fd));
    }
    CHECK_OK (close (peer.listener));
    CHECK_OK (zmq_ctx_term (context));
    CHECK (kept >= ROUNDS * requests * 3 / 4);
}

WIRE_TEST (a_request_to_a_peer_that_has_died_goes_to_its_successor)
{
    over_death (transport, ZMQ_REQ, 1);
}

WIRE_TEST (messages_to_a_peer_that_has_died_go_to_its_successor)
{
    over_death (transport, ZMQ_DEALER, 20);
}

/*  Answers slowly, and the last time ends with the answer: both come in one segment.  */
static void *answer_at_the_end (void *argument)
{
    peer_t *peer = argument;
    int fd = accept_by_hand (peer->listener), on = 1;
    for (int n = 0; n < 10; n++) {
        CHECK (receive_by_hand (fd, size_of_request (peer->type)));
        sleep_ms (2);
        if (n == 9)
            (void) setsockopt (fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
        PLAIN_SAY (fd, "\0\6answer");
    }
    CHECK_OK (close (fd));
    return NULL;
}

TEST (what_is_sent_at_once_after_a_last_answer_goes_to_the_successor)
{
    enum { ROUNDS = 20 };
    void *context = zmq_ctx_new ();
    peer_t peer = {.type = ZMQ_DEALER};
    const char *endpoint = listen_by_hand ("tcp", &peer.listener);
    int kept = 0;
    for (int round = 0; round < ROUNDS; round++) {
        void *socket = open_socket (context, ZMQ_DEALER);
        pthread_t thread = start_thread (answer_at_the_end, &peer);
        set_int (socket, ZMQ_RECONNECT_IVL, 10);
        CHECK_OK (zmq_connect (socket, endpoint));
        for (int n = 0; n < 10; n++) {
            send_text (socket, "ask", 0);
            EXPECT_TEXT (socket, "answer");
        }
        send_text (socket, "ask", 0);
        end_thread (thread);
        int fd = accept_by_hand (peer.listener);
        kept += receive_by_hand (fd, size_of_request (ZMQ_DEALER));
        CHECK_OK (zmq_close (socket));
        plain_expect_end (fd);
        CHECK_OK (close (fd));
    }
    CHECK_OK (close (peer.listener));
    CHECK_OK (zmq_ctx_term (context));
    CHECK (kept >= ROUNDS * 3 / 4);
}

/*  A REP in the place of another.  */
static void *succeed (void *context, void *rep, const char *endpoint)
{
    CHECK_OK (zmq_close (rep));
    rep = open_socket (context, ZMQ_REP);
    /*  libzmq frees the port some moments later.  */
    for (int64_t start = now_ms (); zmq_bind (rep, endpoint) != 0; sleep_ms (1))
        CHECK (now_ms () - start < PATIENCE_MS);
    return rep;
}

/*  The request is sent as soon as the successor has bound.  */
static void over_change (const char *transport, bool together)
{
    enum { ROUNDS = 20 };
    void *context = zmq_ctx_new (), *rep = open_socket (context, ZMQ_REP);
    const char *endpoint = absent (transport);
    CHECK_OK (zmq_bind (rep, endpoint));
    int answered = 0;
    for (int n = 0; n < ROUNDS; n++) {
        void *others = together ? context : zmq_ctx_new (), *req = open_socket (others, ZMQ_REQ);
        set_int (req, ZMQ_RECONNECT_IVL, 10);
        CHECK_OK (zmq_connect (req, endpoint));
        for (int round = 0; round < 10; round++) {
            send_text (req, "ask", 0);
            EXPECT_TEXT (rep, "ask");
            send_text (rep, "answer", 0);
            EXPECT_TEXT (req, "answer");
        }
        rep = succeed (context, rep, endpoint);
        send_text (req, "ask", 0);
        set_int (rep, ZMQ_RCVTIMEO, 1000);
        char got[3];
        if (zmq_recv (rep, got, sizeof got, 0) == 3) {
            send_text (rep, "answer", 0);
            EXPECT_TEXT (req, "answer");
            answered++;
        } else
            rep = succeed (context, rep, endpoint);
        set_int (rep, ZMQ_RCVTIMEO, PATIENCE_MS);
        CHECK_OK (zmq_close (req));
        if (!together)
            CHECK_OK (zmq_ctx_term (others));
    }
    FINISH (context, rep);
    CHECK (answered >= ROUNDS * 3 / 4);
}

WIRE_TEST (a_request_during_a_change_of_servers_is_answered)
{
    over_change (transport, false);
}

WIRE_TEST (a_request_during_a_change_of_servers_of_its_own_context_is_answered)
{
    over_change (transport, true);
}
