/*  An application that exchanges messages and then makes no calls, or calls now and
 *  then: its connections are served nevertheless.  (Our library lets a waiting caller
 *  do the input and output itself; nothing of this may depend on its next call.)
 */
#include "peers.h"

#include <sys/resource.h>

/*  Long enough to show a connection that is served only now and then.  */
#define AWAY_MS 300
/*  What is served within this time did not wait for the application.  */
#define SOON_MS 150
#define ROUNDS 300

typedef struct {
    void *context;
    void *rep;
    void *req;
    const char *endpoint;
} dialogue;

static void *answer_rounds (void *rep)
{
    char byte;
    for (int n = 0; n < ROUNDS; n++) {
        CHECK_INT (zmq_recv (rep, &byte, 1, 0), 1);
        CHECK_INT (zmq_send (rep, &byte, 1, 0), 1);
    }
    return NULL;
}

static void talk (void *req)
{
    char byte = 'x';
    for (int n = 0; n < ROUNDS; n++) {
        CHECK_INT (zmq_send (req, &byte, 1, 0), 1);
        CHECK_INT (zmq_recv (req, &byte, 1, 0), 1);
    }
}

/*  A context whose sockets have just had a quick dialogue, both blocking.  */
static dialogue after_a_dialogue (const char *transport)
{
    void *context = zmq_ctx_new ();
    dialogue own = {context, open_socket (context, ZMQ_REP), open_socket (context, ZMQ_REQ), NULL};
    own.endpoint = join (own.rep, own.req, transport);
    pthread_t thread = start_thread (answer_rounds, own.rep);
    talk (own.req);
    end_thread (thread);
    return own;
}

static const char greeting[64] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01NULL";
static const char ready[] = "\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06" "DEALER";

/*  A plain peer that has done the handshake of a DEALER.  */
static int plain_dealer (const char *endpoint)
{
    char got[64], size[2], body[256];
    int fd = plain_connect (port_of (endpoint));
    plain_write (fd, greeting, sizeof greeting);
    plain_read (fd, got, sizeof got);
    plain_write (fd, ready, 2 + 0x1C);
    plain_read (fd, size, sizeof size);
    plain_read (fd, body, (unsigned char) size[1]);
    return fd;
}

/*  A ROUTER that a waiting caller has just served, and its plain peer.  */
static void *router_after_a_dialogue (void *context, int *fd)
{
    char id[256];
    void *router = open_socket (context, ZMQ_ROUTER);
    *fd = plain_dealer (bind_to (router, wildcard ("tcp")));
    for (int n = 0; n < ROUNDS; n++) {
        plain_write (*fd, "\0\x01m", 3);
        CHECK (zmq_recv (router, id, sizeof id, 0) > 0);
        EXPECT_TEXT (router, "m");
    }
    return router;
}

TEST (a_ping_is_answered_while_the_application_is_away)
{
    void *context = zmq_ctx_new ();
    int fd;
    void *router = router_after_a_dialogue (context, &fd);
    int64_t start = now_ms ();
    for (int n = 0; n < 5; n++) {
        char pong[2 + 5 + 3];
        plain_write (fd, "\x04\x0A\x04PING\0\0abc", 12);
        plain_read (fd, pong, sizeof pong);
        CHECK (memcmp (pong, "\x04\x08\x04PONGabc", sizeof pong) == 0);
    }
    CHECK (now_ms () - start < SOON_MS);
    CHECK_OK (close (fd));
    FINISH (context, router);
}

TEST (a_handshake_completes_while_the_application_is_away)
{
    void *context = zmq_ctx_new ();
    int fd;
    char endpoint[256];
    size_t size = sizeof endpoint;
    void *router = router_after_a_dialogue (context, &fd);
    CHECK_OK (zmq_getsockopt (router, ZMQ_LAST_ENDPOINT, endpoint, &size));
    int64_t start = now_ms ();
    int other = plain_dealer (endpoint);
    CHECK (now_ms () - start < SOON_MS);
    CHECK_OK (close (fd));
    CHECK_OK (close (other));
    FINISH (context, router);
}

TEST (messages_come_in_while_the_application_is_away)
{
    void *context = zmq_ctx_new ();
    int fd;
    char id[256];
    void *router = router_after_a_dialogue (context, &fd);
    plain_write (fd, "\0\x01m", 3);
    sleep_ms (AWAY_MS);
    CHECK (zmq_recv (router, id, sizeof id, ZMQ_DONTWAIT) > 0);
    EXPECT_TEXT (router, "m");
    CHECK_OK (close (fd));
    FINISH (context, router);
}

/*  A server that answers several at a time, again and again: what it answered
 *  last goes out though it does not come back.  */
TEST (answers_in_trains_go_out_while_the_application_is_away)
{
    enum { TRAIN = 5 };
    static const char train[] = "\0\x01m\0\x01m\0\x01m\0\x01m\0\x01m";
    void *context = zmq_ctx_new ();
    int fd;
    char id[256], got[3 * TRAIN];
    int size = 0;
    void *router = router_after_a_dialogue (context, &fd);
    for (int n = 0; n < ROUNDS; n++) {
        plain_write (fd, train, sizeof got);
        for (int m = 0; m < TRAIN; m++) {
            CHECK ((size = zmq_recv (router, id, sizeof id, 0)) > 0);
            EXPECT_TEXT (router, "m");
        }
        if (n > 0)
            plain_read (fd, got, sizeof got);
        for (int m = 0; m < TRAIN; m++) {
            CHECK_INT (zmq_send (router, id, size, ZMQ_SNDMORE), size);
            send_text (router, "m", 0);
        }
    }
    int64_t start = now_ms ();
    plain_read (fd, got, sizeof got);
    CHECK (memcmp (got, train, sizeof got) == 0);
    char pong[2 + 5 + 3];
    plain_write (fd, "\x04\x0A\x04PING\0\0abc", 12);
    plain_read (fd, pong, sizeof pong);
    CHECK (now_ms () - start < SOON_MS);
    CHECK_OK (close (fd));
    FINISH (context, router);
}

static void *receive_all (void *pull)
{
    int got;
    for (int n = 0; n < 1000; n++) {
        CHECK_INT (zmq_recv (pull, &got, sizeof got, 0), sizeof got);
        CHECK_INT (got, n);
    }
    return NULL;
}

/*  What was sent last goes out though its sender does nothing more.  */
static void over_sent (const char *transport)
{
    dialogue own = after_a_dialogue (transport);
    void *other = zmq_ctx_new ();
    void *push = open_socket (own.context, ZMQ_PUSH);
    void *pull = open_socket (other, ZMQ_PULL);
    CHECK_OK (zmq_connect (push, bind_to (pull, wildcard (transport))));
    wait_events (push, ZMQ_POLLOUT);
    pthread_t thread = start_thread (receive_all, pull);
    for (int n = 0; n < 1000; n++)
        CHECK_INT (zmq_send (push, &n, sizeof n, 0), sizeof n);
    end_thread (thread);
    FINISH (own.context, own.rep, own.req, push);
    FINISH (other, pull);
}

TEST (what_was_sent_last_goes_out_tcp) { over_sent ("tcp"); }
TEST (what_was_sent_last_goes_out_ipc) { over_sent ("ipc"); }

/*  Four threads, each with its own pair of one context: nobody's messages wait
 *  for somebody else's call.  */
static void *talk_in_thread (void *context)
{
    void *rep = open_socket (context, ZMQ_REP), *req = open_socket (context, ZMQ_REQ);
    join (rep, req, "tcp");
    pthread_t thread = start_thread (answer_rounds, rep);
    talk (req);
    end_thread (thread);
    CHECK_OK (zmq_close (rep));
    CHECK_OK (zmq_close (req));
    return NULL;
}

TEST (dialogues_of_one_context_do_not_hold_each_other_up)
{
    void *context = zmq_ctx_new ();
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        threads[n] = start_thread (talk_in_thread, context);
    for (int n = 0; n < 4; n++)
        end_thread (threads[n]);
    CHECK_OK (zmq_ctx_term (context));
}

static void *shut_down_later (void *context)
{
    sleep_ms (50);
    CHECK_OK (zmq_ctx_shutdown (context));
    return NULL;
}

static void over_shutdown (const char *transport)
{
    dialogue own = after_a_dialogue (transport);
    char byte;
    pthread_t thread = start_thread (shut_down_later, own.context);
    int64_t start = now_ms ();
    CHECK_ERRNO (zmq_recv (own.rep, &byte, 1, 0), ETERM);
    CHECK (now_ms () - start < PATIENCE_MS / 2);
    end_thread (thread);
    FINISH (own.context, own.rep, own.req);
}

TEST (a_receive_after_a_dialogue_ends_with_its_context_tcp) { over_shutdown ("tcp"); }
TEST (a_receive_after_a_dialogue_ends_with_its_context_inproc) { over_shutdown ("inproc"); }

static void on_signal (int number)
{
    (void) number;
}

static void *interrupt_later (void *thread)
{
    for (int n = 0; n < 20; n++) {
        sleep_ms (20);
        CHECK_OK (pthread_kill (*(pthread_t *) thread, SIGUSR1));
    }
    return NULL;
}

static void over_signal (const char *transport)
{
    dialogue own = after_a_dialogue (transport);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    char byte;
    CHECK_OK (sigaction (SIGUSR1, &action, NULL));
    pthread_t self = pthread_self ();
    pthread_t thread = start_thread (interrupt_later, &self);
    CHECK_ERRNO (zmq_recv (own.rep, &byte, 1, 0), EINTR);
    zmq_pollitem_t items[] = {{own.rep, 0, ZMQ_POLLIN, 0}, {own.req, 0, ZMQ_POLLIN, 0}};
    CHECK_ERRNO (zmq_poll (items, 2, PATIENCE_MS), EINTR);
    end_thread (thread);
    send_text (own.req, "q", 0);
    EXPECT_TEXT (own.rep, "q");
    FINISH (own.context, own.rep, own.req);
}

TEST (a_signal_ends_a_wait_after_a_dialogue_tcp) { over_signal ("tcp"); }
TEST (a_signal_ends_a_wait_after_a_dialogue_inproc) { over_signal ("inproc"); }

/*  A long wait without a message sleeps: it costs next to no processor time.  */
TEST (waiting_costs_no_processor)
{
    dialogue own = after_a_dialogue ("tcp");
    zmq_pollitem_t items[] = {{own.rep, 0, ZMQ_POLLIN, 0}, {own.req, 0, ZMQ_POLLIN, 0}};
    struct rusage before, after;
    CHECK_OK (getrusage (RUSAGE_SELF, &before));
    CHECK_INT (zmq_poll (items, 2, 2 * AWAY_MS), 0);
    CHECK_OK (getrusage (RUSAGE_SELF, &after));
    long spent = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000
                 + (after.ru_utime.tv_usec - before.ru_utime.tv_usec)
                 + (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000
                 + (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    CHECK (spent < 2 * AWAY_MS * 1000 / 20);
    FINISH (own.context, own.rep, own.req);
}

static void *write_later (void *fd)
{
    sleep_ms (30);
    CHECK_INT (write (*(int *) fd, "x", 1), 1);
    return NULL;
}

/*  A descriptor of the application wakes a poll that also waits for sockets
 *  that have just been busy, and so does a message.  */
TEST (a_poll_after_a_dialogue_wakes_for_either_kind)
{
    dialogue own = after_a_dialogue ("tcp");
    int ends[2];
    CHECK_OK (pipe (ends));
    pthread_t thread = start_thread (write_later, &ends[1]);
    zmq_pollitem_t items[] = {{own.rep, 0, ZMQ_POLLIN, 0}, {NULL, ends[0], ZMQ_POLLIN, 0}};
    CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 1);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    end_thread (thread);
    char byte;
    CHECK_INT (read (ends[0], &byte, 1), 1);
    send_text (own.req, "q", 0);
    CHECK_INT (zmq_poll (items, 2, PATIENCE_MS), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (items[1].revents, 0);
    CHECK_OK (close (ends[0]));
    CHECK_OK (close (ends[1]));
    FINISH (own.context, own.rep, own.req);
}

static void *read_slowly (void *fd)
{
    static char bytes[64 * 1024];
    ssize_t got;
    while ((got = read (*(int *) fd, bytes, sizeof bytes)) > 0)
        usleep (10);
    CHECK_INT (got, 0);
    return NULL;
}

static long resident_kib (void)
{
    long pages, resident;
    FILE *file = fopen ("/proc/self/statm", "r");
    CHECK (file != NULL);
    CHECK_INT (fscanf (file, "%ld %ld", &pages, &resident), 2);
    CHECK_OK (fclose (file));
    return resident * (sysconf (_SC_PAGESIZE) / 1024);
}

/*  What was written is not kept, however little the kernel takes at a time.  */
TEST (memory_is_bounded_with_a_reader_that_never_catches_up)
{
    enum { SIZE = 1000, MESSAGES = 40 * 1000 };
    static char body[SIZE];
    void *context = zmq_ctx_new ();
    void *dealer = open_socket (context, ZMQ_DEALER);
    set_int (dealer, ZMQ_SNDBUF, 4096);
    int fd = plain_dealer (bind_to (dealer, wildcard ("tcp")));
    pthread_t thread = start_thread (read_slowly, &fd);
    long before = resident_kib ();
    for (int n = 0; n < MESSAGES; n++)
        CHECK_INT (zmq_send (dealer, body, SIZE, 0), SIZE);
    CHECK (resident_kib () - before < MESSAGES / 1024 * SIZE / 4);
    CHECK_OK (zmq_close (dealer));
    CHECK_OK (zmq_ctx_term (context));
    end_thread (thread);
    CHECK_OK (close (fd));
}

static pthread_key_t at_exit;

static void send_last (void *dealer)
{
    sleep_ms (5);
    CHECK_INT (zmq_send (dealer, "last", 4, 0), 4);
}

static void *talk_and_end (void *dealer)
{
    CHECK_OK (pthread_setspecific (at_exit, dealer));
    for (int n = 0; n < ROUNDS; n++) {
        send_text (dealer, "q", 0);
        EXPECT_TEXT (dealer, "a");
    }
    return NULL;
}

/*  What runs while a thread ends, the destructors of its own data, may send.  */
TEST (a_thread_sends_while_it_ends)
{
    void *context = zmq_ctx_new ();
    void *there = open_socket (context, ZMQ_DEALER), *here = open_socket (context, ZMQ_DEALER);
    join (there, here, "tcp");
    CHECK_OK (pthread_key_create (&at_exit, send_last));
    pthread_t thread = start_thread (talk_and_end, here);
    for (int n = 0; n < ROUNDS; n++) {
        EXPECT_TEXT (there, "q");
        send_text (there, "a", 0);
    }
    EXPECT_TEXT (there, "last");
    end_thread (thread);
    FINISH (context, there, here);
}

static pthread_mutex_t pool = PTHREAD_MUTEX_INITIALIZER;
static int given_back;

static void give_back (void *data, void *hint)
{
    (void) data;
    (void) hint;
    CHECK_OK (pthread_mutex_lock (&pool));
    given_back++;
    CHECK_OK (pthread_mutex_unlock (&pool));
}

/*  A free function is not called during a call that sends: it may want a lock
 *  that the application holds meanwhile.  */
static void over_free (const char *transport)
{
    enum { MESSAGES = 100 };
    static char body[10000];
    void *context = zmq_ctx_new ();
    void *there = open_socket (context, ZMQ_DEALER), *here = open_socket (context, ZMQ_DEALER);
    join (there, here, transport);
    for (int n = 0; n < MESSAGES; n++) {
        char got[sizeof body];
        size_t size = n % 2 ? sizeof body : 100;
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_data (&message, body, size, give_back, NULL));
        CHECK_OK (pthread_mutex_lock (&pool));
        CHECK_INT (zmq_msg_send (&message, here, 0), size);
        CHECK_OK (pthread_mutex_unlock (&pool));
        CHECK_INT (zmq_recv (there, got, sizeof got, 0), size);
        CHECK_INT (zmq_send (there, "a", 1, 0), 1);
        EXPECT_TEXT (here, "a");
    }
    int done = 0;
    for (int64_t give_up = now_ms () + PATIENCE_MS; done < MESSAGES && now_ms () < give_up;) {
        CHECK_OK (pthread_mutex_lock (&pool));
        done = given_back;
        CHECK_OK (pthread_mutex_unlock (&pool));
    }
    CHECK_INT (done, MESSAGES);
    FINISH (context, there, here);
}

TEST (a_free_function_waits_for_the_end_of_the_call_tcp) { over_free ("tcp"); }
TEST (a_free_function_waits_for_the_end_of_the_call_ipc) { over_free ("ipc"); }
