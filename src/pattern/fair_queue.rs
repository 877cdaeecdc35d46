//! Fair queueing: messages are taken from the pipes in turn.

use super::round_robin::RoundRobin;
use super::{PipeId, SocketCore};
use crate::message::Message;
use crate::pipe::QueueState;
use std::collections::VecDeque;

/// A part that was received.
pub(super) struct Received {
    /// The pipe that it came from.
    pub(super) pipe: PipeId,
    pub(super) message: Message,
}

/// The pipes that may have something to read.
///
/// A pipe that is not listed sleeps: it notifies when something comes.
#[derive(Default)]
pub(super) struct FairQueue {
    active: RoundRobin,
    /// The pipe whose turn it is is in the middle of a message; or, where there is a `rest`, one
    /// that was removed.
    in_message: bool,
    /// The end of a message whose pipe was removed after its first part had been taken.
    rest: VecDeque<Received>,
}

impl FairQueue {
    /// Lists a pipe: a new one, or one that notified.
    pub(super) fn activate(&mut self, id: PipeId) {
        self.active.add(id);
    }

    /// Forgets a pipe, but for the rest of a message of which parts were read.
    pub(super) fn remove(&mut self, core: &mut SocketCore, id: PipeId) {
        if self.in_message && self.rest.is_empty() && self.active.current() == Some(id) {
            // The parts of a message are there together.
            while self.in_message
                && let Some(part) = core.pipes.read(id)
            {
                self.in_message = part.more();
                self.rest.push_back(Received { pipe: id, message: part });
            }
            self.in_message = !self.rest.is_empty();
        }
        self.active.remove(id);
    }

    /// The next part of a message whose pipe was removed.
    #[cold]
    fn recv_rest(&mut self, core: &mut SocketCore, message: &mut Message) -> Option<PipeId> {
        let next = self.rest.pop_front()?;
        self.in_message = next.message.more();
        core.last_read = Some(next.pipe);
        *message = next.message;
        Some(next.pipe)
    }

    /// The next part.
    #[inline]
    pub(super) fn recv(&mut self, core: &mut SocketCore) -> Option<Received> {
        let mut message = Message::new();
        self.recv_into(core, &mut message).map(|pipe| Received { pipe, message })
    }

    /// Takes the next part in the place of this message; returns the pipe that it came from.
    #[inline]
    pub(super) fn recv_into(
        &mut self,
        core: &mut SocketCore,
        message: &mut Message,
    ) -> Option<PipeId> {
        if self.in_message && !self.rest.is_empty() {
            return self.recv_rest(core, message);
        }
        loop {
            let id = self.active.current()?;
            if core.pipes.read_into(id, message) {
                self.in_message = message.more();
                if !self.in_message {
                    self.active.advance();
                }
                core.last_read = Some(id);
                return Some(id);
            }
            if self.active.len() > 1 || !core.pipes.spin_for_batch(id) {
                self.deactivate(core, id);
            }
        }
    }

    /// As [`recv_into`](Self::recv_into), for types whose messages have one part: others are dropped.
    #[inline]
    pub(super) fn recv_one_part_into(
        &mut self,
        core: &mut SocketCore,
        message: &mut Message,
    ) -> Option<PipeId> {
        loop {
            let id = self.recv_into(core, message)?;
            if !message.more() {
                return Some(id);
            }
            message.take();
            self.skip_rest(core);
        }
    }

    /// Whether a message of one part is there.
    pub(super) fn can_recv_one_part(&mut self, core: &mut SocketCore) -> bool {
        while self.can_recv(core) {
            let Some(id) = self.active.current() else {
                return false;
            };
            if !core.pipes.peek(id).is_some_and(Message::more) {
                return true;
            }
            drop(self.recv(core));
            self.skip_rest(core);
        }
        false
    }

    /// Takes the rest of the message whose first part was read last.
    pub(super) fn skip_rest(&mut self, core: &mut SocketCore) {
        while self.in_message && self.recv(core).is_some() {}
    }

    /// Whether a part is there.
    #[inline]
    pub(super) fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        if !self.rest.is_empty() {
            return true;
        }
        while let Some(id) = self.active.current() {
            if core.pipes.poll(id) == QueueState::Ready {
                return true;
            }
            self.deactivate(core, id);
        }
        false
    }

    /// The pipe whose turn it is had nothing: it sleeps, unless something came meanwhile. A pipe that ended
    /// is unlisted too; the socket removes it.
    fn deactivate(&mut self, core: &mut SocketCore, id: PipeId) {
        match core.pipes.arm(id) {
            QueueState::Ready => {}
            QueueState::Empty => {
                self.active.leave();
            }
            QueueState::Closed => {
                self.active.leave();
                self.in_message = false;
                core.ended.push(id);
            }
        }
    }
}
