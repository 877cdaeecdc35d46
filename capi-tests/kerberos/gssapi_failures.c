/*  Handshakes of GSSAPI that fail: no ticket, no key, no KDC, peers of another
 *  mechanism, and malformed commands.
 */
#define TEST_LIMIT_S 30
#include "kerberos.h"

/*  Both sides report it, and nothing passes.  */
static void expect_no_pair (pair *pair)
{
    set_int (pair->client, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    meet (pair, "tcp");
    EXPECT_FAILURE (pair->client_monitor);
    EXPECT_FAILURE (pair->server_monitor);
    expect_silence (pair);
    close_pair (pair);
}

TEST (a_client_without_a_ticket_gets_nowhere)
{
    use_tickets ("KDC_TICKETS_NONE");
    pair pair = kerberos_pair (0);
    expect_no_pair (&pair);
}

TEST (a_client_without_tickets_of_its_principal_gets_nowhere)
{
    pair pair = kerberos_pair (0);
    set_text (pair.client, ZMQ_GSSAPI_PRINCIPAL, "bob");
    set_int (pair.client, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, ZMQ_GSSAPI_NT_USER_NAME);
    expect_no_pair (&pair);
}

TEST (a_client_of_a_service_that_nobody_knows_gets_nowhere)
{
    pair pair = kerberos_pair (1);
    set_text (pair.client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "nobody@localhost");
    expect_no_pair (&pair);
}

TEST (a_server_without_the_key_of_its_service_lets_nobody_in)
{
    for (int plaintext = 0; plaintext < 2; plaintext++) {
        pair pair = kerberos_pair (plaintext);
        set_text (pair.client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "locked@localhost");
        expect_no_pair (&pair);
    }
}

TEST (a_kdc_that_is_not_there_ends_the_attempt)
{
    /*  The port is taken, or our own server might get it, but does not listen.  */
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (getsockname (fd, (struct sockaddr *) &address, &size));
    configure (ntohs (address.sin_port), 300);
    use_tickets ("KDC_TICKETS_FRESH");
    pair pair = kerberos_pair (0);
    expect_no_pair (&pair);
    CHECK_OK (close (fd));
}

TEST (what_failed_is_tried_again)
{
    use_tickets ("KDC_TICKETS_NONE");
    pair pair = kerberos_pair (0);
    set_int (pair.client, ZMQ_RECONNECT_IVL, 20);
    set_int (pair.client, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    meet (&pair, "tcp");
    EXPECT_FAILURE (pair.client_monitor);
    /*  The user got a ticket.  */
    use_tickets ("KDC_TICKETS");
    expect_exchange (&pair);
    close_pair (&pair);
}

TEST (sides_that_disagree_on_encryption_part)
{
    for (int plaintext = 0; plaintext < 2; plaintext++) {
        pair pair = kerberos_pair (plaintext);
        set_int (pair.client, ZMQ_GSSAPI_PLAINTEXT, !plaintext);
        meet (&pair, "tcp");
        EXPECT_BREACH (pair.client_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
        uint32_t value;
        next_event (pair.server_monitor, ZMQ_EVENT_DISCONNECTED, &value);
        expect_silence (&pair);
        close_pair (&pair);
    }
}

TEST (peers_of_another_mechanism_are_refused)
{
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism++) {
        for (int serves = 0; serves < 2; serves++) {
            pair pair = kerberos_pair (0);
            void *other = serves ? pair.client : pair.server;
            zmq_close (other);
            other = open_socket (pair.context, ZMQ_DEALER);
            set_int (other, ZMQ_RECONNECT_IVL, 60000);
            if (mechanism == ZMQ_PLAIN)
                set_text (other, ZMQ_PLAIN_USERNAME, "alice");
            else if (mechanism == ZMQ_CURVE && zmq_has ("curve"))
                set_text (other, ZMQ_CURVE_SERVERKEY, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
            CHECK_OK (zmq_close (serves ? pair.client_monitor : pair.server_monitor));
            void *monitor = monitor_of (pair.context, other);
            *(serves ? &pair.client : &pair.server) = other;
            *(serves ? &pair.client_monitor : &pair.server_monitor) = monitor;
            meet (&pair, "tcp");
            EXPECT_BREACH (pair.client_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
            EXPECT_BREACH (pair.server_monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
            expect_silence (&pair);
            close_pair (&pair);
        }
    }
}

/*  A greeting that offers GSSAPI, and what comes behind it.  */
static int intrude (int port, const char *command, size_t size)
{
    char greeting[64] = "\xFF\0\0\0\0\0\0\0\1\x7F\3\1GSSAPI";
    int fd = plain_connect (port);
    plain_write (fd, greeting, sizeof greeting);
    plain_write (fd, command, size);
    return fd;
}

TEST (commands_out_of_place_end_the_connection)
{
#define COMMAND(TEXT) TEXT, sizeof TEXT - 1
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t code;
    } commands[] = {
      {COMMAND ("\4\0"), ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED},
      {COMMAND ("\4\11\10INITIATE"), ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE},
      {COMMAND ("\4\17\10INITIATE\0\0\0\5ab"), ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE},
      {COMMAND ("\4\6\5READY"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
      {COMMAND ("\4\14\7MESSAGE\0\0\0\0"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    };
    pair pair = kerberos_pair (0);
    int port = port_of (bind_to (pair.server, "tcp://127.0.0.1:*"));
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        int fd = intrude (port, commands[i].bytes, commands[i].size);
        EXPECT_BREACH (pair.server_monitor, commands[i].code);
        plain_expect_end (fd);
        CHECK_OK (close (fd));
    }
    char endpoint[40];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    CHECK_OK (zmq_connect (pair.client, endpoint));
    expect_exchange (&pair);
    close_pair (&pair);
}

TEST (malformed_tokens_keep_no_other_peer_out)
{
    pair pair = kerberos_pair (0);
    int port = port_of (bind_to (pair.server, "tcp://127.0.0.1:*")), intruders[40];
    for (int i = 0; i < 40; i++)
        intruders[i] = i % 2 ? intrude (port, "\4\17\10INITIATE\0\0\0\2ab", 17)
                             : intrude (port, "\4", 1);
    char endpoint[40];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    CHECK_OK (zmq_connect (pair.client, endpoint));
    expect_exchange (&pair);
    for (int i = 0; i < 40; i++)
        CHECK_OK (close (intruders[i]));
    close_pair (&pair);
}

TEST (a_refused_token_ends_the_connection_at_once)
{
    pair pair = kerberos_pair (0);
    int port = port_of (bind_to (pair.server, "tcp://127.0.0.1:*"));
    int fd = intrude (port, "\4\17\10INITIATE\0\0\0\2ab", 17);
    EXPECT_NO_DETAIL (pair.server_monitor, EACCES);
    plain_expect_end (fd);
    CHECK_OK (close (fd));
    close_pair (&pair);
}

/*  A KDC that accepts requests and never answers stalls the connection that asks it, not
 *  the other connections of the I/O thread; and nobody waits for it at the end.  */
TEST (a_silent_kdc_stalls_nobody_else)
{
    int port, kdc = plain_listen (&port);
    void *context = zmq_ctx_new ();
    void *server = open_socket (context, ZMQ_REP), *client = open_socket (context, ZMQ_REQ);
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));

    configure (port, 300);
    use_tickets ("KDC_TICKETS_FRESH");
    void *asking = open_socket (context, ZMQ_DEALER), *asked = open_socket (context, ZMQ_DEALER);
    be_client (asking, 0);
    be_server (asked, 0);
    CHECK_OK (zmq_connect (asking, bind_to (asked, "tcp://127.0.0.1:*")));
    int request = plain_accept (kdc);
    for (int i = 0; i < 100; i++) {
        send_text (client, "ping", 0);
        EXPECT_TEXT (server, "ping");
        send_text (server, "pong", 0);
        EXPECT_TEXT (client, "pong");
    }
    int64_t start = now_ms ();
    void *sockets[] = {server, client, asking, asked};
    for (int i = 0; i < 4; i++)
        CHECK_OK (zmq_close (sockets[i]));
    CHECK_OK (zmq_ctx_term (context));
    CHECK (now_ms () - start < 1000);
    CHECK_OK (close (request));
    CHECK_OK (close (kdc));
}

/*  Threads that a security mechanism keeps busy.  */
static int security_threads (void)
{
    int count = 0;
    DIR *tasks = opendir ("/proc/self/task");
    CHECK (tasks != NULL);
    for (struct dirent *entry; (entry = readdir (tasks));) {
        char path[300], name[32] = "";
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen (path, "r");
        if (!file)
            continue;
        if (fgets (name, sizeof name, file))
            count += strncmp (name, "ZMQ-security", 12) == 0;
        CHECK_OK (fclose (file));
    }
    closedir (tasks);
    return count;
}

TEST (attempts_that_are_given_up_leave_no_threads_behind)
{
    int port, kdc = plain_listen (&port);
    configure (port, 300);
    use_tickets ("KDC_TICKETS_FRESH");
    pair pair = kerberos_pair (0);
    set_int (pair.client, ZMQ_HANDSHAKE_IVL, 20);
    set_int (pair.client, ZMQ_RECONNECT_IVL, 1);
    meet (&pair, "tcp");
    for (int i = 0; i < 10; i++)
        EXPECT_FAILURE (pair.client_monitor);
    CHECK_INT (security_threads (), 1);
    close_pair (&pair);
    CHECK_OK (close (kdc));
}

/*  Handshakes are under way when the process ends without a word.  */
static void end_amid_handshakes (int microseconds)
{
    void *context = zmq_ctx_new ();
    for (int i = 0; i < 4; i++) {
        void *server = open_socket (context, ZMQ_DEALER), *client = open_socket (context, ZMQ_DEALER);
        be_server (server, 0);
        be_client (client, 0);
        CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    }
    usleep (microseconds);
    exit (0);
}

TEST (a_process_may_end_during_handshakes)
{
    for (int i = 0; i < 100; i++) {
        int status;
        pid_t child = fork ();
        CHECK (child >= 0);
        if (child == 0)
            end_amid_handshakes (i % 25 * 100);
        CHECK_INT (waitpid (child, &status, 0), child);
        CHECK_INT (status, 0);
    }
}

/*  The last one: the ticket's time is over by now, or nearly.  */
TEST (a_client_whose_ticket_expired_gets_nowhere)
{
    configure (atoi (from_kdc ("KDC_PORT")), 1);
    use_tickets ("KDC_TICKETS_EXPIRED");
    while (time (NULL) <= atol (from_kdc ("KDC_EXPIRED")) + 1)
        sleep_ms (20);
    pair pair = kerberos_pair (0);
    expect_no_pair (&pair);
}
