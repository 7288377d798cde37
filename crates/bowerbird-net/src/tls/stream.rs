//! A stream in a TLS session.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use bowerbird_timer::Sleep;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls::CommonState;

use super::handshake::took_longer_than;
use super::info::info_of;
use super::{Limits, TlsError, TlsInfo};

/// A stream in a TLS session, from [`TlsConnector::connect`](super::TlsConnector::connect) or
/// [`TlsAcceptor::accept`](super::TlsAcceptor::accept).
///
/// asyncio: the transport of a TLS connection.
///
/// It reads and writes by the traits of futures-io, for which
/// [`AsyncReadExt`](https://docs.rs/bowerbird/latest/bowerbird/io/trait.AsyncReadExt.html) and its fellows
/// have the methods. What is written is encrypted at once and sent as far as the stream below takes it; **`flush`
/// sends the rest**, and so does a read that has to wait.
///
/// A peer that ends the connection without saying so inside the session may have been cut off by somebody else:
/// reading gives [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) then, and not the end. [`close`](Self::close)
/// says so to the peer.
pub struct TlsStream<S> {
    inner: futures_rustls::TlsStream<S>,
    /// Who waits to write, if somebody does.
    writer: Option<Waker>,
    /// Whether the end has been sent.
    is_closed: bool,
    limits: Limits,
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the TLS session was closed on this side")
}

impl<S> TlsStream<S> {
    pub(super) fn new(inner: futures_rustls::TlsStream<S>, limits: Limits) -> Self {
        Self { inner, writer: None, is_closed: false, limits }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().0
    }

    /// The stream below; what is read from it or written to it by hand ends the session with an error.
    pub fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut().0
    }

    /// What the two sides agreed on.
    ///
    /// asyncio: `writer.get_extra_info("ssl_object")`, and what one asks it.
    pub fn info(&self) -> TlsInfo {
        info_of(self.session(), self.server_name())
    }

    fn server_name(&self) -> Option<&str> {
        match &self.inner {
            futures_rustls::TlsStream::Server(stream) => stream.get_ref().1.server_name(),
            futures_rustls::TlsStream::Client(_) => None,
        }
    }

    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.limits.shutdown
    }

    fn session(&self) -> &CommonState {
        self.inner.get_ref().1
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Sends what is left, says to the peer that this is the end, and ends the sending side of the stream below.
    ///
    /// asyncio: `writer.close()` and `wait_closed()`, of which this is the sending half. What the peer still
    /// sends can be read.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped: another call goes on.
    ///
    /// # Errors
    /// The stream below failed; or the peer did not take what is left within
    /// [`shutdown_timeout`](super::TlsConnectorBuilder::shutdown_timeout)
    /// ([`TimedOut`](io::ErrorKind::TimedOut)).
    #[track_caller]
    pub fn close(&mut self) -> Close<'_, S> {
        Close { stream: self, limit: None, leaf: Leaf::new("TlsStream::close") }
    }

    /// Polls a writing operation and remembers who waits.
    fn poll_writing<R>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(
            Pin<&mut futures_rustls::TlsStream<S>>,
            &mut Context<'_>,
        ) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if self.is_closed {
            return Poll::Ready(Err(closed()));
        }
        let result = operation(Pin::new(&mut self.inner), cx);
        self.writer = result.is_pending().then(|| cx.waker().clone());
        result
    }

    /// Sends what earlier writes have left before a read waits, so that a request is never stuck behind its own
    /// answer. Not while somebody else waits to write: they will send it, and below there is room for one waker.
    fn send_on(&mut self, cx: &mut Context<'_>) {
        if self.is_closed || !self.session().wants_write() {
            return;
        }
        if self.writer.as_ref().is_none_or(|writer| writer.will_wake(cx.waker())) {
            // An error is told to the next write; what has arrived can be read.
            let _ = Pin::new(&mut self.inner).poll_flush(cx);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.send_on(cx);
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.send_on(cx);
        Pin::new(&mut self.inner).poll_read_vectored(cx, buffers)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_writing(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_writing(cx, |stream, cx| stream.poll_write_vectored(cx, pieces))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_closed {
            return Poll::Ready(Ok(()));
        }
        self.poll_writing(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_closed {
            return Poll::Ready(Ok(()));
        }
        let closed = self.poll_writing(cx, |stream, cx| stream.poll_close(cx));
        self.is_closed = matches!(closed, Poll::Ready(Ok(())));
        closed
    }
}

/// The future of [`TlsStream::close`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Close<'a, S> {
    stream: &'a mut TlsStream<S>,
    /// Made when it waits for the first time.
    limit: Option<Sleep>,
    leaf: Leaf,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Close<'_, S> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.leaf.polled();
        let duration = self.stream.limits.shutdown;
        if let Poll::Ready(closed) = Pin::new(&mut *self.stream).poll_close(cx) {
            return Poll::Ready(closed);
        }
        let limit = self.limit.get_or_insert_with(|| bowerbird_timer::part::sleep(duration));
        limit.poll_due(cx).map(|()| {
            let error = took_longer_than(duration);
            Err(TlsError::new("the end of the TLS session could not be sent", error).into())
        })
    }
}

impl<S> CancelSafe for Close<'_, S> {}

impl<S> fmt::Debug for Close<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("stream", self.get_ref())
            .field("version", &self.session().protocol_version())
            .finish_non_exhaustive()
    }
}

/// The writing half of tokio's traits and of hyper's, which have the same methods.
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
macro_rules! writes {
    ($Write:path) => {
        impl<S: AsyncRead + AsyncWrite + Unpin> $Write for TlsStream<S> {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                AsyncWrite::poll_write(self, cx, bytes)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                pieces: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                AsyncWrite::poll_write_vectored(self, cx, pieces)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                AsyncWrite::poll_flush(self, cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                AsyncWrite::poll_close(self, cx)
            }
        }
    };
}

#[cfg(feature = "tokio-io")]
mod tokio_io {
    use std::io::{self, IoSlice};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use futures_io::{AsyncRead, AsyncWrite};
    use tokio::io::ReadBuf;

    use super::TlsStream;

    impl<S: AsyncRead + AsyncWrite + Unpin> tokio::io::AsyncRead for TlsStream<S> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let count = ready!(AsyncRead::poll_read(self, cx, buffer.initialize_unfilled()))?;
            buffer.advance(count);
            Poll::Ready(Ok(()))
        }
    }

    writes!(tokio::io::AsyncWrite);
}

#[cfg(feature = "hyper")]
mod hyper_io {
    use std::io::{self, IoSlice};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use futures_io::{AsyncRead, AsyncWrite};
    use hyper::rt::{Read, ReadBufCursor};

    use super::TlsStream;

    impl<S: AsyncRead + AsyncWrite + Unpin> Read for TlsStream<S> {
        #[allow(unsafe_code, reason = "hyper's cursor cannot be advanced without")]
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            mut buffer: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            let room = buffer.initialize_unfilled();
            let length = room.len();
            let count = ready!(AsyncRead::poll_read(self, cx, room))?;
            assert!(count <= length, "the stream read {count} bytes into room for {length}");
            // SAFETY: everything unfilled has just been initialised, and `count` is no more than that.
            unsafe { buffer.advance(count) };
            Poll::Ready(Ok(()))
        }
    }

    writes!(hyper::rt::Write);
}
