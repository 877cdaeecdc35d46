//! What an I/O thread sleeps on while it does not poll, and callers put off.
//!
//! Where a timer is its processor's next event, both stopping and starting it tell the processor,
//! which takes 5 to 7 us on a virtual machine (measured), and setting it anew does both. So there
//! are two: the one that is not running is started, which is the later event, and the other is
//! stopped then.
//!
//! Where the system has no timers for us (an allow-list of system calls, mostly), who sets the wake timer
//! calls the thread that sleeps, which then sleeps no longer than until it fires.

use super::event_descriptor::{Event, EventDescriptor};
use super::nanoseconds;
use super::sys::{PollDescriptor, Timer, poll_descriptors};
use crate::sync::Mutex;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

pub(super) struct WakeTimer {
    /// `None` where there can be none.
    timers: Option<[Timer; 2]>,
    /// Ends the sleep where no timer does.
    call: EventDescriptor,
    /// Locked while a timer is set, so that the two do not part.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When it fires, in `nanoseconds`; 0: it is not set.
    at: u64,
    /// The only timer that may be running.
    running: usize,
    /// No timer is set to `at`: who sleeps looks at the clock.
    without_timer: bool,
}

impl WakeTimer {
    /// Makes one that is not set.
    pub(super) fn new() -> io::Result<Self> {
        let timers = || Ok([Timer::new()?, Timer::new()?]);
        let timers = match timers() {
            Ok(timers) => Some(timers),
            Err(error) if is_lack(&error) => return Err(error),
            Err(_) => None,
        };
        Ok(Self { timers, call: EventDescriptor::new()?, state: Mutex::default() })
    }

    /// Lets it fire after this time, at once for zero, instead of when it was set to before, if
    /// `is_wanted` says so of the time now and the one that it is set to (0: it is not set).
    pub(super) fn set_if(&self, after: Duration, is_wanted: impl FnOnce(u64, u64) -> bool) {
        let now = nanoseconds();
        self.set_at_if(now, after, |at| is_wanted(now, at));
    }

    /// As [`set_if`](Self::set_if), for a caller that knows the time.
    pub(super) fn set_at_if(&self, now: u64, after: Duration, is_wanted: impl FnOnce(u64) -> bool) {
        let mut state = self.state.lock();
        if !is_wanted(state.at) {
            return;
        }
        let is_set = state.at != 0 && !state.without_timer;
        let (started, stopped) = match is_set {
            true => (1 - state.running, Some(state.running)),
            false => (state.running, None),
        };
        state.at = now + after.as_nanos() as u64;
        state.running = started;
        state.without_timer = !self.start(started, after);
        if let Some(stopped) = stopped {
            self.stop(stopped);
        }
    }

    /// Has a timer fire; false where none does, and who sleeps was called.
    fn start(&self, number: usize, after: Duration) -> bool {
        let started =
            self.timers.as_ref().is_some_and(|timers| timers[number].start(after).is_ok());
        if !started {
            self.call.signal();
        }
        started
    }

    /// Where it fails the timer fires, and nothing comes of it.
    fn stop(&self, number: usize) {
        if let Some(timers) = &self.timers {
            let _ = timers[number].stop();
        }
    }

    /// Ends the sleep at once, whatever it is set to. Nothing is locked for that.
    pub(super) fn call(&self) {
        self.call.signal();
    }

    /// Stops it, if it is set and `is_wanted` says so of the time.
    pub(super) fn stop_if(&self, is_wanted: impl FnOnce(u64) -> bool) {
        let mut state = self.state.lock();
        if state.at != 0 && is_wanted(state.at) {
            self.stop(state.running);
            state.at = 0;
        }
    }

    /// Sleeps until it fires, true, it is not set then; or for this time, false. May return before.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> bool {
        // Interrupted only where signals are not blocked; the caller looks and waits again.
        self.sleep(timeout).unwrap_or(true)
    }

    /// Sleeps until it fires, true, it is not set then; or for this time, false. May return before.
    fn sleep(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let rest = self.time_without_timer();
        let is_first = rest.is_some_and(|rest| timeout.is_none_or(|timeout| rest <= timeout));
        let timers = self.timers.as_ref().map(|timers| timers.each_ref().map(AsRawFd::as_raw_fd));
        // poll(2) takes no notice of -1.
        let [first, second] = timers.unwrap_or([-1, -1]);
        let mut all = [first, second, self.call.as_raw_fd()]
            .map(|descriptor| PollDescriptor::new(descriptor, libc::POLLIN));
        let found = poll_descriptors(&mut all, if is_first { rest } else { timeout })?;
        if all[2].found() != 0 {
            self.call.clear();
        }
        let mut state = self.state.lock();
        let mut has_fired = state.without_timer && nanoseconds() >= state.at;
        for (number, timer) in self.timers.iter().flatten().enumerate() {
            // One that could not be stopped is read too, or every sleep would end at once.
            let rang = all[number].found() != 0 && timer.take_expired();
            has_fired |= rang && number == state.running && !state.without_timer;
        }
        if has_fired {
            state.at = 0;
        }
        Ok(is_first || found > 0)
    }

    /// Until it fires, where no timer makes it.
    fn time_without_timer(&self) -> Option<Duration> {
        let state = self.state.lock();
        let rest = Duration::from_nanos(state.at.saturating_sub(nanoseconds()));
        (state.at != 0 && state.without_timer).then_some(rest)
    }
}

/// Whether descriptors or memory are used up: for the time being.
fn is_lack(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use std::time::Instant;

    const HOUR: Duration = Duration::from_secs(3600);
    const PATIENCE: Duration = Duration::from_secs(10);
    const ALWAYS: fn(u64, u64) -> bool = |_, _| true;

    impl WakeTimer {
        /// One with timers, one whose timers cannot be set, and one without.
        fn kinds() -> [Self; 3] {
            let with = |timers| Self { timers, ..Self::new().unwrap() };
            [Self::new().unwrap(), with(Some([Timer::refusing(), Timer::refusing()])), with(None)]
        }

        fn is_readable(&self, timer: usize, timeout: Duration) -> bool {
            self.timers.as_ref().is_some_and(|timers| {
                let timer = PollDescriptor::new(timers[timer].as_raw_fd(), libc::POLLIN);
                poll_descriptors(&mut [timer], Some(timeout)).unwrap() > 0
            })
        }

        /// What holds whenever the state is not locked; returns whether it is set.
        fn check(&self) -> bool {
            let state = self.state.lock();
            assert!(!self.is_readable(1 - state.running, Duration::ZERO), "two timers ran");
            let is_set = state.at != 0;
            assert!(is_set || !self.is_readable(state.running, Duration::ZERO), "fires unset");
            is_set
        }

        /// Waits until it fires; false if it is late.
        fn fires(&self) -> bool {
            let began = Instant::now();
            while began.elapsed() < PATIENCE {
                self.sleep(Some(PATIENCE)).unwrap();
                if !self.check() {
                    return true;
                }
            }
            false
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
    fn it_fires_once_when_it_was_set_to_last() {
        WakeTimer::kinds().iter().for_each(fires_once_when_it_was_set_to_last);
    }

    fn fires_once_when_it_was_set_to_last(timer: &WakeTimer) {
        let mut random = random(1);
        for _ in 0..5000 {
            match random(4) {
                0 => timer.set_if(HOUR, ALWAYS),
                1 => timer.stop_if(|_| true),
                2 => {
                    timer.set_if(Duration::ZERO, ALWAYS);
                    assert!(timer.fires(), "it does not fire");
                }
                // Fires unnoticed.
                _ => timer.set_if(Duration::ZERO, ALWAYS),
            }
            timer.check();
        }
    }

    #[test]
    fn a_thread_that_puts_off_an_unnoticed_expiry_gets_the_time() {
        WakeTimer::kinds().iter().for_each(gives_the_time_to_who_puts_off_an_expiry);
    }

    fn gives_the_time_to_who_puts_off_an_expiry(timer: &WakeTimer) {
        for _ in 0..3 {
            timer.set_if(Duration::ZERO, ALWAYS);
            let State { running, without_timer, .. } = *timer.state.lock();
            assert!(without_timer || timer.is_readable(running, PATIENCE));
            let began = Instant::now();
            let time = Duration::from_millis(5);
            timer.set_if(time, |now, at| 0 < at && at <= now);
            assert!(timer.fires() && began.elapsed() >= time);
        }
    }

    /// As it is used: a thread that wants something says so before it sets the timer, and one that puts
    /// it off looks for that under the lock.
    #[test]
    fn no_expiry_is_lost_while_others_put_it_off() {
        WakeTimer::kinds().iter().for_each(loses_no_expiry_while_others_put_it_off);
    }

    fn loses_no_expiry_while_others_put_it_off(timer: &WakeTimer) {
        let (wanted, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let seen = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(SeqCst) {
                    timer.wait(None);
                    timer.check();
                    seen.fetch_add(wanted.swap(false, SeqCst) as usize, SeqCst);
                }
            });
            let (wanted, ended) = (&wanted, &ended);
            for seed in 1..3 {
                scope.spawn(move || {
                    let mut random = random(seed);
                    while !ended.load(SeqCst) {
                        std::thread::yield_now();
                        match random(8) {
                            0 => timer.stop_if(|_| !wanted.load(SeqCst)),
                            1 => timer.set_if(HOUR, |_, _| !wanted.load(SeqCst)),
                            time => timer.set_if(Duration::from_micros(time), |now, at| {
                                at <= now && !wanted.load(SeqCst)
                            }),
                        }
                    }
                });
            }
            let (began, mut late) = (Instant::now(), false);
            while began.elapsed() < Duration::from_millis(500) && !late {
                let (before, asked) = (seen.load(SeqCst), Instant::now());
                wanted.store(true, SeqCst);
                timer.set_if(Duration::ZERO, |now, at| at == 0 || at > now);
                while seen.load(SeqCst) == before && !late {
                    std::thread::yield_now();
                    late = asked.elapsed() > PATIENCE;
                }
            }
            ended.store(true, SeqCst);
            timer.set_if(Duration::ZERO, ALWAYS);
            assert!(!late, "an expiry was lost");
        });
    }
}
