//! Flow control: how many messages may stand in a pipe, and how many the reader took.

use super::sync::{AtomicU64, Ordering};
use crate::sync::CriticalMutex;

/// `consumed`: the writer found the pipe full and waits to be told.
pub(super) const WAITING: u64 = 1;
/// `consumed`: the reader is gone.
pub(super) const CLOSED: u64 = 2;
pub(super) const COUNT_SHIFT: u32 = 2;

/// Whose share is which.
pub(super) const WRITER: usize = 0;
pub(super) const READER: usize = 1;

/// Flow control, from the reader to the writer.
pub(super) struct Flow {
    /// Messages that the reader reported as read, `WAITING` and `CLOSED`. Changed by
    /// read-modify-write operations only, so neither side loses the other's flag.
    pub(super) consumed: AtomicU64,
    /// Bytes of heavy parts that were read; the reader's to change.
    pub(super) heavy_bytes_read: AtomicU64,
    /// The most messages that may stand in the pipe; 0 is no limit. Found from `shares`.
    pub(super) hwm: AtomicU64,
    /// What each party adds to the mark: the writer's, the reader's.
    shares: CriticalMutex<[Share; 2]>,
}

/// What a party adds to the high-water mark of a pipe: messages, of which 0 is no limit; `None`
/// for a session, which has no say, and for a party that is not known yet.
pub(crate) type Share = Option<u32>;

/// No limit on one side is none at all (zmq_inproc(7)).
pub(super) fn sum(shares: [Share; 2]) -> u64 {
    if shares.contains(&Some(0)) {
        return 0;
    }
    shares.iter().flatten().map(|&share| u64::from(share)).sum()
}

impl Flow {
    pub(super) fn new(shares: [Share; 2]) -> Self {
        Self {
            consumed: AtomicU64::new(0),
            heavy_bytes_read: AtomicU64::new(0),
            hwm: AtomicU64::new(sum(shares)),
            shares: CriticalMutex::new(shares),
        }
    }

    /// Changes what a party adds. True if the writer had found the pipe full: it must look again.
    pub(super) fn set_share(&self, party: usize, share: u32) -> bool {
        let mut shares = self.shares.lock();
        shares[party] = Some(share);
        self.hwm.store(sum(*shares), Ordering::Relaxed);
        // Release: a writer that sets its flag later looks at the mark once more.
        self.consumed.fetch_and(!WAITING, Ordering::AcqRel) & WAITING != 0
    }
}

/// From this mark on a session may take as much as suits it out of a pipe at a time.
const AMPLE_HWM: u64 = 1000;
/// Bytes that it may take whatever the mark: those of one batch of libzmq (observed).
const LEAST_BATCH: u64 = 8 * 1024;

/// How much of `size` bytes a session may hold outside of a pipe with this mark: they stand in no
/// pipe, and are accepted beyond the marks.
pub(super) fn batch_within(size: usize, mark: u64) -> usize {
    if mark == 0 || mark >= AMPLE_HWM {
        return size;
    }
    let size = size as u64;
    // Not above `size`, which is a `usize`.
    (size.saturating_mul(mark) / AMPLE_HWM).max(LEAST_BATCH).min(size) as usize
}

/// The count of messages read that the writer of a pipe with this mark is told next.
pub(super) fn next_report(read: u64, mark: u64) -> u64 {
    match mark.div_ceil(2) {
        0 => u64::MAX,
        half => (read / half + 1) * half,
    }
}
