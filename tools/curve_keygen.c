/*  Prints a new pair of CURVE keys, as Z85 text.  */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

int main (int argc, char **argv)
{
    char public_key[41], secret_key[41];

    if (argc > 1) {
        int help = !strcmp (argv[1], "-h") || !strcmp (argv[1], "--help");
        fprintf (help ? stdout : stderr, "usage: curve_keygen\n"
                 "Prints a new pair of CURVE keys, each 40 characters of Z85: see curve_keygen(1).\n");
        return help ? 0 : 2;
    }
    if (zmq_curve_keypair (public_key, secret_key) != 0) {
        if (errno == ENOTSUP)
            fprintf (stderr, "curve_keygen: this libzmq.so.5 was built without CURVE\n");
        else
            fprintf (stderr, "curve_keygen: %s\n", zmq_strerror (errno));
        return 1;
    }
    printf ("== CURVE PUBLIC KEY ==\n%s\n\n== CURVE SECRET KEY ==\n%s\n", public_key, secret_key);
    return fflush (stdout) != 0;
}
