//! Calls about single peers and groups: those of the draft socket types, and of a ROUTER.

use super::Socket;
use crate::error::{Error, Result};
use crate::mailbox::Events;
use crate::sync::{CriticalSection, NoCancel};
use crate::zmtp::SocketType;

impl Socket {
    /// Has messages of a group received (zmq_join(3)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where it is joined already or its name is too long,
    /// [`Error::NotSupported`] where the socket is no DISH.
    pub(crate) fn join(&self, group: &[u8]) -> Result<()> {
        self.with(|state| {
            state.process()?;
            state.pattern.join(&mut state.core, group)
        })
    }

    /// Has messages of a group received no more (zmq_leave(3)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where it is not joined, [`Error::NotSupported`].
    pub(crate) fn leave(&self, group: &[u8]) -> Result<()> {
        self.with(|state| {
            state.process()?;
            state.pattern.leave(&mut state.core, group)
        })
    }

    /// Connects a PEER; returns the number of the peer, to which messages may be sent at once
    /// (zmq_connect_peer(3)).
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::NotSupported`] for other types, [`Error::BadAddress`] with
    /// ZMQ_IMMEDIATE, which has the peer known later.
    pub(crate) fn connect_peer(&self, endpoint: &str) -> Result<u32> {
        let _no_cancel = NoCancel::enter();
        self.with(|state| {
            state.process()?;
            if state.core.options.socket_type != SocketType::Peer {
                return Err(Error::NotSupported);
            }
            if state.core.options.immediate {
                return Err(Error::BadAddress);
            }
            let _critical = CriticalSection::enter();
            let number = state.connect(endpoint)?;
            let mut pipes = state.core.pipes.iter_mut();
            let id = pipes.find(|(_, pipe)| pipe.endpoint == number).map(|(id, _)| id);
            drop(pipes);
            // None where an inproc peer has ended it already.
            id.and_then(|id| state.pattern.peer_number(id)).ok_or(Error::HostUnreachable)
        })
    }

    /// Ends the connection to the peer with this number (zmq_disconnect_peer(3)).
    ///
    /// # Errors
    /// [`Error::NotSupported`] where peers have no numbers, [`Error::HostUnreachable`] where none has this
    /// one.
    pub(crate) fn disconnect_peer(&self, number: u32) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        self.with(|state| {
            state.process()?;
            if !matches!(state.core.options.socket_type, SocketType::Peer | SocketType::Server) {
                return Err(Error::NotSupported);
            }
            let id = state.pattern.pipe_of(number).ok_or(Error::HostUnreachable)?;
            let linger = state.core.options.linger;
            state.core.pipes.close(id, linger);
            // What came from it is given up with it.
            state.core.ended.push(id);
            state.remove_ended();
            Ok(())
        })
    }

    /// Whether a message to the peer with this routing id would be taken now: POLLOUT, or nothing
    /// (zmq_socket_get_peer_state(3)).
    ///
    /// # Errors
    /// [`Error::HostUnreachable`] where none has this id, [`Error::NotSupported`] where the socket is no
    /// ROUTER.
    pub(crate) fn peer_state(&self, routing_id: &[u8]) -> Result<Events> {
        self.with(|state| {
            state.process()?;
            let has_room = state.pattern.has_room_for(&mut state.core, routing_id)?;
            Ok(if has_room { Events::OUT } else { Events::default() })
        })
    }
}
