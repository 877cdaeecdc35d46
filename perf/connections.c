/*  What an idle connection costs: a ROUTER in one process, --peers DEALERs in
 *  another.  Resident bytes are taken before the peers come, when they have
 *  shaken hands, and when each has sent a message and got an answer.  */
#include "perf.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*  Indices into shared->value.  */
enum {
    ROUTER_EMPTY,
    ROUTER_IDLE,
    ROUTER_USED,
    DEALERS_EMPTY,
    DEALERS_IDLE,
    DEALERS_USED,
    CONNECTED_NS,
    ANSWERED_NS
};
/*  Steps, in shared->go; each side reports having reached one in ready.  */
enum { CONNECT = 1, EXCHANGE, LEAVE };

/*  The peers have shaken hands once nothing moves any more: the handshake has no
 *  other mark that both sides could see without a message being sent.  */
static void settle (void)
{
    double cpu = -1;
    for (int quiet = 0; quiet < 3;) {
        double used = cpu_seconds (getpid ());
        quiet = used - cpu < 0.002 ? quiet + 1 : 0;
        cpu = used;
        sleep_us (50000);
    }
}

static void await_step (int step)
{
    while (atomic_load (&shared->go) < step)
        sleep_us (1000);
}

static int open_descriptors (void)
{
    DIR *dir = opendir ("/proc/self/fd");
    int n = 0;
    MUST (dir);
    while (readdir (dir))
        n++;
    closedir (dir);
    return n;
}

static void router (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_ROUTER);
    int no_limit = 0;
    OK (zmq_setsockopt (socket, ZMQ_SNDHWM, &no_limit, sizeof no_limit));
    bind_slot (socket, slot);
    sleep_us (20000);
    int descriptors = open_descriptors ();
    set_count (&shared->value[ROUTER_EMPTY], resident_bytes ());
    atomic_fetch_add (&shared->ready, 1);
    await_step (CONNECT);

    while (open_descriptors () < descriptors + settings.peers)
        sleep_us (1000);
    settle ();
    set_count (&shared->value[ROUTER_IDLE], resident_bytes ());
    atomic_fetch_add (&shared->ready, 1);

    for (int i = 0; i < settings.peers; i++) {
        zmq_msg_t id, body;
        OK (zmq_msg_init (&id));
        OK (zmq_msg_init (&body));
        OK (zmq_msg_recv (&id, socket, 0));
        OK (zmq_msg_recv (&body, socket, 0));
        OK (zmq_msg_send (&id, socket, ZMQ_SNDMORE));
        OK (zmq_msg_send (&body, socket, 0));
    }
    settle ();
    set_count (&shared->value[ROUTER_USED], resident_bytes ());
    atomic_fetch_add (&shared->ready, 1);
    await_step (LEAVE);
    close_all (context, socket);
}

static void dealers (int slot)
{
    int peers = settings.peers;
    void *context = new_context ();
    OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, peers + 10));
    void **sockets = calloc ((size_t) peers, sizeof *sockets);
    MUST (sockets);
    /*  The context's threads start with the first socket.  */
    sockets[0] = open_socket (context, ZMQ_DEALER);
    set_count (&shared->value[DEALERS_EMPTY], resident_bytes ());
    atomic_fetch_add (&shared->ready, 1);
    await_step (CONNECT);

    uint64_t begin = now_ns ();
    for (int i = 0; i < peers; i++) {
        if (i > 0)
            sockets[i] = open_socket (context, ZMQ_DEALER);
        connect_slot (sockets[i], slot);
    }
    set_count (&shared->value[CONNECTED_NS], now_ns () - begin);
    settle ();
    set_count (&shared->value[DEALERS_IDLE], resident_bytes ());
    atomic_fetch_add (&shared->ready, 1);
    await_step (EXCHANGE);

    begin = now_ns ();
    for (int i = 0; i < peers; i++)
        send_stamped (sockets[i], 16, (uint64_t) i);
    for (int i = 0; i < peers; i++) {
        uint64_t stamp;
        MUST (recv_stamped (sockets[i], &stamp) == 16);
        MUST (stamp == (uint64_t) i);
    }
    set_count (&shared->value[ANSWERED_NS], now_ns () - begin);
    settle ();
    set_count (&shared->value[DEALERS_USED], resident_bytes ());
    atomic_fetch_add (&shared->ready, 1);
    await_step (LEAVE);
    for (int i = 0; i < peers; i++)
        OK (zmq_close (sockets[i]));
    OK (zmq_ctx_term (context));
    free (sockets);
}

static double per_peer (int after, int before)
{
    return ((double) shared->value[after] - (double) shared->value[before])
           / settings.peers;
}

void connections (void)
{
    spawn (router, 0, true);
    spawn (dealers, 0, true);
    for (int step = CONNECT; step <= LEAVE; step++) {
        await_count (&shared->ready, 2 * step);
        atomic_store (&shared->go, step);
    }
    await_roles ();
    report_start ("connections %s %d", settings.transport, settings.peers);
    report ("router_idle", per_peer (ROUTER_IDLE, ROUTER_EMPTY), "bytes");
    report ("router_used", per_peer (ROUTER_USED, ROUTER_EMPTY), "bytes");
    report ("dealer_idle", per_peer (DEALERS_IDLE, DEALERS_EMPTY), "bytes");
    report ("dealer_used", per_peer (DEALERS_USED, DEALERS_EMPTY), "bytes");
    report ("connect", (double) shared->value[CONNECTED_NS] * 1e-6, "ms");
    report ("exchange", (double) shared->value[ANSWERED_NS] * 1e-6, "ms");
    report_end ();
}
