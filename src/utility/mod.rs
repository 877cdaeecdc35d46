//! Small helpers that `zmq.h` offers beside messaging. They know nothing of sockets and of C.

mod counter;
mod stopwatch;
mod timers;
pub mod z85;

pub use counter::Counter;
pub use stopwatch::Stopwatch;
pub use timers::Timers;
