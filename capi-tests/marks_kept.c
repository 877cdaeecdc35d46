/*  High-water marks are kept however a pipe is drained: what a sender that does
 *  not wait can send, in a burst and in all, while nobody receives.  */
#include "peers.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

enum { RUNS = 10, LARGE = 64 * 1024 };

static const int marks[] = {1, 2, 10, 100};
static const size_t sizes[] = {0, 1000, LARGE};
static const char body[LARGE];

/*  A sender that fails with EAGAIN where there is no room, and a receiver that never receives.  */
typedef struct {
    int type;
    void *contexts[2], *sender, *receiver;
} deaf_peer;

static deaf_peer connect_deaf (const char *transport, int type, int mark, int buffer)
{
    int receives = type == ZMQ_PUSH ? ZMQ_PULL : type == ZMQ_ROUTER ? ZMQ_DEALER : ZMQ_SUB;
    deaf_peer own = {.type = type};
    own.contexts[0] = zmq_ctx_new ();
    own.contexts[1] = is_inproc (transport) ? own.contexts[0] : zmq_ctx_new ();
    own.sender = open_socket (own.contexts[0], type);
    own.receiver = open_socket (own.contexts[1], receives);
    set_int (own.sender, ZMQ_SNDHWM, mark);
    set_int (own.receiver, ZMQ_RCVHWM, mark);
    if (buffer) {
        set_int (own.sender, ZMQ_SNDBUF, buffer);
        set_int (own.receiver, ZMQ_RCVBUF, buffer);
    }
    if (type == ZMQ_ROUTER) {
        set_int (own.sender, ZMQ_ROUTER_MANDATORY, 1);
        CHECK_OK (zmq_setsockopt (own.receiver, ZMQ_ROUTING_ID, "d", 1));
    } else if (type == ZMQ_XPUB) {
        set_int (own.sender, ZMQ_XPUB_NODROP, 1);
        CHECK_OK (zmq_setsockopt (own.receiver, ZMQ_SUBSCRIBE, "", 0));
    }
    join (own.sender, own.receiver, transport);
    if (type == ZMQ_ROUTER) {
        send_text (own.receiver, "here", 0);
        EXPECT_PARTS (own.sender, "d", "here");
    } else if (type == ZMQ_XPUB)
        EXPECT_BYTES (own.sender, "\1", 1, 0);
    else
        wait_events (own.sender, ZMQ_POLLOUT);
    return own;
}

static void finish_deaf (deaf_peer *own)
{
    CHECK_OK (zmq_close (own->sender));
    CHECK_OK (zmq_close (own->receiver));
    CHECK_OK (zmq_ctx_term (own->contexts[0]));
    if (own->contexts[1] != own->contexts[0])
        CHECK_OK (zmq_ctx_term (own->contexts[1]));
}

static bool try_send (const deaf_peer *own, size_t size)
{
    bool sent = (own->type != ZMQ_ROUTER
                 || zmq_send (own->sender, "d", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 1)
                && zmq_send (own->sender, body, size, ZMQ_DONTWAIT) == (int) size;
    CHECK (sent || zmq_errno () == EAGAIN);
    return sent;
}

/*  Sends until EAGAIN comes first.  What a connection took out of the pipe is learnt once
 *  in a millisecond, and not before the pipe is full.  */
static void burst (const char *transport, int type, int mark, size_t size)
{
    deaf_peer own = connect_deaf (transport, type, mark, 0);
    int64_t start = now_ms ();
    int count = 0;
    while (count < 6000 && try_send (&own, size))
        count++;
    int64_t looks = 2 + now_ms () - start;
    if (is_inproc (transport))
        CHECK_INT (count, 2 * mark);
    else if (count < mark || count > mark * (1 + looks))
        harness_fail (__FILE__, __LINE__, "type %d, mark %d, size %zu: %d were taken at once",
                      type, mark, size, count);
    finish_deaf (&own);
}

static void bursts (const char *transport, int type)
{
    for (int run = 0; run < RUNS; run++)
        for (int m = 0; m < 4; m++)
            for (int n = 0; n < 3; n++)
                burst (transport, type, marks[m], sizes[n]);
}

TRANSPORT_TEST (a_burst_of_push_meets_the_mark) { bursts (transport, ZMQ_PUSH); }
TRANSPORT_TEST (a_burst_of_a_mandatory_router_meets_the_mark) { bursts (transport, ZMQ_ROUTER); }
TRANSPORT_TEST (a_burst_of_a_publisher_that_drops_nothing_meets_the_mark)
{
    bursts (transport, ZMQ_XPUB);
}

/*  Bytes that the kernel holds for connections of this process.  */
static size_t bytes_in_kernel (void)
{
    size_t sum = 0;
    for (int descriptor = 0; descriptor < 200; descriptor++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        int bytes;
        if (getsockname (descriptor, (struct sockaddr *) &address, &length) != 0)
            continue;
        if (ioctl (descriptor, FIONREAD, &bytes) == 0)
            sum += bytes;
        /*  Of a unix socket this would be the memory of what the peer has not read.  */
        if (address.ss_family == AF_INET && ioctl (descriptor, SIOCOUTQ, &bytes) == 0)
            sum += bytes;
    }
    return sum;
}

/*  Sends whenever there is room, until there is none for a while.  Beyond the two marks and
 *  the kernel's buffers each side holds a batch of 8 KiB, or one message.  */
static void flood (const char *transport, int type, int mark, size_t size)
{
    deaf_peer own = connect_deaf (transport, type, mark, LARGE);
    int count = 0;
    for (int64_t last = now_ms (); now_ms () < last + 50;) {
        if (try_send (&own, size)) {
            count++;
            last = now_ms ();
        } else
            sleep_ms (1);
    }
    int kernel = (int) (bytes_in_kernel () / size);
    int batches = 2 * (8192 / (int) size + 1);
    int beyond = count - 2 * mark - kernel - batches;
    /*  One message on each side that is half in one place and half in the next.  */
    if (count < mark || beyond > 3)
        harness_fail (__FILE__, __LINE__, "type %d, mark %d, size %zu: %d taken, %d by the kernel",
                      type, mark, size, count, kernel);
    finish_deaf (&own);
}

static void floods (const char *transport, int type)
{
    for (int m = 0; m < 4; m++) {
        flood (transport, type, marks[m], 1000);
        flood (transport, type, marks[m], LARGE);
    }
}

WIRE_TEST (nothing_but_a_batch_is_beyond_the_marks_of_push) { floods (transport, ZMQ_PUSH); }
WIRE_TEST (nothing_but_a_batch_is_beyond_the_marks_of_router) { floods (transport, ZMQ_ROUTER); }
WIRE_TEST (nothing_but_a_batch_is_beyond_the_marks_of_xpub) { floods (transport, ZMQ_XPUB); }

/*  EAGAIN at the mark is no dead end for a program that waits on the descriptor: there is room when
 *  the connection took what was in the pipe.  */
WIRE_TEST (a_sender_at_the_mark_learns_of_room_by_the_descriptor)
{
    for (int run = 0; run < 50; run++) {
        deaf_peer own = connect_deaf (transport, ZMQ_PUSH, 2, 0);
        int descriptor = get_int (own.sender, ZMQ_FD), sent = 0;
        while (sent < 40) {
            while (sent < 40 && try_send (&own, 0))
                sent++;
            while (sent < 40 && !(get_int (own.sender, ZMQ_EVENTS) & ZMQ_POLLOUT)) {
                struct pollfd wait = {descriptor, POLLIN, 0};
                CHECK_INT (poll (&wait, 1, PATIENCE_MS), 1);
            }
            /*  What the events promise is kept.  */
            if (sent < 40) {
                CHECK (try_send (&own, 0));
                sent++;
            }
        }
        for (int n = 0; n < 40; n++)
            EXPECT_BYTES (own.receiver, "", 0, 0);
        finish_deaf (&own);
    }
}

/*  The same for a program that waits on it before it asks for the events.  */
WIRE_TEST (a_sender_at_the_mark_finds_the_descriptor_readable)
{
    deaf_peer own = connect_deaf (transport, ZMQ_PUSH, 2, 0);
    int descriptor = get_int (own.sender, ZMQ_FD);
    for (int sent = 0; sent < 40;) {
        if (try_send (&own, 0)) {
            sent++;
            continue;
        }
        struct pollfd wait = {descriptor, POLLIN, 0};
        CHECK_INT (poll (&wait, 1, PATIENCE_MS), 1);
        (void) get_int (own.sender, ZMQ_EVENTS);
    }
    finish_deaf (&own);
}
