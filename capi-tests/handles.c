/*  NULL and foreign handles: every function that takes one answers with errno.
 *  What only our library survives (closed handles, garbage) is in ours/.  */
#include "handles.h"

/*  Memory that is no context, socket or timers: all zeros, and aligned.  */
static long zeroed[1024];

TEST (null_as_socket_is_enotsock_everywhere) { all_enotsock (NULL); }

TEST (a_context_as_socket_is_enotsock_everywhere)
{
    void *context = zmq_ctx_new ();
    all_enotsock (context);
    //  And the context still works.
    void *socket = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (zeroed_memory_as_socket_is_enotsock_everywhere) { all_enotsock (zeroed); }

TEST (a_handle_is_checked_before_the_other_arguments)
{
    CHECK_ERRNO (zmq_bind (NULL, NULL), ENOTSOCK);
    CHECK_ERRNO (zmq_connect (NULL, "rubbish"), ENOTSOCK);
    CHECK_ERRNO (zmq_unbind (NULL, NULL), ENOTSOCK);
    CHECK_ERRNO (zmq_disconnect (NULL, NULL), ENOTSOCK);
    CHECK_ERRNO (zmq_setsockopt (NULL, 9999, NULL, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_getsockopt (NULL, 9999, NULL, NULL), ENOTSOCK);
    CHECK_ERRNO (zmq_send (NULL, NULL, 0, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recv (NULL, NULL, 0, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_msg_send (NULL, NULL, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_msg_recv (NULL, NULL, 0), ENOTSOCK);
}

/*  Every context function on a handle that is not a context.  */
static void all_efault (void *handle)
{
    CHECK_NULL_ERRNO (zmq_socket (handle, ZMQ_PAIR), EFAULT);
    CHECK_NULL_ERRNO (zmq_socket (handle, -1), EFAULT);
    CHECK_ERRNO (zmq_ctx_set (handle, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERRNO (zmq_ctx_set (handle, -1, 1), EFAULT);
    CHECK_ERRNO (zmq_ctx_get (handle, ZMQ_IO_THREADS), EFAULT);
    CHECK_ERRNO (zmq_ctx_get (handle, -1), EFAULT);
    CHECK_ERRNO (zmq_ctx_shutdown (handle), EFAULT);
    CHECK_ERRNO (zmq_ctx_term (handle), EFAULT);
    CHECK_ERRNO (zmq_ctx_destroy (handle), EFAULT);
    CHECK_ERRNO (zmq_term (handle), EFAULT);
}

TEST (null_as_context_is_efault_everywhere) { all_efault (NULL); }

TEST (a_socket_as_context_is_efault_everywhere)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    all_efault (socket);
    CHECK_OK (zmq_bind (socket, "inproc://fine"));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (zeroed_memory_as_context_is_efault_everywhere) { all_efault (zeroed); }

TEST (poll_of_a_context_as_socket_is_enotsock)
{
    void *context = zmq_ctx_new ();
    zmq_pollitem_t item = {context, 0, ZMQ_POLLIN, 0};
    CHECK_ERRNO (zmq_poll (&item, 1, 0), ENOTSOCK);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (poll_without_items_array_is_efault)
{
    CHECK_ERRNO (zmq_poll (NULL, 1, 0), EFAULT);
    CHECK_OK (zmq_poll (NULL, 0, 0));
    CHECK_ERRNO (zmq_poll (NULL, -1, 0), EINVAL);
}

TEST (proxy_without_frontend_or_backend_is_efault)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    CHECK_ERRNO (zmq_proxy (NULL, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy (socket, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy (NULL, socket, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy_steerable (NULL, NULL, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy_steerable (socket, NULL, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_proxy_steerable (NULL, socket, NULL, socket), EFAULT);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_message_never_initialised_is_efault)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PULL);
    zmq_msg_t *rubbish = (zmq_msg_t *) zeroed, good;
    CHECK_OK (zmq_msg_init (&good));
    CHECK_ERRNO (zmq_msg_close (rubbish), EFAULT);
    CHECK_ERRNO (zmq_msg_move (&good, rubbish), EFAULT);
    CHECK_ERRNO (zmq_msg_move (rubbish, &good), EFAULT);
    CHECK_ERRNO (zmq_msg_copy (&good, rubbish), EFAULT);
    CHECK_ERRNO (zmq_msg_copy (rubbish, &good), EFAULT);
    CHECK_ERRNO (zmq_msg_recv (rubbish, socket, ZMQ_DONTWAIT), EFAULT);
    CHECK_ERRNO (zmq_recvmsg (socket, rubbish, ZMQ_DONTWAIT), EFAULT);
    CHECK_OK (zmq_msg_close (&good));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_null_message_is_efault_to_receive_into)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PULL);
    CHECK_ERRNO (zmq_msg_recv (NULL, socket, ZMQ_DONTWAIT), EFAULT);
    CHECK_ERRNO (zmq_recvmsg (socket, NULL, ZMQ_DONTWAIT), EFAULT);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (null_timers_are_efault)
{
    void *none = NULL;
    CHECK_ERRNO (zmq_timers_destroy (&none), EFAULT);
    CHECK_ERRNO (zmq_timers_execute (NULL), EFAULT);
    CHECK_ERRNO (zmq_timers_timeout (NULL), EFAULT);
}

TEST (flags_that_do_not_exist_are_ignored)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://flags"));
    CHECK_OK (zmq_connect (two, "inproc://flags"));
    CHECK_INT (zmq_send (two, "x", 1, 0x1000), 1);
    char byte;
    CHECK_INT (zmq_recv (one, &byte, 1, 0x1000), 1);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}
