use super::*;

/// Holds nothing.
struct Nothing;

impl Resources for Nothing {
    type Accepted = ();
    type Lookup = ();
    type Attempt = ();
    type Handshake = ();
    type Connection = ();
}

const MS: Duration = Duration::from_millis(1);

/// A machine that has gone this way.
fn machine(times: Times, way: &[Kind], now: Instant) -> StateMachine<Nothing> {
    let mut machine = StateMachine::new(None, times);
    for kind in way {
        match kind {
            Kind::Resolving => machine.enter(State::Resolving(())),
            Kind::Connecting => machine.connect((), now),
            Kind::Handshaking => machine.handshake((), now),
            Kind::Active => machine.activate((), true, now),
            Kind::Waiting => assert!(machine.wait(0, now).is_some()),
            Kind::GivenUp => machine.enter(State::GivenUp),
            Kind::Closed => machine.enter(State::Closed),
            Kind::Created => {}
        }
        assert_eq!(machine.kind(), *kind);
    }
    machine
}

#[test]
fn a_state_becomes_only_those_that_the_picture_has_behind_it() {
    use Kind::{Active, Closed, Connecting, Created, GivenUp, Handshaking, Resolving, Waiting};
    let arrows: [(Kind, &[Kind]); 8] = [
        (Created, &[Resolving, Handshaking, Active, Closed]),
        (Resolving, &[Connecting, Waiting, GivenUp, Closed]),
        (Connecting, &[Connecting, Waiting, Handshaking, Active, GivenUp, Closed]),
        (Waiting, &[Resolving, Closed]),
        (Handshaking, &[Waiting, Active, GivenUp, Closed]),
        (Active, &[Waiting, Closed]),
        (GivenUp, &[Closed]),
        (Closed, &[]),
    ];
    for (from, to) in arrows {
        for next in arrows.map(|(kind, _)| kind) {
            assert_eq!(from.may_become(next), to.contains(&next), "{from:?} -> {next:?}");
        }
    }
}

#[test]
fn architecture_has_the_same_picture() {
    let picture = |text: &str, margin: &str| {
        let lines = text.lines().map(|line| line.strip_prefix(margin).unwrap_or(line));
        let lines = lines.skip_while(|line| !line.starts_with("Created -> ")).take(5);
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let ours = picture(include_str!("../state_machine.rs"), "//! ");
    assert!(ours.len() == 5 && ours[4].contains("GivenUp"), "{ours:?}");
    assert_eq!(picture(include_str!("../../../ARCHITECTURE.md"), "    "), ours);
}

#[test]
#[should_panic(expected = "Active -> Connecting")]
#[cfg(debug_assertions)]
fn an_arrow_that_the_picture_lacks_is_a_fault_of_ours() {
    let now = Instant::now();
    let way = [Kind::Resolving, Kind::Connecting, Kind::Active];
    machine(Times::default(), &way, now).connect((), now);
}

#[test]
fn each_state_waits_for_its_own_time_and_forgets_it_when_it_is_left() {
    let now = Instant::now();
    let times = Times {
        connect: Some(10 * MS),
        handshake: Some(20 * MS),
        reconnect: Some(30 * MS),
        reconnect_max: Duration::ZERO,
        heartbeat: HeartbeatTimes { interval: Some(40 * MS), timeout: Some(50 * MS) },
    };
    let mut way = vec![Kind::Resolving];
    let mut check = |next: Kind, wait: u32, expired: TimerKind| {
        way.push(next);
        let mut machine = machine(times, &way, now);
        assert!(machine.take_timeout_changed());
        assert_eq!(machine.poll_timeout(), Some(now + wait * MS));
        assert_eq!(machine.take_expired(now + (wait - 1) * MS), None);
        assert_eq!(machine.take_expired(now + wait * MS), Some(expired));
        assert_eq!(machine.take_expired(now + wait * MS), None);
        machine.enter(State::Closed);
        assert_eq!(machine.poll_timeout(), None);
    };
    check(Kind::Connecting, 10, TimerKind::Connect);
    check(Kind::Handshaking, 20, TimerKind::Handshake);
    check(Kind::Active, 40, TimerKind::Ping);
    check(Kind::Waiting, 30, TimerKind::Reconnect);
}

#[test]
fn a_closed_socket_gives_its_sessions_the_linger_time_in_every_state() {
    let now = Instant::now();
    let times = Times { reconnect: Some(MS), ..Times::default() };
    let way = [Kind::Resolving, Kind::Connecting, Kind::Handshaking, Kind::Active];
    for length in 0..=way.len() {
        let mut machine = machine(times, &way[..length], now);
        assert_eq!(machine.poll_timeout(), None);
        machine.close_when_sent(Some(7 * MS), now);
        assert!(machine.is_closing());
        assert_eq!(machine.poll_timeout(), Some(now + 7 * MS));
        // A second close of another time, as zmq_ctx_term has it, counts from then on.
        machine.close_when_sent(None, now);
        assert_eq!(machine.poll_timeout(), None);
        machine.close_when_sent(Some(9 * MS), now);
        assert_eq!(machine.take_expired(now + 9 * MS), Some(TimerKind::Linger));
        assert_eq!(machine.poll_timeout(), None);
    }
}

#[test]
fn without_an_interval_a_session_gives_up() {
    let now = Instant::now();
    let mut machine = machine(Times::default(), &[Kind::Resolving, Kind::Connecting], now);
    assert!(!machine.reconnects());
    assert_eq!(machine.wait(0, now), None);
    assert_eq!(machine.kind(), Kind::GivenUp);
}

#[test]
fn while_the_application_does_not_read_silence_is_no_sign() {
    let now = Instant::now();
    let heartbeat = HeartbeatTimes { interval: Some(10 * MS), timeout: Some(10 * MS) };
    let times = Times { heartbeat, ..Times::default() };
    let way = [Kind::Resolving, Kind::Connecting, Kind::Handshaking, Kind::Active];
    let mut machine = machine(times, &way, now);
    let silence_is_over = |machine: &mut StateMachine<Nothing>, now| {
        let expired = std::iter::from_fn(|| machine.take_expired(now));
        assert!(expired.collect::<Vec<_>>().contains(&TimerKind::HeartbeatTimeout));
    };
    machine.ping_sent(false, now);
    silence_is_over(&mut machine, now + 10 * MS);
    assert!(machine.check_answer(PingProgress::NotReading, now + 10 * MS));
    // The next PING is waited for anew.
    assert!(machine.watches_next_ping());
    machine.ping_sent(true, now + 20 * MS);
    silence_is_over(&mut machine, now + 30 * MS);
    assert!(machine.check_answer(PingProgress::Waiting { advanced: true }, now + 30 * MS));
    silence_is_over(&mut machine, now + 40 * MS);
    assert!(!machine.check_answer(PingProgress::Delivered { advanced: false }, now + 40 * MS));
}
