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
