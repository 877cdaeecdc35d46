/*  The legacy half of zmq.h: constants and deprecated names, sendmsg and recvmsg,
 *  sendiov and recviov, init and term, device.  */
#include "harness.h"
#include <pthread.h>
#include <sys/uio.h>

/*  The values are what programs were compiled with: they never change.  */
#define CONSTANT(NAME, VALUE)                                                 \
    _Static_assert ((NAME) == (VALUE), #NAME);                                \
    CHECK_INT (NAME, VALUE)

TEST (every_constant_of_zmq_h_has_its_value)
{
    CONSTANT (ZMQ_HAUSNUMERO, 156384712);
    CONSTANT (ZMQ_IO_THREADS, 1);
    CONSTANT (ZMQ_MAX_SOCKETS, 2);
    CONSTANT (ZMQ_SOCKET_LIMIT, 3);
    CONSTANT (ZMQ_THREAD_PRIORITY, 3);
    CONSTANT (ZMQ_THREAD_SCHED_POLICY, 4);
    CONSTANT (ZMQ_MAX_MSGSZ, 5);
    CONSTANT (ZMQ_MSG_T_SIZE, 6);
    CONSTANT (ZMQ_THREAD_AFFINITY_CPU_ADD, 7);
    CONSTANT (ZMQ_THREAD_AFFINITY_CPU_REMOVE, 8);
    CONSTANT (ZMQ_THREAD_NAME_PREFIX, 9);
    CONSTANT (ZMQ_IO_THREADS_DFLT, 1);
    CONSTANT (ZMQ_MAX_SOCKETS_DFLT, 1023);
    CONSTANT (ZMQ_THREAD_PRIORITY_DFLT, -1);
    CONSTANT (ZMQ_THREAD_SCHED_POLICY_DFLT, -1);
    CONSTANT (ZMQ_PAIR, 0);
    CONSTANT (ZMQ_PUB, 1);
    CONSTANT (ZMQ_SUB, 2);
    CONSTANT (ZMQ_REQ, 3);
    CONSTANT (ZMQ_REP, 4);
    CONSTANT (ZMQ_DEALER, 5);
    CONSTANT (ZMQ_ROUTER, 6);
    CONSTANT (ZMQ_PULL, 7);
    CONSTANT (ZMQ_PUSH, 8);
    CONSTANT (ZMQ_XPUB, 9);
    CONSTANT (ZMQ_XSUB, 10);
    CONSTANT (ZMQ_STREAM, 11);
    CONSTANT (ZMQ_XREQ, 5);
    CONSTANT (ZMQ_XREP, 6);
    CONSTANT (ZMQ_AFFINITY, 4);
    CONSTANT (ZMQ_ROUTING_ID, 5);
    CONSTANT (ZMQ_SUBSCRIBE, 6);
    CONSTANT (ZMQ_UNSUBSCRIBE, 7);
    CONSTANT (ZMQ_RATE, 8);
    CONSTANT (ZMQ_RECOVERY_IVL, 9);
    CONSTANT (ZMQ_SNDBUF, 11);
    CONSTANT (ZMQ_RCVBUF, 12);
    CONSTANT (ZMQ_RCVMORE, 13);
    CONSTANT (ZMQ_FD, 14);
    CONSTANT (ZMQ_EVENTS, 15);
    CONSTANT (ZMQ_TYPE, 16);
    CONSTANT (ZMQ_LINGER, 17);
    CONSTANT (ZMQ_RECONNECT_IVL, 18);
    CONSTANT (ZMQ_BACKLOG, 19);
    CONSTANT (ZMQ_RECONNECT_IVL_MAX, 21);
    CONSTANT (ZMQ_MAXMSGSIZE, 22);
    CONSTANT (ZMQ_SNDHWM, 23);
    CONSTANT (ZMQ_RCVHWM, 24);
    CONSTANT (ZMQ_MULTICAST_HOPS, 25);
    CONSTANT (ZMQ_RCVTIMEO, 27);
    CONSTANT (ZMQ_SNDTIMEO, 28);
    CONSTANT (ZMQ_LAST_ENDPOINT, 32);
    CONSTANT (ZMQ_ROUTER_MANDATORY, 33);
    CONSTANT (ZMQ_TCP_KEEPALIVE, 34);
    CONSTANT (ZMQ_TCP_KEEPALIVE_CNT, 35);
    CONSTANT (ZMQ_TCP_KEEPALIVE_IDLE, 36);
    CONSTANT (ZMQ_TCP_KEEPALIVE_INTVL, 37);
    CONSTANT (ZMQ_IMMEDIATE, 39);
    CONSTANT (ZMQ_XPUB_VERBOSE, 40);
    CONSTANT (ZMQ_ROUTER_RAW, 41);
    CONSTANT (ZMQ_IPV6, 42);
    CONSTANT (ZMQ_MECHANISM, 43);
    CONSTANT (ZMQ_PLAIN_SERVER, 44);
    CONSTANT (ZMQ_PLAIN_USERNAME, 45);
    CONSTANT (ZMQ_PLAIN_PASSWORD, 46);
    CONSTANT (ZMQ_CURVE_SERVER, 47);
    CONSTANT (ZMQ_CURVE_PUBLICKEY, 48);
    CONSTANT (ZMQ_CURVE_SECRETKEY, 49);
    CONSTANT (ZMQ_CURVE_SERVERKEY, 50);
    CONSTANT (ZMQ_PROBE_ROUTER, 51);
    CONSTANT (ZMQ_REQ_CORRELATE, 52);
    CONSTANT (ZMQ_REQ_RELAXED, 53);
    CONSTANT (ZMQ_CONFLATE, 54);
    CONSTANT (ZMQ_ZAP_DOMAIN, 55);
    CONSTANT (ZMQ_ROUTER_HANDOVER, 56);
    CONSTANT (ZMQ_TOS, 57);
    CONSTANT (ZMQ_CONNECT_ROUTING_ID, 61);
    CONSTANT (ZMQ_GSSAPI_SERVER, 62);
    CONSTANT (ZMQ_GSSAPI_PRINCIPAL, 63);
    CONSTANT (ZMQ_GSSAPI_SERVICE_PRINCIPAL, 64);
    CONSTANT (ZMQ_GSSAPI_PLAINTEXT, 65);
    CONSTANT (ZMQ_HANDSHAKE_IVL, 66);
    CONSTANT (ZMQ_SOCKS_PROXY, 68);
    CONSTANT (ZMQ_XPUB_NODROP, 69);
    CONSTANT (ZMQ_BLOCKY, 70);
    CONSTANT (ZMQ_XPUB_MANUAL, 71);
    CONSTANT (ZMQ_XPUB_WELCOME_MSG, 72);
    CONSTANT (ZMQ_STREAM_NOTIFY, 73);
    CONSTANT (ZMQ_INVERT_MATCHING, 74);
    CONSTANT (ZMQ_HEARTBEAT_IVL, 75);
    CONSTANT (ZMQ_HEARTBEAT_TTL, 76);
    CONSTANT (ZMQ_HEARTBEAT_TIMEOUT, 77);
    CONSTANT (ZMQ_XPUB_VERBOSER, 78);
    CONSTANT (ZMQ_CONNECT_TIMEOUT, 79);
    CONSTANT (ZMQ_TCP_MAXRT, 80);
    CONSTANT (ZMQ_THREAD_SAFE, 81);
    CONSTANT (ZMQ_MULTICAST_MAXTPDU, 84);
    CONSTANT (ZMQ_VMCI_BUFFER_SIZE, 85);
    CONSTANT (ZMQ_VMCI_BUFFER_MIN_SIZE, 86);
    CONSTANT (ZMQ_VMCI_BUFFER_MAX_SIZE, 87);
    CONSTANT (ZMQ_VMCI_CONNECT_TIMEOUT, 88);
    CONSTANT (ZMQ_USE_FD, 89);
    CONSTANT (ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, 90);
    CONSTANT (ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, 91);
    CONSTANT (ZMQ_BINDTODEVICE, 92);
    CONSTANT (ZMQ_MORE, 1);
    CONSTANT (ZMQ_SHARED, 3);
    CONSTANT (ZMQ_DONTWAIT, 1);
    CONSTANT (ZMQ_SNDMORE, 2);
    CONSTANT (ZMQ_NULL, 0);
    CONSTANT (ZMQ_PLAIN, 1);
    CONSTANT (ZMQ_CURVE, 2);
    CONSTANT (ZMQ_GSSAPI, 3);
    CONSTANT (ZMQ_GROUP_MAX_LENGTH, 255);
    CONSTANT (ZMQ_IDENTITY, 5);
    CONSTANT (ZMQ_CONNECT_RID, 61);
    CONSTANT (ZMQ_TCP_ACCEPT_FILTER, 38);
    CONSTANT (ZMQ_IPC_FILTER_PID, 58);
    CONSTANT (ZMQ_IPC_FILTER_UID, 59);
    CONSTANT (ZMQ_IPC_FILTER_GID, 60);
    CONSTANT (ZMQ_IPV4ONLY, 31);
    CONSTANT (ZMQ_DELAY_ATTACH_ON_CONNECT, 39);
    CONSTANT (ZMQ_NOBLOCK, 1);
    CONSTANT (ZMQ_FAIL_UNROUTABLE, 33);
    CONSTANT (ZMQ_ROUTER_BEHAVIOR, 33);
    CONSTANT (ZMQ_SRCFD, 2);
    CONSTANT (ZMQ_GSSAPI_NT_HOSTBASED, 0);
    CONSTANT (ZMQ_GSSAPI_NT_USER_NAME, 1);
    CONSTANT (ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, 2);
    CONSTANT (ZMQ_EVENT_CONNECTED, 1);
    CONSTANT (ZMQ_EVENT_CONNECT_DELAYED, 2);
    CONSTANT (ZMQ_EVENT_CONNECT_RETRIED, 4);
    CONSTANT (ZMQ_EVENT_LISTENING, 8);
    CONSTANT (ZMQ_EVENT_BIND_FAILED, 16);
    CONSTANT (ZMQ_EVENT_ACCEPTED, 32);
    CONSTANT (ZMQ_EVENT_ACCEPT_FAILED, 64);
    CONSTANT (ZMQ_EVENT_CLOSED, 128);
    CONSTANT (ZMQ_EVENT_CLOSE_FAILED, 256);
    CONSTANT (ZMQ_EVENT_DISCONNECTED, 512);
    CONSTANT (ZMQ_EVENT_MONITOR_STOPPED, 1024);
    CONSTANT (ZMQ_EVENT_ALL, 65535);
    CONSTANT (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 2048);
    CONSTANT (ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 4096);
    CONSTANT (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, 8192);
    CONSTANT (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 16384);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED, 268435456);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND, 268435457);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE, 268435458);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE, 268435459);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED, 268435473);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE, 268435474);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO, 268435475);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE, 268435476);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR, 268435477);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY, 268435478);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME, 268435479);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA, 268435480);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 285212673);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH, 285212674);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED, 536870912);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, 536870913);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID, 536870914);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION, 536870915);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE, 536870916);
    CONSTANT (ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA, 536870917);
    CONSTANT (ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED, 805306368);
    CONSTANT (ZMQ_POLLIN, 1);
    CONSTANT (ZMQ_POLLOUT, 2);
    CONSTANT (ZMQ_POLLERR, 4);
    CONSTANT (ZMQ_POLLPRI, 8);
    CONSTANT (ZMQ_POLLITEMS_DFLT, 16);
    CONSTANT (ZMQ_HAS_CAPABILITIES, 1);
    CONSTANT (ZMQ_STREAMER, 1);
    CONSTANT (ZMQ_FORWARDER, 2);
    CONSTANT (ZMQ_QUEUE, 3);
}

TEST (version_macros_agree)
{
    CHECK_INT (ZMQ_VERSION, ZMQ_MAKE_VERSION (ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH));
    CHECK_INT (ZMQ_MAKE_VERSION (4, 3, 5), 40305);
    CHECK (ZMQ_VERSION >= ZMQ_MAKE_VERSION (4, 3, 4));
}

TEST (error_numbers_are_the_systems_and_the_librarys_own_start_at_hausnumero)
{
    CHECK_INT (ENOTSUP, EOPNOTSUPP);
    CHECK_INT (EFSM, ZMQ_HAUSNUMERO + 51);
    CHECK_INT (ENOCOMPATPROTO, ZMQ_HAUSNUMERO + 52);
    CHECK_INT (ETERM, ZMQ_HAUSNUMERO + 53);
    CHECK_INT (EMTHREAD, ZMQ_HAUSNUMERO + 54);
}

TEST (deprecated_names_stand_for_the_current_ones)
{
    CHECK_INT (ZMQ_XREQ, ZMQ_DEALER);
    CHECK_INT (ZMQ_XREP, ZMQ_ROUTER);
    CHECK_INT (ZMQ_IDENTITY, ZMQ_ROUTING_ID);
    CHECK_INT (ZMQ_CONNECT_RID, ZMQ_CONNECT_ROUTING_ID);
    CHECK_INT (ZMQ_DELAY_ATTACH_ON_CONNECT, ZMQ_IMMEDIATE);
    CHECK_INT (ZMQ_NOBLOCK, ZMQ_DONTWAIT);
    CHECK_INT (ZMQ_FAIL_UNROUTABLE, ZMQ_ROUTER_MANDATORY);
    CHECK_INT (ZMQ_ROUTER_BEHAVIOR, ZMQ_ROUTER_MANDATORY);
}

TEST (structures_have_the_layout_of_the_abi)
{
    CHECK_INT (sizeof (zmq_msg_t), 64);
    CHECK_INT (sizeof (zmq_pollitem_t), 2 * sizeof (void *));
    CHECK_INT (offsetof (zmq_pollitem_t, fd), sizeof (void *));
    CHECK_INT (offsetof (zmq_pollitem_t, events), sizeof (void *) + 4);
    CHECK_INT (offsetof (zmq_pollitem_t, revents), sizeof (void *) + 6);
    CHECK_INT (sizeof (zmq_fd_t), sizeof (int));
}

static void *context, *one, *two;

static void open_pair (void)
{
    context = zmq_init (1);
    CHECK (context != NULL);
    one = open_socket (context, ZMQ_PAIR);
    two = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (one, "inproc://legacy"));
    CHECK_OK (zmq_connect (two, "inproc://legacy"));
}

static void close_pair (void)
{
    CHECK_OK (zmq_close (one));
    CHECK_OK (zmq_close (two));
    CHECK_OK (zmq_term (context));
}

/* --- sendmsg and recvmsg ------------------------------------------------------ */

TEST (sendmsg_and_recvmsg_carry_a_message)
{
    open_pair ();
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_size (&message, 5));
    memcpy (zmq_msg_data (&message), "hello", 5);
    CHECK_INT (zmq_sendmsg (two, &message, 0), 5);
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_recvmsg (one, &message, 0), 5);
    CHECK (memcmp (zmq_msg_data (&message), "hello", 5) == 0);
    CHECK_OK (zmq_msg_close (&message));
    close_pair ();
}

TEST (sendmsg_and_recvmsg_carry_parts)
{
    open_pair ();
    for (int i = 0; i < 3; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_size (&message, (size_t) i));
        CHECK_INT (zmq_sendmsg (two, &message, i < 2 ? ZMQ_SNDMORE : 0), i);
    }
    for (int i = 0; i < 3; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init (&message));
        CHECK_INT (zmq_recvmsg (one, &message, 0), i);
        CHECK_INT (zmq_msg_more (&message), i < 2);
        CHECK_OK (zmq_msg_close (&message));
    }
    close_pair ();
}

TEST (sendmsg_and_recvmsg_fail_as_msg_send_and_msg_recv_do)
{
    open_pair ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    void *rep = open_socket (context, ZMQ_REP), *req = open_socket (context, ZMQ_REQ);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_size (&message, 3));
    CHECK_ERRNO (zmq_sendmsg (push, &message, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_sendmsg (pull, &message, 0), ENOTSUP);
    CHECK_ERRNO (zmq_sendmsg (rep, &message, 0), EFSM);
    CHECK_ERRNO (zmq_sendmsg (NULL, &message, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_sendmsg (context, &message, 0), ENOTSOCK);
    CHECK_INT (zmq_msg_size (&message), 3);
    CHECK_ERRNO (zmq_recvmsg (one, &message, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_recvmsg (push, &message, 0), ENOTSUP);
    CHECK_ERRNO (zmq_recvmsg (req, &message, 0), EFSM);
    CHECK_ERRNO (zmq_recvmsg (NULL, &message, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recvmsg (context, &message, 0), ENOTSOCK);
    zmq_msg_t closed;
    CHECK_OK (zmq_msg_init (&closed));
    CHECK_OK (zmq_msg_close (&closed));
    CHECK_ERRNO (zmq_recvmsg (one, &closed, ZMQ_DONTWAIT), EFAULT);
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_ERRNO (zmq_sendmsg (two, &message, 0), ETERM);
    CHECK_ERRNO (zmq_recvmsg (two, &message, 0), ETERM);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (req));
    CHECK_OK (zmq_close (rep));
    close_pair ();
}

TEST (noblock_is_dontwait)
{
    open_pair ();
    char byte;
    CHECK_ERRNO (zmq_recv (one, &byte, 1, ZMQ_NOBLOCK), EAGAIN);
    close_pair ();
}

/* --- sendiov and recviov -------------------------------------------------------- */

static struct iovec three[3] = {{"abc", 3}, {"", 0}, {"fghi", 4}};

/*  What recviov gave is malloc'ed, a block a part.  */
static void check_parts (const struct iovec *parts, size_t count, const char *const *texts)
{
    for (size_t i = 0; i < count; i++) {
        CHECK_INT (parts[i].iov_len, strlen (texts[i]));
        CHECK (parts[i].iov_len == 0 || memcmp (parts[i].iov_base, texts[i], parts[i].iov_len) == 0);
        free (parts[i].iov_base);
    }
}

TEST (sendiov_with_sndmore_sends_one_message_of_several_parts)
{
    open_pair ();
    CHECK_INT (zmq_sendiov (two, three, 3, ZMQ_SNDMORE), 4);
    EXPECT_PART (one, "abc", 1);
    EXPECT_PART (one, "", 1);
    EXPECT_PART (one, "fghi", 0);
    close_pair ();
}

TEST (sendiov_without_sndmore_sends_several_messages)
{
    open_pair ();
    CHECK_INT (zmq_sendiov (two, three, 3, 0), 4);
    EXPECT_PART (one, "abc", 0);
    EXPECT_PART (one, "", 0);
    EXPECT_PART (one, "fghi", 0);
    close_pair ();
}

TEST (sendiov_of_a_single_part_ends_the_message_even_with_sndmore)
{
    open_pair ();
    CHECK_INT (zmq_sendiov (two, three, 1, ZMQ_SNDMORE), 3);
    EXPECT_PART (one, "abc", 0);
    close_pair ();
}

TEST (sendiov_copies_the_memory)
{
    open_pair ();
    char text[] = "before";
    struct iovec part = {text, 6};
    CHECK_INT (zmq_sendiov (two, &part, 1, 0), 6);
    memcpy (text, "after!", 6);
    EXPECT_TEXT (one, "before");
    close_pair ();
}

TEST (recviov_receives_the_parts_of_a_message_into_malloced_memory)
{
    open_pair ();
    CHECK_INT (zmq_sendiov (two, three, 3, ZMQ_SNDMORE), 4);
    struct iovec parts[5];
    size_t count = 5;
    memset (parts, 0, sizeof parts);
    CHECK_INT (zmq_recviov (one, parts, &count, 0), 3);
    CHECK_INT (count, 3);
    check_parts (parts, 3, (const char *const[]){"abc", "", "fghi"});
    CHECK_INT (get_int (one, ZMQ_RCVMORE), 0);
    close_pair ();
}

TEST (recviov_stops_when_its_array_is_full_and_goes_on_with_the_next_call)
{
    open_pair ();
    CHECK_INT (zmq_sendiov (two, three, 3, ZMQ_SNDMORE), 4);
    struct iovec parts[2];
    size_t count = 2;
    CHECK_INT (zmq_recviov (one, parts, &count, 0), 2);
    CHECK_INT (count, 2);
    check_parts (parts, 2, (const char *const[]){"abc", ""});
    CHECK_INT (get_int (one, ZMQ_RCVMORE), 1);
    count = 2;
    CHECK_INT (zmq_recviov (one, parts, &count, 0), 1);
    CHECK_INT (count, 1);
    check_parts (parts, 1, (const char *const[]){"fghi"});
    close_pair ();
}

TEST (recviov_takes_one_message_at_a_time)
{
    open_pair ();
    send_text (two, "one", 0);
    send_text (two, "two", 0);
    struct iovec parts[3];
    size_t count = 3;
    CHECK_INT (zmq_recviov (one, parts, &count, 0), 1);
    CHECK_INT (count, 1);
    check_parts (parts, 1, (const char *const[]){"one"});
    EXPECT_TEXT (one, "two");
    close_pair ();
}

TEST (recviov_copies_large_parts)
{
    open_pair ();
    static char bytes[100000] = "start";
    struct iovec large = {bytes, sizeof bytes}, part;
    size_t count = 1;
    CHECK_INT (zmq_sendiov (two, &large, 1, 0), sizeof bytes);
    CHECK_INT (zmq_recviov (one, &part, &count, 0), 1);
    CHECK_INT (part.iov_len, sizeof bytes);
    CHECK (part.iov_base != bytes && memcmp (part.iov_base, bytes, sizeof bytes) == 0);
    free (part.iov_base);
    close_pair ();
}

TEST (sendiov_and_recviov_with_bad_arguments)
{
    open_pair ();
    struct iovec part;
    size_t count = 1;
    CHECK_ERRNO (zmq_sendiov (NULL, three, 3, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_sendiov (context, three, 3, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_sendiov (two, NULL, 0, 0), EINVAL);
    CHECK_ERRNO (zmq_sendiov (two, NULL, 1, 0), EINVAL);
    CHECK_ERRNO (zmq_sendiov (two, three, 0, 0), EINVAL);
    CHECK_ERRNO (zmq_recviov (NULL, &part, &count, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recviov (context, &part, &count, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_recviov (one, NULL, &count, 0), EINVAL);
    CHECK_ERRNO (zmq_recviov (one, &part, NULL, 0), EINVAL);
    count = 0;
    CHECK_ERRNO (zmq_recviov (one, &part, &count, 0), EINVAL);
    close_pair ();
}

TEST (sendiov_and_recviov_fail_as_send_and_recv_do)
{
    open_pair ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    struct iovec part;
    size_t count = 1;
    CHECK_ERRNO (zmq_sendiov (push, three, 3, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_sendiov (pull, three, 3, 0), ENOTSUP);
    CHECK_ERRNO (zmq_recviov (one, &part, &count, ZMQ_DONTWAIT), EAGAIN);
    count = 1;
    CHECK_ERRNO (zmq_recviov (push, &part, &count, 0), ENOTSUP);
    CHECK_INT (count, 0);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    close_pair ();
}

/* --- device --------------------------------------------------------------------------- */

static void *front, *back;

static void *run_device (void *type)
{
    CHECK_ERRNO (zmq_device ((int) (intptr_t) type, front, back), ETERM);
    CHECK_OK (zmq_close (front));
    CHECK_OK (zmq_close (back));
    return NULL;
}

/*  A device of this type between two sockets, in a thread.  */
static pthread_t start_device (int type, int front_type, int back_type)
{
    pthread_t thread;
    context = zmq_ctx_new ();
    front = open_socket (context, front_type);
    back = open_socket (context, back_type);
    CHECK_OK (zmq_bind (front, "inproc://front"));
    CHECK_OK (zmq_bind (back, "inproc://back"));
    CHECK_OK (pthread_create (&thread, NULL, run_device, (void *) (intptr_t) type));
    return thread;
}

/*  The device ends with the context.  */
static void end_device (pthread_t thread, void *sender, void *receiver)
{
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_OK (pthread_join (thread, NULL));
    CHECK_OK (zmq_close (sender));
    CHECK_OK (zmq_close (receiver));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (device_queue_passes_requests_and_replies_until_the_context_ends)
{
    pthread_t thread = start_device (ZMQ_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = open_socket (context, ZMQ_REQ), *rep = open_socket (context, ZMQ_REP);
    CHECK_OK (zmq_connect (req, "inproc://front"));
    CHECK_OK (zmq_connect (rep, "inproc://back"));
    for (int i = 0; i < 3; i++) {
        send_text (req, "question", 0);
        EXPECT_TEXT (rep, "question");
        send_text (rep, "answer", 0);
        EXPECT_TEXT (req, "answer");
    }
    end_device (thread, req, rep);
}

TEST (device_streamer_passes_tasks)
{
    pthread_t thread = start_device (ZMQ_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    CHECK_OK (zmq_connect (push, "inproc://front"));
    CHECK_OK (zmq_connect (pull, "inproc://back"));
    send_text (push, "part", ZMQ_SNDMORE);
    send_text (push, "task", 0);
    EXPECT_PART (pull, "part", 1);
    EXPECT_PART (pull, "task", 0);
    end_device (thread, push, pull);
}

TEST (device_forwarder_passes_messages_and_subscriptions)
{
    pthread_t thread = start_device (ZMQ_FORWARDER, ZMQ_XSUB, ZMQ_XPUB);
    void *xpub = open_socket (context, ZMQ_XPUB), *sub = open_socket (context, ZMQ_SUB);
    CHECK_OK (zmq_connect (xpub, "inproc://front"));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "A", 1));
    CHECK_OK (zmq_connect (sub, "inproc://back"));
    EXPECT_TEXT (xpub, "\1A");
    send_text (xpub, "B is not wanted", 0);
    send_text (xpub, "A is", 0);
    EXPECT_TEXT (sub, "A is");
    end_device (thread, xpub, sub);
}
