//! What the library hands out, each released by its owner.

use super::library::{
    Library, RawBuffer, RawContext, RawCredential, RawName, RawOid, RawOidSet, library,
};
use super::{Failure, NameType, Principal};
use std::ffi::c_int;
use std::ops::Deref;
use std::ptr;

/// 1.2.840.113554.1.2.2: the mechanism Kerberos 5 (RFC 1964). Others are not offered: one of them,
/// IAKERB, would have a server ask the Kerberos servers on behalf of a peer it knows nothing of.
const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";

impl NameType {
    /// Its object identifier (RFC 2744 appendix A, RFC 1964 section 2.1).
    fn elements(self) -> &'static [u8] {
        match self {
            Self::HostBased => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04",
            Self::UserName => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01",
            Self::Krb5Principal => b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01",
        }
    }
}

/// The object identifier of the mechanism.
pub(super) fn kerberos() -> RawOid {
    RawOid::of(KERBEROS)
}

/// Calls a function of the library with a place for its minor status in front; anything but
/// GSS_S_COMPLETE and the bits of `allowed` is a failure.
macro_rules! call {
    ($library:expr, $allowed:expr, $name:ident($($argument:expr),* $(,)?)) => {{
        let mut minor = 0;
        let major = ($library.$name)(&raw mut minor, $($argument),*);
        if major & !$allowed == 0 {
            Ok(major)
        } else {
            Err($crate::gssapi::Failure::Status(major, minor))
        }
    }};
}
pub(super) use call;

/// A name in the library's form.
pub(super) struct Name {
    pub raw: RawName,
}

impl Name {
    pub(super) fn import(library: &Library, principal: &Principal) -> Result<Self, Failure> {
        let bytes = RawBuffer::of(&principal.name);
        let oid = RawOid::of(principal.name_type.elements());
        let mut raw = ptr::null_mut();
        // SAFETY: buffer and identifier are valid for the call, which copies them; `raw` is
        // writable and, where the call fails, stays null.
        unsafe {
            call!(library, 0, gss_import_name(&raw const bytes, &raw const oid, &raw mut raw))
        }?;
        Ok(Self { raw })
    }

    /// One that a function of the library gave; null is none.
    pub(super) fn from_raw(raw: RawName) -> Option<Self> {
        (!raw.is_null()).then_some(Self { raw })
    }

    /// The name as text.
    pub(super) fn display(&self, library: &Library) -> Result<Vec<u8>, Failure> {
        let mut text = Buffer::new();
        // SAFETY: the name is ours and valid; the buffer is released by its owner; the type is
        // not asked for.
        unsafe { call!(library, 0, gss_display_name(self.raw, text.place(), ptr::null_mut())) }?;
        Ok(text.to_vec())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // When the process ends there is nothing left to release.
        let Ok(library) = library() else { return };
        let mut minor = 0;
        // SAFETY: the name came from the library and is released once.
        unsafe { (library.gss_release_name)(&raw mut minor, &raw mut self.raw) };
    }
}

/// What a credential is for (gss_cred_usage_t).
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub(super) enum Usage {
    Initiate = 1,
    Accept = 2,
}

/// A ticket cache or a key tab, opened.
pub(super) struct Credential {
    pub raw: RawCredential,
}

impl Credential {
    /// Kerberos credentials of this principal, or the default ones.
    pub(super) fn acquire(
        library: &Library,
        principal: Option<&Principal>,
        usage: Usage,
    ) -> Result<Self, Failure> {
        let name = principal.map(|own| Name::import(library, own)).transpose()?;
        let name = name.as_ref().map_or(ptr::null_mut(), |name| name.raw);
        let mut oid = kerberos();
        let mechanisms = RawOidSet { count: 1, elements: &raw mut oid };
        let mut raw = ptr::null_mut();
        // SAFETY: name and set are valid for the call, which copies them; `raw` is writable and,
        // where the call fails, stays null; the other answers are not asked for.
        unsafe {
            call!(
                library,
                0,
                gss_acquire_cred(
                    name,
                    0,
                    &raw const mechanisms,
                    usage as c_int,
                    &raw mut raw,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            )
        }?;
        Ok(Self { raw })
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        // When the process ends there is nothing left to release.
        let Ok(library) = library() else { return };
        let mut minor = 0;
        // SAFETY: the credential came from the library and is released once.
        unsafe { (library.gss_release_cred)(&raw mut minor, &raw mut self.raw) };
    }
}

/// A context, which the first step makes: null before.
pub(super) struct Context {
    pub raw: RawContext,
}

impl Context {
    pub(super) fn new() -> Self {
        Self { raw: ptr::null_mut() }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // When the process ends there is nothing left to release.
        let Ok(library) = library() else { return };
        let mut minor = 0;
        // SAFETY: the context came from the library and is deleted once, or is null, which is
        // refused; no token is wanted.
        unsafe {
            (library.gss_delete_sec_context)(&raw mut minor, &raw mut self.raw, ptr::null_mut())
        };
    }
}

/// Bytes that the library allocated.
pub(crate) struct Buffer {
    raw: RawBuffer,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { raw: RawBuffer::EMPTY }
    }

    /// Where a function of the library is to put its bytes; once.
    pub(super) fn place(&mut self) -> *mut RawBuffer {
        &raw mut self.raw
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.raw.value.is_null() {
            return &[];
        }
        // SAFETY: the library filled that many bytes there, which stay as they are until `drop`.
        unsafe { std::slice::from_raw_parts(self.raw.value.cast(), self.raw.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // When the process ends there is nothing left to release.
        let Ok(library) = library() else { return };
        let mut minor = 0;
        // SAFETY: the bytes came from the library and are released once; for none this does nothing.
        unsafe { (library.gss_release_buffer)(&raw mut minor, &raw mut self.raw) };
    }
}

// SAFETY: the library ties none of its handles to the thread that made them (RFC 2743), and here
// each is used by its owner alone.
unsafe impl Send for Credential {}
// SAFETY: as above.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Send for Name {}
