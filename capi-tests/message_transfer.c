/*  Messages on their way: what send and receive do with them.  */
#include "message.h"

static void send_all_sizes (const char *transport)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, transport);
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        init_filled (&message, sizes[i]);
        CHECK_INT (zmq_msg_send (&message, i % 2 ? one : two, 0), sizes[i]);
        CHECK_INT (zmq_msg_size (&message), 0);
        CHECK_OK (zmq_msg_close (&message));
        CHECK_OK (zmq_msg_init (&message));
        CHECK_INT (zmq_msg_recv (&message, i % 2 ? two : one, 0), sizes[i]);
        CHECK_INT (zmq_msg_size (&message), sizes[i]);
        check_filled (zmq_msg_data (&message), sizes[i]);
        CHECK_OK (zmq_msg_close (&message));
    }
    //  All at once, so that they share buffers on the way.
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        init_filled (&message, sizes[i]);
        CHECK_INT (zmq_msg_send (&message, two, 0), sizes[i]);
    }
    zmq_msg_t kept[SIZES];
    for (size_t i = 0; i < SIZES; i++) {
        CHECK_OK (zmq_msg_init (&kept[i]));
        CHECK_INT (zmq_msg_recv (&kept[i], one, 0), sizes[i]);
    }
    //  What shares a buffer stays whole until the last of them is closed.
    close_pair (context, one, two);
    for (size_t i = 0; i < SIZES; i++) {
        check_filled (zmq_msg_data (&kept[i]), sizes[i]);
        CHECK_OK (zmq_msg_close (&kept[i]));
    }
}

TEST (messages_of_every_size_cross_inproc) { send_all_sizes ("inproc"); }
TEST (messages_of_every_size_cross_tcp) { send_all_sizes ("tcp"); }
TEST (messages_of_every_size_cross_ipc) { send_all_sizes ("ipc"); }

TEST (received_content_can_be_written_to)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    static char bytes[300];
    fill (bytes, sizeof bytes);
    for (int i = 0; i < 3; i++)
        CHECK_INT (zmq_send (two, bytes, sizeof bytes, 0), sizeof bytes);
    zmq_msg_t messages[3];
    for (int i = 0; i < 3; i++) {
        CHECK_OK (zmq_msg_init (&messages[i]));
        CHECK_INT (zmq_msg_recv (&messages[i], one, 0), sizeof bytes);
    }
    memset (zmq_msg_data (&messages[1]), 'x', sizeof bytes);
    check_filled (zmq_msg_data (&messages[0]), sizeof bytes);
    check_filled (zmq_msg_data (&messages[2]), sizeof bytes);
    for (int i = 0; i < 3; i++)
        CHECK_OK (zmq_msg_close (&messages[i]));
    close_pair (context, one, two);
}

TEST (msg_send_leaves_an_empty_message_that_may_be_sent_or_closed)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    zmq_msg_t message;
    init_filled (&message, 1000);
    CHECK_INT (zmq_msg_send (&message, two, 0), 1000);
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_INT (zmq_msg_more (&message), 0);
    CHECK_INT (zmq_msg_send (&message, two, 0), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (zmq_recv (one, NULL, 0, 0), 1000);
    CHECK_INT (zmq_recv (one, NULL, 0, 0), 0);
    close_pair (context, one, two);
}

TEST (a_failed_send_leaves_the_message_intact)
{
    static freed record;
    static char bytes[100];
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH), *pull = open_socket (context, ZMQ_PULL);
    void *rep = open_socket (context, ZMQ_REP);
    fill (bytes, sizeof bytes);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_ERRNO (zmq_msg_send (&message, push, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_msg_send (&message, pull, 0), ENOTSUP);
    CHECK_ERRNO (zmq_msg_send (&message, rep, 0), EFSM);
    CHECK_ERRNO (zmq_msg_send (&message, NULL, 0), ENOTSOCK);
    CHECK_ERRNO (zmq_msg_send (&message, context, 0), ENOTSOCK);
    CHECK_INT (zmq_msg_size (&message), sizeof bytes);
    CHECK (zmq_msg_data (&message) == bytes);
    CHECK_INT (atomic_load (&record.calls), 0);
    CHECK_OK (zmq_bind (pull, "inproc://second-try"));
    CHECK_OK (zmq_connect (push, "inproc://second-try"));
    CHECK_INT (zmq_msg_send (&message, push, 0), sizeof bytes);
    char received[100];
    CHECK_INT (zmq_recv (pull, received, sizeof received, 0), sizeof bytes);
    check_filled (received, sizeof received);
    CHECK_INT (atomic_load (&record.calls), 1);
    CHECK_OK (zmq_close (rep));
    close_pair (context, push, pull);
}

TEST (a_failed_send_on_a_terminated_context_leaves_the_message_intact)
{
    void *context = zmq_ctx_new ();
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_shutdown (context));
    zmq_msg_t message;
    init_filled (&message, 100);
    CHECK_ERRNO (zmq_msg_send (&message, push, 0), ETERM);
    CHECK_INT (zmq_msg_size (&message), 100);
    check_filled (zmq_msg_data (&message), 100);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_failed_receive_keeps_or_empties_the_message_but_leaves_it_valid)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_ERRNO (zmq_msg_recv (&message, pull, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERRNO (zmq_msg_recv (&message, push, 0), ENOTSUP);
    CHECK_ERRNO (zmq_msg_recv (&message, NULL, 0), ENOTSOCK);
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
    close_pair (context, pull, push);
}

TEST (msg_recv_into_a_closed_message_is_efault)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_OK (zmq_msg_close (&message));
    CHECK_ERRNO (zmq_msg_recv (&message, pull, ZMQ_DONTWAIT), EFAULT);
    CHECK_ERRNO (zmq_msg_recv (NULL, pull, ZMQ_DONTWAIT), EFAULT);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (msg_recv_releases_what_the_message_held)
{
    static freed record;
    static char bytes[100];
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    send_text (two, "new", 0);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_free, &record));
    CHECK_INT (zmq_msg_recv (&message, one, 0), 3);
    check_text (&message, "new");
    CHECK_INT (atomic_load (&record.calls), 1);
    CHECK_OK (zmq_msg_close (&message));
    close_pair (context, one, two);
}

TEST (one_message_serves_for_many_receives)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    for (int i = 0; i < 200; i++) {
        static char bytes[2000];
        size_t size = (size_t) i * 10;
        fill (bytes, size);
        CHECK_INT (zmq_send (two, bytes, size, 0), size);
        CHECK_INT (zmq_msg_recv (&message, one, 0), size);
        check_filled (zmq_msg_data (&message), size);
    }
    CHECK_OK (zmq_msg_close (&message));
    close_pair (context, one, two);
}

TEST (a_received_message_can_be_sent_on)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        init_filled (&message, sizes[i]);
        CHECK_INT (zmq_msg_send (&message, two, 0), sizes[i]);
        CHECK_OK (zmq_msg_init (&message));
        CHECK_INT (zmq_msg_recv (&message, one, 0), sizes[i]);
        CHECK_INT (zmq_msg_send (&message, one, 0), sizes[i]);
        CHECK_INT (zmq_msg_recv (&message, two, 0), sizes[i]);
        check_filled (zmq_msg_data (&message), sizes[i]);
        CHECK_OK (zmq_msg_close (&message));
    }
    close_pair (context, one, two);
}

TEST (copies_can_be_sent_to_several_sockets)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push[3];
    const char *endpoint = bind_to (pull, "tcp://127.0.0.1:*");
    zmq_msg_t original;
    init_filled (&original, 5000);
    for (int i = 0; i < 3; i++) {
        push[i] = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push[i], endpoint));
        zmq_msg_t copy;
        CHECK_OK (zmq_msg_init (&copy));
        CHECK_OK (zmq_msg_copy (&copy, &original));
        CHECK_INT (zmq_msg_send (&copy, push[i], 0), 5000);
    }
    check_filled (zmq_msg_data (&original), 5000);
    CHECK_OK (zmq_msg_close (&original));
    for (int i = 0; i < 3; i++) {
        char received[5000];
        CHECK_INT (zmq_recv (pull, received, sizeof received, 0), 5000);
        check_filled (received, 5000);
        CHECK_OK (zmq_close (push[i]));
    }
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (recv_truncates_and_returns_the_whole_size)
{
    static const char *const transports[] = {"inproc", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        void *context, *one, *two;
        open_pair (&context, &one, &two, transports[i]);
        send_text (two, "0123456789", 0);
        char buffer[6] = "......";
        CHECK_INT (zmq_recv (one, buffer, 4, 0), 10);
        CHECK (memcmp (buffer, "0123..", 6) == 0);
        send_text (two, "next", 0);
        EXPECT_TEXT (one, "next");
        close_pair (context, one, two);
    }
}

TEST (recv_of_nothing_into_null_returns_the_size)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    send_text (two, "gone", 0);
    CHECK_INT (zmq_recv (one, NULL, 0, 0), 4);
    close_pair (context, one, two);
}

TEST (send_of_nothing_from_null_is_an_empty_message)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "tcp");
    CHECK_INT (zmq_send (two, NULL, 0, 0), 0);
    CHECK_INT (zmq_send_const (two, NULL, 0, 0), 0);
    char byte;
    CHECK_INT (zmq_recv (one, &byte, 1, 0), 0);
    CHECK_INT (zmq_recv (one, &byte, 1, 0), 0);
    close_pair (context, one, two);
}

TEST (send_copies_its_buffer)
{
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    char text[] = "before";
    CHECK_INT (zmq_send (two, text, 6, 0), 6);
    memcpy (text, "after!", 6);
    EXPECT_TEXT (one, "before");
    close_pair (context, one, two);
}

TEST (send_const_does_not_copy_its_buffer)
{
    static const char constant[2000] = "constant";
    void *context, *one, *two;
    open_pair (&context, &one, &two, "inproc");
    CHECK_INT (zmq_send_const (two, constant, sizeof constant, 0), sizeof constant);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, one, 0), sizeof constant);
    CHECK (zmq_msg_data (&message) == constant);
    CHECK_OK (zmq_msg_close (&message));
    close_pair (context, one, two);
}

TEST (send_const_carries_parts_over_every_transport)
{
    static const char *const transports[] = {"inproc", "tcp", "ipc"};
    static const char large[100000] = "large";
    for (int i = 0; i < 3; i++) {
        void *context, *one, *two;
        open_pair (&context, &one, &two, transports[i]);
        CHECK_INT (zmq_send_const (two, "ABC", 3, ZMQ_SNDMORE), 3);
        CHECK_INT (zmq_send_const (two, large, sizeof large, ZMQ_SNDMORE), sizeof large);
        CHECK_INT (zmq_send_const (two, "JK", 2, 0), 2);
        EXPECT_PART (one, "ABC", 1);
        CHECK_INT (zmq_recv (one, NULL, 0, 0), sizeof large);
        EXPECT_PART (one, "JK", 0);
        close_pair (context, one, two);
    }
}
