//! A reader with a buffer.

use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use pin_project_lite::pin_project;

/// The size of a buffer that nobody has given a size.
pub(super) const CAPACITY: usize = 8 * 1024;

pin_project! {
    /// Gives a reader a buffer, so that many small reads are few calls, and lines can be found.
    ///
    /// asyncio: the buffer of `StreamReader`. What can be written stays so: writes go through. A reader whose
    /// wait is given up loses nothing: what was read is in the buffer.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
    ///
    /// bowerbird::run(async {
    ///     let mut reader = BufReader::new(&b"one\n\x02"[..]);
    ///     let mut line = String::new();
    ///     reader.read_line(&mut line).await?;
    ///     assert_eq!((line.as_str(), reader.read_u8().await?), ("one\n", 2));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct BufReader<R> {
        #[pin]
        reader: R,
        bytes: Box<[u8]>,
        begin: usize,
        end: usize,
    }
}

impl<R> BufReader<R> {
    /// Makes it with a buffer of 8 KiB.
    pub fn new(reader: R) -> Self {
        Self::with_capacity(CAPACITY, reader)
    }

    /// Makes it with a buffer of this size.
    ///
    /// # Panics
    /// If the size is 0.
    #[track_caller]
    pub fn with_capacity(capacity: usize, reader: R) -> Self {
        assert!(capacity > 0, "BufReader::with_capacity: a buffer of 0 bytes; give it at least 1");
        Self { reader, bytes: vec![0; capacity].into(), begin: 0, end: 0 }
    }

    /// Borrows the reader.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Borrows the reader mutably. What is in the buffer is not in it any more.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Borrows the reader, pinned.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
        self.project().reader
    }

    /// Gives the reader back. What is in the buffer is lost; [`buffer`](Self::buffer) shows it.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// What was read, and is not consumed.
    pub fn buffer(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    /// How large the buffer is.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<R: AsyncRead> AsyncRead for BufReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        // A read that is larger than the buffer gains nothing from it.
        if self.begin == self.end && buffer.len() >= self.bytes.len() {
            return self.project().reader.poll_read(cx, buffer);
        }
        let bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        if self.begin == self.end && room >= self.bytes.len() {
            return self.project().reader.poll_read_vectored(cx, buffers);
        }
        let mut bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = io::Read::read_vectored(&mut bytes, buffers)?;
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}

impl<R: AsyncRead> AsyncBufRead for BufReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        if this.begin == this.end {
            *this.end = ready!(this.reader.poll_read(cx, this.bytes))?;
            *this.begin = 0;
        }
        Poll::Ready(Ok(&this.bytes[*this.begin..*this.end]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.project();
        *this.begin = (*this.begin + amount).min(*this.end);
    }
}

impl<R: AsyncSeek> AsyncSeek for BufReader<R> {
    /// Drops the buffer. `SeekFrom::Current` counts from what was consumed.
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        let target = match position {
            SeekFrom::Current(offset) => {
                let ahead = (self.end - self.begin) as i64;
                let Some(offset) = offset.checked_sub(ahead) else {
                    let text = format!("cannot seek by {offset}: the position would not fit");
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
                };
                SeekFrom::Current(offset)
            }
            other => other,
        };
        let at = ready!(self.as_mut().project().reader.poll_seek(cx, target))?;
        let this = self.project();
        *this.begin = 0;
        *this.end = 0;
        Poll::Ready(Ok(at))
    }
}

impl<R: AsyncWrite> AsyncWrite for BufReader<R> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().reader.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().reader.poll_write_vectored(cx, buffers)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().reader.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().reader.poll_close(cx)
    }
}
