//! Sockets (zmq_socket(3), zmq_bind(3), zmq_send(3), zmq_recv(3) and their like).
//!
//! A socket handle that is NULL, closed or something else is answered with ENOTSOCK.

use super::handle::{
    answer_pointer, bytes, close, endpoint, ffi_result, object, open, optional_bytes,
};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::numbers::{ZMQ_SOCKS_PASSWORD, ZMQ_SOCKS_USERNAME};
use crate::socket::{SendFlags, Socket};
use std::borrow::Cow;
use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// Flag of sends and receives: fail with EAGAIN where the call would wait.
pub const ZMQ_DONTWAIT: c_int = 1;
/// Flag of sends: more parts of the same message follow.
pub const ZMQ_SNDMORE: c_int = 2;
/// Old name of ZMQ_DONTWAIT.
pub const ZMQ_NOBLOCK: c_int = ZMQ_DONTWAIT;

/// Longest name of a group, in bytes (draft socket types).
pub const ZMQ_GROUP_MAX_LENGTH: c_int = 255;

/// More bytes than any process can address: nothing of that size can be copied.
const ADDRESSES: usize = 1 << 56;

/// Opens a socket (zmq_socket(3)).
///
/// Returns its handle, or NULL with errno EINVAL (unknown type), EFAULT (not a context), EMFILE
/// (too many sockets or descriptors), ETERM, or the first time what the system says to a thread:
/// EPERM (a priority that is not permitted), EINVAL (an unknown one), ENOMEM or EAGAIN.
///
/// # Safety
/// `context` is NULL or a context handle, also one that has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket(context: *mut c_void, r#type: c_int) -> *mut c_void {
    answer_pointer(|| {
        // SAFETY: the caller's promise.
        let context = unsafe { object::<Context>(context) }?;
        open(|socket: &'static Socket| socket.open(context, r#type))
    })
}

/// Closes a socket (zmq_close(3)). What lingers is sent in the background.
///
/// Returns 0, or -1 with errno ENOTSOCK.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_close(s: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { close(s, Socket::close) })
}

/// Sets a socket option (zmq_setsockopt(3)).
///
/// Returns 0, or -1 with errno EINVAL (option, size or value; also a NULL value with a size),
/// ETERM, ENOTSOCK or EINTR.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `optval` is NULL or `optvallen` bytes can
/// be read there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_setsockopt(
    s: *mut c_void,
    option: c_int,
    optval: *const c_void,
    optvallen: usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // SAFETY: the caller's promise.
        let value = unsafe { optional_bytes(optval, optvallen, null_has_no_size(option)) }?;
        socket.set_option(option, value)
    })
}

/// Reads a socket option (zmq_getsockopt(3)); `optvallen` is the room on entry, and what was
/// written on return.
///
/// Returns 0, or -1 with errno EINVAL (option, too little room, NULL), ETERM, ENOTSOCK or EINTR.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `optvallen` is NULL or points at a size,
/// and `optval` is NULL or as many bytes can be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_getsockopt(
    s: *mut c_void,
    option: c_int,
    optval: *mut c_void,
    optvallen: *mut usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        if optvallen.is_null() || !optvallen.is_aligned() {
            return Err(Error::InvalidArgument);
        }
        // SAFETY: readable (caller). No option is longer than the limit.
        let room = unsafe { optvallen.read() }.min(usize::from(u16::MAX));
        if optval.is_null() && room > 0 {
            return Err(Error::InvalidArgument);
        }
        let place = ptr::NonNull::new(optval.cast::<u8>()).unwrap_or(ptr::NonNull::dangling());
        // SAFETY: writable (caller), or no bytes at all.
        let place = unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), room) };
        let written = socket.option(option, place)?;
        // SAFETY: writable (caller).
        unsafe { optvallen.write(written) };
        Ok(())
    })
}

/// Accepts connections at an endpoint (zmq_bind(3)).
///
/// Returns 0, or -1 with errno EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, EADDRINUSE,
/// EADDRNOTAVAIL, ENODEV, ENOENT, ENAMETOOLONG, EACCES, EMFILE, ETERM, ENOTSOCK or EMTHREAD.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `addr` is NULL (EINVAL) or a string with a
/// NUL at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_bind(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe {
        let socket = object::<Socket>(s)?;
        socket.bind(&endpoint_for(socket, addr)?)
    })
}

/// Connects to an endpoint, in the background (zmq_connect(3)).
///
/// Returns 0, or -1 with errno EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, ENAMETOOLONG, ETERM,
/// ENOTSOCK or EMTHREAD.
///
/// # Safety
/// As `zmq_bind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe {
        let socket = object::<Socket>(s)?;
        socket.connect(&endpoint_for(socket, addr)?)
    })
}

/// Stops accepting at an endpoint, as `zmq_bind` or ZMQ_LAST_ENDPOINT named it (zmq_unbind(3)).
///
/// Returns 0, or -1 with errno EINVAL, ETERM, ENOTSOCK or ENOENT (not bound there).
///
/// # Safety
/// As `zmq_bind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_unbind(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Socket>(s)?.unbind(&endpoint(addr)?) })
}

/// Ends a connection, as `zmq_connect` or ZMQ_LAST_ENDPOINT named it (zmq_disconnect(3)).
///
/// Returns 0, or -1 with errno EINVAL, ETERM, ENOTSOCK or ENOENT (not connected there).
///
/// # Safety
/// As `zmq_bind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_disconnect(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Socket>(s)?.disconnect(&endpoint(addr)?) })
}

/// Sends a copy of `len` bytes as a message part (zmq_send(3)).
///
/// Returns the size of the part (at most INT_MAX), or -1 with errno EAGAIN, ENOTSUP, EINVAL,
/// EFSM, ETERM, ENOTSOCK, EINTR, EHOSTUNREACH, ENOMEM, or EFAULT (NULL with a size).
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `buf` is NULL or `len` bytes can be read
/// there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_send(
    s: *mut c_void,
    buf: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        if len > ADDRESSES {
            return Err(Error::OutOfMemory);
        }
        // SAFETY: the caller's promise.
        let part = unsafe { bytes(buf, len) }?;
        socket.send_bytes(part, send_flags(flags))
    })
}

/// Sends `len` bytes that never change and are never freed, without a copy (zmq_send_const(3)).
///
/// Returns as `zmq_send`.
///
/// # Safety
/// As `zmq_send`; the bytes stay as they are while the process runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_send_const(
    s: *mut c_void,
    buf: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // SAFETY: the caller's promise.
        let constant = unsafe { bytes(buf, len) }?;
        // SAFETY: the bytes stay (caller).
        let mut message = unsafe { Message::from_constant(constant.as_ptr(), constant.len()) };
        socket.send(&mut message, send_flags(flags))
    })
}

/// Receives a message part and stores its first `len` bytes, at most INT_MAX; the rest is cut off
/// (zmq_recv(3)). A NULL buffer takes nothing.
///
/// Returns the size that the part had (at most INT_MAX; more than `len` if it was cut), or -1
/// with errno EAGAIN, ENOTSUP, EFSM, ETERM, ENOTSOCK or EINTR.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `buf` is NULL or `len` bytes can be written
/// there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recv(
    s: *mut c_void,
    buf: *mut c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // Taken in place: a message that is moved right after it was written costs a stall.
        let mut message = Message::new();
        socket.recv_bytes_into(&mut message, dont_wait(flags))?;
        let size = message.len();
        if !buf.is_null() {
            let room = buf.cast::<MaybeUninit<u8>>();
            let count = stored(size, len);
            // SAFETY: writable (caller), and no more than a message has.
            message.copy_to(unsafe { std::slice::from_raw_parts_mut(room, count) });
        }
        Ok(size)
    })
}

/// The endpoint for a socket; where there is none, what the socket itself has to say comes first.
///
/// # Safety
/// `addr` is NULL or a string with a NUL at its end.
pub(super) unsafe fn endpoint_for<'a>(
    socket: &Socket,
    addr: *const c_char,
) -> Result<Cow<'a, str>> {
    if addr.is_null() {
        socket.check()?;
    }
    // SAFETY: the caller's promise.
    unsafe { endpoint(addr) }
}

/// How many bytes of a part are stored where there is so much room: no more than the call can
/// return.
#[inline(always)]
fn stored(size: usize, room: usize) -> usize {
    size.min(room).min(c_int::MAX as usize)
}

/// ZMQ_DONTWAIT and ZMQ_SNDMORE for the engine; unknown flags mean nothing (observed).
#[inline(always)]
pub(super) fn send_flags(flags: c_int) -> SendFlags {
    SendFlags { dont_wait: dont_wait(flags), more: flags & ZMQ_SNDMORE != 0 }
}

/// True if the flags have ZMQ_DONTWAIT.
#[inline(always)]
pub(super) fn dont_wait(flags: c_int) -> bool {
    flags & ZMQ_DONTWAIT != 0
}

/// Whether the size that comes with a NULL value does not count (observed).
fn null_has_no_size(option: i32) -> bool {
    matches!(option, ZMQ_SOCKS_USERNAME | ZMQ_SOCKS_PASSWORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_stored_than_the_call_returns() {
        let (most, gibibyte) = (c_int::MAX as usize, 1 << 30);
        assert_eq!(stored(3 * gibibyte, 4 * gibibyte), most);
        assert_eq!(stored(4 * gibibyte, 3 * gibibyte), most);
        assert_eq!(stored(most, usize::MAX), most);
        assert_eq!((stored(5, 3), stored(3, 5), stored(0, 5), stored(5, 0)), (3, 3, 0, 0));
    }
}
