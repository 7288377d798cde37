//! The futures of [`AsyncReadExt`](super::AsyncReadExt).

use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use futures_io::AsyncRead;

use super::step::{future_of_steps, step};

pub(super) fn end_of_stream() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ended before the buffer was full")
}

/// The future of [`AsyncReadExt::read`](super::AsyncReadExt::read).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Read<'a, R: ?Sized> {
    reader: &'a mut R,
    buffer: &'a mut [u8],
    leaf: Leaf,
}

impl<'a, R: AsyncRead + Unpin + ?Sized> Read<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, buffer: &'a mut [u8]) -> Self {
        Self { reader, buffer, leaf: Leaf::new("AsyncReadExt::read") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, buffer, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **reader).poll_read(cx, buffer))
    }
}

/// The future of [`AsyncReadExt::read_vectored`](super::AsyncReadExt::read_vectored).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadVectored<'a, 'b, R: ?Sized> {
    reader: &'a mut R,
    buffers: &'a mut [IoSliceMut<'b>],
    leaf: Leaf,
}

impl<'a, 'b, R: AsyncRead + Unpin + ?Sized> ReadVectored<'a, 'b, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, buffers: &'a mut [IoSliceMut<'b>]) -> Self {
        Self { reader, buffers, leaf: Leaf::new("AsyncReadExt::read_vectored") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, buffers, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **reader).poll_read_vectored(cx, buffers))
    }
}

/// The future of [`AsyncReadExt::read_exact`](super::AsyncReadExt::read_exact).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadExact<'a, R: ?Sized> {
    reader: &'a mut R,
    buffer: &'a mut [u8],
    filled: usize,
    leaf: Leaf,
}

impl<'a, R: AsyncRead + Unpin + ?Sized> ReadExact<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, buffer: &'a mut [u8]) -> Self {
        Self { reader, buffer, filled: 0, leaf: Leaf::new("AsyncReadExt::read_exact") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { reader, buffer, filled, leaf } = self;
        poll_fill(&mut **reader, leaf, cx, buffer, filled)
    }
}

/// Reads until the buffer is full.
fn poll_fill<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
    filled: &mut usize,
) -> Poll<io::Result<()>> {
    while *filled < buffer.len() {
        let rest = &mut buffer[*filled..];
        match ready!(step(leaf, cx, |cx| Pin::new(&mut *reader).poll_read(cx, rest)))? {
            0 => return Poll::Ready(Err(end_of_stream())),
            count => *filled += count,
        }
    }
    // Also without a read, for an empty buffer.
    leaf.polled();
    Poll::Ready(Ok(()))
}

/// How much room is made at a time, at least and at most: room is zeroed before each read.
const ROOM: (usize, usize) = (8 * 1024, 64 * 1024);

/// Appends to `buffer` until the stream ends.
fn poll_to_end<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    buffer: &mut Vec<u8>,
    begin: usize,
) -> Poll<io::Result<usize>> {
    loop {
        let length = buffer.len();
        // As much again as there is, so that a short stream costs little and a long one few reads.
        let room = (length - begin).clamp(ROOM.0, ROOM.1);
        let result = step(leaf, cx, |cx| {
            buffer.resize(length + room, 0);
            let result = Pin::new(&mut *reader).poll_read(cx, &mut buffer[length..]);
            let count = if let Poll::Ready(Ok(count)) = &result { *count } else { 0 };
            buffer.truncate(length + count);
            result
        });
        if ready!(result)? == 0 {
            return Poll::Ready(Ok(length - begin));
        }
    }
}

/// The future of [`AsyncReadExt::read_to_end`](super::AsyncReadExt::read_to_end).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadToEnd<'a, R: ?Sized> {
    reader: &'a mut R,
    buffer: &'a mut Vec<u8>,
    begin: usize,
    leaf: Leaf,
}

impl<'a, R: AsyncRead + Unpin + ?Sized> ReadToEnd<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, buffer: &'a mut Vec<u8>) -> Self {
        let begin = buffer.len();
        Self { reader, buffer, begin, leaf: Leaf::new("AsyncReadExt::read_to_end") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, buffer, begin, leaf } = self;
        poll_to_end(&mut **reader, leaf, cx, buffer, *begin)
    }
}

/// The future of [`AsyncReadExt::read_to_string`](super::AsyncReadExt::read_to_string).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadToString<'a, R: ?Sized> {
    reader: &'a mut R,
    text: &'a mut String,
    bytes: Vec<u8>,
    leaf: Leaf,
}

impl<'a, R: AsyncRead + Unpin + ?Sized> ReadToString<'a, R> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut R, text: &'a mut String) -> Self {
        let leaf = Leaf::new("AsyncReadExt::read_to_string");
        Self { reader, text, bytes: Vec::new(), leaf }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, text, bytes, leaf } = self;
        let count = ready!(poll_to_end(&mut **reader, leaf, cx, bytes, 0))?;
        text.push_str(&into_text(std::mem::take(bytes))?);
        Poll::Ready(Ok(count))
    }
}

/// Bytes as text.
pub(super) fn into_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("what was read is no text: {error}"))
    })
}

/// The future of the methods of [`AsyncReadExt`](super::AsyncReadExt) that read a number.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadNumber<'a, R: ?Sized, T, const SIZE: usize> {
    reader: &'a mut R,
    bytes: [u8; SIZE],
    filled: usize,
    convert: fn([u8; SIZE]) -> T,
    leaf: Leaf,
}

impl<'a, R: AsyncRead + Unpin + ?Sized, T, const SIZE: usize> ReadNumber<'a, R, T, SIZE> {
    #[track_caller]
    pub(super) fn new(call: &'static str, reader: &'a mut R, convert: fn([u8; SIZE]) -> T) -> Self {
        Self { reader, bytes: [0; SIZE], filled: 0, convert, leaf: Leaf::new(call) }
    }
}

impl<R: AsyncRead + Unpin + ?Sized, T, const SIZE: usize> Future for ReadNumber<'_, R, T, SIZE> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, bytes, filled, convert, leaf } = self.get_mut();
        ready!(poll_fill(&mut **reader, leaf, cx, bytes, filled))?;
        Poll::Ready(Ok(convert(*bytes)))
    }
}

future_of_steps! {
    Read<'a, R: AsyncRead> => usize;
    ReadVectored<'a, 'b, R: AsyncRead> => usize;
    ReadExact<'a, R: AsyncRead> => ();
    ReadToEnd<'a, R: AsyncRead> => usize;
    ReadToString<'a, R: AsyncRead> => usize;
}

impl<R: ?Sized, T, const SIZE: usize> std::fmt::Debug for ReadNumber<'_, R, T, SIZE> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadNumber").finish_non_exhaustive()
    }
}

// A read completes in the poll that has done it.
impl<R: ?Sized> CancelSafe for Read<'_, R> {}
impl<R: ?Sized> CancelSafe for ReadVectored<'_, '_, R> {}
// What was read is in the caller's vector.
impl<R: ?Sized> CancelSafe for ReadToEnd<'_, R> {}
// One byte is there or not.
impl<R: ?Sized, T> CancelSafe for ReadNumber<'_, R, T, 1> {}
