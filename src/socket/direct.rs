//! Sending bytes of the application, which mostly means a copy of them: large ones go to the
//! connection from where they stand, if nothing waits there.

use super::unload::UNLOADING;
use super::{SendFlags, Socket};
use crate::error::Result;
use crate::message::Message;
use crate::pattern::Directly;
use std::time::Duration;

/// Shorter messages go out together with others.
const DIRECT: usize = 512 * 1024;

impl Socket {
    /// Sends a copy of these bytes as a part (zmq_send(3)); returns its size.
    ///
    /// # Errors
    /// As the manual page.
    pub fn send_bytes(&self, bytes: &[u8], flags: SendFlags) -> Result<usize> {
        if bytes.len() >= DIRECT && !flags.more && self.send_directly(bytes, flags)? {
            return Ok(bytes.len());
        }
        let mut message = Message::new();
        message.set_bytes(bytes)?;
        self.send(&mut message, flags)
    }

    /// Writes a message of one part itself, for a moment; false where it has to go another way.
    #[cold]
    fn send_directly(&self, bytes: &[u8], flags: SendFlags) -> Result<bool> {
        self.with(|state| {
            state.process()?;
            let core = &mut state.core;
            let Some(pipe) = state.pattern.next_pipe(core) else {
                return Ok(false);
            };
            let Some(link) = core.pipes.get(pipe).and_then(|pipe| pipe.link.clone()) else {
                return Ok(false);
            };
            let may_wait = !flags.dont_wait
                && core.options.send_timeout != Some(Duration::ZERO)
                && state.unloading.is_due();
            let wait = if may_wait { UNLOADING } else { Duration::ZERO };
            let sent = link.send_directly(bytes, wait)?;
            if let Directly::Taken { whole } = sent {
                state.pattern.sent_directly();
                if may_wait {
                    state.unloading.tried(whole);
                }
            }
            Ok(sent != Directly::Declined)
        })
    }
}
