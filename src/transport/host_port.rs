//! Hosts and ports, as they are written in endpoints and in the address of a proxy.

use crate::error::{Error, Result};

/// A host and a port, not yet resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort {
    /// A numeric address, a name, or `*`; without the brackets of `[::1]`.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

/// `host:port` of another machine, or `source;host:port`. Here 0 is a port like any other: the
/// operating system will refuse it.
pub(super) fn remote_address(text: &str) -> Result<(Option<HostPort>, HostPort)> {
    with_source(text, source_address, parse_host_port)
}

/// Parts `source;address`, and reads both.
pub(super) fn with_source(
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

/// The source of a connection. Its port may be left out, for it seldom matters.
fn source_address(text: &str) -> Result<HostPort> {
    if !text.is_empty() && !text.contains(':') {
        return Ok(HostPort { host: text.to_owned(), port: 0 });
    }
    local_address(text)
}

/// A local address: the port is `*`, `0`, or a number that is not 0 in any other spelling.
pub(super) fn local_address(text: &str) -> Result<HostPort> {
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

/// A port in decimal digits. libzmq reads as many digits as it finds and ignores the rest;
/// here what is no number is malformed.
fn port_number(text: &str) -> Result<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or(Error::InvalidArgument)
}

/// The number at the start of the text, after blanks and a sign, as C's `atoi` reads it; 0 when
/// there is none. What follows it is ignored, as libzmq does. Saturates.
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
