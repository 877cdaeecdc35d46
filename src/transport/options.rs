//! The options that concern sockets of the operating system.

use std::os::fd::RawFd;
use std::time::Duration;

use super::filter::{AddressFilter, CredentialFilters};

/// How a transport sets up its sockets. Taken from the socket's options at bind or connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransportOptions {
    /// ZMQ_IPV6: use IPv6, and IPv4 through it.
    pub ipv6: bool,
    /// ZMQ_BACKLOG: connections that wait to be accepted.
    pub backlog: i32,
    /// ZMQ_SNDBUF in bytes; None leaves the system's default.
    pub send_buffer: Option<usize>,
    /// ZMQ_RCVBUF in bytes; None leaves the system's default.
    pub receive_buffer: Option<usize>,
    /// ZMQ_TOS; 0 leaves the system's default.
    pub type_of_service: u32,
    /// ZMQ_PRIORITY, of SO_PRIORITY; 0 leaves the system's default.
    pub priority: u32,
    /// ZMQ_BUSY_POLL in microseconds, of SO_BUSY_POLL; None leaves the system's default.
    pub busy_poll: Option<i32>,
    /// ZMQ_BINDTODEVICE: use this device only.
    pub device: Option<Vec<u8>>,
    /// The ZMQ_TCP_KEEPALIVE options.
    pub keepalive: Keepalive,
    /// ZMQ_TCP_MAXRT: how long sent data may stay unacknowledged; None leaves the default.
    pub max_retransmit: Option<Duration>,
    /// ZMQ_USE_FD: listen on this descriptor instead of making one.
    pub descriptor: Option<RawFd>,
    /// ZMQ_TCP_ACCEPT_FILTER: which peers may connect; none means all.
    pub address_filters: Vec<AddressFilter>,
    /// ZMQ_IPC_FILTER_PID, _UID, _GID: which processes may connect.
    pub credential_filters: CredentialFilters,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            ipv6: false,
            backlog: 100,
            send_buffer: None,
            receive_buffer: None,
            type_of_service: 0,
            priority: 0,
            busy_poll: None,
            device: None,
            keepalive: Keepalive::default(),
            max_retransmit: None,
            descriptor: None,
            address_filters: Vec::new(),
            credential_filters: CredentialFilters::default(),
        }
    }
}

/// TCP keep-alive. None leaves the operating system's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// ZMQ_TCP_KEEPALIVE: on or off. The others matter only when it is on.
    pub enabled: Option<bool>,
    /// ZMQ_TCP_KEEPALIVE_CNT: unanswered probes that end the connection.
    pub probes: Option<u32>,
    /// ZMQ_TCP_KEEPALIVE_IDLE: silence before the first probe, in seconds.
    pub idle: Option<Duration>,
    /// ZMQ_TCP_KEEPALIVE_INTVL: time between probes, in seconds.
    pub interval: Option<Duration>,
}
