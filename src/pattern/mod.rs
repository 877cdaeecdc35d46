//! The messaging patterns: one file a socket type, and the strategies that they share.
//!
//! A pattern runs behind its socket's lock and never blocks: what cannot be done now is
//! [`Error::WouldBlock`], and the socket waits. The socket calls, in this order for each pipe:
//! `attached`; `identified` when the handshake with the peer is done, for each connection, and
//! `interrupted` between two of them; `readable` and `writable` as the pipe notifies; `lost` when
//! nothing can be sent any more (what came may still be read); `ended` when the pipe is removed.

#![forbid(unsafe_code)]

mod channel;
mod client;
mod dealer;
mod dgram;
mod dish;
mod fair_queue;
mod fan_out;
mod gather;
mod index;
mod load_balancer;
mod pair;
mod pipes;
mod progress;
mod publish;
mod pull;
mod push;
mod radio;
mod rep;
mod req;
mod round_robin;
mod router;
mod scatter;
mod server;
mod subscribe;
mod subscriptions;
mod trie;
mod xpub_queue;

pub(crate) use pipes::{
    DirectSend, MAX_QUEUED_BYTES, PeerInfo, Pipe, PipeId, Pipes, Sent, SessionLink, SocketCore,
};
pub(crate) use router::generate_routing_id;

use crate::error::{Error, Result};
use crate::message::Message;
use crate::zmtp::SocketType;

/// What a socket type does with messages and pipes.
pub(crate) trait Pattern: Send {
    /// There is a new pipe.
    fn attached(&mut self, core: &mut SocketCore, id: PipeId);
    /// The peer at the other end is known, for the first time or after a reconnection.
    fn identified(&mut self, _core: &mut SocketCore, _id: PipeId) {}
    /// The pipe waits for its next connection: what the peer was sent is forgotten. Only those that
    /// subscribe are called.
    fn hiccuped(&mut self, _core: &mut SocketCore, _id: PipeId) {}
    /// The pipe has something to read after it had nothing.
    fn readable(&mut self, _core: &mut SocketCore, _id: PipeId) {}
    /// The pipe takes messages again after it was full.
    fn writable(&mut self, _core: &mut SocketCore, _id: PipeId) {}
    /// Nothing can be sent through the pipe any more.
    fn write_closed(&mut self, _core: &mut SocketCore, _id: PipeId) {}
    /// The pipe is removed after this call.
    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId);
    /// Sends a part. On failure the message is as it was.
    fn send(&mut self, _core: &mut SocketCore, _message: &mut Message) -> Result<Sent> {
        Err(Error::NotSupported)
    }
    /// Receives a part.
    fn recv(&mut self, _core: &mut SocketCore) -> Result<Message> {
        Err(Error::NotSupported)
    }
    /// Receives a part in the place of this message, which is as it was, or empty, on failure.
    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        *message = self.recv(core)?;
        Ok(())
    }
    /// The pipe that a message of one part would go to, to no other and as it is; `None` if there
    /// is none, or where the pattern does not say.
    fn next_pipe(&mut self, _core: &mut SocketCore) -> Option<PipeId> {
        None
    }
    /// A message went that way without `send`.
    fn sent_directly(&mut self) {}
    /// Whether `recv` would give a part.
    fn can_recv(&mut self, _core: &mut SocketCore) -> bool {
        false
    }
    /// Whether `send` would take a part.
    fn can_send(&mut self, _core: &mut SocketCore) -> bool {
        false
    }
    /// ZMQ_SUBSCRIBE.
    fn subscribe(&mut self, _core: &mut SocketCore, _prefix: &[u8]) -> Result<()> {
        Err(Error::InvalidArgument)
    }
    /// ZMQ_UNSUBSCRIBE.
    fn unsubscribe(&mut self, _core: &mut SocketCore, _prefix: &[u8]) -> Result<()> {
        Err(Error::InvalidArgument)
    }
    /// How many subscriptions there are, of types that have some.
    fn topics(&self) -> Option<usize> {
        None
    }
    /// Has messages of a group received (zmq_join(3)).
    fn join(&mut self, _core: &mut SocketCore, _group: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }
    /// Has messages of a group received no more (zmq_leave(3)).
    fn leave(&mut self, _core: &mut SocketCore, _group: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }
    /// Whether a message to the peer with this routing id would be taken.
    fn has_room_for(&mut self, _core: &mut SocketCore, _routing_id: &[u8]) -> Result<bool> {
        Err(Error::NotSupported)
    }
    /// The number of the peer of a pipe, where messages carry such.
    fn peer_number(&self, _id: PipeId) -> Option<u32> {
        None
    }
    /// The pipe of the peer that has this number.
    fn pipe_of(&self, _number: u32) -> Option<PipeId> {
        None
    }
}

/// What thread-safe types send has one part: between two of them another thread might send.
///
/// # Errors
/// [`Error::InvalidArgument`].
fn check_one_part(message: &Message) -> Result<()> {
    if message.more() { Err(Error::InvalidArgument) } else { Ok(()) }
}

/// The pattern of a socket type.
pub(crate) fn new_pattern(socket_type: SocketType) -> Box<dyn Pattern> {
    match socket_type {
        SocketType::Pair => Box::new(pair::Pair::default()),
        SocketType::Pub => Box::new(publish::Publish::new(false)),
        SocketType::Xpub => Box::new(publish::Publish::new(true)),
        SocketType::Sub => Box::new(subscribe::Subscribe::new(false)),
        SocketType::Xsub => Box::new(subscribe::Subscribe::new(true)),
        SocketType::Req => Box::new(req::Req::default()),
        SocketType::Rep => Box::new(rep::Rep::default()),
        SocketType::Dealer => Box::new(dealer::Dealer::default()),
        SocketType::Push => Box::new(push::Push::default()),
        SocketType::Pull => Box::new(pull::Pull::default()),
        // STREAM is a ROUTER whose peers send plain bytes: the sessions handle the difference.
        SocketType::Router | SocketType::Stream => Box::new(router::Router::default()),
        SocketType::Client => Box::new(client::Client::default()),
        // A PEER is a SERVER that connects to others, and learns their numbers when it does.
        SocketType::Server | SocketType::Peer => Box::new(server::Server::default()),
        SocketType::Radio => Box::new(radio::Radio::default()),
        SocketType::Dish => Box::new(dish::Dish::default()),
        SocketType::Gather => Box::new(gather::Gather::default()),
        SocketType::Scatter => Box::new(scatter::Scatter::default()),
        SocketType::Channel => Box::new(channel::Channel::default()),
        SocketType::Dgram => Box::new(dgram::Dgram),
    }
}
