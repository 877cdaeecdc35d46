/*  How the I/O threads of a context are scheduled.  Needs the right to raise
 *  priorities; without it there is nothing to see.
 */
#define _GNU_SOURCE
#include "scheduling.h"

/*  A context with these options, -1 for one that is not set, has an I/O thread
 *  of this policy, priority and nice value.  */
static void expect (int policy_option, int priority_option, int policy, int priority, int nice)
{
    void *context = context_with (policy_option, priority_option);
    void *socket = open_socket (context, ZMQ_DEALER);
    //  A thread may come to it a little later.
    for (int64_t end = now_ms () + PATIENCE_MS; now_ms () < end; sleep_ms (1))
        if (is_scheduled (io_thread (), policy, priority, nice))
            break;
    pid_t thread = io_thread ();
    CHECK_INT (sched_getscheduler (thread), policy);
    CHECK_INT (priority_of (thread), priority);
    CHECK_INT (getpriority (PRIO_PROCESS, thread), nice);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_priority_sets_nice_where_the_policy_has_no_priorities)
{
    if (!may_raise_priorities ())
        return;
    expect (SCHED_OTHER, 5, SCHED_OTHER, 0, -20);
    expect (SCHED_BATCH, 5, SCHED_BATCH, 0, -20);
    expect (SCHED_IDLE, 5, SCHED_IDLE, 0, -20);
    //  The policy that is inherited.
    expect (-1, 5, SCHED_OTHER, 0, -20);
    expect (SCHED_OTHER, 0, SCHED_OTHER, 0, -20);
}

TEST (a_policy_alone_leaves_nice_as_it_is)
{
    expect (SCHED_OTHER, -1, SCHED_OTHER, 0, getpriority (PRIO_PROCESS, 0));
    expect (SCHED_BATCH, -1, SCHED_BATCH, 0, getpriority (PRIO_PROCESS, 0));
}

TEST (a_real_time_policy_has_its_priority)
{
    if (!may_raise_priorities ())
        return;
    expect (SCHED_FIFO, 7, SCHED_FIFO, 7, 0);
    expect (SCHED_RR, 3, SCHED_RR, 3, 0);
}

TEST (a_real_time_caller_gets_the_policy_that_it_asks_for)
{
    struct sched_param parameters = {.sched_priority = 10};
    if (!may_raise_priorities ())
        return;
    CHECK_OK (sched_setscheduler (0, SCHED_FIFO, &parameters));
    expect (SCHED_OTHER, 5, SCHED_OTHER, 0, -20);
    expect (SCHED_RR, 5, SCHED_RR, 5, 0);
    //  What is not asked for is inherited.
    expect (-1, 4, SCHED_FIFO, 4, 0);
    expect (-1, -1, SCHED_FIFO, 10, 0);
}
