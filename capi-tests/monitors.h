/*  Reading monitors, on top of peers.h.
 *
 *  libzmq blocks a thread that reports an event which nobody reads, so
 *  a reader is closed only after it has seen ZMQ_EVENT_MONITOR_STOPPED.
 */
#ifndef MONITORS_H
#define MONITORS_H

#include "peers.h"

typedef struct {
    int number;
    int value;
    char endpoint[256];
} event_t;

/*  Takes the next event, if it comes within that time; 0 if none does.  */
static inline int next_event_within (void *reader, event_t *event, int milliseconds)
{
    unsigned char head[16];
    uint16_t number;
    zmq_pollitem_t item = {reader, 0, ZMQ_POLLIN, 0};
    if (zmq_poll (&item, 1, milliseconds) == 0)
        return 0;
    CHECK_INT (zmq_recv (reader, head, sizeof head, 0), 6);
    memcpy (&number, head, 2);
    memcpy (&event->value, head + 2, 4);
    event->number = number;
    CHECK_INT (get_int (reader, ZMQ_RCVMORE), 1);
    int size = zmq_recv (reader, event->endpoint, sizeof event->endpoint - 1, 0);
    CHECK (size >= 0);
    event->endpoint[size] = 0;
    CHECK_INT (get_int (reader, ZMQ_RCVMORE), 0);
    return 1;
}

/*  The next event is this one; returns its value.  */
#define EXPECT_EVENT(READER, NUMBER, ENDPOINT)                                \
    expect_event (__FILE__, __LINE__, READER, NUMBER, #NUMBER, ENDPOINT)

static inline int expect_event (const char *file, int line, void *reader, int number,
                                const char *name, const char *endpoint)
{
    event_t event = {0};
    if (!next_event_within (reader, &event, PATIENCE_MS))
        harness_fail (file, line, "no event, expected %s", name);
    if (event.number != number || strcmp (event.endpoint, endpoint) != 0)
        harness_fail (file, line, "event 0x%x of %s (value %d), expected %s of %s",
                      event.number, event.endpoint, event.value, name, endpoint);
    return event.value;
}

/*  The next event has this number and value.  */
#define EXPECT_EVENT_VALUE(READER, NUMBER, ENDPOINT, VALUE)                   \
    CHECK_INT (EXPECT_EVENT (READER, NUMBER, ENDPOINT), VALUE)

#define EXPECT_NO_EVENT(READER)                                               \
    do {                                                                      \
        event_t unwanted = {0};                                               \
        if (next_event_within (READER, &unwanted, SETTLE_MS))                 \
            harness_fail (__FILE__, __LINE__, "event 0x%x of %s (value %d), expected none", \
                          unwanted.number, unwanted.endpoint, unwanted.value); \
    } while (0)

/*  Reads past other events until this one comes.  */
static inline event_t await_event (void *reader, int number)
{
    event_t event = {0};
    for (int64_t give_up = now_ms () + PATIENCE_MS; now_ms () < give_up;)
        if (next_event_within (reader, &event, 100) && event.number == number)
            return event;
    CHECK (!"the event never came");
    return event;
}

/*  A reader at the end of a monitor of these events.  */
static inline void *watch (void *context, void *socket, int events)
{
    static int next;
    char name[40];
    snprintf (name, sizeof name, "inproc://monitor-%d", next++);
    CHECK_OK (zmq_socket_monitor (socket, name, events));
    void *reader = zmq_socket (context, ZMQ_PAIR);
    CHECK (reader != NULL);
    CHECK_OK (zmq_connect (reader, name));
    return reader;
}

/*  The next event is the last; closes the reader.  */
static inline void expect_stop (void *reader)
{
    EXPECT_EVENT_VALUE (reader, ZMQ_EVENT_MONITOR_STOPPED, "", 0);
    CHECK_OK (zmq_close (reader));
}

/*  Reads to the last event; closes the reader.  */
static inline void await_stop (void *reader)
{
    await_event (reader, ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_close (reader));
}

/*  Closes the watched socket; nothing but the end is reported then.  */
static inline void close_watched (void *socket, void *reader)
{
    set_int (socket, ZMQ_LINGER, 0);
    CHECK_OK (zmq_close (socket));
    expect_stop (reader);
}

/*  The greeting of a ZMTP 3.1 peer with this mechanism.  */
static inline void plain_greet (int fd, const char *mechanism)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1};
    memcpy (greeting + 12, mechanism, strlen (mechanism));
    plain_write (fd, greeting, sizeof greeting);
}

/*  The READY command of a peer of type DEALER, as a frame.  */
#define READY_DEALER "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06" "DEALER"

/*  Writes a string literal with all its zero bytes.  */
#define PLAIN_SAY(FD, TEXT) plain_write (FD, TEXT, sizeof (TEXT) - 1)

#endif
