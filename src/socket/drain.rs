//! A call that sends where much waits in the pipe writes some of it itself.

use super::{Socket, Wait};
use crate::backoff::Backoff;
use crate::pattern::{MAX_QUEUED_BYTES, PipeId};
use crate::sync::SpinGuard;
use std::time::{Duration, Instant};

/// A call writes for at most this time.
pub(super) const MAX_DRAIN: Duration = Duration::from_millis(1);
/// When a call that sends tries to drain a pipe: at most this number does not between two that do.
pub(super) type DrainBackoff = Backoff<64>;

impl Socket {
    /// Polls the connections for a moment where much waits in a pipe, until more than this message
    /// went out: bytes are written while the processor's cache has them, their memory serves the
    /// next message, and no other thread has to be woken. A peer that takes its time is not
    /// waited for.
    #[cold]
    pub(super) fn drain_overloaded(&self, id: PipeId, size: u64) {
        let mut guard = self.lock();
        let Ok(state) = guard.state() else {
            return;
        };
        if !state.unloading.is_due() {
            return;
        }
        let before = state.core.pipes.queued_bytes(id);
        let enough = before.saturating_sub(2 * size).max(MAX_QUEUED_BYTES);
        let (context, watched) = (state.context.clone(), [state.wait_source()]);
        let mut wait = Wait::new(&watched, &context.pool, Instant::now().checked_add(MAX_DRAIN));
        // Released before signals are let in, with the end of the wait.
        let mut guard = guard;
        loop {
            let served = SpinGuard::unlocked(&mut guard, || wait.drive_once());
            let Ok(state) = guard.state() else {
                return;
            };
            // Whatever failed, this message was sent: the next call reports it.
            if state.process().is_err() {
                return;
            }
            watched[0].begin_check();
            let load = state.core.pipes.queued_bytes(id);
            if load <= enough || !served {
                return state.unloading.tried(load < before);
            }
        }
    }
}
