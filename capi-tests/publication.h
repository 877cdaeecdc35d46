/*  An XPUB and its subscribers: what the tests of its options share.  */
#ifndef PUBLICATION_H
#define PUBLICATION_H

#include "peers.h"

typedef struct publication {
    void *context, *xpub, *one, *two;
    const char *endpoint;
} publication;

static inline void *add_subscriber (const publication *own)
{
    void *sub = open_socket (own->context, ZMQ_SUB);
    CHECK_OK (zmq_connect (sub, own->endpoint));
    return sub;
}

/*  An XPUB with OPTION set to 1 (0: none), and as many connected SUBs, two at most.  */
static inline publication publish (const char *transport, int option, int subscribers)
{
    publication own = {.context = zmq_ctx_new ()};
    own.xpub = open_socket (own.context, ZMQ_XPUB);
    if (option)
        set_int (own.xpub, option, 1);
    own.endpoint = bind_to (own.xpub, fresh (transport));
    own.one = add_subscriber (&own);
    if (subscribers == 2)
        own.two = add_subscriber (&own);
    return own;
}

/*  SUB subscribes to TOPIC, or no longer, and XPUB receives that.  */
#define SUBSCRIBE_AT(XPUB, SUB, TOPIC)                                        \
    do {                                                                      \
        subscribe (SUB, TOPIC);                                               \
        EXPECT_SUBSCRIPTION (XPUB, 1, TOPIC);                                 \
    } while (0)
#define UNSUBSCRIBE_AT(XPUB, SUB, TOPIC)                                      \
    do {                                                                      \
        unsubscribe (SUB, TOPIC);                                             \
        EXPECT_SUBSCRIPTION (XPUB, 0, TOPIC);                                 \
    } while (0)

#endif
