//! Waiting with a signal mask (zmq_ppoll(3)).

use crate::capi::handle::ffi_result;
use crate::capi::poll::{poll_items, zmq_pollitem_t};
use crate::error::Error;
use std::ffi::{c_int, c_long, c_void};

/// As `zmq_poll`, with the signal mask at `sigmask` while it waits, set and restored as by ppoll(2)
/// (zmq_ppoll(3)). NULL leaves the mask as it is.
///
/// Returns how many items have events, or -1 with errno as `zmq_poll`; EINTR also where a signal that
/// waited for the mask was handled, and EFAULT for a mask that is not aligned.
///
/// # Safety
/// As `zmq_poll`; `sigmask` is NULL or points at a `sigset_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ppoll(
    items: *mut zmq_pollitem_t,
    nitems: c_int,
    timeout: c_long,
    sigmask: *const c_void,
) -> c_int {
    ffi_result(|| {
        let mask = sigmask.cast::<libc::sigset_t>();
        if !mask.is_aligned() {
            return Err(Error::BadAddress);
        }
        // SAFETY: the caller's promise.
        unsafe { poll_items(items, nitems, timeout, mask.as_ref()) }
    })
}
