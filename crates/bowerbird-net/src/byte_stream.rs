//! What all streams of bytes have in common, whatever the system calls them: [`Core`].
//!
//! `TcpStream`, `UnixStream` and the ends of a pipe are a [`Core`] each. The futures (`futures`), the halves
//! (`halves`) and the foreign traits (`crate::traits`) are written once, for every core; the methods of the
//! public types come from the macros of `methods`, so that each type has its own documentation.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::unclosed::Unclosed;
use bowerbird_io::{AsyncFd, Interest, IoDriver, Leaf};

use crate::socket::{OsRead, OsSocket, OsSource, OsWrite, Received};

pub(crate) mod futures;
pub(crate) mod halves;
pub(crate) mod methods;
pub(crate) mod sendfile;
pub(crate) mod splice;
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
mod uninit;

/// A stream of bytes of this crate. Sealed: users meet it only in the bounds of what streams share.
pub trait Endpoint: Sized {
    /// What the system's handle is.
    type Os: OsSocket;

    /// Makes the public type.
    fn from_core(core: Core<Self::Os>) -> Self;

    /// Borrows what is behind the public type.
    fn core(&self) -> &Core<Self::Os>;
}

/// A registered source of bytes, or a sink of bytes, or both.
pub struct Core<O: OsSource> {
    source: AsyncFd<O>,
    unclosed: Unclosed,
}

impl<O: OsSource> Core<O> {
    /// What it is registered for.
    pub(crate) const INTEREST: Interest = O::INTEREST;

    /// A stream that was made at the user's line, if that is known.
    pub(crate) fn register(
        driver: Arc<IoDriver>,
        os: O,
        location: Option<&'static Location<'static>>,
    ) -> io::Result<Self> {
        let source = AsyncFd::register(driver, os, O::INTEREST)?;
        Ok(Self::registered(source, location))
    }

    /// The same for what is registered already.
    pub(crate) fn registered(
        source: AsyncFd<O>,
        location: Option<&'static Location<'static>>,
    ) -> Self {
        let unclosed =
            if O::REPORTS_UNCLOSED { Unclosed::new(location) } else { Unclosed::default() };
        Self { source, unclosed }
    }

    /// Gives the system's handle back.
    pub(crate) fn into_os(mut self) -> O {
        self.unclosed = Unclosed::default();
        self.source.take_inner()
    }

    #[inline]
    pub(crate) fn source(&self) -> &AsyncFd<O> {
        &self.source
    }

    #[inline]
    pub(crate) fn os(&self) -> &O {
        self.source.get_ref()
    }

    /// The user has said how the connection is to end, or somebody else sees to it: debug mode does not look.
    pub(crate) fn intend(&self) {
        self.unclosed.intend();
    }
}

impl<O: OsRead> Core<O> {
    /// One receive, and the note that it was short.
    #[inline]
    fn recv_with(
        &self,
        length: usize,
        recv: impl FnOnce(&O) -> io::Result<Received>,
    ) -> io::Result<usize> {
        let before = self.source.before_read();
        let Received { count, is_all } = recv(self.os())?;
        if 0 < count && count < length && is_all {
            self.source.clear_after_short_read(before);
        }
        Ok(count)
    }

    #[inline]
    pub(crate) fn poll_recv_leaf(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_with_leaf(cx, Interest::READABLE, leaf, |_| {
            let length = buffer.len();
            self.recv_with(length, |os| os.recv(buffer))
        })
    }

    #[inline]
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_read_with(cx, |_| {
            let length = buffer.len();
            self.recv_with(length, |os| os.recv(buffer))
        })
    }

    pub(crate) fn poll_recv_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = total(buffers);
        self.source.poll_read_with(cx, |_| self.recv_with(length, |os| os.recv_vectored(buffers)))
    }

    pub(crate) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        self.source.try_io(Interest::READABLE, |_| self.recv_with(length, |os| os.recv(buffer)))
    }

    pub(crate) fn try_recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let length = total(buffers);
        let recv = |os: &O| os.recv_vectored(buffers);
        self.source.try_io(Interest::READABLE, |_| self.recv_with(length, recv))
    }
}

fn total(buffers: &[IoSliceMut<'_>]) -> usize {
    buffers.iter().map(|buffer| buffer.len()).sum()
}

impl<O: OsWrite> Core<O> {
    /// One send, and the note that there was one.
    #[inline]
    fn send_with(&self, send: impl FnOnce(&O) -> io::Result<usize>) -> io::Result<usize> {
        let count = send(self.os())?;
        self.unclosed.wrote();
        Ok(count)
    }

    #[inline]
    pub(crate) fn poll_send_leaf(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.source
            .poll_with_leaf(cx, Interest::WRITABLE, leaf, |_| self.send_with(|os| os.send(bytes)))
    }

    #[inline]
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.source.poll_write_with(cx, |_| self.send_with(|os| os.send(bytes)))
    }

    #[inline]
    pub(crate) fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_write_with(cx, |_| self.send_with(|os| os.send_vectored(bytes)))
    }

    /// Ends the writing direction, if that is possible.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.unclosed.ended();
        or_ended(self.os().end())
    }

    pub(crate) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.source.try_io(Interest::WRITABLE, |_| self.send_with(|os| os.send(bytes)))
    }

    pub(crate) fn try_send_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.source.try_io(Interest::WRITABLE, |_| self.send_with(|os| os.send_vectored(bytes)))
    }
}

impl<O: OsSocket> Core<O> {
    pub(crate) fn try_sendfile(&self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        let send = |os: &O| crate::socket::sendfile(os, file, offset, count);
        self.source.try_io(Interest::WRITABLE, |_| self.send_with(send))
    }

    /// Ends one direction or both.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            self.unclosed.ended();
        }
        let ended = or_ended(self.os().shutdown(how));
        // Windows does not tell a poller of what this end has ended itself: who waits here would wait on.
        #[cfg(windows)]
        self.source.reporter().report(match how {
            Shutdown::Read => Interest::READABLE,
            Shutdown::Write => Interest::WRITABLE,
            Shutdown::Both => Interest::READABLE | Interest::WRITABLE,
        });
        ended
    }
}

/// A connection that the peer has ended already is ended.
fn or_ended(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

impl<O: OsSource> Drop for Core<O> {
    #[inline]
    fn drop(&mut self) {
        // Not before they are asked for: `into_os` has taken the handle, and looks at nothing.
        let source = &self.source;
        let (look, peer) = (|| source.get_ref().unread(), || source.get_ref().peer());
        self.unclosed.dropped(O::CALLS.name, look, peer);
    }
}
