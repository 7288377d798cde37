//! Everything from each of two streams to the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_io::Leaf;
use futures_io::{AsyncRead, AsyncWrite};

use super::copy::{SIZES, Transfer};
use super::step::{debug_by_name, step};

/// Copies in both directions between two streams, until both have ended, and gives the number of bytes from `a` to
/// `b` and from `b` to `a`.
///
/// asyncio: two tasks with loops of `read`, `write`, `drain` and `write_eof`.
///
/// Where one stream ends, the writing direction of the other is closed, and the opposite direction goes on: a
/// half-closed connection stays one. Buffers are as for [`copy`](super::copy).
///
/// # Cancel safety
/// Not safe: what was read and is not written is lost with the future.
///
/// # Errors
/// The first error of either direction; the other one is then given up as it is.
///
/// # Examples
/// ```
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};
///
/// bowerbird::run(async {
///     let ((mut client, mut a), (mut b, mut server)) = (duplex(64), duplex(64));
///     let proxy = bowerbird::spawn(async move { copy_bidirectional(&mut a, &mut b).await });
///     client.write_all(b"question").await?;
///     client.close().await?;
///     let mut question = String::new();
///     server.read_to_string(&mut question).await?;
///     server.write_all(b"answer").await?;
///     server.close().await?;
///     assert_eq!(proxy.await.unwrap()?, (8, 6));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn copy_bidirectional<'a, A, B>(a: &'a mut A, b: &'a mut B) -> CopyBidirectional<'a, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let new = || Direction::new(Transfer::new(SIZES.0, SIZES.1));
    let leaf = Leaf::new("io::copy_bidirectional");
    CopyBidirectional { a, b, a_to_b: new(), b_to_a: new(), leaf }
}

/// As [`copy_bidirectional`], with buffers of these sizes.
///
/// asyncio: as there.
///
/// # Cancel safety
/// Not safe: what was read and is not written is lost with the future.
///
/// # Errors
/// As for [`copy_bidirectional`].
///
/// # Panics
/// If a size is 0.
#[track_caller]
pub fn copy_bidirectional_with_sizes<'a, A, B>(
    a: &'a mut A,
    b: &'a mut B,
    a_to_b: usize,
    b_to_a: usize,
) -> CopyBidirectional<'a, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    assert!(
        a_to_b > 0 && b_to_a > 0,
        "copy_bidirectional_with_sizes: a buffer of 0 bytes ({a_to_b}, {b_to_a}); give each at least 1"
    );
    let new = |size| Direction::new(Transfer::new(size, size));
    let leaf = Leaf::new("io::copy_bidirectional_with_sizes");
    CopyBidirectional { a, b, a_to_b: new(a_to_b), b_to_a: new(b_to_a), leaf }
}

/// One direction.
struct Direction {
    transfer: Transfer,
    stage: Stage,
    leaf: Leaf,
}

enum Stage {
    Copying,
    Closing,
    Done,
}

impl Direction {
    fn new(transfer: Transfer) -> Self {
        Self { transfer, stage: Stage::Copying, leaf: Leaf::part(None) }
    }

    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        let Self { transfer, stage, leaf } = self;
        if matches!(stage, Stage::Copying) {
            ready!(transfer.poll_transfer(leaf, cx, reader, writer))?;
            *stage = Stage::Closing;
        }
        if matches!(stage, Stage::Closing) {
            ready!(step(leaf, cx, |cx| Pin::new(writer).poll_close(cx)))?;
            *stage = Stage::Done;
        }
        Poll::Ready(Ok(transfer.count()))
    }
}

/// The future of [`copy_bidirectional`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CopyBidirectional<'a, A: ?Sized, B: ?Sized> {
    a: &'a mut A,
    b: &'a mut B,
    a_to_b: Direction,
    b_to_a: Direction,
    leaf: Leaf,
}

impl<A: ?Sized, B: ?Sized> CopyBidirectional<'_, A, B> {
    /// How many bytes were written so far, from `a` to `b` and from `b` to `a`.
    pub fn counts(&self) -> (u64, u64) {
        (self.a_to_b.transfer.count(), self.b_to_a.transfer.count())
    }

    /// What was read and is not written yet, from `a` to `b` and from `b` to `a`.
    pub fn unwritten(&self) -> (&[u8], &[u8]) {
        (self.a_to_b.transfer.unwritten(), self.b_to_a.transfer.unwritten())
    }
}

impl<A, B> Future for CopyBidirectional<'_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<(u64, u64)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { a, b, a_to_b, b_to_a, leaf } = self.get_mut();
        leaf.polled();
        let forth = a_to_b.poll(cx, &mut **a, &mut **b)?;
        let back = b_to_a.poll(cx, &mut **b, &mut **a)?;
        match (forth, back) {
            (Poll::Ready(forth), Poll::Ready(back)) => Poll::Ready(Ok((forth, back))),
            _ => Poll::Pending,
        }
    }
}

debug_by_name!(CopyBidirectional<'a, A, B>);
