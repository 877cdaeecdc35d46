/*  One end of a conversation of draft socket types; draft_peer.js is the other.
 *
 *      draft_peer bind|connect TYPE ENDPOINT
 *
 *  The binder prints its endpoint. Prints what was wrong and ends with status 1, or is silent.
 */
#define ZMQ_BUILD_DRAFT_API
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static const size_t sizes[] = {0, 1, 100, 255, 256, 1000, 70000, 1000000};
#define SIZES (sizeof sizes / sizeof *sizes)
static const char *const groups[] = {"", "short", "a group with a name that is longer than a message holds",
                                     "nobody's"};
#define JOINED 3

static const char *type;

static void need (int worked, const char *step)
{
    if (!worked) {
        printf ("%s of ours: %s: %s\n", type, step, zmq_strerror (zmq_errno ()));
        exit (1);
    }
}

static void send_body (void *socket, size_t n)
{
    zmq_msg_t message;
    need (zmq_msg_init_size (&message, sizes[n]) == 0, "memory");
    memset (zmq_msg_data (&message), 'a' + (int) n, sizes[n]);
    need (zmq_msg_send (&message, socket, 0) == (int) sizes[n], "send");
}

static void receive_body (void *socket, size_t n, zmq_msg_t *message)
{
    need (zmq_msg_init (message) == 0 && zmq_msg_recv (message, socket, 0) >= 0, "receive");
    need (zmq_msg_size (message) == sizes[n], "size");
    for (size_t at = 0; at < sizes[n]; at++)
        need (((char *) zmq_msg_data (message))[at] == (char) ('a' + (int) n), "bytes");
}

static void converse (void *socket)
{
    zmq_msg_t message;
    for (size_t n = 0; n < SIZES; n++) {
        if (strcmp (type, "CLIENT") == 0 || strcmp (type, "SCATTER") == 0)
            send_body (socket, n);
        if (strcmp (type, "SCATTER") == 0)
            continue;
        receive_body (socket, n, &message);
        if (strcmp (type, "SERVER") == 0) {
            need (zmq_msg_routing_id (&message) != 0, "the number of the peer");
            need (zmq_msg_send (&message, socket, 0) >= 0, "answer");
        } else
            zmq_msg_close (&message);
    }
}

/*  Sends until it is ended: who listens says when it has all.  */
static void broadcast (void *socket)
{
    zmq_msg_t message;
    for (;;) {
        for (size_t n = 0; n < sizeof groups / sizeof *groups; n++) {
            need (zmq_msg_init_buffer (&message, groups[n], strlen (groups[n])) == 0, "memory");
            need (zmq_msg_set_group (&message, groups[n]) == 0, "group");
            need (zmq_msg_send (&message, socket, 0) >= 0, "send");
        }
        nanosleep (&(struct timespec){0, 10000000}, NULL);
    }
}

static void listen_to_groups (void *socket)
{
    int missing = (1 << JOINED) - 1;
    while (missing) {
        zmq_msg_t message;
        need (zmq_msg_init (&message) == 0 && zmq_msg_recv (&message, socket, 0) >= 0, "receive");
        size_t n = 0;
        while (n < JOINED && strcmp (groups[n], zmq_msg_group (&message)) != 0)
            n++;
        need (n < JOINED && zmq_msg_size (&message) == strlen (groups[n])
                && memcmp (zmq_msg_data (&message), groups[n], strlen (groups[n])) == 0,
              "a message of another group");
        missing &= ~(1 << n);
        zmq_msg_close (&message);
    }
}

int main (int argc, char **argv)
{
    static const char *const names[] = {"SERVER", "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER"};
    int number = -1, patience = 15000;
    type = argc == 4 ? argv[2] : "?";
    for (int n = 0; n < 6; n++)
        if (strcmp (type, names[n]) == 0)
            number = ZMQ_SERVER + n;
    void *context = zmq_ctx_new (), *socket = zmq_socket (context, number);
    need (socket != NULL, "socket");
    zmq_setsockopt (socket, ZMQ_LINGER, &patience, sizeof patience);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt (socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    for (int n = 0; n < JOINED && number == ZMQ_DISH; n++)
        need (zmq_join (socket, groups[n]) == 0, "join");
    if (strcmp (argv[1], "bind") == 0) {
        char endpoint[200];
        size_t size = sizeof endpoint;
        need (zmq_bind (socket, argv[3]) == 0, "bind");
        need (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
        printf ("%s\n", endpoint);
        fflush (stdout);
    } else
        need (zmq_connect (socket, argv[3]) == 0, "connect");
    if (number == ZMQ_RADIO)
        broadcast (socket);
    else if (number == ZMQ_DISH)
        listen_to_groups (socket);
    else
        converse (socket);
    zmq_close (socket);
    zmq_ctx_term (context);
    return 0;
}
