//! [`AsyncBufReadExt`].

use std::pin::Pin;

use futures_io::AsyncBufRead;

use super::buf_read::{FillBuf, ReadLine, ReadUntil, SkipUntil};
use super::lines::{Lines, Split};

/// Methods of every reader that has a buffer.
///
/// asyncio: `StreamReader`'s `readline` and `readuntil`, for any source of bytes. What has no buffer gets one
/// from [`BufReader`](super::BufReader).
pub trait AsyncBufReadExt: AsyncBufRead {
    /// Waits until there is something in the buffer, and lends it; empty at the end of the stream. What of it
    /// is used has to be [`consume`](Self::consume)d.
    ///
    /// asyncio: no counterpart; `StreamReader.read(n)` copies out of its buffer.
    ///
    /// # Cancel safety
    /// Nothing is lost: it takes nothing out of the buffer.
    ///
    /// # Errors
    /// What the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncBufReadExt, BufReader};
    ///
    /// bowerbird::run(async {
    ///     let mut reader = BufReader::with_capacity(4, &b"hello"[..]);
    ///     assert_eq!(AsyncBufReadExt::fill_buf(&mut reader).await?, b"hell");
    ///     AsyncBufReadExt::consume(&mut reader, 3);
    ///     assert_eq!(AsyncBufReadExt::fill_buf(&mut reader).await?, b"l");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn fill_buf(&mut self) -> FillBuf<'_, Self>
    where
        Self: Unpin,
    {
        FillBuf::new(self)
    }

    /// Takes bytes off the front of the buffer.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// A reader may panic if there are fewer.
    fn consume(&mut self, amount: usize)
    where
        Self: Unpin,
    {
        AsyncBufRead::consume(Pin::new(self), amount);
    }

    /// Appends to `buffer` what comes up to the delimiter, and the delimiter, and returns how many bytes that
    /// are; 0 at the end of the stream. If the stream ends before a delimiter, what there was is given.
    ///
    /// asyncio: `StreamReader.readuntil(separator)`, which has a limit, and an error at the end of the stream.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was read is at the end of the vector, and another call goes on.
    ///
    /// # Errors
    /// What the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncBufReadExt;
    ///
    /// bowerbird::run(async {
    ///     let (mut source, mut piece) = (&b"a,b"[..], Vec::new());
    ///     assert_eq!(AsyncBufReadExt::read_until(&mut source, b',', &mut piece).await?, 2);
    ///     assert_eq!(piece, b"a,");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read_until<'a>(&'a mut self, delimiter: u8, buffer: &'a mut Vec<u8>) -> ReadUntil<'a, Self>
    where
        Self: Unpin,
    {
        ReadUntil::new(self, delimiter, buffer)
    }

    /// Passes over what comes up to the delimiter, and the delimiter, and returns how many bytes that were.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call goes on.
    ///
    /// # Errors
    /// What the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncBufReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut source: &[u8] = b"a,b";
    ///     assert_eq!(AsyncBufReadExt::skip_until(&mut source, b',').await?, 2);
    ///     assert_eq!(source, b"b");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn skip_until(&mut self, delimiter: u8) -> SkipUntil<'_, Self>
    where
        Self: Unpin,
    {
        SkipUntil::new(self, delimiter)
    }

    /// Appends a line to the string, with its line end, and returns its length in bytes; 0 at the end of the
    /// stream.
    ///
    /// asyncio: `StreamReader.readline()`.
    ///
    /// # Cancel safety
    /// Not safe: what was read of the line is lost. [`lines`](Self::lines) keeps it.
    ///
    /// # Errors
    /// The line is no UTF-8 (`InvalidData`; the string is as it was, the line is gone), or what the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncBufReadExt;
    ///
    /// bowerbird::run(async {
    ///     let (mut source, mut line) = (&b"one\ntwo"[..], String::new());
    ///     AsyncBufReadExt::read_line(&mut source, &mut line).await?;
    ///     assert_eq!(line, "one\n");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read_line<'a>(&'a mut self, line: &'a mut String) -> ReadLine<'a, Self>
    where
        Self: Unpin,
    {
        ReadLine::new(self, line)
    }

    /// Gives the lines of the stream, without their line ends.
    ///
    /// asyncio: `async for line in reader`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncBufReadExt;
    /// use bowerbird::stream::StreamExt;
    ///
    /// bowerbird::run(async {
    ///     let mut lines = AsyncBufReadExt::lines(&b"one\ntwo"[..]);
    ///     while let Some(line) = lines.next().await {
    ///         assert_eq!(line?.len(), 3);
    ///     }
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    fn lines(self) -> Lines<Self>
    where
        Self: Sized + Unpin,
    {
        Lines::new(self)
    }

    /// Gives the pieces of the stream between delimiters.
    ///
    /// asyncio: `StreamReader.readuntil(separator)` in a loop.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncBufReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut pieces = AsyncBufReadExt::split(&b"a,b"[..], b',');
    ///     assert_eq!(pieces.next_segment().await?.unwrap(), b"a");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    fn split(self, delimiter: u8) -> Split<Self>
    where
        Self: Sized + Unpin,
    {
        Split::new(self, delimiter)
    }
}

impl<R: AsyncBufRead + ?Sized> AsyncBufReadExt for R {}
