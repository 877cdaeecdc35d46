//! Threads for what may take long.

use super::with_signals_blocked;
use crate::sync::CriticalMutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread;

/// Threads at a time.
const MAX_THREADS: usize = 4;

/// A few threads that run tasks in the order in which they came, and end when there are none.
///
/// Tasks run to their end, also when who asked for them is gone.
#[derive(Clone)]
pub(crate) struct BlockingPool {
    /// What the system calls the threads.
    name: &'static str,
    tasks: Arc<CriticalMutex<Tasks>>,
}

#[derive(Default)]
struct Tasks {
    waiting: VecDeque<Box<dyn FnOnce() + Send>>,
    running: usize,
}

impl BlockingPool {
    /// Threads of this name, at most 15 bytes; none yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, tasks: Arc::default() }
    }

    /// Has a task run soon.
    ///
    /// # Errors
    /// There can be no thread.
    pub(crate) fn run(&self, task: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        let mut own = self.tasks.lock();
        own.waiting.push_back(task);
        if own.running < MAX_THREADS {
            let workers = self.clone();
            match start_worker(self.name, move || workers.work()) {
                Ok(()) => own.running += 1,
                // Those that run take it on.
                Err(_) if own.running > 0 => {}
                Err(error) => {
                    own.waiting.pop_back();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn work(&self) {
        while let Some(task) = self.next() {
            task();
        }
    }

    /// The next task of a thread, which ends if there is none.
    fn next(&self) -> Option<Box<dyn FnOnce() + Send>> {
        let mut own = self.tasks.lock();
        let task = own.waiting.pop_front();
        own.running -= usize::from(task.is_none());
        task
    }
}

/// Starts a thread that handles no signals.
///
/// # Errors
/// There can be no thread.
pub(crate) fn start_worker(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    with_signals_blocked(|| thread.spawn(work)).map(drop)
}
