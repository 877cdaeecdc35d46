//! Sending bytes of the application, which mostly means a copy of them: large ones go to the
//! connection from where they are, if nothing waits there.

use super::drain::MAX_DRAIN;
use super::state::State;
use super::{SendFlags, Socket, Wait};
use crate::error::Result;
use crate::message::Message;
use crate::pattern::DirectSend;
use crate::sync::SpinGuard;
use std::time::{Duration, Instant};

/// Shorter messages go out together with others.
const ZERO_COPY_THRESHOLD: usize = 512 * 1024;

impl Socket {
    /// Sends a copy of these bytes as a part (zmq_send(3)); returns its size.
    ///
    /// # Errors
    /// As the manual page.
    pub(crate) fn send_bytes(&self, bytes: &[u8], flags: SendFlags) -> Result<usize> {
        if bytes.len() >= ZERO_COPY_THRESHOLD && !flags.more && self.send_directly(bytes, flags)? {
            return Ok(bytes.len());
        }
        let mut message = Message::new();
        message.set_bytes(bytes)?;
        self.send(&mut message, flags)
    }

    /// Writes a message of one part itself, once what waits before it went out, if that takes no
    /// more than a moment; false where it has to go another way.
    #[cold]
    fn send_directly(&self, bytes: &[u8], flags: SendFlags) -> Result<bool> {
        let mut guard = self.lock();
        Self::catch_up(&mut guard);
        let state = guard.state()?;
        let may_wait = !flags.dont_wait
            && state.core.options.send_timeout != Some(Duration::ZERO)
            && state.unloading.is_due();
        let moment = if may_wait { MAX_DRAIN } else { Duration::ZERO };
        let deadline = Instant::now() + moment;
        let (context, watched) = (state.context.clone(), [state.wait_source()]);
        let mut wait = Wait::new(&watched, &context.pool, Some(deadline));
        // Released before signals are let in, with the end of the wait.
        let mut guard = guard;
        loop {
            let state = guard.state()?;
            let left = deadline.saturating_duration_since(Instant::now());
            let sent = state.send_directly(bytes, left)?;
            watched[0].begin_check();
            if sent == DirectSend::Busy
                && !left.is_zero()
                && SpinGuard::unlocked(&mut guard, || wait.drive_once())
            {
                continue;
            }
            if may_wait
                && sent != DirectSend::Unsupported
                && let Ok(state) = guard.state()
            {
                state.unloading.tried(sent == DirectSend::Sent { whole: true });
            }
            return Ok(matches!(sent, DirectSend::Sent { .. }));
        }
    }
}

impl State {
    /// Tries once, and waits so long for room.
    fn send_directly(&mut self, bytes: &[u8], wait: Duration) -> Result<DirectSend> {
        self.process()?;
        let next = self.pattern.next_pipe(&mut self.core);
        let link = next.and_then(|id| self.core.pipes.get(id)?.link.clone());
        let sent =
            link.map_or(Ok(DirectSend::Unsupported), |link| link.send_directly(bytes, wait))?;
        if matches!(sent, DirectSend::Sent { .. }) {
            self.pattern.sent_directly();
        }
        Ok(sent)
    }
}
