//! Telling a process from its children by fork(2), and the locks that a child needs.

#![allow(unsafe_code)]

use super::{SpinGuard, SpinMutex, pause};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How many forks lie between this process and the first that loaded the library.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Run when the library is loaded: before anything that forks can use it, and without a lock that
/// a thread could hold at a fork.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = count_forks;

extern "C" fn count_forks() {
    extern "C" fn count() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    let handler: unsafe extern "C" fn() = count;
    // It fails without memory; children are not distinguished from their parents then.
    // SAFETY: a function that needs nothing; it is forgotten when the library is unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(handler)) };
}

/// The process that something was made in.
///
/// A child of fork(2) has the memory of its parent, but none of the threads, and it shares the
/// descriptors: what the parent made must be left alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    /// This process.
    #[inline]
    pub(crate) fn current() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether it is this process, and not one that it was forked from.
    #[inline]
    pub(crate) fn is_current(self) -> bool {
        // A child begins with one thread, which counted before it returned from fork.
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}

/// A mutex for what a child of fork(2) uses too.
///
/// A lock that another thread of the parent holds at the fork is held for ever in the child. Here
/// the child's first call finds that out: it releases such a lock, and puts the default in the place
/// of what it protects, which may be half changed and is leaked. What was not locked is inherited.
///
/// Nothing is done at the fork itself, which so costs nothing and waits for no thread.
#[derive(Debug)]
pub(crate) struct ForkMutex<T> {
    /// The number of the process whose threads use the lock; with [`RENEWED`] while one of them
    /// makes sure of it.
    process: AtomicU32,
    inner: SpinMutex<T>,
}

const RENEWED: u32 = 1 << 31;

impl<T: Default> ForkMutex<T> {
    /// A mutex for a static, which is there from the first process on.
    pub(crate) const fn for_static(value: T) -> Self {
        Self { process: AtomicU32::new(0), inner: SpinMutex::new(value) }
    }

    /// A mutex.
    pub(crate) fn new(value: T) -> Self {
        let Process(process) = Process::current();
        Self { process: AtomicU32::new(process), inner: SpinMutex::new(value) }
    }

    /// Locks it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> SpinGuard<'_, T> {
        self.take_over();
        self.inner.lock()
    }

    /// Locks it if nobody else holds it.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        self.take_over();
        self.inner.try_lock()
    }

    #[inline(always)]
    fn take_over(&self) {
        let Process(current) = Process::current();
        // Pairs with the Release in `renew`.
        if self.process.load(Ordering::Acquire) != current {
            self.renew(current);
        }
    }

    #[cold]
    #[inline(never)]
    fn renew(&self, current: u32) {
        let mut seen = self.process.load(Ordering::Acquire);
        while seen != current {
            let renewed = current | RENEWED;
            if seen == renewed {
                // Another thread is at it: moments. A sleep, as that thread may be of a lower priority.
                pause(Duration::from_micros(20));
                seen = self.process.load(Ordering::Acquire);
                continue;
            }
            // Threads of a process before this one may have left the word in any state.
            match self.process.compare_exchange(seen, renewed, Ordering::Acquire, Ordering::Acquire)
            {
                Ok(_) => {
                    self.release_inherited();
                    self.process.store(current, Ordering::Release);
                    return;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// In one thread of the process, before any other locks.
    fn release_inherited(&self) {
        if self.inner.is_locked() {
            // SAFETY: no thread of this process has locked it yet (`take_over`), and those of
            // other processes have memory of their own: nobody uses the value, which is not read,
            // or holds the lock.
            unsafe {
                self.inner.data_ptr().write(T::default());
                self.inner.force_unlock();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    /// What is true in a child of fork(2), which has to end well.
    fn in_child(check: impl FnOnce() -> bool) {
        // SAFETY: the child does nothing that needs other threads, and ends.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::alarm(20);
                libc::_exit(if check() { 0 } else { 1 });
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0);
        }
    }

    #[test]
    fn a_child_is_told_from_its_parent() {
        let parent = Process::current();
        in_child(|| !parent.is_current() && Process::current().is_current());
        assert!(parent.is_current());
    }

    #[test]
    fn a_child_inherits_what_was_not_locked() {
        let list = ForkMutex::new(vec![1, 2]);
        in_child(|| *list.lock() == [1, 2]);
        assert_eq!(*list.lock(), [1, 2]);
    }

    #[test]
    fn a_child_and_its_child_find_a_lock_that_another_thread_held_free_and_its_value_anew() {
        let list = ForkMutex::new(vec![1, 2]);
        thread::scope(|scope| {
            let ((locked, is_locked), (end, ended)) = (channel(), channel());
            let list = &list;
            scope.spawn(move || {
                let guard = list.lock();
                locked.send(()).unwrap();
                ended.recv().unwrap();
                drop(guard);
            });
            is_locked.recv().unwrap();
            in_child(|| {
                assert!(list.lock().is_empty());
                list.lock().push(3);
                assert!(list.try_lock().is_some());
                in_child(|| *list.lock() == [3]);
                true
            });
            in_child(|| {
                // Straight to the child's child.
                in_child(|| list.lock().is_empty());
                true
            });
            assert!(list.try_lock().is_none());
            end.send(()).unwrap();
        });
        assert_eq!(*list.lock(), [1, 2]);
    }
}
