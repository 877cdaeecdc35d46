//! Sessions: what joins a socket's pipe to a connection.
//!
//! A connecting session belongs to an endpoint and outlives its connections; an accepted one
//! belongs to its connection. Its life is driven by the thread that polls its reactor alone:
//!
//! ```text
//! Resolving -> Connecting -> Handshaking -> Active
//!     ^            |              |            |
//!     |            v              v            |      accepted: -> Closed
//!     '-------- Waiting <---------+------------'      connecting: Waiting, then again
//!                                 '-> GivenUp         refused, or no further attempts
//! ```
//!
//! The two halves of the connection, reading and writing, each lie behind a lock of their own and
//! may be driven by any thread while the session is active.

#![forbid(unsafe_code)]

mod blocking_task;
mod event;
mod half_open;
mod lifecycle;
mod lingering_close;
mod listener;
mod read_half;
mod security;
mod write_access;
mod write_half;
mod zap;

pub(crate) use blocking_task::SECURITY_THREAD;
pub(crate) use event::ConnectionEvent;
pub(crate) use listener::BoundEndpoint;

use crate::error::Result;
use crate::io::{BlockingPool, InboxEntry, ReactorHandle, nanoseconds};
use crate::message::Metadata;
use crate::options::Options;
use crate::pattern::{DirectSend, PeerInfo, Pipe, SessionLink};
use crate::pipe::{Notify, PipeReader, PipeWriter, pipe};
use crate::sync::Mutex;
use crate::sync::{CriticalSection, NoCancel};
use crate::transport::{Endpoint, Lookups};
use crate::zmtp::ZapReply;
use blocking_task::BlockingTask;
use lifecycle::{Lifecycle, Role};
use read_half::ReadHalf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::Duration;
use write_access::{WriteAccess, WriteClaim};
use write_half::WriteOutcome;

/// The socket's end of a pair of pipes, as the session sees it.
pub(crate) trait PipeEvents: Notify + std::any::Any {
    /// The peer is known.
    fn identified(&self, peer: PeerInfo);
    /// The connection is gone, and there will be another one for the same pipe. Only those that
    /// subscribe are told.
    fn hiccuped(&self);
    /// The peer refused the connection, and none is tried any more: what goes into the pipe stays
    /// there.
    fn refused(&self);
    /// The connection is gone for good.
    fn write_closed(&self);
}

/// A new pipe for the socket, and its end.
pub(crate) type NewPipe = (Pipe, Arc<dyn PipeEvents>);

/// The socket, as its sessions see it. No method blocks.
pub(crate) trait SessionHost: Send + Sync {
    /// Makes an end for a new pair of pipes.
    fn new_event_sink(&self) -> Arc<dyn PipeEvents>;
    /// Hands over a new pipe.
    fn attach(&self, pipe: Pipe, end: Arc<dyn PipeEvents>);
    /// A session begins. It ends before its context does.
    fn session_opened(&self, session: &Arc<Session>);
    /// A session is over.
    fn session_closed(&self, session: &Session);
    /// The number of the socket.
    fn number(&self) -> u64;
    /// The I/O thread for a new connection.
    fn reactor(&self, affinity: u64) -> Option<Arc<ReactorHandle>>;
    /// Whether somebody watches: if not, reports are not worth their making.
    fn is_monitored(&self) -> bool;
    /// Something happened to a connection of this endpoint.
    fn report(&self, event: ConnectionEvent, endpoint: &str);
    /// The context's threads for what takes long: those for servers, whose tasks need no others'
    /// help, or those for clients that were connected to, whose tasks ask other servers.
    fn workers(&self, server: bool) -> BlockingPool;
    /// The context's name lookups.
    fn lookups(&self) -> &Lookups;
    /// A new pair of pipes to the ZAP handler of the context, if there is one; `told` hears of
    /// its answer.
    fn zap_handler(&self, told: Arc<dyn Notify>) -> Option<(PipeReader, PipeWriter)>;
}

/// `wanted`: the pipe from the socket has something to send.
const WRITE: u16 = 1;
/// `wanted`: the pipe to the socket takes messages again.
const READ: u16 = 2;
/// `wanted`: the session is to begin.
const START: u16 = 4;
/// `wanted`: the socket wants the session to end.
const CLOSE: u16 = 8;
/// `wanted`: names were resolved.
const RESOLVED: u16 = 16;
/// `wanted`: the ZAP handler answered, or went away.
const ZAP: u16 = 32;
/// `wanted`: a task of the security mechanism has run.
const TASK_DONE: u16 = 64;
/// `wanted`: others need the place of a connection whose peer does not shake hands.
const EVICT: u16 = 128;

/// `wanted`: what an event said that was deferred: there is something to read, room to write, or the
/// peer sends nothing more.
const READABLE: u16 = 256;
const WRITABLE: u16 = 512;
const PEER_CLOSED: u16 = 1024;

/// Kinds of timers: of the stage of a session's life, of its end, until the next PING, until a peer
/// that told a time to live counts as gone, and until one does that does not answer a PING.
const STATE_TIMEOUT: u32 = 0;
const LINGER: u32 = 1;
const PING: u32 = 2;
const PEER_TTL: u32 = 3;
const HEARTBEAT_TIMEOUT: u32 = 4;

/// How the halves stand with the session's life.
const INACTIVE: u8 = 0;
const ACTIVE: u8 = 1;

/// A session.
pub(crate) struct Session {
    me: Weak<Session>,
    /// Distinguishes sessions in the owner's table.
    pub number: u64,
    /// The endpoint that it belongs to.
    pub endpoint: u64,
    reactor: Arc<ReactorHandle>,
    host: Arc<dyn SessionHost>,
    options: Arc<Options>,
    /// What it is to do when its I/O thread runs it: a set of the flags above.
    pending: AtomicU16,
    /// Its place in the inbox of the reactor.
    entry: InboxEntry,
    /// Something in `wanted` waits until a caller releases the writing half.
    deferred: AtomicBool,
    activity: AtomicU8,
    /// An accepted connection is not established, and it is the peer's turn.
    waiting_for_peer: AtomicBool,
    /// Messages delivered so far, roughly: whether the peer answered since a write.
    delivered: AtomicU64,
    read: Mutex<ReadHalf>,
    write: WriteAccess,
    lifecycle: Mutex<Lifecycle>,
    /// What the security mechanism has computed for a connection that we make.
    blocking_task: Mutex<BlockingTask>,
    /// How long to go on sending once the socket is closed; set before `CLOSE` is wanted.
    linger: Mutex<Option<Duration>>,
}

impl Session {
    fn new(
        owner: Arc<dyn SessionHost>,
        options: Arc<Options>,
        reactor: Arc<ReactorHandle>,
        endpoint: u64,
        role: Role,
    ) -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let session = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            endpoint,
            reactor,
            host: owner,
            options,
            pending: AtomicU16::new(0),
            entry: InboxEntry::default(),
            deferred: AtomicBool::new(false),
            activity: AtomicU8::new(INACTIVE),
            waiting_for_peer: AtomicBool::new(matches!(role, Role::Accepted(_))),
            delivered: AtomicU64::new(0),
            read: Mutex::new(ReadHalf::default()),
            write: WriteAccess::new(),
            lifecycle: Mutex::new(Lifecycle::new(role)),
            blocking_task: Mutex::new(BlockingTask::default()),
            linger: Mutex::new(None),
        });
        session.host.session_opened(&session);
        session
    }

    /// Makes a session that connects to an endpoint, which the application gave as `name`, and, unless only established connections
    /// count (ZMQ_IMMEDIATE), its pipe for the socket. Nothing happens before `start`.
    pub(crate) fn connecting(
        owner: Arc<dyn SessionHost>,
        options: Arc<Options>,
        reactor: Arc<ReactorHandle>,
        endpoint: u64,
        address: Endpoint,
        name: &str,
    ) -> (Arc<Self>, Option<NewPipe>) {
        let early = !options.immediate || options.socket_type.subscribes();
        let role = Role::Connecting { address, name: name.into() };
        let session = Self::new(owner, options, reactor, endpoint, role);
        let pipe = early.then(|| session.make_pipe(None));
        (session, pipe)
    }

    /// Whether it is over, of itself or because the socket wanted that.
    pub(crate) fn is_over(&self) -> bool {
        let _critical = CriticalSection::enter();
        self.lifecycle.lock().is_over()
    }

    /// Begins. The socket took the pipe over, if there was one.
    pub(crate) fn start(&self) {
        self.request(START);
    }

    /// Whether an accepted connection waits for its peer's side of the handshake.
    fn waits_for_peer(&self) -> bool {
        // Relaxed: a hint; who acts on it looks again on the I/O thread.
        self.waiting_for_peer.load(Ordering::Relaxed)
    }

    /// Ends the connection, if it still waits for its peer.
    fn evict(&self) {
        self.request(EVICT);
    }

    /// Makes the pair of pipes between the socket and this session, and keeps its own ends.
    fn make_pipe(&self, peer: Option<PeerInfo>) -> (Pipe, Arc<dyn PipeEvents>) {
        let end = self.host.new_event_sink();
        let own: Arc<dyn Notify> = match self.me.upgrade() {
            Some(session) => session,
            None => end.clone(),
        };
        let options = &self.options;
        let to_end: Arc<dyn Notify> = end.clone();
        let (out_writer, out_reader) = pipe(
            [Some(options.send_high_water_mark), None],
            options.conflates_sent(),
            to_end.clone(),
            own.clone(),
        );
        let (in_writer, in_reader) = pipe(
            [None, Some(options.receive_high_water_mark)],
            options.conflates_received(),
            own.clone(),
            to_end,
        );
        self.write.lock().set_pipe(out_reader);
        self.read.lock().set_pipe(in_writer);
        let mut lifecycle = self.lifecycle.lock();
        lifecycle.end = Some(end.clone());
        let connected = lifecycle.is_connecting();
        drop(lifecycle);
        let link = self.me.upgrade().map(|session| -> Arc<dyn SessionLink> { session });
        let pipe = Pipe {
            reader: in_reader,
            writer: Some(out_writer),
            peer,
            link,
            endpoint: self.endpoint,
            assigned_id: options
                .connect_routing_id
                .clone()
                .filter(|_| connected)
                .unwrap_or_default(),
        };
        (pipe, end)
    }

    /// The reactor that serves it.
    pub(crate) fn reactor(&self) -> &Arc<ReactorHandle> {
        &self.reactor
    }

    /// Writes what waits in the pipe, where a caller should; false if others are to do it.
    fn write_now(&self) -> bool {
        let is_inactive = self.activity.load(Ordering::Acquire) != ACTIVE;
        // The thread that polls waits for the half: it comes before the next send.
        let is_deferred = self.deferred.load(Ordering::Relaxed);
        if is_inactive || is_deferred || self.options.socket_type.publishes() {
            return false;
        }
        let _no_cancel = NoCancel::enter();
        let Some(mut half) = self.write.try_enter() else {
            return false;
        };
        let (now, reactor) = (nanoseconds(), &*self.reactor);
        let may_write = half.may_write_now(now, self.delivered.load(Ordering::Relaxed), reactor);
        let mut written = false;
        let writes = may_write || half.is_drained();
        if writes && !(reactor.is_outdated(now) && half.finds_end()) {
            match half.drive(reactor) {
                // The peer finds the end at once: what it sends from then on is for another.
                WriteOutcome::Ended => half.end(),
                outcome => written = outcome.is_idle(),
            }
        }
        drop(half);
        self.resume();
        written
    }

    /// Keeps callers away from the writing half while the thread that polls serves the session. Where
    /// one uses it, which may be suspended, what happened (`what`) is deferred until the half is free.
    fn claim(&self, what: u16) -> Option<WriteClaim<'_>> {
        let claim = self.write.claim();
        if claim.is_none() {
            self.defer(what);
        }
        claim
    }

    /// Has this done when the caller that uses the writing half has released it.
    fn defer(&self, what: u16) {
        self.pending.fetch_or(what, Ordering::Release);
        self.deferred.store(true, Ordering::Relaxed);
        // Pairs with the fence in `resume`: either the caller sees that something was deferred, or we
        // see that the half is free.
        fence(Ordering::SeqCst);
        if !self.write.has_caller() {
            self.resume();
        }
    }

    /// A caller has released the writing half.
    fn resume(&self) {
        fence(Ordering::SeqCst);
        if self.deferred.load(Ordering::Relaxed) && self.deferred.swap(false, Ordering::Relaxed) {
            self.request(0);
        }
    }

    /// Has the I/O thread look after these needs.
    fn request(&self, what: u16) {
        // Release: what the caller did before is seen by the run that takes the flags.
        self.pending.fetch_or(what, Ordering::Release);
        if let Some(me) = self.me.upgrade() {
            self.reactor.schedule(&self.entry, me);
        }
    }
}

impl Notify for Session {
    /// The socket has something to send. Where the peer is in a dialogue with us, the caller
    /// writes it itself and spares two threads a wake-up; a stream of messages, and what goes to
    /// many peers, is left to the I/O thread, which writes many at a time.
    fn readable(&self) {
        if !self.write_now() {
            self.request(WRITE);
        }
    }

    fn writable(&self) {
        self.request(READ);
    }
}

impl SessionLink for Session {
    fn close(&self, linger: Option<Duration>) {
        // The thread that polls takes these locks as well.
        let _critical = CriticalSection::enter();
        let was_stalled = self.read.lock().stop();
        *self.linger.lock() = linger;
        self.request(if was_stalled { CLOSE | READ } else { CLOSE });
    }

    fn send_directly(&self, body: &[u8], wait: Duration) -> Result<DirectSend> {
        if self.activity.load(Ordering::Acquire) != ACTIVE {
            return Ok(DirectSend::Unsupported);
        }
        let _no_cancel = NoCancel::enter();
        // The other thread that writes now has something to write.
        let Some(mut half) = self.write.try_enter() else {
            return Ok(DirectSend::Busy);
        };
        half.finds_end();
        let sent = half.write_directly(body, wait, &self.reactor);
        let failed = half.has_failed();
        drop(half);
        self.resume();
        if failed {
            self.request(WRITE);
        }
        sent
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // One that nobody holds any more without having ended it.
        if !self.lifecycle.get_mut().is_closed() {
            self.host.session_closed(self);
        }
    }
}

/// Properties of a connection for its messages (zmq_msg_gets(3)): what the ZAP handler says, the
/// peer's address, and what its metadata say, the routing id also under its newer name. A property
/// that comes first hides later ones of its name: a peer cannot pass for another.
fn metadata_of(
    admission: &ZapReply,
    proven: Option<&[u8]>,
    properties: &[(String, Vec<u8>)],
    routing_id: &[u8],
    address: &str,
    descriptor: i32,
) -> Metadata {
    let mut metadata = Metadata::new(descriptor);
    match proven {
        _ if !admission.user_id.is_empty() => metadata.insert("User-Id", &admission.user_id),
        Some(user_id) => metadata.insert("User-Id", user_id),
        None => {}
    }
    for (name, value) in &admission.properties {
        metadata.insert(name, value);
    }
    metadata.insert("Peer-Address", address.as_bytes());
    for (name, value) in properties {
        // Nobody says himself who he is.
        if name == "User-Id" {
            continue;
        }
        metadata.insert(name, value);
        if name == "Identity" {
            metadata.insert("Routing-Id", routing_id);
        }
    }
    metadata
}
