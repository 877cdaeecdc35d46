use super::*;
use proptest::prelude::*;

fn target(host: &str) -> HostPort {
    HostPort { host: host.to_owned(), port: 0x1234 }
}

fn begin(username: &str, password: &str, host: &str) -> Socks5Handshake {
    let proxy = Proxy {
        address: b"127.0.0.1:1080".to_vec(),
        username: username.into(),
        password: password.as_bytes().to_vec().into(),
    };
    Socks5Handshake::new(&proxy, &target(host)).unwrap()
}

/// Writes everything, and returns it.
fn written(own: &mut Socks5Handshake) -> Vec<u8> {
    let bytes = own.output().to_vec();
    own.wrote(bytes.len());
    bytes
}

#[test]
fn a_name_is_asked_for_without_authentication() {
    let mut own = begin("", "", "example.org");
    assert_eq!(written(&mut own), [5, 1, 0]);
    assert_eq!(own.wants(), 2);
    assert_eq!(own.handle_input(&[5, 0]), Ok(()));
    let request = [&[5, 1, 0, 3, 11][..], b"example.org", &[0x12, 0x34]].concat();
    assert_eq!(written(&mut own), request);
    assert!(!own.is_connected());
    assert_eq!(own.handle_input(&[5, 0, 0, 1]), Ok(()));
    assert_eq!(own.wants(), 6);
    assert_eq!(own.handle_input(&[127, 0, 0, 1, 0, 80]), Ok(()));
    assert!(own.is_connected());
    assert_eq!(own.wants(), 0);
}

#[test]
fn a_number_is_asked_for_as_one() {
    for (host, request) in [
        ("127.0.0.1", [&[5, 1, 0, 1, 127, 0, 0, 1][..], &[0x12, 0x34]].concat()),
        ("::1", [&[5, 1, 0, 4][..], &[0; 15], &[1], &[0x12, 0x34]].concat()),
    ] {
        let mut own = begin("", "", host);
        written(&mut own);
        own.handle_input(&[5, 0]).unwrap();
        assert_eq!(written(&mut own), request);
    }
}

#[test]
fn a_user_logs_in_first() {
    let mut own = begin("me", "secret", "h");
    assert_eq!(written(&mut own), [5, 1, 2]);
    own.handle_input(&[5, 2]).unwrap();
    assert_eq!(written(&mut own), b"\x01\x02me\x06secret");
    own.handle_input(&[1, 0]).unwrap();
    assert_eq!(written(&mut own), b"\x05\x01\x00\x03\x01h\x12\x34");
    assert!(!format!("{own:?}").contains("secret"));
}

#[test]
fn refusals_are_told_apart() {
    let rows: [(&str, &[&[u8]], Socks5Error); 8] = [
        ("", &[&[4, 0]], Socks5Error::Protocol),
        ("", &[&[5, 255]], Socks5Error::Method),
        ("", &[&[5, 2]], Socks5Error::Method),
        ("me", &[&[5, 0]], Socks5Error::Method),
        ("me", &[&[5, 2], &[1, 1]], Socks5Error::Login),
        ("", &[&[5, 0], &[5, 4]], Socks5Error::Reply(4)),
        ("", &[&[5, 0], &[4]], Socks5Error::Protocol),
        ("", &[&[5, 0], &[5, 0, 0, 9]], Socks5Error::Protocol),
    ];
    for (user, answers, refusal) in rows {
        let mut own = begin(user, "", "h");
        let (last, first) = answers.split_last().unwrap();
        first.iter().for_each(|answer| own.handle_input(answer).unwrap());
        assert_eq!(own.handle_input(last), Err(refusal));
    }
}

#[test]
fn a_host_of_more_than_255_bytes_cannot_be_asked_for() {
    let proxy = Proxy::default();
    assert!(Socks5Handshake::new(&proxy, &target(&"h".repeat(255))).is_ok());
    assert!(Socks5Handshake::new(&proxy, &target(&"h".repeat(256))).is_err());
}

#[test]
fn a_proxy_has_a_host_a_port_and_perhaps_a_source() {
    let proxy = |address: &[u8]| Proxy { address: address.to_vec(), ..Proxy::default() };
    let host = |host: &str, port| HostPort { host: host.to_owned(), port };
    assert_eq!(proxy(b"[::1]:80").route().unwrap(), (None, host("::1", 80)));
    assert_eq!(proxy(b"h:80\0").route().unwrap(), (None, host("h", 80)));
    let from = |source: &[u8]| proxy(&[source, b";h:80"].concat()).route().unwrap();
    assert_eq!(from(b"127.0.0.9:7"), (Some(host("127.0.0.9", 7)), host("h", 80)));
    assert_eq!(from(b"lo"), (Some(host("lo", 0)), host("h", 80)));
    for bad in [&b"h"[..], b"h:", b":80", b"h:x", b"h:65536", b"\xff:1", b";h:1", b"a:x;h:1"] {
        assert!(proxy(bad).route().is_err(), "{bad:?}");
    }
}

proptest! {
    /// Whatever comes, in whatever pieces: no panic, and never more is wanted than an answer has.
    #[test]
    fn any_input_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..600), step in 1usize..9) {
        for user in ["", "me"] {
            let mut own = begin(user, "p", "h");
            let mut at = 0;
            while own.wants() > 0 && at < bytes.len() {
                let count = own.wants().min(step).min(bytes.len() - at);
                if own.handle_input(&bytes[at..at + count]).is_err() {
                    break;
                }
                at += count;
            }
            prop_assert!(at <= 2 + 2 + 5 + 255 + 2);
        }
    }

    #[test]
    fn good_answers_in_any_pieces_connect(cuts in prop::collection::vec(1usize..5, 40)) {
        let answers = [&[5, 2, 1, 0, 5, 0, 0, 3, 4][..], b"name", &[0, 80]].concat();
        let mut own = begin("me", "p", "h");
        let (mut at, mut cuts) = (0, cuts.into_iter());
        while own.wants() > 0 {
            written(&mut own);
            let count = own.wants().min(cuts.next().unwrap_or(1));
            own.handle_input(&answers[at..at + count]).unwrap();
            at += count;
        }
        prop_assert!(own.is_connected());
        prop_assert_eq!(at, answers.len());
    }
}
