//! [`AsyncSeekExt`] and its future.

use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_io::Leaf;
use futures_io::AsyncSeek;

use super::step::{future_of_steps, step};

/// Methods of everything that has a position.
///
/// asyncio: the `seek` and `tell` of Python's files.
pub trait AsyncSeekExt: AsyncSeek {
    /// Moves to a position, in bytes, and gives it as counted from the beginning.
    ///
    /// asyncio: `file.seek(offset, whence)`.
    ///
    /// # Cancel safety
    /// Not safe: it may have moved or not.
    ///
    /// # Errors
    /// What the source gives; a position before the beginning is `InvalidInput`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncReadExt, AsyncSeekExt, Cursor};
    /// use std::io::SeekFrom;
    ///
    /// bowerbird::run(async {
    ///     let mut cursor = Cursor::new(b"hello");
    ///     assert_eq!(cursor.seek(SeekFrom::End(-1)).await?, 4);
    ///     assert_eq!(cursor.read_u8().await?, b'o');
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn seek(&mut self, position: SeekFrom) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        Seek::new("AsyncSeekExt::seek", self, position)
    }

    /// Gives the position, as counted from the beginning.
    ///
    /// asyncio: `file.tell()`.
    ///
    /// # Cancel safety
    /// Not safe, as [`seek`](Self::seek).
    ///
    /// # Errors
    /// What the source gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncReadExt, AsyncSeekExt, Cursor};
    ///
    /// bowerbird::run(async {
    ///     let mut cursor = Cursor::new(b"hello");
    ///     cursor.read_u16().await?;
    ///     assert_eq!(cursor.stream_position().await?, 2);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn stream_position(&mut self) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        Seek::new("AsyncSeekExt::stream_position", self, SeekFrom::Current(0))
    }

    /// Moves to the beginning.
    ///
    /// asyncio: `file.seek(0)`.
    ///
    /// # Cancel safety
    /// Not safe, as [`seek`](Self::seek).
    ///
    /// # Errors
    /// What the source gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncReadExt, AsyncSeekExt, Cursor};
    ///
    /// bowerbird::run(async {
    ///     let mut cursor = Cursor::new(b"hello");
    ///     cursor.read_u16().await?;
    ///     cursor.rewind().await?;
    ///     assert_eq!(cursor.read_u8().await?, b'h');
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn rewind(&mut self) -> Seek<'_, Self>
    where
        Self: Unpin,
    {
        Seek::new("AsyncSeekExt::rewind", self, SeekFrom::Start(0))
    }
}

impl<S: AsyncSeek + ?Sized> AsyncSeekExt for S {}

/// The future of the methods of [`AsyncSeekExt`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Seek<'a, S: ?Sized> {
    source: &'a mut S,
    position: SeekFrom,
    leaf: Leaf,
}

impl<'a, S: AsyncSeek + Unpin + ?Sized> Seek<'a, S> {
    #[track_caller]
    fn new(call: &'static str, source: &'a mut S, position: SeekFrom) -> Self {
        Self { source, position, leaf: Leaf::new(call) }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let Self { source, position, leaf } = self;
        step(leaf, cx, |cx| Pin::new(&mut **source).poll_seek(cx, *position))
    }
}

future_of_steps! {
    Seek<'a, S: AsyncSeek> => u64;
}
