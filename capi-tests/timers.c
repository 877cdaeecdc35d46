/*  Timers that the program runs itself.  */
#include "harness.h"

/*  What the handlers saw, in order.  */
static struct {
    int id;
    void *argument;
} fired[100];
static int fired_count;
static void *current_timers;

static void on_timer (int id, void *argument)
{
    CHECK (fired_count < 100);
    fired[fired_count].id = id;
    fired[fired_count++].argument = argument;
}

/*  Sleeps until the next timer is due, as a program with timers does.  */
static void sleep_until_due (void *timers)
{
    long timeout = zmq_timers_timeout (timers);
    CHECK (timeout >= 0 && timeout < PATIENCE_MS);
    sleep_ms ((int) timeout);
    //  The clock of the library may be coarser than the sleep.
    while (zmq_timers_timeout (timers) > 0)
        sleep_ms (1);
}

TEST (timers_new_and_destroy_set_the_pointer_to_null)
{
    void *timers = zmq_timers_new ();
    CHECK (timers != NULL);
    CHECK_OK (zmq_timers_destroy (&timers));
    CHECK (timers == NULL);
    CHECK_ERRNO (zmq_timers_destroy (&timers), EFAULT);
}

TEST (null_timers_are_efault_everywhere)
{
    CHECK_ERRNO (zmq_timers_add (NULL, 10, on_timer, NULL), EFAULT);
    CHECK_ERRNO (zmq_timers_cancel (NULL, 1), EFAULT);
    CHECK_ERRNO (zmq_timers_set_interval (NULL, 1, 10), EFAULT);
    CHECK_ERRNO (zmq_timers_reset (NULL, 1), EFAULT);
    CHECK_ERRNO (zmq_timers_timeout (NULL), EFAULT);
    CHECK_ERRNO (zmq_timers_execute (NULL), EFAULT);
}

TEST (a_context_or_zeroed_memory_as_timers_is_efault)
{
    static long memory[64];
    void *zeroed = memory;
    void *context = zmq_ctx_new (), *handle = context;
    CHECK_ERRNO (zmq_timers_execute (zeroed), EFAULT);
    CHECK_ERRNO (zmq_timers_destroy (&zeroed), EFAULT);
    CHECK_ERRNO (zmq_timers_execute (context), EFAULT);
    CHECK_ERRNO (zmq_timers_destroy (&handle), EFAULT);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (timers_add_without_a_handler_is_efault)
{
    void *timers = zmq_timers_new ();
    CHECK_ERRNO (zmq_timers_add (timers, 10, NULL, NULL), EFAULT);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (timers_without_a_timer_have_no_timeout_and_execute_nothing)
{
    void *timers = zmq_timers_new ();
    errno = 0;
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (timers_add_returns_different_positive_ids)
{
    void *timers = zmq_timers_new ();
    int one = zmq_timers_add (timers, 1000, on_timer, NULL);
    int two = zmq_timers_add (timers, 1000, on_timer, NULL);
    int three = zmq_timers_add (timers, 5, on_timer, NULL);
    CHECK (one > 0 && two > 0 && three > 0);
    CHECK (one != two && two != three && one != three);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (ids_of_cancelled_timers_are_not_given_again)
{
    void *timers = zmq_timers_new ();
    int one = zmq_timers_add (timers, 1000, on_timer, NULL);
    CHECK_OK (zmq_timers_cancel (timers, one));
    CHECK (zmq_timers_add (timers, 1000, on_timer, NULL) != one);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (timers_timeout_is_the_time_to_the_nearest_timer)
{
    void *timers = zmq_timers_new ();
    zmq_timers_add (timers, 60000, on_timer, NULL);
    long timeout = zmq_timers_timeout (timers);
    CHECK (timeout > 50000 && timeout <= 60000);
    zmq_timers_add (timers, 30000, on_timer, NULL);
    timeout = zmq_timers_timeout (timers);
    CHECK (timeout > 20000 && timeout <= 30000);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_timer_does_not_fire_before_its_time)
{
    void *timers = zmq_timers_new ();
    int64_t start = now_ms ();
    zmq_timers_add (timers, 60, on_timer, NULL);
    while (fired_count == 0 && now_ms () - start < PATIENCE_MS) {
        CHECK_OK (zmq_timers_execute (timers));
        sleep_ms (1);
    }
    CHECK_INT (fired_count, 1);
    CHECK (now_ms () - start >= 59);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_handler_gets_its_id_and_argument_and_is_called_again_every_interval)
{
    void *timers = zmq_timers_new ();
    int argument;
    int id = zmq_timers_add (timers, 10, on_timer, &argument);
    for (int i = 1; i <= 3; i++) {
        sleep_until_due (timers);
        CHECK_OK (zmq_timers_execute (timers));
        CHECK_INT (fired_count, i);
        CHECK_INT (fired[i - 1].id, id);
        CHECK (fired[i - 1].argument == &argument);
    }
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_timer_that_is_late_by_several_intervals_fires_once)
{
    void *timers = zmq_timers_new ();
    zmq_timers_add (timers, 10, on_timer, NULL);
    sleep_ms (55);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    long timeout = zmq_timers_timeout (timers);
    CHECK (timeout >= 0 && timeout <= 10);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (expired_timers_fire_in_the_order_of_their_times)
{
    void *timers = zmq_timers_new ();
    int third = zmq_timers_add (timers, 45, on_timer, NULL);
    int first = zmq_timers_add (timers, 15, on_timer, NULL);
    int second = zmq_timers_add (timers, 30, on_timer, NULL);
    sleep_ms (60);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK (fired_count >= 3);
    CHECK_INT (fired[0].id, first);
    CHECK_INT (fired[1].id, second);
    CHECK_INT (fired[2].id, third);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (expired_timers_fire_and_others_do_not)
{
    void *timers = zmq_timers_new ();
    zmq_timers_add (timers, 60000, on_timer, NULL);
    int soon = zmq_timers_add (timers, 10, on_timer, NULL);
    sleep_until_due (timers);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    CHECK_INT (fired[0].id, soon);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_cancelled_timer_does_not_fire)
{
    void *timers = zmq_timers_new ();
    int id = zmq_timers_add (timers, 10, on_timer, NULL);
    CHECK_OK (zmq_timers_cancel (timers, id));
    CHECK_INT (zmq_timers_timeout (timers), -1);
    sleep_ms (20);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 0);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (unknown_or_cancelled_ids_are_einval)
{
    void *timers = zmq_timers_new ();
    int id = zmq_timers_add (timers, 10, on_timer, NULL);
    CHECK_ERRNO (zmq_timers_cancel (timers, id + 1), EINVAL);
    CHECK_ERRNO (zmq_timers_cancel (timers, 0), EINVAL);
    CHECK_ERRNO (zmq_timers_cancel (timers, -1), EINVAL);
    CHECK_ERRNO (zmq_timers_set_interval (timers, id + 1, 10), EINVAL);
    CHECK_ERRNO (zmq_timers_reset (timers, id + 1), EINVAL);
    CHECK_OK (zmq_timers_cancel (timers, id));
    CHECK_ERRNO (zmq_timers_cancel (timers, id), EINVAL);
    //  Looking for the next timer is what drops the cancelled ones.
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_ERRNO (zmq_timers_set_interval (timers, id, 10), EINVAL);
    CHECK_ERRNO (zmq_timers_reset (timers, id), EINVAL);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_cancelled_id_is_einval_from_the_moment_of_its_cancelling)
{
    void *timers = zmq_timers_new ();
    int id = zmq_timers_add (timers, 10, on_timer, NULL);
    CHECK_OK (zmq_timers_cancel (timers, id));
    CHECK_ERRNO (zmq_timers_set_interval (timers, id, 10), EINVAL);
    CHECK_ERRNO (zmq_timers_reset (timers, id), EINVAL);
    CHECK_ERRNO (zmq_timers_cancel (timers, id), EINVAL);
    sleep_ms (15);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 0);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (set_interval_restarts_the_timer_with_the_new_interval)
{
    void *timers = zmq_timers_new ();
    int id = zmq_timers_add (timers, 10, on_timer, NULL);
    CHECK_OK (zmq_timers_set_interval (timers, id, 60000));
    CHECK (zmq_timers_timeout (timers) > 50000);
    sleep_ms (20);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 0);
    CHECK_OK (zmq_timers_set_interval (timers, id, 10));
    sleep_until_due (timers);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    CHECK (zmq_timers_timeout (timers) <= 10);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (reset_restarts_the_interval)
{
    void *timers = zmq_timers_new ();
    int id = zmq_timers_add (timers, 1000, on_timer, NULL);
    sleep_ms (300);
    CHECK (zmq_timers_timeout (timers) <= 700);
    CHECK_OK (zmq_timers_reset (timers, id));
    CHECK (zmq_timers_timeout (timers) > 800);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 0);
    CHECK_OK (zmq_timers_destroy (&timers));
}

static void cancel_itself (int id, void *argument)
{
    on_timer (id, argument);
    CHECK_OK (zmq_timers_cancel (current_timers, id));
}

TEST (a_handler_may_cancel_its_own_timer)
{
    void *timers = current_timers = zmq_timers_new ();
    zmq_timers_add (timers, 10, cancel_itself, NULL);
    sleep_until_due (timers);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    //  It is gone for good, at the latest after the next execute.
    sleep_ms (25);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_OK (zmq_timers_destroy (&timers));
}

static void add_another (int id, void *argument)
{
    on_timer (id, argument);
    CHECK (zmq_timers_add (current_timers, 60000, on_timer, NULL) > 0);
    CHECK_OK (zmq_timers_cancel (current_timers, id));
}

TEST (a_handler_may_add_a_timer)
{
    void *timers = current_timers = zmq_timers_new ();
    zmq_timers_add (timers, 10, add_another, NULL);
    sleep_until_due (timers);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    sleep_ms (15);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    CHECK (zmq_timers_timeout (timers) > 50000);
    CHECK_OK (zmq_timers_destroy (&timers));
}

static int other_id;

static void cancel_the_other (int id, void *argument)
{
    on_timer (id, argument);
    zmq_timers_cancel (current_timers, other_id);
}

TEST (a_handler_may_cancel_a_timer_that_is_due_later)
{
    void *timers = current_timers = zmq_timers_new ();
    int first = zmq_timers_add (timers, 10, cancel_the_other, NULL);
    other_id = zmq_timers_add (timers, 60000, on_timer, NULL);
    sleep_until_due (timers);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    CHECK_INT (fired[0].id, first);
    CHECK_ERRNO (zmq_timers_cancel (timers, other_id), EINVAL);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (instances_of_timers_are_independent)
{
    void *one = zmq_timers_new (), *two = zmq_timers_new ();
    zmq_timers_add (one, 10, on_timer, NULL);
    CHECK_INT (zmq_timers_timeout (two), -1);
    sleep_until_due (one);
    CHECK_OK (zmq_timers_execute (two));
    CHECK_INT (fired_count, 0);
    CHECK_OK (zmq_timers_destroy (&two));
    CHECK_OK (zmq_timers_execute (one));
    CHECK_INT (fired_count, 1);
    CHECK_OK (zmq_timers_destroy (&one));
}

TEST (many_timers_each_fire_once_an_interval)
{
    void *timers = zmq_timers_new ();
    static int arguments[60];
    for (int i = 0; i < 60; i++)
        CHECK (zmq_timers_add (timers, 1000 - (size_t) i, on_timer, &arguments[i]) > 0);
    sleep_ms (1010);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 60);
    for (int i = 0; i < 60; i++)
        CHECK (fired[i].argument == &arguments[59 - i]);
    CHECK_OK (zmq_timers_destroy (&timers));
}

/*  Each of these is called by a timer of 10 ms.  */
static void reset_itself (int id, void *argument)
{
    on_timer (id, argument);
    CHECK_OK (zmq_timers_reset (current_timers, id));
}

static void slow_itself_down (int id, void *argument)
{
    on_timer (id, argument);
    CHECK_OK (zmq_timers_set_interval (current_timers, id, 5000));
}

static void ask_for_the_timeout (int id, void *argument)
{
    on_timer (id, argument);
    CHECK (zmq_timers_timeout (current_timers) >= 0);
}

static void expect_one_call (zmq_timer_fn *handler, long least_timeout)
{
    void *timers = current_timers = zmq_timers_new ();
    CHECK (zmq_timers_add (timers, 10, handler, NULL) > 0);
    sleep_until_due (timers);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (fired_count, 1);
    CHECK (zmq_timers_timeout (timers) >= least_timeout);
    CHECK_OK (zmq_timers_destroy (&timers));
}

TEST (a_handler_may_reset_its_own_timer) { expect_one_call (reset_itself, 5); }

TEST (a_handler_may_change_its_own_interval) { expect_one_call (slow_itself_down, 4900); }

TEST (a_handler_may_ask_for_the_timeout) { expect_one_call (ask_for_the_timeout, 0); }
