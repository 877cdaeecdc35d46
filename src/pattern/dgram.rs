//! DGRAM: datagrams, with their addresses. Nothing but udp has such peers, which is not there yet: what is
//! sent or received waits for ever, and other connections are refused in their handshakes.

use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;

#[derive(Default)]
pub(super) struct Dgram;

impl Pattern for Dgram {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        core.arm_or_terminate(id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        while !core.arm_or_terminate(id) {
            while core.pipes.read(id).is_some() {}
        }
    }

    fn pipe_terminated(&mut self, _: &mut SocketCore, _: PipeId) {}

    fn send(&mut self, _: &mut SocketCore, _: &mut Message) -> Result<Sent> {
        Err(Error::WouldBlock)
    }

    fn recv(&mut self, _: &mut SocketCore) -> Result<Message> {
        Err(Error::WouldBlock)
    }
}
