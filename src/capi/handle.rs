//! The edge itself: pointers of C become references here, and results become C's answers.

use super::errno;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::socket::Socket;
use crate::sync::{CriticalSection, ForkMutex};
use std::alloc::{Layout, alloc, dealloc};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What C holds as a `void *`: a handle of an object of the engine.
///
/// # Safety
/// No other such type has the same tag.
pub(super) unsafe trait Object: Sync + Sized + 'static {
    /// What the first four bytes of a handle are.
    const TAG: u32;
    /// The error for a pointer that is no handle of such an object, or a closed one.
    const INVALID: Error;
    /// This number of closed handles rests before the oldest is used again: most stale pointers are
    /// recognised.
    const RESTING: usize;

    /// An object that is not open.
    fn closed() -> Self;

    /// The closed handles.
    fn pool() -> &'static Pool<Self>;
}

/// An object in memory that is never freed, but used again when the object was closed. So any pointer
/// that C ever got stays readable, and the tag says what it points at: it is written before C has the
/// pointer, and never changes. Whether the object is open is a flag of its own.
#[repr(C)]
pub(super) struct Handle<T> {
    tag: AtomicU32,
    is_open: AtomicBool,
    object: T,
}

/// Closed handles, oldest first.
pub(super) type Pool<T> = ForkMutex<VecDeque<&'static Handle<T>>>;

// SAFETY: nothing else has this tag.
unsafe impl Object for Context {
    const TAG: u32 = 0x5A51_C7C7;
    const INVALID: Error = Error::BadAddress;
    const RESTING: usize = 16;

    fn closed() -> Self {
        Self::new()
    }

    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<Context> = ForkMutex::for_static(VecDeque::new());
        &POOL
    }
}

// SAFETY: nothing else has this tag.
unsafe impl Object for Socket {
    const TAG: u32 = 0x5A51_50C7;
    const INVALID: Error = Error::NotASocket;
    const RESTING: usize = 64;

    fn closed() -> Self {
        Self::new()
    }

    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<Socket> = ForkMutex::for_static(VecDeque::new());
        &POOL
    }
}

/// Opens an object; returns its handle, for C.
pub(super) fn open<T: Object>(open: impl FnOnce(&'static T) -> Result<()>) -> Result<*mut c_void> {
    let _critical = CriticalSection::enter();
    let resting = {
        let mut pool = T::pool().lock();
        if pool.len() > T::RESTING { pool.pop_front() } else { None }
    };
    let handle = match resting {
        Some(handle) => handle,
        None => {
            let (tag, is_open) = (AtomicU32::new(T::TAG), AtomicBool::new(false));
            // SAFETY: just allocated, and never freed.
            unsafe { &*into_raw(Handle { tag, is_open, object: T::closed() })? }
        }
    };
    if let Err(error) = open(&handle.object) {
        T::pool().lock().push_front(handle);
        return Err(error);
    }
    handle.is_open.store(true, Ordering::Release);
    Ok(ptr::from_ref(handle).cast_mut().cast())
}

/// The handle that C has a pointer to, if its object is open. NULL, closed objects and objects of
/// another type are refused.
///
/// # Safety
/// `raw` is NULL or points at four readable bytes.
#[inline(always)]
unsafe fn handle<T: Object>(raw: *mut c_void) -> Result<&'static Handle<T>> {
    let address = raw.cast::<Handle<T>>();
    if address.is_null() || !address.is_aligned() {
        return Err(T::INVALID);
    }
    // Relaxed: in a handle this never changes.
    // SAFETY: readable (caller), and aligned for a handle, which begins with such a number.
    if unsafe { &*raw.cast::<AtomicU32>() }.load(Ordering::Relaxed) != T::TAG {
        return Err(T::INVALID);
    }
    // SAFETY: the tag says that it is a handle of a T, and handles are never freed.
    let handle = unsafe { &*address };
    // Pairs with the Release in `open`, though what the object has is behind locks of its own.
    if handle.is_open.load(Ordering::Acquire) { Ok(handle) } else { Err(T::INVALID) }
}

/// The open object behind a handle.
///
/// # Safety
/// As [`handle`].
#[inline(always)]
pub(super) unsafe fn object<T: Object>(raw: *mut c_void) -> Result<&'static T> {
    // SAFETY: the caller's promise.
    unsafe { handle(raw) }.map(|handle| &handle.object)
}

/// Closes the object behind a handle: of several threads in this call, one does.
///
/// # Safety
/// As [`handle`].
pub(super) unsafe fn close<T: Object>(
    raw: *mut c_void,
    close: impl FnOnce(&'static T),
) -> Result<()> {
    // SAFETY: the caller's promise.
    let handle = unsafe { handle(raw) }?;
    if !handle.is_open.swap(false, Ordering::AcqRel) {
        return Err(T::INVALID);
    }
    close(&handle.object);
    recycle(handle);
    Ok(())
}

/// As [`close()`], for an object that may stay open: `end` says whether this thread has closed it.
///
/// # Safety
/// As [`handle`].
pub(super) unsafe fn close_if<T: Object>(
    raw: *mut c_void,
    end: impl FnOnce(&'static T) -> Result<bool>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let handle = unsafe { handle(raw) }?;
    if end(&handle.object)? {
        handle.is_open.store(false, Ordering::Release);
        recycle(handle);
    }
    Ok(())
}

/// In the one thread that closed its object.
fn recycle<T: Object>(handle: &'static Handle<T>) {
    let _critical = CriticalSection::enter();
    T::pool().lock().push_back(handle);
}

/// The message behind a `zmq_msg_t *`; EFAULT for NULL, closed and never initialised ones.
///
/// # Safety
/// `raw` is NULL or points at a `zmq_msg_t` that nobody else uses during the call.
#[inline(always)]
pub(super) unsafe fn message<'a>(raw: *mut Message) -> Result<&'a mut Message> {
    // SAFETY: the caller's promise.
    unsafe { Message::from_raw(raw) }.ok_or(Error::BadAddress)
}

/// As [`message`], to read only.
///
/// # Safety
/// `raw` is NULL or points at a `zmq_msg_t` that nobody changes during the call.
#[inline(always)]
pub(super) unsafe fn message_const<'a>(raw: *const Message) -> Result<&'a Message> {
    // SAFETY: the caller's promise.
    unsafe { Message::from_raw_const(raw) }.ok_or(Error::BadAddress)
}

/// The bytes of a buffer of C. NULL is the empty buffer; NULL with a length is EFAULT.
///
/// # Safety
/// `data` is NULL or `length` bytes can be read there and do not change during the call.
#[inline(always)]
pub(super) unsafe fn bytes<'a>(data: *const c_void, length: usize) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::BadAddress);
    }
    if length > isize::MAX as usize {
        // No buffer is that long; the copy of one could not be had either.
        return Err(Error::OutOfMemory);
    }
    // SAFETY: not NULL, not too long, readable (caller).
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), length) })
}

/// The bytes of an option's value; `None` for NULL, whose length must be 0 unless it does not
/// count. EINVAL otherwise.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn optional_bytes<'a>(
    data: *const c_void,
    length: usize,
    null_has_no_size: bool,
) -> Result<Option<&'a [u8]>> {
    if data.is_null() && null_has_no_size {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let value = unsafe { bytes(data, length) }.map_err(|_| Error::InvalidArgument)?;
    Ok((!data.is_null()).then_some(value))
}

/// An endpoint. Names of inproc may be any bytes: those that are not UTF-8 are read as Latin-1,
/// which keeps different names different. EINVAL for NULL and for other text that is not UTF-8.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn endpoint<'a>(string: *const c_char) -> Result<Cow<'a, str>> {
    // SAFETY: the caller's promise.
    if let Ok(text) = unsafe { text(string) } {
        return Ok(Cow::Borrowed(text));
    }
    if string.is_null() {
        return Err(Error::InvalidArgument);
    }
    // SAFETY: a string with a NUL at its end (caller).
    let bytes = unsafe { CStr::from_ptr(string) }.to_bytes();
    if !bytes.starts_with(b"inproc://") {
        return Err(Error::InvalidArgument);
    }
    Ok(Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()))
}

/// The text of a string argument; EINVAL for NULL and for what is not UTF-8.
///
/// # Safety
/// `string` is NULL or a string with a NUL at its end that does not change during the call.
pub(super) unsafe fn text<'a>(string: *const c_char) -> Result<&'a str> {
    if string.is_null() {
        return Err(Error::InvalidArgument);
    }
    // SAFETY: a string with a NUL at its end (caller).
    unsafe { CStr::from_ptr(string) }.to_str().map_err(|_| Error::InvalidArgument)
}

/// A value that a call answers as an `int`.
pub(super) trait IntoCInt {
    /// The number that C sees, never -1.
    fn into_number(self) -> c_int;
}

impl IntoCInt for () {
    #[inline(always)]
    fn into_number(self) -> c_int {
        0
    }
}

impl IntoCInt for c_int {
    #[inline(always)]
    fn into_number(self) -> c_int {
        self
    }
}

/// Sizes beyond INT_MAX are answered as INT_MAX (zmq_msg_send(3)).
impl IntoCInt for usize {
    #[inline(always)]
    fn into_number(self) -> c_int {
        c_int::try_from(self).unwrap_or(c_int::MAX)
    }
}

/// Runs a call that answers an `int`: its value, or -1 with errno set.
#[inline(always)]
pub(super) fn ffi_result<T: IntoCInt>(call: impl FnOnce() -> Result<T>) -> c_int {
    match call() {
        Ok(value) => value.into_number(),
        Err(error) => fail(error),
    }
}

/// The answer of a call that failed.
#[cold]
#[inline(never)]
fn fail(error: Error) -> c_int {
    errno::set(errno::from_error(error));
    -1
}

/// Runs a call that answers a pointer: its value, or NULL with errno set.
#[inline(always)]
pub(super) fn answer_pointer<T>(call: impl FnOnce() -> Result<*mut T>) -> *mut T {
    call().unwrap_or_else(|error| {
        errno::set(errno::from_error(error));
        ptr::null_mut()
    })
}

/// Moves a value to memory of its own, for C to keep the pointer.
pub(super) fn into_raw<T>(value: T) -> Result<*mut T> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout has a size.
    let place = unsafe { alloc(Layout::new::<T>()) }.cast::<T>();
    if place.is_null() {
        return Err(Error::OutOfMemory);
    }
    // SAFETY: fresh memory for a T.
    unsafe { place.write(value) };
    Ok(place)
}

/// Takes a value back that [`into_raw`] gave; `None` for NULL.
///
/// # Safety
/// `place` is NULL or came from [`into_raw`] for the same type and was not taken back yet.
pub(super) unsafe fn from_raw<T>(place: *mut T) -> Option<T> {
    if place.is_null() {
        return None;
    }
    // SAFETY: written by `into_raw` (caller).
    let value = unsafe { place.read() };
    // SAFETY: allocated by `into_raw` with this layout (caller), and not used any more.
    unsafe { dealloc(place.cast(), Layout::new::<T>()) };
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_handle_is_refused() {
        let memory = [0x5A5A_5A5A_u32; 64];
        let foreign = memory.as_ptr().cast_mut().cast::<c_void>();
        for raw in [ptr::null_mut(), foreign, foreign.wrapping_byte_add(1)] {
            // SAFETY: NULL, or within `memory`.
            unsafe {
                assert_eq!(object::<Socket>(raw).err(), Some(Error::NotASocket));
                assert_eq!(object::<Context>(raw).err(), Some(Error::BadAddress));
            }
        }
    }

    /// An object of C for the tests: how often it was opened.
    struct Counter(AtomicU32);

    // SAFETY: nothing else has this tag.
    unsafe impl Object for Counter {
        const TAG: u32 = 0x7E57_7E57;
        const INVALID: Error = Error::BadAddress;
        const RESTING: usize = 2;

        fn closed() -> Self {
            Self(AtomicU32::new(0))
        }

        fn pool() -> &'static Pool<Self> {
            static POOL: Pool<Counter> = ForkMutex::for_static(VecDeque::new());
            &POOL
        }
    }

    #[test]
    fn closed_handles_are_refused_and_rest_before_they_are_used_again() {
        let count = |counter: &'static Counter| {
            counter.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let handles = [(); 4].map(|()| open(count).unwrap());
        for handle in handles {
            // SAFETY: handles are never freed.
            unsafe {
                assert!(object::<Counter>(handle).is_ok());
                // Another type's pointers are told apart.
                assert_eq!(object::<Socket>(handle).err(), Some(Error::NotASocket));
                assert_eq!(close_if(handle, |_: &Counter| Ok(false)), Ok(()));
                assert_eq!(close(handle, |_: &Counter| {}), Ok(()));
                assert_eq!(close(handle, |_: &Counter| {}), Err(Error::BadAddress));
                assert!(object::<Counter>(handle).is_err());
            }
        }
        // Two rest; what failed to open is the oldest still.
        let failed = open(|_: &'static Counter| Err(Error::TooManyOpen));
        assert_eq!(failed, Err(Error::TooManyOpen));
        let again = [(); 3].map(|()| open(count).unwrap());
        assert_eq!(again[..2], handles[..2]);
        assert!(!handles.contains(&again[2]));
        // SAFETY: handles are never freed.
        let times =
            again.map(|raw| unsafe { object::<Counter>(raw) }.unwrap().0.load(Ordering::Relaxed));
        assert_eq!(times, [2, 2, 1]);
    }

    #[test]
    fn buffers_without_bytes_need_no_memory() {
        // SAFETY: nothing is read.
        unsafe {
            assert_eq!(bytes(ptr::null(), 0), Ok(&[][..]));
            assert_eq!(bytes(ptr::null(), 1), Err(Error::BadAddress));
            assert_eq!(bytes(c"".as_ptr().cast(), usize::MAX), Err(Error::OutOfMemory));
            assert_eq!(text(ptr::null()), Err(Error::InvalidArgument));
            assert_eq!(text(c"\xFF".as_ptr()), Err(Error::InvalidArgument));
        }
    }

    #[test]
    fn sizes_beyond_an_int_are_answered_as_its_maximum() {
        assert_eq!((c_int::MAX as usize + 1).into_number(), c_int::MAX);
        assert_eq!(ffi_result(|| Err::<usize, _>(Error::Terminated)), -1);
        assert_eq!(errno::zmq_errno(), errno::ETERM);
    }

    #[test]
    fn what_was_given_is_taken_back() {
        let place = into_raw(String::from("text")).unwrap();
        // SAFETY: given above, taken once.
        assert_eq!(unsafe { from_raw(place) }.as_deref(), Some("text"));
        // SAFETY: NULL.
        assert_eq!(unsafe { from_raw(ptr::null_mut::<String>()) }, None);
    }
}
