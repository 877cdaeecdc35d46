//! The I/O thread: it polls, until a caller takes the reactor or asks for it.

use super::policy::{self, Situation, Step};
use super::{HANDOVER, ReactorHandle, Request, WAKE};
use crate::error::Result;
use crate::io::event_descriptor::Event as _;
use crate::io::events::EventBuffer;
use crate::io::ownership::{Owner, OwnerGuard};
use crate::io::priority::Priority;
use crate::io::scheduling::{Scheduling, ThreadId};
use crate::io::sys::{self, nanoseconds};
use crate::io::{PollDescriptor, Reactor, poll_descriptors};
use crate::sync::CriticalSection;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

/// How the threads of a context are to run (zmq_ctx_set(3)).
#[derive(Debug, Clone, Default)]
pub(crate) struct ThreadSettings {
    /// The index of the thread in its context.
    pub number: usize,
    /// Name; the system shows 15 bytes of it.
    pub name: String,
    /// Its policy, priority and processors.
    pub scheduling: Scheduling,
}

/// Starts an I/O thread.
///
/// # Errors
/// Those of the system: descriptors or a thread cannot be had, or a thread that runs as it should.
pub(crate) fn start_thread(
    settings: ThreadSettings,
) -> Result<(Arc<ReactorHandle>, JoinHandle<()>)> {
    let ThreadSettings { number, name, scheduling } = settings;
    let handle = Arc::new(ReactorHandle::new(number)?);
    let own = handle.clone();
    let (tell, told) = sync_channel(1);
    let tell = (!scheduling.is_inherited()).then_some(tell);
    let thread = std::thread::Builder::new().name(name);
    let thread = sys::with_signals_blocked(|| {
        thread.spawn(move || {
            // Nobody receives only where nothing was to be applied.
            let inherits = tell.is_none();
            tell.inspect(|tell| tell.send(ThreadId::current()).unwrap_or_default());
            if inherits {
                let _ = own.priority.set(Priority::current());
            }
            own.run();
        })
    })?;
    // Applied from here: a thread of low priority would be late with its answer.
    if let Ok(number) = told.recv()
        && let Err(error) = scheduling.apply(number)
    {
        handle.stop();
        // It can only have ended by returning.
        let _ = thread.join();
        return Err(error.into());
    }
    Ok((handle, thread))
}

impl ReactorHandle {
    fn run(&self) {
        CriticalSection::enter_for_ever();
        let mut events = EventBuffer::new();
        let mut guard = self.reactor.acquire(Owner::Unowned, Owner::IoThread);
        loop {
            let own = guard.take().unwrap_or_else(|| self.park());
            if let Some(mut own) = self.poll_until_released(own, &mut events) {
                // With it go its sources, which may refer to this handle.
                drop(Reactor::end(&mut own));
                self.run_deferred_drops();
                // From here on a thread that schedules something empties the inbox itself.
                own.end();
                self.empty_inbox();
                return;
            }
        }
    }

    /// Leaves the reactor to callers until it is needed here.
    fn park(&self) -> OwnerGuard<'_, Reactor> {
        let mut watchdog = false;
        loop {
            let owner = self.reactor.owner();
            let situation = Situation {
                owner,
                is_needed: self.is_needed(),
                released_at: self.pace.released_at.load(Ordering::Relaxed),
                watchdog: std::mem::take(&mut watchdog),
            };
            match policy::next_step(nanoseconds(), situation) {
                Step::TakeOver => {
                    if let Some(guard) = self.reactor.acquire(owner, Owner::IoThread) {
                        return guard;
                    }
                    continue;
                }
                Step::Inspect => {
                    if let Some(guard) = self.inspect() {
                        return guard;
                    }
                    continue;
                }
                Step::Park => {}
                Step::ParkFor(rest) => {
                    self.wake_timer.set_if(Duration::from_nanos(rest), |_, at| at == 0);
                }
            }
            watchdog = !self.wake_timer.wait(self.watchdog_interval());
            self.run_deferred_drops();
        }
    }

    /// How long to be parked before looking after callers that sleep.
    fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.begin().then_some(Duration::from_nanos(policy::WATCHDOG))
    }

    /// Whether there is a reason to take the reactor before callers have stayed away for long.
    fn is_needed(&self) -> bool {
        self.has_work()
            || self.requests.is_open(Request::Stop)
            || self.requests.is_open(Request::TakeOver)
            || self.is_contested(nanoseconds())
    }

    /// Serves what a caller that sleeps on the descriptor should have served. Keeps the reactor, if
    /// there was something: that caller does not run.
    fn inspect(&self) -> Option<OwnerGuard<'_, Reactor>> {
        let mut guard = self.reactor.acquire(Owner::CallerSleeps, Owner::IoThreadInspects)?;
        let worked = [self.run_inbox(&mut guard), guard.run_timers(), guard.poll_once()];
        if worked.contains(&true) {
            guard.rename(Owner::IoThread);
            return Some(guard);
        }
        // This thread does not have to be told.
        let _ = self.watchdog.need(guard.has_dependents(nanoseconds()));
        // Behind the fence in `release`, `park` looks whether the caller has come meanwhile, and gone.
        guard.release(Owner::CallerSleeps);
        None
    }

    /// Polls until a caller has the reactor, or wants to: `None`, or until the thread is to end.
    fn poll_until_released<'a>(
        &'a self,
        mut guard: OwnerGuard<'a, Reactor>,
        events: &mut EventBuffer,
    ) -> Option<OwnerGuard<'a, Reactor>> {
        guard.begin(std::iter::empty());
        self.requests.withdraw(Request::TakeOver);
        // From a caller that does not wait any more.
        self.requests.withdraw(Request::HandOver);
        loop {
            self.run_inbox(&mut guard);
            guard.run_timers();
            self.run_deferred_drops();
            if self.requests.take(Request::HandOver) {
                self.hand_over(guard);
                return None;
            }
            if self.requests.is_open(Request::Stop) && !self.has_work() {
                return Some(guard);
            }
            let until_timer = guard.until_next_timer();
            guard.release(Owner::IoThreadSleeps);
            // Behind the fence in `release`, which pairs with those in `wake` and in `defer_drop`.
            let busy = self.has_work()
                || !self.deferred_drops.is_empty()
                || self.requests.is_open(Request::HandOver)
                || self.requests.is_open(Request::Stop);
            // Interrupted is impossible with signals blocked; any other failure leaves no events.
            let _ = events.take(self.poll, if busy { Some(Duration::ZERO) } else { until_timer });
            self.let_short_call_end();
            guard = match self.reactor.acquire_back() {
                Some(guard) => guard,
                None => {
                    self.leave_descriptor(events);
                    return None;
                }
            };
            self.note_look();
            for event in events.iter() {
                guard.serve(event);
            }
        }
    }

    /// A caller has asked for the reactor. It comes now, unless it does not wait any more.
    fn hand_over(&self, guard: OwnerGuard<'_, Reactor>) {
        self.pace.released_at.store(nanoseconds(), Ordering::Relaxed);
        self.wake_timer.set_if(Duration::from_nanos(policy::LEASE), |_, _| true);
        // For a sleeper that this thread has replaced since.
        self.requests.withdraw(Request::TakeOver);
        guard.release(Owner::Unowned);
        let waiter = self.handover_waiter.lock().take();
        waiter.inspect(|waiter| waiter.notify());
        self.check_inbox();
    }

    /// A caller has taken the reactor over while this thread slept on its descriptor: it serves what
    /// was found here.
    fn leave_descriptor(&self, events: &EventBuffer) {
        let events = events.iter().filter(|event| !matches!(event.token, HANDOVER | WAKE));
        events.for_each(|event| self.found.push(event));
        let mut signal = [PollDescriptor::new(self.handover.as_raw_fd(), libc::POLLIN)];
        while self.handover.clear() == 0 {
            // The caller is about to signal it.
            let _ = poll_descriptors(&mut signal, None);
        }
        self.requests.withdraw(Request::LeaveDescriptor);
        // Pairs with the fence in `OwnerGuard::release`: either the caller sees what was found, or
        // `park` sees that it has let go.
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_that_is_replaced_while_the_io_thread_inspects_is_not_relied_on() {
        let handle = ReactorHandle::new(0).unwrap();
        let guard = handle.reactor.acquire(Owner::Unowned, Owner::IoThreadInspects).unwrap();
        handle.replace_sleeper();
        guard.release(Owner::CallerSleeps);
        assert!(handle.is_needed());
    }

    #[test]
    fn a_thread_that_wakes_up_late_still_replaces_the_sleeper() {
        let handle = ReactorHandle::new(0).unwrap();
        handle.reactor.acquire(Owner::Unowned, Owner::Caller).unwrap().release(Owner::CallerSleeps);
        handle.replace_sleeper();
        handle.contested_until.store(0, Ordering::SeqCst);
        assert!(handle.is_needed());
    }
}
