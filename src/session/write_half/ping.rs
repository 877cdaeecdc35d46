//! The way of our PING to the peer: while something goes before it, and moves, the peer is there.

use super::WriteHalf;
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
        if watch {
            self.ping = Some(PingWatch { start: None, delivered: self.delivered() });
        }
        if !self.commands.iter().any(is_ping) {
            self.commands.push_back(ping);
        }
    }

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

    /// Whether something went before the PING when this was looked at last. What goes behind it
    /// says nothing: the system of a peer that was stopped takes that for a while.
    pub(in crate::session) fn ping_waits(&self) -> bool {
        self.ping.as_ref().is_some_and(|ping| ping.start.is_none_or(|start| ping.delivered < start))
    }

    /// Whether the PING, where it waits, came nearer to the peer since this was looked at last.
    pub(in crate::session) fn ping_advances(&mut self) -> bool {
        let (waits, delivered) = (self.ping_waits(), self.delivered());
        let Some(ping) = &mut self.ping else {
            return false;
        };
        let before = std::mem::replace(&mut ping.delivered, delivered);
        waits && delivered > before
    }

    /// Bytes that the peer's system has taken, as far as ours knows: for ipc less than that.
    fn delivered(&self) -> u64 {
        let on_the_way = self.stream.as_ref().map_or(0, |stream| stream.undelivered());
        self.sent.saturating_sub(on_the_way)
    }
}

fn is_ping(command: &Message) -> bool {
    matches!(Command::parse(command.data()), Ok(Command::Ping(..)))
}
