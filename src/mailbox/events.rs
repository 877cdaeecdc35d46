//! What a socket or a descriptor is ready for.

use crate::numbers::{ZMQ_POLLERR, ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLPRI};

/// A set of events, as zmq_poll has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Events(pub i16);

impl Events {
    /// ZMQ_POLLIN: something can be received.
    pub(crate) const IN: Self = Self(ZMQ_POLLIN as i16);
    /// ZMQ_POLLOUT: something can be sent.
    pub(crate) const OUT: Self = Self(ZMQ_POLLOUT as i16);
    /// ZMQ_POLLERR: an error condition of a descriptor.
    pub(crate) const ERROR: Self = Self(ZMQ_POLLERR as i16);
    /// ZMQ_POLLPRI: urgent data of a descriptor.
    pub(crate) const PRIORITY: Self = Self(ZMQ_POLLPRI as i16);

    /// Whether the two sets have an event in common.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// As poll(2) has them.
    pub(crate) fn to_system(self) -> i16 {
        let mut events = 0;
        if self.contains(Self::IN) {
            events |= libc::POLLIN;
        }
        if self.contains(Self::OUT) {
            events |= libc::POLLOUT;
        }
        if self.contains(Self::PRIORITY) {
            events |= libc::POLLPRI;
        }
        events
    }

    /// From what poll(2) found.
    pub(crate) fn from_system(found: i16) -> Self {
        let mut events = 0;
        if found & libc::POLLIN != 0 {
            events |= Self::IN.0;
        }
        if found & libc::POLLOUT != 0 {
            events |= Self::OUT.0;
        }
        if found & libc::POLLPRI != 0 {
            events |= Self::PRIORITY.0;
        }
        if found & !(libc::POLLIN | libc::POLLOUT | libc::POLLPRI) != 0 {
            events |= Self::ERROR.0;
        }
        Self(events)
    }
}
