/*  Contexts: life, options, errors.  */
#include "harness.h"
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

TEST (ctx_new_gives_a_context_with_the_documented_defaults)
{
    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), ZMQ_IO_THREADS_DFLT);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), ZMQ_MAX_SOCKETS_DFLT);
    CHECK_INT (zmq_ctx_get (context, ZMQ_SOCKET_LIMIT), 65535);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_MSGSZ), INT_MAX);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MSG_T_SIZE), 64);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MSG_T_SIZE), sizeof (zmq_msg_t));
    CHECK_INT (zmq_ctx_get (context, ZMQ_IPV6), 0);
    CHECK_INT (zmq_ctx_get (context, ZMQ_BLOCKY), 1);
    CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_NAME_PREFIX), 0);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (thread_sched_policy_default_is_minus_one_without_an_error)
{
    void *context = zmq_ctx_new ();
    errno = 0;
    CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_SCHED_POLICY), ZMQ_THREAD_SCHED_POLICY_DFLT);
    CHECK_INT (errno, 0);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (contexts_are_independent)
{
    void *one = zmq_ctx_new (), *two = zmq_ctx_new ();
    CHECK (one != two);
    CHECK_OK (zmq_ctx_set (one, ZMQ_MAX_SOCKETS, 7));
    CHECK_INT (zmq_ctx_get (one, ZMQ_MAX_SOCKETS), 7);
    CHECK_INT (zmq_ctx_get (two, ZMQ_MAX_SOCKETS), ZMQ_MAX_SOCKETS_DFLT);
    CHECK_OK (zmq_ctx_term (one));
    void *socket = open_socket (two, ZMQ_PAIR);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (two));
}

TEST (null_context_is_efault_everywhere)
{
    CHECK_ERRNO (zmq_ctx_term (NULL), EFAULT);
    CHECK_ERRNO (zmq_ctx_destroy (NULL), EFAULT);
    CHECK_ERRNO (zmq_term (NULL), EFAULT);
    CHECK_ERRNO (zmq_ctx_shutdown (NULL), EFAULT);
    CHECK_ERRNO (zmq_ctx_set (NULL, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERRNO (zmq_ctx_get (NULL, ZMQ_IO_THREADS), EFAULT);
    CHECK_NULL_ERRNO (zmq_socket (NULL, ZMQ_PAIR), EFAULT);
}

TEST (socket_as_context_is_efault_everywhere)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_PAIR);
    CHECK_ERRNO (zmq_ctx_term (socket), EFAULT);
    CHECK_ERRNO (zmq_ctx_shutdown (socket), EFAULT);
    CHECK_ERRNO (zmq_ctx_set (socket, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERRNO (zmq_ctx_get (socket, ZMQ_IO_THREADS), EFAULT);
    CHECK_NULL_ERRNO (zmq_socket (socket, ZMQ_PAIR), EFAULT);
    //  And the socket still works.
    CHECK_OK (zmq_bind (socket, "inproc://still-good"));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (zeroed_memory_as_context_is_efault)
{
    static long memory[512];
    CHECK_ERRNO (zmq_ctx_term (memory), EFAULT);
    CHECK_ERRNO (zmq_ctx_shutdown (memory), EFAULT);
    CHECK_ERRNO (zmq_ctx_set (memory, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERRNO (zmq_ctx_get (memory, ZMQ_IO_THREADS), EFAULT);
    CHECK_NULL_ERRNO (zmq_socket (memory, ZMQ_PAIR), EFAULT);
}

/*  Sets and reads back; the value must not change when the call fails.  */
static void takes (int option, int value, int reads_back)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, option, value));
    CHECK_INT (zmq_ctx_get (context, option), reads_back);
    CHECK_OK (zmq_ctx_term (context));
}

static void refuses (int option, int value)
{
    void *context = zmq_ctx_new ();
    int before = zmq_ctx_get (context, option);
    CHECK_ERRNO (zmq_ctx_set (context, option, value), EINVAL);
    CHECK_INT (zmq_ctx_get (context, option), before);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (io_threads_takes_zero_and_more)
{
    static const int good[] = {0, 1, 2, 16, 65535, INT_MAX};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        takes (ZMQ_IO_THREADS, good[i], good[i]);
    refuses (ZMQ_IO_THREADS, -1);
    refuses (ZMQ_IO_THREADS, INT_MIN);
}

TEST (max_sockets_takes_one_and_more)
{
    static const int good[] = {1, 2, 1023, 65535};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        takes (ZMQ_MAX_SOCKETS, good[i], good[i]);
    refuses (ZMQ_MAX_SOCKETS, 0);
    refuses (ZMQ_MAX_SOCKETS, -1);
    refuses (ZMQ_MAX_SOCKETS, INT_MIN);
}

TEST (max_sockets_above_socket_limit_is_taken_and_sockets_still_open)
{
    void *context = zmq_ctx_new ();
    int limit = zmq_ctx_get (context, ZMQ_SOCKET_LIMIT);
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, limit + 1));
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), limit + 1);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (max_msgsz_takes_zero_to_int_max)
{
    static const int good[] = {0, 1, 1024, INT_MAX};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        takes (ZMQ_MAX_MSGSZ, good[i], good[i]);
    refuses (ZMQ_MAX_MSGSZ, -1);
    refuses (ZMQ_MAX_MSGSZ, INT_MIN);
}

TEST (ipv6_and_blocky_are_booleans_and_negatives_are_einval)
{
    static const int options[] = {ZMQ_IPV6, ZMQ_BLOCKY};
    for (size_t i = 0; i < 2; i++) {
        takes (options[i], 0, 0);
        takes (options[i], 1, 1);
        takes (options[i], 2, 1);
        takes (options[i], INT_MAX, 1);
        refuses (options[i], -1);
        refuses (options[i], INT_MIN);
    }
}

TEST (thread_sched_policy_takes_zero_and_more)
{
    takes (ZMQ_THREAD_SCHED_POLICY, 0, 0);
    takes (ZMQ_THREAD_SCHED_POLICY, 3, 3);
    refuses (ZMQ_THREAD_SCHED_POLICY, -1);
    refuses (ZMQ_THREAD_SCHED_POLICY, -2);
}

TEST (thread_priority_takes_zero_and_more_and_shares_its_number_with_socket_limit)
{
    void *context = zmq_ctx_new ();
    CHECK_INT (ZMQ_THREAD_PRIORITY, ZMQ_SOCKET_LIMIT);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 20));
    CHECK_INT (zmq_ctx_get (context, ZMQ_SOCKET_LIMIT), 65535);
    CHECK_ERRNO (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, -1), EINVAL);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (thread_name_prefix_takes_any_number)
{
    static const int good[] = {0, 1, 1234, INT_MAX, -1, INT_MIN};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        takes (ZMQ_THREAD_NAME_PREFIX, good[i], good[i]);
}

TEST (thread_affinity_adds_and_removes_cpus)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 1));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1));
    CHECK_ERRNO (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1), EINVAL);
    CHECK_ERRNO (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 5), EINVAL);
    CHECK_ERRNO (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, -1), EINVAL);
    CHECK_ERRNO (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, -1), EINVAL);
    CHECK_ERRNO (zmq_ctx_get (context, ZMQ_THREAD_AFFINITY_CPU_ADD), EINVAL);
    CHECK_ERRNO (zmq_ctx_get (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE), EINVAL);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (read_only_and_unknown_options_are_einval)
{
    void *context = zmq_ctx_new ();
    CHECK_ERRNO (zmq_ctx_set (context, ZMQ_MSG_T_SIZE, 64), EINVAL);
    static const int unknown[] = {-1, 0, 11, 12, 20, 41, 43, 69, 71, 1000, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK_ERRNO (zmq_ctx_get (context, unknown[i]), EINVAL);
        CHECK_ERRNO (zmq_ctx_set (context, unknown[i], 1), EINVAL);
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (socket_of_an_invalid_type_is_einval)
{
    void *context = zmq_ctx_new ();
    CHECK_NULL_ERRNO (zmq_socket (context, -1), EINVAL);
    CHECK_NULL_ERRNO (zmq_socket (context, 21), EINVAL);
    CHECK_NULL_ERRNO (zmq_socket (context, 1000), EINVAL);
    CHECK_NULL_ERRNO (zmq_socket (context, INT_MIN), EINVAL);
    CHECK_NULL_ERRNO (zmq_socket (context, INT_MAX), EINVAL);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (every_stable_socket_type_opens_and_returns_its_type)
{
    void *context = zmq_ctx_new ();
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = zmq_socket (context, type);
        CHECK (socket != NULL);
        CHECK_INT (get_int (socket, ZMQ_TYPE), type);
        CHECK_OK (zmq_close (socket));
    }
    CHECK_OK (zmq_ctx_term (context));
}

/*  A closed socket's place comes back a moment after zmq_close.  */
static void *socket_soon (void *context)
{
    void *socket = NULL;
    for (int64_t end = now_ms () + PATIENCE_MS; !socket && now_ms () < end; sleep_ms (1)) {
        socket = zmq_socket (context, ZMQ_PAIR);
        if (!socket)
            CHECK_INT (errno, EMFILE);
    }
    CHECK (socket != NULL);
    return socket;
}

TEST (one_socket_more_than_max_sockets_is_emfile)
{
    void *context = zmq_ctx_new ();
    void *sockets[5];
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 5));
    for (int i = 0; i < 5; i++)
        sockets[i] = open_socket (context, ZMQ_PAIR);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), EMFILE);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_DEALER), EMFILE);
    CHECK_OK (zmq_close (sockets[2]));
    sockets[2] = socket_soon (context);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), EMFILE);
    for (int i = 0; i < 5; i++)
        CHECK_OK (zmq_close (sockets[i]));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (max_sockets_of_one_gives_one_socket)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 1));
    void *socket = open_socket (context, ZMQ_PAIR);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), EMFILE);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_close (socket_soon (context)));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (max_sockets_set_after_the_first_socket_reads_back_but_has_no_effect)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 3));
    void *one = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 100));
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), 100);
    void *two = open_socket (context, ZMQ_PAIR);
    void *three = open_socket (context, ZMQ_PAIR);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), EMFILE);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_close (three));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (default_context_opens_1023_sockets)
{
    void *context = zmq_ctx_new ();
    static void *sockets[ZMQ_MAX_SOCKETS_DFLT];
    int opened = 0;
    while (opened < ZMQ_MAX_SOCKETS_DFLT && (sockets[opened] = zmq_socket (context, ZMQ_PAIR)))
        opened++;
    //  A small limit on descriptors may end it sooner, with the same errno.
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), EMFILE);
    CHECK (opened > 400);
    for (int i = 0; i < opened; i++)
        CHECK_OK (zmq_close (sockets[i]));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (without_io_threads_inproc_works)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 0));
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://no-threads"));
    CHECK_OK (zmq_connect (two, "inproc://no-threads"));
    send_text (two, "hello", 0);
    EXPECT_TEXT (one, "hello");
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (without_io_threads_tcp_and_ipc_are_emthread)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 0));
    void *socket = open_socket (context, ZMQ_DEALER);
    CHECK_ERRNO (zmq_bind (socket, "tcp://127.0.0.1:*"), EMTHREAD);
    CHECK_ERRNO (zmq_connect (socket, "tcp://127.0.0.1:9"), EMTHREAD);
    CHECK_ERRNO (zmq_bind (socket, "ipc://@emthread"), EMTHREAD);
    CHECK_ERRNO (zmq_connect (socket, "ipc://@emthread"), EMTHREAD);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (many_io_threads_carry_tcp)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 4));
    void *pull = open_socket (context, ZMQ_PULL);
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    void *push[6];
    for (int i = 0; i < 6; i++) {
        push[i] = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push[i], endpoint));
        send_text (push[i], "part of it", 0);
    }
    for (int i = 0; i < 6; i++)
        EXPECT_TEXT (pull, "part of it");
    for (int i = 0; i < 6; i++)
        CHECK_OK (zmq_close (push[i]));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (io_threads_set_after_the_first_socket_reads_back_but_has_no_effect)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 0));
    void *socket = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 2));
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 2);
    CHECK_ERRNO (zmq_bind (socket, "tcp://127.0.0.1:*"), EMTHREAD);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (thread_options_do_not_keep_tcp_from_working)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, 1234));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, 0));
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (blocky_off_gives_new_sockets_a_linger_of_zero)
{
    void *context = zmq_ctx_new ();
    void *before = zmq_socket (context, ZMQ_PUSH);
    CHECK_INT (get_int (before, ZMQ_LINGER), -1);
    CHECK_OK (zmq_ctx_set (context, ZMQ_BLOCKY, 0));
    void *after = zmq_socket (context, ZMQ_PUSH);
    CHECK_INT (get_int (after, ZMQ_LINGER), 0);
    CHECK_INT (get_int (before, ZMQ_LINGER), -1);
    CHECK_OK (zmq_ctx_set (context, ZMQ_BLOCKY, 1));
    void *again = zmq_socket (context, ZMQ_PUSH);
    CHECK_INT (get_int (again, ZMQ_LINGER), -1);
    CHECK_OK (zmq_close (before));
    CHECK_OK (zmq_close (after));
    CHECK_OK (zmq_close (again));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (blocky_off_lets_term_end_although_messages_are_pending)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_BLOCKY, 0));
    void *push = zmq_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "ipc://@nobody-listens-to-this-blocky-test"));
    send_text (push, "never delivered", 0);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (ipv6_of_the_context_is_the_default_of_later_sockets)
{
    void *context = zmq_ctx_new ();
    void *before = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_ctx_set (context, ZMQ_IPV6, 1));
    void *after = open_socket (context, ZMQ_PAIR);
    CHECK_INT (get_int (before, ZMQ_IPV6), 0);
    CHECK_INT (get_int (after, ZMQ_IPV6), 1);
    CHECK_OK (zmq_close (before));
    CHECK_OK (zmq_close (after));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (shutdown_ends_a_blocked_receive_with_eterm_and_every_later_call)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (socket, "inproc://shut-down"));
    CHECK_OK (zmq_ctx_shutdown (context));
    char byte;
    CHECK_ERRNO (zmq_recv (socket, &byte, 1, 0), ETERM);
    CHECK_ERRNO (zmq_send (socket, "", 0, 0), ETERM);
    CHECK_ERRNO (zmq_bind (socket, "inproc://shut-down-2"), ETERM);
    CHECK_ERRNO (zmq_connect (socket, "inproc://shut-down-2"), ETERM);
    CHECK_ERRNO (zmq_unbind (socket, "inproc://shut-down"), ETERM);
    CHECK_ERRNO (zmq_disconnect (socket, "inproc://shut-down"), ETERM);
    int value = 0;
    size_t size = sizeof value;
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_TYPE, &value, &size), ETERM);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_LINGER, &value, sizeof value), ETERM);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), ETERM);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (shutdown_twice_and_before_any_socket_succeeds)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_PAIR), ETERM);
    CHECK_NULL_ERRNO (zmq_socket (context, ZMQ_SUB), ETERM);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (options_of_a_shut_down_context_can_be_read_and_set)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_close (open_socket (context, ZMQ_PAIR)));
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 1);
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 2));
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 2);
    CHECK_OK (zmq_ctx_term (context));
}

static atomic_int term_returned;

static void *term_thread (void *context)
{
    CHECK_OK (zmq_ctx_term (context));
    atomic_store (&term_returned, 1);
    return NULL;
}

TEST (term_waits_until_every_socket_is_closed)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_SUB);
    pthread_t thread;
    CHECK_OK (pthread_create (&thread, NULL, term_thread, context));
    char byte;
    CHECK_ERRNO (zmq_recv (one, &byte, 1, 0), ETERM);
    CHECK_ERRNO (zmq_recv (two, &byte, 1, 0), ETERM);
    CHECK_OK (zmq_close (one));
    sleep_ms (SETTLE_MS);
    CHECK_INT (atomic_load (&term_returned), 0);
    CHECK_OK (zmq_close (two));
    CHECK_OK (pthread_join (thread, NULL));
    CHECK_INT (atomic_load (&term_returned), 1);
}

TEST (term_after_shutdown_and_close_ends_at_once)
{
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_ROUTER);
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (context_without_sockets_terminates_at_once)
{
    for (int i = 0; i < 100; i++) {
        void *context = zmq_ctx_new ();
        CHECK (context != NULL);
        CHECK_OK (zmq_ctx_term (context));
    }
}

TEST (ctx_destroy_and_term_do_what_ctx_term_does)
{
    void *one = zmq_ctx_new (), *two = zmq_ctx_new ();
    CHECK_OK (zmq_close (open_socket (one, ZMQ_PAIR)));
    CHECK_OK (zmq_close (open_socket (two, ZMQ_PAIR)));
    CHECK_OK (zmq_ctx_destroy (one));
    CHECK_OK (zmq_term (two));
}

TEST (init_sets_the_number_of_io_threads)
{
    void *context = zmq_init (3);
    CHECK (context != NULL);
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 3);
    CHECK_OK (zmq_term (context));
    context = zmq_init (0);
    CHECK (context != NULL);
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 0);
    CHECK_OK (zmq_term (context));
}

TEST (init_with_a_negative_number_is_einval)
{
    CHECK_NULL_ERRNO (zmq_init (-1), EINVAL);
    CHECK_NULL_ERRNO (zmq_init (INT_MIN), EINVAL);
}

static void *open_and_close (void *context)
{
    for (int i = 0; i < 50; i++)
        CHECK_OK (zmq_close (open_socket (context, ZMQ_PAIR)));
    return NULL;
}

TEST (sockets_are_opened_from_many_threads_at_once)
{
    void *context = zmq_ctx_new ();
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        CHECK_OK (pthread_create (&threads[i], NULL, open_and_close, context));
    for (int i = 0; i < 8; i++)
        CHECK_OK (pthread_join (threads[i], NULL));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (inproc_names_belong_to_their_context)
{
    void *first = zmq_ctx_new (), *second = zmq_ctx_new ();
    void *one = open_socket (first, ZMQ_PAIR), *two = open_socket (second, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://same-name"));
    CHECK_OK (zmq_bind (two, "inproc://same-name"));
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (first));
    CHECK_OK (zmq_ctx_term (second));
}
