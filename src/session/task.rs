//! Threads for what a security mechanism has to have computed and what may take long (GSSAPI):
//! I/O threads never wait for it.
//!
//! A connection that the application asked for gets a thread, as a name lookup does: its task may
//! wait for servers that do not answer. What peers cause by connecting shares a few threads, so
//! that many peers at once cost little, and is done in the order in which it came.

use super::{COMPUTED, Session};
use crate::io::with_signals_blocked;
use crate::zmtp::Task;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::thread;

/// Threads for the tasks of accepted connections.
const WORKERS: usize = 4;

/// Tasks of accepted connections, and the threads that run them.
struct Pool {
    waiting: VecDeque<Task>,
    running: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { waiting: VecDeque::new(), running: 0 });

impl Session {
    /// Has another thread run the task, and then this session's I/O thread go on.
    ///
    /// # Errors
    /// There can be no thread.
    pub(super) fn compute(&self, task: Task, connecting: bool) -> io::Result<()> {
        let session = self.me.clone();
        let task: Task = Box::new(move || {
            // Nobody waits any more for what a session that is gone wanted.
            if session.strong_count() > 0 {
                task();
            }
            if let Some(session) = session.upgrade() {
                session.want(COMPUTED);
            }
        });
        if connecting { start(task) } else { share(task) }
    }
}

fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name("ZMQ-security".to_owned());
    with_signals_blocked(|| thread.spawn(work)).map(drop)
}

fn share(task: Task) -> io::Result<()> {
    let mut pool = POOL.lock();
    pool.waiting.push_back(task);
    if pool.running < WORKERS {
        match start(work) {
            Ok(()) => pool.running += 1,
            // Those that run take it on.
            Err(_) if pool.running > 0 => {}
            Err(error) => {
                pool.waiting.pop_back();
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Runs tasks while there are any.
fn work() {
    loop {
        let task = {
            let mut pool = POOL.lock();
            match pool.waiting.pop_front() {
                Some(task) => task,
                None => {
                    pool.running -= 1;
                    return;
                }
            }
        };
        task();
    }
}
