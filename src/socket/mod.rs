//! Sockets: what all types share. Lifecycle, endpoints, sending and receiving with blocking and
//! timeouts, readiness, polling, proxies.
//!
//! A socket is used under its lock, which is held for a call and never across a wait: two threads
//! in one socket are a mistake of the application, but harm nothing.

#![forbid(unsafe_code)]

mod background_handler;
mod drain;
mod endpoint_table;
mod endpoints;
mod host;
mod monitor;
mod options;
mod poll;
mod proxy;
mod state;
mod wait;
mod zap;
mod zero_copy_send;

pub(crate) use poll::{PollItem, PollTarget, poll};
pub(crate) use proxy::proxy;
pub(crate) use wait::{Wait, WaitSource};

use crate::context::{Context, ContextCore};
use crate::error::{Error, Result};
use crate::io::nanoseconds;
use crate::mailbox::{Event, Events, Mailbox, PollGroup, ReadyCache};
use crate::message::{Message, Metadata};
use crate::options::Options;
use crate::sync::{CriticalSection, NoCancel};
use crate::sync::{ForkMutex, SpinGuard};
use crate::zmtp::SocketType;
use state::State;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How a part is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SendFlags {
    /// Fail instead of blocking (ZMQ_DONTWAIT).
    pub dont_wait: bool,
    /// More parts of the message follow (ZMQ_SNDMORE).
    pub more: bool,
}

/// A socket handle. Its memory is never freed but reused, after a while, for another socket, so a
/// handle that was closed is recognised rather than crashed on.
#[repr(C)]
pub(crate) struct Socket {
    /// `TAG` while it is open; first, so that any handle can be checked.
    tag: AtomicU32,
    ready_cache: ReadyCache,
    /// `None` when it is closed, and in a child of fork(2) where another thread of the parent was
    /// during a call.
    state: ForkMutex<Option<State>>,
}

/// Closed handles, oldest first.
static CLOSED: ForkMutex<VecDeque<&'static Socket>> = ForkMutex::for_static(VecDeque::new());
/// This number of handles rests before the oldest is used again.
const RESTING: usize = 64;

impl Socket {
    /// The first word of an open socket.
    pub(crate) const TAG: u32 = 0x5a51_50c7;

    /// Opens a socket (zmq_socket(3)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::Terminated`], [`Error::TooManyOpen`],
    /// [`Error::BadAddress`].
    pub(crate) fn open(context: &'static Context, socket_type: i32) -> Result<&'static Self> {
        // Others open and close sockets with the same locks.
        let _critical = CriticalSection::enter();
        let core = context.open_core()?;
        let socket_type = SocketType::from_value(socket_type).ok_or(Error::InvalidArgument)?;
        Self::open_in(&core, socket_type)
    }

    fn open_in(core: &Arc<ContextCore>, socket_type: SocketType) -> Result<&'static Self> {
        core.add_socket(socket_type, |options| Self::create(core.clone(), socket_type, options))
    }

    /// Makes a socket in a context that counted it already.
    fn create(
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
                ready_cache: ReadyCache::new(),
                state: ForkMutex::new(None),
            }))
        });
        let mailbox = Arc::new(Mailbox::new(&socket.ready_cache));
        let mut state = State::new(context, mailbox.clone(), socket_type, options);
        if socket_type.subscribes() {
            state.set_background_handler(socket);
        }
        *socket.lock() = Some(state);
        socket.tag.store(Self::TAG, Ordering::Release);
        (socket, mailbox)
    }

    /// Whether the handle is that of an open socket.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.tag.load(Ordering::Acquire) == Self::TAG
    }

    /// Begins a call, which may change what the socket is ready for.
    #[inline(always)]
    fn lock(&self) -> SpinGuard<'_, Option<State>> {
        let guard = self.state.lock();
        self.ready_cache.invalidate();
        guard
    }

    /// Runs a call under the lock, if the socket is open.
    #[inline]
    fn with<R>(&self, call: impl FnOnce(&mut State) -> Result<R>) -> Result<R> {
        match self.lock().as_mut() {
            Some(state) => call(state),
            None => Err(self.absent()),
        }
    }

    /// Why there is no state.
    #[cold]
    fn absent(&self) -> Error {
        // As all calls on the sockets of a parent.
        if self.is_open() { Error::Interrupted } else { Error::NotASocket }
    }

    /// Whether calls still have a meaning.
    ///
    /// # Errors
    /// [`Error::Terminated`], [`Error::NotASocket`], [`Error::Interrupted`] in a child of fork(2).
    pub(crate) fn check(&self) -> Result<()> {
        self.with(State::process)
    }

    /// As [`with`](Self::with), for what changes nothing.
    fn inspect<R>(&self, look: impl FnOnce(&State) -> R) -> Result<R> {
        self.state.lock().as_ref().map(look).ok_or_else(|| self.absent())
    }

    /// What the socket, one of a poll group, is ready for: as it was found last, while nothing happened.
    #[inline]
    fn ready_events(&self, group: &Arc<PollGroup>) -> Result<Events> {
        match self.ready_cache.get(group.number) {
            Some(events) => Ok(events),
            None => self.refresh_ready_events(group),
        }
    }

    fn refresh_ready_events(&self, group: &Arc<PollGroup>) -> Result<Events> {
        let mut guard = self.state.lock();
        let state = guard.as_mut().ok_or_else(|| self.absent())?;
        if state.context.is_inherited() {
            return Err(Error::Interrupted);
        }
        state.mailbox.set_poll_group(group);
        self.ready_cache.refresh(group.number, state.mailbox.number, || {
            state.process()?;
            Ok(state.events())
        })
    }

    /// Closes the socket (zmq_close(3)). Returns at once; messages that wait go on for the linger
    /// time.
    ///
    /// # Errors
    /// [`Error::NotASocket`].
    pub(crate) fn close(&'static self) -> Result<()> {
        // Free functions of the application may run: signals are not blocked.
        let _no_cancel = NoCancel::enter();
        let taken = {
            let mut guard = self.state.lock();
            if self.tag.swap(0xdead_beef, Ordering::AcqRel) != Self::TAG {
                return Err(Error::NotASocket);
            }
            guard.take()
        };
        let Some(state) = taken else {
            return Ok(());
        };
        if state.context.is_inherited() {
            // The connections are the parent's: they are neither closed nor told.
            std::mem::forget(state);
            return Ok(());
        }
        let mailbox = state.mailbox.clone();
        state.close();
        // A thread that waits in the socket finds it closed.
        mailbox.post(Event::Wake);
        let _critical = CriticalSection::enter();
        CLOSED.lock().push_back(self);
        Ok(())
    }

    /// Binds to an endpoint (zmq_bind(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub(crate) fn bind(&self, endpoint: &str) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        self.with(|state| {
            state.process()?;
            let _critical = CriticalSection::enter();
            state.bind(endpoint)
        })
    }

    /// Connects to an endpoint (zmq_connect(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub(crate) fn connect(&self, endpoint: &str) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        self.with(|state| {
            state.process()?;
            let _critical = CriticalSection::enter();
            state.connect(endpoint)
        })
    }

    /// Undoes a bind (zmq_unbind(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub(crate) fn unbind(&self, endpoint: &str) -> Result<()> {
        self.undo(endpoint)
    }

    /// Undoes a connect (zmq_disconnect(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub(crate) fn disconnect(&self, endpoint: &str) -> Result<()> {
        self.undo(endpoint)
    }

    fn undo(&self, endpoint: &str) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        let unknown = self.with(|state| {
            state.process()?;
            state.remove_endpoint(endpoint)
        })?;
        let Some(unknown) = unknown else {
            return Ok(());
        };
        // Not under the lock: this may take long.
        let addresses = unknown.look_up();
        self.with(|state| {
            state.process()?;
            state.remove_unknown(&unknown, &addresses)
        })
    }

    /// Sends a part (zmq_msg_send(3)); returns its size. The message is left empty.
    ///
    /// # Errors
    /// As the manual page; the message is then as it was.
    pub(crate) fn send(&self, message: &mut Message, flags: SendFlags) -> Result<usize> {
        let size = message.len();
        let had_more = message.more();
        message.set_more(flags.more);
        message.set_metadata(None);
        let sent = self.block(
            flags.dont_wait,
            Self::catch_up,
            |state| state.core.options.send_timeout,
            |state| {
                let State { core, pattern, mailbox, .. } = state;
                let may_wait = core.options.send_timeout != Some(Duration::ZERO);
                if may_wait && !flags.dont_wait {
                    pattern.send(core, message)?;
                } else {
                    core.pipes.begin_send(nanoseconds);
                    let sent = pattern.send(core, message);
                    if core.pipes.end_send() {
                        mailbox.raise_descriptor();
                    }
                    sent?;
                }
                Ok(core.pipes.take_overloaded().filter(|_| may_wait))
            },
        );
        match sent {
            Ok(overloaded) => {
                if let Some(id) = overloaded.filter(|_| !flags.dont_wait) {
                    self.drain_overloaded(id, size as u64);
                }
                Ok(size)
            }
            Err(error) => {
                message.set_more(had_more);
                Err(error)
            }
        }
    }

    /// Receives a part (zmq_msg_recv(3)).
    ///
    /// # Errors
    /// As the manual page.
    pub(crate) fn recv(&self, dont_wait: bool) -> Result<Message> {
        let mut message = Message::new();
        self.recv_into(&mut message, dont_wait).map(|()| message)
    }

    /// Receives a part in the place of this message, which is as it was, or empty, on failure.
    ///
    /// # Errors
    /// As the manual page.
    #[inline]
    pub(crate) fn recv_into(&self, message: &mut Message, dont_wait: bool) -> Result<()> {
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
    pub(crate) fn recv_bytes_into(&self, message: &mut Message, dont_wait: bool) -> Result<()> {
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
            |_| {},
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

    /// Before a call that sends, where nobody has looked lately: finds out which peers have ended.
    #[inline]
    fn catch_up(guard: &mut SpinGuard<'_, Option<State>>) {
        if let Some(State { reactor: Some(reactor), sends, .. }) = guard.as_mut()
            && reactor.needs_glance(sends)
        {
            Self::glance(guard);
        }
    }

    #[cold]
    #[inline(never)]
    fn glance(guard: &mut SpinGuard<'_, Option<State>>) {
        if let Some(reactor) = guard.as_ref().and_then(|state| state.reactor.clone()) {
            SpinGuard::unlocked(guard, || reactor.poll_before_send());
        }
    }

    /// Tries an operation, after `prepare`, and waits and tries again while it would block.
    #[inline]
    fn block<R>(
        &self,
        dont_wait: bool,
        prepare: impl FnOnce(&mut SpinGuard<'_, Option<State>>),
        timeout: impl FnOnce(&State) -> Option<Duration>,
        mut operation: impl FnMut(&mut State) -> Result<R>,
    ) -> Result<R> {
        let mut guard = self.lock();
        prepare(&mut guard);
        let state = guard.as_mut().ok_or_else(|| self.absent())?;
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
        mut guard: SpinGuard<'_, Option<State>>,
        timeout: Option<Duration>,
        mut operation: impl FnMut(&mut State) -> Result<R>,
    ) -> Result<R> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let state = guard.as_mut().ok_or_else(|| self.absent())?;
        state.remove_ended();
        let (context, watched) = (state.context.clone(), [state.wait_source()]);
        let mut wait = Wait::new(&watched, &context.pool, deadline);
        // Released before signals are let in, with the end of the wait.
        let mut guard = guard;
        let mut none = Vec::new();
        loop {
            SpinGuard::unlocked(&mut guard, || wait.next(&mut none))?;
            let state = guard.as_mut().ok_or_else(|| self.absent())?;
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
