/*  Messages by themselves: creation, moving, copying.  */
#include "message.h"
#include <stdalign.h>

TEST (zmq_msg_t_is_64_bytes_and_pointer_aligned)
{
    CHECK_INT (sizeof (zmq_msg_t), 64);
    CHECK_INT (alignof (zmq_msg_t), sizeof (void *));
}

TEST (msg_init_gives_an_empty_message)
{
    zmq_msg_t message;
    memset (&message, 0xA5, sizeof message);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_INT (zmq_msg_more (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (msg_data_of_an_empty_message_is_not_null)
{
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK (zmq_msg_data (&message) != NULL);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_OK (zmq_msg_init_size (&message, 0));
    CHECK (zmq_msg_data (&message) != NULL);
    CHECK_OK (zmq_msg_close (&message));
}

TEST (msg_init_size_gives_writable_memory_of_that_size)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        memset (&message, 0xA5, sizeof message);
        init_filled (&message, sizes[i]);
        CHECK_INT (zmq_msg_size (&message), sizes[i]);
        check_filled (zmq_msg_data (&message), sizes[i]);
        CHECK_INT (zmq_msg_more (&message), 0);
        CHECK_OK (zmq_msg_close (&message));
    }
}

TEST (msg_data_of_inline_and_allocated_messages_is_pointer_aligned)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_size (&message, sizes[i]));
        CHECK_INT ((uintptr_t) zmq_msg_data (&message) % sizeof (void *), 0);
        CHECK_OK (zmq_msg_close (&message));
    }
}

TEST (msg_data_stays_the_same_between_calls)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_size (&message, sizes[i]));
        void *data = zmq_msg_data (&message);
        CHECK (zmq_msg_data (&message) == data);
        CHECK_OK (zmq_msg_close (&message));
    }
}

TEST (messages_up_to_33_bytes_live_inside_the_structure)
{
    for (size_t size = 0; size <= 33; size++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_size (&message, size));
        char *data = zmq_msg_data (&message), *start = (char *) &message;
        CHECK (data >= start && data + size <= start + sizeof message);
        CHECK_OK (zmq_msg_close (&message));
    }
}

TEST (msg_init_size_that_cannot_be_allocated_is_enomem)
{
    zmq_msg_t message;
    CHECK_ERRNO (zmq_msg_init_size (&message, SIZE_MAX), ENOMEM);
    CHECK_ERRNO (zmq_msg_init_size (&message, SIZE_MAX - 8), ENOMEM);
    CHECK_ERRNO (zmq_msg_init_size (&message, SIZE_MAX - 100), ENOMEM);
    CHECK_ERRNO (zmq_msg_init_size (&message, SIZE_MAX / 2), ENOMEM);
    CHECK_ERRNO (zmq_msg_init_size (&message, (size_t) 1 << 60), ENOMEM);
}

TEST (closing_a_message_twice_is_efault)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_size (&message, sizes[i]));
        CHECK_OK (zmq_msg_close (&message));
        CHECK_ERRNO (zmq_msg_close (&message), EFAULT);
        CHECK_ERRNO (zmq_msg_close (&message), EFAULT);
    }
}

TEST (closing_a_message_never_initialised_is_efault)
{
    zmq_msg_t message;
    memset (&message, 0, sizeof message);
    CHECK_ERRNO (zmq_msg_close (&message), EFAULT);
}

TEST (a_closed_message_can_be_initialised_again)
{
    zmq_msg_t message;
    for (int i = 0; i < 3; i++) {
        init_filled (&message, 1000);
        CHECK_OK (zmq_msg_close (&message));
    }
}

TEST (msg_more_of_a_closed_message_is_zero)
{
    zmq_msg_t message;
    init_filled (&message, 10);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (zmq_msg_more (&message), 0);
    CHECK_INT (zmq_msg_get (&message, ZMQ_MORE), 0);
}

TEST (msg_get_of_a_closed_message_knows_no_property)
{
    zmq_msg_t message;
    init_filled (&message, 100);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (zmq_msg_get (&message, ZMQ_SHARED), 0);
    CHECK_ERRNO (zmq_msg_get (&message, ZMQ_SRCFD), EINVAL);
    CHECK_ERRNO (zmq_msg_get (&message, 99), EINVAL);
}

/* --- moving ------------------------------------------------------------- */

TEST (msg_move_takes_the_content_and_leaves_the_source_empty)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t from, to;
        init_filled (&from, sizes[i]);
        CHECK_OK (zmq_msg_init (&to));
        CHECK_OK (zmq_msg_move (&to, &from));
        CHECK_INT (zmq_msg_size (&to), sizes[i]);
        check_filled (zmq_msg_data (&to), sizes[i]);
        CHECK_INT (zmq_msg_size (&from), 0);
        CHECK_OK (zmq_msg_close (&to));
        CHECK_OK (zmq_msg_close (&from));
    }
}

TEST (msg_move_does_not_copy_large_content)
{
    zmq_msg_t from, to;
    init_filled (&from, 1000);
    void *data = zmq_msg_data (&from);
    CHECK_OK (zmq_msg_init (&to));
    CHECK_OK (zmq_msg_move (&to, &from));
    CHECK (zmq_msg_data (&to) == data);
    CHECK_OK (zmq_msg_close (&to));
    CHECK_OK (zmq_msg_close (&from));
}

TEST (msg_move_releases_what_the_destination_held)
{
    static freed record;
    static char bytes[100];
    zmq_msg_t from, to;
    CHECK_OK (zmq_msg_init_data (&to, bytes, sizeof bytes, count_free, &record));
    init_text (&from, "new");
    CHECK_OK (zmq_msg_move (&to, &from));
    CHECK_INT (atomic_load (&record.calls), 1);
    check_text (&to, "new");
    CHECK_OK (zmq_msg_close (&to));
    CHECK_OK (zmq_msg_close (&from));
    CHECK_INT (atomic_load (&record.calls), 1);
}

TEST (msg_move_with_a_closed_message_is_efault)
{
    zmq_msg_t closed, good;
    init_text (&good, "good");
    CHECK_OK (zmq_msg_init (&closed));
    CHECK_OK (zmq_msg_close (&closed));
    CHECK_ERRNO (zmq_msg_move (&good, &closed), EFAULT);
    CHECK_ERRNO (zmq_msg_move (&closed, &good), EFAULT);
    check_text (&good, "good");
    CHECK_OK (zmq_msg_close (&good));
}

/* --- copying -------------------------------------------------------------- */

TEST (msg_copy_leaves_both_with_the_same_content)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t from, to;
        init_filled (&from, sizes[i]);
        CHECK_OK (zmq_msg_init (&to));
        CHECK_OK (zmq_msg_copy (&to, &from));
        CHECK_INT (zmq_msg_size (&from), sizes[i]);
        CHECK_INT (zmq_msg_size (&to), sizes[i]);
        check_filled (zmq_msg_data (&from), sizes[i]);
        check_filled (zmq_msg_data (&to), sizes[i]);
        CHECK_OK (zmq_msg_close (&from));
        check_filled (zmq_msg_data (&to), sizes[i]);
        CHECK_OK (zmq_msg_close (&to));
    }
}

TEST (copies_of_small_messages_are_independent)
{
    zmq_msg_t from, to;
    init_text (&from, "abc");
    CHECK_OK (zmq_msg_init (&to));
    CHECK_OK (zmq_msg_copy (&to, &from));
    CHECK (zmq_msg_data (&to) != zmq_msg_data (&from));
    memcpy (zmq_msg_data (&to), "xyz", 3);
    check_text (&from, "abc");
    CHECK_INT (zmq_msg_get (&from, ZMQ_SHARED), 0);
    CHECK_INT (zmq_msg_get (&to, ZMQ_SHARED), 0);
    CHECK_OK (zmq_msg_close (&from));
    CHECK_OK (zmq_msg_close (&to));
}

TEST (copies_of_large_messages_share_their_content)
{
    zmq_msg_t from, to;
    init_filled (&from, 1000);
    CHECK_INT (zmq_msg_get (&from, ZMQ_SHARED), 0);
    CHECK_OK (zmq_msg_init (&to));
    CHECK_OK (zmq_msg_copy (&to, &from));
    CHECK (zmq_msg_data (&to) == zmq_msg_data (&from));
    CHECK_INT (zmq_msg_get (&from, ZMQ_SHARED), 1);
    CHECK_INT (zmq_msg_get (&to, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_close (&from));
    CHECK_OK (zmq_msg_close (&to));
}

TEST (copies_of_copies_share_in_any_order_of_closing)
{
    zmq_msg_t messages[10];
    init_filled (&messages[0], 5000);
    for (int i = 1; i < 10; i++) {
        CHECK_OK (zmq_msg_init (&messages[i]));
        CHECK_OK (zmq_msg_copy (&messages[i], &messages[i / 2]));
    }
    static const int order[] = {0, 9, 3, 4, 1, 8, 2, 7, 6};
    for (int i = 0; i < 9; i++) {
        CHECK_OK (zmq_msg_close (&messages[order[i]]));
        check_filled (zmq_msg_data (&messages[5]), 5000);
    }
    CHECK_OK (zmq_msg_close (&messages[5]));
}

TEST (msg_copy_releases_what_the_destination_held)
{
    static freed record;
    static char bytes[100];
    zmq_msg_t from, to;
    CHECK_OK (zmq_msg_init_data (&to, bytes, sizeof bytes, count_free, &record));
    init_text (&from, "new");
    CHECK_OK (zmq_msg_copy (&to, &from));
    CHECK_INT (atomic_load (&record.calls), 1);
    check_text (&to, "new");
    CHECK_OK (zmq_msg_close (&to));
    CHECK_OK (zmq_msg_close (&from));
}

TEST (msg_copy_with_a_closed_message_is_efault)
{
    zmq_msg_t closed, good;
    init_text (&good, "good");
    CHECK_OK (zmq_msg_init (&closed));
    CHECK_OK (zmq_msg_close (&closed));
    CHECK_ERRNO (zmq_msg_copy (&good, &closed), EFAULT);
    CHECK_ERRNO (zmq_msg_copy (&closed, &good), EFAULT);
    check_text (&good, "good");
    CHECK_OK (zmq_msg_close (&good));
}
