//! Bytes to a live socket of ours, over loopback, by a hostile peer: a legitimate
//! peer is still served.
//!
//! Sockets and legitimate peers stay; each run connects, sends what the input holds, and closes.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::fuzzing::handshake::{command, greeting_of, properties};
use crate::fuzzing::input::{Input, pieces};
use crate::message::Message;
use crate::numbers::*;
use crate::socket::{SendFlags, Socket};
use crate::zmtp::SocketType::{self, Dealer, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, Xpub};
use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

/// A peer that is not served within this time is not served.
const PATIENCE_MS: i32 = 5000;
/// Runs with one and the same legitimate peer; then there is a new one.
const RUNS_A_PEER: u32 = 50;

/// Our socket, where it listens, and its legitimate peer.
struct Service {
    own: &'static Socket,
    own_type: SocketType,
    mechanism: &'static str,
    endpoint: String,
    peer_type: SocketType,
    peer: Cell<Option<&'static Socket>>,
    runs: Cell<u32>,
    count: Cell<u32>,
}

const SERVICES: &[(SocketType, SocketType, &str, &str)] = &[
    (Router, Dealer, "tcp", "NULL"),
    (Rep, Req, "tcp", "NULL"),
    (Sub, Pub, "ipc", "NULL"),
    (Xpub, Sub, "ipc", "NULL"),
    (Stream, Stream, "tcp", ""),
    (Pull, Push, "ipc", "NULL"),
    (Dealer, Dealer, "ipc", "NULL"),
    (Router, Dealer, "ipc", "PLAIN"),
    (Rep, Req, "tcp", "CURVE"),
];

thread_local! {
    static RUNNING: (&'static Context, Vec<Service>) = {
        let context: &Context = Box::leak(Box::new(Context::new()));
        context.open();
        authenticate(context);
        (context, SERVICES.iter().map(|service| Service::start(context, *service)).collect())
    };
}

pub(super) fn connection(data: &[u8]) {
    RUNNING.with(|(context, services)| {
        let input = &mut Input::new(data);
        let service = &services[usize::from(input.byte()) % services.len()];
        service.attack(input);
        service.serve(context);
    });
}

/// A connection of bytes to where a service listens.
trait Wire: Read + Write {
    fn set_timeout(&self, time: Option<Duration>);
}

impl Wire for TcpStream {
    fn set_timeout(&self, time: Option<Duration>) {
        self.set_read_timeout(time).expect("a time");
    }
}

impl Wire for UnixStream {
    fn set_timeout(&self, time: Option<Duration>) {
        self.set_read_timeout(time).expect("a time");
    }
}

/// A ZAP handler that lets in peers with a key or the right name.
fn authenticate(context: &'static Context) {
    let handler = open(context, Rep);
    handler.bind("inproc://zeromq.zap.01").expect("a name");
    std::thread::spawn(move || {
        while let Ok(first) = recv(handler) {
            let mut parts = vec![first];
            while parts.last().is_some_and(Message::more) {
                parts.push(recv(handler).expect("the rest of a message"));
            }
            let good = parts[5].data() == b"CURVE" || parts[6].data() == b"legitimate";
            let status: &[u8] = if good { b"200" } else { b"400" };
            for part in [b"1.0", parts[1].data(), status, b"", b"user"] {
                send(handler, part, true);
            }
            send(handler, b"", false);
        }
    });
}

fn open(context: &'static Context, socket_type: SocketType) -> &'static Socket {
    let socket: &Socket = Box::leak(Box::new(Socket::new()));
    socket.open(context, socket_type as i32).expect("a socket");
    socket
}

fn set(socket: &Socket, option: i32, value: i32) {
    socket.set_option(option, Some(&value.to_ne_bytes())).expect("an option");
}

fn set_bytes(socket: &Socket, option: i32, value: &[u8]) {
    socket.set_option(option, Some(value)).expect("an option");
}

impl Service {
    fn start(
        context: &'static Context,
        (own_type, peer_type, transport, mechanism): (SocketType, SocketType, &str, &'static str),
    ) -> Self {
        let own = open(context, own_type);
        set(own, ZMQ_LINGER, 0);
        set(own, ZMQ_RCVTIMEO, PATIENCE_MS);
        match mechanism {
            "PLAIN" => set(own, ZMQ_PLAIN_SERVER, 1),
            "CURVE" => {
                set(own, ZMQ_CURVE_SERVER, 1);
                set_bytes(own, ZMQ_CURVE_SECRETKEY, &[1; 32]);
            }
            _ => {}
        }
        if own_type == Sub {
            set_bytes(own, ZMQ_SUBSCRIBE, b"");
        }
        let name = format!("@libzmq-fuzz-{}-{own_type:?}-{mechanism}", std::process::id());
        let endpoint =
            if transport == "tcp" { "tcp://127.0.0.1:*".into() } else { format!("ipc://{name}") };
        own.bind(&endpoint).expect("an endpoint");
        let mut last = [0; 256];
        let length = own.option(ZMQ_LAST_ENDPOINT, &mut last).expect("the endpoint");
        let endpoint = String::from_utf8_lossy(&last[..length - 1]).into_owned();
        let (peer, runs, count) = (Cell::new(None), Cell::new(0), Cell::new(0));
        Self { own, own_type, mechanism, endpoint, peer_type, peer, runs, count }
    }

    fn wire(&self) -> Option<Box<dyn Wire>> {
        let (transport, address) = self.endpoint.split_once("://")?;
        if transport == "tcp" {
            return Some(Box::new(TcpStream::connect(address).ok()?));
        }
        let address = SocketAddr::from_abstract_name(address.strip_prefix('@')?).ok()?;
        Some(Box::new(UnixStream::connect_addr(&address).ok()?))
    }

    /// Sends what the input holds, and closes: at once, or when the server has answered.
    fn attack(&self, input: &mut Input<'_>) {
        let (kind, seed, answers) = (input.byte(), input.byte(), input.byte() % 8 == 7);
        let mut said = Vec::new();
        // With a proper greeting and READY it becomes a peer, and what follows are frames.
        if kind % 4 != 0 && !self.mechanism.is_empty() {
            said = greeting_of(self.mechanism, kind & 1);
            let name = self.peer_type.name();
            let mut list = [&b"\x0BSocket-Type\0\0\0"[..], &[name.len() as u8]].concat();
            list.extend_from_slice(name.as_bytes());
            match self.mechanism {
                "NULL" if kind % 4 == 1 => said.extend(command(b"READY", &properties(input))),
                "NULL" => said.extend(command(b"READY", &list)),
                "PLAIN" => {
                    said.extend(command(b"HELLO", b"\x01a\x01b"));
                    said.extend(command(b"INITIATE", &list));
                }
                _ => {}
            }
        }
        while kind % 4 == 2 && !input.is_empty() {
            let (flags, body) = (input.byte(), input.field());
            match flags % 8 {
                0 => said.extend(command(b"SUBSCRIBE", body)),
                1 => said.extend(command(b"CANCEL", body)),
                2 => said.extend(command(b"PING", body)),
                flags => {
                    said.extend_from_slice(&[flags & 5, body.len() as u8]);
                    said.extend_from_slice(body);
                }
            }
        }
        said.extend_from_slice(input.rest());
        let Some(mut wire) = self.wire() else {
            return;
        };
        // Many small writes cost much time; the decoder has its own targets.
        for piece in pieces(&said, if said.len() > 512 { 0 } else { seed }) {
            // The server may have hung up.
            if wire.write_all(piece).is_err() {
                return;
            }
        }
        if answers {
            wire.set_timeout(Some(Duration::from_millis(1)));
            match wire.read(&mut [0; 4096]) {
                Err(error) if error.kind() == ErrorKind::InvalidInput => panic!("{error}"),
                _ => {}
            }
        }
    }

    /// The legitimate peer; from time to time a new one.
    fn peer(&self, context: &'static Context) -> &'static Socket {
        let is_old = self.runs.replace(self.runs.get() + 1).is_multiple_of(RUNS_A_PEER);
        let peer = match self.peer.get() {
            Some(peer) if !is_old => return peer,
            Some(old) => {
                old.close();
                old.open(context, self.peer_type as i32).expect("a socket");
                old
            }
            None => open(context, self.peer_type),
        };
        set(peer, ZMQ_LINGER, 0);
        set(peer, ZMQ_RCVTIMEO, PATIENCE_MS);
        set(peer, ZMQ_SNDTIMEO, PATIENCE_MS);
        match self.mechanism {
            "PLAIN" => set_bytes(peer, ZMQ_PLAIN_USERNAME, b"legitimate"),
            "CURVE" => {
                set_bytes(peer, ZMQ_CURVE_SERVERKEY, &crate::zmtp::curve_public(&[1; 32]));
                set_bytes(peer, ZMQ_CURVE_PUBLICKEY, &crate::zmtp::curve_public(&[2; 32]));
                set_bytes(peer, ZMQ_CURVE_SECRETKEY, &[2; 32]);
            }
            _ => {}
        }
        if self.peer_type == Sub {
            set_bytes(peer, ZMQ_SUBSCRIBE, b"legitimate");
        }
        peer.connect(&self.endpoint).expect("the endpoint");
        self.peer.set(Some(peer));
        peer
    }

    /// A round with the legitimate peer.
    fn serve(&self, context: &'static Context) {
        let peer = self.peer(context);
        let count = self.count.get() + 1;
        self.count.set(count);
        let text = format!("legitimate {count}");
        let token = text.as_bytes();
        match self.own_type {
            Xpub => self.publish(peer, token),
            Stream => self.stream(peer, token),
            Sub => {
                // What a PUB sends before it knows of the subscription is lost.
                let served = (0..PATIENCE_MS).any(|_| {
                    send(peer, token, false);
                    set(self.own, ZMQ_RCVTIMEO, 1);
                    self.receive(token).is_some()
                });
                assert!(served, "the legitimate peer is not served");
            }
            _ => {
                send(peer, token, false);
                let envelope = self.receive(token).expect("the legitimate peer is not served");
                if matches!(self.own_type, Router | Rep) {
                    envelope.iter().for_each(|part| send(self.own, part.data(), true));
                    send(self.own, token, false);
                    let answer = recv(peer).expect("the legitimate peer has its answer");
                    assert_eq!(answer.data(), token);
                }
            }
        }
    }

    /// Receives until the token comes; the parts before it in its message. A REP answers all others.
    fn receive(&self, token: &[u8]) -> Option<Vec<Message>> {
        loop {
            let mut parts = vec![recv(self.own).ok()?];
            while parts.last().is_some_and(Message::more) {
                parts.push(recv(self.own).expect("the rest of a message"));
            }
            if parts.last().is_some_and(|part| part.data() == token) {
                parts.pop();
                return Some(parts);
            }
            if self.own_type == Rep {
                send(self.own, b"no", false);
            }
        }
    }

    /// Until the legitimate subscriber has it; subscriptions and what else came are taken.
    fn publish(&self, peer: &Socket, token: &[u8]) {
        set(peer, ZMQ_RCVTIMEO, 1);
        let served = (0..PATIENCE_MS).any(|_| {
            while self.own.recv(true).is_ok() {}
            send(self.own, token, false);
            while let Ok(message) = recv(peer) {
                if message.data() == token {
                    return true;
                }
            }
            false
        });
        assert!(served, "the legitimate subscriber is not served");
    }

    /// A plain peer sends the token, and receives it back.
    fn stream(&self, _: &Socket, token: &[u8]) {
        let mut wire = self.wire().expect("a connection");
        wire.write_all(token).expect("to write");
        loop {
            let id = recv(self.own).expect("the legitimate peer is not served");
            let body = recv(self.own).expect("two parts");
            if body.data() == token {
                send(self.own, id.data(), true);
                send(self.own, token, false);
                break;
            }
        }
        let mut answer = vec![0; token.len()];
        wire.set_timeout(Some(Duration::from_millis(PATIENCE_MS as u64)));
        wire.read_exact(&mut answer).expect("the legitimate peer has its answer");
        assert_eq!(answer, token);
    }
}

/// libFuzzer's clock is a signal, which ends what waits.
fn again<R>(call: impl Fn() -> Result<R>) -> Result<R> {
    loop {
        match call() {
            Err(Error::Interrupted) => {}
            outcome => return outcome,
        }
    }
}

fn recv(socket: &Socket) -> Result<Message> {
    again(|| socket.recv(false))
}

fn send(socket: &Socket, bytes: &[u8], more: bool) {
    let message = || Message::from_slice(bytes).expect("memory");
    again(|| socket.send(&mut message(), SendFlags { dont_wait: false, more })).expect("to send");
}
