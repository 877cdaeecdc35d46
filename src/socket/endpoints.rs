//! Binding, connecting, and undoing both.

use super::endpoint_table::{Entry, Kind, Unknown};
use super::state::State;
use crate::context::{InprocBinding, InprocConnection};
use crate::error::{Error, Result};
use crate::io::nanoseconds;
use crate::mailbox::{Event, Mailbox, PipeEventSink};
use crate::options::Options;
use crate::pattern::{PeerInfo, Pipe, SessionLink, generate_routing_id};
use crate::pipe::{Notify, pipe};
use crate::session::{
    BoundEndpoint, ConnectingSession, ConnectionEvent, EventEndpoints, NewPipe, Session,
    SessionHost,
};
use crate::transport::{BindError, Endpoint, Listener};
use crate::zmtp::SocketType;
use std::any::Any;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

impl State {
    pub(super) fn bind(&mut self, given: &str) -> Result<()> {
        let endpoint = Endpoint::for_bind(given, self.is_multicast());
        let endpoint = endpoint.map_err(|error| self.bind_failed(given, error.into()))?;
        if let Endpoint::Inproc(name) = endpoint {
            return self.bind_inproc(given, &name);
        }
        let options = &self.core.options;
        let reactor = self.context.reactor(options.affinity).ok_or(Error::NoIoThread)?;
        let listener = Listener::bind(&endpoint, &options.transport)
            .map_err(|failure| self.bind_failed(given, failure))?;
        let event = ConnectionEvent::Listening(listener.as_raw_fd());
        self.host.report(event, EventEndpoints::bound(listener.endpoint()));
        let resolved = listener.endpoint().to_owned();
        let number = self.endpoints.number();
        let options = Arc::new(options.clone());
        self.host.set_newest_reactor(&reactor);
        let bound = BoundEndpoint::start(self.host.clone(), options, reactor, number, listener);
        let name = if endpoint.has_wildcard() { &*resolved } else { given };
        self.endpoints.add(number, name, &resolved, Kind::Bound(bound));
        self.tell_of_endpoints();
        Ok(())
    }

    /// Reports a bind that failed, under the names that libzmq has for it.
    fn bind_failed(&self, given: &str, failure: BindError) -> Error {
        if let Some(descriptor) = failure.descriptor {
            let name = if given.starts_with("ipc:") { given } else { "" };
            let endpoints = EventEndpoints::bound(name);
            self.host.report(ConnectionEvent::Closed(descriptor), endpoints);
        }
        if let Some(("tcp" | "ipc", address)) = given.split_once("://")
            && !address.is_empty()
        {
            let event = ConnectionEvent::BindFailed(failure.error);
            self.host.report(event, EventEndpoints::bound(address));
        }
        failure.error
    }

    /// Connects; returns the number of the endpoint, or 0 where there is such a connection already.
    pub(super) fn connect(&mut self, given: &str) -> Result<u64> {
        let endpoint = Endpoint::for_connect(given, self.is_multicast())?;
        let single = matches!(
            self.core.options.socket_type,
            SocketType::Dealer | SocketType::Sub | SocketType::Pub | SocketType::Req
        );
        let wire = !matches!(endpoint, Endpoint::Inproc(_));
        if single && wire && self.endpoints.is_connected(given) {
            // A second connection to the same peer would only double its messages (observed).
            return Ok(0);
        }
        let number = self.endpoints.number();
        if let Endpoint::Inproc(name) = endpoint {
            self.connect_inproc(number, &name)?;
            self.endpoints.add(number, given, given, Kind::InprocConnected);
        } else {
            let options = &mut self.core.options;
            if options.socket_type == SocketType::Stream {
                // The peer's id can be read from the socket after the connect (observed).
                let id = options.connect_routing_id.take().unwrap_or_else(generate_routing_id);
                options.routing_id = id.clone();
                options.connect_routing_id = Some(id);
            }
            let endpoint = endpoint.located().through(&options.socks);
            let options = Arc::new(options.clone());
            let reactor = self.context.reactor(options.affinity).ok_or(Error::NoIoThread)?;
            let owner = self.host.clone();
            let _short_call = reactor.enter_short_call();
            let ConnectingSession { session, pipe } =
                Session::connecting(owner, options, reactor.clone(), number, endpoint, given);
            if let Some(NewPipe { pipe, end }) = pipe {
                let end = (end as Arc<dyn Any + Send + Sync>).downcast::<PipeEventSink>();
                if let Ok(end) = end {
                    self.attach(pipe, &end);
                }
            }
            session.start();
            self.mailbox.spin_policy.connected(nanoseconds());
            self.endpoints.add(number, given, given, Kind::Connected(session));
            self.tell_of_endpoints();
        }
        self.core.options.connect_routing_id = None;
        Ok(number)
    }

    /// Whether multicast transports go with the socket type.
    pub(super) fn is_multicast(&self) -> bool {
        use SocketType::{Pub, Sub, Xpub, Xsub};
        matches!(self.core.options.socket_type, Pub | Sub | Xpub | Xsub)
    }

    /// Undoes a bind or a connect: that of this name, or else of this address.
    pub(super) fn remove_endpoint(&mut self, name: &str) -> Result<Option<Unknown>> {
        let multicast = self.is_multicast();
        match Endpoint::for_bind(name, multicast)
            .or_else(|_| Endpoint::for_connect(name, multicast))
        {
            // Well formed, and no peer can be there.
            Ok(_) | Err(Error::NameTooLong) => {}
            Err(error) => return Err(error),
        }
        if self.remove(|entry| entry.names.iter().any(|own| own == name)).is_ok() {
            return Ok(None);
        }
        let Ok(Endpoint::Tcp(sought)) = Endpoint::for_connect(name, multicast) else {
            return Err(Error::NoSuchEndpoint);
        };
        let ipv6 = self.core.options.transport.ipv6;
        let unknown = Unknown { sought, ipv6 };
        if let Some(address) = unknown.sought.canonical_address(ipv6) {
            return self.remove_unknown(&unknown, &[address]).map(|()| None);
        }
        let has_port = |entry: &Entry| match Endpoint::for_connect(&entry.names[1], false) {
            Ok(Endpoint::Tcp(own)) => own.address.port == unknown.sought.address.port,
            _ => false,
        };
        if self.endpoints.entries.iter().any(has_port) {
            Ok(Some(unknown))
        } else {
            Err(Error::NoSuchEndpoint)
        }
    }

    /// As [`remove_endpoint`](Self::remove_endpoint), with the addresses that were looked up.
    pub(super) fn remove_unknown(
        &mut self,
        unknown: &Unknown,
        addresses: &[SocketAddr],
    ) -> Result<()> {
        self.remove(|entry| entry.is_at(&unknown.sought, addresses, unknown.ipv6))
    }

    fn remove(&mut self, chosen: impl Fn(&Entry) -> bool) -> Result<()> {
        let removed: Vec<_> =
            self.endpoints.entries.extract_if(.., |entry| chosen(entry)).collect();
        if removed.is_empty() {
            return Err(Error::NoSuchEndpoint);
        }
        removed.iter().for_each(|entry| self.close_and_detach(entry));
        if removed.iter().any(|entry| matches!(entry.kind, Kind::Bound(_) | Kind::Connected(_))) {
            self.tell_of_endpoints();
        }
        Ok(())
    }

    /// Makes the descriptor of ZMQ_FD readable: a loop that watches it finds out by ZMQ_EVENTS what
    /// a connect or bind changed, such as POLLOUT (observed; not so where it was over inproc).
    fn tell_of_endpoints(&self) {
        self.mailbox.post(Event::Wake);
    }

    /// Ends an endpoint that was removed, and the pipes that belong to it.
    fn close_and_detach(&mut self, entry: &Entry) {
        self.close_entry(entry);
        // The pipes of connections that were there before.
        self.process_events();
        let belonging: Vec<_> = self
            .core
            .pipes
            .iter_mut()
            .filter(|(_, pipe)| pipe.endpoint == entry.number)
            .map(|(id, _)| id)
            .collect();
        let bound = matches!(entry.kind, Kind::Bound(_));
        for id in belonging {
            // What waits in it may still go out, as far as the linger time allows.
            self.lost(id);
            if !bound {
                // What came through a connection that is given up is given up as well; what came
                // to a listener may still be read (observed).
                self.core.ended.push(id);
                self.remove_ended();
            }
        }
    }

    fn close_entry(&self, entry: &Entry) {
        match &entry.kind {
            Kind::Bound(bound) => {
                bound.close();
                let sessions: Vec<_> = self.host.sessions.lock().values().cloned().collect();
                for session in sessions.iter().filter_map(std::sync::Weak::upgrade) {
                    if session.endpoint == entry.number {
                        session.close(self.core.options.linger);
                    }
                }
            }
            Kind::Connected(session) => session.close(self.core.options.linger),
            Kind::InprocBound => self.context.unbind_inproc(&entry.names[0], &self.mailbox),
            Kind::InprocConnected => {}
        }
    }

    /// Closes all listeners, and what waits for an inproc bind.
    pub(super) fn close_endpoints(&mut self) {
        for entry in std::mem::take(&mut self.endpoints.entries) {
            match entry.kind {
                Kind::Bound(bound) => bound.close(),
                Kind::InprocBound => self.context.unbind_inproc(&entry.names[0], &self.mailbox),
                // The sessions are closed with the socket, inproc pipes with their ends.
                Kind::Connected(_) | Kind::InprocConnected => {}
            }
        }
    }

    fn bind_inproc(&mut self, given: &str, name: &str) -> Result<()> {
        let binding = InprocBinding {
            mailbox: self.mailbox.clone(),
            options: Arc::new(self.core.options.clone()),
        };
        let waiting = self.context.bind_inproc(given, binding)?;
        debug_assert!(given.ends_with(name));
        let number = self.endpoints.number();
        for connection in waiting {
            let own = &self.core.options;
            let InprocConnection { mut pipe, end, peer_end } = connection;
            pipe.reader.set_share(own.receive_high_water_mark);
            if let Some(writer) = &pipe.writer {
                // Nobody has written yet.
                let _ = writer.set_share(own.send_high_water_mark);
            }
            pipe.endpoint = number;
            end.set_mailbox(self.mailbox.clone());
            let routing_id = own.routing_id.clone();
            crate::session::PipeEvents::identified(
                &*peer_end,
                PeerInfo { routing_id, metadata: None },
            );
            self.attach(pipe, &end);
        }
        self.endpoints.add(number, given, given, Kind::InprocBound);
        Ok(())
    }

    fn connect_inproc(&mut self, number: u64, name: &str) -> Result<()> {
        let own = self.core.options.clone();
        let context = self.context.clone();
        let mailbox = self.mailbox.clone();
        let name = format!("inproc://{name}");
        let mut mine = None;
        context.connect_inproc(&name, |binding: Option<&InprocBinding>| {
            let near = PipeEventSink::new(mailbox.clone());
            let far = Arc::new(PipeEventSink::default());
            // inproc has one pipe where other transports have one on each side.
            let theirs = binding.map(|bound| &*bound.options);
            let shares_in = [
                theirs.map(|theirs| theirs.send_high_water_mark),
                Some(own.receive_high_water_mark),
            ];
            let shares_out = [
                Some(own.send_high_water_mark),
                theirs.map(|theirs| theirs.receive_high_water_mark),
            ];
            let in_conflates =
                own.conflates_received() || theirs.is_some_and(Options::conflates_sent);
            let out_conflates =
                own.conflates_sent() || theirs.is_some_and(Options::conflates_received);
            let ends: [Arc<dyn Notify>; 2] = [near.clone(), far.clone()];
            let [near_end, far_end] = ends;
            let (in_writer, in_reader) =
                pipe(shares_in, in_conflates, far_end.clone(), near_end.clone());
            let (out_writer, out_reader) = pipe(shares_out, out_conflates, near_end, far_end);
            let told = |options: &Options| {
                Some(PeerInfo { routing_id: options.routing_id.clone(), metadata: None })
            };
            let assigned_id = own.connect_routing_id.clone().unwrap_or_default();
            let near_pipe = inproc_pipe(
                (in_reader, out_writer),
                binding.and_then(|bound| told(&bound.options)),
                number,
                assigned_id,
            );
            let far_pipe = inproc_pipe((out_reader, in_writer), told(&own), 0, Vec::new());
            mine = Some((near_pipe, near.clone()));
            match binding {
                Some(bound) => {
                    far.set_mailbox(bound.mailbox.clone());
                    bound.mailbox.post(Event::Attach(Box::new((far_pipe, far))));
                    None
                }
                None => Some(InprocConnection { pipe: far_pipe, end: far, peer_end: near }),
            }
        });
        if let Some((pipe, end)) = mine {
            self.attach(pipe, &end);
        }
        Ok(())
    }
}

fn inproc_pipe(
    (reader, writer): (crate::pipe::PipeReader, crate::pipe::PipeWriter),
    peer: Option<PeerInfo>,
    endpoint: u64,
    assigned_id: Vec<u8>,
) -> Pipe {
    Pipe { reader, writer: Some(writer), peer, link: None, endpoint, assigned_id }
}

impl Mailbox {
    /// Whether two handles are the same mailbox.
    pub(crate) fn is(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other)
    }
}
