/*  What zmq.h offers besides messages and sockets: errno, version, capabilities,
 *  atomic counters, stopwatch, threads, Z85.  (Timers: timers.c)  */
#include "harness.h"
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

/* --- errno, strerror, version, has ------------------------------------------- */

TEST (errno_is_the_threads_own_errno)
{
    errno = ENOENT;
    CHECK_INT (zmq_errno (), ENOENT);
    errno = 0;
    CHECK_INT (zmq_errno (), 0);
    zmq_socket (NULL, ZMQ_PAIR);
    CHECK_INT (errno, EFAULT);
    CHECK_INT (zmq_errno (), EFAULT);
}

static void *fail_in_thread (void *unused)
{
    (void) unused;
    errno = 0;
    zmq_socket (NULL, ZMQ_PAIR);
    CHECK_INT (zmq_errno (), EFAULT);
    return NULL;
}

TEST (errno_of_another_thread_does_not_show)
{
    pthread_t thread;
    errno = ENOENT;
    CHECK_OK (pthread_create (&thread, NULL, fail_in_thread, NULL));
    CHECK_OK (pthread_join (thread, NULL));
    CHECK_INT (zmq_errno (), ENOENT);
}

TEST (strerror_names_the_librarys_own_errors)
{
    CHECK_STRING (zmq_strerror (EFSM), "Operation cannot be accomplished in current state");
    CHECK_STRING (zmq_strerror (ENOCOMPATPROTO), "The protocol is not compatible with the socket type");
    CHECK_STRING (zmq_strerror (ETERM), "Context was terminated");
    CHECK_STRING (zmq_strerror (EMTHREAD), "No thread available");
}

TEST (strerror_of_ehostunreach_is_worded_its_own_way)
{
    CHECK_STRING (zmq_strerror (EHOSTUNREACH), "Host unreachable");
}

TEST (strerror_of_every_other_number_is_the_systems)
{
    for (int number = -2; number < 140; number++)
        if (number != EHOSTUNREACH)
            CHECK_STRING (zmq_strerror (number), strerror (number));
    for (int number = ZMQ_HAUSNUMERO; number <= ZMQ_HAUSNUMERO + 60; number++)
        if (number < EFSM || number > EMTHREAD)
            CHECK_STRING (zmq_strerror (number), strerror (number));
    CHECK_STRING (zmq_strerror (INT_MAX), strerror (INT_MAX));
    CHECK_STRING (zmq_strerror (INT_MIN), strerror (INT_MIN));
}

TEST (version_fills_in_all_three_numbers)
{
    int major = -1, minor = -1, patch = -1;
    zmq_version (&major, &minor, &patch);
    CHECK_INT (major, 4);
    CHECK_INT (minor, 3);
    CHECK (patch >= 4);
}

TEST (version_is_that_of_the_header_4_3_5)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);
    CHECK_INT (ZMQ_MAKE_VERSION (major, minor, patch), 40305);
}

TEST (has_knows_what_every_build_has)
{
    CHECK_INT (ZMQ_HAS_CAPABILITIES, 1);
    CHECK_INT (zmq_has ("ipc"), 1);
}

TEST (has_answers_one_or_zero_for_optional_libraries)
{
    static const char *const names[] = {"pgm", "norm", "tipc", "gssapi"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int answer = zmq_has (names[i]);
        CHECK (answer == 0 || answer == 1);
    }
}

TEST (has_the_draft_api) { CHECK_INT (zmq_has ("draft"), 1); }

TEST (has_is_zero_for_every_other_name)
{
    static const char *const names[] = {"", "nosuch", "IPC", "Curve", "ipc ", " ipc", "ip", "ipcx",
                                        "tcp", "inproc", "plain", "null", "vmci"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_INT (zmq_has (names[i]), 0);
}

/* --- atomic counters ------------------------------------------------------------ */

TEST (atomic_counter_new_starts_at_zero)
{
    void *counter = zmq_atomic_counter_new ();
    CHECK (counter != NULL);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    zmq_atomic_counter_destroy (&counter);
}

TEST (atomic_counter_inc_returns_the_old_value)
{
    void *counter = zmq_atomic_counter_new ();
    for (int i = 0; i < 5; i++)
        CHECK_INT (zmq_atomic_counter_inc (counter), i);
    CHECK_INT (zmq_atomic_counter_value (counter), 5);
    zmq_atomic_counter_destroy (&counter);
}

TEST (atomic_counter_dec_returns_one_until_zero_is_reached)
{
    void *counter = zmq_atomic_counter_new ();
    zmq_atomic_counter_set (counter, 3);
    CHECK_INT (zmq_atomic_counter_dec (counter), 1);
    CHECK_INT (zmq_atomic_counter_dec (counter), 1);
    CHECK_INT (zmq_atomic_counter_dec (counter), 0);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    zmq_atomic_counter_destroy (&counter);
}

TEST (atomic_counter_below_zero_counts_on)
{
    void *counter = zmq_atomic_counter_new ();
    CHECK_INT (zmq_atomic_counter_dec (counter), 1);
    CHECK_INT (zmq_atomic_counter_value (counter), -1);
    CHECK_INT (zmq_atomic_counter_inc (counter), -1);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    zmq_atomic_counter_set (counter, -5);
    CHECK_INT (zmq_atomic_counter_value (counter), -5);
    zmq_atomic_counter_destroy (&counter);
}

TEST (atomic_counter_set_takes_every_int_and_wraps_around)
{
    void *counter = zmq_atomic_counter_new ();
    zmq_atomic_counter_set (counter, INT_MAX);
    CHECK_INT (zmq_atomic_counter_value (counter), INT_MAX);
    CHECK_INT (zmq_atomic_counter_inc (counter), INT_MAX);
    CHECK_INT (zmq_atomic_counter_value (counter), INT_MIN);
    zmq_atomic_counter_set (counter, 0);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    zmq_atomic_counter_destroy (&counter);
}

TEST (atomic_counter_destroy_sets_the_pointer_to_null)
{
    void *counter = zmq_atomic_counter_new ();
    zmq_atomic_counter_destroy (&counter);
    CHECK (counter == NULL);
    zmq_atomic_counter_destroy (&counter);
    CHECK (counter == NULL);
}

#define COUNTS 20000

static void *count_up (void *counter)
{
    for (int i = 0; i < COUNTS; i++)
        zmq_atomic_counter_inc (counter);
    return NULL;
}

static atomic_int reached_zero;

static void *count_down (void *counter)
{
    for (int i = 0; i < COUNTS; i++)
        if (zmq_atomic_counter_dec (counter) == 0)
            atomic_fetch_add (&reached_zero, 1);
    return NULL;
}

TEST (atomic_counter_loses_no_count_between_threads)
{
    void *counter = zmq_atomic_counter_new ();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_OK (pthread_create (&threads[i], NULL, count_up, counter));
    for (int i = 0; i < 4; i++)
        CHECK_OK (pthread_join (threads[i], NULL));
    CHECK_INT (zmq_atomic_counter_value (counter), 4 * COUNTS);
    for (int i = 0; i < 4; i++)
        CHECK_OK (pthread_create (&threads[i], NULL, count_down, counter));
    for (int i = 0; i < 4; i++)
        CHECK_OK (pthread_join (threads[i], NULL));
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    CHECK_INT (atomic_load (&reached_zero), 1);
    zmq_atomic_counter_destroy (&counter);
}

/* --- stopwatch, sleep, threads ------------------------------------------------------ */

TEST (stopwatch_counts_microseconds_and_goes_on_after_intermediate)
{
    int64_t start = now_ms ();
    void *watch = zmq_stopwatch_start ();
    CHECK (watch != NULL);
    sleep_ms (30);
    unsigned long first = zmq_stopwatch_intermediate (watch);
    sleep_ms (10);
    unsigned long second = zmq_stopwatch_intermediate (watch);
    unsigned long last = zmq_stopwatch_stop (watch);
    unsigned long limit = (unsigned long) (now_ms () - start + 2) * 1000;
    CHECK (first >= 29000);
    CHECK (second >= first + 9000);
    CHECK (last >= second);
    CHECK (last <= limit);
}

TEST (sleep_sleeps_that_many_seconds)
{
    int64_t start = now_ms ();
    zmq_sleep (0);
    CHECK (now_ms () - start < 500);
    start = now_ms ();
    zmq_sleep (1);
    CHECK (now_ms () - start >= 995);
}

static pthread_t thread_seen;

static void in_thread (void *argument)
{
    thread_seen = pthread_self ();
    sleep_ms (30);
    *(int *) argument = 42;
}

TEST (threadstart_runs_the_function_in_a_thread_and_threadclose_waits_for_it)
{
    int value = 0;
    void *thread = zmq_threadstart (in_thread, &value);
    CHECK (thread != NULL);
    zmq_threadclose (thread);
    CHECK_INT (value, 42);
    CHECK (!pthread_equal (thread_seen, pthread_self ()));
}

static void in_thread_receive (void *socket)
{
    EXPECT_TEXT (socket, "to the thread");
    send_text (socket, "back", 0);
}

TEST (threads_from_threadstart_can_use_sockets)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://threadstart"));
    CHECK_OK (zmq_connect (two, "inproc://threadstart"));
    void *thread = zmq_threadstart (in_thread_receive, two);
    send_text (one, "to the thread", 0);
    EXPECT_TEXT (one, "back");
    zmq_threadclose (thread);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (many_threads_start_and_close)
{
    int values[20] = {0};
    void *threads[20];
    for (int i = 0; i < 20; i++)
        CHECK ((threads[i] = zmq_threadstart (in_thread, &values[i])) != NULL);
    for (int i = 0; i < 20; i++) {
        zmq_threadclose (threads[i]);
        CHECK_INT (values[i], 42);
    }
}

/* --- Z85 ------------------------------------------------------------------------------ */

/*  The example of the specification: 32/Z85.  */
static const uint8_t hello_bytes[8] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};

TEST (z85_encodes_the_example_of_its_specification)
{
    char text[11];
    memset (text, 'x', sizeof text);
    CHECK (zmq_z85_encode (text, hello_bytes, 8) == text);
    CHECK_STRING (text, "HelloWorld");
}

TEST (z85_decodes_the_example_of_its_specification)
{
    uint8_t bytes[8];
    CHECK (zmq_z85_decode (bytes, "HelloWorld") == bytes);
    CHECK (memcmp (bytes, hello_bytes, 8) == 0);
}

TEST (z85_encode_of_a_size_not_divisible_by_4_is_einval)
{
    char text[100];
    uint8_t bytes[64] = {0};
    for (size_t size = 0; size < 64; size++)
        if (size % 4)
            CHECK_NULL_ERRNO (zmq_z85_encode (text, bytes, size), EINVAL);
}

TEST (z85_encode_checks_the_size_first)
{
    CHECK_NULL_ERRNO (zmq_z85_encode (NULL, NULL, 1), EINVAL);
}

TEST (z85_encode_of_nothing_is_the_empty_string)
{
    char text[2] = "x";
    uint8_t byte = 0;
    CHECK (zmq_z85_encode (text, &byte, 0) == text);
    CHECK_STRING (text, "");
}

TEST (z85_decode_of_a_length_not_divisible_by_5_is_einval)
{
    uint8_t bytes[64];
    char text[41] = "";
    for (size_t length = 1; length < 40; length++) {
        memset (text, '0', length);
        text[length] = 0;
        if (length % 5)
            CHECK_NULL_ERRNO (zmq_z85_decode (bytes, text), EINVAL);
    }
}

TEST (z85_decode_of_the_empty_string_is_einval)
{
    uint8_t bytes[4];
    CHECK_NULL_ERRNO (zmq_z85_decode (bytes, ""), EINVAL);
}

TEST (z85_decode_of_a_character_outside_the_alphabet_is_einval)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   ".-:+=^!/*?&<>()[]{}@%$#";
    CHECK_INT (strlen (alphabet), 85);
    for (int character = 1; character < 256; character++)
        for (int place = 0; place < 5; place++) {
            char text[6] = "00000";
            uint8_t bytes[4];
            text[place] = (char) character;
            if (strchr (alphabet, character)) {
                //  85^4 times more than 82 does not fit 32 bits.
                if (place > 0 || strchr (alphabet, character) - alphabet <= 81)
                    CHECK (zmq_z85_decode (bytes, text) == bytes);
            } else
                CHECK_NULL_ERRNO (zmq_z85_decode (bytes, text), EINVAL);
        }
}

TEST (z85_decode_of_a_group_beyond_32_bits_is_einval)
{
    uint8_t bytes[8];
    CHECK (zmq_z85_decode (bytes, "%nSc0") == bytes);
    CHECK_INT (bytes[0] & bytes[1] & bytes[2] & bytes[3], 0xFF);
    CHECK_NULL_ERRNO (zmq_z85_decode (bytes, "%nSc1"), EINVAL);
    CHECK_NULL_ERRNO (zmq_z85_decode (bytes, "#####"), EINVAL);
    CHECK_NULL_ERRNO (zmq_z85_decode (bytes, "00000#####"), EINVAL);
}

TEST (z85_decodes_what_it_encodes)
{
    unsigned state = 12345;
    for (size_t size = 4; size <= 256; size += 4) {
        uint8_t bytes[256], back[256];
        char text[321];
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t) ((state = state * 1103515245u + 12345u) >> 16);
        CHECK (zmq_z85_encode (text, bytes, size) == text);
        CHECK_INT (strlen (text), size / 4 * 5);
        CHECK (zmq_z85_decode (back, text) == back);
        CHECK (memcmp (bytes, back, size) == 0);
    }
}
