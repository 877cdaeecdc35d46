//! Two state machines against each other, under simulated time: a session that connects and the
//! sessions of a listener, over a network with a latency that may refuse, swallow or cut.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A connection in this world, by its number.
type Wire = u32;

struct Wires;

impl Resources for Wires {
    type Accepted = Wire;
    type Lookup = ();
    type Attempt = Wire;
    type Handshake = Wire;
    type Connection = Wire;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packet {
    Connect,
    Accept,
    Refuse,
    Greeting,
    Ping,
    Pong,
    Message,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// What a test looks at afterwards, with the time since the world began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Attempt,
    Established(Wire),
    /// What made the side end its connection; `None`: the other side ended it.
    Lost(Option<TimerKind>),
    Closed,
}

struct Peer {
    times: Times,
    /// Told to the other with each PING.
    time_to_live: Duration,
    machine: StateMachine<Wires>,
    /// Messages that wait for a connection.
    unsent: usize,
    pings: usize,
    log: Vec<(Duration, Event)>,
}

impl Peer {
    fn new(times: Times) -> Self {
        Self {
            times,
            time_to_live: Duration::ZERO,
            machine: StateMachine::new(None, times),
            unsent: 0,
            pings: 0,
            log: Vec::new(),
        }
    }

    fn wire(&self) -> Option<Wire> {
        match self.machine.state() {
            State::Connecting { attempt: wire, .. }
            | State::Handshaking { handshake: wire, .. }
            | State::Active { connection: wire, .. } => Some(*wire),
            _ => None,
        }
    }

    /// The times of these events.
    fn times_of(&self, is_meant: impl Fn(Event) -> bool) -> Vec<Duration> {
        let found = self.log.iter().filter(|(_, event)| is_meant(*event));
        found.map(|(time, _)| *time).collect()
    }
}

/// What the network does with packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Delivers,
    /// Nobody notices.
    Swallows,
    /// There is no listener.
    Refuses,
    /// Connections are taken, and nothing else comes back.
    TakesOnly,
}

struct World {
    began: Instant,
    now: Instant,
    latency: Duration,
    network: Network,
    in_flight: BTreeMap<(Instant, u64), (Side, Wire, Packet)>,
    sent: u64,
    wires: Wire,
    client: Peer,
    server: Peer,
}

impl World {
    fn new(latency: Duration, client: Times, server: Times) -> Self {
        let now = Instant::now();
        let mut world = Self {
            began: now,
            now,
            latency,
            network: Network::Delivers,
            in_flight: BTreeMap::new(),
            sent: 0,
            wires: 0,
            client: Peer::new(client),
            server: Peer::new(server),
        };
        world.attempt();
        world
    }

    fn peer(&mut self, side: Side) -> &mut Peer {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn log(&mut self, side: Side, event: Event) {
        let time = self.now - self.began;
        self.peer(side).log.push((time, event));
    }

    fn send(&mut self, from: Side, wire: Wire, packet: Packet) {
        let to = match from {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        let (to, packet) = match (self.network, packet) {
            (Network::Delivers, packet) => (to, packet),
            (Network::Refuses, Packet::Connect) => (from, Packet::Refuse),
            (Network::TakesOnly, Packet::Connect) => (from, Packet::Accept),
            _ => return,
        };
        self.sent += 1;
        self.in_flight.insert((self.now + self.latency, self.sent), (to, wire, packet));
    }

    fn attempt(&mut self) {
        self.wires += 1;
        let (wire, now) = (self.wires, self.now);
        self.log(Side::Client, Event::Attempt);
        self.client.machine.enter(State::Resolving(()));
        self.client.machine.connect(wire, now);
        self.send(Side::Client, wire, Packet::Connect);
    }

    fn handshake(&mut self, side: Side, wire: Wire) {
        let now = self.now;
        self.peer(side).machine.handshake(wire, now);
        self.send(side, wire, Packet::Greeting);
    }

    /// The connection ends, for this reason or because the other ended it.
    fn lose(&mut self, side: Side, reason: Option<TimerKind>) {
        if let Some(wire) = self.peer(side).wire()
            && reason.is_some()
        {
            self.send(side, wire, Packet::End);
        }
        self.log(side, Event::Lost(reason));
        let (random, now) = (self.sent, self.now);
        let peer = self.peer(side);
        peer.machine.leave();
        if side == Side::Server || peer.machine.is_closing() && peer.unsent == 0 {
            return self.close(side);
        }
        peer.machine.wait(random, now);
    }

    fn close(&mut self, side: Side) {
        self.log(side, Event::Closed);
        self.peer(side).machine.enter(State::Closed);
    }

    fn receive(&mut self, side: Side, wire: Wire, packet: Packet) {
        let now = self.now;
        if packet == Packet::Connect {
            // The listener's last connection gives way, as far as it is not gone yet.
            let times = self.server.times;
            self.server.machine = StateMachine::new(Some(wire), times);
            self.send(side, wire, Packet::Accept);
            return self.handshake(side, wire);
        }
        let peer = self.peer(side);
        if peer.wire() != Some(wire) {
            return;
        }
        peer.machine.handle_input();
        match (packet, peer.machine.kind()) {
            (Packet::Accept, Kind::Connecting) => self.handshake(side, wire),
            (Packet::Greeting, Kind::Handshaking) => {
                peer.machine.activate(wire, true, now);
                let unsent = std::mem::take(&mut peer.unsent);
                self.log(side, Event::Established(wire));
                (0..unsent).for_each(|_| self.send(side, wire, Packet::Message));
                if self.peer(side).machine.is_closing() {
                    self.send(side, wire, Packet::End);
                    self.close(side);
                }
            }
            (Packet::Ping, Kind::Active) => {
                let time_to_live = match side {
                    Side::Client => self.server.time_to_live,
                    Side::Server => self.client.time_to_live,
                };
                if !time_to_live.is_zero() {
                    self.peer(side).machine.handle_ping(time_to_live, now);
                }
                self.send(side, wire, Packet::Pong);
            }
            (Packet::Refuse | Packet::End, _) => self.lose(side, None),
            _ => {}
        }
    }

    fn run_timers(&mut self, side: Side) {
        let now = self.now;
        while let Some(expired) = self.peer(side).machine.take_expired(now) {
            match expired {
                TimerKind::Reconnect => self.attempt(),
                TimerKind::Linger => self.close(side),
                TimerKind::Ping => {
                    let peer = self.peer(side);
                    peer.pings += 1;
                    if let Some(wire) = peer.wire() {
                        peer.machine.ping_sent(false, now);
                        self.send(side, wire, Packet::Ping);
                    }
                }
                TimerKind::HeartbeatTimeout => {
                    let progress = PingProgress::Delivered { advanced: false };
                    if !self.peer(side).machine.check_answer(progress, now) {
                        self.lose(side, Some(expired));
                    }
                }
                TimerKind::Connect | TimerKind::Handshake | TimerKind::PeerTtl => {
                    self.lose(side, Some(expired));
                }
            }
        }
    }

    /// Lets this time pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = [
                self.in_flight.keys().next().map(|(time, _)| *time),
                self.client.machine.poll_timeout(),
                self.server.machine.poll_timeout(),
            ];
            let next = next.into_iter().flatten().min().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            let arrives = self.in_flight.first_key_value().map(|(key, _)| *key);
            if let Some(key) = arrives.filter(|(time, _)| *time <= self.now)
                && let Some((to, wire, packet)) = self.in_flight.remove(&key)
            {
                self.receive(to, wire, packet);
            }
            self.run_timers(Side::Client);
            self.run_timers(Side::Server);
        }
    }

    /// The connection that messages flow on, if both have the same one.
    fn established(&self) -> Option<Wire> {
        let are_active = self.client.machine.kind() == Kind::Active
            && self.server.machine.kind() == Kind::Active
            && self.client.wire() == self.server.wire();
        self.client.wire().filter(|_| are_active)
    }
}

fn heartbeats(interval: u32, timeout: u32) -> HeartbeatTimes {
    HeartbeatTimes { interval: Some(interval * MS), timeout: Some(timeout * MS) }
}

fn all_times() -> Times {
    Times {
        connect: Some(2 * SECOND),
        handshake: Some(SECOND),
        reconnect: Some(100 * MS),
        reconnect_max: Duration::ZERO,
        heartbeat: heartbeats(500, 300),
    }
}

#[test]
fn peers_that_answer_in_time_keep_their_connection() {
    for latency in [1, 20, 149] {
        let mut world = World::new(latency * MS, all_times(), all_times());
        world.run(60 * SECOND);
        assert_eq!(world.established(), Some(1));
        assert!(world.client.pings > 110 && world.server.pings > 110);
        assert_eq!(world.client.times_of(|event| matches!(event, Event::Lost(_))), []);
    }
}

#[test]
fn a_peer_whose_answers_take_longer_than_the_time_out_is_given_up_again_and_again() {
    let silent = Times { heartbeat: HeartbeatTimes::default(), ..all_times() };
    let mut world = World::new(160 * MS, all_times(), silent);
    world.run(20 * SECOND);
    let late = Event::Lost(Some(TimerKind::HeartbeatTimeout));
    let lost = world.client.times_of(|event| event == late);
    let began = world.client.times_of(|event| matches!(event, Event::Established(_)));
    assert!(lost.len() > 10);
    // A PING after the interval, and the time-out from then on.
    lost.iter().zip(&began).for_each(|(lost, began)| assert_eq!(*lost - *began, 800 * MS));
}

#[test]
fn a_connection_that_dies_in_silence_ends_on_both_sides_and_is_made_again() {
    let mut world = World::new(10 * MS, all_times(), all_times());
    world.run(5 * SECOND);
    assert_eq!(world.established(), Some(1));
    world.network = Network::Swallows;
    world.run(30 * SECOND);
    for peer in [&world.client, &world.server] {
        let lost = peer.times_of(|event| matches!(event, Event::Lost(Some(_))))[0];
        // The last sign came up to an interval before; the PING after it is not answered.
        assert!(lost > 5 * SECOND && lost <= 5 * SECOND + 800 * MS, "{lost:?}");
    }
    assert_eq!(world.server.machine.kind(), Kind::Closed);
    assert!(world.client.times_of(|event| event == Event::Attempt).len() > 10);
    world.network = Network::Delivers;
    // An attempt that was swallowed, the longest pause, and the way.
    world.run(2 * SECOND + 200 * MS + 50 * MS);
    assert!(world.established() > Some(1));
}

#[test]
fn a_server_that_sends_no_pings_learns_from_the_time_to_live_that_its_client_is_gone() {
    let silent = Times { heartbeat: HeartbeatTimes::default(), ..all_times() };
    let mut world = World::new(10 * MS, all_times(), silent);
    world.client.time_to_live = 2 * SECOND;
    world.run(10 * SECOND);
    assert_eq!(world.established(), Some(1));
    world.network = Network::Swallows;
    world.run(10 * SECOND);
    let gone = Event::Lost(Some(TimerKind::PeerTtl));
    let lost = world.server.times_of(|event| event == gone);
    assert!(lost.len() == 1 && lost[0] > 11 * SECOND + 500 * MS && lost[0] <= 12 * SECOND);
}

#[test]
fn attempts_that_nobody_answers_end_after_the_connect_time_out() {
    let mut world = World::new(MS, all_times(), all_times());
    world.in_flight.clear();
    world.network = Network::Swallows;
    world.run(20 * SECOND);
    let lost = world.client.times_of(|event| event == Event::Lost(Some(TimerKind::Connect)));
    let began = world.client.times_of(|event| event == Event::Attempt);
    lost.iter().zip(&began).for_each(|(lost, began)| assert_eq!(*lost - *began, 2 * SECOND));
    assert!((9..=10).contains(&lost.len()), "{}", lost.len());
}

#[test]
fn a_server_that_takes_connections_and_says_nothing_costs_the_handshake_time_each_time() {
    let mut world = World::new(MS, all_times(), all_times());
    world.in_flight.clear();
    world.network = Network::TakesOnly;
    world.run(30 * SECOND);
    let lost = world.client.times_of(|event| event == Event::Lost(Some(TimerKind::Handshake)));
    let began = world.client.times_of(|event| event == Event::Attempt);
    assert!(lost.len() > 20);
    // The first one was swallowed.
    let pairs = lost.iter().zip(&began[1..]);
    pairs.for_each(|(lost, began)| assert_eq!(*lost - *began, SECOND + MS));
}

#[test]
fn a_server_that_is_not_there_is_asked_more_and_more_rarely_and_at_once_again_after_a_success() {
    let times = Times { reconnect_max: 3 * SECOND, ..all_times() };
    let mut world = World::new(MS, times, all_times());
    world.in_flight.clear();
    world.network = Network::Refuses;
    world.run(60 * SECOND);
    let began = world.client.times_of(|event| event == Event::Attempt);
    // Without the attempt that was swallowed.
    let pauses: Vec<_> = began[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The pause, its spread of up to the interval, and the way there.
    for (pause, least) in pauses.iter().zip([200, 400, 800, 1600, 3000, 3000, 3000]) {
        let least = least * MS;
        assert!((least..=least + 102 * MS).contains(pause), "{pause:?} for {least:?}");
    }
    assert!(pauses.len() >= 19);
    world.network = Network::Delivers;
    world.run(4 * SECOND);
    assert!(world.established().is_some());
    world.network = Network::Refuses;
    world.run(SECOND);
    let retried = world.client.times_of(|event| event == Event::Attempt);
    let lost = world.client.times_of(|event| matches!(event, Event::Lost(Some(_))));
    assert!(retried[retried.len() - 2..].iter().any(|time| *time > lost[lost.len() - 1]));
}

#[test]
fn a_closed_socket_sends_what_it_has_when_the_peer_comes_back_within_the_linger_time() {
    let short = SECOND + 500 * MS;
    for (linger, is_sent) in [(None, true), (Some(10 * SECOND), true), (Some(short), false)] {
        let mut world = World::new(MS, all_times(), all_times());
        world.in_flight.clear();
        world.network = Network::Refuses;
        world.client.unsent = 3;
        world.run(SECOND);
        let now = world.now;
        world.client.machine.close_when_sent(linger, now);
        world.run(3 * SECOND);
        world.network = Network::Delivers;
        world.run(5 * SECOND);
        assert_eq!(world.client.machine.kind(), Kind::Closed);
        assert_eq!(world.client.unsent == 0, is_sent);
        if !is_sent {
            // Between two attempts, of which it does not wait for the next.
            let closed = world.client.times_of(|event| event == Event::Closed);
            assert_eq!(closed, [SECOND + short]);
        }
    }
}

proptest! {
    /// Whatever the network did, a while after it works again both have the same connection, and
    /// neither ever waits for something that has no time.
    #[test]
    fn peers_find_each_other_again_after_any_losses(
        latency in 1..140_u32,
        has_longest in any::<bool>(),
        losses in prop::collection::vec((0..4_u32, 1..4_000_u32), 0..12),
    ) {
        let reconnect_max = if has_longest { SECOND } else { Duration::ZERO };
        let times = Times { reconnect_max, ..all_times() };
        let mut world = World::new(latency * MS, times, times);
        for (network, time) in losses {
            world.network = match network {
                0 => Network::Delivers,
                1 => Network::Swallows,
                2 => Network::Refuses,
                _ => Network::TakesOnly,
            };
            world.run(time * MS);
            prop_assert!(world.client.machine.poll_timeout().is_some());
            let server = &world.server.machine;
            let is_served = !matches!(server.kind(), Kind::Created | Kind::Closed);
            prop_assert_eq!(server.poll_timeout().is_some(), is_served);
        }
        world.network = Network::Delivers;
        world.run(10 * SECOND);
        prop_assert!(world.established().is_some());
        let wire = world.established();
        world.run(30 * SECOND);
        prop_assert_eq!(world.established(), wire);
    }
}
