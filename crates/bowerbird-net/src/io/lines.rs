//! The lines and the pieces of a stream: [`Lines`], [`Split`].

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use futures_core::Stream;
use futures_io::AsyncBufRead;

use super::buf_read::Pieces;
use super::read::into_text;

/// The lines of a stream, from [`AsyncBufReadExt::lines`](super::AsyncBufReadExt::lines).
///
/// asyncio: `async for line in reader`, without the line ends. It is a `Stream` too.
///
/// A line has no greatest length here: for peers that are not trusted use a codec with a limit.
///
/// # Examples
/// ```
/// use bowerbird::io::AsyncBufReadExt;
///
/// bowerbird::run(async {
///     let mut lines = AsyncBufReadExt::lines(&b"one\r\ntwo\nthree"[..]);
///     assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
///     assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
///     assert_eq!(lines.next_line().await?.as_deref(), Some("three"));
///     assert_eq!(lines.next_line().await?, None);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Lines<R> {
    pieces: Pieces<R>,
    /// Of the `Stream` form.
    is_suspended: bool,
}

/// The pieces of a stream between delimiters, from [`AsyncBufReadExt::split`](super::AsyncBufReadExt::split).
///
/// asyncio: `StreamReader.readuntil(separator)` in a loop, without the separators. It is a `Stream` too.
///
/// # Examples
/// ```
/// use bowerbird::io::AsyncBufReadExt;
///
/// bowerbird::run(async {
///     let mut words = AsyncBufReadExt::split(&b"one two"[..], b' ');
///     assert_eq!(words.next_segment().await?.unwrap(), b"one");
///     assert_eq!(words.next_segment().await?.unwrap(), b"two");
///     assert_eq!(words.next_segment().await?, None);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Split<R> {
    pieces: Pieces<R>,
    delimiter: u8,
    is_suspended: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { pieces: Pieces::new(reader), is_suspended: false }
    }

    /// Waits for the next line, without its `\n` or `\r\n`; `None` at the end of the stream.
    ///
    /// asyncio: `StreamReader.readline()`, which keeps the line end and gives `b""` at the end.
    ///
    /// # Cancel safety
    /// Nothing is lost: what there is of a line stays here.
    ///
    /// # Errors
    /// What the reader gives; or the line is no UTF-8 (`InvalidData`): it is passed over, and the next call
    /// goes on behind it.
    #[track_caller]
    pub fn next_line(&mut self) -> NextLine<'_, R> {
        NextLine { lines: self, leaf: Leaf::new("Lines::next_line") }
    }

    fn poll_line(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<String>>> {
        let Some(mut line) = ready!(self.pieces.poll_next(leaf, cx, b'\n'))? else {
            return Poll::Ready(Ok(None));
        };
        if cut(&mut line, b'\n') {
            cut(&mut line, b'\r');
        }
        Poll::Ready(into_text(line).map(Some))
    }
}

impl<R: AsyncBufRead + Unpin> Split<R> {
    pub(super) fn new(reader: R, delimiter: u8) -> Self {
        Self { pieces: Pieces::new(reader), delimiter, is_suspended: false }
    }

    /// Waits for the next piece, without its delimiter; `None` at the end of the stream.
    ///
    /// asyncio: `StreamReader.readuntil(separator)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what there is of a piece stays here.
    ///
    /// # Errors
    /// What the reader gives.
    #[track_caller]
    pub fn next_segment(&mut self) -> NextSegment<'_, R> {
        NextSegment { split: self, leaf: Leaf::new("Split::next_segment") }
    }

    fn poll_segment(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Vec<u8>>>> {
        let Some(mut piece) = ready!(self.pieces.poll_next(leaf, cx, self.delimiter))? else {
            return Poll::Ready(Ok(None));
        };
        cut(&mut piece, self.delimiter);
        Poll::Ready(Ok(Some(piece)))
    }
}

/// Takes a byte off the end, if it is there.
fn cut(bytes: &mut Vec<u8>, byte: u8) -> bool {
    let is_there = bytes.last() == Some(&byte);
    if is_there {
        bytes.pop();
    }
    is_there
}

/// What both have.
macro_rules! of_a_reader {
    ($($name:ident),*) => {$(
        impl<R> $name<R> {
            /// Borrows the reader.
            pub fn get_ref(&self) -> &R {
                &self.pieces.reader
            }

            /// Borrows the reader mutably. What was read of the present piece is not in it any more.
            pub fn get_mut(&mut self) -> &mut R {
                &mut self.pieces.reader
            }

            /// Gives the reader back. What was read of the present piece, if a wait for it was given up, is
            /// lost.
            pub fn into_inner(self) -> R {
                self.pieces.reader
            }
        }

        impl<R: fmt::Debug> fmt::Debug for $name<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("reader", self.get_ref()).finish_non_exhaustive()
            }
        }
    )*};
}

of_a_reader!(Lines, Split);

/// The future of [`Lines::next_line`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextLine<'a, R> {
    lines: &'a mut Lines<R>,
    leaf: Leaf,
}

/// The future of [`Split::next_segment`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextSegment<'a, R> {
    split: &'a mut Split<R>,
    leaf: Leaf,
}

impl<R: AsyncBufRead + Unpin> Future for NextLine<'_, R> {
    type Output = io::Result<Option<String>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { lines, leaf } = self.get_mut();
        lines.poll_line(leaf, cx)
    }
}

impl<R: AsyncBufRead + Unpin> Future for NextSegment<'_, R> {
    type Output = io::Result<Option<Vec<u8>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { split, leaf } = self.get_mut();
        split.poll_segment(leaf, cx)
    }
}

// What there is of a line stays with its stream.
impl<R> CancelSafe for NextLine<'_, R> {}
impl<R> CancelSafe for NextSegment<'_, R> {}

impl<R: AsyncBufRead + Unpin> Stream for Lines<R> {
    type Item = io::Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut leaf = Leaf::without_location(self.is_suspended);
        let result = self.poll_line(&mut leaf, cx);
        self.is_suspended = result.is_pending();
        result.map(Result::transpose)
    }
}

impl<R: AsyncBufRead + Unpin> Stream for Split<R> {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut leaf = Leaf::without_location(self.is_suspended);
        let result = self.poll_segment(&mut leaf, cx);
        self.is_suspended = result.is_pending();
        result.map(Result::transpose)
    }
}
