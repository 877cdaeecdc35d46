//! Atomic counters (the manual pages zmq_atomic_counter_*(3)).
//!
//! They are made for reference counts in bindings: each call is one atomic operation. A NULL
//! counter reads 0 and ignores the rest.

use super::handle::{answer_pointer, from_raw, into_raw};
use crate::utility::Counter;
use std::ffi::{c_int, c_void};

/// Makes a counter that is 0 (zmq_atomic_counter_new(3)).
///
/// Returns its handle, or NULL with errno ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_new() -> *mut c_void {
    answer_pointer(|| into_raw(Counter::default())).cast()
}

/// Sets a counter (zmq_atomic_counter_set(3)).
///
/// # Safety
/// `counter` is NULL or a counter that was not destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_set(counter: *mut c_void, value: c_int) {
    // SAFETY: the caller's promise.
    if let Some(counter) = unsafe { counter_at(counter) } {
        counter.set(value);
    }
}

/// Adds 1 to a counter and returns what it was before (zmq_atomic_counter_inc(3)).
///
/// # Safety
/// As `zmq_atomic_counter_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_inc(counter: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { counter_at(counter) }.map_or(0, Counter::increment)
}

/// Takes 1 from a counter and returns 0 if it is 0 now, else 1 (zmq_atomic_counter_dec(3)).
///
/// # Safety
/// As `zmq_atomic_counter_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_dec(counter: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { counter_at(counter) }.map_or(0, |counter| c_int::from(counter.decrement() != 0))
}

/// The value of a counter (zmq_atomic_counter_value(3)).
///
/// # Safety
/// As `zmq_atomic_counter_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_value(counter: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { counter_at(counter) }.map_or(0, Counter::value)
}

/// Destroys the counter at `*counter_p` and sets that to NULL (zmq_atomic_counter_destroy(3)).
///
/// # Safety
/// `counter_p` is NULL or points at NULL or at a counter that was not destroyed and that nobody
/// uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_destroy(counter_p: *mut *mut c_void) {
    if counter_p.is_null() || !counter_p.is_aligned() {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { from_raw::<Counter>(counter_p.replace(std::ptr::null_mut()).cast()) };
}

/// # Safety
/// `raw` is NULL or a counter that was not destroyed.
#[inline(always)]
unsafe fn counter_at<'a>(raw: *mut c_void) -> Option<&'a Counter> {
    // SAFETY: the caller's promise; counters are only changed atomically.
    unsafe { raw.cast::<Counter>().as_ref() }
}
