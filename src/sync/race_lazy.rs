//! A value that is made when it is first used, without a lock.

#![allow(unsafe_code)]

use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// As `LazyLock`, but where several threads use it first each makes a value, and one of these is
/// kept: no thread waits, and so a child of fork(2) does not wait for a thread of its parent.
pub(crate) struct RaceLazy<T> {
    /// NULL, or a value that is never freed.
    value: AtomicPtr<T>,
    make: fn() -> T,
}

impl<T: Send + Sync> RaceLazy<T> {
    /// A value that `make` gives.
    pub(crate) const fn new(make: fn() -> T) -> Self {
        Self { value: AtomicPtr::new(ptr::null_mut()), make }
    }

    #[cold]
    fn make(&self) -> *mut T {
        let made = Box::into_raw(Box::new((self.make)()));
        let empty = ptr::null_mut();
        // Release publishes the value; Acquire pairs with it for another thread's.
        match self.value.compare_exchange(empty, made, Ordering::Release, Ordering::Acquire) {
            Ok(_) => made,
            Err(kept) => {
                // SAFETY: made above, and not published.
                drop(unsafe { Box::from_raw(made) });
                kept
            }
        }
    }
}

impl<T: Send + Sync> Deref for RaceLazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // Pairs with the Release in `make`.
        let mut value = self.value.load(Ordering::Acquire);
        if value.is_null() {
            value = self.make();
        }
        // SAFETY: not NULL, so published, and never freed or changed.
        unsafe { &*value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_see_the_same_value() {
        static VALUE: RaceLazy<Vec<u8>> = RaceLazy::new(|| vec![1, 2, 3]);
        let addresses: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..4).map(|_| scope.spawn(|| VALUE.as_ptr() as usize)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(*VALUE, [1, 2, 3]);
        assert!(addresses.iter().all(|own| *own == VALUE.as_ptr() as usize));
    }
}
