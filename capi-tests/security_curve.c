/*  CURVE (RFC 26, zmq_curve(7)).  */
#include "mechanisms.h"

static void use_curve (pair *pair, keypair *server, keypair *client)
{
    *server = make_keys ();
    *client = make_keys ();
    be_curve_server (pair->server, server);
    be_curve_client (pair->client, client, server->public);
}

TEST (keypairs_are_different_and_belong_together)
{
    CHECK_INT (zmq_has ("curve"), 1);
    keypair one, other = make_keys ();
    CHECK_OK (zmq_curve_keypair (one.public, one.secret));
    CHECK (strcmp (one.secret, other.secret) != 0);
    CHECK (strcmp (one.public, other.public) != 0);
    char public[41];
    CHECK_OK (zmq_curve_public (public, one.secret));
    CHECK_STRING (public, one.public);
}

/*  The pair of the manual page zmq_curve(7).  */
TEST (the_public_key_of_a_known_secret_one)
{
    char public[41];
    CHECK_OK (zmq_curve_public (public, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"));
    CHECK_STRING (public, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
    CHECK_OK (zmq_curve_public (public, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"));
    CHECK_STRING (public, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
}

TEST (what_is_no_key_has_no_public_key)
{
    char public[41];
    CHECK_ERRNO (zmq_curve_public (public, ""), EINVAL);
    CHECK_ERRNO (zmq_curve_public (public, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh "), EINVAL);
}

WIRE_TEST (messages_of_all_sizes_pass)
{
    static const size_t sizes[] = {0, 1, 7, 8, 40, 221, 222, 223, 1000, 65536, 1000000};
    pair pair = open_pair ();
    keypair server, client;
    use_curve (&pair, &server, &client);
    meet (&pair, transport);
    EXPECT_SUCCESS (pair.server_monitor);
    EXPECT_SUCCESS (pair.client_monitor);
    expect_exchange (&pair);
    char *sent = malloc (1000000), *got = malloc (1000000);
    for (int i = 0; i < 1000000; i++)
        sent[i] = (char) (i * 7 + i / 256);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *from = i & 1 ? pair.server : pair.client, *to = i & 1 ? pair.client : pair.server;
        CHECK_INT (zmq_send (from, sent, sizes[i], 0), sizes[i]);
        CHECK_INT (zmq_recv (to, got, 1000000, 0), sizes[i]);
        CHECK (memcmp (sent, got, sizes[i]) == 0);
    }
    free (sent);
    free (got);
    close_pair (&pair);
}

TEST (keys_can_be_binary)
{
    unsigned char server_public[32], server_secret[32], public[32], secret[32];
    keypair server = make_keys (), client = make_keys ();
    zmq_z85_decode (server_public, server.public);
    zmq_z85_decode (server_secret, server.secret);
    zmq_z85_decode (public, client.public);
    zmq_z85_decode (secret, client.secret);
    pair pair = open_pair ();
    set_int (pair.server, ZMQ_CURVE_SERVER, 1);
    CHECK_OK (zmq_setsockopt (pair.server, ZMQ_CURVE_SECRETKEY, server_secret, 32));
    CHECK_OK (zmq_setsockopt (pair.client, ZMQ_CURVE_SERVERKEY, server_public, 32));
    CHECK_OK (zmq_setsockopt (pair.client, ZMQ_CURVE_PUBLICKEY, public, 32));
    CHECK_OK (zmq_setsockopt (pair.client, ZMQ_CURVE_SECRETKEY, secret, 32));
    meet (&pair, "tcp");
    expect_exchange (&pair);
    char text[41];
    size_t size = 41;
    CHECK_OK (zmq_getsockopt (pair.client, ZMQ_CURVE_SERVERKEY, text, &size));
    CHECK_STRING (text, server.public);
    close_pair (&pair);
}

TEST (subscriptions_and_heartbeats_pass)
{
    pair pair = open_pair_of (ZMQ_XPUB, ZMQ_SUB);
    keypair server, client;
    use_curve (&pair, &server, &client);
    set_int (pair.client, ZMQ_HEARTBEAT_IVL, 20);
    set_int (pair.server, ZMQ_HEARTBEAT_IVL, 20);
    set_text (pair.client, ZMQ_SUBSCRIBE, "A");
    meet (&pair, "tcp");
    EXPECT_PART (pair.server, "\1A", 0);
    sleep_ms (200);
    send_text (pair.server, "B", 0);
    send_text (pair.server, "A1", ZMQ_SNDMORE);
    send_text (pair.server, "A2", 0);
    EXPECT_PART (pair.client, "A1", 1);
    EXPECT_PART (pair.client, "A2", 0);
    CHECK_OK (zmq_setsockopt (pair.client, ZMQ_UNSUBSCRIBE, "A", 1));
    char got[2];
    CHECK_INT (zmq_recv (pair.server, got, 2, 0), 2);
    CHECK_INT (got[0], 0);
    close_pair (&pair);
}

TEST (a_server_may_be_the_one_that_connects)
{
    pair pair = open_pair ();
    keypair server, client;
    use_curve (&pair, &server, &client);
    CHECK_OK (zmq_connect (pair.server, bind_to (pair.client, "tcp://127.0.0.1:*")));
    EXPECT_SUCCESS (pair.server_monitor);
    EXPECT_SUCCESS (pair.client_monitor);
    expect_exchange (&pair);
    close_pair (&pair);
}

WIRE_TEST (the_handler_gets_the_clients_key)
{
    pair pair = open_pair ();
    zap_handler handler;
    zap_start (&handler, pair.context, ZAP_YES);
    keypair server, client;
    use_curve (&pair, &server, &client);
    expect_joe_let_in (&pair, &handler, transport, "CURVE");
    CHECK_INT (handler.parts, 7);
    char key[41];
    CHECK_INT (handler.size[6], 32);
    CHECK (zmq_z85_encode (key, (unsigned char *) handler.part[6], 32) != NULL);
    CHECK_STRING (key, client.public);
    zap_stop (&handler);
    close_pair (&pair);
}

/*  Without a domain, or a handler, keys alone decide: unless it is enforced.  */
TEST (when_the_handler_is_asked)
{
    static const struct {
        int domain, enforce, handler, asked, let_in;
    } cases[] = {{0, 0, 0, 0, 1}, {1, 0, 0, 0, 1}, {0, 1, 0, 0, 1}, {1, 1, 0, 0, 0},
                 {0, 0, 1, 1, 1}, {1, 0, 1, 1, 1}, {0, 1, 1, 0, 1}, {1, 1, 1, 1, 1}};
    for (int i = 0; i < 8; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        if (cases[i].handler)
            zap_start (&handler, pair.context, ZAP_YES);
        keypair server, client;
        use_curve (&pair, &server, &client);
        if (cases[i].domain)
            set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
        set_int (pair.server, ZMQ_ZAP_ENFORCE_DOMAIN, cases[i].enforce);
        meet (&pair, "tcp");
        if (cases[i].let_in) {
            EXPECT_SUCCESS (pair.server_monitor);
            expect_exchange (&pair);
        } else
            EXPECT_NO_DETAIL (pair.server_monitor, EFAULT);
        if (cases[i].handler) {
            CHECK_INT (handler.requests, cases[i].asked);
            zap_stop (&handler);
        }
        close_pair (&pair);
    }
}

TEST (keys_that_do_not_fit_are_refused)
{
    for (int i = 0; i < 4; i++) {
        pair pair = open_pair ();
        keypair server, client, other = make_keys ();
        use_curve (&pair, &server, &client);
        static const unsigned char zero[32];
        switch (i) {
            case 0: /*  The key of another server.  */
                set_text (pair.client, ZMQ_CURVE_SERVERKEY, other.public);
                break;
            case 1: /*  Somebody else's public key.  */
                set_text (pair.client, ZMQ_CURVE_PUBLICKEY, other.public);
                break;
            case 2: /*  A key with which everybody shares the same secret.  */
                CHECK_OK (zmq_setsockopt (pair.client, ZMQ_CURVE_PUBLICKEY, zero, 32));
                break;
            default: /*  The server's secret is not the one that was announced.  */
                set_text (pair.server, ZMQ_CURVE_SECRETKEY, other.secret);
        }
        meet (&pair, "tcp");
        EXPECT_BREACH (pair.server_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
        EXPECT_NO_DETAIL (pair.client_monitor, EPIPE);
        expect_silence (&pair);
        close_pair (&pair);
    }
}

TEST (a_server_key_of_zeros_is_refused_by_the_client)
{
    static const unsigned char zero[32];
    pair pair = open_pair ();
    keypair server, client;
    use_curve (&pair, &server, &client);
    CHECK_OK (zmq_setsockopt (pair.client, ZMQ_CURVE_SERVERKEY, zero, 32));
    meet (&pair, "tcp");
    EXPECT_BREACH (pair.client_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    expect_silence (&pair);
    close_pair (&pair);
}

TEST (another_mechanism_on_either_side_is_a_mismatch)
{
    for (int i = 0; i < 4; i++) {
        pair pair = open_pair ();
        keypair server = make_keys (), client = make_keys ();
        if (i < 2)
            be_curve_server (pair.server, &server);
        else
            be_curve_client (pair.client, &client, server.public);
        if (i == 1)
            set_text (pair.client, ZMQ_PLAIN_USERNAME, "admin");
        if (i == 3)
            set_int (pair.server, ZMQ_PLAIN_SERVER, 1);
        meet (&pair, "tcp");
        EXPECT_BREACH (pair.server_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        EXPECT_BREACH (pair.client_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        expect_silence (&pair);
        close_pair (&pair);
    }
}

/*  CVE-2014-7202, CVE-2014-9721.  */
TEST (old_peers_get_no_message_of_a_client)
{
    for (int i = 0; i < 3; i++) {
        pair pair = open_pair ();
        keypair server, client;
        use_curve (&pair, &server, &client);
        int peer = plain_connect (port_of (bind_to (pair.client, "tcp://127.0.0.1:*")));
        plain_write (peer, OLD_GREETINGS[i].bytes, OLD_GREETINGS[i].size);
        char byte;
        set_int (pair.client, ZMQ_RCVTIMEO, SETTLE_MS);
        CHECK_ERRNO (zmq_recv (pair.client, &byte, 1, 0), EAGAIN);
        close (peer);
        close_pair (&pair);
    }
}

TEST (malformed_commands_have_their_names)
{
    static char hello[202] = "\4\xC8\5HELLO\1";
    expect_raw_breach (curve, hello, 202, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    hello[8] = 2;
    expect_raw_breach (curve, hello, 202, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    RAW_BREACH (curve, "\4\6\5HELLO", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    RAW_BREACH (curve, "\4\6\5READY", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    RAW_BREACH (curve, "\4\x09\x08INITIATE", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
}

/*  CVE-2020-15166: peers that connect and send nothing, or half of a greeting.  */
TEST (silent_peers_delay_no_other_peer)
{
    static const char greeting[64] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0CURVE";
    pair pair = open_pair ();
    keypair server, client;
    use_curve (&pair, &server, &client);
    const char *endpoint = bind_to (pair.server, "tcp://127.0.0.1:*");
    int peers[100];
    for (int i = 0; i < 100; i++) {
        peers[i] = plain_connect (port_of (endpoint));
        plain_write (peers[i], greeting, i % 65);
    }
    CHECK_OK (zmq_connect (pair.client, endpoint));
    expect_exchange (&pair);
    for (int i = 0; i < 100; i++)
        close (peers[i]);
    expect_exchange (&pair);
    close_pair (&pair);
}
