//! The options of a context (zmq_ctx_set(3), zmq_ctx_get(3)); ranges and defaults as observed.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::io::{Scheduling, ThreadSettings};
use crate::numbers::*;

/// Longest ZMQ_THREAD_NAME_PREFIX.
const MAX_NAME_PREFIX: usize = 16;
/// What ZMQ_LIBRARY returns: this library and its own version.
const LIBRARY: &str = concat!("libzmq-rs ", env!("CARGO_PKG_VERSION"), "\0");
/// What ZMQ_SOCKET_LIMIT returns.
const MOST_SOCKETS: i32 = 65535;
/// What ZMQ_MSG_T_SIZE returns: the size of `zmq_msg_t`.
const MESSAGE_SIZE: i32 = size_of::<crate::message::Message>() as i32;

/// The options of a context. Those of the threads count when the threads start, at the first
/// socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContextOptions {
    /// ZMQ_IO_THREADS: threads for I/O; 0 is enough for inproc.
    pub io_threads: usize,
    /// ZMQ_MAX_SOCKETS: sockets that may be open at a time; at least 1.
    pub max_sockets: usize,
    /// ZMQ_MAX_MSGSZ in bytes.
    pub max_message_size: usize,
    /// ZMQ_IPV6: the default of new sockets.
    pub ipv6: bool,
    /// ZMQ_BLOCKY: new sockets linger forever; if not, not at all.
    pub blocky: bool,
    /// ZMQ_ZERO_COPY_RECV: messages may share the buffer they were read into.
    pub zero_copy_receive: bool,
    /// How the I/O threads run.
    pub threads: ThreadOptions,
}

/// How the I/O threads run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ThreadOptions {
    /// ZMQ_THREAD_PRIORITY; None leaves it alone.
    pub priority: Option<i32>,
    /// ZMQ_THREAD_SCHED_POLICY, a number of sched.h; None leaves it alone.
    pub scheduling_policy: Option<i32>,
    /// ZMQ_THREAD_AFFINITY_CPU_ADD and _REMOVE: the CPUs to run on; empty means any.
    pub affinity: BTreeSet<usize>,
    /// ZMQ_THREAD_NAME_PREFIX: up to 16 bytes; empty is none.
    pub name_prefix: Vec<u8>,
}

impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            io_threads: 1,
            max_sockets: 1023,
            max_message_size: i32::MAX as usize,
            ipv6: false,
            blocky: true,
            zero_copy_receive: true,
            threads: ThreadOptions::default(),
        }
    }
}

impl ContextOptions {
    /// Sets the option with this number.
    ///
    /// # Errors
    /// InvalidArgument for an unknown option or a value out of its range.
    pub(super) fn set(&mut self, option: i32, value: i32) -> Result<()> {
        let invalid = Error::InvalidArgument;
        if option == ZMQ_THREAD_NAME_PREFIX {
            self.threads.name_prefix = value.to_string().into_bytes();
            return Ok(());
        }
        // No other option takes a negative value.
        let size = usize::try_from(value).map_err(|_| invalid)?;
        match option {
            ZMQ_IO_THREADS => self.io_threads = size,
            ZMQ_MAX_SOCKETS if size > 0 => self.max_sockets = size,
            ZMQ_THREAD_PRIORITY => self.threads.priority = Some(value),
            ZMQ_THREAD_SCHED_POLICY => self.threads.scheduling_policy = Some(value),
            ZMQ_MAX_MSGSZ => self.max_message_size = size,
            ZMQ_THREAD_AFFINITY_CPU_ADD => {
                self.threads.affinity.insert(size);
            }
            ZMQ_THREAD_AFFINITY_CPU_REMOVE if self.threads.affinity.remove(&size) => {}
            ZMQ_ZERO_COPY_RECV => self.zero_copy_receive = size != 0,
            ZMQ_IPV6 => self.ipv6 = size != 0,
            ZMQ_BLOCKY => self.blocky = size != 0,
            _ => return Err(invalid),
        }
        Ok(())
    }

    /// The value of the option with this number. A valid value may be -1.
    ///
    /// # Errors
    /// InvalidArgument for an unknown option.
    pub(super) fn get(&self, option: i32) -> Result<i32> {
        // All sizes came from an i32.
        let number = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
        Ok(match option {
            ZMQ_IO_THREADS => number(self.io_threads),
            ZMQ_MAX_SOCKETS => number(self.max_sockets),
            ZMQ_SOCKET_LIMIT => MOST_SOCKETS,
            ZMQ_THREAD_SCHED_POLICY => self.threads.scheduling_policy.unwrap_or(-1),
            ZMQ_MAX_MSGSZ => number(self.max_message_size),
            ZMQ_MSG_T_SIZE => MESSAGE_SIZE,
            ZMQ_THREAD_NAME_PREFIX => leading_number(&self.threads.name_prefix),
            ZMQ_ZERO_COPY_RECV => self.zero_copy_receive.into(),
            ZMQ_IPV6 => self.ipv6.into(),
            ZMQ_BLOCKY => self.blocky.into(),
            _ => return Err(Error::InvalidArgument),
        })
    }
}

impl ContextOptions {
    /// Sets an option to a value of any type: an `int`, or the text of ZMQ_THREAD_NAME_PREFIX, which four
    /// bytes are no text for (observed).
    ///
    /// # Errors
    /// As [`set`](Self::set), and InvalidArgument for a value of the wrong size.
    pub(super) fn set_value(&mut self, option: i32, value: &[u8]) -> Result<()> {
        if let Ok(number) = value.try_into() {
            return self.set(option, i32::from_ne_bytes(number));
        }
        if option != ZMQ_THREAD_NAME_PREFIX || !(1..=MAX_NAME_PREFIX).contains(&value.len()) {
            return Err(Error::InvalidArgument);
        }
        self.threads.name_prefix = value.to_vec();
        Ok(())
    }

    /// The value of the option for a buffer of `room` bytes: an `int` for one of exactly its size; text
    /// for one that is large enough.
    ///
    /// # Errors
    /// InvalidArgument for an option that is unknown, and for a buffer of the wrong size.
    pub(super) fn value(&self, option: i32, room: usize) -> Result<Vec<u8>> {
        let text = match option {
            ZMQ_LIBRARY => LIBRARY.as_bytes(),
            _ if room == size_of::<i32>() => return Ok(self.get(option)?.to_ne_bytes().into()),
            ZMQ_THREAD_NAME_PREFIX => &self.threads.name_prefix,
            _ => return Err(Error::InvalidArgument),
        };
        if text.len() <= room { Ok(text.to_vec()) } else { Err(Error::InvalidArgument) }
    }
}

/// The number that a text begins with, as atoi(3) finds it; 0 without one.
fn leading_number(text: &[u8]) -> i32 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0i64, |sum, byte| (sum * 10 + i64::from(byte - b'0')).min(1 << 40));
    i32::try_from(sign * number).unwrap_or(if sign < 0 { i32::MIN } else { i32::MAX })
}

impl ThreadOptions {
    /// How the I/O thread with this number is to run; named as libzmq's threads are.
    pub(super) fn settings(&self, number: usize) -> ThreadSettings {
        let prefix = String::from_utf8_lossy(&self.name_prefix);
        // A name in C ends at the first NUL.
        let prefix = prefix.split('\0').next().unwrap_or_default();
        let name = match prefix {
            "" => format!("ZMQbg/IO/{number}"),
            prefix => format!("{prefix}/ZMQbg/IO/{number}"),
        };
        let scheduling = Scheduling {
            policy: self.scheduling_policy,
            priority: self.priority,
            processors: self.affinity.iter().copied().collect(),
        };
        ThreadSettings { number, name, scheduling }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_manual() {
        let options = ContextOptions::default();
        let rows = [
            (1, 1),
            (2, 1023),
            (3, 65535),
            (4, -1),
            (5, i32::MAX),
            (6, 64),
            (9, 0),
            (10, 1),
            (42, 0),
            (70, 1),
        ];
        for (option, value) in rows {
            assert_eq!(options.get(option), Ok(value), "option {option}");
        }
    }

    #[test]
    fn ranges_are_checked() {
        let mut options = ContextOptions::default();
        let refused = [
            (0, 1),
            (1, -1),
            (2, 0),
            (2, -1),
            (3, -1),
            (4, -1),
            (5, -1),
            (6, 64),
            (7, -1),
            (8, 0),
            (42, -1),
            (70, -1),
            (100, 1),
        ];
        for (option, value) in refused {
            assert_eq!(options.set(option, value), Err(Error::InvalidArgument), "{option} {value}");
        }
        assert_eq!(options, ContextOptions::default());
    }

    #[test]
    fn a_cpu_is_removed_once() {
        let mut options = ContextOptions::default();
        assert_eq!(options.set(ZMQ_THREAD_AFFINITY_CPU_ADD, 3), Ok(()));
        assert_eq!(options.set(ZMQ_THREAD_AFFINITY_CPU_REMOVE, 3), Ok(()));
        assert_eq!(options.set(ZMQ_THREAD_AFFINITY_CPU_REMOVE, 3), Err(Error::InvalidArgument));
        assert_eq!(options.get(ZMQ_THREAD_AFFINITY_CPU_ADD), Err(Error::InvalidArgument));
    }

    #[test]
    fn a_name_prefix_is_a_text_and_reads_as_the_number_that_it_begins_with() {
        let mut options = ContextOptions::default();
        let own = ZMQ_THREAD_NAME_PREFIX;
        let rows: [(&[u8], i32, &[u8], &str); 8] = [
            (b"abc", 0, b"abc", "abc/ZMQbg/IO/1"),
            (b"12x", 12, b"12x", "12x/ZMQbg/IO/1"),
            (b" -9", -9, b" -9", " -9/ZMQbg/IO/1"),
            (b"99999999999", i32::MAX, b"99999999999", "99999999999/ZMQbg/IO/1"),
            (&7i32.to_ne_bytes(), 7, b"7", "7/ZMQbg/IO/1"),
            (b"a\0c", 0, b"a\0c", "a/ZMQbg/IO/1"),
            (b"abcdefghijklmnop", 0, b"abcdefghijklmnop", "abcdefghijklmnop/ZMQbg/IO/1"),
            (&0i32.to_ne_bytes(), 0, b"0", "0/ZMQbg/IO/1"),
        ];
        for (value, number, text, name) in rows {
            options.set_value(own, value).unwrap();
            assert_eq!(options.get(own), Ok(number));
            assert_eq!(options.value(own, 4).unwrap(), number.to_ne_bytes());
            assert_eq!(options.value(own, 17).unwrap(), text);
            assert_eq!(options.threads.settings(1).name, name);
        }
        assert_eq!(options.set_value(own, b""), Err(Error::InvalidArgument));
        assert_eq!(options.set_value(own, &[b'a'; 17]), Err(Error::InvalidArgument));
        assert_eq!(options.set_value(ZMQ_IO_THREADS, b"123"), Err(Error::InvalidArgument));
        options.set_value(own, b"abcdef").unwrap();
        assert_eq!(options.value(own, 5), Err(Error::InvalidArgument));
        assert_eq!(options.value(ZMQ_IO_THREADS, 5), Err(Error::InvalidArgument));
        assert!(options.value(ZMQ_LIBRARY, 100).unwrap().starts_with(b"libzmq-rs "));
    }

    #[test]
    fn flags_read_back_as_one() {
        let mut options = ContextOptions::default();
        for option in [ZMQ_IPV6, ZMQ_BLOCKY, ZMQ_ZERO_COPY_RECV] {
            options.set(option, 5).unwrap();
            assert_eq!(options.get(option), Ok(1));
            options.set(option, 0).unwrap();
            assert_eq!(options.get(option), Ok(0));
        }
    }
}
