/*  What bind, connect, unbind and disconnect answer to bad endpoints.  */
#include "harness.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void *context;

static void *fresh (void)
{
    if (!context)
        context = zmq_ctx_new ();
    return open_socket (context, ZMQ_DEALER);
}

static void done (void *socket)
{
    CHECK_OK (zmq_close (socket));
}

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))

/*  The call on a fresh socket gives -1 and this errno; the message names which endpoint
 *  it was when it does not.  */
static void gives (int (*call) (void *, const char *), const char *endpoint, int expected)
{
    void *socket = fresh ();
    errno = 0;
    int rc = call (socket, endpoint), error = zmq_errno ();
    if (rc != -1 || error != expected)
        harness_fail (__FILE__, __LINE__, "%s \"%s\" gave %d, errno %d (%s), expected -1, %s",
                      call == zmq_bind         ? "bind"
                      : call == zmq_connect    ? "connect"
                      : call == zmq_unbind     ? "unbind"
                      : call == zmq_disconnect ? "disconnect"
                                               : "?",
                      endpoint, rc, error, zmq_strerror (error), zmq_strerror (expected));
    done (socket);
}

static const char *const no_endpoint[] = {"", "tcp", "tcp:", "tcp:/", "tcp//127.0.0.1:5555", "inproc", "inproc:",
                                          "ipc:", "/tmp/socket", "127.0.0.1:5555", "://", "://x", ":",
                                          "/", "*", "tcp://", "inproc://", "ipc://"};

TEST (what_is_no_endpoint_is_einval_for_bind)
{
    for (size_t i = 0; i < COUNT (no_endpoint); i++)
        gives (zmq_bind, no_endpoint[i], EINVAL);
}

TEST (what_is_no_endpoint_is_einval_for_connect)
{
    for (size_t i = 0; i < COUNT (no_endpoint); i++)
        gives (zmq_connect, no_endpoint[i], EINVAL);
}

TEST (what_is_no_endpoint_is_einval_for_unbind_and_disconnect)
{
    for (size_t i = 0; i < COUNT (no_endpoint); i++) {
        gives (zmq_unbind, no_endpoint[i], EINVAL);
        gives (zmq_disconnect, no_endpoint[i], EINVAL);
    }
}

static const char *const unknown_transports[] = {"foo://127.0.0.1:5555", "x://y", "TCP://127.0.0.1:*", "Inproc://x",
                                                 "tcp4://127.0.0.1:5555", " tcp://127.0.0.1:5555",
                                                 "http://127.0.0.1:5555", "tc://127.0.0.1:5555"};

TEST (an_unknown_transport_is_eprotonosupport)
{
    for (size_t i = 0; i < COUNT (unknown_transports); i++) {
        gives (zmq_bind, unknown_transports[i], EPROTONOSUPPORT);
        gives (zmq_connect, unknown_transports[i], EPROTONOSUPPORT);
        gives (zmq_unbind, unknown_transports[i], EPROTONOSUPPORT);
        gives (zmq_disconnect, unknown_transports[i], EPROTONOSUPPORT);
    }
}

TEST (a_transport_that_does_not_fit_the_socket_type_is_enocompatproto)
{
    gives (zmq_bind, "udp://127.0.0.1:5555", ENOCOMPATPROTO);
    gives (zmq_connect, "udp://127.0.0.1:5555", ENOCOMPATPROTO);
}

TEST (null_endpoints_are_einval_for_unbind_and_disconnect)
{
    gives (zmq_unbind, NULL, EINVAL);
    gives (zmq_disconnect, NULL, EINVAL);
}

/* --- tcp -------------------------------------------------------------------------- */

TEST (a_tcp_bind_without_a_usable_port_is_einval)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://*", "tcp://*:",
                                            "tcp://127.0.0.1:abc", "tcp://127.0.0.1:65536",
                                            "tcp://127.0.0.1:* "};
    for (size_t i = 0; i < COUNT (endpoints); i++)
        gives (zmq_bind, endpoints[i], EINVAL);
}

TEST (a_tcp_connect_without_a_usable_port_is_einval)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:*",
                                            "tcp://127.0.0.1:-1", "tcp://127.0.0.1:abc",
                                            "tcp://127.0.0.1: 5555", "tcp://127.0.0.1:5555/path"};
    for (size_t i = 0; i < COUNT (endpoints); i++)
        gives (zmq_connect, endpoints[i], EINVAL);
}

TEST (a_tcp_connect_to_the_wildcard_address_is_einval)
{
    gives (zmq_connect, "tcp://*:5555", EINVAL);
    gives (zmq_connect, "tcp://*:*", EINVAL);
}

TEST (malformed_ports_and_hosts_are_einval)
{
    static const char *const binds[] = {"tcp://127.0.0.1:-1", "tcp://*:99999", "tcp://127.0.0.1:5555x",
                                        "tcp://127.0.0.1: 5555", "tcp://127.0.0.1:5555/path"};
    static const char *const connects[] = {"tcp://127.0.0.1:65536", "tcp://127.0.0.1:5555x", "tcp://:5555", "tcp://127.0.0.1:0;127.0.0.1",
                                           "tcp://127.0.0.1:99999"};
    for (size_t i = 0; i < COUNT (binds); i++)
        gives (zmq_bind, binds[i], EINVAL);
    for (size_t i = 0; i < COUNT (connects); i++)
        gives (zmq_connect, connects[i], EINVAL);
}

TEST (a_tcp_bind_to_an_unknown_interface_is_enodev)
{
    static const char *const endpoints[] = {"tcp://nosuchif0:*", "tcp://no.such.host.invalid:*", "tcp://256.1.1.1:*",
                                            "tcp://127.0.0.1:*:*", "tcp:// 127.0.0.1:*"};
    for (size_t i = 0; i < COUNT (endpoints); i++)
        gives (zmq_bind, endpoints[i], ENODEV);
}

TEST (a_tcp_bind_to_an_ipv6_address_without_ipv6_is_enodev)
{
    gives (zmq_bind, "tcp://[::1]:*", ENODEV);
}

TEST (a_tcp_bind_to_an_address_that_is_not_local_is_eaddrnotavail)
{
    gives (zmq_bind, "tcp://192.0.2.1:*", EADDRNOTAVAIL);
    gives (zmq_bind, "tcp://192.0.2.1:5555", EADDRNOTAVAIL);
}

TEST (a_tcp_bind_by_interface_name_uses_its_address)
{
    void *socket = fresh ();
    const char *endpoint = bind_to (socket, "tcp://lo:*");
    CHECK (strncmp (endpoint, "tcp://127.0.0.1:", 16) == 0);
    done (socket);
}

TEST (tcp_wildcards_give_a_real_port)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://*:*", "tcp://*:0",
                                            "tcp://0.0.0.0:*"};
    for (size_t i = 0; i < COUNT (endpoints); i++) {
        void *socket = fresh ();
        const char *endpoint = bind_to (socket, endpoints[i]);
        const char *host = i < 2 ? "tcp://127.0.0.1:" : "tcp://0.0.0.0:";
        CHECK (strncmp (endpoint, host, strlen (host)) == 0);
        CHECK (atoi (endpoint + strlen (host)) > 0);
        done (socket);
    }
}

TEST (a_tcp_connect_to_an_unresolvable_host_succeeds_and_keeps_trying)
{
    void *socket = fresh ();
    CHECK_OK (zmq_connect (socket, "tcp://no.such.host.invalid:5555"));
    done (socket);
}

TEST (a_tcp_connect_with_a_source_address_succeeds)
{
    void *server = fresh (), *client = fresh ();
    const char *endpoint = bind_to (server, "tcp://127.0.0.1:*");
    char with_source[200];
    snprintf (with_source, sizeof with_source, "tcp://127.0.0.1:0;%s", endpoint + 6);
    CHECK_OK (zmq_connect (client, with_source));
    send_text (client, "hello", 0);
    EXPECT_TEXT (server, "hello");
    done (server);
    done (client);
}

TEST (binding_a_tcp_port_twice_is_eaddrinuse)
{
    void *one = fresh (), *two = fresh ();
    const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
    CHECK_ERRNO (zmq_bind (two, endpoint), EADDRINUSE);
    CHECK_ERRNO (zmq_bind (one, endpoint), EADDRINUSE);
    //  The socket is still usable elsewhere.
    bind_to (two, "tcp://127.0.0.1:*");
    done (one);
    done (two);
}

TEST (binding_a_port_that_another_program_listens_on_is_eaddrinuse)
{
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    CHECK_OK (bind (listener, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (listener, 1));
    CHECK_OK (getsockname (listener, (struct sockaddr *) &address, &length));
    char endpoint[100];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    gives (zmq_bind, endpoint, EADDRINUSE);
    CHECK_OK (close (listener));
}

/*  libzmq gives a port or a name back a moment after unbind and close.  */
static void bind_soon (void *socket, const char *endpoint)
{
    int rc = -1;
    for (int64_t end = now_ms () + PATIENCE_MS; rc != 0 && now_ms () < end;) {
        rc = zmq_bind (socket, endpoint);
        if (rc != 0) {
            CHECK_INT (errno, EADDRINUSE);
            sleep_ms (1);
        }
    }
    CHECK_OK (rc);
}

TEST (a_tcp_port_can_be_bound_again_soon_after_unbind_and_after_close)
{
    void *one = fresh (), *two = fresh (), *three = fresh ();
    const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
    CHECK_OK (zmq_unbind (one, endpoint));
    bind_soon (two, endpoint);
    done (two);
    bind_soon (three, endpoint);
    done (one);
    done (three);
}

TEST (a_tcp_port_can_be_bound_again_at_once_after_unbind_and_after_close)
{
    for (int i = 0; i < 20; i++) {
        void *one = fresh (), *two = fresh (), *three = fresh ();
        const char *endpoint = bind_to (one, "tcp://127.0.0.1:*");
        //  A connection that lived is no hindrance.
        CHECK_OK (zmq_connect (three, endpoint));
        send_text (three, "hello", 0);
        EXPECT_TEXT (one, "hello");
        CHECK_OK (zmq_unbind (one, endpoint));
        CHECK_OK (zmq_bind (two, endpoint));
        done (two);
        CHECK_OK (zmq_bind (one, endpoint));
        done (one);
        done (three);
    }
}

/* --- unbind and disconnect ---------------------------------------------------------- */

TEST (unbind_and_disconnect_of_what_was_never_bound_is_enoent)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:5555", "ipc:///tmp/never-bound", "inproc://never-bound",
                                            "tcp://localhost:5555", "ipc://@never-bound"};
    for (size_t i = 0; i < COUNT (endpoints); i++) {
        gives (zmq_unbind, endpoints[i], ENOENT);
        gives (zmq_disconnect, endpoints[i], ENOENT);
    }
}

TEST (unbind_and_disconnect_of_an_ipc_path_that_is_too_long_is_enoent)
{
    void *one = fresh ();
    char endpoint[300] = "ipc://";
    memset (endpoint + 6, 'x', 200);
    CHECK_ERRNO (zmq_unbind (one, endpoint), ENOENT);
    CHECK_ERRNO (zmq_disconnect (one, endpoint), ENOENT);
    done (one);
}

TEST (unbinding_twice_is_enoent)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://twice"};
    for (size_t i = 0; i < COUNT (endpoints); i++) {
        void *socket = fresh ();
        const char *endpoint = bind_to (socket, endpoints[i]);
        CHECK_OK (zmq_unbind (socket, endpoint));
        CHECK_ERRNO (zmq_unbind (socket, endpoint), ENOENT);
        done (socket);
    }
}

TEST (disconnecting_twice_is_enoent)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:5555", "ipc:///tmp/no-listener-here",
                                            "inproc://no-listener-here"};
    for (size_t i = 0; i < COUNT (endpoints); i++) {
        void *socket = fresh ();
        CHECK_OK (zmq_connect (socket, endpoints[i]));
        CHECK_OK (zmq_disconnect (socket, endpoints[i]));
        CHECK_ERRNO (zmq_disconnect (socket, endpoints[i]), ENOENT);
        done (socket);
    }
}

TEST (unbinding_somebody_elses_endpoint_is_enoent)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://other"};
    for (size_t i = 0; i < COUNT (endpoints); i++) {
        void *one = fresh (), *two = fresh ();
        const char *endpoint = bind_to (one, endpoints[i]);
        CHECK_ERRNO (zmq_unbind (two, endpoint), ENOENT);
        CHECK_ERRNO (zmq_disconnect (two, endpoint), ENOENT);
        CHECK_OK (zmq_connect (two, endpoint));
        send_text (two, "still bound", 0);
        EXPECT_TEXT (one, "still bound");
        done (one);
        done (two);
    }
}

TEST (unbind_takes_last_endpoint_of_a_wildcard_bind)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "tcp://*:*", "ipc://*"};
    for (size_t i = 0; i < COUNT (endpoints); i++) {
        void *socket = fresh ();
        CHECK_OK (zmq_unbind (socket, bind_to (socket, endpoints[i])));
        done (socket);
    }
}

/* --- ipc ------------------------------------------------------------------------------ */

static char directory[64];

static const char *in_directory (const char *name)
{
    static char endpoints[4][200];
    static int next;
    char *endpoint = endpoints[next++ % 4];
    if (!*directory) {
        strcpy (directory, "ipc-errno-XXXXXX");
        CHECK (mkdtemp (directory) != NULL);
    }
    snprintf (endpoint, sizeof endpoints[0], "ipc://%s/%s", directory, name);
    return endpoint;
}

/*  Removes it, with the file that libzmq leaves there.  */
static void remove_directory (const char *endpoint)
{
    if (context) {
        CHECK_OK (zmq_ctx_term (context));
        context = NULL;
    }
    if (endpoint)
        unlink (endpoint + 6);
    CHECK_OK (rmdir (directory));
}

TEST (an_ipc_path_of_107_bytes_is_taken_and_one_more_is_enametoolong)
{
    char endpoint[200];
    for (int length = 106; length <= 110; length++) {
        memset (endpoint, 'a', sizeof endpoint);
        memcpy (endpoint, "ipc://@", 7);
        //  A name of its own for every run, in the abstract namespace.
        int written = snprintf (endpoint + 7, 40, "%d-%lld-", (int) getpid (), (long long) now_ms ());
        endpoint[7 + written] = 'a';
        endpoint[6 + length] = 0;
        if (length <= 107) {
            void *socket = fresh ();
            CHECK_OK (zmq_bind (socket, endpoint));
            done (socket);
            socket = fresh ();
            CHECK_OK (zmq_connect (socket, endpoint));
            done (socket);
        } else {
            gives (zmq_bind, endpoint, ENAMETOOLONG);
            gives (zmq_connect, endpoint, ENAMETOOLONG);
        }
    }
}

TEST (an_abstract_ipc_name_without_a_name_is_einval)
{
    gives (zmq_bind, "ipc://@", EINVAL);
    gives (zmq_connect, "ipc://@", EINVAL);
}

TEST (an_ipc_bind_in_a_directory_that_does_not_exist_is_enoent)
{
    gives (zmq_bind, "ipc:///no/such/directory/socket", ENOENT);
}

TEST (an_ipc_connect_to_a_path_that_does_not_exist_yet_succeeds)
{
    void *client = fresh (), *server = fresh ();
    const char *endpoint = in_directory ("later");
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "hello", 0);
    CHECK_OK (zmq_bind (server, endpoint));
    EXPECT_TEXT (server, "hello");
    done (client);
    done (server);
    remove_directory (endpoint);
}

TEST (an_ipc_bind_to_a_directory_is_eaddrinuse)
{
    void *socket = fresh ();
    in_directory ("x");
    char endpoint[100];
    snprintf (endpoint, sizeof endpoint, "ipc://%s", directory);
    CHECK_ERRNO (zmq_bind (socket, endpoint), EADDRINUSE);
    done (socket);
    remove_directory (NULL);
}

TEST (binding_an_abstract_ipc_name_twice_is_eaddrinuse)
{
    void *one = fresh (), *two = fresh ();
    char endpoint[100];
    snprintf (endpoint, sizeof endpoint, "ipc://@twice-%d-%lld", (int) getpid (), (long long) now_ms ());
    CHECK_OK (zmq_bind (one, endpoint));
    CHECK_ERRNO (zmq_bind (two, endpoint), EADDRINUSE);
    done (one);
    done (two);
}

TEST (a_stale_ipc_file_is_replaced)
{
    const char *endpoint = in_directory ("stale"), *path = endpoint + 6;
    int stale = socket (AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy (address.sun_path, path);
    CHECK_OK (bind (stale, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (close (stale));
    CHECK_OK (access (path, F_OK));
    void *server = fresh (), *client = fresh ();
    CHECK_OK (zmq_bind (server, endpoint));
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "hello", 0);
    EXPECT_TEXT (server, "hello");
    done (server);
    done (client);
    remove_directory (endpoint);
}

TEST (binding_an_ipc_path_again_takes_it_over)
{
    const char *endpoint = in_directory ("taken");
    void *first = fresh (), *second = fresh (), *client = fresh ();
    CHECK_OK (zmq_bind (first, endpoint));
    CHECK_OK (zmq_bind (second, endpoint));
    CHECK_OK (zmq_connect (client, endpoint));
    send_text (client, "hello", 0);
    EXPECT_TEXT (second, "hello");
    done (first);
    done (second);
    done (client);
    remove_directory (endpoint);
}

static void wait_gone (const char *path)
{
    for (int64_t end = now_ms () + 2000; access (path, F_OK) == 0 && now_ms () < end;)
        sleep_ms (1);
    CHECK_INT (access (path, F_OK), -1);
}

TEST (the_file_of_an_ipc_wildcard_goes_away_on_unbind_and_on_close)
{
    void *socket = fresh ();
    const char *endpoint = bind_to (socket, "ipc://*");
    CHECK_OK (access (endpoint + 6, F_OK));
    CHECK_OK (zmq_unbind (socket, endpoint));
    wait_gone (endpoint + 6);
    endpoint = bind_to (socket, "ipc://*");
    CHECK_OK (access (endpoint + 6, F_OK));
    done (socket);
    wait_gone (endpoint + 6);
}

TEST (the_file_of_an_ipc_path_goes_away_on_unbind_and_on_close)
{
    const char *endpoint = in_directory ("named");
    void *socket = fresh ();
    CHECK_OK (zmq_bind (socket, endpoint));
    CHECK_OK (access (endpoint + 6, F_OK));
    CHECK_OK (zmq_unbind (socket, endpoint));
    wait_gone (endpoint + 6);
    CHECK_OK (zmq_bind (socket, endpoint));
    done (socket);
    wait_gone (endpoint + 6);
    remove_directory (NULL);
}

/* --- inproc ----------------------------------------------------------------------------- */

TEST (binding_an_inproc_name_twice_is_eaddrinuse)
{
    void *one = fresh (), *two = fresh ();
    CHECK_OK (zmq_bind (one, "inproc://twice"));
    CHECK_ERRNO (zmq_bind (two, "inproc://twice"), EADDRINUSE);
    CHECK_ERRNO (zmq_bind (one, "inproc://twice"), EADDRINUSE);
    CHECK_OK (zmq_unbind (one, "inproc://twice"));
    CHECK_OK (zmq_bind (two, "inproc://twice"));
    done (one);
    done (two);
}

TEST (an_inproc_name_may_be_256_characters_long_and_hold_anything)
{
    char endpoint[9 + 256 + 1] = "inproc://";
    memset (endpoint + 9, 'n', 256);
    endpoint[9 + 256] = 0;
    void *one = fresh (), *two = fresh ();
    CHECK_OK (zmq_bind (one, endpoint));
    CHECK_OK (zmq_connect (two, endpoint));
    send_text (two, "long", 0);
    EXPECT_TEXT (one, "long");
    static const char *const names[] = {"inproc://#1", "inproc://a b", "inproc:///", "inproc://*", "inproc://tcp://x:1",
                                        "inproc://\xff\xfe", "inproc://%s%n"};
    for (size_t i = 0; i < COUNT (names); i++) {
        CHECK_OK (zmq_bind (one, names[i]));
        CHECK_OK (zmq_unbind (one, names[i]));
    }
    done (one);
    done (two);
}

TEST (inproc_names_that_differ_by_one_character_are_different)
{
    void *one = fresh (), *two = fresh (), *three = fresh ();
    CHECK_OK (zmq_bind (one, "inproc://name"));
    CHECK_OK (zmq_bind (two, "inproc://Name"));
    CHECK_OK (zmq_bind (three, "inproc://name "));
    done (one);
    done (two);
    done (three);
}

/* --- after an error ------------------------------------------------------------------------ */

TEST (a_failed_bind_or_connect_leaves_the_socket_usable)
{
    void *one = fresh (), *two = fresh ();
    for (int i = 0; i < 20; i++) {
        CHECK_ERRNO (zmq_bind (one, "tcp://127.0.0.1"), EINVAL);
        CHECK_ERRNO (zmq_bind (one, "tcp://192.0.2.1:*"), EADDRNOTAVAIL);
        CHECK_ERRNO (zmq_connect (one, "foo://bar"), EPROTONOSUPPORT);
    }
    CHECK_OK (zmq_connect (two, bind_to (one, "tcp://127.0.0.1:*")));
    send_text (two, "hello", 0);
    EXPECT_TEXT (one, "hello");
    done (one);
    done (two);
}

TEST (a_failed_bind_keeps_the_last_endpoint)
{
    void *one = fresh ();
    char before[200], after[200];
    size_t size = sizeof before;
    bind_to (one, "tcp://127.0.0.1:*");
    CHECK_OK (zmq_getsockopt (one, ZMQ_LAST_ENDPOINT, before, &size));
    CHECK_ERRNO (zmq_bind (one, "tcp://192.0.2.1:*"), EADDRNOTAVAIL);
    size = sizeof after;
    CHECK_OK (zmq_getsockopt (one, ZMQ_LAST_ENDPOINT, after, &size));
    CHECK_STRING (after, before);
    done (one);
}

TEST (bind_and_connect_on_a_terminated_context_are_eterm)
{
    void *socket = fresh ();
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_ERRNO (zmq_bind (socket, "tcp://127.0.0.1:*"), ETERM);
    CHECK_ERRNO (zmq_connect (socket, "tcp://127.0.0.1:5555"), ETERM);
    CHECK_ERRNO (zmq_unbind (socket, "tcp://127.0.0.1:5555"), ETERM);
    CHECK_ERRNO (zmq_disconnect (socket, "tcp://127.0.0.1:5555"), ETERM);
    //  Even before the endpoint is checked.
    CHECK_ERRNO (zmq_bind (socket, "rubbish"), ETERM);
    done (socket);
}
