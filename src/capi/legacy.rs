//! Functions of earlier versions that programs still call: the old names of `zmq_msg_send` and
//! `zmq_msg_recv` (zmq_sendmsg(3), zmq_recvmsg(3)), and messages as `struct iovec`, which have no
//! manual page; their behaviour was observed.

use super::handle::{bytes, ffi_result, object};
use super::message::{zmq_msg_recv, zmq_msg_send, zmq_msg_t};
use super::socket::{dont_wait, send_flags};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::socket::{SendFlags, Socket};
use libc::iovec;
use std::ffi::{c_int, c_void};

/// The old name of `zmq_msg_send`, with its arguments turned round (zmq_sendmsg(3)).
///
/// # Safety
/// As `zmq_msg_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_sendmsg(s: *mut c_void, msg: *mut zmq_msg_t, flags: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_msg_send(msg, s, flags) }
}

/// The old name of `zmq_msg_recv`, with its arguments turned round (zmq_recvmsg(3)).
///
/// # Safety
/// As `zmq_msg_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recvmsg(s: *mut c_void, msg: *mut zmq_msg_t, flags: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_msg_recv(msg, s, flags) }
}

/// Sends copies of `count` buffers: as the parts of one message with ZMQ_SNDMORE, which the last
/// part does not get; as messages of their own without.
///
/// Returns the size of the last, or -1 with errno EINVAL (NULL, or no buffer), EFAULT (a NULL
/// buffer with a size) or one of `zmq_send`.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `iov` is NULL or points at `count` buffers
/// that can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_sendiov(
    s: *mut c_void,
    iov: *mut iovec,
    count: usize,
    flags: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        // SAFETY: the caller's promise.
        let buffers = unsafe { buffers(iov, count) }?;
        let mut size = 0;
        for (index, buffer) in buffers.iter().enumerate() {
            let SendFlags { dont_wait, more } = send_flags(flags);
            let more = more && index + 1 < buffers.len();
            // SAFETY: readable (caller).
            let body = unsafe { bytes(buffer.iov_base, buffer.iov_len) }?;
            size = socket.send(&mut Message::from_slice(body)?, SendFlags { dont_wait, more })?;
        }
        Ok(size)
    })
}

/// Receives the parts of a message into buffers that the caller gives to free(), at most `*count`
/// of them. `*count` becomes the number that were received; parts beyond it wait to be received.
///
/// Returns that number, or -1 with errno EINVAL (NULL, or no room), ENOMEM or one of `zmq_recv`;
/// what was received until then is counted in `*count` all the same.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `count` is NULL or points at a size, and
/// `iov` is NULL or points at this number of buffers to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recviov(
    s: *mut c_void,
    iov: *mut iovec,
    count: *mut usize,
    flags: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        if count.is_null() || !count.is_aligned() {
            return Err(Error::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let buffers = unsafe { buffers(iov, count.read()) }?;
        let mut received = 0;
        let result = receive_parts(socket, buffers, dont_wait(flags), &mut received);
        // SAFETY: writable (caller).
        unsafe { count.write(received) };
        result.map(|()| received)
    })
}

/// Receives until the message or the room ends, counting the parts.
fn receive_parts(
    socket: &Socket,
    buffers: &mut [iovec],
    dont_wait: bool,
    received: &mut usize,
) -> Result<()> {
    for buffer in buffers {
        let message = socket.recv(dont_wait)?;
        *buffer = allocated_copy(message.data())?;
        *received += 1;
        if !message.more() {
            break;
        }
    }
    Ok(())
}

/// A copy that C may give to free(); never NULL, also when it is empty.
fn allocated_copy(data: &[u8]) -> Result<iovec> {
    // SAFETY: malloc takes any size; 0 is allowed to give NULL, 1 is not.
    let place = unsafe { libc::malloc(data.len().max(1)) };
    if place.is_null() {
        return Err(Error::OutOfMemory);
    }
    // SAFETY: just allocated with room for them.
    unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), place.cast(), data.len()) };
    Ok(iovec { iov_base: place, iov_len: data.len() })
}

/// # Safety
/// `iov` is NULL or points at `count` buffers that nobody else uses meanwhile.
unsafe fn buffers<'a>(iov: *mut iovec, count: usize) -> Result<&'a mut [iovec]> {
    let fits = count <= isize::MAX as usize / size_of::<iovec>();
    if iov.is_null() || !iov.is_aligned() || count == 0 || !fits {
        return Err(Error::InvalidArgument);
    }
    // SAFETY: this number of buffers (caller).
    Ok(unsafe { std::slice::from_raw_parts_mut(iov, count) })
}
