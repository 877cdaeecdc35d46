//! The client's side of CURVE.

use super::keys::{CurveKey, MAC, SharedKey, curve_keypair, random};
use super::message::protection;
use super::{COOKIE, NAME, VOUCH, counted_nonce, random_nonce};
use crate::zmtp::ProtocolError;
use crate::zmtp::mechanism::{Context, Mechanism, Protection, Step, error_of};
use zeroize::Zeroizing;

/// Nonce and box of a WELCOME.
const WELCOME: usize = 16 + MAC + 32 + COOKIE;

/// The client's side.
pub(crate) struct CurveClient {
    /// C and c.
    public: CurveKey,
    secret: Zeroizing<CurveKey>,
    /// S.
    server: CurveKey,
    state: State,
}

enum State {
    /// Nothing was sent.
    Fresh,
    /// HELLO was sent, with C'; `hello` is the key of c' and S.
    Greeted { public: CurveKey, secret: Zeroizing<CurveKey>, hello: SharedKey },
    /// INITIATE was sent; the key of c' and S'.
    Initiated(SharedKey),
    /// READY came with this counter.
    Ready(SharedKey, u64),
    /// The key was handed over.
    Done,
}

impl CurveClient {
    /// A client with this pair of keys, of the server with this public key.
    pub(crate) fn new(public: CurveKey, secret: &CurveKey, server: CurveKey) -> Self {
        Self { public, secret: Zeroizing::new(*secret), server, state: State::Fresh }
    }

    fn welcome(
        &self,
        data: &[u8],
        (public, secret): (&CurveKey, &CurveKey),
        hello: &SharedKey,
        context: &mut Context<'_>,
    ) -> Result<SharedKey, ProtocolError> {
        // One of another length does not open: so libzmq names it.
        let unopened = ProtocolError::Cryptographic;
        let data: &[u8; WELCOME] = data.try_into().map_err(|_| unopened)?;
        let (nonce, sealed) = data.split_first_chunk().ok_or(unopened)?;
        let opened = hello.open(&random_nonce(b"WELCOME-", nonce), sealed)?;
        let (server, cookie) = opened.split_first_chunk().ok_or(unopened)?;
        let shared = SharedKey::agree(server, secret)?;

        let vouch_nonce: [u8; 16] = random();
        let mut vouch = Vec::with_capacity(VOUCH);
        vouch.extend_from_slice(&vouch_nonce);
        SharedKey::agree(server, &self.secret)?.seal(
            &random_nonce(b"VOUCH---", &vouch_nonce),
            &[public, &self.server],
            &mut vouch,
        );
        let counter = 2u64.to_be_bytes();
        let metadata = context.local_metadata();
        let mut sealed = Vec::with_capacity(metadata.len() + 256);
        shared.seal(
            &counted_nonce(b"CurveZMQINITIATE", counter),
            &[&self.public, &vouch, metadata],
            &mut sealed,
        );
        context.send("INITIATE", &[cookie, &counter, &sealed]);
        Ok(shared)
    }
}

impl Mechanism for CurveClient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        let (public, secret) = curve_keypair();
        let hello = SharedKey::agree(&self.server, &secret)?;
        let counter = 1u64.to_be_bytes();
        let mut sealed = Vec::with_capacity(80);
        hello.seal(&counted_nonce(b"CurveZMQHELLO---", counter), &[&[0; 64]], &mut sealed);
        // Version 1.0, and zeros that make the command longer than its answer.
        context.send("HELLO", &[&[1, 0], &[0; 72], &public, &counter, &sealed]);
        self.state = State::Greeted { public, secret, hello };
        Ok(Step::Waiting)
    }

    fn handle_command(
        &mut self,
        name: &[u8],
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<Step, ProtocolError> {
        match (name, &self.state) {
            (b"WELCOME", State::Greeted { public, secret, hello }) => {
                let shared = self.welcome(data, (public, secret), hello, context)?;
                self.state = State::Initiated(shared);
                Ok(Step::Waiting)
            }
            (b"READY", State::Initiated(shared)) => {
                let (counter, sealed) =
                    data.split_first_chunk().ok_or(ProtocolError::MalformedReady)?;
                if sealed.len() < MAC {
                    return Err(ProtocolError::MalformedReady);
                }
                let metadata =
                    shared.open(&counted_nonce(b"CurveZMQREADY---", *counter), sealed)?;
                context.handle_metadata_of_server(&metadata)?;
                self.state = State::Ready(shared.clone(), u64::from_be_bytes(*counter));
                Ok(Step::Done)
            }
            (b"ERROR", State::Greeted { .. } | State::Initiated(_)) => Err(error_of(data)),
            (b"", _) => Err(ProtocolError::MalformedCommand),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }

    fn protection(&mut self) -> Option<Protection> {
        match std::mem::replace(&mut self.state, State::Done) {
            // Our own counter stood at 2 for INITIATE.
            State::Ready(shared, counter) => {
                Some(protection(&shared, (b"CurveZMQMESSAGEC", 2), (b"CurveZMQMESSAGES", counter)))
            }
            _ => None,
        }
    }
}
