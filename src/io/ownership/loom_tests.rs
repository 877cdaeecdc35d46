//! Every interleaving of the threads that hand a value to each other (`--cfg loom`).

use super::*;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::thread;

/// What the protocol of `ReactorHandle` needs beside the owner: an inbox, the I/O thread's two
/// sleeps, and a count of what was served, by the owner alone.
struct Model {
    owned: Owned<usize>,
    inbox: AtomicUsize,
    /// The timer that the parked I/O thread sleeps on.
    timer: AtomicBool,
    /// The descriptor that it sleeps on while it polls: something was scheduled.
    wake: AtomicBool,
    /// The same: a caller took the reactor over.
    handover: AtomicUsize,
}

impl Model {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            owned: Owned::new(0),
            inbox: AtomicUsize::new(0),
            timer: AtomicBool::new(false),
            wake: AtomicBool::new(false),
            handover: AtomicUsize::new(0),
        })
    }

    fn schedule(&self) {
        self.inbox.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        match self.owned.owner() {
            Owner::Caller | Owner::IoThread | Owner::IoThreadInspects | Owner::Ended => {}
            Owner::IoThreadSleeps => {
                if self.owned.begin_wake() {
                    self.wake.store(true, Ordering::SeqCst);
                }
            }
            Owner::IoThreadWoken => {}
            Owner::Unowned | Owner::CallerSleeps => self.timer.store(true, Ordering::SeqCst),
        }
    }

    fn run_inbox(&self, served: &mut usize) {
        *served += self.inbox.swap(0, Ordering::SeqCst);
    }

    /// What a caller does that finds `from`, and leaves `to`.
    fn call(&self, from: Owner, to: Owner) {
        if let Some(mut guard) = self.owned.acquire(from, Owner::Caller) {
            if from == Owner::IoThreadSleeps {
                self.handover.fetch_add(1, Ordering::SeqCst);
            }
            self.run_inbox(&mut guard);
            guard.release(to);
            if self.inbox.load(Ordering::SeqCst) > 0 {
                self.timer.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Whether what was scheduled is served, or somebody is on the way to it.
    fn is_looked_after(&self, scheduled: usize) -> bool {
        let owner = self.owned.owner();
        if self.inbox.load(Ordering::SeqCst) > 0 {
            return match owner {
                Owner::IoThreadSleeps | Owner::IoThreadWoken => self.wake.load(Ordering::SeqCst),
                _ => self.timer.load(Ordering::SeqCst),
            };
        }
        let guard = self.owned.acquire(owner, Owner::Caller);
        let served = guard.as_ref().map(|guard| **guard);
        guard.map(OwnerGuard::end);
        served == Some(scheduled)
    }
}

#[test]
fn what_is_scheduled_while_a_caller_comes_and_goes_is_looked_after() {
    for to in [Owner::Unowned, Owner::CallerSleeps] {
        loom::model(move || {
            let model = Model::new();
            let own = model.clone();
            let caller = thread::spawn(move || own.call(Owner::Unowned, to));
            let own = model.clone();
            let other = thread::spawn(move || own.schedule());
            model.schedule();
            caller.join().unwrap();
            other.join().unwrap();
            assert!(model.is_looked_after(2));
        });
    }
}

/// The I/O thread goes to sleep on the descriptor, a caller takes the reactor from it, and something
/// is scheduled: it is served, or the thread that is woken for it is the one that sleeps there.
#[test]
fn what_is_scheduled_while_the_io_thread_loses_the_reactor_is_looked_after() {
    loom::model(|| {
        let model = Model::new();
        let own = model.clone();
        let io_thread = thread::spawn(move || {
            let Some(mut guard) = own.owned.acquire(Owner::Unowned, Owner::IoThread) else {
                return false;
            };
            own.run_inbox(&mut guard);
            guard.release(Owner::IoThreadSleeps);
            // A sleep that does not happen, or ends at once.
            if own.inbox.load(Ordering::SeqCst) == 0 {
                return true;
            }
            match own.owned.acquire_back() {
                Some(mut guard) => {
                    own.run_inbox(&mut guard);
                    guard.release(Owner::IoThreadSleeps);
                    if own.inbox.load(Ordering::SeqCst) > 0 {
                        own.wake.store(true, Ordering::SeqCst);
                    }
                    true
                }
                // It parks, and looks first.
                None => {
                    if own.inbox.load(Ordering::SeqCst) > 0 {
                        own.timer.store(true, Ordering::SeqCst);
                    }
                    false
                }
            }
        });
        let own = model.clone();
        let caller = thread::spawn(move || own.call(Owner::IoThreadSleeps, Owner::Unowned));
        model.schedule();
        let sleeps_there = io_thread.join().unwrap();
        caller.join().unwrap();
        // Where it was taken from, the sleep on the descriptor ends.
        let taken = model.handover.load(Ordering::SeqCst) > 0;
        let owner = model.owned.owner();
        let sleeps = matches!(owner, Owner::IoThreadSleeps | Owner::IoThreadWoken);
        assert!(!sleeps || sleeps_there);
        assert!(sleeps || !sleeps_there || taken);
        assert!(model.is_looked_after(1));
    });
}

#[test]
fn one_thread_at_a_time_has_the_value_and_sees_what_the_one_before_did() {
    loom::model(|| {
        let owned = Arc::new(Owned::new(loom::cell::Cell::new(0)));
        let threads: Vec<_> = [Owner::Caller, Owner::IoThread]
            .into_iter()
            .map(|by| {
                let own = owned.clone();
                thread::spawn(move || {
                    let guard = own.acquire(Owner::Unowned, by)?;
                    guard.set(guard.get() + 1);
                    guard.release(Owner::Unowned);
                    Some(())
                })
            })
            .collect();
        let had: usize = threads.into_iter().filter_map(|one| one.join().unwrap()).count();
        let guard = owned.acquire(Owner::Unowned, Owner::Caller).unwrap();
        assert_eq!(guard.get(), had);
        guard.end();
    });
}

#[test]
fn a_sleeper_that_is_replaced_during_an_inspection_is_replaced_after_it() {
    loom::model(|| {
        let model = Model::new();
        drop(
            model
                .owned
                .acquire(Owner::Unowned, Owner::Caller)
                .map(|guard| guard.release(Owner::CallerSleeps)),
        );
        // As `ReactorHandle::replace_sleeper`.
        let other = model.clone();
        let replaces = thread::spawn(move || match other.owned.owner() {
            Owner::CallerSleeps => other.timer.store(true, Ordering::SeqCst),
            Owner::IoThreadInspects => {
                other.wake.store(true, Ordering::SeqCst);
                fence(Ordering::SeqCst);
                if other.owned.owner() == Owner::CallerSleeps {
                    other.timer.store(true, Ordering::SeqCst);
                }
            }
            owner => unreachable!("{owner:?}"),
        });
        // As the I/O thread: it looks for the request behind the fence of `release`.
        let guard = model.owned.acquire(Owner::CallerSleeps, Owner::IoThreadInspects).unwrap();
        guard.release(Owner::CallerSleeps);
        let is_requested = model.wake.load(Ordering::SeqCst);
        replaces.join().unwrap();
        assert!(is_requested || model.timer.load(Ordering::SeqCst));
    });
}
