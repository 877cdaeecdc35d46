#!/bin/bash
#  The Rust crate zeromq, a ZeroMQ implementation of its own, announces ZMTP 3.0 and ends the connection
#  of a peer that sends it a PING, the heartbeat command of ZMTP 3.1. What the peer sends behind the PING
#  never reaches the application; without the PING it does. A library that sends heartbeats has to look at
#  the version of its peer: that is why ours sends none to a peer of 3.0.
#
#  Seen with: zeromq 0.7.0, tokio 1, on Debian 12.
#  Output seen:
#      without a PING: received "hello"
#      behind a PING:  nothing received, and the peer sees the end of the connection
#
#  Needs cargo, and crates.io. Fails when the behaviour has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "ping"
version = "0.0.0"
edition = "2021"

[dependencies]
zeromq = "=0.7.0"
tokio = { version = "1", features = ["full"] }
TOML
cat >"$work/src/main.rs" <<'RUST'
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use zeromq::{Endpoint, PullSocket, Socket, SocketRecv};

/// What a PUSH of ZMTP 3.1 sends: greeting, READY, and then these frames.
fn push(port: u16, frames: &[&[u8]]) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut greeting = [0u8; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[11] = 1;
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting).unwrap();
    let mut theirs = [0u8; 64];
    stream.read_exact(&mut theirs).unwrap();
    println!("    it announces ZMTP {}.{}", theirs[10], theirs[11]);
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0\x04PUSH".to_vec();
    ready.splice(0..0, [4, ready.len() as u8]);
    stream.write_all(&ready).unwrap();
    let mut header = [0u8; 2];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; header[1] as usize];
    stream.read_exact(&mut body).unwrap();
    for frame in frames {
        let _ = stream.write_all(frame);
        std::thread::sleep(Duration::from_millis(200));
    }
    // Whether the end of the connection is seen, and not a time-out.
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[tokio::main]
async fn main() {
    let ping: &[u8] = b"\x04\x07\x04PING\0\0";
    let hello: &[u8] = b"\0\x05hello";
    for (name, frames) in [("without", vec![hello]), ("behind", vec![ping, hello])] {
        let mut pull = PullSocket::new();
        let Endpoint::Tcp(_, port) = pull.bind("tcp://127.0.0.1:0").await.unwrap() else {
            panic!("no port");
        };
        let peer = tokio::task::spawn_blocking(move || push(port, &frames));
        let got = tokio::time::timeout(Duration::from_secs(2), pull.recv()).await;
        let received = matches!(got, Ok(Ok(_)));
        let ended = peer.await.unwrap();
        println!("{name}: received {received}, ended {ended}");
    }
}
RUST
cargo run --quiet --manifest-path "$work/Cargo.toml" | tee "$work/out"
grep -q '^without: received true, ended false$' "$work/out"
grep -q '^behind: received false, ended true$' "$work/out"
echo "As it was: zeromq 0.7.0 ends the connection at a PING."
