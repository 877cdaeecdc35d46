//! Load balancing: messages go to the pipes in turn, past those that are full.

use super::progress::Progress;
use super::round_robin::RoundRobin;
use super::{PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::Room;

/// The pipes that may take a message.
///
/// A pipe that is not listed is full: it notifies when it takes messages again.
#[derive(Default)]
pub(super) struct LoadBalancer {
    active: RoundRobin,
    /// Of a message of which parts were sent, with its pipe.
    progress: Progress,
}

impl LoadBalancer {
    /// Lists a pipe: a new one, or one that notified.
    pub(super) fn activate(&mut self, id: PipeId) {
        self.active.add(id);
    }

    /// Forgets a pipe.
    pub(super) fn remove(&mut self, id: PipeId) {
        if self.active.current() == Some(id) {
            self.progress.lose();
        }
        self.active.remove(id);
    }

    /// Sends a part, or drops it with the message that it belongs to.
    #[inline]
    pub(super) fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        let more = message.more();
        if self.progress.is_lost() {
            return self.progress.drop_part(&mut core.pipes, message).map(|()| Sent::default());
        }
        let mut passed = 0;
        while let Some(id) = self.active.current() {
            match core.pipes.write_from(id, message) {
                Ok(load) => {
                    self.progress.sent(more);
                    if !more {
                        self.active.advance();
                    }
                    return Ok(Sent { pipe: Some(id), load });
                }
                Err(room) => {
                    if !self.pass(room, &mut passed) {
                        break;
                    }
                }
            }
        }
        Err(Error::WouldBlock)
    }

    /// The pipe that a whole message would go to, if one begins.
    pub(super) fn next_pipe(&mut self, core: &mut SocketCore) -> Option<PipeId> {
        let begins = self.progress.is_between() && self.can_send(core);
        self.active.current().filter(|_| begins)
    }

    /// A whole message went there.
    pub(super) fn sent_directly(&mut self) {
        self.active.advance();
    }

    /// Whether the next part begins a message.
    pub(super) fn is_between(&self) -> bool {
        self.progress.is_between()
    }

    /// Whether a part would be taken, or dropped.
    #[inline]
    pub(super) fn can_send(&mut self, core: &mut SocketCore) -> bool {
        if self.progress.is_lost() {
            return true;
        }
        let mut passed = 0;
        while let Some(id) = self.active.current() {
            if self.progress.is_begun() {
                return true;
            }
            match core.pipes.room_to_send(id) {
                Room::Available => return true,
                room => {
                    if !self.pass(room, &mut passed) {
                        break;
                    }
                }
            }
        }
        false
    }

    /// The turn goes on to the next pipe, past one that takes nothing now; false once it came round.
    #[cold]
    fn pass(&mut self, room: Room, passed: &mut usize) -> bool {
        if room == Room::Unknown {
            self.active.advance();
            *passed += 1;
        } else {
            // The one that takes its place may have been passed already: once more round.
            self.active.leave();
            *passed = 0;
        }
        *passed < self.active.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::pattern::{Pipe, Pipes, SessionLink};
    use crate::pipe::{Notify, PipeReader, pipe};
    use crate::zmtp::SocketType;
    use std::sync::Arc;
    use std::time::Duration;

    struct Nobody;

    impl Notify for Nobody {
        fn readable(&self) {}
        fn writable(&self) {}
    }

    impl SessionLink for Nobody {
        fn close(&self, _: Option<Duration>) {}
        fn send_directly(&self, _: &[u8], _: Duration) -> Result<crate::pattern::DirectSend> {
            Ok(crate::pattern::DirectSend::Unsupported)
        }
    }

    fn core() -> SocketCore {
        let options = Options::new(SocketType::Push, false, true);
        SocketCore { pipes: Pipes::default(), options, last_read: None, ended: Vec::new() }
    }

    /// A pipe to a connection with this mark, and its other end.
    fn connect(core: &mut SocketCore, out: &mut LoadBalancer, mark: u32) -> (PipeId, PipeReader) {
        connect_to(core, out, mark, false)
    }

    fn connect_to(
        core: &mut SocketCore,
        out: &mut LoadBalancer,
        mark: u32,
        conflates: bool,
    ) -> (PipeId, PipeReader) {
        let own = || Arc::new(Nobody);
        let (_, reader) = pipe([None, None], false, own(), own());
        let (writer, peer) = pipe([Some(mark), None], conflates, own(), own());
        let id = core.pipes.insert(Pipe {
            reader,
            writer: Some(writer),
            peer: None,
            link: Some(own()),
            endpoint: 0,
            assigned_id: Vec::new(),
        });
        out.activate(id);
        (id, peer)
    }

    fn send(core: &mut SocketCore, out: &mut LoadBalancer, more: bool) -> Result<Option<PipeId>> {
        let mut message = Message::from_short(b"m");
        message.set_more(more);
        core.pipes.begin_send(|| 1_000_000_000);
        let sent = out.send(core, &mut message);
        core.pipes.end_send();
        sent.map(|sent| sent.pipe)
    }

    #[test]
    fn a_pipe_that_may_have_room_is_passed_and_keeps_its_turn() {
        let (mut core, mut out) = (core(), LoadBalancer::default());
        let (first, mut reads) = connect(&mut core, &mut out, 1);
        let (full, _reads_nothing) = connect(&mut core, &mut out, 1);
        let (last, _reads_nothing_either) = connect(&mut core, &mut out, 3);
        let mut took = Vec::new();
        for _ in 0..10 {
            while reads.read().is_some() {}
            took.extend(send(&mut core, &mut out, false).ok().flatten());
        }
        // The first is found to have read what it got, and then not checked any more.
        assert_eq!(took, [first, full, last, first, last, last]);
        // A call that may wait checks.
        assert!(out.can_send(&mut core));
        assert_eq!(out.next_pipe(&mut core), Some(first));
    }

    #[test]
    fn a_pipe_that_conflates_takes_messages_beyond_its_mark() {
        let (mut core, mut out) = (core(), LoadBalancer::default());
        let (id, mut reads) = connect_to(&mut core, &mut out, 1, true);
        for _ in 0..10 {
            assert_eq!(send(&mut core, &mut out, false), Ok(Some(id)));
        }
        assert!(reads.read().is_some() && reads.read().is_none());
    }

    #[test]
    fn the_part_behind_a_lost_one_is_refused_once() {
        let (mut core, mut out) = (core(), LoadBalancer::default());
        let (first, _peer) = connect(&mut core, &mut out, 0);
        assert_eq!(send(&mut core, &mut out, true), Ok(Some(first)));
        out.remove(first);
        assert!(out.can_send(&mut core));
        assert_eq!(send(&mut core, &mut out, true), Err(Error::WouldBlock));
        let (next, _other_peer) = connect(&mut core, &mut out, 0);
        assert_eq!(send(&mut core, &mut out, true), Ok(None));
        assert_eq!(send(&mut core, &mut out, false), Ok(None));
        assert_eq!(send(&mut core, &mut out, true), Ok(Some(next)));
        out.remove(next);
        // The last part ends the message.
        assert_eq!(send(&mut core, &mut out, false), Err(Error::WouldBlock));
        assert!(out.is_between());
    }
}
