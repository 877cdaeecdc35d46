/*  tcp: addresses, wildcards, binding again, disconnecting, sizes.  */
#include "peers.h"

#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/*  libzmq frees an address a moment after unbind or close.  */
static void bind_soon (void *socket, const char *endpoint)
{
    int rc = -1;
    for (int64_t give_up = now_ms () + PATIENCE_MS; rc != 0 && now_ms () < give_up;) {
        rc = zmq_bind (socket, endpoint);
        if (rc != 0) {
            CHECK_INT (zmq_errno (), EADDRINUSE);
            sleep_ms (2);
        }
    }
    CHECK_OK (rc);
}

static void expect_delivery (void *push, void *pull)
{
    send_text (push, "delivered", 0);
    EXPECT_TEXT (pull, "delivered");
}

TEST (wildcards_show_the_real_port)
{
    static const char *const given[] = {"tcp://*:*", "tcp://*:0", "tcp://127.0.0.1:*",
                                        "tcp://127.0.0.1:0", "tcp://lo:*", "tcp://lo:0"};
    void *context = zmq_ctx_new ();
    for (size_t n = 0; n < sizeof given / sizeof *given; n++) {
        void *pull = open_socket (context, ZMQ_PULL);
        void *push = open_socket (context, ZMQ_PUSH);
        const char *endpoint = bind_to (pull, given[n]);
        const char *host = n < 2 ? "0.0.0.0" : "127.0.0.1";
        CHECK (port_of (endpoint) > 0);
        CHECK_STRING (endpoint, tcp_endpoint (host, port_of (endpoint)));
        CHECK_OK (zmq_connect (push, tcp_endpoint ("127.0.0.1", port_of (endpoint))));
        expect_delivery (push, pull);
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_close (push));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (explicit_port)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = absent ("tcp");
    CHECK_STRING (bind_to (pull, endpoint), endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    char last[100];
    size_t size = sizeof last;
    CHECK_OK (zmq_getsockopt (push, ZMQ_LAST_ENDPOINT, last, &size));
    CHECK_STRING (last, endpoint);
    CHECK_INT (size, strlen (endpoint) + 1);
    expect_delivery (push, pull);
    FINISH (context, pull, push);
}

TEST (bound_twice_is_in_use)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PULL);
    void *two = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
    CHECK_ERRNO (zmq_bind (one, endpoint), EADDRINUSE);
    CHECK_ERRNO (zmq_bind (two, endpoint), EADDRINUSE);
    int port;
    int plain = plain_listen (&port);
    CHECK_ERRNO (zmq_bind (two, tcp_endpoint ("127.0.0.1", port)), EADDRINUSE);
    CHECK_OK (close (plain));
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, endpoint));
    expect_delivery (push, one);
    FINISH (context, one, two, push);
}

TEST (malformed_addresses_to_bind)
{
    static const struct {
        const char *endpoint;
        int error;
    } cases[] = {
        {"", EINVAL},
        {"tcp", EINVAL},
        {"tcp:", EINVAL},
        {"tcp:/", EINVAL},
        {"tcp://", EINVAL},
        {"://127.0.0.1:1", EINVAL},
        {"tcp://127.0.0.1", EINVAL},
        {"tcp://127.0.0.1:", EINVAL},
        {"tcp://127.0.0.1:port", EINVAL},
        {"tcp://127.0.0.1:65536", EINVAL},
        {"tcp://256.0.0.1:0", ENODEV},
        {"tcp://no-such-interface:0", ENODEV},
        {"tcp://[::1]:0", ENODEV},
        {"tcp://192.0.2.1:0", EADDRNOTAVAIL},
        {"bogus://127.0.0.1:0", EPROTONOSUPPORT},
        {"TCP://127.0.0.1:0", EPROTONOSUPPORT},
    };
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        errno = 0;
        int rc = zmq_bind (pull, cases[n].endpoint);
        if (rc != -1 || zmq_errno () != cases[n].error)
            harness_fail (__FILE__, __LINE__, "bind \"%s\" gave %d, errno %d (%s)",
                          cases[n].endpoint, rc, zmq_errno (), zmq_strerror (zmq_errno ()));
    }
    FINISH (context, pull);
}

TEST (malformed_addresses_to_connect)
{
    static const struct {
        const char *endpoint;
        int error;
    } cases[] = {
        {"", EINVAL},
        {"tcp://", EINVAL},
        {"tcp://127.0.0.1", EINVAL},
        {"tcp://127.0.0.1:", EINVAL},
        {"tcp://127.0.0.1:*", EINVAL},
        {"tcp://*:5555", EINVAL},
        {"tcp://127.0.0.1:port", EINVAL},
        {"tcp://;127.0.0.1:5555", EINVAL},
        {"bogus://x", EPROTONOSUPPORT},
    };
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        errno = 0;
        int rc = zmq_connect (push, cases[n].endpoint);
        if (rc != -1 || zmq_errno () != cases[n].error)
            harness_fail (__FILE__, __LINE__, "connect \"%s\" gave %d, errno %d (%s)",
                          cases[n].endpoint, rc, zmq_errno (), zmq_strerror (zmq_errno ()));
    }
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FINISH (context, push);
}

/*  Names are resolved later, however long it takes.  */
TEST (unknown_host_is_no_error)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "tcp://no-such-host.invalid:5555"));
    CHECK_OK (zmq_disconnect (push, "tcp://no-such-host.invalid:5555"));
    FINISH (context, push);
}

TEST (host_names)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    int port = port_of (bind_to (pull, "tcp://127.0.0.1:*"));
    CHECK_OK (zmq_connect (push, tcp_endpoint ("localhost", port)));
    expect_delivery (push, pull);
    CHECK_OK (zmq_disconnect (push, tcp_endpoint ("localhost", port)));
    FINISH (context, pull, push);
}

TEST (source_addresses)
{
    static const char *const sources[] = {"127.0.0.1:0", "lo:0", "127.0.0.2:0", "127.0.0.1:*"};
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    int port = port_of (bind_to (pull, "tcp://127.0.0.1:*"));
    for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) {
        void *push = open_socket (context, ZMQ_PUSH);
        char endpoint[100];
        snprintf (endpoint, sizeof endpoint, "tcp://%s;127.0.0.1:%d", sources[n], port);
        CHECK_OK (zmq_connect (push, endpoint));
        send_text (push, "x", 0);
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        CHECK_INT (zmq_msg_recv (&message, pull, 0), 1);
        CHECK_STRING (zmq_msg_gets (&message, "Peer-Address"),
                      n == 2 ? "127.0.0.2" : "127.0.0.1");
        CHECK_OK (zmq_msg_close (&message));
        CHECK_OK (zmq_disconnect (push, endpoint));
        CHECK_OK (zmq_close (push));
    }
    FINISH (context, pull);
}

static bool has_ipv6 (void)
{
    int fd = socket (AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    bool works = fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0;
    if (fd >= 0)
        close (fd);
    return works;
}

TEST (ipv6)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (pull, ZMQ_IPV6, 1);
    set_int (push, ZMQ_IPV6, 1);
    if (has_ipv6 ()) {
        const char *endpoint = bind_to (pull, "tcp://[::1]:*");
        CHECK_STRING (endpoint, tcp_endpoint ("[::1]", port_of (endpoint)));
        CHECK_OK (zmq_connect (push, endpoint));
        expect_delivery (push, pull);
        CHECK_OK (zmq_disconnect (push, endpoint));
        CHECK_OK (zmq_unbind (pull, endpoint));
        /*  The wildcard of an IPv6 socket takes both kinds.  */
        endpoint = bind_to (pull, "tcp://*:*");
        CHECK_STRING (endpoint, tcp_endpoint ("[::]", port_of (endpoint)));
        void *four = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (four, tcp_endpoint ("127.0.0.1", port_of (endpoint))));
        expect_delivery (four, pull);
        CHECK_OK (zmq_connect (push, tcp_endpoint ("[::1]", port_of (endpoint))));
        wait_events (push, ZMQ_POLLOUT);
        expect_delivery (push, pull);
        CHECK_OK (zmq_close (four));
    } else
        printf ("    (no IPv6 here)\n");
    FINISH (context, pull, push);
}

TEST (ipv4_works_with_the_ipv6_option)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (pull, ZMQ_IPV6, 1);
    set_int (push, ZMQ_IPV6, 1);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    expect_delivery (push, pull);
    FINISH (context, pull, push);
}

/*  In DIFFERENCES: libzmq needs a moment.  */
TEST (address_is_free_at_once_after_unbind)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PULL);
    void *two = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
    for (int n = 0; n < 20; n++) {
        CHECK_OK (zmq_unbind (n % 2 ? two : one, endpoint));
        CHECK_OK (zmq_bind (n % 2 ? one : two, endpoint));
    }
    FINISH (context, one, two);
}

/*  In DIFFERENCES: libzmq needs a moment.  */
TEST (address_is_free_at_once_after_close)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    for (int n = 0; n < 20; n++) {
        void *push = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push, endpoint));
        expect_delivery (push, pull);
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_close (push));
        pull = open_socket (context, ZMQ_PULL);
        CHECK_OK (zmq_bind (pull, endpoint));
    }
    FINISH (context, pull);
}

/*  Connections in TIME_WAIT do not hinder.  */
TEST (address_is_free_soon_after_connections)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    for (int n = 0; n < 5; n++) {
        void *push = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push, endpoint));
        expect_delivery (push, pull);
        if (n % 2)
            CHECK_OK (zmq_unbind (pull, endpoint));
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_close (push));
        pull = open_socket (context, ZMQ_PULL);
        bind_soon (pull, endpoint);
    }
    FINISH (context, pull);
}

TEST (unbind_by_the_string_given_or_the_last_endpoint)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    int port = port_of (bind_to (pull, "tcp://127.0.0.1:*"));
    const char *given = tcp_endpoint ("127.0.0.1", port);
    CHECK_OK (zmq_unbind (pull, given));
    CHECK_ERRNO (zmq_unbind (pull, given), ENOENT);
    CHECK_ERRNO (zmq_unbind (pull, "tcp://127.0.0.1:1"), ENOENT);
    /*  Bound by name, unbound by LAST_ENDPOINT.  */
    const char *last = bind_to (pull, "tcp://lo:*");
    CHECK_OK (zmq_unbind (pull, last));
    last = bind_to (pull, "tcp://*:*");
    CHECK_OK (zmq_unbind (pull, last));
    FINISH (context, pull);
}

/*  In DIFFERENCES: libzmq forgets the name.  */
TEST (unbind_by_the_interface_name_given)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    const char *by_name = tcp_endpoint ("lo", port_of (absent ("tcp")));
    CHECK_OK (zmq_bind (pull, by_name));
    CHECK_OK (zmq_unbind (pull, by_name));
    CHECK_ERRNO (zmq_unbind (pull, by_name), ENOENT);
    FINISH (context, pull);
}

/*  Bound or connected at this address, and undone by another spelling of it.  */
static void undone_as (int ipv6, const char *host, const char *spelling)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    char wildcard[100];
    set_int (pull, ZMQ_IPV6, ipv6);
    set_int (push, ZMQ_IPV6, ipv6);
    snprintf (wildcard, sizeof wildcard, "tcp://%s:*", host);
    int port = port_of (bind_to (pull, wildcard));
    CHECK_OK (zmq_connect (push, tcp_endpoint (host, port)));
    expect_delivery (push, pull);
    CHECK_OK (zmq_disconnect (push, tcp_endpoint (spelling, port)));
    CHECK_ERRNO (zmq_disconnect (push, tcp_endpoint (host, port)), ENOENT);
    CHECK_OK (zmq_unbind (pull, tcp_endpoint (spelling, port)));
    CHECK_ERRNO (zmq_unbind (pull, tcp_endpoint (host, port)), ENOENT);
    FINISH (context, pull, push);
}

TEST (an_endpoint_is_undone_by_any_spelling_of_its_address)
{
    static const char *const spellings[] = {"localhost", "127.1", "0x7f.0.0.1", "[127.0.0.1]",
                                            "[::ffff:127.0.0.1]"};
    for (size_t n = 0; n < sizeof spellings / sizeof *spellings; n++)
        undone_as (0, "127.0.0.1", spellings[n]);
    if (has_ipv6 ()) {
        undone_as (1, "[::1]", "[0:0:0:0:0:0:0:1]");
        undone_as (1, "[::ffff:127.0.0.1]", "127.0.0.1");
    } else
        printf ("    (no IPv6 here)\n");
}

TEST (another_address_or_port_undoes_nothing)
{
    static const char *const others[] = {"127.0.0.2", "0.0.0.0", "[::1]", "lo", "*", "no-such-host.invalid"};
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    int port = port_of (endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    for (size_t n = 0; n < sizeof others / sizeof *others; n++) {
        CHECK_ERRNO (zmq_unbind (pull, tcp_endpoint (others[n], port)), ENOENT);
        CHECK_ERRNO (zmq_disconnect (push, tcp_endpoint (others[n], port)), ENOENT);
    }
    CHECK_ERRNO (zmq_unbind (pull, tcp_endpoint ("localhost", port == 1 ? 2 : 1)), ENOENT);
    /*  A source address is a part of the endpoint.  */
    void *other = open_socket (context, ZMQ_PUSH);
    char sourced[100];
    snprintf (sourced, sizeof sourced, "tcp://127.0.0.1:0;127.0.0.1:%d", port);
    CHECK_OK (zmq_connect (other, sourced));
    CHECK_ERRNO (zmq_disconnect (other, endpoint), ENOENT);
    expect_delivery (push, pull);
    expect_delivery (other, pull);
    FINISH (context, pull, push, other);
}

TEST (a_wildcard_is_not_undone_by_itself)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    static const char *const wildcards[] = {"tcp://*:*", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "ipc://*"};
    for (size_t n = 0; n < sizeof wildcards / sizeof *wildcards; n++) {
        const char *endpoint = bind_to (pull, wildcards[n]);
        CHECK_ERRNO (zmq_unbind (pull, wildcards[n]), ENOENT);
        CHECK_OK (zmq_unbind (pull, endpoint));
    }
    int port = port_of (absent ("tcp"));
    CHECK_OK (zmq_bind (pull, tcp_endpoint ("*", port)));
    CHECK_ERRNO (zmq_unbind (pull, tcp_endpoint ("*", port)), ENOENT);
    CHECK_OK (zmq_unbind (pull, tcp_endpoint ("0.0.0.0", port)));
    FINISH (context, pull);
}

TEST (a_mapped_ipv4_address_needs_no_ipv6)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (pull, "tcp://[::ffff:127.0.0.1]:*");
    int port = port_of (endpoint);
    CHECK_STRING (endpoint, tcp_endpoint ("127.0.0.1", port));
    CHECK_OK (zmq_connect (push, tcp_endpoint ("[::ffff:127.0.0.1]", port)));
    expect_delivery (push, pull);
    FINISH (context, pull, push);
}

/*  From now on the kernel has no IPv6, for this process.  */
static void take_ipv6_away (void)
{
    struct sock_filter filter[] = {
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args[0])),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    CHECK_OK (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK_OK (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    CHECK_ERRNO (socket (AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT);
}

TEST (without_ipv6_in_the_kernel_the_option_means_ipv4)
{
    static const char *const hosts[] = {"lo", "*", "127.0.0.1", "[::ffff:127.0.0.1]"};
    take_ipv6_away ();
    for (size_t n = 0; n < sizeof hosts / sizeof *hosts; n++) {
        void *context = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
        char wildcard[100];
        set_int (pull, ZMQ_IPV6, 1);
        snprintf (wildcard, sizeof wildcard, "tcp://%s:*", hosts[n]);
        int port = port_of (bind_to (pull, wildcard));
        CHECK_OK (zmq_connect (push, tcp_endpoint ("127.0.0.1", port)));
        expect_delivery (push, pull);
        FINISH (context, pull, push);
    }
}

TEST (without_ipv6_in_the_kernel_a_connection_with_the_option_is_one_of_ipv4)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2:0;127.0.0.1", "[::ffff:127.0.0.1]"};
    take_ipv6_away ();
    for (size_t n = 0; n < sizeof addresses / sizeof *addresses; n++) {
        void *context = zmq_ctx_new ();
        void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
        int port = port_of (bind_to (pull, "tcp://127.0.0.1:*"));
        set_int (push, ZMQ_IPV6, 1);
        CHECK_OK (zmq_connect (push, tcp_endpoint (addresses[n], port)));
        expect_delivery (push, pull);
        FINISH (context, pull, push);
    }
}

TEST (unbind_of_nonsense)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    CHECK_ERRNO (zmq_unbind (pull, "garbage"), EINVAL);
    CHECK_ERRNO (zmq_disconnect (pull, "garbage"), EINVAL);
    CHECK_ERRNO (zmq_unbind (pull, NULL), EINVAL);
    CHECK_ERRNO (zmq_disconnect (pull, NULL), EINVAL);
    CHECK_ERRNO (zmq_unbind (pull, "bogus://x"), EPROTONOSUPPORT);
    CHECK_ERRNO (zmq_disconnect (pull, "bogus://x"), EPROTONOSUPPORT);
    CHECK_ERRNO (zmq_disconnect (pull, "tcp://127.0.0.1:5555"), ENOENT);
    FINISH (context, pull);
}

/*  No new peers after unbind, and those that were connected through it are disconnected.  */
TEST (unbind_ends_connections)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    void *late = open_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_IMMEDIATE, 1);
    const char *endpoint = join (pull, push, "tcp");
    const char *other = join (pull, late, "tcp");
    expect_delivery (push, pull);
    expect_delivery (late, pull);
    CHECK_OK (zmq_unbind (pull, endpoint));
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (push, ZMQ_POLLOUT) && now_ms () < give_up) {
        (void) shows (pull, ZMQ_POLLIN);
        sleep_ms (2);
    }
    CHECK_ERRNO (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    /*  Only those.  */
    expect_delivery (late, pull);
    CHECK_OK (zmq_unbind (pull, other));
    FINISH (context, pull, push, late);
}

TEST (disconnect_ends_delivery_both_ways)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_DEALER);
    void *client = open_socket (context, ZMQ_DEALER);
    const char *endpoint = join (server, client, "tcp");
    send_text (client, "hello", 0);
    EXPECT_TEXT (server, "hello");
    CHECK_OK (zmq_disconnect (client, endpoint));
    CHECK_ERRNO (zmq_disconnect (client, endpoint), ENOENT);
    CHECK_ERRNO (zmq_send (client, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (server, ZMQ_POLLOUT) && now_ms () < give_up) {
        /*  libzmq works on it while the application calls.  */
        (void) shows (client, ZMQ_POLLIN);
        sleep_ms (2);
    }
    CHECK (!shows (server, ZMQ_POLLOUT));
    /*  And again.  */
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "back", 0);
    EXPECT_TEXT (server, "back");
    FINISH (context, server, client);
}

/*  With a linger, what was sent before disconnecting is still delivered.  */
TEST (disconnect_lets_sent_messages_out)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_LINGER, -1);
    const char *endpoint = join (pull, push, "tcp");
    for (int n = 0; n < 100; n++)
        CHECK_INT (zmq_send (push, &n, sizeof n, 0), sizeof n);
    CHECK_OK (zmq_disconnect (push, endpoint));
    for (int n = 0; n < 100; n++) {
        int got = -1;
        CHECK_INT (zmq_recv (pull, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    FINISH (context, pull, push);
}

/*  PUSH connects as often as asked; DEALER, REQ, SUB, PUB but once.  */
TEST (connecting_twice)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = join (pull, push, "tcp");
    CHECK_OK (zmq_connect (push, endpoint));
    void *in = open_socket (context, ZMQ_ROUTER);
    void *once = open_socket (context, ZMQ_DEALER);
    endpoint = join (in, once, "tcp");
    CHECK_OK (zmq_connect (once, endpoint));
    char first[8], next[8];
    for (int n = 0; n < 6; n++) {
        expect_delivery (push, pull);
        send_text (once, "x", 0);
        CHECK_INT (zmq_recv (in, n ? next : first, 8, 0), 5);
        EXPECT_TEXT (in, "x");
        CHECK (n == 0 || memcmp (first, next, 5) == 0);
    }
    CHECK_OK (zmq_disconnect (once, endpoint));
    CHECK_ERRNO (zmq_disconnect (once, endpoint), ENOENT);
    FINISH (context, pull, push, in, once);
}

TEST (too_large_a_message_costs_the_sender_its_connection)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *rude = open_socket (context, ZMQ_PUSH);
    void *polite = open_socket (context, ZMQ_PUSH);
    int64_t limit = 1000;
    CHECK_OK (zmq_setsockopt (pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    set_int (rude, ZMQ_RECONNECT_IVL, -1);
    set_int (rude, ZMQ_IMMEDIATE, 1);
    const char *endpoint = join (pull, rude, "tcp");
    CHECK_OK (zmq_connect (polite, endpoint));
    char body[1001] = "";
    CHECK_INT (zmq_send (rude, body, 1000, 0), 1000);
    char got[1001];
    CHECK_INT (zmq_recv (pull, got, sizeof got, 0), 1000);
    CHECK_INT (zmq_send (rude, body, 1001, 0), 1001);
    int64_t give_up = now_ms () + PATIENCE_MS;
    while (shows (rude, ZMQ_POLLOUT) && now_ms () < give_up)
        sleep_ms (2);
    CHECK (!shows (rude, ZMQ_POLLOUT));
    EXPECT_NOTHING (pull);
    expect_delivery (polite, pull);
    FINISH (context, pull, rude, polite);
}

TEST (descriptors_are_not_inherited)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, "tcp", 0);
    expect_delivery (push, pull);
    for (int fd = 3; fd < 64; fd++) {
        struct stat kind;
        if (fstat (fd, &kind) == 0 && S_ISSOCK (kind.st_mode))
            CHECK (fcntl (fd, F_GETFD) & FD_CLOEXEC);
    }
    FINISH (context, pull, push);
}

/*  A client that is no ZMTP peer costs nothing but its connection.  */
TEST (strangers_do_no_harm)
{
    static const char *const greetings[] = {"GET / HTTP/1.0\r\n\r\n", "\xff", "\x01\x00",
                                            "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    int strangers[4];
    for (int n = 0; n < 4; n++) {
        strangers[n] = plain_connect (port_of (endpoint));
        plain_write (strangers[n], greetings[n], strlen (greetings[n]));
    }
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, endpoint));
    expect_delivery (push, pull);
    for (int n = 0; n < 4; n++)
        CHECK_OK (close (strangers[n]));
    expect_delivery (push, pull);
    FINISH (context, pull, push);
}

/*  More than a listener takes at a time wait before it begins.  */
TEST (connections_that_wait_are_all_taken)
{
    enum { MANY = 200 };
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    int port, peers[MANY], listener = plain_listen (&port);
    char endpoint[64], signature[10];
    CHECK_OK (listen (listener, MANY));
    for (int n = 0; n < MANY; n++)
        peers[n] = plain_connect (port);
    set_int (pull, ZMQ_USE_FD, listener);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    CHECK_OK (zmq_bind (pull, endpoint));
    for (int n = 0; n < MANY; n++) {
        plain_read (peers[n], signature, sizeof signature);
        CHECK_OK (close (peers[n]));
    }
    FINISH (context, pull);
}

/*  A server that hangs up is tried again after RECONNECT_IVL, up to twice as
 *  long (the manual allows for chance).  */
TEST (reconnection_waits_its_interval)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    int port;
    int listener = plain_listen (&port);
    set_int (push, ZMQ_RECONNECT_IVL, 60);
    CHECK_OK (zmq_connect (push, tcp_endpoint ("127.0.0.1", port)));
    CHECK_OK (close (plain_accept (listener)));
    for (int n = 0; n < 4; n++) {
        int64_t start = now_ms ();
        CHECK_OK (close (plain_accept (listener)));
        CHECK (now_ms () - start >= 50);
        CHECK (now_ms () - start < 120 + 400);
    }
    CHECK_OK (close (listener));
    FINISH (context, push);
}

/*  Refused again and again, then let in.  */
TEST (reconnection_backs_off_and_succeeds)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = absent ("tcp");
    set_int (push, ZMQ_RECONNECT_IVL, 5);
    set_int (push, ZMQ_RECONNECT_IVL_MAX, 80);
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "patient", 0);
    sleep_ms (200);
    CHECK_OK (zmq_bind (pull, endpoint));
    int64_t start = now_ms ();
    EXPECT_TEXT (pull, "patient");
    CHECK (now_ms () - start < 160 + 400);
    FINISH (context, push, pull);
}
