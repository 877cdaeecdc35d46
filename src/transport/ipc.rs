//! Local sockets: paths, abstract names, and the library's own choice of a path.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::bind_error::{BindError, bind_error};
use super::endpoint::{IpcEndpoint, MAX_PATH};
use super::options::TransportOptions;
use super::stream::endpoint_text;
use super::tcp::set_buffers;
use crate::error::{Error, Result};
use crate::io::descriptor::{adopt, file_status};

/// How many names for a temporary directory are tried before the error is reported.
const NAME_ATTEMPTS: u32 = 100;

/// Binds and listens; also what ZMQ_LAST_ENDPOINT returns, and the file to remove in the end.
pub(super) fn listen(
    endpoint: &IpcEndpoint,
    options: &TransportOptions,
) -> Result<(Socket, String, Option<SocketFile>), BindError> {
    if let Some(descriptor) = options.descriptor {
        // The one that bound it owns the file.
        let socket = Socket::from(adopt(descriptor).map_err(bind_error)?);
        let address = socket.local_addr().map_err(bind_error)?;
        if !address.is_unix() {
            return Err(Error::InvalidArgument.into());
        }
        return Ok((socket, endpoint_text(&address), None));
    }
    match endpoint {
        IpcEndpoint::Abstract(name) => {
            let socket = bind(&address(endpoint)?, options)?;
            Ok((socket, format!("ipc://@{name}"), None))
        }
        IpcEndpoint::Path(path) => {
            let (socket, file) = listen_at(path, None, options)?;
            Ok((socket, format!("ipc://{}", path.display()), Some(file)))
        }
        IpcEndpoint::Wildcard => {
            let directory = TemporaryDirectory::create().map_err(bind_error)?;
            let path = directory.0.join("socket");
            let (socket, file) = listen_at(&path, Some(directory), options)?;
            Ok((socket, format!("ipc://{}", path.display()), Some(file)))
        }
    }
}

fn listen_at(
    path: &Path,
    directory: Option<TemporaryDirectory>,
    options: &TransportOptions,
) -> Result<(Socket, SocketFile), BindError> {
    let address = SockAddr::unix(path).map_err(|_| Error::NameTooLong)?;
    // What is left of a process that ended would be in the way. A file that is still bound is
    // taken over likewise, as zmq_ipc(7) says. Without one, or for a directory, bind decides.
    let _ = fs::remove_file(path);
    let socket = bind(&address, options)?;
    let file = SocketFile::claim(path, directory).map_err(bind_error)?;
    Ok((socket, file))
}

fn bind(address: &SockAddr, options: &TransportOptions) -> Result<Socket, BindError> {
    let socket = open(options).map_err(bind_error)?;
    let bound = socket.bind(address).and_then(|()| socket.listen(options.backlog));
    BindError::check(bound, socket)
}

/// A local socket, not yet bound or connected.
pub(super) fn open(options: &TransportOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    set_buffers(&socket, options)?;
    Ok(socket)
}

/// The address of an endpoint that is not the wildcard.
pub(super) fn address(endpoint: &IpcEndpoint) -> Result<SockAddr> {
    match endpoint {
        IpcEndpoint::Path(path) => SockAddr::unix(path),
        // A path that starts with a zero byte is an abstract name.
        IpcEndpoint::Abstract(name) => SockAddr::unix(format!("\0{name}")),
        IpcEndpoint::Wildcard => return Err(Error::InvalidArgument),
    }
    .map_err(|_| Error::NameTooLong)
}

impl IpcEndpoint {
    /// Makes a path absolute: threads may have working directories of their own, and change them.
    /// One that gets too long for the system by that stays relative.
    pub(super) fn make_absolute(&mut self) {
        if let Self::Path(path) = self
            && let Ok(absolute) = std::path::absolute(&path)
            && absolute.as_os_str().len() <= MAX_PATH
        {
            *path = absolute;
        }
    }
}

/// The file of a bound path. Dropping it removes the file, unless another binding took the path
/// over meanwhile.
#[derive(Debug)]
pub(super) struct SocketFile {
    /// Absolute: the application may change its working directory.
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    /// Made for a wildcard; dropped after the file is gone.
    directory: Option<TemporaryDirectory>,
}

impl SocketFile {
    fn claim(path: &Path, directory: Option<TemporaryDirectory>) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let identity = socket_identity(&path)?;
        Ok(Self { path, identity, directory })
    }

    /// Removes the file, and the directory that was made for it.
    ///
    /// # Errors
    /// Where there is such a directory, as the operating system says. A path that the application
    /// chose may belong to another binding by now, or be gone.
    pub(super) fn remove(mut self) -> io::Result<()> {
        let Some(directory) = self.directory.take() else {
            return Ok(());
        };
        fs::remove_file(&self.path)?;
        fs::remove_dir(&directory.0)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if socket_identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn socket_identity(path: &Path) -> io::Result<(u64, u64)> {
    file_status(path)?.socket_identity().ok_or(io::ErrorKind::NotFound.into())
}

/// A new directory that only this user may enter; removed when dropped, if it is empty.
#[derive(Debug)]
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn create() -> io::Result<Self> {
        let parent = temporary_parent();
        let mut attempt = 0;
        loop {
            let name = RandomState::new().build_hasher().finish();
            // Short, for the path of a socket has 107 bytes at most.
            let path = parent.join(format!("tmp{:010x}", name >> 24));
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && attempt < NAME_ATTEMPTS =>
                {
                    attempt += 1;
                }
                result => return result.map(|()| Self(path)),
            }
        }
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// The directory that the environment names for temporary files: the variables that
/// libzmq reads, where they name a directory. Else /tmp, not the working directory as libzmq
/// has it: the path has to stay valid when that changes.
fn temporary_parent() -> PathBuf {
    ["TMPDIR", "TEMPDIR", "TMP"]
        .iter()
        .filter_map(|name| std::env::var_os(name).map(PathBuf::from))
        .filter(|path| path.is_dir())
        .find_map(|path| std::path::absolute(path).ok())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}
