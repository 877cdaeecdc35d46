//! PUSH: sends to its peers in turn.

use super::load_balancer::LoadBalancer;
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::Result;
use crate::message::Message;

#[derive(Default)]
pub(super) struct Push {
    out: LoadBalancer,
}

impl Pattern for Push {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.out.activate(id);
        self.readable(core, id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        // Nothing is expected; what comes is dropped, and the end is seen.
        while !core.arm_or_terminate(id) {
            while core.pipes.read(id).is_some() {}
        }
    }

    fn writable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.activate(id);
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.remove(id);
    }

    fn pipe_terminated(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.remove(id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        self.out.send(core, message)
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
