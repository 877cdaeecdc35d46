//! Threads of the application that drive while they wait.

use super::{FORCED, LEASE, LEASE_LEFT, LEASE_LEFT_LOOKING, ReactorHandle, in_nanoseconds, note};
use crate::error::Result;
use crate::io::waiter::sleep_error;
use crate::io::{PollDescriptor, Reactor, Waiter, nanoseconds};
use crate::sync::{MappedMutexGuard, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

impl ReactorHandle {
    /// Makes the calling thread the driver, on behalf of these sockets, if nobody else is it.
    pub fn drive(&self, sockets: impl Iterator<Item = u64>) -> Option<Driver<'_>> {
        if self.is_contested() || *FORCED == Some(false) {
            return None;
        }
        let guard = self.reactor.try_lock()?;
        let mut guard = MutexGuard::try_map(guard, Option::as_mut).ok()?;
        self.driven.store(true, Ordering::SeqCst);
        self.note_absence();
        guard.begin(sockets);
        Some(Driver { handle: self, reactor: Some(guard) })
    }

    /// Asks the I/O thread to make way, if it drives and is not needed for others; notifies the
    /// waiter when it has. False if it was not asked.
    pub fn ask(&self, waiter: &Arc<Waiter>) -> bool {
        let by_io_thread = self.by_io_thread.load(Ordering::Relaxed);
        if by_io_thread && !self.is_contested() && *FORCED != Some(false) {
            *self.asker.lock() = Some(waiter.clone());
            self.make_way.store(true, Ordering::SeqCst);
            self.wake();
            return true;
        }
        false
    }

    /// Counts the calling thread as one that waits for the reactor's sockets without driving,
    /// until the guard is dropped: who drives then leaves to the I/O thread.
    pub fn look_on(&self) -> Onlooker<'_> {
        self.onlookers.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `left`: either who drove sees us, or we find that it is gone.
        fence(Ordering::SeqCst);
        Onlooker(self)
    }

    /// What wakes the caller that drives: put into the lists of what it waits for.
    pub fn waiter(&self) -> &Arc<Waiter> {
        &self.waiter
    }

    /// A caller has stopped driving.
    fn left(&self, served_others: bool) {
        // Pairs with the fence in `look_on`.
        fence(Ordering::SeqCst);
        let others = served_others
            || self.onlookers.load(Ordering::SeqCst) > 0
            || self.stopping.load(Ordering::SeqCst);
        if others {
            return self.call_at_once();
        }
        self.left_at.store(nanoseconds(), Ordering::Relaxed);
        let (earliest, latest) = match self.schedules.load(Ordering::Relaxed) {
            true => self.prompt_time(),
            false => (LEASE_LEFT, LEASE),
        };
        self.alarm.set_if(latest, |now, at| {
            at == 0 || at < now + in_nanoseconds(earliest) && self.may_put_off()
        });
        self.check_inbox();
    }
}

/// See [`ReactorHandle::look_on`].
pub struct Onlooker<'a>(&'a ReactorHandle);

impl Drop for Onlooker<'_> {
    fn drop(&mut self) {
        self.0.onlookers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The right to drive a reactor, of a thread that waits for messages. Signals are not blocked on
/// it; nothing that it does here blocks, except [`sleep`](Self::sleep).
pub struct Driver<'a> {
    handle: &'a ReactorHandle,
    /// `None` only in `drop`.
    reactor: Option<MappedMutexGuard<'a, Reactor>>,
}

impl Driver<'_> {
    /// Whether it has served other sockets than its own: the I/O thread should do that.
    pub fn serves_others(&self) -> bool {
        self.reactor.as_deref().is_some_and(Reactor::served_others)
    }

    /// Serves what is scheduled; true if there was something.
    pub fn run_scheduled(&mut self) -> bool {
        let scheduled = !self.handle.inbox.is_empty();
        if let Some(reactor) = self.reactor.as_deref_mut().filter(|_| scheduled) {
            self.handle.run_inbox(reactor);
        }
        scheduled
    }

    /// Serves what is there, without waiting; true if descriptors were ready.
    pub fn look(&mut self) -> bool {
        let Some(reactor) = self.reactor.as_deref_mut() else {
            return false;
        };
        self.handle.run_inbox(reactor);
        reactor.run_timers();
        // Without a wait it is not interrupted, and another failure leaves no events.
        let _ = reactor.wait(Some(Duration::ZERO));
        reactor.dispatch()
    }

    /// For a moment without anything to do: puts the alarm off now rather than when the caller
    /// has its message, which waiting for that system call would delay.
    pub fn put_off_alarm(&self) {
        if !self.handle.schedules.load(Ordering::Relaxed) {
            self.handle.alarm.set_if(LEASE, |now, at| {
                let is_due = at < now + in_nanoseconds(LEASE_LEFT_LOOKING);
                at != 0 && is_due && self.handle.may_put_off()
            });
        }
    }

    /// Sleeps until something happens on the reactor, a descriptor of the application is ready,
    /// or the time is over, and serves what happened. Does not sleep if `is_news` says so: after
    /// that was asked, [`ReactorHandle::waiter`] ends the sleep.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`] when a signal handler ran.
    pub fn sleep(
        &mut self,
        timeout: Option<Duration>,
        descriptors: &mut Vec<PollDescriptor>,
        is_news: impl FnOnce() -> bool,
    ) -> Result<()> {
        let handle = self.handle;
        let Some(reactor) = self.reactor.as_deref_mut() else {
            return Ok(());
        };
        handle.run_inbox(reactor);
        reactor.run_timers();
        let began = nanoseconds();
        // Setting the alarm anew later costs less than having it ring in vain.
        let rarely = handle.rarely.load(Ordering::Relaxed);
        let awake_at = began + 2 * handle.usual_sleep.load(Ordering::Relaxed);
        handle.alarm.stop_if(|at| (rarely || at < awake_at) && handle.may_put_off());
        handle.asleep.store(true, Ordering::Relaxed);
        // Pairs with the fence in `wake`.
        fence(Ordering::SeqCst);
        let busy = !handle.inbox.is_empty() || is_news();
        let until_timer = reactor.until_next_timer();
        let timeout = match (busy, timeout, until_timer) {
            (true, ..) => Some(Duration::ZERO),
            (false, Some(own), Some(timer)) => Some(own.min(timer)),
            (false, own, timer) => own.or(timer),
        };
        let outcome = reactor.wait_as_application(timeout, descriptors);
        handle.asleep.store(false, Ordering::Relaxed);
        let slept = nanoseconds().saturating_sub(began);
        handle.rarely.store(slept > in_nanoseconds(LEASE), Ordering::Relaxed);
        note(&handle.usual_sleep, slept);
        reactor.dispatch();
        outcome.map_err(sleep_error)
    }
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        let served_others = self.serves_others();
        self.handle.driven.store(false, Ordering::SeqCst);
        self.reactor = None;
        self.handle.left(served_others);
    }
}
