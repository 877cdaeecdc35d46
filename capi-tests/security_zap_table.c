/*  Which peers are let in: each mechanism, with and without ZMQ_ZAP_DOMAIN and
 *  ZMQ_ZAP_ENFORCE_DOMAIN, beside handlers of every kind.  Where a handler is
 *  asked, nothing but its 200 lets a peer in, whatever becomes of it.
 */
#include "mechanisms.h"

/*  MISSING: nobody is bound to the handler's name.  LATE: it comes when the first
 *  handshake is over.  DYING: it closes its socket during the dialogue.  SILENT: it
 *  answers nothing.  CONFUSED: what it answers is no reply of ZAP.  */
typedef enum handler_kind { missing, ready, late, dying, silent, confused } handler_kind;

/*  LATER: not before there is a handler.  */
typedef enum outcome { OUT, IN, LATER } outcome;

/*  The end of the server's next connection, or of its handshake.  */
static int next_outcome (pair *pair)
{
    uint32_t value;
    return next_event (pair->server_monitor, HANDSHAKE_EVENTS | ZMQ_EVENT_DISCONNECTED, &value);
}

static void expect (mechanism mechanism, int domain, int enforced, handler_kind kind,
                    outcome outcome)
{
    static const zap_answer answers[] = {
      [ready] = {.status = "200"}, [late] = {.status = "200"}, [dying] = {.parts = 1},
      [silent] = {.status = NULL}, [confused] = {.status = "200", .version = "3.0"},
    };
    pair pair = open_pair ();
    zap_handler handler = {0};
    if (kind != missing && kind != late)
        zap_start (&handler, pair.context, answers[kind]);
    secure (pair.server, pair.client, mechanism);
    if (domain)
        set_text (pair.server, ZMQ_ZAP_DOMAIN, "global");
    set_int (pair.server, ZMQ_ZAP_ENFORCE_DOMAIN, enforced);
    /*  libzmq leaves a peer that cannot be let in waiting for that long, mostly.  */
    if (kind == dying || kind == silent || outcome == LATER)
        set_int (pair.server, ZMQ_HANDSHAKE_IVL, 150);
    if (outcome == LATER)
        set_int (pair.client, ZMQ_RECONNECT_IVL, 20);
    meet (&pair, "tcp");
    if (outcome == LATER) {
        CHECK (next_outcome (&pair) != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        zap_start (&handler, pair.context, answers[kind]);
        while (next_outcome (&pair) != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            ;
    } else
        CHECK_INT (next_outcome (&pair) == ZMQ_EVENT_HANDSHAKE_SUCCEEDED, outcome == IN);
    if (outcome != OUT)
        expect_exchange (&pair);
    else {
        char byte;
        (void) zmq_send (pair.client, "x", 1, ZMQ_DONTWAIT);
        CHECK_ERRNO (zmq_recv (pair.server, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    }
    if (handler.context)
        zap_stop (&handler);
    close_pair (&pair);
}

#define CELL(MECHANISM, DOMAIN, ENFORCED, KIND, OUTCOME)                      \
    TEST (MECHANISM##_##DOMAIN##_##ENFORCED##_handler_##KIND)                 \
    {                                                                         \
        expect (MECHANISM, DOMAIN, ENFORCED, KIND, OUTCOME);                  \
    }
#define ROW(MECHANISM, DOMAIN, ENFORCED, MISSING, READY, LATE, DYING, SILENT, CONFUSED) \
    CELL (MECHANISM, DOMAIN, ENFORCED, missing, MISSING)                        \
    CELL (MECHANISM, DOMAIN, ENFORCED, ready, READY)                          \
    CELL (MECHANISM, DOMAIN, ENFORCED, late, LATE)                            \
    CELL (MECHANISM, DOMAIN, ENFORCED, dying, DYING)                          \
    CELL (MECHANISM, DOMAIN, ENFORCED, silent, SILENT)                        \
    CELL (MECHANISM, DOMAIN, ENFORCED, confused, CONFUSED)

enum { no_domain, domain };
enum { lax, enforced };

/*  handler:                    missing ready late dying silent confused  */
ROW (null, no_domain, lax,      IN,    IN,   IN,    IN,  IN,  IN)
ROW (null, no_domain, enforced, IN,    IN,   IN,    IN,  IN,  IN)
ROW (null, domain, lax,         IN,    IN,   IN,    OUT, OUT, OUT)
ROW (null, domain, enforced,    OUT,   IN,   LATER, OUT, OUT, OUT)
ROW (plain, no_domain, lax,     OUT,   IN,   LATER, OUT, OUT, OUT)
ROW (plain, domain, lax,        OUT,   IN,   LATER, OUT, OUT, OUT)
ROW (plain, domain, enforced,   OUT,   IN,   LATER, OUT, OUT, OUT)
ROW (curve, no_domain, lax,     IN,    IN,   IN,    OUT, OUT, OUT)
ROW (curve, no_domain, enforced, IN,   IN,   IN,    IN,  IN,  IN)
ROW (curve, domain, lax,        IN,    IN,   IN,    OUT, OUT, OUT)
ROW (curve, domain, enforced,   OUT,   IN,   LATER, OUT, OUT, OUT)
