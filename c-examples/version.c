/*  Version of the library that runs, and of the header we were compiled with.
 *      version
 */
#include <stdio.h>
#include <zmq.h>

int main (void)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);
    printf ("library %d.%d.%d, header %d.%d.%d\n", major, minor, patch,
            ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH);
    return !(major == 4 && minor == 3);
}
