//! The inproc names of a context.

use crate::error::{Error, Result};
use crate::mailbox::{Mailbox, PipeEventSink};
use crate::options::Options;
use crate::pattern::Pipe;
use std::collections::HashMap;
use std::sync::Arc;

/// A socket that is bound to a name.
pub(crate) struct InprocBinding {
    /// Where new pipes are sent.
    pub mailbox: Arc<Mailbox>,
    /// Its options when it was bound.
    pub options: Arc<Options>,
}

/// A connection to a name that no socket is bound to yet.
pub(crate) struct InprocConnection {
    /// The pipes for the socket that will bind.
    pub pipe: Pipe,
    /// Its end of them.
    pub end: Arc<PipeEventSink>,
    /// The end of the socket that connected.
    pub peer_end: Arc<PipeEventSink>,
}

/// Names, the sockets that are bound to them, and the connections that wait for that.
#[derive(Default)]
pub(super) struct InprocNames {
    bound: HashMap<String, InprocBinding>,
    waiting: HashMap<String, Vec<InprocConnection>>,
}

impl InprocNames {
    pub(super) fn bind(
        &mut self,
        name: &str,
        binding: InprocBinding,
    ) -> Result<Vec<InprocConnection>> {
        if self.bound.contains_key(name) {
            return Err(Error::AddressInUse);
        }
        self.bound.insert(name.to_owned(), binding);
        let waiting = self.waiting.remove(name).unwrap_or_default();
        // A socket that was closed meanwhile, leaving nothing, is not worth a pipe.
        Ok(waiting)
    }

    pub(super) fn unbind(&mut self, name: &str, mailbox: &Arc<Mailbox>) {
        if self.bound.get(name).is_some_and(|own| own.mailbox.is(mailbox)) {
            self.bound.remove(name);
        }
    }

    pub(super) fn connect(
        &mut self,
        name: &str,
        connect: impl FnOnce(Option<&InprocBinding>) -> Option<InprocConnection>,
    ) {
        if let Some(waiting) = connect(self.bound.get(name)) {
            self.waiting.entry(name.to_owned()).or_default().push(waiting);
        }
    }
}
