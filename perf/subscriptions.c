/*  --peers subscriptions of one SUB at an XPUB of another process: resident bytes
 *  a subscription, and the time of a send that matches none or one of them.  */
#include "perf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE_BYTES, AFTER_BYTES, ARRIVED_NS, MISS_NS, HIT_NS };
/*  Sends of one measurement; below the high-water mark where they match.  */
#define MISSES 200000
#define HITS 400
#define ROUNDS 20

static int topic (char *text, size_t room, unsigned long i, char last)
{
    /*  Scattered: the order of arrival is not the order of the keys.  */
    return snprintf (text, room, "market/%08lx/%c", i * 2654435761u % 0xffffffff,
                     last);
}

static void publisher (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_XPUB);
    int no_limit = 0;
    OK (zmq_setsockopt (socket, ZMQ_RCVHWM, &no_limit, sizeof no_limit));
    bind_slot (socket, slot);
    set_count (&shared->value[BEFORE_BYTES], resident_bytes ());
    atomic_store (&shared->ready, 1);
    zmq_msg_t msg;
    OK (zmq_msg_init (&msg));
    uint64_t begin = 0;
    for (int i = 0; i < settings.peers; i++) {
        OK (zmq_msg_recv (&msg, socket, 0));
        MUST (*(char *) zmq_msg_data (&msg) == 1);
        if (i == 0)
            begin = now_ns ();
    }
    set_count (&shared->value[ARRIVED_NS], now_ns () - begin);
    OK (zmq_msg_close (&msg));
    set_count (&shared->value[AFTER_BYTES], resident_bytes ());

    char text[64];
    unsigned long peers = (unsigned long) settings.peers;
    begin = now_ns ();
    for (unsigned long i = 0; i < MISSES; i++) {
        int size = topic (text, sizeof text, i * 7919 % peers, 'y');
        OK (zmq_send (socket, text, (size_t) size, 0));
    }
    set_count (&shared->value[MISS_NS], (now_ns () - begin) / MISSES);
    uint64_t in_sends = 0;
    for (int round = 1; round <= ROUNDS; round++) {
        look_around (socket);
        begin = now_ns ();
        for (unsigned long i = 0; i < HITS; i++) {
            int size = topic (text, sizeof text, i * 7919 % peers, 'x');
            OK (zmq_send (socket, text, (size_t) size, 0));
        }
        in_sends += now_ns () - begin;
        while (atomic_load (&shared->go) < round)
            sleep_us (100);
    }
    set_count (&shared->value[HIT_NS], in_sends / (ROUNDS * HITS));
    await_ended (1);
    close_all (context, socket);
}

static void subscriber (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_SUB);
    char text[64];
    int no_limit = 0;
    OK (zmq_setsockopt (socket, ZMQ_SNDHWM, &no_limit, sizeof no_limit));
    while (!atomic_load (&shared->ready))
        sleep_us (200);
    for (int i = 0; i < settings.peers; i++) {
        int size = topic (text, sizeof text, (unsigned long) i, 'x');
        OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, text, (size_t) size));
    }
    connect_slot (socket, slot);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < HITS; i++) {
            uint64_t stamp;
            recv_stamped (socket, &stamp);
        }
        atomic_store (&shared->go, round);
    }
    say_ended ();
    close_all (context, socket);
}

void subscriptions (void)
{
    spawn (publisher, 0, true);
    spawn (subscriber, 0, true);
    await_roles ();
    report_start ("subscriptions %s %d", settings.transport, settings.peers);
    report ("memory",
            ((double) shared->value[AFTER_BYTES]
             - (double) shared->value[BEFORE_BYTES])
              / settings.peers,
            "bytes");
    report ("arrived", (double) shared->value[ARRIVED_NS] * 1e-3, "us");
    report ("miss", (double) shared->value[MISS_NS] * 1e-3, "us");
    report ("hit", (double) shared->value[HIT_NS] * 1e-3, "us");
    report_end ();
}
