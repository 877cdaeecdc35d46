//! Events of an epoll instance, for whichever thread takes them.

#![allow(unsafe_code)]

use mio::Token;
use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

/// Events taken from the system at a time.
const EVENTS: usize = 256;

/// Memory for events, and those that were taken last.
#[derive(Default)]
pub(super) struct EventBuffer(Vec<libc::epoll_event>);

/// What a descriptor is ready for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readiness {
    /// Bytes, an incoming connection, or an end or error to be found by reading.
    pub readable: bool,
    /// Room to write, or a connection that was established or refused.
    pub writable: bool,
    /// The peer will send nothing more; a read does not end before it has seen that.
    pub closed: bool,
}

/// That a descriptor became ready.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) token: Token,
    pub(super) readiness: Readiness,
}

impl EventBuffer {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(EVENTS))
    }

    /// Takes the events of this epoll instance, after waiting until there are any or the time is over.
    ///
    /// # Errors
    /// Those of epoll_wait(2), and then there are no events. `Interrupted` also without a signal
    /// handler, when the process was stopped and goes on.
    pub(super) fn take(&mut self, poll: RawFd, timeout: Option<Duration>) -> io::Result<()> {
        self.0.clear();
        // Rounded up: a wait that ends before its time would be repeated at once.
        let timeout = timeout.map_or(-1, |timeout| {
            let time = timeout.as_nanos().div_ceil(1_000_000);
            libc::c_int::try_from(time).unwrap_or(libc::c_int::MAX)
        });
        let room = self.0.capacity().min(EVENTS) as libc::c_int;
        // SAFETY: `room` events can be written to the spare capacity of the empty vector.
        let found = unsafe { libc::epoll_wait(poll, self.0.as_mut_ptr(), room, timeout) };
        if found < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the system has written this many, which is at most `room`.
        unsafe { self.0.set_len(found as usize) };
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.0.iter().map(|event| {
            let has = |flags: libc::c_int| event.events & flags as u32 != 0;
            let failed = has(libc::EPOLLERR);
            let hung_up = has(libc::EPOLLHUP) || has(libc::EPOLLIN) && has(libc::EPOLLRDHUP);
            let readiness = Readiness {
                readable: has(libc::EPOLLIN | libc::EPOLLPRI) || failed,
                writable: has(libc::EPOLLOUT) || failed,
                closed: hung_up || failed,
            };
            Event { token: Token(event.u64 as usize), readiness }
        })
    }
}

/// Has every thread that waits for events of `poll` find `token`, while the descriptor is readable:
/// unlike other events, one thread that takes it does not hide it from the next (level-triggered).
///
/// # Errors
/// Those of epoll_ctl(2).
pub(super) fn add_persistent(poll: RawFd, descriptor: RawFd, token: Token) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token.0 as u64 };
    // SAFETY: the event lives through the call.
    let added = unsafe { libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, descriptor, &raw mut event) };
    if added < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
