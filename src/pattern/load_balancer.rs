//! Load balancing: messages go to the pipes in turn, past those that are full.

use super::turns::Turns;
use super::{Core, PipeId};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::Room;

/// The pipes that may take a message.
///
/// A pipe that is not listed is full: it notifies when it takes messages again.
#[derive(Default)]
pub(super) struct LoadBalancer {
    active: Turns,
    /// The pipe whose turn it is is in the middle of a message.
    in_message: bool,
    /// The pipe in the middle of whose message we were is gone; the rest of it is dropped.
    dropping: bool,
}

impl LoadBalancer {
    /// Lists a pipe: a new one, or one that notified.
    pub(super) fn activate(&mut self, id: PipeId) {
        self.active.add(id);
    }

    /// Forgets a pipe.
    pub(super) fn remove(&mut self, id: PipeId) {
        if self.in_message && self.active.current() == Some(id) {
            self.in_message = false;
            self.dropping = true;
        }
        self.active.remove(id);
    }

    /// Sends a part; returns the pipe that took it, or `None` if it was dropped with the message
    /// that it belongs to.
    #[inline]
    pub(super) fn send(
        &mut self,
        core: &mut Core,
        message: &mut Message,
    ) -> Result<Option<PipeId>> {
        let more = message.more();
        if self.dropping {
            self.dropping = more;
            message.take();
            return Ok(None);
        }
        while let Some(id) = self.active.current() {
            if core.pipes.write_from(id, message) {
                self.in_message = more;
                if !more {
                    self.active.advance();
                }
                return Ok(Some(id));
            }
            self.active.leave();
        }
        Err(Error::WouldBlock)
    }

    /// The pipe that a whole message would go to, if one begins.
    pub(super) fn next_pipe(&mut self, core: &mut Core) -> Option<PipeId> {
        let begins = !self.in_message && !self.dropping && self.can_send(core);
        self.active.current().filter(|_| begins)
    }

    /// A whole message went there.
    pub(super) fn sent_directly(&mut self) {
        self.active.advance();
    }

    /// Whether a part would be taken.
    #[inline]
    pub(super) fn can_send(&mut self, core: &mut Core) -> bool {
        while let Some(id) = self.active.current() {
            if self.in_message || core.pipes.room(id) == Room::Available {
                return true;
            }
            self.active.leave();
        }
        false
    }
}
