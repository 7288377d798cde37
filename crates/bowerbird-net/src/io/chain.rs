//! One reader after the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};
use pin_project_lite::pin_project;

pin_project! {
    /// One reader after the other, from [`AsyncReadExt::chain`](super::AsyncReadExt::chain).
    #[derive(Debug)]
    pub struct Chain<A, B> {
        #[pin]
        first: A,
        #[pin]
        second: B,
        is_first_done: bool,
    }
}

impl<A, B> Chain<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        Self { first, second, is_first_done: false }
    }

    /// Borrows both.
    pub fn get_ref(&self) -> (&A, &B) {
        (&self.first, &self.second)
    }

    /// Borrows both mutably.
    pub fn get_mut(&mut self) -> (&mut A, &mut B) {
        (&mut self.first, &mut self.second)
    }

    /// Gives both back.
    pub fn into_inner(self) -> (A, B) {
        (self.first, self.second)
    }
}

impl<A: AsyncRead, B: AsyncRead> AsyncRead for Chain<A, B> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if !*this.is_first_done {
            let count = ready!(this.first.poll_read(cx, buffer))?;
            if count > 0 || buffer.is_empty() {
                return Poll::Ready(Ok(count));
            }
            *this.is_first_done = true;
        }
        this.second.poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if !*this.is_first_done {
            let count = ready!(this.first.poll_read_vectored(cx, buffers))?;
            if count > 0 || buffers.iter().all(|buffer| buffer.is_empty()) {
                return Poll::Ready(Ok(count));
            }
            *this.is_first_done = true;
        }
        this.second.poll_read_vectored(cx, buffers)
    }
}

impl<A: AsyncBufRead, B: AsyncBufRead> AsyncBufRead for Chain<A, B> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        if !*this.is_first_done {
            let bytes = ready!(this.first.poll_fill_buf(cx))?;
            if !bytes.is_empty() {
                return Poll::Ready(Ok(bytes));
            }
            *this.is_first_done = true;
        }
        this.second.poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.project();
        if *this.is_first_done { this.second.consume(amount) } else { this.first.consume(amount) }
    }
}
