//! PAIR: one peer at a time; others wait, connected and unserved, until it leaves.

use super::progress::Progress;
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::{QueueState, Room};
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Pair {
    peer: Option<PipeId>,
    /// Peers that are gone, whose last messages are not all read.
    previous: VecDeque<PipeId>,
    /// Peers that came while there was one. Nothing of theirs is read.
    waiting: VecDeque<PipeId>,
    /// Of a message that the peer gets.
    progress: Progress,
}

impl Pair {
    /// The pipe to read from: what peers that are gone left comes first.
    fn source(&mut self, core: &mut SocketCore) -> Option<PipeId> {
        let own = self.previous.iter().chain(&self.peer);
        own.copied()
            .find(|id| core.pipes.poll(*id) == QueueState::Ready || !core.arm_or_terminate(*id))
    }

    fn serve(&mut self, core: &mut SocketCore, id: PipeId) {
        self.peer = Some(id);
        core.arm_or_terminate(id);
    }

    fn serve_next(&mut self, core: &mut SocketCore) {
        if let Some(next) = self.waiting.pop_front() {
            self.serve(core, next);
        }
    }
}

impl Pattern for Pair {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        if self.peer.is_none() {
            self.serve(core, id);
        } else if core.pipes.get(id).is_some_and(|pipe| pipe.link.is_some()) {
            self.waiting.push_back(id);
        } else {
            // Over inproc the newcomer finds its pipe closed (observed).
            core.pipes.close(id, Some(Duration::ZERO));
            core.ended.push(id);
        }
    }

    fn write_closed(&mut self, core: &mut SocketCore, id: PipeId) {
        if self.peer == Some(id) {
            self.progress.lose();
            self.previous.extend(self.peer.take());
            self.serve_next(core);
        } else if self.waiting.contains(&id) {
            core.ended.push(id);
        }
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        if core.pipes.poll(id) == QueueState::Closed {
            core.ended.push(id);
        }
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.previous.retain(|own| *own != id);
        self.waiting.retain(|own| *own != id);
        if self.peer == Some(id) {
            self.progress.lose();
            self.peer = None;
            self.serve_next(core);
        }
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        let more = message.more();
        let Some(id) = self.peer else {
            return Err(self.progress.refuse(&mut core.pipes, more));
        };
        if self.progress.is_lost() {
            // Another one came, which gets no part of it.
            return self.progress.drop_part(&mut core.pipes, message).map(|()| Sent::default());
        }
        let load = core.pipes.write_from(id, message).map_err(|_| Error::WouldBlock)?;
        self.progress.sent(more);
        Ok(Sent { pipe: Some(id), load })
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        let id = self.source(core).ok_or(Error::WouldBlock)?;
        core.last_read = Some(id);
        core.pipes.read(id).ok_or(Error::WouldBlock)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        // The way of nearly all messages; the other one finds where the rest comes from.
        if let (Some(id), true) = (self.peer, self.previous.is_empty())
            && (core.pipes.read_into(id, message)
                || core.pipes.spin_for_batch(id) && core.pipes.read_into(id, message))
        {
            core.last_read = Some(id);
            return Ok(());
        }
        *message = self.recv(core)?;
        Ok(())
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        self.source(core).is_some()
    }

    fn can_send(&mut self, core: &mut SocketCore) -> bool {
        self.peer.is_some_and(|id| core.pipes.room(id) == Room::Available)
    }
}
