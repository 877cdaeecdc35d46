//! Pollers: sockets and descriptors that are waited for again and again (zmq_poller(3)).
//!
//! Unlike zmq_poll a poller knows its sockets before it waits, so that they tell it when something
//! happens to them (`mailbox/registration.rs`), and a wait looks at those alone.

use super::wait::MAX_TRACKED_SOCKETS;
use super::{Socket, Wait};
use crate::context::ContextCore;
use crate::error::{Error, Result};
use crate::io::{DescriptorSet, WaiterPool};
use crate::mailbox::{Events, Mailbox, ReadyQueue, Registration};
use crate::numbers::ZMQ_THREAD_SAFE;
use crate::socket::WaitSource;
use crate::sync::{ForkMutex, NoCancel, Process, SpinGuard};
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is registered.
#[derive(Clone, Copy)]
pub(crate) enum PollerTarget {
    /// A socket of ours.
    Socket(&'static Socket),
    /// A descriptor of the system.
    Descriptor(RawFd),
}

/// Something that happened.
pub(crate) struct PollerEvent<D> {
    /// The descriptor; `None` for a socket.
    pub descriptor: Option<RawFd>,
    /// What it was registered with.
    pub data: D,
    /// The events that were found.
    pub events: Events,
}

/// A poller, whose registrations have data of the application. It is used under its lock, which is
/// released for the sleep of a wait.
pub(crate) struct Poller<D>(ForkMutex<Registered<D>>);

/// What a poller has.
struct Registered<D> {
    process: Process,
    queue: Arc<ReadyQueue>,
    sockets: BTreeMap<usize, SocketEntry<D>>,
    descriptors: BTreeMap<RawFd, DescriptorEntry<D>>,
    /// The descriptors that events are waited for of.
    awaited: DescriptorSet,
    /// Sockets to be looked at, beside those in the queue; they were ready when they were looked at last.
    ready: VecDeque<Arc<Registration>>,
    /// Sockets of which no event is waited for.
    disabled: usize,
    /// Whether sockets are looked at first: descriptors are in the next wait.
    sockets_first: bool,
    /// A thread-safe socket was added once.
    has_descriptor: bool,
}

struct SocketEntry<D> {
    socket: &'static Socket,
    mailbox: Arc<Mailbox>,
    registration: Arc<Registration>,
    events: Events,
    data: D,
}

struct DescriptorEntry<D> {
    events: Events,
    data: D,
}

impl<D> Default for Registered<D> {
    fn default() -> Self {
        Self {
            process: Process::current(),
            queue: ReadyQueue::new(),
            sockets: BTreeMap::new(),
            descriptors: BTreeMap::new(),
            awaited: DescriptorSet::default(),
            ready: VecDeque::new(),
            disabled: 0,
            sockets_first: false,
            has_descriptor: false,
        }
    }
}

impl<D: Copy> Poller<D> {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(ForkMutex::new(Registered::default()))
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        let _no_cancel = NoCancel::enter();
        let registered = std::mem::take(&mut *self.lock());
        for entry in registered.sockets.values() {
            entry.mailbox.registrations.remove(&entry.registration);
        }
        // What a queue holds refers to it.
        while registered.queue.take().is_some() {}
    }

    /// How much is registered.
    pub(crate) fn len(&self) -> usize {
        let registered = self.lock();
        registered.sockets.len() + registered.descriptors.len()
    }

    /// Adds a socket or a descriptor.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: it is there already; [`Error::NotASocket`],
    /// [`Error::Interrupted`] in a child of fork(2).
    pub(crate) fn add(&self, target: PollerTarget, events: Events, data: D) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        let mut registered = self.lock();
        match target {
            PollerTarget::Socket(socket) => registered.add_socket(socket, events, data),
            PollerTarget::Descriptor(descriptor) => {
                if registered.descriptors.contains_key(&descriptor) {
                    return Err(Error::InvalidArgument);
                }
                registered.descriptors.insert(descriptor, DescriptorEntry { events, data });
                registered.await_descriptor(descriptor, events);
                Ok(())
            }
        }
    }

    /// Changes which events are waited for; none is allowed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: it is not there.
    pub(crate) fn modify(&self, target: PollerTarget, events: Events) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        let mut registered = self.lock();
        match target {
            PollerTarget::Socket(socket) => {
                let registered = &mut *registered;
                let entry = registered.sockets.get_mut(&key_of(socket));
                let entry = entry.ok_or(Error::InvalidArgument)?;
                registered.disabled -= usize::from(entry.events == Events::default());
                registered.disabled += usize::from(events == Events::default());
                entry.events = events;
                // What was not waited for may be there.
                if entry.mailbox.registrations.queue(&entry.registration) {
                    registered.ready.push_back(entry.registration.clone());
                }
            }
            PollerTarget::Descriptor(descriptor) => {
                let entry = registered.descriptors.get_mut(&descriptor);
                let entry = entry.ok_or(Error::InvalidArgument)?;
                let before = std::mem::replace(&mut entry.events, events);
                registered.forget_descriptor(descriptor, before);
                registered.await_descriptor(descriptor, events);
            }
        }
        Ok(())
    }

    /// Removes a socket or a descriptor.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: it is not there.
    pub(crate) fn remove(&self, target: PollerTarget) -> Result<()> {
        let _no_cancel = NoCancel::enter();
        let mut registered = self.lock();
        match target {
            PollerTarget::Socket(socket) => registered.remove_socket(key_of(socket)),
            PollerTarget::Descriptor(descriptor) => {
                let entry = registered.descriptors.remove(&descriptor);
                let entry = entry.ok_or(Error::InvalidArgument)?;
                registered.forget_descriptor(descriptor, entry.events);
                Ok(())
            }
        }
    }

    /// The descriptor that is readable while a wait may find something.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where no thread-safe socket was ever added; [`Error::TooManyOpen`].
    pub(crate) fn descriptor(&self) -> Result<RawFd> {
        let _no_cancel = NoCancel::enter();
        let registered = self.lock();
        if !registered.has_descriptor {
            return Err(Error::InvalidArgument);
        }
        registered.queue.descriptor()
    }

    /// Waits until something happens, for ever without a time-out; calls `found` with what happened, at
    /// most `room` times, and returns how often.
    ///
    /// # Errors
    /// [`Error::WouldBlock`]: nothing happened in time; [`Error::BadAddress`]: nothing can ever;
    /// [`Error::Terminated`], [`Error::NotASocket`], [`Error::Interrupted`].
    pub(crate) fn wait(
        &self,
        room: usize,
        timeout: Option<Duration>,
        mut found: impl FnMut(PollerEvent<D>),
    ) -> Result<usize> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut look = |registered: &mut Registered<D>| {
            let _no_cancel = NoCancel::enter();
            registered.look(room, &mut found)
        };
        let mut registered = self.lock();
        let seen = registered.queue.group.generation();
        let count = look(&mut registered)?;
        if count > 0 {
            return Ok(count);
        }
        if timeout.is_none() && (room == 0 || registered.is_idle()) {
            return Err(Error::BadAddress);
        }
        if timeout == Some(Duration::ZERO) {
            return Err(Error::WouldBlock);
        }
        let (queue, sources) = (registered.queue.clone(), registered.sources()?);
        let mut descriptors = if room == 0 { Vec::new() } else { registered.awaited.awaited() };
        let all = sources.watched.len() == registered.sockets.len();
        let (alone, none) = (WaiterPool::default(), sources.watched.is_empty() || room == 0);
        let pool = sources.context.as_ref().map_or(&alone, |context| &context.pool);
        let watched = if none { &[][..] } else { &sources.watched };
        let mut wait = Wait::new(watched, pool, deadline);
        if !none {
            wait = wait.in_poller(&queue.group, seen, all);
        }
        loop {
            SpinGuard::unlocked(&mut registered, || wait.next(&mut descriptors))?;
            wait.begin_check();
            match look(&mut registered)? {
                0 if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    return Err(Error::WouldBlock);
                }
                0 => {}
                count => return Ok(count),
            }
        }
    }

    fn lock(&self) -> SpinGuard<'_, Registered<D>> {
        let mut registered = self.0.lock();
        if !registered.process.is_current() {
            registered.renew();
        }
        registered
    }
}

/// What a wait watches of the sockets.
struct Sources {
    watched: Vec<WaitSource>,
    context: Option<Arc<ContextCore>>,
}

impl<D: Copy> Registered<D> {
    fn add_socket(&mut self, socket: &'static Socket, events: Events, data: D) -> Result<()> {
        let key = key_of(socket);
        let mailbox = socket.inspect(|state| state.mailbox.clone())?;
        if let Some(entry) = self.sockets.get(&key) {
            if entry.mailbox.number == mailbox.number {
                return Err(Error::InvalidArgument);
            }
            // Of a socket that had the handle before, and was closed without being removed.
            self.remove_socket(key)?;
        }
        let mut value = [0; 4];
        let is_thread_safe = socket.option(ZMQ_THREAD_SAFE, &mut value).is_ok() && value != [0; 4];
        self.has_descriptor |= is_thread_safe;
        let registration = mailbox.registrations.add(&self.queue, key);
        self.disabled += usize::from(events == Events::default());
        self.sockets.insert(key, SocketEntry { socket, mailbox, registration, events, data });
        Ok(())
    }

    fn remove_socket(&mut self, key: usize) -> Result<()> {
        let entry = self.sockets.remove(&key).ok_or(Error::InvalidArgument)?;
        self.disabled -= usize::from(entry.events == Events::default());
        entry.mailbox.registrations.remove(&entry.registration);
        // It may be added again.
        self.take_queued();
        self.ready.retain(|own| !Arc::ptr_eq(own, &entry.registration));
        Ok(())
    }

    fn take_queued(&mut self) {
        while let Some(registration) = self.queue.take() {
            self.ready.push_back(registration);
        }
    }

    fn await_descriptor(&mut self, descriptor: RawFd, events: Events) {
        if events != Events::default() {
            self.awaited.add(descriptor, events.to_system());
        }
    }

    fn forget_descriptor(&mut self, descriptor: RawFd, events: Events) {
        if events != Events::default() {
            self.awaited.remove(descriptor);
        }
    }

    /// Whether nothing is waited for.
    fn is_idle(&self) -> bool {
        self.sockets.len() == self.disabled && self.awaited.is_empty()
    }

    /// Looks without waiting at what may have changed.
    fn look(&mut self, room: usize, found: &mut impl FnMut(PollerEvent<D>)) -> Result<usize> {
        self.queue.clear_descriptor();
        self.sockets_first = !self.sockets_first;
        let mut count = 0;
        if self.sockets_first {
            count += self.look_at_sockets(room, found)?;
        }
        count += self.look_at_descriptors(room - count, found)?;
        if !self.sockets_first {
            count += self.look_at_sockets(room - count, found)?;
        }
        if !self.ready.is_empty() {
            self.queue.raise_descriptor();
        }
        Ok(count)
    }

    fn look_at_sockets(
        &mut self,
        room: usize,
        found: &mut impl FnMut(PollerEvent<D>),
    ) -> Result<usize> {
        self.take_queued();
        let mut count = 0;
        for _ in 0..self.ready.len() {
            if count == room {
                break;
            }
            let Some(registration) = self.ready.pop_front() else { break };
            // One that was removed meanwhile is forgotten.
            let entry = self.sockets.get(&registration.key);
            let entry = entry.filter(|own| Arc::ptr_eq(&own.registration, &registration));
            let Some(entry) = entry else { continue };
            let registrations = &entry.mailbox.registrations;
            registrations.begin_look(&registration);
            let events = entry.socket.events_now(entry.mailbox.number);
            let events = events.map(|events| Events(events.0 & entry.events.0));
            if events == Ok(Events::default()) {
                continue;
            }
            // It may be ready in the next wait as well, or fail again.
            if registrations.queue(&registration) {
                self.ready.push_back(registration);
            }
            found(PollerEvent { descriptor: None, data: entry.data, events: events? });
            count += 1;
        }
        Ok(count)
    }

    fn look_at_descriptors(
        &mut self,
        room: usize,
        found: &mut impl FnMut(PollerEvent<D>),
    ) -> Result<usize> {
        let Self { awaited, descriptors, .. } = self;
        let mut count = 0;
        awaited.look(room, |descriptor, events| {
            if let Some(entry) = descriptors.get(&descriptor) {
                let (data, events) = (entry.data, Events::from_system(events));
                found(PollerEvent { descriptor: Some(descriptor), data, events });
                count += 1;
            }
        })?;
        Ok(count)
    }

    /// What to watch while asleep: some of the sockets, whose reactor the caller may poll.
    fn sources(&self) -> Result<Sources> {
        let (mut watched, mut context) = (Vec::new(), None);
        for entry in self.sockets.values().take(MAX_TRACKED_SOCKETS) {
            let (own, of) = entry.socket.inspect(|own| (own.wait_source(), own.context.clone()))?;
            context.get_or_insert(of);
            watched.push(own);
        }
        Ok(Sources { watched, context })
    }

    /// In a child of fork(2), which shares the epoll instance with its parent, and has its own threads.
    #[cold]
    fn renew(&mut self) {
        self.process = Process::current();
        // Another thread of the parent may have its locks.
        std::mem::forget(std::mem::replace(&mut self.queue, ReadyQueue::new()));
        self.ready.clear();
        for (key, entry) in &mut self.sockets {
            std::mem::forget(std::mem::replace(
                &mut entry.registration,
                Registration::detached(&self.queue, *key),
            ));
        }
        self.awaited = DescriptorSet::default();
        for (descriptor, entry) in &self.descriptors {
            if entry.events != Events::default() {
                self.awaited.add(*descriptor, entry.events.to_system());
            }
        }
    }
}

/// The name of a socket: where it is, as sockets are never freed.
fn key_of(socket: &'static Socket) -> usize {
    std::ptr::from_ref(socket).addr()
}
