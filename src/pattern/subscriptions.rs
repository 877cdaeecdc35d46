//! What the peers of a publisher subscribed to.
//!
//! A prefix knows its peers and a peer its prefixes, so that neither a message nor the end of a
//! peer costs more than what it has to do with.

use super::PipeId;
use super::trie::Trie;
use std::collections::HashMap;

/// The peers that subscribed to a prefix, by number; never none. Most prefixes have one.
enum Subscribers {
    One(u32),
    /// In order.
    Many(Vec<u32>),
}

impl Subscribers {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(peer) => std::slice::from_ref(peer),
            Self::Many(peers) => peers,
        }
    }

    /// False if it is one of them already.
    fn insert(&mut self, peer: u32) -> bool {
        let Err(place) = self.as_slice().binary_search(&peer) else {
            return false;
        };
        match self {
            Self::One(other) => {
                let mut both = vec![*other];
                both.insert(place, peer);
                *self = Self::Many(both);
            }
            Self::Many(peers) => peers.insert(place, peer),
        }
        true
    }

    fn contains(&self, peer: u32) -> bool {
        self.as_slice().binary_search(&peer).is_ok()
    }
}

/// A peer with subscriptions.
struct Peer {
    id: PipeId,
    /// The nodes of its prefixes, among others that it has no more, and perhaps twice.
    nodes: Vec<u32>,
    /// How many prefixes it has.
    count: usize,
    /// The search that found it last.
    found_in: u64,
}

/// Prefixes and the pipes that subscribed to them.
#[derive(Default)]
pub(super) struct Subscriptions {
    trie: Trie<Subscribers>,
    /// Peers by number; those without a subscription are free.
    peers: Vec<Peer>,
    numbers: HashMap<PipeId, u32>,
    free: Vec<u32>,
    searches: u64,
}

impl Subscriptions {
    /// Adds a subscription; true if no pipe had it before.
    pub(super) fn add(&mut self, id: PipeId, prefix: &[u8]) -> bool {
        let number = self.number(id);
        let mut first = false;
        let (node, subscribers) = self.trie.insert(prefix, || {
            first = true;
            Subscribers::One(number)
        });
        if first || subscribers.insert(number) {
            let Self { trie, peers, .. } = self;
            let peer = &mut peers[number as usize];
            peer.count += 1;
            if peer.nodes.len() >= 2 * peer.count + 16 {
                peer.tidy(trie, number);
            }
            peer.nodes.push(node);
        }
        first
    }

    /// How many different prefixes there are.
    pub(super) fn len(&self) -> usize {
        self.trie.len()
    }

    /// How many a peer has.
    pub(super) fn count(&self, id: PipeId) -> usize {
        self.numbers.get(&id).map_or(0, |number| self.peers[*number as usize].count)
    }

    /// The number of a peer, which it gets with its first subscription.
    fn number(&mut self, id: PipeId) -> u32 {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        let peer = Peer { id, nodes: Vec::new(), count: 0, found_in: self.searches };
        let number = match self.free.pop() {
            Some(number) => {
                self.peers[number as usize] = peer;
                number
            }
            None => {
                self.peers.push(peer);
                self.peers.len() as u32 - 1
            }
        };
        self.numbers.insert(id, number);
        number
    }

    /// Removes a subscription; `None` if the pipe had none, true if no pipe has it any more.
    pub(super) fn remove(&mut self, id: PipeId, prefix: &[u8]) -> Option<bool> {
        let number = *self.numbers.get(&id)?;
        let node = self.trie.find(prefix)?;
        let last = self.remove_from(node, number)?;
        let peer = &mut self.peers[number as usize];
        peer.count -= 1;
        if peer.count == 0 {
            self.forget(id, number);
        }
        Some(last)
    }

    fn remove_from(&mut self, node: u32, peer: u32) -> Option<bool> {
        let subscribers = self.trie.value_mut(node)?;
        let place = subscribers.as_slice().binary_search(&peer).ok()?;
        match subscribers {
            Subscribers::Many(peers) if peers.len() > 1 => {
                peers.remove(place);
                if let [only] = peers[..] {
                    *subscribers = Subscribers::One(only);
                }
                Some(false)
            }
            _ => {
                self.trie.remove_number(node);
                Some(true)
            }
        }
    }

    fn forget(&mut self, id: PipeId, number: u32) -> Vec<u32> {
        self.numbers.remove(&id);
        self.free.push(number);
        std::mem::take(&mut self.peers[number as usize].nodes)
    }

    /// Whether a pipe has a subscription.
    pub(super) fn contains(&self, id: PipeId, prefix: &[u8]) -> bool {
        let subscribers = self.trie.find(prefix).and_then(|node| self.trie.value(node));
        let number = self.numbers.get(&id);
        subscribers.zip(number).is_some_and(|(own, number)| own.contains(*number))
    }

    /// Removes all subscriptions of a pipe, without a report.
    pub(super) fn forget_all(&mut self, id: PipeId) {
        let Some(&number) = self.numbers.get(&id) else {
            return;
        };
        for node in self.forget(id, number) {
            // One that is not its own any more, or is there twice, is left alone.
            self.remove_from(node, number);
        }
    }

    /// Removes all subscriptions of a pipe. Calls `removed` for each, in the order of the
    /// prefixes, with whether no pipe has it any more.
    pub(super) fn remove_all(&mut self, id: PipeId, mut removed: impl FnMut(&[u8], bool)) {
        let Some(&number) = self.numbers.get(&id) else {
            return;
        };
        let nodes = self.forget(id, number);
        let own =
            |node: &u32| self.trie.value_mut(*node).is_some_and(|peers| peers.contains(number));
        let mut nodes: Vec<_> = nodes.into_iter().filter(own).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let mut prefixes: Vec<_> =
            nodes.into_iter().map(|node| (self.trie.prefix(node), node)).collect();
        prefixes.sort_unstable();
        for (prefix, node) in prefixes {
            if let Some(last) = self.remove_from(node, number) {
                removed(&prefix, last);
            }
        }
    }

    /// Adds the pipes that subscribed to a prefix of the text to the list, each once.
    #[inline]
    pub(super) fn matches(&mut self, text: &[u8], list: &mut Vec<PipeId>) {
        self.searches += 1;
        let Self { trie, peers, searches, .. } = self;
        trie.matches(text, |subscribers| {
            for number in subscribers.as_slice() {
                let peer = &mut peers[*number as usize];
                // Several matching prefixes of one peer give it the message once.
                if peer.found_in != *searches {
                    peer.found_in = *searches;
                    list.push(peer.id);
                }
            }
        });
    }
}

impl Peer {
    /// Forgets the nodes of prefixes that it has no more.
    fn tidy(&mut self, trie: &mut Trie<Subscribers>, number: u32) {
        self.nodes.sort_unstable();
        self.nodes.dedup();
        self.nodes.retain(|node| trie.value_mut(*node).is_some_and(|own| own.contains(number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// What one step does: a peer subscribes, unsubscribes or goes.
    type Step = (u8, u64, Vec<u8>);

    fn step() -> impl Strategy<Value = Step> {
        (0u8..9, 1u64..4, prop::collection::vec(0u8..3, 0..4))
    }

    proptest! {
        #[test]
        fn behaves_like_a_map_of_sets(
            steps in prop::collection::vec(step(), 0..200),
            text in prop::collection::vec(0u8..3, 0..6),
        ) {
            let mut own = Subscriptions::default();
            let mut model: BTreeMap<Vec<u8>, BTreeSet<PipeId>> = BTreeMap::new();
            for (action, peer, prefix) in steps {
                let id = PipeId::new(1 << 32 | peer);
                match action {
                    0..5 => {
                        let peers = model.entry(prefix.clone()).or_default();
                        prop_assert_eq!(own.add(id, &prefix), peers.is_empty());
                        peers.insert(id);
                    }
                    5..8 => {
                        let had = model.get_mut(&prefix).is_some_and(|peers| peers.remove(&id));
                        let last = model.get(&prefix).is_none_or(BTreeSet::is_empty);
                        prop_assert_eq!(own.remove(id, &prefix), had.then_some(last));
                    }
                    _ => {
                        let mut expected = Vec::new();
                        for (prefix, peers) in &mut model {
                            if peers.remove(&id) {
                                expected.push((prefix.clone(), peers.is_empty()));
                            }
                        }
                        let mut told = Vec::new();
                        own.remove_all(id, |prefix, last| told.push((prefix.to_vec(), last)));
                        prop_assert_eq!(told, expected);
                    }
                }
                model.retain(|_, peers| !peers.is_empty());
            }
            let matching = model.iter().filter(|(prefix, _)| text.starts_with(prefix));
            let expected: BTreeSet<_> = matching.flat_map(|(_, peers)| peers).copied().collect();
            let mut found = Vec::new();
            own.matches(&text, &mut found);
            prop_assert_eq!(found.len(), expected.len());
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }

    #[test]
    fn one_that_subscribes_and_unsubscribes_for_ever_takes_no_more_memory() {
        let mut own = Subscriptions::default();
        own.add(PipeId::new(1), b"kept");
        for number in 0..10_000_u32 {
            own.add(PipeId::new(1), &number.to_le_bytes());
            assert_eq!(own.remove(PipeId::new(1), &number.to_le_bytes()), Some(true));
        }
        assert!(own.peers[0].nodes.len() < 64);
    }
}
