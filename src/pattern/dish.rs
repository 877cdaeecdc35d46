//! DISH: receives the messages of the groups that it joined.

use super::fair_queue::FairQueue;
use super::{Pattern, PipeId, SocketCore};
use crate::error::{Error, Result};
use crate::message::{MAX_GROUP, Message};
use crate::zmtp::Subscription;
use std::collections::HashSet;

#[derive(Default)]
pub(super) struct Dish {
    queue: FairQueue,
    groups: HashSet<Box<[u8]>>,
    pipes: Vec<PipeId>,
    /// A message that is there, for `can_recv`.
    first: Option<Message>,
}

/// Joins a group or leaves it, as it goes to a session or to a RADIO of this process.
fn membership(membership: Subscription<'_>) -> Message {
    let mut message = membership.to_message().unwrap_or_default();
    message.set_command(true);
    message
}

impl Dish {
    /// Says so to all peers.
    fn tell(&mut self, core: &mut SocketCore, mut message: Message) {
        for (id, copy) in self.pipes.iter().zip(message.share_among(self.pipes.len())) {
            core.pipes.write_unbounded(*id, copy);
        }
    }

    fn tell_all(&mut self, core: &mut SocketCore, id: PipeId) {
        for group in &self.groups {
            core.pipes.write_unbounded(id, membership(Subscription::Subscribe(group)));
        }
    }

    /// The next message of a group that was joined: a RADIO may not have heard yet that it was left.
    fn next_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        while self.queue.recv_one_part_into(core, message).is_some() {
            if self.groups.contains(message.group().to_bytes()) {
                return Ok(());
            }
            message.take();
        }
        Err(Error::WouldBlock)
    }
}

impl Pattern for Dish {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.pipes.push(id);
        self.queue.activate(id);
        self.tell_all(core, id);
    }

    fn hiccuped(&mut self, core: &mut SocketCore, id: PipeId) {
        self.tell_all(core, id);
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.pipes.retain(|own| *own != id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.write_closed(core, id);
        self.queue.remove(core, id);
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        let mut message = Message::new();
        self.recv_into(core, &mut message).map(|()| message)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        match self.first.take() {
            Some(first) => *message = first,
            None => self.next_into(core, message)?,
        }
        Ok(())
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        if self.first.is_none() {
            let mut message = Message::new();
            self.first = self.next_into(core, &mut message).ok().map(|()| message);
        }
        self.first.is_some()
    }

    fn can_send(&mut self, _: &mut SocketCore) -> bool {
        // Nothing can be sent; libzmq says so all the same (observed).
        true
    }

    fn join(&mut self, core: &mut SocketCore, group: &[u8]) -> Result<()> {
        if group.len() > MAX_GROUP || !self.groups.insert(group.into()) {
            return Err(Error::InvalidArgument);
        }
        self.tell(core, membership(Subscription::Subscribe(group)));
        Ok(())
    }

    fn leave(&mut self, core: &mut SocketCore, group: &[u8]) -> Result<()> {
        if !self.groups.remove(group) {
            return Err(Error::InvalidArgument);
        }
        self.tell(core, membership(Subscription::Cancel(group)));
        Ok(())
    }
}
