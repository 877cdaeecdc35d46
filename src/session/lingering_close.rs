//! The end of a connection that we end: the peer finds the end behind all that was sent, and what
//! it still sends is thrown away, until it ends the connection too.
//!
//! A connection that is closed with unread input, or that input comes for later, is reset, and what
//! the peer's system has not taken yet is lost. So its socket stays open for that long, within
//! bounds. Nobody waits for it: the session is over, and what is left of it goes with the reactor.

use crate::io::{
    EventHandler, InboxEntry, Reactor, ReactorHandle, Readiness, TimerId, TimerOutcome,
};
use crate::sync::Mutex;
use crate::transport::Stream;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// The peer is given this long to end the connection.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What is thrown away at most, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What is thrown away before other connections get their turn, and by who cannot wait.
const READ_BUDGET: usize = 512 * 1024;

pub(super) struct LingeringClose {
    /// The number of the socket.
    socket: u64,
    stream: Arc<Stream>,
    handle: Arc<ReactorHandle>,
    entry: InboxEntry,
    open: Mutex<Option<Open>>,
}

/// While the socket stays open.
struct Open {
    token: usize,
    timer: TimerId,
    /// Bytes that may still come.
    left: usize,
}

/// What a turn of throwing away came to.
#[derive(Debug, PartialEq, Eq)]
enum Input {
    /// There is nothing more now.
    Empty,
    /// There is more.
    Waiting,
    Ended,
}

/// Takes over the connection of a session that has sent what it had, and is registered with this
/// token.
pub(super) fn begin(
    stream: Arc<Stream>,
    token: usize,
    socket: u64,
    handle: &Arc<ReactorHandle>,
    reactor: &mut Reactor,
) {
    if stream.end_output().is_err() {
        // The peer would not find the end: the close has to tell it, after what has come by now.
        discard_available(&stream, &mut { READ_BUDGET });
        reactor.deregister(stream.as_raw_fd(), token);
        return;
    }
    let own = Arc::new(LingeringClose {
        socket,
        stream,
        handle: handle.clone(),
        entry: InboxEntry::default(),
        open: Mutex::new(None),
    });
    reactor.replace(token, own.clone());
    let timer = reactor.set_timer(TIMEOUT, own.clone());
    *own.open.lock() = Some(Open { token, timer, left: MAX_BYTES });
    own.discard_input(reactor);
}

impl LingeringClose {
    fn discard_input(self: &Arc<Self>, reactor: &mut Reactor) {
        let mut open = self.open.lock();
        let Some(Open { left, .. }) = &mut *open else {
            return;
        };
        let input = discard_available(&self.stream, left);
        drop(open);
        match input {
            Input::Empty => {}
            Input::Waiting => self.handle.schedule(&self.entry, self.clone()),
            Input::Ended => self.end(reactor),
        }
    }

    fn end(&self, reactor: &mut Reactor) {
        if let Some(Open { token, timer, .. }) = self.open.lock().take() {
            reactor.cancel_timer(timer);
            reactor.deregister(self.stream.as_raw_fd(), token);
        }
    }
}

/// Throws away what came, for a turn and as long as some are left.
fn discard_available(stream: &Stream, left: &mut usize) -> Input {
    let mut chunk = [0; 16 * 1024];
    let enough = left.saturating_sub(READ_BUDGET);
    while *left > enough {
        let most = chunk.len().min(*left);
        match stream.read(&mut chunk[..most]) {
            Ok(0) => return Input::Ended,
            Ok(count) => *left -= count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Input::Empty,
            Err(_) => return Input::Ended,
        }
    }
    if *left > 0 { Input::Waiting } else { Input::Ended }
}

impl EventHandler for LingeringClose {
    fn on_ready(self: Arc<Self>, reactor: &mut Reactor, _: Readiness) {
        self.discard_input(reactor);
    }

    fn on_timer(self: Arc<Self>, reactor: &mut Reactor, _: TimerId) -> TimerOutcome {
        self.end(reactor);
        TimerOutcome::Served
    }

    fn on_run(self: Arc<Self>, reactor: &mut Reactor) {
        self.discard_input(reactor);
    }

    fn socket(&self) -> u64 {
        self.socket
    }
}

impl Drop for LingeringClose {
    fn drop(&mut self) {
        // The reactor ends: what has come by now is no reason for a reset.
        if self.open.get_mut().is_some() {
            discard_available(&self.stream, &mut { READ_BUDGET });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::session::write_half::tests::connection;
    use std::io::Write;

    #[test]
    fn no_more_is_thrown_away_than_the_bounds_say() {
        const SENT: usize = 3 * READ_BUDGET;
        let (stream, mut peer) = connection();
        let sending = std::thread::spawn(move || {
            peer.write_all(&vec![7; SENT]).unwrap();
            peer
        });
        let (mut left, mut turns) = (2 * READ_BUDGET, Vec::new());
        while turns.last() != Some(&Input::Ended) {
            let before = left;
            let input = discard_available(&stream, &mut left);
            assert!(before - left < READ_BUDGET + 16 * 1024);
            if input != Input::Empty {
                turns.push(input);
            }
        }
        assert_eq!(left, 0);
        assert!(turns.len() >= 2);
        // What is behind is the other's loss.
        left = usize::MAX;
        while discard_available(&stream, &mut left) != Input::Empty || !sending.is_finished() {}
        drop(sending.join().unwrap());
        while discard_available(&stream, &mut left) != Input::Ended {}
        assert_eq!(usize::MAX - left, SENT - 2 * READ_BUDGET);
    }
}
