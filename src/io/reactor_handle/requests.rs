//! What callers and the I/O thread of a reactor want of each other, beside the reactor: one word each.

use std::sync::atomic::{AtomicU8, Ordering};

/// What others want of the I/O thread.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Request {
    /// To end, after what is scheduled.
    Stop = 1,
    /// To release the reactor to a caller that waits for it.
    HandOver = 2,
    /// To take the reactor, however late it wakes up: others wait for it, or a caller that slept on the
    /// descriptor has come back while another thread had it, or is not to be relied on.
    TakeOver = 4,
    /// To leave its sleep on the descriptor: a caller took the reactor over.
    LeaveDescriptor = 8,
}

/// The requests that are open. SeqCst, as what is made and what is looked for is seen in the order of the
/// owners of the reactor.
#[derive(Debug, Default)]
pub(super) struct Requests(AtomicU8);

impl Requests {
    pub(super) fn make(&self, request: Request) {
        self.0.fetch_or(request as u8, Ordering::SeqCst);
    }

    pub(super) fn withdraw(&self, request: Request) {
        self.0.fetch_and(!(request as u8), Ordering::SeqCst);
    }

    pub(super) fn is_open(&self, request: Request) -> bool {
        self.0.load(Ordering::SeqCst) & request as u8 != 0
    }

    /// Withdraws it, if it is open: true then.
    pub(super) fn take(&self, request: Request) -> bool {
        self.is_open(request)
            && self.0.fetch_and(!(request as u8), Ordering::SeqCst) & request as u8 != 0
    }
}

/// Whether something depends on the caller that sleeps on the reactor, and whether the I/O thread, if it is
/// parked, looks after it.
#[derive(Debug, Default)]
pub(super) struct Watchdog(AtomicU8);

const NEEDED: u8 = 1;
const RUNS: u8 = 2;

impl Watchdog {
    /// By the owner of the reactor, before a caller sleeps. True if the I/O thread has to be told: it is
    /// parked for longer, perhaps.
    pub(super) fn need(&self, is_needed: bool) -> bool {
        let seen = self.0.load(Ordering::SeqCst);
        let before = match is_needed {
            _ if (seen & NEEDED != 0) == is_needed => seen,
            true => self.0.fetch_or(NEEDED, Ordering::SeqCst),
            false => self.0.fetch_and(!NEEDED, Ordering::SeqCst),
        };
        is_needed && before & RUNS == 0
    }

    /// By the I/O thread, before it is parked: whether it is to look after a caller meanwhile.
    pub(super) fn begin(&self) -> bool {
        let run = |word| Some(if word & NEEDED != 0 { NEEDED | RUNS } else { 0 });
        let before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, run);
        before.is_ok_and(|word| word & NEEDED != 0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn requests_stay_open_until_they_are_withdrawn_or_taken() {
        let requests = Requests::default();
        requests.make(Request::Stop);
        requests.make(Request::HandOver);
        assert!(requests.take(Request::HandOver) && !requests.take(Request::HandOver));
        assert!(requests.is_open(Request::Stop) && !requests.is_open(Request::TakeOver));
        requests.withdraw(Request::Stop);
        assert!(!requests.is_open(Request::Stop));
    }

    #[test]
    fn the_io_thread_is_told_of_a_need_that_it_does_not_look_after() {
        let watchdog = Watchdog::default();
        assert!(!watchdog.need(false) && !watchdog.begin());
        // It is parked without end.
        assert!(watchdog.need(true) && watchdog.need(true));
        assert!(watchdog.begin());
        assert!(!watchdog.need(true));
        assert!(!watchdog.need(false));
        // It still looks, until it is parked again.
        assert!(!watchdog.need(true) && !watchdog.need(false));
        assert!(!watchdog.begin() && watchdog.need(true));
    }
}
