//! Linux: sockets are born non-blocking and closed in children.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::io::Errno;
use rustix::net::{SendFlags, SocketFlags, acceptfrom_with};
use socket2::{Domain, Protocol, Socket, Type};

/// The flags of a send: no `SIGPIPE`.
pub(super) const SEND_FLAGS: i32 = SendFlags::NOSIGNAL.bits() as i32;

pub(super) fn new_socket(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))
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

/// Accepts a connection; tries again if it was aborted before we came.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok((socket, Some(address))) => return Ok((socket.into(), address.try_into()?)),
            Ok((socket, None)) => {
                let stream = TcpStream::from(socket);
                let address = stream.peer_addr()?;
                return Ok((stream, address));
            }
            Err(Errno::CONNABORTED | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
