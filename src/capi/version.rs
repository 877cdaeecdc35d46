//! The version, and what was built in (zmq_version(3), zmq_has(3)).

use crate::gssapi;
use std::ffi::{CStr, c_char, c_int};

/// Version of the interface: major number.
pub const ZMQ_VERSION_MAJOR: c_int = 4;
/// Version of the interface: minor number.
pub const ZMQ_VERSION_MINOR: c_int = 3;
/// Version of the interface: patch number.
pub const ZMQ_VERSION_PATCH: c_int = 5;

/// Says that `zmq_has` is there.
pub const ZMQ_HAS_CAPABILITIES: c_int = 1;

/// Capabilities that programs can ask for and that are there.
const CAPABILITIES: &[&CStr] = &[c"ipc", c"curve", c"draft"];

/// Stores the version of the library that runs (zmq_version(3)).
///
/// # Safety
/// Each of `major`, `minor` and `patch` is NULL or points at an `int` to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int) {
    let numbers =
        [(major, ZMQ_VERSION_MAJOR), (minor, ZMQ_VERSION_MINOR), (patch, ZMQ_VERSION_PATCH)];
    for (place, number) in numbers {
        if !place.is_null() {
            // SAFETY: writable (caller).
            unsafe { place.write(number) };
        }
    }
}

/// 1 if the library has a capability, else 0; also 0 for unknown names and NULL (zmq_has(3)).
///
/// The names are "ipc", "pgm", "norm", "tipc", "vmci", "curve", "gssapi" and "draft". Where a
/// system library is needed, as for "gssapi", it is loaded to find out.
///
/// # Safety
/// `capability` is NULL or a string with a NUL at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_has(capability: *const c_char) -> c_int {
    if capability.is_null() {
        return 0;
    }
    // SAFETY: a string with a NUL at its end (caller).
    let name = unsafe { CStr::from_ptr(capability) };
    c_int::from(CAPABILITIES.contains(&name) || (name == c"gssapi" && gssapi::is_available()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_named() {
        // SAFETY: strings, or NULL.
        unsafe {
            assert_eq!(zmq_has(c"ipc".as_ptr()), 1);
            assert_eq!(zmq_has(c"curve".as_ptr()), 1);
            assert_eq!(zmq_has(c"draft".as_ptr()), 1);
            assert_eq!(zmq_has(c"IPC".as_ptr()), 0);
            assert_eq!(zmq_has(std::ptr::null()), 0);
        }
    }
}
