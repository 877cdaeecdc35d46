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
    Server = ZMQ_SERVER,
    Client = ZMQ_CLIENT,
    Radio = ZMQ_RADIO,
    Dish = ZMQ_DISH,
    Gather = ZMQ_GATHER,
    Scatter = ZMQ_SCATTER,
    Dgram = ZMQ_DGRAM,
    Peer = ZMQ_PEER,
    Channel = ZMQ_CHANNEL,
}

use SocketType::*;

#[rustfmt::skip]
const ALL: [SocketType; 21] = [
    Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, Xpub, Xsub, Stream,
    Server, Client, Radio, Dish, Gather, Scatter, Dgram, Peer, Channel,
];

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
            Server => "SERVER",
            Client => "CLIENT",
            Radio => "RADIO",
            Dish => "DISH",
            Gather => "GATHER",
            Scatter => "SCATTER",
            Dgram => "DGRAM",
            Peer => "PEER",
            Channel => "CHANNEL",
        }
    }

    /// The type with this name on the wire.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|own| own.name().as_bytes() == name)
    }

    /// Whether sockets of these types talk to each other (RFC 23, "The Socket-Type property"; for the
    /// draft types RFCs 41, 48, 49, 51 and 52).
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
            Server => matches!(peer, Client),
            Client => matches!(peer, Server),
            Radio => matches!(peer, Dish),
            Dish => matches!(peer, Radio),
            Gather => matches!(peer, Scatter),
            Scatter => matches!(peer, Gather),
            Peer => matches!(peer, Peer),
            Channel => matches!(peer, Channel),
            // Plain bytes, and datagrams.
            Stream | Dgram => false,
        }
    }

    /// Whether any number of threads may use a socket at once (ZMQ_THREAD_SAFE). Their messages have one
    /// part.
    pub(crate) const fn is_thread_safe(self) -> bool {
        matches!(self, Server | Client | Radio | Dish | Gather | Scatter | Peer | Channel)
    }

    /// RADIO and DISH: messages belong to groups, which travel in a frame before them.
    pub(crate) const fn has_groups(self) -> bool {
        matches!(self, Radio | Dish)
    }

    /// Whether READY tells the peer our routing id (RFC 23: REQ, DEALER and ROUTER).
    pub(crate) const fn announces_routing_id(self) -> bool {
        matches!(self, Req | Dealer | Router)
    }

    /// PUB, XPUB and RADIO: what they send goes to many.
    pub(crate) const fn publishes(self) -> bool {
        matches!(self, Pub | Xpub | Radio)
    }

    /// Whether what they send goes to any peer that takes it, and waits until one does.
    pub(crate) const fn sends_to_anyone(self) -> bool {
        matches!(self, Pair | Req | Dealer | Push | Client | Scatter | Channel)
    }

    /// SUB, XSUB and DISH: what they send are subscriptions, or the groups that they join.
    pub(crate) const fn subscribes(self) -> bool {
        matches!(self, Sub | Xsub | Dish)
    }
}
