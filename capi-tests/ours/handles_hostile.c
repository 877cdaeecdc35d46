/*  Wrong use is answered with errno: nothing crashes, hangs or loses its state.
 *  For our library alone, as libzmq does not survive all of it.  */
#define TEST_LIMIT_S 30
#include "../handles.h"
#include <pthread.h>
#include <stdatomic.h>

static void count_free (void *data, void *calls)
{
    (void) data;
    atomic_fetch_add ((atomic_int *) calls, 1);
}

/* --- handles that are no sockets ------------------------------------------------- */

static void all_efault (void *handle)
{
    CHECK_NULL_ERRNO (zmq_socket (handle, ZMQ_PAIR), EFAULT);
    CHECK_ERRNO (zmq_ctx_set (handle, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERRNO (zmq_ctx_get (handle, ZMQ_IO_THREADS), EFAULT);
    CHECK_ERRNO (zmq_ctx_shutdown (handle), EFAULT);
    CHECK_ERRNO (zmq_ctx_term (handle), EFAULT);
}

TEST (a_closed_socket_is_enotsock_everywhere_for_every_type)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket (context, type);
        CHECK_OK (zmq_close (socket));
        all_enotsock (socket);
    }
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_socket_is_closed_only_once)
{
    void *context = zmq_ctx_new ();
    void *closed = open_socket (context, ZMQ_DEALER), *other = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_close (closed));
    for (int i = 0; i < 100; i++)
        CHECK_ERRNO (zmq_close (closed), ENOTSOCK);
    CHECK_OK (zmq_close (other));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_closed_socket_stays_enotsock_after_its_context_is_gone)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
    all_enotsock (socket);
}

TEST (a_closed_socket_with_a_live_connection_is_enotsock)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (two, bind_to (one, "tcp://127.0.0.1:*")));
    send_text (two, "hello", 0);
    EXPECT_TEXT (one, "hello");
    CHECK_OK (zmq_close (one));
    all_enotsock (one);
    CHECK_OK (zmq_close (two));
    all_enotsock (two);
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_terminated_context_is_efault_everywhere)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_close (open_socket (context, ZMQ_PAIR)));
    CHECK_OK (zmq_ctx_term (context));
    for (int i = 0; i < 10; i++)
        all_efault (context);
}

TEST (garbage_as_handle_is_enotsock_or_efault)
{
    unsigned state = 99;
    static uint32_t garbage[1024];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 1024; i++)
            garbage[i] = state = state * 1664525u + 1013904223u;
        all_enotsock (garbage);
        all_efault (garbage);
        all_enotsock ((char *) garbage + round);
        all_efault ((char *) garbage + round);
    }
}

TEST (misaligned_addresses_as_handles_are_enotsock_or_efault)
{
    static const uintptr_t numbers[] = {1, 2, 3, 7, 4095, (uintptr_t) -1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        all_enotsock ((void *) numbers[i]);
        all_efault ((void *) numbers[i]);
    }
}

TEST (a_pointer_near_a_socket_or_context_is_not_taken_for_it)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    all_enotsock ((char *) socket + 8);
    all_enotsock ((char *) socket - 8);
    all_enotsock ((char *) socket + 1);
    all_efault ((char *) context + 8);
    all_efault ((char *) context - 1);
    CHECK_OK (zmq_close (socket));
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (the_memory_of_a_socket_copied_elsewhere_is_no_socket)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_size (&message, 100));
    all_enotsock (&message);
    all_enotsock (zmq_msg_data (&message));
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_closed_socket_among_poll_items_is_enotsock)
{
    void *context = zmq_ctx_new ();
    void *good = open_socket (context, ZMQ_PULL), *closed = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_close (closed));
    zmq_pollitem_t items[] = {{good, 0, ZMQ_POLLIN, 0}, {closed, 0, ZMQ_POLLIN, 0}};
    CHECK_ERRNO (zmq_poll (items, 2, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_poll (items, 2, -1), ENOTSOCK);
    CHECK_OK (zmq_poll (items, 1, 0));
    CHECK_OK (zmq_close (good));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (proxies_and_devices_with_bad_sockets_end_with_an_errno)
{
    void *context = zmq_ctx_new ();
    void *good = open_socket (context, ZMQ_DEALER), *closed = open_socket (context, ZMQ_DEALER);
    CHECK_OK (zmq_close (closed));
    static long rubbish[512];
    void *const bad[] = {closed, rubbish, context};
    CHECK_ERRNO (zmq_device (ZMQ_QUEUE, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_device (ZMQ_QUEUE, good, NULL), EFAULT);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT (zmq_proxy (bad[i], good, NULL), -1);
        CHECK (errno == EFAULT || errno == ENOTSOCK);
        CHECK_INT (zmq_proxy (good, bad[i], NULL), -1);
        CHECK (errno == EFAULT || errno == ENOTSOCK);
        CHECK_INT (zmq_proxy (good, good, bad[i]), -1);
        CHECK (errno == EFAULT || errno == ENOTSOCK);
        CHECK_INT (zmq_proxy_steerable (good, good, NULL, bad[i]), -1);
        CHECK (errno == EFAULT || errno == ENOTSOCK);
        CHECK_INT (zmq_device (ZMQ_QUEUE, bad[i], good), -1);
        CHECK (errno == EFAULT || errno == ENOTSOCK);
    }
    CHECK_OK (zmq_close (good));
    CHECK_OK (zmq_ctx_term (context));
}

/* --- NULL ----------------------------------------------------------------------------- */

TEST (null_messages_are_efault_or_empty)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    zmq_msg_t message;
    CHECK_ERRNO (zmq_msg_init (NULL), EFAULT);
    CHECK_ERRNO (zmq_msg_init_size (NULL, 3), EFAULT);
    CHECK_ERRNO (zmq_msg_init_data (NULL, NULL, 0, NULL, NULL), EFAULT);
    CHECK_ERRNO (zmq_msg_close (NULL), EFAULT);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_ERRNO (zmq_msg_move (NULL, &message), EFAULT);
    CHECK_ERRNO (zmq_msg_move (&message, NULL), EFAULT);
    CHECK_ERRNO (zmq_msg_copy (NULL, &message), EFAULT);
    CHECK_ERRNO (zmq_msg_copy (&message, NULL), EFAULT);
    CHECK_ERRNO (zmq_msg_send (NULL, socket, ZMQ_DONTWAIT), EFAULT);
    CHECK_ERRNO (zmq_msg_recv (NULL, socket, ZMQ_DONTWAIT), EFAULT);
    CHECK (zmq_msg_data (NULL) == NULL);
    CHECK_INT (zmq_msg_size (NULL), 0);
    CHECK_INT (zmq_msg_more (NULL), 0);
    CHECK_INT (zmq_msg_get (NULL, ZMQ_MORE), -1);
    CHECK_INT (zmq_msg_set (NULL, ZMQ_MORE, 1), -1);
    CHECK (zmq_msg_gets (NULL, "Socket-Type") == NULL);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_closed_message_has_no_data_and_cannot_be_sent)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, "inproc://closed-message"));
    CHECK_OK (zmq_connect (push, "inproc://closed-message"));
    static zmq_msg_t never;
    zmq_msg_t closed;
    CHECK_OK (zmq_msg_init_size (&closed, 1000));
    CHECK_OK (zmq_msg_close (&closed));
    zmq_msg_t *const bad[] = {&closed, &never};
    for (int i = 0; i < 2; i++) {
        CHECK (zmq_msg_data (bad[i]) == NULL);
        CHECK_INT (zmq_msg_size (bad[i]), 0);
        CHECK (zmq_msg_gets (bad[i], "Socket-Type") == NULL);
        CHECK_ERRNO (zmq_msg_send (bad[i], push, 0), EFAULT);
        CHECK_ERRNO (zmq_sendmsg (push, bad[i], 0), EFAULT);
        CHECK_ERRNO (zmq_msg_recv (bad[i], pull, ZMQ_DONTWAIT), EFAULT);
    }
    EXPECT_NOTHING (pull);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (moving_or_copying_a_message_onto_itself_keeps_it)
{
    static const size_t sizes[] = {0, 5, 33, 34, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_size (&message, sizes[i]));
        memset (zmq_msg_data (&message), 'x', sizes[i]);
        CHECK_OK (zmq_msg_copy (&message, &message));
        CHECK_INT (zmq_msg_size (&message), sizes[i]);
        CHECK_OK (zmq_msg_move (&message, &message));
        CHECK_INT (zmq_msg_size (&message), sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++)
            CHECK_INT (((char *) zmq_msg_data (&message))[j], 'x');
        CHECK_OK (zmq_msg_close (&message));
        CHECK_ERRNO (zmq_msg_close (&message), EFAULT);
    }
}

TEST (null_buffers_with_a_size_are_an_errno)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_DEALER);
    int value = 0;
    size_t size = sizeof value;
    zmq_msg_t message;
    CHECK_OK (zmq_bind (socket, "inproc://null-buffers"));
    CHECK_ERRNO (zmq_msg_init_data (&message, NULL, 5, NULL, NULL), EFAULT);
    CHECK_INT (zmq_send (socket, NULL, 5, ZMQ_DONTWAIT), -1);
    CHECK_INT (zmq_send_const (socket, NULL, 5, ZMQ_DONTWAIT), -1);
    CHECK_INT (zmq_recv (socket, NULL, 5, ZMQ_DONTWAIT), -1);
    CHECK_INT (zmq_setsockopt (socket, ZMQ_LINGER, NULL, sizeof value), -1);
    CHECK_INT (zmq_getsockopt (socket, ZMQ_LINGER, NULL, &size), -1);
    CHECK_INT (zmq_getsockopt (socket, ZMQ_LINGER, &value, NULL), -1);
    CHECK_ERRNO (zmq_bind (socket, NULL), EINVAL);
    CHECK_ERRNO (zmq_connect (socket, NULL), EINVAL);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

/*  Whatever its number; but for the two that NULL takes a value away from.  */
TEST (null_with_a_size_is_no_value_of_an_option)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++)
        for (int option = -2; option <= 200; option++) {
            void *socket = open_socket (context, type);
            /*  ZMQ_SOCKS_USERNAME and ZMQ_SOCKS_PASSWORD, which the header lacks.  */
            int takes_away = option == 99 || option == 100;
            for (size_t size = 1; size <= 16; size++) {
                size_t room = size;
                if (takes_away)
                    CHECK_OK (zmq_setsockopt (socket, option, NULL, size));
                else
                    CHECK_ERRNO (zmq_setsockopt (socket, option, NULL, size), EINVAL);
                CHECK_ERRNO (zmq_getsockopt (socket, option, NULL, &room), EINVAL);
            }
            CHECK_OK (zmq_close (socket));
        }
    CHECK_OK (zmq_ctx_term (context));
}

static void execute_within (int id, void *timers)
{
    (void) id;
    CHECK_INT (zmq_timers_execute (timers), 0);
}

TEST (a_handler_may_execute_the_timers)
{
    void *timers = zmq_timers_new ();
    CHECK (zmq_timers_add (timers, 1, execute_within, timers) > 0);
    for (int n = 0; n < 3; n++) {
        sleep_ms (2);
        CHECK_OK (zmq_timers_execute (timers));
    }
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_received_message_does_not_fit_a_null_buffer_and_is_not_written)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://null-recv"));
    CHECK_OK (zmq_connect (two, "inproc://null-recv"));
    send_text (two, "hello", 0);
    zmq_recv (one, NULL, 100, ZMQ_DONTWAIT);
    send_text (two, "still here", 0);
    char text[20];
    int size = zmq_recv (one, text, sizeof text, 0);
    CHECK (size == 5 || size == 10);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (null_in_utilities_does_not_crash)
{
    uint8_t bytes[8] = {0};
    char text[20] = "";
    void *none = NULL;
    CHECK_INT (zmq_has (NULL), 0);
    zmq_version (NULL, NULL, NULL);
    zmq_atomic_counter_set (NULL, 1);
    zmq_atomic_counter_inc (NULL);
    zmq_atomic_counter_dec (NULL);
    zmq_atomic_counter_value (NULL);
    zmq_atomic_counter_destroy (NULL);
    zmq_atomic_counter_destroy (&none);
    CHECK_ERRNO (zmq_timers_destroy (NULL), EFAULT);
    CHECK_INT (zmq_stopwatch_intermediate (NULL), 0);
    CHECK_INT (zmq_stopwatch_stop (NULL), 0);
    zmq_threadclose (NULL);
    CHECK (zmq_z85_encode (NULL, bytes, 8) == NULL);
    CHECK (zmq_z85_encode (text, NULL, 8) == NULL);
    CHECK (zmq_z85_decode (NULL, "HelloWorld") == NULL);
    CHECK (zmq_z85_decode (bytes, NULL) == NULL);
}

TEST (destroyed_timers_are_efault)
{
    void *timers = zmq_timers_new (), *stale = timers, *again = timers;
    CHECK_OK (zmq_timers_destroy (&timers));
    CHECK_ERRNO (zmq_timers_execute (stale), EFAULT);
    CHECK_ERRNO (zmq_timers_timeout (stale), EFAULT);
    CHECK_ERRNO (zmq_timers_destroy (&again), EFAULT);
}

static void nothing (int id, void *argument)
{
    (void) id;
    atomic_fetch_add ((atomic_int *) argument, 1);
}

TEST (a_timer_with_an_interval_of_zero_fires_once_an_execute)
{
    atomic_int fired = 0;
    void *timers = zmq_timers_new ();
    CHECK (zmq_timers_add (timers, 0, nothing, &fired) > 0);
    for (int i = 1; i <= 3; i++) {
        CHECK_INT (zmq_timers_timeout (timers), 0);
        CHECK_OK (zmq_timers_execute (timers));
        CHECK_INT (atomic_load (&fired), i);
    }
    CHECK_OK (zmq_timers_destroy (&timers));
}

/* --- one socket, several threads --------------------------------------------------------- */

static atomic_int stop;
static atomic_int freed;

static void allowed (int rc)
{
    if (rc == -1)
        CHECK (errno == EAGAIN || errno == ENOTSOCK || errno == ETERM || errno == EFSM || errno == EINVAL
               || errno == EINTR || errno == EHOSTUNREACH || errno == ENOTSUP || errno == ENOENT
               || errno == EADDRINUSE);
}

static void *hammer (void *socket)
{
    static char bytes[1000];
    unsigned turn = (unsigned) (uintptr_t) pthread_self () >> 12;
    while (!atomic_load (&stop)) {
        char buffer[64];
        int value = 0;
        size_t size = sizeof value;
        zmq_msg_t message;
        switch (turn++ % 9) {
            case 0: allowed (zmq_send (socket, "a", 1, ZMQ_DONTWAIT)); break;
            case 1: allowed (zmq_recv (socket, buffer, sizeof buffer, ZMQ_DONTWAIT)); break;
            case 2: allowed (zmq_send (socket, "part", 4, ZMQ_DONTWAIT | ZMQ_SNDMORE)); break;
            case 3:
                CHECK_OK (zmq_msg_init (&message));
                allowed (zmq_msg_recv (&message, socket, ZMQ_DONTWAIT));
                CHECK_OK (zmq_msg_close (&message));
                break;
            case 4:
                CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &freed));
                allowed (zmq_msg_send (&message, socket, ZMQ_DONTWAIT));
                CHECK_OK (zmq_msg_close (&message));
                break;
            case 5: allowed (zmq_getsockopt (socket, ZMQ_EVENTS, &value, &size)); break;
            case 6: allowed (zmq_setsockopt (socket, ZMQ_LINGER, &value, sizeof value)); break;
            case 7: {
                zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
                allowed (zmq_poll (&item, 1, 0));
                break;
            }
            case 8:
                allowed (zmq_connect (socket, "inproc://nobody"));
                allowed (zmq_disconnect (socket, "inproc://nobody"));
                break;
        }
    }
    return NULL;
}

/*  Three threads in one socket for a while, its peer over TCP beside them.  */
static void hammered (int type, int peer_type, int close_under_way)
{
    void *context = zmq_ctx_new ();
    void *peer = open_socket (context, peer_type), *socket = open_socket (context, type);
    if (peer_type == ZMQ_SUB)
        CHECK_OK (zmq_setsockopt (peer, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_connect (socket, bind_to (peer, "tcp://127.0.0.1:*")));
    pthread_t threads[3];
    atomic_store (&stop, 0);
    for (int i = 0; i < 3; i++)
        CHECK_OK (pthread_create (&threads[i], NULL, hammer, socket));
    for (int64_t end = now_ms () + 100; now_ms () < end;) {
        char buffer[64];
        allowed (zmq_recv (peer, buffer, sizeof buffer, ZMQ_DONTWAIT));
        allowed (zmq_send (peer, "b", 1, ZMQ_DONTWAIT));
    }
    if (close_under_way)
        CHECK_OK (zmq_close (socket));
    sleep_ms (10);
    atomic_store (&stop, 1);
    for (int i = 0; i < 3; i++)
        CHECK_OK (pthread_join (threads[i], NULL));
    if (!close_under_way)
        CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_close (peer));
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

static const int pairs[][2] = {{ZMQ_PAIR, ZMQ_PAIR},   {ZMQ_DEALER, ZMQ_ROUTER}, {ZMQ_ROUTER, ZMQ_DEALER},
                               {ZMQ_REQ, ZMQ_REP},     {ZMQ_REP, ZMQ_REQ},       {ZMQ_PUSH, ZMQ_PULL},
                               {ZMQ_PULL, ZMQ_PUSH},   {ZMQ_PUB, ZMQ_SUB},       {ZMQ_SUB, ZMQ_PUB},
                               {ZMQ_XPUB, ZMQ_XSUB},   {ZMQ_XSUB, ZMQ_XPUB},     {ZMQ_DEALER, ZMQ_DEALER},
                               {ZMQ_ROUTER, ZMQ_ROUTER}};

TEST (three_threads_in_one_socket_at_once_get_only_errno)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        hammered (pairs[i][0], pairs[i][1], 0);
}

TEST (closing_a_socket_under_the_hands_of_three_threads_is_survived)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        hammered (pairs[i][0], pairs[i][1], 1);
}

static atomic_int close_winners;

static void *close_it (void *socket)
{
    if (zmq_close (socket) == 0)
        atomic_fetch_add (&close_winners, 1);
    else
        CHECK_INT (errno, ENOTSOCK);
    return NULL;
}

TEST (of_many_threads_that_close_one_socket_exactly_one_succeeds)
{
    void *context = zmq_ctx_new ();
    for (int round = 0; round < 100; round++) {
        void *socket = open_socket (context, ZMQ_DEALER);
        pthread_t threads[4];
        atomic_store (&close_winners, 0);
        for (int i = 0; i < 4; i++)
            CHECK_OK (pthread_create (&threads[i], NULL, close_it, socket));
        for (int i = 0; i < 4; i++)
            CHECK_OK (pthread_join (threads[i], NULL));
        CHECK_INT (atomic_load (&close_winners), 1);
    }
    CHECK_OK (zmq_ctx_term (context));
}

static void *block_in_receive (void *socket)
{
    char byte;
    CHECK_INT (zmq_recv (socket, &byte, 1, 0), -1);
    CHECK (errno == ENOTSOCK || errno == ETERM);
    return NULL;
}

TEST (a_receive_blocked_while_its_socket_is_closed_or_its_context_shut_down_ends)
{
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_PULL);
    pthread_t thread;
    CHECK_OK (pthread_create (&thread, NULL, block_in_receive, socket));
    sleep_ms (50);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_OK (pthread_join (thread, NULL));
}

TEST (two_threads_blocked_in_one_socket_both_end_when_the_context_shuts_down)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, bind_to (pull, "tcp://127.0.0.1:*")));
    pthread_t threads[2];
    int count = 2;
    for (int i = 0; i < count; i++)
        CHECK_OK (pthread_create (&threads[i], NULL, block_in_receive, pull));
    sleep_ms (50);
    CHECK_OK (zmq_ctx_shutdown (context));
    for (int i = 0; i < count; i++)
        CHECK_OK (pthread_join (threads[i], NULL));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

static void *term_it (void *context)
{
    int rc = zmq_ctx_term (context);
    if (rc != 0)
        CHECK_INT (errno, EFAULT);
    return NULL;
}

TEST (many_threads_may_terminate_one_context)
{
    for (int round = 0; round < 20; round++) {
        void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
            CHECK_OK (pthread_create (&threads[i], NULL, term_it, context));
        CHECK_OK (zmq_close (socket));
        for (int i = 0; i < 3; i++)
            CHECK_OK (pthread_join (threads[i], NULL));
        all_efault (context);
    }
}

/* --- after fork ---------------------------------------------------------------------------- */

TEST (a_socket_inherited_by_fork_does_not_hang_the_child)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (two, bind_to (one, "tcp://127.0.0.1:*")));
    send_text (two, "hello", 0);
    EXPECT_TEXT (one, "hello");
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        alarm (10);
        char byte;
        zmq_recv (one, &byte, 1, ZMQ_DONTWAIT);
        zmq_send (two, "x", 1, ZMQ_DONTWAIT);
        //  A context of its own works in the child.
        expect_service (zmq_ctx_new ());
        _exit (0);
    }
    int status = -1;
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}
