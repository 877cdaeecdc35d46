//! What a session is to do when the thread that polls its reactor runs it.

use crate::io::Readiness;
use std::ops::BitOr;
use std::sync::atomic::{AtomicU16, Ordering};

/// A set of things to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Work(u16);

impl Work {
    pub(super) const NONE: Self = Self(0);
    /// The pipe from the socket has something to send.
    pub(super) const WRITE: Self = Self(1);
    /// The pipe to the socket takes messages again.
    pub(super) const READ: Self = Self(1 << 1);
    /// The session is to begin.
    pub(super) const START: Self = Self(1 << 2);
    /// The socket wants the session to end.
    pub(super) const CLOSE: Self = Self(1 << 3);
    /// Names were resolved.
    pub(super) const RESOLVED: Self = Self(1 << 4);
    /// The ZAP handler answered, or went away.
    pub(super) const ZAP: Self = Self(1 << 5);
    /// A task of the security mechanism has run.
    pub(super) const TASK_DONE: Self = Self(1 << 6);
    /// Others need the place of a connection whose peer does not shake hands.
    pub(super) const EVICT: Self = Self(1 << 7);
    /// What an event said that was deferred: there is something to read, room to write, or the peer
    /// sends nothing more.
    const READABLE: Self = Self(1 << 8);
    const WRITABLE: Self = Self(1 << 9);
    const PEER_CLOSED: Self = Self(1 << 10);

    /// Whether some of these are in the set.
    pub(super) fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    /// Whether there is anything but messages to read and to write.
    pub(super) fn is_rare(self) -> bool {
        self.0 & !(Self::WRITE.0 | Self::READ.0) != 0
    }

    /// What a readiness asks for, to be served later.
    pub(super) fn of(readiness: Readiness) -> Self {
        let Readiness { readable, writable, closed } = readiness;
        let given = |is_set: bool, what: Self| if is_set { what } else { Self::NONE };
        given(readable, Self::READABLE)
            | given(writable, Self::WRITABLE)
            | given(closed, Self::PEER_CLOSED)
    }

    /// The readiness that was deferred, if there is any.
    pub(super) fn readiness(self) -> Option<Readiness> {
        let readable = self.has(Self::READABLE);
        let writable = self.has(Self::WRITABLE);
        let closed = self.has(Self::PEER_CLOSED);
        (readable || writable || closed).then_some(Readiness { readable, writable, closed })
    }
}

impl BitOr for Work {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What is to be done, for other threads to add to.
#[derive(Debug, Default)]
pub(super) struct PendingWork(AtomicU16);

impl PendingWork {
    pub(super) fn add(&self, what: Work) {
        // Release: what the caller did before is seen by the run that takes the set.
        self.0.fetch_or(what.0, Ordering::Release);
    }

    pub(super) fn take(&self) -> Work {
        // It pairs with the Release of `add`.
        Work(self.0.swap(0, Ordering::AcqRel))
    }

    /// Whether input waits that was deferred.
    pub(super) fn has_input(&self) -> bool {
        // Relaxed: who asks owns the reactor, as who deferred it did; its hand-over orders the two.
        Work(self.0.load(Ordering::Relaxed)).has(Work::READABLE | Work::PEER_CLOSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deferred_readiness_is_served_as_it_came() {
        let pending = PendingWork::default();
        pending.add(Work::WRITE | Work::NONE);
        assert!(!pending.take().is_rare());
        pending.add(Work::WRITE);
        assert!(!pending.has_input());
        pending.add(Work::of(Readiness { readable: false, writable: true, closed: true }));
        assert!(pending.has_input());
        let work = pending.take();
        let readiness = work.readiness().unwrap();
        assert!(!readiness.readable && readiness.writable && readiness.closed);
        assert!(work.is_rare() && work.has(Work::WRITE) && !work.has(Work::READ));
        assert_eq!(pending.take(), Work::NONE);
    }
}
