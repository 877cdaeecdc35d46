//! How a call waits for events of its sockets: it polls their reactor itself where it can, spins for a
//! moment before it sleeps where that has paid off, and then sleeps, owning nothing.

use crate::error::Result;
use crate::io::{
    PollDescriptor, PooledWaiter, ReactorGuard, ReactorHandle, WITHOUT_DESCRIPTOR, Waiter,
    WaiterPool, Watch, nanoseconds, sleep,
};
use crate::mailbox::{Mailbox, PollGroup, SpinPolicy, SpinStep};
use crate::sync::CriticalSection;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// More sockets than this are not distinguished from those of others.
pub(super) const MAX_TRACKED_SOCKETS: usize = 16;

/// What a waiting call knows of a socket.
#[derive(Clone)]
pub(crate) struct WaitSource {
    pub(super) mailbox: Arc<Mailbox>,
    /// Serves the socket's connections, once there are any.
    pub(super) reactor: Option<Arc<ReactorHandle>>,
    /// The generation of the mailbox when the socket was looked at.
    seen: Cell<u64>,
}

impl WaitSource {
    /// A socket that was just looked at, under its lock.
    pub(super) fn new(mailbox: Arc<Mailbox>, reactor: Option<Arc<ReactorHandle>>) -> Self {
        let seen = Cell::new(mailbox.generation());
        Self { mailbox, reactor, seen }
    }

    /// The socket is about to be looked at, or was under its lock, which is still held.
    pub(super) fn begin_check(&self) {
        self.seen.set(self.mailbox.generation());
    }

    /// Whether a look may find something: there are events, or another thread has taken some.
    fn is_ready(&self) -> bool {
        !self.mailbox.is_empty() || self.mailbox.generation() != self.seen.get()
    }
}

/// What a call waits for.
#[derive(Clone, Copy)]
struct WaitSet<'a> {
    /// The sockets; of a poll group some of them.
    watched: &'a [WaitSource],
    /// The poll group that they are, and how often it had changed.
    poll_group: Option<(&'a PollGroup, u64)>,
    /// They are all that is waited for, and few.
    told_apart: bool,
}

/// A call that waits for events of some sockets, perhaps several times. While it lives it may poll
/// their reactor; it holds no lock of a socket.
pub(crate) struct Wait<'a> {
    set: WaitSet<'a>,
    pool: &'a WaiterPool,
    deadline: Option<Instant>,
    /// Some of these have events already.
    found_news: bool,
    guard: Option<ReactorGuard<'a>>,
    waiter: Option<PooledWaiter<'a>>,
    /// After the two above, which are dropped before it ends.
    critical: Option<CriticalSection>,
}

impl<'a> Wait<'a> {
    /// Begins to wait, until the deadline; for ever without one.
    pub(crate) fn new(
        watched: &'a [WaitSource],
        pool: &'a WaiterPool,
        deadline: Option<Instant>,
    ) -> Self {
        let told_apart = watched.len() <= MAX_TRACKED_SOCKETS;
        let awaited = WaitSet { watched, poll_group: None, told_apart };
        Self {
            set: awaited,
            pool,
            deadline,
            found_news: false,
            guard: None,
            waiter: None,
            critical: None,
        }
    }

    /// Sleeps with this signal mask.
    #[must_use]
    pub(super) fn with_mask(mut self, mask: Option<&libc::sigset_t>) -> Self {
        self.critical = mask.map(CriticalSection::enter_with_mask);
        self
    }

    /// Waits for a change of the poll group, of which this was the generation, and not only for those of its
    /// sockets that are watched.
    #[must_use]
    pub(super) fn in_poll_group(mut self, group: Option<(&'a PollGroup, u64)>) -> Self {
        self.set.told_apart &= group.is_none();
        self.set.poll_group = group;
        self
    }

    /// Waits for a change of a poller's group, of which this was the generation; `all` says whether the
    /// sockets that are watched are all that the poller has.
    #[must_use]
    pub(super) fn in_poller(mut self, group: &'a PollGroup, seen: u64, all: bool) -> Self {
        self.set.told_apart &= all;
        self.set.poll_group = Some((group, seen));
        self
    }

    /// The caller is about to check the sockets: what happens from here on is a new event.
    pub(crate) fn begin_check(&mut self) {
        if let Some((group, seen)) = &mut self.set.poll_group {
            *seen = group.generation();
        } else {
            self.set.watched.iter().for_each(WaitSource::begin_check);
        }
    }

    /// Returns when a socket has an event, when one of the descriptors is ready, when the
    /// deadline is over, or for no reason.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`] when a signal handler ran.
    pub(crate) fn next(&mut self, descriptors: &mut Vec<PollDescriptor>) -> Result<()> {
        let reactor = self.reactor();
        let now = nanoseconds();
        self.try_acquire(reactor, now);
        if self.spin(now, descriptors.is_empty()) {
            return Ok(());
        }
        match self.guard.take().and_then(ReactorGuard::watch) {
            Some(watch) => self.sleep_watching(watch, descriptors),
            None => self.sleep_blocked(reactor, descriptors),
        }
    }

    /// Polls, if it can, until something happened; false at the deadline, if it cannot, or when a
    /// signal handler ran. For calls that have done already what they were asked for: they end then,
    /// and return their success rather than EINTR.
    pub(crate) fn drive_once(&mut self) -> bool {
        let left = self.left();
        let Some(reactor) = self.reactor().filter(|_| left != Some(Duration::ZERO)) else {
            return false;
        };
        if self.guard.as_ref().is_some_and(ReactorGuard::serves_others) {
            return false;
        }
        // It is no measure of waits for events.
        self.found_news = true;
        self.critical.get_or_insert_with(CriticalSection::enter);
        if self.guard.is_none() {
            self.guard = reactor.try_acquire(self.numbers(), true, nanoseconds());
        }
        let mut none = Vec::new();
        if let Some(guard) = &mut self.guard {
            if guard.run_scheduled() {
                return true;
            }
            let watch = self.guard.take().and_then(ReactorGuard::watch);
            return watch.is_some_and(|watch| self.sleep_watching(watch, &mut none).is_ok());
        }
        self.take_waiter();
        let critical = self.critical.get_or_insert_with(CriticalSection::enter);
        let Some(waiter) = &self.waiter else {
            return false;
        };
        reactor.request_handover(waiter) && waiter.wait(critical, &mut none, left).is_ok()
    }

    /// Starts to poll, if no other thread does and it pays off.
    fn try_acquire(&mut self, reactor: Option<&'a ReactorHandle>, now: u64) {
        if let Some(reactor) = reactor {
            self.critical.get_or_insert_with(CriticalSection::enter);
            if self.guard.is_none() && self.expects_events() {
                self.guard = reactor.try_acquire(self.numbers(), self.is_back_soon(now), now);
            }
        }
    }

    fn take_waiter(&mut self) {
        // The pool is locked.
        self.critical.get_or_insert_with(CriticalSection::enter);
        if self.waiter.is_none() {
            self.waiter = self.pool.take().ok();
        }
    }

    /// Sleeps on the descriptor of the reactor, which others may take meanwhile.
    fn sleep_watching(
        &mut self,
        watch: Watch<'a>,
        descriptors: &mut Vec<PollDescriptor>,
    ) -> Result<()> {
        let (awaited, left) = (self.set, self.left());
        self.take_waiter();
        let critical = self.critical.get_or_insert_with(CriticalSection::enter);
        descriptors.push(watch.descriptor());
        awaited.set_sleeper(true);
        let outcome = match &self.waiter {
            Some(waiter) => awaited.while_listed(waiter, || {
                let left = if awaited.is_ready() { Some(Duration::ZERO) } else { left };
                waiter.wait(critical, descriptors, watch.limit(left))
            }),
            None => {
                let moment = left.unwrap_or(WITHOUT_DESCRIPTOR).min(WITHOUT_DESCRIPTOR);
                sleep(critical, descriptors, watch.limit(Some(moment)))
            }
        };
        descriptors.pop();
        awaited.set_sleeper(false);
        let (began, now) = (watch.began(), nanoseconds());
        self.guard = watch.reacquire(self.numbers(), now);
        if awaited.is_ready() {
            self.found_news = true;
            if let Some(policy) = self.spin_policy() {
                policy.record_park(now.saturating_sub(began));
            }
        }
        outcome
    }

    /// Sleeps while others poll.
    fn sleep_blocked(
        &mut self,
        reactor: Option<&'a ReactorHandle>,
        descriptors: &mut Vec<PollDescriptor>,
    ) -> Result<()> {
        let (awaited, left) = (self.set, self.left());
        self.critical.get_or_insert_with(CriticalSection::enter);
        let blocked = reactor.map(ReactorHandle::block_on);
        let now = nanoseconds();
        self.try_acquire(reactor, now);
        if self.guard.is_some() {
            // The thread that polled stopped before it could see that we wait.
            return Ok(());
        }
        if !awaited.is_empty() {
            self.take_waiter();
        }
        let asks = self.is_back_soon(now) && self.expects_events();
        let critical = self.critical.get_or_insert_with(CriticalSection::enter);
        let Some(waiter) = &self.waiter else {
            // No descriptor can be had to be woken by, or none is needed.
            let moment = left.unwrap_or(WITHOUT_DESCRIPTOR).min(WITHOUT_DESCRIPTOR);
            return sleep(
                critical,
                descriptors,
                if awaited.is_empty() { left } else { Some(moment) },
            );
        };
        let outcome = awaited.while_listed(waiter, || {
            if awaited.is_ready() {
                return Ok(());
            }
            if let Some(reactor) = reactor.filter(|_| asks) {
                reactor.request_handover(waiter);
            }
            waiter.wait(critical, descriptors, left)
        });
        drop(blocked);
        self.found_news |= awaited.is_ready();
        outcome
    }

    /// The time until the deadline.
    fn left(&self) -> Option<Duration> {
        self.deadline.map(|own| own.saturating_duration_since(Instant::now()))
    }

    /// The reactor to poll: with several I/O threads, that of one of the sockets. Events from
    /// others wake the caller.
    fn reactor(&self) -> Option<&'a ReactorHandle> {
        self.set.watched.iter().find_map(|watched| watched.reactor.as_deref())
    }

    fn spin_policy(&self) -> Option<&'a SpinPolicy> {
        self.set.watched.first().map(|watched| &watched.mailbox.spin_policy)
    }

    /// The numbers of the sockets, if they are distinguished from others.
    fn numbers(&self) -> impl Iterator<Item = u64> + use<'a> {
        let WaitSet { watched, told_apart, .. } = self.set;
        let watched = if told_apart { watched } else { &[] };
        watched.iter().map(|own| own.mailbox.number)
    }

    fn expects_events(&self) -> bool {
        self.spin_policy().is_none_or(SpinPolicy::expects_news)
    }

    /// Whether the socket is waited for so often that its caller should poll.
    fn is_back_soon(&self, now: u64) -> bool {
        self.spin_policy().is_some_and(|own| own.is_back_soon(now))
    }

    /// Spins for events for a moment, where that is promising; true if there are any. Not where
    /// another thread has to run first, which spinning would only keep a processor from. Goes on
    /// while pieces of a message come only if spinning sees all that is awaited.
    fn spin(&mut self, began: u64, goes_on: bool) -> bool {
        let Some(policy) = self.spin_policy().filter(|_| {
            self.guard.is_some() || self.set.watched.iter().all(|own| own.reactor.is_none())
        }) else {
            return false;
        };
        let Some(mut spin) = policy.begin_spin(began) else {
            return false;
        };
        if goes_on {
            spin.go_on_for(self.left().map_or(u64::MAX, |left| left.as_nanos() as u64));
        }
        let mut put_off = false;
        loop {
            let mut served = false;
            match &mut self.guard {
                Some(guard) => served = guard.look(spin.last_look()) && !guard.serves_others(),
                None => (0..16).for_each(|_| std::hint::spin_loop()),
            }
            let now = nanoseconds();
            let is_ready = self.set.is_ready();
            let step = spin.looked(now, served, is_ready);
            if let SpinStep::End(outcome) = step {
                policy.end_spin(spin, outcome);
                self.found_news |= is_ready;
                return is_ready;
            }
            if let SpinStep::Idle { interruptible } = step {
                if let Some(guard) = self.guard.as_ref().filter(|_| !put_off) {
                    guard.postpone_wake_timer();
                    put_off = true;
                }
                if !interruptible {
                    self.critical.get_or_insert_with(CriticalSection::enter);
                }
            }
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let now = nanoseconds();
        if let Some(policy) = self.spin_policy() {
            policy.wait_ended(now, self.found_news);
        }
        if let Some(guard) = self.guard.take() {
            guard.release(now);
        }
    }
}

impl WaitSet<'_> {
    /// Records that a thread sleeps on the reactor for these sockets, or that it woke up.
    fn set_sleeper(self, sleeps: bool) {
        let mailboxes = self.watched.iter().map(|own| &own.mailbox);
        mailboxes.for_each(|mailbox| mailbox.has_sleeper.store(sleeps, Ordering::Relaxed));
    }

    fn is_empty(self) -> bool {
        self.watched.is_empty() && self.poll_group.is_none()
    }

    fn is_ready(self) -> bool {
        match self.poll_group {
            Some((group, seen)) => group.generation() != seen,
            None => self.watched.iter().any(WaitSource::is_ready),
        }
    }

    /// Calls `sleep` while the waiter is in the lists of all that is awaited: it checks for events,
    /// and what comes after that ends its sleep.
    fn while_listed(self, waiter: &Arc<Waiter>, sleep: impl FnOnce() -> Result<()>) -> Result<()> {
        let lists = || {
            let group = self.poll_group.map(|(group, _)| &group.waiters);
            let watched = if group.is_some() { &[] } else { self.watched };
            watched.iter().map(|own| &own.mailbox.waiters).chain(group)
        };
        lists().for_each(|list| list.add(waiter));
        let outcome = sleep();
        lists().for_each(|list| list.remove(waiter));
        outcome
    }
}
