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
