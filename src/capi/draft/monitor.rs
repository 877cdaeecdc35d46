//! Events of connections with more in them (zmq_socket_monitor_versioned(3)).

use crate::capi::handle::{ffi_result, object, text};
use crate::error::Error;
use crate::socket::{MonitorSettings, MonitorVersion, Socket};
use crate::zmtp::SocketType;
use std::ffi::{c_char, c_int, c_void};

/// As `zmq_socket_monitor`, with events of this version, sent by a ZMQ_PAIR, ZMQ_PUB or ZMQ_PUSH
/// (zmq_socket_monitor_versioned(3)).
///
/// Returns 0, or -1 with errno as `zmq_socket_monitor`, or EINVAL (version, type, or events that the
/// version does not have).
///
/// # Safety
/// As `zmq_socket_monitor`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor_versioned(
    s: *mut c_void,
    addr: *const c_char,
    events: u64,
    event_version: c_int,
    r#type: c_int,
) -> c_int {
    ffi_result(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { object::<Socket>(s) }?;
        let version = match event_version {
            1 => MonitorVersion::One,
            2 => MonitorVersion::Two,
            _ => return Err(Error::InvalidArgument),
        };
        // SAFETY: the caller's promise.
        let endpoint = (!addr.is_null()).then(|| unsafe { text(addr) }).transpose()?;
        // What ends a monitor needs no type.
        let known =
            SocketType::from_value(r#type).or(endpoint.is_none().then_some(SocketType::Pair));
        let socket_type = known.ok_or(Error::InvalidArgument)?;
        socket.monitor(endpoint, MonitorSettings { events, version, socket_type })
    })
}

/// Has a monitor of version 2 told how many messages wait for each peer, and from it, with the event
/// ZMQ_EVENT_PIPES_STATS (zmq_socket_monitor_pipes_stats(3)).
///
/// Returns 0, or -1 with errno ENOTSOCK, ETERM, EINVAL (no such monitor) or EAGAIN (no peer).
///
/// # Safety
/// `s` is NULL or a socket handle, also a closed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor_pipes_stats(s: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    ffi_result(|| unsafe { object::<Socket>(s) }?.report_pipes())
}
