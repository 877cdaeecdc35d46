/*  Attempts to connect that the system interrupts, or that it has no peer for:
 *  this program's connect and getpeername replace those of the system.
 */
#define _GNU_SOURCE
#include "monitors.h"
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

/*  This number of calls is interrupted, of which the connection goes on all the same
 *  (as TCP has it) or not; this number reports that there is no peer.  */
static atomic_int interruptions, absences;
static bool goes_on;
/*  Calls of connect.  */
static atomic_int begun;

int connect (int fd, const struct sockaddr *address, socklen_t size)
{
    atomic_fetch_add (&begun, 1);
    if (atomic_fetch_sub (&interruptions, 1) <= 0)
        return (int) syscall (SYS_connect, fd, address, size);
    if (goes_on)
        syscall (SYS_connect, fd, address, size);
    errno = EINTR;
    return -1;
}

int getpeername (int fd, struct sockaddr *address, socklen_t *size)
{
    if (atomic_fetch_sub (&absences, 1) <= 0)
        return (int) syscall (SYS_getpeername, fd, address, size);
    errno = ENOTCONN;
    return -1;
}

/*  Descriptors that were to be forgotten, and were not there any more.  */
static atomic_int forgotten_late;

int epoll_ctl (int poll, int change, int descriptor, struct epoll_event *event)
{
    int done = (int) syscall (SYS_epoll_ctl, poll, change, descriptor, event);
    atomic_fetch_add (&forgotten_late, change == EPOLL_CTL_DEL && done < 0);
    return done;
}

static void expect_connection (const char *transport)
{
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PULL), *client = open_socket (context, ZMQ_PUSH);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    join (server, client, transport);
    send_text (client, "m", 0);
    EXPECT_TEXT (server, "m");
    CHECK (interruptions <= 0);
    FINISH (context, server, client);
    scratch_remove ();
}

WIRE_TEST (an_interrupted_connect_goes_on)
{
    goes_on = true;
    interruptions = 1;
    expect_connection (transport);
}

WIRE_TEST (an_interrupted_connect_is_started_again)
{
    interruptions = 3;
    expect_connection (transport);
}

/*  The I/O thread has others to serve.  */
WIRE_TEST (a_connect_that_is_interrupted_all_the_time_is_tried_again_later)
{
    interruptions = 150;
    expect_connection (transport);
}

/*  A listener that sends nothing first.  */
static int silent_listener (const char *transport, char *endpoint, size_t size)
{
    if (strcmp (transport, "tcp") == 0) {
        int port, listener = plain_listen (&port);
        snprintf (endpoint, size, "tcp://127.0.0.1:%d", port);
        return listener;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket (AF_UNIX, SOCK_STREAM, 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s/silent", scratch_directory ());
    snprintf (endpoint, size, "ipc://%s", address.sun_path);
    CHECK (listener >= 0);
    CHECK_OK (bind (listener, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (listener, 16));
    return listener;
}

/*  Whether a greeting comes before the end of this connection.  */
static bool is_greeted (int fd)
{
    char greeting[10];
    ssize_t got, have = 0;
    struct pollfd ready = {fd, POLLIN, 0};
    CHECK_INT (poll (&ready, 1, PATIENCE_MS), 1);
    while (have < 10 && (got = read (fd, greeting, sizeof greeting)) > 0)
        have += got;
    CHECK_OK (close (fd));
    return have >= 10;
}

WIRE_TEST (a_connection_whose_peer_is_gone_at_once_is_tried_again)
{
    char endpoint[150];
    int listener = silent_listener (transport, endpoint, sizeof endpoint);
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_PUSH);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    absences = 1;
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK (is_greeted (plain_accept (listener)) || is_greeted (plain_accept (listener)));
    FINISH (context, client);
    CHECK_OK (close (listener));
    scratch_remove ();
}

/*  In DIFFERENCES: libzmq takes itself for its peer.  */
TEST (a_connection_to_itself_is_refused_and_leaves_the_port_free)
{
    int port;
    close (plain_listen (&port));
    char endpoint[80];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d;127.0.0.1:%d", port, port);
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    void *reader = watch (context, client, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (client, endpoint));
    EXPECT_EVENT (reader, ZMQ_EVENT_CLOSED, endpoint);
    /*  Without SO_REUSEADDR: nothing may be left of the connection.  */
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons (port),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    int rc = -1;
    /*  The descriptor is closed a moment after the event.  */
    for (int64_t give_up = now_ms () + 1000; rc != 0 && now_ms () < give_up; sleep_ms (1))
        rc = bind (fd, (struct sockaddr *) &address, sizeof address);
    CHECK_OK (rc);
    CHECK_OK (close (fd));
    close_watched (client, reader);
    CHECK_OK (zmq_ctx_term (context));
}

/*  What is forgotten after its end may be another's descriptor by then.  */
TEST (the_descriptor_of_an_attempt_is_forgotten_before_it_is_closed)
{
    void *context = zmq_ctx_new ();
    int port, listener = plain_listen (&port);
    CHECK_OK (close (listener));
    char endpoint[60];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    begun = forgotten_late = 0;
    for (int n = 0; n < 50; n++) {
        void *client = open_socket (context, ZMQ_PUSH);
        set_int (client, ZMQ_RECONNECT_IVL, 1);
        set_int (client, ZMQ_LINGER, 0);
        CHECK_OK (zmq_connect (client, endpoint));
        /*  Some are closed while they are refused, the others between two attempts.  */
        usleep (n * 50);
        CHECK_OK (zmq_close (client));
    }
    CHECK_OK (zmq_ctx_term (context));
    CHECK (atomic_load (&begun) >= 25);
    CHECK_INT (atomic_load (&forgotten_late), 0);
}
