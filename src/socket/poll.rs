//! Waiting for several sockets and descriptors (zmq_poll(3)).

use super::wait::MAX_TRACKED_SOCKETS;
use super::{Socket, Wait};
use crate::error::{Error, Result};
use crate::io::{PollDescriptor, WaiterPool, poll_fds, poll_fds_with_mask};
use crate::mailbox::{Events, PollGroup};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What an item is about.
#[derive(Clone, Copy)]
pub(crate) enum PollTarget {
    /// A socket of ours.
    Socket(&'static Socket),
    /// A descriptor of the system.
    Descriptor(RawFd),
}

/// An item of `zmq_poll`.
#[derive(Clone, Copy)]
pub(crate) struct PollItem {
    /// What to wait for.
    pub target: PollTarget,
    /// The events to wait for.
    pub events: Events,
    /// The events that were found.
    pub revents: Events,
}

impl PollItem {
    fn socket(&self) -> Option<&'static Socket> {
        match self.target {
            PollTarget::Socket(socket) => Some(socket),
            PollTarget::Descriptor(_) => None,
        }
    }
}

/// Waits until an item has an event that it waits for; for ever without a timeout, and with this signal
/// mask, where there is one. Returns how many do.
///
/// # Errors
/// [`crate::error::Error`]: Terminated, NotASocket, Interrupted.
pub(crate) fn poll(
    items: &mut [PollItem],
    timeout: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> Result<usize> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut descriptors: Vec<_> = items
        .iter()
        .filter_map(|item| match item.target {
            PollTarget::Descriptor(own) => Some(PollDescriptor::new(own, item.events.to_system())),
            PollTarget::Socket(_) => None,
        })
        .collect();
    if descriptors.len() == items.len() {
        return poll_system(items, &mut descriptors, timeout, deadline, mask);
    }
    let mut sockets = items.iter().filter_map(PollItem::socket);
    let is_shared = sockets.any(|socket| socket.is_shared.load(Ordering::Relaxed));
    // A socket is in one poll group at a time: what threads share is in none.
    let group = (items.len() > MAX_TRACKED_SOCKETS && !is_shared).then(PollGroup::of_this_thread);
    let group = group.as_ref();
    let seen = group.map_or(0, |group| group.generation());
    let ready = look(items, &mut descriptors, group)?;
    if ready > 0 || timeout == Some(Duration::ZERO) {
        return Ok(ready);
    }
    let some = if group.is_some() { MAX_TRACKED_SOCKETS } else { usize::MAX };
    let mut watched = Vec::new();
    let mut context = None;
    for socket in items.iter().filter_map(PollItem::socket).take(some) {
        let (own, of) = socket.inspect(|state| (state.wait_source(), state.context.clone()))?;
        context.get_or_insert(of);
        watched.push(own);
    }
    let alone = WaiterPool::default();
    let pool = context.as_ref().map_or(&alone, |context| &context.pool);
    let mut wait =
        Wait::new(&watched, pool, deadline).in_poll_group(group.map(|group| (&**group, seen)));
    wait = wait.with_mask(mask);
    // Another thread may have taken events since the first look.
    let mut looks_at_once = is_shared;
    loop {
        if !std::mem::take(&mut looks_at_once) {
            wait.next(&mut descriptors)?;
        }
        if watched.iter().any(|own| own.mailbox.is_closed()) {
            // Its handle may have been used again.
            return Err(Error::NotASocket);
        }
        wait.begin_check();
        match look(items, &mut descriptors, group)? {
            0 if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Ok(0),
            0 => {}
            ready => return Ok(ready),
        }
    }
}

/// As [`poll`], where no item is a socket: one system call is all that it takes.
fn poll_system(
    items: &mut [PollItem],
    descriptors: &mut [PollDescriptor],
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    mask: Option<&libc::sigset_t>,
) -> Result<usize> {
    let mut left = timeout;
    loop {
        match mask {
            Some(mask) => poll_fds_with_mask(descriptors, left, mask)?,
            None if left == Some(Duration::ZERO) && descriptors.is_empty() => {}
            None => poll_fds(descriptors, left)?,
        }
        let mut ready = 0;
        for (item, own) in items.iter_mut().zip(&*descriptors) {
            item.revents = Events::from_system(own.found());
            ready += (item.revents != Events::default()) as usize;
        }
        left = deadline.map(|own| own.saturating_duration_since(Instant::now()));
        if ready > 0 || left == Some(Duration::ZERO) {
            return Ok(ready);
        }
    }
}

/// Looks at all items without waiting.
fn look(
    items: &mut [PollItem],
    descriptors: &mut [PollDescriptor],
    group: Option<&Arc<PollGroup>>,
) -> Result<usize> {
    if !descriptors.is_empty() {
        poll_fds(descriptors, Some(Duration::ZERO))?;
    }
    let (mut ready, mut found) = (0, descriptors.iter());
    for item in items {
        item.revents = match item.target {
            PollTarget::Descriptor(_) => {
                found.next().map_or(Events::default(), |own| Events::from_system(own.found()))
            }
            PollTarget::Socket(socket) => {
                let events = match group {
                    Some(group) => socket.ready_events(group)?,
                    None => socket.with(|state| {
                        state.process()?;
                        Ok(state.events())
                    })?,
                };
                Events(events.0 & item.events.0)
            }
        };
        ready += (item.revents != Events::default()) as usize;
    }
    Ok(ready)
}
