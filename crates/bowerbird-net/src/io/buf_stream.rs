//! A stream with a buffer in each direction, and a writer that sends line by line.

use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use pin_project_lite::pin_project;

use super::buf_reader::{BufReader, CAPACITY};
use super::buf_writer::BufWriter;

pin_project! {
    /// Gives a stream a buffer for reading and one for writing: a [`BufReader`] around a [`BufWriter`].
    ///
    /// asyncio: the two values of `open_connection`. Nothing is sent before a `flush`, or a full buffer.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = bowerbird::io::duplex(64);
    ///     let (mut here, mut there) = (BufStream::new(here), BufStream::new(there));
    ///     here.write_all(b"hello\n").await?;
    ///     here.flush().await?;
    ///     let mut line = String::new();
    ///     there.read_line(&mut line).await?;
    ///     assert_eq!(line, "hello\n");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct BufStream<S> {
        #[pin]
        inner: BufReader<BufWriter<S>>,
    }
}

impl<S> BufStream<S> {
    /// Makes it with two buffers of 8 KiB.
    pub fn new(stream: S) -> Self {
        Self::with_capacity(CAPACITY, CAPACITY, stream)
    }

    /// Makes it with a buffer for reading and one for writing of these sizes.
    ///
    /// # Panics
    /// If the buffer for reading has the size 0.
    #[track_caller]
    pub fn with_capacity(reader: usize, writer: usize, stream: S) -> Self {
        Self { inner: BufReader::with_capacity(reader, BufWriter::with_capacity(writer, stream)) }
    }

    /// Borrows the stream.
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().get_ref()
    }

    /// Borrows the stream mutably. What is in the buffers is not in it.
    pub fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut().get_mut()
    }

    /// Gives the stream back. What is in the buffers is lost.
    pub fn into_inner(self) -> S {
        self.inner.into_inner().into_inner()
    }
}

pin_project! {
    /// Gives a writer a buffer that is sent on at each line end.
    ///
    /// asyncio: no counterpart; what `sys.stdout` does on a terminal. A line that was begun is in the buffer until
    /// its end, a `flush`, or a `close`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncWriteExt, LineWriter};
    ///
    /// bowerbird::run(async {
    ///     let mut writer = LineWriter::new(Vec::new());
    ///     writer.write_all(b"one\ntw").await?;
    ///     assert_eq!(writer.get_ref(), b"one\n");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct LineWriter<W> {
        #[pin]
        inner: BufWriter<W>,
    }
}

impl<W> LineWriter<W> {
    /// Makes it with a buffer of 1 KiB: a line that is longer is sent in pieces.
    pub fn new(writer: W) -> Self {
        Self::with_capacity(1024, writer)
    }

    /// Makes it with a buffer of this size.
    pub fn with_capacity(capacity: usize, writer: W) -> Self {
        Self { inner: BufWriter::with_capacity(capacity, writer) }
    }

    /// Borrows the writer.
    pub fn get_ref(&self) -> &W {
        self.inner.get_ref()
    }

    /// Borrows the writer mutably. What is in the buffer is not written yet.
    pub fn get_mut(&mut self) -> &mut W {
        self.inner.get_mut()
    }

    /// Gives the writer back. What is in the buffer is lost.
    pub fn into_inner(self) -> W {
        self.inner.into_inner()
    }

    /// What is not written yet.
    pub fn buffer(&self) -> &[u8] {
        self.inner.buffer()
    }
}

impl<W: AsyncWrite> AsyncWrite for LineWriter<W> {
    /// Whole lines go to the writer itself, behind what is in the buffer; the rest goes to the buffer.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.project().inner;
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            return inner.poll_write(cx, bytes);
        };
        ready!(inner.as_mut().poll_drain(cx))?;
        let (lines, rest) = bytes.split_at(last + 1);
        let count = ready!(inner.as_mut().get_pin_mut().poll_write(cx, lines))?;
        let kept = if count == lines.len() { inner.keep(rest) } else { 0 };
        Poll::Ready(Ok(count + kept))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_close(cx)
    }
}

/// Hands reads on to the part inside.
macro_rules! reads_through {
    ($($name:ident<$param:ident: $read:path, $buf:path>;)*) => {$(
        impl<$param: $read> AsyncRead for $name<$param> {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.project().inner.poll_read(cx, buffer)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.project().inner.poll_read_vectored(cx, buffers)
            }
        }

        impl<$param: $buf> AsyncBufRead for $name<$param> {
            fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
                self.project().inner.poll_fill_buf(cx)
            }

            fn consume(self: Pin<&mut Self>, amount: usize) {
                self.project().inner.consume(amount);
            }
        }
    )*};
}

reads_through! {
    BufStream<S: AsyncRead, AsyncRead>;
    LineWriter<W: AsyncRead, AsyncBufRead>;
}

impl<S: AsyncWrite> AsyncWrite for BufStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write_vectored(cx, buffers)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_close(cx)
    }
}

impl<S: AsyncWrite + AsyncSeek> AsyncSeek for BufStream<S> {
    fn poll_seek(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        self.project().inner.poll_seek(cx, position)
    }
}
