//! The writing half of a connection: messages from the socket, bytes out.

mod batch;
mod ping;
mod zero_copy;

use super::read_half::MAX_REPLIES;
use crate::io::ReactorHandle;
use crate::message::Message;
use crate::pipe::{PipeReader, QueueState};
use crate::transport::Stream;
use crate::zmtp::{Sealer, Version};
use batch::{LARGE_BATCH, MIN_BATCH};
use ping::PingWatch;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// Bytes written in a row before other connections get their turn: one write of long bodies,
/// several of short messages, which take longer to encode.
const WRITE_BUDGET: usize = 512 * 1024;
/// A caller that sends on without an answer writes itself only this often, in nanoseconds.
const STREAM_PAUSE: u64 = 50_000;

thread_local! {
    /// Memory for the next half that this thread serves: idle connections hold none.
    static SPARE: Cell<(Vec<u8>, VecDeque<Piece>)> =
        const { Cell::new((Vec::new(), VecDeque::new())) };
}

/// A piece of what is to be written.
enum Piece {
    /// A range of `copied`.
    Copied(usize, usize),
    Body(Message),
}

/// What a call of `drive` came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteOutcome {
    /// Everything was written; the pipe will notify.
    Idle,
    /// There is more; other connections come first.
    Busy,
    /// The kernel's buffer is full; the I/O thread watches for room.
    Blocked,
    /// Everything was written, and the socket will send nothing more.
    Ended,
    /// The connection broke.
    Failed,
}

impl WriteOutcome {
    pub(super) fn is_idle(self) -> bool {
        matches!(self, Self::Idle | Self::Blocked)
    }
}

#[derive(Default)]
pub(super) struct WriteHalf {
    stream: Option<Arc<Stream>>,
    /// The I/O thread's token for the connection.
    token: usize,
    /// The protocol to speak; `None` for plain bytes.
    version: Option<Version>,
    /// Protects what is sent, where a security mechanism does.
    sealer: Option<Box<dyn Sealer>>,
    pipe: Option<PipeReader>,
    /// Commands that go before the messages of the pipe.
    commands: VecDeque<Message>,
    /// Messages from before this connection, which go before those of the pipe.
    kept: VecDeque<Message>,
    /// Headers and short bodies, encoded.
    copied: Vec<u8>,
    /// Bytes of `copied` that `pieces` refer to already.
    listed: usize,
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that were written.
    written: usize,
    /// Bytes in `pieces`, without those written.
    pending: usize,
    /// Bytes that were written to this connection.
    sent: u64,
    /// Our PING that has no answer yet.
    ping: Option<PingWatch>,
    /// Bytes of one write at most; 0 for any. More than a small buffer takes at once waits for
    /// the peer's acknowledgement, which may be delayed.
    most: usize,
    /// The last part taken from the pipe has others behind it.
    in_message: bool,
    /// The I/O thread watches for room in the kernel's buffer.
    blocked: bool,
    /// The connection broke, or what it is to carry could not be protected: nothing is written
    /// any more.
    failed: bool,
    /// Everything was written, and the peer was sent the end.
    ended: bool,
    /// Written messages over memory of the application, whose functions are not to be called
    /// here, with locks held and perhaps during a call of the application.
    released: Vec<Message>,
    /// When, in `nanoseconds`, a caller last asked whether to write itself, and how many messages
    /// had come then.
    last_sent: Option<(u64, u64)>,
}

impl WriteHalf {
    pub(super) fn set_pipe(&mut self, pipe: PipeReader) {
        self.pipe = Some(pipe);
    }

    /// Begins with an established connection, speaking this version or plain bytes; `unsent` is
    /// what remains of the handshake.
    pub(super) fn open(
        &mut self,
        stream: Arc<Stream>,
        token: usize,
        version: Option<Version>,
        sealer: Option<Box<dyn Sealer>>,
        unsent: Vec<u8>,
        send_buffer: Option<usize>,
    ) {
        self.most = send_buffer.map_or(0, |size| size.max(MIN_BATCH));
        self.stream = Some(stream);
        self.token = token;
        self.version = version;
        self.sealer = sealer;
        (self.blocked, self.failed, self.ended) = (false, false, false);
        (self.sent, self.ping) = (0, None);
        self.copied = unsent;
        self.listed = 0;
        self.list_copied();
    }

    /// Forgets the connection and what was on its way; what stands in the pipe stays there.
    pub(super) fn disconnect(&mut self, reactor: &ReactorHandle) {
        self.stream = None;
        (self.failed, self.ended) = (false, false);
        self.sealer = None;
        self.commands.clear();
        let bodies = self.pieces.drain(..).filter_map(|piece| match piece {
            Piece::Body(message) if message.is_user_owned() => Some(message),
            _ => None,
        });
        self.released.extend(bodies);
        self.copied = Vec::new();
        (self.listed, self.written, self.pending, self.blocked) = (0, 0, 0, false);
        // The rest of a message whose beginning is lost.
        while self.in_message
            && let Some(part) = self.take_next()
        {
            self.in_message = part.more();
            self.release(part);
        }
        self.in_message = false;
        self.defer_released(reactor);
    }

    /// Gives the pipe up, with what waits in it: the socket finds it closed.
    pub(super) fn close(&mut self, reactor: &ReactorHandle) {
        self.disconnect(reactor);
        while let Some(message) = self.take_next() {
            self.release(message);
        }
        self.defer_released(reactor);
        self.pipe = None;
    }

    /// The next part to send.
    fn take_next(&mut self) -> Option<Message> {
        self.kept.pop_front().or_else(|| self.pipe.as_mut().and_then(PipeReader::read))
    }

    /// Drops a message, unless that is for the I/O thread to do.
    fn release(&mut self, message: Message) {
        if message.is_user_owned() {
            self.released.push(message);
        }
    }

    fn defer_released(&mut self, reactor: &ReactorHandle) {
        if !self.released.is_empty() {
            reactor.defer_drop(self.released.drain(..));
        }
    }

    /// Forgets the connection, and the subscriptions that wait in the pipe: the socket sends all it
    /// has to the next one. At most `most` messages that an XSUB sent beside them go there too (0: all).
    pub(super) fn drop_subscriptions(&mut self, most: usize, reactor: &ReactorHandle) {
        self.disconnect(reactor);
        let (mut kept, mut count) = (VecDeque::new(), 0);
        let (mut begins, mut keeps) = (true, false);
        while let Some(part) = self.take_next() {
            if begins {
                let subscribes = matches!(part.data().first(), Some(0 | 1));
                keeps = !subscribes && (most == 0 || count < most);
                count += keeps as usize;
            }
            begins = !part.more();
            if keeps {
                kept.push_back(part);
            } else {
                self.release(part);
            }
        }
        self.kept = kept;
        self.defer_released(reactor);
    }

    /// True if the socket sends nothing more and everything was taken from its pipe.
    pub(super) fn is_drained(&mut self) -> bool {
        let ended = self.pipe.as_mut().is_none_or(|pipe| pipe.poll() == QueueState::Closed);
        ended && self.pending == 0 && self.kept.is_empty()
    }

    /// Puts a PONG before the messages of the pipe, unless too many wait already.
    pub(super) fn send_command(&mut self, command: Message) {
        if self.commands.len() < MAX_REPLIES {
            self.commands.push_back(command);
        }
    }

    /// Whether a caller that just sent should write itself: what makes a write worth while; in a
    /// dialogue, that is, when one message came since it last sent; or when that is a while ago
    /// and nobody is about to write for it. Where several came it will send several, which go
    /// better together. So it is where other connections have something to write: a message that
    /// leaves before the others of its connection comes back before them, and would stay alone for
    /// ever.
    pub(super) fn may_write_now(
        &mut self,
        now: u64,
        delivered: u64,
        reactor: &ReactorHandle,
    ) -> bool {
        if self.blocked || self.stream.is_none() {
            return false;
        }
        let next = self.pipe.as_mut().and_then(PipeReader::peek);
        if next.is_some_and(|next| next.len() >= LARGE_BATCH / 2) {
            return true;
        }
        let may = self.last_sent.is_none_or(|(then, before)| match delivered - before {
            0 => now.saturating_sub(then) > STREAM_PAUSE && !reactor.is_unattended(),
            1 => !reactor.has_scheduled(),
            _ => false,
        });
        self.last_sent = Some((now, delivered));
        may
    }

    /// Looks whether the peer has ended the connection; true if nothing is written any more. Plain
    /// peers may end their side alone.
    pub(super) fn finds_end(&mut self) -> bool {
        self.version.is_some()
            && self.stream.as_ref().is_some_and(|stream| stream.has_ended())
            && self.stop()
    }

    /// The peer has ended the connection: what waits is for the next one. False with plain peers, and
    /// where nothing is left to write.
    pub(super) fn stop(&mut self) -> bool {
        self.failed |= self.version.is_some() && !self.ended;
        self.failed
    }

    /// Whether the peer was sent the end: the connection is over because the socket wants that.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Sends the peer the end, once everything was written.
    pub(super) fn end(&mut self) {
        if let Some(stream) = &self.stream {
            // Where that fails the close tells it.
            let _ = stream.end_output();
            self.ended = true;
        }
    }

    /// The kernel's buffer has room again.
    pub(super) fn unblock(&mut self, reactor: &ReactorHandle) {
        if self.blocked {
            self.blocked = false;
            if let Some(stream) = &self.stream {
                // A failure means that the connection is gone, which the next write tells.
                let _ = reactor.watch(stream.as_raw_fd(), self.token, false);
            }
        }
    }

    /// Whether the connection broke, which the I/O thread is to be told.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Takes messages from the pipe and writes until there is nothing more, the kernel takes no
    /// more, or others wait.
    pub(super) fn drive(&mut self, reactor: &ReactorHandle) -> WriteOutcome {
        let outcome = if self.failed { WriteOutcome::Failed } else { self.write_loop(reactor) };
        self.failed = outcome == WriteOutcome::Failed;
        self.defer_released(reactor);
        outcome
    }

    fn write_loop(&mut self, reactor: &ReactorHandle) -> WriteOutcome {
        let Some(stream) = self.stream.clone() else {
            return WriteOutcome::Idle;
        };
        if self.ended {
            return WriteOutcome::Ended;
        }
        if self.blocked {
            return WriteOutcome::Blocked;
        }
        if self.copied.capacity() == 0 && self.pieces.is_empty() {
            // Without one in a thread that ends.
            (self.copied, self.pieces) = SPARE.try_with(Cell::take).unwrap_or_default();
        }
        let mut turn = 0;
        while turn < WRITE_BUDGET {
            if self.fill_batch().is_err() {
                return WriteOutcome::Failed;
            }
            if self.pending == 0 {
                self.pieces.clear();
                match self.pipe.as_mut().map_or(QueueState::Empty, PipeReader::arm) {
                    QueueState::Ready => continue,
                    QueueState::Closed => return WriteOutcome::Ended,
                    QueueState::Empty => {
                        let spare = (mem::take(&mut self.copied), mem::take(&mut self.pieces));
                        let _ = SPARE.try_with(|own| own.set(spare));
                        return WriteOutcome::Idle;
                    }
                }
            }
            match self.write(&stream) {
                Ok(written) => turn += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return match reactor.watch(stream.as_raw_fd(), self.token, true) {
                        Ok(()) => WriteOutcome::Blocked,
                        Err(_) => WriteOutcome::Failed,
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return WriteOutcome::Failed,
            }
        }
        WriteOutcome::Busy
    }
}

#[cfg(all(test, not(loom)))]
pub(super) mod tests;
