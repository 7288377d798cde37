//! Readers and writers of std that have a descriptor, made asynchronous.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_io::{AsyncFd, Descriptor, Interest, expect_current};
use futures_io::{AsyncRead, AsyncWrite};

use crate::socket::option;

/// Anything of std's `Read` and `Write` that has a descriptor (on Windows a socket), as an asynchronous reader and
/// writer: a terminal, a device, a socket of a family that has no type here.
///
/// asyncio: `connect_read_pipe` and `connect_write_pipe`, for any file object.
///
/// It is an [`AsyncFd`] with the traits of futures-io, and so with the methods of
/// [`AsyncReadExt`](super::AsyncReadExt) and [`AsyncWriteExt`](super::AsyncWriteExt); all methods of `AsyncFd` are
/// there too, for operations that are neither. Closing it flushes; the descriptor is closed when it is dropped.
///
/// # Examples
/// ```
/// # #[cfg(unix)]
/// bowerbird::run(async {
///     use bowerbird::io::{Async, AsyncReadExt, AsyncWriteExt};
///     let (one, other) = std::os::unix::net::UnixStream::pair()?;
///     let (mut one, mut other) = (Async::new(one)?, Async::new(other)?);
///     let mut buffer = [0; 5];
///     let read = other.read_exact(&mut buffer);
///     let write = one.write_all(b"hello");
///     bowerbird::try_join((read, write)).await?;
///     assert_eq!(&buffer, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct Async<T: Descriptor>(AsyncFd<T>);

impl<T: Descriptor> Async<T> {
    /// Puts a descriptor in non-blocking mode, and registers it with the current runtime.
    ///
    /// asyncio: `os.set_blocking(fd, False)`, which `connect_read_pipe` does.
    ///
    /// # Errors
    /// As for [`AsyncFd::new`]; or the system cannot set the mode.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn new(inner: T) -> io::Result<Self> {
        let driver = expect_current("Async::new");
        option(&inner, |socket| socket.set_nonblocking(true))?;
        AsyncFd::register(driver, inner, Interest::READABLE | Interest::WRITABLE).map(Self)
    }

    /// The same for some directions only, as for the end of a pipe.
    ///
    /// asyncio: the choice between `connect_read_pipe` and `connect_write_pipe`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<Self> {
        let driver = expect_current("Async::with_interest");
        option(&inner, |socket| socket.set_nonblocking(true))?;
        AsyncFd::register(driver, inner, interest).map(Self)
    }

    /// Gives the descriptor's owner back, still non-blocking.
    ///
    /// asyncio: `transport.get_extra_info("pipe")`, with the ownership.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: Descriptor> Deref for Async<T> {
    type Target = AsyncFd<T>;

    fn deref(&self) -> &AsyncFd<T> {
        &self.0
    }
}

impl<T: Descriptor> DerefMut for Async<T> {
    fn deref_mut(&mut self) -> &mut AsyncFd<T> {
        &mut self.0
    }
}

// What it holds is called, never pinned.
impl<T: Descriptor> Unpin for Async<T> {}

/// Calls again what a signal has interrupted: the traits know no such error.
fn uninterrupted<R>(mut operation: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<T: Descriptor + Read> AsyncRead for Async<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_with_mut(cx, |inner| uninterrupted(|| inner.read(buffer)))
    }
}

impl<T: Descriptor + Write> AsyncWrite for Async<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with_mut(cx, |inner| uninterrupted(|| inner.write(bytes)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_with_mut(cx, |inner| uninterrupted(|| inner.flush()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[cfg(feature = "tokio-io")]
impl<T: Descriptor + Read> tokio::io::AsyncRead for Async<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = AsyncRead::poll_read(self, cx, buffer.initialize_unfilled());
        read.map_ok(|count| buffer.advance(count))
    }
}

#[cfg(feature = "tokio-io")]
impl<T: Descriptor + Write> tokio::io::AsyncWrite for Async<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(self, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(self, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_close(cx)
    }
}

impl<T: Descriptor + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}
