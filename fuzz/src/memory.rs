//! Counts the memory that the code under test holds, so that a target fails where an input pins
//! more than it may, or where memory stays behind.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

/// Runs until caches and tables are as large as they get.
const WARM: usize = 4000;
/// Memory that may come on top afterwards: a leak of 100 bytes a run shows after 100,000 runs.
const GROWTH: isize = 8 << 20;

/// Bytes in use now, and the most since [`watch`] began.
static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);
/// Bytes in use after the `WARM`th run.
static BASE: AtomicIsize = AtomicIsize::new(0);
static RUNS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(change: isize) {
    let live = LIVE.fetch_add(change, Relaxed) + change;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: the system's allocator does the work; the counters touch no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Runs a target once; it may use `most` bytes at once.
///
/// # Panics
/// When it uses more, or the memory in use keeps growing from run to run.
pub fn watch(most: usize, run: impl FnOnce()) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    run();
    let used = PEAK.load(Relaxed) - before;
    assert!(used <= most as isize, "memory: this input made us hold {used} bytes");
    let runs = RUNS.fetch_add(1, Relaxed) + 1;
    let live = LIVE.load(Relaxed);
    if runs == WARM {
        BASE.store(live, Relaxed);
    } else if runs > WARM {
        let grown = live - BASE.load(Relaxed);
        assert!(grown <= GROWTH, "memory: {grown} bytes more than {} runs ago", runs - WARM);
    }
}
