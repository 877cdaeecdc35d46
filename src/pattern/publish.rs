//! PUB and XPUB: a message goes to every peer that subscribed to a prefix of its first part.

use super::fan_out::FanOut;
use super::subscriptions::Subscriptions;
use super::xpub_queue::{Entry, XpubQueue};
use super::{Pattern, PipeId, Sent, SocketCore};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::Room;
use crate::zmtp::Subscription;
use std::time::Duration;

pub(super) struct Publish {
    /// XPUB: subscriptions are handed to the application.
    extended: bool,
    out: FanOut,
    subscriptions: Subscriptions,
    pipes: Vec<PipeId>,
    /// The pipes that want the message that is sent; empty between calls, and kept for its memory.
    wanted: Vec<PipeId>,
    /// What the application is to receive.
    queue: XpubQueue,
    /// XPUB_MANUAL: whose subscription was received last.
    last_pipe: Option<PipeId>,
    /// XPUB_MANUAL: what the subscribers asked for, to be reported when they leave.
    asked: Subscriptions,
    /// XPUB_MANUAL_LAST_VALUE: the next message is for the last subscriber alone.
    for_last_alone: bool,
}

impl Publish {
    pub(super) fn new(extended: bool) -> Self {
        Self {
            extended,
            out: FanOut::default(),
            subscriptions: Subscriptions::default(),
            pipes: Vec::new(),
            wanted: Vec::new(),
            queue: XpubQueue::default(),
            last_pipe: None,
            asked: Subscriptions::default(),
            for_last_alone: false,
        }
    }

    /// Takes what a subscriber sent. Of a message that is `user_data` no part is a subscription.
    fn take(&mut self, core: &mut SocketCore, id: PipeId, message: Message, user_data: bool) {
        let options = &core.options;
        let subscription = Subscription::parse(message.data()).filter(|_| !user_data);
        let (subscribe, prefix) = match subscription {
            Some(Subscription::Subscribe(prefix)) => (true, prefix),
            Some(Subscription::Cancel(prefix)) => (false, prefix),
            None => {
                if self.extended {
                    self.queue.push(None, message);
                }
                return;
            }
        };
        let limits = options.limits;
        let held = if options.publisher.manual { &self.asked } else { &self.subscriptions };
        let too_many = limits.subscriptions > 0
            && held.count(id) >= limits.subscriptions
            && !held.contains(id, prefix);
        let too_long = limits.topic_size > 0 && prefix.len() > limits.topic_size;
        if subscribe && (too_many || too_long) {
            if let Some(link) = core.pipes.get(id).and_then(|pipe| pipe.link.clone()) {
                link.close(Some(Duration::ZERO));
            }
            return;
        }
        let tell = match (options.publisher.manual, subscribe) {
            (true, true) => {
                self.asked.add(id, prefix);
                true
            }
            (true, false) => {
                self.asked.remove(id, prefix);
                true
            }
            (false, true) => {
                self.subscriptions.add(id, prefix) || options.publisher.verbose_subscribe
            }
            (false, false) => {
                self.subscriptions.remove(id, prefix).unwrap_or(false)
                    || options.publisher.verbose_unsubscribe
            }
        };
        if tell && self.extended {
            let text = Message::from_slice(message.data()).unwrap_or_default();
            let publisher = &options.publisher;
            if publisher.manual || publisher.verbose_subscribe || publisher.verbose_unsubscribe {
                self.queue.push(Some(id), text);
            } else {
                self.queue.push_turn(Some(id), text);
            }
        }
    }
}

/// The message by which the application learns that a peer that left had this subscription.
fn cancellation(prefix: &[u8]) -> Message {
    Subscription::Cancel(prefix).to_message().unwrap_or_default()
}

impl Pattern for Publish {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.pipes.push(id);
        if !core.options.publisher.welcome_message.is_empty() {
            let welcome =
                Message::from_slice(&core.options.publisher.welcome_message).unwrap_or_default();
            core.pipes.write_unbounded(id, welcome);
        }
        self.readable(core, id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        loop {
            // Parts of a message are there together.
            let (mut begins, mut user_data) = (true, false);
            while let Some(message) = core.pipes.read(id) {
                if begins {
                    user_data = core.options.only_first_subscribe
                        && !matches!(message.data().first(), Some(0 | 1));
                }
                begins = !message.more();
                self.take(core, id, message, user_data);
            }
            if core.arm_or_terminate(id) {
                return;
            }
        }
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.remove(id);
    }

    fn pipe_terminated(&mut self, core: &mut SocketCore, id: PipeId) {
        self.pipes.retain(|own| *own != id);
        self.out.remove(id);
        self.last_pipe = self.last_pipe.filter(|own| *own != id);
        let publisher = &core.options.publisher;
        let (manual, verbose) = (publisher.manual, publisher.verbose_unsubscribe);
        let Self { extended, subscriptions, asked, queue, .. } = self;
        if !*extended || manual {
            subscriptions.forget_all(id);
        }
        if !*extended {
            asked.forget_all(id);
        }
        subscriptions.remove_all(id, |prefix, last| {
            if verbose {
                queue.push(None, cancellation(prefix));
            } else if last {
                queue.push_turn(None, cancellation(prefix));
            }
        });
        // Each peer for itself, and what it asked for, not what it got (observed).
        asked.remove_all(id, |prefix, _| queue.push(None, cancellation(prefix)));
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        if !self.out.in_message() {
            let mut wanted = std::mem::take(&mut self.wanted);
            self.subscriptions.matches(message.data(), &mut wanted);
            if self.for_last_alone {
                wanted.retain(|id| Some(*id) == self.last_pipe);
            }
            if core.options.invert_matching {
                wanted.sort_unstable();
                let matched = std::mem::take(&mut wanted);
                wanted.extend(self.pipes.iter().filter(|id| matched.binary_search(id).is_err()));
            }
            let full = core.options.publisher.no_drop
                && wanted
                    .iter()
                    .any(|id| matches!(core.pipes.room_to_send(*id), Room::Full | Room::Unknown));
            if !full {
                self.out.begin(core, wanted.iter().copied());
                self.for_last_alone = false;
            }
            wanted.clear();
            self.wanted = wanted;
            if full {
                return Err(Error::WouldBlock);
            }
        }
        self.out.send(core, message);
        Ok(Sent::default())
    }

    fn recv(&mut self, _: &mut SocketCore) -> Result<Message> {
        if !self.extended {
            return Err(Error::NotSupported);
        }
        let Entry { from, message, .. } = self.queue.pop().ok_or(Error::WouldBlock)?;
        if from.is_some() {
            self.last_pipe = from;
        }
        Ok(message)
    }

    fn can_recv(&mut self, _: &mut SocketCore) -> bool {
        !self.queue.is_empty()
    }

    fn can_send(&mut self, _: &mut SocketCore) -> bool {
        true
    }

    fn subscribe(&mut self, core: &mut SocketCore, prefix: &[u8]) -> Result<()> {
        if let Some(id) = self.last_pipe {
            self.subscriptions.add(id, prefix);
            self.for_last_alone = core.options.publisher.manual_last_value;
        }
        Ok(())
    }

    fn topics(&self) -> Option<usize> {
        Some(self.subscriptions.len())
    }

    fn unsubscribe(&mut self, _: &mut SocketCore, prefix: &[u8]) -> Result<()> {
        if let Some(id) = self.last_pipe {
            self.subscriptions.remove(id, prefix);
        }
        Ok(())
    }
}
