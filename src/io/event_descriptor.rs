//! A descriptor that one thread makes readable for another, by eventfd(2).

#![allow(unsafe_code)]

use super::sys::{check, insist};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// What a signal needs of its descriptor.
pub(crate) trait Event {
    /// Makes it readable.
    fn signal(&self);
    /// Makes it unreadable; returns how often it was signalled.
    fn clear(&self) -> u64;
}

/// An event counter of the kernel (eventfd(2)): readable once it was signalled.
#[derive(Debug)]
pub(crate) struct EventDescriptor(OwnedFd);

impl EventDescriptor {
    /// Makes one, not signalled, closed on exec.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: a system call without pointers.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }
}

impl Event for EventDescriptor {
    fn signal(&self) {
        // A counter at its limit is readable as well; what fails time after time cannot be helped.
        let one = 1u64;
        let _ = insist(|| self.transfer(libc::SYS_write, (&raw const one).cast_mut()));
    }

    fn clear(&self) -> u64 {
        // Where it was not signalled the count is left alone.
        let mut count = 0u64;
        let _ = insist(|| self.transfer(libc::SYS_read, &raw mut count));
        count
    }
}

impl EventDescriptor {
    /// Reads or writes the counter. Not by read(2) or write(2) of the C library, in which the thread
    /// could be cancelled: see `NoCancel`.
    fn transfer(&self, call: libc::c_long, count: *mut u64) -> io::Result<usize> {
        // SAFETY: eight bytes of the caller, which can be read, and written where `call` does that.
        let done = unsafe { libc::syscall(call, self.0.as_raw_fd(), count, size_of::<u64>()) };
        match check(done as isize) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            done => done,
        }
    }
}

impl AsRawFd for EventDescriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
