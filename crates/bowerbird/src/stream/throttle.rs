//! `throttle`: values at least so far apart.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep;
use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::throttle`](super::StreamExt::throttle).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Throttle<S> {
        #[pin]
        stream: S,
        duration: Duration,
        // From the last value on.
        pause: Option<Sleep>,
    }
}

impl<S> Throttle<S> {
    pub(super) fn new(stream: S, duration: Duration) -> Self {
        Self { stream, duration, pause: None }
    }
}

impl<S: Stream> Stream for Throttle<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if let Some(pause) = this.pause {
            if pause.poll_elapsed(cx).is_pending() {
                return Poll::Pending;
            }
            *this.pause = None;
        }
        let polled = this.stream.poll_next(cx);
        if matches!(polled, Poll::Ready(Some(_))) && !this.duration.is_zero() {
            *this.pause = Some(sleep(*this.duration));
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
