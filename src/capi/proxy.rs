//! Forwarding between sockets (zmq_proxy(3), zmq_proxy_steerable(3)).

use super::handle::{ffi_result, object};
use crate::error::{Error, Result};
use crate::socket::{Socket, proxy};
use std::ffi::{c_int, c_void};

/// Kind of device, deprecated: PULL to PUSH.
pub const ZMQ_STREAMER: c_int = 1;
/// Kind of device, deprecated: SUB to PUB.
pub const ZMQ_FORWARDER: c_int = 2;
/// Kind of device, deprecated: ROUTER to DEALER.
pub const ZMQ_QUEUE: c_int = 3;

/// Forwards messages between two sockets, both ways as their types allow, and sends a copy to
/// `capture` unless that is NULL (zmq_proxy(3)).
///
/// Returns only when it cannot go on: -1 with errno ETERM, EINTR, EFAULT (NULL) or ENOTSOCK.
///
/// # Safety
/// Each is NULL or a socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_proxy(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_proxy_steerable(frontend, backend, capture, std::ptr::null_mut()) }
}

/// As `zmq_proxy`, and takes the commands PAUSE, RESUME, TERMINATE and STATISTICS from `control`
/// unless that is NULL (zmq_proxy_steerable(3)).
///
/// Returns 0 after TERMINATE, or -1 with errno ETERM, EINTR, EFAULT (NULL), EINVAL (no command) or
/// ENOTSOCK.
///
/// # Safety
/// Each is NULL or a socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_proxy_steerable(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> c_int {
    ffi_result(|| {
        if frontend.is_null() || backend.is_null() {
            return Err(Error::BadAddress);
        }
        // SAFETY: the caller's promise.
        let (frontend, backend): (&Socket, &Socket) =
            unsafe { (object(frontend)?, object(backend)?) };
        // SAFETY: the caller's promise.
        let (control, capture) = unsafe { (optional(control)?, optional(capture)) };
        if capture.is_err() {
            // The others come first (observed).
            frontend.check()?;
            backend.check()?;
        }
        proxy(frontend, backend, capture?, control)
    })
}

/// The old name of `zmq_proxy`; the kind says nothing (observed).
///
/// Returns as `zmq_proxy`.
///
/// # Safety
/// Each socket is NULL or a socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_device(
    _type: c_int,
    frontend: *mut c_void,
    backend: *mut c_void,
) -> c_int {
    if frontend.is_null() != backend.is_null() {
        let there = if frontend.is_null() { backend } else { frontend };
        return ffi_result(|| {
            // SAFETY: the caller's promise.
            unsafe { object::<Socket>(there) }?.check()?;
            Err::<(), _>(Error::BadAddress)
        });
    }
    // SAFETY: the caller's promise.
    unsafe { zmq_proxy(frontend, backend, std::ptr::null_mut()) }
}

/// # Safety
/// `raw` is NULL or a socket handle, also a closed one.
unsafe fn optional(raw: *mut c_void) -> Result<Option<&'static Socket>> {
    if raw.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { object(raw) }.map(Some)
}
