//! Timers that the application runs itself (zmq_timers(3)).
//!
//! A set of timers may be used by several threads, and its functions may be called from a
//! handler, `zmq_timers_destroy` included. A destroyed set is answered with EFAULT.

use super::handle::{Object, Pool, answer_pointer, close, ffi_result, object, open};
use crate::error::Error;
use crate::sync::ForkMutex;
use crate::utility::Timers;
use std::collections::VecDeque;
use std::ffi::{c_int, c_long, c_void};
use std::time::{Duration, Instant};

/// What a timer calls: its number, and the argument that it was added with.
type TimerFunction = unsafe extern "C" fn(timer_id: c_int, arg: *mut c_void);

/// C's `zmq_timer_fn *`.
pub type zmq_timer_fn_pointer = Option<TimerFunction>;

/// The function of a timer and its argument.
#[derive(Clone, Copy)]
struct Handler {
    function: TimerFunction,
    argument: *mut c_void,
}

// SAFETY: the argument is only passed on, on the thread that executes the timers.
unsafe impl Send for Handler {}

/// A set of timers.
type TimerSet = Timers<Handler>;

// SAFETY: nothing else has this tag.
unsafe impl Object for TimerSet {
    const TAG: u32 = 0x7AE1_3E25;
    const INVALID: Error = Error::BadAddress;
    const RESTING: usize = 0;

    fn closed() -> Self {
        Self::new()
    }

    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<TimerSet> = ForkMutex::for_static(VecDeque::new());
        &POOL
    }
}

/// Makes an empty set of timers (zmq_timers(3)).
///
/// Returns its handle, or NULL with errno ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_new() -> *mut c_void {
    answer_pointer(|| open(|_: &'static TimerSet| Ok(())))
}

/// Destroys the set of timers at `*timers_p` and sets that to NULL (zmq_timers(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a set of timers).
///
/// # Safety
/// `timers_p` is NULL or points at a handle that `zmq_timers_new` gave, also a destroyed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_destroy(timers_p: *mut *mut c_void) -> c_int {
    ffi_result(|| {
        if timers_p.is_null() || !timers_p.is_aligned() {
            return Err(Error::BadAddress);
        }
        // SAFETY: the caller's promise.
        unsafe { close(timers_p.read(), TimerSet::clear) }?;
        // SAFETY: writable (caller).
        unsafe { timers_p.write(std::ptr::null_mut()) };
        Ok(())
    })
}

/// Adds a timer that calls `handler(timer_id, arg)` every `interval` milliseconds (zmq_timers(3)).
///
/// Returns the number of the timer, or -1 with errno EFAULT (not a set of timers, or NULL).
///
/// # Safety
/// `timers` is NULL or a handle that `zmq_timers_new` gave, also a destroyed one; `handler` may be
/// called with `arg` by `zmq_timers_execute`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_add(
    timers: *mut c_void,
    interval: usize,
    handler: zmq_timer_fn_pointer,
    arg: *mut c_void,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let set = unsafe { object::<TimerSet>(timers) }?;
        let function = handler.ok_or(Error::BadAddress)?;
        Ok(set.add(Instant::now(), milliseconds(interval), Handler { function, argument: arg }))
    })
}

/// Removes a timer (zmq_timers(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a set of timers) or EINVAL (no such timer).
///
/// # Safety
/// `timers` is NULL or a handle that `zmq_timers_new` gave, also a destroyed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_cancel(timers: *mut c_void, timer_id: c_int) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<TimerSet>(timers) }?.cancel(timer_id))
}

/// Changes the interval of a timer, in milliseconds, counting from now (zmq_timers(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a set of timers) or EINVAL (no such timer).
///
/// # Safety
/// As `zmq_timers_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_set_interval(
    timers: *mut c_void,
    timer_id: c_int,
    interval: usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let set = unsafe { object::<TimerSet>(timers) }?;
        set.set_interval(Instant::now(), timer_id, milliseconds(interval))
    })
}

/// Makes a timer count from now (zmq_timers(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a set of timers) or EINVAL (no such timer).
///
/// # Safety
/// As `zmq_timers_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_reset(timers: *mut c_void, timer_id: c_int) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<TimerSet>(timers) }?.reset(Instant::now(), timer_id))
}

/// Milliseconds until the next timer is due, 0 if one is (zmq_timers(3)).
///
/// Returns -1 if there is no timer, and -1 with errno EFAULT if it is not a set of timers.
///
/// # Safety
/// As `zmq_timers_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_timeout(timers: *mut c_void) -> c_long {
    // SAFETY: the caller's promise.
    match unsafe { object::<TimerSet>(timers) } {
        Ok(set) => set.timeout(Instant::now()).map_or(-1, |left| {
            // Rounded up, so that who sleeps that long finds the timer due.
            let left = left.as_nanos().div_ceil(1_000_000);
            c_long::try_from(left).unwrap_or(c_long::MAX)
        }),
        Err(error) => c_long::from(ffi_result(|| Err::<(), _>(error))),
    }
}

/// Calls the handlers of the timers that are due, each once (zmq_timers(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a set of timers).
///
/// # Safety
/// As `zmq_timers_cancel`; the handlers keep their promises.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_execute(timers: *mut c_void) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let set = unsafe { object::<TimerSet>(timers) }?;
        set.execute(Instant::now(), |timer_id, Handler { function, argument }| {
            // SAFETY: promised when the timer was added.
            unsafe { function(timer_id, argument) };
        });
        Ok(())
    })
}

fn milliseconds(number: usize) -> Duration {
    Duration::from_millis(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    /// Destroys the set of timers that runs it.
    unsafe extern "C" fn destroy(_: c_int, set: *mut c_void) {
        // SAFETY: the test passes the place of the handle.
        assert_eq!(unsafe { zmq_timers_destroy(set.cast()) }, 0);
    }

    #[test]
    fn a_handler_may_destroy_its_set_and_later_calls_are_refused() {
        let mut set = zmq_timers_new();
        let destroyed = set;
        // SAFETY: `set` outlives the timers, and sets are never freed.
        unsafe {
            assert_eq!(zmq_timers_add(set, 0, Some(destroy), (&raw mut set).cast()), 1);
            assert_eq!(zmq_timers_add(set, 0, Some(destroy), ptr::null_mut()), 2);
            assert_eq!(zmq_timers_execute(set), 0);
            assert!(set.is_null());
            // Another test may have got the set meanwhile; it never has a second timer.
            assert_eq!(zmq_timers_cancel(destroyed, 2), -1);
            assert_eq!(zmq_timers_add(ptr::null_mut(), 1, Some(destroy), ptr::null_mut()), -1);
            assert_eq!(zmq_timers_timeout(ptr::null_mut()), -1);
        }
    }
}
