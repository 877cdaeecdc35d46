/*  One message every --every-us microseconds, PUSH to PULL between two processes:
 *  the time from before the send to after the receive.  */
#define _GNU_SOURCE
#include "perf.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

static void sender (int slot)
{
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_PUSH);
    prctl (PR_SET_TIMERSLACK, 1ul);
    connect_slot (socket, slot);
    uint64_t due = now_ns ();
    for (unsigned long n = 0; goes_on (n); n++) {
        /*  A sender that was held up goes on from now, without a burst.  */
        due += (uint64_t) settings.every_us * 1000;
        uint64_t now = now_ns ();
        due = due < now ? now : due;
        struct timespec t = {(time_t) (due / 1000000000u),
                             (long) (due % 1000000000u)};
        while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)
               == EINTR)
            ;
        send_stamped (socket, settings.size, now_ns ());
    }
    send_stamped (socket, 0, 0);
    await_ended (1);
    close_all (context, socket);
}

static void receiver (int slot)
{
    struct lane *lane = &shared->lane[0];
    void *context = new_context ();
    void *socket = open_socket (context, ZMQ_PULL);
    bind_slot (socket, slot);
    uint64_t stamp;
    unsigned long n = 0;
    for (size_t size; (size = recv_stamped (socket, &stamp)) > 0;) {
        uint64_t now = now_ns ();
        MUST (size == settings.size && stamp <= now);
        if (phase () == MEASURE)
            add_sample (lane, now - stamp);
        set_count (&lane->done, ++n);
    }
    say_ended ();
    close_all (context, socket);
}

void paced (void)
{
    MUST (settings.size >= sizeof (uint64_t));
    spawn (receiver, 0, true);
    spawn (sender, 0, true);
    struct outcome out = take_window (1);
    report_start ("paced %s %zu %ldus", settings.transport, settings.size,
                  settings.every_us);
    report_latency (1, false);
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/msg");
    report ("rate", (double) out.done / out.seconds, "msg/s");
    report_end ();
}
