//! What libzmq was observed to do; the whole grid is `capi-tests/option_grid.c`.

use super::*;
use crate::error::{Error, Result};
use crate::numbers::*;

const REFUSED: Result<SetEffect<'static>> = Err(Error::InvalidArgument);
const STORED: Result<SetEffect<'static>> = Ok(SetEffect::Stored);
const TYPES: i32 = 12;

fn options(socket_type: SocketType) -> Options {
    Options::new(socket_type, false, true)
}

fn set_int(options: &mut Options, option: i32, value: i32) -> bool {
    options.set(option, Some(&value.to_ne_bytes())).is_ok()
}

fn int(options: &Options, option: i32) -> i32 {
    match options.get(option, 4) {
        Ok(OptionValue::Value(value)) => i32::from_ne_bytes(value.as_bytes().try_into().unwrap()),
        other => panic!("option {option} gave {other:?}"),
    }
}

fn bytes(options: &Options, option: i32, room: usize) -> Result<Vec<u8>> {
    options.get(option, room).map(|answer| match answer {
        OptionValue::Value(value) => value.as_bytes().to_vec(),
        OptionValue::Live(live) => panic!("{live:?}"),
    })
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let rows = [
        (ZMQ_SNDHWM, 1000),
        (ZMQ_RCVHWM, 1000),
        (ZMQ_LINGER, -1),
        (ZMQ_SNDTIMEO, -1),
        (ZMQ_RCVTIMEO, -1),
        (ZMQ_RECONNECT_IVL, 100),
        (ZMQ_RECONNECT_IVL_MAX, 0),
        (ZMQ_BACKLOG, 100),
        (ZMQ_SNDBUF, -1),
        (ZMQ_RCVBUF, -1),
        (ZMQ_IMMEDIATE, 0),
        (ZMQ_IPV6, 0),
        (ZMQ_IPV4ONLY, 1),
        (ZMQ_RATE, 100),
        (ZMQ_RECOVERY_IVL, 10000),
        (ZMQ_MULTICAST_HOPS, 1),
        (ZMQ_MULTICAST_MAXTPDU, 1500),
        (ZMQ_MULTICAST_LOOP, 1),
        (ZMQ_HANDSHAKE_IVL, 30000),
        (ZMQ_HEARTBEAT_IVL, 0),
        (ZMQ_HEARTBEAT_TIMEOUT, -1),
        (ZMQ_HEARTBEAT_TTL, 0),
        (ZMQ_TCP_KEEPALIVE, -1),
        (ZMQ_TCP_KEEPALIVE_CNT, -1),
        (ZMQ_USE_FD, -1),
        (ZMQ_MECHANISM, 0),
        (ZMQ_TOS, 0),
        (ZMQ_CONFLATE, 0),
    ];
    for (option, value) in rows {
        assert_eq!(int(&options(SocketType::Pair), option), value, "option {option}");
    }
    assert_eq!(int(&Options::new(SocketType::Pair, true, false), ZMQ_LINGER), 0);
    assert_eq!(int(&Options::new(SocketType::Pair, true, false), ZMQ_IPV4ONLY), 0);
}

#[test]
fn numbers_have_ranges() {
    let rows = [
        (ZMQ_LINGER, -1, i32::MAX),
        (ZMQ_SNDHWM, 0, i32::MAX),
        (ZMQ_RATE, 1, i32::MAX),
        (ZMQ_SNDBUF, -1, i32::MAX),
        (ZMQ_IMMEDIATE, 0, 1),
        (ZMQ_IPV6, 0, 1),
        (ZMQ_TCP_KEEPALIVE, -1, 1),
        (ZMQ_TCP_KEEPALIVE_IDLE, -1, i32::MAX),
        (ZMQ_RECONNECT_IVL, -1, i32::MAX),
        (ZMQ_RECONNECT_IVL_MAX, 0, i32::MAX),
        (ZMQ_TOS, 0, i32::MAX),
        (ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, 0, 2),
        (ZMQ_HEARTBEAT_TIMEOUT, 0, i32::MAX),
        (ZMQ_RECONNECT_STOP, i32::MIN, i32::MAX),
    ];
    for (option, least, most) in rows {
        let mut options = options(SocketType::Dealer);
        for value in [least, most] {
            assert!(set_int(&mut options, option, value), "option {option} takes {value}");
            assert_eq!(int(&options, option), value, "option {option}");
        }
        for value in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
            assert!(!set_int(&mut options, option, value), "option {option} refuses {value}");
            assert_eq!(int(&options, option), most, "option {option} is unchanged");
        }
    }
}

#[test]
fn sizes_are_exact() {
    let mut options = options(SocketType::Pair);
    for size in [0, 1, 3, 5, 8] {
        assert_eq!(options.set(ZMQ_SNDHWM, Some(&[0; 8][..size])), REFUSED);
        assert_eq!(bytes(&options, ZMQ_SNDHWM, size), Err(Error::InvalidArgument));
    }
    assert_eq!(options.set(ZMQ_SNDHWM, None), REFUSED);
    assert_eq!(options.set(ZMQ_AFFINITY, Some(&[1; 4])), REFUSED);
    assert_eq!(options.set(ZMQ_AFFINITY, Some(&[1; 8])), STORED);
    assert_eq!(bytes(&options, ZMQ_AFFINITY, 8), Ok(vec![1; 8]));
    assert_eq!(bytes(&options, ZMQ_MAXMSGSIZE, 4), Err(Error::InvalidArgument));
}

#[test]
fn live_values_are_left_to_the_socket() {
    let options = options(SocketType::Pair);
    let rows = [
        (ZMQ_RCVMORE, LiveOption::ReceiveMore),
        (ZMQ_FD, LiveOption::Descriptor),
        (ZMQ_EVENTS, LiveOption::Events),
        (ZMQ_LAST_ENDPOINT, LiveOption::LastEndpoint),
    ];
    for (option, live) in rows {
        assert_eq!(options.get(option, 4), Ok(OptionValue::Live(live)));
    }
    assert_eq!(Value::live_int(1, 3), Err(Error::InvalidArgument));
    assert_eq!(Value::live_int(1, 64).unwrap().as_bytes(), 1i32.to_ne_bytes());
    assert_eq!(Value::text(b"abc", 3), Err(Error::InvalidArgument));
    assert_eq!(Value::text(b"abc", 4).unwrap().as_bytes(), b"abc\0");
}

#[test]
fn a_routing_id_has_1_to_255_bytes() {
    let mut options = options(SocketType::Req);
    assert_eq!(options.set(ZMQ_ROUTING_ID, Some(b"")), REFUSED);
    assert_eq!(options.set(ZMQ_ROUTING_ID, Some(&[7; 256])), REFUSED);
    assert_eq!(bytes(&options, ZMQ_ROUTING_ID, 0), Ok(vec![]));
    assert_eq!(options.set(ZMQ_ROUTING_ID, Some(b"\0a")), STORED);
    assert_eq!(bytes(&options, ZMQ_ROUTING_ID, 2), Ok(b"\0a".to_vec()));
    assert_eq!(bytes(&options, ZMQ_ROUTING_ID, 1), Err(Error::InvalidArgument));
}

#[test]
fn options_of_one_type_are_unknown_to_the_others() {
    use SocketType::*;
    let rows: [(i32, &[SocketType]); 8] = [
        (ZMQ_ROUTER_MANDATORY, &[Router, Rep]),
        (ZMQ_PROBE_ROUTER, &[Router, Rep, Dealer, Req]),
        (ZMQ_CONNECT_ROUTING_ID, &[Router, Rep, Stream]),
        (ZMQ_REQ_RELAXED, &[Req]),
        (ZMQ_XPUB_VERBOSE, &[Pub, Xpub]),
        (ZMQ_XPUB_WELCOME_MSG, &[Pub, Xpub]),
        (ZMQ_ONLY_FIRST_SUBSCRIBE, &[Pub, Xpub, Xsub]),
        (ZMQ_STREAM_NOTIFY, &[Stream]),
    ];
    for (option, owners) in rows {
        for socket_type in (0..TYPES).filter_map(SocketType::from_value) {
            let mut options = options(socket_type);
            let owner = owners.contains(&socket_type);
            assert_eq!(set_int(&mut options, option, 1), owner, "{option} {socket_type:?}");
            assert_eq!(
                options.get(option, 4),
                Err(Error::InvalidArgument),
                "{option} is write-only"
            );
        }
    }
}

#[test]
fn subscriptions_go_to_the_socket() {
    let mut sub = options(SocketType::Sub);
    assert_eq!(sub.set(ZMQ_SUBSCRIBE, Some(b"a")), Ok(SetEffect::Subscribe(b"a")));
    assert_eq!(sub.set(ZMQ_UNSUBSCRIBE, None), Ok(SetEffect::Unsubscribe(b"")));
    let mut xpub = options(SocketType::Xpub);
    assert_eq!(xpub.set(ZMQ_SUBSCRIBE, Some(b"a")), REFUSED);
    assert!(set_int(&mut xpub, ZMQ_XPUB_MANUAL, 1));
    assert_eq!(xpub.set(ZMQ_SUBSCRIBE, Some(b"a")), Ok(SetEffect::Subscribe(b"a")));
    assert_eq!(options(SocketType::Xsub).set(ZMQ_SUBSCRIBE, Some(b"a")), REFUSED);
}

#[test]
fn the_last_security_option_decides_the_mechanism() {
    let mut options = options(SocketType::Dealer);
    let check = |options: &Options, mechanism, plain_server, curve_server| {
        assert_eq!(int(options, ZMQ_MECHANISM), mechanism);
        assert_eq!(int(options, ZMQ_PLAIN_SERVER), plain_server);
        assert_eq!(int(options, ZMQ_CURVE_SERVER), curve_server);
    };
    assert!(set_int(&mut options, ZMQ_PLAIN_SERVER, 1));
    check(&options, 1, 1, 0);
    assert!(set_int(&mut options, ZMQ_CURVE_SERVER, 1));
    check(&options, 2, 0, 1);
    assert_eq!(options.set(ZMQ_PLAIN_USERNAME, Some(b"bob")), STORED);
    check(&options, 1, 0, 0);
    assert_eq!(bytes(&options, ZMQ_PLAIN_USERNAME, 255), Ok(b"bob\0".to_vec()));
    assert_eq!(options.set(ZMQ_PLAIN_PASSWORD, Some(b"")), REFUSED);
    check(&options, 1, 0, 0);
    assert_eq!(options.set(ZMQ_PLAIN_PASSWORD, None), STORED);
    check(&options, 0, 0, 0);
}

#[test]
fn keys_are_binary_or_z85() {
    let mut options = options(SocketType::Dealer);
    let text = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\0";
    assert_eq!(options.set(ZMQ_CURVE_SERVERKEY, Some(text)), STORED);
    assert_eq!(int(&options, ZMQ_MECHANISM), Mechanism::Curve as i32);
    assert_eq!(bytes(&options, ZMQ_CURVE_SERVERKEY, 41), Ok(text.to_vec()));
    let binary = bytes(&options, ZMQ_CURVE_SERVERKEY, 32).unwrap();
    assert_eq!(bytes(&options, ZMQ_CURVE_SERVERKEY, 40), Err(Error::InvalidArgument));
    assert_eq!(options.set(ZMQ_CURVE_PUBLICKEY, Some(&binary)), STORED);
    assert_eq!(options.set(ZMQ_CURVE_SECRETKEY, Some(&text[..40])), STORED);
    assert_eq!(bytes(&options, ZMQ_CURVE_PUBLICKEY, 41), Ok(text.to_vec()));
    assert_eq!(bytes(&options, ZMQ_CURVE_SECRETKEY, 32), Ok(binary));
    for bad in [&text[..39], &[b'#'; 40], &[b' '; 40], &[b'a'; 41]] {
        assert_eq!(options.set(ZMQ_CURVE_SECRETKEY, Some(bad)), REFUSED);
    }
}

#[test]
fn a_heartbeat_lifetime_is_rounded_to_tenths_of_a_second() {
    let mut options = options(SocketType::Dealer);
    for (given, kept) in [(199, 100), (99, 0), (-1, 0), (6_553_599, 6_553_500)] {
        assert!(set_int(&mut options, ZMQ_HEARTBEAT_TTL, given));
        assert_eq!(int(&options, ZMQ_HEARTBEAT_TTL), kept);
    }
    assert!(!set_int(&mut options, ZMQ_HEARTBEAT_TTL, 6_553_600));
    assert!(!set_int(&mut options, ZMQ_HEARTBEAT_TTL, -100));
}

#[test]
fn the_heartbeat_timeout_follows_the_interval_until_it_is_set() {
    let mut options = options(SocketType::Dealer);
    assert_eq!(options.heartbeat_timeout(), None);
    assert!(set_int(&mut options, ZMQ_HEARTBEAT_IVL, 500));
    assert_eq!(options.heartbeat_timeout(), Some(Duration::from_millis(500)));
    assert!(set_int(&mut options, ZMQ_HEARTBEAT_TIMEOUT, 700));
    assert_eq!(options.heartbeat_timeout(), Some(Duration::from_millis(700)));
}

#[test]
fn filters_add_up_until_null_clears_them() {
    let mut options = options(SocketType::Pull);
    assert_eq!(options.set(ZMQ_TCP_ACCEPT_FILTER, Some(b"127.0.0.1/8\0")), STORED);
    assert_eq!(options.set(ZMQ_TCP_ACCEPT_FILTER, Some(b"10.0.0.1")), STORED);
    assert_eq!(options.set(ZMQ_TCP_ACCEPT_FILTER, Some(b"::1")), REFUSED);
    assert_eq!(options.transport.address_filters.len(), 2);
    assert_eq!(options.set(ZMQ_TCP_ACCEPT_FILTER, None), STORED);
    assert!(options.transport.address_filters.is_empty());
    assert!(set_int(&mut options, ZMQ_IPC_FILTER_UID, 7));
    assert_eq!(options.transport.credential_filters.users, [7]);
    assert_eq!(options.set(ZMQ_IPC_FILTER_UID, None), STORED);
    assert!(options.transport.credential_filters.is_empty());
}

#[test]
fn options_that_nobody_has_are_unknown() {
    for option in [67, 70, 82, 83, 85, 86, 87, 88, 95, 125, 200, -1, 0] {
        for socket_type in (0..TYPES).filter_map(SocketType::from_value) {
            let mut options = options(socket_type);
            assert!(!set_int(&mut options, option, 1), "{option}");
            assert_eq!(options.get(option, 4), Err(Error::InvalidArgument), "{option}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_value_and_no_room_is_too_strange(
        socket_type in 0..TYPES, option in 0..130i32, value: Option<Vec<u8>>, room in 0..300usize
    ) {
        let mut options = options(SocketType::from_value(socket_type).unwrap());
        let _ = options.set(option, value.as_deref());
        if let Ok(OptionValue::Value(value)) = options.get(option, room) {
            proptest::prop_assert!(value.as_bytes().len() <= room);
        }
    }
}
