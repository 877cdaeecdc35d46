/*  What the tests of thread-safe socket types share: their numbers, also for libzmq's header without
 *  drafts, messages that are sent back, and a plain peer that has shaken hands.  */
#ifndef THREAD_SAFE_H
#define THREAD_SAFE_H

#define ZMQ_BUILD_DRAFT_API
#include "peers.h"

/*  Receives a message and sends it back, with the number of its peer.  */
static inline void send_back (void *server)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK (zmq_msg_recv (&message, server, 0) >= 0);
    CHECK (zmq_msg_send (&message, server, 0) >= 0);
}

/*  Shakes hands as a peer of this type, with ZMTP 3.MINOR.  */
static inline void plain_handshake (int fd, const char *type, int minor)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, (unsigned char) minor};
    unsigned char ready[64] = "\x04\0\x05READY\x0bSocket-Type\0\0\0", head[2];
    size_t length = strlen (type), size = 23;
    memcpy (greeting + 12, "NULL", 4);
    plain_write (fd, greeting, sizeof greeting);
    ready[size++] = (unsigned char) length;
    memcpy (ready + size, type, length);
    size += length;
    ready[1] = (unsigned char) (size - 2);
    plain_write (fd, ready, size);
    plain_read (fd, greeting, sizeof greeting);
    plain_read (fd, head, sizeof head);
    CHECK_INT (head[0], 4);
    plain_read (fd, greeting, head[1]);
}

/*  The next bytes are these.  */
static inline void plain_expect (int fd, const void *bytes, size_t size)
{
    char got[512];
    CHECK (size <= sizeof got);
    plain_read (fd, got, size);
    CHECK (memcmp (got, bytes, size) == 0);
}

/*  Conversations, over any transport.  */
static inline void over_server_answers_each_client (const char *transport)
{
    enum { CLIENTS = 5 };
    void *context = zmq_ctx_new (), *clients[CLIENTS];
    void *server = open_socket (context, ZMQ_SERVER);
    const char *endpoint = bind_to (server, fresh (transport));
    char text[30];
    for (int n = 0; n < CLIENTS; n++) {
        clients[n] = open_socket (context, ZMQ_CLIENT);
        CHECK_OK (zmq_connect (clients[n], endpoint));
    }
    for (int round = 0; round < 3; round++) {
        for (int n = 0; n < CLIENTS; n++) {
            snprintf (text, sizeof text, "%d of client %d", round, n);
            send_text (clients[n], text, 0);
        }
        for (int n = 0; n < CLIENTS; n++)
            send_back (server);
        for (int n = 0; n < CLIENTS; n++) {
            snprintf (text, sizeof text, "%d of client %d", round, n);
            EXPECT_TEXT (clients[n], text);
        }
    }
    for (int n = 0; n < CLIENTS; n++)
        CHECK_OK (zmq_close (clients[n]));
    FINISH (context, server);
}


static inline void over_server_that_connects_answers_a_client_that_binds (const char *transport)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_SERVER), *client = open_socket (context, ZMQ_CLIENT);
    join (client, server, transport);
    send_text (client, "to whom it may concern", 0);
    send_back (server);
    EXPECT_TEXT (client, "to whom it may concern");
    FINISH (context, server, client);
}


static inline void over_client_sends_to_its_servers_in_turn (const char *transport)
{
    void *context = zmq_ctx_new ();
    void *client = open_socket (context, ZMQ_CLIENT), *servers[2];
    for (int n = 0; n < 2; n++) {
        servers[n] = open_socket (context, ZMQ_SERVER);
        join (servers[n], client, transport);
    }
    for (int round = 0; round < 4; round++)
        send_text (client, round % 2 ? "second" : "first", 0);
    for (int round = 0; round < 4; round++)
        EXPECT_TEXT (servers[round % 2], round % 2 ? "second" : "first");
    FINISH (context, client, servers[0], servers[1]);
}


static inline void over_scatter_reaches_each_gather_in_turn (const char *transport)
{
    void *context = zmq_ctx_new ();
    void *scatter = open_socket (context, ZMQ_SCATTER), *gathers[3];
    const char *endpoint = bind_to (scatter, fresh (transport));
    for (int n = 0; n < 3; n++) {
        gathers[n] = open_socket (context, ZMQ_GATHER);
        CHECK_OK (zmq_connect (gathers[n], endpoint));
    }
    /*  Each of them has a connection once it got something.  */
    int missing = 3, got[3] = {0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; missing > 0 && now_ms () < give_up;) {
        send_text (scatter, "m", 0);
        for (int n = 0; n < 3; n++) {
            char byte;
            while (zmq_recv (gathers[n], &byte, 1, ZMQ_DONTWAIT) == 1)
                missing -= got[n]++ == 0;
        }
    }
    CHECK_INT (missing, 0);
    FINISH (context, scatter, gathers[0], gathers[1], gathers[2]);
}


static inline void over_gather_receives_from_each_scatter (const char *transport)
{
    void *context = zmq_ctx_new ();
    void *gather = open_socket (context, ZMQ_GATHER), *scatters[3];
    const char *endpoint = bind_to (gather, fresh (transport));
    for (int n = 0; n < 3; n++) {
        scatters[n] = open_socket (context, ZMQ_SCATTER);
        CHECK_OK (zmq_connect (scatters[n], endpoint));
        send_text (scatters[n], "one of three", 0);
    }
    for (int n = 0; n < 3; n++)
        EXPECT_TEXT (gather, "one of three");
    FINISH (context, gather, scatters[0], scatters[1], scatters[2]);
}


static inline void over_channel_talks_in_both_directions (const char *transport)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_CHANNEL), *two = open_socket (context, ZMQ_CHANNEL);
    join (one, two, transport);
    for (int round = 0; round < 3; round++) {
        send_text (two, "there", 0);
        EXPECT_TEXT (one, "there");
        send_text (one, "and back", 0);
        EXPECT_TEXT (two, "and back");
    }
    FINISH (context, one, two);
}

#endif
