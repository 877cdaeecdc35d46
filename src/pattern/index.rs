//! An index of prefixes by hashes of their bytes, beside the tree that holds them.
//!
//! A walk down a tree of a million prefixes meets memory that no cache has at each of its last
//! levels, one after the other. Where the prefixes have few different lengths, it takes less time
//! to find whether each of these fronts of a text is among them: one place in memory a length, and
//! none depends on another.

use crate::memory::with_large_pages;
use std::hash::{BuildHasher, Hasher, RandomState};

/// The most lengths that are worth it: each costs an access, and a peer may choose many.
const MOST_LENGTHS: usize = 8;
/// Entries of the smallest table.
const SMALLEST: usize = 16;

#[derive(Clone, Copy)]
struct Entry {
    tag: u32,
    /// 0 is free.
    node: u32,
}

const FREE: Entry = Entry { tag: 0, node: 0 };

/// The nodes of prefixes, by their bytes. The empty prefix has no place here.
pub(super) struct Index {
    /// The lengths that there are, in order, and how many prefixes have each.
    lengths: Vec<(usize, usize)>,
    /// Where the tags say, or behind that. Its length is a power of two, and at least twice the
    /// number of entries.
    table: Vec<Entry>,
    count: usize,
    /// Unknown to the peers, which choose the prefixes.
    keys: [u64; 2],
}

impl Default for Index {
    fn default() -> Self {
        let key = || RandomState::new().build_hasher().finish() | 1;
        Self { lengths: Vec::new(), table: vec![FREE; SMALLEST], count: 0, keys: [key(), key()] }
    }
}

impl Index {
    /// Adds the node of a prefix that is not there. False if the prefixes have too many lengths
    /// for an index: it is good for nothing then.
    pub(super) fn add(&mut self, prefix: &[u8], node: u32) -> bool {
        match self.lengths.binary_search_by_key(&prefix.len(), |own| own.0) {
            Ok(place) => self.lengths[place].1 += 1,
            Err(_) if self.lengths.len() == MOST_LENGTHS => return false,
            Err(place) => self.lengths.insert(place, (prefix.len(), 1)),
        }
        self.count += 1;
        if self.table.len() < 2 * self.count {
            let mut larger = with_large_pages(2 * self.table.len());
            larger.resize(2 * self.table.len(), FREE);
            let old = std::mem::replace(&mut self.table, larger);
            old.into_iter().filter(|entry| entry.node != 0).for_each(|entry| self.enter(entry));
        }
        self.enter(Entry { tag: self.tag(prefix), node });
        true
    }

    fn enter(&mut self, entry: Entry) {
        let mask = self.table.len() - 1;
        let mut place = entry.tag as usize & mask;
        while self.table[place].node != 0 {
            place = (place + 1) & mask;
        }
        self.table[place] = entry;
    }

    /// Removes the node of a prefix that is there. The entries behind it move up where the gap
    /// would hide them.
    pub(super) fn remove(&mut self, prefix: &[u8], node: u32) {
        if let Ok(place) = self.lengths.binary_search_by_key(&prefix.len(), |own| own.0) {
            self.lengths[place].1 -= 1;
            if self.lengths[place].1 == 0 {
                self.lengths.remove(place);
            }
        }
        self.count -= 1;
        let mask = self.table.len() - 1;
        let mut gap = self.tag(prefix) as usize & mask;
        while self.table[gap].node != node {
            gap = (gap + 1) & mask;
        }
        let mut place = gap;
        loop {
            place = (place + 1) & mask;
            let entry = self.table[place];
            if entry.node == 0 {
                break;
            }
            let home = entry.tag as usize;
            if (place.wrapping_sub(home) & mask) >= (place.wrapping_sub(gap) & mask) {
                self.table[gap] = entry;
                gap = place;
            }
        }
        self.table[gap] = FREE;
    }

    /// Calls `found` with the length and the node of prefixes that the text may begin with, the
    /// shortest first, as long as it returns true: all that it does begin with, and seldom another.
    #[inline]
    pub(super) fn walk(&self, text: &[u8], mut found: impl FnMut(usize, u32) -> bool) {
        let mask = self.table.len() - 1;
        let mut front = Front::new(self.keys);
        for &(length, _) in self.lengths.iter().take_while(|own| own.0 <= text.len()) {
            let tag = front.tag(&text[..length]);
            let mut place = tag as usize & mask;
            loop {
                let entry = self.table[place];
                if entry.node == 0 {
                    break;
                }
                if entry.tag == tag && !found(length, entry.node) {
                    return;
                }
                place = (place + 1) & mask;
            }
        }
    }

    fn tag(&self, prefix: &[u8]) -> u32 {
        Front::new(self.keys).tag(prefix)
    }
}

/// Hashes fronts of a text, each longer than the one before.
struct Front {
    keys: [u64; 2],
    /// Of the whole words so far.
    state: u64,
    hashed: usize,
}

const WORD: usize = size_of::<u64>();

impl Front {
    #[inline(always)]
    fn new(keys: [u64; 2]) -> Self {
        Self { keys, state: keys[1], hashed: 0 }
    }

    /// The hash of a front that begins with the one before.
    #[inline(always)]
    fn tag(&mut self, front: &[u8]) -> u32 {
        let (words, rest) = front[self.hashed..].as_chunks::<WORD>();
        for word in words {
            self.state = fold(self.state ^ u64::from_le_bytes(*word), self.keys[0]);
        }
        self.hashed += words.len() * WORD;
        let mut last = [0; WORD];
        last[..rest.len()].copy_from_slice(rest);
        let last = u64::from_le_bytes(last) ^ (front.len() as u64) << 56;
        (fold(self.state ^ last, self.keys[1]) >> 32) as u32
    }
}

/// All bits of the product count.
#[inline(always)]
fn fold(value: u64, key: u64) -> u64 {
    let product = u128::from(value) * u128::from(key);
    product as u64 ^ (product >> 64) as u64
}
