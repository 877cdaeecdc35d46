//! Every row was observed on libzmq, but for the ports out of range, those with
//! something behind their digits, and the empty hosts.

use super::*;
use Error::{IncompatibleProtocol, InvalidArgument, NameTooLong, ProtocolNotSupported};

fn tcp_endpoint(host: &str, port: u16) -> Result<Endpoint> {
    let address = HostPort { host: host.to_owned(), port };
    Ok(Endpoint::Tcp(TcpEndpoint { source: None, address, proxy: None }))
}

fn assert_bind(rows: &[(&str, Result<Endpoint>)]) {
    for (text, expected) in rows {
        assert_eq!(Endpoint::for_bind(text, false), *expected, "bind {text}");
    }
}

fn assert_connect(rows: &[(&str, Result<Endpoint>)]) {
    for (text, expected) in rows {
        assert_eq!(Endpoint::for_connect(text, false), *expected, "connect {text}");
    }
}

#[test]
fn a_string_without_transport_or_address_is_invalid() {
    for text in [
        "",
        "tcp",
        "tcp:",
        "tcp:/",
        "tcp://",
        "://",
        "://x",
        "//x",
        "ipc://",
        "inproc://",
        "foo://",
    ] {
        assert_eq!(Endpoint::for_bind(text, false), Err(InvalidArgument), "{text}");
        assert_eq!(Endpoint::for_connect(text, false), Err(InvalidArgument), "{text}");
    }
}

#[test]
fn an_unknown_transport_is_not_supported() {
    for text in
        ["foo://bar", "TCP://*:*", " tcp://*:*", "tcp ://x", "vmci://x", "wss://x", "unix://x"]
    {
        assert_eq!(Endpoint::for_bind(text, true), Err(ProtocolNotSupported), "{text}");
    }
}

#[test]
fn a_transport_that_the_type_cannot_use_is_incompatible() {
    for text in ["pgm://x", "epgm://x", "norm://x", "udp://x"] {
        assert_eq!(Endpoint::for_connect(text, false), Err(IncompatibleProtocol), "{text}");
    }
    assert_eq!(Endpoint::for_connect("pgm://x", true), Err(ProtocolNotSupported));
}

#[test]
fn a_bind_takes_wildcards_and_numbers_as_port() {
    assert_bind(&[
        ("tcp://*:*", tcp_endpoint("*", 0)),
        ("tcp://*:0", tcp_endpoint("*", 0)),
        ("tcp://127.0.0.1:5555", tcp_endpoint("127.0.0.1", 5555)),
        ("tcp://[::1]:65535", tcp_endpoint("::1", 65535)),
        ("tcp://::1:7", tcp_endpoint("::1", 7)),
        ("tcp://[::1%lo]:7", tcp_endpoint("::1%lo", 7)),
        ("tcp://[::1:7", tcp_endpoint("[::1", 7)),
        ("tcp://:5", Err(InvalidArgument)),
        ("tcp://*:12x", Err(InvalidArgument)),
        ("tcp://*: 12", Err(InvalidArgument)),
        ("tcp://*:+12", Err(InvalidArgument)),
        ("tcp://*", Err(InvalidArgument)),
        ("tcp://*:", Err(InvalidArgument)),
        ("tcp://*:00", Err(InvalidArgument)),
        ("tcp://*:abc", Err(InvalidArgument)),
        ("tcp://*:*x", Err(InvalidArgument)),
        ("tcp://*:0x10", Err(InvalidArgument)),
        ("tcp://127.0.0.1", Err(InvalidArgument)),
    ]);
}

#[test]
fn a_port_out_of_range_is_invalid() {
    for port in ["65536", "65537", "-1", "4294967297", "99999999999999999999"] {
        let text = format!("tcp://127.0.0.1:{port}");
        assert_eq!(Endpoint::for_bind(&text, false), Err(InvalidArgument), "{text}");
        assert_eq!(Endpoint::for_connect(&text, false), Err(InvalidArgument), "{text}");
    }
}

#[test]
fn a_connect_needs_a_plausible_host_and_a_port_that_starts_with_a_digit() {
    assert_connect(&[
        ("tcp://127.0.0.1:1", tcp_endpoint("127.0.0.1", 1)),
        ("tcp://127.0.0.1:0", tcp_endpoint("127.0.0.1", 0)),
        ("tcp://127.0.0.1:1x", Err(InvalidArgument)),
        ("tcp://localhost:1", tcp_endpoint("localhost", 1)),
        ("tcp://a_b:1", tcp_endpoint("a_b", 1)),
        ("tcp://[::1%lo]:1", tcp_endpoint("::1%lo", 1)),
        ("tcp://::1:1", tcp_endpoint("::1", 1)),
        ("tcp://:1", Err(InvalidArgument)),
        ("tcp://*:1", Err(InvalidArgument)),
        ("tcp://_a:1", Err(InvalidArgument)),
        ("tcp://-a:1", Err(InvalidArgument)),
        ("tcp://a b:1", Err(InvalidArgument)),
        ("tcp://a/b:1", Err(InvalidArgument)),
        ("tcp://a:1 ", Err(InvalidArgument)),
        ("tcp://a:+1", Err(InvalidArgument)),
        ("tcp://a:*", Err(InvalidArgument)),
        ("tcp://a:", Err(InvalidArgument)),
        ("tcp://a:x", Err(InvalidArgument)),
        ("tcp://a", Err(InvalidArgument)),
        ("tcp://\u{fc}:1", Err(InvalidArgument)),
    ]);
}

#[test]
fn a_connect_may_name_its_source() {
    let source = |text: &str| match Endpoint::for_connect(text, false) {
        Ok(Endpoint::Tcp(endpoint)) => endpoint.source.map(|own| (own.host, own.port)),
        other => panic!("{text} gave {other:?}"),
    };
    assert_eq!(source("tcp://127.0.0.9:0;127.0.0.1:1"), Some(("127.0.0.9".into(), 0)));
    assert_eq!(source("tcp://lo:*;127.0.0.1:1"), Some(("lo".into(), 0)));
    assert_eq!(source("tcp://[::1]:7;[::1]:1"), Some(("::1".into(), 7)));
    assert_eq!(source("tcp://127.0.0.9;127.0.0.1:1"), Some(("127.0.0.9".into(), 0)));
    assert_eq!(source("tcp://127.0.0.1:1"), None);
}

#[test]
fn ipc_knows_paths_abstract_names_and_the_wildcard() {
    assert_bind(&[
        ("ipc:///tmp/x", Ok(Endpoint::Ipc(IpcEndpoint::Path("/tmp/x".into())))),
        ("ipc://relative", Ok(Endpoint::Ipc(IpcEndpoint::Path("relative".into())))),
        ("ipc://@name", Ok(Endpoint::Ipc(IpcEndpoint::Abstract("name".into())))),
        ("ipc://*", Ok(Endpoint::Ipc(IpcEndpoint::Wildcard))),
        ("ipc://@", Err(InvalidArgument)),
    ]);
    assert_connect(&[
        ("ipc://*", Ok(Endpoint::Ipc(IpcEndpoint::Path("*".into())))),
        ("ipc://@", Err(InvalidArgument)),
    ]);
}

#[test]
fn a_path_may_have_107_bytes() {
    for prefix in ["/", "@"] {
        let longest = format!("ipc://{prefix}{}", "a".repeat(106));
        let too_long = format!("{longest}a");
        assert!(Endpoint::for_bind(&longest, false).is_ok());
        assert!(Endpoint::for_connect(&longest, false).is_ok());
        assert_eq!(Endpoint::for_bind(&too_long, false), Err(NameTooLong));
        assert_eq!(Endpoint::for_connect(&too_long, false), Err(NameTooLong));
    }
}

#[test]
fn an_inproc_name_is_anything_but_empty() {
    let long = "a".repeat(300);
    for name in ["a", "*", "/x", long.as_str()] {
        let text = format!("inproc://{name}");
        assert_eq!(Endpoint::for_bind(&text, false), Ok(Endpoint::Inproc(name.into())));
    }
}
