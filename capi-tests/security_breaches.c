/*  Malformed commands of the security mechanisms, and the protocol error that a
 *  monitor reports for each.  Plain sockets send them to PLAIN; a relay between two
 *  valid peers of CURVE alters what they send.
 */
#include "mechanisms.h"

/*  A plain socket as a server of PLAIN: it answers FIRST to HELLO and, if there is a
 *  SECOND, that to INITIATE.  */
static void expect_client (const char *first, size_t first_size, const char *second,
                           size_t second_size, int event, uint32_t value)
{
    static const char greeting[64] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0PLAIN";
    unsigned char said[256];
    pair pair = open_pair ();
    int port, listener = plain_listen (&port);
    char endpoint[60];
    set_text (pair.client, ZMQ_PLAIN_USERNAME, "admin");
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    CHECK_OK (zmq_connect (pair.client, endpoint));
    int fd = plain_accept (listener);
    plain_write (fd, greeting, 32);
    plain_write (fd, "\1", 1); /*  We are the server.  */
    plain_write (fd, greeting + 33, 31);
    plain_read (fd, said, 64);
    for (int command = 0; command < (second ? 2 : 1); command++) {
        plain_read (fd, said, 2);
        plain_read (fd, said + 2, said[1]);
        plain_write (fd, command ? second : first, command ? second_size : first_size);
    }
    EXPECT_HANDSHAKE (pair.client_monitor, event, value);
    CHECK_OK (close (fd));
    CHECK_OK (close (listener));
    close_pair (&pair);
}

static void expect_client_finds (const char *first, size_t first_size, const char *second,
                                 size_t second_size, uint32_t code)
{
    expect_client (first, first_size, second, second_size, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                   code);
}

static void expect_client_is_told (const char *first, size_t first_size, int event,
                                   uint32_t value)
{
    expect_client (first, first_size, NULL, 0, event, value);
}

TEST (a_plain_welcome_with_a_body_is_malformed)
{
    expect_client_finds ("\4\x09\7WELCOME!", 11, NULL, 0,
                         ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME);
    expect_client_finds ("\4\x0a\7WELCOME\0", 12, NULL, 0,
                         ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME);
}

TEST (a_plain_ready_with_half_a_property_has_invalid_metadata)
{
    expect_client_finds ("\4\x08\7WELCOME", 10, "\4\x08\5READY\x0bS", 10,
                         ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
}

TEST (a_plain_ready_of_a_socket_type_that_does_not_fit_has_invalid_metadata)
{
    expect_client_finds ("\4\x08\7WELCOME", 10, "\4\x19\5READY\x0bSocket-Type\0\0\0\3PUB", 27,
                         ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
}

/*  libzmq's PLAIN servers misspell the command, and its clients know no other.  */
TEST (a_misspelt_plain_error_is_understood)
{
    expect_client_is_told ("\4\x09^RROR\3""400", 11, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    expect_client_is_told ("\4\x09^RROR\3""500", 11, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 500);
    expect_client_is_told ("\4\x09^RROR\5""400", 11, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                           ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
    expect_client_is_told ("\4\x05^RROR", 7, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                           ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
}

/*  In DIFFERENCES.  */
TEST (a_plain_error_is_understood)
{
    expect_client_is_told ("\4\x0a\5ERROR\3""400", 12, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    expect_client_is_told ("\4\x0a\5ERROR\5""400", 12, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                           ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
}

/*  A handler that leaves out the delimiter of a reply, which a REP cannot.  */
TEST (a_zap_reply_without_its_delimiter_has_no_name_of_its_own)
{
    pair pair = open_pair ();
    void *handler = open_socket (pair.context, ZMQ_ROUTER);
    CHECK_OK (zmq_bind (handler, ZAP_ENDPOINT));
    set_text (pair.server, ZMQ_ZAP_DOMAIN, "domain");
    meet (&pair, "tcp");
    char routing_id[256], request_id[256], rest[256];
    int size = zmq_recv (handler, routing_id, sizeof routing_id, 0);
    CHECK (size > 0);
    EXPECT_PART (handler, "", 1);
    EXPECT_PART (handler, "1.0", 1);
    int request_size = zmq_recv (handler, request_id, sizeof request_id - 1, 0);
    CHECK (request_size >= 0);
    request_id[request_size] = 0;
    while (get_int (handler, ZMQ_RCVMORE))
        CHECK (zmq_recv (handler, rest, sizeof rest, 0) >= 0);
    CHECK_INT (zmq_send (handler, routing_id, size, ZMQ_SNDMORE), size);
    SEND_PARTS (handler, "not empty", "1.0", request_id, "200", "text", "joe", "");
    EXPECT_BREACH (pair.server_monitor, ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED);
    CHECK_OK (zmq_close (handler));
    close_pair (&pair);
}

/*  What a relay does with one frame: side 0 is the client's, side 1 the
 *  server's; 0 and 1 are the commands of the handshake, 2 the first message.  */
typedef struct forgery {
    int side, frame;
    int copies; /*  More than the one.  */
    int size;   /*  Of the body, if not its own.  */
    int flip;   /*  The byte of the frame to alter, if any.  */
} forgery;

typedef struct relay {
    int listener, port;
    forgery forgery;
} relay;

static int took (int fd, unsigned char *bytes, int size)
{
    for (int have = 0; have < size;) {
        int got = read (fd, bytes + have, size - have);
        if (got <= 0)
            return 0;
        have += got;
    }
    return 1;
}

/*  Reads a frame; its size, 0 at the end.  *BODY: where its body begins.  */
static int take_frame (int fd, unsigned char *frame, int *body)
{
    if (!took (fd, frame, 2))
        return 0;
    int size = frame[1];
    *body = 2;
    if (frame[0] & 2) {
        if (!took (fd, frame + 2, 7))
            return 0;
        size = frame[7] << 8 | frame[8];
        *body = 9;
    }
    CHECK (size < 900);
    return took (fd, frame + *body, size) ? *body + size : 0;
}

/*  Passes on all that comes, forged, until either side ends.  */
static void *relay_loop (void *argument)
{
    relay *relay = argument;
    const forgery *forgery = &relay->forgery;
    int fds[2] = {plain_accept (relay->listener), plain_connect (relay->port)};
    int greeted[2] = {0, 0}, frames[2] = {0, 0}, going = 1;
    struct pollfd ready[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
    while (going && poll (ready, 2, PATIENCE_MS) > 0)
        for (int side = 0; side < 2 && going; side++) {
            unsigned char bytes[1000];
            int size, body, copies = 1;
            if (!ready[side].revents)
                continue;
            if (greeted[side] < 64) {
                /*  Piece by piece: each side waits for the other's.  */
                size = read (fds[side], bytes, 64 - greeted[side]);
                greeted[side] += size;
            } else {
                size = take_frame (fds[side], bytes, &body);
                if (size > 0 && side == forgery->side && frames[side]++ == forgery->frame) {
                    if (forgery->size) {
                        bytes[body - 1] = forgery->size;
                        if (body > 2)
                            bytes[body - 2] = 0;
                        size = body + forgery->size;
                    }
                    if (forgery->flip)
                        bytes[forgery->flip] ^= 1;
                    copies += forgery->copies;
                }
            }
            going = size > 0;
            while (going && copies-- > 0)
                (void) send (fds[!side], bytes, size, MSG_NOSIGNAL);
        }
    CHECK_OK (close (fds[0]));
    CHECK_OK (close (fds[1]));
    return NULL;
}

/*  Forges a frame between a client and a server of CURVE; the side that gets it
 *  reports it.  */
static void expect_forgery_found (forgery forgery, uint32_t code)
{
    pair pair = open_pair ();
    char endpoint[60];
    secure (pair.server, pair.client, curve);
    set_int (pair.client, ZMQ_LINGER, 0);
    set_int (pair.server, ZMQ_LINGER, 0);
    relay relay = {.forgery = forgery};
    int port;
    relay.listener = plain_listen (&port);
    relay.port = port_of (bind_to (pair.server, "tcp://127.0.0.1:*"));
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    pthread_t thread = start_thread (relay_loop, &relay);
    CHECK_OK (zmq_connect (pair.client, endpoint));
    send_text (pair.client, "hello", 0);
    void *monitor = forgery.side == 0 ? pair.server_monitor : pair.client_monitor;
    if (forgery.frame >= 2) {
        EXPECT_SUCCESS (monitor);
        if (forgery.side == 1)
            send_text (pair.server, "world", 0);
    }
    EXPECT_BREACH (monitor, code);
    close_pair (&pair);
    end_thread (thread);
    CHECK_OK (close (relay.listener));
}

TEST (a_curve_message_that_comes_again_is_out_of_sequence)
{
    for (int side = 0; side < 2; side++)
        expect_forgery_found ((forgery){.side = side, .frame = 2, .copies = 1},
                              ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}

TEST (a_curve_message_without_all_of_its_box_is_malformed)
{
    for (int side = 0; side < 2; side++) {
        expect_forgery_found ((forgery){.side = side, .frame = 2, .size = 32},
                              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
        expect_forgery_found ((forgery){.side = side, .frame = 2, .size = 10},
                              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
        expect_forgery_found ((forgery){.side = side, .frame = 2, .size = 5},
                              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    }
}

TEST (a_curve_message_that_was_altered_cannot_be_opened)
{
    for (int side = 0; side < 2; side++)
        expect_forgery_found ((forgery){.side = side, .frame = 2, .flip = 30},
                              ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
}

TEST (a_curve_ready_without_all_of_its_box_is_malformed)
{
    expect_forgery_found ((forgery){.side = 1, .frame = 1, .size = 6},
                          ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY);
    expect_forgery_found ((forgery){.side = 1, .frame = 1, .size = 29},
                          ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY);
    expect_forgery_found ((forgery){.side = 1, .frame = 1, .flip = 30},
                          ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
}

TEST (a_curve_initiate_without_all_of_its_box_is_malformed)
{
    expect_forgery_found ((forgery){.side = 0, .frame = 1, .size = 200},
                          ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE);
}
