//! Who polls a reactor. Its I/O thread does, unless a thread of the application that waits for
//! messages does it itself: then a message costs one wake-up, or none, instead of two.
//!
//! [`Owner`] is the state, [`policy`] says when it changes. A caller owns the reactor for moments, in
//! which it can be neither interrupted nor cancelled ([`CriticalSection`]); while it sleeps it owns
//! nothing, and a thread that needs the reactor takes it without the sleeper's help. Where nobody polls, the
//! I/O thread sleeps on a timer: it takes over when the callers have stayed away for about a
//! millisecond, or for longer than they used to where something was scheduled: a caller that waits
//! again soon does it itself, many messages at a time. It takes over at once where other sockets were
//! served or wait; after that callers leave the reactor to it for a while.

mod caller;
mod policy;
mod poll_before_send;
mod requests;
mod thread;

pub(crate) use caller::{ReactorGuard, Watch};
pub(crate) use poll_before_send::Sends;
pub(crate) use thread::{ThreadSettings, start_thread};

use super::Waiter;
use super::event_descriptor::EventDescriptor;
use super::events::{Event, add_persistent};
use super::inbox::{Inbox, InboxEntry};
use super::ownership::{Owned, Owner};
use super::priority::Priority;
use super::reactor::{EventHandler, Reactor, watch};
use super::sys::{current_processor, insist, nanoseconds};
use super::wake_timer::WakeTimer;
use crate::message::Message;
use crate::sync::{CriticalSection, Mutex, RaceLazy};
use crossbeam_queue::SegQueue;
use mio::{Poll, Registry, Token};
use policy::{Sleeps, update_ewma};
use requests::{Request, Requests, Watchdog};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const WAKE: Token = Token(usize::MAX);
/// The I/O thread sleeps on the descriptor, and a caller took the reactor over.
const HANDOVER: Token = Token(usize::MAX - 1);

/// For tests: with LIBZMQ_TEST_DRIVER=caller callers ask for the reactor whatever else waits, with
/// =thread none does.
static FORCED: RaceLazy<Option<bool>> =
    RaceLazy::new(|| match std::env::var("LIBZMQ_TEST_DRIVER") {
        Ok(driver) if driver == "caller" => Some(true),
        Ok(driver) if driver == "thread" => Some(false),
        _ => None,
    });

/// The part of a reactor that all threads use.
pub(crate) struct ReactorHandle {
    /// The index of this reactor in its context.
    number: usize,
    registry: Registry,
    waker: mio::Waker,
    /// The epoll instance, which the reactor owns.
    poll: RawFd,
    /// Readable while the I/O thread is to leave its sleep on the descriptor to a caller.
    handover: EventDescriptor,
    inbox: Inbox,
    /// Events that the I/O thread took while a caller took the reactor over.
    found: SegQueue<Event>,
    /// Messages for the I/O thread to drop.
    deferred_drops: SegQueue<Message>,
    reactor: Owned<Reactor>,
    /// What is wanted of the I/O thread.
    requests: Requests,
    /// The processor of a thread in a [`ShortCall`], plus 1; 0 without one.
    short_call: AtomicU32,
    /// Descriptors that it serves, to place new ones where the load is least.
    load: Arc<AtomicUsize>,
    /// What the I/O thread sleeps on while it is parked.
    wake_timer: WakeTimer,
    pace: Pace,
    /// The caller that asks the I/O thread for the reactor.
    handover_waiter: Mutex<Option<Arc<Waiter>>>,
    /// Callers leave the reactor to the I/O thread until then, in `nanoseconds`.
    contested_until: AtomicU64,
    /// Callers that wait without polling.
    blocked_callers: AtomicUsize,
    /// For the caller that sleeps on the reactor.
    watchdog: Watchdog,
    /// How the I/O thread runs; unset where it runs in a way of its own, which no caller shares.
    priority: OnceLock<Priority>,
}

/// What callers did lately, in nanoseconds.
#[derive(Default)]
struct Pace {
    /// When the last caller released the reactor.
    released_at: AtomicU64,
    /// When the I/O thread, or a caller at a glance, last looked at the descriptors.
    looked_at: AtomicU64,
    /// When a caller that spins last asked for the events of all descriptors.
    polled_at: AtomicU64,
    /// The average time until a caller came back; at most a lease.
    avg_gap: AtomicU64,
    /// Something was scheduled when the last caller came back.
    schedules: AtomicBool,
    /// The average sleep of callers that polled; at most a lease.
    avg_sleep: AtomicU64,
    /// The last of these sleeps was longer than a lease.
    last_sleep_was_long: AtomicBool,
}

impl std::fmt::Debug for ReactorHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ReactorHandle").field("load", &self.load).finish_non_exhaustive()
    }
}

impl ReactorHandle {
    fn new(number: usize) -> std::io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(poll.registry(), WAKE)?;
        let handover = EventDescriptor::new()?;
        add_persistent(poll.as_raw_fd(), handover.as_raw_fd(), HANDOVER)?;
        let load = Arc::new(AtomicUsize::new(0));
        Ok(Self {
            number,
            registry,
            waker,
            poll: poll.as_raw_fd(),
            handover,
            inbox: Inbox::new(),
            found: SegQueue::new(),
            deferred_drops: SegQueue::new(),
            reactor: Owned::new(Reactor::new(poll, load.clone())),
            requests: Requests::default(),
            short_call: AtomicU32::new(0),
            load,
            wake_timer: WakeTimer::new()?,
            pace: Pace::default(),
            handover_waiter: Mutex::new(None),
            contested_until: AtomicU64::new(0),
            blocked_callers: AtomicUsize::new(0),
            watchdog: Watchdog::default(),
            priority: OnceLock::new(),
        })
    }

    /// Has `source.on_run` called by the thread that polls, soon; once, if its entry waits already.
    pub(crate) fn schedule(&self, entry: &InboxEntry, source: Arc<dyn EventHandler>) {
        if !self.inbox.push(entry, source) {
            return;
        }
        self.wake();
        // Behind the fence in `wake`, which pairs with the one in `OwnerGuard::end`.
        if self.reactor.owner() == Owner::Ended {
            self.empty_inbox();
        }
    }

    /// The calling thread schedules something in a call that does little else, and ends soon.
    pub(crate) fn enter_short_call(&self) -> ShortCall<'_> {
        // Relaxed: a hint, for a thread that runs on the same processor.
        self.short_call.store(current_processor().saturating_add(1), Ordering::Relaxed);
        ShortCall(self)
    }

    /// The I/O thread was woken. Where the system runs it in the place of the thread that woke it, that
    /// thread's short call goes first.
    fn let_short_call_end(&self) {
        let waking = self.short_call.load(Ordering::Relaxed);
        if waking != 0 && waking == current_processor().saturating_add(1) {
            // Once for each call: a thread that was lost in one does not come back.
            self.short_call.store(0, Ordering::Relaxed);
            std::thread::yield_now();
        }
    }

    /// What is in the inbox may hold on to this handle.
    fn empty_inbox(&self) {
        drop(self.inbox.take());
    }

    /// Has the I/O thread drop messages soon: their free functions are the application's, which
    /// expects them on a thread that is not in one of its calls, and without our locks held.
    pub(crate) fn defer_drop(&self, messages: impl Iterator<Item = Message>) {
        let _critical = CriticalSection::enter();
        messages.for_each(|message| self.deferred_drops.push(message));
        // Pairs with the fence before the I/O thread sleeps: either it is found there, and woken, or
        // it finds the messages.
        fence(Ordering::SeqCst);
        match self.reactor.owner() {
            Owner::IoThread | Owner::IoThreadSleeps | Owner::IoThreadWoken | Owner::Ended => {
                self.wake();
            }
            _ => {
                self.wake_timer.set_if(Duration::from_nanos(policy::LEASE), |_, at| at == 0);
            }
        }
    }

    /// Whether the wake timer may ring later than it is set to: messages to drop wait for it, and a
    /// caller that is always back in time would put it off for ever.
    fn may_put_off(&self) -> bool {
        self.deferred_drops.is_empty()
    }

    fn run_deferred_drops(&self) {
        while self.deferred_drops.pop().is_some() {}
    }

    /// Has a thread look into the inbox.
    fn wake(&self) {
        // Pairs with the fence in `OwnerGuard::release`: either we see that nobody is active, or the
        // owner sees what we pushed.
        fence(Ordering::SeqCst);
        match self.reactor.owner() {
            Owner::Caller | Owner::IoThread | Owner::IoThreadInspects => {}
            Owner::IoThreadWoken | Owner::Ended => {}
            Owner::IoThreadSleeps => self.wake_from_descriptor(),
            // The caller that sleeps there may not run soon.
            Owner::CallerSleeps => self.wake_io_thread_within(0),
            Owner::Unowned => self.wake_io_thread_promptly(),
        }
    }

    /// Wakes the I/O thread that sleeps on the descriptor, once for each of its sleeps.
    fn wake_from_descriptor(&self) {
        let _critical = CriticalSection::enter();
        // Only one thread wakes it; one of low priority leaves the state as it is, as others rely on the
        // wake-up that follows.
        if !self.may_poll(nanoseconds()) || self.reactor.begin_wake() {
            // What fails time after time cannot be helped.
            let _ = insist(|| self.waker.wake());
        }
    }

    /// Has the I/O thread take over for what is scheduled, unless a caller comes back as usual.
    fn wake_io_thread_promptly(&self) {
        let (_, latest) = policy::prompt_times(self.pace.avg_gap.load(Ordering::Relaxed));
        self.wake_io_thread_within(latest);
    }

    /// Has the I/O thread take over within this time, unless a caller does before.
    fn wake_io_thread_within(&self, time: u64) {
        let _critical = CriticalSection::enter();
        if time == 0 || !self.may_poll(nanoseconds()) {
            // The wake timer is locked while it is set, which a thread of low priority must not do.
            return self.wake_timer.call();
        }
        let after = Duration::from_nanos(time);
        self.wake_timer.set_if(after, |now, at| at == 0 || at > now + time);
    }

    /// Has the I/O thread take over at once, and callers leave the reactor to it for a while.
    fn wake_io_thread_now(&self) {
        let until = nanoseconds() + policy::CONTESTED;
        self.contested_until.store(until, Ordering::Relaxed);
        // The lease is over.
        self.pace.released_at.store(0, Ordering::Relaxed);
        self.requests.make(Request::TakeOver);
        let _critical = CriticalSection::enter();
        self.wake_timer.call();
    }

    /// Whether callers are to leave the reactor to the I/O thread.
    fn is_contested(&self, now: u64) -> bool {
        let until = self.contested_until.load(Ordering::Relaxed);
        until != 0 && *FORCED != Some(true) && now < until
    }

    /// Nobody polls, but a caller that did is expected back soon.
    pub(crate) fn is_unattended(&self) -> bool {
        self.reactor.owner() == Owner::Unowned
    }

    /// Something is scheduled that did not run yet.
    pub(crate) fn has_scheduled(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// The index of this reactor in its context.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Descriptors that it serves.
    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Ends the I/O thread after what is scheduled by now.
    pub(crate) fn stop(&self) {
        self.requests.make(Request::Stop);
        self.wake();
        let _critical = CriticalSection::enter();
        self.wake_timer.call();
    }

    /// Changes what a registered descriptor is watched for; from any thread.
    pub(crate) fn watch(
        &self,
        descriptor: RawFd,
        token: usize,
        writable: bool,
    ) -> std::io::Result<()> {
        watch(&self.registry, descriptor, token, writable)
    }

    /// Runs what is scheduled now, and serves what others found; what is scheduled during that waits
    /// for the next round. True if there was something.
    fn run_inbox(&self, reactor: &mut Reactor) -> bool {
        if self.inbox.is_empty() && self.found.is_empty() {
            return false;
        }
        while let Some(event) = self.found.pop() {
            reactor.serve(event);
        }
        // What is scheduled may write: what goes to a peer that has ended its connection meanwhile is lost.
        if self.is_outdated(nanoseconds()) {
            reactor.poll_once();
            self.note_look();
        }
        for source in self.inbox.take() {
            reactor.note(&*source);
            source.on_run(reactor);
        }
        true
    }

    /// Whether the owner has something to do before it sleeps.
    fn has_work(&self) -> bool {
        !self.inbox.is_empty() || !self.found.is_empty()
    }

    /// After the reactor was released to nobody, and after the wake timer was put off.
    fn check_inbox(&self) {
        // Pairs with the fence in `wake`: either the thread that schedules sees that nobody polls, and
        // sets the wake timer after us, or we see what it pushed.
        fence(Ordering::SeqCst);
        if self.has_work() {
            self.wake_io_thread_promptly();
        }
    }
}

/// See [`ReactorHandle::enter_short_call`].
pub(crate) struct ShortCall<'a>(&'a ReactorHandle);

impl Drop for ShortCall<'_> {
    fn drop(&mut self) {
        self.0.short_call.store(0, Ordering::Relaxed);
    }
}

impl Pace {
    /// A caller is back.
    fn on_acquire(&self, schedules: bool, now: u64) {
        let gap = now.saturating_sub(self.released_at.load(Ordering::Relaxed));
        self.avg_gap
            .store(update_ewma(self.avg_gap.load(Ordering::Relaxed), gap), Ordering::Relaxed);
        self.schedules.store(schedules, Ordering::Relaxed);
    }

    fn sleeps(&self) -> Sleeps {
        Sleeps {
            average: self.avg_sleep.load(Ordering::Relaxed),
            last_was_long: self.last_sleep_was_long.load(Ordering::Relaxed),
        }
    }

    /// A caller that polled slept for this long.
    fn on_wake_up(&self, slept: u64) {
        self.last_sleep_was_long.store(slept > policy::LEASE, Ordering::Relaxed);
        let average = self.avg_sleep.load(Ordering::Relaxed);
        self.avg_sleep.store(update_ewma(average, slept), Ordering::Relaxed);
    }
}
