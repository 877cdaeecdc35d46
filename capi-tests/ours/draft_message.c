/*  Messages of the draft API: the number of a peer, the group, messages made of a buffer.  */
#define ZMQ_BUILD_DRAFT_API
#include "../message.h"

#include <stdint.h>

TEST (init_buffer_makes_a_message_with_a_copy)
{
    char text[] = "a body that is longer than the forty bytes that a message holds";
    for (size_t size = 0; size <= sizeof text; size++) {
        zmq_msg_t message;
        CHECK_OK (zmq_msg_init_buffer (&message, text, size));
        CHECK_INT (zmq_msg_size (&message), size);
        CHECK (zmq_msg_data (&message) != text);
        CHECK (memcmp (zmq_msg_data (&message), text, size) == 0);
        CHECK_OK (zmq_msg_close (&message));
    }
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_buffer (&message, NULL, 0));
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_ERRNO (zmq_msg_init_buffer (NULL, text, 1), EFAULT);
}

TEST (a_routing_id_is_any_number_but_zero)
{
    zmq_msg_t message;
    init_text (&message, "x");
    CHECK_INT (zmq_msg_routing_id (&message), 0);
    CHECK_OK (zmq_msg_set_routing_id (&message, UINT32_MAX));
    CHECK_ERRNO (zmq_msg_set_routing_id (&message, 0), EINVAL);
    CHECK (zmq_msg_routing_id (&message) == UINT32_MAX);
    CHECK_OK (zmq_msg_set_routing_id (&message, 1));
    CHECK (zmq_msg_routing_id (&message) == 1);
    check_text (&message, "x");
    CHECK_OK (zmq_msg_close (&message));
    CHECK_ERRNO (zmq_msg_set_routing_id (&message, 1), EFAULT);
    CHECK_ERRNO (zmq_msg_set_routing_id (NULL, 1), EFAULT);
    CHECK_INT (zmq_msg_routing_id (&message), 0);
}

TEST (a_group_keeps_the_first_255_bytes_of_its_name)
{
    char name[300];
    for (size_t length = 0; length < sizeof name; length++) {
        memset (name, 'g', length);
        name[length] = 0;
        zmq_msg_t message;
        init_text (&message, "x");
        CHECK_OK (zmq_msg_set_group (&message, name));
        name[length < ZMQ_GROUP_MAX_LENGTH ? length : ZMQ_GROUP_MAX_LENGTH] = 0;
        CHECK (strcmp (zmq_msg_group (&message), name) == 0);
        check_text (&message, "x");
        CHECK_OK (zmq_msg_close (&message));
    }
}

TEST (a_message_without_a_group_has_an_empty_one)
{
    zmq_msg_t message;
    init_text (&message, "x");
    CHECK (strcmp (zmq_msg_group (&message), "") == 0);
    CHECK_OK (zmq_msg_set_group (&message, "first"));
    CHECK_OK (zmq_msg_set_group (&message, ""));
    CHECK (strcmp (zmq_msg_group (&message), "") == 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_ERRNO (zmq_msg_set_group (&message, "group"), EFAULT);
    CHECK (zmq_msg_group (&message) == NULL);
}

TEST (copies_and_moves_take_group_and_routing_id_along)
{
    static const char *const names[] = {"short", "a name that does not fit into the message"};
    for (int i = 0; i < 2; i++) {
        zmq_msg_t from, copy, moved;
        init_text (&from, "x");
        CHECK_OK (zmq_msg_set_group (&from, names[i]));
        CHECK_OK (zmq_msg_set_routing_id (&from, 5));
        init_text (&copy, "old");
        CHECK_OK (zmq_msg_set_group (&copy, "another name that does not fit"));
        CHECK_OK (zmq_msg_init (&moved));
        CHECK_OK (zmq_msg_copy (&copy, &from));
        CHECK_OK (zmq_msg_move (&moved, &from));
        CHECK (strcmp (zmq_msg_group (&from), "") == 0);
        CHECK_INT (zmq_msg_routing_id (&from), 0);
        CHECK (strcmp (zmq_msg_group (&copy), names[i]) == 0);
        CHECK (strcmp (zmq_msg_group (&moved), names[i]) == 0);
        CHECK_INT (zmq_msg_routing_id (&copy), 5);
        CHECK_INT (zmq_msg_routing_id (&moved), 5);
        CHECK_OK (zmq_msg_close (&from));
        CHECK_OK (zmq_msg_close (&copy));
        CHECK_OK (zmq_msg_close (&moved));
    }
}

TEST (a_group_may_be_set_to_a_part_of_itself)
{
    zmq_msg_t message;
    init_text (&message, "x");
    CHECK_OK (zmq_msg_set_group (&message, "first/a name that does not fit into the message"));
    CHECK_OK (zmq_msg_set_group (&message, zmq_msg_group (&message) + 6));
    CHECK (strcmp (zmq_msg_group (&message), "a name that does not fit into the message") == 0);
    CHECK_OK (zmq_msg_set_group (&message, zmq_msg_group (&message) + 34));
    CHECK (strcmp (zmq_msg_group (&message), "message") == 0);
    CHECK_OK (zmq_msg_set_group (&message, zmq_msg_group (&message) + 1));
    CHECK (strcmp (zmq_msg_group (&message), "essage") == 0);
    CHECK_OK (zmq_msg_close (&message));
}
