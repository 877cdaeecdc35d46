/*  A system call that is needed and refused is reported as what it is, and nothing
 *  is broken by it.  (libzmq ends the process.)
 */
#include "../peers.h"
#include "../seccomp.h"

static void refused (int call)
{
    void *context = zmq_ctx_new ();
    filter (&call, 1, false, EPERM);
    //  EMFILE is for descriptors that are used up.
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_DEALER), EPERM);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_DEALER), EPERM);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (without_epoll_create_no_socket_opens_and_errno_has_the_reason)
{
    refused (SYS_epoll_create1);
}

TEST (without_eventfd_no_socket_opens_and_errno_has_the_reason)
{
    refused (SYS_eventfd2);
}

TEST (without_threads_no_socket_opens_and_errno_has_the_reason)
{
    const int calls[] = {SYS_clone, SYS_clone3};
    void *context = zmq_ctx_new ();
    filter (calls, 2, false, EAGAIN);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_DEALER), EAGAIN);
    CHECK_OK (zmq_ctx_term (context));
}
