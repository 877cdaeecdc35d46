//! Socket types that threads share, and what belongs to them: groups, and peers by their numbers.

use crate::capi::errno;
use crate::capi::handle::{bytes, ffi_result, object};
use crate::capi::socket::endpoint_for;
use crate::error::{Error, Result};
use crate::socket::Socket;
use std::ffi::{CStr, c_char, c_int, c_void};

/// Has a ZMQ_DISH receive the messages of a group (zmq_join(3)).
///
/// Returns 0, or -1 with errno EINVAL (joined already, more than ZMQ_GROUP_MAX_LENGTH bytes, or NULL),
/// ENOTSUP (not a ZMQ_DISH), ETERM, ENOTSOCK or EINTR.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `group` is NULL or a string with a NUL at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_join(s: *mut c_void, group: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Socket>(s)?.join(name(group)?) })
}

/// Has a ZMQ_DISH receive the messages of a group no more (zmq_leave(3)).
///
/// Returns 0, or -1 with errno EINVAL (not joined, more than ZMQ_GROUP_MAX_LENGTH bytes, or NULL), ENOTSUP
/// (not a ZMQ_DISH), ETERM, ENOTSOCK or EINTR.
///
/// # Safety
/// As `zmq_join`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_leave(s: *mut c_void, group: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Socket>(s)?.leave(name(group)?) })
}

/// Connects a ZMQ_PEER, and says by which number it knows the new peer (zmq_connect_peer(3)).
///
/// Returns the number, or 0 with errno ENOTSUP (not a ZMQ_PEER), EFAULT (ZMQ_IMMEDIATE is set), or as
/// `zmq_connect`.
///
/// # Safety
/// As `zmq_bind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect_peer(s: *mut c_void, addr: *const c_char) -> u32 {
    // SAFETY: the caller's promise.
    let connect = || unsafe {
        let socket = object::<Socket>(s)?;
        socket.connect_peer(&endpoint_for(socket, addr)?)
    };
    connect().unwrap_or_else(|error| {
        errno::set(errno::from_error(error));
        0
    })
}

/// Ends the connection to a peer of a ZMQ_PEER or ZMQ_SERVER (zmq_disconnect_peer(3)).
///
/// Returns 0, or -1 with errno EHOSTUNREACH (no peer has this number), ENOTSUP (another type), ETERM,
/// ENOTSOCK or EINTR.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_disconnect_peer(s: *mut c_void, routing_id: u32) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Socket>(s)?.disconnect_peer(routing_id) })
}

/// Says whether a ZMQ_ROUTER would take a message for a peer (zmq_socket_get_peer_state(3)).
///
/// Returns ZMQ_POLLOUT, 0 where the peer's queue is full, or -1 with errno EHOSTUNREACH (no peer has this
/// routing id), ENOTSUP (not a ZMQ_ROUTER), EFAULT (NULL with a size), ETERM, ENOTSOCK or EINTR.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `routing_id` is NULL or `routing_id_size` bytes can
/// be read there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_get_peer_state(
    s: *mut c_void,
    routing_id: *const c_void,
    routing_id_size: usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // SAFETY: the caller's promise.
        let routing_id = unsafe { bytes(routing_id, routing_id_size) }?;
        socket.peer_state(routing_id).map(|events| c_int::from(events.0))
    })
}

/// The name of a group.
///
/// # Safety
/// `group` is NULL or a string with a NUL at its end.
unsafe fn name<'a>(group: *const c_char) -> Result<&'a [u8]> {
    if group.is_null() {
        return Err(Error::InvalidArgument);
    }
    // SAFETY: a string (caller).
    Ok(unsafe { CStr::from_ptr(group) }.to_bytes())
}
