//! Every interleaving of threads that go to sleep and threads that have news (`--cfg loom`).

/// The mutex of the room, as loom knows it.
#[derive(Debug)]
pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(super) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    pub(super) fn try_lock(&self) -> Option<loom::sync::MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::io::waiter_list::*;
    use loom::thread;

    /// Whether a thread was woken.
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(&self) {
            // In the place of eventfd's write, which is a fence.
            self.0.store(true, Ordering::SeqCst);
        }
    }

    /// News, and who waits for it.
    struct Model {
        news: AtomicUsize,
        list: WaiterList<Woken>,
    }

    impl Model {
        fn new() -> Arc<Self> {
            Arc::new(Self { news: AtomicUsize::new(0), list: WaiterList::default() })
        }

        fn tell(&self) {
            self.news.fetch_add(1, Ordering::Relaxed);
            self.list.notify();
        }

        /// A thread that sleeps for all the news: whether it has seen them, or is woken for the rest.
        fn begins_sleep(&self) -> (Arc<Woken>, usize) {
            let waiter = Arc::new(Woken(AtomicBool::new(false)));
            self.list.add(&waiter);
            (waiter, self.news.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn news_that_meet_a_thread_going_to_sleep_are_seen_or_wake_it() {
        loom::model(|| {
            let model = Model::new();
            let tellers: Vec<_> = (0..2)
                .map(|_| {
                    let own = model.clone();
                    thread::spawn(move || own.tell())
                })
                .collect();
            let (waiter, seen) = model.begins_sleep();
            tellers.into_iter().for_each(|teller| teller.join().unwrap());
            assert!(seen == 2 || waiter.0.load(Ordering::SeqCst), "news without a wake-up");
        });
    }

    /// One has the list while the other is told: a notification that finds it locked is left to the
    /// thread that has it.
    #[test]
    fn a_notification_that_finds_the_list_locked_is_made_up_for() {
        loom::model(|| {
            let model = Model::new();
            let (waiter, _) = model.begins_sleep();
            let own = model.clone();
            let other = thread::spawn(move || {
                let (other, _) = own.begins_sleep();
                own.list.remove(&other);
            });
            model.tell();
            other.join().unwrap();
            assert!(waiter.0.load(Ordering::SeqCst), "a wake-up that nobody made up for");
        });
    }
}
