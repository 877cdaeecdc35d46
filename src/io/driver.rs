//! Who drives a reactor. Its I/O thread does, unless a thread of the application that waits for
//! messages does it itself: then a message costs one wake-up, or none, instead of two.
//!
//! ```text
//!              a caller comes back soon                a caller waits
//!   I/O thread ------------------------> nobody <------------------------> caller
//!     drives   <------------------------         ------------------------> drives
//!              the alarm rings                         it has its message
//! ```
//!
//! Where nobody drives, the I/O thread sleeps on an alarm: it takes over when the callers have
//! stayed away for about a millisecond, or for longer than they used to where something was
//! scheduled: a caller that waits again soon does it itself, many messages at a time. It takes
//! over at once where others were served or wait; after that callers leave the reactor to it for
//! a while.

use super::alarm::Alarm;
use super::reactor::{Reactor, Source, watch};
use super::sys::{self, nanoseconds};
use super::waiter::sleep_error;
use super::{PollDescriptor, Waiter};
use crate::error::{Error, Result};
use crate::message::Message;
use crossbeam_queue::SegQueue;
use mio::{Poll, Registry, Token};
use parking_lot::{Mutex, MutexGuard};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;

const WAKE: Token = Token(usize::MAX);

/// Callers that stay away so long lose the reactor to the I/O thread.
const LEASE: Duration = Duration::from_micros(1250);
/// The alarm is put off only when it would ring sooner than this: a system call.
const LEASE_LEFT: Duration = Duration::from_micros(250);
/// Who looks for an answer does it sooner, while it has nothing else to do.
const LEASE_LEFT_LOOKING: Duration = Duration::from_micros(500);
/// Where something is scheduled, the I/O thread takes over when callers stay away this much
/// longer than twice the time that they used to.
const GRACE: Duration = Duration::from_micros(20);
/// It may be so much later, for the alarm to serve several absences: setting it is a system call.
const SLACK: Duration = Duration::from_micros(150);
/// After the I/O thread was called for others, callers leave the reactor to it so long.
const CONTESTED: Duration = Duration::from_millis(20);

/// For tests: with LIBZMQ_TEST_DRIVER=caller callers ask to drive whoever else waits, with =thread
/// none does.
static FORCED: LazyLock<Option<bool>> =
    LazyLock::new(|| match std::env::var("LIBZMQ_TEST_DRIVER") {
        Ok(driver) if driver == "caller" => Some(true),
        Ok(driver) if driver == "thread" => Some(false),
        _ => None,
    });

/// The part of a reactor that all threads use.
pub struct ReactorHandle {
    registry: Registry,
    waker: mio::Waker,
    inbox: SegQueue<Arc<dyn Source>>,
    /// Messages for the I/O thread to drop.
    discarded: SegQueue<Message>,
    /// The I/O thread has ended: nobody looks into the inbox any more.
    ended: AtomicBool,
    /// Held by who drives. `None` once the I/O thread has ended.
    reactor: Mutex<Option<Reactor>>,
    /// Somebody holds `reactor`, and looks into the inbox before it lets go and afterwards.
    driven: AtomicBool,
    /// The driver sleeps, or is about to, and must be woken for what comes into the inbox.
    asleep: AtomicBool,
    stopping: AtomicBool,
    /// Descriptors that it serves, to place new ones where the load is least.
    load: Arc<AtomicUsize>,
    /// What the I/O thread sleeps on while it does not drive.
    alarm: Alarm,
    /// When the last caller stopped driving, in `nanoseconds`.
    left_at: AtomicU64,
    /// How long callers used to stay away lately, in nanoseconds; at most a lease.
    usual_absence: AtomicU64,
    /// Something was scheduled when the last caller came back.
    schedules: AtomicBool,
    /// How long callers that drove used to sleep lately, in nanoseconds; at most a lease.
    usual_sleep: AtomicU64,
    /// The last sleep of a caller that drove was longer than a lease.
    rarely: AtomicBool,
    /// The I/O thread drives: a caller may ask it to make way.
    by_io_thread: AtomicBool,
    /// A caller asks: this one.
    make_way: AtomicBool,
    asker: Mutex<Option<Arc<Waiter>>>,
    /// Callers leave the reactor to the I/O thread until then, in `nanoseconds`.
    contested_until: AtomicU64,
    /// Callers that wait without driving.
    onlookers: AtomicUsize,
    /// Wakes the caller that drives.
    waiter: Arc<Waiter>,
}

/// How the threads of a context are to run (zmq_ctx_set(3)).
#[derive(Debug, Clone, Default)]
pub struct ThreadSettings {
    /// Name; the system shows 15 bytes of it.
    pub name: String,
    /// ZMQ_THREAD_SCHED_POLICY, -1 for the default.
    pub policy: i32,
    /// ZMQ_THREAD_PRIORITY, -1 for the default.
    pub priority: i32,
    /// Processors of ZMQ_THREAD_AFFINITY_CPU_ADD; empty for all.
    pub affinity: Vec<usize>,
}

/// Starts an I/O thread.
///
/// # Errors
/// [`Error::TooManyOpen`] when descriptors or threads cannot be had.
pub fn start_thread(settings: ThreadSettings) -> Result<(Arc<ReactorHandle>, JoinHandle<()>)> {
    let start = || -> std::io::Result<_> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(poll.registry(), WAKE)?;
        let alarm = Alarm::new()?;
        let load = Arc::new(AtomicUsize::new(0));
        let handle = Arc::new_cyclic(|own| ReactorHandle {
            registry,
            waker,
            inbox: SegQueue::new(),
            discarded: SegQueue::new(),
            ended: AtomicBool::new(false),
            reactor: Mutex::new(Some(Reactor::new(poll, load.clone()))),
            driven: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            load,
            alarm,
            left_at: AtomicU64::new(0),
            usual_absence: AtomicU64::new(0),
            schedules: AtomicBool::new(false),
            usual_sleep: AtomicU64::new(0),
            rarely: AtomicBool::new(false),
            by_io_thread: AtomicBool::new(false),
            make_way: AtomicBool::new(false),
            asker: Mutex::new(None),
            contested_until: AtomicU64::new(0),
            onlookers: AtomicUsize::new(0),
            waiter: Arc::new(Waiter::Driver(own.clone())),
        });
        let own = handle.clone();
        let thread = std::thread::Builder::new().name(settings.name.clone()).spawn(move || {
            sys::set_scheduling(settings.policy, settings.priority);
            sys::set_affinity(&settings.affinity);
            own.serve();
        })?;
        Ok((handle, thread))
    };
    sys::with_signals_blocked(start).map_err(|_| Error::TooManyOpen)
}

impl std::fmt::Debug for ReactorHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ReactorHandle").field("load", &self.load).finish_non_exhaustive()
    }
}

impl ReactorHandle {
    /// Has `source.on_run` called by the driver, soon.
    pub fn schedule(&self, source: Arc<dyn Source>) {
        self.inbox.push(source);
        self.wake();
        // Behind the fence in `wake`, which pairs with the one in `serve`.
        if self.ended.load(Ordering::SeqCst) {
            self.empty_inbox();
        }
    }

    /// What stands in the inbox may hold on to this handle.
    fn empty_inbox(&self) {
        while self.inbox.pop().is_some() {}
    }

    /// Has the I/O thread drop messages soon: their free functions are the application's, which
    /// expects them on a thread that is not amid one of its calls, and without our locks held.
    pub fn discard(&self, messages: impl Iterator<Item = Message>) {
        messages.for_each(|message| self.discarded.push(message));
        self.wake();
        if !self.by_io_thread.load(Ordering::SeqCst) {
            self.call_promptly();
        }
    }

    fn drop_discarded(&self) {
        while self.discarded.pop().is_some() {}
    }

    /// Sees to it that somebody looks into the inbox.
    pub(super) fn wake(&self) {
        // Pairs with the fences before the inbox is checked for the last time: either we see that
        // the driver sleeps or is gone, or it sees what we pushed.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) {
            if self.asleep.swap(false, Ordering::AcqRel) {
                // A failed wake-up would mean a full counter, that is, one under way.
                let _ = self.waker.wake();
            }
        } else if !self.driven.load(Ordering::SeqCst) {
            self.call_promptly();
        }
    }

    /// Has the I/O thread take over promptly, unless a caller does before.
    fn call_promptly(&self) {
        let (_, latest) = self.prompt_time();
        self.alarm.set_if(latest, |now, at| at == 0 || at > now + in_nanoseconds(latest));
    }

    /// When, from now, the I/O thread should take over where something is scheduled: not before
    /// the first, which is later than callers usually come back, and not after the second.
    fn prompt_time(&self) -> (Duration, Duration) {
        let absence = Duration::from_nanos(self.usual_absence.load(Ordering::Relaxed));
        let earliest = absence * 2 + GRACE;
        (earliest.min(LEASE_LEFT), (earliest + SLACK).min(LEASE))
    }

    /// Has the I/O thread take over at once, and callers leave the reactor to it for a while.
    fn call_at_once(&self) {
        let until = nanoseconds() + in_nanoseconds(CONTESTED);
        self.contested_until.store(until, Ordering::Relaxed);
        // Its lease is over.
        self.left_at.store(0, Ordering::Relaxed);
        self.alarm.set_if(Duration::ZERO, |_, _| true);
    }

    /// Nobody drives, but a caller that did is expected back soon.
    pub fn is_unattended(&self) -> bool {
        !self.driven.load(Ordering::Relaxed)
    }

    /// Something is scheduled that did not run yet.
    pub fn has_scheduled(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// A caller is back.
    fn note_absence(&self) {
        let absence = nanoseconds().saturating_sub(self.left_at.load(Ordering::Relaxed));
        note(&self.usual_absence, absence);
        self.schedules.store(!self.inbox.is_empty(), Ordering::Relaxed);
    }

    /// Descriptors that it serves.
    pub fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Ends the I/O thread after what is scheduled by now.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake();
        self.alarm.set_if(Duration::ZERO, |_, _| true);
    }

    /// Changes what a registered descriptor is watched for; from any thread.
    pub fn watch(&self, descriptor: RawFd, token: usize, writable: bool) -> std::io::Result<()> {
        watch(&self.registry, descriptor, token, writable)
    }

    // ---- the I/O thread

    fn serve(&self) {
        loop {
            if let Some(mut guard) = self.reactor.try_lock() {
                let stopped = self.drive_until_asked(&mut guard);
                if stopped {
                    // With it go its sources, which may refer to this handle.
                    let ended = guard.take();
                    drop(guard);
                    drop(ended);
                    self.drop_discarded();
                    self.ended.store(true, Ordering::SeqCst);
                    fence(Ordering::SeqCst);
                    self.empty_inbox();
                    return;
                }
                // Who asked comes now, unless it does not wait any more.
                self.alarm.set_if(LEASE, |_, _| true);
                drop(guard);
                let asker = self.asker.lock().take();
                asker.inspect(|asker| asker.notify());
                self.check_inbox();
            }
            self.wait_to_be_called();
        }
    }

    fn wait_to_be_called(&self) {
        loop {
            self.alarm.wait();
            self.drop_discarded();
            let Some(rest) = self.rest_of_lease() else {
                return;
            };
            self.alarm.set_if(rest, |_, at| at == 0);
        }
    }

    /// How long to leave the reactor to the caller that left it, if nothing needs it before.
    fn rest_of_lease(&self) -> Option<Duration> {
        let away = nanoseconds().saturating_sub(self.left_at.load(Ordering::Relaxed));
        let needed = !self.inbox.is_empty()
            || self.driven.load(Ordering::SeqCst)
            || self.stopping.load(Ordering::SeqCst)
            || self.is_contested();
        let rest = LEASE.checked_sub(Duration::from_nanos(away));
        rest.filter(|rest| !needed && !rest.is_zero())
    }

    /// Drives until a caller wants to, or until the thread is to end: true.
    fn drive_until_asked(&self, guard: &mut MutexGuard<'_, Option<Reactor>>) -> bool {
        let Some(reactor) = guard.as_mut() else {
            return true;
        };
        self.driven.store(true, Ordering::SeqCst);
        self.by_io_thread.store(true, Ordering::SeqCst);
        reactor.begin(std::iter::empty());
        // From an asker that does not wait any more.
        self.make_way.store(false, Ordering::SeqCst);
        let stopped = loop {
            self.run_inbox(reactor);
            reactor.run_timers();
            self.drop_discarded();
            if self.make_way.swap(false, Ordering::SeqCst) {
                break false;
            }
            self.asleep.store(true, Ordering::Relaxed);
            // Pairs with the fence in `wake`.
            fence(Ordering::SeqCst);
            let busy = !self.inbox.is_empty() || self.make_way.load(Ordering::SeqCst);
            if !busy && self.stopping.load(Ordering::SeqCst) {
                break true;
            }
            let timeout = if busy { Some(Duration::ZERO) } else { reactor.until_next_timer() };
            // Interrupted is impossible with signals blocked; any other failure leaves no events.
            let _ = reactor.wait(timeout);
            self.asleep.store(false, Ordering::Relaxed);
            reactor.dispatch();
        };
        self.by_io_thread.store(false, Ordering::SeqCst);
        self.driven.store(false, Ordering::SeqCst);
        stopped
    }

    /// Runs what is scheduled now; what is scheduled meanwhile waits for the next round.
    fn run_inbox(&self, reactor: &mut Reactor) {
        for _ in 0..self.inbox.len() {
            let Some(source) = self.inbox.pop() else {
                return;
            };
            reactor.note(&*source);
            source.on_run(reactor);
        }
    }

    // ---- callers

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

    /// Whether callers are to leave the reactor to the I/O thread.
    fn is_contested(&self) -> bool {
        let until = self.contested_until.load(Ordering::Relaxed);
        until != 0 && *FORCED != Some(true) && nanoseconds() < until
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
        self.alarm.set_if(latest, |now, at| at < now + in_nanoseconds(earliest));
        self.check_inbox();
    }

    /// After letting go of the reactor, and after the alarm was put off.
    fn check_inbox(&self) {
        // Pairs with the fence in `wake`: either who schedules sees that nobody drives, and sets
        // the alarm after us, or we see what it pushed.
        fence(Ordering::SeqCst);
        if !self.inbox.is_empty() {
            self.call_promptly();
        }
    }
}

/// Takes a time into account for what is usual.
fn note(usual: &AtomicU64, time: u64) {
    let before = usual.load(Ordering::Relaxed);
    usual.store((before * 3 + time.min(in_nanoseconds(LEASE))) / 4, Ordering::Relaxed);
}

const fn in_nanoseconds(time: Duration) -> u64 {
    time.as_nanos() as u64
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
    reactor: Option<parking_lot::MappedMutexGuard<'a, Reactor>>,
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
            let left = in_nanoseconds(LEASE_LEFT_LOOKING);
            self.handle.alarm.set_if(LEASE, |now, at| at != 0 && at < now + left);
        }
    }

    /// Sleeps until something happens on the reactor, a descriptor of the application is ready,
    /// or the time is over, and serves what happened. Does not sleep if `is_news` says so: after
    /// that was asked, [`ReactorHandle::waiter`] ends the sleep.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when a signal handler ran.
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
        handle.alarm.stop_if(|at| (rarely || at < awake_at) && handle.discarded.is_empty());
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
