/*  Large buffers given to zmq_send: they are the application's again when it
 *  returns, and what was sent comes whole and in order.  */
#include "monitors.h"
#include "peers.h"

#include <sys/mman.h>
#include <sys/resource.h>

#define LARGEST (3u << 20)

/*  What the n-th message of a test carries.  */
static void stamp (unsigned char *buffer, size_t size, int n)
{
    memset (buffer, 'A' + n % 50, size);
    if (size > 0)
        buffer[size - 1] = (unsigned char) n;
}

static void check_stamped (void *socket, size_t size, int n, int more)
{
    static unsigned char wanted[LARGEST];
    zmq_msg_t message;
    stamp (wanted, size, n);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, socket, 0), size);
    CHECK (memcmp (zmq_msg_data (&message), wanted, size) == 0);
    CHECK_INT (zmq_msg_more (&message), more);
    CHECK_OK (zmq_msg_close (&message));
}

static const size_t sizes[] = {700000, 10, 2000000, 0, 524288, 524287, 100000, LARGEST, 600000, 1};
#define SIZES ((int) (sizeof sizes / sizeof *sizes))

static void send_and_overwrite (void *socket, int n)
{
    static unsigned char buffer[LARGEST];
    size_t size = sizes[n % SIZES];
    stamp (buffer, size, n);
    CHECK_INT (zmq_send (socket, buffer, size, 0), size);
    memset (buffer, 0xEE, size);
}

#define ROUNDS 10

static void *receive_all (void *socket)
{
    for (int n = 0; n < ROUNDS * SIZES; n++)
        check_stamped (socket, sizes[n % SIZES], n, 0);
    return NULL;
}

WIRE_TEST (buffers_are_the_senders_again_while_the_peer_reads)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
    pthread_t receiver = start_thread (receive_all, pull);
    for (int n = 0; n < ROUNDS * SIZES; n++)
        send_and_overwrite (push, n);
    end_thread (receiver);
    FINISH (context, push, pull);
}

WIRE_TEST (buffers_are_the_senders_again_before_the_peer_reads)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    set_int (pull, ZMQ_RCVHWM, 1);
    join (pull, push, transport);
    for (int n = 0; n < SIZES; n++)
        send_and_overwrite (push, n);
    for (int n = 0; n < SIZES; n++)
        check_stamped (pull, sizes[n], n, 0);
    FINISH (context, push, pull);
}

WIRE_TEST (large_buffers_that_are_refused_are_not_sent)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 1);
    static unsigned char buffer[LARGEST];
    int sent = 0;
    for (int64_t refused = 0; refused == 0 || now_ms () - refused < SETTLE_MS;) {
        stamp (buffer, LARGEST, sent);
        if (zmq_send (push, buffer, LARGEST, ZMQ_DONTWAIT) == (int) LARGEST) {
            sent++;
            refused = 0;
        } else {
            CHECK_INT (zmq_errno (), EAGAIN);
            refused = refused ? refused : now_ms ();
        }
        CHECK (sent < 100);
    }
    CHECK (sent > 0);
    for (int n = 0; n < sent; n++)
        check_stamped (pull, LARGEST, n, 0);
    EXPECT_NOTHING (pull);
    FINISH (context, push, pull);
}

WIRE_TEST (large_parts_stay_with_their_message)
{
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER), *pull = open_socket (context, ZMQ_DEALER);
    join (pull, dealer, transport);
    static unsigned char buffer[LARGEST];
    for (int n = 0; n < 20; n++) {
        stamp (buffer, 5, n);
        CHECK_INT (zmq_send (dealer, buffer, 5, ZMQ_SNDMORE), 5);
        stamp (buffer, 800000, n);
        CHECK_INT (zmq_send (dealer, buffer, 800000, n % 2 ? ZMQ_SNDMORE : 0), 800000);
        if (n % 2) {
            stamp (buffer, 900000, n);
            CHECK_INT (zmq_send (dealer, buffer, 900000, 0), 900000);
        }
        check_stamped (pull, 5, n, 1);
        check_stamped (pull, 800000, n, n % 2);
        if (n % 2)
            check_stamped (pull, 900000, n, 0);
    }
    FINISH (context, dealer, pull);
}

WIRE_TEST (large_buffers_go_to_the_peers_in_turn)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    void *one = open_socket (context, ZMQ_PULL), *two = open_socket (context, ZMQ_PULL);
    const char *endpoint = join (push, one, transport);
    CHECK_OK (zmq_connect (two, endpoint));
    //  Until both are served.
    bool known[2] = {false, false};
    while (!known[0] || !known[1]) {
        send_text (push, "?", 0);
        wait_events (push, ZMQ_POLLOUT);
        zmq_pollitem_t items[] = {{one, 0, ZMQ_POLLIN, 0}, {two, 0, ZMQ_POLLIN, 0}};
        CHECK (zmq_poll (items, 2, PATIENCE_MS) > 0);
        for (int i = 0; i < 2; i++)
            while (zmq_recv (i ? two : one, NULL, 0, ZMQ_DONTWAIT) != -1)
                known[i] = true;
    }
    int count[2] = {0, 0};
    static unsigned char buffer[600000];
    for (int n = 0; n < 8; n++)
        CHECK_INT (zmq_send (push, buffer, sizeof buffer, 0), sizeof buffer);
    for (int n = 0; n < 8;) {
        zmq_pollitem_t items[] = {{one, 0, ZMQ_POLLIN, 0}, {two, 0, ZMQ_POLLIN, 0}};
        CHECK (zmq_poll (items, 2, PATIENCE_MS) > 0);
        for (int i = 0; i < 2; i++)
            while (zmq_recv (i ? two : one, NULL, 0, ZMQ_DONTWAIT) == (int) sizeof buffer) {
                count[i]++;
                n++;
            }
    }
    CHECK_INT (count[0], 4);
    CHECK_INT (count[1], 4);
    FINISH (context, push, one, two);
}

/*  A peer goes in the middle of a large message: the next one gets whole ones.  */
TEST (a_large_message_that_was_cut_short_does_not_spoil_the_next_connection)
{
    static unsigned char buffer[LARGEST];
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    set_int (push, ZMQ_RECONNECT_IVL, 10);
    set_int (pull, ZMQ_RCVBUF, 65536);
    set_int (pull, ZMQ_RCVHWM, 1);
    const char *endpoint = join (pull, push, "tcp");
    for (int n = 0; n < 4; n++) {
        stamp (buffer, LARGEST, n);
        CHECK_INT (zmq_send (push, buffer, LARGEST, 0), LARGEST);
    }
    check_stamped (pull, LARGEST, 0, 0);
    CHECK_OK (zmq_close (pull));
    pull = open_socket (context, ZMQ_PULL);
    int64_t end = now_ms () + PATIENCE_MS;
    while (zmq_bind (pull, endpoint) == -1)
        CHECK (zmq_errno () == EADDRINUSE && now_ms () < end);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    //  What was on its way is lost, and the first to be sent may still be: zmq_close returns
    //  before the connection has ended.
    set_int (pull, ZMQ_RCVTIMEO, SETTLE_MS);
    for (int n = -1, next = 4; n < 4;) {
        if (zmq_msg_recv (&message, pull, 0) == -1) {
            CHECK (zmq_errno () == EAGAIN && now_ms () < end);
            stamp (buffer, LARGEST, next++);
            CHECK_INT (zmq_send (push, buffer, LARGEST, 0), LARGEST);
            continue;
        }
        CHECK_INT (zmq_msg_size (&message), LARGEST);
        unsigned char *data = zmq_msg_data (&message);
        CHECK (data[LARGEST - 1] > n);
        n = data[LARGEST - 1];
        stamp (buffer, LARGEST, n);
        CHECK (memcmp (data, buffer, LARGEST) == 0);
    }
    CHECK_OK (zmq_msg_close (&message));
    FINISH (context, push, pull);
}

/*  Reads until these bytes have come.  */
static void plain_read_past (int fd, const char *bytes, size_t size)
{
    char last[16] = "";
    for (size_t have = 0; have < size || memcmp (last, bytes, size) != 0; have++) {
        CHECK (have < 1000);
        if (have >= size)
            memmove (last, last + 1, size - 1);
        plain_read (fd, last + (have < size ? have : size - 1), 1);
    }
}

/*  The next frame has this header and a stamped body.  */
static void expect_frame (int fd, const char *header, size_t header_size, size_t size, int n)
{
    static unsigned char wanted[LARGEST], got[LARGEST];
    char got_header[16];
    stamp (wanted, size, n);
    plain_read (fd, got_header, header_size);
    CHECK (memcmp (got_header, header, header_size) == 0);
    plain_read (fd, got, size);
    CHECK (memcmp (got, wanted, size) == 0);
}

/*  On the wire: whole, and with a rest that waits for the peer to read.  */
TEST (large_buffers_to_peers_of_old_versions)
{
    static const struct {
        const char *greeting, *hi, *header, *larger;
        size_t greeting_size, header_size;
    } versions[] = {
      {"\x01", "\3\0hi", "\xFF\0\0\0\0\0\x08\0\x01", "\xFF\0\0\0\0\0\x30\0\x01", 2, 10},
      {"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x07\0", "\0\2hi", "\2\0\0\0\0\0\x08\0",
       "\2\0\0\0\0\0\x30\0", 14, 9},
    };
    static unsigned char buffer[LARGEST];
    for (int v = 0; v < 2; v++) {
        void *context = zmq_ctx_new (), *push = open_socket (context, ZMQ_PUSH);
        int fd = socket (AF_INET, SOCK_STREAM, 0), little = 65536;
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
        address.sin_port = htons (port_of (bind_to (push, fresh ("tcp"))));
        plain_bounded (fd);
        CHECK_OK (setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little));
        CHECK_OK (connect (fd, (struct sockaddr *) &address, sizeof address));
        plain_write (fd, versions[v].greeting, versions[v].greeting_size);
        send_text (push, "hi", 0);
        plain_read_past (fd, versions[v].hi, 4);
        static const size_t sent_sizes[] = {524288, LARGEST, LARGEST, 524288};
        for (int n = 0; n < 4; n++) {
            stamp (buffer, sent_sizes[n], n);
            CHECK_INT (zmq_send (push, buffer, sent_sizes[n], 0), sent_sizes[n]);
            memset (buffer, 0xEE, sizeof buffer);
        }
        for (int n = 0; n < 4; n++) {
            size_t size = sent_sizes[n];
            expect_frame (fd, size == LARGEST ? versions[v].larger : versions[v].header,
                          versions[v].header_size, size, n);
        }
        CHECK_OK (close (fd));
        FINISH (context, push);
    }
}

#define BEYOND_MEMORY ((size_t) 256 << 20)

/*  Memory for what the kernel does not take is had before anything is written.  */
WIRE_TEST (without_memory_for_a_copy_nothing_is_sent_and_the_connection_stays)
{
    void *push, *pull, *context = open_pipeline (&push, &pull, transport, 0);
    send_text (push, "before", 0);
    EXPECT_TEXT (pull, "before");
    void *reader = watch (context, push, ZMQ_EVENT_DISCONNECTED);
    void *buffer = mmap (NULL, BEYOND_MEMORY, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK (buffer != MAP_FAILED);
    struct rlimit all, less;
    long pages, size = sysconf (_SC_PAGESIZE);
    FILE *used = fopen ("/proc/self/statm", "r");
    CHECK (used != NULL);
    CHECK_INT (fscanf (used, "%ld", &pages), 1);
    fclose (used);
    CHECK_OK (getrlimit (RLIMIT_AS, &all));
    less = all;
    less.rlim_cur = (rlim_t) (pages * size) + BEYOND_MEMORY / 4;
    CHECK_OK (setrlimit (RLIMIT_AS, &less));
    CHECK_ERRNO (zmq_send (push, buffer, BEYOND_MEMORY, 0), ENOMEM);
    CHECK_OK (setrlimit (RLIMIT_AS, &all));
    send_text (push, "after", 0);
    EXPECT_TEXT (pull, "after");
    EXPECT_NO_EVENT (reader);
    CHECK_OK (munmap (buffer, BEYOND_MEMORY));
    FINISH (context, push, pull, reader);
}
