//! The counter behind zmq_atomic_counter_new(3).

use std::sync::atomic::{AtomicI32, Ordering};

/// A counter that threads share. It wraps around.
///
/// Programs count references with it and free on zero, so that an increment or decrement is also
/// an acquire and a release of what the counter guards.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicI32);

impl Counter {
    /// Sets the value.
    pub(crate) fn set(&self, value: i32) {
        self.0.store(value, Ordering::Release);
    }

    /// Adds 1; returns the value before.
    pub(crate) fn increment(&self) -> i32 {
        self.0.fetch_add(1, Ordering::AcqRel)
    }

    /// Takes 1; returns the value after.
    pub(crate) fn decrement(&self) -> i32 {
        self.0.fetch_sub(1, Ordering::AcqRel).wrapping_sub(1)
    }

    /// The value.
    pub(crate) fn value(&self) -> i32 {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_is_lost_between_threads() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| _ = counter.increment()));
            }
        });
        assert_eq!(counter.value(), 40_000);
        assert_eq!(counter.decrement(), 39_999);
    }

    #[test]
    fn the_value_wraps_around() {
        let counter = Counter::default();
        counter.set(i32::MAX);
        assert_eq!(counter.increment(), i32::MAX);
        assert_eq!(counter.value(), i32::MIN);
        assert_eq!(counter.decrement(), i32::MAX);
    }
}
