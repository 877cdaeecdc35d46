/*  zmq_proxy, zmq_proxy_steerable and the old zmq_device.  */
#include "peers.h"

typedef struct {
    void *front, *back, *capture, *control;
    bool device;
    int result, error;
} proxy;

static void *run_proxy (void *argument)
{
    proxy *p = argument;
    if (p->device)
        p->result = zmq_device (ZMQ_QUEUE, p->front, p->back);
    else if (p->control)
        p->result = zmq_proxy_steerable (p->front, p->back, p->capture, p->control);
    else
        p->result = zmq_proxy (p->front, p->back, p->capture);
    p->error = zmq_errno ();
    return NULL;
}

/*  Shuts the context down under the proxy, which must fail with ETERM.  */
static void end_by_shutdown (void *context, proxy *p, pthread_t thread)
{
    CHECK_OK (zmq_ctx_shutdown (context));
    end_thread (thread);
    CHECK_INT (p->result, -1);
    CHECK_INT (p->error, ETERM);
}

static void queue_scenario (const char *transport, bool device)
{
    void *context = zmq_ctx_new ();
    proxy p = {.device = device};
    p.front = open_socket (context, ZMQ_ROUTER);
    p.back = open_socket (context, ZMQ_DEALER);
    void *req = open_socket (context, ZMQ_REQ);
    void *reps[2];
    join (p.front, req, transport);
    const char *endpoint = bind_to (p.back, fresh (transport));
    for (int n = 0; n < 2; n++) {
        reps[n] = open_socket (context, ZMQ_REP);
        CHECK_OK (zmq_connect (reps[n], endpoint));
    }
    /*  Both workers are there before the first request.  */
    wait_events (p.back, ZMQ_POLLOUT);
    sleep_ms (30);
    pthread_t thread = start_thread (run_proxy, &p);
    int served[2] = {0, 0};
    for (int n = 0; n < 10; n++) {
        SEND_PARTS (req, "question", "2");
        zmq_pollitem_t items[2] = {{reps[0], 0, ZMQ_POLLIN, 0}, {reps[1], 0, ZMQ_POLLIN, 0}};
        CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 1);
        int which = items[0].revents ? 0 : 1;
        served[which]++;
        EXPECT_PARTS (reps[which], "question", "2");
        SEND_PARTS (reps[which], "answer");
        EXPECT_TEXT (req, "answer");
    }
    CHECK_INT (served[0], 5);
    CHECK_INT (served[1], 5);
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, p.back, req, reps[0], reps[1]);
}

TRANSPORT_TEST (shared_queue) { queue_scenario (transport, false); }
TRANSPORT_TEST (device_queue) { queue_scenario (transport, true); }

TRANSPORT_TEST (forwarder)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = open_socket (context, ZMQ_XSUB);
    p.back = open_socket (context, ZMQ_XPUB);
    void *pub = open_socket (context, ZMQ_XPUB);
    void *sub = open_socket (context, ZMQ_SUB);
    join (p.front, pub, transport);
    join (p.back, sub, transport);
    pthread_t thread = start_thread (run_proxy, &p);
    subscribe (sub, "weather");
    EXPECT_BYTES (pub, "\1weather", 8, 0);
    SEND_PARTS (pub, "sports", "no");
    SEND_PARTS (pub, "weather", "sunny");
    EXPECT_PARTS (sub, "weather", "sunny");
    unsubscribe (sub, "weather");
    EXPECT_BYTES (pub, "\0weather", 8, 0);
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, p.back, pub, sub);
}

TRANSPORT_TEST (streamer)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = open_socket (context, ZMQ_PULL);
    p.back = open_socket (context, ZMQ_PUSH);
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    join (p.front, push, transport);
    join (p.back, pull, transport);
    pthread_t thread = start_thread (run_proxy, &p);
    for (int n = 0; n < 3000; n++)
        CHECK_INT (zmq_send (push, &n, sizeof n, 0), sizeof n);
    for (int n = 0; n < 3000; n++) {
        int got = -1;
        CHECK_INT (zmq_recv (pull, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, p.back, push, pull);
}

/*  The capture socket gets a copy of everything, both directions.  */
TEST (capture)
{
    static const int types[][2] = {
        {ZMQ_PUB, ZMQ_SUB}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PAIR, ZMQ_PAIR}};
    for (int n = 0; n < 4; n++) {
        void *context = zmq_ctx_new ();
        proxy p = {0};
        p.front = open_socket (context, ZMQ_ROUTER);
        p.back = open_socket (context, ZMQ_DEALER);
        p.capture = open_socket (context, types[n][0]);
        void *spy = open_socket (context, types[n][1]);
        if (types[n][1] == ZMQ_SUB)
            subscribe (spy, "");
        void *req = open_socket (context, ZMQ_REQ);
        void *rep = open_socket (context, ZMQ_REP);
        set_routing_id (req, "asker");
        CHECK_OK (zmq_bind (p.front, "inproc://front"));
        CHECK_OK (zmq_bind (p.back, "inproc://back"));
        CHECK_OK (zmq_bind (p.capture, "inproc://capture"));
        CHECK_OK (zmq_connect (req, "inproc://front"));
        CHECK_OK (zmq_connect (rep, "inproc://back"));
        CHECK_OK (zmq_connect (spy, "inproc://capture"));
        /*  Let the subscription be known before the proxy runs.  */
        (void) shows (p.capture, ZMQ_POLLOUT);
        pthread_t thread = start_thread (run_proxy, &p);
        send_text (req, "q", 0);
        EXPECT_TEXT (rep, "q");
        SEND_PARTS (rep, "a", "b");
        EXPECT_PARTS (req, "a", "b");
        EXPECT_PARTS (spy, "asker", "", "q");
        EXPECT_PARTS (spy, "asker", "", "a", "b");
        end_by_shutdown (context, &p, thread);
        FINISH (context, p.front, p.back, p.capture, spy, req, rep);
    }
}

TEST (bad_arguments)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_ROUTER);
    CHECK_ERRNO (zmq_proxy (NULL, socket, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy (socket, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy_steerable (NULL, NULL, NULL, NULL), EFAULT);
    FINISH (context, socket);
}

TEST (terminated_context)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = open_socket (context, ZMQ_PULL);
    p.back = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_ERRNO (zmq_proxy (p.front, p.back, NULL), ETERM);
    FINISH (context, p.front, p.back);
}

/*  One socket as front and back: messages come back to their senders' side.  */
TEST (one_socket_on_both_sides)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = p.back = open_socket (context, ZMQ_DEALER);
    void *peer = open_socket (context, ZMQ_DEALER);
    join (p.front, peer, "inproc");
    pthread_t thread = start_thread (run_proxy, &p);
    SEND_PARTS (peer, "echo", "me");
    EXPECT_PARTS (peer, "echo", "me");
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, peer);
}

/*  A REP may be written to only after it was read; it echoes all the same.  */
TRANSPORT_TEST (one_rep_on_both_sides)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = p.back = open_socket (context, ZMQ_REP);
    void *peer = open_socket (context, ZMQ_REQ);
    join (p.front, peer, transport);
    pthread_t thread = start_thread (run_proxy, &p);
    for (int n = 0; n < 3; n++) {
        send_text (peer, "echo", 0);
        EXPECT_TEXT (peer, "echo");
    }
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, peer);
}

typedef struct {
    void *context, *push, *pull, *control;
    proxy p;
    pthread_t thread;
} steered;

static steered steer (int control_type, int controller_type)
{
    steered s = {.context = zmq_ctx_new ()};
    s.p.front = open_socket (s.context, ZMQ_PULL);
    s.p.back = open_socket (s.context, ZMQ_PUSH);
    s.p.control = open_socket (s.context, control_type);
    s.control = open_socket (s.context, controller_type);
    s.push = open_socket (s.context, ZMQ_PUSH);
    s.pull = open_socket (s.context, ZMQ_PULL);
    if (control_type == ZMQ_SUB)
        subscribe (s.p.control, "");
    join (s.p.control, s.control, "inproc");
    (void) shows (s.p.control, ZMQ_POLLIN);
    (void) shows (s.control, ZMQ_POLLOUT);
    join (s.p.front, s.push, "inproc");
    join (s.p.back, s.pull, "inproc");
    return s;
}

static void start_steered (steered *s)
{
    s->thread = start_thread (run_proxy, &s->p);
}

static void end_steered (steered *s)
{
    send_text (s->control, "TERMINATE", 0);
    end_thread (s->thread);
    CHECK_INT (s->p.result, 0);
    FINISH (s->context, s->p.front, s->p.back, s->p.control, s->control, s->push, s->pull);
}

TEST (steered_by_every_kind_of_control)
{
    static const int types[][2] = {{ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_PULL, ZMQ_PUSH}, {ZMQ_SUB, ZMQ_PUB}};
    for (int n = 0; n < 3; n++) {
        steered s = steer (types[n][0], types[n][1]);
        start_steered (&s);
        send_text (s.push, "1", 0);
        EXPECT_TEXT (s.pull, "1");
        send_text (s.control, "PAUSE", 0);
        sleep_ms (30);
        send_text (s.push, "2", 0);
        EXPECT_NOTHING (s.pull);
        send_text (s.control, "RESUME", 0);
        EXPECT_TEXT (s.pull, "2");
        end_steered (&s);
    }
}

TEST (an_unknown_command_ends_the_proxy_with_einval)
{
    steered s = steer (ZMQ_PAIR, ZMQ_PAIR);
    start_steered (&s);
    send_text (s.control, "FASTER", 0);
    end_thread (s.thread);
    CHECK_INT (s.p.result, -1);
    CHECK_INT (s.p.error, EINVAL);
    FINISH (s.context, s.p.front, s.p.back, s.p.control, s.control, s.push, s.pull);
}

static void expect_statistics (void *control, const uint64_t *want)
{
    for (int n = 0; n < 8; n++) {
        uint64_t got = 99;
        CHECK_INT (zmq_recv (control, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, want[n]);
        CHECK_INT (get_int (control, ZMQ_RCVMORE), n < 7);
    }
}

/*  Messages and bytes: in at the front, out at the front, in at the back, out
 *  at the back.  */
TEST (statistics)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = open_socket (context, ZMQ_ROUTER);
    p.back = open_socket (context, ZMQ_DEALER);
    p.control = open_socket (context, ZMQ_REP);
    void *control = open_socket (context, ZMQ_REQ);
    void *dealer = open_socket (context, ZMQ_DEALER);
    void *worker = open_socket (context, ZMQ_DEALER);
    set_routing_id (dealer, "0123456789");
    join (p.front, dealer, "inproc");
    join (p.back, worker, "inproc");
    join (p.control, control, "inproc");
    pthread_t thread = start_thread (run_proxy, &p);
    send_text (control, "STATISTICS", 0);
    expect_statistics (control, (uint64_t[8]){0});
    SEND_PARTS (dealer, "12345", "123");
    EXPECT_PARTS (worker, "0123456789", "12345", "123");
    SEND_PARTS (dealer, "x");
    EXPECT_PARTS (worker, "0123456789", "x");
    SEND_PARTS (worker, "0123456789", "1234");
    EXPECT_PARTS (dealer, "1234");
    send_text (control, "STATISTICS", 0);
    /*  Messages are counted whole; the bytes of ids count.  */
    expect_statistics (control, (uint64_t[8]){2, 29, 1, 14, 1, 14, 2, 29});
    send_text (control, "TERMINATE", 0);
    end_thread (thread);
    CHECK_INT (p.result, 0);
    FINISH (context, p.front, p.back, p.control, control, dealer, worker);
}

/*  NULL as control socket is plain zmq_proxy.  */
static void *run_uncontrolled (void *argument)
{
    proxy *p = argument;
    p->result = zmq_proxy_steerable (p->front, p->back, NULL, NULL);
    p->error = zmq_errno ();
    return NULL;
}

TEST (steerable_without_control)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = open_socket (context, ZMQ_PULL);
    p.back = open_socket (context, ZMQ_PUSH);
    pthread_t thread = start_thread (run_uncontrolled, &p);
    sleep_ms (10);
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, p.back);
}

TEST (steered_proxy_ends_with_the_context)
{
    steered s = steer (ZMQ_PAIR, ZMQ_PAIR);
    start_steered (&s);
    send_text (s.push, "1", 0);
    EXPECT_TEXT (s.pull, "1");
    end_by_shutdown (s.context, &s.p, s.thread);
    FINISH (s.context, s.p.front, s.p.back, s.p.control, s.control, s.push, s.pull);
}

/*  While the back is full, the front waits: nothing is lost.  */
TEST (full_back_holds_the_front)
{
    void *context = zmq_ctx_new ();
    proxy p = {0};
    p.front = open_socket (context, ZMQ_PULL);
    p.back = open_socket (context, ZMQ_PUSH);
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    void *const all[] = {p.front, p.back, push, pull};
    for (int n = 0; n < 4; n++) {
        set_int (all[n], ZMQ_SNDHWM, 2);
        set_int (all[n], ZMQ_RCVHWM, 2);
    }
    join (p.front, push, "inproc");
    join (p.back, pull, "inproc");
    pthread_t thread = start_thread (run_proxy, &p);
    int sent = 0;
    for (int64_t quiet = now_ms () + SETTLE_MS; now_ms () < quiet;)
        if (zmq_send (push, &sent, sizeof sent, ZMQ_DONTWAIT) == sizeof sent) {
            sent++;
            quiet = now_ms () + SETTLE_MS;
            CHECK (sent < 100);
        } else
            sleep_ms (1);
    CHECK (sent >= 8);
    for (int n = 0; n < sent; n++) {
        int got = -1;
        CHECK_INT (zmq_recv (pull, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    end_by_shutdown (context, &p, thread);
    FINISH (context, p.front, p.back, push, pull);
}
