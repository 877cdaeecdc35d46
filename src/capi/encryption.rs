//! Keys and their text form (zmq_z85_encode(3), zmq_z85_decode(3), zmq_curve_keypair(3),
//! zmq_curve_public(3)).

use super::handle::{answer_pointer, bytes, ffi_result};
use crate::error::Error;
use crate::utility::z85;
use crate::zmtp::{CurveKey, curve_keypair, curve_public};
use std::ffi::{CStr, c_char, c_int};
use zeroize::Zeroizing;

/// Writes `size` bytes as Z85 text, five characters for four bytes and a NUL
/// (zmq_z85_encode(3), RFC 32).
///
/// Returns `dest`, or NULL with errno EINVAL (the size is not a multiple of 4) or EFAULT (NULL).
///
/// # Safety
/// `data` is NULL or `size` bytes can be read there; `dest` is NULL or `size * 5 / 4 + 1` bytes
/// can be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_encode(
    dest: *mut c_char,
    data: *const u8,
    size: usize,
) -> *mut c_char {
    answer_pointer(|| {
        if !size.is_multiple_of(4) {
            return Err(Error::InvalidArgument);
        }
        // SAFETY: the caller's promise.
        let data = unsafe { bytes(data.cast(), size) }?;
        if dest.is_null() {
            return Err(Error::BadAddress);
        }
        let text = Zeroizing::new(z85::encode(data)?);
        // SAFETY: room for the text and its NUL (caller).
        unsafe {
            dest.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
            dest.add(text.len()).write(0);
        }
        Ok(dest)
    })
}

/// Reads Z85 text back to bytes, four for five characters (zmq_z85_decode(3), RFC 32).
///
/// Returns `dest`, or NULL with errno EINVAL (not Z85; also the empty text, as observed) or
/// EFAULT (NULL).
///
/// # Safety
/// `string` is NULL or a string with a NUL at its end; `dest` is NULL or four fifths of its
/// length can be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_decode(dest: *mut u8, string: *const c_char) -> *mut u8 {
    answer_pointer(|| {
        if string.is_null() {
            return Err(Error::BadAddress);
        }
        // SAFETY: a string with a NUL at its end (caller).
        let text = unsafe { CStr::from_ptr(string) }.to_bytes();
        let data = z85::decode(text)?;
        if dest.is_null() {
            return Err(Error::BadAddress);
        }
        // SAFETY: room for the bytes (caller).
        unsafe { dest.copy_from_nonoverlapping(data.as_ptr(), data.len()) };
        Ok(dest)
    })
}

/// Makes a pair of keys for CURVE, as Z85 text of 40 characters and a NUL (zmq_curve_keypair(3)).
///
/// Returns 0, or -1 with errno EFAULT (NULL).
///
/// # Safety
/// Each is NULL or 41 bytes can be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_keypair(
    z85_public_key: *mut c_char,
    z85_secret_key: *mut c_char,
) -> c_int {
    ffi_result(|| {
        if z85_public_key.is_null() || z85_secret_key.is_null() {
            return Err(Error::BadAddress);
        }
        let (public, secret) = curve_keypair();
        // SAFETY: 41 bytes can be written at each (caller).
        unsafe {
            write_key(z85_public_key, &public)?;
            write_key(z85_secret_key, &secret)
        }
    })
}

/// Writes the public key that belongs to a secret key (zmq_curve_public(3)).
///
/// Returns 0, or -1 with errno EINVAL (not a key in Z85) or EFAULT (NULL).
///
/// # Safety
/// `z85_public_key` is NULL or 41 bytes can be written there; `z85_secret_key` is NULL or a
/// string with a NUL at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_public(
    z85_public_key: *mut c_char,
    z85_secret_key: *const c_char,
) -> c_int {
    ffi_result(|| {
        if z85_secret_key.is_null() {
            return Err(Error::BadAddress);
        }
        // SAFETY: a string with a NUL at its end (caller).
        let text = unsafe { CStr::from_ptr(z85_secret_key) }.to_bytes();
        let decoded = Zeroizing::new(z85::decode(text)?);
        if z85_public_key.is_null() {
            return Err(Error::BadAddress);
        }
        let secret = decoded.as_slice().try_into().map_err(|_| Error::InvalidArgument)?;
        // SAFETY: 41 bytes can be written there (caller).
        unsafe { write_key(z85_public_key, &curve_public(secret)) }
    })
}

/// Writes a key as Z85 text.
///
/// # Safety
/// 41 bytes can be written at `place`.
unsafe fn write_key(place: *mut c_char, key: &CurveKey) -> Result<(), Error> {
    let text = Zeroizing::new(z85::encode(key)?);
    // SAFETY: 32 bytes are 40 characters; there is room for them and a NUL (caller).
    unsafe {
        place.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        place.add(text.len()).write(0);
    }
    Ok(())
}
