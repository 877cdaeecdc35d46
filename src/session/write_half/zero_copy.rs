//! Bytes of the application that are written where they stand: a large message that nothing waits
//! before is not copied first.

use super::batch::LARGE_BATCH;
use super::{Connection, Outgoing, Output, Piece, WriteHalf};
use crate::error::Result;
use crate::io::{PollDescriptor, ReactorHandle, poll_fds};
use crate::message::MessageBuilder;
use crate::pattern::DirectSend;
use crate::pipe::{PipeReader, QueueState};
use crate::zmtp::{MAX_HEADER, encode_sole_header};
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// A peer that reads as fast as we write is served so long at most.
const LONGEST: Duration = Duration::from_millis(10);

impl WriteHalf {
    /// Writes a message of one part that nothing waits before, and waits so long for room in the
    /// kernel's buffer. What that does not take is copied, and goes out like other messages; where
    /// the connection breaks none of it counts as sent.
    ///
    /// # Errors
    /// [`crate::error::Error::OutOfMemory`]: nothing was written.
    pub(in crate::session) fn write_directly(
        &mut self,
        body: &[u8],
        wait: Duration,
        reactor: &ReactorHandle,
    ) -> Result<DirectSend> {
        let Self { connection: Some(connection), outgoing, .. } = self else {
            return Ok(DirectSend::Unsupported);
        };
        connection.write_directly(outgoing, body, wait, reactor)
    }
}

impl Connection {
    fn write_directly(
        &mut self,
        outgoing: &mut Outgoing,
        body: &[u8],
        wait: Duration,
        reactor: &ReactorHandle,
    ) -> Result<DirectSend> {
        let (Some(version), None) = (self.version, &self.sealer) else {
            return Ok(DirectSend::Unsupported);
        };
        match self.output {
            Output::Failed => return Ok(DirectSend::Unsupported),
            Output::Open if !self.has_something(outgoing) => {}
            _ => return Ok(DirectSend::Busy),
        }
        // For what is not out in time: once some of it is, the rest has to follow.
        let mut rest = MessageBuilder::reserved(body.len())?;
        let mut header = [0; MAX_HEADER];
        let length = encode_sole_header(version, body.len(), &mut header);
        let header = &header[..length];
        let written = match self.write_out([header, body], wait) {
            Ok(0) => return Ok(DirectSend::Busy),
            Ok(written) => written,
            Err(_) => {
                // The peer cannot have got all of it: it is for the next connection, if there is one.
                self.output = Output::Failed;
                return Ok(DirectSend::Unsupported);
            }
        };
        self.sent += written as u64;
        if written == header.len() + body.len() {
            return Ok(DirectSend::Sent { whole: true });
        }
        // It has room.
        rest.append(&body[written.saturating_sub(length)..])?;
        let rest = rest.finish();
        self.begin_batch();
        self.copied.extend_from_slice(&header[written.min(length)..]);
        self.list_copied();
        self.pending += rest.len();
        self.pieces.push_back(Piece::Body(rest));
        if self.block(reactor).is_err() {
            self.fail();
        }
        Ok(DirectSend::Sent { whole: false })
    }

    /// Whether what is written now would stand behind something else.
    fn has_something(&self, outgoing: &mut Outgoing) -> bool {
        let waits = self.in_message
            || self.pending > 0
            || !self.commands.is_empty()
            || !outgoing.kept.is_empty();
        waits || outgoing.pipe.as_mut().map(PipeReader::poll) != Some(QueueState::Empty)
    }

    /// Writes these one after the other, as much as the kernel takes in time; returns how many
    /// bytes that was.
    fn write_out(&self, parts: [&[u8]; 2], wait: Duration) -> io::Result<usize> {
        let [first, second] = parts;
        let most = if self.most > 0 { self.most } else { LARGE_BATCH };
        let began = Instant::now();
        let mut written = 0;
        while written < first.len() + second.len() {
            let front = &first[written.min(first.len())..];
            let back = &second[written.saturating_sub(first.len())..];
            let back = &back[..back.len().min(most)];
            match self.stream.write_vectored(&[IoSlice::new(front), IoSlice::new(back)]) {
                Ok(count) => {
                    written += count;
                    // The I/O thread may wait for this half, with other connections to serve.
                    if began.elapsed() >= LONGEST {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = wait.saturating_sub(began.elapsed());
                    let mut room = [PollDescriptor::new(self.stream.as_raw_fd(), libc::POLLOUT)];
                    // A signal only ends the wait: the message is under way, or finds room in the pipe,
                    // and the call does not block any more.
                    if left.is_zero() || poll_fds(&mut room, Some(left)).is_err() {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}
