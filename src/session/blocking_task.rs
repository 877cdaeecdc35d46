//! Threads for what a security mechanism has to have computed and what may take long (GSSAPI):
//! I/O threads never wait for it.
//!
//! A session that connects has a thread for its tasks, as for a name lookup: they may wait for
//! servers that do not answer. It is never more than one, though a connection may be given up and
//! made anew meanwhile. What peers cause by connecting shares a few threads, so that many peers at
//! once cost little, and is done in the order in which it came.

use super::{Session, Work};
use crate::io::start_worker;
use crate::zmtp::Task;
use std::io;
use std::sync::Weak;

/// The name of the threads.
pub(crate) const SECURITY_THREAD: &str = "ZMQ-security";

/// The thread of a session that connects.
#[derive(Default)]
pub(super) struct BlockingTask {
    running: bool,
    /// What it runs next. A task that waits here for its turn gives way to a later one, which
    /// belongs to a later connection.
    next: Option<Task>,
}

impl Session {
    /// Has another thread run the task, and then this session's I/O thread go on.
    ///
    /// # Errors
    /// There can be no thread.
    pub(super) fn spawn_blocking(&self, task: Task, connecting: bool) -> io::Result<()> {
        let session = self.me.clone();
        if !connecting {
            let workers = self.host.workers(self.options.security.server);
            return workers.run(Box::new(move || run(&session, task)));
        }
        let mut own = self.blocking_task.lock();
        if own.running {
            own.next = Some(task);
            return Ok(());
        }
        start_worker(SECURITY_THREAD, move || {
            let mut task = Some(task);
            while let Some(next) = task {
                run(&session, next);
                task = session.upgrade().and_then(|session| session.next_task());
            }
        })?;
        own.running = true;
        Ok(())
    }

    /// The next task of the session's own thread, which ends if there is none.
    fn next_task(&self) -> Option<Task> {
        let mut own = self.blocking_task.lock();
        let next = own.next.take();
        own.running = next.is_some();
        next
    }
}

/// Runs a session's task, unless the session is gone.
fn run(session: &Weak<Session>, task: Task) {
    if session.strong_count() > 0 {
        task();
    }
    if let Some(session) = session.upgrade() {
        session.request(Work::TASK_DONE);
    }
}
