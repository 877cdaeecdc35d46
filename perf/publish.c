/*  PUB to many SUBs in one other process, tcp by default.  The publisher is at
 *  most two bursts ahead of the slowest subscriber, so nothing may be dropped,
 *  and every subscriber must see every message in order.  */
#define _GNU_SOURCE
#include "perf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*  Two of them stay well below the default high-water mark (1,000): bursts of 400
 *  were seen to lose messages.  */
#define BURST 200

static int credit[2];

static void publisher (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_PUB);
    bind_slot (socket, slot);
    /*  One-byte messages until every subscriber has seen one.  */
    while (atomic_load (&shared->ready) < settings.peers) {
        send_stamped (socket, 1, 0);
        sleep_us (20000);
    }
    unsigned long n = 0;
    for (char c; goes_on (n);) {
        if (n >= 2 * BURST)
            MUST (TEMP_FAILURE_RETRY (read (credit[0], &c, 1)) == 1);
        look_around (socket);
        for (int i = 0; i < BURST; i++)
            send_stamped (socket, settings.size, n++);
    }
    send_stamped (socket, 0, 0);
    await_ended (1);
    close_all (context, socket);
}

struct subscriber {
    void *socket;
    unsigned long received;
    bool ready;
    bool ended;
};

static void subscribers (int slot)
{
    int peers = settings.peers;
    struct lane *lane = &shared->lane[0];
    void *context = new_context ();
    OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, peers + 10));
    struct subscriber *subs = calloc ((size_t) peers, sizeof *subs);
    zmq_pollitem_t *items = calloc ((size_t) peers, sizeof *items);
    MUST (subs && items);
    for (int i = 0; i < peers; i++) {
        subs[i].socket = open_socket (context, ZMQ_SUB);
        OK (zmq_setsockopt (subs[i].socket, ZMQ_SUBSCRIBE, "", 0));
        connect_slot (subs[i].socket, slot);
        items[i].socket = subs[i].socket;
        items[i].events = ZMQ_POLLIN;
    }
    unsigned long total = 0, bursts = 0;
    /*  How many subscribers have finished the burst after the last credit.  */
    int finished[3] = {0};
    for (int ended = 0; ended < peers;) {
        OK (zmq_poll (items, peers, -1));
        for (int i = 0; i < peers; i++) {
            if (!(items[i].revents & ZMQ_POLLIN))
                continue;
            struct subscriber *sub = &subs[i];
            uint64_t stamp;
            ssize_t size;
            while ((size = try_recv_stamped (sub->socket, &stamp)) != -1) {
                if (size == 1) {
                    if (!sub->ready)
                        atomic_fetch_add (&shared->ready, 1);
                    sub->ready = true;
                    continue;
                }
                if (size == 0) {
                    sub->ended = true;
                    ended++;
                    continue;
                }
                MUST ((size_t) size == settings.size && stamp == sub->received);
                sub->received++;
                total++;
                if (sub->received % BURST == 0)
                    finished[(sub->received / BURST) % 3]++;
            }
            set_count (&lane->done, total);
            while (finished[(bursts + 1) % 3] == peers) {
                finished[++bursts % 3] = 0;
                MUST (write (credit[1], "c", 1) == 1);
            }
        }
    }
    say_ended ();
    for (int i = 0; i < peers; i++)
        OK (zmq_close (subs[i].socket));
    OK (zmq_ctx_term (context));
    free (subs);
    free (items);
}

void publish (void)
{
    MUST (settings.size >= sizeof (uint64_t));
    OK (pipe (credit));
    spawn (publisher, 0, true);
    spawn (subscribers, 0, true);
    struct outcome out = take_window (1);
    report_start ("publish %s %zu %d", settings.transport, settings.size,
                  settings.peers);
    report ("rate", (double) out.done / out.seconds, "deliveries/s");
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/delivery");
    report_end ();
}
