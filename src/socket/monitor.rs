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
use crate::pipe::PipeWriter;
use crate::session::{ConnectionEvent, EventEndpoints, Failure};
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

/// The socket of a monitor.
struct MonitorSocket {
    socket: Box<Socket>,
    version: MonitorVersion,
    /// Events that could not be sent yet, oldest first.
    waiting: VecDeque<Vec<Message>>,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MonitorVersion {
    /// Number and value in six bytes, the endpoint of the socket.
    One,
    /// Number, count of values and each value in eight bytes, the endpoints of both sides.
    Two,
}

/// What is to be monitored, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MonitorSettings {
    /// The events, as bits.
    pub events: u64,
    /// How they are written.
    pub version: MonitorVersion,
    /// The type of the socket that sends them.
    pub socket_type: SocketType,
}

impl Monitor {
    /// Whether reports are worth their making.
    #[inline]
    pub(super) fn is_running(&self) -> bool {
        // Relaxed: a report that meets the start or the end may be for either side of it.
        self.wanted.load(Ordering::Relaxed) != 0
    }

    pub(super) fn report(&self, event: ConnectionEvent, endpoints: EventEndpoints<'_>) {
        if let Some((bit, value)) = encode(event) {
            self.tell(bit, &[value.into()], endpoints);
        }
    }

    fn tell(&self, bit: u32, values: &[u64], endpoints: EventEndpoints<'_>) {
        if self.wanted.load(Ordering::Relaxed) & bit != 0
            && let Some(monitor_socket) = &mut *self.socket.lock()
        {
            monitor_socket.tell(bit, values, endpoints);
        }
    }

    /// Whether a monitor runs that may be told how full the pipes are.
    fn takes_statistics(&self) -> bool {
        self.socket.lock().as_ref().is_some_and(|own| own.version == MonitorVersion::Two)
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
            && wanted & bit != 0
        {
            let values = [value.into()];
            let last = frames(monitor_socket.version, bit, &values, EventEndpoints::default());
            monitor_socket.waiting.push_back(last);
        }
        monitor_socket.end();
    }

    /// Replaces a monitor that runs.
    fn start(&self, monitor_socket: MonitorSocket, wanted: u32) {
        *self.socket.lock() = Some(monitor_socket);
        self.wanted.store(wanted, Ordering::Relaxed);
    }
}

impl MonitorSocket {
    /// Opens the socket; `reader` runs when a reader comes, or has read.
    fn open(
        context: &Arc<ContextCore>,
        endpoint: &str,
        settings: MonitorSettings,
        reader: Weak<dyn EventHandler>,
    ) -> Result<Self> {
        let MonitorSettings { version, socket_type, .. } = settings;
        let socket = Box::new(Socket::new());
        socket.open_in(context, socket_type, &NEVER_POLLED, |_| {})?;
        let bound = socket.with(|state| {
            state.core.options.linger = Some(Duration::ZERO);
            if let Some(reactor) = context.reactor(0) {
                state.mailbox.set_handler(reactor, reader, |_| true);
            }
            state.bind(endpoint)
        });
        match bound {
            Ok(()) => Ok(Self { socket, version, waiting: VecDeque::new() }),
            Err(error) => {
                socket.close();
                Err(error)
            }
        }
    }

    fn tell(&mut self, bit: u32, values: &[u64], endpoints: EventEndpoints<'_>) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(frames(self.version, bit, values, endpoints));
        }
        self.send_waiting();
    }

    fn send_waiting(&mut self) {
        let Self { socket, waiting, .. } = self;
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
        self.send_waiting();
        let _ = self.socket.with(|state| {
            state.process()?;
            if state.core.options.socket_type == SocketType::Pub {
                // Each subscriber has its own events, and nobody waits for one.
                return Ok(());
            }
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
    pub(crate) fn monitor(&self, endpoint: Option<&str>, settings: MonitorSettings) -> Result<()> {
        // Others open and close sockets, and the thread that polls reports events, with the same locks.
        let _critical = CriticalSection::enter();
        self.with(|state| {
            let ready = state.process();
            let MonitorSettings { events, version, socket_type } = settings;
            if version == MonitorVersion::One && events > ZMQ_EVENT_ALL as u64 {
                return Err(Error::InvalidArgument);
            }
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
            if !matches!(socket_type, SocketType::Pair | SocketType::Pub | SocketType::Push) {
                return Err(Error::InvalidArgument);
            }
            ready?;
            owner.monitor.stop();
            let reader: Weak<dyn EventHandler> = Arc::downgrade(owner) as _;
            let monitor_socket = MonitorSocket::open(context, endpoint, settings, reader)?;
            owner.monitor.start(monitor_socket, (events & ZMQ_EVENT_ALL_V2 as u64) as u32);
            Ok(())
        })
    }

    /// Reports how many parts wait in the pipes to and from each peer, to a monitor of version 2
    /// (zmq_socket_monitor_pipes_stats(3)).
    ///
    /// # Errors
    /// [`Error::NotASocket`], [`Error::Terminated`]; [`Error::InvalidArgument`] without such a monitor,
    /// [`Error::WouldBlock`] without a peer.
    pub(crate) fn report_pipes(&self) -> Result<()> {
        let _critical = CriticalSection::enter();
        self.with(|state| {
            state.process()?;
            if !state.host.monitor.takes_statistics() {
                return Err(Error::InvalidArgument);
            }
            let mut count = 0;
            for (_, pipe) in state.core.pipes.iter_mut() {
                count += 1;
                let sent = pipe.writer.as_ref().map_or(0, PipeWriter::waiting);
                let values = [sent, pipe.reader.waiting()];
                let endpoints = state.endpoints.of_event(pipe.endpoint);
                state.host.monitor.tell(ZMQ_EVENT_PIPES_STATS as u32, &values, endpoints);
            }
            if count > 0 { Ok(()) } else { Err(Error::WouldBlock) }
        })
    }
}

/// Whether a string has both parts of an endpoint.
fn has_address(endpoint: &str) -> bool {
    endpoint
        .split_once("://")
        .is_some_and(|(name, address)| !(name.is_empty() || address.is_empty()))
}

/// An event as the parts of a message, all numbers native in order of bytes.
fn frames(
    version: MonitorVersion,
    bit: u32,
    values: &[u64],
    endpoints: EventEndpoints<'_>,
) -> Vec<Message> {
    // Without memory for an endpoint it is left out.
    let text = |endpoint: &str| Message::from_slice(endpoint.as_bytes()).unwrap_or_default();
    let mut parts = match version {
        MonitorVersion::One => {
            let mut head = [0; 6];
            head[..2].copy_from_slice(&(bit as u16).to_ne_bytes());
            let value = values.first().map_or(0, |value| *value as u32);
            head[2..].copy_from_slice(&value.to_ne_bytes());
            vec![Message::from_short(&head), text(endpoints.own)]
        }
        MonitorVersion::Two => {
            let numbers = [u64::from(bit), values.len() as u64];
            let numbers = numbers.iter().chain(values);
            let numbers = numbers.map(|number| Message::from_short(&number.to_ne_bytes()));
            numbers.chain([text(endpoints.local), text(endpoints.remote)]).collect()
        }
    };
    if let Some((_, before)) = parts.split_last_mut() {
        before.iter_mut().for_each(|part| part.set_more(true));
    }
    parts
}

/// The number of an event, one bit, and its value; `None` for what is not reported.
fn encode(event: ConnectionEvent) -> Option<(u32, u32)> {
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
    Some((bit as u32, value))
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
