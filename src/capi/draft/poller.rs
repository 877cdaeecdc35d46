//! Waiting again and again for the same sockets and descriptors (zmq_poller(3)).

use crate::capi::handle::{Object, Pool, answer_pointer, close, ffi_result, object, open};
use crate::capi::poll::zmq_fd_t;
use crate::error::{Error, Result};
use crate::mailbox::Events;
use crate::numbers::{ZMQ_POLLERR, ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLPRI};
use crate::socket::{Poller, PollerEvent, PollerTarget, Socket};
use crate::sync::ForkMutex;
use std::collections::VecDeque;
use std::ffi::{c_int, c_long, c_short, c_void};
use std::ptr;
use std::time::Duration;

/// What happened to a socket or a descriptor of a poller.
#[repr(C)]
pub struct zmq_poller_event_t {
    /// The socket; NULL for a descriptor.
    pub socket: *mut c_void,
    /// The descriptor; -1 for a socket.
    pub fd: zmq_fd_t,
    /// What it was added with.
    pub user_data: *mut c_void,
    /// Which of ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR and ZMQ_POLLPRI happened.
    pub events: c_short,
}

const _: () = assert!(size_of::<zmq_poller_event_t>() == 32);

/// What C registered.
#[derive(Clone, Copy)]
struct Data {
    socket: *mut c_void,
    user_data: *mut c_void,
}

// SAFETY: both are only passed back to C.
unsafe impl Send for Data {}

type DataPoller = Poller<Data>;

// SAFETY: nothing else has this tag.
unsafe impl Object for DataPoller {
    const TAG: u32 = 0x5A51_9011;
    const INVALID: Error = Error::BadAddress;
    const RESTING: usize = 16;

    fn closed() -> Self {
        Self::new()
    }

    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<DataPoller> = ForkMutex::for_static(VecDeque::new());
        &POOL
    }
}

/// Nothing: what an event is after a wait that failed.
const NOTHING: zmq_poller_event_t =
    zmq_poller_event_t { socket: ptr::null_mut(), fd: -1, user_data: ptr::null_mut(), events: 0 };

/// Makes an empty poller (zmq_poller(3)).
///
/// Returns its handle, or NULL with errno ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_new() -> *mut c_void {
    answer_pointer(|| open(|_: &'static DataPoller| Ok(())))
}

/// Destroys the poller at `*poller_p` and sets that to NULL (zmq_poller(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a poller).
///
/// # Safety
/// `poller_p` is NULL or points at a handle that `zmq_poller_new` gave, also a destroyed one, or at NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_destroy(poller_p: *mut *mut c_void) -> c_int {
    ffi_result(|| {
        if poller_p.is_null() || !poller_p.is_aligned() {
            return Err(Error::BadAddress);
        }
        // SAFETY: the caller's promise.
        unsafe { close(poller_p.read(), DataPoller::clear) }?;
        // SAFETY: writable (caller).
        unsafe { poller_p.write(ptr::null_mut()) };
        Ok(())
    })
}

/// How many sockets and descriptors a poller has (zmq_poller(3)).
///
/// Returns the number, or -1 with errno EFAULT (not a poller).
///
/// # Safety
/// `poller` is NULL or a handle that `zmq_poller_new` gave, also a destroyed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_size(poller: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| Ok(unsafe { object::<DataPoller>(poller) }?.len()))
}

/// Adds a socket to a poller (zmq_poller(3)); `events` may be 0. A wait that finds it ready tells
/// `user_data`.
///
/// Returns 0, or -1 with errno EFAULT (not a poller), ENOTSOCK, or EINVAL (events, or it is there
/// already).
///
/// # Safety
/// `poller` is NULL or a handle that `zmq_poller_new` gave, also a destroyed one; `socket` is NULL or a
/// socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_add(
    poller: *mut c_void,
    socket: *mut c_void,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let (poller, target) = (unsafe { object::<DataPoller>(poller) }?, unsafe { own(socket) }?);
        poller.add(target, checked(events)?, Data { socket, user_data })
    })
}

/// Changes which events of a socket a poller waits for (zmq_poller(3)); 0 is none.
///
/// Returns 0, or -1 with errno EFAULT (not a poller), ENOTSOCK, or EINVAL (events, or it is not
/// there).
///
/// # Safety
/// As `zmq_poller_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_modify(
    poller: *mut c_void,
    socket: *mut c_void,
    events: c_short,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let (poller, target) = (unsafe { object::<DataPoller>(poller) }?, unsafe { own(socket) }?);
        poller.modify(target, checked(events)?)
    })
}

/// Removes a socket from a poller (zmq_poller(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a poller), ENOTSOCK, or EINVAL (it is not there).
///
/// # Safety
/// As `zmq_poller_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_remove(poller: *mut c_void, socket: *mut c_void) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let (poller, target) = (unsafe { object::<DataPoller>(poller) }?, unsafe { own(socket) }?);
        poller.remove(target)
    })
}

/// Waits for one event, at most `timeout` milliseconds; -1 is without limit (zmq_poller(3)).
///
/// Returns 0 and the event, or -1 with errno EAGAIN (nothing happened), EFAULT (not a poller, NULL,
/// or nothing is waited for without limit), ETERM, ENOTSOCK (a socket was closed) or EINTR; the event
/// is then that of descriptor -1.
///
/// # Safety
/// `poller` is NULL or a handle that `zmq_poller_new` gave, also a destroyed one; `event` is NULL or
/// writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_wait(
    poller: *mut c_void,
    event: *mut zmq_poller_event_t,
    timeout: c_long,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let poller = unsafe { object::<DataPoller>(poller) }?;
        if event.is_null() || !event.is_aligned() {
            return Err(Error::BadAddress);
        }
        let mut happened = NOTHING;
        let outcome = poller.wait(1, limit(timeout), |own| happened = told(&own));
        // SAFETY: writable (caller).
        unsafe { event.write(if outcome.is_ok() { happened } else { NOTHING }) };
        outcome.map(|_| ())
    })
}

/// Waits for up to `n_events` events, at most `timeout` milliseconds; -1 is without limit
/// (zmq_poller(3)). Where more happened, the others come first in the next wait.
///
/// Returns how many events there are, or -1 with errno as `zmq_poller_wait`, or EINVAL (negative
/// number).
///
/// # Safety
/// `poller` is NULL or a handle that `zmq_poller_new` gave, also a destroyed one; `events` is NULL or
/// `n_events` are writable there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_wait_all(
    poller: *mut c_void,
    events: *mut zmq_poller_event_t,
    n_events: c_int,
    timeout: c_long,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let poller = unsafe { object::<DataPoller>(poller) }?;
        if events.is_null() || !events.is_aligned() {
            return Err(Error::BadAddress);
        }
        let room = usize::try_from(n_events).map_err(|_| Error::InvalidArgument)?;
        let mut place = events;
        poller.wait(room, limit(timeout), |own| {
            // SAFETY: `wait` finds at most `room`, and so many are writable (caller).
            place = unsafe {
                place.write(told(&own));
                place.add(1)
            };
        })
    })
}

/// The descriptor that is readable while a wait may find something (zmq_poller(3)), for a poller that
/// has, or had, a thread-safe socket.
///
/// Returns 0, or -1 with errno EFAULT (not a poller, or NULL), EINVAL (it never had one) or EMFILE.
///
/// # Safety
/// `poller` is NULL or a handle that `zmq_poller_new` gave, also a destroyed one; `fd` is NULL or
/// writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_fd(poller: *mut c_void, fd: *mut zmq_fd_t) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let descriptor = unsafe { object::<DataPoller>(poller) }?.descriptor()?;
        if fd.is_null() || !fd.is_aligned() {
            return Err(Error::BadAddress);
        }
        // SAFETY: writable (caller).
        unsafe { fd.write(descriptor) };
        Ok(())
    })
}

/// Adds a descriptor to a poller, as `zmq_poller_add` does a socket (zmq_poller(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a poller), EBADF (-1), or EINVAL (events, or it is there
/// already).
///
/// # Safety
/// `poller` is NULL or a handle that `zmq_poller_new` gave, also a destroyed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_add_fd(
    poller: *mut c_void,
    fd: zmq_fd_t,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let poller = unsafe { object::<DataPoller>(poller) }?;
        let data = Data { socket: ptr::null_mut(), user_data };
        poller.add(descriptor(fd)?, checked(events)?, data)
    })
}

/// Changes which events of a descriptor a poller waits for (zmq_poller(3)); 0 is none.
///
/// Returns 0, or -1 with errno EFAULT (not a poller), EBADF (-1), or EINVAL (events, or it is not
/// there).
///
/// # Safety
/// As `zmq_poller_add_fd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_modify_fd(
    poller: *mut c_void,
    fd: zmq_fd_t,
    events: c_short,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let poller = unsafe { object::<DataPoller>(poller) }?;
        poller.modify(descriptor(fd)?, checked(events)?)
    })
}

/// Removes a descriptor from a poller (zmq_poller(3)).
///
/// Returns 0, or -1 with errno EFAULT (not a poller), EBADF (-1), or EINVAL (it is not there).
///
/// # Safety
/// As `zmq_poller_add_fd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_remove_fd(poller: *mut c_void, fd: zmq_fd_t) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<DataPoller>(poller) }?.remove(descriptor(fd)?))
}

/// # Safety
/// `socket` is NULL or a socket handle, also a closed one.
unsafe fn own(socket: *mut c_void) -> Result<PollerTarget> {
    // SAFETY: the caller's promise.
    unsafe { object::<Socket>(socket) }.map(PollerTarget::Socket)
}

fn descriptor(number: zmq_fd_t) -> Result<PollerTarget> {
    match number {
        -1 => Err(Error::System(libc::EBADF)),
        number => Ok(PollerTarget::Descriptor(number)),
    }
}

fn checked(events: c_short) -> Result<Events> {
    let known = ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI;
    if c_int::from(events) & !known == 0 { Ok(Events(events)) } else { Err(Error::InvalidArgument) }
}

fn limit(timeout: c_long) -> Option<Duration> {
    u64::try_from(timeout).ok().map(Duration::from_millis)
}

fn told(own: &PollerEvent<Data>) -> zmq_poller_event_t {
    let Data { socket, user_data } = own.data;
    zmq_poller_event_t { socket, fd: own.descriptor.unwrap_or(-1), user_data, events: own.events.0 }
}
