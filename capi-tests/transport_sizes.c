/*  Messages of every awkward size, echoed and compared byte by byte.  */
#include "peers.h"

static void fill_pattern (char *data, size_t size, unsigned seed)
{
    for (size_t n = 0; n < size; n++)
        data[n] = (char) ((n * 31 + seed * 17 + (n >> 8)) & 0xff);
}

/*  DEALER and DEALER, one in each direction, so that echoes need no ids.  */
static void open_echo (void **context, void **here, void **there, const char *transport)
{
    *context = zmq_ctx_new ();
    *here = open_socket (*context, ZMQ_DEALER);
    *there = open_socket (*context, ZMQ_DEALER);
    join (*there, *here, transport);
}

static void pass (void *from, void *to, const char *data, size_t size)
{
    zmq_msg_t message;
    CHECK_INT (zmq_send (from, data, size, 0), size);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, to, 0), size);
    CHECK_INT (zmq_msg_size (&message), size);
    CHECK (memcmp (zmq_msg_data (&message), data, size) == 0);
    CHECK_OK (zmq_msg_close (&message));
}

TRANSPORT_TEST (each_size_to_three_hundred)
{
    void *context, *here, *there;
    char data[300];
    open_echo (&context, &here, &there, transport);
    for (size_t size = 0; size <= sizeof data; size++) {
        fill_pattern (data, size, (unsigned) size);
        pass (here, there, data, size);
        pass (there, here, data, size);
    }
    FINISH (context, here, there);
}

TRANSPORT_TEST (around_the_buffers)
{
    static const size_t sizes[] = {511,   512,   513,   1023,  1024,   1025,   4095,  4096, 4097,
                                   8183,  8190,  8191,  8192,  8193,   8201,   16384, 32767, 65526,
                                   65535, 65536, 65537, 65545, 131071, 131073, 1 << 20};
    static char data[1 << 20];
    void *context, *here, *there;
    open_echo (&context, &here, &there, transport);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        fill_pattern (data, sizes[n], (unsigned) n);
        pass (here, there, data, sizes[n]);
        pass (there, here, data, sizes[n]);
    }
    FINISH (context, here, there);
}

/*  The same without waiting for each: sizes mixed in one stream.  */
TRANSPORT_TEST (mixed_sizes_in_one_stream)
{
    static const size_t sizes[] = {0, 1, 33, 34, 255, 256, 8192, 3, 65536, 0, 100000, 29, 8191};
    enum { COUNT = sizeof sizes / sizeof *sizes, ROUNDS = 20 };
    static char data[100000];
    void *context, *here, *there;
    open_echo (&context, &here, &there, transport);
    for (int n = 0; n < COUNT * ROUNDS; n++) {
        fill_pattern (data, sizes[n % COUNT], (unsigned) n);
        CHECK_INT (zmq_send (here, data, sizes[n % COUNT], n % 3 == 2 ? 0 : ZMQ_SNDMORE),
                   sizes[n % COUNT]);
    }
    CHECK_INT (zmq_send (here, "", 0, 0), 0);
    for (int n = 0; n < COUNT * ROUNDS; n++) {
        zmq_msg_t part;
        CHECK_OK (zmq_msg_init (&part));
        CHECK_INT (zmq_msg_recv (&part, there, 0), sizes[n % COUNT]);
        CHECK_INT (zmq_msg_more (&part), n % 3 != 2);
        fill_pattern (data, sizes[n % COUNT], (unsigned) n);
        CHECK (memcmp (zmq_msg_data (&part), data, sizes[n % COUNT]) == 0);
        CHECK_OK (zmq_msg_close (&part));
    }
    FINISH (context, here, there);
}

/*  Bodies that are longer than a buffer, one behind the other and among short ones.  */
static const size_t among[] = {70000, 70000, 1, 200000, 0, 65537, 65536, 300, 90000, 255,
                               16385, 16384, 66000, 257, 254, 100000, 20000, 2, 80000, 80000};
#define AMONG (sizeof among / sizeof *among)

static void expect_among (void *socket, int rounds)
{
    static char data[200000];
    for (unsigned n = 0; n < AMONG * rounds; n++) {
        zmq_msg_t part;
        CHECK_OK (zmq_msg_init (&part));
        CHECK_INT (zmq_msg_recv (&part, socket, 0), among[n % AMONG]);
        CHECK_INT (zmq_msg_more (&part), n % 4 != 3);
        fill_pattern (data, among[n % AMONG], n);
        CHECK (memcmp (zmq_msg_data (&part), data, among[n % AMONG]) == 0);
        CHECK_OK (zmq_msg_close (&part));
    }
}

static void long_among_short (const char *transport, bool curve)
{
    static char data[200000];
    void *context, *here, *there;
    context = zmq_ctx_new ();
    here = open_socket (context, ZMQ_DEALER);
    there = open_socket (context, ZMQ_DEALER);
    set_int (here, ZMQ_SNDHWM, 0);
    zmq_setsockopt (there, ZMQ_MAXMSGSIZE, &(int64_t){250000}, sizeof (int64_t));
    if (curve) {
        char public[41], secret[41];
        CHECK_OK (zmq_curve_keypair (public, secret));
        set_int (there, ZMQ_CURVE_SERVER, 1);
        CHECK_OK (zmq_setsockopt (there, ZMQ_CURVE_SECRETKEY, secret, 41));
        CHECK_OK (zmq_setsockopt (here, ZMQ_CURVE_SERVERKEY, public, 41));
        CHECK_OK (zmq_setsockopt (here, ZMQ_CURVE_PUBLICKEY, public, 41));
        CHECK_OK (zmq_setsockopt (here, ZMQ_CURVE_SECRETKEY, secret, 41));
    }
    join (there, here, transport);
    for (unsigned n = 0; n < AMONG * 10; n++) {
        fill_pattern (data, among[n % AMONG], n);
        CHECK_INT (zmq_send (here, data, among[n % AMONG], n % 4 == 3 ? 0 : ZMQ_SNDMORE),
                   among[n % AMONG]);
    }
    expect_among (there, 10);
    FINISH (context, here, there);
}

WIRE_TEST (long_bodies_among_short_ones)
{
    long_among_short (transport, false);
}

WIRE_TEST (long_bodies_among_short_ones_with_curve)
{
    long_among_short (transport, true);
}

/*  A plain peer that has done the handshake of a DEALER of ZMTP 3.0.  */
static int plain_dealer (const char *endpoint)
{
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";
    static const char ready[] = "\4\x1c\5READY\vSocket-Type\0\0\0\6DEALER";
    char got[64], size[2], body[255];
    int fd = plain_connect (port_of (endpoint));
    plain_write (fd, greeting, sizeof greeting);
    plain_read (fd, got, sizeof got);
    plain_write (fd, ready, sizeof ready - 1);
    plain_read (fd, size, sizeof size);
    plain_read (fd, body, (unsigned char) size[1]);
    return fd;
}

/*  The frames of ZMTP 3; returns how many bytes they are.  */
static size_t encode_among (unsigned char *to)
{
    unsigned char *at = to;
    for (unsigned n = 0; n < AMONG; n++) {
        size_t size = among[n];
        bool is_long = size > 255;
        *at++ = (unsigned char) ((n % 4 != 3) + 2 * is_long);
        for (int shift = is_long ? 56 : 0; shift >= 0; shift -= 8)
            *at++ = (unsigned char) ((uint64_t) size >> shift);
        fill_pattern ((char *) at, size, n);
        at += size;
    }
    return (size_t) (at - to);
}

/*  Wherever the stream is split: in single bytes around each change of frame too.  */
TEST (long_bodies_among_short_ones_in_pieces_of_any_size)
{
    static unsigned char stream[1200000];
    static const size_t pieces[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7, 246, 255, 256, 257, 65280, 4096};
    size_t size = encode_among (stream);
    CHECK (size <= sizeof stream);
    for (unsigned first = 0; first < sizeof pieces / sizeof *pieces; first += 3) {
        void *context = zmq_ctx_new ();
        void *socket = open_socket (context, ZMQ_DEALER);
        int fd = plain_dealer (bind_to (socket, wildcard ("tcp")));
        CHECK_OK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof (int)));
        unsigned n = first;
        for (size_t sent = 0, piece; sent < size; sent += piece, n++) {
            piece = pieces[n % (sizeof pieces / sizeof *pieces)];
            piece = piece < size - sent ? piece : size - sent;
            plain_write (fd, stream + sent, piece);
        }
        expect_among (socket, 1);
        CHECK_OK (close (fd));
        FINISH (context, socket);
    }
}

TRANSPORT_TEST (ten_thousand_parts)
{
    void *context, *here, *there;
    open_echo (&context, &here, &there, transport);
    set_int (here, ZMQ_SNDHWM, 0);
    for (int n = 0; n < 10000; n++)
        CHECK_INT (zmq_send (here, &n, sizeof n, n < 9999 ? ZMQ_SNDMORE : 0), sizeof n);
    for (int n = 0; n < 10000; n++) {
        int got = -1;
        CHECK_INT (zmq_recv (there, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
        CHECK_INT (get_int (there, ZMQ_RCVMORE), n < 9999);
    }
    FINISH (context, here, there);
}

TRANSPORT_TEST (fifty_thousand_small_messages)
{
    void *context, *here, *there;
    open_echo (&context, &here, &there, transport);
    for (int block = 0; block < 100; block++) {
        for (int n = 0; n < 500; n++)
            CHECK_INT (zmq_send (here, &n, sizeof n, 0), sizeof n);
        for (int n = 0; n < 500; n++) {
            int got = -1;
            CHECK_INT (zmq_recv (there, &got, sizeof got, 0), sizeof got);
            CHECK_INT (got, n);
        }
    }
    FINISH (context, here, there);
}

static void free_block (void *data, void *hint)
{
    (void) hint;
    free (data);
}

/*  A hundred megabytes, without copies where the API allows.  */
TRANSPORT_TEST (a_hundred_megabytes)
{
    const size_t size = 100 * 1000 * 1000;
    void *context, *here, *there;
    open_echo (&context, &here, &there, transport);
    set_int (here, ZMQ_SNDTIMEO, -1);
    set_int (there, ZMQ_RCVTIMEO, 50000);
    char *data = malloc (size);
    CHECK (data != NULL);
    for (size_t n = 0; n < size; n += 4096)
        memset (data + n, (int) (n / 4096), size - n < 4096 ? size - n : 4096);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, data, size, free_block, NULL));
    CHECK_INT (zmq_msg_send (&message, here, 0), size);
    send_text (here, "after", 0);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, there, 0), size);
    const char *got = zmq_msg_data (&message);
    for (size_t n = 0; n < size; n += 1024)
        if (got[n] != (char) (n / 4096))
            CHECK_INT (got[n], (char) (n / 4096));
    CHECK_INT (got[size - 1], (char) ((size - 1) / 4096));
    CHECK_OK (zmq_msg_close (&message));
    EXPECT_TEXT (there, "after");
    FINISH (context, here, there);
}
