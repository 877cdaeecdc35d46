//! A connection.

use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use crate::io::descriptor::{peer_credentials, undelivered};
use crate::io::interfaces::interface_name;
use crate::io::{PollDescriptor, poll_fds, uninterrupted};

/// A connected, non-blocking stream socket. Any thread may read or write through a reference;
/// which thread may is up to the session.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    /// The address of the other side, for TCP.
    peer: Option<SocketAddr>,
}

impl Stream {
    pub(super) fn new(socket: Socket, peer: &SockAddr) -> Self {
        Self { socket, peer: peer.as_socket() }
    }

    /// The system's socket.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Reads what is there; 0 is the end of the stream.
    ///
    /// # Errors
    /// WouldBlock when nothing is there, or the connection's error.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| (&self.socket).read(buffer))
    }

    /// Writes what there is room for. Never raises SIGPIPE.
    ///
    /// # Errors
    /// WouldBlock when there is no room, or the connection's error.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| self.socket.send_with_flags(bytes, libc::MSG_NOSIGNAL))
    }

    /// As [`Self::write`], from several slices in turn.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(crate) fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match uninterrupted(|| self.socket.send_vectored_with_flags(slices, libc::MSG_NOSIGNAL)) {
            // Perhaps an allow-list of system calls that has no sendmsg(2).
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                self.write(first.map_or(&[], |slice| slice))
            }
            written => written,
        }
    }

    /// Bytes that were written and that the peer's system has not taken yet; for ipc, the memory
    /// that they use until the peer reads them.
    pub(crate) fn undelivered(&self) -> u64 {
        undelivered(self.socket.as_fd())
    }

    /// Sends nothing more: the peer finds the end behind what was written.
    ///
    /// # Errors
    /// The connection is gone, or the system refuses.
    pub(crate) fn end_output(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// Ends both directions. What came before can still be read, and then the end.
    pub(crate) fn shut_down(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Whether the peer sends nothing more, or is gone; there may be something to read before.
    pub(crate) fn has_ended(&self) -> bool {
        let mut own = [PollDescriptor::new(self.socket.as_raw_fd(), libc::POLLRDHUP)];
        poll_fds(&mut own, Some(Duration::ZERO)).is_ok() && own[0].found() != 0
    }

    /// The Peer-Address property of messages: the bare IP address, or for ipc
    /// `localhost:user:group:process` in numbers (observed). Empty when it cannot be known.
    pub(crate) fn peer_address(&self) -> String {
        match self.peer {
            Some(address) => ip_text(address),
            None => peer_credentials(self.socket.as_fd())
                .map(|peer| format!("localhost:{}:{}:{}", peer.user, peer.group, peer.process))
                .unwrap_or_default(),
        }
    }

    /// The endpoint of this side, as events of a monitor name it.
    pub(crate) fn local_endpoint(&self) -> String {
        self.socket.local_addr().map(|address| endpoint_text(&address)).unwrap_or_default()
    }

    /// The endpoint of the peer's side.
    pub(crate) fn peer_endpoint(&self) -> String {
        // The system forgets it with the connection.
        let known = self.peer.map(SockAddr::from);
        let address = known.map_or_else(|| self.socket.peer_addr(), Ok);
        address.map(|address| endpoint_text(&address)).unwrap_or_default()
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// The endpoint of an address, as ZMQ_LAST_ENDPOINT writes it.
pub(super) fn endpoint_text(address: &SockAddr) -> String {
    if let Some(address) = address.as_socket() {
        let ip = ip_text(address);
        let port = address.port();
        return if address.is_ipv6() {
            format!("tcp://[{ip}]:{port}")
        } else {
            format!("tcp://{ip}:{port}")
        };
    }
    if let Some(name) = address.as_abstract_namespace() {
        return format!("ipc://@{}", String::from_utf8_lossy(name));
    }
    let path = address.as_pathname().unwrap_or("".as_ref());
    format!("ipc://{}", path.display())
}

/// The address without its port; a link-local one with its interface.
fn ip_text(address: SocketAddr) -> String {
    let ip = address.ip();
    match address {
        SocketAddr::V6(own) if own.scope_id() != 0 => match interface_name(own.scope_id()) {
            Some(name) => format!("{ip}%{name}"),
            None => format!("{ip}%{}", own.scope_id()),
        },
        _ => ip.to_string(),
    }
}
