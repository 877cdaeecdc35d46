/*  Handles that are no sockets.  */
#ifndef HANDLES_H
#define HANDLES_H

#include "harness.h"

#include <sys/uio.h>

/*  Every socket function on a handle that is not a socket.  */
static inline void all_enotsock (void *handle)
{
    char buffer[8] = "";
    int value = 0;
    size_t size = sizeof value, count = 1;
    struct iovec part = {buffer, 1};
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_ERRNO (zmq_close (handle), ENOTSOCK);
    CHECK_ERRNO (zmq_setsockopt (handle, ZMQ_LINGER, &value, sizeof value), ENOTSOCK);
    CHECK_ERRNO (zmq_getsockopt (handle, ZMQ_LINGER, &value, &size), ENOTSOCK);
    CHECK_ERRNO (zmq_bind (handle, "inproc://x"), ENOTSOCK);
    CHECK_ERRNO (zmq_connect (handle, "inproc://x"), ENOTSOCK);
    CHECK_ERRNO (zmq_unbind (handle, "inproc://x"), ENOTSOCK);
    CHECK_ERRNO (zmq_disconnect (handle, "inproc://x"), ENOTSOCK);
    CHECK_ERRNO (zmq_send (handle, buffer, 1, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_send_const (handle, buffer, 1, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recv (handle, buffer, 1, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_msg_send (&message, handle, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_msg_recv (&message, handle, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_sendmsg (handle, &message, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recvmsg (handle, &message, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_sendiov (handle, &part, 1, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recviov (handle, &part, &count, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_socket_monitor (handle, "inproc://monitor", ZMQ_EVENT_ALL), ENOTSOCK);
    if (handle) {
        zmq_pollitem_t item = {handle, 0, ZMQ_POLLIN, 0};
        CHECK_ERRNO (zmq_poll (&item, 1, 0), ENOTSOCK);
    }
    CHECK_OK (zmq_msg_close (&message));
}

#endif
