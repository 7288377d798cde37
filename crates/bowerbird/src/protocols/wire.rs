//! What a transport's bytes go through.

use std::any::Any;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};

use bowerbird_net::TcpStream;

/// The socket under a transport. All operations return at once.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(TcpStream),
}

/// Calls what all have by the same name.
macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self {
            Wire::Tcp($stream) => $call,
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

    pub(super) fn can_end_writing(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
        }
    }

    /// Closes it on purpose: debug mode has nothing to say.
    pub(super) fn close(self) {
        match self {
            Self::Tcp(stream) => drop(stream.into_std()),
        }
    }

    /// The socket itself.
    pub(super) fn socket(&self) -> &dyn Any {
        each!(self, stream => stream)
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
        }
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
        }
    }
}
