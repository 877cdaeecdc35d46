/*  The same traffic without any library, as the machine's limit: blocking TCP
 *  sockets on 127.0.0.1 (or Unix sockets for --transport ipc).  */
#define _GNU_SOURCE
#include "perf.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
};

static bool over_ipc (void)
{
    return strcmp (settings.transport, "ipc") == 0;
}

static int new_socket (union address *address, socklen_t *length)
{
    int fd = socket (over_ipc () ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    OK (fd);
    memset (address, 0, sizeof *address);
    if (over_ipc ()) {
        address->un.sun_family = AF_UNIX;
        snprintf (address->un.sun_path, sizeof address->un.sun_path, "%s/0",
                  getenv ("PERF_DIR"));
        *length = sizeof address->un;
    } else {
        address->in.sin_family = AF_INET;
        address->in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        *length = sizeof address->in;
    }
    return fd;
}

static int no_delay (int fd)
{
    int on = 1;
    if (!over_ipc ())
        OK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    return fd;
}

static int accept_one (void)
{
    union address address;
    socklen_t length;
    int listener = new_socket (&address, &length);
    OK (bind (listener, &address.any, length));
    OK (listen (listener, 1));
    OK (getsockname (listener, &address.any, &length));
    atomic_store (&shared->value[0], address.in.sin_port);
    atomic_store (&shared->endpoint_known[0], 1);
    int fd = accept (listener, NULL, NULL);
    OK (fd);
    close (listener);
    return no_delay (fd);
}

static int connect_one (void)
{
    union address address;
    socklen_t length;
    while (!atomic_load (&shared->endpoint_known[0]))
        sleep_us (200);
    int fd = new_socket (&address, &length);
    if (!over_ipc ())
        address.in.sin_port = (in_port_t) shared->value[0];
    OK (connect (fd, &address.any, length));
    return no_delay (fd);
}

static void write_all (int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write (fd, data, size);
        OK (n);
        data += n;
        size -= (size_t) n;
    }
}

/*  False at the end of the stream.  */
static bool read_all (int fd, char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = read (fd, data, size);
        OK (n);
        if (n == 0)
            return false;
        data += n;
        size -= (size_t) n;
    }
    return true;
}

static char *new_buffer (size_t size)
{
    char *buffer = calloc (1, size);
    MUST (buffer);
    return buffer;
}

static void echo (int unused)
{
    (void) unused;
    int fd = accept_one ();
    char *buffer = new_buffer (settings.size);
    while (read_all (fd, buffer, settings.size))
        write_all (fd, buffer, settings.size);
    close (fd);
}

static void ping (int unused)
{
    (void) unused;
    struct lane *lane = &shared->lane[0];
    int fd = connect_one ();
    char *buffer = new_buffer (settings.size);
    uint64_t before = now_ns ();
    for (unsigned long n = 0; goes_on (n);) {
        write_all (fd, buffer, settings.size);
        MUST (read_all (fd, buffer, settings.size));
        uint64_t after = now_ns ();
        if (phase () == MEASURE)
            add_sample (lane, after - before);
        before = after;
        set_count (&lane->done, ++n);
    }
    close (fd);
}

void bare_latency (void)
{
    spawn (echo, 0, true);
    spawn (ping, 0, true);
    struct outcome out = take_window (1);
    report_start ("bare-latency %s %zu", settings.transport, settings.size);
    report_latency (1, true);
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/roundtrip");
    report ("mean", out.seconds / (double) out.done * 0.5e6, "us");
    report ("rate", (double) out.done / out.seconds, "roundtrip/s");
    report_end ();
}

/*  The buffer of one read or write: --peers KiB.  */
static size_t buffer_size (void)
{
    return (size_t) settings.peers * 1024;
}

static void drain (int unused)
{
    (void) unused;
    struct lane *lane = &shared->lane[0];
    int fd = accept_one ();
    char *buffer = new_buffer (buffer_size ());
    unsigned long bytes = 0;
    for (ssize_t n; (n = read (fd, buffer, buffer_size ())) != 0;) {
        OK (n);
        set_count (&lane->done, (bytes += (unsigned long) n) / settings.size);
    }
    close (fd);
}

static void fill (int unused)
{
    (void) unused;
    int fd = connect_one ();
    char *buffer = new_buffer (buffer_size ());
    for (size_t sent = 0; goes_on (sent / settings.size);
         sent += buffer_size ())
        write_all (fd, buffer, buffer_size ());
    close (fd);
}

void bare_throughput (void)
{
    MUST (settings.size > 0);
    spawn (drain, 0, true);
    spawn (fill, 0, true);
    struct outcome out = take_window (1);
    double rate = (double) out.done / out.seconds;
    report_start ("bare-throughput %s %zu %zu", settings.transport,
                  settings.size, buffer_size ());
    report ("rate", rate, "msg/s");
    report ("bandwidth", rate * (double) settings.size * 1e-6, "MB/s");
    report ("cpu", out.cpu / (double) out.done * 1e6, "us/msg");
    report_end ();
}
