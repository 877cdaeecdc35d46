//! Error numbers (zmq_errno(3), zmq_strerror(3)).

use crate::error::Error;
use std::ffi::{CStr, c_char, c_int};

/// Base of the error numbers that the operating system does not have.
pub const ZMQ_HAUSNUMERO: c_int = 156384712;
/// The operation does not fit the state that the socket is in.
pub const EFSM: c_int = ZMQ_HAUSNUMERO + 51;
/// The transport does not go with the socket type.
pub const ENOCOMPATPROTO: c_int = ZMQ_HAUSNUMERO + 52;
/// The context was shut down or terminated.
pub const ETERM: c_int = ZMQ_HAUSNUMERO + 53;
/// The context has no I/O thread to do the work.
pub const EMTHREAD: c_int = ZMQ_HAUSNUMERO + 54;

/// The error number of an error of the engine. This is the only place that knows both.
#[cold]
pub(super) fn from_error(error: Error) -> c_int {
    match error {
        Error::WouldBlock => libc::EAGAIN,
        Error::Terminated => ETERM,
        Error::Interrupted => libc::EINTR,
        Error::WrongState => EFSM,
        Error::NotASocket => libc::ENOTSOCK,
        Error::BadAddress => libc::EFAULT,
        Error::InvalidArgument => libc::EINVAL,
        Error::AddressInUse => libc::EADDRINUSE,
        Error::AddressNotAvailable => libc::EADDRNOTAVAIL,
        Error::ProtocolNotSupported => libc::EPROTONOSUPPORT,
        Error::IncompatibleProtocol => ENOCOMPATPROTO,
        Error::NoDevice => libc::ENODEV,
        Error::NoIoThread => EMTHREAD,
        Error::HostUnreachable => libc::EHOSTUNREACH,
        Error::NotSupported => libc::ENOTSUP,
        Error::NoSuchEndpoint => libc::ENOENT,
        Error::TooManyOpen => libc::EMFILE,
        Error::TimedOut => libc::ETIMEDOUT,
        Error::NameTooLong => libc::ENAMETOOLONG,
        Error::ConnectionRefused => libc::ECONNREFUSED,
        Error::OutOfMemory => libc::ENOMEM,
        Error::NotPermitted => libc::EPERM,
        Error::System(number) => number,
    }
}

/// Sets the calling thread's errno.
pub(super) fn set(number: c_int) {
    // SAFETY: the C library's errno of this thread is always there.
    unsafe { *libc::__errno_location() = number };
}

/// The calling thread's errno (zmq_errno(3)).
#[unsafe(no_mangle)]
pub extern "C" fn zmq_errno() -> c_int {
    // SAFETY: the C library's errno of this thread is always there.
    unsafe { *libc::__errno_location() }
}

/// A text for an error number, of this library or of the operating system (zmq_strerror(3)).
///
/// Never NULL. The text of a number without a name of its own lasts until the thread's next call.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_strerror(errnum: c_int) -> *const c_char {
    let text: &CStr = match errnum {
        EFSM => c"Operation cannot be accomplished in current state",
        ENOCOMPATPROTO => c"The protocol is not compatible with the socket type",
        ETERM => c"Context was terminated",
        EMTHREAD => c"No thread available",
        // The one system error that libzmq names differently from the system.
        libc::EHOSTUNREACH => c"Host unreachable",
        // SAFETY: takes any number; the C library keeps its text per thread.
        _ => return unsafe { libc::strerror(errnum) },
    };
    text.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_numbers_have_texts_of_their_own() {
        for (number, text) in [
            (EFSM, c"Operation cannot be accomplished in current state"),
            (ETERM, c"Context was terminated"),
            (libc::EHOSTUNREACH, c"Host unreachable"),
            (libc::EINVAL, c"Invalid argument"),
        ] {
            // SAFETY: a string with a NUL at its end.
            assert_eq!(unsafe { CStr::from_ptr(zmq_strerror(number)) }, text);
        }
    }

    #[test]
    fn errno_is_what_was_set() {
        set(from_error(Error::Terminated));
        assert_eq!(zmq_errno(), ETERM);
    }
}
