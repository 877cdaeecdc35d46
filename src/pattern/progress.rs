//! How far the message is that is being sent, where one pipe takes all of it.

use super::Pipes;
use crate::error::{Error, Result};
use crate::message::Message;

/// How far the message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Its first part comes next.
    #[default]
    Between,
    /// A pipe took parts of it and gets the others.
    Begun,
    /// That pipe is gone, and the application does not know.
    Lost,
    /// The rest of it is dropped.
    Dropped,
}

/// The progress of a message through a pipe that may go away.
#[derive(Default)]
pub(super) struct Progress(State);

impl Progress {
    /// The pipe took a part; more follow or not.
    #[inline]
    pub(super) fn sent(&mut self, more: bool) {
        self.0 = if more { State::Begun } else { State::Between };
    }

    /// Whether the next part begins a message.
    pub(super) fn is_between(&self) -> bool {
        self.0 == State::Between
    }

    /// Whether a pipe took parts of a message and waits for the others.
    #[inline]
    pub(super) fn is_begun(&self) -> bool {
        self.0 == State::Begun
    }

    /// Whether the next part belongs to a message whose pipe is gone.
    #[inline]
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.0, State::Lost | State::Dropped)
    }

    /// The pipe that took parts of the message is gone.
    pub(super) fn lose(&mut self) {
        if self.is_begun() {
            self.0 = State::Lost;
        }
    }

    /// Drops a part of a message whose pipe is gone.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] for the first such part, where the call does not wait (observed).
    #[cold]
    pub(super) fn drop_part(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<()> {
        if self.0 == State::Lost && !pipes.send_may_wait() {
            return Err(self.refuse(pipes, message.more()));
        }
        self.0 = if message.more() { State::Dropped } else { State::Between };
        message.take();
        Ok(())
    }

    /// Why a part cannot go where its message went. A call that does not wait ends with that, and its
    /// message with the last part that was refused (observed).
    #[cold]
    pub(super) fn refuse(&mut self, pipes: &mut Pipes, more: bool) -> Error {
        if self.is_lost() && !pipes.send_may_wait() {
            self.0 = if more { State::Dropped } else { State::Between };
            pipes.put_off();
        }
        Error::WouldBlock
    }
}
