//! What a listener asks of the system.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};

use bowerbird_io::Descriptor;

use super::{OsSocket, os};

/// A non-blocking handle of the system that gives connections.
pub trait OsListener: Descriptor + Debug {
    /// What it accepts.
    type Stream: OsSocket;
    /// What it knows a peer by.
    type Address;

    /// What the call is named.
    const ACCEPT: &'static str;

    /// Accepts a connection; passes over those that were aborted before we came.
    fn accept(&self) -> io::Result<(Self::Stream, Self::Address)>;
}

impl OsListener for TcpListener {
    type Stream = TcpStream;
    type Address = SocketAddr;
    const ACCEPT: &'static str = "TcpListener::accept";

    #[inline]
    fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        os::accept_tcp(self)
    }
}

#[cfg(unix)]
impl OsListener for UnixListener {
    type Stream = UnixStream;
    type Address = UnixAddr;
    const ACCEPT: &'static str = "UnixListener::accept";

    #[inline]
    fn accept(&self) -> io::Result<(UnixStream, UnixAddr)> {
        os::accept_unix(self)
    }
}
