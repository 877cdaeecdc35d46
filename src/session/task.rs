//! Threads for what a security mechanism has to have computed and what may take long (GSSAPI):
//! I/O threads never wait for it.
//!
//! A session that connects has a thread for its tasks, as for a name lookup: they may wait for
//! servers that do not answer. It is never more than one, though a connection may be given up and
//! made anew meanwhile. What peers cause by connecting shares a few threads, so that many peers at
//! once cost little, and is done in the order in which it came.

use super::{COMPUTED, Session};
use crate::io::{Process, with_signals_blocked};
use crate::zmtp::Task;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Weak;
use std::thread;

/// The thread of a session that connects.
#[derive(Default)]
pub(super) struct Errand {
    running: bool,
    /// What it runs next. A task that waits here for its turn gives way to a later one, which
    /// belongs to a later connection.
    next: Option<Task>,
}

/// Threads for the tasks of accepted connections, of each kind.
const WORKERS: usize = 4;

/// Tasks of accepted connections, and the threads that run them.
struct Pool {
    waiting: VecDeque<Task>,
    running: usize,
    /// Whose threads run: those of a parent are not there in a child of fork(2).
    process: Option<Process>,
}

impl Pool {
    const EMPTY: Self = Self { waiting: VecDeque::new(), running: 0, process: None };
}

/// For servers, whose tasks need no others' help.
static SERVERS: Mutex<Pool> = Mutex::new(Pool::EMPTY);
/// For clients that were connected to, whose tasks ask other servers.
static CLIENTS: Mutex<Pool> = Mutex::new(Pool::EMPTY);

impl Session {
    /// Has another thread run the task, and then this session's I/O thread go on.
    ///
    /// # Errors
    /// There can be no thread.
    pub(super) fn compute(&self, task: Task, connecting: bool) -> io::Result<()> {
        let session = self.me.clone();
        if !connecting {
            let pool = if self.options.security.server { &SERVERS } else { &CLIENTS };
            return share(pool, Box::new(move || run(&session, task)));
        }
        let mut errand = self.errand.lock();
        if errand.running {
            errand.next = Some(task);
            return Ok(());
        }
        start(move || {
            let mut task = Some(task);
            while let Some(next) = task {
                run(&session, next);
                task = session.upgrade().and_then(|session| session.next_task());
            }
        })?;
        errand.running = true;
        Ok(())
    }

    /// The next task of the session's own thread, which ends if there is none.
    fn next_task(&self) -> Option<Task> {
        let mut errand = self.errand.lock();
        let next = errand.next.take();
        errand.running = next.is_some();
        next
    }
}

/// Runs a session's task, unless the session is gone.
fn run(session: &Weak<Session>, task: Task) {
    if session.strong_count() > 0 {
        task();
    }
    if let Some(session) = session.upgrade() {
        session.want(COMPUTED);
    }
}

fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name("ZMQ-security".to_owned());
    with_signals_blocked(|| thread.spawn(work)).map(drop)
}

fn share(pool: &'static Mutex<Pool>, task: Task) -> io::Result<()> {
    let mut own = pool.lock();
    if !own.process.is_some_and(Process::is_current) {
        *own = Pool { process: Some(Process::current()), ..Pool::EMPTY };
    }
    own.waiting.push_back(task);
    if own.running < WORKERS {
        match start(|| work(pool)) {
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

/// Runs tasks while there are any.
fn work(pool: &Mutex<Pool>) {
    loop {
        let task = {
            let mut own = pool.lock();
            let Some(task) = own.waiting.pop_front() else {
                own.running -= 1;
                return;
            };
            task
        };
        task();
    }
}
