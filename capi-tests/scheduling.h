/*  Asks the system how it schedules the I/O thread of a context.  */
#ifndef SCHEDULING_H
#define SCHEDULING_H

#include "harness.h"
#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>

/*  The I/O thread of the process's only context; 0 without one.  */
static inline pid_t io_thread (void)
{
    pid_t found = 0;
    struct dirent *entry;
    DIR *tasks = opendir ("/proc/self/task");
    CHECK (tasks != NULL);
    while ((entry = readdir (tasks)) != NULL) {
        char path[300], name[64] = "";
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen (path, "r");
        if (!file)
            continue;
        if (fgets (name, sizeof name, file) && strcmp (name, "ZMQbg/IO/0\n") == 0)
            found = atoi (entry->d_name);
        fclose (file);
    }
    closedir (tasks);
    return found;
}

static inline int priority_of (pid_t thread)
{
    struct sched_param parameters = {.sched_priority = -1};
    sched_getparam (thread, &parameters);
    return parameters.sched_priority;
}

static inline int is_scheduled (pid_t thread, int policy, int priority, int nice)
{
    return thread && sched_getscheduler (thread) == policy && priority_of (thread) == priority
           && getpriority (PRIO_PROCESS, thread) == nice;
}

/*  Whether this process may do what these options ask for.  */
static inline int may_raise_priorities (void)
{
    if (setpriority (PRIO_PROCESS, 0, -20) != 0)
        return 0;
    /*  Whatever it was when the test was started.  */
    CHECK_OK (setpriority (PRIO_PROCESS, 0, 0));
    return 1;
}

/*  A context with these options, -1 for one that is not set.  */
static inline void *context_with (int policy, int priority)
{
    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    if (policy != -1)
        CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, policy));
    if (priority != -1)
        CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, priority));
    return context;
}

#endif
