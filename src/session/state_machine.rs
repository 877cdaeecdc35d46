//! The states of a session, and what it waits for in each of them. No I/O, no clock: `now` is an
//! argument, and whoever owns the machine acts on what it returns.
//!
//! ```text
//! Created -> Resolving -> Connecting -> Handshaking -> Active
//!               ^             |              |            |
//!               |             v              v            |      accepted: -> Closed
//!               '--------- Waiting <---------+------------'      connecting: Waiting, then again
//!                                            '-> GivenUp         refused, or no further attempts
//! ```
//!
//! Call order: a change (`connect`, `handshake`, `activate`, `wait`, `enter`) when something
//! happened; then [`poll_timeout`](StateMachine::poll_timeout) for the time to call
//! [`take_expired`](StateMachine::take_expired), until it returns nothing.

mod heartbeat;
mod reconnect_backoff;
#[cfg(all(test, not(loom)))]
mod simulation_tests;
#[cfg(all(test, not(loom)))]
mod tests;

pub(super) use heartbeat::{HeartbeatTimes, PingProgress};

use heartbeat::{Expired, Heartbeat};
use reconnect_backoff::ReconnectBackoff;
use std::time::{Duration, Instant};

/// What a session holds of the outside world in its states. The machine only keeps it.
pub(super) trait Resources {
    /// A connection that a listener took.
    type Accepted;
    /// Addresses that were found.
    type Lookup;
    /// A connection that was started.
    type Attempt;
    /// A connection whose peers do not know each other yet.
    type Handshake;
    /// A connection that messages can flow on.
    type Connection;
}

/// A state, with what is valid in it.
pub(super) enum State<R: Resources> {
    /// Not begun. An accepted session has its connection already.
    Created(Option<R::Accepted>),
    /// A name is being looked up.
    Resolving(R::Lookup),
    Connecting {
        attempt: R::Attempt,
        /// When it has taken too long.
        deadline: Option<Instant>,
    },
    /// Between two attempts.
    Waiting {
        /// When the next one begins; `None` once that was told.
        until: Option<Instant>,
    },
    Handshaking {
        handshake: R::Handshake,
        /// When it has taken too long.
        deadline: Option<Instant>,
    },
    Active {
        connection: R::Connection,
        heartbeat: Heartbeat,
    },
    /// No connection is tried any more. What the socket sends waits in the pipe up to its mark, as
    /// before any connection, and is dropped when the socket ends the session.
    GivenUp,
    Closed,
    /// It has left this state, and what that held was taken; the next one is about to be entered.
    Leaving(Kind),
}

/// A state without what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Created,
    Resolving,
    Connecting,
    Waiting,
    Handshaking,
    Active,
    GivenUp,
    Closed,
}

impl Kind {
    /// Whether the picture has this arrow; each state may be closed.
    fn may_become(self, next: Self) -> bool {
        use Kind::{Active, Closed, Connecting, Created, GivenUp, Handshaking, Resolving, Waiting};
        match self {
            Created => matches!(next, Resolving | Handshaking | Active | Closed),
            Resolving => matches!(next, Connecting | Waiting | GivenUp | Closed),
            // Another address of the same name, too.
            Connecting => next != Created && next != Resolving,
            Waiting => matches!(next, Resolving | Closed),
            Handshaking => matches!(next, Active | Waiting | GivenUp | Closed),
            Active => matches!(next, Waiting | Closed),
            GivenUp => next == Closed,
            Closed => false,
        }
    }
}

/// How long a session waits for what; `None` is for ever, or never.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    /// ZMQ_CONNECT_TIMEOUT.
    pub connect: Option<Duration>,
    /// ZMQ_HANDSHAKE_IVL.
    pub handshake: Option<Duration>,
    /// ZMQ_RECONNECT_IVL: without one there is no further attempt.
    pub reconnect: Option<Duration>,
    /// ZMQ_RECONNECT_IVL_MAX; less than the interval: the pause does not grow.
    pub reconnect_max: Duration,
    pub heartbeat: HeartbeatTimes,
}

/// What the time is over for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimerKind {
    /// To go on sending for a socket that was closed.
    Linger,
    /// An attempt to connect.
    Connect,
    /// The handshake.
    Handshake,
    /// The pause before the next attempt.
    Reconnect,
    /// Until the next PING: see [`StateMachine::ping_sent`].
    Ping,
    /// That the peer told with its PING, in which nothing came.
    PeerTtl,
    /// To answer our PING: see [`StateMachine::check_answer`].
    HeartbeatTimeout,
}

/// Whether the socket wants the session to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// As soon as everything is sent, or at this time.
    WhenSent {
        until: Option<Instant>,
    },
}

/// The state of one session, and its times.
pub(super) struct StateMachine<R: Resources> {
    state: State<R>,
    times: Times,
    backoff: ReconnectBackoff,
    closing: Closing,
    /// [`poll_timeout`](Self::poll_timeout) may return something else than before.
    timeout_changed: bool,
}

impl<R: Resources> StateMachine<R> {
    pub(super) fn new(accepted: Option<R::Accepted>, times: Times) -> Self {
        Self {
            state: State::Created(accepted),
            times,
            backoff: ReconnectBackoff::default(),
            closing: Closing::No,
            timeout_changed: false,
        }
    }

    pub(super) fn state(&self) -> &State<R> {
        &self.state
    }

    pub(super) fn state_mut(&mut self) -> &mut State<R> {
        &mut self.state
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.state {
            State::Created(_) => Kind::Created,
            State::Resolving(_) => Kind::Resolving,
            State::Connecting { .. } => Kind::Connecting,
            State::Waiting { .. } => Kind::Waiting,
            State::Handshaking { .. } => Kind::Handshaking,
            State::Active { .. } => Kind::Active,
            State::GivenUp => Kind::GivenUp,
            State::Closed => Kind::Closed,
            State::Leaving(kind) => *kind,
        }
    }

    /// Leaves the state; what it held is the caller's, who enters another one.
    pub(super) fn leave(&mut self) -> State<R> {
        self.timeout_changed = true;
        let left = State::Leaving(self.kind());
        std::mem::replace(&mut self.state, left)
    }

    /// The one function that changes the state.
    pub(super) fn enter(&mut self, state: State<R>) {
        let before = self.kind();
        self.state = state;
        self.timeout_changed = true;
        let now = self.kind();
        debug_assert!(before.may_become(now), "{before:?} -> {now:?}");
    }

    /// A connection was started.
    pub(super) fn connect(&mut self, attempt: R::Attempt, now: Instant) {
        self.enter(State::Connecting { attempt, deadline: after(now, self.times.connect) });
    }

    /// The connection is there: the peers get to know each other.
    pub(super) fn handshake(&mut self, handshake: R::Handshake, now: Instant) {
        self.enter(State::Handshaking { handshake, deadline: after(now, self.times.handshake) });
    }

    /// Messages can flow; `heartbeats`: to a peer that knows PINGs.
    pub(super) fn activate(&mut self, connection: R::Connection, heartbeats: bool, now: Instant) {
        self.backoff.reset();
        let heartbeat = Heartbeat::new(self.times.heartbeat, heartbeats, now);
        self.enter(State::Active { connection, heartbeat });
    }

    /// There is no connection: waits before the next attempt, and returns how long; `None` where no
    /// further one is made. `random` spreads the clients of a server that come back.
    pub(super) fn wait(&mut self, random: u64, now: Instant) -> Option<Duration> {
        let Some(interval) = self.times.reconnect else {
            self.enter(State::GivenUp);
            return None;
        };
        let pause = self.backoff.next_pause(interval, self.times.reconnect_max, random);
        self.enter(State::Waiting { until: after(now, Some(pause)) });
        Some(pause)
    }

    /// Whether there is another attempt after a lost connection.
    pub(super) fn reconnects(&self) -> bool {
        self.times.reconnect.is_some()
    }

    /// The socket wants the session to end when everything is sent, or after this time.
    pub(super) fn close_when_sent(&mut self, linger: Option<Duration>, now: Instant) {
        self.closing = Closing::WhenSent { until: after(now, linger) };
        self.timeout_changed = true;
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing != Closing::No
    }

    /// Something came from the peer.
    pub(super) fn handle_input(&mut self) {
        if let State::Active { heartbeat, .. } = &mut self.state {
            self.timeout_changed |= heartbeat.handle_input();
        }
    }

    /// The peer sent a PING with this time to live.
    pub(super) fn handle_ping(&mut self, time_to_live: Duration, now: Instant) {
        if let State::Active { heartbeat, .. } = &mut self.state {
            heartbeat.handle_ping(time_to_live, now);
            self.timeout_changed = true;
        }
    }

    /// A PING was written; where `is_waiting` something goes before it.
    pub(super) fn ping_sent(&mut self, is_waiting: bool, now: Instant) {
        if let State::Active { heartbeat, .. } = &mut self.state {
            heartbeat.ping_sent(is_waiting, now);
            self.timeout_changed = true;
        }
    }

    /// Whether the next PING is one whose answer is waited for: those before were answered.
    pub(super) fn watches_next_ping(&self) -> bool {
        matches!(&self.state, State::Active { heartbeat, .. } if heartbeat.watches_next_ping())
    }

    /// No answer came in time. Waits on where the PING, or what goes before it, came nearer to the
    /// peer; false if the peer is gone.
    pub(super) fn check_answer(&mut self, progress: PingProgress, now: Instant) -> bool {
        let State::Active { heartbeat, .. } = &mut self.state else {
            return true;
        };
        self.timeout_changed = true;
        heartbeat.check_answer(progress, now)
    }

    /// Nothing can be sent any more: there are no further PINGs.
    pub(super) fn stop_heartbeats(&mut self) {
        if let State::Active { heartbeat, .. } = &mut self.state {
            heartbeat.stop();
            self.timeout_changed = true;
        }
    }

    /// Whether [`poll_timeout`](Self::poll_timeout) is to be asked again.
    pub(super) fn take_timeout_changed(&mut self) -> bool {
        self.timeout_changed && std::mem::take(&mut self.timeout_changed)
    }

    /// When something is to be done, if nothing else happens before.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let of_state = match &self.state {
            State::Connecting { deadline, .. } | State::Handshaking { deadline, .. } => *deadline,
            State::Waiting { until } => *until,
            State::Active { heartbeat, .. } => heartbeat.poll_timeout(),
            State::Closed => return None,
            _ => None,
        };
        let linger = match self.closing {
            Closing::No => None,
            Closing::WhenSent { until } => until,
        };
        [of_state, linger].into_iter().flatten().min()
    }

    /// What the time is over for; each is returned once.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<TimerKind> {
        self.timeout_changed = true;
        if let Closing::WhenSent { until } = &mut self.closing
            && is_over(until, now)
        {
            return Some(TimerKind::Linger);
        }
        match &mut self.state {
            State::Connecting { deadline, .. } => {
                is_over(deadline, now).then_some(TimerKind::Connect)
            }
            State::Handshaking { deadline, .. } => {
                is_over(deadline, now).then_some(TimerKind::Handshake)
            }
            State::Waiting { until } => is_over(until, now).then_some(TimerKind::Reconnect),
            State::Active { heartbeat, .. } => {
                heartbeat.take_expired(now).map(|expired| match expired {
                    Expired::Ping => TimerKind::Ping,
                    Expired::PeerTtl => TimerKind::PeerTtl,
                    Expired::Answer => TimerKind::HeartbeatTimeout,
                })
            }
            _ => None,
        }
    }
}

/// This time from now; `None` for ever, which a time beyond the clock's range is as well.
fn after(now: Instant, time: Option<Duration>) -> Option<Instant> {
    time.and_then(|time| now.checked_add(time))
}

/// Whether a time is over; then it is taken.
fn is_over(deadline: &mut Option<Instant>, now: Instant) -> bool {
    deadline.take_if(|deadline| *deadline <= now).is_some()
}
