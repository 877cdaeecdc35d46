//! A compressed prefix tree: which stored prefixes does a message begin with?
//!
//! Its nodes stand in one vector and refer to each other by number, and every walk is a loop: the
//! depth is the peer's choice, and must not become ours. One hash table for the whole tree tells
//! the child of a node that begins with a byte, so that a node needs no list of its children: a
//! step of a walk meets two places in memory, and a prefix costs about as much as a node.
//!
//! The number of a prefix's node stays the same as long as the prefix is stored.
//!
//! Many prefixes of few lengths have an index beside it.

use super::index::Index;
use crate::message::with_large_pages;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Bytes of an edge that stand in the node itself.
const SHORT: usize = 22;

/// What a node adds to its parent's prefix.
enum Edge {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

/// One cache line, where the value is not larger than a vector.
#[repr(align(64))]
struct Node<V> {
    parent: u32,
    children: u32,
    /// The numbers of all children, combined by exclusive or: of one child, its number.
    only_child: u32,
    edge: Edge,
    value: Option<V>,
}

/// A map from prefixes to values.
pub(super) struct Trie<V> {
    nodes: Vec<Node<V>>,
    free: Vec<u32>,
    len: usize,
    /// All nodes but the root, where their parent and first byte hash to, or behind that; 0 is
    /// free. Its length is a power of two, and at least twice the number of nodes.
    table: Vec<u32>,
    /// Odd, and not to be guessed by who chooses the prefixes.
    multiplier: u64,
    /// All prefixes but the empty one, where that is worth it.
    index: Option<Box<Index>>,
    /// How many prefixes make the next try at an index worth it.
    worth_an_index: usize,
}

const ROOT: u32 = 0;
/// Entries of the smallest table.
const SMALLEST_TABLE: usize = 16;
/// So many prefixes, at least, are worth an index.
const WORTH_AN_INDEX: usize = if cfg!(test) { 4 } else { 1024 };

impl Edge {
    fn new(bytes: &[u8]) -> Self {
        if bytes.len() > SHORT {
            return Self::Long(bytes.into());
        }
        let mut short = [0; SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Self::Short(bytes.len() as u8, short)
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..*length as usize],
            Self::Long(bytes) => bytes,
        }
    }
}

impl<V> Node<V> {
    fn new(parent: u32, edge: &[u8]) -> Self {
        Self { parent, children: 0, only_child: 0, edge: Edge::new(edge), value: None }
    }

    /// The first byte of its edge; the root and free nodes have none.
    #[inline(always)]
    fn first(&self) -> Option<u8> {
        self.edge.bytes().first().copied()
    }

    fn add_child(&mut self, child: u32) {
        self.children += 1;
        self.only_child ^= child;
    }

    fn remove_child(&mut self, child: u32) {
        self.children -= 1;
        self.only_child ^= child;
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self {
            nodes: vec![Node::new(ROOT, &[])],
            free: Vec::new(),
            len: 0,
            table: Vec::new(),
            multiplier: RandomState::new().build_hasher().finish() | 1,
            index: None,
            worth_an_index: WORTH_AN_INDEX,
        }
    }
}

impl<V> Trie<V> {
    /// The number of prefixes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn node(&self, number: u32) -> &Node<V> {
        &self.nodes[number as usize]
    }

    fn node_mut(&mut self, number: u32) -> &mut Node<V> {
        &mut self.nodes[number as usize]
    }

    /// The value of a prefix, made by `default` if there is none.
    pub(super) fn get_or_insert(&mut self, prefix: &[u8], default: impl FnOnce() -> V) -> &mut V {
        self.insert(prefix, default).1
    }

    /// As [`get_or_insert`](Self::get_or_insert), with the number of the prefix's node.
    pub(super) fn insert(&mut self, prefix: &[u8], default: impl FnOnce() -> V) -> (u32, &mut V) {
        let (mut at, mut rest) = (ROOT, prefix);
        while let Some(&first) = rest.first() {
            match self.child(at, first) {
                None => {
                    at = self.add(Node::new(at, rest));
                    self.enter(&[at]);
                    rest = &[];
                }
                Some(child) => {
                    let edge = self.node(child).edge.bytes();
                    let common = edge.iter().zip(rest).take_while(|(a, b)| a == b).count();
                    at = if common < edge.len() { self.split(child, common) } else { child };
                    rest = &rest[common..];
                }
            }
        }
        if self.node(at).value.is_none() {
            self.len += 1;
            self.add_to_index(prefix, at);
        }
        (at, self.node_mut(at).value.get_or_insert_with(default))
    }

    /// Adds a node, and tells its parent.
    fn add(&mut self, node: Node<V>) -> u32 {
        let parent = node.parent;
        let number = match self.free.pop() {
            Some(number) => {
                self.nodes[number as usize] = node;
                number
            }
            None => {
                if self.nodes.len() == self.nodes.capacity() {
                    let mut larger = with_large_pages(2 * self.nodes.len());
                    larger.append(&mut self.nodes);
                    self.nodes = larger;
                }
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
        };
        self.node_mut(parent).add_child(number);
        number
    }

    /// Cuts the edge of a node after `length` bytes: a new node takes the front and its place, and
    /// becomes its parent. Returns the new one.
    fn split(&mut self, number: u32, length: usize) -> u32 {
        self.leave(number);
        let node = self.node_mut(number);
        let parent = node.parent;
        let (front, back) = node.edge.bytes().split_at(length);
        let upper = Node::new(parent, front);
        node.edge = Edge::new(back);
        self.node_mut(parent).remove_child(number);
        let upper = self.add(upper);
        self.node_mut(number).parent = upper;
        self.node_mut(upper).add_child(number);
        self.enter(&[upper, number]);
        upper
    }

    /// The number of a prefix's node, if it is stored.
    pub(super) fn find(&self, prefix: &[u8]) -> Option<u32> {
        let (mut at, mut rest) = (ROOT, prefix);
        while let Some(&first) = rest.first() {
            at = self.child(at, first)?;
            rest = rest.strip_prefix(self.node(at).edge.bytes())?;
        }
        self.node(at).value.as_ref().map(|_| at)
    }

    /// The value of a node, if it has one.
    pub(super) fn value(&self, number: u32) -> Option<&V> {
        self.nodes.get(number as usize)?.value.as_ref()
    }

    /// The same, to change.
    pub(super) fn value_mut(&mut self, number: u32) -> Option<&mut V> {
        self.nodes.get_mut(number as usize)?.value.as_mut()
    }

    /// The value of a prefix.
    pub(super) fn get_mut(&mut self, prefix: &[u8]) -> Option<&mut V> {
        self.value_mut(self.find(prefix)?)
    }

    /// The prefix of a node.
    pub(super) fn prefix(&self, number: u32) -> Vec<u8> {
        let (mut at, mut path) = (number, Vec::new());
        while at != ROOT {
            path.push(at);
            at = self.node(at).parent;
        }
        path.iter().rev().flat_map(|at| self.node(*at).edge.bytes()).copied().collect()
    }

    /// Removes a prefix.
    pub(super) fn remove(&mut self, prefix: &[u8]) -> Option<V> {
        self.remove_number(self.find(prefix)?)
    }

    /// Removes the prefix of a node.
    pub(super) fn remove_number(&mut self, number: u32) -> Option<V> {
        let value = self.nodes.get_mut(number as usize)?.value.take()?;
        self.len -= 1;
        if self.len == 0 {
            // The memory of all that was there goes too.
            *self = Self::default();
            return Some(value);
        }
        self.remove_from_index(number);
        let mut at = number;
        while at != ROOT && self.node(at).value.is_none() && self.node(at).children <= 1 {
            let Node { parent, children, only_child, .. } = *self.node(at);
            if children == 1 {
                self.join(at, only_child);
            }
            self.leave(at);
            self.node_mut(parent).remove_child(at);
            *self.node_mut(at) = Node::new(ROOT, &[]);
            self.free.push(at);
            if children == 1 {
                self.node_mut(parent).add_child(only_child);
                self.enter(&[only_child]);
            }
            at = parent;
        }
        Some(value)
    }

    /// Lets the only child of a node that is to go take its edge and its parent.
    fn join(&mut self, number: u32, child: u32) {
        self.leave(child);
        let upper = self.node(number);
        let edge = [upper.edge.bytes(), self.node(child).edge.bytes()].concat();
        let parent = upper.parent;
        let child = self.node_mut(child);
        child.edge = Edge::new(&edge);
        child.parent = parent;
    }

    /// Calls `found` with the values of all prefixes that the text begins with.
    #[inline]
    pub(super) fn matches<'a>(&'a self, text: &[u8], mut found: impl FnMut(&'a V)) {
        self.walk(text, |value| {
            found(value);
            true
        });
    }

    /// Whether the text begins with a stored prefix.
    pub(super) fn has_prefix_of(&self, text: &[u8]) -> bool {
        let mut found = false;
        self.walk(text, |_| {
            found = true;
            false
        });
        found
    }

    /// Calls `found` for the prefixes of the text, shortest first, while it says to go on.
    #[inline(always)]
    fn walk<'a>(&'a self, text: &[u8], mut found: impl FnMut(&'a V) -> bool) {
        let Some(index) = &self.index else {
            return self.walk_tree(text, found);
        };
        if let Some(value) = &self.node(ROOT).value
            && !found(value)
        {
            return;
        }
        index.walk(text, |length, number| match &self.node(number).value {
            Some(value) if self.is_prefix(number, &text[..length]) => found(value),
            _ => true,
        });
    }

    #[inline(always)]
    fn walk_tree<'a>(&'a self, text: &[u8], mut found: impl FnMut(&'a V) -> bool) {
        let (mut at, mut rest) = (ROOT, text);
        loop {
            if let Some(value) = &self.node(at).value
                && !found(value)
            {
                return;
            }
            let Some(&first) = rest.first() else { return };
            let Some(child) = self.child(at, first) else { return };
            at = child;
            match rest.strip_prefix(self.node(at).edge.bytes()) {
                Some(behind) => rest = behind,
                None => return,
            }
        }
    }

    /// All prefixes, in order.
    pub(super) fn prefixes(&self) -> Vec<Vec<u8>> {
        let numbers = 0..self.nodes.len() as u32;
        let stored = numbers.filter(|number| self.node(*number).value.is_some());
        let mut all: Vec<_> = stored.map(|number| self.prefix(number)).collect();
        all.sort_unstable();
        all
    }

    // The index.

    /// Whether this is the prefix of the node.
    #[inline]
    fn is_prefix(&self, number: u32, prefix: &[u8]) -> bool {
        let (mut at, mut front) = (number, prefix);
        while at != ROOT {
            let node = self.node(at);
            let Some(rest) = front.strip_suffix(node.edge.bytes()) else {
                return false;
            };
            (at, front) = (node.parent, rest);
        }
        front.is_empty()
    }

    /// A prefix was added, whose value is not there yet.
    fn add_to_index(&mut self, prefix: &[u8], number: u32) {
        if number == ROOT {
            return;
        }
        let good = match &mut self.index {
            Some(index) => index.add(prefix, number),
            None if self.len < self.worth_an_index => return,
            None => {
                self.make_index() && self.index.as_mut().is_some_and(|own| own.add(prefix, number))
            }
        };
        if !good {
            self.index = None;
            self.worth_an_index = 2 * self.len;
        }
    }

    /// Makes the index of all prefixes with a value; false if there are too many lengths.
    fn make_index(&mut self) -> bool {
        let mut index = Box::<Index>::default();
        let numbers = 1..self.nodes.len() as u32;
        let mut stored = numbers.filter(|number| self.node(*number).value.is_some());
        let good = stored.all(|number| index.add(&self.prefix(number), number));
        self.index = good.then_some(index);
        good
    }

    /// A prefix lost its value; its node is still in place.
    fn remove_from_index(&mut self, number: u32) {
        if number == ROOT || self.index.is_none() {
            return;
        }
        let prefix = self.prefix(number);
        if let Some(index) = &mut self.index {
            index.remove(&prefix, number);
        }
    }

    // The table.

    /// Where an entry for this child is looked for first.
    #[inline(always)]
    fn place(&self, parent: u32, first: u8) -> usize {
        let key = (parent as u64) << 8 | first as u64;
        // The upper bits of the product depend on all of the key.
        let hash = key.wrapping_mul(self.multiplier);
        (hash >> (64 - self.table.len().trailing_zeros())) as usize
    }

    /// The child of a node whose edge begins with this byte.
    #[inline(always)]
    fn child(&self, parent: u32, first: u8) -> Option<u32> {
        if self.node(parent).children == 0 {
            return None;
        }
        let mut place = self.place(parent, first);
        loop {
            let number = self.table[place];
            if number == ROOT {
                return None;
            }
            let node = self.node(number);
            if node.parent == parent && node.first() == Some(first) {
                return Some(number);
            }
            place = (place + 1) & (self.table.len() - 1);
        }
    }

    /// Adds new nodes to the table: all that are not in it.
    fn enter(&mut self, new: &[u32]) {
        let nodes = self.nodes.len();
        if self.table.len() >= 2 * nodes {
            return new.iter().for_each(|number| self.enter_in_table(*number));
        }
        self.table = Vec::new();
        let places = (2 * nodes).next_power_of_two().max(SMALLEST_TABLE);
        self.table = with_large_pages(places);
        self.table.resize(places, ROOT);
        (1..nodes as u32).for_each(|number| self.enter_in_table(number));
    }

    fn enter_in_table(&mut self, number: u32) {
        let node = self.node(number);
        let Some(first) = node.first() else {
            return;
        };
        let mut place = self.place(node.parent, first);
        while self.table[place] != ROOT {
            place = (place + 1) & (self.table.len() - 1);
        }
        self.table[place] = number;
    }

    /// Removes a node from the table, before its parent or edge changes. The entries behind it
    /// move up where the gap would hide them.
    fn leave(&mut self, number: u32) {
        let mask = self.table.len() - 1;
        let home = |trie: &Self, number: u32| {
            let node = trie.node(number);
            node.first().map(|first| trie.place(node.parent, first))
        };
        let Some(mut gap) = home(self, number) else {
            return;
        };
        while self.table[gap] != number {
            if self.table[gap] == ROOT {
                return;
            }
            gap = (gap + 1) & mask;
        }
        let mut place = gap;
        loop {
            place = (place + 1) & mask;
            let next = self.table[place];
            if next == ROOT {
                break;
            }
            // Between its home and where it stands: would the gap interrupt the search?
            let Some(own) = home(self, next) else {
                break;
            };
            if (place.wrapping_sub(own) & mask) >= (place.wrapping_sub(gap) & mask) {
                self.table[gap] = next;
                gap = place;
            }
        }
        self.table[gap] = ROOT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn matching(trie: &Trie<usize>, text: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        trie.matches(text, |value| found.push(*value));
        found
    }

    #[test]
    fn the_empty_prefix_matches_everything() {
        let mut trie = Trie::default();
        trie.get_or_insert(b"", || 1);
        assert_eq!(matching(&trie, b""), [1]);
        assert_eq!(matching(&trie, b"x"), [1]);
    }

    #[test]
    fn a_very_deep_tree_is_built_and_dropped() {
        let mut trie = Trie::default();
        let topic = vec![b'a'; 20_000];
        for length in (0..topic.len()).step_by(7) {
            trie.get_or_insert(&topic[..length], || length);
        }
        for length in (0..topic.len()).step_by(7) {
            assert_eq!(trie.remove(&topic[..length]), Some(length));
        }
        assert_eq!(trie.len(), 0);
    }

    #[test]
    fn the_number_of_a_prefix_stays_while_others_come_and_go() {
        let mut trie = Trie::default();
        let topic = |n: usize| format!("topic/{:06}/of some length", n * 7919 % 100_000);
        let numbers: Vec<_> = (0..2000).map(|n| trie.insert(topic(n).as_bytes(), || n).0).collect();
        for n in (0..2000).filter(|n| n % 3 != 0) {
            assert_eq!(trie.remove_number(numbers[n]), Some(n));
            assert_eq!(trie.find(topic(n).as_bytes()), None);
        }
        for n in (0..2000).step_by(3) {
            assert_eq!(trie.find(topic(n).as_bytes()), Some(numbers[n]));
            assert_eq!(trie.prefix(numbers[n]), topic(n).into_bytes());
            assert_eq!(trie.value_mut(numbers[n]), Some(&mut n.clone()));
        }
    }

    #[test]
    fn many_prefixes_have_an_index_while_their_lengths_are_few() {
        let mut trie = Trie::default();
        for number in 0..100_usize {
            trie.get_or_insert(format!("{number:03}").as_bytes(), || number);
        }
        trie.get_or_insert(b"", || 100);
        assert!(trie.index.is_some());
        assert_eq!(matching(&trie, b"042..."), [100, 42]);
        assert_eq!(trie.remove(b"042"), Some(42));
        assert_eq!(matching(&trie, b"042..."), [100]);
        let long = [b'x'; 20];
        for length in 4..=20 {
            trie.get_or_insert(&long[..length], || 1000 + length);
        }
        assert!(trie.index.is_none());
        assert_eq!(matching(&trie, b"041..."), [100, 41]);
        assert_eq!(matching(&trie, &long[..5]), [100, 1004, 1005]);
    }

    /// Prefixes with edges of one byte and of many.
    fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![Just(vec![0]), Just(vec![1]), Just(vec![2; 15]), Just(vec![3; 30])];
        prop::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(
            steps in prop::collection::vec((0..3, bytes(6)), 0..80),
            text in bytes(8),
        ) {
            let mut trie = Trie::default();
            let mut model = BTreeMap::new();
            for (number, (step, prefix)) in steps.into_iter().enumerate() {
                if step > 0 {
                    trie.get_or_insert(&prefix, || number);
                    model.entry(prefix).or_insert(number);
                } else {
                    prop_assert_eq!(trie.remove(&prefix), model.remove(&prefix));
                }
                prop_assert_eq!(trie.len(), model.len());
            }
            prop_assert_eq!(trie.prefixes(), model.keys().cloned().collect::<Vec<_>>());
            let mut expected: Vec<usize> = model
                .iter()
                .filter(|(prefix, _)| text.starts_with(prefix))
                .map(|(_, value)| *value)
                .collect();
            prop_assert_eq!(trie.has_prefix_of(&text), !expected.is_empty());
            let mut found = matching(&trie, &text);
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
