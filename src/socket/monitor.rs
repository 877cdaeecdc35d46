//! The monitor of a socket: reports what happens to its connections, as messages of a PAIR socket at
//! an inproc endpoint (zmq_socket_monitor(3)).
//!
//! The thread that reports an event sends it right away, so it can be read when the call that caused it
//! returns. What the reader does not take waits here, up to a limit, also without a reader,
//! and never blocks the reporter: libzmq blocks then, and with it all connections of its
//! I/O thread.

use super::Socket;
use crate::context::ContextCore;
use crate::error::{Error, Result};
use crate::io::EventHandler;
use crate::mailbox::ReadyCache;
use crate::message::Message;
use crate::numbers::*;
use crate::session::{ConnectionEvent, Failure};
use crate::sync::{CriticalMutex, CriticalSection, RaceLazy};
use crate::transport::Endpoint;
use crate::zmtp::{ProtocolError, SocketType};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Events that wait for a reader at most; later ones are lost. As many more as the high-water
/// marks allow wait in the pipe to a reader that is there.
const WAITING: usize = 1000;

/// The application has no handle of a monitor's socket to poll.
static NEVER_POLLED: RaceLazy<ReadyCache> = RaceLazy::new(ReadyCache::new);

/// The monitor of one socket.
#[derive(Default)]
pub(super) struct Monitor {
    /// Bits of the events that are reported; 0 without a monitor.
    wanted: AtomicU32,
    socket: CriticalMutex<Option<MonitorSocket>>,
}

/// The PAIR socket of a monitor.
struct MonitorSocket {
    socket: Box<Socket>,
    /// Events that could not be sent yet, oldest first.
    waiting: VecDeque<[Message; 2]>,
}

impl Monitor {
    /// Whether reports are worth their making.
    #[inline]
    pub(super) fn is_running(&self) -> bool {
        // Relaxed: a report that meets the start or the end may be for either side of it.
        self.wanted.load(Ordering::Relaxed) != 0
    }

    pub(super) fn report(&self, event: ConnectionEvent, endpoint: &str) {
        let Some((bit, value)) = encode(event) else {
            return;
        };
        if self.wanted.load(Ordering::Relaxed) & u32::from(bit) != 0
            && let Some(monitor_socket) = &mut *self.socket.lock()
        {
            monitor_socket.tell(bit, value, endpoint);
        }
    }

    /// Sends what waits for its reader.
    pub(super) fn send_waiting(&self) {
        if let Some(monitor_socket) = &mut *self.socket.lock() {
            monitor_socket.send_waiting();
        }
    }

    /// Reports that this was the last event, and ends.
    pub(super) fn stop(&self) {
        let wanted = self.wanted.swap(0, Ordering::Relaxed);
        let Some(mut monitor_socket) = self.socket.lock().take() else {
            return;
        };
        if let Some((bit, value)) = encode(ConnectionEvent::MonitorStopped)
            && wanted & u32::from(bit) != 0
        {
            monitor_socket.waiting.push_back(frames(bit, value, ""));
        }
        monitor_socket.end();
    }

    /// Replaces a monitor that runs.
    fn start(&self, monitor_socket: MonitorSocket, wanted: u16) {
        *self.socket.lock() = Some(monitor_socket);
        self.wanted.store(wanted.into(), Ordering::Relaxed);
    }
}

impl MonitorSocket {
    /// Opens the PAIR socket; `reader` runs when a reader comes, or has read.
    fn open(
        context: &Arc<ContextCore>,
        endpoint: &str,
        reader: Weak<dyn EventHandler>,
    ) -> Result<Self> {
        let socket = Box::new(Socket::new());
        socket.open_in(context, SocketType::Pair, &NEVER_POLLED, |_| {})?;
        let bound = socket.with(|state| {
            state.core.options.linger = Some(Duration::ZERO);
            if let Some(reactor) = context.reactor(0) {
                state.mailbox.set_handler(reactor, reader, |_| true);
            }
            state.bind(endpoint)
        });
        match bound {
            Ok(()) => Ok(Self { socket, waiting: VecDeque::new() }),
            Err(error) => {
                socket.close();
                Err(error)
            }
        }
    }

    fn tell(&mut self, bit: u16, value: u32, endpoint: &str) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(frames(bit, value, endpoint));
        }
        self.send_waiting();
    }

    fn send_waiting(&mut self) {
        let Self { socket, waiting } = self;
        // Fails when the context ends; then nothing is reported any more.
        let _ = socket.with(|state| {
            state.process()?;
            while !waiting.is_empty() && state.pattern.can_send(&mut state.core) {
                for mut part in waiting.pop_front().into_iter().flatten() {
                    state.pattern.send(&mut state.core, &mut part)?;
                }
            }
            Ok(())
        });
    }

    /// Closes the socket. A reader that is there gets everything that waits, however much it left
    /// unread: it may wait for the last event.
    fn end(mut self) {
        let _ = self.socket.with(|state| {
            state.process()?;
            let pipes = &mut state.core.pipes;
            for id in pipes.ids() {
                let parts = self.waiting.iter_mut().flatten();
                parts.for_each(|part| pipes.write_unbounded(id, part.take()));
            }
            Ok(())
        });
        self.socket.close();
    }
}

impl Socket {
    /// Has the events of these bits reported at an inproc endpoint; `None` ends that
    /// (zmq_socket_monitor(3)). A monitor that runs is ended first.
    ///
    /// # Errors
    /// [`Error::NotASocket`], [`Error::Terminated`]; [`Error::InvalidArgument`] for unknown events
    /// and malformed endpoints, [`Error::ProtocolNotSupported`] for those that are not inproc, and
    /// what a bind to it can fail with; [`Error::TooManyOpen`]: the monitor counts as a socket.
    pub(crate) fn monitor(&self, endpoint: Option<&str>, events: i32) -> Result<()> {
        // Others open and close sockets, and the thread that polls reports events, with the same locks.
        let _critical = CriticalSection::enter();
        self.with(|state| {
            let ready = state.process();
            let wanted = u16::try_from(events).map_err(|_| Error::InvalidArgument)?;
            let Some(endpoint) = endpoint else {
                // It can also be ended when the context is (observed).
                if matches!(ready, Ok(()) | Err(Error::Terminated)) {
                    state.host.monitor.stop();
                    return Ok(());
                }
                return ready;
            };
            let multicast = state.is_multicast();
            let (owner, context) = (&state.host, &state.context);
            match Endpoint::for_bind(endpoint, multicast) {
                Ok(Endpoint::Inproc(_)) => {}
                // Another transport, whatever its address.
                Err(Error::InvalidArgument) if !has_address(endpoint) => {
                    return Err(Error::InvalidArgument);
                }
                Err(error @ Error::IncompatibleProtocol) => return Err(error),
                _ => return Err(Error::ProtocolNotSupported),
            }
            ready?;
            owner.monitor.stop();
            let reader: Weak<dyn EventHandler> = Arc::downgrade(owner) as _;
            let monitor_socket = MonitorSocket::open(context, endpoint, reader)?;
            owner.monitor.start(monitor_socket, wanted);
            Ok(())
        })
    }
}

/// Whether a string has both parts of an endpoint.
fn has_address(endpoint: &str) -> bool {
    endpoint
        .split_once("://")
        .is_some_and(|(name, address)| !(name.is_empty() || address.is_empty()))
}

/// An event as a message: its number and value, native in order of bytes; the endpoint.
fn frames(bit: u16, value: u32, endpoint: &str) -> [Message; 2] {
    let mut head = [0; 6];
    head[..2].copy_from_slice(&bit.to_ne_bytes());
    head[2..].copy_from_slice(&value.to_ne_bytes());
    let mut head = Message::from_short(&head);
    head.set_more(true);
    // Without memory for the endpoint it is left out.
    [head, Message::from_slice(endpoint.as_bytes()).unwrap_or_default()]
}

/// The number of an event, one bit, and its value; `None` for what is not reported.
fn encode(event: ConnectionEvent) -> Option<(u16, u32)> {
    use ConnectionEvent::*;
    let (bit, value) = match event {
        Connected(descriptor) => (ZMQ_EVENT_CONNECTED, descriptor as u32),
        // libzmq reports the error that a connect without waiting ends with (observed).
        ConnectDelayed => (ZMQ_EVENT_CONNECT_DELAYED, libc::EINPROGRESS as u32),
        ConnectRetried(pause) => {
            (ZMQ_EVENT_CONNECT_RETRIED, u32::try_from(pause.as_millis()).unwrap_or(u32::MAX))
        }
        Listening(descriptor) => (ZMQ_EVENT_LISTENING, descriptor as u32),
        BindFailed(error) => (ZMQ_EVENT_BIND_FAILED, bind_errno(error) as u32),
        Accepted(descriptor) => (ZMQ_EVENT_ACCEPTED, descriptor as u32),
        AcceptFailed(number) => (ZMQ_EVENT_ACCEPT_FAILED, number.unwrap_or(libc::EAGAIN) as u32),
        Closed(descriptor) => (ZMQ_EVENT_CLOSED, descriptor as u32),
        CloseFailed(number) => (ZMQ_EVENT_CLOSE_FAILED, number as u32),
        Disconnected(descriptor) => (ZMQ_EVENT_DISCONNECTED, descriptor as u32),
        MonitorStopped => (ZMQ_EVENT_MONITOR_STOPPED, 0),
        HandshakeFailed(failure) => {
            (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, failure_errno(failure) as u32)
        }
        HandshakeSucceeded => (ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0),
        HandshakeRefused(ProtocolError::Denied(status)) => {
            (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, status.into())
        }
        HandshakeRefused(ProtocolError::NoAuthenticator) => {
            (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, libc::EFAULT as u32)
        }
        HandshakeRefused(ProtocolError::NoContext) => {
            (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, libc::EACCES as u32)
        }
        // What is wrong outside the commands of a mechanism is not reported (observed).
        HandshakeRefused(ProtocolError::Unspecified | ProtocolError::Refused) => return None,
        HandshakeRefused(error) => (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, error.code()? as u32),
    };
    Some((bit as u16, value))
}

/// The errno number for an error of a bind.
fn bind_errno(error: Error) -> i32 {
    match error {
        Error::AddressInUse => libc::EADDRINUSE,
        Error::AddressNotAvailable => libc::EADDRNOTAVAIL,
        Error::TooManyOpen => libc::EMFILE,
        Error::NoDevice => libc::ENODEV,
        Error::NameTooLong => libc::ENAMETOOLONG,
        Error::NoSuchEndpoint => libc::ENOENT,
        Error::System(number) => number,
        _ => libc::EINVAL,
    }
}

/// The errno number for the end of a connection in its handshake (observed).
fn failure_errno(failure: Failure) -> i32 {
    match failure {
        Failure::Ended => libc::EPIPE,
        Failure::OutOfTime => libc::EAGAIN,
        Failure::Silent => libc::ETIMEDOUT,
        Failure::OutOfMemory => libc::ENOMEM,
        Failure::System(number) => number,
    }
}
