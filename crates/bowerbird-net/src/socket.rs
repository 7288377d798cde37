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
//! | a short read of a Unix stream | `recvmsg` tells whether descriptors or credentials cut it short | |
//! | a file, or a stream into another | `sendfile`, `splice` | through a buffer |
//! | many datagrams | `recvmmsg`, `sendmmsg` | one call each |

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as os;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as os;

mod datagram;
mod kernel_copy;
mod listener;
#[cfg(unix)]
mod message;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "no safe wrapper receives many datagrams in one call")]
mod mmsg;
#[cfg(windows)]
mod named_pipe;
mod option;
#[cfg(unix)]
mod pipe;
mod stream;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_datagram;
#[cfg(windows)]
#[allow(unsafe_code, reason = "socket2 wants memory that need not be initialised")]
mod windows_udp;
#[cfg(unix)]
#[allow(unsafe_code, reason = "no safe wrapper tells all identities of a peer")]
mod credentials;

#[cfg(unix)]
pub(crate) use credentials::credentials_of_peer;
pub(crate) use datagram::{DatagramCalls, OsDatagram, UdpOptions, bind_udp, connect_udp};
pub(crate) use kernel_copy::{Channel, sendfile};
pub use kernel_copy::{is_refused, read_at};
pub(crate) use listener::OsListener;
#[cfg(target_os = "linux")]
pub(crate) use mmsg::{recv_many, send_many};
#[cfg(windows)]
pub(crate) use named_pipe::{
    Info, NamedPipe, NewPipe, Opening, create_named_pipe, open_named_pipe,
};
pub(crate) use option::option;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{recv_many, send_many};
#[cfg(unix)]
pub(crate) use pipe::{PipeReader, PipeWriter, adopt_pipe, new_pipe, open_fifo, set_nonblocking};
use stream::calls;
pub(crate) use stream::{Calls, OsRead, OsSocket, OsSource, OsWrite, Received};
#[cfg(unix)]
pub(crate) use unix::{
    UnixConnect, begin_connect_unix, begin_listen_unix, bind_unix, finish_connect_unix,
    listen_unix, new_unix_stream, std_unix_address, unix_address, unix_address_of, unix_pair,
};
#[cfg(unix)]
pub(crate) use unix_datagram::{connect_unix, new_unix_datagram};

/// What came with a datagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    pub(crate) length: usize,
    pub(crate) from: SocketAddr,
    pub(crate) is_truncated: bool,
}

/// How many datagrams one call moves, at most: what `recvmmsg` needs for them is on the stack, and where they are
/// moved one by one, a long list would keep the worker.
const DATAGRAMS: usize = 32;

/// How many connections may wait to be accepted; the system may have a lower limit.
const BACKLOG: i32 = 1024;

// ----- making sockets --------------------------------------------------------------------------------

/// Makes a TCP socket of the family of an address.
pub(crate) fn new_tcp(address: SocketAddr) -> io::Result<Socket> {
    os::new_socket(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
}

/// Makes a socket and begins to connect it, from the first of the local addresses that can be bound, if there
/// are any. It is connected, or has an error, when it turns writable.
pub(crate) fn begin_connect(address: SocketAddr, local: &[SocketAddr]) -> io::Result<TcpStream> {
    let socket = new_tcp(address)?;
    let mut bound = Ok(());
    for local in local {
        bound = socket.bind(&SockAddr::from(*local)).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot connect from {local}: {error}"))
        });
        if bound.is_ok() {
            break;
        }
    }
    bound?;
    connect(socket, address)
}

/// Begins to connect a socket.
pub(crate) fn connect(socket: Socket, address: SocketAddr) -> io::Result<TcpStream> {
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
    let socket = new_tcp(address)?;
    os::before_bind(&socket)?;
    socket.bind(&SockAddr::from(address))?;
    begin_listen(socket, BACKLOG)
}

/// Makes a bound socket listen.
pub(crate) fn begin_listen(socket: Socket, backlog: i32) -> io::Result<TcpListener> {
    socket.listen(backlog)?;
    os::before_accept(&socket)?;
    Ok(socket.into())
}

/// Prepares a listener that came from elsewhere.
pub(crate) fn adopt_listener(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    os::before_accept(&SockRef::from(listener))
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
