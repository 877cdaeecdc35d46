//! The fuzz targets: all that reaches the parsers from outside of the crate, under `cfg(fuzzing)`
//! alone (`fuzz/run`). Each takes any bytes, and says what must hold whatever they are.

mod connection;
mod curve;
mod frames;
mod gssapi;
mod handshake;
mod input;
mod texts;
mod zap;

/// A target.
pub struct Target {
    /// As `FUZZ_TARGET` has it.
    pub name: &'static str,
    /// Runs it once; a panic is a fault.
    pub run: fn(&[u8]),
    /// Bytes that it may use at once.
    pub memory: usize,
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, memory: 4 << 20 }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("greeting", handshake::greeting),
    target("null", handshake::null),
    target("plain_client", handshake::plain_client),
    target("plain_server", handshake::plain_server),
    target("curve_client", curve::client),
    target("curve_server", curve::server),
    target("gssapi_client", gssapi::client),
    target("gssapi_server", gssapi::server),
    target("metadata", handshake::metadata),
    target("zap_reply", zap::reply),
    target("frames_1", frames::version_1),
    target("frames_2", frames::version_2),
    target("frames_3", frames::version_3),
    target("commands", frames::commands),
    target("z85", texts::z85),
    target("endpoint", texts::endpoint),
    target("accept_filter", texts::accept_filter),
    target("socks", texts::socks),
    Target { name: "connection", run: connection::connection, memory: 64 << 20 },
];
