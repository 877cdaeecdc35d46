//! A descriptor that says that there is news.

use super::EventDescriptor;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering, fence};

/// Readable from [`raise`](Self::raise) until [`clear`](Self::clear), at one system call for each
/// change. Any thread may raise it; one at a time clears it.
///
/// Each raise of a clear signal writes once, and each clear of a raised one reads first and then
/// says so. A write that comes late, behind the clear, is `owed`: it is read by a later clear. So
/// there is never a raised signal that is not readable and that nobody is about to write to.
#[derive(Debug)]
pub struct Signal {
    event: EventDescriptor,
    raised: AtomicBool,
    /// Writes of raises that were cleared, less those that were read. Only who clears uses it.
    owed: AtomicI64,
}

impl Signal {
    /// Makes one that is clear.
    ///
    /// # Errors
    /// Those of eventfd(2): no descriptor can be had.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            event: EventDescriptor::new()?,
            raised: AtomicBool::new(false),
            owed: AtomicI64::new(0),
        })
    }

    /// Makes it readable, after the news were put where `clear`'s caller looks for them.
    pub fn raise(&self) {
        // Pairs with the fence in `clear`: either we see that it was cleared, or who cleared it
        // sees the news.
        fence(Ordering::SeqCst);
        if !self.raised.swap(true, Ordering::SeqCst) {
            self.event.signal();
        }
    }

    /// Makes it unreadable, before the news are looked for.
    #[inline]
    pub fn clear(&self) {
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
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed) || self.owed.load(Ordering::Relaxed) != 0
    }
}

impl AsRawFd for Signal {
    fn as_raw_fd(&self) -> RawFd {
        self.event.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{PollDescriptor, poll_descriptors};
    use std::sync::atomic::AtomicU64;
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
    }

    #[test]
    fn news_that_meet_a_clear_are_never_missed() {
        const COUNT: u64 = 100_000;
        let signal = Signal::new().unwrap();
        let (news, seen) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=COUNT {
                    // Every other time while the one before is being cleared.
                    while number % 2 == 0 && seen.load(Ordering::SeqCst) + 1 < number {
                        std::hint::spin_loop();
                    }
                    news.store(number, Ordering::SeqCst);
                    signal.raise();
                }
            });
            while seen.load(Ordering::SeqCst) < COUNT {
                assert!(is_readable(&signal, Duration::from_secs(10)), "news without a signal");
                signal.clear();
                seen.store(news.load(Ordering::SeqCst), Ordering::SeqCst);
            }
        });
    }
}
