//! The way of our PING to the peer: while something goes before it, and moves, the peer is there.

use super::{Connection, WriteHalf};
use crate::message::Message;
use crate::zmtp::Command;

/// A PING that has no answer yet. Positions are bytes since the connection was established.
pub(super) struct PingWatch {
    /// Where it begins; `None` while it waits to be encoded.
    start: Option<u64>,
    /// What the peer's system had taken when this was looked at last.
    delivered: u64,
}

impl WriteHalf {
    /// Has a PING go before the messages of the pipe, unless one waits there already. With `watch`
    /// it is the one whose answer is waited for.
    pub(in crate::session) fn send_ping(&mut self, ping: Message, watch: bool) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if watch {
            let delivered = connection.delivered();
            connection.ping = Some(PingWatch { start: None, delivered });
        }
        if !connection.commands.iter().any(is_ping) {
            connection.commands.push_back(ping);
        }
    }

    /// Whether something went before the PING when this was looked at last. What goes behind it
    /// says nothing: the system of a peer that was stopped takes that for a while.
    pub(in crate::session) fn ping_waits(&self) -> bool {
        let ping = self.connection.as_ref().and_then(|connection| connection.ping.as_ref());
        ping.is_some_and(PingWatch::waits)
    }

    /// Whether the PING, where it waits, came nearer to the peer since this was looked at last.
    pub(in crate::session) fn ping_advances(&mut self) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let delivered = connection.delivered();
        let Some(ping) = &mut connection.ping else {
            return false;
        };
        let waits = ping.waits();
        let before = std::mem::replace(&mut ping.delivered, delivered);
        waits && delivered > before
    }
}

impl PingWatch {
    fn waits(&self) -> bool {
        self.start.is_none_or(|start| self.delivered < start)
    }
}

impl Connection {
    /// A command is encoded next.
    pub(super) fn note_command(&mut self, command: &Message) {
        let next = self.sent + (self.pending + self.copied.len() - self.listed) as u64;
        if let Some(ping) = &mut self.ping
            && ping.start.is_none()
            && is_ping(command)
        {
            ping.start = Some(next);
        }
    }

    /// Bytes that the peer's system has taken, as far as ours knows: for ipc less than that.
    fn delivered(&self) -> u64 {
        self.sent.saturating_sub(self.stream.undelivered())
    }
}

fn is_ping(command: &Message) -> bool {
    matches!(Command::parse(command.data()), Ok(Command::Ping(..)))
}
