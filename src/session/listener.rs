//! A bound endpoint: takes connections and makes a session of each.

use super::half_open::HalfOpenConnections;
use super::lifecycle::Lifecycle;
use super::{ConnectionEvent, EventEndpoints, Session, SessionHost};
use crate::io::{
    EventHandler, InboxEntry, Reactor, ReactorHandle, Readiness, TimerId, TimerOutcome,
};
use crate::options::Options;
use crate::sync::CriticalMutex;
use crate::transport::{AcceptError, Listener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// Connections taken in a row before others get their turn.
const ACCEPTS: usize = 64;
/// Pause after descriptors ran out.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener on its I/O thread.
pub(crate) struct BoundEndpoint {
    host: Arc<dyn SessionHost>,
    options: Arc<Options>,
    reactor: Arc<ReactorHandle>,
    entry: InboxEntry,
    endpoint: u64,
    state: CriticalMutex<State>,
}

struct State {
    /// `None` once it is unbound.
    listener: Option<Listener>,
    /// The I/O thread's token.
    registration: Option<usize>,
    half_open: HalfOpenConnections,
}

impl BoundEndpoint {
    /// Has an I/O thread take the connections of a listener.
    pub(crate) fn start(
        owner: Arc<dyn SessionHost>,
        options: Arc<Options>,
        reactor: Arc<ReactorHandle>,
        endpoint: u64,
        listener: Listener,
    ) -> Arc<Self> {
        let state = CriticalMutex::new(State {
            listener: Some(listener),
            registration: None,
            half_open: HalfOpenConnections::default(),
        });
        let bound = Arc::new(Self {
            host: owner,
            options,
            reactor,
            entry: InboxEntry::default(),
            endpoint,
            state,
        });
        bound.reactor.schedule(&bound.entry, bound.clone());
        bound
    }

    /// Stops listening at once: when this returns, the address can be bound again.
    pub(crate) fn close(self: &Arc<Self>) {
        // The file system may be slow: not with the lock, which the thread that polls takes as well.
        let taken = self.state.lock().listener.take();
        if let Some(listener) = taken {
            let (descriptor, endpoint) = (listener.as_raw_fd(), listener.endpoint().to_owned());
            let event = match listener.close() {
                Ok(()) => ConnectionEvent::Closed(descriptor),
                Err(error) => {
                    ConnectionEvent::CloseFailed(error.raw_os_error().unwrap_or_default())
                }
            };
            self.host.report(event, EventEndpoints::bound(&endpoint));
        }
        self.reactor.schedule(&self.entry, self.clone());
    }

    /// Takes the connections that wait; after some of them the reactor's others come first.
    fn accept_waiting(self: &Arc<Self>, reactor: &mut Reactor) {
        let mut state = self.state.lock();
        let State { listener: Some(listener), half_open: pending, .. } = &mut *state else {
            return;
        };
        for _ in 0..ACCEPTS {
            match listener.accept() {
                Ok(Some(stream)) => {
                    if self.host.is_monitored() {
                        let event = ConnectionEvent::Accepted(stream.as_raw_fd());
                        let (local, peer) = (stream.local_endpoint(), stream.peer_endpoint());
                        self.host.report(event, EventEndpoints::accepted(&local, &peer));
                    }
                    let chosen = self.host.reactor(self.options.affinity);
                    let session = Session::new(
                        self.host.clone(),
                        self.options.clone(),
                        chosen.unwrap_or_else(|| self.reactor.clone()),
                        self.endpoint,
                        Lifecycle::accepted(stream, &self.options),
                    );
                    pending.add(&session, self.options.limits.handshakes);
                    session.start();
                }
                Ok(None) => return,
                Err(error) => {
                    let event = ConnectionEvent::AcceptFailed(error.error().raw_os_error());
                    self.host.report(event, EventEndpoints::bound(listener.endpoint()));
                    match error {
                        AcceptError::Listener(_) => return,
                        AcceptError::Exhausted(_) => {
                            pending.make_room();
                            reactor.set_timer(PAUSE, self.clone());
                            return;
                        }
                        // One connection that broke before it was taken, or is not welcome.
                        AcceptError::Connection(_) => {}
                    }
                }
            }
        }
        self.reactor.schedule(&self.entry, self.clone());
    }
}

impl EventHandler for BoundEndpoint {
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, _: Readiness) {
        self.accept_waiting(reactor);
    }

    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, _: TimerId) -> TimerOutcome {
        // Registers it as well, where that failed.
        self.on_run(reactor);
        TimerOutcome::Served
    }

    fn socket(&self) -> u64 {
        self.host.number()
    }

    fn on_run(self: Arc<Self>, reactor: &mut Reactor) {
        let mut state = self.state.lock();
        match (&state.listener, state.registration) {
            (Some(listener), None) => {
                let descriptor = listener.as_raw_fd();
                match reactor.register(descriptor, false, self.clone()) {
                    Ok(token) => state.registration = Some(token),
                    Err(_) => {
                        reactor.set_timer(PAUSE, self.clone());
                    }
                }
                drop(state);
                self.accept_waiting(reactor);
            }
            (Some(_), Some(_)) => {
                drop(state);
                self.accept_waiting(reactor);
            }
            (None, Some(token)) => {
                state.registration = None;
                reactor.forget(token);
            }
            (None, None) => {}
        }
    }
}
