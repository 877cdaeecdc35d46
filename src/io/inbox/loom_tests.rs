//! Every interleaving of threads that schedule sources and the one that runs them (`--cfg loom`).

use super::*;
use crate::io::{Reactor, Readiness, TimerOutcome};
use loom::sync::atomic::AtomicUsize;
use loom::thread;

struct Numbered(u64);

impl EventHandler for Numbered {
    fn on_ready(self: Arc<Self>, _: &mut Reactor, _: Readiness) {}
    fn on_timer(self: Arc<Self>, _: &mut Reactor, _: u32) -> TimerOutcome {
        TimerOutcome::Served
    }
    fn on_run(self: Arc<Self>, _: &mut Reactor) {}
    fn socket(&self) -> u64 {
        self.0
    }
}

/// Two sources: what is wanted of each, and its entry.
struct Model {
    inbox: Inbox,
    wanted: [AtomicUsize; 2],
    entries: [InboxEntry; 2],
}

impl Model {
    fn schedule(&self, number: usize) {
        self.wanted[number].fetch_add(1, Ordering::Relaxed);
        self.inbox.push(&self.entries[number], Arc::new(Numbered(number as u64)));
    }

    fn run(&self) -> usize {
        let sources = self.inbox.take();
        sources.map(|source| self.wanted[source.socket() as usize].swap(0, Ordering::Relaxed)).sum()
    }
}

#[test]
fn what_a_thread_wants_is_served_by_a_run_after_it() {
    loom::model(|| {
        let model = loom::sync::Arc::new(Model {
            inbox: Inbox::new(),
            wanted: [AtomicUsize::new(0), AtomicUsize::new(0)],
            entries: [InboxEntry::default(), InboxEntry::default()],
        });
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
        let model = loom::sync::Arc::new(Model {
            inbox: Inbox::new(),
            wanted: [AtomicUsize::new(0), AtomicUsize::new(0)],
            entries: [InboxEntry::default(), InboxEntry::default()],
        });
        let runs = model.clone();
        let runs = thread::spawn(move || runs.run());
        model.schedule(0);
        model.schedule(0);
        let served = runs.join().unwrap() + model.run();
        assert_eq!(served, 2);
    });
}
