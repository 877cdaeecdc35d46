//! NULL (RFC 37): no security. Each side sends READY; an authenticated one only once the peer's
//! address is let in (RFC 27).

use super::{Context, Mechanism, Step, error_of};
use crate::zmtp::ProtocolError;

/// Either side; both are the same.
#[derive(Debug, Default)]
pub(crate) struct Null {
    ready_sent: bool,
    ready_came: bool,
}

impl Null {
    fn step(&self) -> Step {
        if self.ready_sent && self.ready_came { Step::Done } else { Step::Waiting }
    }
}

impl Mechanism for Null {
    fn name(&self) -> &'static str {
        "NULL"
    }

    fn begin(&mut self, _: &mut Context<'_>) -> Result<Step, ProtocolError> {
        Ok(Step::Authenticate(Vec::new()))
    }

    fn handle_command(
        &mut self,
        name: &[u8],
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError> {
        match name {
            // libzmq does not report what is wrong with this metadata (observed).
            b"READY" => {
                context.handle_metadata(data).map_err(|_| ProtocolError::IncompatibleSocketType)?
            }
            b"ERROR" => return Err(error_of(data)),
            _ => return Err(ProtocolError::UnexpectedCommand),
        }
        self.ready_came = true;
        Ok(self.step())
    }

    fn admitted(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        let metadata = context.local_metadata();
        context.send("READY", &[metadata]);
        self.ready_sent = true;
        Ok(self.step())
    }
}
