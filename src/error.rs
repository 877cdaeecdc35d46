//! What can go wrong in a call, by cause. errno is set in `capi` alone.

#![forbid(unsafe_code)]

use std::fmt;
use std::io;

/// Why a call of the engine failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The operation would have to wait, and was not allowed to (EAGAIN).
    WouldBlock,
    /// The context was shut down or terminated (ETERM).
    Terminated,
    /// A signal handler ran while the call was blocked (EINTR).
    Interrupted,
    /// The socket's state machine does not allow the operation now (EFSM).
    WrongState,
    /// The handle is not an open socket (ENOTSOCK).
    NotASocket,
    /// A handle or pointer is not valid (EFAULT).
    BadAddress,
    /// An argument is malformed or out of range (EINVAL).
    InvalidArgument,
    /// The endpoint is already bound (EADDRINUSE).
    AddressInUse,
    /// The endpoint is not local to this machine (EADDRNOTAVAIL).
    AddressNotAvailable,
    /// The transport is unknown or not built in (EPROTONOSUPPORT).
    ProtocolNotSupported,
    /// The transport does not go with the socket type (ENOCOMPATPROTO).
    IncompatibleProtocol,
    /// There is no such network interface (ENODEV).
    NoDevice,
    /// No I/O thread is there to do the work (EMTHREAD).
    NoIoThread,
    /// The message cannot be routed to its destination (EHOSTUNREACH).
    HostUnreachable,
    /// The socket type does not support the operation (ENOTSUP).
    NotSupported,
    /// The endpoint is not known to the socket (ENOENT).
    NoSuchEndpoint,
    /// Too many sockets or descriptors are open (EMFILE).
    TooManyOpen,
    /// The operation took longer than it may (ETIMEDOUT).
    TimedOut,
    /// The path of the endpoint is too long (ENAMETOOLONG).
    NameTooLong,
    /// The connection was refused (ECONNREFUSED): inproc to a context that ends, and the like.
    ConnectionRefused,
    /// Memory could not be had (ENOMEM).
    OutOfMemory,
    /// The system does not permit it to this process (EPERM).
    NotPermitted,
    /// An error of the operating system without a name above; its errno.
    System(i32),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => Self::TooManyOpen,
            Some(libc::ENOMEM) => Self::OutOfMemory,
            Some(libc::EINTR) => Self::Interrupted,
            Some(libc::EINVAL) => Self::InvalidArgument,
            Some(libc::EPERM | libc::EACCES) => Self::NotPermitted,
            Some(number) => Self::System(number),
            // Errors of the standard library itself, for instance a name with a NUL.
            None => Self::InvalidArgument,
        }
    }
}

/// The result of a call of the engine.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
