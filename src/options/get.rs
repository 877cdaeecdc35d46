//! zmq_getsockopt.

use std::time::Duration;

use super::ids::*;
use super::security::Mechanism;
use super::{Options, Value};
use crate::error::{Error, Result};

/// The answer to a question for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OptionValue {
    /// The value.
    Value(Value),
    /// The socket knows it, not its options. The size of the buffer is not checked yet:
    /// [`Value::live_int`] and [`Value::text`] do.
    Live(LiveOption),
}

/// What only the socket knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveOption {
    /// ZMQ_RCVMORE, an `int`: the message received last has more parts.
    ReceiveMore,
    /// ZMQ_FD, an `int`: the descriptor that signals events.
    Descriptor,
    /// ZMQ_EVENTS, an `int`: ZMQ_POLLIN and ZMQ_POLLOUT.
    Events,
    /// ZMQ_LAST_ENDPOINT, text.
    LastEndpoint,
}

impl Options {
    /// The value of the option with this number, for a buffer of `room` bytes.
    ///
    /// # Errors
    /// InvalidArgument for an option that is unknown or write-only, and for a buffer of the wrong
    /// size.
    pub(crate) fn get(&self, option: i32, room: usize) -> Result<OptionValue> {
        let live = match option {
            RCVMORE => LiveOption::ReceiveMore,
            FD => LiveOption::Descriptor,
            EVENTS => LiveOption::Events,
            LAST_ENDPOINT => LiveOption::LastEndpoint,
            _ => return self.stored(option, room).map(OptionValue::Value),
        };
        Ok(OptionValue::Live(live))
    }

    fn stored(&self, option: i32, room: usize) -> Result<Value> {
        let (security, socks) = (&self.security, &self.socks);
        match option {
            AFFINITY => Value::wide(self.affinity.to_ne_bytes(), room),
            MAXMSGSIZE => Value::wide(self.max_message_size.to_ne_bytes(), room),
            ROUTING_ID => Value::bytes(self.routing_id.clone(), room),
            // None of the stable types may be used by two threads at a time.
            THREAD_SAFE => Value::live_int(0, room),
            PLAIN_USERNAME => Value::text(&security.plain_username, room),
            PLAIN_PASSWORD => Value::text(&security.plain_password, room),
            CURVE_PUBLICKEY => Value::key(&security.curve_public_key, room),
            CURVE_SECRETKEY => Value::key(security.curve_secret_key(), room),
            CURVE_SERVERKEY => Value::key(&security.curve_server_key, room),
            GSSAPI_PRINCIPAL => Value::text(&security.gssapi_principal, room),
            GSSAPI_SERVICE_PRINCIPAL => Value::text(&security.gssapi_service_principal, room),
            ZAP_DOMAIN => Value::text(&security.zap_domain, room),
            SOCKS_PROXY => Value::text(&socks.address, room),
            SOCKS_USERNAME => Value::text(&socks.username, room),
            SOCKS_PASSWORD => Value::text(&socks.password, room),
            BINDTODEVICE => Value::text(self.transport.device.as_deref().unwrap_or_default(), room),
            _ => Value::int(self.general(option)?, room),
        }
    }

    fn general(&self, option: i32) -> Result<i32> {
        Ok(match option {
            TYPE => self.socket_type as i32,
            SNDHWM => number(self.send_high_water_mark),
            RCVHWM => number(self.receive_high_water_mark),
            CONFLATE => self.conflate.into(),
            IMMEDIATE => self.immediate.into(),
            INVERT_MATCHING => self.invert_matching.into(),
            LINGER => milliseconds(self.linger, -1),
            SNDTIMEO => milliseconds(self.send_timeout, -1),
            RCVTIMEO => milliseconds(self.receive_timeout, -1),
            RECONNECT_IVL => milliseconds(self.reconnect_interval, -1),
            RECONNECT_IVL_MAX => milliseconds(Some(self.reconnect_interval_max), 0),
            RECONNECT_STOP => self.reconnect_stop,
            HANDSHAKE_IVL => milliseconds(self.handshake_interval, 0),
            CONNECT_TIMEOUT => milliseconds(self.connect_timeout, 0),
            HEARTBEAT_IVL => milliseconds(self.heartbeat_interval, 0),
            HEARTBEAT_TIMEOUT => milliseconds(self.heartbeat_timeout_set, -1),
            HEARTBEAT_TTL => milliseconds(Some(self.heartbeat_ttl), 0),
            BUSY_WAIT => number(self.busy_wait),
            REFUSE_OLD_PEERS => self.limits.refuse_old_peers.into(),
            MAX_HANDSHAKES => count(self.limits.handshakes),
            MAX_SUBSCRIPTIONS => count(self.limits.subscriptions),
            MAX_TOPIC_SIZE => count(self.limits.topic_size),
            LOOPBACK_FASTPATH => self.loopback_fast_path.into(),
            _ => return self.transport_value(option),
        })
    }

    fn transport_value(&self, option: i32) -> Result<i32> {
        let (transport, multicast) = (&self.transport, &self.multicast);
        let keepalive = &transport.keepalive;
        Ok(match option {
            IPV6 => transport.ipv6.into(),
            IPV4ONLY => (!transport.ipv6).into(),
            BACKLOG => transport.backlog,
            SNDBUF => transport.send_buffer.map_or(-1, count),
            RCVBUF => transport.receive_buffer.map_or(-1, count),
            TOS => number(transport.type_of_service),
            TCP_MAXRT => milliseconds(transport.max_retransmit, 0),
            TCP_KEEPALIVE => keepalive.enabled.map_or(-1, i32::from),
            TCP_KEEPALIVE_CNT => keepalive.probes.map_or(-1, number),
            TCP_KEEPALIVE_IDLE => seconds(keepalive.idle),
            TCP_KEEPALIVE_INTVL => seconds(keepalive.interval),
            USE_FD => transport.descriptor.unwrap_or(-1),
            RATE => number(multicast.rate),
            RECOVERY_IVL => milliseconds(Some(multicast.recovery_interval), 0),
            MULTICAST_HOPS => number(multicast.hops),
            MULTICAST_MAXTPDU => number(multicast.max_transport_unit),
            MULTICAST_LOOP => multicast.loopback.into(),
            _ => return self.security_value(option),
        })
    }

    fn security_value(&self, option: i32) -> Result<i32> {
        let security = &self.security;
        Ok(match option {
            MECHANISM => security.mechanism as i32,
            PLAIN_SERVER => security.is_server_of(Mechanism::Plain).into(),
            CURVE_SERVER => security.is_server_of(Mechanism::Curve).into(),
            GSSAPI_SERVER => security.is_server_of(Mechanism::Gssapi).into(),
            GSSAPI_PLAINTEXT => security.gssapi_plaintext.into(),
            GSSAPI_PRINCIPAL_NAMETYPE => security.gssapi_principal_name_type,
            GSSAPI_SERVICE_PRINCIPAL_NAMETYPE => security.gssapi_service_principal_name_type,
            ZAP_ENFORCE_DOMAIN => security.zap_enforce_domain.into(),
            // The options of single types can only be set.
            _ => return Err(Error::InvalidArgument),
        })
    }
}

/// All numbers below were an `int` once: they fit.
fn count(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn milliseconds(time: Option<Duration>, none: i32) -> i32 {
    time.map_or(none, |time| i32::try_from(time.as_millis()).unwrap_or(i32::MAX))
}

fn seconds(time: Option<Duration>) -> i32 {
    time.map_or(-1, |time| i32::try_from(time.as_secs()).unwrap_or(i32::MAX))
}
