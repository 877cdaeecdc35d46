//! CHANNEL: a PAIR whose messages have one part. Of one with several, which only a foreign peer can send,
//! the last is received (observed).

use super::pair::Pair;
use super::{Pattern, PipeId, Sent, SocketCore, check_one_part};
use crate::error::Result;
use crate::message::Message;

#[derive(Default)]
pub(super) struct Channel(Pair);

impl Pattern for Channel {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.attached(core, id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        self.0.readable(core, id);
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

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        let mut message = Message::new();
        self.recv_into(core, &mut message).map(|()| message)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        loop {
            self.0.recv_into(core, message)?;
            if !message.more() {
                return Ok(());
            }
        }
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        // The parts of a message are there together.
        self.0.can_recv(core)
    }

    fn can_send(&mut self, core: &mut SocketCore) -> bool {
        self.0.can_send(core)
    }
}
