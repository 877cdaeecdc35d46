//! Options of contexts of any type (zmq_ctx_set_ext(3), zmq_ctx_get_ext(3)).

use crate::capi::handle::{bytes, ffi_result, object};
use crate::context::Context;
use crate::error::Error;
use crate::numbers::ZMQ_LIBRARY;
use std::ffi::{c_int, c_void};

/// Sets a context option (zmq_ctx_set_ext(3)): to an `int`, or ZMQ_THREAD_NAME_PREFIX to a text of 1 to
/// 16 bytes; four bytes are an `int`.
///
/// Returns 0, or -1 with errno EFAULT (not a context) or EINVAL (option, size or value).
///
/// # Safety
/// As `zmq_ctx_term`; `optval` is NULL or points at `optvallen` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_set_ext(
    context: *mut c_void,
    option: c_int,
    optval: *const c_void,
    optvallen: usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let context = unsafe { object::<Context>(context) }?;
        // SAFETY: the caller's promise.
        let value = unsafe { bytes(optval, optvallen) }.map_err(|_| Error::InvalidArgument)?;
        context.set_value(option, value)
    })
}

/// Reads a context option (zmq_ctx_get_ext(3)): an `int` into a buffer of exactly its size,
/// ZMQ_THREAD_NAME_PREFIX into one that is large enough, without a NUL at its end. `*optvallen` stays as
/// it is (observed), but for ZMQ_LIBRARY.
///
/// Returns 0, or -1 with errno EFAULT (not a context) or EINVAL (option, NULL, or size of the buffer).
///
/// # Safety
/// As `zmq_ctx_term`; `optvallen` is NULL or a size, `optval` is NULL or `*optvallen` bytes are writable
/// there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_get_ext(
    context: *mut c_void,
    option: c_int,
    optval: *mut c_void,
    optvallen: *mut usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let context = unsafe { object::<Context>(context) }?;
        if optval.is_null() || optvallen.is_null() || !optvallen.is_aligned() {
            return Err(Error::InvalidArgument);
        }
        // SAFETY: a size (caller).
        let value = context.value(option, unsafe { optvallen.read() })?;
        // SAFETY: not more than so many bytes, which are writable (caller).
        unsafe { optval.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len()) };
        if option == ZMQ_LIBRARY {
            // SAFETY: writable (caller).
            unsafe { optvallen.write(value.len()) };
        }
        Ok(())
    })
}
