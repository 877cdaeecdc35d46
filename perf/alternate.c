/*  One thread sends --peers messages and takes them again, --count times over:
 *  no second thread of ours, so that instruction counts repeat.  */
#include "perf.h"

static void both (int slot)
{
    struct lane *lane = &shared->lane[0];
    void *context = new_context ();
    void *out = open_socket (context, ZMQ_PUSH);
    void *in = open_socket (context, ZMQ_PULL);
    bind_slot (in, slot);
    connect_slot (out, slot);
    uint64_t stamp;
    for (unsigned long n = 0; goes_on (n);) {
        for (int i = 0; i < settings.peers; i++)
            send_stamped (out, settings.size, n + (unsigned long) i);
        for (int i = 0; i < settings.peers; i++, n++) {
            MUST (recv_stamped (in, &stamp) == settings.size);
            MUST (settings.size < sizeof stamp || stamp == n);
        }
        set_count (&lane->done, n);
    }
    OK (zmq_close (out));
    close_all (context, in);
}

void alternate (void)
{
    spawn (both, 0, true);
    struct outcome out = take_window (1);
    report_start ("alternate %s %zu %s", settings.transport, settings.size,
                  settings.buffers ? "buffer" : "msg");
    report ("rate", (double) out.done / out.seconds, "msg/s");
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/msg");
    report_end ();
}
