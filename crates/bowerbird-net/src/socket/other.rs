//! Every other system, through socket2.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

/// The flags of a send: none. socket2 sets `SO_NOSIGPIPE` where it exists.
pub(super) const SEND_FLAGS: i32 = 0;

pub(super) fn new_socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
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
pub(crate) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                return Ok((stream, address));
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
}
