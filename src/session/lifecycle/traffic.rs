//! What flows on an established connection, as the thread that polls the reactor has it flow.

use super::{DisconnectReason, LockedSession};
use crate::session::read_half::{ReadHalf, ReadOutcome};
use crate::session::write_half::WriteOutcome;
use crate::session::{ConnectionEvent, Work};
use crate::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl LockedSession<'_> {
    /// Reads though no event said that there is something; whether there was. `None` where asking
    /// for events costs less.
    pub(super) fn poll_read(&mut self) -> Option<bool> {
        if !self.lifecycle.is_active() {
            return Some(false);
        }
        let mut half = self.session.read.lock();
        if half.awaits_body() {
            return None;
        }
        let before = half.reads;
        let outcome = half.drive(false, &mut self.reactor.spare_buffer);
        if half.reads == before && matches!(outcome, ReadOutcome::Idle | ReadOutcome::Stalled) {
            return Some(false);
        }
        self.lifecycle.machine.handle_input();
        self.finish_read(half, outcome);
        Some(true)
    }

    /// Reads; `to_the_end`: not before a read found nothing or the end of the stream.
    pub(super) fn drive_read(&mut self, to_the_end: bool) {
        self.lifecycle.machine.handle_input();
        let mut half = self.session.read.lock();
        let outcome = half.drive(to_the_end, &mut self.reactor.spare_buffer);
        self.finish_read(half, outcome);
    }

    fn finish_read(&mut self, mut half: MutexGuard<'_, ReadHalf>, outcome: ReadOutcome) {
        let session = self.session;
        session.delivered.store(half.delivered, Ordering::Relaxed);
        let has_replies = !half.replies.is_empty();
        if has_replies {
            self.reactor.note_ping();
            let mut write = session.write.lock();
            if !write.has_failed() {
                half.replies.drain(..).for_each(|reply| write.send_command(reply));
            }
            half.replies.clear();
        }
        let time_to_live = half.time_to_live.take();
        drop(half);
        if let Some(time_to_live) = time_to_live {
            self.lifecycle.machine.handle_ping(time_to_live, Instant::now());
        }
        if has_replies {
            self.drive_write();
            if !self.lifecycle.is_active() {
                // Nothing is left to send, or the connection is gone: that was seen to.
                return;
            }
        }
        match outcome {
            ReadOutcome::Idle | ReadOutcome::Stalled => {}
            ReadOutcome::Busy => session.request(Work::READ),
            ReadOutcome::Closed => self.disconnected(DisconnectReason::System(libc::EPIPE)),
            ReadOutcome::Broken(error) => self.disconnected(DisconnectReason::Protocol(error)),
            ReadOutcome::Unopened(error) => {
                self.report(ConnectionEvent::HandshakeRefused(error));
                self.disconnected(DisconnectReason::Protocol(error));
            }
        }
    }

    pub(super) fn drive_write(&mut self) {
        let outcome = self.session.write.lock().drive(&self.session.reactor);
        match outcome {
            WriteOutcome::Idle | WriteOutcome::Blocked => {}
            WriteOutcome::Busy => self.session.request(Work::WRITE),
            WriteOutcome::Ended => self.finish_in_order(),
            WriteOutcome::Failed => self.write_failed(),
        }
    }

    /// Nothing can be sent any more. What the peer had sent is read to its end, however long the
    /// socket takes to receive it; then the connection is gone.
    pub(super) fn write_failed(&mut self) {
        if self.lifecycle.machine.is_closing() {
            return self.disconnected(DisconnectReason::System(libc::EPIPE));
        }
        self.lifecycle.machine.stop_heartbeats();
        if let Some(stream) = self.lifecycle.stream() {
            // Whatever the failure was, the input has an end.
            stream.shut_down();
        }
        self.drive_read(true);
    }
}
