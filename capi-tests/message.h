/*  What the tests of messages share: filled messages, counted free functions,
 *  a connected pair.  */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "harness.h"
#include <pthread.h>
#include <stdatomic.h>

/*  Sizes around every limit that an implementation may have: inline storage,
 *  length encoded in one byte, read buffers.  */
static const size_t sizes[] = {0,  1,  2,  8,   16,  28,  29,  30,   31,   32,   33,   34,    35,
                               47, 48, 49, 63,  64,  65,  127, 128,  254,  255,  256,  257,   1000,
                               4096, 8191, 8192, 8193, 16384, 65535, 65536, 65537, 1000000};
#define SIZES (sizeof sizes / sizeof *sizes)

static inline unsigned char pattern (size_t size, size_t at)
{
    return (unsigned char) (at * 7 + size + (at >> 8));
}

static inline void fill (void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *) data)[i] = pattern (size, i);
}

static inline void check_filled (const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *) data)[i] != pattern (size, i))
            harness_fail (__FILE__, __LINE__, "byte %zu of %zu is wrong", i, size);
}

static inline void init_filled (zmq_msg_t *message, size_t size)
{
    CHECK_OK (zmq_msg_init_size (message, size));
    fill (zmq_msg_data (message), size);
}

static inline void init_text (zmq_msg_t *message, const char *text)
{
    CHECK_OK (zmq_msg_init_size (message, strlen (text)));
    memcpy (zmq_msg_data (message), text, strlen (text));
}

static inline void check_text (zmq_msg_t *message, const char *text)
{
    CHECK_INT (zmq_msg_size (message), strlen (text));
    CHECK (memcmp (zmq_msg_data (message), text, strlen (text)) == 0);
}

/*  Counts the calls of a free function and remembers the last one.  */
typedef struct {
    atomic_int calls;
    _Atomic (void *) data;
    atomic_ulong thread;
} freed;

static inline void count_free (void *data, void *hint)
{
    freed *record = hint;
    atomic_store (&record->data, data);
    atomic_store (&record->thread, (unsigned long) pthread_self ());
    atomic_fetch_add (&record->calls, 1);
}

static inline void wait_freed (freed *record, int calls)
{
    for (int64_t end = now_ms () + PATIENCE_MS; atomic_load (&record->calls) < calls && now_ms () < end;)
        sleep_ms (1);
    CHECK_INT (atomic_load (&record->calls), calls);
}

static inline void open_pair (void **context, void **one, void **two, const char *transport)
{
    *context = zmq_ctx_new ();
    *one = open_socket (*context, ZMQ_PAIR);
    *two = open_socket (*context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (*two, bind_to (*one, wildcard (transport))));
}

static inline void close_pair (void *context, void *one, void *two)
{
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

#endif
