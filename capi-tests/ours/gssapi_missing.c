/*  A machine without a Kerberos library: libzmq does not start there;
 *  ours says that it has no GSSAPI, and does everything else.
 */
#include "../peers.h"

/*  Goes on in a process that finds something else under the library's name.  */
static void hide_the_library (const char *test)
{
    char path[200], search[1000];
    snprintf (path, sizeof path, "%s/libgssapi_krb5.so.2", scratch_directory ());
    int fd = open (path, O_CREAT | O_WRONLY, 0600);
    CHECK (fd >= 0);
    CHECK_OK (close (fd));
    const char *before = getenv ("LD_LIBRARY_PATH");
    snprintf (search, sizeof search, "%s:%s", scratch_directory (), before ? before : "");
    CHECK_OK (setenv ("LD_LIBRARY_PATH", search, 1));
    CHECK_OK (setenv ("HIDDEN_IN", scratch_directory (), 1));
    execl ("/proc/self/exe", "gssapi_missing", test, (char *) NULL);
    CHECK (!"the test can be run anew");
}

TEST (without_the_library_gssapi_is_not_there_and_all_else_is)
{
    if (!getenv ("HIDDEN_IN"))
        hide_the_library ("without_the_library_gssapi_is_not_there_and_all_else_is");
    snprintf (scratch_path, sizeof scratch_path, "%s", getenv ("HIDDEN_IN"));
    CHECK_INT (zmq_has ("gssapi"), 0);

    void *context = zmq_ctx_new ();
    void *socket = open_socket (context, ZMQ_PAIR);
    int on = 1;
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_GSSAPI_SERVER, &on, sizeof on), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_GSSAPI_PLAINTEXT, &on, sizeof on), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_GSSAPI_PRINCIPAL, "zmq", 3), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "zmq", 3), EINVAL);
    CHECK_ERRNO (zmq_setsockopt (socket, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, &on, sizeof on), EINVAL);
    CHECK_INT (get_int (socket, ZMQ_MECHANISM), ZMQ_NULL);
    CHECK_OK (zmq_close (socket));
    expect_service (context);
    CHECK_OK (zmq_ctx_term (context));
    scratch_remove ();
}
