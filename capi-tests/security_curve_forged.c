/*  Peers of CURVE that have keys, so that their boxes can be opened, but put into them
 *  what no valid peer sends; and the protocol error that the monitor reports.
 */
#include "security.h"

#include "curve_peer.h"

/*  What is forged.  */
typedef enum forgery {
    NO_FORGERY,
    /*  Of clients.  */
    HELLO_SAYS_SOMETHING,
    HELLO_NONCE,
    COOKIE_ALTERED,
    COOKIE_OF_ANOTHER_CONNECTION,
    INITIATE_COUNTER,
    INITIATE_NONCE,
    INITIATE_SHORT,
    INITIATE_METADATA,
    KEY_OF_SOMEBODY_ELSE,
    KEY_OF_ZEROS,
    VOUCH_ALTERED,
    VOUCH_FOR_ANOTHER_CONNECTION,
    VOUCH_TO_ANOTHER_SERVER,
    /*  Of servers.  */
    WELCOME_ALTERED,
    WELCOME_OF_ANOTHER_SERVER,
    WELCOME_LONG,
    WELCOME_SHORT,
    READY_ALTERED,
    READY_OF_ANOTHER_CONNECTION,
    READY_SHORT,
    READY_METADATA,
    READY_TYPE,
    READY_COUNTER,
    /*  Of both.  */
    MESSAGE_ALTERED,
    MESSAGE_OF_ANOTHER_CONNECTION,
    MESSAGE_COUNTER,
    MESSAGE_WITHOUT_FLAGS,
} forgery;

static const unsigned char ZEROS[64], UNIQUE[16] = "sixteen bytes...";

/*  The last property cut off, or an unknown socket type, where that is forged.  */
static void put_metadata (bytes *to, forgery forgery)
{
    static const char properties[] = "\x0bSocket-Type\0\0\0\x06" "DEALER\x08Identity\0\0\0\0";
    static const char odd[] = "\x0bSocket-Type\0\0\0\x06" "HEALER\x08Identity\0\0\0";
    bool half = forgery == INITIATE_METADATA || forgery == READY_METADATA;
    put (to, forgery == READY_TYPE ? odd : properties, sizeof properties - (half ? 3 : 1));
}

static void write_message (int fd, forgery forgery, const char *prefix, int counter,
                           const unsigned char *public, const keys *transient)
{
    bytes text = {.at = "\0hello", .size = 6}, message = {.size = 0};
    if (forgery == MESSAGE_WITHOUT_FLAGS)
        text.size = 0;
    keys other = new_keys ();
    if (forgery == MESSAGE_COUNTER)
        counter--;
    put_counter (&message, counter);
    put_box (&message, &text, counted_nonce (prefix, counter), public,
             forgery == MESSAGE_OF_ANOTHER_CONNECTION ? other.secret : transient->secret);
    if (forgery == MESSAGE_ALTERED)
        message.at[message.size - 1] ^= 1;
    write_frame (fd, 0, "MESSAGE", &message);
}

/*  A client's HELLO; its opened WELCOME: S' and the cookie.  */
static bytes welcome_of (int fd, forgery forgery, const unsigned char *server, const keys *transient)
{
    bytes hello = {.at = {1, 0}, .size = 2 + 72}, signature = {.size = sizeof ZEROS};
    signature.at[63] = forgery == HELLO_SAYS_SOMETHING;
    greet_curve (fd, 0);
    put (&hello, transient->public, KEY);
    put_counter (&hello, 1);
    put_box (&hello, &signature, counted_nonce ("CurveZMQHELLO---", forgery == HELLO_NONCE ? 2 : 1),
             server, transient->secret);
    write_frame (fd, 4, "HELLO", &hello);
    if (forgery == HELLO_SAYS_SOMETHING || forgery == HELLO_NONCE)
        return (bytes){.size = 0};
    bytes welcome = read_frame (fd, "WELCOME");
    CHECK_INT (welcome.size, 16 + MAC + KEY + COOKIE);
    return open_box (welcome.at + 16, welcome.size - 16, nonce_of ("WELCOME-", welcome.at), server,
                     transient->secret);
}

/*  A client that forges, at PORT.  */
static int forge_to_server (int port, const unsigned char *server, forgery forgery)
{
    int fd = plain_connect (port);
    keys own = new_keys (), transient = new_keys (), other = new_keys ();
    bytes welcome = welcome_of (fd, forgery, server, &transient);
    if (welcome.size == 0)
        return fd;
    const unsigned char *server_transient = welcome.at;
    if (forgery == COOKIE_ALTERED)
        welcome.at[KEY + COOKIE - 1] ^= 1;
    if (forgery == COOKIE_OF_ANOTHER_CONNECTION) {
        /*  Which stays: its end would be an event.  */
        bytes another = welcome_of (plain_connect (port), NO_FORGERY, server, &transient);
        memcpy (welcome.at + KEY, another.at + KEY, COOKIE);
    }
    bytes vouched = {.size = 0}, content = {.size = 0}, initiate = {.size = 0};
    put (&vouched, forgery == VOUCH_FOR_ANOTHER_CONNECTION ? other.public : transient.public, KEY);
    put (&vouched, forgery == VOUCH_TO_ANOTHER_SERVER ? other.public : server, KEY);
    const unsigned char *claimed = forgery == KEY_OF_SOMEBODY_ELSE ? other.public : own.public;
    put (&content, forgery == KEY_OF_ZEROS ? ZEROS : claimed, KEY);
    put (&content, UNIQUE, sizeof UNIQUE);
    put_box (&content, &vouched, nonce_of ("VOUCH---", UNIQUE), server_transient, own.secret);
    if (forgery == VOUCH_ALTERED)
        content.at[KEY + VOUCH - 1] ^= 1;
    if (forgery == INITIATE_SHORT)
        content.size--;
    else
        put_metadata (&content, forgery);
    int counter = forgery == INITIATE_COUNTER ? 1 : 2;
    put (&initiate, welcome.at + KEY, COOKIE);
    put_counter (&initiate, counter);
    bytes nonce = counted_nonce ("CurveZMQINITIATE", forgery == INITIATE_NONCE ? 3 : counter);
    put_box (&initiate, &content, nonce, server_transient, transient.secret);
    write_frame (fd, 4, "INITIATE", &initiate);
    if (forgery == NO_FORGERY || forgery >= MESSAGE_ALTERED) {
        (void) read_frame (fd, "READY");
        write_message (fd, forgery, "CurveZMQMESSAGEC", 3, server_transient, &transient);
    }
    return fd;
}

/*  A server with these keys that forges for the next client.  */
static int forge_to_client (int listener, const keys *server, forgery forgery)
{
    int fd = plain_accept (listener);
    keys transient = new_keys (), other = new_keys ();
    greet_curve (fd, 1);
    bytes hello = read_frame (fd, "HELLO"), content = {.size = 0}, welcome = {.size = 0};
    const unsigned char *client = hello.at + 2 + 72, *counter = client + KEY;
    (void) open_box (counter + 8, MAC + 64, nonce_of ("CurveZMQHELLO---", counter), client,
                     server->secret);
    put (&content, transient.public, KEY);
    /*  The cookie is the server's own affair.  */
    put (&content, UNIQUE, sizeof UNIQUE);
    put (&content, ZEROS, COOKIE - sizeof UNIQUE - MAC);
    put (&content, UNIQUE, forgery == WELCOME_SHORT ? MAC - 1 : MAC);
    if (forgery == WELCOME_LONG)
        put (&content, "+", 1);
    put (&welcome, UNIQUE, sizeof UNIQUE);
    put_box (&welcome, &content, nonce_of ("WELCOME-", UNIQUE), client,
             forgery == WELCOME_OF_ANOTHER_SERVER ? other.secret : server->secret);
    if (forgery == WELCOME_ALTERED)
        welcome.at[welcome.size - 1] ^= 1;
    write_frame (fd, 4, "WELCOME", &welcome);
    if (forgery >= WELCOME_ALTERED && forgery < READY_ALTERED)
        return fd;
    bytes initiate = read_frame (fd, "INITIATE"), properties = {.size = 0}, ready = {.size = 0};
    counter = initiate.at + COOKIE;
    (void) open_box (counter + 8, initiate.size - COOKIE - 8,
                     nonce_of ("CurveZMQINITIATE", counter), client, transient.secret);
    put_metadata (&properties, forgery);
    int count = forgery == READY_COUNTER ? 2 : 1;
    put_counter (&ready, count);
    put_box (&ready, &properties, counted_nonce ("CurveZMQREADY---", count), client,
             forgery == READY_OF_ANOTHER_CONNECTION ? other.secret : transient.secret);
    if (forgery == READY_ALTERED)
        ready.at[ready.size - 1] ^= 1;
    if (forgery == READY_SHORT)
        ready.size = 8 + MAC - 1;
    write_frame (fd, 4, "READY", &ready);
    if (forgery == NO_FORGERY || forgery >= READY_COUNTER)
        write_message (fd, forgery, "CurveZMQMESSAGES", 2, client, &transient);
    return fd;
}

/*  The monitor reports the forgery; without one a message arrives.  */
static void expect_found (void *socket, void *monitor, forgery forgery, uint32_t code)
{
    /*  Or after the handshake.  */
    if (forgery == NO_FORGERY || forgery >= READY_COUNTER)
        EXPECT_SUCCESS (monitor);
    if (forgery == NO_FORGERY)
        EXPECT_TEXT (socket, "hello");
    else
        EXPECT_BREACH (monitor, code);
}

static void expect_server_finds (forgery forgery, uint32_t code)
{
    load_sodium ();
    void *context = zmq_ctx_new (), *server = open_socket (context, ZMQ_DEALER);
    keys keys = new_keys ();
    set_int (server, ZMQ_CURVE_SERVER, 1);
    CHECK_OK (zmq_setsockopt (server, ZMQ_CURVE_SECRETKEY, keys.secret, KEY));
    void *monitor = monitor_of (context, server);
    int fd = forge_to_server (port_of (bind_to (server, "tcp://127.0.0.1:*")), keys.public, forgery);
    expect_found (server, monitor, forgery, code);
    CHECK_OK (close (fd));
    FINISH (context, server, monitor);
}

static void expect_client_finds (forgery forgery, uint32_t code)
{
    load_sodium ();
    void *context = zmq_ctx_new (), *client = open_socket (context, ZMQ_DEALER);
    keys own = new_keys (), server = new_keys ();
    CHECK_OK (zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, server.public, KEY));
    CHECK_OK (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, own.public, KEY));
    CHECK_OK (zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, own.secret, KEY));
    set_int (client, ZMQ_RECONNECT_IVL, 60000);
    void *monitor = monitor_of (context, client);
    int port, listener = plain_listen (&port);
    const char *endpoint = tcp_endpoint ("127.0.0.1", port);
    CHECK_OK (zmq_connect (client, endpoint));
    int fd = forge_to_client (listener, &server, forgery);
    expect_found (client, monitor, forgery, code);
    CHECK_OK (close (fd));
    CHECK_OK (close (listener));
    FINISH (context, client, monitor);
}

TEST (peers_that_do_not_lie_are_let_in)
{
    expect_server_finds (NO_FORGERY, 0);
    expect_client_finds (NO_FORGERY, 0);
}

/*  The one case that libzmq gives this name.  */
TEST (a_vouch_for_another_connection_is_a_failed_key_exchange)
{
    expect_server_finds (VOUCH_FOR_ANOTHER_CONNECTION, ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE);
}

TEST (what_a_client_sends_cannot_be_decrypted)
{
    static const forgery lies[] = {HELLO_NONCE, COOKIE_ALTERED, COOKIE_OF_ANOTHER_CONNECTION,
                               INITIATE_NONCE, KEY_OF_SOMEBODY_ELSE, KEY_OF_ZEROS, VOUCH_ALTERED,
                               MESSAGE_ALTERED, MESSAGE_OF_ANOTHER_CONNECTION};
    for (size_t n = 0; n < sizeof lies / sizeof *lies; n++)
        expect_server_finds (lies[n], ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
}

TEST (what_a_server_sends_cannot_be_decrypted)
{
    static const forgery lies[] = {WELCOME_ALTERED, WELCOME_OF_ANOTHER_SERVER, WELCOME_LONG,
                               WELCOME_SHORT, READY_ALTERED, READY_OF_ANOTHER_CONNECTION,
                               MESSAGE_ALTERED, MESSAGE_OF_ANOTHER_CONNECTION};
    for (size_t n = 0; n < sizeof lies / sizeof *lies; n++)
        expect_client_finds (lies[n], ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
}

TEST (boxes_that_open_but_hold_too_little_are_malformed)
{
    expect_server_finds (INITIATE_SHORT, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE);
    expect_client_finds (READY_SHORT, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY);
    expect_server_finds (MESSAGE_WITHOUT_FLAGS, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
    expect_client_finds (MESSAGE_WITHOUT_FLAGS, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
}

TEST (half_a_property_of_a_server_is_invalid_metadata)
{
    expect_client_finds (READY_METADATA, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
}

TEST (a_socket_type_of_a_server_that_does_not_fit_is_invalid_metadata)
{
    expect_client_finds (READY_TYPE, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
}

TEST (counters_go_up_from_the_handshake_on)
{
    expect_server_finds (MESSAGE_COUNTER, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
    expect_client_finds (MESSAGE_COUNTER, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
    expect_client_finds (READY_COUNTER, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}

/*  DIFFERENCES has what follows.  */

TEST (half_a_property_of_a_client_is_invalid_metadata)
{
    expect_server_finds (INITIATE_METADATA, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
}

TEST (a_vouch_to_another_server_is_a_failed_key_exchange)
{
    expect_server_finds (VOUCH_TO_ANOTHER_SERVER, ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE);
}

TEST (a_hello_that_does_not_sign_zeros_is_malformed)
{
    expect_server_finds (HELLO_SAYS_SOMETHING, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
}

TEST (an_initiate_counts_on_from_its_hello)
{
    expect_server_finds (INITIATE_COUNTER, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}
