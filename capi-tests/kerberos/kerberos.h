/*  What the tests of GSSAPI share. They run beside a Kerberos KDC (with-kdc),
 *  whose environment names the principals and tickets that there are.
 */
#ifndef KERBEROS_H
#define KERBEROS_H

#include "security.h"

#define SERVICE "zmq@localhost"
#define ALICE "alice@ZMQ.TEST"

/*  A peer that gives up sooner than by itself: libzmq notices a failed
 *  context by the handshake's time limit alone.  */
#define HANDSHAKE_MS 400

static inline const char *from_kdc (const char *name)
{
    const char *value = getenv (name);
    CHECK (value != NULL);
    return value;
}

/*  Tickets of these people, in this process.  */
static inline void use_tickets (const char *name)
{
    CHECK_OK (setenv ("KRB5CCNAME", from_kdc (name), 1));
}

/*  A krb5.conf of this test's own: its KDC, and the seconds by which clocks may
 *  differ.  */
static inline void configure (int kdc_port, int clock_skew)
{
    char path[200];
    snprintf (path, sizeof path, "%s/krb5-%d.conf", from_kdc ("KDC_HOME"), (int) getpid ());
    FILE *file = fopen (path, "w");
    CHECK (file != NULL);
    fprintf (file,
             "[libdefaults]\n default_realm = ZMQ.TEST\n dns_lookup_kdc = false\n"
             " dns_canonicalize_hostname = false\n rdns = false\n"
             " udp_preference_limit = 1\n clockskew = %d\n"
             "[realms]\n ZMQ.TEST = {\n  kdc = 127.0.0.1:%d\n }\n"
             "[domain_realm]\n localhost = ZMQ.TEST\n",
             clock_skew, kdc_port);
    CHECK_OK (fclose (file));
    CHECK_OK (setenv ("KRB5_CONFIG", path, 1));
}

static inline void be_server (void *socket, int plaintext)
{
    set_int (socket, ZMQ_GSSAPI_SERVER, 1);
    set_int (socket, ZMQ_GSSAPI_PLAINTEXT, plaintext);
}

static inline void be_client (void *socket, int plaintext)
{
    set_text (socket, ZMQ_GSSAPI_SERVICE_PRINCIPAL, SERVICE);
    set_int (socket, ZMQ_GSSAPI_PLAINTEXT, plaintext);
}

/*  A server and a client of it, of these types.  */
static inline pair kerberos_pair_of (int server_type, int client_type, int plaintext)
{
    pair pair = open_pair_of (server_type, client_type);
    be_server (pair.server, plaintext);
    be_client (pair.client, plaintext);
    return pair;
}

static inline pair kerberos_pair (int plaintext)
{
    return kerberos_pair_of (ZMQ_DEALER, ZMQ_DEALER, plaintext);
}

/*  The next handshake fails, without more being known.  */
#define EXPECT_FAILURE(MONITOR)                                               \
    do {                                                                      \
        uint32_t harness_value;                                               \
        CHECK_INT (next_event (MONITOR, HANDSHAKE_EVENTS, &harness_value),    \
                   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);                     \
        CHECK_INT (next_event (MONITOR, ZMQ_EVENT_DISCONNECTED, &harness_value), \
                   ZMQ_EVENT_DISCONNECTED);                                   \
    } while (0)

#endif
