//! What serves descriptors and timers, and runs what others schedule. Any thread may poll it,
//! one at a time: see [`ReactorGuard`](super::ReactorGuard).

use super::events::{Event, EventBuffer, Readiness};
use super::nanoseconds;
use super::sys::insist;
use crate::message::ReceiveBuffer;
use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a reactor serves: a session, a listener. Its methods run on the thread that polls the
/// reactor, one at a time, and do not block.
pub(crate) trait EventHandler: Send + Sync {
    /// The descriptor became ready (edge-triggered).
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, readiness: Readiness);
    /// Reads without an event that says that there is something; whether there was. (The event comes
    /// later, for nothing.) `None` where asking for events costs less.
    fn poll_read(self: Arc<Self>, _reactor: &mut Reactor) -> Option<bool> {
        None
    }
    /// A timer is over. It may be one that does not matter any more.
    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, timer: TimerId) -> TimerOutcome;
    /// Somebody scheduled it.
    fn on_run(self: Arc<Self>, reactor: &mut Reactor);
    /// The number of the socket that it works for.
    fn socket(&self) -> u64;
}

/// Names a timer of a reactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TimerId(u64);

/// What became of a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimerOutcome {
    /// It is over.
    Served,
    /// A caller that may be suspended uses what it needs: it comes again in a moment.
    Deferred,
}

/// How long a timer is put off that could not be served; each time twice as long, up to the second.
const BUSY: Duration = Duration::from_millis(1);
const LONGEST_BUSY: Duration = Duration::from_millis(128);
/// A peer that sent a PING may send another one within this time, in nanoseconds.
const PINGS: u64 = 300_000_000_000;
/// A new peer that sends PINGs mostly sends the first one within this time, in nanoseconds.
const FIRST_PING: u64 = 3_000_000_000;

/// A timer that runs.
struct Timed {
    source: Arc<dyn EventHandler>,
    /// How long it is put off if it cannot be served.
    pause: Duration,
}

/// The part that only its owner uses, handed to the sources that it calls.
pub(crate) struct Reactor {
    poll: Poll,
    events: EventBuffer,
    /// Descriptors that it serves, for others to see.
    load: Arc<AtomicUsize>,
    handlers: ByNumber<usize, Arc<dyn EventHandler>>,
    /// How many of them each socket has.
    sockets: ByNumber<u64, usize>,
    /// When a descriptor was registered last, and when a peer sent a PING; in `nanoseconds`.
    registered_at: u64,
    pinged_at: u64,
    next_token: usize,
    /// Deadlines, nearest first, with their timer.
    timers: BinaryHeap<Reverse<(Instant, TimerId)>>,
    timed: ByNumber<TimerId, Timed>,
    next_timer: TimerId,
    /// The sockets that were served since the last owner came, as far as it wants to know.
    served: Served,
    recent: Recent,
    /// For the next connection that is read from: idle ones hold no buffer.
    pub spare_buffer: Option<ReceiveBuffer>,
}

/// A map by numbers that are counted up, which spread as they are.
type ByNumber<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = (self.0 << 8) | u64::from(*byte));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        // The table takes its place from the low bits and a check from the high ones.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

/// Whether an owner served others than itself.
#[derive(Default)]
struct Served {
    /// The owner's own sockets; empty: it does not ask.
    own: Vec<u64>,
    others: bool,
}

/// The descriptor that its owner read from last.
#[derive(Default)]
struct Recent {
    token: usize,
    /// Reads in a row from this one alone.
    streak: u32,
}

impl Recent {
    /// After as many reads in a row the next message is expected there.
    const EXPECTED: u32 = 4;

    fn update(&mut self, token: usize) {
        let streak = if self.token == token { self.streak.saturating_add(1) } else { 1 };
        *self = Self { token, streak };
    }
}

impl Reactor {
    pub(super) fn new(poll: Poll, load: Arc<AtomicUsize>) -> Self {
        Self {
            poll,
            events: EventBuffer::new(),
            load,
            handlers: HashMap::default(),
            sockets: HashMap::default(),
            registered_at: 0,
            pinged_at: 0,
            next_token: 0,
            timers: BinaryHeap::new(),
            timed: HashMap::default(),
            next_timer: TimerId(0),
            served: Served::default(),
            recent: Recent::default(),
            spare_buffer: None,
        }
    }

    /// Changes what a registered descriptor is watched for.
    pub(crate) fn watch(&self, descriptor: RawFd, token: usize, writable: bool) -> io::Result<()> {
        watch(self.poll.registry(), descriptor, token, writable)
    }

    /// Serves a descriptor until [`deregister`](Self::deregister); returns the token for that.
    pub(crate) fn register(
        &mut self,
        descriptor: RawFd,
        writable: bool,
        source: Arc<dyn EventHandler>,
    ) -> io::Result<usize> {
        let token = self.next_token;
        let registry = self.poll.registry();
        insist(|| registry.register(&mut SourceFd(&descriptor), Token(token), interest(writable)))?;
        self.next_token += 1;
        self.add(token, source);
        self.count_load();
        Ok(token)
    }

    /// Serves the descriptor with this token for another source from now on.
    pub(crate) fn replace(&mut self, token: usize, source: Arc<dyn EventHandler>) {
        self.add(token, source);
    }

    fn add(&mut self, token: usize, source: Arc<dyn EventHandler>) {
        self.registered_at = nanoseconds();
        *self.sockets.entry(source.socket()).or_default() += 1;
        if let Some(before) = self.handlers.insert(token, source) {
            self.count_down(before.socket());
        }
    }

    fn count_down(&mut self, socket: u64) {
        match self.sockets.get_mut(&socket) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.sockets.remove(&socket)),
        }
    }

    /// Stops serving a descriptor, before it is closed.
    pub(crate) fn deregister(&mut self, descriptor: RawFd, token: usize) {
        if self.remove(token) {
            // Fails only for a descriptor that is closed already, which is not watched either.
            let _ = insist(|| self.poll.registry().deregister(&mut SourceFd(&descriptor)));
        }
    }

    /// Stops serving a descriptor that is closed already, which ended its registration.
    pub(crate) fn forget(&mut self, token: usize) {
        self.remove(token);
    }

    fn remove(&mut self, token: usize) -> bool {
        let Some(source) = self.handlers.remove(&token) else {
            return false;
        };
        self.count_down(source.socket());
        self.count_load();
        true
    }

    /// Forgets everything that it serves; returns that, to be dropped by a thread that holds nothing.
    pub(super) fn end(&mut self) -> impl Sized + use<> {
        self.timers.clear();
        (mem::take(&mut self.handlers), mem::take(&mut self.timed), self.spare_buffer.take())
    }

    fn count_load(&self) {
        self.load.store(self.handlers.len(), Ordering::Relaxed);
    }

    /// Calls `source.on_timer` after this time, with the timer that is returned.
    pub(crate) fn set_timer(&mut self, after: Duration, source: Arc<dyn EventHandler>) -> TimerId {
        // A time beyond the clock's range is never.
        self.add_timer(Instant::now().checked_add(after), source)
    }

    /// As [`set_timer`](Self::set_timer), at this time.
    pub(crate) fn set_timer_at(
        &mut self,
        deadline: Instant,
        source: Arc<dyn EventHandler>,
    ) -> TimerId {
        self.add_timer(Some(deadline), source)
    }

    fn add_timer(&mut self, deadline: Option<Instant>, source: Arc<dyn EventHandler>) -> TimerId {
        let timer = self.next_timer;
        self.next_timer = TimerId(timer.0 + 1);
        if let Some(deadline) = deadline {
            self.timers.push(Reverse((deadline, timer)));
            self.timed.insert(timer, Timed { source, pause: BUSY });
        }
        timer
    }

    /// Forgets a timer.
    pub(crate) fn cancel_timer(&mut self, timer: TimerId) {
        self.timed.remove(&timer);
    }

    /// The owner wants to know whether it serves other sockets than these; none: it does not.
    pub(super) fn begin(&mut self, own: impl Iterator<Item = u64>) {
        self.served.own.clear();
        self.served.own.extend(own);
        self.served.others = false;
    }

    /// Whether it did.
    pub(super) fn served_others(&self) -> bool {
        self.served.others
    }

    /// Whether anything but the owner's own sockets depends on somebody polling: other sockets, a
    /// timer, or a peer that sends PINGs; of a new connection that is not known yet. `now` in
    /// `nanoseconds`.
    pub(super) fn has_dependents(&self, now: u64) -> bool {
        let own = self.served.own.iter().filter_map(|own| self.sockets.get(own)).sum::<usize>();
        own < self.handlers.len()
            || !self.timers.is_empty()
            || now < self.pinged_at.saturating_add(PINGS)
            || now < self.registered_at.saturating_add(FIRST_PING)
    }

    /// A peer sent a PING: it counts on answers.
    pub(crate) fn note_ping(&mut self) {
        self.pinged_at = nanoseconds();
    }

    /// Runs the timers that are due; true if there were any.
    pub(super) fn run_timers(&mut self) -> bool {
        if self.timers.is_empty() {
            return false;
        }
        let (now, mut any) = (Instant::now(), false);
        while let Some(&Reverse((deadline, timer))) = self.timers.peek() {
            if deadline > now {
                break;
            }
            self.timers.pop();
            let Some(Timed { source, pause }) = self.timed.remove(&timer) else {
                continue;
            };
            if source.clone().on_timer(self, timer) == TimerOutcome::Deferred {
                // Under its name, by which it can be cancelled.
                let longer = (pause * 2).min(LONGEST_BUSY);
                self.timed.insert(timer, Timed { source, pause: longer });
                self.timers.push(Reverse((now + pause, timer)));
            } else {
                any = true;
            }
        }
        any
    }

    /// Time until the next timer is due; `None` without one.
    pub(super) fn until_next_timer(&mut self) -> Option<Duration> {
        while let Some(&Reverse((deadline, timer))) = self.timers.peek() {
            if self.timed.contains_key(&timer) {
                return Some(deadline.saturating_duration_since(Instant::now()));
            }
            self.timers.pop();
        }
        None
    }

    /// Takes the events that are there and serves them, without waiting; true if there were any of
    /// sources.
    pub(super) fn poll_once(&mut self) -> bool {
        let mut events = mem::take(&mut self.events);
        // Without a wait it is not interrupted, and another failure leaves no events.
        let _ = events.take(self.poll.as_raw_fd(), Some(Duration::ZERO));
        let served = events.iter().filter(|event| self.serve(*event)).count();
        self.events = events;
        served > 0
    }

    /// Serves a descriptor that became ready; false if that is not one of a source.
    pub(super) fn serve(&mut self, event: Event) -> bool {
        let Some(source) = self.handlers.get(&event.token.0).cloned() else {
            return false;
        };
        self.note(&*source);
        if event.readiness.readable {
            self.recent.update(event.token.0);
        }
        source.on_ready(self, event.readiness);
        true
    }

    /// Reads from the descriptor that was read from again and again, if it is one of the owner's: a
    /// system call less than asking for events first. `None` if there is no such descriptor, or if
    /// asking costs less.
    pub(super) fn poll_recent(&mut self) -> Option<bool> {
        let Recent { token, streak } = self.recent;
        let source = (streak >= Recent::EXPECTED).then(|| self.handlers.get(&token))??.clone();
        let is_own = self.served.own.contains(&source.socket());
        is_own.then(|| source.poll_read(self)).flatten()
    }

    /// A source is about to be served.
    pub(super) fn note(&mut self, source: &dyn EventHandler) {
        let Served { own, others } = &mut self.served;
        if !own.is_empty() && !*others {
            *others = !own.contains(&source.socket());
        }
    }
}

fn interest(writable: bool) -> Interest {
    if writable { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE }
}

/// Changes what a registered descriptor is watched for.
pub(super) fn watch(
    registry: &mio::Registry,
    descriptor: RawFd,
    token: usize,
    writable: bool,
) -> io::Result<()> {
    insist(|| registry.reregister(&mut SourceFd(&descriptor), Token(token), interest(writable)))
}

/// A source that does nothing, of the socket with this number.
#[cfg(test)]
pub(super) struct Nothing(pub(super) u64);

#[cfg(test)]
impl EventHandler for Nothing {
    fn on_ready(self: Arc<Self>, _reactor: &mut Reactor, _readiness: Readiness) {}
    fn on_timer(self: Arc<Self>, _reactor: &mut Reactor, _timer: TimerId) -> TimerOutcome {
        TimerOutcome::Served
    }
    fn on_run(self: Arc<Self>, _reactor: &mut Reactor) {}
    fn socket(&self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn other_sockets_depend_on_the_owner_while_they_have_descriptors() {
        let mut reactor = Reactor::new(Poll::new().unwrap(), Arc::default());
        let (one, other) = UnixStream::pair().unwrap();
        let later = || nanoseconds() + FIRST_PING;
        reactor.begin([1].into_iter());
        let own = reactor.register(one.as_raw_fd(), false, Arc::new(Nothing(1))).unwrap();
        assert!(reactor.has_dependents(nanoseconds()) && !reactor.has_dependents(later()));
        // One source in the place of another is not one more.
        reactor.replace(own, Arc::new(Nothing(1)));
        let token = reactor.register(other.as_raw_fd(), false, Arc::new(Nothing(2))).unwrap();
        assert!(reactor.has_dependents(later()));
        reactor.deregister(other.as_raw_fd(), token);
        assert!(!reactor.has_dependents(later()));
        reactor.deregister(one.as_raw_fd(), own);
        assert!(reactor.sockets.is_empty());
    }
}
