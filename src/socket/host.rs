//! What the sessions know of their socket, and report to it.

use super::monitor::Monitor;
use super::zap_connect;
use crate::context::ContextCore;
use crate::io::{
    BlockingPool, EventHandler, Reactor, ReactorHandle, Readiness, TimerId, TimerOutcome,
};
use crate::mailbox::{Event, Mailbox, PipeEventSink};
use crate::pipe::Notify;
use crate::session::{
    ConnectionEvent, EventEndpoints, NewPipe, PipeEvents, Session, SessionHost, ZapPipes,
};
use crate::sync::CriticalMutex;
use crate::transport::Lookups;
use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// No number of a reactor.
const NO_REACTOR: usize = usize::MAX;

/// What the sessions know of their socket.
pub(super) struct SocketHost {
    context: Arc<ContextCore>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Sessions that are not over.
    pub(super) sessions: CriticalMutex<HashMap<u64, Weak<Session>>>,
    /// The number of the reactor that serves the newest of its connections and listeners, or `NO_REACTOR`.
    newest_reactor: AtomicUsize,
    /// The application closed the socket; the last session ends the monitor.
    pub(super) closed: AtomicBool,
    pub(super) monitor: Monitor,
}

impl SocketHost {
    pub(super) fn new(context: Arc<ContextCore>, mailbox: Arc<Mailbox>) -> Self {
        Self {
            context,
            mailbox,
            sessions: CriticalMutex::default(),
            newest_reactor: AtomicUsize::new(NO_REACTOR),
            closed: AtomicBool::new(false),
            monitor: Monitor::default(),
        }
    }

    /// What serves the newest of its connections and listeners.
    pub(super) fn newest_reactor(&self) -> Option<&Arc<ReactorHandle>> {
        // Relaxed: the reactors are there before their numbers.
        self.context.numbered_reactor(self.newest_reactor.load(Ordering::Relaxed))
    }

    pub(super) fn set_newest_reactor(&self, reactor: &ReactorHandle) {
        self.newest_reactor.store(reactor.number(), Ordering::Relaxed);
    }

    pub(super) fn stop_monitor_when_over(&self) {
        let over = self.sessions.lock().is_empty();
        if over && self.closed.load(Ordering::SeqCst) {
            self.monitor.stop();
        }
    }
}

impl SessionHost for SocketHost {
    fn new_event_sink(&self) -> Arc<dyn PipeEvents> {
        PipeEventSink::new(self.mailbox.clone())
    }

    fn attach(&self, NewPipe { pipe, end }: NewPipe) {
        if let Ok(end) = (end as Arc<dyn Any + Send + Sync>).downcast::<PipeEventSink>() {
            self.mailbox.post(Event::Attach(Box::new((pipe, end))));
        }
    }

    fn number(&self) -> u64 {
        self.mailbox.number
    }

    fn session_opened(&self, session: &Arc<Session>) {
        self.context.session_opened();
        self.set_newest_reactor(session.reactor());
        self.sessions.lock().insert(session.number, Arc::downgrade(session));
    }

    fn session_closed(&self, session: &Session) {
        self.sessions.lock().remove(&session.number);
        self.stop_monitor_when_over();
        self.context.session_closed();
    }

    fn reactor(&self, affinity: u64) -> Option<Arc<ReactorHandle>> {
        self.context.reactor(affinity)
    }

    fn is_monitored(&self) -> bool {
        self.monitor.is_running()
    }

    fn report(&self, event: ConnectionEvent, endpoints: EventEndpoints<'_>) {
        self.monitor.report(event, endpoints);
    }

    fn workers(&self, server: bool) -> BlockingPool {
        self.context.workers(server)
    }

    fn lookups(&self) -> &Lookups {
        &self.context.lookups
    }

    fn zap_handler(&self, told: Arc<dyn Notify>) -> Option<ZapPipes> {
        zap_connect::connect(&self.context, &told)
    }
}

/// Runs when the reader of a monitor came, went, or has read what filled its pipe.
impl EventHandler for SocketHost {
    fn on_run(self: Arc<Self>, _: &mut Reactor) {
        self.monitor.send_waiting();
    }

    fn on_ready(self: Arc<Self>, _: &mut Reactor, _: Readiness) {}

    fn on_timer(self: Arc<Self>, _: &mut Reactor, _: TimerId) -> TimerOutcome {
        TimerOutcome::Served
    }

    fn socket(&self) -> u64 {
        self.mailbox.number
    }
}
