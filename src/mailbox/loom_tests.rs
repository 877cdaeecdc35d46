//! Every interleaving of threads that tell a socket something and of the one that uses it
//! (`--cfg loom`).

use super::*;
use crate::pipe::Notify;
use loom::sync::Mutex;
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

/// A socket that two threads use, one of which goes to sleep while the other takes the event that is for
/// both.
struct Shared {
    /// Whether the socket, behind its lock, has what is waited for.
    socket: Mutex<bool>,
    /// An event is in the queue.
    event: AtomicBool,
    generation: generation::Generation,
    /// The thread is in the list of those that are to be woken.
    listed: AtomicBool,
    woken: AtomicBool,
}

impl Shared {
    /// A call takes the event in, if it is there; returns whether the socket has what is waited for.
    fn call(&self) -> (bool, u64) {
        let mut ready = self.socket.lock().unwrap();
        if self.event.load(Ordering::SeqCst) {
            self.generation.begin();
            *ready |= self.event.swap(false, Ordering::SeqCst);
        }
        (*ready, self.generation.get())
    }

    fn post(&self) {
        self.event.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.listed.load(Ordering::Relaxed) {
            self.woken.store(true, Ordering::SeqCst);
        }
    }

    /// Goes to sleep after a look that found nothing; true if it looks again.
    fn sleeps(&self, seen: u64) -> bool {
        self.listed.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.event.load(Ordering::SeqCst) || self.generation.get() != seen
    }
}

/// An event that another thread takes between the look of a thread and its sleep ends that sleep, or
/// does not let it begin.
#[test]
fn an_event_that_another_thread_takes_is_not_slept_through() {
    loom::model(|| {
        let shared = Arc::new(Shared {
            socket: Mutex::new(false),
            event: AtomicBool::new(false),
            generation: generation::Generation::default(),
            listed: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        });
        let (own, other) = (shared.clone(), shared.clone());
        let poster = thread::spawn(move || own.post());
        let taker = thread::spawn(move || other.call());
        let (found, seen) = shared.call();
        let looks_again = !found && shared.sleeps(seen);
        poster.join().unwrap();
        taker.join().unwrap();
        assert!(found || looks_again || shared.woken.load(Ordering::SeqCst), "sleeps for ever");
    });
}
