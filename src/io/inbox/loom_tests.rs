//! Every interleaving of threads that schedule sources and the one that runs them (`--cfg loom`).

use super::*;
use crate::io::reactor::Nothing;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

/// Two sources: what is wanted of each, and its entry.
struct Model {
    inbox: Inbox,
    wanted: [AtomicUsize; 2],
    entries: [InboxEntry; 2],
}

impl Model {
    fn new() -> loom::sync::Arc<Self> {
        loom::sync::Arc::new(Self {
            inbox: Inbox::new(),
            wanted: [AtomicUsize::new(0), AtomicUsize::new(0)],
            entries: [InboxEntry::default(), InboxEntry::default()],
        })
    }

    fn schedule(&self, number: usize) {
        self.wanted[number].fetch_add(1, Ordering::Relaxed);
        self.inbox.push(&self.entries[number], Arc::new(Nothing(number as u64)));
    }

    fn run(&self) -> usize {
        let sources = self.inbox.take();
        sources.map(|source| self.wanted[source.socket() as usize].swap(0, Ordering::Relaxed)).sum()
    }
}

#[test]
fn what_a_thread_wants_is_served_by_a_run_after_it() {
    loom::model(|| {
        let model = Model::new();
        let threads = [&[0][..], &[0, 1][..]].map(|numbers| {
            let model = model.clone();
            thread::spawn(move || numbers.iter().for_each(|number| model.schedule(*number)))
        });
        let mut served = model.run();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        served += model.run();
        assert_eq!(served, 3);
        assert!(model.inbox.is_empty());
    });
}

#[test]
fn what_is_wanted_while_an_entry_is_taken_is_served_too() {
    loom::model(|| {
        let model = Model::new();
        let runs = model.clone();
        let runs = thread::spawn(move || runs.run());
        model.schedule(0);
        model.schedule(0);
        let served = runs.join().unwrap() + model.run();
        assert_eq!(served, 2);
    });
}
