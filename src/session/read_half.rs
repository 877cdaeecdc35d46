//! The reading half of a connection: bytes in, messages to the socket.

mod shape;

use crate::error::Result;
use crate::io::SocketSource;
use crate::message::{Filled, Message, ReceiveBuffer};
use crate::pipe::{PipeWriter, Room};
use crate::transport::Stream;
use crate::zmtp::{Command, FrameDecoder, Opener, ProtocolError, SocketType, pong};
use shape::Shape;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Bytes read at a time, where many come.
const BUFFER: usize = 80 * 1024;
/// Where reads give no more than that, there is room for little.
const LITTLE: usize = 4 * 1024;
/// Reads in a row before other connections get their turn.
const READS: usize = 8;

/// PONGs that may wait to be sent.
pub(super) const MAX_REPLIES: usize = 16;

/// How bytes become messages.
enum Decoder {
    Zmtp(FrameDecoder),
    /// What comes in one read is one message (STREAM and ZMQ_ROUTER_RAW).
    Raw,
}

/// What a call of `drive` came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    /// Nothing more to read now.
    Idle,
    /// There is more; other connections come first.
    Busy,
    /// The pipe is full; it will notify.
    Stalled,
    /// The peer closed the connection, or it broke.
    Closed,
    /// The peer broke the protocol.
    Broken(ProtocolError),
    /// What a security mechanism protects cannot be opened. That is told under the name of the
    /// handshake, which was long over (observed).
    Unopened(ProtocolError),
}

/// What a call of `drive` did.
#[derive(Debug)]
pub(super) struct ReadReport {
    pub outcome: ReadOutcome,
    /// A read found something, the end of the stream too.
    pub has_read: bool,
    /// Messages that were delivered.
    pub delivered: u64,
    /// PINGs that came; mostly none.
    pub pings: Option<Box<Pings>>,
}

/// What PINGs ask for.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// PONGs that are due.
    pub replies: Vec<Message>,
    /// The time to live that the last one told.
    pub time_to_live: Option<Duration>,
}

/// The reading half of a session: its pipe to the socket outlives connections.
#[derive(Default)]
pub(super) struct ReadHalf {
    connection: Option<Connection>,
    pipe: Option<PipeWriter>,
    /// The socket undid the connection: what comes is thrown away.
    stopped: bool,
}

/// What lives with a connection.
struct Connection {
    stream: Arc<Stream>,
    decoder: Decoder,
    /// Opens what a security mechanism protects.
    opener: Option<Box<dyn Opener>>,
    shape: Shape,
    /// Bytes that were read and not decoded.
    buffer: Option<ReceiveBuffer>,
    /// The most bytes that a read gave lately.
    usual: usize,
    /// A message that found the pipe full.
    stalled: Option<Message>,
    /// A short read does not mean that all was read: the end of the stream may stand behind it,
    /// of which there was an event before.
    to_the_end: bool,
}

impl ReadHalf {
    pub(super) fn set_pipe(&mut self, pipe: PipeWriter) {
        self.pipe = Some(pipe).filter(|_| !self.stopped);
    }

    /// Ends the pipe, and has what comes from now on thrown away. True if reading was stalled, and
    /// has to go on.
    pub(super) fn stop(&mut self) -> bool {
        self.stopped = true;
        if let Some(mut pipe) = self.pipe.take() {
            pipe.rollback();
            pipe.flush();
        }
        self.connection.as_mut().is_some_and(|connection| connection.stalled.take().is_some())
    }

    /// Whether the socket undid the connection.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Begins with an established connection of a socket of this type; `rest` came behind its handshake. Without a decoder
    /// the peer speaks plain bytes.
    pub(super) fn open(
        &mut self,
        stream: Arc<Stream>,
        decoder: Option<FrameDecoder>,
        opener: Option<Box<dyn Opener>>,
        rest: &[u8],
        socket_type: SocketType,
    ) -> Result<()> {
        let mut buffer = None;
        if !rest.is_empty() {
            let mut begun = ReceiveBuffer::new()?;
            begun.append(rest)?;
            buffer = Some(begun);
        }
        self.connection = Some(Connection {
            stream,
            decoder: decoder.map_or(Decoder::Raw, Decoder::Zmtp),
            opener,
            shape: Shape::of(socket_type),
            buffer,
            usual: 0,
            stalled: None,
            to_the_end: false,
        });
        Ok(())
    }

    /// Forgets the connection; an unfinished message with it. The pipe stays.
    pub(super) fn disconnect(&mut self) {
        self.connection = None;
        if let Some(pipe) = &mut self.pipe {
            pipe.rollback();
            pipe.flush();
        }
    }

    /// Puts a message of the session's own into the pipe: an empty one when a plain peer came or
    /// went (zmq_socket(3), ZMQ_STREAM), a subscription for a peer that knows none.
    pub(super) fn inject(&mut self, message: Message) {
        if let Some(pipe) = &mut self.pipe {
            pipe.write_unbounded(message);
            pipe.flush();
        }
    }

    /// Whether nothing is read because the socket takes nothing.
    pub(super) fn is_stalled(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.stalled.is_some())
    }

    /// Whether the rest of a long body is awaited. A read that finds nothing takes the lock of the
    /// socket, and so holds up the system's thread that brings the rest; asking for events does not.
    pub(super) fn awaits_body(&mut self) -> bool {
        match &mut self.connection {
            Some(Connection { decoder: Decoder::Zmtp(decoder), .. }) => {
                decoder.body_in_progress().is_some()
            }
            _ => false,
        }
    }

    /// Gives the pipe up: the socket reads what is in it and then finds its end.
    pub(super) fn close(&mut self) {
        self.disconnect();
        self.pipe = None;
    }

    /// Reads and delivers until there is nothing more, the pipe is full, or others wait.
    /// `to_the_end`: not before a read found nothing or the end of the stream. `spare` is a buffer
    /// for a connection that needs one: idle connections hold none.
    pub(super) fn drive(
        &mut self,
        to_the_end: bool,
        spare: &mut Option<ReceiveBuffer>,
    ) -> ReadReport {
        let mut report =
            ReadReport { outcome: ReadOutcome::Idle, has_read: false, delivered: 0, pings: None };
        let Self { connection: Some(connection), pipe, stopped } = self else {
            return report;
        };
        if connection.buffer.is_none() {
            connection.buffer = spare.take();
        }
        connection.to_the_end |= to_the_end;
        report.outcome = connection.read_loop(pipe, *stopped, &mut report);
        if let Some(pipe) = pipe {
            pipe.flush();
        }
        if connection.buffer.as_ref().is_some_and(ReceiveBuffer::is_empty) {
            *spare = connection.buffer.take();
        }
        report
    }
}

impl Connection {
    fn read_loop(
        &mut self,
        pipe: &mut Option<PipeWriter>,
        stopped: bool,
        report: &mut ReadReport,
    ) -> ReadOutcome {
        for _ in 0..READS {
            if let Some(stop) = self.deliver(pipe, stopped, report) {
                return stop;
            }
            if let Some(stop) = self.read(pipe.as_ref(), report) {
                return match (stop, self.deliver(pipe, stopped, report)) {
                    (ReadOutcome::Idle, Some(stop)) => stop,
                    (stop, _) => stop,
                };
            }
        }
        ReadOutcome::Busy
    }

    /// Reads once.
    fn read(&mut self, pipe: Option<&PipeWriter>, report: &mut ReadReport) -> Option<ReadOutcome> {
        let mut source = SocketSource(self.stream.socket());
        let body = match &mut self.decoder {
            Decoder::Zmtp(decoder) => decoder.body_in_progress(),
            Decoder::Raw => None,
        };
        let outcome = match body {
            Some(body) => body.fill(&mut source),
            None => {
                if self.buffer.is_none() {
                    self.buffer = ReceiveBuffer::new().ok();
                }
                let Some(buffer) = &mut self.buffer else {
                    return Some(ReadOutcome::Closed);
                };
                // What is read here and not taken by the pipe stands beyond its mark.
                let most = pipe.map_or(BUFFER, |pipe| pipe.batch_within(BUFFER));
                let room = if self.usual > LITTLE { most } else { LITTLE };
                let outcome = match &self.decoder {
                    Decoder::Zmtp(decoder) => {
                        buffer.fill(&mut source, decoder.forecast(buffer), room, most)
                    }
                    Decoder::Raw => buffer.fill_one(&mut source, room),
                };
                if let Ok(filled) = outcome {
                    self.usual = usual_after(self.usual, filled);
                }
                outcome
            }
        };
        report.has_read |= outcome.is_ok();
        match outcome {
            Ok(Filled { count: 0, .. }) => Some(ReadOutcome::Closed),
            // A short read emptied the socket (epoll(7)).
            Ok(filled) if !filled.filled_buffer && !self.to_the_end => Some(ReadOutcome::Idle),
            Ok(_) => None,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.to_the_end = false;
                    Some(ReadOutcome::Idle)
                }
                _ => Some(ReadOutcome::Closed),
            },
        }
    }

    /// Decodes what was read.
    fn deliver(
        &mut self,
        pipe: &mut Option<PipeWriter>,
        stopped: bool,
        report: &mut ReadReport,
    ) -> Option<ReadOutcome> {
        // Where nobody receives any more, what comes makes way for what is still to be sent, and for
        // the commands of the peer.
        let mut pipe = match pipe {
            Some(pipe) => Some(pipe).filter(|pipe| !pipe.is_abandoned()),
            None if stopped => None,
            None => return Some(ReadOutcome::Idle),
        };
        if let Some(message) = self.stalled.take()
            && let Some(pipe) = &mut pipe
            && let Err(back) = pipe.write(message)
        {
            self.stalled = Some(back);
            return Some(ReadOutcome::Stalled);
        }
        let (buffer, decoder) = (self.buffer.as_mut()?, &mut self.decoder);
        // All of them in one place: each move of a message waits for the one before.
        let mut message = Message::new();
        loop {
            let next = match decoder {
                Decoder::Zmtp(decoder) => decoder.poll_frame(buffer, &mut message),
                Decoder::Raw if buffer.is_empty() => Ok(false),
                Decoder::Raw => {
                    let cut = buffer.cut(buffer.unread().len(), 0, &mut message);
                    cut.map(|()| true).map_err(|_| ProtocolError::OutOfMemory)
                }
            };
            match next {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(ReadOutcome::Broken(error)),
            }
            if let Some(opener) = &mut self.opener {
                match opener.open(message.take()) {
                    Ok(opened) => message = opened,
                    Err(error) => return Some(ReadOutcome::Unopened(error)),
                }
            }
            report.delivered += !message.more() as u64;
            if message.is_command() {
                match handle_command(&message, self.shape.has_groups(), report) {
                    // A peer that sends more of them than the socket takes in waits.
                    Ok(Some(subscription)) => message = subscription,
                    Ok(None) => continue,
                    Err(error) => return Some(ReadOutcome::Broken(error)),
                }
            } else {
                match self.shape.take(&mut message) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => return Some(ReadOutcome::Broken(error)),
                }
            }
            let Some(pipe) = &mut pipe else {
                continue;
            };
            if pipe.room() == Room::Available {
                pipe.write_unbounded_from(&mut message);
            } else {
                self.stalled = Some(message);
                return Some(ReadOutcome::Stalled);
            }
        }
    }
}

/// What reads give: the most so far, which fades, or much where there was no room for more.
fn usual_after(before: usize, last: Filled) -> usize {
    if last.filled_buffer { BUFFER } else { last.count.max(before - before / 8) }
}

/// Handles a command: a subscription becomes a message for the socket, a group that is joined or
/// left a command for it, a PING an answer.
fn handle_command(
    message: &Message,
    has_groups: bool,
    report: &mut ReadReport,
) -> Result<Option<Message>, ProtocolError> {
    // What is malformed is ignored like what is unknown (observed).
    let Ok(command) = Command::parse(message.data()) else {
        return Ok(None);
    };
    match command {
        Command::Subscription(subscription) if !has_groups => subscription.to_message().map(Some),
        Command::Membership(membership) if has_groups => {
            let mut message = membership.to_message()?;
            message.set_command(true);
            Ok(Some(message))
        }
        Command::Ping(tenths, context) => {
            let pings = report.pings.get_or_insert_default();
            if tenths > 0 {
                pings.time_to_live = Some(Duration::from_millis(u64::from(tenths) * 100));
            }
            // One that sends many without reading the answers does not need them all.
            if pings.replies.len() < MAX_REPLIES {
                pings.replies.push(pong(context));
            }
            Ok(None)
        }
        // Also those that do not go with the socket type.
        _ => Ok(None),
    }
}
