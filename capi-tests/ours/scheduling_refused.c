/*  What the system refuses for an I/O thread is the answer of zmq_socket.
 *  (libzmq ends the process.)
 */
#define _GNU_SOURCE
#include "../scheduling.h"

/*  Opening the first socket fails so, starts no thread, and succeeds once the
 *  options are such as the system takes.  */
static void refused (void *context, int number)
{
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_DEALER), number);
    //  A thread that was joined may be listed for a moment.
    for (int64_t end = now_ms () + PATIENCE_MS; io_thread () && now_ms () < end;)
        sched_yield ();
    CHECK_INT (io_thread (), 0);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_DEALER), number);
}

TEST (a_policy_or_priority_that_the_system_does_not_know_is_einval)
{
    void *context = context_with (77, -1);
    refused (context, EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, SCHED_FIFO));
    refused (context, EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 200));
    refused (context, EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, SCHED_OTHER));
    if (may_raise_priorities ())
        expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_processor_that_is_not_there_is_einval)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 1000));
    refused (context, EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 5000));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1000));
    refused (context, EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (what_is_not_permitted_is_eperm)
{
    struct rlimit none = {0, 0};
    CHECK_OK (setrlimit (RLIMIT_RTPRIO, &none));
    CHECK_OK (setrlimit (RLIMIT_NICE, &none));
    if (getuid () == 0)
        CHECK_OK (setuid (65534));
    void *context = context_with (SCHED_FIFO, 10);
    refused (context, EPERM);
    //  The nice value of a priority.
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, SCHED_OTHER));
    refused (context, EPERM);
    CHECK_OK (zmq_ctx_term (context));
    context = context_with (SCHED_BATCH, -1);
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_real_time_caller_that_asks_for_the_ordinary_policy_gets_it)
{
    struct sched_param parameters = {.sched_priority = 10};
    if (!may_raise_priorities ())
        return;
    CHECK_OK (sched_setscheduler (0, SCHED_FIFO, &parameters));
    void *context = context_with (SCHED_OTHER, -1);
    void *socket = open_socket (context, ZMQ_DEALER);
    CHECK (is_scheduled (io_thread (), SCHED_OTHER, 0, 0));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}
