//! What serves descriptors and timers, and runs what others schedule. Any thread may drive it,
//! one at a time: see [`Driver`](super::Driver).

use super::sys::insist;
use super::{PollDescriptor, poll_descriptors};
use crate::message::ReceiveBuffer;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a reactor serves: a session, a listener. Its methods run on the thread that drives the
/// reactor, one at a time, and do not block.
pub trait Source: Send + Sync {
    /// The descriptor became ready (edge-triggered).
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, readiness: Readiness);
    /// A timer set with this kind is over. It may be one that does not matter any more.
    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, kind: u32);
    /// Somebody scheduled it.
    fn on_run(self: Arc<Self>, reactor: &mut Reactor);
    /// The number of the socket that it works for.
    fn socket(&self) -> u64;
}

/// What a descriptor is ready for.
#[derive(Debug, Clone, Copy)]
pub struct Readiness {
    /// Bytes, an incoming connection, or an end or error to be found by reading.
    pub readable: bool,
    /// Room to write, or a connection that was established or refused.
    pub writable: bool,
    /// The peer will send nothing more; a read does not end before it has seen that.
    pub closed: bool,
}

/// Events taken from the system at a time.
const EVENTS: usize = 256;

/// The part that only the driver uses, handed to the sources that it calls.
pub struct Reactor {
    poll: Poll,
    events: Events,
    /// Descriptors that it serves, for others to see.
    load: Arc<AtomicUsize>,
    sources: HashMap<usize, Arc<dyn Source>, BuildHasherDefault<TokenHasher>>,
    next_token: usize,
    /// Deadlines, nearest first, with the number of their timer.
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    timed: HashMap<u64, (Arc<dyn Source>, u32)>,
    next_timer: u64,
    /// The sockets that were served since the last driver came, as far as it wants to know.
    served: Served,
    /// For the next connection that is read from: idle ones hold no buffer.
    pub spare_buffer: Option<ReceiveBuffer>,
}

/// Tokens are counted up, so that they spread as they are.
#[derive(Default)]
struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = (self.0 << 8) | u64::from(*byte));
    }

    fn write_usize(&mut self, token: usize) {
        // The table takes its place from the low bits and a check from the high ones.
        self.0 = (token as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

/// Whether a driver served others than itself.
#[derive(Default)]
struct Served {
    /// The driver's own sockets; empty: it does not ask.
    own: Vec<u64>,
    others: bool,
}

impl Reactor {
    pub(super) fn new(poll: Poll, load: Arc<AtomicUsize>) -> Self {
        Self {
            poll,
            events: Events::with_capacity(EVENTS),
            load,
            sources: HashMap::default(),
            next_token: 0,
            timers: BinaryHeap::new(),
            timed: HashMap::new(),
            next_timer: 0,
            served: Served::default(),
            spare_buffer: None,
        }
    }

    /// Changes what a registered descriptor is watched for.
    pub fn watch(&self, descriptor: RawFd, token: usize, writable: bool) -> io::Result<()> {
        watch(self.poll.registry(), descriptor, token, writable)
    }

    /// Serves a descriptor until [`deregister`](Self::deregister); returns the token for that.
    pub fn register(
        &mut self,
        descriptor: RawFd,
        writable: bool,
        source: Arc<dyn Source>,
    ) -> io::Result<usize> {
        let token = self.next_token;
        let registry = self.poll.registry();
        insist(|| registry.register(&mut SourceFd(&descriptor), Token(token), interest(writable)))?;
        self.next_token += 1;
        self.sources.insert(token, source);
        self.count_load();
        Ok(token)
    }

    /// Serves the descriptor with this token for another source from now on.
    pub fn replace(&mut self, token: usize, source: Arc<dyn Source>) {
        self.sources.insert(token, source);
    }

    /// Stops serving a descriptor, before it is closed.
    pub fn deregister(&mut self, descriptor: RawFd, token: usize) {
        if self.sources.remove(&token).is_some() {
            // Fails only for a descriptor that is closed already, which is not watched either.
            let _ = insist(|| self.poll.registry().deregister(&mut SourceFd(&descriptor)));
            self.count_load();
        }
    }

    /// Stops serving a descriptor that is closed already, which ended its registration.
    pub fn forget(&mut self, token: usize) {
        self.sources.remove(&token);
        self.count_load();
    }

    fn count_load(&self) {
        self.load.store(self.sources.len(), Ordering::Relaxed);
    }

    /// Calls `source.on_timer(kind)` after this time; returns the number to cancel it by.
    pub fn set_timer(&mut self, after: Duration, source: Arc<dyn Source>, kind: u32) -> u64 {
        let number = self.next_timer;
        self.next_timer += 1;
        // A time beyond the clock's range is never.
        if let Some(deadline) = Instant::now().checked_add(after) {
            self.timers.push(Reverse((deadline, number)));
            self.timed.insert(number, (source, kind));
        }
        number
    }

    /// Forgets a timer.
    pub fn cancel_timer(&mut self, number: u64) {
        self.timed.remove(&number);
    }

    /// The driver wants to know whether it serves other sockets than these; none: it does not.
    pub(super) fn begin(&mut self, own: impl Iterator<Item = u64>) {
        self.served.own.clear();
        self.served.own.extend(own);
        self.served.others = false;
    }

    /// Whether it did.
    pub(super) fn served_others(&self) -> bool {
        self.served.others
    }

    /// Runs the timers that are due.
    pub(super) fn run_timers(&mut self) {
        if self.timers.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(&Reverse((deadline, number))) = self.timers.peek() {
            if deadline > now {
                return;
            }
            self.timers.pop();
            if let Some((source, kind)) = self.timed.remove(&number) {
                source.on_timer(self, kind);
            }
        }
    }

    /// Time until the next timer is due; `None` without one.
    pub(super) fn until_next_timer(&mut self) -> Option<Duration> {
        while let Some(&Reverse((deadline, number))) = self.timers.peek() {
            if self.timed.contains_key(&number) {
                return Some(deadline.saturating_duration_since(Instant::now()));
            }
            self.timers.pop();
        }
        None
    }

    /// Waits for its descriptors. What was found is kept for [`dispatch`](Self::dispatch).
    ///
    /// # Errors
    /// `Interrupted` also without a signal handler, when the process was stopped and goes on.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.poll.poll(&mut self.events, timeout)
    }

    /// Waits for its descriptors and for those of the application.
    ///
    /// # Errors
    /// `Interrupted` when a signal handler ran. Not when the process was merely stopped, by a
    /// debugger or a shell: unlike epoll_wait(2), poll(2) goes on then (signal(7)).
    pub(super) fn wait_as_application(
        &mut self,
        timeout: Option<Duration>,
        descriptors: &mut Vec<PollDescriptor>,
    ) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) && descriptors.is_empty() {
            return self.wait(timeout);
        }
        self.events.clear();
        descriptors.push(PollDescriptor::new(self.poll.as_raw_fd(), libc::POLLIN));
        let found = poll_descriptors(descriptors, timeout);
        let own = descriptors.pop();
        found?;
        if own.is_some_and(|own| own.found() != 0) {
            // A failure leaves no events; those that are there stay.
            let _ = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        }
        Ok(())
    }

    /// Serves the descriptors that [`wait`](Self::wait) found ready; true if there were any.
    pub(super) fn dispatch(&mut self) -> bool {
        if self.events.is_empty() {
            return false;
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let Some(source) = self.sources.get(&event.token().0).cloned() else {
                continue;
            };
            self.note(&*source);
            let readiness = Readiness {
                readable: event.is_readable() || event.is_error(),
                writable: event.is_writable() || event.is_error(),
                closed: event.is_read_closed() || event.is_error(),
            };
            source.on_ready(self, readiness);
        }
        self.events = events;
        self.events.clear();
        true
    }

    /// A source is about to be served.
    pub(super) fn note(&mut self, source: &dyn Source) {
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
