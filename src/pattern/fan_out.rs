//! Fan-out: a message goes to every pipe that wants it; those that are full miss it.

use super::{PipeId, SocketCore};
use crate::message::Message;
use crate::pipe::Room;

/// Pipes between the one that is written to and the one that is fetched: each was read by another
/// thread meanwhile.
const AHEAD: usize = 4;

/// The receivers of the message that is being sent.
#[derive(Default)]
pub(super) struct FanOut {
    receivers: Vec<PipeId>,
    /// Parts of a message were sent and its last one was not.
    in_message: bool,
}

impl FanOut {
    /// True between the parts of a message.
    pub(super) fn in_message(&self) -> bool {
        self.in_message
    }

    /// Chooses which pipes get the message that begins: those of these pipes that have room.
    pub(super) fn begin(&mut self, core: &mut SocketCore, wanted: impl Iterator<Item = PipeId>) {
        self.receivers.clear();
        self.receivers.extend(wanted.filter(|id| core.pipes.room(*id) == Room::Available));
    }

    /// Forgets a pipe.
    pub(super) fn remove(&mut self, id: PipeId) {
        self.receivers.retain(|own| *own != id);
    }

    /// Sends a part to the receivers.
    pub(super) fn send(&mut self, core: &mut SocketCore, message: &mut Message) {
        self.in_message = message.more();
        if let Some((last, others)) = self.receivers.split_last() {
            let copies = message.share_among(others.len());
            for ((position, id), copy) in others.iter().enumerate().zip(copies) {
                if let Some(soon) = self.receivers.get(position + AHEAD) {
                    core.pipes.prefetch(*soon);
                }
                core.pipes.write_unbounded(*id, copy);
            }
            core.pipes.write_unbounded_from(*last, message);
        }
        message.take();
        if !self.in_message {
            self.receivers.clear();
        }
    }
}
