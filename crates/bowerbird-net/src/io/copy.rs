//! Everything from a reader to a writer: [`copy`], [`copy_buf`].
//!
//! [`Transfer`] is the machine under `copy` and `copy_bidirectional`. It knows readers and writers by their traits
//! only, so the bytes pass through a buffer of the process. Two descriptors can do better (`splice`, `sendfile`):
//! that has to be functions on the types that have one, for a trait alone does not tell which those are.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::step::{debug_by_name, step};
use super::write::{poll_some, takes_nothing};

/// How large the buffer is at first, and at most.
pub(super) const SIZES: (usize, usize) = (8 * 1024, 64 * 1024);

/// Moves everything from a reader to a writer, through a buffer of its own.
pub(super) struct Transfer {
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
    count: u64,
    /// The present size, and how far it may grow.
    size: usize,
    most: usize,
    is_at_end: bool,
    needs_flush: bool,
}

impl Transfer {
    pub(super) fn new(size: usize, most: usize) -> Self {
        let bytes = Vec::new();
        Self { bytes, begin: 0, end: 0, count: 0, size, most, is_at_end: false, needs_flush: false }
    }

    /// How many bytes were written.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What was read, and is not written.
    pub(super) fn unwritten(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    pub(super) fn poll_transfer<R, W>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        loop {
            if self.begin == self.end && !self.is_at_end {
                match self.poll_read(leaf, cx, reader) {
                    Poll::Ready(result) => result?,
                    Poll::Pending => {
                        // Nothing comes for a while: what the writer keeps should not wait for it.
                        ready!(self.poll_flush(leaf, cx, writer))?;
                        return Poll::Pending;
                    }
                }
            }
            while self.begin < self.end {
                let count = ready!(poll_some(writer, leaf, cx, &self.bytes[self.begin..self.end]))?;
                self.begin += count;
                self.count += count as u64;
                self.needs_flush = true;
            }
            if self.is_at_end {
                ready!(self.poll_flush(leaf, cx, writer))?;
                return Poll::Ready(Ok(self.count));
            }
        }
    }

    /// Reads once. A buffer that was filled by the last read grows: much is coming.
    fn poll_read<R: AsyncRead + Unpin + ?Sized>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        reader: &mut R,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            self.bytes = vec![0; self.size];
        } else if self.end == self.size && self.size < self.most {
            self.size = (self.size * 2).min(self.most);
            self.bytes = vec![0; self.size];
        }
        self.begin = 0;
        self.end = 0;
        let bytes = &mut self.bytes;
        self.end = ready!(step(leaf, cx, |cx| Pin::new(reader).poll_read(cx, bytes)))?;
        self.is_at_end = self.end == 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W: AsyncWrite + Unpin + ?Sized>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.needs_flush {
            ready!(step(leaf, cx, |cx| Pin::new(writer).poll_flush(cx)))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// Writes everything that a reader gives, up to its end, to a writer, flushes that, and gives the number of bytes.
///
/// asyncio: a loop of `read(n)`, `write` and `drain`; `loop.sendfile` for a file.
///
/// It does not close the writer. The buffer is 8 KiB at first and grows up to 64 KiB while reads fill it. The
/// budget of the poll is respected: a reader that is always ready does not starve other tasks.
///
/// # Cancel safety
/// Not safe: what was read and is not written is lost with the future. Poll it through `&mut` and ask
/// [`unwritten`](CopyAll::unwritten) what that is, or use [`copy_buf`], which loses nothing.
///
/// # Errors
/// What the reader or the writer gives; the writer takes nothing more (`WriteZero`).
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let (mut from, mut to) = (&b"hello"[..], Vec::new());
///     assert_eq!(bowerbird::io::copy(&mut from, &mut to).await?, 5);
///     assert_eq!(to, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> CopyAll<'a, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let transfer = Transfer::new(SIZES.0, SIZES.1);
    CopyAll { reader, writer, transfer, leaf: Leaf::new("io::copy") }
}

/// As [`copy`], without a buffer of its own: what was read and is not written stays in the reader.
///
/// asyncio: no counterpart.
///
/// # Cancel safety
/// Nothing is lost: what is not written is in the reader's buffer, and another call goes on.
///
/// # Errors
/// As for [`copy`].
///
/// # Examples
/// ```
/// use bowerbird::io::BufReader;
///
/// bowerbird::run(async {
///     let (mut from, mut to) = (BufReader::new(&b"hello"[..]), Vec::new());
///     assert_eq!(bowerbird::io::copy_buf(&mut from, &mut to).await?, 5);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn copy_buf<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> CopyBuf<'a, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    CopyBuf { reader, writer, count: 0, needs_flush: false, leaf: Leaf::new("io::copy_buf") }
}

/// The future of [`copy`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CopyAll<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    transfer: Transfer,
    leaf: Leaf,
}

impl<R: ?Sized, W: ?Sized> CopyAll<'_, R, W> {
    /// How many bytes were written so far.
    pub fn count(&self) -> u64 {
        self.transfer.count()
    }

    /// What was read, and is not written yet.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::timeout;
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let (mut here, _there) = bowerbird::io::duplex(2);
    ///     let mut from = &b"hello"[..];
    ///     let mut copy = bowerbird::io::copy(&mut from, &mut here);
    ///     assert!(timeout(Duration::from_millis(1), &mut copy).await.is_err());
    ///     assert_eq!((copy.count(), copy.unwritten()), (2, &b"llo"[..]));
    /// });
    /// ```
    pub fn unwritten(&self) -> &[u8] {
        self.transfer.unwritten()
    }
}

impl<R, W> Future for CopyAll<'_, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, writer, transfer, leaf } = self.get_mut();
        transfer.poll_transfer(leaf, cx, &mut **reader, &mut **writer)
    }
}

/// The future of [`copy_buf`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CopyBuf<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    count: u64,
    needs_flush: bool,
    leaf: Leaf,
}

impl<R, W> Future for CopyBuf<'_, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, writer, count, needs_flush, leaf } = self.get_mut();
        loop {
            let moved = step(leaf, cx, |cx| {
                let bytes = ready!(Pin::new(&mut **reader).poll_fill_buf(cx))?;
                if bytes.is_empty() {
                    return Poll::Ready(Ok(0));
                }
                match ready!(Pin::new(&mut **writer).poll_write(cx, bytes))? {
                    0 => Poll::Ready(Err(takes_nothing())),
                    written => Poll::Ready(Ok(written)),
                }
            });
            if let Poll::Ready(Ok(written @ 1..)) = moved {
                Pin::new(&mut **reader).consume(written);
                *count += written as u64;
                *needs_flush = true;
                continue;
            }
            // At the end, or nothing comes for a while. Where the writer is full, this is one call more.
            if *needs_flush && !matches!(moved, Poll::Ready(Err(_))) {
                ready!(step(leaf, cx, |cx| Pin::new(&mut **writer).poll_flush(cx)))?;
                *needs_flush = false;
            }
            return moved.map_ok(|_| *count);
        }
    }
}

impl<R: ?Sized, W: ?Sized> CancelSafe for CopyBuf<'_, R, W> {}

debug_by_name!(CopyAll<'a, R, W>);
debug_by_name!(CopyBuf<'a, R, W>);
