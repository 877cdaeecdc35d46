//! Waiting for sockets and descriptors (zmq_poll(3)).

use super::handle::{ffi_result, object};
use crate::error::{Error, Result};
use crate::mailbox::Events;
use crate::socket::{PollItem, PollTarget, Socket, poll};
use std::ffi::{c_int, c_long, c_short, c_void};
use std::time::Duration;

/// A descriptor of the operating system.
pub type zmq_fd_t = c_int;

/// How many items are waited for without an allocation.
pub const ZMQ_POLLITEMS_DFLT: c_int = 16;

/// What `zmq_poll` waits for: a socket, or a descriptor where `socket` is NULL.
#[repr(C)]
pub struct zmq_pollitem_t {
    /// A socket handle, or NULL.
    pub socket: *mut c_void,
    /// A descriptor, looked at if `socket` is NULL.
    pub fd: zmq_fd_t,
    /// Which of ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR and ZMQ_POLLPRI are waited for.
    pub events: c_short,
    /// Which of them happened.
    pub revents: c_short,
}

const _: () = assert!(size_of::<zmq_pollitem_t>() == 16);

/// Waits until something happens to the items, at most `timeout` milliseconds; -1 is without
/// limit, 0 is not to wait (zmq_poll(3)). `revents` of all items are set.
///
/// Returns how many items have events, or -1 with errno ETERM, EFAULT (NULL), EINVAL (negative
/// count), ENOTSOCK, EINTR or ENOMEM.
///
/// # Safety
/// `items` is NULL or points at `nitems` items; each `socket` is NULL or a socket handle, also a
/// closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poll(
    items: *mut zmq_pollitem_t,
    nitems: c_int,
    timeout: c_long,
) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { poll_items(items, nitems, timeout, None) })
}

/// As `zmq_poll`, with this signal mask meanwhile, if there is one.
///
/// # Safety
/// As `zmq_poll`.
pub(super) unsafe fn poll_items(
    items: *mut zmq_pollitem_t,
    nitems: c_int,
    timeout: c_long,
    mask: Option<&libc::sigset_t>,
) -> Result<usize> {
    let count = usize::try_from(nitems).map_err(|_| Error::InvalidArgument)?;
    let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
    if count > 0 && (items.is_null() || !items.is_aligned()) {
        return Err(Error::BadAddress);
    }
    let items = if count == 0 {
        &mut []
    } else {
        // SAFETY: this number of items, which nobody else uses meanwhile (caller).
        unsafe { std::slice::from_raw_parts_mut(items, count) }
    };
    let mut few = [const { NOTHING }; ZMQ_POLLITEMS_DFLT as usize];
    let mut many = Vec::new();
    let targets = match few.get_mut(..count) {
        Some(few) => few,
        None => {
            many.try_reserve_exact(count).map_err(|_| Error::OutOfMemory)?;
            many.resize_with(count, || NOTHING);
            &mut many[..]
        }
    };
    for (target, item) in targets.iter_mut().zip(&*items) {
        // SAFETY: the caller's promise.
        *target = unsafe { target_of(item) }?;
    }
    let happened = poll(targets, timeout, mask)?;
    for (target, item) in targets.iter().zip(items) {
        item.revents = target.revents.0;
    }
    Ok(happened)
}

/// An item that nothing happens to.
const NOTHING: PollItem =
    PollItem { target: PollTarget::Descriptor(-1), events: Events(0), revents: Events(0) };

/// # Safety
/// The item's `socket` is NULL or a socket handle, also a closed one.
unsafe fn target_of(item: &zmq_pollitem_t) -> Result<PollItem> {
    let target = if item.socket.is_null() {
        PollTarget::Descriptor(item.fd)
    } else {
        // SAFETY: the caller's promise.
        PollTarget::Socket(unsafe { object::<Socket>(item.socket) }?)
    };
    Ok(PollItem { target, events: Events(item.events), revents: Events(0) })
}
