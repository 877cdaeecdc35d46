/*  Many DEALERs of one process, each with a few requests under way, to a ROUTER
 *  of another that answers; or, --pattern broker, through a ROUTER/DEALER proxy
 *  in a third process to one worker.  */
#include "perf.h"

#include <stdlib.h>
#include <string.h>

/*  Requests of one DEALER under way.  */
#define UNDER_WAY 10

static bool with_broker;

/*  Ends with the first empty body.  */
static void answer (int unused)
{
    (void) unused;
    void *context = new_context ();
    void *socket = open_socket (context, with_broker ? ZMQ_DEALER : ZMQ_ROUTER);
    if (with_broker)
        connect_slot (socket, BACK_SLOT);
    else
        bind_slot (socket, FRONT_SLOT);
    struct routing_id id;
    init_id (&id);
    for (;;) {
        uint64_t stamp;
        recv_id (socket, &id);
        size_t size = recv_stamped (socket, &stamp);
        if (size == 0)
            break;
        send_id (socket, &id);
        send_stamped (socket, size, stamp);
    }
    say_ended ();
    close_all (context, socket);
}

struct dealer {
    void *socket;
    unsigned long asked;
    unsigned long answered;
};

static void ask (int unused)
{
    (void) unused;
    int peers = settings.peers;
    struct lane *lane = &shared->lane[0];
    void *context = new_context ();
    OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, peers + 10));
    struct dealer *dealers = calloc ((size_t) peers, sizeof *dealers);
    zmq_pollitem_t *items = calloc ((size_t) peers, sizeof *items);
    MUST (dealers && items);
    for (int i = 0; i < peers; i++) {
        dealers[i].socket = open_socket (context, ZMQ_DEALER);
        connect_slot (dealers[i].socket, FRONT_SLOT);
        items[i].socket = dealers[i].socket;
        items[i].events = ZMQ_POLLIN;
        while (dealers[i].asked < UNDER_WAY)
            send_stamped (dealers[i].socket, settings.size,
                          dealers[i].asked++);
    }
    unsigned long under_way = (unsigned long) peers * UNDER_WAY, total = 0;
    while (under_way > 0) {
        OK (zmq_poll (items, peers, -1));
        for (int i = 0; i < peers; i++) {
            struct dealer *dealer = &dealers[i];
            uint64_t stamp;
            ssize_t size;
            if (!(items[i].revents & ZMQ_POLLIN))
                continue;
            while ((size = try_recv_stamped (dealer->socket, &stamp)) != -1) {
                MUST ((size_t) size == settings.size
                      && stamp == dealer->answered);
                dealer->answered++;
                set_count (&lane->done, ++total);
                under_way--;
                if (goes_on (total)) {
                    send_stamped (dealer->socket, settings.size,
                                  dealer->asked++);
                    under_way++;
                }
            }
        }
    }
    send_stamped (dealers[0].socket, 0, 0);
    await_ended (1);
    for (int i = 0; i < peers; i++)
        OK (zmq_close (dealers[i].socket));
    OK (zmq_ctx_term (context));
    free (dealers);
    free (items);
}

void fan_in (void)
{
    MUST (settings.size >= sizeof (uint64_t));
    with_broker = strcmp (settings.pattern, "broker") == 0;
    if (with_broker)
        spawn (request_broker, 0, true);
    spawn (answer, 0, true);
    spawn (ask, 0, true);
    struct outcome out = take_window (1);
    report_start ("fan-in %s %s %zu %d", settings.transport, settings.pattern,
                  settings.size, settings.peers);
    report ("rate", (double) out.done / out.seconds, "answers/s");
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/answer");
    report_end ();
}
