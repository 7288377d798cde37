//! What a transport's bytes go through.

use std::any::Any;
use std::fs::File;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};

use bowerbird_net::TcpStream;
#[cfg(unix)]
use bowerbird_net::{
    UnixStream,
    pipe::{Receiver, Sender},
};

use super::connection::Closes;

/// A connection that there is already: a [`TcpStream`], a [`UnixStream`](crate::net::UnixStream), or an end of a
/// [`pipe`](crate::net::pipe).
///
/// asyncio: the `sock` argument of `connect_accepted_socket`, the `pipe` of `connect_read_pipe`.
#[derive(Debug)]
pub struct Socket(pub(super) Wire);

/// The socket under a transport. All operations return at once.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(unix)]
    Sender(Sender),
    #[cfg(unix)]
    Receiver(Receiver),
}

macro_rules! socket_from {
    ($($type:ident: $variant:ident),*) => {
        $(impl From<$type> for Socket {
            fn from(stream: $type) -> Self {
                Self(Wire::$variant(stream))
            }
        })*
    };
}

socket_from!(TcpStream: Tcp);
#[cfg(unix)]
socket_from!(UnixStream: Unix, Sender: Sender, Receiver: Receiver);

/// What an end of a pipe cannot do. The state of the transport does not ask for it.
#[cfg(unix)]
fn one_way<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the other direction of a pipe"))
}

/// Calls what all that are read from have by the same name.
macro_rules! reads {
    ($self:ident, $stream:ident => $call:expr, $else:expr) => {
        match $self {
            Wire::Tcp($stream) => $call,
            #[cfg(unix)]
            Wire::Unix($stream) => $call,
            #[cfg(unix)]
            Wire::Receiver($stream) => $call,
            #[cfg(unix)]
            Wire::Sender(_) => $else,
        }
    };
}

/// Calls what all that are written to have by the same name.
macro_rules! writes {
    ($self:ident, $stream:ident => $call:expr, $else:expr) => {
        match $self {
            Wire::Tcp($stream) => $call,
            #[cfg(unix)]
            Wire::Unix($stream) => $call,
            #[cfg(unix)]
            Wire::Sender($stream) => $call,
            #[cfg(unix)]
            Wire::Receiver(_) => $else,
        }
    };
}

impl Wire {
    /// For the name of the task.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            #[cfg(unix)]
            Self::Unix(_) => "unix",
            #[cfg(unix)]
            Self::Sender(_) | Self::Receiver(_) => "pipe",
        }
    }

    pub(super) fn can_read(&self) -> bool {
        reads!(self, _stream => true, false)
    }

    pub(super) fn can_write(&self) -> bool {
        writes!(self, _stream => true, false)
    }

    /// Whether each direction has an end of its own.
    pub(super) fn has_two_ways(&self) -> bool {
        self.can_read() && self.can_write()
    }

    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        reads!(self, stream => stream.try_read(buffer), one_way())
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        writes!(self, stream => stream.try_write(bytes), one_way())
    }

    pub(super) fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        writes!(self, stream => stream.try_write_vectored(bytes), one_way())
    }

    /// Sends a piece of a file, if the system does that.
    pub(super) fn try_sendfile(&self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_sendfile(file, offset, count),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_sendfile(file, offset, count),
            #[cfg(unix)]
            Self::Sender(_) | Self::Receiver(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        reads!(self, stream => stream.poll_read_ready(cx), Poll::Ready(one_way()))
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        writes!(self, stream => stream.poll_write_ready(cx), Poll::Ready(one_way()))
    }

    /// Of the writing end of a pipe: waits until nobody can read any more. Others wait for ever.
    pub(super) fn poll_reader_gone(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            #[cfg(unix)]
            Self::Sender(pipe) => pipe.poll_reader_gone(cx),
            _ => {
                let _nothing_wakes_it = cx;
                Poll::Pending
            }
        }
    }

    /// Ends the writing direction, so that the peer reads the end of the stream.
    pub(super) fn end_writing(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown_how(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown_how(Shutdown::Write),
            #[cfg(unix)]
            Self::Sender(_) | Self::Receiver(_) => one_way(),
        }
    }

    /// The socket itself.
    pub(super) fn socket(&self) -> &dyn Any {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
            #[cfg(unix)]
            Self::Sender(pipe) => pipe,
            #[cfg(unix)]
            Self::Receiver(pipe) => pipe,
        }
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            #[cfg(unix)]
            _ => None,
        }
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            _ => None,
        }
    }
}

impl Closes for Wire {
    fn close(self) {
        match self {
            Self::Tcp(stream) => drop(stream.into_std()),
            #[cfg(unix)]
            Self::Unix(stream) => drop(stream.into_std()),
            #[cfg(unix)]
            Self::Sender(pipe) => drop(pipe.into_nonblocking_fd()),
            #[cfg(unix)]
            Self::Receiver(pipe) => drop(pipe.into_nonblocking_fd()),
        }
    }
}
