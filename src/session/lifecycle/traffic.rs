//! What flows on an established connection, as the thread that polls the reactor has it flow.

use super::{DisconnectReason, LockedSession};
use crate::session::read_half::{Pings, ReadOutcome, ReadReport};
use crate::session::write_half::WriteOutcome;
use crate::session::{ConnectionEvent, Failure, Work};
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
        let report = half.drive(false, &mut self.reactor.spare_buffer);
        drop(half);
        let is_nothing = matches!(report.outcome, ReadOutcome::Idle | ReadOutcome::Stalled);
        let has_served = report.has_read || !is_nothing;
        if has_served {
            self.lifecycle.machine.handle_input();
        }
        // Also what had been read before and was decoded now.
        self.finish_read(report);
        Some(has_served)
    }

    /// Reads; `to_the_end`: not before a read found nothing or the end of the stream.
    pub(super) fn drive_read(&mut self, to_the_end: bool) {
        self.lifecycle.machine.handle_input();
        let spare = &mut self.reactor.spare_buffer;
        let report = self.session.read.lock().drive(to_the_end, spare);
        self.finish_read(report);
    }

    fn finish_read(&mut self, report: ReadReport) {
        let session = self.session;
        if report.delivered > 0 {
            // Relaxed: the thread that polls alone changes it, for callers that want to know roughly.
            let before = session.delivered.load(Ordering::Relaxed);
            session.delivered.store(before + report.delivered, Ordering::Relaxed);
        }
        if let Some(pings) = report.pings {
            self.answer_pings(*pings);
            if !self.lifecycle.is_active() {
                // Nothing is left to send, or the connection is gone: that was seen to.
                return;
            }
        }
        match report.outcome {
            ReadOutcome::Idle | ReadOutcome::Stalled => {}
            ReadOutcome::Busy => session.request(Work::READ),
            ReadOutcome::Closed => self.disconnected(DisconnectReason::Failed(Failure::Ended)),
            ReadOutcome::Broken(error) => self.disconnected(DisconnectReason::Protocol(error)),
            ReadOutcome::Unopened(error) => {
                self.report(ConnectionEvent::HandshakeRefused(error));
                self.disconnected(DisconnectReason::Protocol(error));
            }
        }
    }

    fn answer_pings(&mut self, pings: Pings) {
        let Pings { replies, time_to_live } = pings;
        if let Some(time_to_live) = time_to_live {
            self.lifecycle.machine.handle_ping(time_to_live, Instant::now());
        }
        self.reactor.note_ping();
        let mut write = self.session.write.lock();
        if !write.has_failed() {
            replies.into_iter().for_each(|reply| write.send_command(reply));
        }
        drop(write);
        self.drive_write();
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
            return self.disconnected(DisconnectReason::Failed(Failure::Ended));
        }
        self.lifecycle.machine.stop_heartbeats();
        if let Some(stream) = self.lifecycle.stream() {
            // Whatever the failure was, the input has an end.
            stream.shut_down();
        }
        self.drive_read(true);
    }
}
