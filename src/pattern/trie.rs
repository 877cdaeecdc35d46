//! A compressed prefix tree: which stored prefixes does a message begin with?
//!
//! Its nodes are in one vector and refer to each other by number, and every walk is a loop: the
//! depth is the peer's choice, and must not become ours. One hash table for the whole tree finds
//! the child of a node that begins with a byte, so that a node needs no list of its children: a
//! step of a walk reads two places in memory, and a prefix costs about as much as a node.
//!
//! The number of a prefix's node stays the same as long as the prefix is stored.
//!
//! Many prefixes of few lengths have an index beside it.

mod node;
mod table;

use super::index::Index;
use crate::memory::with_large_pages;
use node::{Edge, Node};
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map from prefixes to values.
pub(super) struct Trie<V> {
    nodes: Vec<Node<V>>,
    free: Vec<u32>,
    len: usize,
    /// All nodes but the root, where their parent and first byte hash to, or behind that; 0 is
    /// free. Its length is a power of two, and at least twice the number of nodes.
    table: Vec<u32>,
    /// Odd, and unknown to the peers, which choose the prefixes.
    multiplier: u64,
    /// All prefixes but the empty one, where that is worth it.
    index: Option<Box<Index>>,
    /// How many prefixes make the next try at an index worth it.
    worth_an_index: usize,
}

const ROOT: u32 = 0;
/// This number of prefixes, at least, is worth an index.
const WORTH_AN_INDEX: usize = if cfg!(test) { 4 } else { 1024 };

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

    /// Adds a node, and enters it at its parent.
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

    /// Calls `found` for the prefixes of the text, shortest first, as long as it returns true.
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
}

#[cfg(test)]
mod tests;
