//! Events of connections (zmq_socket_monitor(3)).

use super::handle::{ffi_result, object, text};
use crate::socket::Socket;
use std::ffi::{c_char, c_int, c_void};

/// Event: a connection is there. Value: its descriptor.
pub const ZMQ_EVENT_CONNECTED: c_int = 0x0001;
/// Event: a connection is being made.
pub const ZMQ_EVENT_CONNECT_DELAYED: c_int = 0x0002;
/// Event: a connection will be tried again. Value: milliseconds until then.
pub const ZMQ_EVENT_CONNECT_RETRIED: c_int = 0x0004;
/// Event: connections are accepted. Value: the listening descriptor.
pub const ZMQ_EVENT_LISTENING: c_int = 0x0008;
/// Event: an endpoint could not be bound. Value: errno.
pub const ZMQ_EVENT_BIND_FAILED: c_int = 0x0010;
/// Event: a connection was accepted. Value: its descriptor.
pub const ZMQ_EVENT_ACCEPTED: c_int = 0x0020;
/// Event: a connection could not be accepted. Value: errno.
pub const ZMQ_EVENT_ACCEPT_FAILED: c_int = 0x0040;
/// Event: a descriptor was closed. Value: the descriptor.
pub const ZMQ_EVENT_CLOSED: c_int = 0x0080;
/// Event: a descriptor could not be closed. Value: errno.
pub const ZMQ_EVENT_CLOSE_FAILED: c_int = 0x0100;
/// Event: a connection broke. Value: its descriptor.
pub const ZMQ_EVENT_DISCONNECTED: c_int = 0x0200;
/// Event: the last one of a monitor.
pub const ZMQ_EVENT_MONITOR_STOPPED: c_int = 0x0400;
/// All events.
pub const ZMQ_EVENT_ALL: c_int = 0xFFFF;
/// Event: a handshake failed for a system error. Value: errno.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: c_int = 0x0800;
/// Event: a handshake is complete; messages flow.
pub const ZMQ_EVENT_HANDSHAKE_SUCCEEDED: c_int = 0x1000;
/// Event: a handshake failed for a breach of protocol. Value: ZMQ_PROTOCOL_ERROR_*.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: c_int = 0x2000;
/// Event: the peer was not let in. Value: the status code of ZAP: 300, 400 or 500.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: c_int = 0x4000;

/// Breach of ZMTP without a name of its own.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED: c_int = 0x1000_0000;
/// Breach of ZMTP: a command that does not belong here.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND: c_int = 0x1000_0001;
/// Breach of ZMTP: a nonce that does not follow the one before.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE: c_int = 0x1000_0002;
/// Breach of ZMTP: the keys could not be agreed on.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE: c_int = 0x1000_0003;
/// Breach of ZMTP: a malformed command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED: c_int = 0x1000_0011;
/// Breach of ZMTP: a malformed MESSAGE command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE: c_int = 0x1000_0012;
/// Breach of ZMTP: a malformed HELLO command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO: c_int = 0x1000_0013;
/// Breach of ZMTP: a malformed INITIATE command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE: c_int = 0x1000_0014;
/// Breach of ZMTP: a malformed ERROR command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR: c_int = 0x1000_0015;
/// Breach of ZMTP: a malformed READY command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY: c_int = 0x1000_0016;
/// Breach of ZMTP: a malformed WELCOME command.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME: c_int = 0x1000_0017;
/// Breach of ZMTP: malformed metadata.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA: c_int = 0x1000_0018;
/// Breach of ZMTP: what was sealed could not be opened; perhaps a wrong key.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: c_int = 0x1100_0001;
/// Breach of ZMTP: the peer has another security mechanism.
pub const ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: c_int = 0x1100_0002;
/// Breach of ZAP without a name of its own.
pub const ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED: c_int = 0x2000_0000;
/// Breach of ZAP: a malformed reply.
pub const ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY: c_int = 0x2000_0001;
/// Breach of ZAP: the reply is to another request.
pub const ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID: c_int = 0x2000_0002;
/// Breach of ZAP: an unknown version.
pub const ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION: c_int = 0x2000_0003;
/// Breach of ZAP: a status code that does not exist.
pub const ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE: c_int = 0x2000_0004;
/// Breach of ZAP: malformed metadata.
pub const ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA: c_int = 0x2000_0005;
/// Breach of the WebSocket protocol.
pub const ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED: c_int = 0x3000_0000;

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
        if addr.is_null() {
            return socket.monitor(None, events);
        }
        // SAFETY: the caller's promise.
        socket.monitor(Some(unsafe { text(addr) }?), events)
    })
}
