/*  ZMQ_SOCKS_PROXY, _USERNAME and _PASSWORD, through a small SOCKS5 proxy
 *  (RFC 1928, RFC 1929) that relays, refuses and asks for a password.  */
#include "peers.h"
#include <stdatomic.h>

/*  Answered by the stable library, though zmq.h has them in its draft part.  */
#ifndef ZMQ_SOCKS_USERNAME
#define ZMQ_SOCKS_USERNAME 99
#define ZMQ_SOCKS_PASSWORD 100
#endif

enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };

typedef struct {
    /*  How it behaves: the password that it requires; the method that it picks and
     *  the version that it answers, if not the valid ones; whether its bytes come
     *  one by one; the form of its own address, if not IPv4.  */
    const char *user, *password;
    int method, version, slow, bound_type;
    /*  From now on it accepts everything.  */
    atomic_int relents;
    /*  How many requests are answered with this before one is granted.  */
    int refusals, answer;
    /*  What it saw last.  */
    int methods, asked_type, asked_port;
    char host[256], given_user[256], given_password[256], came_from[INET_ADDRSTRLEN];
    atomic_int requests, greetings, logins;
    int listener, port;
    atomic_int ends;
    pthread_t thread;
} proxy;

static void put (proxy *own, int fd, const char *bytes, size_t size)
{
    for (size_t at = 0; own->slow && at + 1 < size; at++) {
        (void) !write (fd, bytes + at, 1);
        sleep_ms (2);
    }
    size_t done = own->slow ? size - 1 : 0;
    (void) !send (fd, bytes + done, size - done, MSG_NOSIGNAL);
}

static bool take (int fd, void *bytes, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read (fd, (char *) bytes + have, size - have);
        if (got <= 0)
            return false;
        have += (size_t) got;
    }
    return true;
}

/*  A length, and that number of bytes.  */
static bool take_counted (int fd, char *text)
{
    unsigned char length;
    if (!take (fd, &length, 1) || !take (fd, text, length))
        return false;
    text[length] = 0;
    return true;
}

static bool negotiate (proxy *own, int fd)
{
    unsigned char head[4], methods[255];
    if (!take (fd, head, 2) || head[0] != 5 || !take (fd, methods, head[1]))
        return false;
    own->methods = 0;
    for (int n = 0; n < head[1]; n++)
        if (methods[n] < 8)
            own->methods |= 1 << methods[n];
    own->greetings++;
    bool strict = !own->relents;
    int method = strict && own->method ? own->method : own->user && strict ? 2 : own->methods >> 1;
    int version = strict && own->version ? own->version : 5;
    put (own, fd, (char[]){(char) version, (char) method}, 2);
    if (method == 2) {
        if (!take (fd, head, 1) || head[0] != 1 || !take_counted (fd, own->given_user)
            || !take_counted (fd, own->given_password))
            return false;
        bool welcome = own->relents
                       || (strcmp (own->given_user, own->user) == 0
                           && strcmp (own->given_password, own->password) == 0);
        own->logins++;
        put (own, fd, (char[]){1, welcome ? 0 : 1}, 2);
        if (!welcome)
            return false;
    }
    if (!take (fd, head, 4) || head[0] != 5 || head[1] != 1 || head[2] != 0)
        return false;
    own->asked_type = head[3];
    unsigned char address[16], port[2];
    if (head[3] == ADDRESS_NAME) {
        if (!take_counted (fd, own->host))
            return false;
    } else if (!take (fd, address, head[3] == ADDRESS_V4 ? 4 : 16)
               || !inet_ntop (head[3] == ADDRESS_V4 ? AF_INET : AF_INET6, address, own->host,
                              sizeof own->host))
        return false;
    if (!take (fd, port, 2))
        return false;
    own->asked_port = port[0] * 256 + port[1];
    int answer = own->requests++ < own->refusals ? own->answer : 0;
    int type = own->bound_type ? own->bound_type : ADDRESS_V4;
    char reply[32] = {5, (char) answer, 0, (char) type};
    size_t size = 4 + (type == ADDRESS_V4 ? 4 : type == ADDRESS_V6 ? 16 : 21) + 2;
    if (type == ADDRESS_NAME)
        reply[4] = 20;
    put (own, fd, reply, size);
    return answer == 0;
}

/*  Whatever name was asked for, it is this machine.  */
static void *relay (void *argument)
{
    int *pair = argument, from = pair[0], to = pair[1];
    char bytes[4096];
    ssize_t got;
    while ((got = read (from, bytes, sizeof bytes)) > 0)
        for (ssize_t at = 0, put; at < got; at += put)
            if ((put = send (to, bytes + at, (size_t) (got - at), MSG_NOSIGNAL)) <= 0)
                goto end;
end:
    shutdown (to, SHUT_RDWR);
    shutdown (from, SHUT_RDWR);
    return NULL;
}

static void serve (proxy *own, int fd)
{
    if (negotiate (own, fd)) {
        int target = plain_connect (own->asked_port);
        int forth[] = {fd, target}, back[] = {target, fd};
        pthread_t thread = start_thread (relay, back);
        relay (forth);
        end_thread (thread);
        close (target);
    }
    close (fd);
}

static void *proxy_thread (void *argument)
{
    proxy *own = argument;
    while (!own->ends) {
        struct pollfd ready = {own->listener, POLLIN, 0};
        if (poll (&ready, 1, 20) == 1) {
            struct sockaddr_in from;
            socklen_t size = sizeof from;
            int fd = plain_bounded (accept (own->listener, (struct sockaddr *) &from, &size));
            CHECK (inet_ntop (AF_INET, &from.sin_addr, own->came_from, sizeof own->came_from));
            serve (own, fd);
        }
    }
    return NULL;
}

static void proxy_start (proxy *own)
{
    own->listener = plain_listen (&own->port);
    own->thread = start_thread (proxy_thread, own);
}

static void proxy_stop (proxy *own)
{
    own->ends = 1;
    end_thread (own->thread);
    close (own->listener);
}


static void set_text (void *socket, int option, const char *text)
{
    CHECK_OK (zmq_setsockopt (socket, option, text, strlen (text)));
}

static void set_proxy (void *socket, const proxy *own)
{
    char address[64];
    snprintf (address, sizeof address, "127.0.0.1:%d", own->port);
    set_text (socket, ZMQ_SOCKS_PROXY, address);
}

/*  A server and a client that connects to HOST through the proxy.  */
typedef struct {
    void *context, *server, *client;
    int port;
} pair;

/*  A server, and a client that goes through the proxy, which may start later.  */
static pair prepare_pair (const proxy *own)
{
    pair result;
    result.context = zmq_ctx_new ();
    result.server = open_socket (result.context, ZMQ_PAIR);
    result.client = open_socket (result.context, ZMQ_PAIR);
    set_int (result.client, ZMQ_RECONNECT_IVL, 10);
    result.port = port_of (bind_to (result.server, "tcp://127.0.0.1:*"));
    set_proxy (result.client, own);
    return result;
}

static pair through (proxy *own)
{
    proxy_start (own);
    return prepare_pair (own);
}

static void connect_pair (pair *own, const char *host)
{
    char endpoint[400];
    snprintf (endpoint, sizeof endpoint, "tcp://%s:%d", host, own->port);
    CHECK_OK (zmq_connect (own->client, endpoint));
}

static void talk (pair *own)
{
    send_text (own->client, "hello", 0);
    EXPECT_TEXT (own->server, "hello");
    send_text (own->server, "world", 0);
    EXPECT_TEXT (own->client, "world");
}

static pair talk_through (proxy *proxy, const char *host)
{
    pair two = through (proxy);
    connect_pair (&two, host);
    talk (&two);
    return two;
}

static void finish (pair *own, proxy *other)
{
    FINISH (own->context, own->client, own->server);
    proxy_stop (other);
}

static void await_count (const atomic_int *counter, int least)
{
    for (int64_t give_up = now_ms () + PATIENCE_MS; *counter < least; sleep_ms (2))
        CHECK (now_ms () < give_up);
}

TEST (relays_both_ways)
{
    proxy own = {0};
    pair two = talk_through (&own, "127.0.0.1");
    /*  A megabyte, in pieces of any size.  */
    static char block[1 << 20];
    zmq_msg_t message;
    for (size_t n = 0; n < sizeof block; n++)
        block[n] = (char) (n * 7 / 5);
    CHECK_INT (zmq_send (two.client, block, sizeof block, 0), sizeof block);
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, two.server, 0), sizeof block);
    CHECK (memcmp (zmq_msg_data (&message), block, sizeof block) == 0);
    CHECK_OK (zmq_msg_close (&message));
    CHECK_INT (own.requests, 1);
    finish (&two, &own);
}

TEST (a_proxy_is_connected_to_from_the_source_that_is_named)
{
    proxy own = {0};
    pair two = through (&own);
    char address[64];
    snprintf (address, sizeof address, "127.0.0.9:0;127.0.0.1:%d", own.port);
    set_text (two.client, ZMQ_SOCKS_PROXY, address);
    connect_pair (&two, "127.0.0.1");
    talk (&two);
    CHECK_STRING (own.came_from, "127.0.0.9");
    finish (&two, &own);
}

TEST (a_numeric_address_is_asked_for_as_such)
{
    proxy own = {0};
    pair two = talk_through (&own, "127.0.0.1");
    CHECK_INT (own.asked_type, ADDRESS_V4);
    CHECK_STRING (own.host, "127.0.0.1");
    CHECK_INT (own.asked_port, two.port);
    finish (&two, &own);
}

/*  The proxy looks the name up, we do not.  */
TEST (a_name_goes_to_the_proxy_unchanged)
{
    proxy own = {0};
    pair two = talk_through (&own, "Only-the-proxy.knows.invalid");
    CHECK_INT (own.asked_type, ADDRESS_NAME);
    CHECK_STRING (own.host, "Only-the-proxy.knows.invalid");
    CHECK_INT (own.asked_port, two.port);
    finish (&two, &own);
}

TEST (without_a_user_no_password_is_offered)
{
    proxy own = {0};
    pair two = through (&own);
    set_text (two.client, ZMQ_SOCKS_PASSWORD, "useless");
    connect_pair (&two, "127.0.0.1");
    talk (&two);
    CHECK_INT (own.methods, 1 << 0);
    finish (&two, &own);
}

TEST (user_and_password_are_given_when_asked_for)
{
    proxy own = {.user = "somebody", .password = "s3cret"};
    pair two = through (&own);
    set_text (two.client, ZMQ_SOCKS_USERNAME, "somebody");
    set_text (two.client, ZMQ_SOCKS_PASSWORD, "s3cret");
    connect_pair (&two, "127.0.0.1");
    talk (&two);
    CHECK_INT (own.methods, 1 << 2);
    CHECK_INT (own.logins, 1);
    CHECK_STRING (own.given_user, "somebody");
    CHECK_STRING (own.given_password, "s3cret");
    finish (&two, &own);
}

TEST (the_longest_user_and_an_empty_password)
{
    char longest[256];
    memset (longest, 'u', 255);
    longest[255] = 0;
    proxy own = {.user = longest, .password = ""};
    pair two = through (&own);
    set_text (two.client, ZMQ_SOCKS_USERNAME, longest);
    connect_pair (&two, "127.0.0.1");
    talk (&two);
    CHECK_STRING (own.given_user, longest);
    CHECK_STRING (own.given_password, "");
    finish (&two, &own);
}

/*  Never a message, and the next attempt comes after the reconnection interval,
 *  until the proxy relents.  */
static void expect_failed_attempts (proxy *own, const char *user, const char *password,
                                  const atomic_int *counter)
{
    pair two = through (own);
    if (user)
        set_text (two.client, ZMQ_SOCKS_USERNAME, user);
    if (password)
        set_text (two.client, ZMQ_SOCKS_PASSWORD, password);
    connect_pair (&two, "127.0.0.1");
    send_text (two.client, "not yet", 0);
    await_count (counter, 3);
    EXPECT_NOTHING (two.server);
    own->relents = 1;
    EXPECT_TEXT (two.server, "not yet");
    talk (&two);
    finish (&two, own);
}

TEST (a_wrong_password_is_tried_again)
{
    proxy own = {.user = "somebody", .password = "s3cret"};
    expect_failed_attempts (&own, "somebody", "wrong", &own.logins);
}

TEST (a_proxy_that_wants_a_user_gets_nobody)
{
    proxy own = {.user = "somebody", .password = "s3cret"};
    expect_failed_attempts (&own, NULL, NULL, &own.greetings);
}

TEST (a_proxy_that_accepts_no_method)
{
    proxy own = {.method = 0xff};
    expect_failed_attempts (&own, NULL, NULL, &own.greetings);
}

TEST (a_proxy_of_another_version)
{
    proxy own = {.version = 4};
    expect_failed_attempts (&own, NULL, NULL, &own.greetings);
}

TEST (refused_requests_are_made_again_until_granted)
{
    proxy own = {.answer = 5, .refusals = 3};
    pair two = talk_through (&own, "127.0.0.1");
    CHECK_INT (own.requests, 4);
    finish (&two, &own);
}

TEST (every_refusal_is_one)
{
    for (int answer = 1; answer <= 9; answer++) {
        proxy own = {.answer = answer, .refusals = 1};
        pair two = talk_through (&own, "127.0.0.1");
        CHECK_INT (own.requests, 2);
        finish (&two, &own);
    }
}

TEST (answers_may_come_byte_by_byte_and_name_any_address)
{
    static const int types[] = {ADDRESS_V4, ADDRESS_NAME, ADDRESS_V6};
    for (int n = 0; n < 3; n++) {
        proxy own = {.slow = 1, .bound_type = types[n], .user = "u", .password = "p"};
        pair two = through (&own);
        set_text (two.client, ZMQ_SOCKS_USERNAME, "u");
        set_text (two.client, ZMQ_SOCKS_PASSWORD, "p");
        connect_pair (&two, "localhost");
        talk (&two);
        finish (&two, &own);
    }
}

TEST (messages_wait_for_a_proxy_that_comes_later)
{
    proxy own = {0};
    own.port = reserved_port ();
    pair two = prepare_pair (&own);
    connect_pair (&two, "127.0.0.1");
    send_text (two.client, "early", 0);
    EXPECT_NOTHING (two.server);
    int fd = socket (AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (own.port),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    CHECK_OK (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (listen (fd, 8));
    own.listener = fd;
    own.thread = start_thread (proxy_thread, &own);
    EXPECT_TEXT (two.server, "early");
    talk (&two);
    finish (&two, &own);
}

/*  The option is that of connects to come.  */
TEST (a_connection_keeps_the_proxy_it_was_made_with)
{
    proxy own = {0};
    pair two = through (&own);
    connect_pair (&two, "127.0.0.1");
    CHECK_OK (zmq_setsockopt (two.client, ZMQ_SOCKS_PROXY, NULL, 0));
    talk (&two);
    CHECK_INT (own.requests, 1);
    finish (&two, &own);
}

TEST (null_takes_the_proxy_away)
{
    proxy own = {0};
    pair two = through (&own);
    CHECK_OK (zmq_setsockopt (two.client, ZMQ_SOCKS_PROXY, NULL, 0));
    connect_pair (&two, "127.0.0.1");
    talk (&two);
    CHECK_INT (own.greetings, 0);
    finish (&two, &own);
}

TEST (other_transports_go_past_the_proxy)
{
    proxy own = {0};
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_PAIR), *client = open_socket (context, ZMQ_PAIR);
    own.listener = plain_listen (&own.port);
    set_proxy (client, &own);
    CHECK_OK (zmq_connect (client, bind_to (server, "ipc://*")));
    send_text (client, "straight", 0);
    EXPECT_TEXT (server, "straight");
    CHECK_OK (close (own.listener));
    FINISH (context, client, server);
}

TEST (an_ipv6_address_is_asked_for_as_such)
{
    proxy own = {0};
    pair two = through (&own);
    set_int (two.client, ZMQ_IPV6, 1);
    connect_pair (&two, "[2001:db8::1]");
    talk (&two);
    CHECK_INT (own.asked_type, ADDRESS_V6);
    CHECK_STRING (own.host, "2001:db8::1");
    finish (&two, &own);
}

/*  The proxy's own name is ours to look up.  */
TEST (a_proxy_may_be_named)
{
    proxy own = {0};
    pair two = through (&own);
    char address[64];
    snprintf (address, sizeof address, "localhost:%d", own.port);
    set_text (two.client, ZMQ_SOCKS_PROXY, address);
    connect_pair (&two, "127.0.0.1");
    talk (&two);
    CHECK_INT (own.requests, 1);
    finish (&two, &own);
}
