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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use std::time::Instant;

    const HOUR: Duration = Duration::from_secs(3600);
    const PATIENCE: Duration = Duration::from_secs(10);
    const ALWAYS: fn(u64, u64) -> bool = |_, _| true;

    impl Alarm {
        fn is_readable(&self, timer: usize, timeout: Duration) -> bool {
            let timer = PollDescriptor::new(self.timers[timer].as_raw_fd(), libc::POLLIN);
            poll_descriptors(&mut [timer], Some(timeout)).unwrap() > 0
        }

        /// What holds whenever the state is not locked; returns whether it is set.
        fn check(&self) -> bool {
            let state = self.state.lock();
            assert!(!self.is_readable(1 - state.running, Duration::ZERO), "two timers ran");
            let is_set = state.at != 0;
            assert!(is_set || !self.is_readable(state.running, Duration::ZERO), "rings unset");
            is_set
        }

        /// Waits until it rings; false if it is late.
        fn rings(&self) -> bool {
            let running = self.state.lock().running;
            self.is_readable(running, PATIENCE) && {
                self.wait();
                !self.check()
            }
        }
    }

    /// Numbers that follow from one another without a pattern (xorshift).
    fn random(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        }
    }

    #[test]
    fn it_rings_once_when_it_was_set_to_last() {
        let alarm = Alarm::new().unwrap();
        let mut random = random(1);
        for _ in 0..5000 {
            match random(4) {
                0 => alarm.set_if(HOUR, ALWAYS),
                1 => alarm.stop_if(|_| true),
                2 => {
                    alarm.set_if(Duration::ZERO, ALWAYS);
                    assert!(alarm.rings(), "it does not ring");
                }
                // Rings unheard.
                _ => alarm.set_if(Duration::ZERO, ALWAYS),
            }
            alarm.check();
        }
    }

    #[test]
    fn who_puts_off_a_ring_that_nobody_heard_is_given_the_time() {
        let alarm = Alarm::new().unwrap();
        for _ in 0..3 {
            alarm.set_if(Duration::ZERO, ALWAYS);
            let running = alarm.state.lock().running;
            assert!(alarm.is_readable(running, PATIENCE));
            let began = Instant::now();
            let time = Duration::from_millis(5);
            alarm.set_if(time, |now, at| 0 < at && at <= now);
            assert!(alarm.rings() && began.elapsed() >= time);
        }
    }

    /// As it is used: whoever wants something says so before it sets the alarm, and whoever puts
    /// it off looks for that under the lock.
    #[test]
    fn no_ring_is_lost_while_others_put_it_off() {
        let alarm = Alarm::new().unwrap();
        let (wanted, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let heard = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(SeqCst) {
                    alarm.wait();
                    alarm.check();
                    heard.fetch_add(wanted.swap(false, SeqCst) as usize, SeqCst);
                }
            });
            let (alarm, wanted, ended) = (&alarm, &wanted, &ended);
            for seed in 1..3 {
                scope.spawn(move || {
                    let mut random = random(seed);
                    while !ended.load(SeqCst) {
                        std::thread::yield_now();
                        match random(8) {
                            0 => alarm.stop_if(|_| !wanted.load(SeqCst)),
                            1 => alarm.set_if(HOUR, |_, _| !wanted.load(SeqCst)),
                            time => alarm.set_if(Duration::from_micros(time), |now, at| {
                                at <= now && !wanted.load(SeqCst)
                            }),
                        }
                    }
                });
            }
            let (began, mut late) = (Instant::now(), false);
            while began.elapsed() < Duration::from_millis(500) && !late {
                let (before, asked) = (heard.load(SeqCst), Instant::now());
                wanted.store(true, SeqCst);
                alarm.set_if(Duration::ZERO, |now, at| at == 0 || at > now);
                while heard.load(SeqCst) == before && !late {
                    std::thread::yield_now();
                    late = asked.elapsed() > PATIENCE;
                }
            }
            ended.store(true, SeqCst);
            alarm.set_if(Duration::ZERO, ALWAYS);
            assert!(!late, "a ring was lost");
        });
    }
}
