//! Threads of the application that poll the reactor while they wait.

use super::{FORCED, ReactorHandle, Request, policy};
use crate::io::event_descriptor::Event as _;
use crate::io::ownership::{Owner, OwnerGuard};
use crate::io::priority::Priority;
use crate::io::{PollDescriptor, Reactor, Waiter, nanoseconds};
use crate::sync::CriticalSection;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

/// How long a caller sleeps at a time while the I/O thread is about to leave the descriptor to it.
const LEAVING: Duration = Duration::from_micros(50);

impl ReactorHandle {
    /// Makes the calling thread, which is in a critical section, the owner on behalf of these sockets,
    /// if nobody else polls. From an I/O thread that sleeps it takes the reactor only if it
    /// `is_back_soon`. `now` in `nanoseconds`.
    pub(crate) fn try_acquire(
        &self,
        sockets: impl Iterator<Item = u64>,
        is_back_soon: bool,
        now: u64,
    ) -> Option<ReactorGuard<'_>> {
        let mut guard = self.acquire_as_caller(is_back_soon, now)?;
        self.pace.on_acquire(!self.inbox.is_empty(), now);
        guard.reactor()?.begin(sockets);
        Some(guard)
    }

    fn acquire_as_caller(&self, takes_over: bool, now: u64) -> Option<ReactorGuard<'_>> {
        if self.is_contested(now) || *FORCED == Some(false) || !self.may_poll(now) {
            return None;
        }
        let owned = self.reactor.acquire(Owner::Unowned, Owner::Caller).or_else(|| {
            // One that was woken is about to take the reactor back: it is asked for it then.
            takes_over.then(|| self.take_over()).flatten()
        })?;
        Some(ReactorGuard { handle: self, owned: Some(owned), is_visit: false })
    }

    /// Takes the reactor from the I/O thread, which sleeps, and has that leave the descriptor.
    fn take_over(&self) -> Option<OwnerGuard<'_, Reactor>> {
        let owned = self.reactor.acquire(Owner::IoThreadSleeps, Owner::Caller)?;
        self.requests.make(Request::LeaveDescriptor);
        // Once for each time: the I/O thread, which finds that it is not the owner, awaits this.
        self.handover.signal();
        Some(owned)
    }

    /// Runs what is scheduled, if nobody polls: for a call whose effect others wait for. Not with a
    /// lock held.
    pub(crate) fn run_scheduled_now(&self) {
        if self.has_scheduled() {
            let _critical = CriticalSection::enter();
            if let Some(mut guard) = self.acquire_as_caller(false, nanoseconds()) {
                // It says nothing of how callers come and go.
                guard.is_visit = true;
                if let Some(reactor) = guard.reactor() {
                    reactor.begin(std::iter::empty());
                }
                guard.run_scheduled();
            }
        }
    }

    /// Whether the calling thread runs at least as soon as the I/O thread, so that others may depend
    /// on it.
    pub(super) fn may_poll(&self, now: u64) -> bool {
        self.priority.get().is_some_and(|own| Priority::lately(now) >= *own)
    }

    /// Asks the I/O thread for the reactor, if it polls and is not needed for others; notifies the
    /// waiter when it has released it. False if it was not asked.
    pub(crate) fn request_handover(&self, waiter: &Arc<Waiter>) -> bool {
        let now = nanoseconds();
        let owner = self.reactor.owner();
        let polls = matches!(owner, Owner::IoThread | Owner::IoThreadSleeps | Owner::IoThreadWoken);
        if polls && !self.is_contested(now) && *FORCED != Some(false) && self.may_poll(now) {
            *self.handover_waiter.lock() = Some(waiter.clone());
            self.requests.make(Request::HandOver);
            self.wake();
            return true;
        }
        false
    }

    /// Counts the calling thread as one that waits for the reactor's sockets without polling, until
    /// the guard is dropped: a caller that polls leaves that to the I/O thread then. (A thread that
    /// dies in its sleep is counted for ever: then the I/O thread polls, as in libzmq.)
    pub(crate) fn block_on(&self) -> BlockedCaller<'_> {
        self.blocked_callers.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `release`: either the caller that polls sees us, or we see that it
        // has let go.
        fence(Ordering::SeqCst);
        self.replace_sleeper();
        BlockedCaller(self)
    }

    /// The caller that sleeps on the descriptor may be gone: the I/O thread takes over.
    pub(crate) fn replace_sleeper(&self) {
        match self.reactor.owner() {
            Owner::CallerSleeps => self.wake_io_thread_now(),
            Owner::IoThreadInspects => {
                // It looks for this after it has released the reactor, with a fence between: either it
                // sees this, or we see that it has.
                self.requests.make(Request::TakeOver);
                fence(Ordering::SeqCst);
                if self.reactor.owner() == Owner::CallerSleeps {
                    self.wake_io_thread_now();
                }
            }
            _ => {}
        }
    }

    /// A caller has released the reactor to nobody.
    fn on_release(&self, served_others: bool, now: u64) {
        let others = served_others
            || self.blocked_callers.load(Ordering::SeqCst) > 0
            || self.requests.is_open(Request::Stop);
        if others {
            return self.wake_io_thread_now();
        }
        let pace = &self.pace;
        pace.released_at.store(now, Ordering::Relaxed);
        let avg_gap = pace.avg_gap.load(Ordering::Relaxed);
        let (earliest, latest) =
            policy::release_times(avg_gap, pace.schedules.load(Ordering::Relaxed));
        self.wake_timer.set_at_if(now, Duration::from_nanos(latest), |at| {
            at == 0 || at < now + earliest && self.may_put_off()
        });
        self.check_inbox();
    }

    /// A caller that does not wait has released the reactor to nobody: the I/O thread takes over as if it
    /// had not come.
    fn on_visit_end(&self) {
        if self.blocked_callers.load(Ordering::SeqCst) > 0 || self.requests.is_open(Request::Stop) {
            return self.wake_io_thread_now();
        }
        self.wake_timer.set_if(Duration::from_nanos(policy::LEASE), |_, at| at == 0);
        self.check_inbox();
    }
}

/// See [`ReactorHandle::block_on`].
pub(crate) struct BlockedCaller<'a>(&'a ReactorHandle);

impl Drop for BlockedCaller<'_> {
    fn drop(&mut self) {
        self.0.blocked_callers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The right to poll a reactor, of a thread that waits for messages. Nothing that it does blocks, and
/// it is dropped, or becomes a [`Watch`], before its critical section ends.
pub(crate) struct ReactorGuard<'a> {
    handle: &'a ReactorHandle,
    /// `None` only while it is dropped or becomes a [`Watch`].
    owned: Option<OwnerGuard<'a, Reactor>>,
    /// The thread does not wait: its release says nothing of when it comes back.
    is_visit: bool,
}

impl<'a> ReactorGuard<'a> {
    fn reactor(&mut self) -> Option<&mut Reactor> {
        self.owned.as_deref_mut()
    }

    /// Whether it has served other sockets than its own: the I/O thread should do that.
    pub(crate) fn serves_others(&self) -> bool {
        self.owned.as_deref().is_some_and(Reactor::served_others)
    }

    /// Serves what is scheduled; true if there was something.
    pub(crate) fn run_scheduled(&mut self) -> bool {
        let handle = self.handle;
        self.reactor().is_some_and(|reactor| handle.run_inbox(reactor))
    }

    /// Serves what is there, without waiting; true if descriptors were ready.
    pub(crate) fn poll_once(&mut self) -> bool {
        let handle = self.handle;
        let Some(reactor) = self.reactor() else {
            return false;
        };
        handle.run_inbox(reactor);
        reactor.run_timers();
        reactor.poll_once()
    }

    /// As [`poll_once`](Self::poll_once), for one of many looks in a row: most of them only read where
    /// the messages before came from. `now` in `nanoseconds`.
    pub(crate) fn look(&mut self, now: u64) -> bool {
        let handle = self.handle;
        let is_due = policy::is_full_poll_due(now, handle.pace.polled_at.load(Ordering::Relaxed));
        if !is_due && !handle.has_work() {
            let found = self.reactor().and_then(Reactor::poll_recent);
            if let Some(found) = found {
                return found;
            }
        }
        handle.pace.polled_at.store(now, Ordering::Relaxed);
        self.poll_once()
    }

    /// For a moment without anything to do: puts the wake timer off now rather than when the caller
    /// has its message, which waiting for that system call would delay.
    pub(crate) fn postpone_wake_timer(&self) {
        if !self.handle.pace.schedules.load(Ordering::Relaxed) {
            self.handle.wake_timer.set_if(Duration::from_nanos(policy::LEASE), |now, at| {
                policy::puts_off_while_spinning(now, at) && self.handle.may_put_off()
            });
        }
    }

    /// Releases the reactor for a sleep on its descriptor, after serving what is scheduled. Gives it up
    /// to the I/O thread instead, `None`, where others wait or were served.
    pub(crate) fn watch(mut self) -> Option<Watch<'a>> {
        let handle = self.handle;
        let reactor = self.reactor()?;
        handle.run_inbox(reactor);
        reactor.run_timers();
        if reactor.served_others() || handle.blocked_callers.load(Ordering::SeqCst) > 0 {
            return None;
        }
        let began = nanoseconds();
        let until_timer = reactor.until_next_timer();
        let has_dependents = reactor.has_dependents(began);
        let sleeps = handle.pace.sleeps();
        handle
            .wake_timer
            .stop_if(|at| policy::stops_before_sleep(began, at, sleeps) && handle.may_put_off());
        // After the wake timer was stopped, which may have to be set for this.
        handle.set_watchdog(has_dependents);
        self.owned.take()?.release(Owner::CallerSleeps);
        // Behind the fence in `release`, as a thread that schedules something or blocks looks for the owner
        // behind one of its own.
        if handle.blocked_callers.load(Ordering::SeqCst) > 0 {
            handle.wake_io_thread_now();
        }
        let is_leaving = handle.requests.is_open(Request::LeaveDescriptor);
        Some(Watch { handle, began, until_timer, is_leaving })
    }
}

impl ReactorGuard<'_> {
    /// Releases the reactor to nobody. `now` in `nanoseconds`.
    pub(crate) fn release(mut self, now: u64) {
        self.release_at(now);
    }

    fn release_at(&mut self, now: u64) {
        if let Some(owned) = self.owned.take() {
            let served_others = owned.served_others();
            owned.release(Owner::Unowned);
            match self.is_visit {
                true => self.handle.on_visit_end(),
                false => self.handle.on_release(served_others, now),
            }
        }
    }
}

impl Drop for ReactorGuard<'_> {
    fn drop(&mut self) {
        if self.owned.is_some() {
            self.release_at(nanoseconds());
        }
    }
}

impl ReactorHandle {
    /// Says whether the I/O thread, which is parked, is to look after callers that sleep.
    fn set_watchdog(&self, has_dependents: bool) {
        if self.watchdog.need(has_dependents) {
            let after = Duration::from_nanos(policy::WATCHDOG);
            self.wake_timer.set_if(after, |_, at| at == 0);
        }
    }
}

/// A thread that sleeps on a reactor's descriptor and owns nothing: a thread that needs the reactor takes it
/// meanwhile.
pub(crate) struct Watch<'a> {
    handle: &'a ReactorHandle,
    /// In `nanoseconds`.
    began: u64,
    /// The time until the next timer of the reactor.
    until_timer: Option<Duration>,
    /// The descriptor is ready for the I/O thread, which did not leave it yet.
    is_leaving: bool,
}

impl<'a> Watch<'a> {
    /// What to sleep on: ready when a descriptor of the reactor is. Nothing, for a moment, while it is
    /// ready for the I/O thread, which is about to leave it.
    pub(crate) fn descriptor(&self) -> PollDescriptor {
        PollDescriptor::new(if self.is_leaving { -1 } else { self.handle.poll }, libc::POLLIN)
    }

    /// When the reactor was released for the sleep, in `nanoseconds`.
    pub(crate) fn began(&self) -> u64 {
        self.began
    }

    /// How long to sleep, of a time that the caller wants to: not at all where the reactor has work.
    pub(crate) fn limit(&self, timeout: Option<Duration>) -> Option<Duration> {
        match (timeout, self.until_timer) {
            _ if self.handle.has_work() => Some(Duration::ZERO),
            (own, _) if self.is_leaving => Some(own.map_or(LEAVING, |own| own.min(LEAVING))),
            (Some(own), Some(timer)) => Some(own.min(timer)),
            (own, timer) => own.or(timer),
        }
    }

    /// After the sleep: takes the reactor again, and serves what is there; `None` where others have
    /// taken it over.
    pub(crate) fn reacquire(
        self,
        sockets: impl Iterator<Item = u64>,
        now: u64,
    ) -> Option<ReactorGuard<'a>> {
        let handle = self.handle;
        handle.pace.on_wake_up(now.saturating_sub(self.began));
        let Some(owned) = handle.reactor.acquire(Owner::CallerSleeps, Owner::Caller) else {
            // If the I/O thread only looks, it must not leave the reactor to this thread.
            handle.requests.make(Request::TakeOver);
            fence(Ordering::SeqCst);
            if handle.reactor.owner() == Owner::CallerSleeps {
                handle.wake_io_thread_within(0);
            }
            return None;
        };
        let mut guard = ReactorGuard { handle, owned: Some(owned), is_visit: false };
        guard.reactor()?.begin(sockets);
        // Not only where the messages before came from: their peer may have ended with the last one.
        guard.poll_once();
        Some(guard)
    }
}
