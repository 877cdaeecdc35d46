//! Messages of thread-safe socket types: the peer's number, the group; messages made of a buffer.

use crate::capi::handle::{answer_pointer, bytes, ffi_result, message, message_const};
use crate::capi::message::zmq_msg_t;
use crate::capi::socket::ZMQ_GROUP_MAX_LENGTH;
use crate::error::Error;
use crate::message::{MAX_GROUP, Message};
use std::ffi::{CStr, c_char, c_int, c_void};

const _: () = assert!(ZMQ_GROUP_MAX_LENGTH as usize == MAX_GROUP);

/// Makes a message with a copy of `size` bytes (zmq_msg_init_buffer(3)).
///
/// Returns 0, or -1 with errno ENOMEM, or EFAULT for NULL.
///
/// # Safety
/// As `zmq_msg_init`; `buf` points at `size` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_buffer(
    msg: *mut zmq_msg_t,
    buf: *const c_void,
    size: usize,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { bytes(buf, size) }?;
        // SAFETY: the caller's promise; the bytes are written below.
        if !unsafe { Message::init_raw_with_size(msg, size) }? {
            return Err(Error::BadAddress);
        }
        // SAFETY: made above.
        let made = unsafe { message(msg) }?;
        // SAFETY: `size` writable bytes of a new message, which nobody else has.
        unsafe { made.data_ptr().copy_from_nonoverlapping(bytes.as_ptr(), size) };
        Ok(())
    })
}

/// Says which peer of a SERVER or PEER a message is for (zmq_msg_set_routing_id(3)).
///
/// Returns 0, or -1 with errno EINVAL for 0, which is no number of a peer, or EFAULT (not a message).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_routing_id(msg: *mut zmq_msg_t, routing_id: u32) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { message(msg) }?;
        if routing_id == 0 {
            return Err(Error::InvalidArgument);
        }
        message.set_routing_id(routing_id);
        Ok(())
    })
}

/// The peer of a SERVER or PEER that a message came from (zmq_msg_routing_id(3)).
///
/// Returns 0 where there is none, and for what is not a message.
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_routing_id(msg: *mut zmq_msg_t) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { message_const(msg) }.map_or(0, Message::routing_id)
}

/// Says to which group a RADIO sends a message (zmq_msg_set_group(3)).
///
/// The first ZMQ_GROUP_MAX_LENGTH bytes count (observed). Returns 0, or -1 with errno EFAULT (NULL, or not
/// a message).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller; `group` is NULL or a string with a NUL at its
/// end, or of ZMQ_GROUP_MAX_LENGTH bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_group(msg: *mut zmq_msg_t, group: *const c_char) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        unsafe { message_const(msg) }?;
        if group.is_null() {
            return Err(Error::BadAddress);
        }
        // SAFETY: a string, or as many bytes as are read (caller).
        let length = unsafe { libc::strnlen(group, MAX_GROUP) };
        // A copy: it may stand in the message.
        let mut name = [0; MAX_GROUP];
        // SAFETY: as many bytes stand before the NUL or the limit, and fit.
        unsafe { name.as_mut_ptr().copy_from_nonoverlapping(group.cast(), length) };
        // SAFETY: the caller's promise.
        unsafe { message(msg) }?.set_group(&name[..length]);
        Ok(())
    })
}

/// The group that a DISH received a message for (zmq_msg_group(3)).
///
/// Returns a text that belongs to the message, empty without a group, or NULL with errno EFAULT (not a
/// message).
///
/// # Safety
/// `msg` is NULL or points at a `zmq_msg_t` of the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_group(msg: *mut zmq_msg_t) -> *const c_char {
    answer_pointer(|| {
        // SAFETY: the caller's promise.
        let group: &CStr = unsafe { message_const(msg) }?.group();
        Ok(group.as_ptr().cast_mut())
    })
}
