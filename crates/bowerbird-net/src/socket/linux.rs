//! Linux: sockets are born non-blocking and closed in children.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendFlags, SocketAddrAny, SocketAddrUnix,
    SocketFlags, acceptfrom_with, recvmsg,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::Received;

/// The flags of a send: no `SIGPIPE`.
pub(super) const SEND_FLAGS: i32 = SendFlags::NOSIGNAL.bits() as i32;

pub(super) fn new_socket(
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
) -> io::Result<Socket> {
    Socket::new(domain, kind.nonblocking(), protocol)
}

pub(super) fn new_pair(kind: Type) -> io::Result<(Socket, Socket)> {
    Socket::pair(Domain::UNIX, kind.nonblocking(), None)
}

pub(super) fn is_in_progress(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

/// A listener may bind while connections of its predecessor are in TIME_WAIT.
pub(super) fn before_bind(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// What is accepted inherits TCP_NODELAY here.
pub(super) fn before_accept(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)
}

/// Receives. By the bare system call, as the three below: the C library makes each of its calls a point of
/// cancellation, two locked instructions in a process with threads.
#[inline]
pub(super) fn recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::net::recv(socket, buffer, RecvFlags::empty())?.0)
}

/// Sends.
#[inline]
pub(super) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
}

/// Receives a datagram.
#[inline]
pub(super) fn recv_from(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let (count, _, from) = rustix::net::recvfrom(socket, buffer, RecvFlags::empty())?;
    Ok((count, from.ok_or(Errno::INVAL)?.try_into()?))
}

/// Sends a datagram.
#[inline]
pub(super) fn send_to(socket: &UdpSocket, bytes: &[u8], to: &SocketAddr) -> io::Result<usize> {
    Ok(rustix::net::sendto(socket, bytes, SendFlags::NOSIGNAL, to)?)
}

/// Accepts a connection; tries again if it was aborted before we came.
fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    loop {
        match acceptfrom_with(&listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Err(Errno::CONNABORTED | Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

pub(super) fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (socket, address) = accept(listener)?;
    let stream = TcpStream::from(socket);
    let address = match address {
        Some(address) => address.try_into()?,
        None => stream.peer_addr()?,
    };
    Ok((stream, address))
}

pub(super) fn accept_unix(listener: &UnixListener) -> io::Result<(UnixStream, UnixAddr)> {
    let (socket, address) = accept(listener)?;
    let stream = UnixStream::from(socket);
    let address = match address.and_then(|any| SocketAddrUnix::try_from(any).ok()) {
        // Nearly all clients have no name, and std has no other way to say so.
        Some(address) if address.is_unnamed() => UnixAddr::from_pathname("")?,
        _ => stream.peer_addr()?,
    };
    Ok((stream, address))
}

/// Receives from a Unix stream. A receive also stops where descriptors (or credentials, if they were asked
/// for) came with the bytes; then the system says that it has dropped them, and more may be behind.
#[inline]
pub(super) fn recv_unix(
    stream: &UnixStream,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<Received> {
    let mut no_control = RecvAncillaryBuffer::default();
    let received = recvmsg(stream, buffers, &mut no_control, RecvFlags::empty())?;
    let is_all = !received.flags.contains(ReturnFlags::CTRUNC);
    Ok(Received { count: received.bytes, is_all })
}
