//! TCP: listening, and how every TCP socket is set up.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::bind_error::{BindError, bind_error};
use super::endpoint::TcpEndpoint;
use super::host_port::HostPort;
use super::options::{Keepalive, TransportOptions};
use super::resolve;
use super::stream::endpoint_text;
use crate::error::{Error, Result};
use crate::io::descriptor::adopt;

/// Binds and listens; also what ZMQ_LAST_ENDPOINT returns for it.
pub(super) fn listen(
    endpoint: &TcpEndpoint,
    options: &TransportOptions,
) -> Result<(Socket, String), BindError> {
    if let Some(source) = &endpoint.source {
        // It has no effect on a listener, but has to be valid (observed).
        resolve::local(source, options.ipv6)?;
    }
    let socket = match options.descriptor {
        // It came bound and listening, and set up as its owner wants it (ZMQ_USE_FD).
        Some(descriptor) => Socket::from(adopt(descriptor).map_err(bind_error)?),
        None => bind(&endpoint.address, options)?,
    };
    let address = socket.local_addr().map_err(bind_error)?;
    if address.as_socket().is_none() {
        return Err(Error::InvalidArgument.into());
    }
    Ok((socket, endpoint_text(&address)))
}

fn bind(local: &HostPort, options: &TransportOptions) -> Result<Socket, BindError> {
    let address = resolve::local(local, options.ipv6)?;
    let (socket, address) = match open(address, options) {
        // A kernel without IPv6: ZMQ_IPV6 then means what is there of it.
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
            let address = resolve::local(local, false).map_err(|_| bind_error(error))?;
            (open(address, options).map_err(bind_error)?, address)
        }
        result => (result.map_err(bind_error)?, address),
    };
    // The port of a listener that ended can be bound again at once.
    let bound = socket
        .set_reuse_address(true)
        .and_then(|()| socket.bind(&address.into()))
        .and_then(|()| socket.listen(options.backlog));
    BindError::check(bound, socket)
}

/// A socket of the address's family, with all options that must precede bind and connect.
pub(super) fn open(address: SocketAddr, options: &TransportOptions) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    set_buffers(&socket, options)?;
    if options.type_of_service != 0 {
        // On a dual-stack socket each family has its own setting.
        if address.is_ipv6() {
            socket.set_tclass_v6(options.type_of_service)?;
        }
        socket.set_tos_v4(options.type_of_service)?;
    }
    if let Some(device) = &options.device {
        socket.bind_device(Some(device))?;
    }
    Ok(socket)
}

/// The kernel's buffers and scheduling, for sockets of any transport.
pub(super) fn set_buffers(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size)?;
    }
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    // High values are refused to most processes, which connect all the same.
    if options.priority != 0 {
        let _ = socket.set_priority(options.priority);
    }
    if let Some(time) = options.busy_poll {
        let _ = socket.set_busy_poll(time.unsigned_abs());
    }
    Ok(())
}

/// What every connection gets, accepted or made by us.
pub(super) fn tune(
    socket: &Socket,
    keepalive: &Keepalive,
    max_retransmit: Option<Duration>,
) -> io::Result<()> {
    // Batching is done by the engine; the kernel's would only delay messages.
    socket.set_tcp_nodelay(true)?;
    if let Some(enabled) = keepalive.enabled {
        socket.set_keepalive(enabled)?;
        if enabled {
            set_keepalive_times(socket, keepalive)?;
        }
    }
    if max_retransmit.is_some() {
        socket.set_tcp_user_timeout(max_retransmit)?;
    }
    Ok(())
}

fn set_keepalive_times(socket: &Socket, keepalive: &Keepalive) -> io::Result<()> {
    let mut times = TcpKeepalive::new();
    if let Some(idle) = keepalive.idle {
        times = times.with_time(idle);
    }
    if let Some(interval) = keepalive.interval {
        times = times.with_interval(interval);
    }
    if let Some(probes) = keepalive.probes {
        times = times.with_retries(probes);
    }
    socket.set_tcp_keepalive(&times)
}
