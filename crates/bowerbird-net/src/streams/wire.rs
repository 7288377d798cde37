//! What reader and writer share: something that moves bytes both ways.

use std::any::{Any, TypeId};
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};

use bowerbird_io::Leaf;

use crate::byte_stream::Endpoint;

/// Moves bytes for a [`StreamReader`](super::StreamReader) and a [`StreamWriter`](super::StreamWriter). At
/// most one thread reads and at most one writes at a time, but the two directions are independent.
pub(super) trait Wire: Send + Sync {
    /// Reads what is there; 0 is the end.
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes without waiting; `WouldBlock` also where only [`poll_write`](Self::poll_write) can tell.
    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Sends what the stream itself has kept.
    fn poll_flush(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends the writing direction, after everything was flushed.
    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The connection is being closed: limits the time that its end may take, from the first call on. Returns
    /// whether it does, and then has to be polled.
    fn limit_end(&self) -> bool {
        false
    }

    /// Whether reading goes on after [`poll_end`](Self::poll_end).
    fn can_write_eof(&self) -> bool;

    /// Ends both directions at once; a read that waits is woken and reads the end.
    fn close(&self);

    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// What [`get_extra_info`](super::StreamWriter::get_extra_info) gives for a type, if there is one of it.
    fn extra(&self, _wanted: TypeId) -> Option<&dyn Any> {
        None
    }
}

/// A socket, and its peer, which the system forgets when the connection ends.
pub(super) struct SocketWire<E> {
    pub(super) stream: E,
    pub(super) peer: Option<SocketAddr>,
}

impl<E: Endpoint + Any + Send + Sync> Wire for SocketWire<E> {
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.core().poll_recv_leaf(cx, leaf, buffer)
    }

    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.core().try_send_vectored(pieces)
    }

    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.stream.core().poll_send_vectored(cx, pieces)
    }

    fn poll_end(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.core().shutdown(Shutdown::Write))
    }

    fn can_write_eof(&self) -> bool {
        true
    }

    fn close(&self) {
        // A connection that is broken is closed.
        let _ = self.stream.core().shutdown(Shutdown::Both);
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    fn extra(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<E>()).then_some(&self.stream as &dyn Any)
    }
}
