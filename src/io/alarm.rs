//! What an I/O thread sleeps on while it does not drive, and callers put off.
//!
//! Where a timer is its processor's next event, both stopping and starting it tell the processor,
//! which takes 5 to 7 us on a virtual machine (measured), and setting it anew does both. So there
//! are two: the one that is not running is started, which is the later event, and the other is
//! stopped then.

use super::nanoseconds;
use super::sys::{PollDescriptor, Timer, poll_descriptors};
use parking_lot::Mutex;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

pub(super) struct Alarm {
    timers: [Timer; 2],
    /// Locked while a timer is set, so that the two do not part.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When it rings, in `nanoseconds`; 0: it is not set.
    at: u64,
    /// The only timer that may be running.
    running: usize,
}

impl Alarm {
    /// Makes one that is not set.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { timers: [Timer::new()?, Timer::new()?], state: Mutex::default() })
    }

    /// Lets it ring after this time, at once for zero, instead of when it was set to before, if
    /// `is_wanted` says so of the time now and the one that it is set to (0: it is not set).
    pub(super) fn set_if(&self, after: Duration, is_wanted: impl FnOnce(u64, u64) -> bool) {
        let mut state = self.state.lock();
        let now = nanoseconds();
        if !is_wanted(now, state.at) {
            return;
        }
        let before = state.running;
        if state.at != 0 {
            state.running = 1 - before;
        }
        self.timers[state.running].start(after);
        if state.running != before {
            self.timers[before].stop();
        }
        state.at = now + after.as_nanos() as u64;
    }

    /// Lets it not ring, if it is set and `is_wanted` says so of the time.
    pub(super) fn stop_if(&self, is_wanted: impl FnOnce(u64) -> bool) {
        let mut state = self.state.lock();
        if state.at != 0 && is_wanted(state.at) {
            self.timers[state.running].stop();
            state.at = 0;
        }
    }

    /// Sleeps until it rings; it is not set then. May return before.
    pub(super) fn wait(&self) {
        let mut timers =
            self.timers.each_ref().map(|own| PollDescriptor::new(own.as_raw_fd(), libc::POLLIN));
        // Interrupted only where signals are not blocked; the caller looks and waits again.
        let _ = poll_descriptors(&mut timers, None);
        let mut state = self.state.lock();
        if self.timers[state.running].has_rung() {
            state.at = 0;
        }
    }
}
