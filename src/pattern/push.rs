//! PUSH: sends to its peers in turn.

use super::load_balancer::LoadBalancer;
use super::{Core, Pattern, PipeId};
use crate::error::Result;
use crate::message::Message;

#[derive(Default)]
pub(super) struct Push {
    out: LoadBalancer,
}

impl Pattern for Push {
    fn attached(&mut self, core: &mut Core, id: PipeId) {
        self.out.activate(id);
        self.readable(core, id);
    }

    fn readable(&mut self, core: &mut Core, id: PipeId) {
        // Nothing is expected; what comes is dropped, and the end is seen.
        while !core.sleep_or_end(id) {
            while core.pipes.read(id).is_some() {}
        }
    }

    fn writable(&mut self, _: &mut Core, id: PipeId) {
        self.out.activate(id);
    }

    fn lost(&mut self, _: &mut Core, id: PipeId) {
        self.out.remove(id);
    }

    fn ended(&mut self, _: &mut Core, id: PipeId) {
        self.out.remove(id);
    }

    fn send(&mut self, core: &mut Core, message: &mut Message) -> Result<()> {
        self.out.send(core, message).map(|_| ())
    }

    fn next_pipe(&mut self, core: &mut Core) -> Option<PipeId> {
        self.out.next_pipe(core)
    }

    fn sent_directly(&mut self) {
        self.out.sent_directly();
    }

    fn can_send(&mut self, core: &mut Core) -> bool {
        self.out.can_send(core)
    }
}
