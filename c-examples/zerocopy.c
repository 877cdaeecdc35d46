/*  Zero-copy send: the library reads our buffer where it lies and calls our
 *  free function when it has no more use for it, on whatever thread.
 *      zerocopy [endpoint] [bytes] [messages]
 */
#include "helpers.h"

/*  Counts the buffers given back; the hint is the counter.  */
static void give_back (void *data, void *hint)
{
    free (data);
    zmq_atomic_counter_inc (hint);
}

int main (int argc, char **argv)
{
    const char *endpoint = text_argument (argc, argv, 1, "tcp://127.0.0.1:*");
    size_t bytes = (size_t) number_argument (argc, argv, 2, 1000000);
    long messages = number_argument (argc, argv, 3, 10);

    void *context = new_context ();
    void *receiver = new_socket (context, ZMQ_PULL);
    bind_to (receiver, endpoint);
    char actual[256];
    size_t size = sizeof actual;
    zmq_getsockopt (receiver, ZMQ_LAST_ENDPOINT, actual, &size);
    void *sender = new_socket (context, ZMQ_PUSH);
    connect_to (sender, actual);

    void *freed = zmq_atomic_counter_new ();
    long right = 0;
    for (long n = 0; n < messages; n++) {
        char *buffer = malloc (bytes);
        need (buffer != NULL, "malloc");
        memset (buffer, 'a' + (int) (n % 26), bytes);

        zmq_msg_t message;
        need (zmq_msg_init_data (&message, buffer, bytes, give_back, freed) == 0,
              "zmq_msg_init_data");
        need (zmq_msg_send (&message, sender, 0) != -1, "send");
        /*  The buffer is not ours any more; nor is there anything to close:
         *  a sent message is empty.  */

        zmq_msg_t arrived;
        zmq_msg_init (&arrived);
        need (zmq_msg_recv (&arrived, receiver, 0) != -1, "receive");
        const char *data = zmq_msg_data (&arrived);
        right += zmq_msg_size (&arrived) == bytes
                 && data[0] == 'a' + n % 26 && data[bytes - 1] == data[0];
        zmq_msg_close (&arrived);
    }
    zmq_close (sender);
    zmq_close (receiver);
    zmq_ctx_term (context); /*  After this no buffer is in use.  */

    int given_back = zmq_atomic_counter_value (freed);
    zmq_atomic_counter_destroy (&freed);
    printf ("%ld of %ld messages of %zu bytes arrived, %d buffers given back\n",
            right, messages, bytes, given_back);
    return right != messages || given_back != messages;
}
