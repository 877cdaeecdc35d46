/*  Options of the draft API, and contexts' of any type.  What libzmq 4.3.5 built with drafts was seen to
 *  do, but for the options of transports that its build has not, and our own.  */
#define ZMQ_BUILD_DRAFT_API
#include "../harness.h"

#include <dirent.h>
#include <sys/socket.h>

static void check_refused (void *socket, int option, int value)
{
    CHECK_ERRNO (zmq_setsockopt (socket, option, &value, sizeof value), EINVAL);
}

/*  The option reads as FIRST, takes GOOD, and refuses BAD and other sizes.  */
static void check_int (int option, int first, int good, int bad)
{
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    CHECK_INT (get_int (socket, option), first);
    set_int (socket, option, good);
    check_refused (socket, option, bad);
    CHECK_ERRNO (zmq_setsockopt (socket, option, "12345", 5), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, option, NULL, 0), EINVAL);
    CHECK_INT (get_int (socket, option), good);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (batch_sizes_are_above_zero)
{
    check_int (ZMQ_IN_BATCH_SIZE, 8192, 1, 0);
    check_int (ZMQ_OUT_BATCH_SIZE, 8192, 100000, -1);
}

TEST (options_of_norm_are_stored)
{
    check_int (ZMQ_NORM_MODE, ZMQ_NORM_CC, ZMQ_NORM_FIXED, -1);
    check_int (ZMQ_NORM_MODE, ZMQ_NORM_CC, ZMQ_NORM_CCL, -1);
    check_int (ZMQ_NORM_MODE, ZMQ_NORM_CC, ZMQ_NORM_CCE, -1);
    check_int (ZMQ_NORM_MODE, ZMQ_NORM_CC, ZMQ_NORM_CCE_ECNONLY, 5);
    check_int (ZMQ_NORM_UNICAST_NACK, 0, 1, 2);
    check_int (ZMQ_NORM_BUFFER_SIZE, 2048, 1, 0);
    check_int (ZMQ_NORM_SEGMENT_SIZE, 1400, 1, 0);
    check_int (ZMQ_NORM_BLOCK_SIZE, 16, 255, 256);
    check_int (ZMQ_NORM_NUM_PARITY, 4, 254, 255);
    check_int (ZMQ_NORM_NUM_AUTOPARITY, 0, 254, -1);
    check_int (ZMQ_NORM_PUSH, 0, 1, 2);
}

TEST (options_of_wss_are_stored)
{
    static const int texts[] = {ZMQ_WSS_KEY_PEM, ZMQ_WSS_CERT_PEM, ZMQ_WSS_TRUST_PEM, ZMQ_WSS_HOSTNAME};
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    for (int i = 0; i < 4; i++) {
        char text[1000], read[1001];
        memset (text, 'a' + i, sizeof text);
        CHECK_OK (zmq_setsockopt (socket, texts[i], text, sizeof text));
        size_t size = sizeof text;
        CHECK_ERRNO (zmq_getsockopt (socket, texts[i], read, &size), EINVAL);
        size = sizeof read;
        CHECK_OK (zmq_getsockopt (socket, texts[i], read, &size));
        CHECK_INT (size, sizeof read);
        CHECK (memcmp (read, text, sizeof text) == 0 && read[sizeof text] == 0);
    }
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
    check_int (ZMQ_WSS_TRUST_SYSTEM, 0, 1, 2);
}

TEST (flags_of_drafts_take_any_number)
{
    static const int flags[] = {ZMQ_LOOPBACK_FASTPATH, ZMQ_MULTICAST_LOOP, ZMQ_ZAP_ENFORCE_DOMAIN};
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    for (int i = 0; i < 3; i++) {
        CHECK_INT (get_int (socket, flags[i]), flags[i] == ZMQ_MULTICAST_LOOP);
        set_int (socket, flags[i], -5);
        CHECK_INT (get_int (socket, flags[i]), 1);
        set_int (socket, flags[i], 0);
        CHECK_INT (get_int (socket, flags[i]), 0);
    }
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (reconnect_stop_keeps_every_number)
{
    int all = ZMQ_RECONNECT_STOP_CONN_REFUSED | ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED
              | ZMQ_RECONNECT_STOP_AFTER_DISCONNECT;
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    CHECK_INT (get_int (socket, ZMQ_RECONNECT_STOP), 0);
    set_int (socket, ZMQ_RECONNECT_STOP, all);
    CHECK_INT (get_int (socket, ZMQ_RECONNECT_STOP), 7);
    set_int (socket, ZMQ_RECONNECT_STOP, -1);
    CHECK_INT (get_int (socket, ZMQ_RECONNECT_STOP), -1);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

/*  A socket option of the only connection of this process over tcp, from the system.  */
static int system_option (int level, int option)
{
    for (int fd = 3; fd < 200; fd++) {
        int value = -1, is_listening = 1;
        socklen_t size = sizeof value;
        if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0 || is_listening)
            continue;
        if (getsockopt (fd, level, option, &value, &size) == 0 && value > 0)
            return value;
    }
    return 0;
}

TEST (priority_and_busy_poll_reach_the_system)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PAIR), *two = open_socket (context, ZMQ_PAIR);
    CHECK_INT (get_int (two, ZMQ_PRIORITY), 0);
    check_refused (two, ZMQ_PRIORITY, -1);
    set_int (two, ZMQ_PRIORITY, 5);
    CHECK_INT (get_int (two, ZMQ_PRIORITY), 5);
    int value;
    size_t size = sizeof value;
    set_int (two, ZMQ_BUSY_POLL, 40);
    CHECK_ERRNO (zmq_getsockopt (two, ZMQ_BUSY_POLL, &value, &size), EINVAL);
    CHECK_INT (system_option (SOL_SOCKET, SO_PRIORITY), 0);
    CHECK_OK (zmq_connect (two, bind_to (one, "tcp://127.0.0.1:*")));
    send_text (two, "m", 0);
    EXPECT_TEXT (one, "m");
    CHECK_INT (system_option (SOL_SOCKET, SO_PRIORITY), 5);
    /*  Only who has CAP_NET_ADMIN may raise it.  */
    value = system_option (SOL_SOCKET, SO_BUSY_POLL);
    CHECK (value == 0 || value == 40);
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_ctx_term (context));
}

static int set_text (void *socket, int option, const char *text)
{
    return zmq_setsockopt (socket, option, text, strlen (text));
}

TEST (metadata_is_a_name_that_begins_with_x_and_a_value)
{
    static const char *wrong[] = {"", ":", "key:value", "x-a:b", "X-a", "X-a:", "X-:b"};
    void *context = zmq_ctx_new (), *socket = open_socket (context, ZMQ_PAIR);
    for (int i = 0; i < 7; i++)
        CHECK_ERRNO (set_text (socket, ZMQ_METADATA, wrong[i]), EINVAL);
    CHECK_OK (set_text (socket, ZMQ_METADATA, "X-a:b:c"));
    char read[300];
    size_t size = sizeof read;
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_METADATA, read, &size), EINVAL);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (peers_see_metadata_as_properties_of_messages)
{
    for (int curve = 0; curve < 2; curve++) {
        void *context = zmq_ctx_new ();
        void *one = open_socket (context, ZMQ_DEALER), *two = open_socket (context, ZMQ_DEALER);
        CHECK_OK (set_text (two, ZMQ_ROUTING_ID, "two"));
        CHECK_OK (set_text (two, ZMQ_METADATA, "X-key:value"));
        /*  The first value stays.  */
        CHECK_OK (set_text (two, ZMQ_METADATA, "X-key:second"));
        CHECK_OK (set_text (two, ZMQ_METADATA, "X-other:a:b"));
        CHECK_OK (set_text (one, ZMQ_METADATA, "X-server:yes"));
        if (curve) {
            char public[41], secret[41];
            CHECK_OK (zmq_curve_keypair (public, secret));
            set_int (one, ZMQ_CURVE_SERVER, 1);
            CHECK_OK (set_text (one, ZMQ_CURVE_SECRETKEY, secret));
            CHECK_OK (set_text (two, ZMQ_CURVE_SERVERKEY, public));
            CHECK_OK (zmq_curve_keypair (public, secret));
            CHECK_OK (set_text (two, ZMQ_CURVE_PUBLICKEY, public));
            CHECK_OK (set_text (two, ZMQ_CURVE_SECRETKEY, secret));
        }
        CHECK_OK (zmq_connect (two, bind_to (one, "tcp://127.0.0.1:*")));
        send_text (two, "m", 0);
        send_text (one, "m", 0);
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        CHECK_INT (zmq_msg_recv (&message, one, 0), 1);
        CHECK_STRING (zmq_msg_gets (&message, "X-key"), "value");
        CHECK_STRING (zmq_msg_gets (&message, "X-other"), "a:b");
        CHECK_NULL_ERRNO (zmq_msg_gets (&message, "X-server"), EINVAL);
        CHECK_STRING (zmq_msg_gets (&message, ZMQ_MSG_PROPERTY_SOCKET_TYPE), "DEALER");
        CHECK_STRING (zmq_msg_gets (&message, ZMQ_MSG_PROPERTY_PEER_ADDRESS), "127.0.0.1");
        CHECK_STRING (zmq_msg_gets (&message, ZMQ_MSG_PROPERTY_ROUTING_ID), "two");
        CHECK_NULL_ERRNO (zmq_msg_gets (&message, ZMQ_MSG_PROPERTY_USER_ID), EINVAL);
        CHECK_INT (zmq_msg_recv (&message, two, 0), 1);
        CHECK_STRING (zmq_msg_gets (&message, "X-server"), "yes");
        CHECK_OK (zmq_msg_close (&message));
        CHECK_OK (zmq_close (one));
        CHECK_OK (zmq_close (two));
        CHECK_OK (zmq_ctx_term (context));
    }
}

TEST (ctx_set_ext_takes_an_int_in_four_bytes)
{
    void *context = zmq_ctx_new ();
    static const int options[] = {ZMQ_IO_THREADS, ZMQ_MAX_SOCKETS, ZMQ_MAX_MSGSZ, ZMQ_IPV6, ZMQ_BLOCKY,
                                  ZMQ_ZERO_COPY_RECV};
    for (int i = 0; i < 6; i++) {
        int value = 1, read = -1;
        char bytes[8] = {0};
        for (size_t size = 0; size <= sizeof bytes; size++)
            if (size != sizeof value)
                CHECK_ERRNO (zmq_ctx_set_ext (context, options[i], bytes, size), EINVAL);
        CHECK_OK (zmq_ctx_set_ext (context, options[i], &value, sizeof value));
        CHECK_INT (zmq_ctx_get (context, options[i]), 1);
        for (size_t room = 0; room <= sizeof bytes; room++) {
            size_t size = room;
            if (room == sizeof read)
                continue;
            CHECK_ERRNO (zmq_ctx_get_ext (context, options[i], bytes, &size), EINVAL);
            CHECK_INT (size, room);
        }
        size_t size = sizeof read;
        CHECK_OK (zmq_ctx_get_ext (context, options[i], &read, &size));
        CHECK_INT (read, 1);
    }
    int value = 0;
    CHECK_OK (zmq_ctx_set_ext (context, ZMQ_ZERO_COPY_RECV, &value, sizeof value));
    CHECK_INT (zmq_ctx_get (context, ZMQ_ZERO_COPY_RECV), 0);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (arguments_of_ctx_set_ext_and_get_ext_are_checked)
{
    void *context = zmq_ctx_new ();
    int value = 1;
    size_t size = sizeof value;
    CHECK_ERRNO (zmq_ctx_set_ext (NULL, ZMQ_IO_THREADS, &value, sizeof value), EFAULT);
    CHECK_ERRNO (zmq_ctx_get_ext (NULL, ZMQ_IO_THREADS, &value, &size), EFAULT);
    CHECK_ERRNO (zmq_ctx_set_ext (context, 11, &value, sizeof value), EINVAL);
    CHECK_ERRNO (zmq_ctx_get_ext (context, 11, &value, &size), EINVAL);
    CHECK_ERRNO (zmq_ctx_set_ext (context, ZMQ_MSG_T_SIZE, &value, sizeof value), EINVAL);
    CHECK_ERRNO (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, NULL, 0), EINVAL);
    /*  libzmq crashes.  */
    CHECK_ERRNO (zmq_ctx_set_ext (context, ZMQ_IO_THREADS, NULL, sizeof value), EINVAL);
    CHECK_ERRNO (zmq_ctx_get_ext (context, ZMQ_IO_THREADS, NULL, &size), EINVAL);
    CHECK_ERRNO (zmq_ctx_get_ext (context, ZMQ_IO_THREADS, &value, NULL), EINVAL);
    CHECK_OK (zmq_ctx_term (context));
}

/*  How many threads have a name that begins with PREFIX.  */
static int count_threads (const char *prefix)
{
    DIR *tasks = opendir ("/proc/self/task");
    int count = 0;
    for (struct dirent *task; (task = readdir (tasks));) {
        char path[300], name[32] = "";
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen (path, "r");
        if (!file)
            continue;
        if (fgets (name, sizeof name, file) && strncmp (name, prefix, strlen (prefix)) == 0)
            count++;
        fclose (file);
    }
    closedir (tasks);
    return count;
}

static void wait_for_thread (const char *prefix)
{
    for (int64_t start = now_ms (); count_threads (prefix) == 0; sleep_ms (1))
        CHECK (now_ms () - start < PATIENCE_MS);
}

TEST (the_names_of_the_threads_begin_with_a_text)
{
    void *context = zmq_ctx_new ();
    char text[] = "seventeen bytes!!", read[30];
    CHECK_ERRNO (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, text, 17), EINVAL);
    CHECK_ERRNO (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, text, 0), EINVAL);
    CHECK_OK (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, text, 16));
    size_t size = 15;
    CHECK_ERRNO (zmq_ctx_get_ext (context, ZMQ_THREAD_NAME_PREFIX, read, &size), EINVAL);
    memset (read, '-', sizeof read);
    size = sizeof read;
    CHECK_OK (zmq_ctx_get_ext (context, ZMQ_THREAD_NAME_PREFIX, read, &size));
    CHECK_INT (size, sizeof read);
    CHECK (memcmp (read, "seventeen bytes!---", 19) == 0);
    CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_NAME_PREFIX), 0);
    CHECK_OK (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, "abc", 3));
    void *socket = open_socket (context, ZMQ_PAIR);
    wait_for_thread ("abc/ZMQbg/IO/0");
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (the_names_of_the_threads_begin_with_a_number)
{
    static const int numbers[] = {7, 0};
    for (int i = 0; i < 2; i++) {
        void *context = zmq_ctx_new ();
        CHECK_OK (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, &numbers[i], 4));
        CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_NAME_PREFIX), numbers[i]);
        void *socket = open_socket (context, ZMQ_PAIR);
        wait_for_thread (i == 0 ? "7/ZMQbg/IO/0" : "0/ZMQbg/IO/0");
        CHECK_OK (zmq_close (socket));
        CHECK_OK (zmq_ctx_term (context));
    }
}

/*  Ours alone.  */
TEST (the_library_says_whose_it_is)
{
    void *context = zmq_ctx_new ();
    char text[100];
    size_t size = 5;
    CHECK_ERRNO (zmq_ctx_get_ext (context, ZMQ_LIBRARY, text, &size), EINVAL);
    size = sizeof text;
    CHECK_OK (zmq_ctx_get_ext (context, ZMQ_LIBRARY, text, &size));
    CHECK_INT (size, strlen (text) + 1);
    CHECK (strncmp (text, "libzmq-rs ", 10) == 0 && strchr (text, '.'));
    CHECK_ERRNO (zmq_ctx_set_ext (context, ZMQ_LIBRARY, text, size), EINVAL);
    CHECK_ERRNO (zmq_ctx_get (context, ZMQ_LIBRARY), EINVAL);
    CHECK_OK (zmq_ctx_term (context));
}

#define VALUE(NAME, NUMBER) CHECK_INT (NAME, NUMBER)

TEST (every_constant_of_the_draft_section_has_its_value)
{
    VALUE (ZMQ_ZERO_COPY_RECV, 10);
    VALUE (ZMQ_LIBRARY, 1001);
    VALUE (ZMQ_SERVER, 12);
    VALUE (ZMQ_CLIENT, 13);
    VALUE (ZMQ_RADIO, 14);
    VALUE (ZMQ_DISH, 15);
    VALUE (ZMQ_GATHER, 16);
    VALUE (ZMQ_SCATTER, 17);
    VALUE (ZMQ_DGRAM, 18);
    VALUE (ZMQ_PEER, 19);
    VALUE (ZMQ_CHANNEL, 20);
    VALUE (ZMQ_ZAP_ENFORCE_DOMAIN, 93);
    VALUE (ZMQ_LOOPBACK_FASTPATH, 94);
    VALUE (ZMQ_METADATA, 95);
    VALUE (ZMQ_MULTICAST_LOOP, 96);
    VALUE (ZMQ_ROUTER_NOTIFY, 97);
    VALUE (ZMQ_NOTIFY_CONNECT, 1);
    VALUE (ZMQ_NOTIFY_DISCONNECT, 2);
    VALUE (ZMQ_XPUB_MANUAL_LAST_VALUE, 98);
    VALUE (ZMQ_SOCKS_USERNAME, 99);
    VALUE (ZMQ_SOCKS_PASSWORD, 100);
    VALUE (ZMQ_IN_BATCH_SIZE, 101);
    VALUE (ZMQ_OUT_BATCH_SIZE, 102);
    VALUE (ZMQ_WSS_KEY_PEM, 103);
    VALUE (ZMQ_WSS_CERT_PEM, 104);
    VALUE (ZMQ_WSS_TRUST_PEM, 105);
    VALUE (ZMQ_WSS_HOSTNAME, 106);
    VALUE (ZMQ_WSS_TRUST_SYSTEM, 107);
    VALUE (ZMQ_ONLY_FIRST_SUBSCRIBE, 108);
    VALUE (ZMQ_RECONNECT_STOP, 109);
    VALUE (ZMQ_RECONNECT_STOP_CONN_REFUSED, 0x1);
    VALUE (ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED, 0x2);
    VALUE (ZMQ_RECONNECT_STOP_AFTER_DISCONNECT, 0x4);
    VALUE (ZMQ_HELLO_MSG, 110);
    VALUE (ZMQ_DISCONNECT_MSG, 111);
    VALUE (ZMQ_PRIORITY, 112);
    VALUE (ZMQ_BUSY_POLL, 113);
    VALUE (ZMQ_HICCUP_MSG, 114);
    VALUE (ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, 115);
    VALUE (ZMQ_TOPICS_COUNT, 116);
    VALUE (ZMQ_NORM_MODE, 117);
    VALUE (ZMQ_NORM_UNICAST_NACK, 118);
    VALUE (ZMQ_NORM_BUFFER_SIZE, 119);
    VALUE (ZMQ_NORM_SEGMENT_SIZE, 120);
    VALUE (ZMQ_NORM_BLOCK_SIZE, 121);
    VALUE (ZMQ_NORM_NUM_PARITY, 122);
    VALUE (ZMQ_NORM_NUM_AUTOPARITY, 123);
    VALUE (ZMQ_NORM_PUSH, 124);
    VALUE (ZMQ_NORM_FIXED, 0);
    VALUE (ZMQ_NORM_CC, 1);
    VALUE (ZMQ_NORM_CCL, 2);
    VALUE (ZMQ_NORM_CCE, 3);
    VALUE (ZMQ_NORM_CCE_ECNONLY, 4);
    VALUE (ZMQ_EVENT_PIPES_STATS, 0x10000);
    VALUE (ZMQ_CURRENT_EVENT_VERSION, 1);
    VALUE (ZMQ_CURRENT_EVENT_VERSION_DRAFT, 2);
    VALUE (ZMQ_EVENT_ALL_V1, 0xFFFF);
    VALUE (ZMQ_EVENT_ALL_V2, 0x1FFFF);
}

/*  RECONNECT_STOP, SOCKS_USERNAME, XPUB_MANUAL_LAST_VALUE and ONLY_FIRST_SUBSCRIBE have their tests with
 *  those of the stable options.  */
