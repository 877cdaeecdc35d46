//! Attempts to connect.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use socket2::{SockAddr, Socket};

use super::endpoint::Endpoint;
use super::options::{Keepalive, TransportOptions};
use super::socks::{Negotiation, Proxy};
use super::stream::Stream;
use super::{ipc, resolve, tcp};
use crate::error::{Error, Result};

/// One address to try.
#[derive(Debug, Clone)]
pub enum Target {
    /// A TCP address, and the local one to connect from. Both are of one family.
    Tcp {
        /// Where to connect from; None lets the system choose.
        source: Option<SocketAddr>,
        /// Where to connect to.
        address: SocketAddr,
        /// What to say to a proxy at that address.
        negotiation: Option<Box<Negotiation>>,
    },
    /// The address of a local socket.
    Ipc(SockAddr),
}

impl Endpoint {
    /// Whether [`Self::targets`] has to look a name up, which may block.
    pub fn needs_lookup(&self, ipv6: bool) -> bool {
        let Self::Tcp(own) = self else {
            return false;
        };
        match own.proxy.as_ref().map(Proxy::host_port) {
            None => resolve::numeric(&own.address, ipv6).is_none(),
            Some(Ok(proxy)) => resolve::numeric(&proxy, ipv6).is_none(),
            Some(Err(_)) => false,
        }
    }

    /// The addresses to try, best first; never an empty list. What a name means may change, so
    /// each attempt asks anew.
    ///
    /// # Errors
    /// HostUnreachable when the host is not known, NoDevice for a source that is not local,
    /// InvalidArgument for an inproc endpoint and for a malformed proxy.
    pub fn targets(&self, ipv6: bool) -> Result<Vec<Target>> {
        match self {
            Self::Tcp(own) => {
                let source =
                    own.source.as_ref().map(|own| resolve::local(own, ipv6)).transpose()?;
                let (next, negotiation) = match &own.proxy {
                    None => (own.address.clone(), None),
                    Some(proxy) => {
                        let negotiation = Negotiation::new(proxy, &own.address)?;
                        (proxy.host_port()?, Some(Box::new(negotiation)))
                    }
                };
                let addresses = resolve::remote(&next, ipv6)?;
                let target = |address| Target::tcp(source, address, negotiation.clone());
                Ok(addresses.into_iter().map(target).collect())
            }
            Self::Ipc(own) => Ok(vec![Target::Ipc(ipc::address(own)?)]),
            Self::Inproc(_) => Err(Error::InvalidArgument),
        }
    }
}

impl Target {
    fn tcp(
        source: Option<SocketAddr>,
        address: SocketAddr,
        negotiation: Option<Box<Negotiation>>,
    ) -> Self {
        let address = match source {
            Some(source) if source.is_ipv6() => resolve::as_ipv6(address),
            _ => address,
        };
        Self::Tcp { source, address, negotiation }
    }
}

/// An attempt under way. Its descriptor becomes writable, or with a proxy readable, when more of
/// the outcome is known.
#[derive(Debug)]
pub struct Connecting {
    socket: Socket,
    /// The outcome, where the system told it at once.
    known: Option<io::Result<()>>,
    /// For TCP: how to set the connection up.
    tuning: Option<(Keepalive, Option<std::time::Duration>)>,
    /// What is left to be settled with a proxy.
    negotiation: Option<Box<Negotiation>>,
}

/// Why [`Connecting::finish`] gave no stream.
#[derive(Debug)]
pub enum NotConnected {
    /// The outcome is not known yet.
    Pending(Connecting),
    /// The attempt failed.
    Failed(io::Error),
}

impl Connecting {
    /// Begins to connect, without waiting.
    ///
    /// # Errors
    /// The operating system's error, where there is no socket to connect with. That an attempt
    /// failed, even at once, [`finish`](Self::finish) tells; a local socket whose backlog is full
    /// answers WouldBlock then: try again later.
    pub fn start(target: &Target, options: &TransportOptions) -> io::Result<Self> {
        let mut negotiation = None;
        let (socket, address, tuning) = match target {
            Target::Tcp { source, address, negotiation: own } => {
                negotiation = own.clone();
                let socket = tcp::open(*address, options)?;
                if let Some(source) = source {
                    // So that a fixed source port can be used again at the next attempt.
                    socket.set_reuse_address(true)?;
                    socket.bind(&(*source).into())?;
                }
                let tuning = Some((options.keepalive, options.max_retransmit));
                (socket, SockAddr::from(*address), tuning)
            }
            Target::Ipc(address) => (ipc::open(options)?, address.clone(), None),
        };
        let known = match socket.connect(&address) {
            // As with EINPROGRESS, the attempt goes on in the background.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => {
                None
            }
            outcome => Some(outcome),
        };
        Ok(Self { socket, known, tuning, negotiation })
    }

    /// Whether there is something to wait for: the outcome was not known at once, or a proxy has
    /// its part in it.
    pub fn is_pending(&self) -> bool {
        self.known.is_none() || self.negotiation.is_some()
    }

    /// The outcome. Call it when the descriptor became writable or readable, or at any time to
    /// look.
    ///
    /// # Errors
    /// See [`NotConnected`].
    pub fn finish(mut self) -> Result<Stream, NotConnected> {
        match self.outcome() {
            Ok(Some(peer)) => Ok(Stream::new(self.socket, &peer)),
            Ok(None) => Err(NotConnected::Pending(self)),
            Err(error) => Err(NotConnected::Failed(error)),
        }
    }

    /// The peer's address, once the connection is there.
    fn outcome(&mut self) -> io::Result<Option<SockAddr>> {
        if let Some(Err(error)) = self.known.take() {
            return Err(error);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        let peer = match self.socket.peer_addr() {
            Ok(peer) => peer,
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some((keepalive, max_retransmit)) = &self.tuning {
            // A TCP attempt at a free port of this host may meet itself, when the system picks
            // that very port as its source: nobody listens there.
            if self.socket.local_addr()?.as_socket() == peer.as_socket() {
                return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
            }
            tcp::tune(&self.socket, keepalive, *max_retransmit)?;
        }
        let connected = match &mut self.negotiation {
            Some(negotiation) => negotiate(&self.socket, negotiation)?,
            None => true,
        };
        Ok(connected.then_some(peer))
    }
}

/// Goes on with a proxy as far as bytes allow; whether the connection through it is there.
fn negotiate(mut socket: &Socket, negotiation: &mut Negotiation) -> io::Result<bool> {
    let mut chunk = [0; 64];
    while !negotiation.is_connected() {
        let turn = if negotiation.output().is_empty() {
            let wanted = negotiation.wants().min(chunk.len());
            socket.read(&mut chunk[..wanted]).and_then(|count| match count {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => negotiation
                    .handle_input(&chunk[..count])
                    .map_err(|_| io::ErrorKind::ConnectionRefused.into()),
            })
        } else {
            let sent = socket.send_with_flags(negotiation.output(), libc::MSG_NOSIGNAL);
            sent.map(|count| negotiation.wrote(count))
        };
        match turn {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}

impl AsRawFd for Connecting {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
