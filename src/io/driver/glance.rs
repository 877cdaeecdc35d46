//! A look at the descriptors by a caller that is about to send while nobody drives: a peer that has
//! ended its connection is known to be gone before anything is sent to it.

use super::{FORCED, ReactorHandle};
use crate::io::nanoseconds;
use std::iter;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

/// Whoever looked at the descriptors so lately, in nanoseconds, has seen which peers have ended.
const UP_TO_DATE: u64 = 10_000;

impl ReactorHandle {
    /// Whether a peer may have ended its connection by this time, in `nanoseconds`, without anybody
    /// having looked.
    pub fn is_outdated(&self, now: u64) -> bool {
        let left_at = self.left_at.load(Ordering::Relaxed);
        now.saturating_sub(left_at.max(self.looked_at.load(Ordering::Relaxed))) > UP_TO_DATE
    }

    /// Somebody other than a caller that waits has just looked.
    pub(super) fn note_look(&self) {
        self.looked_at.store(nanoseconds(), Ordering::Relaxed);
    }

    /// Whether [`glance`](Self::glance) is worth its while.
    #[inline]
    pub fn needs_glance(&self) -> bool {
        self.is_unattended() && self.is_outdated(nanoseconds())
    }

    /// Serves the descriptors that are ready, if nobody drives. What is scheduled is left to who
    /// drives next, and so is when that is.
    #[cold]
    pub fn glance(&self) {
        if self.is_contested() || *FORCED == Some(false) {
            return;
        }
        let Some(mut guard) = self.reactor.try_lock() else {
            return;
        };
        let Some(reactor) = guard.as_mut() else {
            return;
        };
        self.driven.store(true, Ordering::SeqCst);
        reactor.begin(iter::empty());
        // Without a wait it is not interrupted, and another failure leaves no events.
        let _ = reactor.wait(Some(Duration::ZERO));
        reactor.dispatch();
        self.driven.store(false, Ordering::SeqCst);
        drop(guard);
        self.note_look();
        // Pairs with the fence in `look_on`.
        fence(Ordering::SeqCst);
        if self.onlookers.load(Ordering::SeqCst) > 0 || self.stopping.load(Ordering::SeqCst) {
            return self.call_at_once();
        }
        // It may have rung while the reactor could not be had.
        self.alarm.set_if(Duration::ZERO, |_, at| at == 0);
        self.check_inbox();
    }
}
