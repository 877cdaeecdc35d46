//! Telling a process from its children by fork(2).

use super::sys::at_fork_in_child;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks lie between this process and the first that loaded the library.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process that something was made in.
///
/// A child of fork(2) has the memory of its parent, but none of the threads, and it shares the
/// descriptors: what the parent made must be left alone.
#[derive(Debug, Clone, Copy)]
pub struct Process(u32);

impl Process {
    /// This process.
    pub fn current() -> Self {
        static COUNTED: Once = Once::new();
        COUNTED.call_once(|| at_fork_in_child(count));
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether it is this process, and not one that it was forked from.
    #[inline]
    pub fn is_current(self) -> bool {
        // A child begins with one thread, which counted before it returned from fork.
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}

extern "C" fn count() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
