//! Contexts: what sockets share. I/O threads, limits, inproc names, and the end of all of it.

#![forbid(unsafe_code)]

mod inproc;
mod options;
mod termination;

pub(crate) use inproc::{InprocBinding, InprocConnection};

use crate::error::{Error, Result};
use crate::io::{BlockingPool, ReactorHandle, WaiterList, WaiterPool, start_thread};
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::session::SECURITY_THREAD;
use crate::sync::{CriticalMutex, CriticalSection, ForkMutex, Process};
use crate::transport::Lookups;
use crate::zmtp::SocketType;
use inproc::InprocNames;
use options::ContextOptions;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// A context, open or ended. It may be opened again after it has ended.
pub(crate) struct Context {
    core: ForkMutex<CoreSlot>,
    options: ForkMutex<ContextOptions>,
}

/// The place of an open context.
#[derive(Default)]
enum CoreSlot {
    Open(Arc<ContextCore>),
    Ended,
    /// In a child of fork(2): another thread of the parent was at it.
    #[default]
    Lost,
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

impl Context {
    /// A context that has ended.
    pub(crate) fn new() -> Self {
        let options = ForkMutex::new(ContextOptions::default());
        Self { core: ForkMutex::new(CoreSlot::Ended), options }
    }

    /// Opens it, where it has ended (zmq_ctx_new(3)). The I/O threads start with the first socket.
    pub(crate) fn open(&'static self) {
        let _critical = CriticalSection::enter();
        *self.options.lock() = ContextOptions::default();
        *self.core.lock() = CoreSlot::Open(ContextCore::new(self));
        OPEN.fetch_add(1, Ordering::AcqRel);
    }

    fn core(&'static self) -> Result<Arc<ContextCore>> {
        let _critical = CriticalSection::enter();
        let mut place = self.core.lock();
        match &*place {
            CoreSlot::Open(core) if !core.is_inherited() => return Ok(core.clone()),
            CoreSlot::Open(_) | CoreSlot::Lost => {}
            CoreSlot::Ended => return Err(Error::BadAddress),
        }
        let fresh = ContextCore::new(self);
        // The parent's must not even be dropped: that would reach its connections.
        std::mem::forget(std::mem::replace(&mut *place, CoreSlot::Open(fresh.clone())));
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

    /// Sets an option to a value of any type (zmq_ctx_set_ext(3)).
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(crate) fn set_value(&self, option: i32, value: &[u8]) -> Result<()> {
        let _critical = CriticalSection::enter();
        self.options.lock().set_value(option, value)
    }

    /// Reads an option for a buffer of `room` bytes (zmq_ctx_get_ext(3)).
    ///
    /// # Errors
    /// As [`set`](Self::set), and [`Error::InvalidArgument`] for a buffer of the wrong size.
    pub(crate) fn value(&self, option: i32, room: usize) -> Result<Vec<u8>> {
        let _critical = CriticalSection::enter();
        self.options.lock().value(option, room)
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

    /// Adds a socket: `open` makes it with these options; its mailbox is notified when the context ends.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`].
    pub(crate) fn add_socket(
        &self,
        socket_type: SocketType,
        open: impl FnOnce(Options) -> Arc<Mailbox>,
    ) -> Result<()> {
        let max_sockets = self.start()?;
        let mut sockets = self.sockets.lock();
        if sockets.len() >= max_sockets {
            return Err(Error::TooManyOpen);
        }
        let (ipv6, blocky) = {
            let own = self.handle.options.lock();
            (own.ipv6, own.blocky)
        };
        sockets.push(open(Options::new(socket_type, ipv6, blocky)));
        Ok(())
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
