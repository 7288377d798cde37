//! A reader and a writer as one stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

/// Makes a type with a field `reader` readable.
macro_rules! reads_from {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> futures_io::AsyncRead for $type {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.reader).poll_read(cx, buffer)
            }

            fn poll_read_vectored(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.reader).poll_read_vectored(cx, buffers)
            }
        }
    };
}

/// Makes a type with a field `writer` writable.
macro_rules! writes_to {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> futures_io::AsyncWrite for $type {
            fn poll_write(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bytes: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.writer).poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffers: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.writer).poll_write_vectored(cx, buffers)
            }

            fn poll_flush(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.writer).poll_flush(cx)
            }

            fn poll_close(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.writer).poll_close(cx)
            }
        }
    };
}

pub(super) use {reads_from, writes_to};

/// Makes one stream of a reader and a writer.
///
/// asyncio: no counterpart; the two values of `open_connection` stay two.
///
/// # Examples
/// ```
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
///
/// bowerbird::run(async {
///     let mut stream = bowerbird::io::join(&b"question"[..], Vec::new());
///     let mut text = String::new();
///     stream.read_to_string(&mut text).await?;
///     stream.write_all(b"answer").await?;
///     assert_eq!((text.as_str(), stream.writer()), ("question", &b"answer".to_vec()));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn join<R, W>(reader: R, writer: W) -> Join<R, W> {
    Join { reader, writer }
}

/// A reader and a writer as one stream, from [`join`].
#[derive(Debug)]
pub struct Join<R, W> {
    reader: R,
    writer: W,
}

impl<R, W> Join<R, W> {
    /// Borrows the reader.
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// Borrows the writer.
    pub fn writer(&self) -> &W {
        &self.writer
    }

    /// Borrows the reader mutably.
    pub fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Borrows the writer mutably.
    pub fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Gives both back.
    pub fn into_inner(self) -> (R, W) {
        (self.reader, self.writer)
    }
}

reads_from!([R: AsyncRead + Unpin, W: Unpin] Join<R, W>);
writes_to!([R: Unpin, W: AsyncWrite + Unpin] Join<R, W>);

impl<R: AsyncBufRead + Unpin, W: Unpin> AsyncBufRead for Join<R, W> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.reader).consume(amount);
    }
}
