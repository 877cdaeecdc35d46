//! PLAIN (RFC 24): a user name and a password, in the clear.
//!
//! ```text
//! client: HELLO ->            INITIATE ->
//! server:          WELCOME ->             READY ->
//! ```

use super::{Context, Mechanism, Step, error_of};
use crate::zmtp::ProtocolError;
use zeroize::Zeroizing;

const NAME: &str = "PLAIN";

/// The client's side.
pub(crate) struct PlainClient {
    username: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
    welcomed: bool,
}

impl PlainClient {
    /// A client with this name and password, of at most 255 bytes each.
    pub(crate) fn new(username: Vec<u8>, password: Zeroizing<Vec<u8>>) -> Self {
        Self { username, password, welcomed: false }
    }
}

impl Mechanism for PlainClient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        let lengths = [self.username.len() as u8, self.password.len() as u8];
        let [name_length, password_length] = lengths.each_ref().map(std::slice::from_ref);
        let data = [name_length, &self.username, password_length, &self.password];
        context.send("HELLO", &data);
        Ok(Step::Waiting)
    }

    fn handle_command(
        &mut self,
        name: &[u8],
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError> {
        match (name, self.welcomed) {
            (b"WELCOME", false) if data.is_empty() => {
                self.welcomed = true;
                let metadata = context.local_metadata();
                context.send("INITIATE", &[metadata]);
                Ok(Step::Waiting)
            }
            (b"WELCOME", false) => Err(ProtocolError::MalformedWelcome),
            (b"READY", true) => context.handle_metadata_of_server(data).map(|()| Step::Done),
            (b"ERROR", _) => Err(error_of(data)),
            (b"", _) => Err(ProtocolError::MalformedCommand),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

/// The server's side.
#[derive(Debug, Default)]
pub(crate) struct PlainServer {
    greeted: bool,
}

impl Mechanism for PlainServer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_server(&self) -> bool {
        true
    }

    fn begin(&mut self, _: &mut Context<'_>) -> Result<Step, ProtocolError> {
        Ok(Step::Waiting)
    }

    fn handle_command(
        &mut self,
        name: &[u8],
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError> {
        match (name, self.greeted) {
            (b"HELLO", false) => {
                self.greeted = true;
                credentials(data).map(Step::Authenticate).ok_or(ProtocolError::MalformedHello)
            }
            (b"INITIATE", true) => {
                context.handle_metadata(data)?;
                let metadata = context.local_metadata();
                context.send("READY", &[metadata]);
                Ok(Step::Done)
            }
            (b"", _) => Err(ProtocolError::MalformedCommand),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }

    fn admitted(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        context.send("WELCOME", &[]);
        Ok(Step::Waiting)
    }
}

/// Name and password of a HELLO.
fn credentials(data: &[u8]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let (username, rest) = text(data)?;
    let (password, rest) = text(rest)?;
    rest.is_empty().then(|| [username, password].map(|text| Zeroizing::new(text.to_vec())).into())
}

/// Splits off a text behind its length.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(length as usize)
}
