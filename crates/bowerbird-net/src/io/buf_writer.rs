//! A writer with a buffer.

use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use pin_project_lite::pin_project;

use super::buf_reader::CAPACITY;
use super::write::takes_nothing;

pin_project! {
    /// Gives a writer a buffer, so that many small writes are few calls.
    ///
    /// asyncio: the buffer of a transport; but here nothing is sent before the buffer is full, or
    /// [`flush`](super::AsyncWriteExt::flush) or [`close`](super::AsyncWriteExt::close) is called. **Dropping it
    /// loses what is in the buffer.** What can be read stays so: reads go through.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncWriteExt, BufWriter};
    ///
    /// bowerbird::run(async {
    ///     let mut writer = BufWriter::new(Vec::new());
    ///     writer.write_all(b"hello").await?;
    ///     assert_eq!(writer.buffer(), b"hello");
    ///     writer.close().await?;
    ///     assert_eq!(writer.into_inner(), b"hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct BufWriter<W> {
        #[pin]
        writer: W,
        bytes: Vec<u8>,
        written: usize,
        capacity: usize,
    }
}

impl<W> BufWriter<W> {
    /// Makes it with a buffer of 8 KiB.
    pub fn new(writer: W) -> Self {
        Self::with_capacity(CAPACITY, writer)
    }

    /// Makes it with a buffer of this size.
    pub fn with_capacity(capacity: usize, writer: W) -> Self {
        Self { writer, bytes: Vec::with_capacity(capacity), written: 0, capacity }
    }

    /// Borrows the writer.
    pub fn get_ref(&self) -> &W {
        &self.writer
    }

    /// Borrows the writer mutably. What is in the buffer is not written yet.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Borrows the writer, pinned.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut W> {
        self.project().writer
    }

    /// Gives the writer back. What is in the buffer is lost: `flush` first, or use
    /// [`into_parts`](Self::into_parts).
    pub fn into_inner(self) -> W {
        self.writer
    }

    /// Gives the writer back, and what is in the buffer.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncWriteExt, BufWriter};
    ///
    /// bowerbird::run(async {
    ///     let mut writer = BufWriter::new(Vec::new());
    ///     writer.write_all(b"hello").await?;
    ///     assert_eq!(writer.into_parts(), (vec![], b"hello".to_vec()));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn into_parts(mut self) -> (W, Vec<u8>) {
        self.bytes.drain(..self.written);
        (self.writer, self.bytes)
    }

    /// What is not written yet.
    pub fn buffer(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// How large the buffer is.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// Writes what is in the buffer; not further than to the writer.
    pub(super) fn poll_drain(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        while *this.written < this.bytes.len() {
            let rest = &this.bytes[*this.written..];
            match ready!(this.writer.as_mut().poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(takes_nothing())),
                count => *this.written += count,
            }
        }
        this.bytes.clear();
        *this.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Puts into the buffer what has room, and returns how much that is.
    pub(super) fn keep(self: Pin<&mut Self>, bytes: &[u8]) -> usize {
        let this = self.project();
        let count = bytes.len().min(this.capacity.saturating_sub(this.bytes.len()));
        this.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    /// Makes room for so many bytes, if the buffer has that much.
    fn poll_make_room(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        length: usize,
    ) -> Poll<io::Result<()>> {
        if self.bytes.len().saturating_add(length) > self.capacity {
            return self.poll_drain(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_make_room(cx, bytes.len()))?;
        if bytes.len() >= self.capacity {
            return self.project().writer.poll_write(cx, bytes);
        }
        Poll::Ready(Ok(self.keep(bytes)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        ready!(self.as_mut().poll_make_room(cx, length))?;
        if length >= self.capacity {
            return self.project().writer.poll_write_vectored(cx, buffers);
        }
        Poll::Ready(Ok(buffers.iter().map(|buffer| self.as_mut().keep(buffer)).sum()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_drain(cx))?;
        self.project().writer.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_drain(cx))?;
        self.project().writer.poll_close(cx)
    }
}

impl<W: AsyncRead> AsyncRead for BufWriter<W> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.project().writer.poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().writer.poll_read_vectored(cx, buffers)
    }
}

impl<W: AsyncBufRead> AsyncBufRead for BufWriter<W> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.project().writer.poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.project().writer.consume(amount);
    }
}

impl<W: AsyncWrite + AsyncSeek> AsyncSeek for BufWriter<W> {
    /// Writes what is in the buffer first.
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(self.as_mut().poll_drain(cx))?;
        self.project().writer.poll_seek(cx, position)
    }
}
