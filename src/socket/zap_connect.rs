//! The way to the ZAP handler of a context (RFC 27).

use crate::context::ContextCore;
use crate::mailbox::{Event, PipeEventSink};
use crate::pattern::{PeerInfo, Pipe};
use crate::pipe::{Notify, pipe};
use crate::session::ZapPipes;
use crate::zmtp::SocketType;
use std::sync::Arc;

const HANDLER: &str = "inproc://zeromq.zap.01";

/// A pair of pipes to the handler, if a socket that can be one is bound to its name; `told` is
/// notified of what happens at their other ends.
pub(super) fn connect(context: &ContextCore, told: &Arc<dyn Notify>) -> Option<ZapPipes> {
    let mut ends = None;
    context.connect_inproc(HANDLER, |binding| {
        let handler = binding.filter(|bound| {
            matches!(bound.options.socket_type, SocketType::Rep | SocketType::Router)
        })?;
        let far = PipeEventSink::new(handler.mailbox.clone());
        let far_end: Arc<dyn Notify> = far.clone();
        // No limits: one request goes out, one reply comes.
        let (reply_writer, reply_reader) = pipe([None; 2], false, far_end.clone(), told.clone());
        let (request_writer, request_reader) = pipe([None; 2], false, told.clone(), far_end);
        let far_pipe = Pipe {
            reader: request_reader,
            writer: Some(reply_writer),
            peer: Some(PeerInfo::default()),
            link: None,
            endpoint: 0,
            assigned_id: Vec::new(),
        };
        handler.mailbox.post(Event::Attach(Box::new((far_pipe, far))));
        ends = Some(ZapPipes { replies: reply_reader, requests: request_writer });
        None
    });
    ends
}
