//! The futures of [`AsyncWriteExt`](super::AsyncWriteExt).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use futures_io::AsyncWrite;

use super::step::{debug_by_name, future_of_steps, step};
use super::unwritten::Unwritten;

/// One write of at least a byte.
#[inline]
pub(crate) fn poll_some<W: AsyncWrite + Unpin + ?Sized>(
    writer: &mut W,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    match ready!(step(leaf, cx, |cx| Pin::new(writer).poll_write(cx, bytes)))? {
        0 => Poll::Ready(Err(takes_nothing())),
        count => Poll::Ready(Ok(count)),
    }
}

pub(super) fn takes_nothing() -> io::Error {
    io::Error::new(
        io::ErrorKind::WriteZero,
        "the writer takes nothing more, and not all is written",
    )
}

/// The future of [`AsyncWriteExt::write`](super::AsyncWriteExt::write).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Write<'a, W: ?Sized> {
    writer: &'a mut W,
    bytes: &'a [u8],
    leaf: Leaf,
}

impl<'a, W: AsyncWrite + Unpin + ?Sized> Write<'a, W> {
    #[track_caller]
    pub(super) fn new(writer: &'a mut W, bytes: &'a [u8]) -> Self {
        Self { writer, bytes, leaf: Leaf::new("AsyncWriteExt::write") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { writer, bytes, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **writer).poll_write(cx, bytes))
    }
}

/// The future of [`AsyncWriteExt::write_vectored`](super::AsyncWriteExt::write_vectored).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteVectored<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    buffers: &'a [IoSlice<'b>],
    leaf: Leaf,
}

impl<'a, 'b, W: AsyncWrite + Unpin + ?Sized> WriteVectored<'a, 'b, W> {
    #[track_caller]
    pub(super) fn new(writer: &'a mut W, buffers: &'a [IoSlice<'b>]) -> Self {
        Self { writer, buffers, leaf: Leaf::new("AsyncWriteExt::write_vectored") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { writer, buffers, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **writer).poll_write_vectored(cx, buffers))
    }
}

/// The future of [`AsyncWriteExt::write_all`](super::AsyncWriteExt::write_all).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteAll<'a, W: ?Sized> {
    writer: &'a mut W,
    bytes: &'a [u8],
    leaf: Leaf,
}

impl<'a, W: AsyncWrite + Unpin + ?Sized> WriteAll<'a, W> {
    #[track_caller]
    pub(super) fn new(writer: &'a mut W, bytes: &'a [u8]) -> Self {
        Self { writer, bytes, leaf: Leaf::new("AsyncWriteExt::write_all") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { writer, bytes, leaf } = self;
        poll_all(&mut **writer, leaf, cx, bytes)
    }
}

/// Writes until nothing is left.
fn poll_all<W, U>(
    writer: &mut W,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    bytes: &mut U,
) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
    U: Unwritten + ?Sized,
{
    while !bytes.unwritten().is_empty() {
        let count = ready!(poll_some(writer, leaf, cx, bytes.unwritten()))?;
        bytes.wrote(count);
    }
    // Also without a write, for no bytes.
    leaf.polled();
    Poll::Ready(Ok(()))
}

/// The future of [`AsyncWriteExt::write_all_buf`](super::AsyncWriteExt::write_all_buf).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteAllBuf<'a, W: ?Sized, U: ?Sized> {
    writer: &'a mut W,
    bytes: &'a mut U,
    leaf: Leaf,
}

impl<'a, W: AsyncWrite + Unpin + ?Sized, U: Unwritten + ?Sized> WriteAllBuf<'a, W, U> {
    #[track_caller]
    pub(super) fn new(writer: &'a mut W, bytes: &'a mut U) -> Self {
        Self { writer, bytes, leaf: Leaf::new("AsyncWriteExt::write_all_buf") }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, U: Unwritten + ?Sized> Future for WriteAllBuf<'_, W, U> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { writer, bytes, leaf } = self.get_mut();
        poll_all(&mut **writer, leaf, cx, &mut **bytes)
    }
}

debug_by_name!(WriteAllBuf<'a, W, U>);

/// The future of [`AsyncWriteExt::write_all_vectored`](super::AsyncWriteExt::write_all_vectored).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteAllVectored<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    buffers: &'a mut [IoSlice<'b>],
    leaf: Leaf,
}

impl<'a, 'b, W: AsyncWrite + Unpin + ?Sized> WriteAllVectored<'a, 'b, W> {
    #[track_caller]
    pub(super) fn new(writer: &'a mut W, buffers: &'a mut [IoSlice<'b>]) -> Self {
        Self { writer, buffers, leaf: Leaf::new("AsyncWriteExt::write_all_vectored") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { writer, buffers, leaf } = self;
        while let Some(first) = buffers.iter().position(|buffer| !buffer.is_empty()) {
            let rest = &mut buffers[first..];
            let written =
                step(leaf, cx, |cx| Pin::new(&mut **writer).poll_write_vectored(cx, rest));
            match ready!(written)? {
                0 => return Poll::Ready(Err(takes_nothing())),
                count => mark_written(rest, count),
            }
        }
        leaf.polled();
        Poll::Ready(Ok(()))
    }
}

/// Takes `count` bytes off the front of the buffers; those that are written are left empty, so that the array
/// says what is not.
fn mark_written(buffers: &mut [IoSlice<'_>], mut count: usize) {
    for buffer in buffers {
        let here = count.min(buffer.len());
        buffer.advance(here);
        count -= here;
        if count == 0 {
            return;
        }
    }
    panic!("a writer counted more bytes than it was given: poll_write_vectored is at fault");
}

/// The future of [`AsyncWriteExt::flush`](super::AsyncWriteExt::flush).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Flush<'a, W: ?Sized> {
    writer: &'a mut W,
    leaf: Leaf,
}

impl<'a, W: AsyncWrite + Unpin + ?Sized> Flush<'a, W> {
    #[track_caller]
    pub(super) fn new(writer: &'a mut W) -> Self {
        Self { writer, leaf: Leaf::new("AsyncWriteExt::flush") }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { writer, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **writer).poll_flush(cx))
    }
}

/// The future of [`AsyncWriteExt::close`](super::AsyncWriteExt::close).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Close<'a, W: ?Sized> {
    writer: &'a mut W,
    leaf: Leaf,
}

impl<'a, W: AsyncWrite + Unpin + ?Sized> Close<'a, W> {
    #[track_caller]
    pub(super) fn new(call: &'static str, writer: &'a mut W) -> Self {
        Self { writer, leaf: Leaf::new(call) }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { writer, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **writer).poll_close(cx))
    }
}

/// The future of the methods of [`AsyncWriteExt`](super::AsyncWriteExt) that write a number.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteNumber<'a, W: ?Sized, const SIZE: usize> {
    writer: &'a mut W,
    bytes: [u8; SIZE],
    written: usize,
    leaf: Leaf,
}

impl<'a, W: AsyncWrite + Unpin + ?Sized, const SIZE: usize> WriteNumber<'a, W, SIZE> {
    #[track_caller]
    pub(super) fn new(call: &'static str, writer: &'a mut W, bytes: [u8; SIZE]) -> Self {
        Self { writer, bytes, written: 0, leaf: Leaf::new(call) }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const SIZE: usize> Future for WriteNumber<'_, W, SIZE> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { writer, bytes, written, leaf } = self.get_mut();
        while *written < SIZE {
            *written += ready!(poll_some(&mut **writer, leaf, cx, &bytes[*written..]))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: ?Sized, const SIZE: usize> std::fmt::Debug for WriteNumber<'_, W, SIZE> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteNumber").finish_non_exhaustive()
    }
}

future_of_steps! {
    Write<'a, W: AsyncWrite> => usize;
    WriteVectored<'a, 'b, W: AsyncWrite> => usize;
    WriteAll<'a, W: AsyncWrite> => ();
    WriteAllVectored<'a, 'b, W: AsyncWrite> => ();
    Flush<'a, W: AsyncWrite> => ();
    Close<'a, W: AsyncWrite> => ();
}

// A write completes in the poll that has done it.
impl<W: ?Sized> CancelSafe for Write<'_, W> {}
impl<W: ?Sized> CancelSafe for WriteVectored<'_, '_, W> {}
// What is not written is in the caller's hands.
impl<W: ?Sized, U: ?Sized> CancelSafe for WriteAllBuf<'_, W, U> {}
impl<W: ?Sized> CancelSafe for WriteAllVectored<'_, '_, W> {}
// Another call goes on with it.
impl<W: ?Sized> CancelSafe for Flush<'_, W> {}
impl<W: ?Sized> CancelSafe for Close<'_, W> {}
// One byte is written or not.
impl<W: ?Sized> CancelSafe for WriteNumber<'_, W, 1> {}
