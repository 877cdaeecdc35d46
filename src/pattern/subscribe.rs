//! SUB and XSUB: subscriptions go to all peers; what comes is taken if it matches one.

use super::fair_queue::FairQueue;
use super::fan_out::FanOut;
use super::trie::Trie;
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::zmtp::Subscription;

pub(super) struct Subscribe {
    /// XSUB: the application sends its subscriptions as messages.
    extended: bool,
    queue: FairQueue,
    out: FanOut,
    /// The subscriptions, and how often each was made.
    subscriptions: Trie<usize>,
    /// All of them, each as often as it was made.
    total: usize,
    pipes: Vec<PipeId>,
    /// The first part of a message that matches.
    first: Option<Message>,
    /// Parts of a message were handed out and its last one was not.
    reading: bool,
    /// XSUB: more parts of the message that is being sent follow.
    sending: bool,
    /// XSUB: no part of that message is a subscription (ZMQ_ONLY_FIRST_SUBSCRIBE).
    user_data: bool,
}

impl Subscribe {
    pub(super) fn new(extended: bool) -> Self {
        Self {
            extended,
            queue: FairQueue::default(),
            out: FanOut::default(),
            subscriptions: Trie::default(),
            total: 0,
            pipes: Vec::new(),
            first: None,
            reading: false,
            sending: false,
            user_data: false,
        }
    }

    /// Sends a subscription to all peers.
    fn tell(&mut self, core: &mut SocketCore, mut message: Message) {
        for (id, copy) in self.pipes.iter().zip(message.share_among(self.pipes.len())) {
            core.pipes.write_unbounded(*id, copy);
        }
    }

    /// Sends all subscriptions to a peer.
    fn tell_all(&mut self, core: &mut SocketCore, id: PipeId) {
        for prefix in self.subscriptions.prefixes() {
            core.pipes.write_unbounded(id, self.message(Subscription::Subscribe(&prefix)));
        }
    }

    /// Those of SUB become commands where the peer knows them, those of XSUB stay messages (observed).
    fn message(&self, subscription: Subscription<'_>) -> Message {
        let mut message = subscription.to_message().unwrap_or_default();
        message.set_command(!self.extended);
        message
    }

    /// Counts a subscription, or off its cancellation; whether it was the last of its prefix.
    fn count(&mut self, subscription: Subscription<'_>) -> bool {
        let prefix = match subscription {
            Subscription::Subscribe(prefix) => {
                *self.subscriptions.get_or_insert(prefix, || 0) += 1;
                self.total += 1;
                return false;
            }
            Subscription::Cancel(prefix) => prefix,
        };
        let Some(count) = self.subscriptions.get_mut(prefix) else {
            return false;
        };
        *count -= 1;
        self.total -= 1;
        let last = *count == 0;
        if last {
            self.subscriptions.remove(prefix);
        }
        last
    }

    fn matches(&self, core: &SocketCore, message: &Message) -> bool {
        self.subscriptions.has_prefix_of(message.data()) != core.options.invert_matching
    }

    /// Reads until the first part of a message matches.
    fn next_into(&mut self, core: &mut SocketCore, part: &mut Message) -> Result<()> {
        while self.queue.recv_into(core, part).is_some() {
            // XSUB hands out everything that its peers send (observed), SUB filters.
            if self.extended && !core.options.invert_matching || self.matches(core, part) {
                return Ok(());
            }
            part.take();
            self.queue.skip_rest(core);
        }
        Err(Error::WouldBlock)
    }

    /// Reads the first part of a message that matches ahead.
    fn fetch(&mut self, core: &mut SocketCore) -> bool {
        if self.first.is_none() {
            let mut part = Message::new();
            self.first = self.next_into(core, &mut part).ok().map(|()| part);
        }
        self.first.is_some()
    }
}

impl Pattern for Subscribe {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.pipes.push(id);
        self.queue.activate(id);
        self.tell_all(core, id);
    }

    fn hiccuped(&mut self, core: &mut SocketCore, id: PipeId) {
        self.tell_all(core, id);
    }

    fn readable(&mut self, _: &mut SocketCore, id: PipeId) {
        self.queue.activate(id);
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.pipes.retain(|own| *own != id);
        self.out.remove(id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.write_closed(core, id);
        self.queue.remove(core, id);
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        if !self.extended {
            return Err(Error::NotSupported);
        }
        let subscription = Subscription::parse(message.data());
        if !self.sending {
            self.user_data = core.options.only_first_subscribe && subscription.is_none();
        }
        self.sending = message.more();
        if let Some(subscription) = subscription.filter(|_| !self.user_data) {
            if !self.out.in_message() {
                let outcome = match subscription {
                    Subscription::Subscribe(prefix) => self.subscribe(core, prefix),
                    Subscription::Cancel(prefix) => self.unsubscribe(core, prefix),
                };
                drop(message.take());
                return outcome.map(|()| Sent::default());
            }
            // Within a message it stays a part of it, and is a subscription as well (observed).
            self.count(subscription);
        }
        if !self.out.in_message() {
            self.out.begin(core, self.pipes.iter().copied());
        }
        self.out.send(core, message);
        Ok(Sent::default())
    }

    fn recv(&mut self, core: &mut SocketCore) -> Result<Message> {
        let mut part = Message::new();
        self.recv_into(core, &mut part).map(|()| part)
    }

    fn recv_into(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<()> {
        match &mut self.first {
            Some(first) => {
                message.take_from(first);
                self.first = None;
            }
            None if self.reading => {
                self.queue.recv_into(core, message).ok_or(Error::WouldBlock)?;
            }
            None => self.next_into(core, message)?,
        }
        self.reading = message.more();
        Ok(())
    }

    fn can_recv(&mut self, core: &mut SocketCore) -> bool {
        self.reading || self.fetch(core)
    }

    fn can_send(&mut self, _: &mut SocketCore) -> bool {
        self.extended
    }

    fn topics(&self) -> Option<usize> {
        Some(self.total)
    }

    fn subscribe(&mut self, core: &mut SocketCore, prefix: &[u8]) -> Result<()> {
        self.count(Subscription::Subscribe(prefix));
        // Repeated ones as well: a publisher may want to receive them (ZMQ_XPUB_VERBOSE).
        let message = self.message(Subscription::Subscribe(prefix));
        self.tell(core, message);
        Ok(())
    }

    fn unsubscribe(&mut self, core: &mut SocketCore, prefix: &[u8]) -> Result<()> {
        let is_last = self.count(Subscription::Cancel(prefix));
        if is_last || self.extended && core.options.draft.verbose_unsubscribe {
            let message = self.message(Subscription::Cancel(prefix));
            self.tell(core, message);
        }
        Ok(())
    }
}
