//! `timeout`: an error where a value takes too long.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::TimeoutError;

pin_project! {
    /// The stream of [`StreamExt::timeout`](super::StreamExt::timeout).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Timeout<S> {
        #[pin]
        stream: S,
        duration: Duration,
        wait: Wait,
    }
}

/// The wait for one value.
#[derive(Debug)]
enum Wait {
    /// Nobody has asked for the value yet.
    Fresh,
    Limited(Sleep),
    /// The error was given; the value may take its time.
    Late,
}

impl<S> Timeout<S> {
    pub(super) fn new(stream: S, duration: Duration) -> Self {
        Self { stream, duration, wait: Wait::Fresh }
    }
}

impl<S: Stream> Stream for Timeout<S> {
    type Item = Result<S::Item, TimeoutError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Poll::Ready(value) = this.stream.poll_next(cx) {
            *this.wait = Wait::Fresh;
            return Poll::Ready(value.map(Ok));
        }
        if let Wait::Fresh = this.wait {
            *this.wait = Wait::Limited(sleep(*this.duration));
        }
        let Wait::Limited(sleep) = this.wait else { return Poll::Pending };
        if sleep.poll_due(cx).is_pending() {
            return Poll::Pending;
        }
        *this.wait = Wait::Late;
        Poll::Ready(Some(Err(TimeoutError::new())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Each value may have an error before it, and so may the end.
        let (lower, upper) = self.stream.size_hint();
        (lower, upper.and_then(|upper| upper.checked_mul(2)?.checked_add(1)))
    }
}
