//! Sockets: what all types share. Lifecycle, endpoints, sending and receiving with blocking and
//! timeouts, readiness, polling, proxies.
//!
//! A socket is used under its lock, which is held for a call and never across a wait: two threads
//! in one socket are a mistake of the application, but harm nothing.

#![forbid(unsafe_code)]

mod direct;
mod endpoints;
mod mailbox;
mod monitor;
mod outlook;
mod patience;
mod poll;
mod proxy;
mod wait;
mod zap;

pub use mailbox::{Event, Mailbox, SocketEnd};
pub use patience::Patience;
pub use poll::{Events, PollItem, PollTarget, poll};
pub use proxy::proxy;
pub use wait::{Wait, Watched};

use crate::context::ContextCore;
use crate::error::{Error, Result};
use crate::io::{CallGuard, CallMutex, ReactorHandle, Workers};
use crate::message::{Message, Metadata};
use crate::options::{Answer, Applied, Live, Options, Value, ids};
use crate::pattern::{Core, Link, MAX_LOAD, Pattern, Pipe, PipeId, Pipes, pattern_of};
use crate::pipe::{Notify, PipeReader, PipeWriter};
use crate::session::{ConnectionEvent, End, Owner, Session};
use crate::zmtp::SocketType;
use endpoints::Endpoints;
use monitor::Monitor;
use outlook::{Crowd, Outlook};
use parking_lot::Mutex;
use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How a part is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendFlags {
    /// Fail instead of blocking (ZMQ_DONTWAIT).
    pub dont_wait: bool,
    /// More parts of the message follow (ZMQ_SNDMORE).
    pub more: bool,
}

/// A socket handle. Its memory is never freed but reused, after a while, for another socket, so a
/// handle that was closed is recognised rather than crashed on.
#[repr(C)]
pub struct Socket {
    /// `TAG` while it is open; first, so that any handle can be checked.
    tag: AtomicU32,
    outlook: Outlook,
    state: CallMutex<Option<State>>,
}

/// What the sessions know of their socket.
struct SocketOwner {
    context: Arc<ContextCore>,
    mailbox: Arc<Mailbox>,
    /// Sessions that are not over.
    sessions: Mutex<HashMap<u64, Weak<Session>>>,
    /// What serves the newest of its connections and listeners.
    reactor: Mutex<Option<Arc<ReactorHandle>>>,
    /// The application closed the socket; the last session ends the monitor.
    closed: AtomicBool,
    monitor: Monitor,
}

/// An open socket.
struct State {
    owner: Arc<SocketOwner>,
    mailbox: Arc<Mailbox>,
    context: Arc<ContextCore>,
    core: Core,
    pattern: Box<dyn Pattern>,
    endpoints: Endpoints,
    /// More parts of the message that was received last follow.
    receiving: bool,
}

/// Closed handles, oldest first.
static CLOSED: Mutex<VecDeque<&'static Socket>> = Mutex::new(VecDeque::new());
/// So many handles rest before the oldest is used again.
const RESTING: usize = 64;
/// A call that sends drives at most so long where much waits.
const UNLOADING: Duration = Duration::from_millis(1);

impl Socket {
    /// The first word of an open socket.
    pub const TAG: u32 = 0x5a51_50c7;

    /// Opens a socket in a context that counted it already.
    pub(crate) fn open(
        context: Arc<ContextCore>,
        socket_type: SocketType,
        options: Options,
    ) -> (&'static Self, Arc<Mailbox>) {
        let mut closed = CLOSED.lock();
        let resting = if closed.len() > RESTING { closed.pop_front() } else { None };
        drop(closed);
        let socket = resting.unwrap_or_else(|| {
            Box::leak(Box::new(Self {
                tag: AtomicU32::new(0),
                outlook: Outlook::new(),
                state: CallMutex::new(None),
            }))
        });
        let mailbox = Arc::new(Mailbox::new(&socket.outlook));
        let owner = Arc::new(SocketOwner {
            context: context.clone(),
            mailbox: mailbox.clone(),
            sessions: Mutex::default(),
            reactor: Mutex::default(),
            closed: AtomicBool::new(false),
            monitor: Monitor::default(),
        });
        let state = State {
            owner,
            mailbox: mailbox.clone(),
            context,
            core: Core { pipes: Pipes::default(), options, last_read: None, ended: Vec::new() },
            pattern: pattern_of(socket_type),
            endpoints: Endpoints::default(),
            receiving: false,
        };
        *socket.lock() = Some(state);
        socket.tag.store(Self::TAG, Ordering::Release);
        (socket, mailbox)
    }

    /// Whether the handle is that of an open socket.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.tag.load(Ordering::Acquire) == Self::TAG
    }

    /// Begins a call, which may change what the socket is ready for.
    #[inline(always)]
    fn lock(&self) -> CallGuard<'_, Option<State>> {
        let guard = self.state.lock();
        self.outlook.forget();
        guard
    }

    /// Runs a call under the lock, if the socket is open.
    #[inline]
    fn with<R>(&self, call: impl FnOnce(&mut State) -> Result<R>) -> Result<R> {
        match self.lock().as_mut() {
            Some(state) => call(state),
            None => Err(Error::NotASocket),
        }
    }

    /// As [`with`](Self::with), for what changes nothing.
    fn inspect<R>(&self, look: impl FnOnce(&State) -> R) -> Result<R> {
        self.state.lock().as_ref().map(look).ok_or(Error::NotASocket)
    }

    /// What the socket, one of a crowd, is ready for: as it was found last, while nothing happened.
    #[inline]
    fn outlook(&self, crowd: &Arc<Crowd>) -> Result<Events> {
        match self.outlook.known(crowd.number) {
            Some(events) => Ok(events),
            None => self.find_outlook(crowd),
        }
    }

    fn find_outlook(&self, crowd: &Arc<Crowd>) -> Result<Events> {
        let mut guard = self.state.lock();
        let state = guard.as_mut().ok_or(Error::NotASocket)?;
        state.mailbox.set_crowd(crowd);
        self.outlook.find(crowd.number, state.mailbox.number, || {
            state.process()?;
            Ok(state.events())
        })
    }

    /// Closes the socket (zmq_close(3)). Returns at once; messages that wait go on for the linger
    /// time.
    ///
    /// # Errors
    /// [`Error::NotASocket`].
    pub fn close(&'static self) -> Result<()> {
        let taken = {
            let mut guard = self.state.lock();
            self.tag.store(0xdead_beef, Ordering::Release);
            guard.take()
        };
        let state = taken.ok_or(Error::NotASocket)?;
        if state.context.is_inherited() {
            // The connections are the parent's: they are neither closed nor told.
            std::mem::forget(state);
            return Ok(());
        }
        let mailbox = state.mailbox.clone();
        state.close();
        // A thread that waits in the socket finds it closed.
        mailbox.post(Event::Look);
        CLOSED.lock().push_back(self);
        Ok(())
    }

    /// Sets an option (zmq_setsockopt(3)); `None` is a NULL value.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::Terminated`], [`Error::NotASocket`].
    pub fn set_option(&self, option: i32, value: Option<&[u8]>) -> Result<()> {
        self.with(|state| {
            state.check_context()?;
            let State { core, pattern, .. } = state;
            match core.options.set(option, value)? {
                Applied::Stored if state.context.is_inherited() => return Ok(()),
                Applied::Stored => {}
                _ if state.context.is_inherited() => return Err(Error::Interrupted),
                Applied::Subscribe(prefix) => pattern.subscribe(core, prefix)?,
                Applied::Unsubscribe(prefix) => pattern.unsubscribe(core, prefix)?,
            }
            if option == ids::BUSY_WAIT {
                state.mailbox.patience.set_bound(core.options.busy_wait);
            }
            if matches!(option, ids::SNDHWM | ids::RCVHWM) {
                let options = &core.options;
                let (send, receive) =
                    (options.send_high_water_mark, options.receive_high_water_mark);
                for id in core.pipes.set_shares(send, receive) {
                    pattern.writable(core, id);
                }
            }
            Ok(())
        })
    }

    /// Reads an option into `out` (zmq_getsockopt(3)); returns how many bytes it has. What
    /// remains of the buffer is filled with zeros, as the reference does.
    ///
    /// # Errors
    /// As [`set_option`](Self::set_option).
    pub fn option(&self, option: i32, out: &mut [u8]) -> Result<usize> {
        self.with(|state| {
            state.check_context()?;
            let room = out.len();
            let value = match state.core.options.get(option, room)? {
                Answer::Value(value) => value,
                Answer::Live(Live::ReceiveMore) => Value::live_int(state.receiving.into(), room)?,
                Answer::Live(Live::Descriptor) => {
                    let checked = Value::live_int(-1, room).is_ok();
                    let descriptor = if checked { state.mailbox.descriptor()? } else { -1 };
                    Value::live_int(descriptor, room)?
                }
                Answer::Live(Live::Events) => {
                    state.process()?;
                    Value::live_int(state.events().0.into(), room)?
                }
                Answer::Live(Live::LastEndpoint) => {
                    Value::text(state.endpoints.last().as_bytes(), room)?
                }
            };
            let bytes = value.as_bytes();
            let (place, rest) =
                out.split_at_mut_checked(bytes.len()).ok_or(Error::InvalidArgument)?;
            place.copy_from_slice(bytes);
            rest.fill(0);
            Ok(bytes.len())
        })
    }

    /// Binds to an endpoint (zmq_bind(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub fn bind(&self, endpoint: &str) -> Result<()> {
        self.with(|state| {
            state.process()?;
            state.bind(endpoint)
        })
    }

    /// Connects to an endpoint (zmq_connect(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub fn connect(&self, endpoint: &str) -> Result<()> {
        self.with(|state| {
            state.process()?;
            state.connect(endpoint)
        })
    }

    /// Undoes a bind (zmq_unbind(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub fn unbind(&self, endpoint: &str) -> Result<()> {
        self.with(|state| {
            state.process()?;
            state.remove_endpoint(endpoint)
        })
    }

    /// Undoes a connect (zmq_disconnect(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub fn disconnect(&self, endpoint: &str) -> Result<()> {
        self.with(|state| {
            state.process()?;
            state.remove_endpoint(endpoint)
        })
    }

    /// Sends a part (zmq_msg_send(3)); returns its size. The message is left empty.
    ///
    /// # Errors
    /// As the manual page; the message is then as it was.
    pub fn send(&self, message: &mut Message, flags: SendFlags) -> Result<usize> {
        let size = message.len();
        let had_more = message.more();
        message.set_more(flags.more);
        message.set_metadata(None);
        let sent = self.block(
            flags.dont_wait,
            |state| state.core.options.send_timeout,
            |state| {
                let State { core, pattern, .. } = state;
                pattern.send(core, message)?;
                let may_wait = core.options.send_timeout != Some(Duration::ZERO);
                Ok(core.pipes.take_overloaded().filter(|_| may_wait))
            },
        );
        match sent {
            Ok(overloaded) => {
                if let Some(id) = overloaded.filter(|_| !flags.dont_wait) {
                    self.unload(id, size as u64);
                }
                Ok(size)
            }
            Err(error) => {
                message.set_more(had_more);
                Err(error)
            }
        }
    }

    /// Drives the connections for a moment where much waits in a pipe, until more than this message
    /// went out: bytes are written while the processor's cache has them, their memory serves the
    /// next message, and no other thread has to be woken. A peer that takes its time is not
    /// waited for.
    #[cold]
    fn unload(&self, id: PipeId, size: u64) {
        let mut guard = self.lock();
        let Some(state) = guard.as_mut().filter(|state| state.mailbox.patience.may_unload()) else {
            return;
        };
        let before = state.core.pipes.load(id);
        let enough = before.saturating_sub(2 * size).max(MAX_LOAD);
        let (context, watched) = (state.context.clone(), [state.watched()]);
        let mut wait = Wait::new(&watched, &context.pool, Instant::now().checked_add(UNLOADING));
        loop {
            let served = CallGuard::unlocked(&mut guard, || wait.serve());
            let Some(state) = guard.as_mut() else {
                return;
            };
            // Whatever is wrong, this message was sent: the next call tells.
            if state.process().is_err() {
                return;
            }
            let load = state.core.pipes.load(id);
            if load <= enough || !served {
                return state.mailbox.patience.unloaded(load < before);
            }
        }
    }

    /// Receives a part (zmq_msg_recv(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub fn recv(&self, dont_wait: bool) -> Result<Message> {
        let mut message = Message::new();
        self.recv_into(&mut message, dont_wait).map(|()| message)
    }

    /// Receives a part in the place of this message, which is as it was, or empty, on failure.
    ///
    /// # Errors
    /// As the manual page.
    #[inline]
    pub fn recv_into(&self, message: &mut Message, dont_wait: bool) -> Result<()> {
        self.recv_then(message, dont_wait, |state, message, before| {
            if let Some(id) = state.core.last_read {
                state.give_metadata(id, message, before);
            }
        })
    }

    /// As [`recv_into`](Self::recv_into), for who only wants the bytes: the message has no
    /// properties.
    ///
    /// # Errors
    /// As the manual page.
    #[inline]
    pub fn recv_bytes_into(&self, message: &mut Message, dont_wait: bool) -> Result<()> {
        self.recv_then(message, dont_wait, |_, _, _| {})
    }

    /// Receives, and calls `received` with the message and the properties that were in its place.
    #[inline(always)]
    fn recv_then(
        &self,
        message: &mut Message,
        dont_wait: bool,
        mut received: impl FnMut(&mut State, &mut Message, Option<Arc<Metadata>>),
    ) -> Result<()> {
        self.block(
            dont_wait,
            |state| state.core.options.receive_timeout,
            |state| {
                let State { core, pattern, receiving, .. } = state;
                let before = message.take_metadata();
                if let Err(error) = pattern.recv_into(core, message) {
                    message.set_metadata(before);
                    return Err(error);
                }
                *receiving = message.more();
                received(state, message, before);
                Ok(())
            },
        )
    }

    /// Tries an operation, and waits and tries again while it would block.
    #[inline]
    fn block<R>(
        &self,
        dont_wait: bool,
        timeout: impl FnOnce(&State) -> Option<Duration>,
        mut operation: impl FnMut(&mut State) -> Result<R>,
    ) -> Result<R> {
        let mut guard = self.lock();
        let state = guard.as_mut().ok_or(Error::NotASocket)?;
        state.process()?;
        match operation(state) {
            Err(Error::WouldBlock) if !dont_wait => {}
            done => {
                state.remove_ended();
                return done;
            }
        }
        let timeout = timeout(state);
        if timeout == Some(Duration::ZERO) {
            return Err(Error::WouldBlock);
        }
        self.wait_for(guard, timeout, operation)
    }

    /// The slow part of [`block`](Self::block): the operation was tried once.
    #[cold]
    fn wait_for<R>(
        &self,
        mut guard: CallGuard<'_, Option<State>>,
        timeout: Option<Duration>,
        mut operation: impl FnMut(&mut State) -> Result<R>,
    ) -> Result<R> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let state = guard.as_mut().ok_or(Error::NotASocket)?;
        state.remove_ended();
        let (context, watched) = (state.context.clone(), [state.watched()]);
        let mut wait = Wait::new(&watched, &context.pool, deadline);
        let mut none = Vec::new();
        loop {
            CallGuard::unlocked(&mut guard, || wait.next(&mut none))?;
            let state = guard.as_mut().ok_or(Error::NotASocket)?;
            state.process()?;
            let outcome = operation(state);
            state.remove_ended();
            match outcome {
                Err(Error::WouldBlock) => {}
                done => return done,
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::WouldBlock);
            }
        }
    }
}

impl State {
    fn check_context(&self) -> Result<()> {
        if self.context.is_terminated() { Err(Error::Terminated) } else { Ok(()) }
    }

    fn watched(&self) -> Watched {
        let reactor = self.owner.reactor.lock().clone();
        Watched { mailbox: self.mailbox.clone(), reactor }
    }

    /// Takes the news in.
    #[inline]
    fn process(&mut self) -> Result<()> {
        if self.context.is_inherited() {
            // As the original has it.
            return Err(Error::Interrupted);
        }
        if self.mailbox.has_news() {
            self.process_news();
        }
        self.check_context()
    }

    fn process_news(&mut self) {
        self.mailbox.clear_descriptor();
        while let Some(event) = self.mailbox.take() {
            let Self { core, pattern, .. } = self;
            match event {
                Event::Attach(attached) => {
                    let (pipe, end) = *attached;
                    self.attach(pipe, &end);
                }
                Event::Identified(id, peer) => {
                    if let Some(pipe) = core.pipes.get(id) {
                        pipe.peer = Some(*peer);
                        pattern.identified(core, id);
                    }
                }
                Event::Interrupted(id) => pattern.interrupted(core, id),
                Event::Readable(id) => {
                    if core.pipes.get(id).is_some() {
                        pattern.readable(core, id);
                    }
                }
                Event::Writable(id) => {
                    match core.pipes.get(id).and_then(|pipe| pipe.writer.as_ref()) {
                        Some(writer) if writer.is_abandoned() => self.lost(id),
                        Some(_) => pattern.writable(core, id),
                        None => {}
                    }
                }
                Event::Lost(id) => self.lost(id),
                Event::Look => {}
            }
            self.remove_ended();
        }
    }

    /// Attaches the properties for messages from a pipe. Mostly they are those that the message
    /// before it in the same place had: then the reference is passed on.
    #[inline]
    fn give_metadata(&mut self, id: PipeId, message: &mut Message, before: Option<Arc<Metadata>>) {
        let mut peer = self.core.pipes.get(id).and_then(|pipe| pipe.peer.as_ref());
        if peer.is_none() && !self.mailbox.is_empty() {
            // The message overtook the news of its peer.
            self.process_news();
            peer = self.core.pipes.get(id).and_then(|pipe| pipe.peer.as_ref());
        }
        let Some(own) = peer.and_then(|peer| peer.metadata.as_ref()) else {
            return;
        };
        let passed_on = before.filter(|before| Arc::ptr_eq(before, own));
        message.set_metadata(Some(passed_on.unwrap_or_else(|| own.clone())));
    }

    /// Takes a pipe over.
    fn attach(&mut self, pipe: Pipe, end: &SocketEnd) -> PipeId {
        let Self { core, pattern, .. } = self;
        let known = pipe.peer.is_some();
        let id = core.pipes.insert(pipe);
        end.set_id(id);
        pattern.attached(core, id);
        if known && core.pipes.get(id).is_some() {
            pattern.identified(core, id);
        }
        let abandoned = core.pipes.get(id).and_then(|pipe| pipe.writer.as_ref());
        if abandoned.is_some_and(|writer| writer.is_abandoned()) {
            self.lost(id);
        }
        self.remove_ended();
        id
    }

    /// The connection of a pipe is gone: what came may still be read.
    fn lost(&mut self, id: PipeId) {
        let Self { core, pattern, .. } = self;
        let Some(pipe) = core.pipes.get(id) else {
            return;
        };
        if pipe.writer.take().is_some() {
            pattern.lost(core, id);
        }
        pattern.readable(core, id);
        // What sees an empty pipe finds the end, and has the pipe removed.
        pattern.can_recv(core);
        self.remove_ended();
    }

    /// Removes the pipes that were read to their ends.
    #[inline(always)]
    fn remove_ended(&mut self) {
        if !self.core.ended.is_empty() {
            self.remove_all_ended();
        }
    }

    #[cold]
    fn remove_all_ended(&mut self) {
        while let Some(id) = self.core.ended.pop() {
            let Self { core, pattern, .. } = self;
            if core.pipes.get(id).is_some() {
                pattern.ended(core, id);
                core.pipes.remove(id);
            }
        }
    }

    /// What the socket is ready for.
    fn events(&mut self) -> Events {
        let Self { core, pattern, .. } = self;
        let mut events = 0;
        if pattern.can_recv(core) {
            events |= Events::IN.0;
        }
        if pattern.can_send(core) {
            events |= Events::OUT.0;
        }
        self.remove_ended();
        Events(events)
    }

    /// Ends everything that belongs to the socket.
    fn close(mut self) {
        self.process_news();
        self.close_endpoints();
        let linger = self.core.options.linger;
        // Held on to, so that none goes with its pipe before it was told.
        let sessions: Vec<_> =
            self.owner.sessions.lock().values().filter_map(Weak::upgrade).collect();
        // The writers go first: what waits in their pipes is what is left to send.
        drop(self.pattern);
        drop(self.core);
        self.mailbox.close();
        for session in sessions {
            session.close(linger);
        }
        // Before the table is looked at: a session that leaves it later sees this.
        self.owner.closed.store(true, Ordering::SeqCst);
        self.owner.stop_monitor_when_over();
        self.context.socket_closed(&self.mailbox);
    }
}

impl SocketOwner {
    fn stop_monitor_when_over(&self) {
        let over = self.sessions.lock().is_empty();
        if over && self.closed.load(Ordering::SeqCst) {
            self.monitor.stop();
        }
    }
}

impl Owner for SocketOwner {
    fn new_end(&self) -> Arc<dyn End> {
        SocketEnd::new(self.mailbox.clone())
    }

    fn attach(&self, pipe: Pipe, end: Arc<dyn End>) {
        if let Ok(end) = (end as Arc<dyn Any + Send + Sync>).downcast::<SocketEnd>() {
            self.mailbox.post(Event::Attach(Box::new((pipe, end))));
        }
    }

    fn number(&self) -> u64 {
        self.mailbox.number
    }

    fn session_opened(&self, session: &Arc<Session>) {
        self.context.session_opened();
        *self.reactor.lock() = Some(session.reactor().clone());
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

    fn report(&self, event: ConnectionEvent, endpoint: &str) {
        self.monitor.report(event, endpoint);
    }

    fn workers(&self, server: bool) -> Workers {
        self.context.workers(server)
    }

    fn zap_handler(&self, told: Arc<dyn Notify>) -> Option<(PipeReader, PipeWriter)> {
        zap::connect(&self.context, &told)
    }
}
