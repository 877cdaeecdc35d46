//! Descriptors that are waited for again and again, at a cost by what is ready.
//!
//! A few are asked by poll(2), whose cost is theirs; the others are in an epoll instance, of which poll(2)
//! asks whether one is ready. What epoll does not take, files for instance, is asked by poll(2) too.

#![allow(unsafe_code)]

use super::sys::check;
use super::{PollDescriptor, poll_fds};
use crate::error::Result;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// So many are asked by poll(2) before others go to epoll: a descriptor that is closed before it is
/// removed is told as an error by poll(2), as with libzmq, and forgotten by epoll.
const FEW: usize = 16;

/// Events taken from epoll at a time.
const EVENTS: usize = 64;

/// A set of descriptors, each with the events that are waited for.
#[derive(Default)]
pub(crate) struct DescriptorSet {
    /// Those that poll(2) asks, the epoll instance last.
    polled: Vec<PollDescriptor>,
    epoll: Option<OwnedFd>,
    /// How many the epoll instance has.
    in_epoll: usize,
    /// Where the next look begins among those that poll(2) asks: all have their turn.
    turn: usize,
}

impl DescriptorSet {
    /// Adds a descriptor that is not there; `events` are those of poll(2).
    pub(crate) fn add(&mut self, descriptor: RawFd, events: i16) {
        let own = PollDescriptor::new(descriptor, events);
        let place = self.polled.len() - usize::from(self.epoll.is_some());
        if place >= FEW && self.add_to_epoll(descriptor, events).is_ok() {
            self.in_epoll += 1;
        } else {
            self.polled.insert(place, own);
        }
    }

    /// Removes a descriptor that was added.
    pub(crate) fn remove(&mut self, descriptor: RawFd) {
        let asked = self.asked();
        if let Some(place) = asked.iter().position(|own| own.descriptor() == descriptor) {
            self.polled.remove(place);
        } else if let Some(epoll) = &self.epoll {
            // It is not there any more if it was closed meanwhile. Before Linux 2.6.9 the event must be there.
            let mut unused = libc::epoll_event { events: 0, u64: 0 };
            // SAFETY: the event lives through the call; wrong numbers are refused.
            unsafe {
                let epoll = epoll.as_raw_fd();
                libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, descriptor, &raw mut unused);
            }
            self.in_epoll = self.in_epoll.saturating_sub(1);
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.asked().is_empty() && self.in_epoll == 0
    }

    /// What a call sleeps on until one of them is ready.
    pub(crate) fn awaited(&self) -> Vec<PollDescriptor> {
        self.polled.clone()
    }

    /// Calls `found` with those that are ready, and what poll(2) tells of them, at most `room` times;
    /// returns how often. Which come first differs from one call to the next.
    ///
    /// # Errors
    /// Those of poll(2).
    pub(crate) fn look(&mut self, room: usize, mut found: impl FnMut(RawFd, i16)) -> Result<usize> {
        if room == 0 || self.is_empty() {
            return Ok(0);
        }
        poll_fds(&mut self.polled, Some(Duration::ZERO))?;
        let few = self.asked().len();
        let in_epoll = self.polled.get(few).is_some_and(|own| own.found() != 0);
        self.turn = self.turn.wrapping_add(1);
        let (turn, all) = (self.turn, few + usize::from(in_epoll));
        let mut count = 0;
        for place in (0..all).map(|step| (turn + step) % all) {
            if count == room {
                break;
            }
            let own = self.polled[place];
            if place == few {
                count += self.take_from_epoll(room - count, &mut found);
            } else if own.found() != 0 {
                found(own.descriptor(), own.found());
                count += 1;
            }
        }
        Ok(count)
    }

    /// Those that poll(2) asks itself.
    fn asked(&self) -> &[PollDescriptor] {
        &self.polled[..self.polled.len() - usize::from(self.epoll.is_some())]
    }

    fn add_to_epoll(&mut self, descriptor: RawFd, events: i16) -> io::Result<()> {
        if self.epoll.is_none() {
            // SAFETY: a system call without pointers.
            let made = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as isize)?;
            // SAFETY: just opened, and owned by nobody else.
            let made = unsafe { OwnedFd::from_raw_fd(made as RawFd) };
            self.polled.push(PollDescriptor::new(made.as_raw_fd(), libc::POLLIN));
            self.epoll = Some(made);
        }
        let epoll = self.epoll.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        // The bits of both calls are the same.
        let mut event = libc::epoll_event { events: events as u32, u64: descriptor as u64 };
        // SAFETY: the event lives through the call; what cannot be watched is refused.
        let added =
            unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, descriptor, &raw mut event) };
        check(added as isize).map(drop)
    }

    /// As [`look`](Self::look), of those in the epoll instance, which has each in its turn.
    fn take_from_epoll(&self, room: usize, found: &mut impl FnMut(RawFd, i16)) -> usize {
        let Some(epoll) = &self.epoll else {
            return 0;
        };
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        let most = room.min(EVENTS) as libc::c_int;
        // SAFETY: `most` events can be written.
        let count = unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), most, 0) };
        let events = events.get(..usize::try_from(count).unwrap_or(0)).unwrap_or_default();
        for event in events {
            let (descriptor, bits) = (event.u64 as RawFd, event.events as i16);
            found(descriptor, bits);
        }
        events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn of_many_descriptors_those_that_are_ready_are_found_in_turn() {
        let pairs: Vec<_> = (0..3 * FEW).map(|_| UnixStream::pair().unwrap()).collect();
        let mut set = DescriptorSet::default();
        assert_eq!(set.look(9, |_, _| {}), Ok(0));
        for (own, _) in &pairs {
            set.add(own.as_raw_fd(), libc::POLLIN);
        }
        assert_eq!(set.look(9, |_, _| {}), Ok(0));
        assert_eq!(set.awaited().len(), FEW + 1);
        for (own, _) in pairs.iter().step_by(5) {
            let peer = pairs.iter().find(|(one, _)| one.as_raw_fd() == own.as_raw_fd()).unwrap();
            (&peer.1).write_all(b"x").unwrap();
        }
        let ready: BTreeSet<_> = pairs.iter().step_by(5).map(|(own, _)| own.as_raw_fd()).collect();
        let mut found = BTreeSet::new();
        assert_eq!(set.look(usize::MAX, |own, _| _ = found.insert(own)), Ok(ready.len()));
        assert_eq!(found, ready);
        // One at a time, all are found within so many looks.
        found.clear();
        for _ in 0..10 * FEW {
            set.look(1, |own, events| {
                assert_eq!(events, libc::POLLIN);
                found.insert(own);
            })
            .unwrap();
        }
        assert_eq!(found, ready);
        for (own, _) in &pairs {
            set.remove(own.as_raw_fd());
        }
        assert!(set.is_empty());
    }

    #[test]
    fn what_epoll_refuses_is_found_as_well() {
        let mut set = DescriptorSet::default();
        let pairs: Vec<_> = (0..FEW).map(|_| UnixStream::pair().unwrap()).collect();
        pairs.iter().for_each(|(own, _)| set.add(own.as_raw_fd(), libc::POLLIN));
        let file = File::open("/dev/null").unwrap();
        let plain = File::open("Cargo.toml").unwrap();
        set.add(plain.as_raw_fd(), libc::POLLIN);
        set.add(file.as_raw_fd(), libc::POLLIN);
        set.add(1_000_000, libc::POLLIN);
        let mut found = BTreeSet::new();
        set.look(usize::MAX, |own, _| _ = found.insert(own)).unwrap();
        assert!(found.contains(&plain.as_raw_fd()) && found.contains(&1_000_000));
    }
}
