//! Listeners, connectors and streams on the loopback interface.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::options::Keepalive;
use super::*;
use crate::error::Error;

const PATIENCE: Duration = Duration::from_secs(10);

fn options() -> TransportOptions {
    TransportOptions::default()
}

fn with_ipv6() -> TransportOptions {
    TransportOptions { ipv6: true, ..options() }
}

fn bind(text: &str, options: &TransportOptions) -> Result<Listener, Error> {
    Endpoint::for_bind(text, false).and_then(|endpoint| Ok(Listener::bind(&endpoint, options)?))
}

/// Calls until there is a result, or a long time is over.
fn wait_for<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn try_connect(text: &str, options: &TransportOptions) -> io::Result<Stream> {
    let endpoint = Endpoint::for_connect(text, false).unwrap();
    let found = endpoint.unresolved_name(options.ipv6).map(|name| resolve::look_up(&name));
    let found = found.unwrap_or_default();
    let target = endpoint.targets(options.ipv6, &found).unwrap().remove(0);
    let mut attempt = Connecting::start(&target, options)?;
    let peer = wait_for(|| attempt.poll_peer().transpose())?;
    Ok(attempt.into_stream(&peer))
}

/// Both ends of a connection to the listener; text goes both ways.
fn converse(listener: &Listener, connect_to: &str, options: &TransportOptions) -> (Stream, Stream) {
    let connected = try_connect(connect_to, options).unwrap();
    let accepted = wait_for(|| listener.accept().unwrap());
    for (from, to) in [(&connected, &accepted), (&accepted, &connected)] {
        assert_eq!(from.write(b"hello").unwrap(), 5);
        let mut buffer = [0; 16];
        let count = wait_for(|| to.read(&mut buffer).ok());
        assert_eq!(&buffer[..count], b"hello");
    }
    (connected, accepted)
}

/// A path that no other test uses.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("transport-{}-{name}", std::process::id()))
}

fn is_close_on_exec_and_non_blocking(socket: &impl AsRawFd) -> bool {
    let number = socket.as_raw_fd();
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
    flags & libc::O_NONBLOCK != 0 && flags & libc::O_CLOEXEC != 0
}

#[test]
fn tcp_connects_and_converses() {
    let listener = bind("tcp://127.0.0.1:*", &options()).unwrap();
    assert!(listener.endpoint().starts_with("tcp://127.0.0.1:"));
    assert!(!listener.endpoint().ends_with(":0"));
    let (connected, accepted) = converse(&listener, listener.endpoint(), &options());
    assert_eq!(accepted.peer_address(), "127.0.0.1");
    assert_eq!(accepted.local_endpoint(), listener.endpoint());
    assert!(is_close_on_exec_and_non_blocking(&listener));
    assert!(is_close_on_exec_and_non_blocking(&connected));
    assert!(is_close_on_exec_and_non_blocking(&accepted));
    assert!(listener.accept().unwrap().is_none());
}

#[test]
fn the_wildcard_is_all_interfaces() {
    assert!(bind("tcp://*:*", &options()).unwrap().endpoint().starts_with("tcp://0.0.0.0:"));
    assert!(bind("tcp://lo:*", &options()).unwrap().endpoint().starts_with("tcp://127.0.0.1:"));
}

#[test]
fn an_ipv6_listener_serves_ipv4_too() {
    let listener = bind("tcp://*:*", &with_ipv6()).unwrap();
    let port = listener.endpoint().strip_prefix("tcp://[::]:").unwrap().to_owned();
    let (_, accepted) = converse(&listener, &format!("tcp://127.0.0.1:{port}"), &options());
    assert_eq!(accepted.peer_address(), "::ffff:127.0.0.1");
    let (_, accepted) = converse(&listener, &format!("tcp://[::1]:{port}"), &with_ipv6());
    assert_eq!(accepted.peer_address(), "::1");
    let mapped = bind("tcp://127.0.0.1:*", &with_ipv6()).unwrap();
    assert!(mapped.endpoint().starts_with("tcp://[::ffff:127.0.0.1]:"), "{}", mapped.endpoint());
    converse(&mapped, mapped.endpoint(), &with_ipv6());
}

#[test]
fn a_connection_may_choose_its_source() {
    let listener = bind("tcp://127.0.0.1:*", &options()).unwrap();
    let port = listener.endpoint().rsplit_once(':').unwrap().1;
    let (_, accepted) =
        converse(&listener, &format!("tcp://127.0.0.9:0;127.0.0.1:{port}"), &options());
    assert_eq!(accepted.peer_address(), "127.0.0.9");
    let ipv6 = bind("tcp://*:*", &with_ipv6()).unwrap();
    let port = ipv6.endpoint().rsplit_once(':').unwrap().1;
    let (_, accepted) =
        converse(&ipv6, &format!("tcp://127.0.0.9:0;127.0.0.1:{port}"), &with_ipv6());
    assert_eq!(accepted.peer_address(), "::ffff:127.0.0.9");
}

#[test]
fn a_host_name_is_looked_up() {
    let listener = bind("tcp://127.0.0.1:*", &options()).unwrap();
    let port = listener.endpoint().rsplit_once(':').unwrap().1;
    let text = format!("tcp://localhost:{port}");
    let name = |text| Endpoint::for_connect(text, false).unwrap().unresolved_name(false);
    assert_eq!(name(&text).as_deref(), Some("localhost"));
    assert_eq!(name(listener.endpoint()), None);
    converse(&listener, &text, &options());
}

#[test]
fn a_port_in_use_is_refused_and_a_freed_one_is_not() {
    let listener = bind("tcp://127.0.0.1:*", &options()).unwrap();
    let endpoint = listener.endpoint().to_owned();
    assert_eq!(bind(&endpoint, &options()).unwrap_err(), Error::AddressInUse);
    let ends = converse(&listener, &endpoint, &options());
    drop(listener);
    assert!(bind(&endpoint, &options()).is_ok());
    drop(ends);
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    assert_eq!(bind("tcp://192.0.2.1:*", &options()).unwrap_err(), Error::AddressNotAvailable);
    assert_eq!(bind("tcp://eth9:*", &options()).unwrap_err(), Error::NoDevice);
    assert_eq!(bind("tcp://eth9:0;127.0.0.1:*", &options()).unwrap_err(), Error::NoDevice);
}

#[test]
fn a_refused_connection_fails() {
    let listener = bind("tcp://127.0.0.1:*", &options()).unwrap();
    let endpoint = listener.endpoint().to_owned();
    drop(listener);
    let error = try_connect(&endpoint, &options()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let error = try_connect("ipc:///nonexistent/socket", &options()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn an_address_filter_turns_others_away() {
    let filter = AddressFilter::parse("127.0.0.9", false).unwrap();
    let filtered = TransportOptions { address_filters: vec![filter], ..options() };
    let listener = bind("tcp://127.0.0.1:*", &filtered).unwrap();
    let stranger = try_connect(listener.endpoint(), &options()).unwrap();
    let result =
        wait_for(|| listener.accept().map_or_else(|error| Some(Err(error)), |own| own.map(Ok)));
    assert!(matches!(result, Err(AcceptError::Connection(_))));
    assert_eq!(wait_for(|| stranger.read(&mut [0; 1]).ok()), 0);
    let port = listener.endpoint().rsplit_once(':').unwrap().1;
    converse(&listener, &format!("tcp://127.0.0.9:0;127.0.0.1:{port}"), &options());
}

#[test]
fn a_credential_filter_turns_others_away() {
    let mut filtered = options();
    filtered.credential_filters.processes.push(std::process::id());
    let listener = bind("ipc://*", &filtered).unwrap();
    converse(&listener, listener.endpoint(), &options());
    filtered.credential_filters.processes = vec![1];
    let listener = bind("ipc://*", &filtered).unwrap();
    let stranger = try_connect(listener.endpoint(), &options()).unwrap();
    assert!(matches!(listener.accept(), Err(AcceptError::Connection(_))));
    assert_eq!(wait_for(|| stranger.read(&mut [0; 1]).ok()), 0);
}

#[test]
fn ipc_connects_and_its_file_goes_with_the_listener() {
    let path = path("file");
    let text = format!("ipc://{}", path.display());
    let listener = bind(&text, &options()).unwrap();
    assert_eq!(listener.endpoint(), text);
    let (_, accepted) = converse(&listener, &text, &options());
    assert!(accepted.peer_address().starts_with("localhost:"));
    assert!(accepted.peer_address().ends_with(&format!(":{}", std::process::id())));
    assert!(path.exists());
    drop(listener);
    assert!(!path.exists());
}

#[test]
fn a_stale_file_is_replaced_and_a_live_path_taken_over() {
    let path = path("stale");
    let text = format!("ipc://{}", path.display());
    std::fs::write(&path, "left over").unwrap();
    let first = bind(&text, &options()).unwrap();
    converse(&first, &text, &options());
    let second = bind(&text, &options()).unwrap();
    drop(first);
    // The file is not the first one's any more.
    converse(&second, &text, &options());
    drop(second);
    assert!(!path.exists());
}

#[test]
fn a_path_that_cannot_be_bound_is_an_error() {
    assert_eq!(
        bind("ipc:///nonexistent/directory/x", &options()).unwrap_err(),
        Error::NoSuchEndpoint
    );
    assert_eq!(bind("ipc:///", &options()).unwrap_err(), Error::AddressInUse);
}

#[test]
fn the_ipc_wildcard_leaves_nothing_behind() {
    let listener = bind("ipc://*", &options()).unwrap();
    let path = PathBuf::from(listener.endpoint().strip_prefix("ipc://").unwrap());
    assert!(path.is_absolute() && path.exists());
    converse(&listener, listener.endpoint(), &options());
    drop(listener);
    assert!(!path.exists() && !path.parent().unwrap().exists());
}

#[test]
fn an_abstract_name_is_bound_once() {
    let text = format!("ipc://@transport-{}", std::process::id());
    let listener = bind(&text, &options()).unwrap();
    assert_eq!(listener.endpoint(), text);
    assert_eq!(bind(&text, &options()).unwrap_err(), Error::AddressInUse);
    converse(&listener, &text, &options());
}

#[test]
fn a_descriptor_of_the_application_is_used() {
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = own.local_addr().unwrap().port();
    let adopted = TransportOptions { descriptor: Some(own.into_raw_fd()), ..options() };
    let listener = bind("tcp://127.0.0.1:*", &adopted).unwrap();
    assert_eq!(listener.endpoint(), format!("tcp://127.0.0.1:{port}"));
    converse(&listener, listener.endpoint(), &options());
}

#[test]
fn every_tuning_option_is_applied() {
    let tuned = TransportOptions {
        send_buffer: Some(20_000),
        receive_buffer: Some(30_000),
        type_of_service: 0x28,
        max_retransmit: Some(Duration::from_millis(5000)),
        keepalive: Keepalive {
            enabled: Some(true),
            probes: Some(3),
            idle: Some(Duration::from_secs(70)),
            interval: Some(Duration::from_secs(7)),
        },
        ..options()
    };
    let listener = bind("tcp://127.0.0.1:*", &tuned).unwrap();
    let (connected, accepted) = converse(&listener, listener.endpoint(), &tuned);
    for stream in [&connected, &accepted] {
        let socket = stream.socket();
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(70));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(5000)));
        // The kernel doubles what it is asked for.
        assert_eq!(socket.send_buffer_size().unwrap(), 40_000);
        assert_eq!(socket.recv_buffer_size().unwrap(), 60_000);
        assert_eq!(socket.tos_v4().unwrap(), 0x28);
    }
}

#[test]
fn writing_to_a_closed_peer_is_an_error_and_no_signal() {
    let listener = bind("ipc://*", &options()).unwrap();
    let (connected, accepted) = converse(&listener, listener.endpoint(), &options());
    drop(accepted);
    let error = connected.write(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = connected.write_vectored(&[io::IoSlice::new(b"x")]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
