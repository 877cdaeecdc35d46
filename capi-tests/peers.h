/*  What the socket, transport and termination tests share on top of
 *  harness.h: tables of transports, pairs of sockets, counting up to a
 *  high-water mark, threads, and plain TCP peers made with POSIX calls.
 */
#ifndef PEERS_H
#define PEERS_H

#include "harness.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char scratch_path[64];

/*  A directory of this process's own for ipc files.  */
static inline const char *scratch_directory (void)
{
    if (!scratch_path[0]) {
        snprintf (scratch_path, sizeof scratch_path, "/tmp/capi-tests-XXXXXX");
        CHECK (mkdtemp (scratch_path) != NULL);
    }
    return scratch_path;
}

/*  Removes that directory with what is left in it.  The transport tests below
 *  do it by themselves.  */
static inline void scratch_remove (void)
{
    DIR *directory = scratch_path[0] ? opendir (scratch_path) : NULL;
    struct dirent *entry;
    if (!directory)
        return;
    while ((entry = readdir (directory)))
        (void) unlinkat (dirfd (directory), entry->d_name, 0);
    closedir (directory);
    CHECK_OK (rmdir (scratch_path));
    scratch_path[0] = 0;
}

/*  One body, three tests: NAME_tcp, NAME_ipc and NAME_inproc.  */
#define TRANSPORT_TEST(NAME)                                                  \
    static void over_##NAME (const char *transport);                          \
    TEST (NAME##_tcp) { over_##NAME ("tcp"); }                                \
    TEST (NAME##_ipc)                                                         \
    {                                                                         \
        over_##NAME ("ipc");                                                  \
        scratch_remove ();                                                    \
    }                                                                         \
    TEST (NAME##_inproc) { over_##NAME ("inproc"); }                          \
    static void over_##NAME (const char *transport)

/*  The same for what only connections show: NAME_tcp and NAME_ipc.  */
#define WIRE_TEST(NAME)                                                       \
    static void over_##NAME (const char *transport);                          \
    TEST (NAME##_tcp) { over_##NAME ("tcp"); }                                \
    TEST (NAME##_ipc)                                                         \
    {                                                                         \
        over_##NAME ("ipc");                                                  \
        scratch_remove ();                                                    \
    }                                                                         \
    static void over_##NAME (const char *transport)

static inline bool is_inproc (const char *transport)
{
    return strcmp (transport, "inproc") == 0;
}

/*  An endpoint to bind to that nobody else uses.  */
static inline const char *fresh (const char *transport)
{
    static __thread char names[8][40];
    static int next;
    if (!is_inproc (transport))
        return wildcard (transport);
    char *name = names[next % 8];
    snprintf (name, sizeof names[0], "inproc://peer-%d", next++);
    return name;
}

/*  Binds one socket and connects the other to it; returns the endpoint.  */
static inline const char *join (void *server, void *client, const char *transport)
{
    const char *endpoint = bind_to (server, fresh (transport));
    CHECK_OK (zmq_connect (client, endpoint));
    return endpoint;
}

/*  A PULL and a PUSH that is connected to it, with this mark on either side (0: the
 *  default); returns their context.  */
static inline void *
open_pipeline (void **push, void **pull, const char *transport, int mark)
{
    void *context = zmq_ctx_new ();
    *push = open_socket (context, ZMQ_PUSH);
    *pull = open_socket (context, ZMQ_PULL);
    if (mark) {
        set_int (*push, ZMQ_SNDHWM, mark);
        set_int (*pull, ZMQ_RCVHWM, mark);
    }
    join (*pull, *push, transport);
    return context;
}

/*  Closes these sockets and terminates the context.  */
#define FINISH(CONTEXT, ...)                                                  \
    do {                                                                      \
        void *finish_list[] = {__VA_ARGS__};                                  \
        for (size_t at = 0; at < sizeof finish_list / sizeof (void *); at++)  \
            CHECK_OK (zmq_close (finish_list[at]));                           \
        CHECK_OK (zmq_ctx_term (CONTEXT));                                 \
    } while (0)

/*  The next part is these bytes.  */
#define EXPECT_BYTES(SOCKET, DATA, SIZE, MORE)                                \
    do {                                                                      \
        char bytes_got[1024];                                                 \
        CHECK_INT (zmq_recv (SOCKET, bytes_got, sizeof bytes_got, 0), SIZE);  \
        CHECK (memcmp (bytes_got, DATA, SIZE) == 0);                          \
        CHECK_INT (get_int (SOCKET, ZMQ_RCVMORE), MORE);                      \
    } while (0)

/*  Sends the texts as the parts of one message.  */
#define SEND_PARTS(SOCKET, ...)                                               \
    do {                                                                      \
        const char *parts[] = {__VA_ARGS__};                                  \
        size_t part_count = sizeof parts / sizeof *parts;                     \
        for (size_t part_at = 0; part_at < part_count; part_at++)             \
            send_text (SOCKET, parts[part_at],                                \
                       part_at + 1 < part_count ? ZMQ_SNDMORE : 0);           \
    } while (0)

/*  The texts are the parts of the next message.  */
#define EXPECT_PARTS(SOCKET, ...)                                             \
    do {                                                                      \
        const char *wanted[] = {__VA_ARGS__};                                 \
        size_t wanted_count = sizeof wanted / sizeof *wanted;                 \
        for (size_t part_at = 0; part_at < wanted_count; part_at++)           \
            EXPECT_PART (SOCKET, wanted[part_at],                             \
                         part_at + 1 < wanted_count);                         \
    } while (0)

/*  Sends until EAGAIN, at most LIMIT messages; returns how many went.  */
static inline int fill (void *socket, int limit)
{
    int count = 0;
    while (count < limit && zmq_send (socket, "m", 1, ZMQ_DONTWAIT) == 1)
        count++;
    if (count < limit)
        CHECK_INT (zmq_errno (), EAGAIN);
    return count;
}

/*  Receives until nothing comes for the settling time; returns the number of
 *  parts.  */
static inline int drain (void *socket)
{
    int count = 0;
    char byte;
    for (;;) {
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
        if (zmq_poll (&item, 1, SETTLE_MS) == 0)
            return count;
        CHECK (zmq_recv (socket, &byte, 1, ZMQ_DONTWAIT) >= 0);
        count++;
    }
}

/*  Whether the socket shows all these events now.  */
static inline bool shows (void *socket, int events)
{
    return (get_int (socket, ZMQ_EVENTS) & events) == events;
}

/*  Publishes numbered messages that begin with TOPIC until the subscriber has
 *  the latest: from then on its subscription is known to work.  */
static inline void await_subscription (void *publisher, void *subscriber, const char *topic)
{
    char probe[64], got[64] = "";
    int64_t give_up = now_ms () + PATIENCE_MS;
    for (int n = 0; now_ms () < give_up; n++) {
        snprintf (probe, sizeof probe, "%s#%d", topic, n);
        send_text (publisher, probe, 0);
        zmq_pollitem_t item = {subscriber, 0, ZMQ_POLLIN, 0};
        while (zmq_poll (&item, 1, 20) == 1) {
            int size = zmq_recv (subscriber, got, sizeof got - 1, 0);
            CHECK (size >= 0);
            got[size] = 0;
            if (strcmp (got, probe) == 0)
                return;
        }
    }
    CHECK (!"the subscription never reached the publisher");
}

static inline void subscribe (void *socket, const char *topic)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic)));
}

static inline void unsubscribe (void *socket, const char *topic)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, topic, strlen (topic)));
}

static inline void set_routing_id (void *socket, const char *id)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, strlen (id)));
}

static inline pthread_t start_thread (void *(*body) (void *), void *argument)
{
    pthread_t thread;
    CHECK_OK (pthread_create (&thread, NULL, body, argument));
    return thread;
}

static inline void end_thread (pthread_t thread)
{
    CHECK_OK (pthread_join (thread, NULL));
}

/*  For start_thread: a sender that comes LATER_MS after the call that waits for it.  */
#define LATER_MS 40
static inline void *send_later (void *socket)
{
    sleep_ms (LATER_MS);
    send_text (socket, "later", 0);
    return NULL;
}

/*  A socket of the first type sends before it has a peer; one of the other comes.  */
static inline void expect_send_to_wait_for_a_peer (const char *transport, int type, int peer_type)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, type);
    void *peer = open_socket (context, peer_type);
    const char *endpoint = bind_to (socket, fresh (transport));
    pthread_t sender = start_thread (send_later, socket);
    sleep_ms (2 * LATER_MS);
    CHECK_OK (zmq_connect (peer, endpoint));
    EXPECT_TEXT (peer, "later");
    end_thread (sender);
    FINISH (context, socket, peer);
}

/*  The port at the end of a tcp endpoint.  */
static inline int port_of (const char *endpoint)
{
    const char *colon = strrchr (endpoint, ':');
    CHECK (colon != NULL);
    return atoi (colon + 1);
}

static inline const char *tcp_endpoint (const char *host, int port)
{
    static __thread char names[4][80];
    static __thread int next;
    char *name = names[next++ % 4];
    snprintf (name, sizeof names[0], "tcp://%s:%d", host, port);
    return name;
}

/*  A listening TCP socket of the operating system on 127.0.0.1.  */
static inline int plain_listen (int *port)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK (fd >= 0);
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (fd, 16));
    CHECK_OK (getsockname (fd, (struct sockaddr *) &address, &size));
    *port = ntohs (address.sin_port);
    return fd;
}

/*  Reads of plain peers end by themselves after PATIENCE_MS.  */
static inline int plain_bounded (int fd)
{
    struct timeval limit = {PATIENCE_MS / 1000, 0};
    CHECK (fd >= 0);
    CHECK_OK (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    return fd;
}

static inline int plain_accept (int listener)
{
    struct pollfd ready = {listener, POLLIN, 0};
    CHECK_INT (poll (&ready, 1, PATIENCE_MS), 1);
    return plain_bounded (accept (listener, NULL, NULL));
}

static inline int plain_connect (int port)
{
    int fd = plain_bounded (socket (AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons (port),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    CHECK_OK (connect (fd, (struct sockaddr *) &address, sizeof address));
    return fd;
}

static inline void plain_write (int fd, const void *data, size_t size)
{
    CHECK_INT (send (fd, data, size, MSG_NOSIGNAL), size);
}

static inline void plain_read (int fd, void *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read (fd, (char *) data + have, size - have);
        CHECK (got > 0);
        have += got;
    }
}

/*  libzmq ends a connection that the application closed only while the
 *  application keeps calling: this calls, until the descriptor shows the end.  */
static inline void await_end (void *socket, int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up;) {
        (void) get_int (socket, ZMQ_EVENTS);
        if (poll (&ready, 1, 2) == 1)
            return;
    }
    CHECK (!"the connection was not closed");
}

/*  The peer ends the connection (orderly or by reset); what it wrote before
 *  that is skipped.  */
static inline void plain_expect_end (int fd)
{
    char byte[256];
    ssize_t got;
    while ((got = read (fd, byte, sizeof byte)) > 0)
        ;
    CHECK (got == 0 || errno == ECONNRESET);
}


/*  A port of 127.0.0.1 at which nobody listens: this process holds it, so that
 *  no other test gets it meanwhile, and can itself bind a socket to it.  */
static inline int reserved_port (void)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK (fd >= 0);
    CHECK_OK (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (getsockname (fd, (struct sockaddr *) &address, &size));
    return ntohs (address.sin_port);
}

/*  An endpoint at which nobody listens yet.  */
static inline const char *absent (const char *transport)
{
    static __thread char names[4][80];
    static int next;
    char *name = names[next % 4];
    if (strcmp (transport, "tcp") == 0)
        snprintf (name, sizeof names[0], "tcp://127.0.0.1:%d", reserved_port ());
    else if (strcmp (transport, "ipc") == 0)
        snprintf (name, sizeof names[0], "ipc://%s/absent-%d", scratch_directory (), next);
    else
        snprintf (name, sizeof names[0], "inproc://absent-%d", next);
    next++;
    return name;
}

/*  XPUB receives this subscription (1) or unsubscription (0).  */
#define EXPECT_SUBSCRIPTION(XPUB, ACTION, TOPIC)                              \
    do {                                                                      \
        char expected[64] = {ACTION};                                             \
        strcpy (expected + 1, TOPIC);                                             \
        EXPECT_BYTES (XPUB, expected, 1 + strlen (TOPIC), 0);                     \
    } while (0)

#endif
