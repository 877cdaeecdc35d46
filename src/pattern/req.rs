//! REQ: sends a request to the next peer, then receives the reply of that one.

use super::dealer::Dealer;
use super::fair_queue::Received;
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;
use std::hash::{BuildHasher, RandomState};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A request may be sent.
    Ready,
    /// In the middle of the request.
    Sending,
    /// The reply is due.
    Waiting,
    /// In the middle of the reply.
    Receiving,
}

pub(super) struct Req {
    dealer: Dealer,
    state: State,
    /// The pipe that got the request; `None` when that peer is gone.
    replier: Option<PipeId>,
    /// The number of the request, for REQ_CORRELATE.
    number: u32,
    /// The first part of the reply, read when its envelope was.
    first: Option<Message>,
}

impl Default for Req {
    fn default() -> Self {
        Self {
            dealer: Dealer::default(),
            state: State::Ready,
            replier: None,
            number: RandomState::new().hash_one(0) as u32,
            first: None,
        }
    }
}

impl Req {
    /// Begins a request: its envelope goes first.
    fn begin(&mut self, core: &mut SocketCore) -> Result<()> {
        // A request that this one supersedes is given up, also where there is no room (observed).
        self.state = State::Ready;
        if !self.dealer.can_send(core) {
            return Err(Error::WouldBlock);
        }
        self.replier = None;
        self.first = None;
        if core.options.request.correlate {
            self.number = self.number.wrapping_add(1);
            let mut number = Message::from_short(&self.number.to_ne_bytes());
            number.set_more(true);
            self.dealer.out.send(core, &mut number)?;
        }
        let mut delimiter = Message::new();
        delimiter.set_more(true);
        self.replier = self.dealer.out.send(core, &mut delimiter)?.pipe;
        // What came for earlier requests must not pass for an answer to this one.
        while self.dealer.queue.recv(core).is_some() {}
        self.state = State::Sending;
        Ok(())
    }

    /// Reads until the reply has come. Anything else is dropped.
    fn fetch(&mut self, core: &mut SocketCore) -> bool {
        while self.first.is_none() {
            let Some(Received { pipe: id, message: part }) = self.dealer.queue.recv(core) else {
                return false;
            };
            let mut valid = Some(id) == self.replier;
            let mut part = Some(part);
            if valid && core.options.request.correlate {
                let number = self.number.to_ne_bytes();
                valid = part.as_ref().is_some_and(|part| part.more() && part.data() == number);
                part = if valid { self.next_part(core) } else { None };
            }
            valid &= part.is_some_and(|part| part.more() && part.is_empty());
            if valid {
                self.first = self.next_part(core);
            } else {
                self.dealer.queue.skip_rest(core);
            }
        }
        true
    }

    fn next_part(&mut self, core: &mut SocketCore) -> Option<Message> {
        self.dealer.queue.recv(core).map(|received| received.message)
    }
}

impl Pattern for Req {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.dealer.attached(core, id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        self.dealer.readable(core, id);
    }

    fn writable(&mut self, core: &mut SocketCore, id: PipeId) {
        self.dealer.writable(core, id);
    }

    fn write_closed(&mut self, core: &mut SocketCore, id: PipeId) {
        self.dealer.write_closed(core, id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.replier = self.replier.filter(|own| *own != id);
        self.dealer.pipe_terminated(core, id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        match self.state {
            State::Waiting | State::Receiving if !core.options.request.relaxed => {
                return Err(Error::WrongState);
            }
            State::Sending => {}
            _ => self.begin(core)?,
        }
        let more = message.more();
        let sent = self.dealer.send(core, message);
        if sent.is_ok() {
            self.state = if more { State::Sending } else { State::Waiting };
        } else if self.dealer.out.is_between() {
            // The peer is gone, and this was the last part: what comes next is a new request.
            self.state = State::Ready;
        }
        sent
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        if matches!(self.state, State::Ready | State::Sending) {
            return Err(Error::WrongState);
        }
        if self.state == State::Waiting && !self.fetch(core) {
            return Err(Error::WouldBlock);
        }
        let part = match self.first.take() {
            Some(part) => part,
            None => self.next_part(core).ok_or(Error::WouldBlock)?,
        };
        self.state = if part.more() { State::Receiving } else { State::Ready };
        Ok(part)
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        match self.state {
            State::Ready | State::Sending => false,
            State::Waiting => self.fetch(core),
            State::Receiving => true,
        }
    }

    fn can_send(&mut self, core: &mut SocketCore) -> bool {
        match self.state {
            State::Sending => true,
            State::Waiting | State::Receiving if !core.options.request.relaxed => false,
            _ => self.dealer.can_send(core),
        }
    }
}
