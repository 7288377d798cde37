//! A reader that ends early.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};
use pin_project_lite::pin_project;

pin_project! {
    /// The first bytes of a reader, from [`AsyncReadExt::take`](super::AsyncReadExt::take).
    #[derive(Debug)]
    pub struct Take<R> {
        #[pin]
        reader: R,
        limit: u64,
    }
}

impl<R> Take<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Self { reader, limit }
    }

    /// How many bytes may still be read.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets how many bytes may be read from now on.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Borrows the reader.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Borrows the reader mutably. What is read from it does not count.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Gives the reader back.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

/// The smaller of a length and a limit.
fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| length.min(limit))
}

impl<R: AsyncRead> AsyncRead for Take<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let length = at_most(buffer.len(), *this.limit);
        if length == 0 {
            return Poll::Ready(Ok(0));
        }
        let count = ready!(this.reader.poll_read(cx, &mut buffer[..length]))?;
        *this.limit -= count as u64;
        Poll::Ready(Ok(count))
    }
}

impl<R: AsyncBufRead> AsyncBufRead for Take<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        if *this.limit == 0 {
            return Poll::Ready(Ok(&[]));
        }
        let bytes = ready!(this.reader.poll_fill_buf(cx))?;
        Poll::Ready(Ok(&bytes[..at_most(bytes.len(), *this.limit)]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.project();
        let amount = at_most(amount, *this.limit);
        *this.limit -= amount as u64;
        this.reader.consume(amount);
    }
}
