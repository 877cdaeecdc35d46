//! A look at the descriptors by a caller that is about to send while nobody polls: a peer that has
//! ended its connection is known to be gone before anything is sent to it.

use super::{FORCED, ReactorHandle, Request};
use crate::io::nanoseconds;
use crate::io::ownership::Owner;
use crate::sync::CriticalSection;
use std::iter;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What was seen of the peers this long ago, in nanoseconds, is up to date: for the first messages after
/// a wait, and in a stream of them.
const UP_TO_DATE: u64 = 10_000;
const UP_TO_DATE_IN_STREAM: u64 = 100_000;
/// After a caller has released the reactor this many messages of a socket are the first, and of those
/// behind them one in this number looks at the clock, which takes a third as long as sending does.
const FIRST: u32 = 8;
const STREAM: u32 = 32;

/// The messages that a socket sent since a caller last released its reactor.
#[derive(Debug, Default)]
pub(crate) struct Sends {
    /// When that was.
    released_at: u64,
    count: u32,
}

impl ReactorHandle {
    /// Whether a peer may have ended its connection by this time, in `nanoseconds`, without anybody
    /// having looked.
    pub(crate) fn is_outdated(&self, now: u64) -> bool {
        self.time_without_look(now) > UP_TO_DATE
    }

    fn time_without_look(&self, now: u64) -> u64 {
        let released_at = self.pace.released_at.load(Ordering::Relaxed);
        let looked_at = self.pace.looked_at.load(Ordering::Relaxed);
        let polled_at = self.pace.polled_at.load(Ordering::Relaxed);
        now.saturating_sub(released_at.max(looked_at).max(polled_at))
    }

    /// Somebody other than a caller that waits has just looked.
    pub(super) fn note_look(&self) {
        self.pace.looked_at.store(nanoseconds(), Ordering::Relaxed);
    }

    /// Whether [`poll_before_send`](Self::poll_before_send) is worth its while: for the first messages that a socket sends
    /// after a caller has released the reactor, and for some of a stream of them. Nothing is written to
    /// that other threads read.
    #[inline]
    pub(crate) fn needs_glance(&self, sends: &mut Sends) -> bool {
        sends.count = sends.count.wrapping_add(1);
        if self.pace.released_at.load(Ordering::Relaxed) != sends.released_at {
            return self.begins_stream(sends);
        }
        (sends.count <= FIRST || sends.count.is_multiple_of(STREAM)) && self.needs_look(sends)
    }

    #[cold]
    #[inline(never)]
    fn begins_stream(&self, sends: &mut Sends) -> bool {
        let released_at = self.pace.released_at.load(Ordering::Relaxed);
        *sends = Sends { released_at, count: 1 };
        self.needs_look(sends)
    }

    #[cold]
    #[inline(never)]
    fn needs_look(&self, sends: &Sends) -> bool {
        let limit = if sends.count <= FIRST { UP_TO_DATE } else { UP_TO_DATE_IN_STREAM };
        self.is_unattended() && self.time_without_look(nanoseconds()) > limit
    }

    /// Serves the descriptors that are ready, if nobody polls. What is scheduled is left to the thread
    /// that polls next, and so is when that is.
    #[cold]
    pub(crate) fn poll_before_send(&self) {
        let now = nanoseconds();
        if self.is_contested(now) || *FORCED == Some(false) || !self.may_poll(now) {
            return;
        }
        let _critical = CriticalSection::enter();
        let Some(mut reactor) = self.reactor.acquire(Owner::Unowned, Owner::Caller) else {
            return;
        };
        reactor.begin(iter::empty());
        reactor.poll_once();
        // Behind the fence in `release`, as in `on_release`.
        reactor.release(Owner::Unowned);
        self.note_look();
        if self.blocked_callers.load(Ordering::SeqCst) > 0 || self.requests.is_open(Request::Stop) {
            return self.wake_io_thread_now();
        }
        // It may have fired while the reactor could not be had.
        self.wake_timer.set_if(Duration::ZERO, |_, at| at == 0);
        self.check_inbox();
    }
}
