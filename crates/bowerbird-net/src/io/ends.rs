//! Readers and writers without anything behind them: [`empty`], [`repeat`], [`sink`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

/// Makes a reader that is at its end; what is written to it is gone.
///
/// asyncio: a `StreamReader` after `feed_eof()`.
///
/// # Examples
/// ```
/// use bowerbird::io::AsyncReadExt;
///
/// bowerbird::run(async {
///     assert_eq!(bowerbird::io::empty().read(&mut [0; 8]).await?, 0);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn empty() -> Empty {
    Empty(())
}

/// Makes a reader that gives one byte for ever.
///
/// asyncio: no counterpart; `itertools.repeat`.
///
/// # Examples
/// ```
/// use bowerbird::io::AsyncReadExt;
///
/// bowerbird::run(async {
///     let mut text = String::new();
///     bowerbird::io::repeat(b'a').take(3).read_to_string(&mut text).await?;
///     assert_eq!(text, "aaa");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn repeat(byte: u8) -> Repeat {
    Repeat(byte)
}

/// Makes a writer that takes everything and keeps nothing.
///
/// asyncio: `subprocess.DEVNULL`.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let count = bowerbird::io::copy(&mut &b"hello"[..], &mut bowerbird::io::sink()).await?;
///     assert_eq!(count, 5);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn sink() -> Sink {
    Sink(())
}

/// A reader that is at its end, from [`empty`].
#[derive(Debug)]
pub struct Empty(());

/// A reader that gives one byte for ever, from [`repeat`].
#[derive(Debug)]
pub struct Repeat(u8);

/// A writer that takes everything, from [`sink`].
#[derive(Debug)]
pub struct Sink(());

impl AsyncRead for Empty {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl AsyncBufRead for Empty {
    fn poll_fill_buf(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(&[]))
    }

    fn consume(self: Pin<&mut Self>, _amount: usize) {}
}

impl AsyncRead for Repeat {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        buffer.fill(self.0);
        Poll::Ready(Ok(buffer.len()))
    }
}

macro_rules! takes_everything {
    ($($name:ident),*) => {$(
        impl AsyncWrite for $name {
            fn poll_write(
                self: Pin<&mut Self>,
                _cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                Poll::Ready(Ok(bytes.len()))
            }

            fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
    )*};
}

takes_everything!(Empty, Sink);
