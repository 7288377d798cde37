//! The reading side.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::sync::Mutex;
use bowerbird_io::Leaf;
use futures_io::AsyncRead;

use super::boxed::poll_leaf;
use super::buffer::{ROOM, ReadBuffer, with_scratch};
use super::connection::Connection;
use super::error::KeptError;
use super::feeder::{Feed, StreamFeeder};
use super::reads::{
    IntoSeparators, Next, Read, ReadExactly, ReadLine, ReadLineRef, ReadToEnd, ReadUntil,
};

/// The limit where nobody sets one.
pub(super) const DEFAULT_LIMIT: usize = 64 * 1024;

/// Reads a connection through a buffer of its own.
///
/// asyncio: `StreamReader`. Nothing reads ahead in the background: the connection is read while somebody waits
/// for it, so a reader that nobody asks exerts back-pressure at once, and its end or failure is learnt of by
/// the next read. Two reads at the same time are a compile error, there a `RuntimeError`.
///
/// **A read that is dropped half-way loses nothing**: what it has read is in the buffer, for the next one. So
/// all of them are [`CancelSafe`](bowerbird_base::cancel_safe::CancelSafe). The buffer holds what was read and
/// not taken, at most twice the limit (but for [`readexactly`](Self::readexactly) and
/// [`read_to_end`](Self::read_to_end), which hold what they are asked for), and no memory while it is empty.
///
/// It is a [`Stream`](futures_core::Stream) of lines, and has the traits of futures-io.
///
/// # Examples
/// ```
/// use bowerbird::streams::StreamReader;
///
/// bowerbird::run(async {
///     let mut reader = StreamReader::new(&b"GET / HTTP/1.1\r\nhost: x\r\n\r\nbody"[..]);
///     assert_eq!(reader.readline().await?, b"GET / HTTP/1.1\r\n");
///     assert_eq!(reader.readuntil(b"\r\n\r\n").await?, b"host: x\r\n\r\n");
///     assert_eq!(reader.readexactly(2).await?, b"bo");
///     assert_eq!(reader.read(100).await?, b"dy");
///     assert!(reader.read(100).await?.is_empty() && reader.at_eof());
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct StreamReader {
    pub(super) buffer: ReadBuffer,
    source: Source,
    pub(super) limit: usize,
    is_eof: bool,
    error: Option<KeptError>,
    /// Of the [`Stream`](futures_core::Stream) and of the `poll_*` forms: whether they are suspended.
    pub(super) is_suspended: bool,
}

/// Where the bytes come from.
pub(super) enum Source {
    Connection(Arc<Connection>),
    /// A stream that only this reader has. The mutex is never locked: it makes the reader `Sync`.
    Stream(Mutex<Pin<Box<dyn AsyncRead + Send>>>),
    Feed(Arc<Feed>),
}

impl StreamReader {
    pub(super) fn over(source: Source) -> Self {
        Self {
            buffer: ReadBuffer::default(),
            source,
            limit: DEFAULT_LIMIT,
            is_eof: false,
            error: None,
            is_suspended: false,
        }
    }

    /// Reads anything that can be read, such as the end of a pipe.
    ///
    /// asyncio: `StreamReader()` with `loop.connect_read_pipe`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamReader;
    ///
    /// bowerbird::run(async {
    ///     let mut reader = StreamReader::new(&b"one\ntwo"[..]);
    ///     assert_eq!(reader.readline().await?, b"one\n");
    ///     assert_eq!(reader.readline().await?, b"two");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn new(stream: impl AsyncRead + Send + 'static) -> Self {
        Self::over(Source::Stream(Mutex::new(Box::pin(stream))))
    }

    /// Makes a reader that is fed by hand, and what feeds it.
    ///
    /// asyncio: `StreamReader()` with `feed_data`, `feed_eof` and `set_exception`, which are the feeder's
    /// here, for whoever reads has the reader to itself.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamReader;
    ///
    /// bowerbird::run(async {
    ///     let (mut reader, feeder) = StreamReader::fed();
    ///     let line = bowerbird::spawn(async move { reader.readline().await });
    ///     feeder.feed_data(b"hel");
    ///     feeder.feed_data(b"lo\n");
    ///     assert_eq!(line.await.unwrap().unwrap(), b"hello\n");
    /// });
    /// ```
    pub fn fed() -> (Self, StreamFeeder) {
        let feed = Arc::new(Feed::default());
        (Self::over(Source::Feed(feed.clone())), StreamFeeder(feed))
    }

    /// Sets how long a line may be, or what [`readuntil`](Self::readuntil) looks for, without the separator.
    ///
    /// asyncio: the argument `limit`; 64 KiB, if it is not set.
    ///
    /// # Panics
    /// The limit is 0.
    #[must_use]
    #[track_caller]
    pub fn with_limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "StreamReader::with_limit(0): the limit cannot be 0; give at least 1");
        self.limit = limit;
        self
    }

    /// Returns the limit.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Reads up to `count` bytes: what is there, at least one. Empty at the end, and if `count` is 0.
    ///
    /// asyncio: `read(n)`; without a number it is [`read_to_end`](Self::read_to_end).
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// The connection failed; each later read says so again.
    #[track_caller]
    pub fn read(&mut self, count: usize) -> Read<'_> {
        Read::new(self, count)
    }

    /// Reads to the end.
    ///
    /// asyncio: `read()`, `read(-1)`; a cancelled one loses what it has read there.
    ///
    /// # Cancel safety
    /// Nothing is lost: what it has read stays in the buffer.
    ///
    /// # Errors
    /// The connection failed.
    #[track_caller]
    pub fn read_to_end(&mut self) -> ReadToEnd<'_> {
        ReadToEnd::new(self, ())
    }

    /// Reads exactly `count` bytes. The limit does not count.
    ///
    /// asyncio: `readexactly(n)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what it has read stays in the buffer.
    ///
    /// # Errors
    /// [`Incomplete`](super::ReadError::Incomplete) if the stream ends before, with what there was, which the
    /// reader has no more; or the connection failed.
    #[track_caller]
    pub fn readexactly(&mut self, count: usize) -> ReadExactly<'_> {
        ReadExactly::new(self, count)
    }

    /// Reads a line, with its `\n`. The last line may have none; empty means the end.
    ///
    /// asyncio: `readline()`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what it has read stays in the buffer.
    ///
    /// # Errors
    /// [`LimitOverrun`](super::ReadError::LimitOverrun) if the line is longer than the limit: the line, or the
    /// part of it that was read, is gone. Or the connection failed.
    #[track_caller]
    pub fn readline(&mut self) -> ReadLine<'_> {
        ReadLine::new(self, ())
    }

    /// Reads a line as [`readline`](Self::readline) does, and lends it: nothing is copied.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost: what it has read stays in the buffer.
    ///
    /// # Errors
    /// As for [`readline`](Self::readline).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamReader;
    ///
    /// bowerbird::run(async {
    ///     let mut reader = StreamReader::new(&b"3\n4\n5\n"[..]);
    ///     let mut sum = 0;
    ///     loop {
    ///         let line = reader.readline_ref().await?;
    ///         if line.is_empty() {
    ///             break;
    ///         }
    ///         sum += std::str::from_utf8(line)?.trim().parse::<u32>()?;
    ///     }
    ///     assert_eq!(sum, 12);
    ///     Ok::<_, bowerbird::BoxError>(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn readline_ref(&mut self) -> ReadLineRef<'_> {
        ReadLineRef::new(self)
    }

    /// Reads up to a separator, and with it. Of several separators that match counts which **ends**
    /// first (of those that end together the shortest, which the limit is for).
    ///
    /// asyncio: `readuntil(separator)`; several are an array or a slice of them, a tuple there.
    ///
    /// # Cancel safety
    /// Nothing is lost: what it has read stays in the buffer.
    ///
    /// # Errors
    /// [`Incomplete`](super::ReadError::Incomplete) if the stream ends before, with what there was;
    /// [`LimitOverrun`](super::ReadError::LimitOverrun) if it is further away than the limit: all stays in
    /// the buffer. Or the connection failed.
    ///
    /// # Panics
    /// A separator is empty, or there is none.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamReader;
    ///
    /// bowerbird::run(async {
    ///     let mut reader = StreamReader::new(&b"one, two; three"[..]);
    ///     assert_eq!(reader.readuntil(b", ").await?, b"one, ");
    ///     assert_eq!(reader.readuntil([b", ", b"; "]).await?, b"two; ");
    ///     Ok::<_, bowerbird::streams::ReadError>(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn readuntil(&mut self, separator: impl IntoSeparators) -> ReadUntil<'_> {
        let separators = separator.into_separators();
        assert!(
            !separators.is_empty(),
            "StreamReader::readuntil([]): separator should contain at least one element"
        );
        assert!(
            separators.iter().all(|one| !one.is_empty()),
            "StreamReader::readuntil: separator should be at least one byte long"
        );
        ReadUntil::new(self, separators)
    }

    /// Reads the next line; `None` at the end.
    ///
    /// asyncio: `async for line in reader`, `anext(reader)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what it has read stays in the buffer.
    ///
    /// # Errors
    /// As for [`readline`](Self::readline).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamReader;
    ///
    /// bowerbird::run(async {
    ///     let mut reader = StreamReader::new(&b"one\ntwo"[..]);
    ///     let mut lines = Vec::new();
    ///     while let Some(line) = reader.next().await {
    ///         lines.push(line?);
    ///     }
    ///     assert_eq!(lines, [&b"one\n"[..], b"two"]);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[allow(clippy::should_implement_trait)] // It is that of streams.
    #[track_caller]
    pub fn next(&mut self) -> Next<'_> {
        Next::new(self, ())
    }

    /// Returns whether the end was read and the buffer is empty. Before a read it is not known that the end
    /// is there.
    ///
    /// asyncio: `at_eof()`.
    pub fn at_eof(&self) -> bool {
        let is_eof = match &self.source {
            Source::Feed(feed) => self.is_eof || feed.is_at_end(),
            _ => self.is_eof,
        };
        is_eof && self.buffer.is_empty()
    }

    /// What was read and not taken.
    ///
    /// asyncio: no counterpart.
    pub fn buffered(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// The error of the connection, if a read has met one.
    ///
    /// asyncio: `exception()`.
    pub fn exception(&self) -> Option<io::Error> {
        match (&self.error, &self.source) {
            (Some(error), _) => Some(error.again()),
            (None, Source::Feed(feed)) => feed.error(),
            (None, _) => None,
        }
    }

    // ----- for the reads -----------------------------------------------------------------------------

    pub(super) fn is_eof(&self) -> bool {
        self.is_eof
    }

    /// A read of nothing is the end.
    pub(super) fn note_end(&mut self, count: usize) {
        self.is_eof |= count == 0;
    }

    /// The error that every read begins with.
    pub(super) fn check(&self) -> io::Result<()> {
        self.exception().map_or(Ok(()), Err)
    }

    /// What was fed before a read is in the buffer when it begins.
    pub(super) fn absorb(&mut self) {
        if let Source::Feed(feed) = &self.source {
            self.buffer.append(&feed.take());
        }
    }

    /// Reads once: more is in the buffer then, or the end or an error was met.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>, leaf: &mut Leaf) -> Poll<()> {
        let room = self.limit.clamp(4096, ROOM);
        let polled = with_scratch(room, |scratch| {
            let polled = self.poll_source(cx, leaf, scratch);
            if let Poll::Ready(Ok(count)) = polled {
                self.buffer.append(&scratch[..count]);
            }
            polled
        });
        match polled {
            Poll::Pending => {
                self.buffer.release();
                return Poll::Pending;
            }
            Poll::Ready(Ok(count)) => self.note_end(count),
            Poll::Ready(Err(error)) => self.failed(error),
        }
        Poll::Ready(())
    }

    pub(super) fn poll_source(
        &mut self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.source {
            Source::Connection(connection) => connection.wire.poll_read(cx, leaf, buffer),
            Source::Stream(stream) => {
                let stream = stream.get_mut();
                poll_leaf(cx, leaf, |cx| stream.as_mut().poll_read(cx, buffer))
            }
            Source::Feed(feed) => poll_leaf(cx, leaf, |cx| feed.poll_take(cx, buffer)),
        }
    }

    #[cold]
    pub(super) fn failed(&mut self, error: io::Error) {
        let error = KeptError::new(error);
        if let Source::Connection(connection) = &self.source {
            // After a close at this end that is the end, however the system puts it.
            if connection.was_closed_here() {
                self.is_eof = true;
                return;
            }
            connection.fail(error.again());
        }
        self.error = Some(error);
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        if let Source::Connection(connection) = &self.source {
            connection.leave_reader();
        }
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StreamReader");
        if !self.buffer.is_empty() {
            shown.field("bytes", &self.buffer.len());
        }
        if self.is_eof {
            shown.field("eof", &true);
        }
        if self.limit != DEFAULT_LIMIT {
            shown.field("limit", &self.limit);
        }
        if let Some(error) = self.exception() {
            shown.field("exception", &error);
        }
        shown.finish()
    }
}
