//! The socket types and which of them talk to each other.

use crate::numbers::*;

/// A socket type, with its number in zmq.h, which peers of ZMTP 2.0 are told too (RFC 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)]
pub(crate) enum SocketType {
    Pair = ZMQ_PAIR,
    Pub = ZMQ_PUB,
    Sub = ZMQ_SUB,
    Req = ZMQ_REQ,
    Rep = ZMQ_REP,
    Dealer = ZMQ_DEALER,
    Router = ZMQ_ROUTER,
    Pull = ZMQ_PULL,
    Push = ZMQ_PUSH,
    Xpub = ZMQ_XPUB,
    Xsub = ZMQ_XSUB,
    Stream = ZMQ_STREAM,
}

use SocketType::*;

const ALL: [SocketType; 12] =
    [Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, Xpub, Xsub, Stream];

impl SocketType {
    /// The type with this number in zmq.h.
    pub(crate) fn from_value(value: i32) -> Option<Self> {
        usize::try_from(value).ok().and_then(|index| ALL.get(index).copied())
    }

    /// The name in the Socket-Type property (RFC 23).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Pair => "PAIR",
            Pub => "PUB",
            Sub => "SUB",
            Req => "REQ",
            Rep => "REP",
            Dealer => "DEALER",
            Router => "ROUTER",
            Pull => "PULL",
            Push => "PUSH",
            Xpub => "XPUB",
            Xsub => "XSUB",
            Stream => "STREAM",
        }
    }

    /// The type with this name on the wire.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|own| own.name().as_bytes() == name)
    }

    /// Whether sockets of these types talk to each other (RFC 23, "The Socket-Type property").
    pub(crate) const fn is_compatible(self, peer: Self) -> bool {
        match self {
            Pair => matches!(peer, Pair),
            Pub | Xpub => matches!(peer, Sub | Xsub),
            Sub | Xsub => matches!(peer, Pub | Xpub),
            Req => matches!(peer, Rep | Router),
            Rep => matches!(peer, Req | Dealer),
            Dealer => matches!(peer, Rep | Dealer | Router),
            Router => matches!(peer, Req | Dealer | Router),
            Push => matches!(peer, Pull),
            Pull => matches!(peer, Push),
            Stream => false,
        }
    }

    /// Whether READY tells the peer our routing id (RFC 23: REQ, DEALER and ROUTER).
    pub(crate) const fn announces_routing_id(self) -> bool {
        matches!(self, Req | Dealer | Router)
    }

    /// PUB and XPUB: what they send goes to many.
    pub(crate) const fn publishes(self) -> bool {
        matches!(self, Pub | Xpub)
    }

    /// Whether what they send goes to any peer that takes it, and waits until one does.
    pub(crate) const fn sends_to_anyone(self) -> bool {
        matches!(self, Pair | Req | Dealer | Push)
    }

    /// SUB and XSUB: what they send are subscriptions.
    pub(crate) const fn subscribes(self) -> bool {
        matches!(self, Sub | Xsub)
    }
}
