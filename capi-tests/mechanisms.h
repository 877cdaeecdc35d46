/*  One fixture for the security mechanisms, as peers.h has one for the transports:
 *  what a handler's answer does is the same for NULL, PLAIN and CURVE.
 */
#ifndef MECHANISMS_H
#define MECHANISMS_H

#include "security.h"

typedef enum mechanism { null, plain, curve } mechanism;

static const char *const MECHANISM_NAMES[] = {"NULL", "PLAIN", "CURVE"};

/*  One body, three tests: NAME_null, NAME_plain and NAME_curve.  */
#define MECHANISM_TEST(NAME)                                                  \
    static void under_##NAME (mechanism mechanism);                           \
    TEST (NAME##_null) { under_##NAME (null); }                               \
    TEST (NAME##_plain) { under_##NAME (plain); }                             \
    TEST (NAME##_curve) { under_##NAME (curve); }                             \
    static void under_##NAME (mechanism mechanism)

typedef struct keypair {
    char public[41], secret[41];
} keypair;

static inline keypair make_keys (void)
{
    keypair keys;
    CHECK_OK (zmq_curve_keypair (keys.public, keys.secret));
    CHECK_INT (strlen (keys.public), 40);
    CHECK_INT (strlen (keys.secret), 40);
    return keys;
}

static inline void be_curve_server (void *socket, const keypair *own)
{
    set_int (socket, ZMQ_CURVE_SERVER, 1);
    set_text (socket, ZMQ_CURVE_SECRETKEY, own->secret);
}

static inline void be_curve_client (void *socket, const keypair *own, const char *server)
{
    set_text (socket, ZMQ_CURVE_SERVERKEY, server);
    set_text (socket, ZMQ_CURVE_PUBLICKEY, own->public);
    set_text (socket, ZMQ_CURVE_SECRETKEY, own->secret);
}

/*  Both sides use the mechanism, with what fits together.  */
static inline void secure (void *server, void *client, mechanism mechanism)
{
    if (mechanism == plain) {
        set_int (server, ZMQ_PLAIN_SERVER, 1);
        set_text (client, ZMQ_PLAIN_USERNAME, "admin");
        set_text (client, ZMQ_PLAIN_PASSWORD, "secret");
    } else if (mechanism == curve) {
        keypair server_keys = make_keys (), client_keys = make_keys ();
        be_curve_server (server, &server_keys);
        be_curve_client (client, &client_keys, server_keys.public);
    }
}

/*  A pair that uses the mechanism, and a handler with one answer, which the server
 *  asks; to be connected.  */
typedef struct guarded_pair {
    pair pair;
    zap_handler handler;
} guarded_pair;

static inline void open_guarded (guarded_pair *guarded, mechanism mechanism, zap_answer answer)
{
    guarded->pair = open_pair ();
    zap_start (&guarded->handler, guarded->pair.context, answer);
    secure (guarded->pair.server, guarded->pair.client, mechanism);
    if (mechanism == null)
        set_text (guarded->pair.server, ZMQ_ZAP_DOMAIN, "global");
}

static inline void close_guarded (guarded_pair *guarded)
{
    zap_stop (&guarded->handler);
    close_pair (&guarded->pair);
}

/*  What a plain peer sends after the greeting, and the protocol error that the server reports.  */
static inline void expect_raw_breach (mechanism mechanism, const char *commands, size_t size,
                                      uint32_t code)
{
    char greeting[64] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03";
    guarded_pair guarded;
    strcpy (greeting + 12, MECHANISM_NAMES[mechanism]);
    open_guarded (&guarded, mechanism, ZAP_YES);
    int peer = plain_connect (port_of (bind_to (guarded.pair.server, "tcp://127.0.0.1:*")));
    plain_write (peer, greeting, sizeof greeting);
    plain_write (peer, commands, size);
    EXPECT_BREACH (guarded.pair.server_monitor, code);
    close (peer);
    close_guarded (&guarded);
}

#define RAW_BREACH(MECHANISM, COMMANDS, CODE)                                 \
    expect_raw_breach (MECHANISM, COMMANDS, sizeof (COMMANDS) - 1, CODE)

#endif
