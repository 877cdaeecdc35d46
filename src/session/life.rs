//! The life of a session, on the thread that drives its reactor: what has happened, and what
//! stage comes of it. How it connects stands in `attempt`, how a connection opens in `opening`.

mod attempt;
mod opening;

use super::ConnectionEvent;
use super::heartbeat::Heartbeat;
use super::read_half::ReadOutcome;
use super::write_half::WriteOutcome;
use super::zap::ZapDialogue;
use super::{
    CLOSE, COMPUTED, End, GIVE_WAY, INACTIVE, LINGER, PING, READ, RESOLVED, SILENCE, STAGE, START,
    Session, WRITE, ZAP,
};
use crate::io::{Reactor, Readiness, Source};
use crate::message::Message;
use crate::transport::{Connecting, Endpoint, Stream, Target};
use crate::zmtp::{Admission, Handshake, ProtocolError};
use parking_lot::MutexGuard;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroize;

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
enum Stage {
    /// Not begun, or a name is being looked up.
    Resolving,
    /// A connection was started.
    Connecting,
    /// Between two attempts.
    Waiting,
    Handshaking,
    Active,
    Closed,
}

/// ZMQ_RECONNECT_STOP: the bits that matter here; a disconnect always ends attempts.
const STOP_CONN_REFUSED: i32 = 1;
const STOP_HANDSHAKE_FAILED: i32 = 2;

/// Why a connection ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    /// A system error; EPIPE when the peer closed it.
    System(i32),
    /// The peer broke the protocol, or one of the two does not let the other in.
    Protocol(ProtocolError),
}

impl From<io::Error> for Loss {
    fn from(error: io::Error) -> Self {
        Self::System(error.raw_os_error().unwrap_or_default())
    }
}

/// What only the I/O thread uses.
pub(super) struct Life {
    role: Role,
    stage: Stage,
    /// The socket's end of the pipe, while there is one.
    pub(super) end: Option<Arc<dyn End>>,
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
    /// The question to the ZAP handler that has no answer yet.
    zap: Option<Box<ZapDialogue>>,
    /// What the ZAP handler said of the peer.
    admission: Admission,
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
    stage_timer: Option<u64>,
    linger_timer: Option<u64>,
    pub(super) heartbeat: Heartbeat,
    /// A success of the connection's handshake was reported. With old and plain peers it never
    /// is (observed).
    handshaken: bool,
    /// The socket wants it to end.
    closing: bool,
}

impl Life {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            stage: Stage::Resolving,
            end: None,
            stream: None,
            connecting: None,
            token: None,
            handshake: None,
            unread: false,
            half_closed: false,
            watches_room: false,
            zap: None,
            admission: Admission::default(),
            input: Vec::new(),
            output: Vec::new(),
            targets: Vec::new(),
            found: Vec::new(),
            pause: Duration::ZERO,
            stage_timer: None,
            linger_timer: None,
            heartbeat: Heartbeat::default(),
            handshaken: false,
            closing: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.role, Role::Connecting { .. })
    }
}

pub(super) type LifeGuard<'a> = MutexGuard<'a, Life>;

impl Session {
    /// Tells who watches.
    fn report(&self, life: &Life, event: ConnectionEvent) {
        if !self.owner.is_monitored() {
            return;
        }
        match (&life.role, &life.stream) {
            (Role::Connecting { name, .. }, _) => self.owner.report(event, name),
            (Role::Accepted(_), Some(stream)) => {
                self.owner.report(event, &stream.local_endpoint());
            }
            (Role::Accepted(_), None) => {}
        }
    }

    fn set_stage_timer(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
        after: Option<Duration>,
    ) {
        self.cancel_stage_timer(life, reactor);
        if let Some(after) = after {
            life.stage_timer = Some(reactor.set_timer(after, self.clone(), STAGE));
        }
    }

    fn cancel_stage_timer(&self, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        if let Some(number) = life.stage_timer.take() {
            reactor.cancel_timer(number);
        }
    }

    /// Closes the stream, whatever it was doing.
    fn drop_stream(&self, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        self.cancel_stage_timer(life, reactor);
        self.end_heartbeats(life, reactor);
        life.handshaken = false;
        self.activity.store(INACTIVE, Ordering::Release);
        self.read.lock().disconnect();
        self.write.lock().disconnect(&self.reactor);
        life.handshake = None;
        (life.unread, life.half_closed, life.watches_room) = (false, false, false);
        life.zap = None;
        life.admission = Admission::default();
        // They may hold a password.
        life.input.zeroize();
        life.output.zeroize();
        life.input = Vec::new();
        life.output = Vec::new();
        let (connecting, stream) = (life.connecting.take(), life.stream.take());
        let descriptor = connecting.map(|own| own.as_raw_fd());
        let descriptor = descriptor.or_else(|| stream.as_ref().map(|own| own.as_raw_fd()));
        if let (Some(descriptor), Some(token)) = (descriptor, life.token.take()) {
            reactor.deregister(descriptor, token);
        }
    }

    fn drive_read(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor, all: bool) {
        self.heard(life, reactor);
        let mut half = self.read.lock();
        let outcome = half.drive(all, &mut reactor.spare_buffer);
        self.delivered.store(half.delivered, Ordering::Relaxed);
        let replies = std::mem::take(&mut half.replies);
        let time_to_live = half.time_to_live.take();
        drop(half);
        if let Some(time_to_live) = time_to_live {
            self.limit_silence(life, reactor, time_to_live);
        }
        if !replies.is_empty() {
            let mut half = self.write.lock();
            replies.into_iter().for_each(|reply| half.send_command(reply));
            drop(half);
            self.drive_write(life, reactor);
            if life.stage != Stage::Active {
                // Nothing is left to send, or the connection is gone: that was seen to.
                return;
            }
        }
        match outcome {
            ReadOutcome::Idle | ReadOutcome::Stalled => {}
            ReadOutcome::Busy => self.want(READ),
            ReadOutcome::Closed => self.disconnected(life, reactor, Loss::System(libc::EPIPE)),
            ReadOutcome::Broken(error) => self.disconnected(life, reactor, Loss::Protocol(error)),
            ReadOutcome::Unopened(error) => {
                self.report(life, ConnectionEvent::HandshakeRefused(error));
                self.disconnected(life, reactor, Loss::Protocol(error));
            }
        }
    }

    pub(super) fn drive_write(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        let outcome = self.write.lock().drive(&self.reactor);
        match outcome {
            WriteOutcome::Idle | WriteOutcome::Blocked => {}
            WriteOutcome::Busy => self.want(WRITE),
            WriteOutcome::Ended => self.finish(life, reactor),
            WriteOutcome::Failed => self.disconnected(life, reactor, Loss::System(libc::EPIPE)),
        }
    }

    /// The connection is gone: the session ends with it, or tries again.
    pub(super) fn disconnected(
        self: &Arc<Self>,
        life: &mut LifeGuard<'_>,
        reactor: &mut Reactor,
        loss: Loss,
    ) {
        if life.is_closed() {
            return;
        }
        // Who is told that it ended must not write to it any more.
        self.activity.store(INACTIVE, Ordering::Release);
        let subscribes = self.options.socket_type.subscribes();
        if subscribes && life.stage == Stage::Active {
            // Before anybody hears of it: what the socket sends from then on stays.
            let most = self.options.send_high_water_mark as usize;
            self.write.lock().drop_subscriptions(most, &self.reactor);
            if let Some(end) = &life.end {
                end.interrupted();
            }
        }
        if !life.handshaken {
            let event = match loss {
                Loss::System(number) => ConnectionEvent::HandshakeFailed(number),
                Loss::Protocol(error) => ConnectionEvent::HandshakeRefused(error),
            };
            self.report(life, event);
        }
        if let Some(stream) = &life.stream {
            self.report(life, ConnectionEvent::Disconnected(stream.as_raw_fd()));
        }
        // Who breaks the protocol is not tried again (observed).
        if !life.is_connecting() || matches!(loss, Loss::Protocol(error) if error.is_final()) {
            return self.finish(life, reactor);
        }
        let failed = !life.handshaken && !self.options.is_raw();
        if self.reconnect_interval().is_none()
            || (failed && self.stops_after(STOP_HANDSHAKE_FAILED))
        {
            return self.finish(life, reactor);
        }
        let was_active = life.stage == Stage::Active;
        self.drop_stream(life, reactor);
        let drops = self.options.immediate && !subscribes || self.options.is_raw();
        if was_active && drops {
            self.give_up_pipe(life);
        }
        life.targets.clear();
        self.retry(life, reactor);
    }

    /// Whether the socket is told of plain peers that come and go.
    fn tells_of_peers(&self) -> bool {
        self.options.is_raw() && self.options.stream_notify
    }

    /// Ends the pipe; a new connection gets a new one.
    fn give_up_pipe(&self, life: &mut LifeGuard<'_>) {
        if self.tells_of_peers() {
            self.read.lock().inject(Message::new());
        }
        self.read.lock().close();
        self.write.lock().close(&self.reactor);
        if let Some(end) = life.end.take() {
            end.lost();
        }
    }

    /// The session is over.
    fn finish(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        if life.stage == Stage::Closed {
            return;
        }
        life.stage = Stage::Closed;
        self.waiting_for_peer.store(false, Ordering::Relaxed);
        self.drop_stream(life, reactor);
        self.give_up_pipe(life);
        if let Some(number) = life.linger_timer.take() {
            reactor.cancel_timer(number);
        }
        self.owner.session_closed(self);
    }

    /// The socket wants the session to end: when everything is sent, or after the linger time.
    fn begin_close(self: &Arc<Self>, life: &mut LifeGuard<'_>, reactor: &mut Reactor) {
        life.closing = true;
        let linger = *self.linger.lock();
        if life.stage == Stage::Active {
            // What the kernel takes at once is sent whatever the linger time.
            self.drive_write(life, reactor);
        }
        let unsent = life.end.is_some() && !self.write.lock().is_drained();
        // Messages that no connection can take any more are not waited for.
        let hopeless = life.stage == Stage::Waiting && self.reconnect_interval().is_none();
        if linger == Some(Duration::ZERO) || !unsent || hopeless {
            return self.finish(life, reactor);
        }
        if let Some(time) = linger {
            if let Some(number) = life.linger_timer.take() {
                reactor.cancel_timer(number);
            }
            life.linger_timer = Some(reactor.set_timer(time, self.clone(), LINGER));
        }
    }
}

impl Source for Session {
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, readiness: Readiness) {
        let mut life = self.life.lock();
        if life.stage != Stage::Active {
            life.unread |= readiness.readable || readiness.closed;
            life.half_closed |= readiness.closed;
        }
        match life.stage {
            // Readable: a proxy answered.
            Stage::Connecting if readiness.writable || readiness.readable || readiness.closed => {
                self.finish_connecting(&mut life, reactor);
            }
            Stage::Handshaking => {
                self.shake(&mut life, reactor);
                // A peer that closes while the ZAP handler is asked needs no answer.
                if readiness.closed && life.zap.is_some() {
                    self.disconnected(&mut life, reactor, Loss::System(libc::EPIPE));
                }
            }
            Stage::Active => {
                if readiness.writable {
                    self.write.lock().unblock(&self.reactor);
                    self.drive_write(&mut life, reactor);
                }
                if readiness.readable && life.stage == Stage::Active {
                    self.drive_read(&mut life, reactor, readiness.closed);
                }
            }
            _ => {}
        }
    }

    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, kind: u32) {
        let mut life = self.life.lock();
        match (kind, life.stage) {
            (LINGER, _) => self.finish(&mut life, reactor),
            (PING, Stage::Active) => self.send_ping(&mut life, reactor),
            (SILENCE, Stage::Active) => self.silent(&mut life, reactor),
            (STAGE, Stage::Waiting) => {
                life.stage_timer = None;
                self.attempt(&mut life, reactor);
            }
            (STAGE, Stage::Connecting) => {
                if let Some(connecting) = &life.connecting {
                    self.report(&life, ConnectionEvent::Closed(connecting.as_raw_fd()));
                }
                self.retry(&mut life, reactor);
            }
            (STAGE, Stage::Handshaking) => {
                self.disconnected(&mut life, reactor, Loss::System(libc::EAGAIN));
            }
            _ => {}
        }
    }

    fn socket(&self) -> u64 {
        self.owner.number()
    }

    fn on_run(self: Arc<Self>, reactor: &mut Reactor) {
        // Before the flags are taken: who sets one afterwards schedules anew.
        self.scheduled.swap(false, Ordering::AcqRel);
        let wanted = self.wanted.swap(0, Ordering::AcqRel);
        let mut life = self.life.lock();
        // The socket may have taken back its connect before this began.
        if wanted & START != 0 && life.stage != Stage::Closed {
            match &mut life.role {
                Role::Connecting { .. } => self.attempt(&mut life, reactor),
                Role::Accepted(stream) => {
                    let stream = stream.take().map(Arc::new);
                    let watched = stream
                        .as_ref()
                        .map(|stream| reactor.register(stream.as_raw_fd(), false, self.clone()));
                    life.stream = stream;
                    match watched {
                        Some(Ok(token)) => {
                            life.token = Some(token);
                            self.connected(&mut life, reactor);
                        }
                        _ => self.finish(&mut life, reactor),
                    }
                }
            }
        }
        if wanted & RESOLVED != 0 {
            self.resolved(&mut life, reactor);
        }
        if wanted & ZAP != 0 {
            self.zap_answered(&mut life, reactor);
        }
        if wanted & COMPUTED != 0 && life.stage == Stage::Handshaking {
            self.shake(&mut life, reactor);
        }
        if wanted & GIVE_WAY != 0 && life.stage == Stage::Handshaking && self.waits_for_peer() {
            self.disconnected(&mut life, reactor, Loss::System(libc::EAGAIN));
        }
        if wanted & CLOSE != 0 && life.stage != Stage::Closed {
            self.begin_close(&mut life, reactor);
        }
        if wanted & WRITE != 0 && life.stage == Stage::Active {
            self.drive_write(&mut life, reactor);
        }
        if wanted & READ != 0 && life.stage == Stage::Active {
            self.drive_read(&mut life, reactor, false);
        }
    }
}
