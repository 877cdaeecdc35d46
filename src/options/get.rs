//! zmq_getsockopt.

use std::time::Duration;

use super::security::Mechanism;
use super::{Options, Value};
use crate::error::{Error, Result};
use crate::numbers::*;

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
    /// ZMQ_TOPICS_COUNT, an `int`.
    TopicsCount,
}

impl Options {
    /// The value of the option with this number, for a buffer of `room` bytes.
    ///
    /// # Errors
    /// InvalidArgument for an option that is unknown or write-only, and for a buffer of the wrong
    /// size.
    pub(crate) fn get(&self, option: i32, room: usize) -> Result<OptionValue> {
        let live = match option {
            ZMQ_RCVMORE => LiveOption::ReceiveMore,
            // Threads that share a socket have no common time to look at its events (observed).
            ZMQ_FD if self.socket_type.is_thread_safe() => return Err(Error::InvalidArgument),
            ZMQ_FD => LiveOption::Descriptor,
            ZMQ_EVENTS => LiveOption::Events,
            ZMQ_LAST_ENDPOINT => LiveOption::LastEndpoint,
            ZMQ_TOPICS_COUNT => LiveOption::TopicsCount,
            _ => return self.stored(option, room).map(OptionValue::Value),
        };
        Ok(OptionValue::Live(live))
    }

    fn stored(&self, option: i32, room: usize) -> Result<Value> {
        let (security, socks) = (&self.security, &self.socks);
        match option {
            ZMQ_AFFINITY => Value::wide(self.affinity.to_ne_bytes(), room),
            ZMQ_MAXMSGSIZE => Value::wide(self.max_message_size.to_ne_bytes(), room),
            ZMQ_ROUTING_ID => Value::bytes(self.routing_id.clone(), room),
            ZMQ_THREAD_SAFE => Value::live_int(self.socket_type.is_thread_safe().into(), room),
            ZMQ_PLAIN_USERNAME => Value::text(&security.plain_username, room),
            ZMQ_PLAIN_PASSWORD => Value::text(&security.plain_password, room),
            ZMQ_CURVE_PUBLICKEY => Value::key(&security.curve_public_key, room),
            ZMQ_CURVE_SECRETKEY => Value::key(security.curve_secret_key(), room),
            ZMQ_CURVE_SERVERKEY => Value::key(&security.curve_server_key, room),
            ZMQ_GSSAPI_PRINCIPAL => Value::text(&security.gssapi_principal, room),
            ZMQ_GSSAPI_SERVICE_PRINCIPAL => Value::text(&security.gssapi_service_principal, room),
            ZMQ_ZAP_DOMAIN => Value::text(&security.zap_domain, room),
            ZMQ_SOCKS_PROXY => Value::text(&socks.address, room),
            ZMQ_SOCKS_USERNAME => Value::text(&socks.username, room),
            ZMQ_SOCKS_PASSWORD => Value::text(&socks.password, room),
            ZMQ_BINDTODEVICE => {
                Value::text(self.transport.device.as_deref().unwrap_or_default(), room)
            }
            _ => match self.general(option) {
                Ok(value) => Value::int(value, room),
                Err(_) => self.draft_value(option, room),
            },
        }
    }

    fn general(&self, option: i32) -> Result<i32> {
        Ok(match option {
            ZMQ_TYPE => self.socket_type as i32,
            ZMQ_ROUTER_NOTIFY => {
                (i32::from(self.router.notify_connect) * ZMQ_NOTIFY_CONNECT)
                    | (i32::from(self.router.notify_disconnect) * ZMQ_NOTIFY_DISCONNECT)
            }
            ZMQ_SNDHWM => number(self.send_high_water_mark),
            ZMQ_RCVHWM => number(self.receive_high_water_mark),
            ZMQ_CONFLATE => self.conflate.into(),
            ZMQ_IMMEDIATE => self.immediate.into(),
            ZMQ_INVERT_MATCHING => self.invert_matching.into(),
            ZMQ_LINGER => milliseconds(self.linger, -1),
            ZMQ_SNDTIMEO => milliseconds(self.send_timeout, -1),
            ZMQ_RCVTIMEO => milliseconds(self.receive_timeout, -1),
            ZMQ_RECONNECT_IVL => milliseconds(self.reconnect_interval, -1),
            ZMQ_RECONNECT_IVL_MAX => milliseconds(Some(self.reconnect_interval_max), 0),
            ZMQ_RECONNECT_STOP => self.reconnect_stop,
            ZMQ_HANDSHAKE_IVL => milliseconds(self.handshake_interval, 0),
            ZMQ_CONNECT_TIMEOUT => milliseconds(self.connect_timeout, 0),
            ZMQ_HEARTBEAT_IVL => milliseconds(self.heartbeat_interval, 0),
            ZMQ_HEARTBEAT_TIMEOUT => milliseconds(self.heartbeat_timeout_set, -1),
            ZMQ_HEARTBEAT_TTL => milliseconds(Some(self.heartbeat_ttl), 0),
            ZMQ_BUSY_WAIT => number(self.busy_wait),
            ZMQ_REFUSE_OLD_PEERS => self.limits.refuse_old_peers.into(),
            ZMQ_MAX_HANDSHAKES => count(self.limits.handshakes),
            ZMQ_MAX_SUBSCRIPTIONS => count(self.limits.subscriptions),
            ZMQ_MAX_TOPIC_SIZE => count(self.limits.topic_size),
            ZMQ_LOOPBACK_FASTPATH => self.loopback_fast_path.into(),
            _ => return self.transport_value(option),
        })
    }

    fn transport_value(&self, option: i32) -> Result<i32> {
        let (transport, multicast) = (&self.transport, &self.multicast);
        let keepalive = &transport.keepalive;
        Ok(match option {
            ZMQ_IPV6 => transport.ipv6.into(),
            ZMQ_IPV4ONLY => (!transport.ipv6).into(),
            ZMQ_BACKLOG => transport.backlog,
            ZMQ_SNDBUF => transport.send_buffer.map_or(-1, count),
            ZMQ_RCVBUF => transport.receive_buffer.map_or(-1, count),
            ZMQ_TOS => number(transport.type_of_service),
            ZMQ_TCP_MAXRT => milliseconds(transport.max_retransmit, 0),
            ZMQ_TCP_KEEPALIVE => keepalive.enabled.map_or(-1, i32::from),
            ZMQ_TCP_KEEPALIVE_CNT => keepalive.probes.map_or(-1, number),
            ZMQ_TCP_KEEPALIVE_IDLE => seconds(keepalive.idle),
            ZMQ_TCP_KEEPALIVE_INTVL => seconds(keepalive.interval),
            ZMQ_USE_FD => transport.descriptor.unwrap_or(-1),
            ZMQ_RATE => number(multicast.rate),
            ZMQ_RECOVERY_IVL => milliseconds(Some(multicast.recovery_interval), 0),
            ZMQ_MULTICAST_HOPS => number(multicast.hops),
            ZMQ_MULTICAST_MAXTPDU => number(multicast.max_transport_unit),
            ZMQ_MULTICAST_LOOP => multicast.loopback.into(),
            _ => return self.security_value(option),
        })
    }

    fn security_value(&self, option: i32) -> Result<i32> {
        let security = &self.security;
        Ok(match option {
            ZMQ_MECHANISM => security.mechanism as i32,
            ZMQ_PLAIN_SERVER => security.is_server_of(Mechanism::Plain).into(),
            ZMQ_CURVE_SERVER => security.is_server_of(Mechanism::Curve).into(),
            ZMQ_GSSAPI_SERVER => security.is_server_of(Mechanism::Gssapi).into(),
            ZMQ_GSSAPI_PLAINTEXT => security.gssapi_plaintext.into(),
            ZMQ_GSSAPI_PRINCIPAL_NAMETYPE => security.gssapi_principal_name_type,
            ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE => security.gssapi_service_principal_name_type,
            ZMQ_ZAP_ENFORCE_DOMAIN => security.zap_enforce_domain.into(),
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
