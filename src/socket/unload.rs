//! A call that sends where much waits in the pipe writes some of it itself.

use super::{Socket, Wait};
use crate::io::CallGuard;
use crate::pattern::{MAX_LOAD, PipeId};
use std::time::{Duration, Instant};

/// A call drives at most so long.
pub(super) const UNLOADING: Duration = Duration::from_millis(1);
/// The most calls that do not try after one that tried in vain.
const MOST_RESTS: u32 = 64;

/// When a call that sends should try to unload a pipe: rarely while that is in vain.
#[derive(Default)]
pub(super) struct Unloading {
    /// Calls that do not try before the next one that does.
    rests: u32,
    /// How many these are after a vain one.
    backoff: u32,
}

impl Unloading {
    /// Whether to try now.
    pub(super) fn is_worthwhile(&mut self) -> bool {
        let rested = self.rests == 0;
        self.rests = self.rests.saturating_sub(1);
        rested
    }

    /// Something went out, or not in time.
    pub(super) fn tried(&mut self, in_time: bool) {
        self.backoff = if in_time { 0 } else { (2 * self.backoff + 1).min(MOST_RESTS) };
        self.rests = self.backoff;
    }
}

impl Socket {
    /// Drives the connections for a moment where much waits in a pipe, until more than this message
    /// went out: bytes are written while the processor's cache has them, their memory serves the
    /// next message, and no other thread has to be woken. A peer that takes its time is not
    /// waited for.
    #[cold]
    pub(super) fn unload(&self, id: PipeId, size: u64) {
        let mut guard = self.lock();
        let Some(state) = guard.as_mut() else {
            return;
        };
        if !state.unloading.is_worthwhile() {
            return;
        }
        let before = state.core.pipes.load(id);
        let enough = before.saturating_sub(2 * size).max(MAX_LOAD);
        let (context, watched) = (state.context.clone(), [state.watched()]);
        let mut wait = Wait::new(&watched, &context.pool, Instant::now().checked_add(UNLOADING));
        loop {
            let served = CallGuard::unlocked(&mut guard, || wait.serve());
            let Some(state) = guard.as_mut() else {
                return;
            };
            // Whatever is wrong, this message was sent: the next call tells.
            if state.process().is_err() {
                return;
            }
            let load = state.core.pipes.load(id);
            if load <= enough || !served {
                return state.unloading.tried(load < before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unloading_in_vain_is_tried_rarely() {
        let mut unloading = Unloading::default();
        let mut tries = 0;
        for _ in 0..1000 {
            if unloading.is_worthwhile() {
                unloading.tried(false);
                tries += 1;
            }
        }
        assert!(tries < 1000 / MOST_RESTS + 10);
        while !unloading.is_worthwhile() {}
        unloading.tried(true);
        assert!(unloading.is_worthwhile());
    }
}
