/*  What the tests of options share: a context, and sockets as zmq_socket gives
 *  them, with no option touched.  */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "harness.h"

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))

static void *context;

static inline void *fresh (int type)
{
    if (!context)
        context = zmq_ctx_new ();
    void *socket = zmq_socket (context, type);
    CHECK (socket != NULL);
    return socket;
}

static inline void done (void *socket)
{
    CHECK_OK (zmq_close (socket));
}

#endif
