//! The edge itself: pointers of C become references here, and results become C's answers.

use super::errno;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::socket::Socket;
use std::alloc::{Layout, alloc, dealloc};
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A type whose address C holds as a `void *`.
///
/// # Safety
/// The type is `repr(C)` and begins with an `AtomicU32` that holds `TAG`, no other handle type
/// has the same tag, and no object of it is ever freed (closed ones may be used again).
pub(super) unsafe trait Handle: 'static {
    /// What the first four bytes of an object are.
    const TAG: u32;
    /// The error for a pointer that is no live object.
    const INVALID: Error;
    /// False for an object that was closed.
    fn is_live(&self) -> bool;
}

// SAFETY: `Context` is laid out so and its objects are recycled, never freed.
unsafe impl Handle for Context {
    const TAG: u32 = Context::TAG;
    const INVALID: Error = Error::BadAddress;

    #[inline(always)]
    fn is_live(&self) -> bool {
        self.is_valid()
    }
}

// SAFETY: `Socket` is laid out so and its objects are recycled, never freed.
unsafe impl Handle for Socket {
    const TAG: u32 = Socket::TAG;
    const INVALID: Error = Error::NotASocket;

    #[inline(always)]
    fn is_live(&self) -> bool {
        self.is_open()
    }
}

/// The object behind a handle. NULL, closed objects and objects of another type are refused.
///
/// # Safety
/// `raw` is NULL or points at four readable bytes.
#[inline(always)]
pub(super) unsafe fn object<T: Handle>(raw: *mut c_void) -> Result<&'static T> {
    let address = raw.cast::<T>();
    if address.is_null() || !address.is_aligned() {
        return Err(T::INVALID);
    }
    // The tag never changes in an object, so that this load orders nothing.
    // SAFETY: readable (caller), and aligned for T, which begins with such a number.
    if unsafe { &*raw.cast::<AtomicU32>() }.load(Ordering::Relaxed) != T::TAG {
        return Err(T::INVALID);
    }
    // SAFETY: the tag says that it is a T, and objects of T are never freed.
    let object = unsafe { &*address };
    if object.is_live() { Ok(object) } else { Err(T::INVALID) }
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

/// The pointer that C keeps of an object.
#[inline(always)]
pub(super) fn handle_of<T: Handle>(object: &'static T) -> *mut c_void {
    ptr::from_ref(object).cast_mut().cast()
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
