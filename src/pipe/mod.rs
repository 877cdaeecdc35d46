//! Pipes: one direction of messages between two parties, with a high-water mark.
//!
//! A party is a socket or the session of a connection. Each end belongs to one thread at a time
//! (it lies behind its party's lock); the two ends never wait for each other. Instead each end
//! reports the one change that the other may be waiting for, through [`Notify`]: from empty to
//! not empty, from full to not full any more, and that it is gone.
//!
//! The mark counts whole messages. As in libzmq, a writer that reached it goes on when the
//! reader has read to a multiple of half the mark (observed).

mod chunk;
mod flow;
mod newest;
mod queue;
mod reader;
mod sync;
mod writer;

pub(crate) use flow::Share;
pub(crate) use queue::QueueState;
pub(crate) use reader::PipeReader;
pub(crate) use writer::PipeWriter;

use flow::{Flow, sum};
use newest::newest;
use queue::queue;
use std::sync::Arc as StdArc;
use sync::Arc;

/// What an end of a pipe calls when the party at the other end may be waiting.
/// Implementations only take note: they neither block nor call back into the pipe.
pub(crate) trait Notify: Send + Sync {
    /// The reader of a pipe can go on: there are messages, or the writer is gone.
    fn readable(&self);
    /// The writer of a pipe can go on: there is room, or the reader is gone.
    fn writable(&self);
}

/// Parts from this size on are counted by their bytes, too.
const HEAVY: usize = 4 * 1024;

/// Whether a pipe takes another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It does.
    Available,
    /// The high-water mark is reached; the writer will be notified.
    Full,
    /// It was reached, and what the reader took since is not looked at yet. Nobody will be notified.
    Unknown,
    /// The reader is gone.
    Closed,
}

/// Makes a pipe. `shares` are those of the writer's party and of the reader's; `writer` is told
/// what concerns the writing end, `reader` the reading end.
pub(crate) fn pipe(
    shares: [Share; 2],
    conflate: bool,
    writer: StdArc<dyn Notify>,
    reader: StdArc<dyn Notify>,
) -> (PipeWriter, PipeReader) {
    let (producer, consumer) = queue();
    let flow = Arc::new(Flow::new(shares));
    let (newest_writer, newest_reader) = conflate.then(newest).unzip();
    (
        PipeWriter::new(producer, newest_writer, flow.clone(), reader),
        PipeReader::new(consumer, newest_reader, flow, sum(shares), writer),
    )
}

#[cfg(all(test, not(loom)))]
mod tests;
