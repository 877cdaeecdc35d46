//! SERVER and PEER: know their peers by numbers, which messages carry; messages have one part.

use super::fair_queue::FairQueue;
use super::{Pattern, PipeId, Sent, SocketCore, check_one_part};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::Room;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

pub(super) struct Server {
    queue: FairQueue,
    /// The peers by their numbers.
    peers: HashMap<u32, PipeId>,
    /// By the slots of pipes: the number of the pipe that was put there last.
    numbers: Vec<u32>,
    /// The number that was given last.
    last: u32,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            queue: FairQueue::default(),
            peers: HashMap::new(),
            numbers: Vec::new(),
            last: RandomState::new().hash_one(0) as u32,
        }
    }
}

impl Server {
    /// Gives a peer its number: they count up by one (observed), past 0, which is none, and those of
    /// peers that are there.
    fn number(&mut self, id: PipeId) {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.peers.contains_key(&self.last) {
                break;
            }
        }
        self.peers.insert(self.last, id);
        if self.numbers.len() <= id.slot() {
            self.numbers.resize(id.slot() + 1, 0);
        }
        self.numbers[id.slot()] = self.last;
    }
}

impl Pattern for Server {
    fn attached(&mut self, _: &mut SocketCore, id: PipeId) {
        self.number(id);
        self.queue.activate(id);
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        if let Some(number) = self.peer_number(id) {
            self.peers.remove(&number);
        }
        self.queue.remove(core, id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        check_one_part(message)?;
        let number = message.routing_id();
        let id = self.pipe_of(number).ok_or(Error::HostUnreachable)?;
        // It means nothing to the peer, which may be in this process.
        message.set_routing_id(0);
        match core.pipes.write_from(id, message) {
            Ok(load) => Ok(Sent { pipe: Some(id), load }),
            Err(room) => {
                message.set_routing_id(number);
                // Where the peer is gone and what it sent is not all read, a call that does not wait is
                // refused as where the pipe is full (observed).
                let is_gone = room == Room::Closed && core.pipes.send_may_wait();
                Err(if is_gone { Error::HostUnreachable } else { Error::WouldBlock })
            }
        }
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        let mut message = Message::new();
        self.recv_into(core, &mut message).map(|()| message)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        let id = self.queue.recv_one_part_into(core, message).ok_or(Error::WouldBlock)?;
        message.set_routing_id(self.numbers.get(id.slot()).copied().unwrap_or_default());
        Ok(())
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        self.queue.can_recv_one_part(core)
    }

    fn can_send(&mut self, _: &mut SocketCore) -> bool {
        true
    }

    fn peer_number(&self, id: PipeId) -> Option<u32> {
        let number = *self.numbers.get(id.slot())?;
        (self.pipe_of(number) == Some(id)).then_some(number)
    }

    fn pipe_of(&self, number: u32) -> Option<PipeId> {
        self.peers.get(&number).copied()
    }
}
