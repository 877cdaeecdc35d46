//! Copies of short bodies. A body is written and read here in aligned words, as it is moved: what
//! was stored in one piece is not loaded in another, for which the processor would have to wait.

use super::INLINE_CAPACITY;
use std::mem::MaybeUninit;

const WORD: usize = size_of::<u64>();

/// Copies bytes to the front of a body; there are no more than it holds.
#[inline(always)]
pub(super) fn fill(body: &mut [u8; INLINE_CAPACITY], bytes: &[u8]) {
    let (words, _) = body.as_chunks_mut::<WORD>();
    let (whole, rest) = bytes.as_chunks::<WORD>();
    for (to, from) in words.iter_mut().zip(whole) {
        *to = *from;
    }
    if let Some(to) = words.get_mut(whole.len())
        && !rest.is_empty()
    {
        *to = gather(rest).to_le_bytes();
    }
}

/// Copies the front of a body to where there is room for `out.len()` bytes.
#[inline(always)]
pub(super) fn spread(body: &[u8; INLINE_CAPACITY], out: &mut [MaybeUninit<u8>]) {
    let (words, _) = body.as_chunks::<WORD>();
    let (whole, rest) = out.as_chunks_mut::<WORD>();
    let count = whole.len();
    for (to, from) in whole.iter_mut().zip(words) {
        *to = from.map(MaybeUninit::new);
    }
    if let Some(word) = words.get(count) {
        scatter(u64::from_le_bytes(*word), rest);
    }
}

/// Fewer bytes than a word has, as the lowest of one.
#[inline(always)]
fn gather(mut bytes: &[u8]) -> u64 {
    let (mut word, mut shift) = (0, 0);
    if let Some((four, rest)) = bytes.split_first_chunk() {
        (word, shift, bytes) = (u32::from_le_bytes(*four).into(), 32, rest);
    }
    if let Some((two, rest)) = bytes.split_first_chunk() {
        word |= u64::from(u16::from_le_bytes(*two)) << shift;
        (shift, bytes) = (shift + 16, rest);
    }
    if let Some(one) = bytes.first() {
        word |= u64::from(*one) << shift;
    }
    word
}

/// The lowest bytes of a word, to a place for fewer than it has.
#[inline(always)]
fn scatter(mut word: u64, out: &mut [MaybeUninit<u8>]) {
    let mut done = 0;
    if let Some(four) = out.first_chunk_mut() {
        *four = (word as u32).to_le_bytes().map(MaybeUninit::new);
        (word, done) = (word >> 32, 4);
    }
    if let Some(two) = out[done..].first_chunk_mut() {
        *two = (word as u16).to_le_bytes().map(MaybeUninit::new);
        (word, done) = (word >> 16, done + 2);
    }
    if let Some(one) = out[done..].first_mut() {
        one.write(word as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_through() {
        for length in 0..=INLINE_CAPACITY {
            let bytes: Vec<_> = (1..=length as u8).collect();
            let mut body = [0; INLINE_CAPACITY];
            fill(&mut body, &bytes);
            assert_eq!(body[..length], bytes);
            assert!(body[length..].iter().all(|byte| *byte == 0));
            for room in 0..=length {
                let mut out = [MaybeUninit::new(0xEE); INLINE_CAPACITY + 1];
                spread(&body, &mut out[..room]);
                // SAFETY: initialised above.
                let out = out.map(|byte| unsafe { byte.assume_init() });
                assert_eq!(out[..room], bytes[..room]);
                assert!(out[room..].iter().all(|byte| *byte == 0xEE));
            }
        }
    }
}
