//! The end of a context: all calls fail, and zmq_ctx_term waits until its sockets are closed and their sessions
//! are over.

use super::{Context, ContextCore, CoreSlot, IoThread, OPEN};
use crate::error::Result;
use crate::io::{WITHOUT_DESCRIPTOR, sleep};
use crate::mailbox::{Event, Mailbox};
use crate::memory::free_kept_memory;
use crate::sync::CriticalSection;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Context {
    /// Ends all blocking calls and fails all later ones (zmq_ctx_shutdown(3)).
    ///
    /// # Errors
    /// [`crate::error::Error::BadAddress`].
    pub(crate) fn shutdown(&'static self) -> Result<()> {
        self.core()?.shut_down();
        Ok(())
    }

    /// Shuts down, waits until all sockets are closed and their messages sent or given up, and
    /// frees everything (zmq_ctx_term(3)). Of several threads in this call, one has ended the context: true.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`]: call again. [`crate::error::Error::BadAddress`].
    pub(crate) fn terminate(&'static self) -> Result<bool> {
        let core = self.core()?;
        core.shut_down();
        core.wait_for_end()?;
        if !self.end(&core) {
            return Ok(false);
        }
        core.stop_threads();
        if OPEN.fetch_sub(1, Ordering::AcqRel) == 1 {
            free_kept_memory();
        }
        Ok(true)
    }

    /// False if another thread did, and it may be open again since.
    fn end(&self, core: &Arc<ContextCore>) -> bool {
        let _critical = CriticalSection::enter();
        let mut place = self.core.lock();
        let is_open = matches!(&*place, CoreSlot::Open(own) if Arc::ptr_eq(own, core));
        if is_open {
            *place = CoreSlot::Ended;
        }
        is_open
    }
}

impl ContextCore {
    fn shut_down(&self) {
        if !self.terminated.swap(true, Ordering::SeqCst) {
            for mailbox in self.sockets.lock().iter() {
                mailbox.post(Event::Wake);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.sockets.lock().is_empty() && self.sessions.load(Ordering::Acquire) == 0
    }

    fn wait_for_end(&self) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let critical = CriticalSection::enter();
        let Ok(waiter) = self.pool.take() else {
            // No descriptor can be had to be woken by.
            let mut outcome = Ok(());
            while outcome.is_ok() && !self.is_over() {
                outcome = sleep(&critical, &mut [], Some(WITHOUT_DESCRIPTOR));
            }
            return outcome;
        };
        self.waiters.add(&waiter);
        let mut outcome = Ok(());
        while outcome.is_ok() && !self.is_over() {
            outcome = waiter.wait(&critical, &mut Vec::new(), None);
        }
        self.waiters.remove(&waiter);
        outcome
    }

    fn stop_threads(&self) {
        let started = self.started.lock().take();
        if let Some((mut threads, _)) = started {
            threads.iter_mut().for_each(IoThread::stop);
        }
    }

    /// A session begins.
    pub(crate) fn session_opened(&self) {
        self.sessions.fetch_add(1, Ordering::AcqRel);
    }

    /// A session is over.
    pub(crate) fn session_closed(&self) {
        self.sessions.fetch_sub(1, Ordering::AcqRel);
        self.waiters.notify();
    }

    /// A socket was closed.
    pub(crate) fn socket_closed(&self, mailbox: &Arc<Mailbox>) {
        let mut sockets = self.sockets.lock();
        if let Some(place) = sockets.iter().position(|own| own.is(mailbox)) {
            sockets.swap_remove(place);
        }
        drop(sockets);
        self.waiters.notify();
    }

    /// Whether the context was shut down.
    #[inline]
    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Acquire)
    }
}
