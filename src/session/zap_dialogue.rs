//! The dialogue of a session with the ZAP handler (RFC 27). The session waits for the answer, its
//! I/O thread does not.

use super::security::{ZapPolicy, zap_policy};
use super::{Session, Work, ZapPipes};
use crate::message::Message;
use crate::pipe::{Notify, PipeReader, PipeWriter, QueueState};
use crate::zmtp::{
    Authentication, ProtocolError, ZapReply, ZapRequest, parse_zap_reply, zap_request,
};
use std::sync::{Arc, Weak};

/// More parts than any reply has.
const MAX_PARTS: usize = 16;

/// A question that was asked. Dropping it tells the handler's socket that nobody waits any more.
pub(super) struct ZapDialogue {
    reader: PipeReader,
    /// Held until the answer came: a socket gives up a pipe that has only one end.
    _writer: PipeWriter,
    parts: Vec<Message>,
}

/// What is known after a question.
pub(super) enum ZapStatus {
    /// The answer will come; the session is told.
    Pending(Box<ZapDialogue>),
    /// The handler gave no judgement: it is gone, or what it said (the error, for the monitor) lets
    /// the peer neither in nor keeps it out.
    Unanswered(Option<ProtocolError>),
    /// There is nothing to wait for.
    Known(Result<ZapReply, ProtocolError>),
}

/// How a connection's question to the ZAP handler stands.
#[derive(Default)]
pub(super) enum ZapState {
    /// There is none, or the peer was let in.
    #[default]
    Idle,
    /// The handler has not answered yet.
    Asked(Box<ZapDialogue>),
    /// There will be no judgement. The connection stays as it is until the peer leaves or the time
    /// of the handshake is over: one that ended at once would come back, find no handler, and be
    /// let in.
    Unanswered {
        /// The monitor was told why.
        reported: bool,
    },
}

impl ZapState {
    /// Whether the peer was asked about and not judged.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self, Self::Idle)
    }
}

/// Tells a session that its handler has answered, or is gone.
struct ZapReplyNotify(Weak<Session>);

impl Notify for ZapReplyNotify {
    fn readable(&self) {
        if let Some(session) = self.0.upgrade() {
            session.request(Work::ZAP);
        }
    }

    fn writable(&self) {}
}

impl Session {
    /// Asks the ZAP handler about a peer at this address. If one was asked before and gave no
    /// judgement (`unjudged`), none at all does not let the peer in.
    pub(super) fn ask_zap(
        &self,
        question: &Authentication,
        address: &str,
        unjudged: bool,
    ) -> ZapStatus {
        let security = &self.options.security;
        let told: Arc<dyn Notify> = Arc::new(ZapReplyNotify(self.me.clone()));
        let policy = zap_policy(security);
        let handler = match policy {
            ZapPolicy::Required | ZapPolicy::Optional => self.host.zap_handler(told),
            ZapPolicy::Open | ZapPolicy::Closed => None,
        };
        let Some(ZapPipes { replies: reader, requests: mut writer }) = handler else {
            return match policy {
                ZapPolicy::Optional if unjudged => ZapStatus::Unanswered(None),
                ZapPolicy::Open | ZapPolicy::Optional => ZapStatus::Known(Ok(ZapReply::default())),
                ZapPolicy::Required | ZapPolicy::Closed => {
                    ZapStatus::Known(Err(ProtocolError::NoAuthenticator))
                }
            };
        };
        let routing_id = &self.options.routing_id;
        let visit = ZapRequest { domain: &security.zap_domain, address, routing_id };
        match zap_request(visit, question) {
            Ok(parts) => parts.into_iter().for_each(|part| writer.write_unbounded(part)),
            Err(error) => return ZapStatus::Known(Err(error)),
        }
        writer.flush();
        Box::new(ZapDialogue { reader, _writer: writer, parts: Vec::new() }).poll()
    }
}

impl ZapDialogue {
    /// Reads what came of the answer.
    pub(super) fn poll(mut self: Box<Self>) -> ZapStatus {
        loop {
            match self.reader.arm() {
                QueueState::Empty => return ZapStatus::Pending(self),
                QueueState::Closed => return ZapStatus::Unanswered(None),
                QueueState::Ready => {}
            }
            while let Some(part) = self.reader.read() {
                let more = part.more();
                self.parts.push(part);
                if !more || self.parts.len() > MAX_PARTS {
                    return match parse_zap_reply(&self.parts) {
                        Err(error) if !error.is_judgement() => ZapStatus::Unanswered(Some(error)),
                        answer => ZapStatus::Known(answer),
                    };
                }
            }
        }
    }
}
