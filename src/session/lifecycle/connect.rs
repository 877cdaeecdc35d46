//! Connecting: looking names up, trying one address after the other.

use super::{Attempt, Input, Kind, Lifecycle, LockedSession, Role, STOP_CONN_REFUSED, State};
use crate::session::{ConnectionEvent, Work};
use crate::transport::{Answer, Connecting, Target};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Instant;

impl Lifecycle {
    /// What a look-up on another thread found.
    fn set_found(&mut self, targets: Vec<Target>) {
        if let State::Resolving(found) = self.machine.state_mut() {
            *found = targets;
        }
    }

    /// Leaves the state of an attempt.
    fn take_attempt(&mut self) -> Option<Attempt> {
        match self.kind() {
            Kind::Connecting => match self.machine.leave() {
                State::Connecting { attempt, .. } => Some(attempt),
                _ => None,
            },
            _ => None,
        }
    }
}

impl LockedSession<'_> {
    /// Begins to connect, by looking the name up.
    pub(super) fn connect(&mut self) {
        let Role::Connecting { address, .. } = &self.lifecycle.role else {
            return;
        };
        let endpoint = address.clone();
        let ipv6 = self.session.options.transport.ipv6;
        self.lifecycle.machine.enter(State::Resolving(Vec::new()));
        let Some(name) = endpoint.unresolved_name(ipv6) else {
            self.lifecycle.set_found(endpoint.targets(ipv6, &[]).unwrap_or_default());
            return self.resolved();
        };
        // The lookup may last longer than the context.
        let (session, sought) = (self.session.me.clone(), endpoint.clone());
        let answered = move |answer: &Answer| {
            if let Some(session) = session.upgrade() {
                let targets = sought.targets(ipv6, answer).unwrap_or_default();
                session.lifecycle.lock().set_found(targets);
                session.request(Work::RESOLVED);
            }
        };
        match self.session.host.lookups().ask(&name, Box::new(answered)) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                self.lifecycle.set_found(endpoint.targets(ipv6, &answer).unwrap_or_default());
                self.resolved();
            }
            Err(_) => self.connect_failed(Vec::new()),
        }
    }

    /// The look-up is over.
    pub(super) fn resolved(&mut self) {
        let State::Resolving(found) = self.lifecycle.machine.state_mut() else {
            return;
        };
        let mut targets = std::mem::take(found);
        targets.reverse();
        if targets.is_empty() {
            return self.connect_failed(targets);
        }
        self.connect_to_next(targets);
    }

    /// Tries the last one of these addresses.
    fn connect_to_next(&mut self, mut targets: Vec<Target>) {
        let Some(target) = targets.pop() else {
            return self.wait();
        };
        let options = &self.session.options.transport;
        let started = Connecting::start(&target, options).and_then(|connecting| {
            let (descriptor, is_pending) = (connecting.as_raw_fd(), connecting.is_pending());
            let token = self.reactor.register(descriptor, is_pending, self.session.clone())?;
            Ok((connecting, token))
        });
        let Ok((connecting, token)) = started else {
            return self.connect_failed(targets);
        };
        let is_pending = connecting.is_pending();
        let attempt = Attempt {
            connecting,
            token,
            targets,
            input: Input::default(),
            watches_room: is_pending,
        };
        self.lifecycle.machine.connect(attempt, Instant::now());
        if is_pending {
            self.report(ConnectionEvent::ConnectDelayed);
        } else {
            self.finish_connecting();
        }
    }

    /// The started connection is established, or has failed.
    pub(super) fn finish_connecting(&mut self) {
        let State::Connecting { attempt, .. } = self.lifecycle.machine.state_mut() else {
            return;
        };
        let descriptor = attempt.connecting.as_raw_fd();
        let outcome = match attempt.connecting.poll_peer() {
            Ok(None) => return,
            Ok(Some(peer)) => Ok(peer),
            Err(error) => Err(error),
        };
        let Some(attempt) = self.lifecycle.take_attempt() else {
            return;
        };
        let Attempt { connecting, token, targets, input, watches_room } = attempt;
        match outcome {
            Ok(peer) => {
                let stream = Arc::new(connecting.into_stream(&peer));
                self.report_of(Some(&stream), ConnectionEvent::Connected(descriptor));
                self.connected(stream, token, input, watches_room);
            }
            Err(error) => {
                drop(connecting);
                self.reactor.forget(token);
                self.report(ConnectionEvent::Closed(descriptor));
                let refused = error.kind() == io::ErrorKind::ConnectionRefused;
                if refused && targets.is_empty() && self.stops_after(STOP_CONN_REFUSED) {
                    return self.finish();
                }
                self.connect_failed(targets);
            }
        }
    }

    /// An attempt has taken too long.
    pub(super) fn connect_timed_out(&mut self) {
        let State::Connecting { attempt, .. } = self.lifecycle.machine.state_mut() else {
            return;
        };
        let descriptor = attempt.connecting.as_raw_fd();
        let targets = std::mem::take(&mut attempt.targets);
        self.report(ConnectionEvent::Closed(descriptor));
        self.connect_failed(targets);
    }

    /// There is no connection: tries the other addresses, and waits where there are none.
    fn connect_failed(&mut self, targets: Vec<Target>) {
        self.leave();
        if self.lifecycle.machine.is_closing() && self.session.write.lock().is_drained() {
            return self.finish();
        }
        self.connect_to_next(targets);
    }
}
