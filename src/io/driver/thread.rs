//! The I/O thread: it drives, until a caller asks it to make way.

use super::{LEASE, ReactorHandle};
use crate::error::Result;
use crate::io::Reactor;
use crate::io::scheduling::{Scheduling, ThreadId};
use crate::io::sys::{self, nanoseconds};
use crate::sync::MutexGuard;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

/// How the threads of a context are to run (zmq_ctx_set(3)).
#[derive(Debug, Clone, Default)]
pub struct ThreadSettings {
    /// Name; the system shows 15 bytes of it.
    pub name: String,
    /// Its policy, priority and processors.
    pub scheduling: Scheduling,
}

/// Starts an I/O thread.
///
/// # Errors
/// Those of the system: descriptors or a thread cannot be had, or a thread that runs as it should.
pub fn start_thread(settings: ThreadSettings) -> Result<(Arc<ReactorHandle>, JoinHandle<()>)> {
    let ThreadSettings { name, scheduling } = settings;
    let handle = ReactorHandle::new()?;
    let own = handle.clone();
    let (tell, told) = sync_channel(1);
    let tell = (!scheduling.is_inherited()).then_some(tell);
    let thread = std::thread::Builder::new().name(name);
    let thread = sys::with_signals_blocked(|| {
        thread.spawn(move || {
            // Nobody receives only where nothing was to be applied.
            tell.inspect(|tell| tell.send(ThreadId::current()).unwrap_or_default());
            own.serve();
        })
    })?;
    // Applied from here: a thread of low priority would be late with its answer.
    if let Ok(number) = told.recv()
        && let Err(error) = scheduling.apply(number)
    {
        handle.stop();
        // It can only have ended by returning.
        let _ = thread.join();
        return Err(error.into());
    }
    Ok((handle, thread))
}

impl ReactorHandle {
    fn serve(&self) {
        loop {
            if let Some(mut guard) = self.reactor.try_lock() {
                let stopped = self.drive_until_asked(&mut guard);
                if stopped {
                    // With it go its sources, which may refer to this handle.
                    let ended = guard.take();
                    drop(guard);
                    drop(ended);
                    self.drop_discarded();
                    self.ended.store(true, Ordering::SeqCst);
                    fence(Ordering::SeqCst);
                    self.empty_inbox();
                    return;
                }
                // Who asked comes now, unless it does not wait any more.
                self.alarm.set_if(LEASE, |_, _| true);
                drop(guard);
                let asker = self.asker.lock().take();
                asker.inspect(|asker| asker.notify());
                self.check_inbox();
            }
            self.wait_to_be_called();
        }
    }

    fn wait_to_be_called(&self) {
        loop {
            self.alarm.wait();
            self.drop_discarded();
            let Some(rest) = self.rest_of_lease() else {
                return;
            };
            self.alarm.set_if(rest, |_, at| at == 0);
        }
    }

    /// How long to leave the reactor to the caller that left it, if nothing needs it before.
    fn rest_of_lease(&self) -> Option<Duration> {
        let away = nanoseconds().saturating_sub(self.left_at.load(Ordering::Relaxed));
        let needed = !self.inbox.is_empty()
            || self.driven.load(Ordering::SeqCst)
            || self.stopping.load(Ordering::SeqCst)
            || self.is_contested();
        let rest = LEASE.checked_sub(Duration::from_nanos(away));
        rest.filter(|rest| !needed && !rest.is_zero())
    }

    /// Drives until a caller wants to, or until the thread is to end: true.
    fn drive_until_asked(&self, guard: &mut MutexGuard<'_, Option<Reactor>>) -> bool {
        let Some(reactor) = guard.as_mut() else {
            return true;
        };
        self.driven.store(true, Ordering::SeqCst);
        self.by_io_thread.store(true, Ordering::SeqCst);
        reactor.begin(std::iter::empty());
        // From an asker that does not wait any more.
        self.make_way.store(false, Ordering::SeqCst);
        let stopped = loop {
            self.run_inbox(reactor);
            reactor.run_timers();
            self.drop_discarded();
            if self.make_way.swap(false, Ordering::SeqCst) {
                break false;
            }
            self.asleep.store(true, Ordering::Relaxed);
            // Pairs with the fences in `wake` and in `discard`.
            fence(Ordering::SeqCst);
            let busy = !self.inbox.is_empty()
                || !self.discarded.is_empty()
                || self.make_way.load(Ordering::SeqCst);
            if !busy && self.stopping.load(Ordering::SeqCst) {
                break true;
            }
            let timeout = if busy { Some(Duration::ZERO) } else { reactor.until_next_timer() };
            // Interrupted is impossible with signals blocked; any other failure leaves no events.
            let _ = reactor.wait(timeout);
            self.asleep.store(false, Ordering::Relaxed);
            self.note_look();
            reactor.dispatch();
        };
        self.by_io_thread.store(false, Ordering::SeqCst);
        self.driven.store(false, Ordering::SeqCst);
        stopped
    }
}
