//! A descriptor that says that there is news.

use super::EventDescriptor;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering, fence};

/// The descriptor is not readable.
const CLEAR: u8 = 0;
/// Somebody is about to make it readable.
const RAISING: u8 = 1;
/// It is readable.
const RAISED: u8 = 2;

/// Readable from [`raise`](Self::raise) until [`clear`](Self::clear), at one system call for each
/// change.
///
/// ```text
/// CLEAR --raise--> RAISING --written--> RAISED --clear: read, then--> CLEAR
/// ```
///
/// Only what was written is read, and it is read before the state says `CLEAR`: so the descriptor
/// is never left unreadable in the state `RAISED`, where nobody would write again.
#[derive(Debug)]
pub struct Signal {
    event: EventDescriptor,
    state: AtomicU8,
}

impl Signal {
    /// Makes one that is clear.
    ///
    /// # Errors
    /// Those of eventfd(2): no descriptor can be had.
    pub fn new() -> io::Result<Self> {
        Ok(Self { event: EventDescriptor::new()?, state: AtomicU8::new(CLEAR) })
    }

    /// Makes it readable, after the news were put where `clear`'s caller looks for them.
    pub fn raise(&self) {
        // Pairs with the fence in `clear`: either we see that it was cleared, or who cleared it
        // sees the news.
        fence(Ordering::SeqCst);
        let exchange = (Ordering::SeqCst, Ordering::SeqCst);
        if self.state.compare_exchange(CLEAR, RAISING, exchange.0, exchange.1).is_ok() {
            self.event.signal();
            self.state.store(RAISED, Ordering::Release);
        }
    }

    /// Makes it unreadable, before the news are looked for. One that is being raised right now
    /// stays so, and is found raised without news.
    #[inline]
    pub fn clear(&self) {
        if self.state.load(Ordering::Acquire) == RAISED {
            self.event.clear();
            self.state.swap(CLEAR, Ordering::SeqCst);
            fence(Ordering::SeqCst);
        }
    }

    /// Whether it is readable, or about to be.
    #[inline]
    pub fn is_raised(&self) -> bool {
        self.state.load(Ordering::Relaxed) != CLEAR
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
