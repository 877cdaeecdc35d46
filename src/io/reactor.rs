//! An I/O thread: waits for descriptors and timers, and runs what others schedule on it.

use super::sys;
use crate::error::{Error, Result};
use crossbeam_queue::SegQueue;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What an I/O thread serves: a session, a listener. Its methods run on that thread and do not
/// block.
pub trait Source: Send + Sync {
    /// The descriptor became ready (edge-triggered).
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, readiness: Readiness);
    /// A timer set with this kind is over. It may be one that does not matter any more.
    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, kind: u32);
    /// Somebody scheduled it.
    fn on_run(self: Arc<Self>, reactor: &mut Reactor);
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

const WAKE: Token = Token(usize::MAX);

/// The part of an I/O thread that other threads use.
pub struct ReactorHandle {
    registry: Registry,
    waker: Waker,
    inbox: SegQueue<Arc<dyn Source>>,
    /// The thread waits, or is about to, and must be woken for what comes into the inbox.
    asleep: AtomicBool,
    stopping: AtomicBool,
    /// Descriptors that it serves, to place new ones where the load is least.
    load: AtomicUsize,
}

impl ReactorHandle {
    /// Has `source.on_run` called on the thread, soon.
    pub fn schedule(&self, source: Arc<dyn Source>) {
        self.inbox.push(source);
        self.wake();
    }

    fn wake(&self) {
        // Pairs with the fence before the inbox is checked for the last time: either we see the
        // flag, or the thread sees what we pushed.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            // A failed wake-up would mean a full counter, that is, one under way.
            let _ = self.waker.wake();
        }
    }

    /// Descriptors that it serves.
    pub fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Ends the thread after what is scheduled by now.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Changes what a registered descriptor is watched for; from any thread.
    pub fn watch(&self, descriptor: RawFd, token: usize, writable: bool) -> std::io::Result<()> {
        let interest =
            if writable { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.registry.reregister(&mut SourceFd(&descriptor), Token(token), interest)
    }
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
        let handle = Arc::new(ReactorHandle {
            registry: poll.registry().try_clone()?,
            waker: Waker::new(poll.registry(), WAKE)?,
            inbox: SegQueue::new(),
            asleep: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            load: AtomicUsize::new(0),
        });
        let mut reactor = Reactor {
            handle: handle.clone(),
            sources: HashMap::new(),
            next_token: 0,
            timers: BinaryHeap::new(),
            timed: HashMap::new(),
            next_timer: 0,
        };
        let thread = std::thread::Builder::new().name(settings.name.clone()).spawn(move || {
            sys::set_scheduling(settings.policy, settings.priority);
            sys::set_affinity(&settings.affinity);
            reactor.run(poll);
        })?;
        Ok((handle, thread))
    };
    sys::with_signals_blocked(start).map_err(|_| Error::TooManyOpen)
}

/// The I/O thread's own part, handed to the sources that it calls.
pub struct Reactor {
    handle: Arc<ReactorHandle>,
    sources: HashMap<usize, Arc<dyn Source>>,
    next_token: usize,
    /// Deadlines, nearest first, with the number of their timer.
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    timed: HashMap<u64, (Arc<dyn Source>, u32)>,
    next_timer: u64,
}

impl Reactor {
    /// The part that other threads use.
    pub fn handle(&self) -> &Arc<ReactorHandle> {
        &self.handle
    }

    /// Serves a descriptor until [`deregister`](Self::deregister); returns the token for that.
    pub fn register(
        &mut self,
        descriptor: RawFd,
        writable: bool,
        source: Arc<dyn Source>,
    ) -> std::io::Result<usize> {
        let token = self.next_token;
        let interest =
            if writable { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.handle.registry.register(&mut SourceFd(&descriptor), Token(token), interest)?;
        self.next_token += 1;
        self.sources.insert(token, source);
        self.handle.load.fetch_add(1, Ordering::Relaxed);
        Ok(token)
    }

    /// Stops serving a descriptor, before it is closed.
    pub fn deregister(&mut self, descriptor: RawFd, token: usize) {
        if self.sources.remove(&token).is_some() {
            // Fails only for a descriptor that is closed already, which is not watched either.
            let _ = self.handle.registry.deregister(&mut SourceFd(&descriptor));
            self.handle.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Stops serving a descriptor that is closed already, which ended its registration.
    pub fn forget(&mut self, token: usize) {
        if self.sources.remove(&token).is_some() {
            self.handle.load.fetch_sub(1, Ordering::Relaxed);
        }
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

    fn run(&mut self, mut poll: Poll) {
        let mut events = Events::with_capacity(256);
        loop {
            self.run_inbox();
            self.run_timers();
            let handle = self.handle.clone();
            handle.asleep.store(true, Ordering::Relaxed);
            // Pairs with the fence in `ReactorHandle::wake`.
            fence(Ordering::SeqCst);
            let busy = !handle.inbox.is_empty();
            if !busy && handle.stopping.load(Ordering::SeqCst) {
                return;
            }
            let timeout = if busy { Some(Duration::ZERO) } else { self.until_next_timer() };
            // Interrupted is impossible with signals blocked; any other failure leaves no events.
            let _ = poll.poll(&mut events, timeout);
            handle.asleep.store(false, Ordering::Relaxed);
            for event in &events {
                let Some(source) = self.sources.get(&event.token().0).cloned() else {
                    continue;
                };
                let readiness = Readiness {
                    readable: event.is_readable() || event.is_error(),
                    writable: event.is_writable() || event.is_error(),
                    closed: event.is_read_closed() || event.is_error(),
                };
                source.on_ready(self, readiness);
            }
        }
    }

    /// Runs what is scheduled now; what is scheduled meanwhile waits for the next round.
    fn run_inbox(&mut self) {
        for _ in 0..self.handle.inbox.len() {
            let Some(source) = self.handle.inbox.pop() else {
                return;
            };
            source.on_run(self);
        }
    }

    fn run_timers(&mut self) {
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

    fn until_next_timer(&mut self) -> Option<Duration> {
        while let Some(&Reverse((deadline, number))) = self.timers.peek() {
            if self.timed.contains_key(&number) {
                return Some(deadline.saturating_duration_since(Instant::now()));
            }
            self.timers.pop();
        }
        None
    }
}
