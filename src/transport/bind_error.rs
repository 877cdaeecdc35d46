//! Why a bind fails.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

use crate::error::Error;

/// Why a bind failed.
#[derive(Debug)]
pub struct BindError {
    /// The cause.
    pub error: Error,
    /// The system's socket that was opened for it, and is closed again.
    pub descriptor: Option<RawFd>,
}

impl BindError {
    /// Passes a socket on that was bound, closes it if it was not.
    pub(super) fn check(outcome: io::Result<()>, socket: Socket) -> Result<Socket, Self> {
        match outcome {
            Ok(()) => Ok(socket),
            Err(error) => {
                Err(Self { error: bind_error(error), descriptor: Some(socket.as_raw_fd()) })
            }
        }
    }
}

impl From<Error> for BindError {
    fn from(error: Error) -> Self {
        Self { error, descriptor: None }
    }
}

impl From<BindError> for Error {
    fn from(failure: BindError) -> Self {
        failure.error
    }
}

/// The engine's error for an error of the operating system in a bind.
pub(super) fn bind_error(error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EADDRINUSE) => Error::AddressInUse,
        Some(libc::EADDRNOTAVAIL) => Error::AddressNotAvailable,
        Some(libc::EMFILE | libc::ENFILE) => Error::TooManyOpen,
        Some(libc::ENODEV) => Error::NoDevice,
        Some(libc::ENAMETOOLONG) => Error::NameTooLong,
        Some(libc::ENOENT) => Error::NoSuchEndpoint,
        Some(libc::EINVAL) | None => Error::InvalidArgument,
        Some(number) => Error::System(number),
    }
}
