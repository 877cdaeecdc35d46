/*  Socket options: defaults, what they take and refuse, what reads back.  */
#include "options.h"
#include <limits.h>

/* --- integers ------------------------------------------------------------------ */

#define ANY -1

/*  Integer options that can be read and set, with their default, some values
 *  that they take and some that they refuse.  */
static const struct integer {
    int option;
    const char *name;
    int type; // socket type, ANY: all
    int standard;
    int taken[6], taken_count;
    int refused[4], refused_count;
} integers[] = {
#define INTEGER(NAME) NAME, #NAME
  {INTEGER (ZMQ_SNDHWM), ANY, 1000, {0, 1, 5, 1000, INT_MAX}, 5, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_RCVHWM), ANY, 1000, {0, 1, 5, 1000, INT_MAX}, 5, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_LINGER), ANY, -1, {-1, 0, 1, 1000, INT_MAX}, 5, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_SNDTIMEO), ANY, -1, {-1, 0, 1, 1000, INT_MAX}, 5, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_RCVTIMEO), ANY, -1, {-1, 0, 1, 1000, INT_MAX}, 5, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_SNDBUF), ANY, -1, {-1, 0, 1, 65536, INT_MAX}, 5, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_RCVBUF), ANY, -1, {-1, 0, 1, 65536, INT_MAX}, 5, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_RECONNECT_IVL), ANY, 100, {-1, 0, 1, 5000, INT_MAX}, 5, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_RECONNECT_IVL_MAX), ANY, 0, {0, 1, 5000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_BACKLOG), ANY, 100, {0, 1, 1000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_IMMEDIATE), ANY, 0, {0, 1}, 2, {2, -1, INT_MAX, INT_MIN}, 4},
  {INTEGER (ZMQ_IPV6), ANY, 0, {0, 1}, 2, {2, -1, INT_MAX, INT_MIN}, 4},
  {INTEGER (ZMQ_IPV4ONLY), ANY, 1, {0, 1}, 2, {2, -1, INT_MAX, INT_MIN}, 4},
  {INTEGER (ZMQ_HANDSHAKE_IVL), ANY, 30000, {0, 1, 30000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_CONNECT_TIMEOUT), ANY, 0, {0, 1, 30000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_HEARTBEAT_IVL), ANY, 0, {0, 1, 30000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_TCP_KEEPALIVE), ANY, -1, {-1, 0, 1}, 3, {2, -2, INT_MIN}, 3},
  {INTEGER (ZMQ_TCP_KEEPALIVE_CNT), ANY, -1, {-1, 1, 10}, 3, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_TCP_KEEPALIVE_IDLE), ANY, -1, {-1, 1, 10}, 3, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_TCP_KEEPALIVE_INTVL), ANY, -1, {-1, 1, 10}, 3, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_TOS), ANY, 0, {0, 4, 255}, 3, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_TCP_MAXRT), ANY, 0, {0, 1, 30000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_HEARTBEAT_TTL), ANY, 0, {0, 100, 6553500}, 3, {-100, 6553600, INT_MAX, INT_MIN}, 4},
  {INTEGER (ZMQ_HEARTBEAT_TIMEOUT), ANY, -1, {0, 1, 30000, INT_MAX}, 4, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_CONFLATE), ANY, 0, {0, 1}, 2, {2, -1, INT_MAX, INT_MIN}, 4},
  {INTEGER (ZMQ_USE_FD), ANY, -1, {-1, 3, INT_MAX}, 3, {-2, INT_MIN}, 2},
  {INTEGER (ZMQ_RATE), ANY, 100, {1, 100, INT_MAX}, 3, {0, -1, INT_MIN}, 3},
  {INTEGER (ZMQ_RECOVERY_IVL), ANY, 10000, {0, 1, INT_MAX}, 3, {-1, INT_MIN}, 2},
  {INTEGER (ZMQ_MULTICAST_HOPS), ANY, 1, {1, 255}, 2, {0, -1, INT_MIN}, 3},
  {INTEGER (ZMQ_MULTICAST_MAXTPDU), ANY, 1500, {1, 9000}, 2, {0, -1, INT_MIN}, 3},
#undef INTEGER
};

TEST (integer_options_have_their_default_on_every_socket_type)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = fresh (type);
        for (size_t i = 0; i < COUNT (integers); i++) {
            int value = -12345;
            size_t size = sizeof value;
            if (integers[i].type != ANY && integers[i].type != type)
                continue;
            CHECK_OK (zmq_getsockopt (socket, integers[i].option, &value, &size));
            //  What a subscriber has to send, nobody waits for.
            int standard = integers[i].option == ZMQ_LINGER && (type == ZMQ_SUB || type == ZMQ_XSUB)
                             ? 0
                             : integers[i].standard;
            if (value != standard)
                harness_fail (__FILE__, __LINE__, "%s of type %d is %d, expected %d", integers[i].name, type, value,
                              standard);
            CHECK_INT (size, sizeof value);
        }
        done (socket);
    }
}

TEST (integer_options_read_back_what_was_set)
{
    for (size_t i = 0; i < COUNT (integers); i++) {
        const struct integer *o = &integers[i];
        void *socket = fresh (o->type == ANY ? ZMQ_DEALER : o->type);
        for (int j = 0; j < o->taken_count; j++) {
            if (zmq_setsockopt (socket, o->option, &o->taken[j], sizeof (int)) != 0)
                harness_fail (__FILE__, __LINE__, "%s refuses %d: %s", o->name, o->taken[j], zmq_strerror (errno));
            if (get_int (socket, o->option) != o->taken[j])
                harness_fail (__FILE__, __LINE__, "%s: %d reads back as %d", o->name, o->taken[j],
                              get_int (socket, o->option));
        }
        done (socket);
    }
}

TEST (integer_options_out_of_range_are_einval_and_keep_the_old_value)
{
    for (size_t i = 0; i < COUNT (integers); i++) {
        const struct integer *o = &integers[i];
        void *socket = fresh (o->type == ANY ? ZMQ_DEALER : o->type);
        for (int j = 0; j < o->refused_count; j++) {
            errno = 0;
            int rc = zmq_setsockopt (socket, o->option, &o->refused[j], sizeof (int));
            if (rc != -1 || errno != EINVAL)
                harness_fail (__FILE__, __LINE__, "%s: %d gave %d, errno %d", o->name, o->refused[j], rc, errno);
            CHECK_INT (get_int (socket, o->option), o->standard);
        }
        done (socket);
    }
}

TEST (setting_an_integer_option_with_another_size_is_einval)
{
    static const size_t sizes[] = {0, 1, 2, 3, 5, 7, 8, 9, 16};
    for (size_t i = 0; i < COUNT (integers); i++) {
        void *socket = fresh (ZMQ_DEALER);
        for (size_t j = 0; j < COUNT (sizes); j++) {
            int value[4] = {1, 0, 0, 0};
            errno = 0;
            int rc = zmq_setsockopt (socket, integers[i].option, value, sizes[j]);
            if (rc != -1 || errno != EINVAL)
                harness_fail (__FILE__, __LINE__, "%s: size %zu gave %d, errno %d", integers[i].name, sizes[j], rc,
                              errno);
            CHECK_INT (get_int (socket, integers[i].option), integers[i].standard);
        }
        done (socket);
    }
}

TEST (getting_an_integer_option_into_too_small_a_buffer_is_einval)
{
    void *socket = fresh (ZMQ_DEALER);
    for (size_t i = 0; i < COUNT (integers); i++)
        for (size_t size = 0; size < sizeof (int); size++) {
            int value = 0x5A5A5A5A;
            size_t given = size;
            CHECK_ERRNO (zmq_getsockopt (socket, integers[i].option, &value, &given), EINVAL);
            CHECK_INT (value, 0x5A5A5A5A);
        }
    done (socket);
}

TEST (getting_an_integer_option_into_a_larger_buffer_is_einval_too)
{
    void *socket = fresh (ZMQ_DEALER);
    for (size_t i = 0; i < COUNT (integers); i++)
        for (size_t size = 5; size <= 16; size++) {
            int values[4];
            size_t given = size;
            CHECK_ERRNO (zmq_getsockopt (socket, integers[i].option, values, &given), EINVAL);
        }
    done (socket);
}

TEST (rcvmore_fd_and_events_may_be_read_into_a_larger_buffer)
{
    static const int options[] = {ZMQ_RCVMORE, ZMQ_FD, ZMQ_EVENTS};
    void *socket = fresh (ZMQ_DEALER);
    for (size_t i = 0; i < COUNT (options); i++)
        for (size_t size = 0; size <= 16; size++) {
            unsigned char values[17];
            int value;
            memset (values, 0xAA, sizeof values);
            size_t given = size;
            if (size < sizeof (int)) {
                CHECK_ERRNO (zmq_getsockopt (socket, options[i], values, &given), EINVAL);
                continue;
            }
            CHECK_OK (zmq_getsockopt (socket, options[i], values, &given));
            CHECK_INT (given, sizeof (int));
            memcpy (&value, values, sizeof value);
            CHECK (value >= 0);
            //  The rest is zeroed: programs of version 2 read 64 bits.
            for (size_t j = sizeof value; j < sizeof values; j++)
                CHECK_INT (values[j], j < size ? 0 : 0xAA);
        }
    done (socket);
}

TEST (options_of_one_socket_do_not_show_on_another)
{
    void *one = fresh (ZMQ_DEALER), *two = fresh (ZMQ_DEALER);
    set_int (one, ZMQ_SNDHWM, 7);
    CHECK_INT (get_int (two, ZMQ_SNDHWM), 1000);
    done (one);
    done (two);
}

TEST (ipv4only_is_the_opposite_of_ipv6)
{
    void *socket = fresh (ZMQ_DEALER);
    set_int (socket, ZMQ_IPV6, 1);
    CHECK_INT (get_int (socket, ZMQ_IPV4ONLY), 0);
    set_int (socket, ZMQ_IPV4ONLY, 1);
    CHECK_INT (get_int (socket, ZMQ_IPV6), 0);
    set_int (socket, ZMQ_IPV4ONLY, 0);
    CHECK_INT (get_int (socket, ZMQ_IPV6), 1);
    done (socket);
}

/* --- 64 bits ----------------------------------------------------------------------- */

TEST (affinity_is_a_64_bit_mask_without_a_bit_set)
{
    void *socket = fresh (ZMQ_DEALER);
    uint64_t value = 99;
    size_t size = sizeof value;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_AFFINITY, &value, &size));
    CHECK_INT (value, 0);
    CHECK_INT (size, sizeof value);
    static const uint64_t masks[] = {1, 3, UINT64_MAX, 0};
    for (size_t i = 0; i < COUNT (masks); i++) {
        CHECK_OK (zmq_setsockopt (socket, ZMQ_AFFINITY, &masks[i], sizeof masks[i]));
        size = sizeof value;
        CHECK_OK (zmq_getsockopt (socket, ZMQ_AFFINITY, &value, &size));
        CHECK (value == masks[i]);
    }
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_AFFINITY, &value, 4), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_AFFINITY, &value, 0), EINVAL);
    size = 4;
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_AFFINITY, &value, &size), EINVAL);
    done (socket);
}

TEST (affinity_to_threads_that_do_not_exist_is_emthread_on_bind_and_connect)
{
    void *socket = fresh (ZMQ_DEALER);
    uint64_t second = 2, first = 1;
    CHECK_OK (zmq_setsockopt (socket, ZMQ_AFFINITY, &second, sizeof second));
    CHECK_ERRNO (zmq_bind (socket, "tcp://127.0.0.1:*"), EMTHREAD);
    CHECK_ERRNO (zmq_connect (socket, "tcp://127.0.0.1:5555"), EMTHREAD);
    CHECK_OK (zmq_setsockopt (socket, ZMQ_AFFINITY, &first, sizeof first));
    CHECK_OK (zmq_bind (socket, "tcp://127.0.0.1:*"));
    done (socket);
}

TEST (maxmsgsize_is_a_signed_64_bit_number_without_limit)
{
    void *socket = fresh (ZMQ_DEALER);
    int64_t value = 99;
    size_t size = sizeof value;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_MAXMSGSIZE, &value, &size));
    CHECK_INT (value, -1);
    CHECK_INT (size, sizeof value);
    static const int64_t limits[] = {0, 1, 1000, INT64_MAX, -1};
    for (size_t i = 0; i < COUNT (limits); i++) {
        CHECK_OK (zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &limits[i], sizeof limits[i]));
        size = sizeof value;
        CHECK_OK (zmq_getsockopt (socket, ZMQ_MAXMSGSIZE, &value, &size));
        CHECK_INT (value, limits[i]);
    }
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &value, 4), EINVAL);
    size = 4;
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_MAXMSGSIZE, &value, &size), EINVAL);
    done (socket);
}

/* --- routing id ------------------------------------------------------------------------ */

TEST (routing_id_is_empty_until_set_and_reads_back)
{
    void *socket = fresh (ZMQ_DEALER);
    char id[256];
    size_t size = sizeof id;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_ROUTING_ID, id, &size));
    CHECK_INT (size, 0);
    CHECK_OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, "worker", 6));
    size = sizeof id;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_IDENTITY, id, &size));
    CHECK_INT (size, 6);
    CHECK (memcmp (id, "worker", 6) == 0);
    //  Zero bytes inside are content.
    CHECK_OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, "a\0b", 3));
    size = sizeof id;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_ROUTING_ID, id, &size));
    CHECK_INT (size, 3);
    CHECK (memcmp (id, "a\0b", 3) == 0);
    size = 2;
    CHECK_ERRNO (zmq_getsockopt (socket, ZMQ_ROUTING_ID, id, &size), EINVAL);
    size = 3;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_ROUTING_ID, id, &size));
    done (socket);
}

TEST (routing_id_has_1_to_255_bytes)
{
    void *socket = fresh (ZMQ_DEALER);
    char id[300];
    memset (id, 'x', sizeof id);
    CHECK_OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, 1));
    CHECK_OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, 255));
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, 0), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, 256), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_ROUTING_ID, NULL, 0), EINVAL);
    size_t size = sizeof id;
    CHECK_OK (zmq_getsockopt (socket, ZMQ_ROUTING_ID, id, &size));
    CHECK_INT (size, 255);
    done (socket);
}

/* --- options of certain types ------------------------------------------------------------- */

/*  A boolean option without a getter, which one type alone knows.  */
static void try_boolean_of (int type, int option, const int others[2])
{
    int zero = 0, one = 1, minus = -1;
    void *socket = fresh (type);
    CHECK_OK (zmq_setsockopt (socket, option, &one, sizeof one));
    CHECK_OK (zmq_setsockopt (socket, option, &zero, sizeof zero));
    CHECK_ERRNO (zmq_setsockopt (socket, option, &minus, sizeof minus), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, option, &one, 1), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, option, &one, 8), EINVAL);
    done (socket);
    for (int i = 0; i < 2; i++) {
        void *other = fresh (others[i]);
        CHECK_ERRNO (zmq_setsockopt (other, option, &one, sizeof one), EINVAL);
        done (other);
    }
}

TEST (router_options_take_zero_and_one_on_a_router_alone)
{
    static const int others[] = {ZMQ_DEALER, ZMQ_SUB};
    try_boolean_of (ZMQ_ROUTER, ZMQ_ROUTER_MANDATORY, others);
    try_boolean_of (ZMQ_ROUTER, ZMQ_ROUTER_HANDOVER, others);
    try_boolean_of (ZMQ_ROUTER, ZMQ_ROUTER_RAW, others);
}

TEST (req_options_take_zero_and_one_on_a_req_alone)
{
    static const int others[] = {ZMQ_DEALER, ZMQ_REP};
    try_boolean_of (ZMQ_REQ, ZMQ_REQ_RELAXED, others);
    try_boolean_of (ZMQ_REQ, ZMQ_REQ_CORRELATE, others);
}

TEST (probe_router_is_known_to_router_dealer_and_req)
{
    static const int known[] = {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_REQ}, unknown[] = {ZMQ_PAIR, ZMQ_PUB, ZMQ_PUSH, ZMQ_STREAM};
    int one = 1, minus = -1;
    for (size_t i = 0; i < COUNT (known); i++) {
        void *socket = fresh (known[i]);
        CHECK_OK (zmq_setsockopt (socket, ZMQ_PROBE_ROUTER, &one, sizeof one));
        CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_PROBE_ROUTER, &minus, sizeof minus), EINVAL);
        done (socket);
    }
    for (size_t i = 0; i < COUNT (unknown); i++) {
        void *socket = fresh (unknown[i]);
        CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_PROBE_ROUTER, &one, sizeof one), EINVAL);
        done (socket);
    }
}

TEST (xpub_options_take_zero_and_one_on_an_xpub)
{
    static const int options[] = {ZMQ_XPUB_VERBOSE, ZMQ_XPUB_VERBOSER, ZMQ_XPUB_NODROP, ZMQ_XPUB_MANUAL};
    for (size_t i = 0; i < COUNT (options); i++) {
        int zero = 0, one = 1, minus = -1;
        void *xpub = fresh (ZMQ_XPUB), *sub = fresh (ZMQ_SUB), *push = fresh (ZMQ_PUSH);
        CHECK_OK (zmq_setsockopt (xpub, options[i], &one, sizeof one));
        CHECK_OK (zmq_setsockopt (xpub, options[i], &zero, sizeof zero));
        CHECK_ERRNO (zmq_setsockopt (xpub, options[i], &minus, sizeof minus), EINVAL);
        CHECK_ERRNO (zmq_setsockopt (xpub, options[i], &one, 3), EINVAL);
        CHECK_ERRNO (zmq_setsockopt (sub, options[i], &one, sizeof one), EINVAL);
        CHECK_ERRNO (zmq_setsockopt (push, options[i], &one, sizeof one), EINVAL);
        done (xpub);
        done (sub);
        done (push);
    }
}

TEST (subscribe_and_unsubscribe_are_known_to_sub_alone)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_PUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER,
                                ZMQ_PULL, ZMQ_PUSH, ZMQ_XSUB, ZMQ_STREAM};
    void *sub = fresh (ZMQ_SUB);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "topic", 5));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, NULL, 0));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, "topic", 5));
    //  Removing what was never there is not an error.
    CHECK_OK (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, "never", 5));
    done (sub);
    for (size_t i = 0; i < COUNT (types); i++) {
        void *socket = fresh (types[i]);
        CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "topic", 5), EINVAL);
        CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, "topic", 5), EINVAL);
        done (socket);
    }
}

TEST (options_without_a_getter_are_einval_to_read)
{
    static const int options[] = {ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE, ZMQ_REQ_RELAXED, ZMQ_REQ_CORRELATE,
                                  ZMQ_ROUTER_RAW, ZMQ_PROBE_ROUTER, ZMQ_XPUB_VERBOSE, ZMQ_CONNECT_ROUTING_ID};
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = fresh (type);
        for (size_t i = 0; i < COUNT (options); i++) {
            char value[256];
            size_t size = sizeof value;
            CHECK_ERRNO (zmq_getsockopt (socket, options[i], value, &size), EINVAL);
        }
        done (socket);
    }
}

TEST (read_only_options_are_einval_to_set)
{
    static const int options[] = {ZMQ_RCVMORE, ZMQ_FD, ZMQ_EVENTS, ZMQ_TYPE, ZMQ_LAST_ENDPOINT,
                                  ZMQ_MECHANISM, ZMQ_THREAD_SAFE};
    void *socket = fresh (ZMQ_DEALER);
    int value = 1;
    for (size_t i = 0; i < COUNT (options); i++)
        CHECK_ERRNO (zmq_setsockopt (socket, options[i], &value, sizeof value), EINVAL);
    done (socket);
}

TEST (unknown_options_are_einval_to_read_and_to_set)
{
    static const int options[] = {-1, 0, 1, 2, 3, 10, 20, 26, 29, 30, 67, 200, 1000, 9999, INT_MAX, INT_MIN};
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = fresh (type);
        for (size_t i = 0; i < COUNT (options); i++) {
            int value = 1;
            size_t size = sizeof value;
            CHECK_ERRNO (zmq_getsockopt (socket, options[i], &value, &size), EINVAL);
            CHECK_ERRNO (zmq_setsockopt (socket, options[i], &value, sizeof value), EINVAL);
        }
        done (socket);
    }
}
