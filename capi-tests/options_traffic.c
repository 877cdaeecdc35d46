/*  Options whose effect shows on the connection: on the operating system's
 *  socket, or in which peers may connect and which messages pass.  */
#include "peers.h"
#include <net/if.h>

static int system_option (int descriptor, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    CHECK_OK (getsockopt (descriptor, level, option, &value, &size));
    return value;
}

/*  The descriptor of the accepted connection, by a message that came over it.  */
static int accepted (void *server, void *client)
{
    zmq_msg_t message;
    send_text (client, "x", 0);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, server, 0), 1);
    int descriptor = zmq_msg_get (&message, ZMQ_SRCFD);
    CHECK (descriptor >= 0);
    CHECK_OK (zmq_msg_close (&message));
    return descriptor;
}

/*  The descriptor of this process that is connected to this port.  */
static int connected (int port)
{
    for (int fd = 0; fd < 256; fd++) {
        struct sockaddr_in6 peer;
        socklen_t size = sizeof peer;
        if (getpeername (fd, (struct sockaddr *) &peer, &size) == 0 && peer.sin6_family == AF_INET
            && ntohs (((struct sockaddr_in *) &peer)->sin_port) == port)
            return fd;
    }
    CHECK (!"no descriptor is connected there");
    return -1;
}

typedef struct {
    void *context, *server, *client;
    const char *endpoint;
    int accepted, connected;
} link_of_two;

static link_of_two open_two (void)
{
    link_of_two own = {.context = zmq_ctx_new ()};
    own.server = open_socket (own.context, ZMQ_PULL);
    own.client = open_socket (own.context, ZMQ_PUSH);
    return own;
}

static void link_up (link_of_two *own)
{
    own->endpoint = join (own->server, own->client, "tcp");
    own->accepted = accepted (own->server, own->client);
    own->connected = connected (port_of (own->endpoint));
}

static void close_two (const link_of_two *own)
{
    FINISH (own->context, own->server, own->client);
}

#define EXPECT_ON(FD, LEVEL, OPTION, VALUE) CHECK_INT (system_option (FD, LEVEL, OPTION), VALUE)

TEST (tos_reaches_both_ends)
{
    link_of_two own = open_two ();
    set_int (own.server, ZMQ_TOS, 0x28);
    set_int (own.client, ZMQ_TOS, 0x50);
    link_up (&own);
    EXPECT_ON (own.accepted, IPPROTO_IP, IP_TOS, 0x28);
    EXPECT_ON (own.connected, IPPROTO_IP, IP_TOS, 0x50);
    close_two (&own);
}

TEST (keepalive_reaches_the_connecting_end)
{
    link_of_two own = open_two ();
    set_int (own.client, ZMQ_TCP_KEEPALIVE, 1);
    set_int (own.client, ZMQ_TCP_KEEPALIVE_CNT, 5);
    set_int (own.client, ZMQ_TCP_KEEPALIVE_IDLE, 55);
    set_int (own.client, ZMQ_TCP_KEEPALIVE_INTVL, 15);
    set_int (own.server, ZMQ_TCP_KEEPALIVE, 0);
    link_up (&own);
    EXPECT_ON (own.connected, SOL_SOCKET, SO_KEEPALIVE, 1);
    EXPECT_ON (own.connected, IPPROTO_TCP, TCP_KEEPCNT, 5);
    EXPECT_ON (own.connected, IPPROTO_TCP, TCP_KEEPIDLE, 55);
    EXPECT_ON (own.connected, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    EXPECT_ON (own.accepted, SOL_SOCKET, SO_KEEPALIVE, 0);
    close_two (&own);
}

TEST (keepalive_times_need_keepalive)
{
    link_of_two own = open_two ();
    set_int (own.client, ZMQ_TCP_KEEPALIVE_CNT, 5);
    set_int (own.client, ZMQ_TCP_KEEPALIVE_IDLE, 55);
    link_up (&own);
    EXPECT_ON (own.connected, SOL_SOCKET, SO_KEEPALIVE, 0);
    CHECK (system_option (own.connected, IPPROTO_TCP, TCP_KEEPIDLE) != 55);
    close_two (&own);
}

TEST (maxrt_reaches_both_ends)
{
    link_of_two own = open_two ();
    set_int (own.client, ZMQ_TCP_MAXRT, 4000);
    set_int (own.server, ZMQ_TCP_MAXRT, 5000);
    link_up (&own);
    EXPECT_ON (own.connected, IPPROTO_TCP, TCP_USER_TIMEOUT, 4000);
    EXPECT_ON (own.accepted, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    close_two (&own);
}

TEST (buffers_reach_the_connecting_end)
{
    link_of_two own = open_two ();
    set_int (own.client, ZMQ_SNDBUF, 30000);
    set_int (own.client, ZMQ_RCVBUF, 40000);
    link_up (&own);
    /*  Linux doubles what is asked for.  */
    EXPECT_ON (own.connected, SOL_SOCKET, SO_SNDBUF, 60000);
    EXPECT_ON (own.connected, SOL_SOCKET, SO_RCVBUF, 80000);
    close_two (&own);
}

/*  The system knows how many connections may wait to be accepted.  */
TEST (backlog_reaches_the_listener)
{
    link_of_two own = open_two ();
    set_int (own.server, ZMQ_BACKLOG, 17);
    int port = port_of (bind_to (own.server, "tcp://127.0.0.1:*")), found = 0;
    for (int fd = 0; fd < 256; fd++) {
        struct sockaddr_in name;
        socklen_t size = sizeof name;
        if (getsockname (fd, (struct sockaddr *) &name, &size) != 0 || name.sin_family != AF_INET
            || ntohs (name.sin_port) != port)
            continue;
        struct tcp_info info;
        size = sizeof info;
        CHECK_OK (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size));
        CHECK_INT (info.tcpi_sacked, 17);
        found++;
    }
    CHECK_INT (found, 1);
    close_two (&own);
}

/*  What was bound or connected keeps the options it was made with.  */
TEST (options_apply_to_later_binds_and_connects)
{
    link_of_two own = open_two ();
    void *second = open_socket (own.context, ZMQ_PUSH);
    link_up (&own);
    set_int (own.server, ZMQ_TOS, 0x28);
    set_int (own.server, ZMQ_TCP_KEEPALIVE, 1);
    int64_t limit = 100;
    CHECK_OK (zmq_setsockopt (own.server, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    /*  A new connection to the old listener, and one to a new one.  */
    CHECK_OK (zmq_connect (second, own.endpoint));
    int old = accepted (own.server, second);
    EXPECT_ON (old, IPPROTO_IP, IP_TOS, 0);
    EXPECT_ON (old, SOL_SOCKET, SO_KEEPALIVE, 0);
    static char large[101];
    CHECK_INT (zmq_send (second, large, sizeof large, 0), sizeof large);
    CHECK_INT (zmq_recv (own.server, NULL, 0, 0), sizeof large);
    void *third = open_socket (own.context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (third, bind_to (own.server, "tcp://127.0.0.1:*")));
    int new = accepted (own.server, third);
    EXPECT_ON (new, IPPROTO_IP, IP_TOS, 0x28);
    EXPECT_ON (new, SOL_SOCKET, SO_KEEPALIVE, 1);
    CHECK_INT (zmq_send (third, large, sizeof large, 0), sizeof large);
    EXPECT_NOTHING (own.server);
    FINISH (own.context, own.server, own.client, second, third);
}

TEST (routing_id_applies_to_later_connects)
{
    void *context = zmq_ctx_new ();
    void *router = open_socket (context, ZMQ_ROUTER), *dealer = open_socket (context, ZMQ_DEALER);
    set_routing_id (dealer, "early");
    join (router, dealer, "tcp");
    set_routing_id (dealer, "late");
    send_text (dealer, "x", 0);
    EXPECT_PARTS (router, "early", "x");
    join (router, dealer, "tcp");
    send_text (dealer, "1", 0);
    send_text (dealer, "2", 0);
    int late = 0;
    for (int n = 0; n < 2; n++) {
        char id[16] = "", text[4];
        CHECK (zmq_recv (router, id, sizeof id - 1, 0) >= 4);
        CHECK_INT (zmq_recv (router, text, sizeof text, 0), 1);
        late += strcmp (id, "late") == 0;
    }
    CHECK_INT (late, 1);
    FINISH (context, router, dealer);
}

/*  A connection that is refused is closed by the listener before a byte.  */
static void expect_refused (int fd)
{
    char byte;
    ssize_t got = read (fd, &byte, 1);
    CHECK (got == 0 || (got == -1 && errno == ECONNRESET));
    CHECK_OK (close (fd));
}

static void expect_welcome (int fd)
{
    char greeting[10];
    plain_write (fd, "\xff\0\0\0\0\0\0\0\1\x7f", 10);
    plain_read (fd, greeting, sizeof greeting);
    CHECK_INT ((unsigned char) greeting[0], 0xff);
    CHECK_OK (close (fd));
}

static int connect_from (const char *source, int port)
{
    int fd = plain_bounded (socket (AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = {.sin_family = AF_INET};
    CHECK_INT (inet_pton (AF_INET, source, &address.sin_addr), 1);
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    address.sin_port = htons (port);
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    CHECK_OK (connect (fd, (struct sockaddr *) &address, sizeof address));
    return fd;
}

static void set_filter (void *socket, const char *filter)
{
    CHECK_OK (zmq_setsockopt (socket, ZMQ_TCP_ACCEPT_FILTER, filter, strlen (filter)));
}

TEST (tcp_accept_filters_refuse_everybody_else)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL);
    set_filter (server, "127.0.5.0/24");
    set_filter (server, "127.0.0.7");
    int port = port_of (bind_to (server, "tcp://127.0.0.1:*"));
    expect_refused (connect_from ("127.0.0.1", port));
    expect_refused (connect_from ("127.0.4.255", port));
    expect_refused (connect_from ("127.0.0.8", port));
    expect_welcome (connect_from ("127.0.5.0", port));
    expect_welcome (connect_from ("127.0.5.255", port));
    expect_welcome (connect_from ("127.0.0.7", port));
    /*  Cleared for later binds; the old one keeps its filters.  */
    CHECK_OK (zmq_setsockopt (server, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
    int open = port_of (bind_to (server, "tcp://127.0.0.1:*"));
    expect_welcome (connect_from ("127.0.0.1", open));
    expect_refused (connect_from ("127.0.0.1", port));
    FINISH (context, server);
}

TEST (a_refused_peer_never_talks_and_may_connect_elsewhere)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    set_filter (server, "10.0.0.0/8");
    join (server, client, "tcp");
    send_text (client, "never", 0);
    EXPECT_NOTHING (server);
    FINISH (context, server, client);
}

static int connect_local (const char *endpoint)
{
    int fd = plain_bounded (socket (AF_UNIX, SOCK_STREAM, 0));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf (address.sun_path, sizeof address.sun_path, "%s", endpoint + strlen ("ipc://"));
    CHECK_OK (connect (fd, (struct sockaddr *) &address, sizeof address));
    return fd;
}

static void ipc_filter (int option, unsigned own, bool matches)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL);
    set_int (server, option, (int) (own + (matches ? 0 : 1)));
    if (matches)
        set_int (server, option, (int) own + 1);
    int fd = connect_local (bind_to (server, "ipc://*"));
    if (matches)
        expect_welcome (fd);
    else
        expect_refused (fd);
    CHECK_OK (zmq_setsockopt (server, option, NULL, 0));
    expect_welcome (connect_local (bind_to (server, "ipc://*")));
    FINISH (context, server);
}

TEST (ipc_filter_pid)
{
    ipc_filter (ZMQ_IPC_FILTER_PID, (unsigned) getpid (), true);
    ipc_filter (ZMQ_IPC_FILTER_PID, (unsigned) getpid (), false);
}

TEST (ipc_filter_uid)
{
    ipc_filter (ZMQ_IPC_FILTER_UID, getuid (), true);
    ipc_filter (ZMQ_IPC_FILTER_UID, getuid (), false);
}

TEST (ipc_filter_gid)
{
    ipc_filter (ZMQ_IPC_FILTER_GID, getgid (), true);
    ipc_filter (ZMQ_IPC_FILTER_GID, getgid (), false);
}

/*  One filter that matches is enough.  */
TEST (ipc_filters_of_several_kinds)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL);
    set_int (server, ZMQ_IPC_FILTER_PID, getpid () + 1);
    set_int (server, ZMQ_IPC_FILTER_UID, (int) getuid ());
    expect_welcome (connect_local (bind_to (server, "ipc://*")));
    FINISH (context, server);
}

TEST (use_fd_listens_on_a_tcp_socket_of_the_program)
{
    link_of_two own = open_two ();
    int port, fd = plain_listen (&port);
    char endpoint[64], last[64];
    size_t size = sizeof last;
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    set_int (own.server, ZMQ_USE_FD, fd);
    CHECK_INT (get_int (own.server, ZMQ_USE_FD), fd);
    CHECK_OK (zmq_bind (own.server, endpoint));
    CHECK_OK (zmq_getsockopt (own.server, ZMQ_LAST_ENDPOINT, last, &size));
    CHECK_STRING (last, endpoint);
    CHECK_OK (zmq_connect (own.client, endpoint));
    send_text (own.client, "hello", 0);
    EXPECT_TEXT (own.server, "hello");
    close_two (&own);
}

TEST (use_fd_listens_on_an_ipc_socket_of_the_program)
{
    link_of_two own = open_two ();
    char endpoint[120];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf (address.sun_path, sizeof address.sun_path, "%s/own", scratch_directory ());
    snprintf (endpoint, sizeof endpoint, "ipc://%s", address.sun_path);
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (fd, 8));
    set_int (own.server, ZMQ_USE_FD, fd);
    CHECK_OK (zmq_bind (own.server, endpoint));
    CHECK_OK (zmq_connect (own.client, endpoint));
    send_text (own.client, "hello", 0);
    EXPECT_TEXT (own.server, "hello");
    /*  The file is the program's.  */
    close_two (&own);
    CHECK_OK (access (address.sun_path, F_OK));
    scratch_remove ();
}

/*  -1 goes back to descriptors of the library's own.  */
TEST (use_fd_of_minus_one)
{
    link_of_two own = open_two ();
    int port, fd = plain_listen (&port);
    set_int (own.server, ZMQ_USE_FD, fd);
    set_int (own.server, ZMQ_USE_FD, -1);
    CHECK (port_of (bind_to (own.server, "tcp://127.0.0.1:*")) != port);
    CHECK_OK (close (fd));
    close_two (&own);
}

TEST (bindtodevice_on_the_loopback)
{
    link_of_two own = open_two ();
    CHECK_OK (zmq_setsockopt (own.server, ZMQ_BINDTODEVICE, "lo", 2));
    CHECK_OK (zmq_setsockopt (own.client, ZMQ_BINDTODEVICE, "lo", 2));
    link_up (&own);
    char device[IFNAMSIZ];
    for (int n = 0; n < 2; n++) {
        socklen_t size = sizeof device;
        CHECK_OK (getsockopt (n ? own.accepted : own.connected, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
        CHECK_STRING (device, "lo");
    }
    close_two (&own);
}

TEST (bindtodevice_of_a_device_that_is_not_there)
{
    link_of_two own = open_two ();
    CHECK_OK (zmq_setsockopt (own.server, ZMQ_BINDTODEVICE, "nodevice9", 9));
    CHECK_ERRNO (zmq_bind (own.server, "tcp://127.0.0.1:*"), ENODEV);
    close_two (&own);
}

/*  Greeting and READY of a NULL DEALER, as RFC 23 writes them.  */
static int raw_peer (int port)
{
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";
    static const char ready[] = "\4\x1c\5READY\013Socket-Type\0\0\0\6DEALER";
    char theirs[64], head[2], body[256];
    int fd = plain_connect (port);
    plain_write (fd, greeting, sizeof greeting);
    plain_read (fd, theirs, sizeof theirs);
    plain_write (fd, ready, sizeof ready - 1);
    plain_read (fd, head, 2);
    CHECK_INT (head[0], 4);
    plain_read (fd, body, (unsigned char) head[1]);
    return fd;
}

static void *server_with_limit (void *context, int64_t limit, int *port)
{
    void *server = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (server, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    *port = port_of (bind_to (server, "tcp://127.0.0.1:*"));
    return server;
}

TEST (maxmsgsize_ends_a_peer_that_only_announces_more)
{
    void *context = zmq_ctx_new ();
    int port;
    void *server = server_with_limit (context, 1000, &port);
    int fd = raw_peer (port);
    plain_write (fd, "\0\5hello", 7);
    EXPECT_TEXT (server, "hello");
    /*  1001 bytes, of which none comes.  */
    plain_write (fd, "\2\0\0\0\0\0\0\3\xe9", 9);
    plain_expect_end (fd);
    CHECK_OK (close (fd));
    /*  A peer that announces the most that 64 bits hold, and one that keeps to it.  */
    fd = raw_peer (port);
    plain_write (fd, "\2\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
    plain_expect_end (fd);
    CHECK_OK (close (fd));
    fd = raw_peer (port);
    plain_write (fd, "\2\0\0\0\0\0\0\3\xe8", 9);
    static char body[1000];
    plain_write (fd, body, sizeof body);
    CHECK_INT (zmq_recv (server, body, sizeof body, 0), 1000);
    CHECK_OK (close (fd));
    FINISH (context, server);
}

/*  How often the I/O thread with this number has slept; -1 if there is none, or
 *  it does not sleep now.  */
static long sleeps_of (int number)
{
    char path[300], line[128], name[32], state = 0;
    long count = -1;
    snprintf (name, sizeof name, "ZMQbg/IO/%d\n", number);
    DIR *tasks = opendir ("/proc/self/task");
    CHECK (tasks != NULL);
    for (struct dirent *entry; count < 0 && (entry = readdir (tasks));) {
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen (path, "r");
        bool same = file && fgets (line, sizeof line, file) && strcmp (line, name) == 0;
        if (file)
            fclose (file);
        snprintf (path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        if (same && (file = fopen (path, "r"))) {
            while (fgets (line, sizeof line, file)) {
                sscanf (line, "State: %c", &state);
                sscanf (line, "voluntary_ctxt_switches: %ld", &count);
            }
            fclose (file);
        }
    }
    closedir (tasks);
    return state == 'S' ? count : -1;
}

/*  Waits until the three threads sleep, and go on doing so; returns how often
 *  they have.  On their way there they may sleep for other things, such as
 *  a lock.  */
static void await_sleep (long *sleeps)
{
    int64_t give_up = now_ms () + PATIENCE_MS;
    for (int quiet = 0; quiet < 20; quiet++, sleep_ms (1)) {
        CHECK (now_ms () < give_up);
        for (int n = 0; n < 3; n++) {
            long now = sleeps_of (n);
            if (now < 1 || now != sleeps[n])
                quiet = 0;
            sleeps[n] = now;
        }
    }
}

TEST (a_small_maxmsgsize_is_no_matter_of_the_handshake)
{
    link_of_two own = open_two ();
    int64_t limit = 1;
    CHECK_OK (zmq_setsockopt (own.server, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    join (own.server, own.client, "tcp");
    send_text (own.client, "x", 0);
    EXPECT_TEXT (own.server, "x");
    send_text (own.client, "xy", 0);
    EXPECT_NOTHING (own.server);
    close_two (&own);
}

TEST (tos_reaches_both_ends_over_ipv6)
{
    link_of_two own = open_two ();
    set_int (own.server, ZMQ_IPV6, 1);
    set_int (own.client, ZMQ_IPV6, 1);
    set_int (own.server, ZMQ_TOS, 0x28);
    set_int (own.client, ZMQ_TOS, 0x50);
    CHECK_OK (zmq_connect (own.client, bind_to (own.server, "tcp://[::1]:*")));
    int fd = accepted (own.server, own.client);
    EXPECT_ON (fd, IPPROTO_IPV6, IPV6_TCLASS, 0x28);
    struct sockaddr_in6 peer;
    socklen_t size = sizeof peer;
    CHECK_OK (getpeername (fd, (struct sockaddr *) &peer, &size));
    int other = 3;
    for (struct sockaddr_in6 name; other < 256; other++) {
        size = sizeof name;
        if (getsockname (other, (struct sockaddr *) &name, &size) == 0
            && name.sin6_family == AF_INET6 && name.sin6_port == peer.sin6_port)
            break;
    }
    EXPECT_ON (other, IPPROTO_IPV6, IPV6_TCLASS, 0x50);
    close_two (&own);
}

static void expect_filtered (const char *filter, const char *endpoint, const char *host,
                             bool lets_in)
{
    link_of_two own = open_two ();
    char to[64];
    set_int (own.server, ZMQ_IPV6, 1);
    set_int (own.client, ZMQ_IPV6, 1);
    set_filter (own.server, filter);
    snprintf (to, sizeof to, "tcp://%s:%d", host, port_of (bind_to (own.server, endpoint)));
    CHECK_OK (zmq_connect (own.client, to));
    send_text (own.client, "x", 0);
    if (lets_in)
        EXPECT_TEXT (own.server, "x");
    else
        EXPECT_NOTHING (own.server);
    close_two (&own);
}

TEST (tcp_accept_filters_of_ipv6)
{
    expect_filtered ("::1", "tcp://[::1]:*", "[::1]", true);
    expect_filtered ("::2", "tcp://[::1]:*", "[::1]", false);
    expect_filtered ("::/0", "tcp://[::1]:*", "[::1]", true);
    expect_filtered ("127.0.0.1", "tcp://*:*", "[::1]", false);
    expect_filtered ("127.0.0.0/8", "tcp://*:*", "127.0.0.1", true);
}

TEST (ipv4_filters_hold_where_ipv6_is_bound)
{
    expect_filtered ("10.0.0.0/8", "tcp://*:*", "127.0.0.1", false);
}

TEST (affinity_chooses_the_io_thread)
{
    for (int chosen = 0; chosen < 3; chosen++) {
        void *context = zmq_ctx_new ();
        CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 3));
        void *server = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
        uint64_t mask = 1u << chosen;
        CHECK_OK (zmq_setsockopt (server, ZMQ_AFFINITY, &mask, sizeof mask));
        CHECK_OK (zmq_setsockopt (client, ZMQ_AFFINITY, &mask, sizeof mask));
        long before[3] = {-1, -1, -1}, after[3] = {-1, -1, -1};
        await_sleep (before);
        join (server, client, "tcp");
        for (int n = 0; n < 20; n++) {
            send_text (client, "x", 0);
            EXPECT_TEXT (server, "x");
        }
        await_sleep (after);
        for (int n = 0; n < 3; n++)
            if (n == chosen)
                CHECK (after[n] > before[n]);
            else
                CHECK_INT (after[n], before[n]);
        FINISH (context, server, client);
    }
}

WIRE_TEST (conflate_ignores_the_marks_and_keeps_the_last)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    set_int (push, ZMQ_CONFLATE, 1);
    set_int (push, ZMQ_SNDHWM, 1);
    const char *endpoint = absent (transport);
    CHECK_OK (zmq_connect (push, endpoint));
    char text[16];
    for (int n = 0; n < 100; n++) {
        snprintf (text, sizeof text, "%d", n);
        CHECK_INT (zmq_send (push, text, strlen (text), ZMQ_DONTWAIT), strlen (text));
    }
    CHECK_OK (zmq_bind (pull, endpoint));
    EXPECT_TEXT (pull, "99");
    EXPECT_NOTHING (pull);
    FINISH (context, push, pull);
}

/*  The local port of the attempt to connect that is under way; 0 if none is.  */
static int attempt_under_way (int not_this)
{
    for (int fd = 0; fd < 256; fd++) {
        struct tcp_info info;
        struct sockaddr_in name;
        socklen_t size = sizeof info;
        if (fd == not_this || getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0
            || info.tcpi_state != TCP_SYN_SENT)
            continue;
        size = sizeof name;
        if (getsockname (fd, (struct sockaddr *) &name, &size) == 0)
            return ntohs (name.sin_port);
    }
    return 0;
}

/*  A listener that takes nobody, and whose queue is full, answers no attempt.  */
TEST (connect_timeout_gives_an_attempt_up)
{
    int listener = socket (AF_INET, SOCK_STREAM, 0), queued[4], count = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK_OK (bind (listener, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (listener, 0));
    CHECK_OK (getsockname (listener, (struct sockaddr *) &address, &size));
    for (;; count++) {
        CHECK (count < 4);
        queued[count] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void) !connect (queued[count], (struct sockaddr *) &address, sizeof address);
        struct pollfd ready = {queued[count], POLLOUT, 0};
        if (poll (&ready, 1, SETTLE_MS) == 0)
            break;
    }
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    for (int limited = 0; limited < 2; limited++) {
        void *context = zmq_ctx_new ();
        void *push = open_socket (context, ZMQ_PUSH);
        set_int (push, ZMQ_RECONNECT_IVL, 1);
        set_int (push, ZMQ_CONNECT_TIMEOUT, limited ? 40 : 0);
        CHECK_OK (zmq_connect (push, endpoint));
        int first = 0, later = 0;
        int64_t give_up = now_ms () + PATIENCE_MS;
        while (!(first = attempt_under_way (queued[count])))
            CHECK (now_ms () < give_up);
        give_up = now_ms () + (limited ? PATIENCE_MS : SETTLE_MS);
        while (later == 0 || later == first) {
            later = attempt_under_way (queued[count]);
            if (now_ms () >= give_up)
                break;
            sleep_ms (2);
        }
        if (limited)
            CHECK (later != 0 && later != first);
        else
            CHECK_INT (later, first);
        FINISH (context, push);
    }
    for (; count >= 0; count--)
        CHECK_OK (close (queued[count]));
    CHECK_OK (close (listener));
}
