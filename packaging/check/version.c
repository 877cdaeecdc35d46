/*  Opens a socket, and prints the version of the library that it runs on. */
#include <stdio.h>
#include <zmq.h>

int main (void)
{
    int major, minor, patch, bound;
    void *context = zmq_ctx_new (), *socket = zmq_socket (context, ZMQ_PUB);
    bound = zmq_bind (socket, "inproc://here");
    zmq_close (socket);
    zmq_ctx_term (context);
    zmq_version (&major, &minor, &patch);
    printf ("%d.%d.%d\n", major, minor, patch);
    return bound != 0;
}
