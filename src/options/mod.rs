//! The options of a socket.
//!
//! [`Options`] holds them as the engine wants them; [`Options::set`] and [`Options::get`]
//! translate from and to what zmq_setsockopt(3) and zmq_getsockopt(3) exchange. Sizes, ranges
//! and defaults are those of the manual pages, and where these are silent those that
//! `capi-tests/option_grid.c` observes on libzmq.

#![forbid(unsafe_code)]

mod draft;
mod get;
mod security;
mod set;
mod value;

#[cfg(test)]
mod tests;

use std::os::fd::RawFd;
use std::time::Duration;

use crate::transport::{AddressFilter, Proxy, TransportOptions};
use crate::zmtp::SocketType;

use draft::ConnectionMessages;
pub(crate) use draft::DraftOptions;
pub(crate) use get::{LiveOption, OptionValue};
pub(crate) use security::{Mechanism, Security};
pub(crate) use set::SetEffect;
pub(crate) use value::Value;

/// ZMQ_BUSY_WAIT of a new socket, in microseconds: about what waking a sleeper costs.
pub(crate) const DEFAULT_BUSY_WAIT: u32 = 20;

/// The options of a socket. Queue limits count messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// ZMQ_TYPE: decides which options there are.
    pub socket_type: SocketType,

    /// ZMQ_SNDHWM: messages queued for a peer at most; 0 is no limit.
    pub send_high_water_mark: u32,
    /// ZMQ_RCVHWM: messages queued from a peer at most; 0 is no limit.
    pub receive_high_water_mark: u32,
    /// ZMQ_CONFLATE: see [`conflates_sent`](Self::conflates_sent).
    pub conflate: bool,
    /// ZMQ_IMMEDIATE: only completed connections get messages.
    pub immediate: bool,
    /// ZMQ_MAXMSGSIZE in bytes, as it was given; see [`Self::message_limit`].
    pub max_message_size: i64,

    /// ZMQ_SNDTIMEO: how long a send may block; None is forever.
    pub send_timeout: Option<Duration>,
    /// ZMQ_RCVTIMEO: how long a receive may block; None is forever.
    pub receive_timeout: Option<Duration>,
    /// ZMQ_LINGER: how long unsent messages are kept after close; None is forever.
    pub linger: Option<Duration>,

    /// ZMQ_ROUTING_ID: 1 to 255 bytes, or empty when not set.
    pub routing_id: Vec<u8>,
    /// ZMQ_CONNECT_ROUTING_ID: the routing id of the peer that the next connect makes; that
    /// connect takes it. Never empty.
    pub connect_routing_id: Option<Vec<u8>>,

    /// ZMQ_AFFINITY: a bit for each I/O thread that may serve new connections; 0 is all.
    pub affinity: u64,
    /// ZMQ_RECONNECT_IVL: the pause before a reconnect; None is no reconnect.
    pub reconnect_interval: Option<Duration>,
    /// ZMQ_RECONNECT_IVL_MAX: up to which the pause doubles; zero is no doubling.
    pub reconnect_interval_max: Duration,
    /// ZMQ_RECONNECT_STOP: bits for the events after which no reconnect is tried.
    pub reconnect_stop: i32,
    /// ZMQ_HANDSHAKE_IVL: how long a handshake may take; None is forever.
    pub handshake_interval: Option<Duration>,
    /// ZMQ_CONNECT_TIMEOUT: how long a TCP connect may take; None is as long as the system tries.
    pub connect_timeout: Option<Duration>,
    /// ZMQ_HEARTBEAT_IVL: the time between PINGs; None is none.
    pub heartbeat_interval: Option<Duration>,
    /// ZMQ_HEARTBEAT_TIMEOUT: silence after a PING that ends the connection, as it was set; see
    /// [`Self::heartbeat_timeout`].
    pub heartbeat_timeout_set: Option<Duration>,
    /// ZMQ_HEARTBEAT_TTL: silence after which the peer is to end the connection; whole tenths of
    /// a second, zero is none.
    pub heartbeat_ttl: Duration,

    /// The options of the operating system's sockets.
    pub transport: TransportOptions,
    /// The SOCKS5 proxy of TCP connections.
    pub socks: Proxy,
    /// The options of multicast transports.
    pub multicast: Multicast,
    /// The options of security mechanisms.
    pub security: Security,
    /// Options of the draft API that have no other place.
    pub draft: DraftOptions,
    /// What peers may cost.
    pub limits: Limits,
    /// ZMQ_LOOPBACK_FASTPATH: without effect here.
    pub loopback_fast_path: bool,

    /// The options of ROUTER, and of REP, which libzmq builds on it.
    pub router: RouterOptions,
    /// The options of REQ.
    pub request: RequestOptions,
    /// The options of PUB and XPUB.
    pub publisher: PublisherOptions,
    /// ZMQ_PROBE_ROUTER (REQ, REP, DEALER, ROUTER): greet each new peer with an empty message.
    pub probe_router: bool,
    /// ZMQ_INVERT_MATCHING: let through what does not match a subscription.
    pub invert_matching: bool,
    /// ZMQ_ONLY_FIRST_SUBSCRIBE (PUB, XPUB, XSUB): only the first part of a message can be a
    /// subscription.
    pub only_first_subscribe: bool,
    /// ZMQ_BUSY_WAIT, an option of ours: how long a waiting call may spin before it
    /// sleeps, in microseconds; 0 is not at all.
    pub busy_wait: u32,
    /// ZMQ_STREAM_NOTIFY (STREAM): report peers that come and go by an empty message.
    pub stream_notify: bool,
}

/// What peers may cost: options of ours. Counts of 0 are no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// ZMQ_REFUSE_OLD_PEERS: ZMTP 3.x or nothing.
    pub refuse_old_peers: bool,
    /// ZMQ_MAX_HANDSHAKES: accepted connections of an endpoint that wait for their peer's side of
    /// the handshake.
    pub handshakes: usize,
    /// ZMQ_MAX_SUBSCRIPTIONS of a peer.
    pub subscriptions: usize,
    /// ZMQ_MAX_TOPIC_SIZE of a subscription, in bytes.
    pub topic_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Thousands of honest clients come at once where a server is started again, and each that
        // gives way loses what it has sent by then.
        Self { refuse_old_peers: false, handshakes: 65536, subscriptions: 0, topic_size: 0 }
    }
}

/// The options of ROUTER.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RouterOptions {
    /// ZMQ_ROUTER_MANDATORY: refuse what cannot be routed, instead of dropping it.
    pub mandatory: bool,
    /// ZMQ_ROUTER_HANDOVER: a peer with a routing id in use takes it over.
    pub handover: bool,
    /// ZMQ_ROUTER_RAW: TCP without framing.
    pub raw: bool,
    /// ZMQ_ROUTER_NOTIFY: an empty message from each peer that comes.
    pub notify_connect: bool,
    /// ZMQ_ROUTER_NOTIFY: an empty message from each peer that leaves.
    pub notify_disconnect: bool,
}

/// The options of REQ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RequestOptions {
    /// ZMQ_REQ_CORRELATE: requests carry a number that the reply must repeat.
    pub correlate: bool,
    /// ZMQ_REQ_RELAXED: a request may follow another before its reply.
    pub relaxed: bool,
}

/// The options of PUB and XPUB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PublisherOptions {
    /// ZMQ_XPUB_VERBOSE, ZMQ_XPUB_VERBOSER: pass repeated subscriptions on to the application.
    pub verbose_subscribe: bool,
    /// ZMQ_XPUB_VERBOSER: pass repeated unsubscriptions on as well.
    pub verbose_unsubscribe: bool,
    /// ZMQ_XPUB_NODROP: block, or refuse, at the high-water mark.
    pub no_drop: bool,
    /// ZMQ_XPUB_MANUAL, ZMQ_XPUB_MANUAL_LAST_VALUE: the application subscribes for its peers.
    pub manual: bool,
    /// ZMQ_XPUB_MANUAL_LAST_VALUE: what is sent next goes to the last subscriber alone.
    pub manual_last_value: bool,
    /// ZMQ_XPUB_WELCOME_MSG: sent to each new subscriber; empty is none.
    pub welcome_message: Vec<u8>,
}

/// The options of multicast transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Multicast {
    /// ZMQ_RATE in kilobits a second.
    pub rate: u32,
    /// ZMQ_RECOVERY_IVL.
    pub recovery_interval: Duration,
    /// ZMQ_MULTICAST_HOPS.
    pub hops: u32,
    /// ZMQ_MULTICAST_MAXTPDU in bytes.
    pub max_transport_unit: u32,
    /// ZMQ_MULTICAST_LOOP: receive what the process itself sends.
    pub loopback: bool,
}

impl Options {
    /// The defaults of a socket. `ipv6` and `blocky` come from the context: a socket of one that
    /// is not blocky does not linger.
    pub(crate) fn new(socket_type: SocketType, ipv6: bool, blocky: bool) -> Self {
        Self {
            socket_type,
            send_high_water_mark: 1000,
            receive_high_water_mark: 1000,
            conflate: false,
            immediate: false,
            max_message_size: -1,
            send_timeout: None,
            receive_timeout: None,
            // No peer waits for what a subscriber has to send.
            linger: if blocky && !socket_type.subscribes() { None } else { Some(Duration::ZERO) },
            routing_id: Vec::new(),
            connect_routing_id: None,
            affinity: 0,
            reconnect_interval: Some(Duration::from_millis(100)),
            reconnect_interval_max: Duration::ZERO,
            reconnect_stop: 0,
            handshake_interval: Some(Duration::from_secs(30)),
            connect_timeout: None,
            heartbeat_interval: None,
            heartbeat_timeout_set: None,
            heartbeat_ttl: Duration::ZERO,
            transport: TransportOptions { ipv6, ..TransportOptions::default() },
            socks: Proxy::default(),
            multicast: Multicast {
                rate: 100,
                recovery_interval: Duration::from_secs(10),
                hops: 1,
                max_transport_unit: 1500,
                loopback: true,
            },
            security: Security::default(),
            draft: DraftOptions::default(),
            limits: Limits::default(),
            loopback_fast_path: false,
            router: RouterOptions::default(),
            request: RequestOptions::default(),
            publisher: PublisherOptions::default(),
            probe_router: false,
            invert_matching: false,
            only_first_subscribe: false,
            busy_wait: DEFAULT_BUSY_WAIT,
            stream_notify: true,
        }
    }

    /// Whether peers send plain bytes instead of ZMTP.
    pub(crate) fn is_raw(&self) -> bool {
        self.socket_type == SocketType::Stream || self.router.raw
    }

    /// Whether the queue of what goes to a peer keeps only the last message: with ZMQ_CONFLATE,
    /// of the types that the manual names. Subscriptions go the other way, and all count.
    pub(crate) fn conflates_sent(&self) -> bool {
        use SocketType::{Dealer, Pub, Push};
        self.conflate && matches!(self.socket_type, Dealer | Pub | Push)
    }

    /// The same for what comes from a peer.
    pub(crate) fn conflates_received(&self) -> bool {
        use SocketType::{Dealer, Pull, Sub};
        self.conflate && matches!(self.socket_type, Dealer | Pull | Sub)
    }

    /// The messages that connections bring by themselves, of the types that have them.
    pub(crate) fn connection_messages(&self) -> Option<&ConnectionMessages> {
        use SocketType::{Client, Dealer, Peer, Router, Server};
        let has_them = matches!(self.socket_type, Client | Dealer | Peer | Router | Server);
        Some(&self.draft.messages).filter(|_| has_them)
    }

    /// The largest message taken from a peer, in bytes; None is no limit.
    pub(crate) fn message_limit(&self) -> Option<u64> {
        u64::try_from(self.max_message_size).ok()
    }

    /// How long a peer may stay silent after a PING: what was set, or else the heartbeat
    /// interval. None when there are no heartbeats.
    pub(crate) fn heartbeat_timeout(&self) -> Option<Duration> {
        self.heartbeat_timeout_set.or(self.heartbeat_interval)
    }
}
