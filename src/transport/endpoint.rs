//! Endpoint strings: `transport://address`.
//!
//! What is accepted, and with which error the rest is refused, follows zmq_tcp(7), zmq_ipc(7),
//! zmq_inproc(7) and observation of the reference. One difference is deliberate: a port above
//! 65535 or below 0 is an invalid argument, where the reference takes its lowest 16 bits.

use std::path::PathBuf;

use super::socks::Proxy;
use crate::error::{Error, Result};

/// Longest path of an AF_UNIX socket, and longest abstract name with its `@` (zmq_ipc(7)).
pub(super) const MAX_PATH: usize = 107;

/// Where a socket binds or connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpEndpoint),
    /// A local socket.
    Ipc(IpcEndpoint),
    /// A name within the context; never empty.
    Inproc(String),
}

/// The address part of a `tcp://` endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpEndpoint {
    /// The local address of a connection, from `tcp://source;destination`. Without effect on a bind.
    pub source: Option<HostPort>,
    /// Where to bind or to connect to.
    pub address: HostPort,
    /// The proxy that a connection goes through.
    pub proxy: Option<Proxy>,
}

/// A host and a port, not yet resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A numeric address, a name, or `*`; without the brackets of `[::1]`.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

/// The address part of an `ipc://` endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IpcEndpoint {
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
    /// The endpoint that zmq_bind means by `text`. `multicast` tells whether the socket type goes
    /// with the multicast transports (PUB, SUB, XPUB, XSUB).
    ///
    /// # Errors
    /// InvalidArgument for a malformed string, ProtocolNotSupported for an unknown transport,
    /// IncompatibleProtocol for one that the socket type cannot use, NameTooLong.
    pub fn for_bind(text: &str, multicast: bool) -> Result<Self> {
        Self::parse(text, multicast, Use::Bind)
    }

    /// The endpoint that zmq_connect means by `text`. Nothing is resolved here.
    ///
    /// # Errors
    /// As [`Self::for_bind`].
    pub fn for_connect(text: &str, multicast: bool) -> Result<Self> {
        Self::parse(text, multicast, Use::Connect)
    }

    /// The same endpoint reached through a proxy, where it is one of TCP and there is a proxy.
    pub fn through(mut self, proxy: &Proxy) -> Self {
        if let Self::Tcp(own) = &mut self
            && !proxy.address.is_empty()
        {
            own.proxy = Some(proxy.clone());
        }
        self
    }

    /// Whether a bind chooses a part of it: the interface, the port, or the path.
    pub fn has_wildcard(&self) -> bool {
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
            // Only the draft types RADIO, DISH and DGRAM speak UDP.
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

/// `host:port` of another machine, or `source;host:port`. Here 0 is a port like any other: the
/// operating system will refuse it.
pub(super) fn remote_address(text: &str) -> Result<(Option<HostPort>, HostPort)> {
    with_source(text, source_address, parse_host_port)
}

/// Parts `source;address`, and reads both.
fn with_source(
    text: &str,
    read_source: fn(&str) -> Result<HostPort>,
    read_address: fn(&str) -> Result<HostPort>,
) -> Result<(Option<HostPort>, HostPort)> {
    let (source, address) = match text.rsplit_once(';') {
        Some((source, address)) => (Some(read_source(source)?), address),
        None => (None, text),
    };
    Ok((source, read_address(address)?))
}

/// A connect is looked at only superficially: names are resolved later, each time anew.
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

/// The source of a connection. Its port may be left out, for it seldom matters.
fn source_address(text: &str) -> Result<HostPort> {
    if !text.is_empty() && !text.contains(':') {
        return Ok(HostPort { host: text.to_owned(), port: 0 });
    }
    local_address(text)
}

/// A local address: the port is `*`, `0`, or a number that is not 0 in any other spelling.
fn local_address(text: &str) -> Result<HostPort> {
    let (host, port) = split_port(text)?;
    let port = match port {
        "*" | "0" => 0,
        _ => match port_number(port)? {
            0 => return Err(Error::InvalidArgument),
            port => port,
        },
    };
    Ok(HostPort { host, port })
}

/// `host:port`, with a number for the port.
fn parse_host_port(text: &str) -> Result<HostPort> {
    let (host, port) = split_port(text)?;
    Ok(HostPort { host, port: port_number(port)? })
}

/// Host without brackets, and port, parted at the last colon.
fn split_port(text: &str) -> Result<(String, &str)> {
    let (host, port) = text.rsplit_once(':').ok_or(Error::InvalidArgument)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(Error::InvalidArgument);
    }
    Ok((host.to_owned(), port))
}

/// A port in decimal digits. The reference reads as many digits as it finds and ignores the rest;
/// here what is no number is malformed.
fn port_number(text: &str) -> Result<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or(Error::InvalidArgument)
}

/// The number at the start of the text, after blanks and a sign, as C's `atoi` reads it; 0 when
/// there is none. What follows it is ignored, as the reference does. Saturates.
pub(super) fn leading_number(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let value = digits.bytes().take_while(u8::is_ascii_digit).fold(0i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    if negative { -value } else { value }
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
#[path = "endpoint_tests.rs"]
mod tests;
