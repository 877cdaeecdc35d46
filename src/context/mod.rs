//! Contexts: what sockets share. I/O threads, limits, inproc names, and the end of all of it.

#![forbid(unsafe_code)]

mod inproc;
mod options;

pub(crate) use inproc::{InprocBinding, InprocConnection};

use crate::error::{Error, Result};
use crate::io::{BlockingPool, ReactorHandle, WaiterList, WaiterPool, start_thread};
use crate::mailbox::{Event, Mailbox};
use crate::memory::free_kept_memory;
use crate::options::Options;
use crate::session::SECURITY_THREAD;
use crate::sync::{CriticalMutex, CriticalSection, ForkMutex, Process};
use crate::transport::Lookups;
use crate::zmtp::SocketType;
use inproc::InprocNames;
use options::ContextOptions;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// A context handle; its memory is never freed, as that of a socket's handle.
#[repr(C)]
pub(crate) struct Context {
    tag: AtomicU32,
    /// `None` when it has ended, and in a child of fork(2) where another thread of the parent was at
    /// it.
    core: ForkMutex<Option<Arc<ContextCore>>>,
    options: ForkMutex<ContextOptions>,
}

/// An open context.
pub(crate) struct ContextCore {
    process: Process,
    /// Its handle, which has its options.
    handle: &'static Context,
    /// No call succeeds any more.
    terminated: AtomicBool,
    /// Open sockets.
    sockets: CriticalMutex<Vec<Arc<Mailbox>>>,
    /// Sessions that are not over.
    sessions: AtomicUsize,
    /// What the first socket fixed: the I/O threads, and the most sockets.
    started: CriticalMutex<Option<(Vec<IoThread>, usize)>>,
    /// The reactors of these threads.
    reactors: OnceLock<Box<[Arc<ReactorHandle>]>>,
    /// Threads in `terminate`.
    waiters: WaiterList,
    names: CriticalMutex<InprocNames>,
    /// For the threads that sleep in calls on its sockets.
    pub(crate) pool: WaiterPool,
    /// What security mechanisms have computed for peers that connected, to servers and to clients.
    servers: BlockingPool,
    clients: BlockingPool,
    pub(crate) lookups: Lookups,
}

struct IoThread {
    handle: Arc<ReactorHandle>,
    thread: Option<JoinHandle<()>>,
}

/// Contexts that are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Ended handles, oldest first.
static ENDED: ForkMutex<VecDeque<&'static Context>> = ForkMutex::for_static(VecDeque::new());
/// This number of handles rests before the oldest is used again.
const RESTING: usize = 16;

impl Context {
    /// The first word of an open context.
    pub(crate) const TAG: u32 = 0x5a51_c7c7;

    /// Makes a context (zmq_ctx_new(3)).
    ///
    /// # Errors
    /// None today; the I/O threads start with the first socket.
    pub(crate) fn create() -> Result<&'static Self> {
        let _critical = CriticalSection::enter();
        let mut ended = ENDED.lock();
        let resting = if ended.len() > RESTING { ended.pop_front() } else { None };
        drop(ended);
        let context = resting.unwrap_or_else(|| {
            let (core, options) = (ForkMutex::new(None), ForkMutex::new(ContextOptions::default()));
            Box::leak(Box::new(Self { tag: AtomicU32::new(0), core, options }))
        });
        *context.options.lock() = ContextOptions::default();
        *context.core.lock() = Some(ContextCore::new(context));
        OPEN.fetch_add(1, Ordering::AcqRel);
        context.tag.store(Self::TAG, Ordering::Release);
        Ok(context)
    }

    /// Whether the handle is that of an open context.
    pub(crate) fn is_valid(&self) -> bool {
        self.tag.load(Ordering::Acquire) == Self::TAG
    }

    fn core(&'static self) -> Result<Arc<ContextCore>> {
        let _critical = CriticalSection::enter();
        let mut place = self.core.lock();
        if let Some(core) = place.as_ref().filter(|core| !core.is_inherited()) {
            return Ok(core.clone());
        }
        if !self.is_valid() {
            return Err(Error::BadAddress);
        }
        let fresh = ContextCore::new(self);
        // The parent's must not even be dropped: that would reach its connections.
        std::mem::forget(place.replace(fresh.clone()));
        Ok(fresh)
    }

    /// Sets an option (zmq_ctx_set(3)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::BadAddress`].
    pub(crate) fn set(&self, option: i32, value: i32) -> Result<()> {
        let _critical = CriticalSection::enter();
        self.options.lock().set(option, value)
    }

    /// Reads an option (zmq_ctx_get(3)).
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(crate) fn get(&self, option: i32) -> Result<i32> {
        let _critical = CriticalSection::enter();
        self.options.lock().get(option)
    }

    /// Ends all blocking calls and fails all later ones (zmq_ctx_shutdown(3)).
    ///
    /// # Errors
    /// [`Error::BadAddress`].
    pub(crate) fn shutdown(&'static self) -> Result<()> {
        self.core()?.shut_down();
        Ok(())
    }

    /// Shuts down, waits until all sockets are closed and their messages sent or given up, and
    /// frees everything (zmq_ctx_term(3)).
    ///
    /// # Errors
    /// [`Error::Interrupted`]: call again. [`Error::BadAddress`].
    pub(crate) fn terminate(&'static self) -> Result<()> {
        let core = self.core()?;
        core.shut_down();
        core.wait_for_end()?;
        // Of several threads in this call, one takes it all down.
        let ended = {
            let mut place = self.core.lock();
            self.tag.store(0xdead_beef, Ordering::Release);
            place.take()
        };
        if ended.is_some() {
            core.stop_threads();
            if OPEN.fetch_sub(1, Ordering::AcqRel) == 1 {
                free_kept_memory();
            }
            ENDED.lock().push_back(self);
        }
        Ok(())
    }

    /// The context behind the handle, for a new socket.
    ///
    /// # Errors
    /// [`Error::Terminated`], [`Error::BadAddress`].
    pub(crate) fn open_core(&'static self) -> Result<Arc<ContextCore>> {
        let core = self.core()?;
        if core.is_terminated() { Err(Error::Terminated) } else { Ok(core) }
    }
}

impl ContextCore {
    fn new(handle: &'static Context) -> Arc<Self> {
        Arc::new(Self {
            process: Process::current(),
            handle,
            terminated: AtomicBool::new(false),
            sockets: CriticalMutex::default(),
            sessions: AtomicUsize::new(0),
            started: CriticalMutex::new(None),
            reactors: OnceLock::new(),
            waiters: WaiterList::default(),
            names: CriticalMutex::default(),
            pool: WaiterPool::new(),
            servers: BlockingPool::new(SECURITY_THREAD),
            clients: BlockingPool::new(SECURITY_THREAD),
            lookups: Lookups::default(),
        })
    }

    /// Threads for what takes long, for servers or for clients of a security mechanism.
    pub(crate) fn workers(&self, server: bool) -> BlockingPool {
        if server { self.servers.clone() } else { self.clients.clone() }
    }

    /// Whether this is a child of fork(2), and the context its parent's: nothing of it may be
    /// used. The handle gives the child a context of its own.
    #[inline]
    pub(crate) fn is_inherited(&self) -> bool {
        !self.process.is_current()
    }

    /// Whether the context was shut down.
    #[inline]
    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Acquire)
    }

    /// Adds a socket: `open` makes it with these options; its mailbox is told when the context ends.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`].
    pub(crate) fn add_socket<S>(
        &self,
        socket_type: SocketType,
        open: impl FnOnce(Options) -> (S, Arc<Mailbox>),
    ) -> Result<S> {
        let max_sockets = self.start()?;
        let mut sockets = self.sockets.lock();
        if sockets.len() >= max_sockets {
            return Err(Error::TooManyOpen);
        }
        let (ipv6, blocky) = {
            let own = self.handle.options.lock();
            (own.ipv6, own.blocky)
        };
        let (socket, mailbox) = open(Options::new(socket_type, ipv6, blocky));
        sockets.push(mailbox);
        Ok(socket)
    }

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
        let waiter = self.pool.take()?;
        self.waiters.add(&waiter);
        let mut outcome = Ok(());
        while outcome.is_ok() && !self.is_over() {
            outcome = waiter.wait(&critical, &mut Vec::new(), None);
        }
        self.waiters.remove(&waiter);
        outcome
    }

    /// Starts the I/O threads with the first socket; returns the most sockets, as it was set then.
    fn start(&self) -> Result<usize> {
        let mut started = self.started.lock();
        if let Some((_, max_sockets)) = &*started {
            return Ok(*max_sockets);
        }
        let options = self.handle.options.lock().clone();
        let mut threads = Vec::new();
        for number in 0..options.io_threads {
            match start_thread(options.threads.settings(number)) {
                Ok((handle, thread)) => threads.push(IoThread { handle, thread: Some(thread) }),
                Err(error) => {
                    threads.iter_mut().for_each(IoThread::stop);
                    return Err(error);
                }
            }
        }
        let reactors = threads.iter().map(|thread| thread.handle.clone());
        let _ = self.reactors.set(reactors.collect());
        *started = Some((threads, options.max_sockets));
        Ok(options.max_sockets)
    }

    fn stop_threads(&self) {
        let started = self.started.lock().take();
        if let Some((mut threads, _)) = started {
            threads.iter_mut().for_each(IoThread::stop);
        }
    }

    /// The I/O thread with the least to do among those that the mask allows (0: all).
    pub(crate) fn reactor(&self, affinity: u64) -> Option<Arc<ReactorHandle>> {
        let reactors = self.reactors.get()?.iter();
        let allowed = reactors
            .enumerate()
            .filter(|(number, _)| affinity == 0 || *number < 64 && affinity & (1 << number) != 0);
        allowed.map(|(_, reactor)| reactor).min_by_key(|reactor| reactor.load()).cloned()
    }

    /// The reactor with this number.
    pub(crate) fn numbered_reactor(&self, number: usize) -> Option<&Arc<ReactorHandle>> {
        self.reactors.get()?.get(number)
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

    /// Binds an inproc name; returns the connections that waited for it.
    ///
    /// # Errors
    /// [`Error::AddressInUse`].
    pub(crate) fn bind_inproc(
        &self,
        name: &str,
        binding: InprocBinding,
    ) -> Result<Vec<InprocConnection>> {
        self.names.lock().bind(name, binding)
    }

    /// Frees an inproc name, if this socket holds it.
    pub(crate) fn unbind_inproc(&self, name: &str, mailbox: &Arc<Mailbox>) {
        self.names.lock().unbind(name, mailbox);
    }

    /// Calls `connect` with the binding of a name; what it returns waits for a later bind.
    pub(crate) fn connect_inproc(
        &self,
        name: &str,
        connect: impl FnOnce(Option<&InprocBinding>) -> Option<InprocConnection>,
    ) {
        self.names.lock().connect(name, connect);
    }
}

impl IoThread {
    fn stop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // It can only have ended by returning.
            let _ = thread.join();
        }
    }
}
