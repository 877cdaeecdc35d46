//! The lifecycle of a session, on the thread that polls its reactor: what has happened, and what
//! stage comes of it. How it connects stands in `attempt`, how a connection opens in `opening`,
//! and how it ends in `ending`.

mod connect;
mod disconnect;
mod handshake;
mod heartbeat;

use super::ConnectionEvent;
use super::read_half::{ReadHalf, ReadOutcome};
use super::write_half::WriteOutcome;
use super::zap::ZapState;
use super::{
    CLOSE, EVICT, HEARTBEAT_TIMEOUT, LINGER, PEER_CLOSED, PEER_TTL, PING, PipeEvents, READ,
    READABLE, RESOLVED, START, STATE_TIMEOUT, Session, TASK_DONE, WRITABLE, WRITE, ZAP,
};
use crate::io::{EventHandler, Reactor, Readiness, TimerOutcome};
use crate::sync::MutexGuard;
use crate::transport::{Connecting, Endpoint, Stream, Target};
use crate::zmtp::{Handshake, ProtocolError, ZapReply};
use heartbeat::Heartbeat;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Where a session comes from.
pub(super) enum Role {
    /// It connects to an endpoint, again and again.
    Connecting {
        address: Endpoint,
        /// As the application wrote it.
        name: Box<str>,
    },
    /// It was accepted with this stream, which its first run takes.
    Accepted(Option<Stream>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not begun, or a name is being looked up.
    Resolving,
    /// A connection was started.
    Connecting,
    /// Between two attempts.
    Waiting,
    Handshaking,
    Active,
    /// No connection is tried any more. What the socket sends waits in the pipe up to its mark, as
    /// before any connection, and is dropped when the socket ends the session.
    GivenUp,
    Closed,
}

/// ZMQ_RECONNECT_STOP: the bits that matter here; a disconnect always ends attempts.
const STOP_CONN_REFUSED: i32 = 1;
const STOP_HANDSHAKE_FAILED: i32 = 2;

/// Why a connection ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum DisconnectReason {
    /// A system error; EPIPE when the peer closed it.
    System(i32),
    /// The peer broke the protocol, or one of the two does not let the other in.
    Protocol(ProtocolError),
}

impl From<io::Error> for DisconnectReason {
    fn from(error: io::Error) -> Self {
        Self::System(error.raw_os_error().unwrap_or_default())
    }
}

/// What the thread that polls the reactor uses, and others only ask whether it is over.
pub(super) struct Lifecycle {
    role: Role,
    state: State,
    /// The socket's end of the pipe, while there is one.
    pub(super) end: Option<Arc<dyn PipeEvents>>,
    stream: Option<Arc<Stream>>,
    /// A connection that was started.
    connecting: Option<Connecting>,
    token: Option<usize>,
    handshake: Option<Handshake>,
    /// What came may not have been read, of which no further event tells.
    unread: bool,
    /// The peer sends nothing more: a read does not end before it has seen that.
    half_closed: bool,
    /// Before messages flow: the reactor watches for room in the kernel's buffer.
    watches_room: bool,
    /// The question to the ZAP handler about this connection.
    zap: ZapState,
    /// A ZAP handler was asked about the peer, and gave no judgement.
    unjudged: bool,
    /// What the ZAP handler said of the peer.
    zap_reply: ZapReply,
    /// Bytes of the handshake: that came and were not taken, and that are to be sent.
    input: Vec<u8>,
    output: Vec<u8>,
    /// Addresses to try, the next one last.
    targets: Vec<Target>,
    /// What a look-up on another thread found.
    found: Vec<Target>,
    /// Time before the next attempt.
    pause: Duration,
    /// The timer of the stage: until the next attempt, or of connecting and handshaking.
    state_timer: Option<u64>,
    linger_timer: Option<u64>,
    heartbeat: Heartbeat,
    /// A success of the connection's handshake was reported. With old and plain peers it never
    /// is (observed).
    handshaken: bool,
    /// The socket wants it to end.
    closing: bool,
}

impl Lifecycle {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            state: State::Resolving,
            end: None,
            stream: None,
            connecting: None,
            token: None,
            handshake: None,
            unread: false,
            half_closed: false,
            watches_room: false,
            zap: ZapState::default(),
            unjudged: false,
            zap_reply: ZapReply::default(),
            input: Vec::new(),
            output: Vec::new(),
            targets: Vec::new(),
            found: Vec::new(),
            pause: Duration::ZERO,
            state_timer: None,
            linger_timer: None,
            heartbeat: Heartbeat::default(),
            handshaken: false,
            closing: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether there is a connection, or may be one.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::GivenUp | State::Closed)
    }

    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.role, Role::Connecting { .. })
    }
}

pub(super) type LifecycleGuard<'a> = MutexGuard<'a, Lifecycle>;

impl Session {
    /// Tells who watches.
    fn report(&self, lifecycle: &Lifecycle, event: ConnectionEvent) {
        if !self.host.is_monitored() {
            return;
        }
        match (&lifecycle.role, &lifecycle.stream) {
            (Role::Connecting { name, .. }, _) => self.host.report(event, name),
            (Role::Accepted(_), Some(stream)) => {
                self.host.report(event, &stream.local_endpoint());
            }
            (Role::Accepted(_), None) => {}
        }
    }

    fn set_state_timer(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        after: Option<Duration>,
    ) {
        self.cancel_state_timer(lifecycle, reactor);
        if let Some(after) = after {
            lifecycle.state_timer = Some(reactor.set_timer(after, self.clone(), STATE_TIMEOUT));
        }
    }

    fn cancel_state_timer(&self, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        if let Some(number) = lifecycle.state_timer.take() {
            reactor.cancel_timer(number);
        }
    }

    fn drive_read(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        all: bool,
    ) {
        self.reset_timeouts(lifecycle, reactor);
        let mut half = self.read.lock();
        let outcome = half.drive(all, &mut reactor.spare_buffer);
        self.finish_read(lifecycle, reactor, half, outcome);
    }

    fn finish_read(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
        mut half: MutexGuard<'_, ReadHalf>,
        outcome: ReadOutcome,
    ) {
        self.delivered.store(half.delivered, Ordering::Relaxed);
        let has_replies = !half.replies.is_empty();
        if has_replies {
            reactor.note_ping();
            let mut write = self.write.lock();
            if !write.has_failed() {
                half.replies.drain(..).for_each(|reply| write.send_command(reply));
            }
            half.replies.clear();
        }
        let time_to_live = half.time_to_live.take();
        drop(half);
        if let Some(time_to_live) = time_to_live {
            self.arm_peer_ttl(lifecycle, reactor, time_to_live);
        }
        if has_replies {
            self.drive_write(lifecycle, reactor);
            if lifecycle.state != State::Active {
                // Nothing is left to send, or the connection is gone: that was seen to.
                return;
            }
        }
        match outcome {
            ReadOutcome::Idle | ReadOutcome::Stalled => {}
            ReadOutcome::Busy => self.request(READ),
            ReadOutcome::Closed => {
                self.disconnected(lifecycle, reactor, DisconnectReason::System(libc::EPIPE))
            }
            ReadOutcome::Broken(error) => {
                self.disconnected(lifecycle, reactor, DisconnectReason::Protocol(error))
            }
            ReadOutcome::Unopened(error) => {
                self.report(lifecycle, ConnectionEvent::HandshakeRefused(error));
                self.disconnected(lifecycle, reactor, DisconnectReason::Protocol(error));
            }
        }
    }

    pub(super) fn drive_write(
        self: &Arc<Self>,
        lifecycle: &mut LifecycleGuard<'_>,
        reactor: &mut Reactor,
    ) {
        let outcome = self.write.lock().drive(&self.reactor);
        match outcome {
            WriteOutcome::Idle | WriteOutcome::Blocked => {}
            WriteOutcome::Busy => self.request(WRITE),
            WriteOutcome::Ended => self.finish_in_order(lifecycle, reactor),
            WriteOutcome::Failed => self.write_failed(lifecycle, reactor),
        }
    }

    /// Nothing can be sent any more. What the peer had sent is read to its end, however long the
    /// socket takes to receive it; then the connection is gone.
    fn write_failed(self: &Arc<Self>, lifecycle: &mut LifecycleGuard<'_>, reactor: &mut Reactor) {
        if lifecycle.closing {
            return self.disconnected(lifecycle, reactor, DisconnectReason::System(libc::EPIPE));
        }
        self.end_heartbeats(lifecycle, reactor);
        if let Some(stream) = &lifecycle.stream {
            // Whatever the failure was, the input has an end.
            stream.shut_down();
        }
        self.drive_read(lifecycle, reactor, true);
    }
}

/// Readiness as flags of `wanted`.
fn flags_of(readiness: Readiness) -> u16 {
    let Readiness { readable, writable, closed } = readiness;
    let flags = [(readable, READABLE), (writable, WRITABLE), (closed, PEER_CLOSED)];
    flags.into_iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag)
}

/// The readiness among flags of `wanted`, if there is any.
fn readiness_of(wanted: u16) -> Option<Readiness> {
    let [readable, writable, closed] =
        [READABLE, WRITABLE, PEER_CLOSED].map(|flag| wanted & flag != 0);
    (readable || writable || closed).then_some(Readiness { readable, writable, closed })
}

impl Session {
    /// What `on_ready` does once the writing half is claimed.
    fn serve(self: &Arc<Self>, reactor: &mut Reactor, readiness: Readiness) {
        let mut lifecycle = self.lifecycle.lock();
        if lifecycle.state != State::Active {
            lifecycle.unread |= readiness.readable || readiness.closed;
            lifecycle.half_closed |= readiness.closed;
        }
        match lifecycle.state {
            // Readable: a proxy answered.
            State::Connecting if readiness.writable || readiness.readable || readiness.closed => {
                self.finish_connecting(&mut lifecycle, reactor);
            }
            State::Handshaking => self.drive_handshake(&mut lifecycle, reactor),
            // What is written from here on nobody reads.
            State::Active if readiness.closed && self.write.lock().stop() => {
                self.write_failed(&mut lifecycle, reactor);
            }
            State::Active => {
                if readiness.writable {
                    self.write.lock().unblock(&self.reactor);
                    self.drive_write(&mut lifecycle, reactor);
                }
                if readiness.readable && lifecycle.state == State::Active {
                    self.drive_read(&mut lifecycle, reactor, readiness.closed);
                }
            }
            _ => {}
        }
    }
}

impl EventHandler for Session {
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, readiness: Readiness) {
        if let Some(_claim) = self.claim(flags_of(readiness)) {
            self.serve(reactor, readiness);
        }
    }

    fn poll_read(self: Arc<Self>, reactor: &mut Reactor) -> Option<bool> {
        let Some(_claim) = self.write.claim() else {
            return Some(false);
        };
        let mut lifecycle = self.lifecycle.lock();
        if lifecycle.state != State::Active {
            return Some(false);
        }
        let mut half = self.read.lock();
        if half.awaits_body() {
            return None;
        }
        let before = half.reads;
        let outcome = half.drive(false, &mut reactor.spare_buffer);
        if half.reads == before && matches!(outcome, ReadOutcome::Idle | ReadOutcome::Stalled) {
            return Some(false);
        }
        self.reset_timeouts(&mut lifecycle, reactor);
        self.finish_read(&mut lifecycle, reactor, half, outcome);
        Some(true)
    }

    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, kind: u32) -> TimerOutcome {
        // What was deferred may show that the peer lives.
        let is_deferred = self.pending.load(Ordering::Relaxed) & (READABLE | PEER_CLOSED) != 0;
        let Some(_claim) = self.write.claim().filter(|_| !is_deferred) else {
            return TimerOutcome::Deferred;
        };
        let mut lifecycle = self.lifecycle.lock();
        match (kind, lifecycle.state) {
            (LINGER, _) => self.finish_in_order(&mut lifecycle, reactor),
            (PING, State::Active) => self.send_ping(&mut lifecycle, reactor),
            (PEER_TTL, State::Active) => self.on_peer_ttl(&mut lifecycle, reactor),
            (HEARTBEAT_TIMEOUT, State::Active) => {
                self.on_heartbeat_timeout(&mut lifecycle, reactor)
            }
            (STATE_TIMEOUT, State::Waiting) => {
                lifecycle.state_timer = None;
                self.connect(&mut lifecycle, reactor);
            }
            (STATE_TIMEOUT, State::Connecting) => {
                if let Some(connecting) = &lifecycle.connecting {
                    self.report(&lifecycle, ConnectionEvent::Closed(connecting.as_raw_fd()));
                }
                self.schedule_reconnect(&mut lifecycle, reactor);
            }
            (STATE_TIMEOUT, State::Handshaking) => {
                self.disconnected(&mut lifecycle, reactor, DisconnectReason::System(libc::EAGAIN));
            }
            _ => {}
        }
        TimerOutcome::Served
    }

    fn socket(&self) -> u64 {
        self.host.number()
    }

    fn on_run(self: Arc<Self>, reactor: &mut Reactor) {
        // Its entry can be added again by now: who sets a flag afterwards does.
        let wanted = self.pending.swap(0, Ordering::AcqRel);
        let Some(_claim) = self.claim(wanted) else {
            return;
        };
        if let Some(readiness) = readiness_of(wanted) {
            self.serve(reactor, readiness);
        }
        let mut lifecycle = self.lifecycle.lock();
        // The socket may have taken back its connect before this began.
        if wanted & START != 0 && lifecycle.state != State::Closed {
            match &mut lifecycle.role {
                Role::Connecting { .. } => self.connect(&mut lifecycle, reactor),
                Role::Accepted(stream) => {
                    let stream = stream.take().map(Arc::new);
                    let watched = stream
                        .as_ref()
                        .map(|stream| reactor.register(stream.as_raw_fd(), false, self.clone()));
                    lifecycle.stream = stream;
                    match watched {
                        Some(Ok(token)) => {
                            lifecycle.token = Some(token);
                            self.connected(&mut lifecycle, reactor);
                        }
                        _ => self.finish(&mut lifecycle, reactor),
                    }
                }
            }
        }
        if wanted & RESOLVED != 0 {
            self.resolved(&mut lifecycle, reactor);
        }
        if wanted & ZAP != 0 {
            self.on_zap_reply(&mut lifecycle, reactor);
        }
        if wanted & TASK_DONE != 0 && lifecycle.state == State::Handshaking {
            self.drive_handshake(&mut lifecycle, reactor);
        }
        if wanted & EVICT != 0 && lifecycle.state == State::Handshaking && self.waits_for_peer() {
            self.disconnected(&mut lifecycle, reactor, DisconnectReason::System(libc::EAGAIN));
        }
        if wanted & CLOSE != 0 && lifecycle.state != State::Closed {
            self.begin_close(&mut lifecycle, reactor);
        }
        if wanted & WRITE != 0 && lifecycle.state == State::Active {
            self.drive_write(&mut lifecycle, reactor);
        }
        if wanted & READ != 0 && lifecycle.state == State::Active {
            self.drive_read(&mut lifecycle, reactor, false);
        }
    }
}
