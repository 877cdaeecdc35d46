//! The writing half of a connection: messages from the socket, bytes out.

mod batch;
mod ping;
mod zero_copy;

use super::read_half::MAX_REPLIES;
use crate::io::ReactorHandle;
use crate::message::Message;
use crate::pipe::{PipeReader, QueueState};
use crate::transport::Stream;
use crate::zmtp::{Sealer, Subscription, Version};
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
    static SPARE: Cell<Option<Spare>> = const { Cell::new(None) };
}

/// Memory to encode in.
struct Spare {
    copied: Vec<u8>,
    pieces: VecDeque<Piece>,
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

/// The writing half of a session: what the socket sends outlives connections.
#[derive(Default)]
pub(super) struct WriteHalf {
    connection: Option<Connection>,
    outgoing: Outgoing,
    last_send: Option<LastSend>,
}

/// What the socket sends.
#[derive(Default)]
struct Outgoing {
    pipe: Option<PipeReader>,
    /// Messages have groups, which travel in frames of their own (RADIO, DISH).
    has_groups: bool,
    /// Messages from before this connection, which go before those of the pipe.
    kept: VecDeque<Message>,
    /// Messages over memory of the application that are done with, whose functions are not to be
    /// called here, with locks held and perhaps during a call of the application.
    released: Vec<Message>,
}

/// When a caller last asked whether to write itself.
struct LastSend {
    /// In `nanoseconds`.
    at: u64,
    /// Messages that had come then.
    delivered: u64,
}

/// How a connection stands that is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Open,
    /// The I/O thread watches for room in the kernel's buffer.
    Blocked,
    /// The connection broke, or what it is to carry could not be protected: nothing is written
    /// any more.
    Failed,
    /// Everything was written, and the peer was sent the end.
    Ended,
}

/// What lives with a connection.
struct Connection {
    stream: Arc<Stream>,
    /// The I/O thread's token for the connection.
    token: usize,
    /// The protocol to speak; `None` for plain bytes.
    version: Option<Version>,
    /// Protects what is sent, where a security mechanism does.
    sealer: Option<Box<dyn Sealer>>,
    output: Output,
    /// Commands that go before the messages of the pipe.
    commands: VecDeque<Message>,
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
}

impl Outgoing {
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

    #[inline]
    fn defer_released(&mut self, reactor: &ReactorHandle) {
        if !self.released.is_empty() {
            self.defer_some(reactor);
        }
    }

    #[cold]
    fn defer_some(&mut self, reactor: &ReactorHandle) {
        reactor.defer_drop(self.released.drain(..));
    }
}

impl WriteHalf {
    pub(super) fn set_pipe(&mut self, pipe: PipeReader) {
        self.outgoing.pipe = Some(pipe);
    }

    /// Says that the messages of the socket have groups.
    pub(super) fn set_groups(&mut self) {
        self.outgoing.has_groups = true;
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
        let mut connection = Connection {
            stream,
            token,
            version,
            sealer,
            output: Output::Open,
            commands: VecDeque::new(),
            copied: unsent,
            listed: 0,
            pieces: VecDeque::new(),
            written: 0,
            pending: 0,
            sent: 0,
            ping: None,
            most: send_buffer.map_or(0, |size| size.max(MIN_BATCH)),
            in_message: false,
        };
        connection.list_copied();
        self.connection = Some(connection);
    }

    /// Forgets the connection and what was on its way; what stands in the pipe stays there.
    pub(super) fn disconnect(&mut self, reactor: &ReactorHandle) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        for piece in connection.pieces {
            if let Piece::Body(message) = piece {
                self.outgoing.release(message);
            }
        }
        // The rest of a message whose beginning is lost.
        let mut in_message = connection.in_message;
        while in_message && let Some(part) = self.outgoing.take_next() {
            in_message = part.more();
            self.outgoing.release(part);
        }
        self.outgoing.defer_released(reactor);
    }

    /// Gives the pipe up, with what waits in it: the socket finds it closed.
    pub(super) fn close(&mut self, reactor: &ReactorHandle) {
        self.disconnect(reactor);
        while let Some(message) = self.outgoing.take_next() {
            self.outgoing.release(message);
        }
        self.outgoing.defer_released(reactor);
        self.outgoing.pipe = None;
    }

    /// Forgets the connection, and the subscriptions that wait in the pipe: the socket sends all it
    /// has to the next one. At most `most` messages that an XSUB sent beside them go there too (0: all).
    pub(super) fn drop_subscriptions(&mut self, most: usize, reactor: &ReactorHandle) {
        self.disconnect(reactor);
        let (mut kept, mut count) = (VecDeque::new(), 0);
        let (mut begins, mut keeps) = (true, false);
        while let Some(part) = self.outgoing.take_next() {
            if begins {
                let subscribes = Subscription::parse(part.data()).is_some();
                keeps = !subscribes && (most == 0 || count < most);
                count += keeps as usize;
            }
            begins = !part.more();
            if keeps {
                kept.push_back(part);
            } else {
                self.outgoing.release(part);
            }
        }
        self.outgoing.kept = kept;
        self.outgoing.defer_released(reactor);
    }

    /// True if the socket sends nothing more and everything was taken from its pipe.
    pub(super) fn is_drained(&mut self) -> bool {
        let Outgoing { pipe, kept, .. } = &mut self.outgoing;
        let ended = pipe.as_mut().is_none_or(|pipe| pipe.poll() == QueueState::Closed);
        let pending = self.connection.as_ref().map_or(0, |connection| connection.pending);
        ended && pending == 0 && kept.is_empty()
    }

    /// Puts a PONG before the messages of the pipe, unless too many wait already.
    pub(super) fn send_command(&mut self, command: Message) {
        if let Some(Connection { commands, .. }) = &mut self.connection
            && commands.len() < MAX_REPLIES
        {
            commands.push_back(command);
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
        let output = self.connection.as_ref().map(|connection| connection.output);
        if output.is_none_or(|output| output == Output::Blocked) {
            return false;
        }
        let next = self.outgoing.pipe.as_mut().and_then(PipeReader::peek);
        if next.is_some_and(|next| next.len() >= LARGE_BATCH / 2) {
            return true;
        }
        let may = self.last_send.as_ref().is_none_or(|last| match delivered - last.delivered {
            0 => now.saturating_sub(last.at) > STREAM_PAUSE && !reactor.is_unattended(),
            1 => !reactor.has_scheduled(),
            _ => false,
        });
        self.last_send = Some(LastSend { at: now, delivered });
        may
    }

    /// Looks whether the peer has ended the connection; true if nothing is written any more. Plain
    /// peers may end their side alone.
    pub(super) fn finds_end(&mut self) -> bool {
        match &mut self.connection {
            Some(own) => own.version.is_some() && own.stream.has_ended() && own.stop(),
            None => false,
        }
    }

    /// The peer has ended the connection: what waits is for the next one. False with plain peers, and
    /// where nothing is left to write.
    pub(super) fn stop(&mut self) -> bool {
        self.connection.as_mut().is_some_and(Connection::stop)
    }

    /// Whether the peer was sent the end: the connection is over because the socket wants that.
    pub(super) fn has_ended(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.output == Output::Ended)
    }

    /// Sends the peer the end, once everything was written.
    pub(super) fn end(&mut self) {
        if let Some(connection) = &mut self.connection {
            // Where that fails the close tells it.
            let _ = connection.stream.end_output();
            connection.output = Output::Ended;
        }
    }

    /// The kernel's buffer has room again.
    pub(super) fn unblock(&mut self, reactor: &ReactorHandle) {
        if let Some(connection) = &mut self.connection
            && connection.output == Output::Blocked
        {
            connection.output = Output::Open;
            // A failure means that the connection is gone, which the next write tells.
            let _ = reactor.watch(connection.stream.as_raw_fd(), connection.token, false);
        }
    }

    /// Whether the connection broke, which the I/O thread is to be told.
    pub(super) fn has_failed(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.output == Output::Failed)
    }

    /// Takes messages from the pipe and writes until there is nothing more, the kernel takes no
    /// more, or others wait.
    pub(super) fn drive(&mut self, reactor: &ReactorHandle) -> WriteOutcome {
        let Self { connection: Some(connection), outgoing, .. } = self else {
            return WriteOutcome::Idle;
        };
        let outcome = match connection.output {
            Output::Open => connection.write_loop(outgoing, reactor),
            Output::Blocked => WriteOutcome::Blocked,
            Output::Failed => WriteOutcome::Failed,
            Output::Ended => WriteOutcome::Ended,
        };
        outgoing.defer_released(reactor);
        outcome
    }
}

impl Connection {
    fn stop(&mut self) -> bool {
        if self.version.is_some() && self.output != Output::Ended {
            self.output = Output::Failed;
        }
        self.output == Output::Failed
    }

    fn fail(&mut self) -> WriteOutcome {
        self.output = Output::Failed;
        WriteOutcome::Failed
    }

    fn write_loop(&mut self, outgoing: &mut Outgoing, reactor: &ReactorHandle) -> WriteOutcome {
        if self.copied.capacity() == 0
            && self.pieces.is_empty()
            // There is none in a thread that ends.
            && let Ok(Some(Spare { copied, pieces })) = SPARE.try_with(Cell::take)
        {
            (self.copied, self.pieces) = (copied, pieces);
        }
        let mut turn = 0;
        while turn < WRITE_BUDGET {
            if self.fill_batch(outgoing).is_err() {
                return self.fail();
            }
            if self.pending == 0 {
                match outgoing.pipe.as_mut().map_or(QueueState::Empty, PipeReader::arm) {
                    QueueState::Ready => continue,
                    QueueState::Closed => return WriteOutcome::Ended,
                    QueueState::Empty => {
                        let copied = mem::take(&mut self.copied);
                        let pieces = mem::take(&mut self.pieces);
                        let _ = SPARE.try_with(|own| own.set(Some(Spare { copied, pieces })));
                        return WriteOutcome::Idle;
                    }
                }
            }
            match self.write(outgoing) {
                Ok(written) => turn += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return match self.block(reactor) {
                        Ok(()) => WriteOutcome::Blocked,
                        Err(_) => self.fail(),
                    };
                }
                Err(_) => return self.fail(),
            }
        }
        WriteOutcome::Busy
    }

    /// Has the reactor watch for room.
    fn block(&mut self, reactor: &ReactorHandle) -> io::Result<()> {
        self.output = Output::Blocked;
        reactor.watch(self.stream.as_raw_fd(), self.token, true)
    }
}

#[cfg(all(test, not(loom)))]
pub(super) mod tests;
