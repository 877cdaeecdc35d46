//! A connection whose handshake is over becomes one that messages flow on.

use super::{Connection, DisconnectReason, HandshakingConnection, Input, LockedSession};
use crate::message::{Message, Metadata};
use crate::pattern::PeerInfo;
use crate::session::{ConnectionEvent, Failure, NewPipe};
use crate::transport::Stream;
use crate::zmtp::{FrameDecoder, Peer, Protection, SocketType, Subscription, Version, ZapReply};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use zeroize::Zeroizing;

/// What a handshake leaves; or, for plain bytes, a connection that had none.
pub(super) struct OpenedConnection {
    stream: Arc<Stream>,
    token: usize,
    input: Input,
    /// The reactor watches for room in the kernel's buffer.
    watches_room: bool,
    protection: Option<Protection>,
    zap_reply: ZapReply,
    /// Bytes that came behind the handshake.
    received: Zeroizing<Vec<u8>>,
    /// Bytes of the handshake that are still to be sent.
    unsent: Vec<u8>,
}

impl OpenedConnection {
    /// A connection that carries plain bytes.
    pub(super) fn plain(
        stream: Arc<Stream>,
        token: usize,
        input: Input,
        watches_room: bool,
    ) -> Self {
        Self {
            stream,
            token,
            input,
            watches_room,
            protection: None,
            zap_reply: ZapReply::default(),
            received: Zeroizing::default(),
            unsent: Vec::new(),
        }
    }

    pub(super) fn after_handshake(mut own: HandshakingConnection) -> Self {
        // What was sent is wiped; the rest belongs to the writing half.
        let unsent =
            if own.output.is_empty() { Vec::new() } else { std::mem::take(&mut *own.output) };
        Self {
            stream: own.stream,
            token: own.token,
            input: own.input,
            watches_room: own.watches_room,
            protection: own.handshake.protection(),
            zap_reply: own.zap_reply,
            received: own.received,
            unsent,
        }
    }
}

impl LockedSession<'_> {
    /// Messages can flow. Without a peer, plain bytes do.
    pub(super) fn establish(&mut self, opened: OpenedConnection, peer: Option<Peer>) {
        let session = self.session;
        let version = peer.as_ref().map(|peer| peer.version);
        let handshaken = version >= Some(Version::V3_0);
        let (stream, token) = (opened.stream.clone(), opened.token);
        let connection = Connection { stream: stream.clone(), token, handshaken };
        // Older peers know no PING, and some end the connection at what they do not know.
        let knows_pings = version >= Some(Version::V3_1);
        self.lifecycle.machine.activate(connection, knows_pings, Instant::now());
        if handshaken {
            self.report(ConnectionEvent::HandshakeSucceeded);
        }
        session.waiting_for_peer.store(false, Ordering::Relaxed);
        let metadata = metadata_of(&opened.zap_reply, peer.as_ref(), &stream);
        let info = PeerInfo {
            routing_id: peer.map(|peer| peer.routing_id).unwrap_or_default(),
            metadata: Some(Arc::new(metadata)),
        };
        let Input { unread, half_closed } = opened.input;
        let unread = unread || !opened.received.is_empty();
        if opened.watches_room {
            // A failure means that the connection is gone, which the next write tells.
            let _ = self.reactor.watch(stream.as_raw_fd(), token, false);
        }
        if self.open_halves(opened, version).is_err() {
            return self.disconnected(DisconnectReason::Failed(Failure::OutOfMemory));
        }
        self.identify(info);
        if self.tells_of_peers() || session.options.router.notify_connect {
            session.read.lock().inject(Message::new());
        }
        if let Some(messages) = session.options.connection_messages()
            && !messages.hello.is_empty()
            && let Ok(hello) = Message::from_slice(&messages.hello)
        {
            session.write.lock().send_command(hello);
        }
        if version == Some(Version::V1)
            && matches!(session.options.socket_type, SocketType::Pub | SocketType::Xpub)
        {
            // Such peers filter by themselves and send no subscriptions (RFC 13).
            let all = Subscription::Subscribe(b"").to_message().unwrap_or_default();
            session.read.lock().inject(all);
        }
        session.is_active.store(true, Ordering::Release);
        self.drive_write();
        if self.lifecycle.is_active() && unread {
            self.drive_read(half_closed);
        }
    }

    /// Gives the connection to the two halves.
    fn open_halves(
        &self,
        opened: OpenedConnection,
        version: Option<Version>,
    ) -> crate::error::Result<()> {
        let OpenedConnection { stream, token, protection, received, unsent, .. } = opened;
        let (sealer, opener) = match protection {
            Some(Protection { sealer, opener }) => (Some(sealer), Some(opener)),
            None => (None, None),
        };
        let options = &self.session.options;
        let send_buffer = options.transport.send_buffer;
        let lead = opener.as_ref().map_or(0, |opener| opener.lead());
        let limit = options.message_limit();
        let decoder = version.map(|version| FrameDecoder::new(version, limit).with_lead(lead));
        let mut write = self.session.write.lock();
        write.open(stream.clone(), token, version, sealer, unsent, send_buffer);
        drop(write);
        self.session.read.lock().open(stream, decoder, opener, &received, options.socket_type)
    }

    /// Tells the socket who the peer is, with a new pipe where there is none.
    fn identify(&mut self, info: PeerInfo) {
        if let Some(end) = &self.lifecycle.end {
            return end.identified(info);
        }
        let new: NewPipe = self.session.make_pipe(Some(info), &mut self.lifecycle);
        // Under the half's lock: once the socket undid the connection, no pipe comes.
        let half = self.session.read.lock();
        if !half.is_stopped() {
            self.session.host.attach(new);
        }
    }
}

/// Properties of a connection for its messages (zmq_msg_gets(3)): what the ZAP handler says, the
/// peer's address, and what its metadata say, the routing id also under its newer name. A property
/// that comes first hides later ones of its name: a peer cannot pass for another.
fn metadata_of(zap_reply: &ZapReply, peer: Option<&Peer>, stream: &Stream) -> Metadata {
    let mut metadata = Metadata::new(stream.as_raw_fd());
    let proven = peer.and_then(|peer| peer.user_id.as_deref());
    match proven {
        _ if !zap_reply.user_id.is_empty() => metadata.insert("User-Id", &zap_reply.user_id),
        Some(user_id) => metadata.insert("User-Id", user_id),
        None => {}
    }
    for (name, value) in &zap_reply.properties {
        metadata.insert(name, value);
    }
    metadata.insert("Peer-Address", stream.peer_address().as_bytes());
    for (name, value) in peer.map_or(&[][..], |peer| &peer.properties) {
        // Nobody says himself who he is.
        if name == "User-Id" {
            continue;
        }
        metadata.insert(name, value);
        if name == "Identity" {
            metadata.insert("Routing-Id", peer.map_or(&[][..], |peer| &peer.routing_id));
        }
    }
    metadata
}
