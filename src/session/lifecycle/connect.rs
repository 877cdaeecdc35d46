//! Connecting: looking names up, trying one address after the other, and waiting in between.

use super::super::{ConnectionEvent, RESOLVED, Session};
use super::{LifecycleGuard, Role, STOP_CONN_REFUSED, State};
use crate::io::Reactor;
use crate::transport::{Answer, Connecting, NotConnected, Target};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

impl Session {
    /// Begins an attempt to connect: with the next address, or by looking the name up.
    pub(super) fn connect(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        if let Some(target) = lifecycle.targets.pop() {
            return self.connect_to(lifecycle, reactor, &target);
        }
        let Role::Connecting { address, .. } = &lifecycle.role else {
            return;
        };
        let endpoint = address.clone();
        let ipv6 = self.options.transport.ipv6;
        lifecycle.state = State::Resolving;
        let Some(name) = endpoint.unresolved_name(ipv6) else {
            lifecycle.found = endpoint.targets(ipv6, &[]).unwrap_or_default();
            return self.resolved(lifecycle, reactor);
        };
        // The lookup may last longer than the context.
        let (session, sought) = (self.me.clone(), endpoint.clone());
        let answered = move |answer: &Answer| {
            if let Some(session) = session.upgrade() {
                session.lifecycle.lock().found = sought.targets(ipv6, answer).unwrap_or_default();
                session.request(RESOLVED);
            }
        };
        match self.host.lookups().ask(&name, Box::new(answered)) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                lifecycle.found = endpoint.targets(ipv6, &answer).unwrap_or_default();
                self.resolved(lifecycle, reactor);
            }
            Err(_) => self.schedule_reconnect(lifecycle, reactor),
        }
    }

    pub(super) fn resolved(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        if lifecycle.state != State::Resolving {
            return;
        }
        lifecycle.targets = std::mem::take(&mut lifecycle.found);
        lifecycle.targets.reverse();
        match lifecycle.targets.pop() {
            Some(target) => self.connect_to(lifecycle, reactor, &target),
            None => self.schedule_reconnect(lifecycle, reactor),
        }
    }

    pub(super) fn connect_to(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        target: &Target,
    ) {
        lifecycle.state = State::Connecting;
        let started = Connecting::start(target, &self.options.transport).and_then(|connecting| {
            let (descriptor, pending) = (connecting.as_raw_fd(), connecting.is_pending());
            lifecycle.token = Some(reactor.register(descriptor, pending, self.clone())?);
            lifecycle.watches_room = pending;
            Ok(connecting)
        });
        match started {
            Ok(connecting) => {
                let pending = connecting.is_pending();
                lifecycle.connecting = Some(connecting);
                if pending {
                    self.report(lifecycle, ConnectionEvent::ConnectDelayed);
                    self.set_state_timer(lifecycle, reactor, self.options.connect_timeout);
                } else {
                    self.finish_connecting(lifecycle, reactor);
                }
            }
            Err(_) => self.schedule_reconnect(lifecycle, reactor),
        }
    }

    /// The started connection is established, or has failed.
    pub(super) fn finish_connecting(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        let Some(connecting) = lifecycle.connecting.take() else {
            return;
        };
        let descriptor = connecting.as_raw_fd();
        match connecting.finish() {
            Ok(stream) => {
                self.report(lifecycle, ConnectionEvent::Connected(descriptor));
                lifecycle.stream = Some(Arc::new(stream));
                self.connected(lifecycle, reactor);
            }
            Err(NotConnected::Pending(connecting)) => lifecycle.connecting = Some(connecting),
            Err(NotConnected::Failed(error)) => {
                // It is closed by now.
                if let Some(token) = lifecycle.token.take() {
                    reactor.forget(token);
                }
                self.report(lifecycle, ConnectionEvent::Closed(descriptor));
                let refused = error.kind() == io::ErrorKind::ConnectionRefused;
                if refused && lifecycle.targets.is_empty() && self.stops_after(STOP_CONN_REFUSED) {
                    return self.finish(lifecycle, reactor);
                }
                self.schedule_reconnect(lifecycle, reactor);
            }
        }
    }

    /// Whether ZMQ_RECONNECT_STOP has this bit.
    pub(super) fn stops_after(&self, event: i32) -> bool {
        self.options.reconnect_stop & event != 0
    }

    /// The pause before the next attempt; None for no more attempts, which 0 means as well
    /// (observed).
    pub(super) fn reconnect_interval(&self) -> Option<Duration> {
        self.options.reconnect_interval.filter(|interval| !interval.is_zero())
    }

    /// Waits before the next attempt; the pause grows where the options say so.
    pub(super) fn schedule_reconnect(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        self.drop_stream(lifecycle, reactor);
        if lifecycle.closing && self.write.lock().is_drained() {
            return self.finish(lifecycle, reactor);
        }
        if !lifecycle.targets.is_empty() {
            return self.connect(lifecycle, reactor);
        }
        let Some(interval) = self.reconnect_interval() else {
            lifecycle.state = State::GivenUp;
            // Messages that no connection can take any more are not waited for.
            if lifecycle.closing {
                self.finish(lifecycle, reactor);
            }
            return;
        };
        lifecycle.state = State::Waiting;
        let longest = self.options.reconnect_interval_max;
        let pause = if longest > interval && !lifecycle.pause.is_zero() {
            (lifecycle.pause * 2).min(longest)
        } else {
            interval
        };
        lifecycle.pause = pause;
        // Spread by up to the interval, so that many clients do not come back at once.
        let spread = RandomState::new().hash_one(self.number) % (interval.as_micros() as u64 + 1);
        let pause = (pause + Duration::from_micros(spread)).max(Duration::from_millis(1));
        self.report(lifecycle, ConnectionEvent::ConnectRetried(pause));
        self.set_state_timer(lifecycle, reactor, Some(pause));
    }
}
