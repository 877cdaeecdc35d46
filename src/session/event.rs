//! What happens to the connections of a socket, as its monitor is told
//! (zmq_socket_monitor(3)).

use crate::error::Error;
use crate::zmtp::ProtocolError;
use std::os::fd::RawFd;
use std::time::Duration;

/// Why a connection ended that broke no protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The peer ended it.
    Ended,
    /// The time for its handshake was over, or its place was needed.
    OutOfTime,
    /// The peer was silent for too long.
    Silent,
    /// There was no memory for it.
    OutOfMemory,
    /// A system error.
    System(i32),
}

/// An event in the life of a connection or of a listener. Descriptors may be closed, and even
/// reused, by the time somebody reads of them. System errors are numbers of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionEvent {
    /// A connection that we made is there.
    Connected(RawFd),
    /// A connection is being made.
    ConnectDelayed,
    /// There is no connection; the next attempt comes after this time.
    ConnectRetried(Duration),
    /// A listener takes connections.
    Listening(RawFd),
    /// A listener could not be had.
    BindFailed(Error),
    /// A peer's connection was taken.
    Accepted(RawFd),
    /// A peer's connection was not taken, for this system error, or because it is not welcome.
    AcceptFailed(Option<i32>),
    /// A listener was closed, or an attempt to connect was given up.
    Closed(RawFd),
    /// A listener's file could not be removed, for this system error.
    CloseFailed(i32),
    /// A connection ended, and it was not us who wanted that.
    Disconnected(RawFd),
    /// The peers know each other; messages can flow.
    HandshakeSucceeded,
    /// The connection ended in its handshake.
    HandshakeFailed(Failure),
    /// The handshake broke the protocol, or the peer was not let in; or what came later and a
    /// security mechanism protects cannot be opened. What is none of these
    /// (see [`ProtocolError::code`]) is not reported.
    HandshakeRefused(ProtocolError),
    /// The last one: nobody watches any more.
    MonitorStopped,
}

/// The endpoints of what an event is about, as a monitor names them; each may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EventEndpoints<'a> {
    /// The one that the socket was bound or connected to: all that monitors of version 1 report.
    pub own: &'a str,
    /// The one of our side.
    pub local: &'a str,
    /// The one of the peer.
    pub remote: &'a str,
}

impl<'a> EventEndpoints<'a> {
    /// Of something bound, without a peer.
    pub(crate) fn bound(local: &'a str) -> Self {
        Self { own: local, local, remote: "" }
    }

    /// Of a connection that was accepted.
    pub(crate) fn accepted(local: &'a str, remote: &'a str) -> Self {
        Self { own: local, local, remote }
    }

    /// Of a connection that is made; `local` is empty before it is there.
    pub(crate) fn connecting(local: &'a str, remote: &'a str) -> Self {
        Self { own: remote, local, remote }
    }
}
