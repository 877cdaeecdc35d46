//! A compressed prefix tree: which stored prefixes does a message begin with?
//!
//! Its nodes stand in one vector and refer to each other by number, and every walk is a loop: the
//! depth is the peer's choice, and must not become ours.

/// A node: what its edge adds to the parent's prefix, the value of its own prefix, its children
/// in the order of their edges' first bytes.
struct Node<V> {
    edge: Box<[u8]>,
    value: Option<V>,
    children: Vec<u32>,
}

/// A map from prefixes to values.
pub(super) struct Trie<V> {
    nodes: Vec<Node<V>>,
    free: Vec<u32>,
    len: usize,
}

const ROOT: u32 = 0;

impl<V> Default for Trie<V> {
    fn default() -> Self {
        let root = Node { edge: Box::default(), value: None, children: Vec::new() };
        Self { nodes: vec![root], free: Vec::new(), len: 0 }
    }
}

impl<V> Trie<V> {
    /// The number of prefixes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn node(&self, index: u32) -> &Node<V> {
        &self.nodes[index as usize]
    }

    fn node_mut(&mut self, index: u32) -> &mut Node<V> {
        &mut self.nodes[index as usize]
    }

    /// Where the child whose edge begins with this byte stands, or would stand.
    fn child(&self, index: u32, byte: u8) -> Result<usize, usize> {
        self.node(index).children.binary_search_by_key(&byte, |child| self.node(*child).edge[0])
    }

    fn add(&mut self, node: Node<V>) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.nodes[index as usize] = node;
                index
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
        }
    }

    /// The value of a prefix, made by `default` if there is none.
    pub(super) fn get_or_insert(&mut self, prefix: &[u8], default: impl FnOnce() -> V) -> &mut V {
        let (mut at, mut rest) = (ROOT, prefix);
        while let Some(&first) = rest.first() {
            match self.child(at, first) {
                Err(place) => {
                    let edge = rest.into();
                    let leaf = self.add(Node { edge, value: None, children: Vec::new() });
                    self.node_mut(at).children.insert(place, leaf);
                    (at, rest) = (leaf, &[]);
                }
                Ok(place) => {
                    let child = self.node(at).children[place];
                    let edge = &self.node(child).edge;
                    let common = edge.iter().zip(rest).take_while(|(a, b)| a == b).count();
                    if common < edge.len() {
                        self.split(child, common);
                    }
                    (at, rest) = (child, &rest[common..]);
                }
            }
        }
        if self.node(at).value.is_none() {
            self.len += 1;
        }
        self.node_mut(at).value.get_or_insert_with(default)
    }

    /// Cuts the edge of a node after `length` bytes: the node keeps the front, a new child takes
    /// the rest with everything that hung on it.
    fn split(&mut self, index: u32, length: usize) {
        let node = self.node_mut(index);
        let (front, back) = node.edge.split_at(length);
        let (front, back): (Box<[u8]>, Box<[u8]>) = (front.into(), back.into());
        let lower = Node {
            edge: back,
            value: node.value.take(),
            children: std::mem::take(&mut node.children),
        };
        node.edge = front;
        let lower = self.add(lower);
        self.node_mut(index).children.push(lower);
    }

    /// The nodes from the root to a prefix, if it is a node.
    fn path(&self, prefix: &[u8]) -> Option<Vec<u32>> {
        let (mut path, mut rest) = (vec![ROOT], prefix);
        while let Some(&first) = rest.first() {
            let at = *path.last()?;
            let child = self.node(at).children[self.child(at, first).ok()?];
            rest = rest.strip_prefix(&*self.node(child).edge)?;
            path.push(child);
        }
        Some(path)
    }

    /// The value of a prefix.
    pub(super) fn get_mut(&mut self, prefix: &[u8]) -> Option<&mut V> {
        let at = *self.path(prefix)?.last()?;
        self.node_mut(at).value.as_mut()
    }

    /// Removes a prefix.
    pub(super) fn remove(&mut self, prefix: &[u8]) -> Option<V> {
        let mut path = self.path(prefix)?;
        let value = self.node_mut(*path.last()?).value.take()?;
        self.len -= 1;
        while let Some(index) = path.pop() {
            let node = self.node(index);
            if index == ROOT || node.value.is_some() {
                break;
            }
            match node.children[..] {
                [] => {
                    let parent = path.last().copied().unwrap_or(ROOT);
                    self.node_mut(parent).children.retain(|child| *child != index);
                    self.node_mut(index).edge = Box::default();
                    self.free.push(index);
                }
                [only] => {
                    self.merge(index, only);
                    break;
                }
                _ => break,
            }
        }
        Some(value)
    }

    /// Joins a node without value and its only child.
    fn merge(&mut self, index: u32, child: u32) {
        let empty = Node { edge: Box::default(), value: None, children: Vec::new() };
        let lower = std::mem::replace(self.node_mut(child), empty);
        self.free.push(child);
        let node = self.node_mut(index);
        node.edge = [&*node.edge, &*lower.edge].concat().into();
        node.value = lower.value;
        node.children = lower.children;
    }

    /// Calls `found` with the values of all prefixes that the text begins with.
    #[inline]
    pub(super) fn matches<'a>(&'a self, text: &[u8], mut found: impl FnMut(&'a V)) {
        let (mut at, mut rest) = (ROOT, text);
        loop {
            if let Some(value) = &self.node(at).value {
                found(value);
            }
            let Some(&first) = rest.first() else { return };
            let Ok(place) = self.child(at, first) else { return };
            at = self.node(at).children[place];
            match rest.strip_prefix(&*self.node(at).edge) {
                Some(behind) => rest = behind,
                None => return,
            }
        }
    }

    /// All prefixes.
    pub(super) fn prefixes(&self) -> Vec<Vec<u8>> {
        let (mut all, mut stack) = (Vec::with_capacity(self.len), vec![(ROOT, Vec::new())]);
        while let Some((index, prefix)) = stack.pop() {
            let node = self.node(index);
            for child in node.children.iter().rev() {
                stack.push((*child, [&prefix[..], &*self.node(*child).edge].concat()));
            }
            if node.value.is_some() {
                all.push(prefix);
            }
        }
        all
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

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(
            steps in prop::collection::vec((any::<bool>(), prop::collection::vec(0u8..3, 0..6)), 0..60),
            text in prop::collection::vec(0u8..3, 0..8),
        ) {
            let mut trie = Trie::default();
            let mut model = BTreeMap::new();
            for (number, (insert, prefix)) in steps.into_iter().enumerate() {
                if insert {
                    trie.get_or_insert(&prefix, || number);
                    model.entry(prefix).or_insert(number);
                } else {
                    prop_assert_eq!(trie.remove(&prefix), model.remove(&prefix));
                }
                prop_assert_eq!(trie.len(), model.len());
            }
            let mut prefixes = trie.prefixes();
            prefixes.sort();
            prop_assert_eq!(prefixes, model.keys().cloned().collect::<Vec<_>>());
            let mut expected: Vec<usize> = model
                .iter()
                .filter(|(prefix, _)| text.starts_with(prefix))
                .map(|(_, value)| *value)
                .collect();
            let mut found = matching(&trie, &text);
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
