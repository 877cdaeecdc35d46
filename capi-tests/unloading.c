/*  Contexts of a library that is unloaded, as czmq ends its own where rsyslog unloads its modules: its destructor
 *  runs with the lock of the loader held, so no thread that zmq_ctx_term waits for may need that lock.
 *
 *  The tests build such a library, which calls functions of the test when it is loaded and unloaded.  */
#include "peers.h"
#include <dlfcn.h>

static void *context;
static bool ended;

/*  It is told the addresses of the functions.  */
static const char plugin_text[] =
  "#include <stdlib.h>\n"
  "static void call (const char *name)\n"
  "{\n"
  "    void (*function) (void) = (void (*) (void)) strtoull (getenv (name), NULL, 16);\n"
  "    if (function) function ();\n"
  "}\n"
  "__attribute__ ((constructor)) static void begin (void) { call (\"WHEN_LOADED\"); }\n"
  "__attribute__ ((destructor)) static void end (void) { call (\"WHEN_UNLOADED\"); }\n";

static void nothing (void)
{
}

static void name_function (const char *name, void (*function) (void))
{
    char address[32];
    snprintf (address, sizeof address, "%llx", (unsigned long long) (uintptr_t) function);
    setenv (name, address, 1);
}

/*  Loads and unloads the library; it calls these functions.  */
static void load_and_unload (void (*when_loaded) (void), void (*when_unloaded) (void))
{
    FILE *file = fopen ("plugin.c", "w");
    CHECK (file && fputs (plugin_text, file) >= 0 && fclose (file) == 0);
    CHECK_OK (system ("${CC:-cc} -shared -fPIC plugin.c -o plugin.so"));
    name_function ("WHEN_LOADED", when_loaded);
    name_function ("WHEN_UNLOADED", when_unloaded);
    void *plugin = dlopen ("./plugin.so", RTLD_NOW);
    CHECK (plugin != NULL);
    CHECK_OK (dlclose (plugin));
}

/*  Messages over tcp: both for the caller and for the I/O thread, which writes what is left at the end.  */
static void exchange (void)
{
    void *server = open_socket (context, ZMQ_PAIR), *client = open_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_connect (client, bind_to (server, "tcp://127.0.0.1:*")));
    set_int (client, ZMQ_LINGER, PATIENCE_MS);
    send_text (client, "hello", 0);
    EXPECT_PART (server, "hello", false);
    for (int n = 0; n < 100; n++)
        send_text (client, "hello", 0);
    CHECK_OK (zmq_close (client));
    for (int n = 0; n < 100; n++)
        EXPECT_PART (server, "hello", false);
    CHECK_OK (zmq_close (server));
}

static void end_it (void)
{
    exchange ();
    CHECK_OK (zmq_ctx_term (context));
    ended = true;
}

static void begin_and_end (void)
{
    context = zmq_ctx_new ();
    end_it ();
}

/*  The I/O thread exists, and has had nothing to do.  */
static void begin_idle (void)
{
    context = zmq_ctx_new ();
    CHECK_OK (zmq_close (open_socket (context, ZMQ_PAIR)));
}

TEST (a_context_is_ended_by_a_library_that_is_unloaded)
{
    load_and_unload (begin_idle, end_it);
    CHECK (ended);
}

TEST (a_context_lives_within_the_unloading_of_a_library)
{
    load_and_unload (nothing, begin_and_end);
    CHECK (ended);
}

TEST (a_context_lives_within_the_loading_of_a_library)
{
    load_and_unload (begin_and_end, nothing);
    CHECK (ended);
}
