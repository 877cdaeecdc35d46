//! The hash table of a tree: which child of a node begins with a byte?

use super::{ROOT, Trie};
use crate::memory::with_large_pages;

/// Entries of the smallest table.
const SMALLEST_TABLE: usize = 16;

impl<V> Trie<V> {
    /// Where the search for an entry of this child starts.
    #[inline(always)]
    fn place(&self, parent: u32, first: u8) -> usize {
        let key = (parent as u64) << 8 | first as u64;
        // The upper bits of the product depend on all of the key.
        let hash = key.wrapping_mul(self.multiplier);
        (hash >> (64 - self.table.len().trailing_zeros())) as usize
    }

    /// The child of a node whose edge begins with this byte.
    #[inline(always)]
    pub(super) fn child(&self, parent: u32, first: u8) -> Option<u32> {
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
    pub(super) fn enter(&mut self, new: &[u32]) {
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
    pub(super) fn leave(&mut self, number: u32) {
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
            // Between its home and where it is: would the gap interrupt the search?
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
