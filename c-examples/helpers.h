/*  What every example needs: arguments with defaults, sockets that report
 *  failure, text messages, and a flag that Ctrl-C sets.
 *
 *  A program that binds prints "listening on ENDPOINT" with the real port, so
 *  a script can give it a wildcard (tcp://127.0.0.1:*) and read the answer.
 */
#ifndef HELPERS_H
#define HELPERS_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

/*  Set by SIGINT and SIGTERM after catch_signals ().  */
static volatile sig_atomic_t interrupted;

static inline void note_signal (int number)
{
    (void) number;
    interrupted = 1;
}

/*  From here on Ctrl-C and SIGTERM make blocking calls return with EINTR
 *  (no SA_RESTART), and the program decides how to end.  */
static inline void catch_signals (void)
{
    struct sigaction action;
    memset (&action, 0, sizeof action);
    action.sa_handler = note_signal;
    sigemptyset (&action.sa_mask);
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
}

/*  Ends the program with a message when a step that must work did not.  */
static inline void need (int worked, const char *step)
{
    if (!worked) {
        fprintf (stderr, "%s: %s\n", step, zmq_strerror (zmq_errno ()));
        exit (1);
    }
}

/*  The INDEXth argument, or the default when it was not given.  */
static inline const char *
text_argument (int argc, char **argv, int index, const char *otherwise)
{
    return argc > index ? argv[index] : otherwise;
}

static inline long
number_argument (int argc, char **argv, int index, long otherwise)
{
    return argc > index ? strtol (argv[index], NULL, 10) : otherwise;
}

static inline void *new_context (void)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    void *context = zmq_ctx_new ();
    need (context != NULL, "zmq_ctx_new");
    return context;
}

static inline void *new_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    need (socket != NULL, "zmq_socket");
    return socket;
}

static inline void bind_to (void *socket, const char *endpoint)
{
    char actual[256];
    size_t size = sizeof actual;
    need (zmq_bind (socket, endpoint) == 0, endpoint);
    need (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, actual, &size) == 0,
          "ZMQ_LAST_ENDPOINT");
    printf ("listening on %s\n", actual);
}

static inline void connect_to (void *socket, const char *endpoint)
{
    need (zmq_connect (socket, endpoint) == 0, endpoint);
}

static inline void set_number (void *socket, int option, int value)
{
    need (zmq_setsockopt (socket, option, &value, sizeof value) == 0,
          "zmq_setsockopt");
}

static inline void subscribe (void *socket, const char *prefix)
{
    need (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, prefix, strlen (prefix)) == 0,
          "ZMQ_SUBSCRIBE");
}

/*  Sends the text as one message (without its closing 0).
 *  Returns 0 when a signal or the context's end came first.  */
static inline int send_text (void *socket, const char *text)
{
    return zmq_send (socket, text, strlen (text), 0) >= 0;
}

/*  The same, as a part that more parts will follow.  */
static inline int send_part (void *socket, const char *text)
{
    return zmq_send (socket, text, strlen (text), ZMQ_SNDMORE) >= 0;
}

/*  The next part as a string for the caller to free; NULL when there is none
 *  (signal, time limit, ZMQ_DONTWAIT, or the context ends).  */
static inline char *receive_text_or_not (void *socket, int flags)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    char *text = NULL;
    if (zmq_msg_recv (&message, socket, flags) >= 0) {
        size_t size = zmq_msg_size (&message);
        text = malloc (size + 1);
        if (text) {
            memcpy (text, zmq_msg_data (&message), size);
            text[size] = 0;
        }
    }
    zmq_msg_close (&message);
    return text;
}

static inline char *receive_text (void *socket)
{
    return receive_text_or_not (socket, 0);
}

/*  True while the message just read has further parts.  */
static inline int more_parts (void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    need (zmq_getsockopt (socket, ZMQ_RCVMORE, &more, &size) == 0,
          "ZMQ_RCVMORE");
    return more;
}

static inline void pause_ms (long ms)
{
    struct timespec span = {ms / 1000, (ms % 1000) * 1000000L};
    nanosleep (&span, NULL);
}

#endif
