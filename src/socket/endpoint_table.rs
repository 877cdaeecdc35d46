//! The endpoints that a socket is bound and connected to.

use crate::session::{BoundEndpoint, EventEndpoints, Session};
use crate::transport::{Endpoint, TcpEndpoint};
use std::net::SocketAddr;
use std::sync::Arc;

/// What an endpoint string refers to.
pub(super) enum Kind {
    Bound(Arc<BoundEndpoint>),
    Connected(Arc<Session>),
    InprocBound,
    InprocConnected,
}

pub(super) struct Entry {
    /// Number that its pipes carry.
    pub(super) number: u64,
    /// As the call gave it, unless that was a wildcard, and with what was filled in.
    pub(super) names: [String; 2],
    pub(super) kind: Kind,
}

impl Entry {
    /// Whether this is `sought` by another spelling of its address, which is one of these. What
    /// was connected by a name has none.
    pub(super) fn is_at(&self, sought: &TcpEndpoint, addresses: &[SocketAddr], ipv6: bool) -> bool {
        let Ok(Endpoint::Tcp(own)) = Endpoint::for_connect(&self.names[1], false) else {
            return false;
        };
        let same_source = matches!(self.kind, Kind::Bound(_)) || own.source == sought.source;
        let address = own.canonical_address(ipv6);
        same_source && address.is_some_and(|address| addresses.contains(&address))
    }
}

/// An endpoint to undo that no string names. Which one it is takes a lookup.
pub(super) struct Unknown {
    pub(super) sought: TcpEndpoint,
    pub(super) ipv6: bool,
}

impl Unknown {
    /// The addresses that it may have. May block.
    pub(super) fn look_up(&self) -> Vec<SocketAddr> {
        self.sought.look_up(self.ipv6)
    }
}

/// The endpoints of a socket.
#[derive(Default)]
pub(super) struct Endpoints {
    pub(super) entries: Vec<Entry>,
    last: String,
    next: u64,
}

impl Endpoints {
    /// The endpoint that was bound or connected last, with its real port or path.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    pub(super) fn add(&mut self, number: u64, given: &str, resolved: &str, kind: Kind) {
        self.last = resolved.to_owned();
        let names = [given.to_owned(), resolved.to_owned()];
        self.entries.push(Entry { number, names, kind });
    }

    /// Whether there is a connection to this endpoint, or attempts to make one.
    pub(super) fn is_connected(&self, name: &str) -> bool {
        let connected =
            |kind: &Kind| matches!(kind, Kind::Connected(session) if !session.is_over());
        self.entries.iter().any(|entry| entry.names[0] == name && connected(&entry.kind))
    }

    /// The endpoint with this number, as a monitor names it.
    pub(super) fn of_event(&self, number: u64) -> EventEndpoints<'_> {
        match self.entries.iter().find(|entry| entry.number == number) {
            Some(Entry { names: [_, own], kind: Kind::Bound(_) | Kind::InprocBound, .. }) => {
                EventEndpoints::bound(own)
            }
            Some(Entry { names: [_, own], .. }) => EventEndpoints::connecting("", own),
            None => EventEndpoints::default(),
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
