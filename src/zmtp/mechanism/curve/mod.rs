//! CURVE (RFC 26): both sides prove that they hold the secret keys of public keys that are known
//! or checked, and messages are encrypted with keys that exist for this connection only.
//!
//! ```text
//! client: HELLO ->            INITIATE ->
//! server:          WELCOME ->             READY ->        either: MESSAGE ->
//! ```
//!
//! RFC 26 names the keys: C, c and S, s are the long-term public and secret keys of client and
//! server; C', c' and S', s' those of this connection.

mod client;
mod direction;
mod keys;
mod keystream;
mod message;
mod server;

pub(crate) use client::CurveClient;
pub(crate) use keys::{CurveKey, curve_keypair, curve_public};
pub(crate) use server::CurveServer;

const NAME: &str = "CURVE";

/// Length of a cookie: its nonce, and C' and s' in a box.
const COOKIE: usize = 16 + keys::MAC + 2 * 32;
/// Length of a vouch: its nonce, and C' and S in a box.
const VOUCH: usize = 16 + keys::MAC + 2 * 32;

/// The nonce of a command that has a counter.
fn counted_nonce(prefix: &[u8; 16], counter: [u8; 8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&counter);
    nonce
}

/// The nonce of a command that has a random number.
fn random_nonce(prefix: &[u8; 8], random: &[u8; 16]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}
