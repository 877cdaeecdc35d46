//! REP: receives a request, then sends the reply back where it came from.

use super::fair_queue::{FairQueue, Received};
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Waiting for a request.
    #[default]
    Idle,
    /// In the middle of a request.
    Receiving,
    /// The reply is due.
    Replying,
    /// In the middle of the reply.
    Sending,
}

#[derive(Default)]
pub(super) struct Rep {
    queue: FairQueue,
    state: State,
    /// The way back: the parts up to the empty delimiter, and that.
    envelope: Vec<Message>,
    /// Where the request came from; `None` when that peer is gone.
    requester: Option<PipeId>,
    /// The first part of the body, read when its envelope was.
    first: Option<Message>,
}

impl Rep {
    /// Reads envelopes until one has a body behind it. Requests without a delimiter are dropped.
    fn fetch(&mut self, core: &mut SocketCore) -> bool {
        while self.first.is_none() {
            let Some(Received { pipe: id, message: part }) = self.queue.recv(core) else {
                return false;
            };
            self.requester = Some(id);
            let (delimiter, more) = (part.is_empty(), part.more());
            self.envelope.push(part);
            if !more {
                self.envelope.clear();
            } else if delimiter {
                // Parts of a message are there together.
                self.first = self.queue.recv(core).map(|received| received.message);
            }
        }
        true
    }
}

impl Pattern for Rep {
    fn attached(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.requester = self.requester.filter(|own| *own != id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.write_closed(core, id);
        self.queue.remove(core, id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        if !matches!(self.state, State::Replying | State::Sending) {
            return Err(Error::WrongState);
        }
        let more = message.more();
        for part in self.envelope.drain(..).chain([message.take()]) {
            if let Some(id) = self.requester {
                core.pipes.write_unbounded(id, part);
            }
        }
        self.state = if more { State::Sending } else { State::Idle };
        Ok(Sent::default())
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        if matches!(self.state, State::Replying | State::Sending) {
            return Err(Error::WrongState);
        }
        if self.state == State::Idle && !self.fetch(core) {
            return Err(Error::WouldBlock);
        }
        let part = match self.first.take() {
            Some(part) => part,
            None => self.queue.recv(core).ok_or(Error::WouldBlock)?.message,
        };
        self.state = if part.more() { State::Receiving } else { State::Replying };
        Ok(part)
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        match self.state {
            State::Idle => self.fetch(core),
            State::Receiving => true,
            _ => false,
        }
    }

    fn can_send(&mut self, _: &mut SocketCore) -> bool {
        matches!(self.state, State::Replying | State::Sending)
    }
}
