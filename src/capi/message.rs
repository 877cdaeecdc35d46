//! Messages (the manual pages zmq_msg_*(3)).
//!
//! NULL, closed and never initialised messages are answered with EFAULT or, where a function has
//! no errno, with 0 or NULL.

use super::handle::{answer_pointer, ffi_result, message, message_const, object, text};
use super::socket::{dont_wait, send_flags};
use crate::error::{Error, Result};
use crate::message::{FreeFunction, Message};
use crate::socket::Socket;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

/// A message part: 64 bytes, aligned as a pointer, to be copied only by `zmq_msg_copy` and
/// `zmq_msg_move`.
pub type zmq_msg_t = Message;

const _: () = assert!(size_of::<zmq_msg_t>() == 64);
const _: () = assert!(align_of::<zmq_msg_t>() == align_of::<*const c_void>());

/// C's `zmq_free_fn *`.
pub type zmq_free_fn_pointer = Option<FreeFunction>;

/// Message property: 1 if more parts of the same message follow.
pub const ZMQ_MORE: c_int = 1;
/// Message property, deprecated: descriptor of the connection that the message came by.
pub const ZMQ_SRCFD: c_int = 2;
/// Message property: 1 if the bytes may be shared with another message.
pub const ZMQ_SHARED: c_int = 3;

/// Makes an empty message (zmq_msg_init(3)).
///
/// Returns 0, or -1 with errno EFAULT for NULL.
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` that holds no message (what it holds is not freed).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init(msg: *mut zmq_msg_t) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise; there are no bytes.
        let made = unsafe { Message::init_raw_with_size(msg, 0) }?;
        made.then_some(()).ok_or(Error::BadAddress)
    })
}

/// Makes a message of `size` bytes for the caller to fill (zmq_msg_init_size(3)).
///
/// Returns 0, or -1 with errno ENOMEM, or EFAULT for NULL.
///
/// # Safety
/// As `zmq_msg_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_size(msg: *mut zmq_msg_t, size: usize) -> c_int {
    ffi_result(|| {
        // SAFETY: C fills the bytes, or sends what was in memory, as it is known there.
        let made = unsafe { Message::init_raw_with_size(msg, size) }?;
        made.then_some(()).ok_or(Error::BadAddress)
    })
}

/// Makes a message of memory that the caller hands over; `ffn(data, hint)` gives it back, once,
/// on whatever thread drops the last copy (zmq_msg_init_data(3)).
///
/// Without a function the memory is never given back. Returns 0, or -1 with errno ENOMEM, or
/// EFAULT for NULL; the function is not called then.
///
/// # Safety
/// As `zmq_msg_init`; `size` bytes at `data` stay readable and unchanged until `ffn` is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_data(
    msg: *mut zmq_msg_t,
    data: *mut c_void,
    size: usize,
    ffn: zmq_free_fn_pointer,
    hint: *mut c_void,
) -> c_int {
    ffi_result(|| {
        if data.is_null() && size > 0 {
            return Err(Error::BadAddress);
        }
        if size > isize::MAX as usize {
            return Err(Error::OutOfMemory);
        }
        // SAFETY: the caller's promise.
        let made = unsafe { Message::init_raw_over(msg, (data, size), ffn, hint) }?;
        made.then_some(()).ok_or(Error::BadAddress)
    })
}

/// Sends a message part (zmq_msg_send(3)). On success the message is left empty; it need not be
/// closed then, and may be.
///
/// Returns the size of the part (at most INT_MAX), or -1 with errno EAGAIN, ENOTSUP, EINVAL,
/// EFSM, ETERM, ENOTSOCK, EINTR, EFAULT (not a message) or EHOSTUNREACH.
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller; `s` is NULL or a socket handle, also a
/// closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_send(msg: *mut zmq_msg_t, s: *mut c_void, flags: c_int) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // SAFETY: the caller's promise.
        let message = unsafe { message(msg) }?;
        socket.send(message, send_flags(flags))
    })
}

/// Receives a message part (zmq_msg_recv(3)). What the message held before is dropped, also when
/// nothing is received (observed).
///
/// Returns the size of the part (at most INT_MAX), or -1 with errno EAGAIN, ENOTSUP, EFSM, ETERM,
/// ENOTSOCK, EINTR or EFAULT (not a message).
///
/// # Safety
/// As `zmq_msg_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_recv(msg: *mut zmq_msg_t, s: *mut c_void, flags: c_int) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // SAFETY: the caller's promise.
        let message = unsafe { message(msg) }?;
        match socket.recv_into(message, dont_wait(flags)) {
            Ok(()) => Ok(message.len()),
            Err(error) => {
                message.take();
                Err(error)
            }
        }
    })
}

/// Releases what a message holds (zmq_msg_close(3)). It must be initialised again before use.
///
/// Returns 0, or -1 with errno EFAULT (not a message, or closed already).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_close(msg: *mut zmq_msg_t) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { Message::close_raw(msg) }.then_some(()).ok_or(Error::BadAddress))
}

/// Moves a message (zmq_msg_move(3)): `dest` drops what it held and takes what `src` holds; `src`
/// is left empty. A message moved onto itself stays as it is.
///
/// Returns 0, or -1 with errno EFAULT (one of them is not a message).
///
/// # Safety
/// Each is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_move(dest: *mut zmq_msg_t, src: *mut zmq_msg_t) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { replace(dest, src, Message::take_from) })
}

/// Copies a message (zmq_msg_copy(3)): `dest` drops what it held and shares the bytes of `src`. A
/// message copied onto itself stays as it is.
///
/// Returns 0, or -1 with errno EFAULT (one of them is not a message).
///
/// # Safety
/// Each is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_copy(dest: *mut zmq_msg_t, src: *mut zmq_msg_t) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { replace(dest, src, Message::share_from) })
}

/// Where the bytes of a message stand (zmq_msg_data(3)); NULL if it is not a message.
///
/// The pointer is good until the message is closed, sent, moved or received into.
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_data(msg: *mut zmq_msg_t) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { message(msg) }.map_or(ptr::null_mut(), |message| message.data_ptr().cast())
}

/// How many bytes a message has (zmq_msg_size(3)); 0 if it is not a message.
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_size(msg: *const zmq_msg_t) -> usize {
    // SAFETY: the caller's promise.
    unsafe { message_const(msg) }.map_or(0, Message::len)
}

/// 1 if more parts of the same message follow, else 0 (zmq_msg_more(3)).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_more(msg: *const zmq_msg_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { message_const(msg) }.map_or(0, |message| c_int::from(message.more()))
}

/// Reads a property of a message: ZMQ_MORE, ZMQ_SHARED or ZMQ_SRCFD (zmq_msg_get(3)).
///
/// Returns the value, or -1 with errno EINVAL (unknown property, or no descriptor known) or
/// EFAULT (NULL).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_get(msg: *const zmq_msg_t, property: c_int) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let message = match unsafe { message_const(msg) } {
            // A closed message has no parts behind it, and shares nothing (observed).
            Err(_) if !msg.is_null() && matches!(property, ZMQ_MORE | ZMQ_SHARED) => return Ok(0),
            Err(_) if !msg.is_null() || !matches!(property, ZMQ_MORE | ZMQ_SHARED | ZMQ_SRCFD) => {
                return Err(Error::InvalidArgument);
            }
            message => message?,
        };
        let descriptor = || message.metadata().map(|metadata| metadata.source_fd());
        match property {
            ZMQ_MORE => Ok(c_int::from(message.more())),
            ZMQ_SHARED => Ok(c_int::from(message.is_shared())),
            ZMQ_SRCFD => descriptor().filter(|fd| *fd >= 0).ok_or(Error::InvalidArgument),
            _ => Err(Error::InvalidArgument),
        }
    })
}

/// Sets a property of a message (zmq_msg_set(3)). There is none that can be set.
///
/// Returns -1 with errno EINVAL.
///
/// # Safety
/// None: the message is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set(
    _msg: *mut zmq_msg_t,
    _property: c_int,
    _optval: c_int,
) -> c_int {
    ffi_result(|| Err::<(), _>(Error::InvalidArgument))
}

/// Reads a property of the peer that sent a message, by name: "Socket-Type", "Routing-Id",
/// "Peer-Address", "User-Id" and what the application adds (zmq_msg_gets(3)).
///
/// Returns a text that belongs to the message, or NULL with errno EINVAL (unknown property) or
/// EFAULT (not a message).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller; `property` is NULL or a string with a
/// NUL at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_gets(
    msg: *const zmq_msg_t,
    property: *const c_char,
) -> *const c_char {
    answer_pointer(|| {
        // SAFETY: the caller's promise.
        let message = match unsafe { message_const(msg) } {
            Err(_) if !msg.is_null() => return Err(Error::InvalidArgument),
            message => message?,
        };
        // SAFETY: the caller's promise.
        let name = unsafe { text(property) }?;
        let value = message.metadata().and_then(|metadata| metadata.c_value(name));
        Ok(value.ok_or(Error::InvalidArgument)?.as_ptr().cast_mut())
    })
}

/// Has the destination made anew from the source, if they are two.
///
/// # Safety
/// Each is NULL or points at a `zmq_msg_t` of the caller.
#[inline(always)]
unsafe fn replace(
    dest: *mut zmq_msg_t,
    src: *mut zmq_msg_t,
    make: impl FnOnce(&mut Message, &mut Message),
) -> Result<()> {
    // SAFETY: the caller's promise.
    let source = unsafe { message(src) }?;
    if !ptr::eq(dest, src) {
        // SAFETY: the caller's promise, and it is not the source.
        let destination = unsafe { message(dest) }?;
        make(destination, source);
    }
    Ok(())
}
