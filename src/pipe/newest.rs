//! The newest message of a pipe that conflates (ZMQ_CONFLATE), from its writer to its reader.
//!
//! Each of the two has a place of its own, and a third one is between them: either side exchanges its
//! own for that one, and never waits for the other, which may be suspended.

#![allow(unsafe_code)]

use super::sync::{Arc, AtomicU64, Ordering, UnsafeCell};
use std::mem;

/// The place in between has a value that the reader has not taken.
const FRESH: u64 = 1 << 2;
const PLACE: u64 = FRESH - 1;

struct Places<T> {
    places: [UnsafeCell<Option<T>>; 3],
    /// The number of the place in between, and `FRESH`.
    between: AtomicU64,
}

// SAFETY: a place is used by the side alone that has its number in `own`; see `exchange`.
unsafe impl<T: Send> Sync for Places<T> {}

/// One side.
struct Side<T> {
    places: Arc<Places<T>>,
    /// The number of its place. This, that of the other side, and the one in `between` are different.
    own: u64,
}

impl<T> Side<T> {
    /// Uses the side's own place.
    fn with<R>(&mut self, access: impl FnOnce(&mut Option<T>) -> R) -> R {
        // The number is always below 3.
        let place = &self.places.places[self.own as usize % 3];
        // SAFETY: the place is this side's: no other thread uses it, and the side is borrowed mutably.
        place.with_mut(|place| access(unsafe { &mut *place }))
    }

    /// Exchanges the side's own place for the one in between; true if that was fresh.
    fn exchange(&mut self, fresh: u64) -> bool {
        // Release: what is in the place that is given is seen by the side that gets it. Acquire: the
        // same for the one that is taken.
        let taken = self.places.between.swap(self.own | fresh, Ordering::AcqRel);
        self.own = taken & PLACE;
        taken & FRESH != 0
    }
}

/// The side that writes.
pub(super) struct NewestWriter<T>(Side<T>);

/// The side that reads.
pub(super) struct NewestReader<T>(Side<T>);

/// Makes the two sides.
pub(super) fn newest<T>() -> (NewestWriter<T>, NewestReader<T>) {
    let places = std::array::from_fn(|_| UnsafeCell::new(None));
    let places = Arc::new(Places { places, between: AtomicU64::new(2) });
    (NewestWriter(Side { places: places.clone(), own: 0 }), NewestReader(Side { places, own: 1 }))
}

impl<T> NewestWriter<T> {
    /// Puts a value in the place of the one before; true if the reader has taken that.
    pub(super) fn replace(&mut self, value: T) -> bool {
        self.0.with(|place| *place = Some(value));
        let replaced = self.0.exchange(FRESH);
        // Not kept until the next value comes.
        drop(self.0.with(mem::take));
        !replaced
    }
}

impl<T> NewestReader<T> {
    /// Takes the newest value, if there is one that was not taken.
    pub(super) fn take(&mut self) -> Option<T> {
        // Relaxed: `exchange` reads it again.
        if self.0.places.between.load(Ordering::Relaxed) & FRESH == 0 {
            return None;
        }
        self.0.exchange(0);
        self.0.with(mem::take)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc as StdArc;

    #[test]
    fn the_reader_takes_the_newest_value_once() {
        let (mut writer, mut reader) = newest();
        assert_eq!(reader.take(), None);
        assert!(writer.replace(1));
        assert!(!writer.replace(2));
        assert_eq!(reader.take(), Some(2));
        assert_eq!(reader.take(), None);
        assert!(writer.replace(3));
        assert_eq!(reader.take(), Some(3));
    }

    #[test]
    fn a_value_that_was_replaced_is_dropped_at_once() {
        let (mut writer, _reader) = newest();
        let value = StdArc::new(());
        writer.replace(value.clone());
        writer.replace(StdArc::default());
        assert_eq!(StdArc::strong_count(&value), 1);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::thread;

    #[test]
    fn values_come_in_order_and_the_last_one_comes() {
        loom::model(|| {
            let (mut writer, mut reader) = newest();
            let sender =
                thread::spawn(move || (1..=3).filter(|value| writer.replace(*value)).count());
            let mut taken = vec![0];
            for _ in 0..2 {
                taken.extend(reader.take());
            }
            let announced = sender.join().unwrap();
            taken.extend(reader.take());
            assert!(taken.is_sorted_by(|before, after| before < after));
            assert_eq!(taken.last(), Some(&3));
            // Each value that is taken was announced once.
            assert_eq!(announced, taken.len() - 1);
        });
    }
}
