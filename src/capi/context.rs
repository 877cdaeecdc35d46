//! Contexts (zmq_ctx_new(3), zmq_ctx_set(3), zmq_ctx_get(3), zmq_ctx_shutdown(3), zmq_ctx_term(3)).

use super::handle::{answer_pointer, close_if, ffi_result, object, open};
use crate::context::Context;
use crate::error::Error;
use crate::numbers::ZMQ_IO_THREADS;
use std::ffi::{c_int, c_void};

/// Makes a context (zmq_ctx_new(3)).
///
/// Returns its handle, or NULL with errno ENOMEM or EMFILE.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_new() -> *mut c_void {
    answer_pointer(|| {
        open(|context: &'static Context| {
            context.open();
            Ok(())
        })
    })
}

/// Ends a context: waits until its sockets are closed and what lingers is out or timed out
/// (zmq_ctx_term(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a context) or EINTR (call again).
///
/// # Safety
/// `context` is NULL or a handle that `zmq_ctx_new` or `zmq_init` gave, also one that has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_term(context: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { close_if(context, Context::terminate) })
}

/// Makes the blocked and later calls on the context's sockets fail with ETERM; closing them is
/// all that is left (zmq_ctx_shutdown(3)).
///
/// Returns 0, or -1 with errno EFAULT.
///
/// # Safety
/// As `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_shutdown(context: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Context>(context) }?.shutdown())
}

/// Sets a context option (zmq_ctx_set(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a context) or EINVAL (option or value).
///
/// # Safety
/// As `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_set(context: *mut c_void, option: c_int, optval: c_int) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Context>(context) }?.set(option, optval))
}

/// Reads a context option (zmq_ctx_get(3)).
///
/// Returns the value, or -1 with errno EFAULT (not a context) or EINVAL (unknown option).
///
/// # Safety
/// As `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_get(context: *mut c_void, option: c_int) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Context>(context) }?.get(option))
}

/// Makes a context with this many I/O threads (zmq_init(3); zmq_ctx_new(3) is its successor).
///
/// Returns its handle, or NULL with errno EINVAL (negative number), ENOMEM or EMFILE.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_init(io_threads: c_int) -> *mut c_void {
    answer_pointer(|| {
        if io_threads < 0 {
            return Err(Error::InvalidArgument);
        }
        open(|context: &'static Context| {
            context.open();
            context.set(ZMQ_IO_THREADS, io_threads).inspect_err(|_| {
                // Nothing was opened, so that there is nothing to wait for.
                let _ = context.terminate();
            })
        })
    })
}

/// The old name of `zmq_ctx_term` (zmq_term(3)).
///
/// # Safety
/// As `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_term(context: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_ctx_term(context) }
}

/// Another old name of `zmq_ctx_term` (zmq_ctx_destroy(3)).
///
/// # Safety
/// As `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_destroy(context: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_ctx_term(context) }
}
