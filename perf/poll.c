/*  zmq_poll, or with --pattern poller zmq_poller_wait, over --peers sockets of
 *  which one is ready, each in turn, in one thread: the time of the send, the
 *  poll and the receive.  Stable builds of libzmq have no pollers.  */
#define ZMQ_BUILD_DRAFT_API
#include "perf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void connect_directly (void *in, void *out, int i)
{
    char endpoint[256];
    size_t room = sizeof endpoint;
    if (strcmp (settings.transport, "inproc") == 0) {
        snprintf (endpoint, sizeof endpoint, "inproc://poll-%d", i);
        OK (zmq_bind (in, endpoint));
    } else {
        OK (zmq_bind (in, strcmp (settings.transport, "tcp") == 0
                            ? "tcp://127.0.0.1:*"
                            : "ipc://*"));
        OK (zmq_getsockopt (in, ZMQ_LAST_ENDPOINT, endpoint, &room));
    }
    OK (zmq_connect (out, endpoint));
}

static void poll_in_turn (int unused)
{
    (void) unused;
    int peers = settings.peers;
    struct lane *lane = &shared->lane[0];
    void *context = new_context ();
    OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 2 * peers + 10));
    void **out = calloc ((size_t) peers, sizeof *out);
    zmq_pollitem_t *items = calloc ((size_t) peers, sizeof *items);
    MUST (out && items);
    uint64_t stamp;
    void *poller = strcmp (settings.pattern, "poller") == 0 ? zmq_poller_new () : NULL;
    for (int i = 0; i < peers; i++) {
        items[i].socket = open_socket (context, ZMQ_PULL);
        items[i].events = ZMQ_POLLIN;
        out[i] = open_socket (context, ZMQ_PUSH);
        connect_directly (items[i].socket, out[i], i);
        send_stamped (out[i], settings.size, 0);
        recv_stamped (items[i].socket, &stamp);
        if (poller)
            OK (zmq_poller_add (poller, items[i].socket, &items[i], ZMQ_POLLIN));
    }
    for (unsigned long n = 0; goes_on (n);) {
        /*  Neighbours in the array are not neighbours in time.  */
        int i = (int) (n * 617 % (unsigned long) peers);
        uint64_t before = now_ns ();
        send_stamped (out[i], settings.size, n);
        if (poller) {
            zmq_poller_event_t event;
            OK (zmq_poller_wait (poller, &event, -1));
            MUST (event.user_data == &items[i]);
        } else {
            MUST (zmq_poll (items, peers, -1) == 1);
            MUST (items[i].revents == ZMQ_POLLIN);
        }
        MUST (recv_stamped (items[i].socket, &stamp) == settings.size);
        if (phase () == MEASURE)
            add_sample (lane, now_ns () - before);
        set_count (&lane->done, ++n);
    }
    if (poller)
        OK (zmq_poller_destroy (&poller));
    for (int i = 0; i < peers; i++) {
        OK (zmq_close (out[i]));
        OK (zmq_close (items[i].socket));
    }
    OK (zmq_ctx_term (context));
    free (out);
    free (items);
}

void poll_many (void)
{
    spawn (poll_in_turn, 0, true);
    struct outcome out = take_window (1);
    report_start ("poll %s %d", settings.transport, settings.peers);
    report_latency (1, false);
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/poll");
    report ("rate", (double) out.done / out.seconds, "polls/s");
    report_end ();
}
