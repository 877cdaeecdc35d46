//! The only system calls made by hand.

#![allow(unsafe_code)]

use crate::message::{ByteSource, MAX_PIECES, read_in_turn};
use socket2::{MaybeUninitSlice, Socket};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// How often a call that fails is made, where a failure that passes must leave no trace.
const ATTEMPTS: u32 = 10;

/// Makes a call again that fails: a wake-up that is lost would never come again.
///
/// # Errors
/// That of the last attempt.
pub(super) fn insist<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    for _ in 1..ATTEMPTS {
        if let Ok(result) = call() {
            return Ok(result);
        }
        std::thread::yield_now();
    }
    call()
}

/// Makes a call again that a signal interrupted before it did anything (EINTR). Sleeps are not for this:
/// a signal ends them.
///
/// # Errors
/// Those of the call, but not `Interrupted`.
#[inline]
pub(crate) fn uninterrupted<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// The result of a system call that gives -1 on failure.
pub(super) fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Nanoseconds on the system's monotonic clock: cheaper to read and to reckon with than an
/// `Instant`, for what happens several times a message.
#[inline]
pub(crate) fn nanoseconds() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // It cannot fail: the clock is always there.
    // SAFETY: a writable timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The number of the processor that the calling thread runs on now.
pub(super) fn current_processor() -> u32 {
    // SAFETY: it takes nothing.
    let number = unsafe { libc::sched_getcpu() };
    // Where the system does not tell, all threads seem to run on one.
    number.try_into().unwrap_or(0)
}

/// A timer whose descriptor is readable once it has expired.
pub(super) struct Timer(OwnedFd);

impl Timer {
    /// Makes one that does not run.
    pub(super) fn new() -> io::Result<Self> {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: a system call without pointers.
        let descriptor = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// One that cannot be set.
    #[cfg(test)]
    pub(super) fn refusing() -> Self {
        Self(std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into())
    }

    /// Lets it expire after this time, at once for zero. An earlier expiry is forgotten.
    ///
    /// # Errors
    /// The system refuses timers, though it gave one.
    pub(super) fn start(&self, after: Duration) -> io::Result<()> {
        // A time of zero would stop it.
        self.set(after.max(Duration::from_nanos(1)))
    }

    /// Stops it. An earlier expiry is forgotten.
    ///
    /// # Errors
    /// As [`start`](Self::start): it may expire then.
    pub(super) fn stop(&self) -> io::Result<()> {
        self.set(Duration::ZERO)
    }

    fn set(&self, after: Duration) -> io::Result<()> {
        let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let value = libc::timespec {
            tv_sec: after.as_secs().min(i32::MAX as u64) as libc::time_t,
            tv_nsec: after.subsec_nanos().into(),
        };
        let time = libc::itimerspec { it_interval: none, it_value: value };
        let timer = self.0.as_raw_fd();
        // SAFETY: the time lives through the call, the old one is not asked for.
        let set = unsafe { libc::timerfd_settime(timer, 0, &raw const time, ptr::null_mut()) };
        check(set as isize).map(drop)
    }

    /// Whether it has expired since it was started, or since this was asked.
    pub(super) fn take_expired(&self) -> bool {
        let mut count = 0u64;
        // SAFETY: eight writable bytes.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), 8) == 8 }
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A descriptor to wait for, as poll(2) takes it.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct PollDescriptor(libc::pollfd);

impl PollDescriptor {
    /// Waits for these events (POLLIN, POLLOUT, POLLPRI of poll(2)).
    pub(crate) fn new(descriptor: RawFd, events: i16) -> Self {
        Self(libc::pollfd { fd: descriptor, events, revents: 0 })
    }

    /// The descriptor.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.0.fd
    }

    /// The events that were found.
    pub(crate) fn found(&self) -> i16 {
        self.0.revents
    }
}

/// Waits until a descriptor is ready, for ever without a timeout. Returns how many are.
///
/// # Errors
/// `Interrupted` when a signal handler ran, whatever its SA_RESTART says (signal(7)).
pub(crate) fn poll_descriptors(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    match timeout {
        Some(time) if descriptors.is_empty() => match sleep_interruptibly(time) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                poll_descriptors_with_mask(descriptors, timeout, None)
            }
            slept => slept.map(|()| 0),
        },
        // A quarter cheaper than ppoll(2).
        Some(Duration::ZERO) => poll_in_milliseconds(descriptors, timeout),
        _ => poll_descriptors_with_mask(descriptors, timeout, None),
    }
}

/// Sleeps, until a signal handler ran or the time is over. It takes less of the processor than ppoll(2)
/// without descriptors.
fn sleep_interruptibly(time: Duration) -> io::Result<()> {
    let time = timespec(time);
    // SAFETY: the time lives through the call, and what is left of it is not asked for.
    match unsafe {
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const time, ptr::null_mut())
    } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs().min(i64::MAX as u64 / 2) as libc::time_t,
        tv_nsec: time.subsec_nanos().into(),
    }
}

/// As [`poll_descriptors`], with this signal mask meanwhile, if there is one: a signal that it lets
/// in ends the call, also one that waited for that.
pub(super) fn poll_descriptors_with_mask(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> io::Result<usize> {
    let found = poll_precisely(descriptors, timeout, mask);
    match found {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => match mask {
            Some(mask) => poll_without_ppoll(descriptors, timeout, mask),
            // Some allow-lists of system calls have poll(2) alone, and other failures may pass.
            None => poll_in_milliseconds(descriptors, timeout),
        },
        found => found,
    }
}

fn poll_precisely(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> io::Result<usize> {
    let time = timeout.map(timespec);
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mask = mask.map_or(ptr::null(), ptr::from_ref);
    let count = descriptors.len() as libc::nfds_t;
    // SAFETY: `PollDescriptor` is a transparent `pollfd`, `count` of them are writable; the time and
    // the mask are NULL or live through the call.
    let found = unsafe { libc::ppoll(descriptors.as_mut_ptr().cast(), count, time, mask) };
    check(found as isize)
}

/// Waits in poll(2). The time is rounded up.
fn poll_in_milliseconds(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let milliseconds = timeout.map_or(-1, |timeout| {
        i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    let count = descriptors.len() as libc::nfds_t;
    // SAFETY: as in `poll_precisely`.
    check(unsafe { libc::poll(descriptors.as_mut_ptr().cast(), count, milliseconds) } as isize)
}

/// As ppoll(2), by other calls: a signal that waited for the mask is handled, and ends this; only one that
/// comes in the moment between the two is not followed by `Interrupted`.
#[cold]
fn poll_without_ppoll(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
    mask: &libc::sigset_t,
) -> io::Result<usize> {
    let interrupted = handler_awaits(mask);
    with_signal_mask(mask, || match interrupted {
        true => Err(io::ErrorKind::Interrupted.into()),
        false => poll_in_milliseconds(descriptors, timeout),
    })
}

/// Whether a signal that this mask lets in waits to be handled.
fn handler_awaits(mask: &libc::sigset_t) -> bool {
    let mut pending = MaybeUninit::uninit();
    // SAFETY: the set is written by the system, or not looked at.
    let pending = unsafe {
        if libc::sigpending(pending.as_mut_ptr()) != 0 {
            return false;
        }
        pending.assume_init()
    };
    (1..=libc::SIGRTMAX()).any(|signal| {
        let mut action = MaybeUninit::uninit();
        // SAFETY: both sets are initialised, numbers without a signal are answered with -1; the action is
        // written by the system, or not looked at.
        unsafe {
            libc::sigismember(&raw const pending, signal) == 1
                && libc::sigismember(mask, signal) == 0
                && libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
                && !matches!(action.assume_init().sa_sigaction, libc::SIG_DFL | libc::SIG_IGN)
        }
    })
}

/// Runs a call with this signal mask. A signal that waited for it is handled before the call.
fn with_signal_mask<R>(mask: &libc::sigset_t, call: impl FnOnce() -> R) -> R {
    let mut before = MaybeUninit::uninit();
    // SAFETY: the mask is readable, and the old one is written by the system.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, before.as_mut_ptr()) };
    let result = call();
    // SAFETY: `before` was written by the call above, which fails only for a wrong first argument.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    result
}

/// Runs a call with all signals blocked. Threads that it starts inherit that for their whole
/// life: handlers belong to the threads of the application.
pub(super) fn with_signals_blocked<R>(call: impl FnOnce() -> R) -> R {
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: the set is filled before it is used, and the old one is written by the system.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let result = call();
    // SAFETY: `before` was written by the call above, which fails only for a wrong first argument.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
    }
    result
}

/// Reads from a socket without blocking.
pub(crate) struct SocketSource<'a>(pub &'a Socket);

// SAFETY: both return how many bytes the kernel wrote, in order.
unsafe impl ByteSource for SocketSource<'_> {
    fn read(&mut self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        uninterrupted(|| self.0.recv_with_flags(buffer, libc::MSG_DONTWAIT))
    }

    fn read_vectored<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a mut [MaybeUninit<u8>]>,
    ) -> io::Result<usize> {
        let mut count = 0;
        let mut buffers = [(); MAX_PIECES].map(|()| MaybeUninitSlice::new(&mut []));
        pieces.for_each(|piece| {
            if let Some(buffer) = buffers.get_mut(count) {
                *buffer = MaybeUninitSlice::new(piece);
                count += 1;
            }
        });
        let buffers = &mut buffers[..count];
        match uninterrupted(|| self.0.recv_vectored_with_flags(buffers, libc::MSG_DONTWAIT)) {
            // Perhaps an allow-list of system calls that has no recvmsg(2).
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                read_in_turn(buffers.iter_mut().map(|buffer| &mut **buffer), |b| self.read(b))
            }
            read => read.map(|(count, _)| count),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_a_signal_interrupts_is_made_again_and_other_failures_are_told() {
        let mut outcomes =
            [Err(io::ErrorKind::Interrupted), Err(io::ErrorKind::Interrupted), Ok(7)].into_iter();
        let mut next =
            || outcomes.next().unwrap_or(Err(io::ErrorKind::WouldBlock)).map_err(Into::into);
        assert_eq!(uninterrupted(&mut next).unwrap(), 7);
        assert_eq!(uninterrupted(&mut next).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn without_ppoll_a_signal_that_waited_interrupts_and_one_without_a_handler_does_not() {
        extern "C" fn handler(_: libc::c_int) {}
        let handler: extern "C" fn(libc::c_int) = handler;
        let moment = Some(Duration::from_millis(1));
        let raise = |signal| {
            // SAFETY: sends the signal to this very thread.
            unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
        };
        with_signals_blocked(|| {
            let mut none = MaybeUninit::uninit();
            // SAFETY: fills the set; a handler that does nothing, for a signal that no other test uses.
            let none = unsafe {
                libc::sigemptyset(none.as_mut_ptr());
                libc::signal(libc::SIGURG, handler as libc::sighandler_t);
                none.assume_init()
            };
            raise(libc::SIGURG);
            let outcome = poll_without_ppoll(&mut [], moment, &none);
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::Interrupted);
            // Its default is to do nothing.
            raise(libc::SIGCHLD);
            assert_eq!(poll_without_ppoll(&mut [], moment, &none).unwrap(), 0);
        });
    }
}
