/*  Which system calls the library makes: they cost more than what they are made for.
 *
 *  The calls of the library come to the functions below, as those of a program
 *  come before those of the C library.
 */
#include "../callers.h"

/*  Calls of each kind, while they are counted.  */
static atomic_bool counts;
static atomic_int sleeps, masks;

int ppoll (struct pollfd *all, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    //  The system changes the time.
    struct timespec left = timeout ? *timeout : (struct timespec) {0, 0};
    atomic_fetch_add (&sleeps, atomic_load (&counts));
    return (int) syscall (SYS_ppoll, all, count, timeout ? &left : NULL, mask, _NSIG / 8);
}

int pthread_sigmask (int how, const sigset_t *new, sigset_t *old)
{
    atomic_fetch_add (&masks, atomic_load (&counts));
    return syscall (SYS_rt_sigprocmask, how, new, old, _NSIG / 8) ? errno : 0;
}

/*  A zmq_poll that ends by its time.  */
static void poll_in_vain (zmq_pollitem_t *items, int count)
{
    sleeps = masks = 0;
    atomic_store (&counts, true);
    int found = zmq_poll (items, count, 5);
    atomic_store (&counts, false);
    CHECK_INT (found, 0);
    CHECK_INT (sleeps, 1);
    CHECK_INT (masks, 0);
}

TEST (a_zmq_poll_without_sockets_is_one_system_call)
{
    int ends[2];
    CHECK_OK (pipe (ends));
    zmq_pollitem_t item = {NULL, ends[0], ZMQ_POLLIN, 0};
    poll_in_vain (NULL, 0);
    poll_in_vain (&item, 1);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
}
