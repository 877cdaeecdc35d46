/*  --peers subscriptions of one SUB at an XPUB of another process: resident bytes
 *  a subscription, and the time of a send that matches none or one of them.  */
#include "perf.h"

#include <stdio.h>
#include <stdlib.h>

enum { BEFORE_BYTES, AFTER_BYTES, MISS_NS, HIT_NS };
/*  Sends of one measurement; below the high-water mark where they match.  */
#define MISSES 200000
#define HITS 400
#define ROUNDS 20

#define TOPIC_SIZE 17
typedef char topic_text[TOPIC_SIZE + 1];

static void write_topic (topic_text text, unsigned long i, char last)
{
    /*  Scattered: the order of arrival is not the order of the keys.  */
    snprintf (text, sizeof (topic_text), "market/%08lx/%c",
              i * 2654435761u % 0xffffffff, last);
}

/*  Topics to send, made beforehand so that making them is not measured.  */
static topic_text *topics (unsigned long count, char last)
{
    topic_text *all = calloc (count, sizeof *all);
    MUST (all);
    for (unsigned long i = 0; i < count; i++)
        write_topic (all[i], i * 7919 % (unsigned long) settings.peers, last);
    return all;
}

static void publisher (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_XPUB);
    bind_slot (socket, slot);
    set_count (&shared->value[BEFORE_BYTES], resident_bytes ());
    atomic_store (&shared->ready, 1);
    zmq_msg_t msg;
    OK (zmq_msg_init (&msg));
    for (int i = 0; i < settings.peers; i++) {
        OK (zmq_msg_recv (&msg, socket, 0));
        MUST (*(char *) zmq_msg_data (&msg) == 1);
    }
    OK (zmq_msg_close (&msg));
    set_count (&shared->value[AFTER_BYTES], resident_bytes ());

    topic_text *topic = topics (MISSES, 'y');
    uint64_t begin = now_ns ();
    for (unsigned long i = 0; i < MISSES; i++)
        OK (zmq_send (socket, topic[i], TOPIC_SIZE, 0));
    set_count (&shared->value[MISS_NS], (now_ns () - begin) / MISSES);
    free (topic);
    topic = topics (ROUNDS * HITS, 'x');
    uint64_t in_sends = 0;
    for (int round = 0; round < ROUNDS; round++) {
        look_around (socket);
        begin = now_ns ();
        for (unsigned long i = 0; i < HITS; i++)
            OK (zmq_send (socket, topic[round * HITS + i], TOPIC_SIZE, 0));
        in_sends += now_ns () - begin;
        while (atomic_load (&shared->go) <= round)
            sleep_us (100);
    }
    free (topic);
    set_count (&shared->value[HIT_NS], in_sends / (ROUNDS * HITS));
    await_ended (1);
    close_all (context, socket);
}

static void subscriber (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_SUB);
    topic_text text;
    int no_limit = 0;
    OK (zmq_setsockopt (socket, ZMQ_SNDHWM, &no_limit, sizeof no_limit));
    while (!atomic_load (&shared->ready))
        sleep_us (200);
    for (int i = 0; i < settings.peers; i++) {
        write_topic (text, (unsigned long) i, 'x');
        OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, text, TOPIC_SIZE));
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
    report ("miss", (double) shared->value[MISS_NS] * 1e-3, "us");
    report ("hit", (double) shared->value[HIT_NS] * 1e-3, "us");
    report_end ();
}
