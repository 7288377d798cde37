//! The one place that reaches the operating system.
//!
//! Everything here works on non-blocking sockets and makes one system call a call, except where it says
//! otherwise. A simulation replaces this file. What one system can do better is in a file named for it:
//!
//! | | Linux | others |
//! |---|---|---|
//! | a new socket | one call | `socket`, then non-blocking mode |
//! | accept | `accept4`, one call | `accept`, then non-blocking mode |
//! | `SIGPIPE` | `MSG_NOSIGNAL` on each send | `SO_NOSIGPIPE` where it exists; Rust ignores the signal |
//! | TCP_NODELAY of what is accepted | inherited from the listener | set on each |

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as os;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as os;

#[cfg(any(feature = "tokio-io", feature = "hyper"))]
mod uninit;
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
pub(crate) use uninit::recv_uninit;

pub(crate) use os::accept;

/// How many connections may wait to be accepted; the system may have a lower limit.
const BACKLOG: i32 = 1024;

// ----- making sockets --------------------------------------------------------------------------------

/// Makes a socket and begins to connect it. It is connected, or has an error, when it turns writable.
pub(crate) fn begin_connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = os::new_socket(Domain::for_address(address))?;
    match socket.connect(&SockAddr::from(address)) {
        Ok(()) => {}
        Err(error) if is_in_progress(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

fn is_in_progress(error: &io::Error) -> bool {
    // A connect that a signal interrupted goes on as well.
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || os::is_in_progress(error)
}

/// Tells how a connect ended, once the socket has turned writable.
pub(crate) fn finish_connect(stream: &TcpStream) -> io::Result<()> {
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Makes a listening socket.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = os::new_socket(Domain::for_address(address))?;
    os::before_bind(&socket)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    os::before_accept(&socket)?;
    Ok(socket.into())
}

/// Prepares a listener that came from elsewhere.
pub(crate) fn adopt_listener(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    os::before_accept(&SockRef::from(listener))
}

/// Prepares a stream that came from elsewhere.
pub(crate) fn adopt_stream(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)
}

// ----- moving bytes ----------------------------------------------------------------------------------

#[inline]
pub(crate) fn recv(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    stream.read(buffer)
}

#[inline]
pub(crate) fn recv_vectored(
    mut stream: &TcpStream,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<usize> {
    stream.read_vectored(buffers)
}

pub(crate) fn peek(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    stream.peek(buffer)
}

/// Sends; std passes `MSG_NOSIGNAL` where there is one.
#[inline]
pub(crate) fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.write(bytes)
}

/// Sends several pieces. A single one goes by the shorter call.
#[inline]
pub(crate) fn send_vectored(stream: &TcpStream, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut pieces = bytes.iter().filter(|piece| !piece.is_empty());
    if let (Some(only), None) = (pieces.next(), pieces.next()) {
        return send(stream, only);
    }
    SockRef::from(stream).send_vectored_with_flags(bytes, os::SEND_FLAGS)
}

/// Ends one direction or both; a connection that the peer has ended already is ended.
pub(crate) fn shutdown(stream: &TcpStream, how: Shutdown) -> io::Result<()> {
    match stream.shutdown(how) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

// ----- options ---------------------------------------------------------------------------------------

pub(crate) fn set_nodelay(stream: &TcpStream, on: bool) -> io::Result<()> {
    stream.set_nodelay(on)
}

pub(crate) fn linger(stream: &TcpStream) -> io::Result<Option<Duration>> {
    SockRef::from(stream).linger()
}

pub(crate) fn set_linger(stream: &TcpStream, linger: Option<Duration>) -> io::Result<()> {
    SockRef::from(stream).set_linger(linger)
}
