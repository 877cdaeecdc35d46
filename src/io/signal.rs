//! A descriptor that says that there is news.

use super::event_descriptor::{Event, EventDescriptor};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicI64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering, fence};

/// Readable from [`raise`](Self::raise) until [`clear`](Self::clear), at one system call for each
/// change. Any thread may raise it; one at a time clears it.
///
/// Each raise of a clear signal writes once, and each clear of a raised one reads first and then
/// says so. A write that comes late, behind the clear, is `owed`: it is read by a later clear. So
/// there is never a raised signal that is not readable and that nobody is about to write to.
#[derive(Debug)]
pub(crate) struct Signal<E = EventDescriptor> {
    event: E,
    raised: AtomicBool,
    /// Writes of raises that were cleared, less those that were read. Only who clears uses it.
    owed: AtomicI64,
}

impl Signal {
    /// Makes one that is clear.
    ///
    /// # Errors
    /// Those of eventfd(2): no descriptor can be had.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self::over(EventDescriptor::new()?))
    }
}

impl<E: Event> Signal<E> {
    fn over(event: E) -> Self {
        Self { event, raised: AtomicBool::new(false), owed: AtomicI64::new(0) }
    }

    /// Makes it readable, after the news were put where `clear`'s caller looks for them.
    pub(crate) fn raise(&self) {
        // Pairs with the fence in `clear`: either we see that it was cleared, or who cleared it
        // sees the news.
        fence(Ordering::SeqCst);
        if !self.raised.swap(true, Ordering::SeqCst) {
            self.event.signal();
        }
    }

    /// Makes it unreadable, before the news are looked for.
    #[inline]
    pub(crate) fn clear(&self) {
        if self.is_raised() {
            self.read();
        }
    }

    #[cold]
    fn read(&self) {
        let written = self.event.clear() as i64;
        // After the read: what is raised from here on is written from here on.
        let cleared = self.raised.swap(false, Ordering::SeqCst) as i64;
        fence(Ordering::SeqCst);
        let owed = self.owed.load(Ordering::Relaxed);
        self.owed.store(owed + cleared - written, Ordering::Relaxed);
    }

    /// Whether it is readable, or about to be.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed) || self.owed.load(Ordering::Relaxed) != 0
    }
}

impl AsRawFd for Signal {
    fn as_raw_fd(&self) -> RawFd {
        self.event.as_raw_fd()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::io::{PollDescriptor, poll_descriptors};
    use std::time::Duration;

    fn is_readable(signal: &Signal, timeout: Duration) -> bool {
        let mut descriptors = [PollDescriptor::new(signal.as_raw_fd(), libc::POLLIN)];
        poll_descriptors(&mut descriptors, Some(timeout)).unwrap() == 1
    }

    #[test]
    fn it_is_readable_from_raise_to_clear() {
        let signal = Signal::new().unwrap();
        assert!(!is_readable(&signal, Duration::ZERO));
        signal.raise();
        signal.raise();
        assert!(signal.is_raised() && is_readable(&signal, Duration::ZERO));
        signal.clear();
        assert!(!signal.is_raised() && !is_readable(&signal, Duration::ZERO));
        signal.raise();
        assert!(signal.is_raised() && is_readable(&signal, Duration::ZERO));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, AtomicUsize};
    use loom::thread;

    /// Stands for the descriptor: how often it was signalled.
    #[derive(Default)]
    struct Counter(AtomicU64);

    impl Counter {
        fn is_readable(&self) -> bool {
            self.0.load(Ordering::SeqCst) > 0
        }
    }

    impl Event for Counter {
        fn signal(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        fn clear(&self) -> u64 {
            self.0.swap(0, Ordering::SeqCst)
        }
    }

    #[derive(Default)]
    struct News {
        signal: Signal<Counter>,
        count: AtomicUsize,
    }

    impl Default for Signal<Counter> {
        fn default() -> Self {
            Self::over(Counter::default())
        }
    }

    impl News {
        fn tell(&self) {
            self.count.fetch_add(1, Ordering::Relaxed);
            self.signal.raise();
        }
    }

    /// Two threads have news while a third one clears and looks, twice at moments of its own
    /// choice: what it has not seen at the end is told by a readable descriptor, and one more
    /// clear leaves it unreadable.
    #[test]
    fn news_that_meet_a_clear_are_never_missed() {
        loom::model(|| {
            let news = Arc::new(News::default());
            let own = news.clone();
            let first = thread::spawn(move || own.tell());
            let own = news.clone();
            let second = thread::spawn(move || own.tell());
            let mut seen = 0;
            for _ in 0..2 {
                news.signal.clear();
                seen = news.count.load(Ordering::Relaxed);
            }
            first.join().unwrap();
            second.join().unwrap();
            let readable = news.signal.event.is_readable();
            assert!(seen == 2 || readable, "news without a signal");
            assert_eq!(news.signal.is_raised(), readable);
            news.signal.clear();
            assert!(!news.signal.is_raised() && !news.signal.event.is_readable());
        });
    }

    /// A clear after the descriptor was found readable leaves it unreadable, whatever the thread
    /// that raised it is about to do.
    #[test]
    fn what_is_readable_can_be_cleared_at_once() {
        loom::model(|| {
            let news = Arc::new(News::default());
            let own = news.clone();
            let teller = thread::spawn(move || own.tell());
            if news.signal.event.is_readable() {
                news.signal.clear();
                assert!(!news.signal.event.is_readable() && !news.signal.is_raised());
                assert_eq!(news.count.load(Ordering::Relaxed), 1);
            }
            teller.join().unwrap();
        });
    }
}
