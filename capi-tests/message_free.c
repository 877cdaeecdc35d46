/*  Messages of memory that belongs to the user: the free function runs exactly
 *  once, wherever the last reference goes.  */
#include "message.h"

TEST (msg_init_data_refers_to_the_users_memory_and_frees_it_once)
{
    static freed record;
    static char bytes[] = "the user's own memory";
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK (zmq_msg_data (&message) == bytes);
    CHECK_INT (zmq_msg_size (&message), sizeof bytes);
    CHECK_INT (atomic_load (&record.calls), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (atomic_load (&record.calls), 1);
    CHECK (atomic_load (&record.data) == bytes);
    CHECK_ERRNO (zmq_msg_close (&message), EFAULT);
    CHECK_INT (atomic_load (&record.calls), 1);
}

TEST (msg_init_data_frees_a_single_byte_and_even_nothing)
{
    static freed record;
    static char byte;
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, &byte, 1, count_free, &record));
    CHECK (zmq_msg_data (&message) == &byte);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (atomic_load (&record.calls), 1);
    CHECK_OK (zmq_msg_init_data (&message, &byte, 0, count_free, &record));
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (atomic_load (&record.calls), 2);
}

TEST (msg_init_data_of_null_and_zero_bytes_calls_the_free_function_with_null)
{
    static freed record;
    zmq_msg_t message;
    atomic_store (&record.data, &record);
    CHECK_OK (zmq_msg_init_data (&message, NULL, 0, count_free, &record));
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (atomic_load (&record.calls), 1);
    CHECK (atomic_load (&record.data) == NULL);
}

TEST (msg_init_data_without_a_free_function_is_constant_and_never_freed)
{
    static char bytes[] = "constant";
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, NULL, NULL));
    CHECK (zmq_msg_data (&message) == bytes);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_STRING (bytes, "constant");
    CHECK_OK (zmq_msg_init_data (&message, NULL, 0, NULL, NULL));
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (msg_shared_is_true_for_constant_data_and_false_for_data_with_a_free_function)
{
    static freed record;
    static char bytes[10];
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, NULL, NULL));
    CHECK_INT (zmq_msg_get (&message, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_get (&message, ZMQ_SHARED), 0);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (the_free_function_runs_when_the_last_copy_is_closed)
{
    static freed record;
    static char bytes[5];
    zmq_msg_t first, second, third;
    CHECK_OK (zmq_msg_init_data (&first, bytes, sizeof bytes, count_free, &record));
    CHECK_OK (zmq_msg_init (&second));
    CHECK_OK (zmq_msg_init (&third));
    CHECK_OK (zmq_msg_copy (&second, &first));
    CHECK_OK (zmq_msg_copy (&third, &second));
    CHECK (zmq_msg_data (&third) == bytes);
    CHECK_INT (zmq_msg_get (&first, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_close (&first));
    CHECK_OK (zmq_msg_close (&third));
    CHECK_INT (atomic_load (&record.calls), 0);
    CHECK_OK (zmq_msg_close (&second));
    CHECK_INT (atomic_load (&record.calls), 1);
}

TEST (moving_keeps_the_free_function_with_the_content)
{
    static freed record;
    static char bytes[500];
    zmq_msg_t from, to;
    CHECK_OK (zmq_msg_init_data (&from, bytes, sizeof bytes, count_free, &record));
    CHECK_OK (zmq_msg_init (&to));
    CHECK_OK (zmq_msg_move (&to, &from));
    CHECK_OK (zmq_msg_close (&from));
    CHECK_INT (atomic_load (&record.calls), 0);
    CHECK_OK (zmq_msg_close (&to));
    CHECK_INT (atomic_load (&record.calls), 1);
}

static void *close_copy (void *message)
{
    CHECK_OK (zmq_msg_close (message));
    return NULL;
}

TEST (the_free_function_runs_once_when_copies_are_closed_on_many_threads)
{
    for (int round = 0; round < 50; round++) {
        freed record = {0};
        static char bytes[100];
        zmq_msg_t original, copies[4];
        pthread_t threads[4];
        CHECK_OK (zmq_msg_init_data (&original, bytes, sizeof bytes, count_free, &record));
        for (int i = 0; i < 4; i++) {
            CHECK_OK (zmq_msg_init (&copies[i]));
            CHECK_OK (zmq_msg_copy (&copies[i], &original));
        }
        CHECK_OK (zmq_msg_close (&original));
        for (int i = 0; i < 4; i++)
            CHECK_OK (pthread_create (&threads[i], NULL, close_copy, &copies[i]));
        for (int i = 0; i < 4; i++)
            CHECK_OK (pthread_join (threads[i], NULL));
        CHECK_INT (atomic_load (&record.calls), 1);
    }
}

/*  Sends the user's memory over a transport: freed once the bytes are gone.  */
static void send_users_memory (const char *transport, size_t size)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, transport);
    freed record = {0};
    char *bytes = malloc (size);
    fill (bytes, size);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, size, count_free, &record));
    CHECK_INT (zmq_msg_send (&message, two, 0), size);
    zmq_msg_t received;
    CHECK_OK (zmq_msg_init (&received));
    CHECK_INT (zmq_msg_recv (&received, one, 0), size);
    check_filled (zmq_msg_data (&received), size);
    CHECK_OK (zmq_msg_close (&received));
    wait_freed (&record, 1);
    CHECK (atomic_load (&record.data) == bytes);
    close_pair (context, one, two);
    CHECK_INT (atomic_load (&record.calls), 1);
    free (bytes);
}

TEST (the_free_function_runs_once_after_sending_over_inproc)
{
    send_users_memory ("inproc", 20);
    send_users_memory ("inproc", 100000);
}

TEST (the_free_function_runs_once_after_sending_over_tcp)
{
    send_users_memory ("tcp", 20);
    send_users_memory ("tcp", 300);
    send_users_memory ("tcp", 1000000);
}

TEST (the_free_function_runs_once_after_sending_over_ipc)
{
    send_users_memory ("ipc", 20);
    send_users_memory ("ipc", 1000000);
}

TEST (inproc_hands_the_users_memory_over_without_copying)
{
    static freed record;
    static char bytes[1000];
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    zmq_msg_t message, received;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_send (&message, two, 0), sizeof bytes);
    CHECK_OK (zmq_msg_init (&received));
    CHECK_INT (zmq_msg_recv (&received, one, 0), sizeof bytes);
    CHECK (zmq_msg_data (&received) == bytes);
    CHECK_INT (atomic_load (&record.calls), 0);
    CHECK_OK (zmq_msg_close (&received));
    CHECK_INT (atomic_load (&record.calls), 1);
    close_pair (context, one, two);
}

TEST (the_free_function_runs_when_the_socket_is_closed_with_the_message_unsent)
{
    static freed record;
    static char bytes[1000];
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "ipc://@nobody-there-free"));
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_send (&message, push, 0), sizeof bytes);
    CHECK_INT (atomic_load (&record.calls), 0);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (atomic_load (&record.calls), 1);
}

/*  Frees, and counts those that ran on the thread of the test.  */
static atomic_int frees, frees_here;
static pthread_t here;

static void note_thread (void *data, void *hint)
{
    (void) hint;
    free (data);
    atomic_fetch_add (&frees_here, pthread_equal (pthread_self (), here) != 0);
    atomic_fetch_add (&frees, 1);
}

static void *close_soon (void *server)
{
    /*  The other thread waits by then, not for the first time: it serves its connections itself.
        If not, the test has less to find.  */
    sleep_ms (100);
    set_int (server, ZMQ_LINGER, 0);
    CHECK_OK (zmq_close (server));
    return NULL;
}

/*  It may want locks that the caller holds: it never runs in the middle of a call that waits,
    nor in one that closes.  */
TEST (the_free_function_runs_on_another_thread_when_a_peer_goes_with_messages_unsent)
{
    enum { SIZE = 1000000 };
    here = pthread_self ();
    void *there = zmq_ctx_new (), *context = zmq_ctx_new ();
    void *server = open_socket (there, ZMQ_DEALER);
    void *client = open_socket (context, ZMQ_DEALER);
    set_int (server, ZMQ_RCVHWM, 1);
    set_int (client, ZMQ_RECONNECT_IVL, 60000);
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    send_text (client, "x", 0);
    EXPECT_PART (server, "x", 0);
    for (int i = 0; i < 30; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_data (&message, calloc (1, SIZE), SIZE, note_thread, NULL));
        CHECK_INT (zmq_msg_send (&message, client, 0), SIZE);
    }
    pthread_t closing;
    CHECK_OK (pthread_create (&closing, NULL, close_soon, server));
    char byte;
    set_int (client, ZMQ_RCVTIMEO, 30);
    for (int i = 0; i < 8; i++)
        CHECK_ERRNO (zmq_recv (client, &byte, 1, 0), EAGAIN);
    CHECK (atomic_load (&frees) > 0);
    CHECK_OK (pthread_join (closing, NULL));
    CHECK_OK (zmq_ctx_term (there));
    set_int (client, ZMQ_LINGER, 0);
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (atomic_load (&frees), 30);
    CHECK_INT (atomic_load (&frees_here), 0);
}

TEST (the_free_function_runs_when_a_received_message_is_never_fetched)
{
    static freed record;
    static char bytes[1000];
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_send (&message, two, 0), sizeof bytes);
    close_pair (context, one, two);
    CHECK_INT (atomic_load (&record.calls), 1);
}

TEST (the_free_function_runs_when_a_publisher_without_subscribers_drops_the_message)
{
    static freed record;
    static char bytes[1000];
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_PUB);
    bind_to (pub, "tcp://127.0.0.1:*");
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_send (&message, pub, 0), sizeof bytes);
    wait_freed (&record, 1);
    CHECK_OK (zmq_close (pub));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (atomic_load (&record.calls), 1);
}

TEST (the_free_function_runs_once_when_a_message_goes_to_many_subscribers)
{
    static freed record;
    static char bytes[1000];
    void *context = zmq_ctx_new ();
    void *pub = open_socket (context, ZMQ_XPUB), *subs[4];
    set_int (pub, ZMQ_XPUB_VERBOSE, 1);
    CHECK_OK (zmq_bind (pub, "inproc://many"));
    const char *tcp = bind_to (pub, "tcp://127.0.0.1:*");
    for (int i = 0; i < 4; i++) {
        subs[i] = open_socket (context, ZMQ_SUB);
        CHECK_OK (zmq_setsockopt (subs[i], ZMQ_SUBSCRIBE, "", 0));
        CHECK_OK (zmq_connect (subs[i], i % 2 ? "inproc://many" : tcp));
        char subscription[4];
        CHECK_INT (zmq_recv (pub, subscription, sizeof subscription, 0), 1);
    }
    fill (bytes, sizeof bytes);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_send (&message, pub, 0), sizeof bytes);
    for (int i = 0; i < 4; i++) {
        char received[1000];
        CHECK_INT (zmq_recv (subs[i], received, sizeof received, 0), sizeof bytes);
        check_filled (received, sizeof bytes);
    }
    wait_freed (&record, 1);
    for (int i = 0; i < 4; i++)
        CHECK_OK (zmq_close (subs[i]));
    CHECK_OK (zmq_close (pub));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (atomic_load (&record.calls), 1);
}

#define FREED_IN_BULK 2000

TEST (every_one_of_many_messages_is_freed_once)
{
    static freed record;
    static char bytes[200];
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    for (int i = 0; i < FREED_IN_BULK; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_data (&message, bytes, 1 + (size_t) i % sizeof bytes, count_free, &record));
        CHECK_INT (zmq_msg_send (&message, two, 0), 1 + i % (int) sizeof bytes);
        if (i % 100 == 99)
            for (int j = 0; j < 100; j++)
                CHECK (zmq_recv (one, NULL, 0, 0) > 0);
    }
    wait_freed (&record, FREED_IN_BULK);
    close_pair (context, one, two);
    CHECK_INT (atomic_load (&record.calls), FREED_IN_BULK);
}

static void *answer_until_empty (void *socket)
{
    char byte;
    while (zmq_recv (socket, &byte, 1, 0) > 0)
        CHECK_INT (zmq_send (socket, "a", 1, 0), 1);
    CHECK_OK (zmq_close (socket));
    return NULL;
}

/*  A caller that asks again and again leaves the I/O thread nothing to do but this.  */
static void dialogue_without_a_pause (const char *transport, size_t size)
{
    void *contexts[2] = {zmq_ctx_new (), zmq_ctx_new ()};
    void *server = open_socket (contexts[0], ZMQ_PAIR), *client = open_socket (contexts[1], ZMQ_PAIR);
    CHECK_OK (zmq_connect (client, bind_to (server, wildcard (transport))));
    pthread_t thread;
    CHECK_OK (pthread_create (&thread, NULL, answer_until_empty, server));
    static char bytes[10000];
    freed record = {0};
    int sent = 0, freed_before = 0;
    int64_t longest = 0, began = now_ms (), freed_at = began;
    for (int64_t now = began; now < began + 400; now = now_ms ()) {
        zmq_msg_t message;
        char byte;
        CHECK_OK (zmq_msg_init_data (&message, bytes, size, count_free, &record));
        CHECK_INT (zmq_msg_send (&message, client, 0), size);
        CHECK_INT (zmq_recv (client, &byte, 1, 0), 1);
        sent++;
        int calls = atomic_load (&record.calls);
        if (calls > freed_before)
            freed_at = now;
        freed_before = calls;
        if (now - freed_at > longest)
            longest = now - freed_at;
    }
    if (longest >= 200)
        harness_fail (__FILE__, __LINE__, "nothing was freed for %d ms", (int) longest);
    CHECK_OK (zmq_send (client, "", 0, 0));
    CHECK_OK (pthread_join (thread, NULL));
    wait_freed (&record, sent);
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_ctx_term (contexts[1]));
    CHECK_OK (zmq_ctx_term (contexts[0]));
}

TEST (the_free_function_runs_soon_in_a_dialogue_without_a_pause)
{
    dialogue_without_a_pause ("tcp", 100);
    dialogue_without_a_pause ("ipc", 10000);
}

#define ACROSS 300

typedef struct {
    void *socket;
    freed *record;
} sender_of;

static void *send_many (void *argument)
{
    sender_of *sender = argument;
    for (int i = 0; i < ACROSS; i++) {
        size_t size = (size_t) (i * 37) % 5000;
        char *bytes = malloc (size + 1);
        fill (bytes, size);
        zmq_msg_t message;
        //  The record is the hint, so the memory itself is freed by the test.
        CHECK_OK (zmq_msg_init_data (&message, bytes, size, count_free, sender->record));
        CHECK_INT (zmq_msg_send (&message, sender->socket, 0), size);
    }
    return NULL;
}

TEST (messages_cross_threads_over_inproc_and_are_freed_by_the_receiver)
{
    static freed record;
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, "inproc://across"));
    sender_of senders[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        senders[i] = (sender_of){open_socket (context, ZMQ_PUSH), &record};
        CHECK_OK (zmq_connect (senders[i].socket, "inproc://across"));
        CHECK_OK (pthread_create (&threads[i], NULL, send_many, &senders[i]));
    }
    for (int i = 0; i < 3 * ACROSS; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        int size = zmq_msg_recv (&message, pull, 0);
        CHECK (size >= 0);
        char *bytes = zmq_msg_data (&message);
        check_filled (bytes, (size_t) size);
        CHECK_OK (zmq_msg_close (&message));
        CHECK_INT (atomic_load (&record.calls), i + 1);
        CHECK_INT (atomic_load (&record.thread), (unsigned long) pthread_self ());
        free (atomic_load (&record.data));
    }
    for (int i = 0; i < 3; i++) {
        CHECK_OK (pthread_join (threads[i], NULL));
        CHECK_OK (zmq_close (senders[i].socket));
    }
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_INT (atomic_load (&record.calls), 3 * ACROSS);
}
