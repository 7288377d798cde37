//! What a transport's bytes go through.

use std::any::Any;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};

use bowerbird_net::TcpStream;
#[cfg(unix)]
use bowerbird_net::UnixStream;

use super::connection::Closes;

/// A connection that there is already: a [`TcpStream`], or a [`UnixStream`](crate::net::UnixStream).
///
/// asyncio: the `sock` argument of `connect_accepted_socket`.
#[derive(Debug)]
pub struct Socket(pub(super) Wire);

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(Wire::Tcp(stream))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self(Wire::Unix(stream))
    }
}

/// The socket under a transport. All operations return at once.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls what all have by the same name.
macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self {
            Wire::Tcp($stream) => $call,
            #[cfg(unix)]
            Wire::Unix($stream) => $call,
        }
    };
}

impl Wire {
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        each!(self, stream => stream.try_read(buffer))
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, stream => stream.try_write(bytes))
    }

    pub(super) fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        each!(self, stream => stream.try_write_vectored(bytes))
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read_ready(cx))
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_write_ready(cx))
    }

    /// Ends the writing direction, so that the peer reads the end of the stream.
    pub(super) fn end_writing(&self) -> io::Result<()> {
        each!(self, stream => stream.shutdown_how(Shutdown::Write))
    }

    /// The socket itself.
    pub(super) fn socket(&self) -> &dyn Any {
        each!(self, stream => stream)
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl Closes for Wire {
    fn close(self) {
        each!(self, stream => drop(stream.into_std()));
    }
}
