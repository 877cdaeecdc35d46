/*  The price of making and closing things, in one thread.  */
#include "perf.h"

#include <sched.h>

/*  Runs STATEMENT for a part of the window and reports microseconds a turn.  */
#define TIMED(METRIC, TURNS, STATEMENT)                                       \
    do {                                                                      \
        uint64_t begin = now_ns (), elapsed = 0;                              \
        uint64_t limit = (uint64_t) (settings.seconds * 1e9 / 7);             \
        long turns = 0;                                                      \
        for (; elapsed < limit; elapsed = now_ns () - begin)                  \
            for (int turn = 0; turn < (TURNS); turn++, turns++)               \
                STATEMENT                                                     \
        report (METRIC, (double) elapsed * 1e-3 / (double) turns, "us");      \
    } while (0)

static void free_nothing (void *data, void *hint)
{
    (void) data;
    (void) hint;
}

/*  Runs in the coordinator: there is no one else.  */
void create (void)
{
    static char buffer[10000];
    zmq_msg_t msg, copy;
    report_start ("create");
    TIMED ("context", 1, {
        void *context = new_context ();
        OK (zmq_ctx_term (context));
    });
    TIMED ("context_socket", 1, {
        void *context = new_context ();
        close_all (context, open_socket (context, ZMQ_DEALER));
    });
    void *context = new_context ();
    /*  One stays open, so that the context's threads are there.  */
    void *first = open_socket (context, ZMQ_DEALER);
    TIMED ("socket", 1, {
        /*  Closed sockets are taken apart by another thread; we may be ahead.  */
        void *socket = zmq_socket (context, ZMQ_DEALER);
        if (!socket) {
            MUST (errno == EMFILE);
            sched_yield ();
            turns--;
            continue;
        }
        OK (zmq_close (socket));
    });
    close_all (context, first);
    TIMED ("msg_empty", 1000, {
        OK (zmq_msg_init (&msg));
        OK (zmq_msg_close (&msg));
    });
    TIMED ("msg_small", 1000, {
        OK (zmq_msg_init_size (&msg, 20));
        OK (zmq_msg_close (&msg));
    });
    TIMED ("msg_large", 1000, {
        OK (zmq_msg_init_size (&msg, sizeof buffer));
        OK (zmq_msg_close (&msg));
    });
    TIMED ("msg_data", 1000, {
        OK (zmq_msg_init_data (&msg, buffer, sizeof buffer, free_nothing, NULL));
        OK (zmq_msg_init (&copy));
        OK (zmq_msg_copy (&copy, &msg));
        OK (zmq_msg_close (&copy));
        OK (zmq_msg_close (&msg));
    });
    report_end ();
}
