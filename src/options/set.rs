//! zmq_setsockopt.

use std::time::Duration;
use zeroize::Zeroizing;

use super::security::Mechanism;
use super::value::{Argument, MAX_TEXT};
use super::{AddressFilter, Options, RawFd};
use crate::error::{Error, Result};
use crate::gssapi;
use crate::numbers::*;
use crate::zmtp::SocketType::{Dealer, Pub, Radio, Rep, Req, Router, Stream, Sub, Xpub, Xsub};

/// Longest name of a device: IFNAMSIZ.
const MAX_DEVICE: usize = 16;
/// The unit of ZMQ_HEARTBEAT_TTL on the wire.
const DECISECOND_MS: i32 = 100;
/// Largest ZMQ_HEARTBEAT_TTL: 16 bits of deciseconds.
const MAX_TTL: i32 = 65535;

/// What an option that was set asks the socket to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetEffect<'a> {
    /// Nothing: it is stored.
    Stored,
    /// Subscribe to this prefix. On PUB and XPUB, which know it when they are manual: subscribe
    /// the peer whose subscription was received last.
    Subscribe(&'a [u8]),
    /// Take the subscription to this prefix back.
    Unsubscribe(&'a [u8]),
}

impl Options {
    /// Sets the option with this number; None means a NULL pointer. A value that is refused
    /// changes nothing.
    ///
    /// # Errors
    /// InvalidArgument for an option that is unknown, read-only or not of this socket type, and
    /// for a value of the wrong size or out of range.
    pub(crate) fn set<'a>(
        &mut self,
        option: i32,
        value: Option<&'a [u8]>,
    ) -> Result<SetEffect<'a>> {
        let value = Argument(value);
        match option {
            ZMQ_SUBSCRIBE if self.takes_subscriptions() => Ok(SetEffect::Subscribe(value.bytes())),
            ZMQ_UNSUBSCRIBE if self.takes_subscriptions() => {
                Ok(SetEffect::Unsubscribe(value.bytes()))
            }
            _ => self.set_general(option, value).map(|()| SetEffect::Stored),
        }
    }

    fn takes_subscriptions(&self) -> bool {
        match self.socket_type {
            Sub => true,
            Pub | Xpub => self.publisher.manual,
            _ => false,
        }
    }

    /// The options of every type: queues, times, identity.
    fn set_general(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        match option {
            ZMQ_AFFINITY => self.affinity = u64::from_ne_bytes(value.wide()?),
            ZMQ_ROUTING_ID => self.routing_id = value.text()?,
            ZMQ_SNDHWM => self.send_high_water_mark = value.unsigned()?,
            ZMQ_RCVHWM => self.receive_high_water_mark = value.unsigned()?,
            ZMQ_MAXMSGSIZE => self.max_message_size = i64::from_ne_bytes(value.wide()?),
            ZMQ_CONFLATE => self.conflate = value.bit()?,
            ZMQ_IMMEDIATE => self.immediate = value.bit()?,
            ZMQ_INVERT_MATCHING => self.invert_matching = value.any_int()?,
            ZMQ_LINGER => self.linger = value.milliseconds_or_none()?,
            ZMQ_SNDTIMEO => self.send_timeout = value.milliseconds_or_none()?,
            ZMQ_RCVTIMEO => self.receive_timeout = value.milliseconds_or_none()?,
            ZMQ_RECONNECT_IVL => self.reconnect_interval = value.milliseconds_or_none()?,
            ZMQ_RECONNECT_IVL_MAX => self.reconnect_interval_max = value.milliseconds()?,
            ZMQ_RECONNECT_STOP => self.reconnect_stop = value.int()?,
            ZMQ_HANDSHAKE_IVL => self.handshake_interval = value.milliseconds_not_zero()?,
            ZMQ_CONNECT_TIMEOUT => self.connect_timeout = value.milliseconds_not_zero()?,
            ZMQ_HEARTBEAT_IVL => self.heartbeat_interval = value.milliseconds_not_zero()?,
            ZMQ_HEARTBEAT_TIMEOUT => self.heartbeat_timeout_set = Some(value.milliseconds()?),
            ZMQ_HEARTBEAT_TTL => self.heartbeat_ttl = heartbeat_ttl(value)?,
            ZMQ_BUSY_WAIT => self.busy_wait = value.unsigned()?,
            ZMQ_REFUSE_OLD_PEERS => self.limits.refuse_old_peers = value.bit()?,
            ZMQ_MAX_HANDSHAKES => self.limits.handshakes = value.count()?,
            ZMQ_MAX_SUBSCRIPTIONS => self.limits.subscriptions = value.count()?,
            ZMQ_MAX_TOPIC_SIZE => self.limits.topic_size = value.count()?,
            ZMQ_LOOPBACK_FASTPATH => self.loopback_fast_path = value.any_int()?,
            _ => return self.set_transport(option, value),
        }
        Ok(())
    }

    fn set_transport(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        let transport = &mut self.transport;
        match option {
            ZMQ_IPV6 => transport.ipv6 = value.bit()?,
            ZMQ_IPV4ONLY => transport.ipv6 = !value.bit()?,
            ZMQ_BACKLOG => transport.backlog = value.at_least(0)?,
            ZMQ_SNDBUF => {
                transport.send_buffer = value.unsigned_or_none()?.map(|size| size as usize)
            }
            ZMQ_RCVBUF => {
                transport.receive_buffer = value.unsigned_or_none()?.map(|size| size as usize)
            }
            ZMQ_TOS => transport.type_of_service = value.unsigned()?,
            ZMQ_TCP_MAXRT => transport.max_retransmit = value.milliseconds_not_zero()?,
            ZMQ_TCP_KEEPALIVE => {
                transport.keepalive.enabled = match value.int()? {
                    -1 => None,
                    _ => Some(value.bit()?),
                }
            }
            ZMQ_TCP_KEEPALIVE_CNT => transport.keepalive.probes = value.unsigned_or_none()?,
            ZMQ_TCP_KEEPALIVE_IDLE => transport.keepalive.idle = value.seconds_or_none()?,
            ZMQ_TCP_KEEPALIVE_INTVL => transport.keepalive.interval = value.seconds_or_none()?,
            ZMQ_USE_FD => {
                transport.descriptor = Some(value.at_least(-1)?).filter(|&fd: &RawFd| fd >= 0)
            }
            ZMQ_BINDTODEVICE => transport.device = value.text_or_null(MAX_DEVICE)?,
            ZMQ_TCP_ACCEPT_FILTER => match value.0 {
                None => transport.address_filters.clear(),
                Some(_) => {
                    let text = value.text().and(value.c_string())?;
                    transport.address_filters.push(AddressFilter::parse(text, transport.ipv6)?);
                }
            },
            ZMQ_IPC_FILTER_PID => filter(&mut transport.credential_filters.processes, value)?,
            ZMQ_IPC_FILTER_UID => filter(&mut transport.credential_filters.users, value)?,
            ZMQ_IPC_FILTER_GID => filter(&mut transport.credential_filters.groups, value)?,
            ZMQ_SOCKS_PROXY => {
                self.socks.address = value.text_or_null(usize::MAX)?.unwrap_or_default()
            }
            ZMQ_SOCKS_USERNAME => self.socks.username = value.text_or_empty()?,
            ZMQ_SOCKS_PASSWORD => self.socks.password = value.text_or_empty()?.into(),
            _ => return self.set_multicast(option, value),
        }
        Ok(())
    }

    fn set_multicast(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        let multicast = &mut self.multicast;
        match option {
            ZMQ_RATE => multicast.rate = value.at_least(1)?.unsigned_abs(),
            ZMQ_RECOVERY_IVL => multicast.recovery_interval = value.milliseconds()?,
            ZMQ_MULTICAST_HOPS => multicast.hops = value.at_least(1)?.unsigned_abs(),
            ZMQ_MULTICAST_MAXTPDU => {
                multicast.max_transport_unit = value.at_least(1)?.unsigned_abs()
            }
            ZMQ_MULTICAST_LOOP => multicast.loopback = value.any_int()?,
            _ => return self.set_security(option, value),
        }
        Ok(())
    }

    fn set_security(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        let security = &mut self.security;
        match option {
            ZMQ_GSSAPI_SERVER..=ZMQ_GSSAPI_PLAINTEXT
            | ZMQ_GSSAPI_PRINCIPAL_NAMETYPE
            | ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE
                if !gssapi::is_available() =>
            {
                return Err(Error::InvalidArgument);
            }
            ZMQ_PLAIN_SERVER => security.set_server(Mechanism::Plain, value.bit()?),
            ZMQ_PLAIN_USERNAME | ZMQ_PLAIN_PASSWORD => {
                let text = value.text_or_null(MAX_TEXT)?;
                security.set_client(Mechanism::Plain, text.is_some());
                // NULL turns PLAIN off, but forgets nothing.
                match (option, text) {
                    (ZMQ_PLAIN_USERNAME, Some(text)) => security.plain_username = text,
                    (_, Some(text)) => security.plain_password = text.into(),
                    (_, None) => {}
                }
            }
            ZMQ_CURVE_SERVER => security.set_server(Mechanism::Curve, value.bit()?),
            ZMQ_CURVE_PUBLICKEY | ZMQ_CURVE_SECRETKEY | ZMQ_CURVE_SERVERKEY => {
                let key = Zeroizing::new(value.key()?);
                security.mechanism = Mechanism::Curve;
                match option {
                    ZMQ_CURVE_PUBLICKEY => security.curve_public_key = *key,
                    ZMQ_CURVE_SECRETKEY => security.set_curve_secret_key(&key),
                    _ => {
                        security.curve_server_key = *key;
                        security.server = false;
                    }
                }
            }
            ZMQ_GSSAPI_SERVER => {
                security.server = value.bit()?;
                security.mechanism = Mechanism::Gssapi;
            }
            ZMQ_GSSAPI_PRINCIPAL => {
                security.gssapi_principal = value.text()?;
                security.mechanism = Mechanism::Gssapi;
            }
            ZMQ_GSSAPI_SERVICE_PRINCIPAL => {
                security.gssapi_service_principal = value.text()?;
                security.set_client(Mechanism::Gssapi, true);
            }
            ZMQ_GSSAPI_PLAINTEXT => security.gssapi_plaintext = value.bit()?,
            ZMQ_GSSAPI_PRINCIPAL_NAMETYPE => {
                security.gssapi_principal_name_type = name_type(value)?
            }
            ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE => {
                security.gssapi_service_principal_name_type = name_type(value)?;
            }
            ZMQ_ZAP_DOMAIN => security.zap_domain = value.text()?,
            ZMQ_ZAP_ENFORCE_DOMAIN => security.zap_enforce_domain = value.any_int()?,
            _ => return self.set_pattern(option, value),
        }
        Ok(())
    }

    /// The options that only some types have.
    fn set_pattern(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        match (option, self.socket_type) {
            (ZMQ_ROUTER_MANDATORY, Router | Rep) => self.router.mandatory = value.flag()?,
            (ZMQ_ROUTER_HANDOVER, Router | Rep) => self.router.handover = value.flag()?,
            (ZMQ_ROUTER_RAW, Router | Rep) => self.router.raw = value.flag()?,
            (ZMQ_PROBE_ROUTER, Router | Rep | Dealer | Req) => self.probe_router = value.flag()?,
            (ZMQ_CONNECT_ROUTING_ID, Router | Rep | Stream) => {
                self.connect_routing_id = Some(value.text_up_to(usize::MAX)?);
            }
            (ZMQ_REQ_CORRELATE, Req) => self.request.correlate = value.flag()?,
            (ZMQ_REQ_RELAXED, Req) => self.request.relaxed = value.flag()?,
            (ZMQ_STREAM_NOTIFY, Stream) => self.stream_notify = value.bit()?,
            (ZMQ_ONLY_FIRST_SUBSCRIBE, Pub | Xpub | Xsub) => {
                self.only_first_subscribe = value.flag()?
            }
            (ZMQ_ROUTER_NOTIFY, Router) => {
                let events = value.at_least(0)?;
                if events & !(ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT) != 0 {
                    return Err(Error::InvalidArgument);
                }
                self.router.notify_connect = events & ZMQ_NOTIFY_CONNECT != 0;
                self.router.notify_disconnect = events & ZMQ_NOTIFY_DISCONNECT != 0;
            }
            (ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, Xsub) => {
                self.draft.verbose_unsubscribe = value.flag()?;
            }
            (ZMQ_XPUB_NODROP, Radio) => self.publisher.no_drop = value.flag()?,
            (_, Pub | Xpub) => return self.set_publisher(option, value),
            _ => return self.set_draft(option, value),
        }
        Ok(())
    }

    fn set_publisher(&mut self, option: i32, value: Argument<'_>) -> Result<()> {
        let publisher = &mut self.publisher;
        match option {
            ZMQ_XPUB_VERBOSE => {
                publisher.verbose_subscribe = value.flag()?;
                publisher.verbose_unsubscribe = false;
            }
            ZMQ_XPUB_VERBOSER => {
                publisher.verbose_subscribe = value.flag()?;
                publisher.verbose_unsubscribe = publisher.verbose_subscribe;
            }
            ZMQ_XPUB_NODROP => publisher.no_drop = value.flag()?,
            ZMQ_XPUB_MANUAL => publisher.manual = value.flag()?,
            ZMQ_XPUB_MANUAL_LAST_VALUE => {
                publisher.manual = value.flag()?;
                publisher.manual_last_value = publisher.manual;
            }
            ZMQ_XPUB_WELCOME_MSG => publisher.welcome_message = value.bytes().to_vec(),
            _ => return self.set_draft(option, value),
        }
        Ok(())
    }
}

fn heartbeat_ttl(value: Argument<'_>) -> Result<Duration> {
    // What is above -100 ms rounds to 0 (observed).
    let deciseconds = value.int()? / DECISECOND_MS;
    match u64::try_from(deciseconds) {
        Ok(count) if deciseconds <= MAX_TTL => Ok(Duration::from_millis(count * 100)),
        _ => Err(Error::InvalidArgument),
    }
}

/// One of the three GSSAPI name types.
fn name_type(value: Argument<'_>) -> Result<i32> {
    value.at_least(0).and_then(|own| if own > 2 { Err(Error::InvalidArgument) } else { Ok(own) })
}

/// Adds an id to a filter; NULL clears it.
fn filter(ids: &mut Vec<u32>, value: Argument<'_>) -> Result<()> {
    match value.0 {
        None => ids.clear(),
        Some(_) => {
            let id = value.int()? as u32;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    Ok(())
}
