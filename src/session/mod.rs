//! Sessions: what joins a socket's pipe to a connection.
//!
//! A connecting session belongs to an endpoint and outlives its connections; an accepted one
//! belongs to its connection. Its lifecycle is driven by the thread that polls its reactor alone:
//! `state_machine.rs` has the states, `lifecycle.rs` acts on them.
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
mod state_machine;
mod work;
mod write_access;
mod write_half;
mod zap_dialogue;

pub(crate) use blocking_task::SECURITY_THREAD;
pub(crate) use event::{ConnectionEvent, EventEndpoints, Failure};
pub(crate) use listener::BoundEndpoint;

use crate::error::Result;
use crate::io::{BlockingPool, InboxEntry, ReactorHandle, nanoseconds};
use crate::options::Options;
use crate::pattern::{DirectSend, PeerInfo, Pipe, SessionLink};
use crate::pipe::{Notify, PipeReader, PipeWriter, pipe};
use crate::sync::Mutex;
use crate::sync::{CriticalSection, NoCancel};
use crate::transport::{Endpoint, Lookups};
use blocking_task::BlockingTask;
use lifecycle::Lifecycle;
use read_half::ReadHalf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::Duration;
use work::{PendingWork, Work};
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

/// A new pipe for the socket.
pub(crate) struct NewPipe {
    pub pipe: Pipe,
    /// The socket's end of it.
    pub end: Arc<dyn PipeEvents>,
}

/// The ends of a pair of pipes to a ZAP handler.
pub(crate) struct ZapPipes {
    pub replies: PipeReader,
    pub requests: PipeWriter,
}

/// The socket, as its sessions see it. No method blocks.
pub(crate) trait SessionHost: Send + Sync {
    /// Makes an end for a new pair of pipes.
    fn new_event_sink(&self) -> Arc<dyn PipeEvents>;
    /// Hands over a new pipe.
    fn attach(&self, new: NewPipe);
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
    fn report(&self, event: ConnectionEvent, endpoints: EventEndpoints<'_>);
    /// The context's threads for what takes long: those for servers, whose tasks need no others'
    /// help, or those for clients that were connected to, whose tasks ask other servers.
    fn workers(&self, server: bool) -> BlockingPool;
    /// The context's name lookups.
    fn lookups(&self) -> &Lookups;
    /// A new pair of pipes to the ZAP handler of the context, if there is one; `told` hears of
    /// its answer.
    fn zap_handler(&self, told: Arc<dyn Notify>) -> Option<ZapPipes>;
}

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
    /// What it is to do when its I/O thread runs it.
    pending: PendingWork,
    /// Its place in the inbox of the reactor.
    entry: InboxEntry,
    /// Something that is pending waits until a caller releases the writing half.
    deferred: AtomicBool,
    /// Messages can flow: callers may use the halves.
    is_active: AtomicBool,
    /// An accepted connection is not established, and it is the peer's turn.
    waiting_for_peer: AtomicBool,
    /// Messages delivered so far, roughly: whether the peer answered since a write.
    delivered: AtomicU64,
    read: Mutex<ReadHalf>,
    write: WriteAccess,
    lifecycle: Mutex<Lifecycle>,
    /// What the security mechanism has computed for a connection that we make.
    blocking_task: Mutex<BlockingTask>,
    /// How long to go on sending once the socket is closed; set before `Work::CLOSE` is requested.
    linger: Mutex<Option<Duration>>,
}

/// A session that is to connect.
pub(crate) struct ConnectingSession {
    pub session: Arc<Session>,
    /// Its pipe, unless only established connections count (ZMQ_IMMEDIATE).
    pub pipe: Option<NewPipe>,
}

impl Session {
    fn new(
        owner: Arc<dyn SessionHost>,
        options: Arc<Options>,
        reactor: Arc<ReactorHandle>,
        endpoint: u64,
        lifecycle: Lifecycle,
    ) -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let session = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            endpoint,
            reactor,
            host: owner,
            options,
            pending: PendingWork::default(),
            entry: InboxEntry::default(),
            deferred: AtomicBool::new(false),
            is_active: AtomicBool::new(false),
            waiting_for_peer: AtomicBool::new(!lifecycle.is_connecting()),
            delivered: AtomicU64::new(0),
            read: Mutex::new(ReadHalf::default()),
            write: WriteAccess::new(),
            lifecycle: Mutex::new(lifecycle),
            blocking_task: Mutex::new(BlockingTask::default()),
            linger: Mutex::new(None),
        });
        session.host.session_opened(&session);
        session
    }

    /// Makes a session that connects to an endpoint, which the application gave as `name`. Nothing
    /// happens before `start`.
    pub(crate) fn connecting(
        owner: Arc<dyn SessionHost>,
        options: Arc<Options>,
        reactor: Arc<ReactorHandle>,
        endpoint: u64,
        address: Endpoint,
        name: &str,
    ) -> ConnectingSession {
        let early = !options.immediate || options.socket_type.subscribes();
        let lifecycle = Lifecycle::connecting(address, name, &options);
        let session = Self::new(owner, options, reactor, endpoint, lifecycle);
        let pipe = early.then(|| session.make_pipe(None, &mut session.lifecycle.lock()));
        ConnectingSession { session, pipe }
    }

    /// Whether it is over, of itself or because the socket wanted that.
    pub(crate) fn is_over(&self) -> bool {
        let _critical = CriticalSection::enter();
        self.lifecycle.lock().is_over()
    }

    /// Begins. The socket took the pipe over, if there was one.
    pub(crate) fn start(&self) {
        self.request(Work::START);
    }

    /// Whether an accepted connection waits for its peer's side of the handshake.
    fn waits_for_peer(&self) -> bool {
        // Relaxed: a hint; who acts on it looks again on the I/O thread.
        self.waiting_for_peer.load(Ordering::Relaxed)
    }

    /// Ends the connection, if it still waits for its peer.
    fn evict(&self) {
        self.request(Work::EVICT);
    }

    /// Makes the pair of pipes between the socket and this session, and keeps its own ends.
    fn make_pipe(&self, peer: Option<PeerInfo>, lifecycle: &mut Lifecycle) -> NewPipe {
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
        let mut write = self.write.lock();
        write.set_pipe(out_reader);
        if options.socket_type.has_groups() {
            write.set_groups();
        }
        drop(write);
        self.read.lock().set_pipe(in_writer);
        lifecycle.end = Some(end.clone());
        let connected = lifecycle.is_connecting();
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
        NewPipe { pipe, end }
    }

    /// The reactor that serves it.
    pub(crate) fn reactor(&self) -> &Arc<ReactorHandle> {
        &self.reactor
    }

    /// Writes what waits in the pipe, where a caller should; false if others are to do it.
    fn write_now(&self) -> bool {
        let is_inactive = !self.is_active.load(Ordering::Acquire);
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
    fn claim(&self, what: Work) -> Option<WriteClaim<'_>> {
        let claim = self.write.claim();
        if claim.is_none() {
            self.defer(what);
        }
        claim
    }

    /// Has this done when the caller that uses the writing half has released it.
    fn defer(&self, what: Work) {
        self.pending.add(what);
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
            self.request(Work::NONE);
        }
    }

    /// Has the I/O thread look after these needs.
    fn request(&self, what: Work) {
        self.pending.add(what);
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
            self.request(Work::WRITE);
        }
    }

    fn writable(&self) {
        self.request(Work::READ);
    }
}

impl SessionLink for Session {
    fn close(&self, linger: Option<Duration>) {
        // The thread that polls takes these locks as well.
        let _critical = CriticalSection::enter();
        let was_stalled = self.read.lock().stop();
        *self.linger.lock() = linger;
        self.request(if was_stalled { Work::CLOSE | Work::READ } else { Work::CLOSE });
    }

    fn send_directly(&self, body: &[u8], wait: Duration) -> Result<DirectSend> {
        if !self.is_active.load(Ordering::Acquire) {
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
            self.request(Work::WRITE);
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
