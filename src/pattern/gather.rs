//! GATHER: a PULL whose messages have one part; others are dropped.

use super::fair_queue::FairQueue;
use super::{Pattern, PipeId, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;

#[derive(Default)]
pub(super) struct Gather {
    queue: FairQueue,
}

impl Pattern for Gather {
    fn attached(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.queue.remove(core, id);
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        let mut message = Message::new();
        self.recv_into(core, &mut message).map(|()| message)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        self.queue.recv_one_part_into(core, message).map(|_| ()).ok_or(Error::WouldBlock)
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        self.queue.can_recv_one_part(core)
    }
}
