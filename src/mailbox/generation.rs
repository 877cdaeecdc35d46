//! How often the events of a mailbox were taken: what one thread in a socket tells others that wait there.
//!
//! One event may be news for several threads: a pipe that has something to read has many messages,
//! perhaps. A thread that found nothing and goes to sleep finds no event either where another one has
//! taken it meanwhile; it finds that the generation changed.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts up, under the lock of the socket alone.
#[derive(Debug, Default)]
pub(crate) struct Generation(AtomicU64);

impl Generation {
    /// To be asked under the lock of the socket, after or before it was looked at, and then without.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        // Acquire: with what the call did that changed it.
        self.0.load(Ordering::Acquire)
    }

    /// Events are about to be taken, or a call changed what others wait for. Under the lock.
    #[inline]
    pub(crate) fn begin(&self) {
        // Relaxed: nobody else changes it.
        let next = self.0.load(Ordering::Relaxed) + 1;
        // An event is taken after this, by an operation that is a release: a thread that sees that the
        // queue is empty sees this too.
        self.0.store(next, Ordering::Release);
    }
}
