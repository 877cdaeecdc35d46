//! Every interleaving of threads that tell a socket something and of the one that uses it
//! (`--cfg loom`).

use super::*;
use crate::pipe::Notify;
use loom::thread;

fn mailbox() -> Arc<Mailbox> {
    Arc::new(Mailbox::new(Box::leak(Box::new(ReadyCache::new()))))
}

fn events_of(mailbox: &Mailbox) -> usize {
    std::iter::from_fn(|| mailbox.take()).count()
}

/// A pipe has something to read while a socket takes the pipe over: the socket sees that when it looks
/// afterwards, or is told.
#[test]
fn what_happens_to_a_pipe_that_is_taken_over_is_seen_or_told() {
    loom::model(|| {
        let mailbox = mailbox();
        let sink = PipeEventSink::new(mailbox.clone());
        let readable = Arc::new(AtomicBool::new(false));
        let (own, pipe) = (sink.clone(), readable.clone());
        let writer = thread::spawn(move || {
            pipe.store(true, Ordering::Relaxed);
            own.readable();
        });
        sink.set_id(PipeId::new(7));
        let seen = readable.load(Ordering::Relaxed);
        writer.join().unwrap();
        assert!(seen || events_of(&mailbox) == 1, "neither seen nor told");
    });
}

/// A poll looks while there is news: it finds it, or what it found does not stand and its poll group has
/// changed.
#[test]
fn a_look_that_meets_news_finds_it_or_does_not_stand() {
    loom::model(|| {
        let mailbox = mailbox();
        let group = PollGroup::new();
        mailbox.set_poll_group(&group);
        let seen = group.generation();
        let news = Arc::new(AtomicBool::new(false));
        let (own, told) = (mailbox.clone(), news.clone());
        let other = thread::spawn(move || {
            // In the place of an event in the queue, whose order is stronger.
            told.store(true, Ordering::Relaxed);
            own.post(Event::Wake);
        });
        let cache = mailbox.ready_cache;
        let found = cache.refresh(group.number, mailbox.number, || {
            Ok(if news.load(Ordering::Relaxed) { Events::IN } else { Events::default() })
        });
        other.join().unwrap();
        let told = cache.get(group.number).is_none() && group.generation() != seen;
        assert!(found == Ok(Events::IN) || told, "what is known is not true");
    });
}

/// What a closed socket is told does not stay in its mailbox, where it would hold on to a session.
#[test]
fn a_mailbox_that_is_closed_while_it_is_told_keeps_nothing() {
    loom::model(|| {
        let mailbox = mailbox();
        let own = mailbox.clone();
        let other = thread::spawn(move || own.post(Event::Readable(PipeId::new(1))));
        mailbox.close();
        other.join().unwrap();
        while let Some(event) = mailbox.take() {
            assert!(matches!(event, Event::Wake));
        }
    });
}
