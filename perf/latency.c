/*  One message goes, one comes back; half the round trip is one way.
 *
 *  --pattern     between processes (PAIR/PAIR in two threads over inproc)
 *    (none)      REQ to REP
 *    dealer      DEALER to ROUTER
 *    router      ROUTER to ROUTER, so that either side can have idle peers
 *    broker      REQ, a ROUTER/DEALER proxy in a third process, REP
 *  --idle N      N idle connections at the REP or ROUTER, at both ROUTERs
 *  --poll        both sides wait in zmq_poll over this socket and an idle one  */
#include "perf.h"

#include <stdlib.h>
#include <string.h>

static void *inproc_context;
static int client_type, server_type;
static bool with_broker;
/*  Routing ids of the two ends of --pattern router.  */
static const char client_id[] = "client", server_id[] = "server";

/*  Where idle peers of the client's side connect; pairs use slots from 0.  */
#define CLIENT_SLOT (MAX_ENDPOINTS - 1)

struct end {
    void *context;
    void *socket;
    void *unused; /* the second socket of --poll */
};

static struct end open_end (int type)
{
    struct end end = {0};
    if (!inproc_context)
        end.context = new_context ();
    end.socket
      = open_socket (end.context ? end.context : inproc_context, type);
    if (settings.poll) {
        end.unused
          = open_socket (end.context ? end.context : inproc_context, ZMQ_PULL);
        OK (zmq_bind (end.unused, "tcp://127.0.0.1:*"));
    }
    return end;
}

static void close_end (struct end *end)
{
    if (end->unused)
        OK (zmq_close (end->unused));
    close_all (end->context, end->socket);
}

static void await_message (const struct end *end)
{
    if (!end->unused)
        return;
    zmq_pollitem_t items[] = {{end->unused, 0, ZMQ_POLLIN, 0},
                              {end->socket, 0, ZMQ_POLLIN, 0}};
    MUST (zmq_poll (items, 2, -1) == 1 && items[1].revents == ZMQ_POLLIN);
}

static void serve (int pair)
{
    struct end end = open_end (server_type);
    bool router = server_type == ZMQ_ROUTER;
    struct routing_id id;
    init_id (&id);
    if (client_type == ZMQ_ROUTER)
        OK (zmq_setsockopt (end.socket, ZMQ_ROUTING_ID, server_id,
                            strlen (server_id)));
    if (with_broker)
        connect_slot (end.socket, BACK_SLOT);
    else
        bind_slot (end.socket, pair);
    for (;;) {
        uint64_t stamp;
        await_message (&end);
        if (router)
            recv_id (end.socket, &id);
        size_t size = recv_stamped (end.socket, &stamp);
        if (router && size > 0)
            send_id (end.socket, &id);
        if (size == 0)
            break;
        send_stamped (end.socket, size, stamp);
    }
    say_ended ();
    close_end (&end);
}

static void ask (int pair)
{
    struct lane *lane = &shared->lane[pair];
    struct end end = open_end (client_type);
    bool router = client_type == ZMQ_ROUTER;
    struct routing_id id;
    init_id (&id);
    if (router) {
        int on = 1;
        OK (zmq_setsockopt (end.socket, ZMQ_ROUTING_ID, client_id,
                            strlen (client_id)));
        OK (zmq_setsockopt (end.socket, ZMQ_ROUTER_MANDATORY, &on, sizeof on));
        bind_slot (end.socket, CLIENT_SLOT);
    }
    connect_slot (end.socket, pair);
    while (atomic_load (&shared->ready) < settings.idle)
        sleep_us (1000);
    while (router
           && zmq_send (end.socket, server_id, strlen (server_id), ZMQ_SNDMORE)
                == -1) {
        MUST (errno == EHOSTUNREACH);
        sleep_us (1000);
    }

    unsigned long n = 0;
    uint64_t stamp, before = now_ns ();
    while (goes_on (n)) {
        if (router && n > 0)
            OK (zmq_send (end.socket, server_id, strlen (server_id),
                          ZMQ_SNDMORE));
        send_stamped (end.socket, settings.size, n);
        await_message (&end);
        if (router)
            recv_id (end.socket, &id);
        MUST (recv_stamped (end.socket, &stamp) == settings.size);
        MUST (settings.size < sizeof stamp || stamp == n);
        uint64_t after = now_ns ();
        if (phase () == MEASURE)
            add_sample (lane, after - before);
        before = after;
        set_count (&lane->done, ++n);
    }
    if (router)
        OK (zmq_send (end.socket, server_id, strlen (server_id), ZMQ_SNDMORE));
    send_stamped (end.socket, 0, 0);
    await_ended (settings.pairs);
    close_end (&end);
}

/*  Connected, silent, and not counted.  */
static void idle_peers (int slot)
{
    int type = server_type == ZMQ_REP ? ZMQ_REQ : ZMQ_DEALER;
    void *context = new_context ();
    void **sockets = calloc ((size_t) settings.idle, sizeof *sockets);
    MUST (sockets);
    for (int i = 0; i < settings.idle; i++) {
        sockets[i] = open_socket (context, type);
        connect_slot (sockets[i], slot);
    }
    sleep_us (50000);
    atomic_fetch_add (&shared->ready, settings.idle);
    await_ended (settings.pairs);
    for (int i = 0; i < settings.idle; i++)
        OK (zmq_close (sockets[i]));
    OK (zmq_ctx_term (context));
    free (sockets);
}

static void ask_and_serve (int pair)
{
    inproc_context = new_context ();
    void *server = start (serve, pair);
    ask (pair);
    join (server);
    OK (zmq_ctx_term (inproc_context));
}

void latency (void)
{
    const char *pattern = settings.pattern;
    bool inproc = strcmp (settings.transport, "inproc") == 0;
    bool routers = strcmp (pattern, "router") == 0;
    bool dealer = strcmp (pattern, "dealer") == 0;
    with_broker = strcmp (pattern, "broker") == 0;
    MUST (settings.size > 0 && settings.pairs < CLIENT_SLOT);
    MUST (settings.pairs == 1
          || !(routers || with_broker || inproc || settings.idle));
    MUST (!settings.idle || !(inproc || with_broker));
    client_type = inproc    ? ZMQ_PAIR
                  : routers ? ZMQ_ROUTER
                  : dealer  ? ZMQ_DEALER
                            : ZMQ_REQ;
    server_type = inproc              ? ZMQ_PAIR
                  : routers || dealer ? ZMQ_ROUTER
                                      : ZMQ_REP;
    if (with_broker)
        spawn (request_broker, 0, true);
    if (settings.idle) {
        spawn (idle_peers, 0, false);
        if (routers)
            spawn (idle_peers, CLIENT_SLOT, false);
    }
    for (int i = 0; i < settings.pairs; i++)
        if (inproc) {
            spawn (ask_and_serve, i, true);
        } else {
            spawn (serve, i, true);
            spawn (ask, i, true);
        }
    struct outcome out = take_window (settings.pairs);
    report_start ("latency %s %s %zu %s", settings.transport, pattern,
                  settings.size, settings.buffers ? "buffer" : "msg");
    report_latency (settings.pairs, true);
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/roundtrip");
    report ("mean", out.seconds * settings.pairs / (double) out.done * 0.5e6,
            "us");
    report ("rate", (double) out.done / out.seconds, "roundtrip/s");
    report_end ();
}
