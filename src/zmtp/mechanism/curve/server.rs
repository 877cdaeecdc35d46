//! The server's side of CURVE.

use super::keys::{CurveKey, MAC, SharedKey, curve_keypair, random};
use super::message::protection;
use super::{COOKIE, NAME, VOUCH, counted_nonce, random_nonce};
use crate::zmtp::ProtocolError;
use crate::zmtp::mechanism::{Context, Mechanism, Protection, Step};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Version, padding, C', counter and box of a HELLO.
const HELLO: usize = 2 + 72 + 32 + 8 + MAC + 64;

/// The server's side.
pub(crate) struct CurveServer {
    /// S and s.
    public: CurveKey,
    secret: Zeroizing<CurveKey>,
    state: State,
}

enum State {
    /// HELLO has not come.
    Fresh,
    /// WELCOME was sent.
    Welcomed(Welcomed),
    /// INITIATE came with this counter; the key of s' and C'.
    Initiated(SharedKey, u64),
    /// READY was sent.
    Ready(SharedKey, u64),
    /// The key was handed over.
    Done,
}

/// What INITIATE is checked against.
struct Welcomed {
    /// C'.
    client: CurveKey,
    /// s'.
    secret: Zeroizing<CurveKey>,
    /// Opens the cookie.
    cookie: SharedKey,
    /// The counter of HELLO.
    counter: u64,
}

impl CurveServer {
    /// A server with this pair of keys.
    pub(crate) fn new(public: CurveKey, secret: &CurveKey) -> Self {
        Self { public, secret: Zeroizing::new(*secret), state: State::Fresh }
    }

    fn hello(&self, data: &[u8], context: &mut Context<'_>) -> Result<Welcomed, ProtocolError> {
        let malformed = ProtocolError::MalformedHello;
        let data: &[u8; HELLO] = data.try_into().map_err(|_| malformed)?;
        let (version, rest) = data.split_first_chunk::<2>().ok_or(malformed)?;
        let (_padding, rest) = rest.split_first_chunk::<72>().ok_or(malformed)?;
        let (client, rest) = rest.split_first_chunk::<32>().ok_or(malformed)?;
        let (counter, sealed) = rest.split_first_chunk::<8>().ok_or(malformed)?;
        if *version != [1, 0] {
            return Err(malformed);
        }
        let hello = SharedKey::agree(client, &self.secret)?;
        let zeros = hello.open(&counted_nonce(b"CurveZMQHELLO---", *counter), sealed)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(malformed);
        }

        let (public, secret) = curve_keypair();
        let cookie = SharedKey::random();
        let cookie_nonce: [u8; 16] = random();
        let mut baked = Zeroizing::new(Vec::with_capacity(COOKIE));
        baked.extend_from_slice(&cookie_nonce);
        let nonce = random_nonce(b"COOKIE--", &cookie_nonce);
        cookie.seal(&nonce, &[client, &*secret], &mut baked);
        let nonce: [u8; 16] = random();
        let mut sealed = Vec::with_capacity(144);
        hello.seal(&random_nonce(b"WELCOME-", &nonce), &[&public, &baked], &mut sealed);
        context.send("WELCOME", &[&nonce, &sealed]);
        Ok(Welcomed { client: *client, secret, cookie, counter: u64::from_be_bytes(*counter) })
    }

    /// Checks INITIATE; the client's key, the key of the connection, the counter.
    fn initiate(
        &self,
        welcomed: &Welcomed,
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(CurveKey, SharedKey, u64), ProtocolError> {
        let malformed = ProtocolError::MalformedInitiate;
        let (cookie, rest) = data.split_first_chunk::<COOKIE>().ok_or(malformed)?;
        let (counter, sealed) = rest.split_first_chunk::<8>().ok_or(malformed)?;
        if sealed.len() < MAC + 32 + VOUCH {
            return Err(malformed);
        }
        let (nonce, baked) = cookie.split_first_chunk().ok_or(malformed)?;
        let opened = welcomed.cookie.open(&random_nonce(b"COOKIE--", nonce), baked)?;
        let (client, secret) = opened.split_first_chunk::<32>().ok_or(malformed)?;
        if !bool::from(client.ct_eq(&welcomed.client) & secret.ct_eq(&*welcomed.secret)) {
            return Err(ProtocolError::Cryptographic);
        }

        let shared = SharedKey::agree(&welcomed.client, &welcomed.secret)?;
        let opened = shared.open(&counted_nonce(b"CurveZMQINITIATE", *counter), sealed)?;
        let (client, rest) = opened.split_first_chunk::<32>().ok_or(malformed)?;
        let (vouch, metadata) = rest.split_first_chunk::<VOUCH>().ok_or(malformed)?;
        let (nonce, sealed) = vouch.split_first_chunk().ok_or(malformed)?;
        let vouched = SharedKey::agree(client, &welcomed.secret)?
            .open(&random_nonce(b"VOUCH---", nonce), sealed)?;
        let (transient, server) = vouched.split_first_chunk::<32>().ok_or(malformed)?;
        if !bool::from(transient.ct_eq(&welcomed.client) & server.ct_eq(&self.public)) {
            return Err(ProtocolError::KeyExchange);
        }
        let counter = u64::from_be_bytes(*counter);
        if counter <= welcomed.counter {
            return Err(ProtocolError::InvalidSequence);
        }
        context.handle_metadata(metadata)?;
        Ok((*client, shared, counter))
    }
}

impl Mechanism for CurveServer {
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
        match (name, &self.state) {
            (b"HELLO", State::Fresh) => {
                self.state = State::Welcomed(self.hello(data, context)?);
                Ok(Step::Waiting)
            }
            (b"INITIATE", State::Welcomed(welcomed)) => {
                let (client, shared, counter) = self.initiate(welcomed, data, context)?;
                self.state = State::Initiated(shared, counter);
                Ok(Step::Authenticate(vec![Zeroizing::new(client.to_vec())]))
            }
            (b"", _) => Err(ProtocolError::MalformedCommand),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }

    fn admitted(&mut self, context: &mut Context<'_>) -> Result<Step, ProtocolError> {
        let State::Initiated(shared, counter) = &self.state else {
            return Ok(Step::Waiting);
        };
        let own_counter = 1u64.to_be_bytes();
        let mut sealed = Vec::with_capacity(context.local_metadata().len() + 32);
        let nonce = counted_nonce(b"CurveZMQREADY---", own_counter);
        shared.seal(&nonce, &[context.local_metadata()], &mut sealed);
        context.send("READY", &[&own_counter, &sealed]);
        self.state = State::Ready(shared.clone(), *counter);
        Ok(Step::Done)
    }

    fn protection(&mut self) -> Option<Protection> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Ready(shared, counter) => {
                Some(protection(&shared, (b"CurveZMQMESSAGES", 1), (b"CurveZMQMESSAGEC", counter)))
            }
            _ => None,
        }
    }
}
