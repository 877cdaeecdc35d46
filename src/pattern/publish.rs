//! PUB and XPUB: a message goes to every peer that subscribed to a prefix of its first part.

use super::fan_out::FanOut;
use super::trie::Trie;
use super::{Core, Pattern, PipeId};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::Room;
use std::collections::VecDeque;

pub(super) struct Publish {
    /// XPUB: subscriptions are handed to the application.
    extended: bool,
    out: FanOut,
    subscriptions: Trie<Vec<PipeId>>,
    pipes: Vec<PipeId>,
    /// What the application is to receive, with the pipe that it came from.
    pending: VecDeque<(Option<PipeId>, Message)>,
    /// XPUB_MANUAL: whose subscription was received last.
    last_pipe: Option<PipeId>,
    /// XPUB_MANUAL: what the subscribers asked for, to be told of when they leave.
    asked: Trie<Vec<PipeId>>,
    /// XPUB_MANUAL_LAST_VALUE: the next message is for the last subscriber alone.
    for_last_alone: bool,
}

/// Adds a subscription; true if nobody had it before.
fn add(subscriptions: &mut Trie<Vec<PipeId>>, id: PipeId, prefix: &[u8]) -> bool {
    let pipes = subscriptions.get_or_insert(prefix, Vec::new);
    let first = pipes.is_empty();
    if !pipes.contains(&id) {
        pipes.push(id);
    }
    first
}

/// Removes a subscription; `None` if the pipe had none, true if nobody has it any more.
fn remove(subscriptions: &mut Trie<Vec<PipeId>>, id: PipeId, prefix: &[u8]) -> Option<bool> {
    let pipes = subscriptions.get_mut(prefix)?;
    let place = pipes.iter().position(|own| *own == id)?;
    pipes.swap_remove(place);
    let last = pipes.is_empty();
    if last {
        subscriptions.remove(prefix);
    }
    Some(last)
}

impl Publish {
    pub(super) fn new(extended: bool) -> Self {
        Self {
            extended,
            out: FanOut::default(),
            subscriptions: Trie::default(),
            pipes: Vec::new(),
            pending: VecDeque::new(),
            last_pipe: None,
            asked: Trie::default(),
            for_last_alone: false,
        }
    }

    /// Takes what a subscriber sent. Of a message that is `user_data` no part is a subscription.
    fn take(&mut self, core: &mut Core, id: PipeId, message: Message, user_data: bool) {
        let options = &core.options;
        let subscribe = match message.data().first() {
            Some(1) if !user_data => true,
            Some(0) if !user_data => false,
            _ => {
                if self.extended {
                    self.pending.push_back((None, message));
                }
                return;
            }
        };
        let prefix = &message.data()[1..];
        let tell = match (options.publisher.manual, subscribe) {
            (true, true) => {
                add(&mut self.asked, id, prefix);
                true
            }
            (true, false) => {
                remove(&mut self.asked, id, prefix);
                true
            }
            (false, true) => {
                add(&mut self.subscriptions, id, prefix) || options.publisher.verbose_subscribe
            }
            (false, false) => {
                remove(&mut self.subscriptions, id, prefix).unwrap_or(false)
                    || options.publisher.verbose_unsubscribe
            }
        };
        if tell && self.extended {
            let text = Message::from_slice(message.data()).unwrap_or_default();
            self.pending.push_back((Some(id), text));
        }
    }

    /// Tells the application that a peer that left had this subscription.
    fn tell_gone(&mut self, prefix: &[u8]) {
        if self.extended {
            let text = [&[0], prefix].concat();
            self.pending.push_back((None, Message::from_slice(&text).unwrap_or_default()));
        }
    }
}

impl Pattern for Publish {
    fn attached(&mut self, core: &mut Core, id: PipeId) {
        self.pipes.push(id);
        if !core.options.publisher.welcome_message.is_empty() {
            let welcome =
                Message::from_slice(&core.options.publisher.welcome_message).unwrap_or_default();
            core.pipes.write_unbounded(id, welcome);
        }
        self.readable(core, id);
    }

    fn readable(&mut self, core: &mut Core, id: PipeId) {
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
            if core.sleep_or_end(id) {
                return;
            }
        }
    }

    fn lost(&mut self, _: &mut Core, id: PipeId) {
        self.out.remove(id);
    }

    fn ended(&mut self, core: &mut Core, id: PipeId) {
        self.pipes.retain(|own| *own != id);
        self.out.remove(id);
        self.last_pipe = self.last_pipe.filter(|own| *own != id);
        let publisher = core.options.publisher.clone();
        for prefix in self.subscriptions.prefixes() {
            let gone = remove(&mut self.subscriptions, id, &prefix);
            let tell = gone == Some(true) || gone.is_some() && publisher.verbose_unsubscribe;
            if tell && !publisher.manual {
                self.tell_gone(&prefix);
            }
        }
        // Each peer for itself, and what it asked for, not what it got (observed).
        for prefix in self.asked.prefixes() {
            if remove(&mut self.asked, id, &prefix).is_some() {
                self.tell_gone(&prefix);
            }
        }
    }

    fn send(&mut self, core: &mut Core, message: &mut Message) -> Result<()> {
        if !self.out.in_message() {
            let mut wanted = Vec::new();
            self.subscriptions.matches(message.data(), |pipes| wanted.extend_from_slice(pipes));
            // Several matching prefixes of one peer give it the message once.
            wanted.sort_unstable();
            wanted.dedup();
            if self.for_last_alone {
                wanted.retain(|id| Some(*id) == self.last_pipe);
            }
            if core.options.invert_matching {
                let matched = std::mem::take(&mut wanted);
                wanted.extend(self.pipes.iter().filter(|id| matched.binary_search(id).is_err()));
            }
            if core.options.publisher.no_drop
                && wanted.iter().any(|id| core.pipes.room(*id) == Room::Full)
            {
                return Err(Error::WouldBlock);
            }
            self.out.begin(core, wanted.into_iter());
            self.for_last_alone = false;
        }
        self.out.send(core, message);
        Ok(())
    }

    fn recv(&mut self, _: &mut Core) -> Result<Message> {
        if !self.extended {
            return Err(Error::NotSupported);
        }
        let (id, message) = self.pending.pop_front().ok_or(Error::WouldBlock)?;
        if id.is_some() {
            self.last_pipe = id;
        }
        Ok(message)
    }

    fn can_recv(&mut self, _: &mut Core) -> bool {
        !self.pending.is_empty()
    }

    fn can_send(&mut self, _: &mut Core) -> bool {
        true
    }

    fn subscribe(&mut self, core: &mut Core, prefix: &[u8]) -> Result<()> {
        if let Some(id) = self.last_pipe {
            add(&mut self.subscriptions, id, prefix);
            self.for_last_alone = core.options.publisher.manual_last_value;
        }
        Ok(())
    }

    fn unsubscribe(&mut self, _: &mut Core, prefix: &[u8]) -> Result<()> {
        if let Some(id) = self.last_pipe {
            remove(&mut self.subscriptions, id, prefix);
        }
        Ok(())
    }
}
