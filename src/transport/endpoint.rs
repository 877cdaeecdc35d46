//! Endpoint strings: `transport://address`.
//!
//! What is accepted, and with which error the rest is refused, follows zmq_tcp(7), zmq_ipc(7),
//! zmq_inproc(7) and observation of libzmq. One difference is deliberate: a port above
//! 65535 or below 0 is an invalid argument, where libzmq takes its lowest 16 bits.

use std::path::PathBuf;

use super::host_port::{HostPort, local_address, remote_address, with_source};
use super::socks::Proxy;
use crate::error::{Error, Result};

/// Longest path of an AF_UNIX socket, and longest abstract name with its `@` (zmq_ipc(7)).
pub(super) const MAX_PATH: usize = 107;

/// Where a socket binds or connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpEndpoint),
    /// A local socket.
    Ipc(IpcEndpoint),
    /// A name within the context; never empty.
    Inproc(String),
}

/// The address part of a `tcp://` endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpEndpoint {
    /// The local address of a connection, from `tcp://source;destination`. Without effect on a bind.
    pub source: Option<HostPort>,
    /// Where to bind or to connect to.
    pub address: HostPort,
    /// The proxy that a connection goes through.
    pub proxy: Option<Proxy>,
}

/// The address part of an `ipc://` endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IpcEndpoint {
    /// A path in the file system, at most 107 bytes, never empty.
    Path(PathBuf),
    /// A name in the abstract namespace, without its `@`; never empty.
    Abstract(String),
    /// `*`, in a bind: a path of the library's choice.
    Wildcard,
}

/// Whether the endpoint is for a bind or a connect: their syntax differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Bind,
    Connect,
}

impl Endpoint {
    /// The endpoint that zmq_bind means by `text`. `multicast`: whether the socket type goes
    /// with the multicast transports (PUB, SUB, XPUB, XSUB).
    ///
    /// # Errors
    /// InvalidArgument for a malformed string, ProtocolNotSupported for an unknown transport,
    /// IncompatibleProtocol for one that the socket type cannot use, NameTooLong.
    pub(crate) fn for_bind(text: &str, multicast: bool) -> Result<Self> {
        Self::parse(text, multicast, Use::Bind)
    }

    /// The endpoint that zmq_connect means by `text`. Nothing is resolved here.
    ///
    /// # Errors
    /// As [`Self::for_bind`].
    pub(crate) fn for_connect(text: &str, multicast: bool) -> Result<Self> {
        Self::parse(text, multicast, Use::Connect)
    }

    /// The same endpoint reached through a proxy, where it is one of TCP and there is a proxy.
    pub(crate) fn through(mut self, proxy: &Proxy) -> Self {
        if let Self::Tcp(own) = &mut self
            && !proxy.address.is_empty()
        {
            own.proxy = Some(proxy.clone());
        }
        self
    }

    /// Whether a bind chooses a part of it: the interface, the port, or the path.
    pub(crate) fn has_wildcard(&self) -> bool {
        match self {
            Self::Tcp(own) => own.address.host.starts_with('*') || own.address.port == 0,
            Self::Ipc(own) => *own == IpcEndpoint::Wildcard,
            Self::Inproc(_) => false,
        }
    }

    fn parse(text: &str, multicast: bool, purpose: Use) -> Result<Self> {
        let (transport, address) = text.split_once("://").ok_or(Error::InvalidArgument)?;
        if transport.is_empty() || address.is_empty() {
            return Err(Error::InvalidArgument);
        }
        match transport {
            "tcp" => tcp(address, purpose).map(Self::Tcp),
            "ipc" => ipc(address, purpose).map(Self::Ipc),
            "inproc" => Ok(Self::Inproc(address.to_owned())),
            // Known, and refused by the type before it matters that they are not built in.
            "pgm" | "epgm" | "norm" if !multicast => Err(Error::IncompatibleProtocol),
            // Only the draft types RADIO, DISH and DGRAM use UDP.
            "udp" => Err(Error::IncompatibleProtocol),
            _ => Err(Error::ProtocolNotSupported),
        }
    }
}

fn tcp(address: &str, purpose: Use) -> Result<TcpEndpoint> {
    if purpose == Use::Connect {
        check_connect_syntax(address)?;
    }
    let (source, address) = match purpose {
        Use::Bind => with_source(address, local_address, local_address)?,
        Use::Connect => remote_address(address)?,
    };
    Ok(TcpEndpoint { source, address, proxy: None })
}

/// A connect is checked only superficially: names are resolved later, for each attempt.
fn check_connect_syntax(address: &str) -> Result<()> {
    let mut bytes = address.bytes();
    let first = bytes.next().ok_or(Error::InvalidArgument)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:%;[]_*".contains(&byte);
    let plausible = (first.is_ascii_alphanumeric() || first == b'[' || first == b':')
        && bytes.all(allowed)
        && address
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.starts_with(|c: char| c.is_ascii_digit()));
    if plausible { Ok(()) } else { Err(Error::InvalidArgument) }
}

fn ipc(address: &str, purpose: Use) -> Result<IpcEndpoint> {
    if purpose == Use::Bind && address.starts_with('*') {
        return Ok(IpcEndpoint::Wildcard);
    }
    if address.len() > MAX_PATH {
        return Err(Error::NameTooLong);
    }
    match address.strip_prefix('@') {
        Some("") => Err(Error::InvalidArgument),
        Some(name) => Ok(IpcEndpoint::Abstract(name.to_owned())),
        None => Ok(IpcEndpoint::Path(address.into())),
    }
}

#[cfg(test)]
mod tests;
