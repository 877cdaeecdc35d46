//! Attempts to connect.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::endpoint::{Endpoint, TcpEndpoint};
use super::host_port::HostPort;
use super::options::{Keepalive, TransportOptions};
use super::socks::Socks5Handshake;
use super::stream::Stream;
use super::{ipc, resolve, tcp};
use crate::error::{Error, Result};
use crate::io::{PollDescriptor, poll_descriptors, uninterrupted};

/// A connect(2) that is interrupted more often in a row has failed.
const INTERRUPTIONS: usize = 100;

/// One address to try.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A TCP address, and the local one to connect from. Both are of one family.
    Tcp {
        /// Where to connect from; None lets the system choose.
        source: Option<SocketAddr>,
        /// Where to connect to.
        address: SocketAddr,
        /// What to say to a proxy at that address.
        negotiation: Option<Box<Socks5Handshake>>,
    },
    /// The address of a local socket.
    Ipc(SockAddr),
}

impl Endpoint {
    /// The name that has to be resolved for [`Self::targets`], if there is one.
    pub(crate) fn unresolved_name(&self, ipv6: bool) -> Option<String> {
        let Self::Tcp(own) = self else {
            return None;
        };
        let (_, next) = own.route().ok()?;
        resolve::numeric(&next, ipv6).is_none().then_some(next.host)
    }

    /// The addresses to try, best first; never an empty list. `found` are those of its
    /// [`unresolved_name`](Self::unresolved_name). What a name means may change, so each attempt
    /// asks again.
    ///
    /// # Errors
    /// HostUnreachable when the host is not known, NoDevice for a source that is not local,
    /// InvalidArgument for an inproc endpoint and for a malformed proxy.
    pub(crate) fn targets(&self, ipv6: bool, found: &[SocketAddr]) -> Result<Vec<Target>> {
        match self {
            Self::Tcp(own) => {
                let (source, next) = own.route()?;
                let source = source.map(|own| resolve::local(&own, ipv6)).transpose()?;
                let negotiation = match &own.proxy {
                    None => None,
                    Some(proxy) => Some(Box::new(Socks5Handshake::new(proxy, &own.address)?)),
                };
                let addresses = resolve::remote(&next, ipv6, found)?;
                let target = |address| Target::tcp(source, address, negotiation.clone());
                Ok(addresses.into_iter().map(target).collect())
            }
            Self::Ipc(own) => Ok(vec![Target::Ipc(ipc::address(own)?)]),
            Self::Inproc(_) => Err(Error::InvalidArgument),
        }
    }

    /// The same endpoint, whatever becomes of the working directory of the calling thread.
    pub(crate) fn located(mut self) -> Self {
        if let Self::Ipc(own) = &mut self {
            own.make_absolute();
        }
        self
    }
}

impl TcpEndpoint {
    /// Where a connection comes from, if that is given, and where it goes to first: to the proxy,
    /// if there is one.
    fn route(&self) -> Result<(Option<HostPort>, HostPort)> {
        let Some(proxy) = &self.proxy else {
            return Ok((self.source.clone(), self.address.clone()));
        };
        let (source, next) = proxy.route()?;
        Ok((source.or_else(|| self.source.clone()), next))
    }

    /// The numeric address, in the one form that all spellings of it have in common.
    pub(crate) fn canonical_address(&self, ipv6: bool) -> Option<SocketAddr> {
        resolve::numeric(&self.address, ipv6).map(resolve::without_mapping)
    }

    /// The addresses that the name has now, in the same form. May block.
    pub(crate) fn look_up(&self, ipv6: bool) -> Vec<SocketAddr> {
        let found = resolve::look_up(&self.address.host);
        let addresses = resolve::remote(&self.address, ipv6, &found).unwrap_or_default();
        addresses.into_iter().map(resolve::without_mapping).collect()
    }
}

impl Target {
    fn tcp(
        source: Option<SocketAddr>,
        address: SocketAddr,
        negotiation: Option<Box<Socks5Handshake>>,
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
pub(crate) struct Connecting {
    socket: Socket,
    /// The outcome, where the system reported it at once.
    known: Option<io::Result<()>>,
    /// For TCP: how to set the connection up.
    tuning: Option<(Keepalive, Option<Duration>)>,
    /// What is left to be settled with a proxy.
    negotiation: Option<Box<Socks5Handshake>>,
}

impl Connecting {
    /// Begins to connect, without waiting.
    ///
    /// # Errors
    /// The operating system's error, where there is no socket to connect with. That an attempt
    /// failed, even at once, [`poll_peer`](Self::poll_peer) tells; a local socket whose backlog is full
    /// answers WouldBlock then: try again later.
    pub(crate) fn start(target: &Target, options: &TransportOptions) -> io::Result<Self> {
        match target {
            Target::Tcp { source, address, negotiation } => {
                let (socket, address) = open_tcp(*source, *address, options)?;
                let tuning = Some((options.keepalive, options.max_retransmit));
                let known = connect(&socket, &address.into());
                Ok(Self { socket, known, tuning, negotiation: negotiation.clone() })
            }
            Target::Ipc(address) => {
                let socket = ipc::open(options)?;
                let known = connect(&socket, address);
                Ok(Self { socket, known, tuning: None, negotiation: None })
            }
        }
    }

    /// Whether there is something to wait for: the outcome was not known at once, or a proxy has
    /// its part in it.
    pub(crate) fn is_pending(&self) -> bool {
        self.known.is_none() || self.negotiation.is_some()
    }

    /// The connection, which [`poll_peer`](Self::poll_peer) found with this peer.
    pub(crate) fn into_stream(self, peer: &SockAddr) -> Stream {
        Stream::new(self.socket, peer)
    }

    /// Whether the system has not decided yet.
    fn is_under_way(&self) -> io::Result<bool> {
        let mut descriptor = [PollDescriptor::new(self.as_raw_fd(), libc::POLLOUT)];
        Ok(poll_descriptors(&mut descriptor, Some(Duration::ZERO))? == 0)
    }

    /// The peer's address, once the connection is there. Call it when the descriptor became writable
    /// or readable, or at any time to look.
    ///
    /// # Errors
    /// Those of the attempt, which has failed.
    pub(crate) fn poll_peer(&mut self) -> io::Result<Option<SockAddr>> {
        if let Some(Err(error)) = self.known.take() {
            return Err(error);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        let peer = match self.socket.peer_addr() {
            Ok(peer) => peer,
            // Until the outcome is known there is no peer; afterwards there may be none any more.
            Err(error)
                if error.raw_os_error() == Some(libc::ENOTCONN) && self.is_under_way()? =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Some((keepalive, max_retransmit)) = &self.tuning {
            // A TCP attempt at a free port of this host may meet itself, when the system picks
            // that very port as its source: no program listens there.
            if self.socket.local_addr()?.as_socket() == peer.as_socket() {
                // It would keep the port from a server for a minute.
                self.socket.set_linger(Some(Duration::ZERO))?;
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

/// A TCP socket to connect with, and the address to connect to: where the kernel has no IPv6, as
/// IPv4, if both ends can be reached so.
fn open_tcp(
    source: Option<SocketAddr>,
    address: SocketAddr,
    options: &TransportOptions,
) -> io::Result<(Socket, SocketAddr)> {
    let (socket, source, address) = match tcp::open(address, options) {
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
            let (from, to) =
                (source.map(resolve::without_mapping), resolve::without_mapping(address));
            if to.is_ipv6() || from.is_some_and(|from| from.is_ipv6()) {
                return Err(error);
            }
            (tcp::open(to, options)?, from, to)
        }
        opened => (opened?, source, address),
    };
    if let Some(source) = source {
        // So that a fixed source port can be used again at the next attempt.
        socket.set_reuse_address(true)?;
        socket.bind(&source.into())?;
    }
    Ok((socket, address))
}

/// Begins to connect; the outcome, if it is known at once.
fn connect(socket: &Socket, address: &SockAddr) -> Option<io::Result<()>> {
    let mut outcome = socket.connect(address);
    for _ in 0..INTERRUPTIONS {
        match outcome.as_ref().map_err(io::Error::raw_os_error) {
            // Whether it goes on nevertheless depends on the transport: a second connect(2) reports it.
            Err(Some(libc::EINTR)) => outcome = socket.connect(address),
            Err(Some(libc::EINPROGRESS | libc::EALREADY)) => return None,
            Err(Some(libc::EISCONN)) => return Some(Ok(())),
            _ => break,
        }
    }
    Some(outcome)
}

/// Goes on with a proxy as far as bytes allow; whether the connection through it is there.
fn negotiate(mut socket: &Socket, negotiation: &mut Socks5Handshake) -> io::Result<bool> {
    let mut chunk = [0; 64];
    while !negotiation.is_connected() {
        let turn = if negotiation.output().is_empty() {
            let wanted = negotiation.wants().min(chunk.len());
            let read = uninterrupted(|| socket.read(&mut chunk[..wanted]));
            read.and_then(|count| match count {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => negotiation
                    .handle_input(&chunk[..count])
                    .map_err(|_| io::ErrorKind::ConnectionRefused.into()),
            })
        } else {
            let output = negotiation.output();
            let sent = uninterrupted(|| socket.send_with_flags(output, libc::MSG_NOSIGNAL));
            sent.map(|count| negotiation.wrote(count))
        };
        match turn {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
    }
    Ok(true)
}

impl AsRawFd for Connecting {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
