//! ROUTER: knows its peers by routing id; prefixes what comes with it, and routes by it.

use super::fair_queue::{FairQueue, Received};
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::{QueueState, Room};
use crate::sync::RaceLazy;
use crate::zmtp::SocketType;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What is known of a peer.
struct Peer {
    routing_id: Vec<u8>,
    /// The peer that had this routing id before left messages, which are read first.
    waits: bool,
    /// The peer that waits for the messages of this one, which left.
    successor: Option<PipeId>,
}

#[derive(Default)]
pub(super) struct Router {
    queue: FairQueue,
    /// The peer that a routing id belongs to.
    owners: HashMap<Vec<u8>, PipeId>,
    /// The peer that it belonged to last, if that one left and not all of its messages are read.
    departed: HashMap<Vec<u8>, PipeId>,
    /// The peers that have a routing id, or had it.
    peers: HashMap<PipeId, Peer>,
    /// The part behind the routing id that was handed out.
    prefetched: Option<Message>,
    /// The routing id of a message that is there, for `can_recv`.
    announced: Option<Message>,
    /// Parts of a message were handed out and its last one was not.
    reading: bool,
    /// The pipe of the message that is being sent; `None` drops it.
    target: Option<PipeId>,
    /// The routing id of a message was taken and its last part was not.
    writing: bool,
}

/// A routing id for a peer that has none: five bytes, the first of them 0 (zmq_socket(3),
/// zmq_setsockopt(3)). None is given twice.
pub(crate) fn generate_routing_id() -> Vec<u8> {
    static NEXT: RaceLazy<AtomicU32> =
        RaceLazy::new(|| AtomicU32::new(RandomState::new().hash_one(0) as u32));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    [&[0], &number.to_be_bytes()[..]].concat()
}

impl Router {
    /// Gives the peer its routing id: the one that connect assigned, its own, or a new one.
    /// False if its own is taken: the peer is then ignored, as the manual page says.
    fn identify(&mut self, core: &mut SocketCore, id: PipeId) -> bool {
        let Some(pipe) = core.pipes.get(id) else {
            return false;
        };
        let told = pipe.peer.as_ref().map_or(&[][..], |peer| &peer.routing_id);
        let assigned = !pipe.assigned_id.is_empty();
        let name = if assigned { pipe.assigned_id.clone() } else { told.to_vec() };
        let name = if name.is_empty() || core.options.is_raw() && !assigned {
            generate_routing_id()
        } else {
            name
        };
        if let Some(&holder) = self.owners.get(&name) {
            if holder == id {
                return true;
            }
            if !core.options.router.handover {
                return false;
            }
            // The newcomer takes the id over. The old peer stays connected and is ignored (observed):
            // were it cut off, it would come back and take the id over in turn.
            self.forget(holder);
            self.queue.remove(core, holder);
            self.peers.remove(&holder);
            if core.pipes.get(holder).is_some_and(|pipe| pipe.link.is_none()) {
                core.pipes.close(holder, Some(Duration::ZERO));
                core.ended.push(holder);
            }
        }
        self.own(id, name);
        true
    }

    /// The peer gets this routing id, which no peer has.
    fn own(&mut self, id: PipeId, name: Vec<u8>) {
        let predecessor = self.departed.get(&name).and_then(|before| self.peers.get_mut(before));
        let waits = predecessor.is_some();
        if let Some(predecessor) = predecessor {
            predecessor.successor = Some(id);
        }
        let peer = Peer { routing_id: name.clone(), waits, successor: None };
        if let Some(old) = self.peers.insert(id, peer) {
            self.owners.remove(&old.routing_id);
        }
        self.owners.insert(name, id);
    }

    /// Nothing is routed to the pipe any more.
    fn forget(&mut self, id: PipeId) {
        if let Some(peer) = self.peers.get(&id)
            && self.owners.get(&peer.routing_id) == Some(&id)
        {
            self.owners.remove(&peer.routing_id);
        }
        if self.target == Some(id) {
            self.target = None;
        }
    }

    /// All messages of a peer were read: the one that has its routing id now comes next.
    fn let_in_successor(&mut self, id: PipeId) -> bool {
        let Some(Peer { routing_id, successor, .. }) = self.peers.get_mut(&id) else {
            return false;
        };
        let successor = successor.take();
        if self.departed.get(routing_id) == Some(&id) {
            self.departed.remove(routing_id);
        }
        let Some(successor) = successor else {
            return false;
        };
        if let Some(peer) = self.peers.get_mut(&successor) {
            peer.waits = false;
        }
        self.queue.activate(successor);
        true
    }

    /// The routing id of the pipe, as the first part of a message.
    fn id_part(&self, id: PipeId) -> Message {
        let name = self.peers.get(&id).map_or(&[][..], |peer| &peer.routing_id);
        let mut part = Message::from_slice(name).unwrap_or_default();
        part.set_more(true);
        part
    }

    /// Chooses the pipe for a message by its first part.
    fn route(&mut self, core: &mut SocketCore, name: &[u8]) -> Result<()> {
        // STREAM refuses what it cannot route, always (observed).
        let mandatory =
            core.options.router.mandatory || core.options.socket_type == SocketType::Stream;
        self.target = self.owners.get(name).copied();
        let Some(id) = self.target else {
            return if mandatory { Err(Error::HostUnreachable) } else { Ok(()) };
        };
        // What it has no room for is dropped, unless it is mandatory.
        let room = if mandatory { core.pipes.room_to_send(id) } else { core.pipes.room(id) };
        if room == Room::Available {
            return Ok(());
        }
        self.target = None;
        match (mandatory, room) {
            (false, _) => Ok(()),
            (true, Room::Full | Room::Unknown) => Err(Error::WouldBlock),
            (true, _) => Err(Error::HostUnreachable),
        }
    }

    /// Fetches the next message; its routing id goes to `announced`.
    fn fetch(&mut self, core: &mut SocketCore) -> bool {
        if self.announced.is_none() && self.prefetched.is_none() {
            let Received { pipe: id, message } = loop {
                if let Some(next) = self.queue.recv(core) {
                    break next;
                }
                // Peers whose ends were found just now may have been waited for.
                if core.ended.iter().filter(|id| self.let_in_successor(**id)).count() == 0 {
                    return false;
                }
            };
            self.announced = Some(self.id_part(id));
            self.prefetched = Some(message);
        }
        true
    }
}

impl Pattern for Router {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        if core.options.probe_router {
            core.pipes.write_unbounded(id, Message::new());
        }
        let assigned = core.pipes.get(id).is_some_and(|pipe| !pipe.assigned_id.is_empty());
        if assigned {
            self.identify(core, id);
        }
    }

    fn identified(&mut self, core: &mut SocketCore, id: PipeId) {
        if self.identify(core, id) {
            self.readable(core, id);
        }
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        if self.peers.get(&id).is_some_and(|peer| !peer.waits) {
            self.queue.activate(id);
        }
    }

    fn write_closed(&mut self, core: &mut SocketCore, id: PipeId) {
        self.forget(id);
        match self.peers.get(&id) {
            None => core.ended.push(id),
            // Nothing is to be read before its end, which nothing would find.
            Some(peer) if peer.waits && core.pipes.poll(id) == QueueState::Closed => {
                core.ended.push(id)
            }
            Some(peer) if core.pipes.poll(id) != QueueState::Closed => {
                self.departed.insert(peer.routing_id.clone(), id);
            }
            Some(_) => {}
        }
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.forget(id);
        self.let_in_successor(id);
        self.peers.remove(&id);
        self.queue.remove(core, id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        let more = message.more();
        if !self.writing {
            // A message that is a routing id and nothing else is dropped; of STREAM the part that
            // follows it as well, whose parts always come in twos.
            if more {
                self.route(core, message.data())?;
            }
            self.writing = more || core.options.socket_type == SocketType::Stream;
            message.take();
            return Ok(Sent::default());
        }
        // Plain bytes have no parts: what follows is another message.
        let raw = core.options.is_raw();
        let more = more && !raw;
        message.set_more(more);
        self.writing = more;
        if let Some(id) = self.target {
            if raw && message.is_empty() {
                // What was sent before goes out first; an end that the application asked for is
                // not reported.
                self.forget(id);
                core.pipes.close(id, None);
                core.ended.push(id);
            } else {
                core.pipes.write_unbounded_from(id, message);
            }
        }
        message.take();
        if !more {
            self.target = None;
        }
        Ok(Sent::default())
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        if !self.reading && !self.fetch(core) {
            return Err(Error::WouldBlock);
        }
        if let Some(id) = self.announced.take() {
            self.reading = true;
            return Ok(id);
        }
        let message = match self.prefetched.take() {
            Some(message) => message,
            None => self.queue.recv(core).ok_or(Error::WouldBlock)?.message,
        };
        self.reading = message.more();
        Ok(message)
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        self.reading || self.fetch(core)
    }

    fn can_send(&mut self, core: &mut SocketCore) -> bool {
        if !core.options.router.mandatory {
            return true;
        }
        self.owners.values().any(|id| core.pipes.room(*id) == Room::Available)
    }

    fn has_room_for(&mut self, core: &mut SocketCore, routing_id: &[u8]) -> Result<bool> {
        if core.options.socket_type != SocketType::Router {
            return Err(Error::NotSupported);
        }
        let id = self.owners.get(routing_id).ok_or(Error::HostUnreachable)?;
        Ok(core.pipes.room(*id) == Room::Available)
    }
}
