//! How the system is to schedule an I/O thread.

#![allow(unsafe_code)]

use std::io;
use std::mem;

/// ZMQ_THREAD_SCHED_POLICY, ZMQ_THREAD_PRIORITY and the processors of a thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scheduling {
    /// A number of sched.h; `None` leaves the policy that the thread inherits.
    pub policy: Option<i32>,
    /// The priority in that policy; `None` leaves the inherited one where the policy has it.
    pub priority: Option<i32>,
    /// Numbers of processors; empty for all.
    pub processors: Vec<usize>,
}

/// The nice value that stands for a priority in policies that have none (zmq_ctx_set(3)).
const HIGHEST_NICE: i32 = -20;

/// A thread as the system numbers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ThreadId(libc::pid_t);

impl ThreadId {
    pub(super) fn current() -> Self {
        // SAFETY: a system call without arguments, which cannot fail.
        Self(unsafe { libc::syscall(libc::SYS_gettid) } as libc::pid_t)
    }
}

impl Scheduling {
    /// Whether a thread that inherits everything runs as it should.
    pub(super) fn is_inherited(&self) -> bool {
        *self == Self::default()
    }

    /// Applies it to a thread of this process.
    ///
    /// # Errors
    /// The system's: a number that it does not know, or something that is not permitted.
    pub(super) fn apply(&self, thread: ThreadId) -> io::Result<()> {
        if self.policy.is_some() || self.priority.is_some() {
            self.set_policy(thread)?;
        }
        if !self.processors.is_empty() {
            self.set_processors(thread)?;
        }
        Ok(())
    }

    /// Uses system calls, which take the number of any thread, where the functions of some C
    /// libraries take processes only.
    fn set_policy(&self, ThreadId(thread): ThreadId) -> io::Result<()> {
        let policy = match self.policy {
            Some(policy) => policy,
            // SAFETY: a system call without pointers.
            None => check(unsafe { libc::syscall(libc::SYS_sched_getscheduler, thread) })? as i32,
        };
        let uses_nice = matches!(policy, libc::SCHED_OTHER | libc::SCHED_BATCH | libc::SCHED_IDLE);
        // SAFETY: plain data, for which zeros are valid.
        let mut parameters: libc::sched_param = unsafe { mem::zeroed() };
        // SAFETY: writable parameters.
        check(unsafe { libc::syscall(libc::SYS_sched_getparam, thread, &raw mut parameters) })?;
        if uses_nice {
            parameters.sched_priority = 0;
        } else if let Some(priority) = self.priority {
            parameters.sched_priority = priority;
        }
        // SAFETY: readable parameters.
        check(unsafe {
            libc::syscall(libc::SYS_sched_setscheduler, thread, policy, &raw const parameters)
        })?;
        if uses_nice && self.priority.is_some() {
            let thread = thread as libc::id_t;
            // On Linux the nice value of a thread is its own.
            // SAFETY: a system call without pointers.
            check(unsafe { libc::setpriority(libc::PRIO_PROCESS, thread, HIGHEST_NICE) }.into())?;
        }
        Ok(())
    }

    /// Numbers that no system has are left out; EINVAL where none is left.
    fn set_processors(&self, ThreadId(thread): ThreadId) -> io::Result<()> {
        // SAFETY: plain data, for which zeros are the empty set.
        let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
        for &processor in &self.processors {
            if processor < libc::CPU_SETSIZE as usize {
                // SAFETY: the number has a bit in the set.
                unsafe { libc::CPU_SET(processor, &mut set) };
            }
        }
        let size = size_of::<libc::cpu_set_t>();
        // SAFETY: a readable set of this size.
        check(unsafe { libc::sched_setaffinity(thread, size, &raw const set) }.into())?;
        Ok(())
    }
}

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
