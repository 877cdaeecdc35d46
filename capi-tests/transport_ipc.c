/*  ipc: names, wildcards, abstract names, files that stay or go.  */
#define _GNU_SOURCE
#include "peers.h"
#include <sched.h>
#include <semaphore.h>

/*  ipc://SCRATCH/NAME  */
static const char *ipc_endpoint (const char *name)
{
    static char buffers[4][200];
    static int next;
    char *buffer = buffers[next++ % 4];
    snprintf (buffer, sizeof buffers[0], "ipc://%s/%s", scratch_directory (), name);
    return buffer;
}

static const char *path_of (const char *endpoint)
{
    return endpoint + strlen ("ipc://");
}

static bool exists (const char *endpoint)
{
    return access (path_of (endpoint), F_OK) == 0;
}

static void expect_delivery (void *push, void *pull)
{
    send_text (push, "delivered", 0);
    EXPECT_TEXT (pull, "delivered");
}

TEST (named_path)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = ipc_endpoint ("name with spaces:*");
    CHECK_STRING (bind_to (pull, endpoint), endpoint);
    struct stat kind;
    CHECK_OK (stat (path_of (endpoint), &kind));
    CHECK (S_ISSOCK (kind.st_mode));
    CHECK_OK (zmq_connect (push, endpoint));
    expect_delivery (push, pull);
    CHECK_OK (zmq_disconnect (push, endpoint));
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_ERRNO (zmq_unbind (pull, endpoint), ENOENT);
    FINISH (context, pull, push);
    scratch_remove ();
}

TEST (relative_path)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (chdir (scratch_directory ()));
    CHECK_STRING (bind_to (pull, "ipc://relative"), "ipc://relative");
    CHECK_OK (access ("relative", F_OK));
    CHECK_OK (zmq_connect (push, "ipc://relative"));
    expect_delivery (push, pull);
    FINISH (context, pull, push);
    CHECK_OK (chdir ("/"));
    scratch_remove ();
}

/*  Waits in a socket of the context that another thread handed over.  */
typedef struct {
    void *context, *idle;
    sem_t made;
} waiter;

/*  A thread with a working directory of its own, and with everything made in it.  */
static void *in_its_own_directory (void *argument)
{
    waiter *own = argument;
    CHECK_OK (unshare (CLONE_FS));
    CHECK_OK (chdir (scratch_directory ()));
    own->context = zmq_ctx_new ();
    own->idle = open_socket (own->context, ZMQ_PULL);
    bind_to (own->idle, "tcp://127.0.0.1:*");
    void *pull = open_socket (own->context, ZMQ_PULL);
    bind_to (pull, "ipc://relative");
    sem_post (&own->made);
    /*  The other begins to wait during this, and is the only one that does.  */
    for (int n = 0; n < 50; n++) {
        void *push = open_socket (own->context, ZMQ_PUSH);
        set_int (push, ZMQ_RECONNECT_IVL, -1);
        CHECK_OK (zmq_connect (push, "ipc://relative"));
        send_text (push, "delivered", ZMQ_DONTWAIT);
        for (int64_t give_up = now_ms () + PATIENCE_MS; zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT) == -1; sleep_ms (1))
            CHECK (now_ms () < give_up);
        CHECK_OK (zmq_close (push));
    }
    CHECK_OK (zmq_close (pull));
    /*  Ends the other's wait.  */
    CHECK_OK (zmq_ctx_shutdown (own->context));
    return NULL;
}

TEST (a_relative_path_is_relative_to_the_directory_of_the_thread_that_connects)
{
    waiter own;
    CHECK_OK (sem_init (&own.made, 0, 0));
    scratch_directory ();
    pthread_t thread = start_thread (in_its_own_directory, &own);
    CHECK_OK (sem_wait (&own.made));
    /*  A thread that waits may do the work of others meanwhile.  */
    CHECK_ERRNO (zmq_recv (own.idle, NULL, 0, 0), ETERM);
    end_thread (thread);
    FINISH (own.context, own.idle);
    scratch_remove ();
}

/*  In DIFFERENCES: libzmq uses the present directory at each attempt.  */
TEST (a_relative_path_stays_where_it_was_when_the_process_moves_on)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL), *push = open_socket (context, ZMQ_PUSH);
    set_int (push, ZMQ_RECONNECT_IVL, 5);
    CHECK_OK (chdir (scratch_directory ()));
    CHECK_OK (zmq_connect (push, "ipc://relative"));
    CHECK_OK (chdir ("/"));
    CHECK_OK (zmq_bind (pull, ipc_endpoint ("relative")));
    expect_delivery (push, pull);
    CHECK_OK (zmq_disconnect (push, "ipc://relative"));
    FINISH (context, pull, push);
    scratch_remove ();
}

TEST (wildcard_makes_a_name_and_takes_it_away)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *other = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = bind_to (pull, "ipc://*");
    const char *second = bind_to (other, "ipc://*");
    CHECK (strncmp (endpoint, "ipc://", 6) == 0);
    CHECK (strcmp (endpoint, second) != 0);
    CHECK (exists (endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    expect_delivery (push, pull);
    CHECK_OK (zmq_unbind (other, second));
    FINISH (context, pull, other, push);
    CHECK (!exists (endpoint));
    CHECK (!exists (second));
    /*  Nor is a directory of its own left.  */
    char directory[300];
    snprintf (directory, sizeof directory, "%s", path_of (endpoint));
    char *slash = strrchr (directory, '/');
    if (slash && strstr (slash, "socket")) {
        *slash = 0;
        CHECK_INT (access (directory, F_OK), -1);
    }
}

TEST (stale_file_is_replaced)
{
    void *context = zmq_ctx_new ();
    const char *endpoint = ipc_endpoint ("stale");
    /*  What a killed process leaves behind.  */
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy (address.sun_path, path_of (endpoint));
    CHECK_OK (bind (fd, (struct sockaddr *) &address, sizeof address));
    CHECK_OK (close (fd));
    CHECK (exists (endpoint));
    void *pull = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_OK (zmq_bind (pull, endpoint));
    expect_delivery (push, pull);
    FINISH (context, pull, push);
    scratch_remove ();
}

/*  The manual: a binding of another is overridden.  */
TEST (second_binding_takes_over)
{
    void *context = zmq_ctx_new ();
    void *first = open_socket (context, ZMQ_PULL);
    void *second = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    const char *endpoint = ipc_endpoint ("shared");
    CHECK_OK (zmq_bind (first, endpoint));
    CHECK_OK (zmq_bind (second, endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    send_text (push, "x", 0);
    EXPECT_TEXT (second, "x");
    CHECK (!shows (first, ZMQ_POLLIN));
    FINISH (context, first, second, push);
    scratch_remove ();
}

TEST (named_file_goes_away_on_close_and_unbind)
{
    void *context = zmq_ctx_new ();
    void *one = open_socket (context, ZMQ_PULL);
    void *two = open_socket (context, ZMQ_PULL);
    const char *closed = ipc_endpoint ("closed"), *unbound = ipc_endpoint ("unbound");
    CHECK_OK (zmq_bind (one, closed));
    CHECK_OK (zmq_bind (two, unbound));
    CHECK (exists (closed) && exists (unbound));
    CHECK_OK (zmq_unbind (two, unbound));
    FINISH (context, one, two);
    CHECK (!exists (closed));
    CHECK (!exists (unbound));
    scratch_remove ();
}

TEST (address_is_free_at_once_after_close)
{
    void *context = zmq_ctx_new ();
    const char *endpoint = ipc_endpoint ("again");
    for (int n = 0; n < 20; n++) {
        void *pull = open_socket (context, ZMQ_PULL);
        void *push = open_socket (context, ZMQ_PUSH);
        CHECK_OK (zmq_bind (pull, endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
        expect_delivery (push, pull);
        CHECK (exists (endpoint));
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_close (push));
    }
    CHECK_OK (zmq_ctx_term (context));
    CHECK (!exists (endpoint));
    scratch_remove ();
}

TEST (abstract_names)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    void *other = open_socket (context, ZMQ_PULL);
    void *push = open_socket (context, ZMQ_PUSH);
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "ipc://@capi-tests-%d", (int) getpid ());
    CHECK_STRING (bind_to (pull, endpoint), endpoint);
    CHECK (!exists (endpoint));
    CHECK_ERRNO (zmq_bind (other, endpoint), EADDRINUSE);
    CHECK_OK (zmq_connect (push, endpoint));
    expect_delivery (push, pull);
    /*  A plain peer sees the same name: a zero byte, then the name, no more.  */
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy (address.sun_path + 1, path_of (endpoint) + 1);
    CHECK_OK (connect (fd, (struct sockaddr *) &address,
                       offsetof (struct sockaddr_un, sun_path) + strlen (path_of (endpoint))));
    CHECK_OK (close (fd));
    CHECK_OK (zmq_unbind (pull, endpoint));
    FINISH (context, pull, other, push);
}

TEST (malformed_and_too_long)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    char path[300] = "ipc://";
    CHECK_ERRNO (zmq_bind (pull, "ipc://"), EINVAL);
    CHECK_ERRNO (zmq_connect (pull, "ipc://"), EINVAL);
    CHECK_ERRNO (zmq_bind (pull, "ipc://@"), EINVAL);
    CHECK_ERRNO (zmq_bind (pull, ipc_endpoint ("no/such/directory")), ENOENT);
    CHECK_OK (chdir (scratch_directory ()));
    memset (path + 6, 'x', 108);
    CHECK_ERRNO (zmq_bind (pull, path), ENAMETOOLONG);
    CHECK_ERRNO (zmq_connect (pull, path), ENAMETOOLONG);
    path[6] = '@';
    CHECK_ERRNO (zmq_bind (pull, path), ENAMETOOLONG);
    path[6] = 'x';
    path[6 + 107] = 0;
    void *push = open_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, path));
    CHECK_OK (zmq_connect (push, path));
    expect_delivery (push, pull);
    FINISH (context, pull, push);
    CHECK_OK (chdir ("/"));
    scratch_remove ();
}

/*  A directory where no file can be made.  */
TEST (unreachable_place)
{
    void *context = zmq_ctx_new ();
    void *pull = open_socket (context, ZMQ_PULL);
    const char *directory = ipc_endpoint ("directory");
    CHECK_OK (mkdir (path_of (directory), 0700));
    CHECK_ERRNO (zmq_bind (pull, directory), EADDRINUSE);
    CHECK_OK (rmdir (path_of (directory)));
    /*  Connecting to nothing is no error: somebody may come.  */
    CHECK_OK (zmq_connect (pull, ipc_endpoint ("nobody")));
    FINISH (context, pull);
    scratch_remove ();
}

TEST (between_processes)
{
    const char *endpoint = ipc_endpoint ("processes");
    pid_t child = fork ();
    if (child == 0) {
        void *context = zmq_ctx_new ();
        void *rep = open_socket (context, ZMQ_REP);
        CHECK_OK (zmq_bind (rep, endpoint));
        EXPECT_TEXT (rep, "question");
        set_int (rep, ZMQ_LINGER, -1);
        send_text (rep, "answer", 0);
        FINISH (context, rep);
        _exit (0);
    }
    void *context = zmq_ctx_new ();
    void *req = open_socket (context, ZMQ_REQ);
    set_int (req, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (zmq_connect (req, endpoint));
    send_text (req, "question", 0);
    EXPECT_TEXT (req, "answer");
    int status = -1;
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK_INT (status, 0);
    FINISH (context, req);
    scratch_remove ();
}

/*  A server that was killed and started again.  */
TEST (killed_server_comes_back)
{
    const char *endpoint = ipc_endpoint ("killed");
    void *context = NULL, *req = NULL;
    for (int life = 0; life < 3; life++) {
        pid_t child = fork ();
        if (child == 0) {
            void *own = zmq_ctx_new ();
            void *rep = open_socket (own, ZMQ_REP);
            CHECK_OK (zmq_bind (rep, endpoint));
            EXPECT_TEXT (rep, "question");
            send_text (rep, "answer", 0);
            for (;;)
                pause ();
        }
        if (!context) {
            context = zmq_ctx_new ();
            req = open_socket (context, ZMQ_REQ);
            set_int (req, ZMQ_RECONNECT_IVL, 10);
            CHECK_OK (zmq_connect (req, endpoint));
        }
        send_text (req, "question", 0);
        EXPECT_TEXT (req, "answer");
        CHECK_OK (kill (child, SIGKILL));
        CHECK_INT (waitpid (child, NULL, 0), child);
        sleep_ms (30);
    }
    FINISH (context, req);
    scratch_remove ();
}
