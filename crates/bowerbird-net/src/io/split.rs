//! Two halves of any stream.
//!
//! The halves share the stream in a box under a lock. A half that polls takes it out, polls it **without** the
//! lock, and puts it back: so no code of the stream, and no waker, runs under the lock. A half that finds nothing
//! there leaves its waker; whoever puts the stream back wakes it.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::sync::Mutex;
use futures_io::{AsyncRead, AsyncWrite};

/// Splits any stream into a reading and a writing half, for two tasks.
///
/// asyncio: the two values of `open_connection`. The streams of the module `net` have an `into_split` of their
/// own, whose halves need no lock. The stream is dropped with the second half; dropping one ends nothing.
///
/// # Examples
/// ```
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
///
/// bowerbird::run(async {
///     let (here, mut there) = bowerbird::io::duplex(64);
///     let (mut reader, mut writer) = bowerbird::io::split(here);
///     let question = bowerbird::spawn(async move { writer.write_all(b"question").await });
///     there.write_all(b"answer").await?;
///     let mut answer = [0; 6];
///     reader.read_exact(&mut answer).await?;
///     question.await.unwrap()?;
///     assert_eq!(&answer, b"answer");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn split<S: AsyncRead + AsyncWrite>(stream: S) -> (ReadHalf<S>, WriteHalf<S>) {
    let state = State { stream: Some(Box::pin(stream)), waiting: None };
    let shared = Arc::new(Shared(Mutex::new(state)));
    (ReadHalf(shared.clone()), WriteHalf(shared))
}

struct Shared<S>(Mutex<State<S>>);

struct State<S> {
    /// `None` while a half polls it.
    stream: Option<Pin<Box<S>>>,
    /// The half that waits for that. There are two halves, so it is one.
    waiting: Option<Waker>,
}

/// The reading half of a stream, from [`split`].
pub struct ReadHalf<S>(Arc<Shared<S>>);

/// The writing half of a stream, from [`split`].
pub struct WriteHalf<S>(Arc<Shared<S>>);

/// Puts the stream back, also when its poll panics.
struct Lent<'a, S> {
    shared: &'a Shared<S>,
    stream: Option<Pin<Box<S>>>,
}

impl<S> Drop for Lent<'_, S> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.shared.0.lock();
            state.stream = self.stream.take();
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl<S> Shared<S> {
    fn poll_with<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Some(stream) = self.take(cx) else { return Poll::Pending };
        let mut lent = Lent { shared: self, stream: Some(stream) };
        match &mut lent.stream {
            Some(stream) => poll(stream.as_mut(), cx),
            None => unreachable!("put there above"),
        }
    }

    /// Takes the stream, or leaves the waker for when it is back.
    fn take(&self, cx: &mut Context<'_>) -> Option<Pin<Box<S>>> {
        let stream = self.0.lock().stream.take();
        if stream.is_some() {
            return stream;
        }
        let waker = cx.waker().clone();
        let (stream, old) = {
            let mut state = self.0.lock();
            match state.stream.take() {
                Some(stream) => (Some(stream), Some(waker)),
                None => (None, state.waiting.replace(waker)),
            }
        };
        drop(old);
        stream
    }
}

impl<S> ReadHalf<S> {
    /// Returns whether both halves are of one stream.
    pub fn is_pair_of(&self, other: &WriteHalf<S>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Puts the stream together again.
    ///
    /// # Errors
    /// The halves are of different streams; they are in the error.
    ///
    /// # Examples
    /// ```
    /// let (here, _there) = bowerbird::io::duplex(64);
    /// let (reader, writer) = bowerbird::io::split(here);
    /// let here: bowerbird::io::DuplexStream = reader.reunite(writer).unwrap();
    /// # drop(here);
    /// ```
    pub fn reunite(self, other: WriteHalf<S>) -> Result<S, ReuniteError<S>>
    where
        S: Unpin,
    {
        if !self.is_pair_of(&other) {
            return Err(ReuniteError(self, other));
        }
        drop(other);
        let stream = self.0.0.lock().stream.take();
        match stream {
            Some(stream) => Ok(*Pin::into_inner(stream)),
            None => unreachable!("only a poll of a half takes it out, and puts it back"),
        }
    }
}

impl<S: AsyncRead> AsyncRead for ReadHalf<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_with(cx, |stream, cx| stream.poll_read(cx, buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_with(cx, |stream, cx| stream.poll_read_vectored(cx, buffers))
    }
}

impl<S: AsyncWrite> AsyncWrite for WriteHalf<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_with(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_with(cx, |stream, cx| stream.poll_write_vectored(cx, buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_with(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_with(cx, |stream, cx| stream.poll_close(cx))
    }
}

impl<S> fmt::Debug for ReadHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for WriteHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}

/// The error of [`ReadHalf::reunite`]: the halves of two streams.
pub struct ReuniteError<S>(pub ReadHalf<S>, pub WriteHalf<S>);

impl<S> fmt::Debug for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReuniteError").field(&self.0).field(&self.1).finish()
    }
}

impl<S> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves belong to different streams")
    }
}

impl<S> Error for ReuniteError<S> {}
