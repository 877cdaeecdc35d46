//! CLIENT: sends to its servers in turn and receives from them in turn, messages of one part.

use super::fair_queue::FairQueue;
use super::load_balancer::LoadBalancer;
use super::{Pattern, PipeId, Sent, SocketCore, check_one_part};
use crate::error::{Error, Result};
use crate::message::Message;

#[derive(Default)]
pub(super) struct Client {
    queue: FairQueue,
    out: LoadBalancer,
}

impl Pattern for Client {
    fn attached(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
        self.out.activate(id);
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn writable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.activate(id);
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.remove(id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.queue.remove(core, id);
        self.out.remove(id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        check_one_part(message)?;
        self.out.send(core, message)
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

    fn next_pipe(&mut self, core: &mut SocketCore) -> Option<PipeId> {
        self.out.next_pipe(core)
    }

    fn sent_directly(&mut self) {
        self.out.sent_directly();
    }

    fn can_send(&mut self, core: &mut SocketCore) -> bool {
        self.out.can_send(core)
    }
}
