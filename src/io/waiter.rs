//! How a thread of the application sleeps until somebody has news for it.

use super::sys::poll_descriptors_with_mask;
use super::waiter_list::{self, Wake};
use super::{PollDescriptor, Signal, poll_descriptors};
use crate::error::{Error, Result};
use crate::sync::CriticalSection;
use crossbeam_queue::ArrayQueue;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// Ends the sleep of one thread.
///
/// The sleep is poll(2) on a descriptor, not a futex: signal handlers must end it, and it can
/// include descriptors of the application.
#[derive(Debug)]
pub(crate) struct Waiter(Signal);

/// Waiters that rest until a thread sleeps. A context has one pool, so that nothing is left when
/// it is gone, and a child of fork(2) shares no descriptor with its parent.
/// The default keeps none.
#[derive(Debug, Default)]
pub(crate) struct WaiterPool(Option<ArrayQueue<Arc<Waiter>>>);

/// Waiters that a pool keeps.
const KEPT: usize = 64;

/// A waiter for one thread's sleep; goes back to its pool.
#[derive(Debug)]
pub(crate) struct PooledWaiter<'a> {
    pool: &'a WaiterPool,
    waiter: Arc<Waiter>,
}

impl WaiterPool {
    /// A pool that keeps waiters.
    pub(crate) fn new() -> Self {
        Self(Some(ArrayQueue::new(KEPT)))
    }

    /// A waiter without any notification from before.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`] when no descriptor can be had.
    pub(crate) fn take(&self) -> Result<PooledWaiter<'_>> {
        let resting = self.0.as_ref().and_then(ArrayQueue::pop);
        let waiter = match resting {
            Some(waiter) => waiter,
            None => Arc::new(Waiter::new()?),
        };
        waiter.clear();
        Ok(PooledWaiter { pool: self, waiter })
    }
}

impl std::ops::Deref for PooledWaiter<'_> {
    type Target = Arc<Waiter>;

    fn deref(&self) -> &Arc<Waiter> {
        &self.waiter
    }
}

impl Drop for PooledWaiter<'_> {
    fn drop(&mut self) {
        if let Some(kept) = &self.pool.0 {
            // One that finds no place is closed.
            let _ = kept.push(self.waiter.clone());
        }
    }
}

impl Waiter {
    fn new() -> Result<Self> {
        Ok(Self(Signal::new()?))
    }

    /// Ends the sleep, or the next one.
    pub(crate) fn notify(&self) {
        self.0.raise();
    }

    fn clear(&self) {
        self.0.clear();
    }
}

/// Threads that wait for something: for a mailbox, or for the end of a context.
pub(crate) type WaiterList = waiter_list::WaiterList<Waiter>;

impl Wake for Waiter {
    fn wake(&self) {
        self.notify();
    }
}

impl PooledWaiter<'_> {
    /// Sleeps until notified, until one of the descriptors is ready, or until the time is over.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when a signal handler ran.
    pub(crate) fn wait(
        &self,
        critical: &CriticalSection,
        descriptors: &mut Vec<PollDescriptor>,
        timeout: Option<Duration>,
    ) -> Result<()> {
        descriptors.push(PollDescriptor::new(self.waiter.0.as_raw_fd(), libc::POLLIN));
        let outcome = sleep(critical, descriptors, timeout);
        descriptors.pop();
        self.waiter.clear();
        outcome
    }
}

/// How long a call sleeps at a time that got no descriptor to be woken by.
pub(crate) const WITHOUT_DESCRIPTOR: Duration = Duration::from_millis(1);

/// Sleeps until a descriptor is ready, or until the time is over, as the application would.
///
/// # Errors
/// [`Error::Interrupted`] when a signal handler ran; [`Error::System`].
pub(crate) fn sleep(
    critical: &CriticalSection,
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
) -> Result<()> {
    let found = critical.suspended(|mask| poll_descriptors_with_mask(descriptors, timeout, mask));
    found.map(drop).map_err(sleep_error)
}

/// Sleeps until a descriptor is ready, or until the time is over.
///
/// # Errors
/// [`Error::Interrupted`] when a signal handler ran; [`Error::System`].
pub(crate) fn poll_fds(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
) -> Result<()> {
    poll_descriptors(descriptors, timeout).map(drop).map_err(sleep_error)
}

/// As [`poll_fds`], with this signal mask meanwhile.
///
/// # Errors
/// As [`poll_fds`]; [`Error::Interrupted`] also for a signal that waited for the mask, unless a descriptor is
/// ready.
pub(crate) fn poll_fds_with_mask(
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
    mask: &libc::sigset_t,
) -> Result<()> {
    poll_descriptors_with_mask(descriptors, timeout, Some(mask)).map(drop).map_err(sleep_error)
}

/// Why a sleep failed.
fn sleep_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::Interrupted => Error::Interrupted,
        _ => Error::System(error.raw_os_error().unwrap_or(libc::EINVAL)),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn a_signal_of_a_critical_section_interrupts_its_next_sleep() {
        extern "C" fn handler(_: libc::c_int) {}
        let handler: extern "C" fn(libc::c_int) = handler;
        // SAFETY: a handler that does nothing, for a signal that no other test uses.
        unsafe { libc::signal(libc::SIGWINCH, handler as libc::sighandler_t) };
        let section = CriticalSection::enter();
        // SAFETY: sends the signal to this very thread.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGWINCH) };
        let outcome = sleep(&section, &mut [], Some(Duration::from_secs(10)));
        assert_eq!(outcome, Err(Error::Interrupted));
    }
}
