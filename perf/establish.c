/*  --peers connections from one process to a ROUTER of another: the time until
 *  the ROUTER knows all of them (ZMQ_PROBE_ROUTER sends an empty message after the
 *  handshake), and from then until each has had one message answered.  */
#include "perf.h"

#include <stdlib.h>

enum { ESTABLISHED_NS, ANSWERED_NS };

static void router (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_ROUTER);
    int backlog = 4096;
    OK (zmq_setsockopt (socket, ZMQ_BACKLOG, &backlog, sizeof backlog));
    bind_slot (socket, slot);
    zmq_msg_t id, body;
    OK (zmq_msg_init (&id));
    OK (zmq_msg_init (&body));
    for (int i = 0; i < 2 * settings.peers; i++) {
        OK (zmq_msg_recv (&id, socket, 0));
        OK (zmq_msg_recv (&body, socket, 0));
        if (zmq_msg_size (&body) == 0) {
            atomic_fetch_add (&shared->ready, 1);
            continue;
        }
        OK (zmq_msg_send (&id, socket, ZMQ_SNDMORE));
        OK (zmq_msg_send (&body, socket, 0));
    }
    OK (zmq_msg_close (&id));
    OK (zmq_msg_close (&body));
    await_ended (1);
    close_all (context, socket);
}

static void dealers (int slot)
{
    int peers = settings.peers, on = 1;
    void *context = new_context ();
    OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, peers + 10));
    void **sockets = calloc ((size_t) peers, sizeof *sockets);
    MUST (sockets);
    for (int i = 0; i < peers; i++) {
        sockets[i] = open_socket (context, ZMQ_DEALER);
        OK (zmq_setsockopt (sockets[i], ZMQ_PROBE_ROUTER, &on, sizeof on));
    }
    uint64_t begin = now_ns ();
    for (int i = 0; i < peers; i++)
        connect_slot (sockets[i], slot);
    while (atomic_load (&shared->ready) < peers)
        sleep_us (100);
    uint64_t established = now_ns ();
    for (int i = 0; i < peers; i++)
        send_stamped (sockets[i], 16, (uint64_t) i);
    for (int i = 0; i < peers; i++) {
        uint64_t stamp;
        MUST (recv_stamped (sockets[i], &stamp) == 16);
        MUST (stamp == (uint64_t) i);
    }
    set_count (&shared->value[ESTABLISHED_NS], established - begin);
    set_count (&shared->value[ANSWERED_NS], now_ns () - established);
    say_ended ();
    for (int i = 0; i < peers; i++)
        OK (zmq_close (sockets[i]));
    OK (zmq_ctx_term (context));
    free (sockets);
}

void establish (void)
{
    spawn (router, 0, true);
    spawn (dealers, 0, true);
    await_roles ();
    report_start ("establish %s %d", settings.transport, settings.peers);
    report ("rate",
            settings.peers * 1e9 / (double) shared->value[ESTABLISHED_NS],
            "handshake/s");
    report ("established", (double) shared->value[ESTABLISHED_NS] * 1e-3, "us");
    report ("answered", (double) shared->value[ANSWERED_NS] * 1e-3, "us");
    report_end ();
}
