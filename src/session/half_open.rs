//! The connections of a listener that wait for their peers' side of the handshake.

use super::Session;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// A peer that took so long already is slower than any honest one that others should wait for.
const SLOW: Duration = Duration::from_secs(1);
/// This number of the slow ones goes at a time, where descriptors are needed.
const AT_A_TIME: usize = 64;
/// The list is cleaned of those that wait no more when it is as long as this, at first.
const CLEAN_AT: usize = 64;

/// Peers that connect and say nothing must not keep others out: the list is bounded, and the
/// oldest have to go.
pub(super) struct HalfOpenConnections {
    /// Oldest first; some have shaken hands since.
    sessions: VecDeque<HalfOpen>,
    clean_at: usize,
}

struct HalfOpen {
    since: Instant,
    session: Weak<Session>,
}

impl Default for HalfOpenConnections {
    fn default() -> Self {
        Self { sessions: VecDeque::new(), clean_at: CLEAN_AT }
    }
}

impl HalfOpenConnections {
    /// A connection came. If more than `limit` (0: any number) wait, the oldest are closed.
    pub(super) fn add(&mut self, session: &Arc<Session>, limit: usize) {
        self.sessions
            .push_back(HalfOpen { since: Instant::now(), session: Arc::downgrade(session) });
        let limit = if limit == 0 { usize::MAX } else { limit };
        if self.sessions.len() <= self.clean_at.min(limit) {
            return;
        }
        self.clean();
        self.close_oldest(self.sessions.len().saturating_sub(limit));
    }

    /// Descriptors have run out: closes some of those that wait for long.
    pub(super) fn make_room(&mut self) {
        self.clean();
        let slow = self.sessions.iter().take_while(|own| own.since.elapsed() > SLOW).count();
        self.close_oldest(slow.min(AT_A_TIME));
    }

    fn close_oldest(&mut self, count: usize) {
        for HalfOpen { session, .. } in self.sessions.drain(..count) {
            if let Some(session) = session.upgrade() {
                session.evict();
            }
        }
    }

    /// Forgets those that wait no more. The list is allowed to double before the next time.
    fn clean(&mut self) {
        self.sessions.retain(|HalfOpen { session, .. }| {
            session.upgrade().is_some_and(|session| session.waits_for_peer())
        });
        self.clean_at = CLEAN_AT.max(2 * self.sessions.len());
    }
}
