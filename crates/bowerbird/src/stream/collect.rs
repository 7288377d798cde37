//! `collect`: all values in one collection.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;
use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`StreamExt::collect`](super::StreamExt::collect).
    #[must_use = "futures do nothing unless awaited"]
    pub struct Collect<S, C> {
        #[pin]
        stream: S,
        collected: C,
    }
}

impl<S: Stream, C: Default> Collect<S, C> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, collected: C::default() }
    }
}

impl<S: Stream, C: Default + Extend<S::Item>> Future for Collect<S, C> {
    type Output = C;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C> {
        let mut this = self.project();
        loop {
            // A foreign stream that is always ready must not keep the worker.
            let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(value)) => {
                    this.collected.extend(Some(value));
                    proceed.made_progress();
                }
                Poll::Ready(None) => return Poll::Ready(std::mem::take(this.collected)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Collect<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").field("stream", &self.stream).finish_non_exhaustive()
    }
}
