//! `chunks_timeout`: values in lists, none kept for long.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep;
use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::chunks_timeout`](super::StreamExt::chunks_timeout).
    ///
    /// Values that wait for their list to be full are in the stream: a `next` that is dropped loses none of
    /// them, and [`into_remainder`](Self::into_remainder) gives them.
    #[must_use = "streams do nothing unless polled"]
    pub struct ChunksTimeout<S: Stream> {
        // None when it has ended.
        #[pin]
        stream: Option<S>,
        max_size: usize,
        duration: Duration,
        chunk: Vec<S::Item>,
        // From the first value of the chunk on.
        limit: Option<Sleep>,
    }
}

impl<S: Stream> ChunksTimeout<S> {
    pub(super) fn new(stream: S, max_size: usize, duration: Duration) -> Self {
        Self { stream: Some(stream), max_size, duration, chunk: Vec::new(), limit: None }
    }

    /// Gives the values that have come and were not given yet.
    pub fn into_remainder(self) -> Vec<S::Item> {
        self.chunk
    }
}

impl<S: Stream> Stream for ChunksTimeout<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        while let Some(stream) = this.stream.as_mut().as_pin_mut() {
            match stream.poll_next(cx) {
                Poll::Ready(Some(value)) => {
                    if this.chunk.is_empty() {
                        *this.limit = Some(sleep(*this.duration));
                    }
                    this.chunk.push(value);
                    if this.chunk.len() == *this.max_size {
                        break;
                    }
                }
                Poll::Ready(None) => this.stream.set(None),
                Poll::Pending => {
                    let Some(limit) = this.limit else { return Poll::Pending };
                    if limit.poll_elapsed(cx).is_pending() {
                        return Poll::Pending;
                    }
                    break;
                }
            }
        }
        *this.limit = None;
        let chunk = std::mem::take(this.chunk);
        Poll::Ready((!chunk.is_empty()).then_some(chunk))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint);
        let waiting = self.chunk.len();
        let upper = upper.and_then(|upper| upper.checked_add(waiting));
        (lower.saturating_add(waiting).div_ceil(self.max_size), upper)
    }
}

impl<S: Stream> fmt::Debug for ChunksTimeout<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunksTimeout")
            .field("max_size", &self.max_size)
            .field("duration", &self.duration)
            .field("waiting", &self.chunk.len())
            .finish_non_exhaustive()
    }
}
