/*  Names, with a resolver of our own: this program's getaddrinfo comes before
 *  that of the system. libzmq looks names up in its I/O thread, which
 *  keeps all connections waiting, and tries the first address alone.
 */
#include "../monitors.h"
#include <dirent.h>
#include <netdb.h>
#include <semaphore.h>

/*  Look-ups of slow*.test under way, and what lets them go on.  */
static sem_t begun, released;

typedef struct {
    struct addrinfo info;
    struct sockaddr_storage address;
} answer_t;

static struct addrinfo *answer (const char *text, const char *service, struct addrinfo *next)
{
    answer_t *own = calloc (1, sizeof *own);
    struct sockaddr_in *ipv4 = (struct sockaddr_in *) &own->address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *) &own->address;
    int port = htons (service ? atoi (service) : 0);
    if (inet_pton (AF_INET, text, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = port;
        own->info.ai_addrlen = sizeof *ipv4;
    } else {
        memset (&own->address, 0, sizeof own->address);
        CHECK_INT (inet_pton (AF_INET6, text, &ipv6->sin6_addr), 1);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = port;
        own->info.ai_addrlen = sizeof *ipv6;
    }
    own->info.ai_family = own->address.ss_family;
    own->info.ai_socktype = SOCK_STREAM;
    own->info.ai_protocol = IPPROTO_TCP;
    own->info.ai_addr = (struct sockaddr *) &own->address;
    own->info.ai_next = next;
    return &own->info;
}

int getaddrinfo (const char *node, const char *service, const struct addrinfo *hints,
                 struct addrinfo **found)
{
    (void) hints;
    if (strncmp (node, "slow", 4) == 0) {
        sem_post (&begun);
        while (sem_wait (&released) != 0)
            ;
        *found = answer ("127.0.0.1", service, NULL);
    } else if (strcmp (node, "second.test") == 0)
        *found = answer ("127.0.0.2", service,
                         answer ("127.0.0.3", service, answer ("127.0.0.1", service, NULL)));
    else if (strcmp (node, "both.test") == 0)
        *found = answer ("127.0.0.1", service, answer ("::1", service, NULL));
    else
        return EAI_NONAME;
    return 0;
}

void freeaddrinfo (struct addrinfo *found)
{
    while (found) {
        struct addrinfo *next = found->ai_next;
        free (found);
        found = next;
    }
}

/*  An endpoint at this name, with the port of that one.  */
static const char *named (const char *name, const char *endpoint)
{
    static char text[80];
    snprintf (text, sizeof text, "tcp://%s:%d", name, port_of (endpoint));
    return text;
}

static void prepare (void)
{
    CHECK_OK (sem_init (&begun, 0, 0));
    CHECK_OK (sem_init (&released, 0, 0));
}

TEST (a_slow_lookup_stalls_no_other_connection)
{
    prepare ();
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
    void *slow = open_socket (context, ZMQ_PUSH), *sink = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_connect (slow, named ("slow.test", bind_to (sink, "tcp://127.0.0.1:*"))));
    send_text (slow, "late", 0);
    CHECK_OK (sem_wait (&begun));
    join (server, client, "tcp");
    for (int n = 0; n < 100; n++) {
        send_text (client, "ping", 0);
        EXPECT_TEXT (server, "ping");
        send_text (server, "pong", 0);
        EXPECT_TEXT (client, "pong");
    }
    CHECK_OK (sem_post (&released));
    EXPECT_TEXT (sink, "late");
    FINISH (context, server, client, slow, sink);
}

TEST (a_lookup_under_way_keeps_nobody_from_ending)
{
    prepare ();
    void *context = zmq_ctx_new (), *slow = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (slow, "tcp://slow.test:9"));
    CHECK_OK (sem_wait (&begun));
    FINISH (context, slow);
    CHECK_OK (sem_post (&released));
    /*  The late answer finds nobody, and another context works.  */
    context = zmq_ctx_new (), slow = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (slow, "tcp://slow.test:9"));
    CHECK_OK (sem_wait (&begun));
    CHECK_OK (zmq_disconnect (slow, "tcp://slow.test:9"));
    CHECK_OK (sem_post (&released));
    FINISH (context, slow);
}

static int open_descriptors (void)
{
    int count = 0;
    DIR *directory = opendir ("/proc/self/fd");
    CHECK (directory != NULL);
    while (readdir (directory))
        count++;
    CHECK_OK (closedir (directory));
    return count;
}

TEST (a_lookup_that_outlasts_its_context_holds_no_descriptors)
{
    prepare ();
    int before = open_descriptors ();
    for (int n = 0; n < 10; n++) {
        void *context = zmq_ctx_new (), *slow = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (slow, "tcp://slow.test:9"));
        CHECK_OK (sem_wait (&begun));
        FINISH (context, slow);
    }
    CHECK_INT (open_descriptors (), before);
    for (int n = 0; n < 10; n++)
        CHECK_OK (sem_post (&released));
    /*  None comes with the late answers either.  */
    void *context = zmq_ctx_new (), *other = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (other, "tcp://slow.test:9"));
    CHECK_OK (sem_wait (&begun));
    CHECK_OK (sem_post (&released));
    FINISH (context, other);
    /*  Its thread may be about to end.  */
    for (int64_t start = now_ms (); open_descriptors () != before; sleep_ms (1))
        CHECK (now_ms () - start < PATIENCE_MS);
}

static int threads (void)
{
    int count = 0;
    DIR *directory = opendir ("/proc/self/task");
    CHECK (directory != NULL);
    for (struct dirent *entry; (entry = readdir (directory));)
        count += entry->d_name[0] != '.';
    CHECK_OK (closedir (directory));
    return count;
}

static int lookups_under_way (void)
{
    int count;
    CHECK_OK (sem_getvalue (&begun, &count));
    return count;
}

enum { MANY = 200 };

/*  Many sockets that connect to NAME, where %d is their number. MOST lookups are
 *  under way at a time; in the end all are connected.  */
static void connect_many (const char *name, int most)
{
    prepare ();
    void *context = zmq_ctx_new (), *sink = open_socket (context, ZMQ_PULL), *many[MANY];
    void *server = open_socket (context, ZMQ_PAIR), *client = open_socket (context, ZMQ_PAIR);
    const char *endpoint = bind_to (sink, "tcp://127.0.0.1:*");
    int before = threads ();
    for (int n = 0; n < MANY; n++) {
        char own[80];
        snprintf (own, sizeof own, name, n);
        many[n] = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (many[n], named (own, endpoint)));
        send_text (many[n], "m", 0);
    }
    /*  The same I/O thread has done all of that when this is done.  */
    join (server, client, "tcp");
    send_text (client, "behind the others", 0);
    EXPECT_TEXT (server, "behind the others");
    while (lookups_under_way () < most)
        sleep_ms (1);
    CHECK_INT (lookups_under_way (), most);
    CHECK (threads () <= before + most);
    for (int n = 0; n < MANY; n++)
        CHECK_OK (sem_post (&released));
    for (int n = 0; n < MANY; n++)
        EXPECT_TEXT (sink, "m");
    /*  What they were for is done.  */
    for (int64_t start = now_ms (); threads () > before; sleep_ms (1))
        CHECK (now_ms () - start < PATIENCE_MS);
    for (int n = 0; n < MANY; n++)
        CHECK_OK (zmq_close (many[n]));
    FINISH (context, sink, server, client);
}

TEST (sockets_that_connect_to_one_name_share_a_lookup) { connect_many ("slow.test", 1); }

TEST (of_many_names_a_few_are_looked_up_at_a_time) { connect_many ("slow-%d.test", 4); }

TEST (every_address_of_a_name_is_tried)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
    void *reader = watch (context, client, ZMQ_EVENT_ALL);
    const char *endpoint = named ("second.test", bind_to (server, "tcp://127.0.0.1:*"));
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "m", 0);
    EXPECT_TEXT (server, "m");
    /*  Without a pause between them.  */
    for (int refused = 0; refused < 2; refused++) {
        EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
        EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    }
    EXPECT_EVENT (reader, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_CONNECTED, endpoint);
    EXPECT_EVENT (reader, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    close_watched (client, reader);
    FINISH (context, server);
}

/*  Where a name has addresses of both families, IPv6 comes first where it is on,
 *  and does not come at all where it is off.  */
static void expect_family (int ipv6, const char *listen_at)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
    set_int (server, ZMQ_IPV6, 1);
    set_int (client, ZMQ_IPV6, ipv6);
    void *reader = watch (context, client, ZMQ_EVENT_CLOSED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (client, named ("both.test", bind_to (server, listen_at))));
    send_text (client, "m", 0);
    EXPECT_TEXT (server, "m");
    close_watched (client, reader);
    FINISH (context, server);
}

TEST (ipv6_comes_first_where_it_is_on) { expect_family (1, "tcp://[::1]:*"); }

TEST (ipv6_does_not_come_where_it_is_off) { expect_family (0, "tcp://127.0.0.1:*"); }
