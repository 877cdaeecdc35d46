//! What the crates lack for plain descriptors: taking one over, and who is at the other end.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Takes over a listening descriptor that the application handed to us (ZMQ_USE_FD), and makes
/// it non-blocking and close-on-exec.
///
/// # Errors
/// The operating system's error when the number is not an open descriptor.
pub(crate) fn adopt(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl with F_GETFL takes no pointer; a bad number is answered with EBADF.
    let flags = check(unsafe { libc::fcntl(descriptor, libc::F_GETFL) })?;
    // SAFETY: as above, with integer arguments.
    check(unsafe { libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
    // SAFETY: as above.
    check(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open, and by the option's contract the library owns it from here.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The process at the other end of a local socket, as it was when it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// Process id.
    pub process: u32,
    /// Effective user id.
    pub user: u32,
    /// Effective group id.
    pub group: u32,
}

/// Who is at the other end of a connected AF_UNIX socket.
///
/// # Errors
/// The operating system's error, for instance for a socket of another family.
pub(crate) fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut raw = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut size = mem::size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `raw` and `size` are valid for the call, and `size` is the size of `raw`.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut raw).cast(),
            &raw mut size,
        )
    })?;
    Ok(Credentials { process: raw.pid as u32, user: raw.uid, group: raw.gid })
}

/// What the system says of a file.
pub(crate) struct FileStatus(libc::stat);

impl FileStatus {
    /// The device and inode of a socket; `None` for other files.
    pub(crate) fn socket_identity(&self) -> Option<(u64, u64)> {
        let Self(status) = self;
        (status.st_mode & libc::S_IFMT == libc::S_IFSOCK).then_some((status.st_dev, status.st_ino))
    }
}

/// Asks for a file, a symbolic link itself, as lstat(2): the standard library asks by statx(2), which
/// allow-lists of system calls often lack.
///
/// # Errors
/// The operating system's.
pub(crate) fn file_status(path: &Path) -> io::Result<FileStatus> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut status = mem::MaybeUninit::uninit();
    // SAFETY: a string with a NUL at its end, and a writable status.
    check(unsafe { libc::lstat(path.as_ptr(), status.as_mut_ptr()) })?;
    // SAFETY: written by the call, which succeeded.
    Ok(FileStatus(unsafe { status.assume_init() }))
}

/// What a connected socket has sent and its peer's system has not acknowledged, in bytes (tcp(7),
/// SIOCOUTQ); for an AF_UNIX socket, the memory of what the peer has not read. 0 where the system does
/// not tell.
pub(crate) fn undelivered(socket: BorrowedFd<'_>) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: TIOCOUTQ, which is SIOCOUTQ, writes an int, and `bytes` is one for the call.
    let told = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if told == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd, IntoRawFd};
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_peer_of_a_socket_pair_is_this_process() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = peer_credentials(ours.as_fd()).unwrap();
        assert_eq!(peer.process, std::process::id());
    }

    #[test]
    fn what_the_peer_has_not_read_is_undelivered() {
        use std::io::{Read, Write};
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        assert_eq!(undelivered(ours.as_fd()), 0);
        ours.write_all(&[7; 100]).unwrap();
        assert!(undelivered(ours.as_fd()) >= 100);
        theirs.read_exact(&mut [0; 100]).unwrap();
        assert_eq!(undelivered(ours.as_fd()), 0);
    }

    #[test]
    fn adopting_needs_an_open_descriptor() {
        assert!(adopt(-1).is_err());
        let (ours, _theirs) = UnixStream::pair().unwrap();
        assert!(adopt(ours.into_raw_fd()).is_ok());
    }
}
