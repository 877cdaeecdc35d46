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
mod peers;
mod poll;
mod poller;
mod proxy;
mod state;
mod wait;
mod zap_connect;
mod zero_copy_send;

pub(crate) use monitor::{MonitorSettings, MonitorVersion};
pub(crate) use poll::{PollItem, PollTarget, poll};
pub(crate) use poller::{Poller, PollerEvent, PollerTarget};
pub(crate) use proxy::proxy;
pub(crate) use wait::{Wait, WaitSource};

use crate::context::{Context, ContextCore};
use crate::error::{Error, Result};
use crate::io::nanoseconds;
use crate::mailbox::{Event, Events, Mailbox, PollGroup, ReadyCache};
use crate::message::{Message, Metadata};
use crate::sync::{CriticalSection, NoCancel};
use crate::sync::{ForkMutex, SpinGuard};
use crate::zmtp::SocketType;
use state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a part is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SendFlags {
    /// Fail instead of blocking (ZMQ_DONTWAIT).
    pub dont_wait: bool,
    /// More parts of the message follow (ZMQ_SNDMORE).
    pub more: bool,
}

/// A socket, open or closed. It may be opened again after it was closed: what is left of the one
/// before, an event on its way for instance, has the number of that one's mailbox.
pub(crate) struct Socket {
    ready_cache: ReadyCache,
    /// Several threads may use it.
    is_shared: AtomicBool,
    slot: ForkMutex<Slot>,
}

/// The place of an open socket.
#[derive(Default)]
#[allow(clippy::large_enum_variant)] // Of sockets, most are open.
enum Slot {
    Open(State),
    Closed,
    /// In a child of fork(2): another thread of the parent was in a call.
    #[default]
    Lost,
}

impl Slot {
    /// The socket.
    ///
    /// # Errors
    /// [`Error::NotASocket`] for a closed one; [`Error::Interrupted`] for one that was lost, as all calls
    /// on the sockets of a parent.
    #[inline(always)]
    fn state(&mut self) -> Result<&mut State> {
        match self {
            Self::Open(state) => Ok(state),
            absent => Err(absent.error()),
        }
    }

    #[cold]
    fn error(&self) -> Error {
        if matches!(self, Self::Lost) { Error::Interrupted } else { Error::NotASocket }
    }
}

impl Socket {
    /// A closed socket.
    pub(crate) fn new() -> Self {
        Self {
            ready_cache: ReadyCache::new(),
            is_shared: AtomicBool::new(false),
            slot: ForkMutex::new(Slot::Closed),
        }
    }

    /// Opens it, where it is closed (zmq_socket(3)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::Terminated`], [`Error::TooManyOpen`],
    /// [`Error::BadAddress`].
    pub(crate) fn open(&'static self, context: &'static Context, socket_type: i32) -> Result<()> {
        // Others open and close sockets with the same locks.
        let _critical = CriticalSection::enter();
        let core = context.open_core()?;
        let socket_type = SocketType::from_value(socket_type).ok_or(Error::InvalidArgument)?;
        self.open_in(&core, socket_type, &self.ready_cache, |state| {
            if socket_type.subscribes() {
                state.set_background_handler(self);
            }
        })
    }

    fn open_in(
        &self,
        core: &Arc<ContextCore>,
        socket_type: SocketType,
        ready_cache: &'static ReadyCache,
        prepare: impl FnOnce(&mut State),
    ) -> Result<()> {
        core.add_socket(socket_type, |options| {
            let mailbox = Arc::new(Mailbox::new(ready_cache));
            let mut state = State::new(core.clone(), mailbox.clone(), socket_type, options);
            prepare(&mut state);
            // Relaxed: who has the handle of an open socket got it after this.
            self.is_shared.store(socket_type.is_thread_safe(), Ordering::Relaxed);
            *self.lock() = Slot::Open(state);
            mailbox
        })
    }

    /// Begins a call, which may change what the socket is ready for.
    #[inline(always)]
    fn lock(&self) -> SpinGuard<'_, Slot> {
        let guard = self.slot.lock();
        self.ready_cache.invalidate();
        if let Slot::Open(state) = &*guard {
            state.mailbox.registrations.tell();
        }
        guard
    }

    /// Runs a call under the lock, if the socket is open.
    #[inline]
    fn with<R>(&self, call: impl FnOnce(&mut State) -> Result<R>) -> Result<R> {
        call(self.lock().state()?)
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
        self.slot.lock().state().map(|state| look(state))
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
        let mut guard = self.slot.lock();
        let state = guard.state()?;
        if state.context.is_inherited() {
            return Err(Error::Interrupted);
        }
        state.mailbox.set_poll_group(group);
        self.ready_cache.refresh(group.number, state.mailbox.number, || {
            state.process()?;
            Ok(state.events())
        })
    }

    /// What the socket whose mailbox has this number is ready for, for a poller that has it.
    ///
    /// # Errors
    /// [`Error::Terminated`], [`Error::NotASocket`], [`Error::Interrupted`] in a child of fork(2).
    fn events_now(&self, mailbox: u64) -> Result<Events> {
        let mut guard = self.slot.lock();
        let state = guard.state()?;
        if state.mailbox.number != mailbox {
            return Err(Error::NotASocket);
        }
        // News that are taken in here are no news for a poll of many.
        self.ready_cache.invalidate();
        state.process()?;
        Ok(state.events())
    }

    /// Closes the socket, if it is open (zmq_close(3)). Returns at once; messages that wait go on for the
    /// linger time.
    pub(crate) fn close(&self) {
        // Free functions of the application may run: signals are not blocked.
        let _no_cancel = NoCancel::enter();
        let Slot::Open(state) = std::mem::replace(&mut *self.slot.lock(), Slot::Closed) else {
            return;
        };
        if state.context.is_inherited() {
            // The connections are the parent's: they are neither closed nor notified.
            std::mem::forget(state);
            return;
        }
        let mailbox = state.mailbox.clone();
        state.close();
        // A thread that waits in the socket finds it closed.
        mailbox.post(Event::Wake);
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
            state.connect(endpoint).map(drop)
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
                let sent = if may_wait && !flags.dont_wait {
                    pattern.send(core, message)?
                } else {
                    core.pipes.begin_send(nanoseconds);
                    let sent = pattern.send(core, message);
                    if core.pipes.end_send() {
                        mailbox.raise_descriptor();
                    }
                    sent?
                };
                Ok(sent.overloaded_pipe().filter(|_| may_wait))
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

    /// As [`recv_into`](Self::recv_into), for callers that only want the bytes: the message has no
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

    /// Before a call that sends, where no thread has polled lately: finds out which peers have ended.
    #[inline]
    fn catch_up(guard: &mut SpinGuard<'_, Slot>) {
        if let Ok(State { reactor: Some(reactor), sends, .. }) = guard.state()
            && reactor.needs_glance(sends)
        {
            Self::glance(guard);
        }
    }

    #[cold]
    #[inline(never)]
    fn glance(guard: &mut SpinGuard<'_, Slot>) {
        if let Some(reactor) = guard.state().ok().and_then(|state| state.reactor.clone()) {
            SpinGuard::unlocked(guard, || reactor.poll_before_send());
        }
    }

    /// Tries an operation, after `prepare`, and waits and tries again while it would block.
    #[inline]
    fn block<R>(
        &self,
        dont_wait: bool,
        prepare: impl FnOnce(&mut SpinGuard<'_, Slot>),
        timeout: impl FnOnce(&State) -> Option<Duration>,
        mut operation: impl FnMut(&mut State) -> Result<R>,
    ) -> Result<R> {
        let mut guard = self.lock();
        prepare(&mut guard);
        let state = guard.state()?;
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
        mut guard: SpinGuard<'_, Slot>,
        timeout: Option<Duration>,
        mut operation: impl FnMut(&mut State) -> Result<R>,
    ) -> Result<R> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let state = guard.state()?;
        state.remove_ended();
        let (context, watched) = (state.context.clone(), [state.wait_source()]);
        let mut wait = Wait::new(&watched, &context.pool, deadline);
        // Released before signals are let in, with the end of the wait.
        let mut guard = guard;
        let mut none = Vec::new();
        loop {
            SpinGuard::unlocked(&mut guard, || wait.next(&mut none))?;
            if watched[0].mailbox.is_closed() {
                // Its handle may have been used again.
                return Err(Error::NotASocket);
            }
            let state = guard.state()?;
            state.process()?;
            let outcome = operation(state);
            state.remove_ended();
            match outcome {
                Err(Error::WouldBlock) => watched[0].begin_check(),
                done => return done,
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::WouldBlock);
            }
        }
    }
}
