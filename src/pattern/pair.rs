//! PAIR: one peer at a time; others are refused while there is one.

use super::{Core, Pattern, PipeId};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::{Found, Room};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Pair {
    peer: Option<PipeId>,
    /// A peer that is gone, whose last messages are not all read.
    previous: Option<PipeId>,
}

impl Pair {
    /// The pipe to read from: what a peer that is gone left comes first.
    fn source(&mut self, core: &mut Core) -> Option<PipeId> {
        let own = [self.previous, self.peer];
        own.into_iter()
            .flatten()
            .find(|id| core.pipes.look(*id) == Found::Item || !core.sleep_or_end(*id))
    }
}

impl Pattern for Pair {
    fn attached(&mut self, core: &mut Core, id: PipeId) {
        if self.peer.is_some() {
            core.pipes.close(id, Some(Duration::ZERO));
            core.ended.push(id);
        } else {
            self.peer = Some(id);
            core.sleep_or_end(id);
        }
    }

    fn lost(&mut self, _: &mut Core, id: PipeId) {
        if self.peer == Some(id) {
            self.previous = self.peer.take();
        }
    }

    fn readable(&mut self, core: &mut Core, id: PipeId) {
        if core.pipes.look(id) == Found::End {
            core.ended.push(id);
        }
    }

    fn ended(&mut self, _: &mut Core, id: PipeId) {
        self.peer = self.peer.filter(|own| *own != id);
        self.previous = self.previous.filter(|own| *own != id);
    }

    fn send(&mut self, core: &mut Core, message: &mut Message) -> Result<()> {
        let id = self.peer.ok_or(Error::WouldBlock)?;
        if core.pipes.write_from(id, message) { Ok(()) } else { Err(Error::WouldBlock) }
    }

    fn recv(&mut self, core: &mut Core) -> Result<Message> {
        let id = self.source(core).ok_or(Error::WouldBlock)?;
        core.last_read = Some(id);
        core.pipes.read(id).ok_or(Error::WouldBlock)
    }

    fn recv_into(&mut self, core: &mut Core, message: &mut Message) -> Result<()> {
        // The way of nearly all messages; the other one looks where the rest comes from.
        if let (Some(id), None) = (self.peer, self.previous)
            && (core.pipes.read_into(id, message)
                || core.pipes.gather(id) && core.pipes.read_into(id, message))
        {
            core.last_read = Some(id);
            return Ok(());
        }
        *message = self.recv(core)?;
        Ok(())
    }

    fn can_recv(&mut self, core: &mut Core) -> bool {
        self.source(core).is_some()
    }

    fn can_send(&mut self, core: &mut Core) -> bool {
        self.peer.is_some_and(|id| core.pipes.room(id) == Room::Available)
    }
}
