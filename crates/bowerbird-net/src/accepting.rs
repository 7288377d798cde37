//! What all listeners have in common: how connections are taken from them.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Interest, IoWith};
use futures_core::Stream;

use crate::byte_stream::{Core, Endpoint};
use crate::socket::OsListener;
use crate::tcp::TcpListener;

/// A listener of this crate. Sealed: users meet it only in the bounds of what listeners share.
pub trait Listener: fmt::Debug {
    /// What the system's handle is.
    type Os: OsListener<Stream = <Self::Stream as Endpoint>::Os>;
    /// What it accepts.
    type Stream: Endpoint;

    /// Borrows what is behind the public type.
    fn source(&self) -> &AsyncFd<Self::Os>;
}

/// What a listener knows a peer by.
type AddressOf<L> = <<L as Listener>::Os as OsListener>::Address;
type StreamOf<L> = <L as Listener>::Stream;
type OsStreamOf<L> = <<L as Listener>::Os as OsListener>::Stream;
type AcceptOnce<L> = fn(&<L as Listener>::Os) -> io::Result<(OsStreamOf<L>, AddressOf<L>)>;

/// Makes what the system has accepted a stream of the listener's driver.
fn accepted<L: Listener>(
    listener: &L,
    (stream, peer): (OsStreamOf<L>, AddressOf<L>),
    location: Option<&'static Location<'static>>,
) -> io::Result<(StreamOf<L>, AddressOf<L>)> {
    let core = Core::register(listener.source().driver().clone(), stream, location)?;
    Ok((L::Stream::from_core(core), peer))
}

pub(crate) fn poll_accept<L: Listener>(
    listener: &L,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(StreamOf<L>, AddressOf<L>)>> {
    let connection = ready!(listener.source().poll_read_with(cx, L::Os::accept))?;
    Poll::Ready(accepted(listener, connection, None))
}

/// The future of [`TcpListener::accept`] and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Accept<'a, L: Listener = TcpListener> {
    listener: &'a L,
    accept: IoWith<'a, L::Os, AcceptOnce<L>>,
}

impl<'a, L: Listener> Accept<'a, L> {
    #[track_caller]
    pub(crate) fn new(listener: &'a L) -> Self {
        let operation = L::Os::accept as AcceptOnce<L>;
        let accept = listener.source().io_for(L::Os::ACCEPT, Interest::READABLE, operation);
        Self { listener, accept }
    }
}

impl<L: Listener> Future for Accept<'_, L> {
    type Output = io::Result<(StreamOf<L>, AddressOf<L>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let connection = ready!(Pin::new(&mut self.accept).poll(cx))?;
        Poll::Ready(accepted(self.listener, connection, self.accept.location()))
    }
}

/// The stream of [`TcpListener::incoming`] and of its namesakes.
#[must_use = "streams do nothing unless they are polled"]
pub struct Incoming<'a, L: Listener = TcpListener> {
    listener: &'a L,
}

impl<'a, L: Listener> Incoming<'a, L> {
    pub(crate) fn new(listener: &'a L) -> Self {
        Self { listener }
    }
}

impl<L: Listener> Stream for Incoming<'_, L> {
    type Item = io::Result<L::Stream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_accept(self.listener, cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}

impl<L: Listener> CancelSafe for Accept<'_, L> {}

impl<L: Listener> fmt::Debug for Accept<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept").field("listener", self.listener).finish_non_exhaustive()
    }
}

impl<L: Listener> fmt::Debug for Incoming<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("listener", self.listener).finish_non_exhaustive()
    }
}
