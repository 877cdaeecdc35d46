//! What the application of an XPUB is to receive: subscriptions, unsubscriptions, and messages that
//! subscribers sent.

use super::PipeId;
use crate::message::Message;
use std::collections::{HashMap, VecDeque};

/// Entries that there is room for when there are none.
const KEPT: usize = 64;
/// At least this number waits before a search for some that need not be reported.
const MANY: usize = 100_000;

/// What is to be received.
pub(super) struct Entry {
    /// The pipe that it came from, where that matters.
    pub(super) from: Option<PipeId>,
    pub(super) message: Message,
    /// 1 or 0 and a prefix: its first subscription came, or its last one went.
    is_turn: bool,
}

pub(super) struct XpubQueue {
    waiting: VecDeque<Entry>,
    /// When this number waits, turns that undo each other are dropped.
    limit: usize,
}

impl Default for XpubQueue {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), limit: MANY }
    }
}

impl XpubQueue {
    /// Adds what is to be received in any case.
    pub(super) fn push(&mut self, from: Option<PipeId>, message: Message) {
        self.waiting.push_back(Entry { from, message, is_turn: false });
    }

    /// Adds that the first subscription of a prefix came, or its last one went. Of an application
    /// that reads none of this, a peer that subscribes and unsubscribes takes no more memory than
    /// the prefixes do.
    pub(super) fn push_turn(&mut self, from: Option<PipeId>, message: Message) {
        self.waiting.push_back(Entry { from, message, is_turn: true });
        if self.waiting.len() >= self.limit {
            self.condense();
            self.limit = MANY.max(2 * self.waiting.len());
        }
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.waiting.pop_front()?;
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            // A million subscriptions may have come at once.
            *self = Self::default();
        }
        Some(entry)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Leaves one turn of each prefix, or none where the last undoes the first.
    fn condense(&mut self) {
        let mut turns: HashMap<&[u8], (u8, usize)> = HashMap::new();
        let mut keeps = vec![true; self.waiting.len()];
        for (at, entry) in self.waiting.iter().enumerate().filter(|(_, entry)| entry.is_turn) {
            let Some((turn, prefix)) = entry.message.data().split_first() else {
                continue;
            };
            // They alternate: what follows an equal one is reported in its place.
            let (first, last) = turns.entry(prefix).or_insert((*turn, at));
            if *last != at {
                keeps[*last] = false;
                keeps[at] = first == turn;
                *last = at;
            }
        }
        let mut keeps = keeps.into_iter();
        self.waiting.retain(|_| keeps.next().unwrap_or(true));
        self.waiting.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(queue: &mut XpubQueue, text: &[u8]) {
        queue.push_turn(None, Message::from_slice(text).unwrap());
    }

    fn taken(queue: &mut XpubQueue) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| queue.pop()).map(|entry| entry.message.data().to_vec()).collect()
    }

    #[test]
    fn turns_that_undo_each_other_are_dropped_and_the_rest_keeps_its_order() {
        let mut queue = XpubQueue::default();
        for text in [b"\x01A", b"\x01B", b"\x00A", b"\x00C"] {
            turn(&mut queue, text);
        }
        queue.push(None, Message::from_slice(b"\x01A").unwrap());
        for text in [b"\x01C", b"\x00C", b"\x00B", b"\x01B"] {
            turn(&mut queue, text);
        }
        queue.condense();
        assert_eq!(taken(&mut queue), [b"\x01A", b"\x00C", b"\x01B"]);
    }

    #[test]
    fn what_nobody_receives_takes_no_more_than_its_prefixes() {
        let mut queue = XpubQueue::default();
        for round in 0..10 * MANY {
            turn(&mut queue, &[(round % 2 == 0) as u8, (round / 2 % 3) as u8]);
            assert!(queue.waiting.len() <= MANY);
        }
        for prefix in 0..=255 {
            turn(&mut queue, &[1, 1, prefix]);
        }
        queue.condense();
        assert_eq!(taken(&mut queue).len(), 256);
    }

    #[test]
    fn many_different_ones_are_all_told() {
        let mut queue = XpubQueue::default();
        for number in 0..3 * MANY as u32 {
            turn(&mut queue, &[&[1], &number.to_be_bytes()[..]].concat());
        }
        assert_eq!(taken(&mut queue).len(), 3 * MANY);
        assert_eq!(queue.limit, MANY);
    }
}
