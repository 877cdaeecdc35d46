/*  Passwords and secret keys are in no memory of the process any more once the
 *  context is gone, neither where they were nor where they passed through.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../security.h"

#ifndef ZMQ_SOCKS_USERNAME
#define ZMQ_SOCKS_USERNAME 99
#define ZMQ_SOCKS_PASSWORD 100
#endif

#define SIZE 24

/*  Byte I of secret NUMBER: nowhere in this program are they together.  */
static unsigned char secret_byte (int number, int i)
{
    return 'a' + (i * i * 7 + i * 11 + number * 5) % 26;
}

static void set_secret (void *socket, int option, int number)
{
    volatile unsigned char text[SIZE];
    for (int i = 0; i < SIZE; i++)
        text[i] = secret_byte (number, i);
    CHECK_OK (zmq_setsockopt (socket, option, (const void *) text, SIZE));
    for (int i = 0; i < SIZE; i++)
        text[i] = 0;
}

/*  How often bytes of this kind follow each other in memory that can be written.  */
static int found (unsigned char (*byte) (int, int), int number, int size)
{
    int count = 0;
    char line[512];
    FILE *maps = fopen ("/proc/self/maps", "r");
    CHECK (maps != NULL);
    while (fgets (line, sizeof line, maps)) {
        unsigned long begin, end;
        char rights[5];
        CHECK_INT (sscanf (line, "%lx-%lx %4s", &begin, &end, rights), 3);
        if (strncmp (rights, "rw", 2) != 0 || strstr (line, "[v"))
            continue;
        for (const unsigned char *at = (void *) begin; at + size <= (unsigned char *) end; at++) {
            int i = 0;
            while (i < size && at[i] == byte (number, i))
                i++;
            count += i == size;
        }
    }
    CHECK_OK (fclose (maps));
    return count;
}

TEST (a_secret_in_memory_is_found)
{
    unsigned char *text = malloc (SIZE);
    for (int i = 0; i < SIZE; i++)
        text[i] = secret_byte (1, i);
    CHECK (found (secret_byte, 1, SIZE) >= 1);
    free (text);
}

/*  Over two connections, of which the handler ends the first.  */
TEST (plain_passwords_are_gone)
{
    static const char *statuses[] = {"400", "200"};
    for (int i = 0; i < 2; i++) {
        pair pair = open_pair ();
        zap_handler handler;
        zap_start (&handler, pair.context, (zap_answer){.status = statuses[i]});
        set_int (pair.server, ZMQ_PLAIN_SERVER, 1);
        set_text (pair.client, ZMQ_PLAIN_USERNAME, "admin");
        set_secret (pair.client, ZMQ_PLAIN_PASSWORD, 3);
        set_secret (pair.client, ZMQ_PLAIN_PASSWORD, 2);
        meet (&pair, "tcp");
        if (i == 0)
            EXPECT_DENIED (pair.server_monitor, 400);
        else
            expect_exchange (&pair);
        zap_stop (&handler);
        CHECK_INT (handler.size[7], SIZE);
        CHECK_INT (handler.part[7][1], secret_byte (2, 1));
        explicit_bzero (&handler, sizeof handler);
        CHECK (found (secret_byte, 2, SIZE) > 0);
        close_pair (&pair);
    }
    CHECK_INT (found (secret_byte, 2, SIZE), 0);
    CHECK_INT (found (secret_byte, 3, SIZE), 0);
}

/*  A proxy that takes the login and hangs up.  */
TEST (passwords_of_proxies_are_gone)
{
    int port;
    int listener = plain_listen (&port);
    char proxy[40];
    snprintf (proxy, sizeof proxy, "127.0.0.1:%d", port);
    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_DEALER);
    set_text (socket, ZMQ_SOCKS_PROXY, proxy);
    set_text (socket, ZMQ_SOCKS_USERNAME, "admin");
    set_secret (socket, ZMQ_SOCKS_PASSWORD, 4);
    CHECK_OK (zmq_connect (socket, "tcp://127.0.0.1:9"));
    int peer = plain_accept (listener);
    unsigned char got[300];
    plain_read (peer, got, 3);
    plain_write (peer, "\5\2", 2);
    plain_read (peer, got, 2 + 5 + 1 + SIZE);
    CHECK_INT (got[8], secret_byte (4, 0));
    explicit_bzero (got, sizeof got);
    close (peer);
    CHECK (found (secret_byte, 4, SIZE) > 0);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
    close (listener);
    CHECK_INT (found (secret_byte, 4, SIZE), 0);
}

/*  The keys under test, in binary and as text, each byte changed.  */
static unsigned char hidden[4][40];
static unsigned char hidden_byte (int number, int i)
{
    return hidden[number][i] ^ 0x55;
}

static int keys_found (void)
{
    int count = 0;
    for (int i = 0; i < 4; i++)
        count += found (hidden_byte, i, i < 2 ? 32 : 40);
    return count;
}

/*  Makes key NUMBER and sets it, in binary or as text; the public one.  */
static void make_key (void *socket, int number, char *public)
{
    char text[41];
    unsigned char key[32];
    size_t size = sizeof text;
    CHECK_OK (zmq_curve_keypair (public, text));
    CHECK (zmq_z85_decode (key, text) != NULL);
    if (number)
        CHECK_OK (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, key, 32));
    else
        CHECK_OK (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, text, 41));
    CHECK (zmq_z85_encode (text, key, 32) != NULL);
    CHECK_OK (zmq_getsockopt (socket, ZMQ_CURVE_SECRETKEY, text, &size));
    set_text (socket, ZMQ_CURVE_PUBLICKEY, public);
    for (int i = 0; i < 40; i++) {
        hidden[number][i] = (i < 32 ? key[i] : 0) ^ 0x55;
        hidden[2 + number][i] = text[i] ^ 0x55;
    }
    explicit_bzero (key, sizeof key);
    explicit_bzero (text, sizeof text);
}

TEST (secret_keys_are_gone)
{
    pair pair = open_pair ();
    char server[41], client[41];
    make_key (pair.server, 0, server);
    make_key (pair.client, 1, client);
    set_int (pair.server, ZMQ_CURVE_SERVER, 1);
    set_text (pair.client, ZMQ_CURVE_SERVERKEY, server);
    meet (&pair, "tcp");
    expect_exchange (&pair);
    CHECK (keys_found () >= 2);
    close_pair (&pair);
    CHECK_INT (keys_found (), 0);
}
