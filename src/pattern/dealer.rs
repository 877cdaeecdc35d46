//! DEALER: sends to its peers in turn and receives from them in turn.

use super::fair_queue::FairQueue;
use super::load_balancer::LoadBalancer;
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;

#[derive(Default)]
pub(super) struct Dealer {
    pub(super) queue: FairQueue,
    pub(super) out: LoadBalancer,
}

impl Pattern for Dealer {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        if core.options.probe_router {
            core.pipes.write_unbounded(id, Message::new());
        }
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
        self.out.send(core, message)
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        self.queue.recv(core).map(|received| received.message).ok_or(Error::WouldBlock)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        self.queue.recv_into(core, message).map(|_| ()).ok_or(Error::WouldBlock)
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        self.queue.can_recv(core)
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
