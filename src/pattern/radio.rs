//! RADIO: a message goes to every peer that joined its group.

use super::fan_out::FanOut;
use super::{Pattern, PipeId, Sent, SocketCore, check_one_part};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pipe::Room;
use crate::zmtp::Subscription;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Radio {
    out: FanOut,
    /// The groups that have members, and these.
    groups: HashMap<Box<[u8]>, Vec<PipeId>>,
    /// The groups of each peer that joined any.
    joined: HashMap<PipeId, HashSet<Box<[u8]>>>,
}

impl Radio {
    /// Takes what a peer sent: a group that it joins or leaves.
    fn take(&mut self, core: &mut SocketCore, id: PipeId, message: &Message) {
        let group = match Subscription::parse(message.data()) {
            Some(Subscription::Subscribe(group)) if message.is_command() => group,
            Some(Subscription::Cancel(group)) if message.is_command() => {
                let left = self.joined.get_mut(&id).is_some_and(|own| own.remove(group));
                if left {
                    self.remove_member(group, id);
                }
                return;
            }
            _ => return,
        };
        let own = self.joined.entry(id).or_default();
        let limits = core.options.limits;
        if own.contains(group) {
            return;
        }
        if limits.subscriptions > 0 && own.len() >= limits.subscriptions
            || limits.topic_size > 0 && group.len() > limits.topic_size
        {
            if let Some(link) = core.pipes.get(id).and_then(|pipe| pipe.link.clone()) {
                link.close(Some(Duration::ZERO));
            }
            return;
        }
        own.insert(group.into());
        self.groups.entry(group.into()).or_default().push(id);
    }

    fn remove_member(&mut self, group: &[u8], id: PipeId) {
        if let Some(members) = self.groups.get_mut(group) {
            members.retain(|own| *own != id);
            if members.is_empty() {
                self.groups.remove(group);
            }
        }
    }
}

impl Pattern for Radio {
    fn attached(&mut self, core: &mut SocketCore, id: PipeId) {
        self.readable(core, id);
    }

    fn readable(&mut self, core: &mut SocketCore, id: PipeId) {
        while !core.arm_or_terminate(id) {
            while let Some(message) = core.pipes.read(id) {
                self.take(core, id, &message);
            }
        }
    }

    fn write_closed(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.remove(id);
    }

    fn pipe_terminated(&mut self, _: &mut SocketCore, id: PipeId) {
        self.out.remove(id);
        for group in self.joined.remove(&id).unwrap_or_default() {
            self.remove_member(&group, id);
        }
    }

    fn send(&mut self, core: &mut SocketCore, message: &mut Message) -> Result<Sent> {
        check_one_part(message)?;
        let members = self.groups.get(message.group().to_bytes()).map_or(&[][..], Vec::as_slice);
        let is_full =
            |id: &PipeId| matches!(core.pipes.room_to_send(*id), Room::Full | Room::Unknown);
        if core.options.publisher.no_drop && members.iter().any(is_full) {
            return Err(Error::WouldBlock);
        }
        self.out.begin(core, members.iter().copied());
        self.out.send(core, message);
        Ok(Sent::default())
    }

    fn can_send(&mut self, _: &mut SocketCore) -> bool {
        true
    }
}
