//! Connecting: looking names up, trying one address after the other, and waiting in between.

use super::super::{ConnectionEvent, RESOLVED, Session};
use super::{LifeGuard, Role, STOP_CONN_REFUSED, Stage};
use crate::io::Reactor;
use crate::transport::{Answer, Connecting, NotConnected, Target};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

impl Session {
    /// Begins an attempt to connect: with the next address, or by looking the name up.
    pub(super) fn attempt(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        if let Some(target) = life.targets.pop() {
            return self.connect_to(life, reactor, &target);
        }
        let Role::Connecting { address, .. } = &life.role else {
            return;
        };
        let endpoint = address.clone();
        let ipv6 = self.options.transport.ipv6;
        life.stage = Stage::Resolving;
        let Some(name) = endpoint.unresolved_name(ipv6) else {
            life.found = endpoint.targets(ipv6, &[]).unwrap_or_default();
            return self.resolved(life, reactor);
        };
        // The lookup may last longer than the context.
        let (session, sought) = (self.me.clone(), endpoint.clone());
        let answered = move |answer: &Answer| {
            if let Some(session) = session.upgrade() {
                session.life.lock().found = sought.targets(ipv6, answer).unwrap_or_default();
                session.want(RESOLVED);
            }
        };
        match self.owner.lookups().ask(&name, Box::new(answered)) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                life.found = endpoint.targets(ipv6, &answer).unwrap_or_default();
                self.resolved(life, reactor);
            }
            Err(_) => self.retry(life, reactor),
        }
    }

    pub(super) fn resolved(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        if life.stage != Stage::Resolving {
            return;
        }
        life.targets = std::mem::take(&mut life.found);
        life.targets.reverse();
        match life.targets.pop() {
            Some(target) => self.connect_to(life, reactor, &target),
            None => self.retry(life, reactor),
        }
    }

    pub(super) fn connect_to(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
        target: &Target,
    ) {
        life.stage = Stage::Connecting;
        let started = Connecting::start(target, &self.options.transport).and_then(|connecting| {
            let (descriptor, pending) = (connecting.as_raw_fd(), connecting.is_pending());
            life.token = Some(reactor.register(descriptor, pending, self.clone())?);
            life.watches_room = pending;
            Ok(connecting)
        });
        match started {
            Ok(connecting) => {
                let pending = connecting.is_pending();
                life.connecting = Some(connecting);
                if pending {
                    self.report(life, ConnectionEvent::ConnectDelayed);
                    self.set_stage_timer(life, reactor, self.options.connect_timeout);
                } else {
                    self.finish_connecting(life, reactor);
                }
            }
            Err(_) => self.retry(life, reactor),
        }
    }

    /// The started connection is established, or has failed.
    pub(super) fn finish_connecting(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
    ) {
        let Some(connecting) = life.connecting.take() else {
            return;
        };
        let descriptor = connecting.as_raw_fd();
        match connecting.finish() {
            Ok(stream) => {
                self.report(life, ConnectionEvent::Connected(descriptor));
                life.stream = Some(Arc::new(stream));
                self.connected(life, reactor);
            }
            Err(NotConnected::Pending(connecting)) => life.connecting = Some(connecting),
            Err(NotConnected::Failed(error)) => {
                if let Some(token) = life.token.take() {
                    reactor.deregister(descriptor, token);
                }
                self.report(life, ConnectionEvent::Closed(descriptor));
                let refused = error.kind() == io::ErrorKind::ConnectionRefused;
                if refused && life.targets.is_empty() && self.stops_after(STOP_CONN_REFUSED) {
                    return self.finish(life, reactor);
                }
                self.retry(life, reactor);
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
    pub(super) fn retry(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        self.drop_stream(life, reactor);
        if life.closing && self.write.lock().is_drained() {
            return self.finish(life, reactor);
        }
        if !life.targets.is_empty() {
            return self.attempt(life, reactor);
        }
        let Some(interval) = self.reconnect_interval() else {
            life.stage = Stage::GivenUp;
            // Messages that no connection can take any more are not waited for.
            if life.closing {
                self.finish(life, reactor);
            }
            return;
        };
        life.stage = Stage::Waiting;
        let longest = self.options.reconnect_interval_max;
        let pause = if longest > interval && !life.pause.is_zero() {
            (life.pause * 2).min(longest)
        } else {
            interval
        };
        life.pause = pause;
        // Spread by up to the interval, so that many clients do not come back at once.
        let spread = RandomState::new().hash_one(self.number) % (interval.as_micros() as u64 + 1);
        let pause = (pause + Duration::from_micros(spread)).max(Duration::from_millis(1));
        self.report(life, ConnectionEvent::ConnectRetried(pause));
        self.set_stage_timer(life, reactor, Some(pause));
    }
}
