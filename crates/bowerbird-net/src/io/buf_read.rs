//! The futures of [`AsyncBufReadExt`](super::AsyncBufReadExt).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use futures_io::AsyncBufRead;

use super::read::into_text;
use super::step::{debug_by_name, future_of_steps, step};

/// The future of [`AsyncBufReadExt::fill_buf`](super::AsyncBufReadExt::fill_buf).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FillBuf<'a, R: ?Sized> {
    /// Taken when it is ready: its buffer is lent on.
    reader: Option<&'a mut R>,
    leaf: Leaf,
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> FillBuf<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R) -> Self {
        Self { reader: Some(reader), leaf: Leaf::new("AsyncBufReadExt::fill_buf") }
    }
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> Future for FillBuf<'a, R> {
    type Output = io::Result<&'a [u8]>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, leaf } = self.get_mut();
        let Some(lent) = reader.take() else { panic!("a future was polled after it was ready") };
        let result =
            step(leaf, cx, |cx| Pin::new(&mut *lent).poll_fill_buf(cx).map_ok(|bytes| bytes.len()));
        match result {
            Poll::Pending => {
                *reader = Some(lent);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // The compiler cannot see that the buffer of the `Ready` branch alone is lent on, so it is asked
            // for again: what is in a buffer stays there until it is consumed.
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(&[])),
            Poll::Ready(Ok(_)) => Pin::new(lent).poll_fill_buf(cx),
        }
    }
}

debug_by_name!(FillBuf<'a, R>);

/// Moves bytes into `into` (nowhere, if there is none), up to the delimiter and with it, or to the end of the
/// stream. `count` is how many they are so far.
fn poll_until<R: AsyncBufRead + Unpin + ?Sized>(
    reader: &mut R,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    delimiter: u8,
    mut into: Option<&mut Vec<u8>>,
    count: &mut usize,
) -> Poll<io::Result<usize>> {
    loop {
        let moved = step(leaf, cx, |cx| {
            let bytes = ready!(Pin::new(&mut *reader).poll_fill_buf(cx))?;
            let found = bytes.iter().position(|byte| *byte == delimiter);
            let length = found.map_or(bytes.len(), |at| at + 1);
            if let Some(into) = &mut into {
                into.extend_from_slice(&bytes[..length]);
            }
            Poll::Ready(io::Result::Ok((length, found.is_some())))
        });
        let (length, is_found) = ready!(moved)?;
        Pin::new(&mut *reader).consume(length);
        *count += length;
        if is_found || length == 0 {
            return Poll::Ready(Ok(std::mem::take(count)));
        }
    }
}

/// The future of [`AsyncBufReadExt::read_until`](super::AsyncBufReadExt::read_until).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadUntil<'a, R: ?Sized> {
    reader: &'a mut R,
    delimiter: u8,
    buffer: &'a mut Vec<u8>,
    count: usize,
    leaf: Leaf,
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> ReadUntil<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, delimiter: u8, buffer: &'a mut Vec<u8>) -> Self {
        let leaf = Leaf::new("AsyncBufReadExt::read_until");
        Self { reader, delimiter, buffer, count: 0, leaf }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, delimiter, buffer, count, leaf } = self;
        poll_until(&mut **reader, leaf, cx, *delimiter, Some(&mut **buffer), count)
    }
}

/// The future of [`AsyncBufReadExt::skip_until`](super::AsyncBufReadExt::skip_until).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SkipUntil<'a, R: ?Sized> {
    reader: &'a mut R,
    delimiter: u8,
    count: usize,
    leaf: Leaf,
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> SkipUntil<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, delimiter: u8) -> Self {
        let leaf = Leaf::new("AsyncBufReadExt::skip_until");
        Self { reader, delimiter, count: 0, leaf }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, delimiter, count, leaf } = self;
        poll_until(&mut **reader, leaf, cx, *delimiter, None, count)
    }
}

/// The future of [`AsyncBufReadExt::read_line`](super::AsyncBufReadExt::read_line).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadLine<'a, R: ?Sized> {
    reader: &'a mut R,
    line: &'a mut String,
    bytes: Vec<u8>,
    count: usize,
    leaf: Leaf,
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> ReadLine<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, line: &'a mut String) -> Self {
        let leaf = Leaf::new("AsyncBufReadExt::read_line");
        Self { reader, line, bytes: Vec::new(), count: 0, leaf }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, line, bytes, count, leaf } = self;
        let length = ready!(poll_until(&mut **reader, leaf, cx, b'\n', Some(bytes), count))?;
        line.push_str(&into_text(std::mem::take(bytes))?);
        Poll::Ready(Ok(length))
    }
}

future_of_steps! {
    ReadUntil<'a, R: AsyncBufRead> => usize;
    SkipUntil<'a, R: AsyncBufRead> => usize;
    ReadLine<'a, R: AsyncBufRead> => usize;
}

// What was read is in the reader's buffer or in the caller's; what was skipped was to be.
impl<R: ?Sized> CancelSafe for FillBuf<'_, R> {}
impl<R: ?Sized> CancelSafe for ReadUntil<'_, R> {}
impl<R: ?Sized> CancelSafe for SkipUntil<'_, R> {}

/// The pieces of a stream between delimiters, with what there is of the present one.
pub(super) struct Pieces<R> {
    pub(super) reader: R,
    piece: Vec<u8>,
    count: usize,
}

impl<R: AsyncBufRead + Unpin> Pieces<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, piece: Vec::new(), count: 0 }
    }

    /// The next piece, with its delimiter. What there is of it stays here when the wait is given up.
    pub(super) fn poll_next(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        delimiter: u8,
    ) -> Poll<io::Result<Option<Vec<u8>>>> {
        let Self { reader, piece, count } = self;
        let length = ready!(poll_until(reader, leaf, cx, delimiter, Some(piece), count))?;
        if length == 0 && piece.is_empty() {
            return Poll::Ready(Ok(None));
        }
        Poll::Ready(Ok(Some(std::mem::take(piece))))
    }
}
