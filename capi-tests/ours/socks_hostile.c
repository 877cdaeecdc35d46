/*  SOCKS proxies that misbehave.  For our library alone, as libzmq does not survive
 *  all of them.  */
#include "peers.h"

static void *client_through (void *context, const char *proxy)
{
    void *client = open_socket (context, ZMQ_PAIR);
    set_int (client, ZMQ_RECONNECT_IVL, 5);
    CHECK_OK (zmq_setsockopt (client, ZMQ_SOCKS_PROXY, proxy, strlen (proxy)));
    return client;
}

TEST (malformed_and_absent_proxies_are_no_error_and_no_connection)
{
    static const char *const proxies[] = {"nonsense", "127.0.0.1",   "127.0.0.1:",      ":80",
                                          "x:y",      "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:1"};
    for (size_t n = 0; n < sizeof proxies / sizeof *proxies; n++) {
        void *context = zmq_ctx_new ();
        void *server = open_socket (context, ZMQ_PAIR);
        void *client = client_through (context, proxies[n]);
        CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
        send_text (client, "never", 0);
        sleep_ms (30);
        CHECK_ERRNO (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        FINISH (context, client, server);
    }
}

static void expect_attempts (const char *answer, int timeout)
{
    void *context = zmq_ctx_new ();
    int port;
    int listener = plain_listen (&port);
    char proxy[64];
    snprintf (proxy, sizeof proxy, "127.0.0.1:%d", port);
    void *client = client_through (context, proxy);
    set_int (client, ZMQ_CONNECT_TIMEOUT, timeout);
    CHECK_OK (zmq_connect (client, "tcp://127.0.0.1:9"));
    for (int attempt = 0; attempt < 3; attempt++) {
        int fd = plain_accept (listener);
        char greeting[3];
        plain_read (fd, greeting, sizeof greeting);
        CHECK (memcmp (greeting, "\5\1\0", 3) == 0);
        plain_write (fd, answer, strlen (answer));
        if (timeout == 0)
            CHECK_OK (close (fd));
        else {
            plain_expect_end (fd);
            CHECK_OK (close (fd));
        }
    }
    CHECK_OK (close (listener));
    FINISH (context, client);
}

TEST (a_silent_proxy_is_given_up_after_connect_timeout) { expect_attempts ("", 50); }
TEST (a_proxy_that_stops_in_an_answer_is_given_up_too) { expect_attempts ("\5", 50); }
TEST (a_proxy_that_hangs_up_is_tried_again) { expect_attempts ("", 0); }
TEST (a_proxy_that_answers_in_http_is_disconnected) { expect_attempts ("HTTP/1.0 400 Bad Request\r\n\r\n", 5000); }
