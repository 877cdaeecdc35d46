/*  Multipart messages: sent part by part, delivered whole or not at all.
 *      multipart [endpoint]
 */
#include "helpers.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "ipc://*");

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    bind_to (receiver, endpoint);
    char actual[256];
    size_t size = sizeof actual;
    zmq_getsockopt (receiver, ZMQ_LAST_ENDPOINT, actual, &size);
    void *sender = new_socket (context, ZMQ_PUSH);
    connect_to (sender, actual);

    const char *parts[] = {"address", "", "first line", "second line"};
    for (int n = 0; n < 3; n++)
        need (send_part (sender, parts[n]), "send");
    zmq_pollitem_t item = {receiver, 0, ZMQ_POLLIN, 0};
    int early = zmq_poll (&item, 1, 50);
    printf ("before the last part: %d messages to read\n", early);
    need (send_text (sender, parts[3]), "send");

    /*  When the first part is here, all are.  */
    int count = 0, wrong = early != 0, more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init (&part);
        need (zmq_msg_recv (&part, receiver, count ? ZMQ_DONTWAIT : 0) != -1,
              "receive");
        more = zmq_msg_more (&part);
        printf ("part %d: \"%.*s\"%s\n", count, (int) zmq_msg_size (&part),
                (char *) zmq_msg_data (&part), more ? ", more follow" : "");
        wrong += count > 3 || zmq_msg_size (&part) != strlen (parts[count])
                 || memcmp (zmq_msg_data (&part), parts[count],
                            strlen (parts[count])) != 0;
        count++;
        zmq_msg_close (&part);
    }
    printf ("received %d parts, %d wrong\n", count, wrong);
    zmq_close (sender);
    zmq_close (receiver);
    zmq_ctx_term (context);
    return wrong != 0 || count != 4;
}
