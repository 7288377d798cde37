//! A reader and writer over bytes in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

/// Reads and writes bytes in memory, with a position; [`std::io::Cursor`] with the asynchronous traits.
///
/// asyncio: `io.BytesIO`.
///
/// # Examples
/// ```
/// use bowerbird::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, Cursor};
///
/// bowerbird::run(async {
///     let mut cursor = Cursor::new(Vec::new());
///     cursor.write_all(b"hello").await?;
///     cursor.rewind().await?;
///     let mut text = String::new();
///     cursor.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cursor<T>(io::Cursor<T>);

impl<T> Cursor<T> {
    /// Makes a cursor that stands at the beginning. A write overwrites what is there.
    pub fn new(inner: T) -> Self {
        Self(io::Cursor::new(inner))
    }

    /// Gives the bytes back.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// Borrows the bytes.
    pub fn get_ref(&self) -> &T {
        self.0.get_ref()
    }

    /// Borrows the bytes mutably.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Where it stands.
    pub fn position(&self) -> u64 {
        self.0.position()
    }

    /// Moves it.
    pub fn set_position(&mut self, position: u64) {
        self.0.set_position(position);
    }

    pub(super) fn as_std(&self) -> &io::Cursor<T> {
        &self.0
    }

    pub(super) fn as_std_mut(&mut self) -> &mut io::Cursor<T> {
        &mut self.0
    }
}

impl<T> From<io::Cursor<T>> for Cursor<T> {
    fn from(cursor: io::Cursor<T>) -> Self {
        Self(cursor)
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncRead for Cursor<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Read::read(&mut self.0, buffer))
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffers: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Read::read_vectored(&mut self.0, buffers))
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncBufRead for Cursor<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(io::BufRead::fill_buf(&mut self.get_mut().0))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        io::BufRead::consume(&mut self.0, amount);
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncSeek for Cursor<T> {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        position: io::SeekFrom,
    ) -> Poll<io::Result<u64>> {
        Poll::Ready(io::Seek::seek(&mut self.0, position))
    }
}

impl<T: Unpin> AsyncWrite for Cursor<T>
where
    io::Cursor<T>: io::Write,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Write::write(&mut self.0, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Write::write_vectored(&mut self.0, buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
