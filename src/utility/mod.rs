//! Small helpers that `zmq.h` offers beside messaging. They know nothing of sockets and of C.

#![forbid(unsafe_code)]

mod counter;
mod stopwatch;
mod timers;
pub(crate) mod z85;

pub(crate) use counter::Counter;
pub(crate) use stopwatch::Stopwatch;
pub(crate) use timers::Timers;
