//! A bound endpoint that takes connections.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use socket2::{SockAddr, Socket};

use super::bind_error::BindError;
use super::endpoint::Endpoint;
use super::filter::{AddressFilter, CredentialFilters};
use super::ipc::{self, SocketFile};
use super::options::{Keepalive, TransportOptions};
use super::stream::Stream;
use super::tcp;
use crate::error::{Error, Result};
use crate::io::descriptor::peer_credentials;
use crate::io::uninterrupted;

/// A listening socket. Dropping it ends the binding, and removes the file of an ipc path.
#[derive(Debug)]
pub(crate) struct Listener {
    /// First, so that the socket is closed before its file goes.
    socket: Socket,
    endpoint: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Tcp {
        keepalive: Keepalive,
        max_retransmit: Option<std::time::Duration>,
        filters: Vec<AddressFilter>,
    },
    Ipc {
        filters: CredentialFilters,
        file: Option<SocketFile>,
    },
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// AddressInUse, AddressNotAvailable, NoDevice and so on; InvalidArgument for an inproc
    /// endpoint, which is no matter of this room.
    pub(crate) fn bind(endpoint: &Endpoint, options: &TransportOptions) -> Result<Self, BindError> {
        match endpoint {
            Endpoint::Tcp(endpoint) => {
                let (socket, text) = tcp::listen(endpoint, options)?;
                let kind = Kind::Tcp {
                    keepalive: options.keepalive,
                    max_retransmit: options.max_retransmit,
                    filters: options.address_filters.clone(),
                };
                Ok(Self { socket, endpoint: text, kind })
            }
            Endpoint::Ipc(endpoint) => {
                let (socket, text, file) = ipc::listen(endpoint, options)?;
                let kind = Kind::Ipc { filters: options.credential_filters.clone(), file };
                Ok(Self { socket, endpoint: text, kind })
            }
            Endpoint::Inproc(_) => Err(Error::InvalidArgument.into()),
        }
    }

    /// Ends the binding as dropping it does, and returns how that went.
    ///
    /// # Errors
    /// When the file of an ipc wildcard, or its directory, could not be removed.
    pub(crate) fn close(self) -> io::Result<()> {
        drop(self.socket);
        match self.kind {
            Kind::Ipc { file: Some(file), .. } => file.remove(),
            _ => Ok(()),
        }
    }

    /// What ZMQ_LAST_ENDPOINT returns: the endpoint with its real port or path.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Takes one waiting connection; None when none waits.
    ///
    /// # Errors
    /// See [`AcceptError`] for what to do then.
    pub(crate) fn accept(&self) -> Result<Option<Stream>, AcceptError> {
        // socket2 makes the new descriptor close-on-exec and non-blocking in one call.
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        match uninterrupted(|| self.socket.accept4(flags)) {
            Ok((socket, peer)) => self.admit(socket, &peer).map(Some),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(AcceptError::from_system(error)),
        }
    }

    fn admit(&self, socket: Socket, peer: &SockAddr) -> Result<Stream, AcceptError> {
        match &self.kind {
            Kind::Tcp { keepalive, max_retransmit, filters } => {
                let address = peer.as_socket();
                let welcome = filters.is_empty()
                    || address.is_some_and(|peer| filters.iter().any(|own| own.admits(peer)));
                if !welcome {
                    return Err(AcceptError::refused());
                }
                tcp::tune(&socket, keepalive, *max_retransmit).map_err(AcceptError::Connection)?;
            }
            Kind::Ipc { filters, .. } => {
                use std::os::fd::AsFd;
                if !filters.is_empty() {
                    let peer = peer_credentials(socket.as_fd()).map_err(AcceptError::Connection)?;
                    if !filters.admits(peer) {
                        return Err(AcceptError::refused());
                    }
                }
            }
        }
        Ok(Stream::new(socket, peer))
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Why a connection was not accepted, by what the caller does about it.
#[derive(Debug)]
pub(crate) enum AcceptError {
    /// One connection is lost: it broke before it was accepted, or a filter refused it. Accept the
    /// next one at once.
    Connection(io::Error),
    /// Descriptors or memory are used up. The connection still waits; accept again after a
    /// while, and not at once, for the listener stays readable.
    Exhausted(io::Error),
    /// The listener itself does not work any more.
    Listener(io::Error),
}

impl AcceptError {
    fn from_system(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                Self::Exhausted(error)
            }
            Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK | libc::EOPNOTSUPP | libc::EFAULT) => {
                Self::Listener(error)
            }
            // accept(2): errors of the new connection are reported by accept itself.
            _ => Self::Connection(error),
        }
    }

    fn refused() -> Self {
        Self::Connection(io::ErrorKind::PermissionDenied.into())
    }

    /// The operating system's error.
    pub(crate) fn error(&self) -> &io::Error {
        match self {
            Self::Connection(error) | Self::Exhausted(error) | Self::Listener(error) => error,
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "accept: {}", self.error())
    }
}

impl std::error::Error for AcceptError {}
