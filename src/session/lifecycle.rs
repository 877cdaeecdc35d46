//! The lifecycle of a session, on the thread that polls its reactor: what happened is told to the
//! state machine (`state_machine.rs`), and what follows from that is done. How it connects stands in
//! `connect.rs`, how a connection opens in `handshake.rs` and `establish.rs`, how bytes flow in
//! `traffic.rs`, how it ends in `disconnect.rs`.

mod connect;
mod disconnect;
mod establish;
mod handshake;
mod heartbeat;
mod reconnect;
mod traffic;

use super::state_machine::{
    HeartbeatTimes, Kind, Resources, State, StateMachine, TimerKind, Times,
};
use super::zap_dialogue::ZapState;
use super::{ConnectionEvent, EventEndpoints, PipeEvents, Session, Work};
use crate::io::{EventHandler, Reactor, Readiness, TimerId, TimerOutcome};
use crate::options::Options;
use crate::session::Failure;
use crate::sync::MutexGuard;
use crate::transport::{Connecting, Endpoint, Stream, Target};
use crate::zmtp::{Handshake, ProtocolError, ZapReply};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Where a session comes from.
enum Role {
    /// It connects to an endpoint, again and again.
    Connecting {
        address: Endpoint,
        /// As the application wrote it.
        name: Box<str>,
    },
    Accepted,
}

/// ZMQ_RECONNECT_STOP: the bits that matter here; a disconnect always ends attempts.
const STOP_CONN_REFUSED: i32 = 1;
const STOP_HANDSHAKE_FAILED: i32 = 2;

/// Why a connection ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum DisconnectReason {
    /// It ended, or a call of the system failed.
    Failed(Failure),
    /// The peer broke the protocol, or one of the two does not let the other in.
    Protocol(ProtocolError),
}

impl From<io::Error> for DisconnectReason {
    fn from(error: io::Error) -> Self {
        Self::Failed(Failure::System(error.raw_os_error().unwrap_or_default()))
    }
}

/// What a session holds in its states.
pub(super) struct Held;

impl Resources for Held {
    type Accepted = Stream;
    type Lookup = Vec<Target>;
    type Attempt = Attempt;
    type Handshake = Box<HandshakingConnection>;
    type Connection = Connection;
}

/// What is known, before messages flow, of what the peer sends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Input {
    /// What came may not have been read, of which no further event tells.
    unread: bool,
    /// The peer sends nothing more: a read does not end before it has seen that.
    half_closed: bool,
}

impl Input {
    fn note(&mut self, readiness: Readiness) {
        self.unread |= readiness.readable || readiness.closed;
        self.half_closed |= readiness.closed;
    }
}

/// A connection that was started.
pub(super) struct Attempt {
    connecting: Connecting,
    token: usize,
    /// The other addresses to try, the next one last.
    targets: Vec<Target>,
    input: Input,
    /// The reactor watches for room in the kernel's buffer.
    watches_room: bool,
}

/// A connection in its handshake.
pub(super) struct HandshakingConnection {
    stream: Arc<Stream>,
    token: usize,
    handshake: Handshake,
    input: Input,
    /// The reactor watches for room in the kernel's buffer.
    watches_room: bool,
    /// The question to the ZAP handler about the peer.
    zap: ZapState,
    /// What the ZAP handler said of the peer.
    zap_reply: ZapReply,
    /// Bytes that came and were not taken; they may hold a password.
    received: Zeroizing<Vec<u8>>,
    /// Bytes that are to be sent; they may hold a password.
    output: Zeroizing<Vec<u8>>,
}

/// A connection that the two halves use.
pub(super) struct Connection {
    stream: Arc<Stream>,
    token: usize,
    /// A success of its handshake was reported. With old and plain peers it never is (observed).
    handshaken: bool,
}

/// What the thread that polls the reactor uses, and others only ask whether it is over.
pub(super) struct Lifecycle {
    role: Role,
    machine: StateMachine<Held>,
    /// The socket's end of the pipe, while there is one.
    pub(super) end: Option<Arc<dyn PipeEvents>>,
    /// A ZAP handler was asked about the peer, and gave no judgement.
    unjudged: bool,
    timer: Option<ArmedTimer>,
}

/// The reactor's timer for what the machine waits for next.
struct ArmedTimer {
    deadline: Instant,
    id: TimerId,
}

impl Lifecycle {
    /// Of a session that connects to an address, which the application gave as `name`.
    pub(super) fn connecting(address: Endpoint, name: &str, options: &Options) -> Self {
        Self::new(Role::Connecting { address, name: name.into() }, None, options)
    }

    pub(super) fn accepted(stream: Stream, options: &Options) -> Self {
        Self::new(Role::Accepted, Some(stream), options)
    }

    fn new(role: Role, accepted: Option<Stream>, options: &Options) -> Self {
        let not_zero = |time: Option<Duration>| time.filter(|time| !time.is_zero());
        let times = Times {
            connect: options.connect_timeout,
            handshake: options.handshake_interval,
            // 0 means no more attempts as well (observed).
            reconnect: not_zero(options.reconnect_interval),
            reconnect_max: options.reconnect_interval_max,
            heartbeat: HeartbeatTimes {
                interval: not_zero(options.heartbeat_interval),
                timeout: not_zero(options.heartbeat_timeout()),
            },
        };
        let machine = StateMachine::new(accepted, times);
        Self { role, machine, end: None, unjudged: false, timer: None }
    }

    fn kind(&self) -> Kind {
        self.machine.kind()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.kind() == Kind::Closed
    }

    /// Whether there is no connection, and none is tried any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.kind(), Kind::GivenUp | Kind::Closed)
    }

    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.role, Role::Connecting { .. })
    }

    fn is_active(&self) -> bool {
        matches!(self.machine.state(), State::Active { .. })
    }

    /// The connection, once it is there.
    fn stream(&self) -> Option<&Arc<Stream>> {
        match self.machine.state() {
            State::Handshaking { handshake, .. } => Some(&handshake.stream),
            State::Active { connection, .. } => Some(&connection.stream),
            _ => None,
        }
    }

    fn handshake_mut(&mut self) -> Option<&mut HandshakingConnection> {
        match self.machine.state_mut() {
            State::Handshaking { handshake, .. } => Some(handshake),
            _ => None,
        }
    }
}

/// A session with its lifecycle locked, on the thread that polls its reactor and has claimed its
/// writing half. When it is dropped, the reactor has the timer that the state asks for.
pub(super) struct LockedSession<'a> {
    session: &'a Arc<Session>,
    lifecycle: MutexGuard<'a, Lifecycle>,
    reactor: &'a mut Reactor,
}

impl<'a> LockedSession<'a> {
    fn new(session: &'a Arc<Session>, reactor: &'a mut Reactor) -> Self {
        Self { session, lifecycle: session.lifecycle.lock(), reactor }
    }

    /// Tells who watches.
    fn report(&self, event: ConnectionEvent) {
        self.report_of(self.lifecycle.stream(), event);
    }

    /// Tells who watches, of a connection that the state may not have yet.
    fn report_of(&self, stream: Option<&Arc<Stream>>, event: ConnectionEvent) {
        let host = &self.session.host;
        if !host.is_monitored() {
            return;
        }
        let local = stream.map(|stream| stream.local_endpoint());
        match (&self.lifecycle.role, stream, &local) {
            (Role::Connecting { name, .. }, _, local) => {
                let local = local.as_deref().unwrap_or_default();
                host.report(event, EventEndpoints::connecting(local, name));
            }
            (Role::Accepted, Some(stream), Some(local)) => {
                host.report(event, EventEndpoints::accepted(local, &stream.peer_endpoint()));
            }
            (Role::Accepted, ..) => {}
        }
    }

    /// Changes the reactor's timer to the time that the state machine asks for.
    #[cold]
    fn arm_timer(&mut self) {
        let wanted = self.lifecycle.machine.poll_timeout();
        let armed = self.lifecycle.timer.take_if(|timer| Some(timer.deadline) != wanted);
        if let Some(timer) = armed {
            self.reactor.cancel_timer(timer.id);
        }
        if let Some(deadline) = wanted
            && self.lifecycle.timer.is_none()
        {
            let id = self.reactor.set_timer_at(deadline, self.session.clone());
            self.lifecycle.timer = Some(ArmedTimer { deadline, id });
        }
    }

    /// Does what the time is over for.
    fn serve_timers(&mut self) {
        let now = Instant::now();
        while let Some(expired) = self.lifecycle.machine.take_expired(now) {
            match expired {
                TimerKind::Linger => self.finish_in_order(),
                TimerKind::Connect => self.connect_timed_out(),
                TimerKind::Handshake => {
                    self.disconnected(DisconnectReason::Failed(Failure::OutOfTime));
                }
                TimerKind::Reconnect => self.connect(),
                TimerKind::Ping => self.send_ping(),
                TimerKind::PeerTtl => self.on_peer_ttl(),
                TimerKind::HeartbeatTimeout => self.on_heartbeat_timeout(),
            }
        }
    }

    /// The descriptor became ready.
    fn serve(&mut self, readiness: Readiness) {
        match self.lifecycle.machine.state_mut() {
            State::Active { .. } => self.serve_active(readiness),
            State::Handshaking { handshake, .. } => {
                handshake.input.note(readiness);
                self.drive_handshake();
            }
            State::Connecting { attempt, .. } => {
                attempt.input.note(readiness);
                self.finish_connecting();
            }
            _ => {}
        }
    }

    fn serve_active(&mut self, readiness: Readiness) {
        // What is written from here on nobody reads.
        if readiness.closed && self.session.write.lock().stop() {
            return self.write_failed();
        }
        if readiness.writable {
            self.session.write.lock().unblock(&self.session.reactor);
            self.drive_write();
        }
        if readiness.readable && self.lifecycle.is_active() {
            self.drive_read(readiness.closed);
        }
    }

    /// Begins: connects, or takes the connection over that was accepted.
    fn start(&mut self) {
        let State::Created(accepted) = self.lifecycle.machine.state_mut() else {
            // The socket took its connect back before this began.
            return;
        };
        let Some(stream) = accepted.take() else {
            return self.connect();
        };
        match self.reactor.register(stream.as_raw_fd(), false, self.session.clone()) {
            Ok(token) => self.connected(Arc::new(stream), token, Input::default(), false),
            Err(_) => self.finish(),
        }
    }

    fn run(&mut self, work: Work) {
        if work.is_rare() {
            self.run_rare(work);
        }
        if work.has(Work::WRITE) && self.lifecycle.is_active() {
            self.drive_write();
        }
        if work.has(Work::READ) && self.lifecycle.is_active() {
            self.drive_read(false);
        }
    }

    fn run_rare(&mut self, work: Work) {
        if let Some(readiness) = work.readiness() {
            self.serve(readiness);
        }
        if work.has(Work::START) {
            self.start();
        }
        if work.has(Work::RESOLVED) {
            self.resolved();
        }
        if work.has(Work::ZAP) {
            self.on_zap_reply();
        }
        if work.has(Work::TASK_DONE) {
            self.drive_handshake();
        }
        if work.has(Work::EVICT)
            && self.lifecycle.kind() == Kind::Handshaking
            && self.session.waits_for_peer()
        {
            self.disconnected(DisconnectReason::Failed(Failure::OutOfTime));
        }
        if work.has(Work::CLOSE) && !self.lifecycle.is_closed() {
            self.begin_close();
        }
    }
}

impl Drop for LockedSession<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.lifecycle.machine.take_timeout_changed() {
            self.arm_timer();
        }
    }
}

impl EventHandler for Session {
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, readiness: Readiness) {
        if let Some(_claim) = self.claim(Work::of(readiness)) {
            LockedSession::new(&self, reactor).serve(readiness);
        }
    }

    fn poll_read(self: Arc<Self>, reactor: &mut Reactor) -> Option<bool> {
        let Some(_claim) = self.write.claim() else {
            return Some(false);
        };
        LockedSession::new(&self, reactor).poll_read()
    }

    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, timer: TimerId) -> TimerOutcome {
        // What was deferred may show that the peer lives.
        let is_deferred = self.pending.has_input();
        let Some(_claim) = self.write.claim().filter(|_| !is_deferred) else {
            return TimerOutcome::Deferred;
        };
        let mut locked = LockedSession::new(&self, reactor);
        if locked.lifecycle.timer.take_if(|own| own.id == timer).is_some() {
            locked.serve_timers();
        }
        TimerOutcome::Served
    }

    fn socket(&self) -> u64 {
        self.host.number()
    }

    fn on_run(self: Arc<Self>, reactor: &mut Reactor) {
        // Its entry can be added again by now: who adds work afterwards does.
        let work = self.pending.take();
        if let Some(_claim) = self.claim(work) {
            LockedSession::new(&self, reactor).run(work);
        }
    }
}
