//! Security contexts: how two sides come to know each other, and what protects their messages.

use super::handles::{Buffer, Context, Credential, Name, Usage, call, kerberos};
use super::library::{Library, RawBuffer, library};
use super::{Failure, Principal};
use crate::zmtp::{self, NoContext};
use std::ptr;

/// More steps are needed (a major status).
const CONTINUE_NEEDED: u32 = 1;

/// What a context gives (flags of RFC 2744).
const MUTUAL: u32 = 2;
const REPLAY: u32 = 4;
const SEQUENCE: u32 = 8;
const CONFIDENTIAL: u32 = 16;
const INTEGRITY: u32 = 32;

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// For the peer; empty is nothing to send.
    pub token: Vec<u8>,
    /// The context is established on this side.
    pub complete: bool,
}

/// Which side this is.
enum Side {
    Initiator { service: Principal },
    Acceptor,
}

/// One side's context with one peer.
pub(crate) struct SecurityContext {
    side: Side,
    /// Whose credentials to use; `None` for the default ones.
    own: Option<Principal>,
    /// Messages are encrypted. Without, only the peers' identities are proven.
    confidential: bool,
    /// The library's context, and what it was begun with.
    established: Option<Established>,
    peer: Vec<u8>,
}

struct Established {
    context: Context,
    credential: Credential,
    /// The service, for an initiator.
    target: Option<Name>,
}

/// What came of a step of an acceptor.
struct Accepted {
    /// The context is established.
    complete: bool,
    /// What it gives.
    given: u32,
    /// The initiator, where the library knows it.
    name: Option<Name>,
}

impl Established {
    fn begin(library: &Library, side: &Side, own: Option<&Principal>) -> Result<Self, Failure> {
        let (usage, service) = match side {
            Side::Initiator { service } => (Usage::Initiate, Some(service)),
            Side::Acceptor => (Usage::Accept, None),
        };
        Ok(Self {
            context: Context::new(),
            credential: Credential::acquire(library, own, usage)?,
            target: service.map(|own| Name::import(library, own)).transpose()?,
        })
    }

    /// A step of an initiator: whether the context is established, and what it gives.
    fn initiate(
        &mut self,
        library: &Library,
        wanted: u32,
        input: &RawBuffer,
        output: &mut Buffer,
    ) -> Result<(bool, u32), Failure> {
        let target = self.target.as_ref().map_or(ptr::null_mut(), |target| target.raw);
        let mechanism = kerberos();
        let mut given = 0;
        // SAFETY: context, credential and name are this value's own; the context begins as null, and a
        // null name is refused. Identifier and buffers are valid for the call, the token coming out is
        // released by its owner, and the other answers are not asked for.
        let major = unsafe {
            call!(
                library,
                CONTINUE_NEEDED,
                gss_init_sec_context(
                    self.credential.raw,
                    &raw mut self.context.raw,
                    target,
                    &raw const mechanism,
                    wanted,
                    0,
                    ptr::null(),
                    ptr::from_ref(input),
                    ptr::null_mut(),
                    output.place(),
                    &raw mut given,
                    ptr::null_mut(),
                )
            )
        }?;
        Ok((major == 0, given))
    }

    fn accept(
        &mut self,
        library: &Library,
        input: &RawBuffer,
        output: &mut Buffer,
    ) -> Result<Accepted, Failure> {
        let (mut name, mut given) = (ptr::null_mut(), 0);
        // SAFETY: as in `initiate`; the name coming out gets its owner below, whatever the outcome,
        // and no delegated credential is asked for.
        let major = unsafe {
            call!(
                library,
                CONTINUE_NEEDED,
                gss_accept_sec_context(
                    &raw mut self.context.raw,
                    self.credential.raw,
                    ptr::from_ref(input),
                    ptr::null(),
                    &raw mut name,
                    ptr::null_mut(),
                    output.place(),
                    &raw mut given,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            )
        };
        let name = Name::from_raw(name);
        Ok(Accepted { complete: major? == 0, given, name })
    }
}

impl SecurityContext {
    /// A client of the service.
    pub(crate) fn initiator(
        own: Option<Principal>,
        service: Principal,
        confidential: bool,
    ) -> Self {
        Self::new(Side::Initiator { service }, own, confidential)
    }

    /// A server. Without a principal it serves whichever one of its key tab the client names.
    pub(crate) fn acceptor(own: Option<Principal>, confidential: bool) -> Self {
        Self::new(Side::Acceptor, own, confidential)
    }

    fn new(side: Side, own: Option<Principal>, confidential: bool) -> Self {
        Self { side, own, confidential, established: None, peer: Vec::new() }
    }

    /// Goes a step on, with the token that came from the peer: none for a client's first. Blocks.
    ///
    /// # Errors
    /// No library, no or expired credentials, an unknown service, Kerberos servers that cannot be
    /// reached, a token that is not for us; a peer that does not give the protection asked for.
    pub(crate) fn step(&mut self, token: &[u8]) -> Result<Progress, Failure> {
        let library = &*library()?;
        let established = match &mut self.established {
            Some(established) => established,
            none => none.insert(Established::begin(library, &self.side, self.own.as_ref())?),
        };
        let wanted = match self.confidential {
            true => MUTUAL | REPLAY | SEQUENCE | CONFIDENTIAL | INTEGRITY,
            false => MUTUAL | REPLAY | SEQUENCE,
        };
        let input = RawBuffer::of(token);
        let mut output = Buffer::new();
        let (complete, given) = match &self.side {
            Side::Initiator { .. } => established.initiate(library, wanted, &input, &mut output)?,
            Side::Acceptor => {
                let accepted = established.accept(library, &input, &mut output)?;
                if let (true, Some(name)) = (accepted.complete, accepted.name) {
                    self.peer = name.display(library)?;
                }
                (accepted.complete, accepted.given)
            }
        };
        // A peer that asked for too little is found out here, not with the first message.
        let mut least = if self.confidential { REPLAY | CONFIDENTIAL | INTEGRITY } else { 0 };
        if matches!(self.side, Side::Initiator { .. }) {
            least |= MUTUAL;
        }
        if complete && given & least != least {
            return Err(Failure::Unprotected);
        }
        Ok(Progress { token: output.to_vec(), complete })
    }

    /// The principal that proved its identity to this server; empty before, and for a client.
    pub(crate) fn peer(&self) -> &[u8] {
        &self.peer
    }

    /// Encrypts a message for the peer.
    ///
    /// # Errors
    /// No established context, or one that is no longer good.
    pub(crate) fn wrap(&mut self, message: &[u8]) -> Result<Buffer, Failure> {
        let library = &*library()?;
        let context = self.established.as_ref().map_or(ptr::null_mut(), |own| own.context.raw);
        let input = RawBuffer::of(message);
        let mut output = Buffer::new();
        let mut encrypted = 0;
        // SAFETY: the context is this value's own, or null, which is refused; the input is valid
        // for the call and the output released by its owner.
        unsafe {
            call!(
                library,
                0,
                gss_wrap(context, 1, 0, &raw const input, &raw mut encrypted, output.place())
            )
        }?;
        if encrypted == 0 { Err(Failure::Unprotected) } else { Ok(output) }
    }

    /// Decrypts what the peer wrapped.
    ///
    /// # Errors
    /// What the peer did not wrap, wrapped without encryption, or wrapped for another place in
    /// the order: repeated, too old, out of turn.
    pub(crate) fn unwrap(&mut self, wrapped: &[u8]) -> Result<Buffer, Failure> {
        let library = &*library()?;
        let context = self.established.as_ref().map_or(ptr::null_mut(), |own| own.context.raw);
        let input = RawBuffer::of(wrapped);
        let mut output = Buffer::new();
        let mut encrypted = 0;
        // SAFETY: as for `wrap`. Repetition and disorder are supplementary bits of the status,
        // which `call` takes for failures.
        unsafe {
            call!(
                library,
                0,
                gss_unwrap(
                    context,
                    &raw const input,
                    output.place(),
                    &raw mut encrypted,
                    ptr::null_mut(),
                )
            )
        }?;
        if encrypted == 0 { Err(Failure::Unprotected) } else { Ok(output) }
    }
}

impl zmtp::SecurityContext for SecurityContext {
    fn step(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), NoContext> {
        let progress = self.step(token).map_err(|_| NoContext)?;
        Ok((progress.token, progress.complete))
    }

    fn peer(&self) -> &[u8] {
        self.peer()
    }

    fn wrap(&mut self, message: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext> {
        self.wrap(message).map(|wrapped| take(&wrapped)).map_err(|_| NoContext)
    }

    fn unwrap(&mut self, wrapped: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), NoContext> {
        self.unwrap(wrapped).map(|message| take(&message)).map_err(|_| NoContext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gssapi::NameType;

    // What needs a Kerberos server is tested beside one, by capi-tests/gssapi.c.

    #[test]
    fn what_is_no_token_is_refused() {
        for token in [&b""[..], b"\x60\x82", &[0xFF; 5000]] {
            assert!(SecurityContext::acceptor(None, true).step(token).is_err());
        }
    }

    #[test]
    fn nothing_is_wrapped_before_the_context_is_there() {
        let name = Principal { name: b"zmq@localhost".to_vec(), name_type: NameType::HostBased };
        let mut context = SecurityContext::initiator(None, name, true);
        assert!(context.wrap(b"text").is_err());
        assert!(context.unwrap(b"text").is_err());
    }
}
