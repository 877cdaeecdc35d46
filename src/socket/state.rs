//! An open socket: its pattern and pipes, and how the events of its sessions reach them.

use super::background_handler::BackgroundHandler;
use super::drain::DrainBackoff;
use super::endpoint_table::Endpoints;
use super::host::SocketHost;
use super::{Socket, WaitSource};
use crate::context::ContextCore;
use crate::error::{Error, Result};
use crate::io::{ReactorHandle, Sends};
use crate::mailbox::{Event, Events, Mailbox, PipeEventSink};
use crate::message::{Message, Metadata};
use crate::options::Options;
use crate::pattern::{Pattern, Pipe, PipeId, Pipes, SessionLink, SocketCore, new_pattern};
use crate::zmtp::SocketType;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// An open socket.
pub(super) struct State {
    pub(super) host: Arc<SocketHost>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) context: Arc<ContextCore>,
    pub(super) core: SocketCore,
    pub(super) pattern: Box<dyn Pattern>,
    pub(super) endpoints: Endpoints,
    /// Serves its newest connection.
    pub(super) reactor: Option<Arc<ReactorHandle>>,
    /// What calls that send need to know when to check for peers that have ended.
    pub(super) sends: Sends,
    /// More parts of the message that was received last follow.
    pub(super) receiving: bool,
    /// A call found that the context ends: from then on options cannot be set or read either.
    term_reported: bool,
    /// Whether calls that send should write what waits themselves.
    pub(super) unloading: DrainBackoff,
    /// A pipe whose peer refused it, while there is no other.
    refused: Option<PipeId>,
    /// What serves new peers while the application does not call, where that matters.
    background_handler: Option<Arc<BackgroundHandler>>,
}

impl State {
    pub(super) fn new(
        context: Arc<ContextCore>,
        mailbox: Arc<Mailbox>,
        socket_type: SocketType,
        options: Options,
    ) -> Self {
        Self {
            host: Arc::new(SocketHost::new(context.clone(), mailbox.clone())),
            mailbox,
            context,
            core: SocketCore {
                pipes: Pipes::default(),
                options,
                last_read: None,
                ended: Vec::new(),
            },
            pattern: new_pattern(socket_type),
            endpoints: Endpoints::default(),
            reactor: None,
            sends: Sends::default(),
            receiving: false,
            term_reported: false,
            unloading: DrainBackoff::default(),
            refused: None,
            background_handler: None,
        }
    }

    /// Has an I/O thread serve new peers of this socket, which has that handle.
    pub(super) fn set_background_handler(&mut self, socket: &'static Socket) {
        let handler = BackgroundHandler::new(socket, self.mailbox.number);
        if let Some(reactor) = self.context.reactor(0) {
            handler.begin(reactor, &self.mailbox);
        }
        self.background_handler = Some(handler);
    }

    /// Options can be set and read until a call has found that the context ends, as libzmq
    /// has it: a program that shuts a context down may still choose how long its sockets linger.
    pub(super) fn allow_options(&self) -> Result<()> {
        if self.term_reported { Err(Error::Terminated) } else { Ok(()) }
    }

    pub(super) fn wait_source(&self) -> WaitSource {
        let reactor = self.host.newest_reactor().cloned();
        WaitSource::new(self.mailbox.clone(), reactor)
    }

    /// Processes the events of the mailbox.
    #[inline]
    pub(super) fn process(&mut self) -> Result<()> {
        if self.context.is_inherited() {
            // As libzmq has it.
            return Err(Error::Interrupted);
        }
        if self.mailbox.has_sleeper.load(Ordering::Relaxed) {
            self.replace_sleeper();
        }
        if self.mailbox.has_pending() {
            self.process_events();
        }
        if self.context.is_terminated() {
            self.term_reported = true;
            return Err(Error::Terminated);
        }
        Ok(())
    }

    /// The thread that slept on the reactor for this socket may be gone, cancelled or by a longjmp, and
    /// this call may not wait: the I/O thread polls instead.
    #[cold]
    fn replace_sleeper(&mut self) {
        self.mailbox.has_sleeper.store(false, Ordering::Relaxed);
        self.host.newest_reactor().inspect(|reactor| reactor.replace_sleeper());
    }

    pub(super) fn process_events(&mut self) {
        self.mailbox.clear_descriptor();
        self.mailbox.begin_generation();
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
                Event::Hiccuped(id) => pattern.hiccuped(core, id),
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
                Event::Refused(id) => self.refused(id),
                Event::WriteClosed(id) => self.lost(id),
                Event::Wake => {}
            }
            self.remove_ended();
        }
    }

    /// Attaches the properties for messages from a pipe. Mostly they are those that the message
    /// before it in the same place had: then libzmq is passed on.
    #[inline]
    pub(super) fn give_metadata(
        &mut self,
        id: PipeId,
        message: &mut Message,
        before: Option<Arc<Metadata>>,
    ) {
        let mut peer = self.core.pipes.get(id).and_then(|pipe| pipe.peer.as_ref());
        if peer.is_none() && !self.mailbox.is_empty() {
            // The message overtook the event of its peer.
            self.process_events();
            peer = self.core.pipes.get(id).and_then(|pipe| pipe.peer.as_ref());
        }
        let Some(own) = peer.and_then(|peer| peer.metadata.as_ref()) else {
            return;
        };
        let passed_on = before.filter(|before| Arc::ptr_eq(before, own));
        message.set_metadata(Some(passed_on.unwrap_or_else(|| own.clone())));
    }

    /// Takes a pipe over.
    pub(super) fn attach(&mut self, pipe: Pipe, end: &PipeEventSink) -> PipeId {
        if let Some(refused) = self.refused.take() {
            self.give_up(refused);
        }
        self.reactor = self.host.newest_reactor().cloned();
        let Self { core, pattern, .. } = self;
        let known = pipe.peer.is_some();
        let is_inproc = pipe.link.is_none();
        let id = core.pipes.insert(pipe);
        // Sessions send it themselves, on each connection.
        if let Some(messages) = core.options.connection_messages().filter(|_| is_inproc)
            && !messages.hello.is_empty()
            && let Ok(hello) = Message::from_slice(&messages.hello)
        {
            core.pipes.write_unbounded(id, hello);
        }
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
        self.mailbox.wake_waiters();
        id
    }

    /// Nobody will take what is sent through a pipe. While there is no other, it takes messages as
    /// it did before; else they go to others.
    fn refused(&mut self, id: PipeId) {
        let others =
            self.core.pipes.iter_mut().any(|(own, pipe)| own != id && pipe.writer.is_some());
        if !others && self.core.options.socket_type.sends_to_anyone() {
            self.refused = Some(id);
        } else {
            self.give_up(id);
        }
    }

    /// Ends a pipe to a peer that refused it.
    fn give_up(&mut self, id: PipeId) {
        let link = self.core.pipes.get(id).and_then(|pipe| pipe.link.clone());
        if let Some(link) = link {
            link.close(Some(Duration::ZERO));
        }
        self.lost(id);
    }

    /// The connection of a pipe is gone: what came may still be read.
    pub(super) fn lost(&mut self, id: PipeId) {
        let Self { core, pattern, .. } = self;
        let Some(pipe) = core.pipes.get(id) else {
            return;
        };
        if pipe.writer.take().is_some() {
            pattern.write_closed(core, id);
        }
        pattern.readable(core, id);
        // What sees an empty pipe finds the end, and has the pipe removed.
        pattern.can_recv(core);
        self.remove_ended();
        self.mailbox.wake_waiters();
    }

    /// Removes the pipes that were read to their ends.
    #[inline(always)]
    pub(super) fn remove_ended(&mut self) {
        if !self.core.ended.is_empty() {
            self.remove_all_ended();
        }
    }

    #[cold]
    fn remove_all_ended(&mut self) {
        while let Some(id) = self.core.ended.pop() {
            let Self { core, pattern, .. } = self;
            if core.pipes.get(id).is_some() {
                pattern.pipe_terminated(core, id);
                core.pipes.remove(id);
            }
        }
        self.mailbox.wake_waiters();
    }

    /// What the socket is ready for.
    pub(super) fn events(&mut self) -> Events {
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
    pub(super) fn close(mut self) {
        self.process_events();
        self.close_endpoints();
        let linger = self.core.options.linger;
        // Kept, so that none is dropped with its pipe before it is closed.
        let sessions: Vec<_> =
            self.host.sessions.lock().values().filter_map(Weak::upgrade).collect();
        // The writers go first: what waits in their pipes is what is left to send.
        drop(self.pattern);
        drop(self.core);
        self.mailbox.close();
        for session in sessions {
            session.close(linger);
        }
        // Nobody may come to poll soon, and peers and zmq_ctx_term wait for the ends.
        self.host.newest_reactor().inspect(|reactor| reactor.run_scheduled_now());
        // Before the table is read: a session that leaves it later sees this.
        self.host.closed.store(true, Ordering::SeqCst);
        self.host.stop_monitor_when_over();
        self.context.socket_closed(&self.mailbox);
    }
}
