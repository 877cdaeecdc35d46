//! PULL: receives from its peers in turn.

use super::fair_queue::FairQueue;
use super::{Core, Pattern, PipeId};
use crate::error::{Error, Result};
use crate::message::Message;

#[derive(Default)]
pub(super) struct Pull {
    queue: FairQueue,
}

impl Pattern for Pull {
    fn attached(&mut self, _: &mut Core, id: PipeId) {
        self.queue.activate(id);
    }

    fn readable(&mut self, _: &mut Core, id: PipeId) {
        self.queue.activate(id);
    }

    fn ended(&mut self, core: &mut Core, id: PipeId) {
        self.queue.remove(core, id);
    }

    fn recv(&mut self, core: &mut Core) -> Result<Message> {
        self.queue.recv(core).map(|(_, message)| message).ok_or(Error::WouldBlock)
    }

    fn recv_into(&mut self, core: &mut Core, message: &mut Message) -> Result<()> {
        self.queue.recv_into(core, message).map(|_| ()).ok_or(Error::WouldBlock)
    }

    fn can_recv(&mut self, core: &mut Core) -> bool {
        self.queue.can_recv(core)
    }
}
