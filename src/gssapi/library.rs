//! The library itself: its functions and the types they exchange (RFC 2744, appendix A).

use super::Failure;
use crate::sync::{RaceLazy, pause};
use libc::atexit;
use libloading::os::unix::{Library as Loaded, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{c_int, c_void};
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// MIT Kerberos; the number is that of its interface.
const FILE: &str = "libgssapi_krb5.so.2";

/// gss_buffer_desc: bytes, of the caller or of the library.
#[repr(C)]
pub(super) struct RawBuffer {
    pub length: usize,
    pub value: *mut c_void,
}

impl RawBuffer {
    pub(super) const EMPTY: Self = Self { length: 0, value: ptr::null_mut() };

    /// Bytes for the library to read; they must outlive the call.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast() }
    }
}

/// gss_OID_desc: an object identifier.
#[repr(C)]
pub(super) struct RawOid {
    length: u32,
    elements: *mut c_void,
}

impl RawOid {
    /// One with these encoded elements.
    pub(super) fn of(elements: &'static [u8]) -> Self {
        Self { length: elements.len() as u32, elements: elements.as_ptr().cast_mut().cast() }
    }
}

/// gss_OID_set_desc: object identifiers in a row.
#[repr(C)]
pub(super) struct RawOidSet {
    pub count: usize,
    pub elements: *mut RawOid,
}

/// gss_name_t, gss_cred_id_t, gss_ctx_id_t: null is none.
pub(super) type RawName = *mut c_void;
pub(super) type RawCredential = *mut c_void;
pub(super) type RawContext = *mut c_void;

/// Declares the functions, and how they are looked up. All return the major status and begin with
/// the place of the minor one.
macro_rules! functions {
    ($($name:ident($($argument:ty),* $(,)?);)*) => {
        /// The functions of the library, which stays loaded.
        pub(super) struct Library {
            $(pub $name: unsafe extern "C" fn(*mut u32, $($argument),*) -> u32,)*
            _loaded: Loaded,
        }

        impl Library {
            fn load() -> Result<Self, libloading::Error> {
                // SAFETY: the system's own library; what runs when it is loaded is as trusted as
                // the C library's.
                let loaded = unsafe { Loaded::open(Some(FILE), RTLD_NOW | RTLD_LOCAL) }?;
                Ok(Self {
                    // SAFETY: RFC 2744 gives the function of this name this signature.
                    $($name: *unsafe { loaded.get(stringify!($name).as_bytes()) }?,)*
                    _loaded: loaded,
                })
            }
        }
    };
}

functions! {
    gss_import_name(*const RawBuffer, *const RawOid, *mut RawName);
    gss_display_name(RawName, *mut RawBuffer, *mut *mut RawOid);
    gss_release_name(*mut RawName);
    gss_release_buffer(*mut RawBuffer);
    gss_acquire_cred(
        RawName, u32, *const RawOidSet, c_int,
        *mut RawCredential, *mut *mut RawOidSet, *mut u32,
    );
    gss_release_cred(*mut RawCredential);
    gss_init_sec_context(
        RawCredential, *mut RawContext, RawName, *const RawOid, u32, u32, *const c_void,
        *const RawBuffer, *mut *mut RawOid, *mut RawBuffer, *mut u32, *mut u32,
    );
    gss_accept_sec_context(
        *mut RawContext, RawCredential, *const RawBuffer, *const c_void, *mut RawName,
        *mut *mut RawOid, *mut RawBuffer, *mut u32, *mut u32, *mut RawCredential,
    );
    gss_delete_sec_context(*mut RawContext, *mut RawBuffer);
    gss_wrap(RawContext, c_int, u32, *const RawBuffer, *mut c_int, *mut RawBuffer);
    gss_unwrap(RawContext, *const RawBuffer, *mut RawBuffer, *mut c_int, *mut u32);
}

/// How many are in the library. When the process ends the library tears itself down, although
/// there are still threads: from then on nobody may be in it.
static USERS: AtomicUsize = AtomicUsize::new(0);
/// The process ends.
static ENDING: AtomicBool = AtomicBool::new(false);
/// How long the end of the process waits for those who are in the library. Most calls take a few
/// milliseconds; one that asks a Kerberos server which does not answer would take too long, and
/// sleeps meanwhile.
const LAST_CALLS: Duration = Duration::from_millis(100);
/// And how often it looks.
const LOOK: Duration = Duration::from_millis(1);

/// The library, for as long as this is held.
pub(super) struct Access {
    library: &'static Library,
}

impl Access {
    fn begin(library: &'static Library) -> Self {
        USERS.fetch_add(1, Ordering::SeqCst);
        Self { library }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        USERS.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Deref for Access {
    type Target = Library;

    fn deref(&self) -> &Library {
        self.library
    }
}

/// The library, loaded by the first call.
pub(super) fn library() -> Result<Access, Failure> {
    static LIBRARY: RaceLazy<Option<Library>> = RaceLazy::new(|| {
        let library = Library::load().ok()?;
        // SAFETY: the function is there until it has run. Where it cannot be registered the end of
        // the process is as unguarded as everybody's.
        unsafe { atexit(close) };
        Some(library)
    });
    let access = Access::begin(LIBRARY.as_ref().ok_or(Failure::Unavailable)?);
    // SeqCst, with the store in `close`: it waits for us, or we see it.
    if ENDING.load(Ordering::SeqCst) { Err(Failure::Unavailable) } else { Ok(access) }
}

extern "C" fn close() {
    ENDING.store(true, Ordering::SeqCst);
    let began = Instant::now();
    while USERS.load(Ordering::SeqCst) > 0 && began.elapsed() < LAST_CALLS {
        pause(LOOK);
    }
}

/// Whether the system has the library.
pub(crate) fn is_available() -> bool {
    library().is_ok()
}
