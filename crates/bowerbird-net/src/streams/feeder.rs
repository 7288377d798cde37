//! Readers that are fed by hand.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::sync::Mutex;

use super::error::KeptError;

#[derive(Default)]
struct State {
    data: Vec<u8>,
    is_eof: bool,
    error: Option<KeptError>,
    reader: Option<Waker>,
}

/// What feeder and reader share.
#[derive(Default)]
pub(super) struct Feed(Mutex<State>);

impl Feed {
    /// Takes what there is.
    pub(super) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut waker = Some(cx.waker().clone());
        let polled = {
            let mut state = self.0.lock();
            std::mem::swap(&mut state.reader, &mut waker);
            if let Some(error) = &state.error {
                Poll::Ready(Err(error.again()))
            } else if state.data.is_empty() && !state.is_eof {
                Poll::Pending
            } else {
                let count = state.data.len().min(buffer.len());
                buffer[..count].copy_from_slice(&state.data[..count]);
                state.data.drain(..count);
                Poll::Ready(Ok(count))
            }
        };
        drop(waker);
        polled
    }

    /// Takes all there is, without waiting.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().data)
    }

    pub(super) fn is_at_end(&self) -> bool {
        let state = self.0.lock();
        state.is_eof && state.data.is_empty()
    }

    pub(super) fn error(&self) -> Option<io::Error> {
        self.0.lock().error.as_ref().map(KeptError::again)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.0.lock();
            change(&mut state);
            state.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Feeds a [`StreamReader`](super::StreamReader) by hand: in tests, or from a protocol's callbacks.
///
/// asyncio: the methods of `StreamReader` that a `StreamReaderProtocol` calls.
///
/// # Examples
/// ```
/// use bowerbird::streams::StreamReader;
///
/// bowerbird::run(async {
///     let (mut reader, feeder) = StreamReader::fed();
///     feeder.feed_data(b"hello");
///     feeder.feed_eof();
///     assert_eq!(reader.read_to_end().await?, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Clone)]
pub struct StreamFeeder(pub(super) Arc<Feed>);

impl StreamFeeder {
    /// Gives the reader more bytes.
    ///
    /// asyncio: `feed_data(data)`. Nobody is paused: ask [`pending`](Self::pending).
    ///
    /// # Panics
    /// After `feed_eof`.
    #[track_caller]
    pub fn feed_data(&self, data: impl AsRef<[u8]>) {
        let data = data.as_ref();
        if data.is_empty() {
            return;
        }
        let mut is_late = false;
        self.0.change(|state| {
            is_late = state.is_eof;
            if !is_late {
                state.data.extend_from_slice(data);
            }
        });
        assert!(!is_late, "feed_data() after feed_eof(): nothing can follow the end");
    }

    /// Ends the stream.
    ///
    /// asyncio: `feed_eof()`.
    pub fn feed_eof(&self) {
        self.0.change(|state| state.is_eof = true);
    }

    /// Lets each read fail, also those of what is in the buffer.
    ///
    /// asyncio: `set_exception(exc)`.
    pub fn set_exception(&self, error: io::Error) {
        let error = KeptError::new(error);
        self.0.change(|state| state.error = Some(error));
    }

    /// How many bytes were fed and not yet taken into the reader's buffer.
    ///
    /// asyncio: no counterpart; a reader whose buffer is twice its limit pauses its transport there.
    pub fn pending(&self) -> usize {
        self.0.0.lock().data.len()
    }
}

impl fmt::Debug for StreamFeeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamFeeder").field("pending", &self.pending()).finish()
    }
}
