//! SCATTER: a PUSH whose messages have one part.

use super::push::Push;
use super::{Pattern, PipeId, Sent, SocketCore, check_one_part};
use crate::error::Result;
use crate::message::Message;

#[derive(Default)]
pub(super) struct Scatter(Push);

impl Pattern for Scatter {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.attached(core, id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.readable(core, id);
    }

    fn writable(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.writable(core, id);
    }

    fn write_closed(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.write_closed(core, id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.pipe_terminated(core, id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        check_one_part(message)?;
        self.0.send(core, message)
    }

    fn next_pipe(&mut self, core: &mut SocketCore) -> Option<PipeId> {
        self.0.next_pipe(core)
    }

    fn sent_directly(&mut self) {
        self.0.sent_directly();
    }

    fn can_send(&mut self, core: &mut SocketCore) -> bool {
        self.0.can_send(core)
    }
}
