//! Kerberos through the system's GSS library (RFC 2743, RFC 2744), loaded when first asked for.
//!
//! [`SecurityContext`] is what the mechanism GSSAPI needs of it, without unsafety and without
//! leaks: every handle and buffer belongs to a value that releases it. One build serves machines
//! with and without the library; [`is_available`] tells.
//!
//! The library reads files (key tabs, ticket caches) and a client's first step asks the Kerberos
//! servers, which may take as long as they please: [`SecurityContext::step`] belongs on a thread
//! that nobody waits for. The other calls only compute.

#![allow(unsafe_code)]

mod context;
mod handles;
mod library;

pub(crate) use context::SecurityContext;
pub(crate) use library::is_available;

use std::fmt;

/// How a principal's name is to be read (zmq_gssapi(7)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NameType {
    /// `service@host` or `service`: the principal `service/host` of the local realm.
    #[default]
    HostBased,
    /// The name of a local user.
    UserName,
    /// A principal as Kerberos writes it.
    Krb5Principal,
}

/// A name of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The name.
    pub name: Vec<u8>,
    /// How it is to be read.
    pub name_type: NameType,
}

/// Why something could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The system has no Kerberos library.
    Unavailable,
    /// The library said no: its major and minor status (RFC 2744).
    Status(u32, u32),
    /// The context does not give what was asked of it: encryption, detection of replays.
    Unprotected,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => write!(formatter, "there is no Kerberos library"),
            Self::Status(major, minor) => write!(formatter, "GSS status {major:#x}, {minor:#x}"),
            Self::Unprotected => write!(formatter, "the peer does not protect its messages"),
        }
    }
}

impl std::error::Error for Failure {}
