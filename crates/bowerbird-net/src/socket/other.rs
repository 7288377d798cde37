//! Every other system, through socket2.

#[cfg(unix)]
use std::io::IoSliceMut;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};

use socket2::{Domain, Protocol, Socket, Type};

#[cfg(unix)]
use super::Received;
use super::{DATAGRAMS, Meta, OsDatagram};

/// The flags of a send: none. socket2 sets `SO_NOSIGPIPE` where it exists.
pub(super) const SEND_FLAGS: i32 = 0;

pub(super) fn new_socket(
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(unix)]
pub(super) fn new_pair(kind: Type) -> io::Result<(Socket, Socket)> {
    let (one, other) = Socket::pair(Domain::UNIX, kind, None)?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((one, other))
}

#[cfg(unix)]
pub(super) fn is_in_progress(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::INPROGRESS)
}

#[cfg(not(unix))]
pub(super) fn is_in_progress(_error: &io::Error) -> bool {
    // Windows says `WouldBlock`.
    false
}

/// Receives.
#[inline]
pub(super) fn recv(mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    socket.read(buffer)
}

/// Sends; std passes `MSG_NOSIGNAL` where there is one.
#[inline]
pub(super) fn send(mut socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    socket.write(bytes)
}

/// Receives a datagram.
#[cfg(unix)]
#[inline]
pub(super) fn recv_from(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    socket.recv_from(buffer)
}

/// Sends a datagram.
#[cfg(unix)]
#[inline]
pub(super) fn send_to(socket: &UdpSocket, bytes: &[u8], to: &SocketAddr) -> io::Result<usize> {
    socket.send_to(bytes, to)
}

/// A listener may bind while connections of its predecessor are in TIME_WAIT.
#[cfg(unix)]
pub(super) fn before_bind(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// On Windows the option of that name lets two listeners have one port: not what anybody wants.
#[cfg(not(unix))]
pub(super) fn before_bind(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

/// TCP_NODELAY is set on each accepted socket instead: not every system lets it be inherited.
pub(super) fn before_accept(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

/// Accepts a connection; tries again if it was aborted before we came.
fn accept<T>(mut once: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match once() {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                ) => {}
            result => return result,
        }
    }
}

pub(super) fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, address) = accept(|| listener.accept())?;
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok((stream, address))
}

#[cfg(unix)]
pub(super) fn accept_unix(listener: &UnixListener) -> io::Result<(UnixStream, UnixAddr)> {
    let (stream, address) = accept(|| listener.accept())?;
    stream.set_nonblocking(true)?;
    Ok((stream, address))
}

/// Receives from a Unix stream.
#[cfg(unix)]
pub(super) fn recv_unix(
    mut stream: &UnixStream,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<Received> {
    stream.read_vectored(buffers).map(Received::some)
}

/// Receives until there is no datagram or no memory any more, one call each.
pub(crate) fn recv_many(
    socket: &UdpSocket,
    memory: &mut [u8],
    size: usize,
    metas: &mut [Meta],
) -> io::Result<usize> {
    let mut count = 0;
    for (buffer, meta) in memory.chunks_exact_mut(size).zip(metas).take(DATAGRAMS) {
        match socket.recv_message(buffer) {
            Ok((length, from, is_truncated)) => *meta = Meta { length, from, is_truncated },
            Err(_) if count > 0 => break,
            Err(error) => return Err(error),
        }
        count += 1;
    }
    Ok(count)
}

/// Sends until the system takes no more, one call each.
pub(crate) fn send_many(socket: &UdpSocket, messages: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    let mut count = 0;
    for (bytes, to) in messages.iter().take(DATAGRAMS) {
        match socket.send_to(bytes, to) {
            Ok(_) => count += 1,
            Err(_) if count > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}
