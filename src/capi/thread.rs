//! Stopwatch, sleep and threads. None has a manual page: what they do was observed.

use super::handle::{answer_pointer, from_raw, into_raw};
use crate::error::{Error, Result};
use crate::utility::Stopwatch;
use std::ffi::{c_int, c_uint, c_ulong, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// C's `zmq_thread_fn *`.
pub type zmq_thread_fn_pointer = Option<ThreadFunction>;

type ThreadFunction = unsafe extern "C" fn(arg: *mut c_void);

/// Starts a stopwatch. Returns its handle, or NULL with errno ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_start() -> *mut c_void {
    answer_pointer(|| into_raw(Stopwatch::start())).cast()
}

/// Microseconds since the stopwatch was started; it goes on. 0 for NULL.
///
/// # Safety
/// `watch` is NULL or a stopwatch that was not stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_stopwatch_intermediate(watch: *mut c_void) -> c_ulong {
    // SAFETY: the caller's promise.
    unsafe { watch.cast::<Stopwatch>().as_ref() }.map_or(0, Stopwatch::microseconds)
}

/// Microseconds since the stopwatch was started; it is gone afterwards. 0 for NULL.
///
/// # Safety
/// `watch` is NULL or a stopwatch that was not stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_stopwatch_stop(watch: *mut c_void) -> c_ulong {
    // SAFETY: the caller's promise.
    unsafe { from_raw::<Stopwatch>(watch.cast()) }.map_or(0, |watch| watch.microseconds())
}

/// Sleeps for some seconds, or until a signal handler ran. A negative number is 0.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_sleep(seconds: c_int) {
    // SAFETY: takes any number.
    unsafe { libc::sleep(c_uint::try_from(seconds).unwrap_or(0)) };
}

/// Starts a thread that calls `func(arg)`; signals are blocked in it.
///
/// Returns its handle, or NULL with errno EFAULT (NULL), ENOMEM or EAGAIN (no more threads).
///
/// # Safety
/// `func` may be called with `arg` on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_threadstart(
    func: zmq_thread_fn_pointer,
    arg: *mut c_void,
) -> *mut c_void {
    answer_pointer(|| {
        let start = Start { function: func.ok_or(Error::BadAddress)?, argument: arg };
        let handle = into_raw::<libc::pthread_t>(0)?;
        match spawn(start) {
            // SAFETY: just allocated.
            Ok(thread) => unsafe { handle.write(thread) },
            Err(error) => {
                // SAFETY: just allocated, and nobody has it.
                unsafe { from_raw(handle) };
                return Err(error);
            }
        }
        Ok(handle)
    })
    .cast()
}

/// Waits until a thread ends and frees its handle. NULL is ignored.
///
/// # Safety
/// `thread` is NULL or came from `zmq_threadstart` and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_threadclose(thread: *mut c_void) {
    // SAFETY: the caller's promise.
    if let Some(thread) = unsafe { from_raw::<libc::pthread_t>(thread.cast()) } {
        // SAFETY: started by `spawn`, joined once.
        unsafe { libc::pthread_join(thread, ptr::null_mut()) };
    }
}

/// What a new thread calls.
struct Start {
    function: ThreadFunction,
    argument: *mut c_void,
}

/// Starts a thread of C: a thread of Rust could not be ended by pthread_exit().
fn spawn(start: Start) -> Result<libc::pthread_t> {
    let start = into_raw(start)?;
    let mut thread = 0;
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // The thread inherits the mask of its creator.
    // SAFETY: `all` is filled before it is used, and `before` is filled by the first exchange;
    // `start` is given to the thread.
    let failure = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let failure = libc::pthread_create(&mut thread, ptr::null(), run, start.cast());
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        failure
    };
    if failure == 0 {
        // SAFETY: a thread that is joined later; the name only helps who looks at it.
        unsafe { libc::pthread_setname_np(thread, c"ZMQapp".as_ptr()) };
        return Ok(thread);
    }
    // SAFETY: no thread was started that has it.
    unsafe { from_raw(start) };
    Err(Error::System(failure))
}

extern "C" fn run(start: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` gave it to this thread alone.
    if let Some(Start { function, argument }) = unsafe { from_raw(start.cast()) } {
        // SAFETY: the promise of who started the thread.
        unsafe { function(argument) };
    }
    ptr::null_mut()
}
