//! The timers behind zmq_timers(3): the application asks when the next is due, and runs them.

use crate::error::{Error, Result};
use crate::sync::ForkMutex;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// A set of repeating timers. Time is an argument of every function that needs it.
///
/// Handlers run without the lock, so that they may call any function of the set.
pub(crate) struct Timers<H> {
    state: ForkMutex<State<H>>,
}

/// Where the clock cannot represent the end of an interval.
const A_CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// When a timer is due; the second number keeps those of the same moment in order.
type Deadline = (Instant, u64);

/// Invariant: `deadlines` and `queue` have the same timers.
struct State<H> {
    /// Changes when the set is cleared, so that an execution which is under way ends.
    epoch: u64,
    last_id: i32,
    /// The order number of the deadline that was given last.
    last_order: u64,
    deadlines: HashMap<i32, Deadline>,
    queue: BTreeMap<Deadline, Timer<H>>,
}

struct Timer<H> {
    id: i32,
    interval: Duration,
    handler: H,
}

impl<H: Copy> Timers<H> {
    /// An empty set.
    pub(crate) fn new() -> Self {
        Self { state: ForkMutex::new(State::default()) }
    }

    /// Adds a timer that is due first at `now + interval`; returns its number, from 1.
    pub(crate) fn add(&self, now: Instant, interval: Duration, handler: H) -> i32 {
        let mut state = self.state.lock();
        let id = state.unused_id();
        state.enqueue(now, Timer { id, interval, handler });
        id
    }

    /// Removes a timer.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no such timer.
    pub(crate) fn cancel(&self, id: i32) -> Result<()> {
        self.state.lock().dequeue(id).map(drop)
    }

    /// Changes the interval of a timer and restarts it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no such timer.
    pub(crate) fn set_interval(&self, now: Instant, id: i32, interval: Duration) -> Result<()> {
        let mut state = self.state.lock();
        let timer = state.dequeue(id)?;
        state.enqueue(now, Timer { interval, ..timer });
        Ok(())
    }

    /// Restarts a timer.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no such timer.
    pub(crate) fn reset(&self, now: Instant, id: i32) -> Result<()> {
        let mut state = self.state.lock();
        let timer = state.dequeue(id)?;
        state.enqueue(now, timer);
        Ok(())
    }

    /// How long until the next timer is due; `None` if there is none.
    pub(crate) fn timeout(&self, now: Instant) -> Option<Duration> {
        let state = self.state.lock();
        let (deadline, _) = state.queue.keys().next()?;
        Some(deadline.saturating_duration_since(now))
    }

    /// Calls `run` for each timer that is due, once, in the order of their deadlines. A timer
    /// counts again from `now` before it runs.
    pub(crate) fn execute(&self, now: Instant, mut run: impl FnMut(i32, H)) {
        let (epoch, limit) = {
            let state = self.state.lock();
            (state.epoch, state.last_order)
        };
        while let Some((id, handler)) = self.next_due(epoch, now, limit) {
            run(id, handler);
        }
    }

    /// Restarts the next timer that is due, and returns its number and handler.
    fn next_due(&self, epoch: u64, now: Instant, limit: u64) -> Option<(i32, H)> {
        let mut state = self.state.lock();
        let (deadline, timer) = state.queue.first_key_value()?;
        // What is due but was queued after the start of the execution would run twice.
        if state.epoch != epoch || *deadline > (now, limit) {
            return None;
        }
        let (id, handler) = (timer.id, timer.handler);
        let timer = state.dequeue(id).ok()?;
        state.enqueue(now, timer);
        Some((id, handler))
    }

    /// Removes all timers, and ends an execution that is under way.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock();
        state.epoch += 1;
        state.last_id = 0;
        state.deadlines.clear();
        state.queue.clear();
    }
}

impl<H: Copy> Default for Timers<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H> Default for State<H> {
    fn default() -> Self {
        Self {
            epoch: 0,
            last_id: 0,
            last_order: 0,
            deadlines: HashMap::new(),
            queue: BTreeMap::new(),
        }
    }
}

impl<H> State<H> {
    /// The number for the next timer: one more than the last, or the next that is free once the
    /// numbers have wrapped around.
    fn unused_id(&mut self) -> i32 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.deadlines.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }

    fn enqueue(&mut self, now: Instant, timer: Timer<H>) {
        self.last_order += 1;
        // An interval beyond the end of the clock never ends; the clock's end will do.
        let due = now.checked_add(timer.interval).unwrap_or(now + A_CENTURY);
        let deadline = (due, self.last_order);
        self.deadlines.insert(timer.id, deadline);
        self.queue.insert(deadline, timer);
    }

    fn dequeue(&mut self, id: i32) -> Result<Timer<H>> {
        let deadline = self.deadlines.remove(&id);
        deadline.and_then(|deadline| self.queue.remove(&deadline)).ok_or(Error::InvalidArgument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Executes and gives the numbers of the timers that ran.
    fn executed(timers: &Timers<()>, now: Instant) -> Vec<i32> {
        let mut ran = Vec::new();
        timers.execute(now, |id, ()| ran.push(id));
        ran
    }

    #[test]
    fn timers_run_in_the_order_of_their_deadlines_and_again() {
        let (timers, start) = (Timers::new(), Instant::now());
        assert_eq!(timers.timeout(start), None);
        assert_eq!(timers.add(start, 100 * MS, ()), 1);
        assert_eq!(timers.add(start, 5 * MS, ()), 2);
        assert_eq!(timers.add(start, 3 * MS, ()), 3);
        assert_eq!(timers.add(start, 5 * MS, ()), 4);
        assert_eq!(timers.timeout(start), Some(3 * MS));
        assert!(executed(&timers, start + 2 * MS).is_empty());
        assert_eq!(timers.timeout(start + 9 * MS), Some(Duration::ZERO));
        assert_eq!(executed(&timers, start + 10 * MS), [3, 2, 4]);
        assert_eq!(timers.timeout(start + 10 * MS), Some(3 * MS));
        assert_eq!(executed(&timers, start + 13 * MS), [3]);
        assert_eq!(executed(&timers, start + 100 * MS), [2, 4, 3, 1]);
    }

    #[test]
    fn cancelled_and_unknown_timers_are_refused() {
        let (timers, start) = (Timers::new(), Instant::now());
        let id = timers.add(start, MS, ());
        assert_eq!(timers.cancel(id), Ok(()));
        assert_eq!(timers.cancel(id), Err(Error::InvalidArgument));
        assert_eq!(timers.reset(start, id), Err(Error::InvalidArgument));
        assert_eq!(timers.set_interval(start, id, MS), Err(Error::InvalidArgument));
        assert_eq!(timers.timeout(start), None);
        assert_eq!(timers.add(start, MS, ()), id + 1);
    }

    #[test]
    fn reset_and_new_intervals_count_from_now() {
        let (timers, start) = (Timers::new(), Instant::now());
        let id = timers.add(start, 10 * MS, ());
        timers.reset(start + 8 * MS, id).unwrap();
        assert_eq!(timers.timeout(start + 8 * MS), Some(10 * MS));
        timers.set_interval(start + 9 * MS, id, 50 * MS).unwrap();
        assert_eq!(timers.timeout(start + 9 * MS), Some(50 * MS));
    }

    #[test]
    fn an_interval_of_zero_runs_once_an_execution() {
        let (timers, start) = (Timers::new(), Instant::now());
        timers.add(start, Duration::ZERO, ());
        assert_eq!(executed(&timers, start), [1]);
        assert_eq!(executed(&timers, start), [1]);
    }

    #[test]
    fn handlers_may_change_the_set_they_run_in() {
        let (timers, start) = (Timers::new(), Instant::now());
        timers.add(start, MS, ());
        timers.add(start, 2 * MS, ());
        let mut ran = Vec::new();
        timers.execute(start + 5 * MS, |id, ()| {
            ran.push(id);
            timers.cancel(2).unwrap();
            timers.cancel(id).unwrap();
            timers.add(start + 5 * MS, Duration::ZERO, ());
        });
        assert_eq!(ran, [1]);
        assert_eq!(executed(&timers, start + 5 * MS), [3]);
    }

    #[test]
    fn clearing_from_a_handler_ends_the_execution() {
        let (timers, start) = (Timers::new(), Instant::now());
        timers.add(start, MS, ());
        timers.add(start, MS, ());
        let mut ran = 0;
        timers.execute(start + MS, |_, ()| {
            ran += 1;
            timers.clear();
            timers.add(start, MS, ());
        });
        assert_eq!(ran, 1);
    }

    #[test]
    fn the_longest_interval_is_no_overflow() {
        let (timers, start) = (Timers::new(), Instant::now());
        timers.add(start, Duration::MAX, ());
        assert!(timers.timeout(start).unwrap() >= A_CENTURY);
    }
}
