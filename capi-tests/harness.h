/*  Test harness: every TEST runs in a child process of its own, with a time
 *  limit, so that a crash or a hang names the test and spoils no other.
 *
 *  One binary serves both libraries; the loader picks which one runs:
 *      LD_LIBRARY_PATH=target/dist ./socket_pair          (all tests)
 *      LD_LIBRARY_PATH=target/dist ./socket_pair NAME...  (those named)
 *  TEST_SKIP="name name" leaves tests out (the list of deliberate differences).
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

/*  Time after which a blocking operation that should succeed has failed.  */
#define PATIENCE_MS 10000
/*  Time given to something that must NOT happen, before we believe it.  */
#define SETTLE_MS 150
/*  Limit of one test, in seconds.  */
#ifndef TEST_LIMIT_S
#define TEST_LIMIT_S 60
#endif

typedef struct test_case {
    const char *name;
    void (*run) (void);
    struct test_case *next;
} test_case;

static test_case *harness_first;
static test_case **harness_last = &harness_first;

#define TEST(NAME)                                                            \
    static void test_##NAME (void);                                           \
    static test_case case_##NAME = {#NAME, test_##NAME, NULL};                \
    __attribute__ ((constructor)) static void register_##NAME (void)          \
    {                                                                         \
        *harness_last = &case_##NAME;                                         \
        harness_last = &case_##NAME.next;                                     \
    }                                                                         \
    static void test_##NAME (void)

static inline void harness_fail (const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    fprintf (stdout, "    %s:%d: ", file, line);
    vfprintf (stdout, format, arguments);
    fprintf (stdout, "\n");
    fflush (stdout);
    va_end (arguments);
    _exit (1);
}

/*  The condition holds.  */
#define CHECK(CONDITION)                                                      \
    do {                                                                      \
        if (!(CONDITION))                                                     \
            harness_fail (__FILE__, __LINE__, "%s is false (errno %d: %s)",   \
                          #CONDITION, errno, zmq_strerror (errno));           \
    } while (0)

/*  The expression has this integer value.  */
#define CHECK_INT(EXPRESSION, EXPECTED)                                       \
    do {                                                                      \
        long long harness_got = (long long) (EXPRESSION);                     \
        long long harness_want = (long long) (EXPECTED);                      \
        if (harness_got != harness_want)                                      \
            harness_fail (__FILE__, __LINE__,                                 \
                          "%s is %lld, expected %s = %lld (errno %d: %s)",    \
                          #EXPRESSION, harness_got, #EXPECTED, harness_want,  \
                          errno, zmq_strerror (errno));                       \
    } while (0)

/*  The call succeeds (returns 0).  */
#define CHECK_OK(CALL) CHECK_INT (CALL, 0)

/*  The call returns -1 and sets errno to this value.  */
#define CHECK_ERRNO(CALL, ERRNO)                                              \
    do {                                                                      \
        errno = 0;                                                            \
        long long harness_rc = (long long) (CALL);                            \
        int harness_errno = zmq_errno ();                                     \
        if (harness_rc != -1 || harness_errno != (ERRNO))                     \
            harness_fail (__FILE__, __LINE__,                                 \
                          "%s gave %lld, errno %d (%s), expected -1, %s",     \
                          #CALL, harness_rc, harness_errno,                   \
                          zmq_strerror (harness_errno), #ERRNO);              \
    } while (0)

/*  The call returns NULL and sets errno to this value.  */
#define CHECK_NULL_ERRNO(CALL, ERRNO)                                         \
    do {                                                                      \
        errno = 0;                                                            \
        const void *harness_rc = (const void *) (CALL);                       \
        int harness_errno = zmq_errno ();                                     \
        if (harness_rc != NULL || harness_errno != (ERRNO))                   \
            harness_fail (__FILE__, __LINE__,                                 \
                          "%s gave %p, errno %d (%s), expected NULL, %s",     \
                          #CALL, harness_rc, harness_errno,                   \
                          zmq_strerror (harness_errno), #ERRNO);              \
    } while (0)

/*  Both strings are equal.  */
#define CHECK_STRING(EXPRESSION, EXPECTED)                                    \
    do {                                                                      \
        const char *harness_got = (EXPRESSION);                               \
        const char *harness_want = (EXPECTED);                                \
        if (!harness_got || strcmp (harness_got, harness_want) != 0)          \
            harness_fail (__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", \
                          #EXPRESSION, harness_got ? harness_got : "(null)",  \
                          harness_want);                                      \
    } while (0)

/*  Milliseconds of the monotonic clock.  */
static inline int64_t now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void sleep_ms (int ms)
{
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep (&left, &left) == -1 && errno == EINTR)
        ;
}

static inline void set_int (void *socket, int option, int value)
{
    CHECK_OK (zmq_setsockopt (socket, option, &value, sizeof value));
}

static inline int get_int (void *socket, int option)
{
    int value = -12345;
    size_t size = sizeof value;
    CHECK_OK (zmq_getsockopt (socket, option, &value, &size));
    CHECK_INT (size, sizeof value);
    return value;
}

/*  A socket that does not linger and whose blocking calls end by themselves,
 *  so that a failing test ends with a message.  */
static inline void *open_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    CHECK (socket != NULL);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, PATIENCE_MS);
    set_int (socket, ZMQ_SNDTIMEO, PATIENCE_MS);
    return socket;
}

/*  Binds to ENDPOINT and returns the endpoint that came of it (LAST_ENDPOINT).
 *  The buffers rotate: eight results stay valid.  */
static inline const char *bind_to (void *socket, const char *endpoint)
{
    static __thread char buffers[8][300];
    static __thread int next;
    char *buffer = buffers[next++ % 8];
    size_t size = sizeof buffers[0];
    CHECK_OK (zmq_bind (socket, endpoint));
    CHECK_OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, buffer, &size));
    return buffer;
}

/*  One wildcard endpoint of each transport; inproc has a name of its own.  */
static inline const char *wildcard (const char *transport)
{
    if (strcmp (transport, "tcp") == 0)
        return "tcp://127.0.0.1:*";
    if (strcmp (transport, "ipc") == 0)
        return "ipc://*";
    return "inproc://harness";
}

static inline void send_text (void *socket, const char *text, int flags)
{
    CHECK_INT (zmq_send (socket, text, strlen (text), flags), strlen (text));
}

/*  The next part is TEXT, and MORE follow or not.  */
#define EXPECT_PART(SOCKET, TEXT, MORE)                                       \
    do {                                                                      \
        char harness_part[1024];                                              \
        int harness_size =                                                    \
          zmq_recv (SOCKET, harness_part, sizeof harness_part - 1, 0);        \
        if (harness_size < 0)                                                 \
            harness_fail (__FILE__, __LINE__, "no message, expected \"%s\": %s", \
                          TEXT, zmq_strerror (zmq_errno ()));                 \
        harness_part[harness_size] = 0;                                       \
        CHECK_STRING (harness_part, TEXT);                                    \
        CHECK_INT (get_int (SOCKET, ZMQ_RCVMORE), MORE);                      \
    } while (0)

/*  The next message is this single part.  */
#define EXPECT_TEXT(SOCKET, TEXT) EXPECT_PART (SOCKET, TEXT, 0)

/*  No message comes within the settling time.  */
#define EXPECT_NOTHING(SOCKET)                                                \
    do {                                                                      \
        zmq_pollitem_t harness_item = {SOCKET, 0, ZMQ_POLLIN, 0};             \
        CHECK_INT (zmq_poll (&harness_item, 1, SETTLE_MS), 0);                \
    } while (0)

/*  Polls until the socket shows these events, at most PATIENCE_MS.  */
static inline void wait_events (void *socket, short events)
{
    zmq_pollitem_t item = {socket, 0, events, 0};
    CHECK_INT (zmq_poll (&item, 1, PATIENCE_MS), 1);
}

/*  The context does its work: two new sockets of it exchange a message over tcp.  */
static inline void expect_service (void *context)
{
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (two, bind_to (one, "tcp://127.0.0.1:*")));
    send_text (two, "hello", 0);
    EXPECT_TEXT (one, "hello");
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
}

static int harness_run_one (const test_case *test)
{
    fflush (stdout);
    int64_t start = now_ms ();
    pid_t child = fork ();
    if (child == 0) {
        alarm (TEST_LIMIT_S);
        test->run ();
        fflush (stdout);
        _exit (0);
    }
    int status = 0;
    while (waitpid (child, &status, 0) == -1 && errno == EINTR)
        ;
    int passed = WIFEXITED (status) && WEXITSTATUS (status) == 0;
    if (WIFSIGNALED (status))
        printf ("    %s\n", WTERMSIG (status) == SIGALRM
                              ? "did not end within its time limit"
                              : strsignal (WTERMSIG (status)));
    printf ("  %s %s (%lld ms)\n", passed ? "ok  " : "FAIL", test->name,
            (long long) (now_ms () - start));
    return passed;
}

static int harness_listed (const char *list, const char *name)
{
    size_t length = strlen (name);
    for (const char *at = list; at && (at = strstr (at, name)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return 1;
    return 0;
}

int main (int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0;
    const char *skip = getenv ("TEST_SKIP");
    setvbuf (stdout, NULL, _IOLBF, 0);
    for (const test_case *test = harness_first; test; test = test->next) {
        int wanted = argc == 1;
        for (int i = 1; i < argc; i++)
            wanted |= strcmp (argv[i], test->name) == 0;
        if (!wanted)
            continue;
        if (harness_listed (skip, test->name)) {
            printf ("  skip %s (deliberate difference)\n", test->name);
            skipped++;
        } else if (harness_run_one (test))
            passed++;
        else
            failed++;
    }
    printf ("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}

#endif
