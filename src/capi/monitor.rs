//! Events of connections (zmq_socket_monitor(3)).

use super::handle::{ffi_result, object, text};
use crate::error::Error;
use crate::socket::{MonitorSettings, MonitorVersion, Socket};
use crate::zmtp::SocketType;
use std::ffi::{c_char, c_int, c_void};

/// Reports the socket's events as messages of a PAIR socket at an inproc endpoint
/// (zmq_socket_monitor(3)). A NULL endpoint ends the reports.
///
/// Returns 0, or -1 with errno ETERM, EPROTONOSUPPORT (not inproc), EINVAL (endpoint) or
/// ENOTSOCK.
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one; `addr` is NULL or a string with a NUL at
/// its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor(
    s: *mut c_void,
    addr: *const c_char,
    events: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        let events = u64::try_from(events).map_err(|_| Error::InvalidArgument);
        let version = MonitorVersion::One;
        // SAFETY: the caller's promise.
        let endpoint = (!addr.is_null()).then(|| unsafe { text(addr) }).transpose()?;
        // Whatever is wrong with the events, a socket that cannot be used comes first.
        let events = events.unwrap_or(u64::MAX);
        socket.monitor(endpoint, MonitorSettings { events, version, socket_type: SocketType::Pair })
    })
}
