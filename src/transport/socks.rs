//! SOCKS5 (RFC 1928) with user names and passwords (RFC 1929), as the client of a proxy.
//!
//! [`Socks5Handshake`] does no I/O: write [`output`](Socks5Handshake::output), report how much went by
//! [`wrote`](Socks5Handshake::wrote), read at most [`wants`](Socks5Handshake::wants) bytes, for what
//! follows belongs to the connection, and hand them to [`handle_input`](Socks5Handshake::handle_input).

use std::fmt;
use std::net::IpAddr;
use zeroize::{Zeroize, Zeroizing};

use super::host_port::{HostPort, remote_address};
use super::resolve;
use crate::error::{Error, Result};

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// Longest name, user or password: a byte holds the length.
const MAX_TEXT: usize = 255;
/// Bytes of a reply up to the first of the address.
const REPLY_HEAD: usize = 5;

/// The proxy that TCP connections go through.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// ZMQ_SOCKS_PROXY: `host:port`, or `source;host:port`; empty is no proxy.
    pub address: Vec<u8>,
    /// ZMQ_SOCKS_USERNAME, at most 255 bytes; empty is no authentication.
    pub username: Vec<u8>,
    /// ZMQ_SOCKS_PASSWORD, at most 255 bytes.
    pub password: Zeroizing<Vec<u8>>,
}

impl Proxy {
    /// Where to connect to it from, if that is given, and where it listens.
    ///
    /// # Errors
    /// InvalidArgument for what is no such address.
    pub(crate) fn route(&self) -> Result<(Option<HostPort>, HostPort)> {
        let text = self.address.strip_suffix(&[0]).unwrap_or(&self.address);
        remote_address(std::str::from_utf8(text).map_err(|_| Error::InvalidArgument)?)
    }
}

impl fmt::Debug for Proxy {
    /// Passwords stay out of logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Proxy")
            .field("address", &String::from_utf8_lossy(&self.address))
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The proxy chooses the method of authentication.
    Method,
    /// It checks user and password.
    Login,
    /// It connects, and answers.
    Reply,
    /// Bytes flow.
    Connected,
}

/// Why a proxy does not relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Socks5Error {
    /// It does not use SOCKS5.
    Protocol,
    /// It accepts no way of authentication that we offer.
    Method,
    /// It does not accept user and password.
    Login,
    /// It does not connect, with this reason (RFC 1928, 6).
    Reply(u8),
}

/// What is said to a proxy before the connection through it begins.
#[derive(Clone)]
pub(crate) struct Socks5Handshake {
    state: State,
    /// What is to be written.
    output: Zeroizing<Vec<u8>>,
    /// The part of an answer that came; never more than one answer.
    input: Vec<u8>,
    /// The message with user and password; empty when there is no user.
    login: Zeroizing<Vec<u8>>,
    request: Vec<u8>,
}

impl Socks5Handshake {
    /// Begins with a proxy that is to connect to a host and port. A numeric host goes as a
    /// number, any other unchanged as a name: the proxy resolves it.
    ///
    /// # Errors
    /// InvalidArgument for a host that is longer than 255 bytes.
    pub(crate) fn new(proxy: &Proxy, target: &HostPort) -> Result<Self> {
        let mut request = vec![VERSION, CONNECT, 0];
        match resolve::numeric(target, true).map(|address| address.ip()) {
            Some(IpAddr::V4(ip)) => {
                request.push(IPV4);
                request.extend_from_slice(&ip.octets());
            }
            Some(IpAddr::V6(ip)) => {
                request.push(IPV6);
                request.extend_from_slice(&ip.octets());
            }
            None => {
                request.push(NAME);
                push_counted(&mut request, target.host.as_bytes())?;
            }
        }
        request.extend_from_slice(&target.port.to_be_bytes());
        // No copies are left behind where it grows.
        let mut login = Zeroizing::new(Vec::with_capacity(3 + 2 * MAX_TEXT));
        let method = if proxy.username.is_empty() {
            NO_AUTHENTICATION
        } else {
            login.push(LOGIN_VERSION);
            push_counted(&mut login, &proxy.username)?;
            push_counted(&mut login, &proxy.password)?;
            USER_AND_PASSWORD
        };
        let output = Zeroizing::new(vec![VERSION, 1, method]);
        Ok(Self { state: State::Method, output, input: Vec::new(), login, request })
    }

    /// What is to be written to the proxy.
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    /// This number of bytes of the output was written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.output.drain(..count);
        if self.output.is_empty() {
            self.output.zeroize();
        }
    }

    /// How many bytes may be read at most; 0 when the connection through the proxy is there.
    pub(crate) fn wants(&self) -> usize {
        let whole = match self.state {
            State::Method | State::Login => 2,
            State::Reply => reply_length(&self.input),
            State::Connected => 0,
        };
        whole.saturating_sub(self.input.len())
    }

    /// Whether bytes of the connection may flow.
    pub(crate) fn is_connected(&self) -> bool {
        self.state == State::Connected && self.output.is_empty()
    }

    /// Takes what the proxy answered, not more than it [`wants`](Self::wants).
    ///
    /// # Errors
    /// The proxy does not relay; the connection to it is of no use any more.
    pub(crate) fn handle_input(&mut self, bytes: &[u8]) -> Result<(), Socks5Error> {
        self.input.extend_from_slice(bytes);
        if self.state == State::Connected || self.wants() > 0 {
            return Ok(());
        }
        let answer = std::mem::take(&mut self.input);
        match self.state {
            State::Method => self.method(answer[0], answer[1])?,
            State::Login => {
                if answer[1] != 0 {
                    return Err(Socks5Error::Login);
                }
                self.ask();
            }
            State::Reply if answer[0] != VERSION => return Err(Socks5Error::Protocol),
            State::Reply if answer[1] != 0 => return Err(Socks5Error::Reply(answer[1])),
            State::Reply if !matches!(answer[3], IPV4 | NAME | IPV6) => {
                return Err(Socks5Error::Protocol);
            }
            State::Reply => self.state = State::Connected,
            State::Connected => {}
        }
        Ok(())
    }

    fn method(&mut self, version: u8, method: u8) -> Result<(), Socks5Error> {
        match (version, method) {
            (VERSION, USER_AND_PASSWORD) if !self.login.is_empty() => {
                self.state = State::Login;
                self.output.append(&mut self.login);
                Ok(())
            }
            (VERSION, NO_AUTHENTICATION) if self.login.is_empty() => {
                self.ask();
                Ok(())
            }
            (VERSION, _) => Err(Socks5Error::Method),
            _ => Err(Socks5Error::Protocol),
        }
    }

    fn ask(&mut self) {
        self.state = State::Reply;
        self.output.append(&mut self.request);
    }
}

impl fmt::Debug for Socks5Handshake {
    /// Passwords stay out of logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Socks5Handshake")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The length of a reply that begins so. A refusal may end behind its code: what else comes of it
/// is of no interest.
fn reply_length(begun: &[u8]) -> usize {
    match begun {
        [VERSION, 0, _, IPV4, ..] => 4 + 4 + 2,
        [VERSION, 0, _, IPV6, ..] => 4 + 16 + 2,
        [VERSION, 0, _, NAME, length, ..] => REPLY_HEAD + usize::from(*length) + 2,
        [VERSION, 0, _, NAME] => REPLY_HEAD,
        [VERSION, 0, _, _, ..] => 4,
        [_, code, ..] if begun[0] != VERSION || *code != 0 => 2,
        [version] if *version != VERSION => 1,
        [VERSION, 0, ..] => 4,
        _ => 2,
    }
}

/// Appends a length byte and the text.
fn push_counted(message: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    if text.len() > MAX_TEXT {
        return Err(Error::InvalidArgument);
    }
    message.push(text.len() as u8);
    message.extend_from_slice(text);
    Ok(())
}

#[cfg(test)]
mod tests;
