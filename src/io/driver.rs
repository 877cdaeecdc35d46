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

mod caller;
mod glance;
mod thread;

pub use caller::Driver;
pub use thread::{ThreadSettings, start_thread};

use super::Waiter;
use super::alarm::Alarm;
use super::reactor::{Reactor, Source, watch};
use super::sys::{insist, nanoseconds};
use crate::message::Message;
use crate::sync::Mutex;
use crate::sync::RaceLazy;
use crossbeam_queue::SegQueue;
use mio::{Poll, Registry, Token};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
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
static FORCED: RaceLazy<Option<bool>> =
    RaceLazy::new(|| match std::env::var("LIBZMQ_TEST_DRIVER") {
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
    /// When the I/O thread, or a caller at a glance, last looked at the descriptors, in `nanoseconds`.
    looked_at: AtomicU64,
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

impl std::fmt::Debug for ReactorHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ReactorHandle").field("load", &self.load).finish_non_exhaustive()
    }
}

impl ReactorHandle {
    fn new() -> std::io::Result<Arc<Self>> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(poll.registry(), WAKE)?;
        let alarm = Alarm::new()?;
        let load = Arc::new(AtomicUsize::new(0));
        Ok(Arc::new_cyclic(|own| Self {
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
            looked_at: AtomicU64::new(0),
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
        }))
    }

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
        // Pairs with the fence in `drive_until_asked`: either the I/O thread drives and is woken,
        // or it finds them before it sleeps.
        fence(Ordering::SeqCst);
        if self.by_io_thread.load(Ordering::SeqCst) {
            self.wake();
        } else {
            self.alarm.set_if(LEASE, |_, at| at == 0);
        }
    }

    /// Whether the alarm may ring later than it is set to: messages to drop wait for it, and a
    /// caller that is always back in time would put it off for ever.
    fn may_put_off(&self) -> bool {
        self.discarded.is_empty()
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
                // What fails time after time cannot be helped.
                let _ = insist(|| self.waker.wake());
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

    /// Whether callers are to leave the reactor to the I/O thread.
    fn is_contested(&self) -> bool {
        let until = self.contested_until.load(Ordering::Relaxed);
        until != 0 && *FORCED != Some(true) && nanoseconds() < until
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
